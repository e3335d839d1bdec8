//! Answers that may be given again while what they rest on has not changed. Clients ask the same thing over and over:
//! a look-up then stands for walking through the calendar and printing it.
//!
//! An answer is kept under everything of its request that it can depend on: the command, its parameters as sent,
//! the format, who asks. Whether it still holds is the core's to say, exactly and each time. Bounded in octets:
//! half of the room is for what was asked for since the last turn, half for what was before; what nobody asked for
//! during a whole turn is dropped.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

use crate::core::{Basis, Caller};
use crate::text::form::Notation;
use crate::wcap::args::Args;
use crate::wcap::context::{Context, Session};
use crate::wcap::format::Format;

/// What an entry takes besides its octets: the tables' own.
const ENTRY: usize = 256;

/// Largest share of the room that one answer may take: a few huge ones must not drive out all others.
const SHARE: usize = 8;

/// What an answer depends on besides the store.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    command: &'static str,
    format: Format,
    caller: Caller,
    /// A session that has ended: refusals say so.
    dead: bool,
    /// Addresses in the answer begin with it.
    base: String,
    /// The domain of bare names.
    home: String,
    /// Names and values as sent, each behind its length.
    parameters: String,
}

impl Key {
    pub(super) fn of(context: &Context) -> Self {
        Self {
            command: context.row.name,
            format: context.format,
            caller: context.caller.clone(),
            dead: context.session == Session::Dead,
            base: context.base.clone(),
            home: context.core.home().to_owned(),
            parameters: parameters(&context.args),
        }
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.base.len() + self.home.len() + self.parameters.len()
    }
}

/// Everything but the session id, which stands for the caller.
fn parameters(args: &Args) -> String {
    let mut text = String::with_capacity(256);
    for (name, value) in args.pairs().filter(|(name, _)| *name != "id") {
        let mark = match value.notation() {
            Notation::Encoded => '=',
            Notation::Literal => ':',
        };
        for part in [name, value.as_str()] {
            text.push_str(&part.len().to_string());
            text.push(mark);
            text.push_str(part);
        }
    }
    text
}

#[derive(Debug)]
struct Entry {
    body: Bytes,
    basis: Basis,
}

/// The kept answers.
#[derive(Debug)]
pub(super) struct Kept {
    /// Octets of one turn.
    room: usize,
    turns: Mutex<Turns>,
}

#[derive(Debug, Default)]
struct Turns {
    now: HashMap<Key, Entry>,
    /// Octets of `now`.
    size: usize,
    before: HashMap<Key, Entry>,
}

impl Kept {
    /// Keeps answers of at most `octets` together, their requests and bases included.
    pub(super) fn new(octets: usize) -> Self {
        Self {
            room: octets / 2,
            turns: Mutex::default(),
        }
    }

    /// The answer kept for `key`, if `holds` says that it still does.
    pub(super) fn get(&self, key: &Key, holds: impl FnOnce(&Basis) -> bool) -> Option<Bytes> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = turns.now.get(key) {
            if holds(&entry.basis) {
                return Some(entry.body.clone());
            }
            turns.remove(key);
            return None;
        }
        let (key, entry) = turns.before.remove_entry(key)?;
        let body = holds(&entry.basis).then(|| entry.body.clone())?;
        turns.insert(key, entry, self.room);
        Some(body)
    }

    /// Keeps an answer.
    pub(super) fn put(&self, key: Key, body: Bytes, basis: Basis) {
        let entry = Entry { body, basis };
        if size(&key, &entry) > self.room / SHARE {
            return;
        }
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.before.remove(&key);
        turns.remove(&key);
        turns.insert(key, entry, self.room);
    }
}

fn size(key: &Key, entry: &Entry) -> usize {
    ENTRY + key.size() + entry.body.len() + entry.basis.size()
}

impl Turns {
    fn remove(&mut self, key: &Key) {
        if let Some((key, entry)) = self.now.remove_entry(key) {
            self.size -= size(&key, &entry);
        }
    }

    fn insert(&mut self, key: Key, entry: Entry, room: usize) {
        let more = size(&key, &entry);
        if self.size + more > room {
            self.before = std::mem::take(&mut self.now);
            self.size = 0;
        }
        self.size += more;
        self.now.insert(key, entry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::testing;

    fn key(parameters: &str) -> Key {
        Key {
            base: String::new(),
            home: String::new(),
            command: "get_freebusy",
            format: Format::Xml,
            caller: Caller::Anonymous,
            dead: false,
            parameters: parameters.to_owned(),
        }
    }

    fn answer(text: &str) -> (Bytes, Basis) {
        let basis = testing::core().0.with_basis(|| ()).1;
        (Bytes::copy_from_slice(text.as_bytes()), basis)
    }

    fn put(kept: &Kept, parameters: &str, text: &str) {
        let (body, basis) = answer(text);
        kept.put(key(parameters), body, basis);
    }

    fn get(kept: &Kept, parameters: &str) -> Option<Bytes> {
        kept.get(&key(parameters), |_| true)
    }

    #[test]
    fn an_answer_is_given_again_while_it_holds() {
        let kept = Kept::new(1 << 20);
        put(&kept, "a", "old");
        assert_eq!(get(&kept, "a").as_deref(), Some(&b"old"[..]));
        put(&kept, "a", "new");
        assert_eq!(get(&kept, "a").as_deref(), Some(&b"new"[..]));
        assert_eq!(get(&kept, "b"), None);
        let asked_by_a_dead_session = Key {
            dead: true,
            ..key("a")
        };
        assert_eq!(kept.get(&asked_by_a_dead_session, |_| true), None);
        assert_eq!(kept.get(&key("a"), |_| false), None);
        assert_eq!(get(&kept, "a"), None);
        assert_eq!(kept.turns.lock().map(|turns| turns.size).ok(), Some(0));
    }

    #[test]
    fn memory_is_bounded_and_what_is_asked_for_stays() {
        let room = 1 << 16;
        let kept = Kept::new(room);
        put(&kept, "often", &"o".repeat(500));
        for n in 0..1_000 {
            put(&kept, &n.to_string(), &"x".repeat(500));
            assert!(get(&kept, "often").is_some(), "{n}");
        }
        let turns = kept
            .turns
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let octets: usize = turns
            .now
            .iter()
            .chain(&turns.before)
            .map(|(key, entry)| size(key, entry))
            .sum();
        assert!(octets <= room && octets > room / 2, "{octets}");
    }

    #[test]
    fn what_is_too_large_is_not_kept() {
        for (room, text) in [(1 << 16, "x".repeat(1 << 12)), (0, String::new())] {
            let kept = Kept::new(room);
            put(&kept, "a", &text);
            assert_eq!(get(&kept, "a"), None);
        }
    }
}
