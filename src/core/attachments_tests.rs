//! Inline data out and in again, to the byte; who reads attachments.
#![expect(clippy::unwrap_used, reason = "tests")]

use crate::core::accounts::NewUser;
use crate::core::caller::Client;
use crate::core::testing::{core_with, settings};
use crate::core::{Caller, Core, Kind, Settings};
use crate::ical::print;
use crate::model::attachment::AttachmentId;

fn core(change: impl Fn(&mut Settings)) -> (Core, Caller, Caller) {
    let mut settings = settings();
    change(&mut settings);
    let (core, _) = core_with(settings);
    for name in ["tom", "jerry"] {
        let new = NewUser {
            name: name.into(),
            ..NewUser::default()
        };
        core.add_user(&new, Some(name)).unwrap();
    }
    let tom = core.login("tom", "tom", Client::default()).unwrap().0;
    let jerry = core.login("jerry", "jerry", Client::default()).unwrap().0;
    (core, tom, jerry)
}

fn event(uid: &str, lines: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20260101T000000Z\r\n\
         DTSTART:20260101T000000Z\r\n{lines}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

fn import(core: &Core, calid: &str, text: &str) {
    let upload = core.read_upload(text.as_bytes());
    assert_eq!(upload.faults, []);
    let done = core.import(&Caller::System, calid, upload, None, |_| ());
    assert_eq!(done.unwrap().stored, 1);
}

fn exported(core: &Core, calid: &str) -> String {
    let mut out = String::new();
    let print = |object: crate::ical::object::CalendarObject| {
        object
            .components
            .iter()
            .for_each(|c| print::write(c, &mut out));
    };
    core.export(&Caller::System, Some(calid), None, print)
        .unwrap();
    out.replace("\r\n ", "")
}

/// The text as it is kept.
fn stored(core: &Core, calid: &str, uid: &str) -> String {
    let read = core.store().read(|t| -> crate::core::Result<_> {
        let (calendar, _) = core.find_calendar(t, calid)?.unwrap();
        Ok(crate::store::items::get(t, calendar.id, uid)?.unwrap())
    });
    read.unwrap().text.replace("\r\n ", "")
}

fn only_id(text: &str) -> String {
    let ids = AttachmentId::named_in(text);
    assert_eq!(ids.len(), 1, "{text}");
    ids.first().unwrap().to_string()
}

#[test]
fn inline_data_goes_out_as_it_came() {
    let (core, tom, _) = core(|_| ());
    for (n, line) in [
        "ATTACH;ENCODING=BASE64;VALUE=BINARY:SGVsbG8=",
        "ATTACH;VALUE=BINARY;FMTTYPE=text/plain;ENCODING=BASE64;X-A=\"b;c\":SGVsbG8=",
        "ATTACH;FMTTYPE=text/plain;value=binary;encoding=base64:SGVsbG8=",
    ]
    .iter()
    .enumerate()
    {
        let uid = format!("u{n}");
        import(&core, "tom", &event(&uid, line));
        let text = stored(&core, "tom", &uid);
        assert!(!text.contains("SGVsbG8"), "{text}");
        let id = only_id(&text);
        let files = core
            .fetch_attachments(&tom, Some("tom"), Some(&uid), &[&id])
            .unwrap();
        assert_eq!(files[0].content, b"Hello");
        assert!(
            exported(&core, "tom").contains(&format!("\r\n{line}\r\n")),
            "{line}"
        );
    }
    assert_eq!(core.check(false).unwrap().problems, Vec::<String>::new());
}

#[test]
fn what_is_odd_or_too_much_stays_inline() {
    let (core, _, _) = core(|settings| {
        settings.limits.attachment_size = 5;
        settings.limits.attachments = 1;
    });
    for (uid, lines, names) in [
        ("fits", "ATTACH;ENCODING=BASE64;VALUE=BINARY:SGVsbG8=", 1),
        ("long", "ATTACH;ENCODING=BASE64;VALUE=BINARY:SGVsbG8h", 0),
        (
            "many",
            "ATTACH;ENCODING=BASE64;VALUE=BINARY:SGVsbG8=\r\nATTACH;ENCODING=BASE64;VALUE=BINARY:QQ==",
            1,
        ),
        // Bits that say nothing: nobody would write them again.
        ("odd", "ATTACH;ENCODING=BASE64;VALUE=BINARY:QR==", 0),
        ("link", "ATTACH:http://example.com/SGVsbG8=", 0),
        (
            "alien",
            "ATTACH;X-S1CS-ATTACH-ID=20051012005:http://example.com/",
            0,
        ),
    ] {
        import(&core, "tom", &event(uid, lines));
        let named = AttachmentId::named_in(&stored(&core, "tom", uid));
        assert_eq!(named.len(), names, "{uid}");
        assert!(exported(&core, "tom").contains(lines), "{uid}");
    }
}

#[test]
fn who_sees_the_item_reads_it() {
    let (core, tom, jerry) = core(|_| ());
    let line = "ATTACH;ENCODING=BASE64;VALUE=BINARY:SGVsbG8=";
    import(&core, "tom", &event("open", line));
    import(
        &core,
        "tom",
        &event(
            "shut",
            "CLASS:PRIVATE\r\nATTACH;ENCODING=BASE64;VALUE=BINARY:c2VjcmV0",
        ),
    );
    let open = only_id(&stored(&core, "tom", "open"));
    let shut = only_id(&stored(&core, "tom", "shut"));
    let fetch = |caller: &Caller, calid: Option<&str>, uid: Option<&str>, id: &str| {
        let files = core.fetch_attachments(caller, calid, uid, &[id]);
        files
            .map(|files| files[0].content.len())
            .map_err(|e| e.kind())
    };
    let missing = Err(Kind::NoSuchAttachment);
    // By the item, by the calendar, by nothing but the id.
    for (calid, uid) in [
        (Some("tom"), Some("open")),
        (Some("tom"), None),
        (None, None),
        (None, Some("open")),
    ] {
        assert_eq!(fetch(&tom, calid, uid, &open), Ok(5));
    }
    assert_eq!(fetch(&tom, Some("tom"), Some("shut"), &shut), Ok(6));
    assert_eq!(fetch(&tom, Some("tom"), Some("open"), &shut), missing);
    assert_eq!(
        fetch(&tom, Some("jerry"), None, &open),
        Err(Kind::AccessDenied)
    );
    assert_eq!(fetch(&tom, Some("tom"), Some("none"), &open), missing);
    assert_eq!(fetch(&tom, None, None, "20051012005"), missing);
    assert_eq!(
        fetch(&tom, Some("nobody"), None, &open),
        Err(Kind::NoSuchCalendar)
    );
    // Somebody who sees busy times alone.
    assert_eq!(
        fetch(&jerry, Some("tom"), Some("open"), &open),
        Err(Kind::AccessDenied)
    );
    assert_eq!(fetch(&jerry, None, None, &open), missing);
    assert_eq!(fetch(&Caller::Anonymous, None, None, &open), missing);
    let acl = vec!["@^a^r^g".to_owned()];
    core.change_calendar("tom", |calendar| calendar.acl = acl.clone())
        .unwrap();
    // Somebody who reads, but not what is private.
    for uid in [Some("shut"), None] {
        assert_eq!(fetch(&jerry, Some("tom"), uid, &shut), missing);
    }
    assert_eq!(fetch(&jerry, None, None, &shut), missing);
    assert_eq!(fetch(&jerry, None, None, &open), Ok(5));
    assert_eq!(fetch(&Caller::Anonymous, Some("tom"), None, &open), Ok(5));
    // A copy of the item elsewhere opens it there alone.
    import(&core, "jerry", &event("copy", line));
    assert_eq!(fetch(&jerry, Some("jerry"), Some("copy"), &open), Ok(5));
}

#[test]
fn one_answer_has_a_bound() {
    let (core, tom, _) = core(|settings| settings.limits.attachment_body = 5);
    import(
        &core,
        "tom",
        &event("a", "ATTACH;ENCODING=BASE64;VALUE=BINARY:SGVsbG8="),
    );
    let id = only_id(&stored(&core, "tom", "a"));
    assert!(core.fetch_attachments(&tom, None, None, &[&id]).is_ok());
    let twice = core.fetch_attachments(&tom, None, None, &[&id, &id]);
    assert_eq!(twice.unwrap_err().kind(), Kind::TooMuch);
}
