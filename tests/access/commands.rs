//! What each command needs: one row for each thing a command can be asked to do. Every command of the registry is here;
//! a new one fails the test until somebody has said what it needs.

use crate::needs::Need::{self, *};

/// What a command wants of `id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Session {
    /// Nothing: a dead one is no matter.
    Nothing,
    /// Without one the caller is anonymous, a dead one is errno 1.
    Optional,
    /// A dead one is anonymous, too; but what anonymous may not is then errno 1.
    Lenient,
    /// A living one, else this.
    Living(i32),
}

/// A command asked to do one thing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    pub(crate) command: &'static str,
    /// What it is asked for, a few words.
    pub(crate) asked: &'static str,
    /// The query, with `{calid}`, `{acl}` for the entries that the calendar has and `{me}` for the caller's name; after `\n` the UID of the event in a file to send.
    pub(crate) query: &'static str,
    pub(crate) session: Session,
    /// What is needed, in the order in which it is looked at, and the result without.
    pub(crate) needs: &'static [(Need, i32)],
    /// The result when nothing is missing.
    pub(crate) done: i32,
    /// Where the answer tells the calid only to those who hold this.
    pub(crate) tells: Option<Need>,
}

const fn row(
    command: &'static str,
    asked: &'static str,
    query: &'static str,
    session: Session,
    needs: &'static [(Need, i32)],
) -> Row {
    Row {
        command,
        asked,
        query,
        session,
        needs,
        done: 0,
        tells: None,
    }
}

/// A refusal by the access list.
const DENIED: i32 = 28;

/// A file with one event, for import.
const FILE: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//EN\r\nBEGIN:VEVENT\r\nUID:new\r\n\
    DTSTAMP:20260101T000000Z\r\nDTSTART:20260301T100000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

/// The file that a row sends, whose first event has this UID.
pub(crate) fn file(uid: &str) -> String {
    FILE.replace("UID:new", &format!("UID:{uid}"))
}

/// What is in each calendar: an event, a private one, a to-do, a meeting of tom's, an invitation to tom.
pub(crate) const ITEMS: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//EN\r\n\
    BEGIN:VEVENT\r\nUID:event\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:20260201T100000Z\r\n\
    DTEND:20260201T110000Z\r\nSUMMARY:Event\r\nEND:VEVENT\r\n\
    BEGIN:VEVENT\r\nUID:private\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:20260202T100000Z\r\n\
    DTEND:20260202T110000Z\r\nSUMMARY:Private\r\nCLASS:PRIVATE\r\nEND:VEVENT\r\n\
    BEGIN:VTODO\r\nUID:todo\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:20260203T100000Z\r\nSUMMARY:To do\r\nEND:VTODO\r\n\
    BEGIN:VEVENT\r\nUID:meeting\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:20260204T100000Z\r\n\
    SUMMARY:Meeting\r\nORGANIZER:mailto:tom@localhost\r\n\
    ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:guest@outside.example\r\nEND:VEVENT\r\n\
    BEGIN:VEVENT\r\nUID:invited\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:20260205T100000Z\r\n\
    SUMMARY:Invited\r\nORGANIZER:mailto:boss@outside.example\r\n\
    ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:tom@localhost\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

/// All rows, in the order of the registry.
pub(crate) const ROWS: &[Row] = {
    use Session::{Lenient, Living, Nothing, Optional};
    &[
        row("login", "a session", "user=kim&password=kim", Nothing, &[]),
        Row {
            done: -1,
            ..row("logout", "the end of one's session", "", Living(1), &[])
        },
        row("check_id", "whether a session lives", "", Nothing, &[]),
        Row {
            done: 27,
            ..row(
                "change_password",
                "another password, without the old one",
                "oldpassword=none&newpassword=new",
                Living(1),
                &[(Somebody, 27)],
            )
        },
        row("version", "the version", "", Nothing, &[]),
        row(
            "ping",
            "whether the server lives",
            "",
            Living(1),
            &[(Administrator, 76)],
        ),
        row(
            "gettime",
            "the time",
            "calid={calid}",
            Optional,
            &[(Read, DENIED)],
        ),
        row("get_guids", "identifiers", "", Nothing, &[]),
        row("get_all_timezones", "time zones", "", Nothing, &[]),
        row(
            "get_userprefs",
            "one's own preferences",
            "",
            Living(1),
            &[(Somebody, 44)],
        ),
        row(
            "get_userprefs",
            "another's preferences",
            "userid=tom",
            Living(1),
            &[(Oneself, 44)],
        ),
        row(
            "change_password",
            "another password",
            "oldpassword={me}&newpassword=a-new-one-1",
            Living(1),
            &[(Somebody, 27)],
        ),
        row(
            "set_userprefs",
            "one's own preferences set",
            "set_attrs=ceClock=12",
            Living(1),
            &[(Somebody, 44)],
        ),
        row(
            "set_userprefs",
            "another's preferences set",
            "userid=tom&set_attrs=ceClock=12",
            Living(1),
            &[(Oneself, 44)],
        ),
        row(
            "get_calprops",
            "properties",
            "calid={calid}",
            Optional,
            &[(ReadProperties, DENIED)],
        ),
        row(
            "get_calprops",
            "invitations counted",
            "calid={calid}&invitecount=1",
            Optional,
            &[(ReadProperties, DENIED), (Read, DENIED)],
        ),
        row(
            "get_freebusy",
            "busy times",
            "calid={calid}&dtstart=20260201T000000Z&dtend=20260301T000000Z",
            Lenient,
            &[(FreeBusy, DENIED)],
        ),
        row(
            "set_calprops",
            "a new name",
            "calid={calid}&name=New",
            Living(1),
            &[(WriteProperties, DENIED)],
        ),
        row(
            "set_calprops",
            "a new access list",
            "calid={calid}&acl=jo^a^r^g",
            Living(1),
            &[(TouchProperties, DENIED), (Owner, 47)],
        ),
        row(
            "set_calprops",
            "an entry about oneself",
            "calid={calid}&acl={acl}kim^p^l^g",
            Living(1),
            &[(TouchProperties, DENIED), (SelfAdmin, 47)],
        ),
        row(
            "set_calprops",
            "new owners",
            "calid={calid}&owners=kim",
            Living(1),
            &[(WriteProperties, DENIED), (Owner, 47)],
        ),
        row(
            "createcalendar",
            "a calendar of one's own",
            "calid=own",
            Living(1),
            &[(Somebody, DENIED)],
        ),
        row(
            "deletecalendar",
            "a calendar deleted",
            "calid={calid}",
            Living(1),
            &[(PrimaryOwner, DENIED)],
        ),
        Row {
            tells: Some(ReadProperties),
            ..row(
                "search_calprops",
                "a calendar, which is found or not",
                "search-string={calid}&searchOpts=3",
                Living(1),
                &[(Somebody, DENIED)],
            )
        },
        row(
            "list",
            "one's own calendars",
            "",
            Living(1),
            &[(Somebody, 75)],
        ),
        row(
            "list",
            "another's calendars",
            "userid=tom",
            Living(1),
            &[(Somebody, 75), (Oneself, 76)],
        ),
        row(
            "list_subscribed",
            "one's own subscriptions",
            "",
            Living(1),
            &[(Somebody, 75)],
        ),
        row(
            "list_subscribed",
            "another's subscriptions",
            "userid=tom",
            Living(1),
            &[(Somebody, 75), (Oneself, 76)],
        ),
        row(
            "subscribe_calendars",
            "a subscription",
            "calid={calid}",
            Living(1),
            &[(Somebody, 75), (ReadProperties, DENIED)],
        ),
        row(
            "unsubscribe_calendars",
            "the end of a subscription",
            "calid={calid}",
            Living(1),
            &[(Somebody, 75)],
        ),
        row(
            "unsubscribe_calendars",
            "the end of another's subscription",
            "userid=tom&calid={calid}",
            Living(1),
            &[(Somebody, 75), (Oneself, 76)],
        ),
        row(
            "fetchcomponents_by_range",
            "items",
            "calid={calid}",
            Optional,
            &[(Read, DENIED)],
        ),
        row(
            "fetchevents_by_id",
            "an event",
            "calid={calid}&uid=event",
            Optional,
            &[(Read, DENIED)],
        ),
        row(
            "fetchtodos_by_id",
            "a to-do",
            "calid={calid}&uid=todo",
            Optional,
            &[(Read, DENIED)],
        ),
        row(
            "fetchcomponents_by_lastmod",
            "what has changed",
            "calid={calid}&dtstart=0&dtend=0",
            Optional,
            &[(Read, DENIED)],
        ),
        row(
            "fetch_deletedcomponents",
            "what was deleted",
            "calid={calid}&dtstart=0&dtend=0",
            Optional,
            &[(Read, DENIED)],
        ),
        row(
            "fetchcomponents_by_alarmrange",
            "items by their alarms",
            "calid={calid}&dtstart=0&dtend=0",
            Optional,
            &[(Read, DENIED)],
        ),
        row(
            "fetchcomponents_by_attendee_error",
            "items whose invitations did not arrive",
            "calid={calid}",
            Optional,
            &[(Read, DENIED)],
        ),
        row(
            "verifyevents_by_ids",
            "whether events are there",
            "calid={calid}&uid=event&rid=0",
            Optional,
            &[(Read, DENIED)],
        ),
        row(
            "verifytodos_by_ids",
            "whether to-dos are there",
            "calid={calid}&uid=todo&rid=0",
            Optional,
            &[(Read, DENIED)],
        ),
        Row {
            // There is none: who gets that far is told so.
            done: 87,
            ..row(
                "fetchattachment",
                "an attachment",
                "calid={calid}&uid=event&attachid=00000000000000000000000000000000",
                Optional,
                &[(Read, DENIED)],
            )
        },
        row(
            "storeevents",
            "a new event",
            "calid={calid}&uid=new&dtstart=20260301T100000Z",
            Optional,
            &[(Add, DENIED)],
        ),
        row(
            "storeevents",
            "an event changed",
            "calid={calid}&uid=event&summary=Changed",
            Optional,
            &[(Add, DENIED), (Modify, DENIED)],
        ),
        row(
            "storeevents",
            "a private event changed",
            "calid={calid}&uid=private&summary=Changed",
            Optional,
            &[(Add, DENIED), (Modify, DENIED), (Owner, 47)],
        ),
        row(
            "storeevents",
            "people invited",
            "calid={calid}&uid=new&dtstart=20260301T100000Z&method=2&attendees=guest@outside.example",
            Optional,
            &[(Add, DENIED), (Invite, DENIED)],
        ),
        row(
            "storeevents",
            "an invitation answered",
            "calid={calid}&uid=invited&method=4&attendees=PARTSTAT=ACCEPTED^tom",
            Optional,
            &[(Add, DENIED), (Modify, DENIED), (Reply, DENIED)],
        ),
        row(
            "storeevents",
            "a meeting called off",
            "calid={calid}&uid=meeting&method=8",
            Optional,
            &[(Add, DENIED), (Modify, DENIED), (Cancel, DENIED)],
        ),
        row(
            "storeevents",
            "one's own copy changed",
            "calid={calid}&uid=invited&method=256&priority=1",
            Optional,
            &[(Add, DENIED), (Modify, DENIED)],
        ),
        row(
            "storetodos",
            "a new to-do",
            "calid={calid}&uid=new&dtstart=20260301T100000Z",
            Optional,
            &[(Add, DENIED)],
        ),
        row(
            "storetodos",
            "a to-do changed",
            "calid={calid}&uid=todo&summary=Changed",
            Optional,
            &[(Add, DENIED), (Modify, DENIED)],
        ),
        row(
            "deleteevents_by_id",
            "an event deleted",
            "calid={calid}&uid=event&rid=0&mod=4",
            Optional,
            &[(Delete, DENIED)],
        ),
        row(
            "deleteevents_by_id",
            "a private event deleted",
            "calid={calid}&uid=private&rid=0&mod=4",
            Optional,
            &[(Delete, DENIED), (Owner, 47)],
        ),
        row(
            "deletetodos_by_id",
            "a to-do deleted",
            "calid={calid}&uid=todo&rid=0&mod=4",
            Optional,
            &[(Delete, DENIED)],
        ),
        row(
            "deleteevents_by_range",
            "the events of a day deleted",
            "calid={calid}&dtstart=20260201T000000Z&dtend=20260202T000000Z",
            Optional,
            &[(Delete, DENIED)],
        ),
        row(
            "deleteevents_by_range",
            "a private event among them",
            "calid={calid}&dtstart=20260202T000000Z&dtend=20260203T000000Z",
            Optional,
            &[(Delete, DENIED), (Owner, 47)],
        ),
        row(
            "deletetodos_by_range",
            "the to-dos of a day deleted",
            "calid={calid}&dtstart=20260203T000000Z&dtend=20260204T000000Z",
            Optional,
            &[(Delete, DENIED)],
        ),
        row(
            "deletecomponents_by_range",
            "all of a day deleted",
            "calid={calid}&dtstart=20260201T000000Z&dtend=20260202T000000Z",
            Optional,
            &[(Delete, DENIED)],
        ),
        Row {
            // Both rights are there: a calendar is not linked to itself.
            done: 12,
            ..row(
                "addlink",
                "an event linked",
                "destCal={calid}&srcCal={calid}&uid=event&rid=0",
                Optional,
                &[(Add, DENIED), (Read, DENIED)],
            )
        },
        row(
            "fetchvcards",
            "people looked up",
            "userid=tom",
            Nothing,
            &[(Somebody, 75)],
        ),
        row(
            "import",
            "a file stored",
            "calid={calid}&content-in=text/calendar\nnew",
            Optional,
            &[(Add, DENIED)],
        ),
        row(
            "import",
            "an event replaced",
            "calid={calid}&content-in=text/calendar\nevent",
            Optional,
            &[(Add, DENIED), (Modify, 35)],
        ),
        row(
            "import",
            "a private event replaced",
            "calid={calid}&content-in=text/calendar\nprivate",
            Optional,
            &[(Add, DENIED), (Modify, 35), (Owner, 35)],
        ),
        row(
            "export",
            "a file",
            "calid={calid}",
            Optional,
            &[(Read, DENIED)],
        ),
    ]
};
