//! Twelve people and one week, checked from the outside: what they are told over WCAP has to agree. Four of them
//! work by CAP.
//!
//! One week is a script, `tests/week/week.txt`; others are random operations, the same for the same seed. Whether the
//! calendars agree is the judgement of `week/agree.rs`, which knows RFC 5546 and nothing of how scheduling works.

#![expect(clippy::expect_used, reason = "tests")]
#![expect(unreachable_pub, reason = "modules of a test program have no outside")]

mod common;

#[path = "week/agree.rs"]
mod agree;
#[path = "week/by_cap.rs"]
mod by_cap;
#[path = "week/chance.rs"]
mod chance;
#[path = "week/copies.rs"]
mod copies;
#[path = "week/diary.rs"]
mod diary;
#[path = "week/office.rs"]
mod office;
#[path = "week/script.rs"]
mod script;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use by_cap::WORDS;
use chance::{IDEAS, Whim};
use diary::Diary;
use office::Office;
use tokio::runtime::Runtime;

/// How many operations a seed makes.
const OPERATIONS: usize = 200;
/// After how many of them everything is checked.
const CHECKED: usize = 40;
/// The seeds of every run; `WEEK_SEEDS=100..200` plays others.
const SEEDS: std::ops::Range<u64> = 1..7;

fn runtime() -> Runtime {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime starts")
}

/// How often what was done.
type Counted = BTreeMap<&'static str, usize>;

/// Plays a seed with a check after every so many operations; a fault tells what was done since the last one.
fn play(seed: u64, every: usize) -> Result<(Whim, Counted), String> {
    let runtime = runtime();
    let mut diary = Diary::new(Office::open(&runtime));
    let mut whim = Whim::new(seed);
    let mut acts = Vec::new();
    for done in 1..=OPERATIONS {
        acts.push(whim.act(&mut diary));
        if done % every == 0 {
            let checked = diary.check();
            checked.map_err(|fault| {
                format!(
                    "seed {seed}, operation {done}:\n{}\n{fault}",
                    acts.join("\n")
                )
            })?;
            acts.clear();
        }
    }
    Ok((whim, diary.cap))
}

fn seeds() -> std::ops::Range<u64> {
    let Ok(given) = std::env::var("WEEK_SEEDS") else {
        return SEEDS;
    };
    let ends = given.split_once("..").expect("a range such as 1..7");
    let [first, end] = [ends.0, ends.1].map(|end| end.parse().expect("a number"));
    first..end
}

#[test]
fn a_week_is_planned() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/week/week.txt");
    let text = fs::read_to_string(&path).expect("the script");
    let runtime = runtime();
    let mut diary = Diary::new(Office::open(&runtime));
    let played = script::play(&mut diary, &text).unwrap_or_else(|fault| panic!("{fault}"));
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &played).expect("the script is written");
    }
    let mut pairs = text.lines().zip(played.lines());
    let differs = pairs.find(|(told, came)| told != came);
    assert_eq!(differs, None, "(expected, came)");
    assert_eq!(text.lines().count(), played.lines().count());
}

/// A seed that fails is played again with a check after each operation, which names the first at fault.
#[test]
fn whatever_people_do_their_calendars_agree() {
    let (mut done, mut by_cap) = (Counted::new(), Counted::new());
    let mut faults = Vec::new();
    for seed in seeds() {
        match play(seed, CHECKED) {
            Ok((whim, cap)) => {
                for (idea, times) in whim.done {
                    *done.entry(idea).or_default() += times;
                }
                for (word, times) in cap {
                    *by_cap.entry(word).or_default() += times;
                }
            }
            Err(fault) => faults.push(play(seed, 1).err().unwrap_or(fault)),
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
    let missed = IDEAS.iter().filter(|(idea, _)| !done.contains_key(idea));
    assert_eq!(missed.count(), 0, "not everything was tried: {done:?}");
    let missed = WORDS.iter().filter(|word| !by_cap.contains_key(*word));
    assert_eq!(
        missed.count(),
        0,
        "not everything was done by CAP: {by_cap:?}"
    );
    println!("by CAP: {by_cap:?}");
}
