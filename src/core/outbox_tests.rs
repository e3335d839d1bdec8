//! What leaves with a letter, and what is left when letters are taken out.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::core::accounts::NewUser;
use crate::core::testing::{core_with, settings};

const FILE: &str = "ATTACH;X-S1CS-FILENAME=plan.txt;ENCODING=BASE64;VALUE=BINARY:cGxhbg==";

/// A core whose user tom has a meeting with an attachment of four octets, and a letter about it.
fn core(most: usize, method: &str, attachments: bool) -> Core {
    let mut settings = settings();
    settings.limits.mail_attachments = most;
    let (core, _) = core_with(settings);
    let tom = NewUser {
        name: "tom".into(),
        ..NewUser::default()
    };
    core.add_user(&tom, None).unwrap();
    let text = format!(
        "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:m\r\nDTSTAMP:20260101T000000Z\r\n\
         DTSTART:20260101T000000Z\r\nORGANIZER:mailto:tom@localhost\r\n\
         ATTENDEE;SCHEDULE-STATUS=1.0:mailto:guest@out\r\n{FILE}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    );
    let upload = core.read_upload(text.as_bytes());
    core.import(&Caller::System, "tom", upload, None, |_| ())
        .unwrap();
    let write = |t: &mut WriteTxn<'_>| -> Result<()> {
        let (calendar, _) = core.find_calendar(t, "tom")?.unwrap();
        let item = items::get(t, calendar.id, "m")?.unwrap();
        for (id, due) in [("ab1", 10), ("ab2", 2_000_000)] {
            outbox::put(
                t,
                &Letter {
                    id: id.into(),
                    method: method.into(),
                    uid: "m".into(),
                    from: "tom@localhost".into(),
                    to: "guest@out".into(),
                    calendar: calendar.id,
                    text: item.text.clone(),
                    attachments,
                    written: Timestamp(1),
                    due: Timestamp(due),
                    attempts: 1,
                    error: Some("no route".into()),
                    first: true,
                    relay: None,
                },
            )?;
        }
        Ok(())
    };
    core.store().write(write).unwrap();
    core
}

fn text(core: &Core) -> String {
    core.letter("ab1").unwrap().text.replace("\r\n ", "")
}

fn status(core: &Core) -> String {
    let read = |t: &crate::store::ReadTxn| -> Result<String> {
        let (calendar, _) = core.find_calendar(t, "tom")?.unwrap();
        Ok(items::get(t, calendar.id, "m")?.unwrap().text)
    };
    let text = core.store().read(read).unwrap();
    let line = text.lines().find(|line| line.starts_with("ATTENDEE"));
    line.unwrap().to_owned()
}

#[test]
fn attachments_go_along_as_wished_and_as_fits() {
    let whole = text(&core(4, "REQUEST", true));
    assert!(whole.contains(&format!("{FILE}\r\n")), "{whole}");
    assert!(!whole.contains("COMMENT"), "{whole}");
    for (most, attachments) in [(3, true), (4, false)] {
        let text = text(&core(most, "REQUEST", attachments));
        let note = "COMMENT:An attachment is not sent along: plan.txt\r\n";
        assert!(text.contains(note), "{text}");
        assert!(!text.contains("ATTACH;"), "{text}");
    }
    let called_off = text(&core(4, "CANCEL", true));
    assert!(!called_off.contains("ATTACH;"), "{called_off}");
    assert!(!called_off.contains("COMMENT"), "{called_off}");
}

#[test]
fn letters_are_found_by_the_beginning_of_their_id() {
    let core = core(4, "REQUEST", true);
    let kind = |id: &str| core.letter(id).unwrap_err().kind();
    assert_eq!(kind("ab"), Kind::BadValue);
    assert_eq!(kind("b"), Kind::NoSuchItem);
    assert_eq!(kind(""), Kind::NoSuchItem);
    assert_eq!(core.letter("ab2").unwrap().id, "ab2");
}

#[test]
fn letters_are_tried_again_in_their_order() {
    let core = core(4, "REQUEST", true);
    assert_eq!(core.retry_letters(Letters::All).unwrap().len(), 2);
    let letters = core.letters().unwrap();
    let seen: Vec<_> = letters
        .iter()
        .map(|l| (l.id.as_str(), l.due.0, l.error.clone(), l.attempts))
        .collect();
    // The clock of the tests stands at a million.
    assert_eq!(seen, [("ab1", 10, None, 1), ("ab2", 1_000_000, None, 1)]);
    assert!(core.check(false).unwrap().problems.is_empty());
}

#[test]
fn only_the_last_letter_that_is_dropped_leaves_somebody_unreached() {
    let core = core(4, "REQUEST", true);
    core.drop_letters(Letters::One("ab1")).unwrap();
    assert!(status(&core).contains("SCHEDULE-STATUS=1.0"));
    core.drop_letters(Letters::All).unwrap();
    assert!(
        status(&core).contains("SCHEDULE-STATUS=5.1"),
        "{}",
        status(&core)
    );
    assert!(core.letters().unwrap().is_empty());
    assert!(core.check(false).unwrap().problems.is_empty());
}
