//! The state machine of a session as a table (draft-ietf-calsch-cap-04 section 3): what may happen, in which state,
//! and what is done about it. How it is done is [`super::Channel`]'s.

/// Where a session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Greeted, nobody logged in.
    Connected,
    /// In the exchange of a SASL mechanism.
    Authenticating,
    /// Logged in, and nothing is being worked on.
    Identified,
    /// Between SENDDATA and the lone dot.
    Data,
    /// What SENDDATA brought is being worked on.
    Receive,
    /// Over: what is outgoing is sent, what comes in is ignored.
    Closed,
}

impl State {
    /// The states that have a column in [`TABLE`], in its order.
    pub const ALL: [Self; 5] = [
        Self::Connected,
        Self::Authenticating,
        Self::Identified,
        Self::Data,
        Self::Receive,
    ];
}

/// What can happen to a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A command line that opens with this word; any letter case is taken.
    Verb(&'static str),
    /// A command line that opens with no known word.
    UnknownVerb,
    /// A line of a SASL exchange.
    Answer,
    /// A line of an object.
    DataLine,
    /// The line that ends an object.
    LoneDot,
    /// What was worked on is done.
    Done,
    /// The time that the client allowed for it is over.
    Late,
    /// The client has let its question wait for too long, or the work takes longer than the server allows.
    TooLate,
    /// No command came for AUTOLOGOUTTIME.
    Idle,
    /// The client takes too long over a message of a login, or over an object.
    Slow,
    /// The server is told to stop.
    Stop,
    /// The client has gone.
    Gone,
}

/// What is done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// 2.0 with the capability lines.
    Capability,
    /// 2.0.
    Noop,
    /// 2.0.12, the handshake, 2.0. 6.5 where TLS is not to be had; 9.1 and close inside TLS or once AUTHENTICATE was
    /// tried.
    StartTls,
    /// Begins the exchange of a mechanism: to Authenticating. 9.1 and close after the last attempt allowed.
    Authenticate,
    /// Goes on with the exchange: to Identified, or back to Connected.
    Respond,
    /// 2.0 with the identity the session has from now on.
    Identify,
    /// 2.0 with addresses of calendars.
    ExpandCalendar,
    /// The same for a user or a group.
    ExpandUser,
    /// 2.0 with fresh UIDs.
    GenerateUids,
    /// 2.0.1: to Data.
    SendData,
    /// Adds to the object.
    Collect,
    /// Starts to work on the object, or puts it behind others: to Receive.
    Work,
    /// Sends what came of it: to Identified when nothing is left to do.
    Answer,
    /// 2.0.2: asks whether to go on.
    Ask,
    /// Goes on after that question; 2.2 when there was none.
    Continue,
    /// Stops the work: 2.0.3. 2.2 when there is none.
    Abort,
    /// Stops the work: 7.0.
    GiveUp,
    /// Remembers the line, and carries it out after what is being worked on.
    Queue,
    /// 2.2: there is nothing to continue or abort.
    NothingPending,
    /// 2.0 and close; work is given up.
    Disconnect,
    /// 10.2 and close.
    SayStopping,
    /// The same, after what is being worked on.
    FinishFirst,
    /// Closes without a word; work is given up.
    Close,
    /// 9.0, and the state stays.
    Unrecognised,
    /// 9.1, and the state stays.
    Refuse,
    /// 9.1 and close.
    Terminate,
    /// This is of no matter here, or cannot happen.
    Nothing,
}

/// Something that can happen and what is done about it in each state.
#[derive(Debug)]
pub struct Row {
    /// What happens.
    pub event: Event,
    /// Least and most words after a verb.
    pub words: (usize, usize),
    /// What is done, in the order of [`State::ALL`].
    actions: [Action; 5],
}

impl Row {
    /// What is done in `state`.
    pub fn action(&self, state: State) -> Action {
        let column = State::ALL.iter().position(|column| *column == state);
        column.map_or(Action::Nothing, |column| self.actions[column])
    }
}

/// The verbs in the order of the draft's command list, then what happens without one.
#[rustfmt::skip]
pub const TABLE: [Row; 23] = {
    use Action::*;
    use Event::Verb;
    const fn row(
        event: Event, words: (usize, usize), connected: Action, authenticating: Action,
        identified: Action, data: Action, receive: Action,
    ) -> Row {
        Row { event, words, actions: [connected, authenticating, identified, data, receive] }
    }
    [
        //                          words   Connected     Authenticating Identified      Data         Receive
        row(Verb("CAPABILITY"),     (0, 0), Capability,   Nothing,       Capability,     Nothing,     Queue),
        row(Verb("STARTTLS"),       (0, 0), StartTls,     Nothing,       Terminate,      Nothing,     Terminate),
        row(Verb("AUTHENTICATE"),   (1, 2), Authenticate, Nothing,       Terminate,      Nothing,     Terminate),
        row(Verb("IDENTIFY"),       (0, 1), Refuse,       Nothing,       Identify,       Nothing,     Queue),
        row(Verb("CALIDEXPAND"),    (1, 1), Refuse,       Nothing,       ExpandCalendar, Nothing,     Queue),
        row(Verb("UPNEXPAND"),      (1, 1), Refuse,       Nothing,       ExpandUser,     Nothing,     Queue),
        row(Verb("GENERATEUID"),    (1, 1), Refuse,       Nothing,       GenerateUids,   Nothing,     Queue),
        row(Verb("SENDDATA"),       (0, 1), Refuse,       Nothing,       SendData,       Nothing,     SendData),
        row(Verb("CONTINUE"),       (0, 3), Refuse,       Nothing,       NothingPending, Nothing,     Continue),
        row(Verb("ABORT"),          (0, 2), Refuse,       Nothing,       NothingPending, Nothing,     Abort),
        row(Verb("NOOP"),           (0, 0), Noop,         Nothing,       Noop,           Nothing,     Queue),
        row(Verb("DISCONNECT"),     (0, 0), Disconnect,   Nothing,       Disconnect,     Nothing,     Disconnect),
        row(Event::UnknownVerb,     (0, 0), Unrecognised, Nothing,       Unrecognised,   Nothing,     Queue),
        row(Event::Answer,          (0, 0), Nothing,      Respond,       Nothing,        Nothing,     Nothing),
        row(Event::DataLine,        (0, 0), Nothing,      Nothing,       Nothing,        Collect,     Nothing),
        row(Event::LoneDot,         (0, 0), Nothing,      Nothing,       Nothing,        Work,        Nothing),
        // The next object may be on its way while the one before is worked on.
        row(Event::Done,            (0, 0), Nothing,      Nothing,       Nothing,        Answer,      Answer),
        row(Event::Late,            (0, 0), Nothing,      Nothing,       Nothing,        Ask,         Ask),
        row(Event::TooLate,         (0, 0), Nothing,      Nothing,       Nothing,        GiveUp,      GiveUp),
        row(Event::Idle,            (0, 0), Close,        Nothing,       Close,          Nothing,     Nothing),
        row(Event::Slow,            (0, 0), Nothing,      Close,         Nothing,        Close,       Nothing),
        row(Event::Stop,            (0, 0), SayStopping,  SayStopping,   SayStopping,    FinishFirst, FinishFirst),
        row(Event::Gone,            (0, 0), Close,        Close,         Close,          Close,       Close),
    ]
};

/// The row of an event that is no verb, and of verbs written in capitals.
pub fn row(event: Event) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.event == event)
}

/// The row of a command line and the octets after its verb; that of the unknown verb when it opens with none.
///
/// A verb is followed by spaces or by one `:`; the draft uses both. Section 7.1.
pub fn recognise(line: &[u8]) -> (Option<&'static Row>, &[u8]) {
    let end = line
        .iter()
        .position(|octet| !octet.is_ascii_alphabetic())
        .unwrap_or(line.len());
    let (word, rest) = line.split_at(end);
    let (ends, rest) = match rest {
        [] => (true, rest),
        [b' ' | b'\t' | b':', rest @ ..] => (true, rest),
        _ => (false, rest),
    };
    let named = TABLE.iter().find(|row| match row.event {
        Event::Verb(verb) => ends && verb.as_bytes().eq_ignore_ascii_case(word),
        _ => false,
    });
    (named.or_else(|| row(Event::UnknownVerb)), rest)
}
