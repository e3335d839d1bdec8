//! The WCAP result numbers, `X-NSCP-WCAP-ERRNO`: every one of the protocol, sent by this server or not.
//!
//! Which failure of the core has which number is said in `codes.rs`; which command has which general failure,
//! in its row. Source: the tables of the Calendar Server 6.3 WCAP guide.

use std::fmt;

/// One number, as the documentation sees it.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The number.
    pub errno: Errno,
    /// The name it has in the guides.
    pub symbol: &'static str,
    /// What it means, one line.
    pub meaning: &'static str,
}

macro_rules! numbers {
    ($($number:literal $name:ident $symbol:ident, $meaning:literal;)*) => {
        /// A result number.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(i32)]
        pub enum Errno {
            $(#[doc = $meaning] $name = $number,)*
        }

        /// All numbers, ascending.
        pub const ROWS: &[Row] = &[$(Row {
            errno: Errno::$name,
            symbol: stringify!($symbol),
            meaning: $meaning,
        },)*];
    };
}

numbers! {
    -1 LoggedOut LOGOUT, "Logged out: the success of logout.";
    0 Ok OK, "Success.";
    1 LoginFailed LOGIN_FAILED, "Wrong user or password; a session id that is unknown or has ended.";
    2 DefaultCalendarNotFound LOGIN_OK_DEFAULT_CALENDAR_NOT_FOUND, "Logged in, but the default calendar was missing; clients take it as a failure, so it is not sent.";
    6 DeleteEventsByIdFailed DELETE_EVENTS_BY_ID_FAILED, "General failure of deleteevents_by_id.";
    8 SetCalpropsFailed SETCALPROPS_FAILED, "General failure of set_calprops.";
    9 FetchEventsByIdFailed FETCH_EVENTS_BY_ID_FAILED, "General failure of fetchevents_by_id; clients read it as 'no such event'.";
    10 CreateCalendarFailed CREATECALENDAR_FAILED, "General failure of createcalendar.";
    11 DeleteCalendarFailed DELETECALENDAR_FAILED, "General failure of deletecalendar.";
    12 AddLinkFailed ADDLINK_FAILED, "General failure of addlink.";
    13 FetchByDateRangeFailed FETCHBYDATERANGE_FAILED, "General failure of fetchcomponents_by_range and export.";
    14 StoreEventsFailed STOREEVENTS_FAILED, "General failure of storeevents.";
    15 StoreTodosFailed STORETODOS_FAILED, "General failure of storetodos.";
    16 DeleteTodosByIdFailed DELETE_TODOS_BY_ID_FAILED, "General failure of deletetodos_by_id.";
    17 FetchTodosByIdFailed FETCH_TODOS_BY_ID_FAILED, "General failure of fetchtodos_by_id.";
    18 BadTimeZone FETCHCOMPONENTS_FAILED_BAD_TZID, "tzid or tzidout names no zone.";
    19 SearchCalpropsFailed SEARCH_CALPROPS_FAILED, "General failure of search_calprops.";
    20 GetCalpropsFailed GET_CALPROPS_FAILED, "General failure of get_calprops.";
    21 DeleteComponentsByRangeFailed DELETECOMPONENTS_BY_RANGE_FAILED, "General failure of deletecomponents_by_range.";
    22 DeleteEventsByRangeFailed DELETEEVENTS_BY_RANGE_FAILED, "General failure of deleteevents_by_range.";
    23 DeleteTodosByRangeFailed DELETETODOS_BY_RANGE_FAILED, "General failure of deletetodos_by_range.";
    24 GetAllTimeZonesFailed GET_ALL_TIMEZONES_FAILED, "General failure of get_all_timezones.";
    25 CalendarAlreadyExists CREATECALENDAR_ALREADY_EXISTS_FAILED, "A calendar of that calid exists.";
    26 SetUserprefsFailed SET_USERPREFS_FAILED, "General failure of set_userprefs.";
    27 ChangePasswordFailed CHANGE_PASSWORD_FAILED, "General failure of change_password.";
    28 AccessDenied ACCESS_DENIED_TO_CALENDAR, "The access list does not grant it; on a range fetch clients then ask get_freebusy.";
    29 NoSuchCalendar CALENDAR_DOES_NOT_EXIST, "No such calid.";
    30 IllegalCalid ILLEGAL_CALID_NAME, "The calid has bad characters or is too long.";
    31 CannotModifyLinkedEvents CANNOT_MODIFY_LINKED_EVENTS, "The event is a link made by addlink.";
    32 CannotModifyLinkedTodos CANNOT_MODIFY_LINKED_TODOS, "The todo is a link made by addlink.";
    33 CannotSendMail CANNOT_SENT_EMAIL, "The change is stored, its mail was not sent.";
    34 CalendarDisabled CALENDAR_DISABLED, "The calendar is switched off.";
    35 WriteImportFailed WRITE_IMPORT_FAILED, "General failure of import.";
    36 FetchByLastModifiedFailed FETCH_BY_LAST_MODIFIED_FAILED, "General failure of fetchcomponents_by_lastmod.";
    37 FormatNotReadable CAPI_NOT_SUPPORTED, "Calendar data that cannot be read.";
    38 CalidNotSpecified CALID_NOT_SPECIFIED, "No calid was given and there is no default.";
    39 GetFreebusyFailed GET_FREEBUSY_FAILED, "General failure of get_freebusy.";
    40 DoubleBooked STORE_FAILED_DOUBLE_BOOKED, "The time is taken and the calendar forbids double booking.";
    41 FetchByAlarmRangeFailed FETCH_BY_ALARM_RANGE_FAILED, "General failure of fetchcomponents_by_alarmrange.";
    42 FetchByAttendeeErrorFailed FETCH_BY_ATTENDEE_ERROR_FAILED, "General failure of fetchcomponents_by_attendee_error.";
    43 GroupClipped ATTENDEE_GROUP_EXPANSION_CLIPPED, "Stored, with only a part of the members of a large group.";
    44 UserprefsAccessDenied USERPREFS_ACCESS_DENIED, "Preferences of another user, and no administrator or not allowed to.";
    45 NotAllowedToRequest NOT_ALLOWED_TO_REQUEST_PUBLISH, "Only the organizer may publish or request.";
    46 InsufficientParameters INSUFFICIENT_PARAMETERS, "As many uid as rid are needed.";
    47 MustBeOwner MUSTBEOWNER_OPERATION, "Only an owner may.";
    48 BackEndConnectionFailed DWP_CONNECTION_FAILED, "No connection to a back end.";
    49 BackEndMaxConnections DWP_MAX_CONNECTION_REACHED, "Too many connections to a back end.";
    50 BackEndCannotResolve DWP_CANNOT_RESOLVE_CALENDAR, "No back end holds the calendar.";
    51 BackEndBadData DWP_BAD_DATA, "A back end sent bad data.";
    52 BadCommand BAD_COMMAND, "No such command.";
    53 NotFound NOT_FOUND, "A write to the database failed.";
    54 CannotExpandCalid WRITE_IMPORT_CANT_EXPAND_CALID, "The calid of an import names no calendar.";
    55 GettimeFailed GETTIME_FAILED, "General failure of gettime.";
    56 FetchDeletedFailed FETCH_DELETEDCOMPONENTS_FAILED, "General failure of fetch_deletedcomponents.";
    57 FetchDeletedPartial FETCH_DELETEDCOMPONENTS_PARTIAL_RESULT, "The record of deletions does not reach back far enough.";
    58 NoSuchFormat WCAP_NO_SUCH_FORMAT, "fmt-out names no format.";
    59 ComponentNotFound COMPONENT_NOT_FOUND, "No component of that uid and rid.";
    60 BadArguments BAD_ARGUMENTS, "A parameter is wrong or beyond a limit.";
    61 GetUserprefsFailed GET_USERPREFS_FAILED, "General failure of get_userprefs.";
    62 ModifyNoEvent WCAP_MODIFY_NO_EVENT, "storetype=2 and the component does not exist.";
    63 CreateExists WCAP_CREATE_EXISTS, "storetype=1 and the component exists.";
    64 ModifyCannotCopy WCAP_MODIFY_CANT_MAKE_COPY, "A copy inside the server failed.";
    65 RecurSkip STORE_FAILED_RECUR_SKIP, "An instance would move past its neighbour.";
    66 RecurSameDay STORE_FAILED_RECUR_SAMEDAY, "Two instances of one series would fall on one day.";
    67 BadOrganizerArguments BAD_ORG_ARGUMENTS, "An organizer without orgCalid or orgEmail.";
    68 RecurPrivacy STORE_FAILED_RECUR_PRIVACY, "Class or transparency of one instance cannot differ from the series.";
    69 DirectoryError LDAP_ERROR, "Values that come from the directory are missing.";
    70 InviteCountFailed GET_INVITE_COUNT_FAILED, "The invitations could not be counted.";
    71 ListFailed LIST_FAILED, "General failure of list.";
    72 ListSubscribedFailed LIST_SUBSCRIBED_FAILED, "General failure of list_subscribed.";
    73 SubscribeFailed SUBSCRIBE_FAILED, "General failure of subscribe_calendars.";
    74 UnsubscribeFailed UNSUBSCRIBE_FAILED, "General failure of unsubscribe_calendars.";
    75 AnonymousNotAllowed ANONYMOUS_NOT_ALLOWED, "Not for anonymous.";
    76 NotPermitted ACCESS_DENIED, "Only for administrators, or not even for them.";
    77 BadImportArguments BAD_IMPORT_ARGUMENTS, "A parameter of import is wrong.";
    78 ReadOnlyDatabase READONLY_DATABASE, "The store takes no writes.";
    79 AttendeeMayNotRequest ATTENDEE_NOT_ALLOWED_TO_REQUEST_ON_MODIFY, "An attendee changed an item with method=2.";
    80 TransparencyOnResource TRANSP_RESOURCE_NOT_ALLOWED, "A resource calendar takes no transparent items.";
    81 RecurringNotFound RECURRING_COMPONENT_NOT_FOUND, "The master or an exception of the series is missing.";
    82 BadMimeType BAD_MIME_TYPE, "Malformed MIME headers of an attachment.";
    83 MissingBoundary MISSING_BOUNDARY, "No MIME boundary.";
    84 InvalidAttachment INVALID_ATTACHMENT, "A malformed attachment.";
    85 AttachmentsDeleted ATTACH_DELETE_SUCCESS, "All attachments of deleteattach are deleted.";
    86 AttachmentsPartlyDeleted ATTACH_DELETE_PARTIAL, "Some attachments of deleteattach are deleted.";
    87 AttachmentNotFound ATTACHMENT_NOT_FOUND, "No such attachment.";
    11000 ServerMaxConnections CDWP_ERR_MAX_CONNECTION_REACHED, "Too many connections or jobs; ask again later.";
    11001 ServerCannotConnect CDWP_ERR_CANNOT_CONNECT, "A back end is down.";
    11002 ServerCannotResolve CDWP_ERR_CANNOT_RESOLVE_CALENDAR, "No back end for the calendar.";
    11003 ServerBadData CDWP_ERR_BAD_DATA, "Bad data from a back end.";
    11004 ServerNoContext CDWP_ERR_DWPHOST_CTX_DOES_NOT_EXIST, "No context for the host.";
    11005 ServerNotResolvable CDWP_ERR_HOSTNAME_NOT_RESOLVABLE, "The host name cannot be resolved.";
    11006 ServerNoData CDWP_ERR_NO_DATA, "Nothing came for the calendar properties.";
    11007 ServerAuthFailed CDWP_ERR_AUTH_FAILED, "A back end refused the login.";
    11008 ServerVersionFailed CDWP_ERR_CHECKVERSION_FAILED, "The version of a back end does not fit.";
}

impl Errno {
    /// The number on the wire.
    pub fn number(self) -> i32 {
        self as i32
    }

    /// The result of that number, if the protocol has it.
    pub fn from_number(number: i32) -> Option<Self> {
        let at = ROWS.binary_search_by_key(&number, |row| row.errno.number());
        at.ok().and_then(|at| ROWS.get(at)).map(|row| row.errno)
    }
}

/// Prints the number.
impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.number().fmt(f)
    }
}

/// The numbers as a page of documentation in Markdown.
pub fn reference() -> String {
    let mut page = String::from("| errno | name | meaning |\n|---|---|---|\n");
    for row in ROWS {
        page.push_str(&format!(
            "| {} | `{}` | {} |\n",
            row.errno, row.symbol, row.meaning
        ));
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_ascend_and_are_found() {
        assert!(ROWS.is_sorted_by(|a, b| a.errno.number() < b.errno.number()));
        for row in ROWS {
            assert_eq!(Errno::from_number(row.errno.number()), Some(row.errno));
        }
        for gap in [-2, 3, 4, 5, 7, 88, 99, 10_999, 11_009] {
            assert_eq!(Errno::from_number(gap), None, "{gap}");
        }
        assert_eq!(Errno::LoggedOut.to_string(), "-1");
        assert!(reference().contains("| 28 | `ACCESS_DENIED_TO_CALENDAR` | "));
    }
}
