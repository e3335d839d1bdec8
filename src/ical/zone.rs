//! Time zones: local times to instants and back (RFC 5545 sections 3.3.5, 3.6.5). UTC, the zones of the bundled
//! tz database, and zones that a VTIMEZONE in the data describes. Writing VTIMEZONEs is `vtimezone`'s work.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::sync::OnceLock;

use jiff::civil;
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};

use super::component::Component;
use super::datetime::{DateTime, TimeRange, Timestamp};
use super::recur::LocalSeconds;
use super::windows;

mod custom;
mod memo;
#[cfg(test)]
mod tests;

use custom::Transitions;

/// The longest TZID that is looked up; longer ones name no zone.
const LONGEST_NAME: usize = 255;

/// A time zone. Cloning is cheap. Two zones are equal when they go by the same name and come from the same
/// source; see [`same_offsets`] for whether they tell the same time.
#[derive(Clone)]
pub struct Zone {
    id: Arc<str>,
    source: Source,
}

#[derive(Clone)]
enum Source {
    Utc,
    Named(TimeZone),
    Custom(Arc<Transitions>),
}

impl Zone {
    /// Coordinated universal time.
    pub fn utc() -> Self {
        static ID: OnceLock<Arc<str>> = OnceLock::new();
        Self {
            id: ID.get_or_init(|| Arc::from("UTC")).clone(),
            source: Source::Utc,
        }
    }

    /// The zone the bundled tz database knows by this name; letter case does not count. Its id is the
    /// database's spelling.
    pub fn named(name: &str) -> Option<Self> {
        let name = name.trim();
        if name.is_empty() || name.len() > LONGEST_NAME {
            return None;
        }
        let zone = TimeZoneDatabase::bundled().get(name).ok()?;
        let id = zone.iana_name()?;
        if matches!(id, "UTC" | "Etc/UTC") {
            return Some(Self {
                id: Arc::from(id),
                source: Source::Utc,
            });
        }
        Some(Self {
            id: Arc::from(id),
            source: Source::Named(zone),
        })
    }

    /// The tz database zone that a foreign name stands for: the name itself, its tail after a vendor's prefix
    /// (`/mozilla.org/20070129_1/Europe/Berlin`), or a Windows name (`W. Europe Standard Time`).
    pub fn known_as(name: &str) -> Option<Self> {
        let name = name.trim().trim_matches('"').trim();
        if name.len() > LONGEST_NAME {
            return None;
        }
        if let Some(zone) = Self::named(name) {
            return Some(zone);
        }
        if name.starts_with('/') {
            let tails = name.match_indices('/').map(|(at, _)| &name[at + 1..]);
            if let Some(zone) = tails.filter_map(Self::named).next() {
                return Some(zone);
            }
        }
        Self::named(windows::olson_name(name)?)
    }

    /// A zone of its own rules, from a VTIMEZONE; none when that has no observance that can be read.
    fn compiled(id: &str, timezone: &Component) -> Option<Self> {
        Some(Self {
            id: Arc::from(id),
            source: Source::Custom(memo::compiled(timezone)?),
        })
    }

    /// The name: the tz database's spelling, or the TZID of the VTIMEZONE.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether the zone is UTC under one of its names.
    pub fn is_utc(&self) -> bool {
        matches!(self.source, Source::Utc)
    }

    /// Whether the zone's rules come from a VTIMEZONE in the data.
    pub fn is_custom(&self) -> bool {
        matches!(self.source, Source::Custom(_))
    }

    /// The instant of a local time. A time that a forward shift leaves out is read with the offset before the
    /// shift, one that a backward shift repeats is its first (section 3.3.5).
    pub fn to_timestamp(&self, local: civil::DateTime) -> Timestamp {
        match &self.source {
            Source::Utc => Timestamp::from_civil_utc(local),
            Source::Named(zone) => {
                let offset = match zone.to_ambiguous_timestamp(local).offset() {
                    AmbiguousOffset::Unambiguous { offset } => offset,
                    AmbiguousOffset::Gap { before, .. } | AmbiguousOffset::Fold { before, .. } => {
                        before
                    }
                };
                Timestamp(LocalSeconds::from(local).0 - i64::from(offset.seconds()))
            }
            Source::Custom(transitions) => {
                let local = LocalSeconds::from(local).0;
                Timestamp(local - i64::from(transitions.offset_of_local(local)))
            }
        }
    }

    /// As [`to_timestamp`](Self::to_timestamp), for a local time in seconds.
    pub fn resolve(&self, local: LocalSeconds) -> Timestamp {
        match &self.source {
            Source::Utc => Timestamp(local.0),
            Source::Named(_) => self.to_timestamp(local.into()),
            Source::Custom(transitions) => {
                Timestamp(local.0 - i64::from(transitions.offset_of_local(local.0)))
            }
        }
    }

    /// The local time of an instant; saturates at the years -9999 and 9999.
    pub fn to_civil(&self, instant: Timestamp) -> civil::DateTime {
        self.to_local(instant).into()
    }

    /// The local time of an instant in seconds, saturating.
    pub fn to_local(&self, instant: Timestamp) -> LocalSeconds {
        LocalSeconds(instant.0).plus(i64::from(self.offset_at(instant)))
    }

    /// Seconds east of Greenwich at an instant.
    pub fn offset_at(&self, instant: Timestamp) -> i32 {
        match &self.source {
            Source::Utc => 0,
            Source::Named(zone) => zone.to_offset(to_jiff(instant)).seconds(),
            Source::Custom(transitions) => transitions.offset_at(instant.0),
        }
    }

    /// The first instant after `after` at which the offset changes; none when it never does again.
    pub fn next_change(&self, after: Timestamp) -> Option<Timestamp> {
        match &self.source {
            Source::Utc => None,
            Source::Named(zone) => {
                let mut before = self.offset_at(after);
                zone.following(to_jiff(after)).find_map(|transition| {
                    let offset = transition.offset().seconds();
                    let changed = offset != before;
                    before = offset;
                    changed.then(|| Timestamp(transition.timestamp().as_second()))
                })
            }
            Source::Custom(transitions) => transitions.next_change(after.0).map(Timestamp),
        }
    }

    /// The tz database's zone behind this one, for whoever writes it down.
    pub(super) fn database_zone(&self) -> Option<&TimeZone> {
        match &self.source {
            Source::Named(zone) => Some(zone),
            _ => None,
        }
    }
}

impl PartialEq for Zone {
    fn eq(&self, other: &Self) -> bool {
        let same_source = match (&self.source, &other.source) {
            (Source::Utc, Source::Utc) | (Source::Named(_), Source::Named(_)) => true,
            (Source::Custom(a), Source::Custom(b)) => Arc::ptr_eq(a, b),
            _ => false,
        };
        same_source && self.id == other.id
    }
}

impl Eq for Zone {}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let custom = if self.is_custom() { ", custom" } else { "" };
        write!(f, "Zone({}{custom})", self.id)
    }
}

/// jiff's instant, cut to its range.
fn to_jiff(instant: Timestamp) -> jiff::Timestamp {
    let lowest = jiff::Timestamp::MIN.as_second();
    let highest = jiff::Timestamp::MAX.as_second();
    jiff::Timestamp::from_second(instant.0.clamp(lowest, highest)).unwrap_or(jiff::Timestamp::MAX)
}

/// Whether two zones have the same offset at every instant of `range`.
///
/// A range that is open at an end is looked at from 1970 to 2037, the years zone data is made for.
pub fn same_offsets(a: &Zone, b: &Zone, range: TimeRange) -> bool {
    /// 1970-01-01 and 2038-01-01.
    const KNOWN: (Timestamp, Timestamp) = (Timestamp(0), Timestamp(2_145_916_800));
    if a == b {
        return true;
    }
    let start = if range.start() == Timestamp::MIN {
        KNOWN.0.min(range.end())
    } else {
        range.start()
    };
    let end = if range.end() == Timestamp::MAX {
        KNOWN.1.max(start)
    } else {
        range.end()
    };
    let mut at = start;
    loop {
        if a.offset_at(at) != b.offset_at(at) {
            return false;
        }
        let next = match (a.next_change(at), b.next_change(at)) {
            (Some(a), Some(b)) if a == b => a,
            // One changes where the other does not.
            (Some(a), Some(b)) => return a.min(b) >= end,
            (Some(change), None) | (None, Some(change)) => return change >= end,
            (None, None) => return true,
        };
        if next >= end {
            return true;
        }
        at = next;
    }
}

/// The ids of all zones of the tz database that a client may use, in alphabetical order.
///
/// Left out are entries that are no places: `Factory`, `posixrules`, `localtime`.
pub fn names() -> &'static [String] {
    static NAMES: OnceLock<Vec<String>> = OnceLock::new();
    NAMES.get_or_init(|| {
        let mut names: Vec<String> = TimeZoneDatabase::bundled()
            .available()
            .map(|name| name.to_string())
            .filter(|name| !matches!(name.as_str(), "Factory" | "posixrules" | "localtime"))
            .collect();
        names.sort_unstable();
        names
    })
}

/// The name of a VTIMEZONE: its TZID, a TEXT with escapes, where the parameter of that name has none; none when it is
/// empty.
pub fn name_of(timezone: &Component) -> Option<Cow<'_, str>> {
    let name = match timezone.property("TZID")?.to_text() {
        Cow::Borrowed(name) => Cow::Borrowed(name.trim()),
        Cow::Owned(name) => Cow::Owned(name.trim().to_owned()),
    };
    Some(name).filter(|name| !name.is_empty())
}

/// The zones that the times of one object, or of one calendar file, refer to.
///
/// A TZID means, in this order: the VTIMEZONE of that name in the data; the tz database zone of that name; the
/// one named after a vendor's prefix; the one a Windows name or the VTIMEZONE's `X-LIC-LOCATION` stands for. A
/// VTIMEZONE without readable observances is passed over, and so is one that only knows daylight saving time
/// when the tz database has the zone whole.
#[derive(Debug, Clone, Default)]
pub struct Zones {
    own: Vec<(Box<str>, Zone)>,
    /// X-LIC-LOCATION of VTIMEZONEs that say nothing else.
    locations: Vec<(Box<str>, Box<str>)>,
}

impl Zones {
    /// The zones of these VTIMEZONE components; other components are skipped.
    pub fn of(timezones: &[Component]) -> Self {
        let mut zones = Self::default();
        for timezone in timezones.iter().filter(|c| c.is("VTIMEZONE")) {
            zones.add(timezone);
        }
        zones
    }

    /// Adds one more VTIMEZONE; the first of a name counts.
    pub fn add(&mut self, timezone: &Component) {
        let Some(id) = name_of(timezone) else {
            return;
        };
        let id = &*id;
        if self.own(id).is_some() {
            return;
        }
        let location = timezone.value("X-LIC-LOCATION").map(str::trim);
        let whole = timezone.components_named("STANDARD").next().is_some();
        if !whole && (Zone::known_as(id).or_else(|| Zone::known_as(location?))).is_some() {
            self.locations
                .push((id.into(), location.unwrap_or(id).into()));
            return;
        }
        match (Zone::compiled(id, timezone), location) {
            (Some(zone), _) => self.own.push((id.into(), zone)),
            (None, Some(location)) => self.locations.push((id.into(), location.into())),
            (None, None) => {}
        }
    }

    fn own(&self, id: &str) -> Option<&Zone> {
        // Files that name a zone in another letter case than they define it exist.
        let exact = self.own.iter().find(|(own, _)| &**own == id);
        exact
            .or_else(|| {
                self.own
                    .iter()
                    .find(|(own, _)| own.eq_ignore_ascii_case(id))
            })
            .map(|(_, zone)| zone)
    }

    /// The zone a TZID means; none when nobody knows it.
    pub fn resolve(&self, tzid: &str) -> Option<Zone> {
        let tzid = tzid.trim();
        if let Some(zone) = self.own(tzid) {
            return Some(zone.clone());
        }
        Zone::known_as(tzid).or_else(|| {
            let (_, location) = self.locations.iter().find(|(id, _)| &**id == tzid)?;
            Zone::known_as(location)
        })
    }

    /// The zone a value stands in: UTC, its own, or `floating` for a date, a floating time and a TZID that
    /// nobody knows.
    pub fn zone_of(&self, value: &DateTime, floating: &Zone) -> Zone {
        match value {
            DateTime::Utc(_) => Zone::utc(),
            DateTime::Zoned(_, tzid) => self.resolve(tzid).unwrap_or_else(|| floating.clone()),
            DateTime::Date(_) | DateTime::Floating(_) => floating.clone(),
        }
    }

    /// The instant a value means, as [`zone_of`](Self::zone_of) sees it.
    pub fn instant(&self, value: &DateTime, floating: &Zone) -> Timestamp {
        match value {
            DateTime::Utc(instant) => *instant,
            _ => self.zone_of(value, floating).to_timestamp(value.civil()),
        }
    }
}
