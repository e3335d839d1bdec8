//! Every bound of the server in one table: name, unit, default and reason.
//!
//! The configuration section `[limits]`, its printed form and the documentation read the same rows. Code gets a
//! [`Limits`] handed in and never a constant, so that a test can lower a bound and pass it. Parsing and printing
//! of the values is the work of the configuration, not of this file.

use std::time::Duration;

/// What the number of a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Things: instances, parameters, connections.
    Count,
    /// Octets; written as `64 KiB`.
    Bytes,
    /// Seconds; written as `30m`.
    Time,
}

/// One limit, as the configuration and the documentation see it.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The key in `[limits]`, also the field of [`Limits`].
    pub name: &'static str,
    /// What the number counts.
    pub unit: Unit,
    /// What is bounded and why at this value; one sentence or two, the lines of the doc comment.
    pub doc: &'static [&'static str],
    /// Reads the limit: things, octets or seconds.
    pub get: fn(&Limits) -> u64,
    /// Sets the limit: things, octets or seconds. Numbers beyond the machine's word saturate.
    pub set: fn(&mut Limits, u64),
}

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const MINUTE: u64 = 60;
const YEAR: u64 = 365 * 86_400;

/// The representation of a limit: `usize` for counts and octets, [`Duration`] for times.
trait Number: Copy {
    fn from_u64(value: u64) -> Self;
    fn to_u64(self) -> u64;
}

impl Number for usize {
    fn from_u64(value: u64) -> Self {
        Self::try_from(value).unwrap_or(Self::MAX)
    }
    fn to_u64(self) -> u64 {
        u64::try_from(self).unwrap_or(u64::MAX)
    }
}

impl Number for Duration {
    fn from_u64(value: u64) -> Self {
        Self::from_secs(value)
    }
    fn to_u64(self) -> u64 {
        self.as_secs()
    }
}

macro_rules! limits {
    ($($(#[doc = $doc:literal])+ $name:ident: $type:ty, $unit:ident = $default:expr;)*) => {
        /// The bounds in force. Zero is no special value: it allows nothing.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct Limits {
            $($(#[doc = $doc])+ pub $name: $type,)*
        }

        impl Default for Limits {
            fn default() -> Self {
                Self { $($name: Number::from_u64($default),)* }
            }
        }

        /// All limits, in the order of the documentation.
        pub const ROWS: &[Row] = &[$(Row {
            name: stringify!($name),
            unit: Unit::$unit,
            doc: &[$($doc),+],
            get: |limits| limits.$name.to_u64(),
            set: |limits, value| limits.$name = Number::from_u64(value),
        },)*];
    };
}

limits! {
    // Calendar data.

    /// Instances one request may expand to before it fails; announced to clients as
    /// X-NSCP-RECURRENCE-BOUND and RECUR_LIMIT. Ten thousand is 27 years of a daily series.
    instances: usize, Count = 10_000;
    /// How far beyond the later of now and the start an endless rule is expanded when the range is open.
    open_end: Duration, Time = YEAR;
    /// Candidate dates examined for one expansion; bounds rules that never match. About a second of work.
    expansion_steps: usize, Count = 5_000_000;
    /// Text of one calendar object: a master, its overrides and its time zones. Attachments count.
    object_size: usize, Bytes = MIB;
    /// One content line, unfolded. As an object, so that an inline attachment may fill it.
    line_length: usize, Bytes = MIB;
    /// Components inside components. The standard needs four levels; CAP's queries a few more.
    nesting: usize, Count = 32;
    /// Components of one parsed text. Room for the largest import, an end for a text of nothing but BEGIN lines.
    components: usize, Count = 4_000_000;
    /// Attendees of one item. Each becomes an index row and, for an organizer, a message.
    attendees: usize, Count = 2_000;
    /// Links to items of other calendars that one calendar holds. Each fetch of the calendar looks at all of them.
    links: usize, Count = 2_000;
    /// Groups inside groups that are followed to see whether somebody is meant by a right.
    group_levels: usize, Count = 16;
    /// Members a group that is invited is expanded to; of a larger one the first are invited (errno 43), as in
    /// Calendar Server.
    group_members: usize, Count = 200;
    /// People of a meeting up to which each answer is carried on to all the others. In a larger one an answer would
    /// write as many calendars as there are answers to come; its people read them at the organizer's next change.
    schedule_refresh: usize, Count = 200;
    /// Scheduling messages about one item that wait in a calendar's queue.
    queued_messages: usize, Count = 100;
    /// What one change writes for its attendees together; who comes after that is not told (a failed delivery). A
    /// meeting of thousands with a long text would fill the disk.
    schedule_bytes: usize, Bytes = 64 * MIB;
    /// Messages in the outbox, one for each recipient. When it is full a change is stored, and says that nobody was
    /// mailed (errno 33).
    outbox: usize, Count = 100_000;
    /// Longest wait for one answer of another calendar store.
    relay_time: Duration, Time = 30;
    /// Time to reach another calendar store while a client waits; after that a message to it goes into the outbox.
    relay_try: Duration, Time = 5;
    /// Time after which a message that did not arrive at another calendar store is given up.
    relay_life: Duration, Time = 72 * 60 * MINUTE;
    /// Messages carried to other calendar stores in one go; they are in memory meanwhile.
    relay_batch: usize, Count = 100;
    /// Times that one command follows a calendar which has moved to another store (10.1).
    relay_hops: usize, Count = 3;
    /// Attachments that one message for people elsewhere carries. Most mail servers refuse more than 25 MiB, and on the
    /// way octets become a third more.
    mail_attachments: usize, Bytes = 10 * MIB;
    /// Overrides of one series. All of them are read to expand one.
    overrides: usize, Count = 5_000;

    // Calendars and people.

    /// Calendars one user may own first. All of them are named to every client that starts.
    calendars_per_user: usize, Count = 1_000;
    /// Levels of calendars within calendars. Rights may come from any of those above.
    calendar_levels: usize, Count = 16;
    /// Display name of a calendar. Clients are told all names of their user's calendars at every start.
    calendar_name: usize, Bytes = KIB;
    /// All texts of one calendar's properties together, the access list included. They stand in every answer about it,
    /// and a search answers with many.
    calendar_size: usize, Bytes = 32 * KIB;
    /// Entries of one access list. All of them are read by every request about the calendar.
    acl_entries: usize, Count = 500;
    /// Further owners of one calendar.
    owners: usize, Count = 100;
    /// Values of one user's preferences, each calendar on a list of subscriptions counting as one.
    preferences: usize, Count = 2_000;
    /// All names and values of one user's preferences together. Clients ask for them at every start.
    preferences_size: usize, Bytes = 64 * KIB;
    /// Calendars a search by parts of names looks through. A hundred thousand take about 50 ms; where there are
    /// more than this, only whole calids and owners are found.
    search_calendars: usize, Count = 500_000;
    /// Calendars one search answers, whatever it asks for. Each takes about a kilobyte of the answer.
    search_results: usize, Count = 1_000;

    // Requests.

    /// One decoded parameter value of a request. Real descriptions stay below a tenth of it.
    value_length: usize, Bytes = 64 * KIB;
    /// Parameters of one request. The largest command knows about 80 names.
    parameters: usize, Count = 1_000;
    /// Body of a request other than an import.
    request_body: usize, Bytes = 10 * MIB;
    /// Body of an import request. It is parsed in memory, at about five times its size.
    import_body: usize, Bytes = 64 * MIB;
    /// File of an administrative import, which an administrator answers for.
    import_size: usize, Bytes = 2 * GIB;
    /// One attachment. A few pages of slides.
    attachment_size: usize, Bytes = 10 * MIB;
    /// Attachments of one item, or of one exception of a series.
    attachments: usize, Count = 100;
    /// Attachments of one request or answer, all together: they are in memory meanwhile.
    attachment_body: usize, Bytes = 64 * MIB;
    /// Request line and header fields together. Scripts send long lists of ids in the URL.
    header_bytes: usize, Bytes = 128 * KIB;
    /// Time a client may take for the TLS handshake, over HTTP and CAP. Three round trips; a slow line needs seconds.
    handshake_time: Duration, Time = 10;
    /// Time to the end of the header, also for a connection kept open between requests.
    header_time: Duration, Time = 30;
    /// Time from the end of the header to the end of the body; slower ones are cut.
    body_time: Duration, Time = MINUTE;
    /// Time a client may leave an answer unread before it is given up.
    write_time: Duration, Time = MINUTE;
    /// Octets of an answer a client must take within write_time; one that takes less is given up as if it took none.
    /// Answers stay in memory until they are taken.
    write_least: usize, Bytes = 64 * KIB;
    /// Fields of one header. Browsers send twenty.
    header_fields: usize, Count = 100;
    /// Requests under way at a time on one HTTP/2 connection; further ones are refused.
    http2_streams: usize, Count = 100;
    /// Requests of one HTTP/2 connection that the client has taken back before they were looked at; one more ends it.
    /// Asking and taking back costs a client nothing.
    http2_resets: usize, Count = 20;
    /// Requests of one HTTP/2 connection that broke the protocol and were refused for that; one more ends it.
    http2_faults: usize, Count = 100;
    /// HTTP connections at a time; more wait in the system's queue. Each needs a descriptor and some 10 KiB.
    connections: usize, Count = 8_192;
    /// Jobs on the blocking pool at a time: scans, expansions, password hashes. More wait their turn.
    blocking_jobs: usize, Count = 32;
    /// Writes waiting for the store's writer; more are refused as overload.
    write_queue: usize, Count = 4_096;
    /// Sessions one account may hold; a further login ends the one unused for longest.
    sessions_per_user: usize, Count = 200;
    /// Requests an address (a /64 network of IPv6) may send in a second, on average. A person's program sends a few.
    requests_per_second: usize, Count = 200;
    /// Requests an address may send at once before that average counts.
    requests_burst: usize, Count = 1_000;
    /// Requests of one address that may be under way at a time, until their answers are taken.
    requests_per_address: usize, Count = 256;
    /// Requests of one session that may be under way at a time. Programs that synchronise send some at once.
    requests_per_session: usize, Count = 32;
    /// Addresses whose requests are counted, at about 100 octets each.
    counted_addresses: usize, Count = 100_000;
    /// Time one request may take from the end of its body to its answer, waiting for its turn included.
    request_time: Duration, Time = 2 * MINUTE;
    /// Failed logins of one account that cost no time; each further one doubles the wait before the next.
    login_failures: usize, Count = 5;
    /// Failed logins from one address (a /64 network of IPv6) that cost no time. An office may share an address.
    login_failures_per_address: usize, Count = 50;
    /// Longest wait after failed logins. Longer ones would help whoever wants to lock people out.
    login_delay: Duration, Time = 15 * MINUTE;
    /// Names and addresses whose failed logins are counted, at about 100 octets each.
    login_records: usize, Count = 100_000;
    /// Accounts whose last password need not be hashed again for a moment, at about 100 octets each.
    verified_passwords: usize, Count = 10_000;
    /// Longest wait for one answer of a directory of accounts; then it counts as down.
    directory_time: Duration, Time = 5;
    /// Time after which a directory of accounts is asked again whether somebody who is logged in still may be; whoever
    /// may not any more loses their sessions then.
    directory_recheck: Duration, Time = 300;
    /// Connections to a directory of accounts at a time; more questions wait.
    directory_connections: usize, Count = 8;
    /// People taken from one group of a directory; a larger group is clipped.
    directory_group: usize, Count = 5_000;
    /// Groups inside groups of a directory that are followed.
    directory_group_depth: usize, Count = 10;
    /// Ids one get_guids request may ask for.
    guids: usize, Count = 1_000;
    /// Calendars one request may name.
    calids: usize, Count = 200;
    /// Items (uid and rid pairs) one request may name.
    uids: usize, Count = 2_000;
    /// Memory for answers that are given again while nothing they rest on has changed. A month of a busy calendar
    /// takes 70 KiB.
    kept_answers: usize, Bytes = 8 * MIB;

    // CAP.

    /// CAP connections at a time, idle ones included; at most 20 KiB each.
    cap_connections: usize, Count = 20_000;
    /// CAP connections of one address (a /64 network of IPv6) at a time. Offices may stand behind one.
    cap_connections_per_address: usize, Count = 1_000;
    /// A CAP command line, without its line end. Longer ones end the session.
    cap_command_line: usize, Bytes = 4 * KIB;
    /// A line of a login exchange over CAP. Mechanisms with tickets fill some KiB.
    cap_sasl_line: usize, Bytes = 64 * KIB;
    /// A line of a CAP command's data. Folded lines are short; data in base64 may come as one.
    cap_data_line: usize, Bytes = MIB;
    /// The whole data of a CAP command; announced as MAXICALOBJECTSIZE.
    cap_object_size: usize, Bytes = 64 * MIB;
    /// Data of CAP commands held in memory for all sessions together; further ones are refused meanwhile.
    cap_held_data: usize, Bytes = 256 * MIB;
    /// CAP commands a client may have outstanding; announced as PIPELINE.
    cap_pipeline: usize, Count = 8;
    /// Addresses one CALIDEXPAND or UPNEXPAND answers; announced as MAXCALIDEXPANDLIST and MAXUPNEXPANDLIST.
    cap_expand_list: usize, Count = 10_000;
    /// UIDs one GENERATEUID answers.
    cap_uids: usize, Count = 10_000;
    /// Text of one CAP query. The longest in the standards have four hundred octets.
    cap_query: usize, Bytes = 16 * KIB;
    /// Stored queries and sets of rights (VQUERY, VCAR) of one calendar, or of the store, each kind by itself. All
    /// rights of a calendar are read by every request about it.
    named_objects: usize, Count = 200;
    /// Text of one stored query or set of rights.
    named_object_size: usize, Bytes = 16 * KIB;
    /// Items one CAP query looks at. Those of a time or of named UIDs are few; a million are read in seconds.
    query_rows: usize, Count = 1_000_000;
    /// Components one CAP query answers. They are in memory meanwhile.
    query_results: usize, Count = 100_000;
    /// Time a CAP command may work before it is given up, however long the client would wait.
    cap_work_time: Duration, Time = 10 * MINUTE;
    /// Time a CAP client may leave the question open whether a command shall go on; then it is given up.
    cap_continue_time: Duration, Time = 5 * MINUTE;
    /// Time without a command after which a CAP session is dropped; announced as AUTOLOGOUTTIME, whose 0 is
    /// never. Logins and data under way have bounds of their own.
    cap_idle: Duration, Time = 30 * MINUTE;
    /// Time a CAP client may leave replies unread; then it is dropped.
    cap_write_time: Duration, Time = 30;
    /// Time a CAP client may take for each of its messages of a login, of which mechanisms have three at most; then it
    /// is dropped. Programs need a second, people who type some.
    cap_login_time: Duration, Time = MINUTE;
    /// Time a CAP client may take from SENDDATA to the end of its data; then it is dropped. What has come takes room that
    /// others want (cap_held_data).
    cap_data_time: Duration, Time = 5 * MINUTE;
    /// Unknown verbs, wrong states and wrong arguments in a row that end a CAP session: no client, a guess.
    cap_faults: usize, Count = 20;

    // CAP as a client: `wcapd cap`, and this store where it asks others.

    /// Time for one step of a session of `wcapd cap`: connecting, a handshake, an answer to a line. Whoever is on the other
    /// side of the world needs a second or two. Stores among themselves have `relay_time`.
    client_step: Duration, Time = 15;
    /// Milliseconds after a refusal in which its second dot comes, if it comes: some servers leave it out.
    client_second_dot_ms: usize, Count = 250;
    /// Time after one answer in which the next one begins, of a server that answers each target by itself.
    client_next_answer: Duration, Time = 2;
    /// Messages of one login with which a server may go on. SCRAM takes two.
    client_login_rounds: usize, Count = 8;
    /// Iterations of PBKDF2 that a server may ask for at a login: some seconds of work.
    client_iterations: usize, Count = 10_000_000;
    /// Items that `wcapd cap` creates with one command; those of a larger file follow with further ones.
    client_items: usize, Count = 200;
    /// Lines that the history of `wcapd cap` keeps.
    client_history: usize, Count = 1_000;
}

impl Limits {
    /// The row called `name`.
    pub fn row(name: &str) -> Option<&'static Row> {
        ROWS.iter().find(|row| row.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_read_and_set_their_own_field() {
        let mut limits = Limits::default();
        for (at, row) in ROWS.iter().enumerate() {
            (row.set)(&mut limits, 1_000_000 + at as u64);
        }
        for (at, row) in ROWS.iter().enumerate() {
            assert_eq!((row.get)(&limits), 1_000_000 + at as u64, "{}", row.name);
        }
        assert_eq!(limits.instances, 1_000_000);
    }

    #[test]
    fn defaults_are_those_of_the_contract() {
        let limits = Limits::default();
        assert_eq!(limits.instances, 10_000);
        assert_eq!(limits.open_end, Duration::from_secs(365 * 86_400));
        assert_eq!(limits.object_size, 1 << 20);
    }

    #[test]
    fn rows_are_documented_and_unique() {
        for (at, row) in ROWS.iter().enumerate() {
            let doc = row.doc.concat();
            assert!(
                doc.trim().len() > 20 && doc.trim().ends_with('.'),
                "{}",
                row.name
            );
            assert!(
                ROWS[..at].iter().all(|r| r.name != row.name),
                "{}",
                row.name
            );
            assert!((row.get)(&Limits::default()) > 0, "{}", row.name);
        }
        assert_eq!(Limits::row("guids").map(|row| row.unit), Some(Unit::Count));
        assert!(Limits::row("guid").is_none());
    }
}
