//! The parameters of storeevents and storetodos.

use crate::wcap::args::{Kind, Param};

/// What both commands take; a macro because a table cannot be joined to another as a constant.
macro_rules! params {
    ($($own:expr),* $(,)?) => {
        &[
            Param::required("calid", Kind::Calid, "The calendar."),
            Param::optional("uid", Kind::Text, "The item; new without one."),
            Param::or("rid", Kind::Time, "0", "The instance of a series."),
            Param::optional("mod", Kind::Modifiers, "1 that instance, 2 it and later, 3 it and earlier, 4 all."),
            Param::or("rchange", Kind::Flag, "0", "1: rules are for the whole series, whatever mod says."),
            Param::or("excludedtstart", Kind::Flag, "0", "1: a start that its rule does not give moves to the first that it does."),
            Param::or("storetype", Kind::Integer(0, 2), "0", "0 create or change, 1 create, 2 change."),
            Param::or("method", Kind::Integer(1, 256), "1", "1 publish, 2 request, 4 reply, 8 cancel, 256 own copy only."),
            Param::or("replace", Kind::Flag, "0", "1: lists take the place of the stored ones, else they join them."),
            Param::or("fetch", Kind::Flag, "0", "1: answer the stored item."),
            $($own,)*
            Param::optional("dtstart", Kind::Time, "Start."),
            Param::optional("duration", Kind::Duration, "How long it lasts, in place of an end."),
            Param::optional("isAllDay", Kind::Flag, "1: its times are days."),
            Param::optional("tzid", Kind::Zone, "Zone of local times, and the one times are kept in."),
            Param::optional("summary", Kind::Text, "SUMMARY."),
            Param::optional("desc", Kind::Text, "DESCRIPTION."),
            Param::optional("location", Kind::Text, "LOCATION."),
            Param::optional("icsUrl", Kind::Text, "URL."),
            Param::optional("icsClass", Kind::Text, "PUBLIC, PRIVATE or CONFIDENTIAL; PUBLIC for a new item."),
            Param::optional("status", Kind::Integer(0, 7), "0 confirmed, 1 cancelled, 2 tentative, 3 needs action, 4 completed, 5 in process, 6 draft, 7 final."),
            Param::optional("transparent", Kind::Flag, "1: it takes no time; 1 for a new all-day event."),
            Param::optional("priority", Kind::Integer(0, 9), "PRIORITY, 1 highest, 9 lowest, 0 none."),
            Param::optional("categories", Kind::List, "CATEGORIES."),
            Param::optional("resources", Kind::List, "RESOURCES."),
            Param::optional("relatedTos", Kind::List, "RELATED-TO: UIDs."),
            Param::optional("contacts", Kind::List, "CONTACT."),
            Param::optional("geo", Kind::Text, "GEO: latitude;longitude."),
            Param::optional("seq", Kind::Integer(0, i32::MAX as i64), "SEQUENCE, if it is higher than the server's."),
            Param::optional("language", Kind::Text, "Language of the texts."),
            Param::optional("charset", Kind::Text, "Not used: all text is UTF-8."),
            Param::optional("attendees", Kind::Attendees, "Who takes part."),
            Param::optional("orgCalid", Kind::Calid, "Calendar of the organizer; default: calid."),
            Param::optional("orgEmail", Kind::Text, "Mail address of the organizer."),
            Param::optional("orgUID", Kind::Text, "User name of the organizer, beside one of the two."),
            Param::optional("sentUID", Kind::Text, "Who writes in the organizer's name.").also(&["sendUID"]),
            Param::optional("rrules", Kind::Rules, "RRULE."),
            Param::optional("rdates", Kind::Times, "RDATE."),
            Param::optional("exrules", Kind::Rules, "EXRULE."),
            Param::optional("exdates", Kind::Times, "EXDATE."),
            Param::optional("alarmStart", Kind::Trigger, "When an e-mail reminds."),
            Param::optional("alarmEmails", Kind::List, "Addresses of that e-mail; default: the calendar owner's."),
            Param::optional("alarmPopup", Kind::Trigger, "When a window reminds."),
            Param::optional("alarmAudio", Kind::Trigger, "When a sound reminds."),
            Param::optional("alarmFlashing", Kind::Trigger, "When a flash reminds."),
            Param::optional("alarmDescription", Kind::Text, "What alarms say."),
            Param::optional("attachments", Kind::List, "ATTACH: addresses; those of attachments stored here stay such. Files come as the parts of a multipart body."),
            Param::optional("deleteattach", Kind::List, "Ids of stored attachments that go; the result is 85 or 86."),
            Param::or("sendattach", Kind::Flag, "0", "1: attachments are in the mails about it, too."),
            Param::or("smtp", Kind::Flag, "1", "1: mail people without a calendar here."),
            Param::or("smtpNotify", Kind::Flag, "0", "1: mail people with one."),
            Param::or("notify", Kind::Flag, "0", "1: tell attendees."),
            Param::optional("tzidout", Kind::Zone, "Zone of the answer; default: UTC."),
            Param::or("emailorcalid", Kind::Flag, "0", "1: people by mail address in the answer, else by calid."),
            Param::or("relativealarm", Kind::Flag, "0", "1: alarms in the answer by their distance."),
            Param::optional(
                "compressed",
                Kind::Flag,
                "1: rules in the answer, 0: none; default: with recurring=1.",
            ),
            Param::or("recurring", Kind::Flag, "0", "1: a series in the answer as such, else by instances."),
        ]
    };
}

/// storeevents
pub(super) const EVENT: &[Param] = params![Param::optional("dtend", Kind::Time, "End."),];

/// storetodos
pub(super) const TODO: &[Param] = params![
    Param::optional("due", Kind::Time, "When it is due."),
    Param::optional(
        "completed",
        Kind::Time,
        "When it was completed; 0: it is not."
    )
    .also(&["complete"]),
    Param::optional("percent", Kind::Integer(0, 100), "PERCENT-COMPLETE."),
];
