//! Which nouns are stored as records, and the version each is written in.

use super::attachments::Attachment;
use super::codec::{DecodeError, Record, decode_body};
use super::links::Link;
use super::outbox::{Letter, LetterV1, LetterV2};
use super::people::{MailRow, NameRow};
use super::prefs::Preferences;
use crate::model::calendar::{Calendar, CalendarState, CalendarV1, CalendarV2};
use crate::model::id::CalendarId;
use crate::model::item::{Change, Item, ItemV1};
use crate::model::user::{Principal, PrincipalV2};

macro_rules! records {
    ($($type:ty, $version:literal, $what:literal;)+) => {
        $(impl Record for $type {
            const WHAT: &'static str = $what;
            const VERSION: u8 = $version;
        })+
    };
}

records! {
    NameRow, 1, "a name";
    MailRow, 1, "a mail address";
    CalendarId, 1, "a calendar's number";
    CalendarState, 1, "a calendar's state";
    Change, 1, "a change";
    Preferences, 1, "preferences";
    Attachment, 1, "an attachment";
    Link, 1, "a link";
}

impl Record for Calendar {
    const WHAT: &'static str = "a calendar";
    const VERSION: u8 = 3;

    fn from_older(version: u8, body: &[u8]) -> Result<Self, DecodeError> {
        Ok(match version {
            1 => CalendarV2::from(decode_body::<CalendarV1>(Self::WHAT, version, body)?),
            _ => decode_body(Self::WHAT, version, body)?,
        }
        .into())
    }
}

/// Version 2 knew one more kind of verifier than version 1; version 3 knows where principals are kept.
impl Record for Principal {
    const WHAT: &'static str = "a user or group";
    const VERSION: u8 = 3;

    fn from_older(version: u8, body: &[u8]) -> Result<Self, DecodeError> {
        decode_body::<PrincipalV2>(Self::WHAT, version, body).map(Self::from)
    }
}

impl Record for Item {
    const WHAT: &'static str = "a calendar object";
    const VERSION: u8 = 2;

    fn from_older(version: u8, body: &[u8]) -> Result<Self, DecodeError> {
        decode_body::<ItemV1>(Self::WHAT, version, body).map(Self::from)
    }
}

impl Record for Letter {
    const WHAT: &'static str = "a message in the outbox";
    const VERSION: u8 = 3;

    fn from_older(version: u8, body: &[u8]) -> Result<Self, DecodeError> {
        match version {
            1 => decode_body::<LetterV1>(Self::WHAT, version, body).map(Self::from),
            _ => decode_body::<LetterV2>(Self::WHAT, version, body).map(Self::from),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::ical::datetime::Timestamp;
    use crate::model::id::{PrincipalId, QualifiedName};
    use crate::model::user::{Source, User, Verifier};
    use crate::store::codec::{decode, encode};

    /// Verifiers of version 1 keep their places, so that its accounts still open.
    #[test]
    fn accounts_of_version_1_are_read() {
        let user = Principal::User(User {
            id: PrincipalId(7),
            name: QualifiedName::parse("tom", "localhost").unwrap(),
            mail: vec!["tom@localhost".into()],
            full_name: String::new(),
            given_name: String::new(),
            surname: String::new(),
            roles: Vec::new(),
            enabled: true,
            source: Source::BuiltIn,
            verifiers: vec![
                Verifier::Argon2id("hash".into()),
                Verifier::ScramSha256 {
                    salt: vec![1],
                    iterations: 4096,
                    stored_key: vec![2],
                    server_key: vec![3],
                },
            ],
            created: Timestamp(0),
        });
        let mut bytes = encode(&user).unwrap();
        // As version 1 wrote it: another first byte, and nothing about the source before the verifiers.
        let verifiers = [
            2, 0, 4, b'h', b'a', b's', b'h', 1, 1, 1, 128, 32, 1, 2, 1, 3,
        ];
        let at = bytes.windows(16).position(|window| window == verifiers);
        assert_eq!(bytes.remove(at.unwrap() - 1), 0);
        bytes[0] = 1;
        assert_eq!(decode::<Principal>(&bytes).unwrap(), user);
    }
}
