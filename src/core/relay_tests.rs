//! Messages for another store: tried, put off, given up, each in its order.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::core::accounts::NewUser;
use crate::core::peers::Peer;
use crate::core::testing::{core_with, settings};
use crate::model::clock::ManualClock;
use crate::store::items;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const MEETING: &str = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:m\r\nDTSTAMP:20260101T000000Z\r\n\
    DTSTART:20260101T000000Z\r\nORGANIZER:mailto:tom@localhost\r\n\
    ATTENDEE;SCHEDULE-STATUS=1.0:mailto:jerry@other\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

struct World {
    core: Core,
    clock: Arc<ManualClock>,
    tom: Caller,
}

/// Tom, whose meeting has somebody of another store in it.
fn world() -> World {
    let mut settings = settings();
    settings.peers = vec![Peer {
        csid: "cal.other".into(),
        domains: vec!["other".into()],
        login: None,
    }];
    settings.limits.relay_life = std::time::Duration::from_secs(7_200);
    let (core, clock) = core_with(settings);
    let new = NewUser {
        name: "tom".into(),
        ..NewUser::default()
    };
    core.add_user(&new, Some("tom")).unwrap();
    let tom = core.authenticate("tom", "tom", crate::core::Client::UNKNOWN);
    let upload = core.read_upload(MEETING.as_bytes());
    core.import(&Caller::System, "tom", upload, None, |_| ())
        .unwrap();
    World {
        tom: Caller::User(tom.unwrap()),
        core,
        clock,
    }
}

impl World {
    fn leave(&self, itip: Itip) {
        let object = object_of(MEETING).unwrap();
        self.core
            .leave_for_store(
                &self.tom,
                &Dispatch {
                    itip,
                    object: &object,
                    from: "mailto:tom@localhost",
                    to: "mailto:jerry@other",
                    csid: "cal.other",
                },
            )
            .unwrap();
    }

    /// The methods of what is due now, and in how many seconds more is.
    fn due(&self) -> (Vec<Letter>, Option<i64>) {
        let (letters, next) = self.core.due_relays("cal.other").unwrap();
        (letters, next.map(|next| next.0 - self.core.now().0))
    }

    fn item(&self) -> String {
        let read = |t: &crate::store::ReadTxn| -> Result<String> {
            let (calendar, _) = self.core.find_calendar(t, "tom")?.unwrap();
            Ok(items::get(t, calendar.id, "m")?.unwrap().text)
        };
        self.core.store().read(read).unwrap()
    }

    fn queued(&self) -> Vec<String> {
        let read = |t: &crate::store::ReadTxn| -> Result<Vec<String>> {
            let (calendar, _) = self.core.find_calendar(t, "tom")?.unwrap();
            let queued = queue::queued(t, calendar.id, "m")?;
            Ok(queued.into_iter().map(|item| item.text).collect())
        };
        self.core.store().read(read).unwrap()
    }

    fn settle(&self, fate: Fate) {
        let (letters, _) = self.due();
        self.core.settle_relay(&letters[0], &fate).unwrap();
        let problems = self.core.check(false).unwrap().problems;
        assert!(problems.is_empty(), "{problems:?}");
    }
}

fn methods(letters: &[Letter]) -> Vec<&str> {
    letters
        .iter()
        .map(|letter| letter.method.as_str())
        .collect()
}

#[test]
fn no_message_overtakes_another_of_its_thread() {
    let world = world();
    world.leave(Itip::Request);
    world.leave(Itip::Cancel);
    assert!(
        world
            .core
            .has_letters(&world.tom, "m", "mailto:Jerry@other")
            .unwrap()
    );
    assert_eq!(methods(&world.due().0), ["REQUEST"]);
    world.settle(Fate::Unreached("down".into()));
    let (letters, next) = world.due();
    assert_eq!((letters.len(), next), (0, Some(60)));
    world.clock.advance(60);
    assert_eq!(methods(&world.due().0), ["REQUEST"]);
    world.settle(Fate::Delivered);
    assert_eq!(world.due().1, Some(1));
    world.clock.advance(1);
    assert_eq!(methods(&world.due().0), ["CANCEL"]);
    world.settle(Fate::Delivered);
    assert_eq!(world.due().1, None);
}

#[test]
fn waits_grow_until_a_message_is_given_up_and_its_sender_told() {
    let world = world();
    world.leave(Itip::Request);
    let mut waits = Vec::new();
    loop {
        world.settle(Fate::Unreached("down".into()));
        let Some(wait) = world.due().1 else { break };
        waits.push(wait);
        world.clock.advance(u32::try_from(wait).unwrap());
    }
    assert_eq!(waits, [60, 300, 900, 3_600, 3_600]);
    assert!(
        world.item().contains("SCHEDULE-STATUS=5.1"),
        "{}",
        world.item()
    );
    let [notice] = &world.queued()[..] else {
        panic!("one notice");
    };
    let line = "REQUEST-STATUS:10.5;Delivery was given up;mailto:jerry@other";
    assert!(notice.replace("\r\n ", "").contains(line), "{notice}");
}

#[test]
fn what_became_of_a_message_stands_with_the_attendee() {
    for (fate, status, notices) in [
        (Fate::Delivered, "SCHEDULE-STATUS=1.2", 0),
        (Fate::Refused("6.0;No".into()), "SCHEDULE-STATUS=3.8", 1),
    ] {
        let world = world();
        world.leave(Itip::Request);
        world.settle(fate);
        assert!(world.item().contains(status), "{}", world.item());
        assert_eq!(world.queued().len(), notices);
    }
}

#[test]
fn the_bell_rings_for_what_is_written_and_a_dropped_letter_is_not_settled() {
    let world = world();
    let rung = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&rung);
    world.core.on_letters(move || {
        count.fetch_add(1, Ordering::Relaxed);
    });
    world.leave(Itip::Request);
    assert_eq!(rung.load(Ordering::Relaxed), 1);
    let (letters, _) = world.due();
    world
        .core
        .drop_letters(crate::core::outbox::Letters::All)
        .unwrap();
    let before = world.item();
    world
        .core
        .settle_relay(&letters[0], &Fate::Delivered)
        .unwrap();
    assert_eq!(world.item(), before);
}

#[test]
fn a_full_outbox_takes_nothing_more() {
    let mut settings = settings();
    settings.limits.outbox = 1;
    let (core, _) = core_with(settings);
    let tom = NewUser {
        name: "tom".into(),
        ..NewUser::default()
    };
    core.add_user(&tom, Some("tom")).unwrap();
    let tom = core.authenticate("tom", "tom", crate::core::Client::UNKNOWN);
    let tom = Caller::User(tom.unwrap());
    let object = object_of(MEETING).unwrap();
    let dispatch = Dispatch {
        itip: Itip::Request,
        object: &object,
        from: "mailto:tom@localhost",
        to: "mailto:jerry@other",
        csid: "cal.other",
    };
    core.leave_for_store(&tom, &dispatch).unwrap();
    let refused = core.leave_for_store(&tom, &dispatch).unwrap_err();
    assert_eq!(refused.kind(), Kind::TooMuch);
}
