//! The key spaces: one ordered map of bytes to bytes each, and what stands in them.
//!
//! An engine keeps each space as one table. Key parts are written by [`keys`](super::keys), so the order of the
//! bytes is the order of the parts; values are records of [`codec`](super::codec) unless the row says otherwise.
//! Table names are part of the format: a space may be added, none is ever renamed or reused.
//!
//! In the layouts below `principal` and `calendar` are internal numbers (u64, 8 bytes), given once and never
//! again; times are seconds (i64, 8 bytes, order kept); texts end with a mark so that they can stand before
//! other parts. `folded` is a name in the form in which names are compared.

use std::fmt;

macro_rules! spaces {
    ($($(#[doc = $doc:literal])+ $name:ident = $table:literal,)+) => {
        /// A key space.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Space {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Space {
            /// Every key space, in the order of their declaration.
            pub const ALL: [Self; [$(Self::$name),+].len()] = [$(Self::$name),+];

            /// The name of its table in any engine; part of the format.
            pub const fn table(self) -> &'static str {
                match self {
                    $(Self::$name => $table,)+
                }
            }
        }
    };
}

spaces! {
    /// Facts about the store itself. Key: a name (text, unended). Value: by name: `schema` is the format number
    /// (u32), `next:...` the next internal number of a kind (u64), `count:...` how many rows a space has (u64),
    /// `attachment_secret` what ids of attachments are made with (32 bytes).
    Meta = "meta",
    /// Users, groups and resources. Key: principal. Value: the account with its verifiers.
    Principals = "principals",
    /// Every name of the shared namespace of users, groups and calendars. Key: domain, folded. Value: what is
    /// so called: a principal, a calendar or both.
    Names = "names",
    /// Mail addresses. Key: folded address. Value: whom mail to it means.
    Mail = "mail",
    /// Group membership. Key: member (principal), group (principal). Value: none (empty).
    Members = "members",
    /// Calendars. Key: calendar. Value: properties, access list, owner, parent.
    Calendars = "calendars",
    /// What every write to a calendar changes. Key: calendar. Value: last change number and stamp, index levels.
    CalendarStates = "calendar_states",
    /// Calendar ids. Key: domain, folded calid. Value: calendar.
    CalendarNames = "calendar_names",
    /// Calendars by owner. Key: principal, calendar. Value: the owner's kind.
    Owned = "owned",
    /// Calendar objects. Key: calendar, state (booked, queued, marked), uid, arrival number. Value: the text as
    /// received beside derived facts.
    Objects = "objects",
    /// Objects by the time they touch. Key: calendar and the parts of [`spans`](super::spans), uid. Value: what a
    /// range fetch needs to know before it opens the object.
    ByTime = "by_time",
    /// Busy time. Key: calendar and the parts of `spans`, uid. Value: busy kind, and the rules of what repeats.
    ByBusy = "by_busy",
    /// Alarms. Key: calendar and the parts of `spans`, uid. Value: none.
    ByAlarm = "by_alarm",
    /// Open invitations. Key: calendar, start (the beginning of time without one), uid (unended). Value: none.
    ByInvitation = "by_invitation",
    /// Objects with an attendee whom a message did not reach. Key: calendar, uid (unended). Value: none.
    ByAttendeeError = "by_attendee_error",
    /// Objects that keep others out of their time (TRANSP of CAP's kinds). Key: calendar, uid (unended). Value: none.
    ByBlocking = "by_blocking",
    /// Changes of a calendar, the newest of each object and all deletions. Key: calendar, stamp, change number. Value:
    /// uid, recurrence id, kind, operation, actor; for deletions also a stub with times and rules.
    Journal = "journal",
    /// The last change of each object. Key: calendar, uid. Value: stamp and change number, 16 bytes, unversioned.
    JournalByUid = "journal_by_uid",
    /// Named objects of containers (access rules, stored queries, time zones). Key: container (a calendar, or 0 for
    /// the store), kind (u8), name.
    /// Value: the text.
    Named = "named",
    /// Calendars by parent. Key: parent (a calendar), calendar. Value: none.
    Children = "children",
    /// Links to objects of other calendars. Key: calendar, uid, the object's calendar. Value: which instances, who and
    /// when.
    Links = "links",
    /// Sessions. Key: SHA-256 of the token. Value: kind, principal, times, data.
    Sessions = "sessions",
    /// Sessions by principal. Key: principal, SHA-256 of the token. Value: none.
    SessionsByPrincipal = "sessions_by_principal",
    /// Preferences. Key: principal. Value: names and their values, in the order they were set.
    Prefs = "prefs",
    /// Messages waiting to leave. Key: time due, id (unended). Value: the message and its attempts.
    Outbox = "outbox",
    /// Attachments that items name. Key: attachment (16 bytes). Value: its length.
    Attachments = "attachments",
    /// Their octets. Key: attachment. Value: the octets, unversioned.
    AttachmentData = "attachment_data",
    /// Who names them. Key: attachment, and the key of the record in [`Space::Objects`]. Value: none.
    AttachmentNames = "attachment_names",
    /// Messages waiting to leave, by what they are about. Key: calendar, uid, recipient in lower case, and the key of
    /// the record in [`Space::Outbox`]. Value: none.
    OutboxThreads = "outbox_threads",
    /// Messages waiting to leave for other calendar stores. Key: the store's name, and the key of the record in
    /// [`Space::Outbox`]. Value: none.
    OutboxRelays = "outbox_relays",
}

impl Space {
    /// How many there are.
    pub const COUNT: usize = Self::ALL.len();
}

/// Prints the table's name.
impl fmt::Display for Space {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.table())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_have_names_of_their_own() {
        let names: std::collections::BTreeSet<_> = Space::ALL.iter().map(|s| s.table()).collect();
        assert_eq!(names.len(), Space::COUNT);
        for (index, space) in Space::ALL.into_iter().enumerate() {
            assert_eq!(space as usize, index);
        }
    }
}
