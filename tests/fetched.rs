//! What a fetch answers means what is stored: the same instances, however times, zones and series are written.
//!
//! Each file is imported, fetched as series and as instances, and the answers are read as clients read them: a UTC
//! time beside X-NSCP-DTSTART-TZID is a time of that zone. Files of other people stand outside the project, in the
//! folder that `WCAPD_CORPUS` names or `../shared/corpus`; where there is none the tests say so.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use wcapd::config::Config;
use wcapd::core::accounts::NewUser;
use wcapd::core::items::fetch::{Fetched, Selection, Window};
use wcapd::core::{Caller, Core};
use wcapd::ical::component::{Component, Property};
use wcapd::ical::datetime::{DateTime, TimeRange, Timestamp};
use wcapd::ical::instances::Series;
use wcapd::ical::object::{self, CalendarObject, Kind};
use wcapd::ical::recur::Work;
use wcapd::ical::zone::Zone;
use wcapd::ical::{parse, print, value};
use wcapd::model::clock::{CountedIds, ManualClock};
use wcapd::store::Store;
use wcapd::wcap::shape::{Form, Place, Shaper};

/// The zone of floating times: one that is not UTC and changes its offset.
const CALENDAR_ZONE: &str = "Europe/Berlin";

/// From 2000 to 2030.
const YEARS: (i64, i64) = (946_684_800, 1_893_456_000);

/// UID, first instant, first instant after: how often.
type Instances = BTreeMap<(String, i64, i64), usize>;

fn years() -> TimeRange {
    TimeRange::new(Timestamp(YEARS.0), Timestamp(YEARS.1)).unwrap()
}

fn core_with(bytes: &[u8]) -> Core {
    let mut config = Config::for_tests(Path::new("unused"));
    config.limits.instances = 1_000_000;
    config.calendars.default_tzid = CALENDAR_ZONE.to_owned();
    let clock = Arc::new(ManualClock::new(Timestamp(1_767_603_600)));
    let store = Store::in_memory(clock.clone()).unwrap();
    let settings = wcapd::app::open::settings(&config);
    let core = Core::new(store, clock, Arc::new(CountedIds::default()), settings);
    let tom = NewUser {
        name: "tom".into(),
        ..NewUser::default()
    };
    core.add_user(&tom, None).unwrap();
    let upload = core.read_upload(bytes);
    core.import(&Caller::System, "tom", upload, None, |_| {})
        .unwrap();
    core
}

/// The instances of some objects; none where one has more than can be compared.
fn expanded(objects: &[CalendarObject]) -> Option<Instances> {
    let floating = Zone::named(CALENDAR_ZONE).unwrap();
    let mut all = Instances::new();
    for object in objects.iter().filter(|o| o.kind != Kind::Journal) {
        let mut work = Work::new(5_000_000);
        let series = Series::of(object, &floating, &mut work).ok()?;
        for instance in series.instances(years(), 50_000, &mut work).ok()? {
            let key = (object.uid.clone(), instance.start.0, instance.end.0);
            *all.entry(key).or_default() += 1;
        }
    }
    Some(all)
}

/// The answer as a client reads it from the wire.
fn answered(fetched: Fetched, form: &Form) -> Vec<Component> {
    let place = Place {
        zone: &fetched.zone,
        language: "en",
        people: &fetched.people,
        calid: "tom",
        attachments: &fetched.attachments,
    };
    let mut shaper = Shaper::new(form, place);
    for entry in &fetched.entries {
        let found = &fetched.objects[entry.object];
        match &entry.occurrence {
            Some(occurrence) => {
                shaper.add_occurrences(&found.object, found.stamps, &[occurrence]);
            }
            None => shaper.add(found.object.clone(), found.stamps),
        }
    }
    let mut calendar = Component::new("VCALENDAR");
    shaper.finish().for_each(|c| calendar.push_component(c));
    let text = print::to_string(&calendar);
    let parsed = parse::parse(text.as_bytes(), &parse::Limits::DEFAULT);
    assert_eq!(parsed.errors, [], "{text}");
    let calendar = parsed.components.into_iter().next().unwrap();
    let components: Vec<Component> = calendar.components().cloned().collect();
    let zones: Vec<_> = components
        .iter()
        .filter(|c| c.is("VTIMEZONE"))
        .filter_map(|c| c.value("TZID"))
        .collect();
    for component in components.iter().filter(|c| !c.is("VTIMEZONE")) {
        assert_form(component, &zones);
    }
    components
}

/// What holds for every component of an answer.
fn assert_form(component: &Component, zones: &[&str]) {
    let first = component.properties().next().map(Property::name);
    assert_eq!(first, Some("UID"), "{component:?}");
    for name in ["CREATED", "LAST-MODIFIED", "X-NSCP-GSE-COMPONENT-STATE"] {
        assert_eq!(component.properties_named(name).count(), 1, "{component:?}");
    }
    for name in [
        "DTSTART",
        "DTEND",
        "DUE",
        "RECURRENCE-ID",
        "EXDATE",
        "RDATE",
    ] {
        for property in component.properties_named(name) {
            if let Some(tzid) = property.param("TZID") {
                assert!(zones.contains(&&*tzid), "{property:?}");
            } else if let Ok(time) = value::date_time(property) {
                assert!(!matches!(time, DateTime::Floating(_)), "{property:?}");
            }
        }
    }
}

/// Puts a time that is told in UTC back into the zone beside it.
fn localized(component: &Component) -> Component {
    let zone = |name| Some(Zone::named(component.value(name)?).unwrap());
    let start_zone = zone("X-NSCP-DTSTART-TZID");
    let mut read = component.clone();
    read.map_properties(|property| {
        let zone = match property.name() {
            "DTSTART" | "EXDATE" | "RECURRENCE-ID" => start_zone.clone(),
            "DTEND" => zone("X-NSCP-DTEND-TZID").or(start_zone.clone()),
            "DUE" => zone("X-NSCP-DUE-TZID").or(start_zone.clone()),
            _ => None,
        };
        let (Some(zone), Ok(times)) = (zone, value::date_times(&property)) else {
            return property;
        };
        let local = |time: &DateTime| match time {
            DateTime::Utc(instant) => {
                let local = DateTime::Zoned(zone.to_civil(*instant), zone.id().into());
                // The second of two like times has no local form.
                match zone.to_timestamp(local.civil()) == *instant {
                    true => local,
                    false => time.clone(),
                }
            }
            other => other.clone(),
        };
        let times: Vec<_> = times.iter().map(local).collect();
        match value::date_time_properties(property.name(), &times).as_slice() {
            [only] => match property.param("RANGE") {
                Some(range) => only.clone().with_param("RANGE", &range),
                None => only.clone(),
            },
            _ => property,
        }
    });
    read
}

/// The instances of an answer of single components.
fn listed(components: &[Component]) -> Instances {
    let floating = Zone::named(CALENDAR_ZONE).unwrap();
    let zones = wcapd::ical::zone::Zones::of(components);
    let mut all = Instances::new();
    for component in components.iter().filter(|c| !c.is("VTIMEZONE")) {
        let time = |name| {
            let time = value::date_time(component.property(name)?).ok()?;
            Some(zones.instant(&time, &floating).0)
        };
        let end = time("DTEND").or_else(|| time("DUE"));
        let Some(start) = time("DTSTART").or(end) else {
            continue;
        };
        let uid = component.property("UID").unwrap().to_text().into_owned();
        *all.entry((uid, start, end.unwrap_or(start))).or_default() += 1;
    }
    all
}

/// Compares a file with the answers about it; says how many instances, and what it could not compare.
fn compare(name: &str, bytes: &[u8]) -> Result<usize, &'static str> {
    let core = core_with(bytes);
    let mut stored = Vec::new();
    core.export(&Caller::System, Some("tom"), None, |object| {
        stored.push(object)
    })
    .unwrap();
    let Some(expected) = expanded(&stored) else {
        return Err("has series of too many instances");
    };
    let window = Window {
        start: Some(DateTime::Utc(Timestamp(YEARS.0))),
        end: Some(DateTime::Utc(Timestamp(YEARS.1))),
        zone: None,
    };
    let fetch = |instances| {
        let selection = Selection {
            instances,
            ..Selection::default()
        };
        core.fetch_range(&Caller::System, Some("tom"), &window, &selection)
            .unwrap()
    };
    let form = Form {
        rules: true,
        ..Form::default()
    };
    let series: Vec<_> = answered(fetch(false), &form)
        .iter()
        .map(localized)
        .collect();
    let split = object::split(series, &mut || unreachable!("every component has a UID"));
    assert_eq!(split.rejected, [], "{name}");
    assert_same(
        name,
        "series",
        &expected,
        &expanded(&split.objects).unwrap(),
    );
    let instances = answered(fetch(true), &Form::default());
    assert_same(name, "instances", &expected, &listed(&instances));
    Ok(expected.values().sum())
}

fn assert_same(name: &str, what: &str, expected: &Instances, found: &Instances) {
    let missing: Vec<_> = expected
        .iter()
        .filter(|(key, count)| found.get(key) != Some(count))
        .take(5)
        .collect();
    let strange: Vec<_> = found
        .iter()
        .filter(|(key, count)| expected.get(key) != Some(count))
        .take(5)
        .collect();
    assert!(
        missing.is_empty() && strange.is_empty(),
        "{name}, told as {what}: missing {missing:?}, too many {strange:?}"
    );
}

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        println!("left out: {} is not there", folder.display());
        return Vec::new();
    };
    let mut files: Vec<_> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "ics"))
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read(&path).unwrap())
        })
        .collect();
    files.sort();
    files
}

fn compare_all(files: Vec<(String, Vec<u8>)>) -> usize {
    let (mut compared, mut instances) = (0, 0);
    for (name, bytes) in files {
        match compare(&name, &bytes) {
            Ok(count) => {
                compared += 1;
                instances += count;
            }
            Err(why) => println!("left out: {name} {why}"),
        }
    }
    println!("{compared} files, {instances} instances");
    instances
}

#[test]
fn files_of_our_own_mean_the_same() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    for folder in ["data/ics", "wcap/data"] {
        assert!(compare_all(files(&tests.join(folder))) > 0);
    }
}

#[test]
fn files_of_others_mean_the_same() {
    let corpus = std::env::var_os("WCAPD_CORPUS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"),
        PathBuf::from,
    );
    for folder in ["real", "recurrence"] {
        compare_all(files(&corpus.join(folder)));
    }
}
