//! The parameters of a command, read by type.
//!
//! A command's row declares each parameter once; a command asks for a declared name and gets a checked value.
//! Names no row declares are ignored: clients send extras. Of repeats the last counts, and a body comes after
//! the query. Absent, empty and `0` are different things and stay so in a [`Field`]. Times stay as written
//! until the caller knows the zone. Source: the parameter tables of the WCAP guides.

mod lists;

use std::borrow::Cow;

pub use lists::{Attendee, ComponentType, ItemRef, Modifier};

use crate::ical::datetime::DateTime;
use crate::ical::value::{self, Duration};
use crate::ical::zone::Zone;
use crate::text::form::{Form, FormError, Raw};

/// What a parameter holds, for the documentation and the checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// Text that must stay out of logs.
    Secret,
    /// `0` or `1`.
    Flag,
    /// A whole number between the two, both included.
    Integer(i64, i64),
    /// A date-time; `0` is none or open.
    Time,
    /// `;` list of date-times.
    Times,
    /// A duration.
    Duration,
    /// A date-time or a duration from the start.
    Trigger,
    /// The name of a time zone.
    Zone,
    /// A calendar: calid, `mailto:` or address.
    Calid,
    /// `;` list of calendars.
    Calids,
    /// `;` list of access control entries.
    Aces,
    /// `;` list of user names, UPNs or mail addresses.
    Users,
    /// `;` list of UIDs.
    Uids,
    /// `;` list of RECURRENCE-IDs, `0` for none.
    RecurrenceIds,
    /// `;` list of 1 this, 2 this and future, 3 this and prior, 4 all.
    Modifiers,
    /// `;` list of text.
    List,
    /// `;` list of attendees, each `*(NAME=value^)address`.
    Attendees,
    /// `;` list of `"rule"`.
    Rules,
    /// `;` list of component states.
    States,
    /// An output or input format.
    Format,
}

impl Kind {
    /// What stands in the type column of the documentation.
    pub fn describe(self) -> String {
        String::from(match self {
            Self::Text => "text",
            Self::Secret => "secret",
            Self::Flag => "0/1",
            Self::Integer(low, high) => return format!("{low} to {high}"),
            Self::Time => "date-time or 0",
            Self::Times => "list of date-times",
            Self::Duration => "duration",
            Self::Trigger => "date-time or duration",
            Self::Zone => "time zone",
            Self::Calid => "calid",
            Self::Calids => "list of calids",
            Self::Aces => "list of access control entries",
            Self::Users => "list of users",
            Self::Uids => "list of uids",
            Self::RecurrenceIds => "list of date-times or 0",
            Self::Modifiers => "list of 1 to 4",
            Self::List => "list",
            Self::Attendees => "list of attendees",
            Self::Rules => "list of quoted rules",
            Self::States => "list of states",
            Self::Format => "format",
        })
    }
}

/// What counts when a parameter is absent or empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// It must be given.
    Required,
    /// Nothing.
    Optional,
    /// This value.
    Default(&'static str),
}

/// A parameter of a command.
#[derive(Debug, Clone, Copy)]
pub struct Param {
    /// The name, letter case counts.
    pub name: &'static str,
    /// Other names it is known by.
    pub aliases: &'static [&'static str],
    /// What it holds.
    pub kind: Kind,
    /// What counts without it.
    pub presence: Presence,
    /// What it is for, one line.
    pub doc: &'static str,
}

impl Param {
    /// One that must be given.
    pub const fn required(name: &'static str, kind: Kind, doc: &'static str) -> Self {
        Self {
            name,
            aliases: &[],
            kind,
            presence: Presence::Required,
            doc,
        }
    }

    /// One that may be left out.
    pub const fn optional(name: &'static str, kind: Kind, doc: &'static str) -> Self {
        Self {
            name,
            aliases: &[],
            kind,
            presence: Presence::Optional,
            doc,
        }
    }

    /// One with a default.
    pub const fn or(
        name: &'static str,
        kind: Kind,
        default: &'static str,
        doc: &'static str,
    ) -> Self {
        Self {
            name,
            aliases: &[],
            kind,
            presence: Presence::Default(default),
            doc,
        }
    }

    /// This parameter under further names.
    #[must_use]
    pub const fn also(self, aliases: &'static [&'static str]) -> Self {
        Self { aliases, ..self }
    }
}

/// What every command takes.
pub const COMMON: &[Param] = &[
    Param::optional("id", Kind::Secret, "The session id that login gave."),
    Param::or(
        "fmt-out",
        Kind::Format,
        "text/calendar",
        "Format of the answer: text/calendar, text/xml, text/json, application/calendar+xml (xCal) or \
         application/calendar+json (jCal).",
    ),
    Param::optional("appid", Kind::Text, "Who asks; not used."),
];

/// A value that can be left alone, taken away or set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field<T> {
    /// The parameter was not sent: keep what is there.
    Absent,
    /// It was sent empty (a time: or `0`): take away what is there.
    Clear,
    /// A value.
    Set(T),
}

impl<T> Field<T> {
    /// The value; absent and cleared are none.
    pub fn set(self) -> Option<T> {
        match self {
            Self::Set(value) => Some(value),
            Self::Absent | Self::Clear => None,
        }
    }

    /// Whether the parameter was sent.
    pub fn is_given(&self) -> bool {
        !matches!(self, Self::Absent)
    }

    /// The field with its value replaced.
    pub fn map<U>(self, map: impl FnOnce(T) -> U) -> Field<U> {
        match self {
            Self::Absent => Field::Absent,
            Self::Clear => Field::Clear,
            Self::Set(value) => Field::Set(map(value)),
        }
    }
}

/// Why the parameters cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArgError {
    /// The form itself is broken or beyond a limit.
    #[error(transparent)]
    Form(#[from] FormError),
    /// A required one is not there.
    #[error("expected the parameter '{0}'")]
    Missing(&'static str),
    /// A value is not what it must be.
    #[error("{name}: expected {expected}, found '{found}'")]
    Value {
        /// The parameter.
        name: &'static str,
        /// What it must be.
        expected: &'static str,
        /// What it is, cut short.
        found: String,
    },
    /// More items than allowed.
    #[error("{name}: expected at most {limit} items")]
    TooMany {
        /// The parameter.
        name: &'static str,
        /// The bound.
        limit: usize,
    },
    /// Lists that run in parallel have different lengths.
    #[error("expected as many values of '{name}' as of 'uid', found {found} and {uids}")]
    Lengths {
        /// The other list.
        name: &'static str,
        /// Its items.
        found: usize,
        /// The items of `uid`.
        uids: usize,
    },
    /// No time zone has that name.
    #[error("{name}: there is no time zone '{found}'")]
    Zone {
        /// The parameter.
        name: &'static str,
        /// What it says, cut short.
        found: String,
    },
}

/// A date-time, or a time before or after the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trigger {
    /// At that time.
    At(DateTime),
    /// So long from the start; negative is before it.
    From(Duration),
}

/// How many items lists may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListLimits {
    /// Calendars.
    pub calids: usize,
    /// Items: uid and rid pairs.
    pub uids: usize,
    /// Attendees.
    pub attendees: usize,
}

/// The parameters of one request.
#[derive(Debug, Clone)]
pub struct Args {
    form: Form,
    params: &'static [Param],
    limits: ListLimits,
}

impl Args {
    /// The values of `form` for the parameters a row declares.
    pub fn new(form: Form, params: &'static [Param], limits: ListLimits) -> Self {
        Self {
            form,
            params,
            limits,
        }
    }

    /// Whether the form as such is sound: text that can be decoded, lists within their bounds, parallel lists of
    /// one length. `exact_rids` as in the command's row.
    pub fn check_form(&self, exact_rids: bool) -> Result<(), ArgError> {
        self.form.check()?;
        let given = |param: &Param| self.written(param.name).is_some_and(|raw| !raw.is_empty());
        let mut with_uids = false;
        for param in self.params.iter().filter(|param| given(param)) {
            match param.kind {
                Kind::Calids => self.calids(param.name).map(drop)?,
                Kind::Attendees => self.check_attendees(param.name)?,
                Kind::Uids => with_uids = true,
                _ => {}
            }
        }
        if with_uids {
            self.check_item_refs(exact_rids)
        } else {
            Ok(())
        }
    }

    /// Whether the required parameters are there.
    pub fn check_required(&self) -> Result<(), ArgError> {
        let required = self
            .params
            .iter()
            .filter(|p| p.presence == Presence::Required);
        for param in required {
            if self.written(param.name).is_none_or(Raw::is_empty) {
                return Err(ArgError::Missing(param.name));
            }
        }
        Ok(())
    }

    /// All parameters as sent, in order, those the row does not know included.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, Raw<'_>)> {
        self.form.pairs()
    }

    fn param(&self, name: &str) -> Option<&'static Param> {
        let param = self.params.iter().chain(COMMON).find(|p| p.name == name);
        debug_assert!(
            param.is_some(),
            "'{name}' is not declared in the command's row"
        );
        param
    }

    /// The value as sent, if it was sent.
    pub fn written(&self, name: &'static str) -> Option<Raw<'_>> {
        let aliases = self.param(name).map_or(&[][..], |p| p.aliases);
        self.form.last_of(|n| n == name || aliases.contains(&n))
    }

    /// The value that counts: as sent unless empty, else the default.
    fn effective(&self, name: &'static str) -> Option<Raw<'_>> {
        let sent = self.written(name).filter(|value| !value.is_empty());
        sent.or_else(|| match self.param(name)?.presence {
            Presence::Default(text) => Some(Raw::new(text, crate::text::form::Notation::Literal)),
            Presence::Required | Presence::Optional => None,
        })
    }

    /// A text; none if absent or empty and without default.
    pub fn text(&self, name: &'static str) -> Result<Option<Cow<'_, str>>, ArgError> {
        Ok(self.effective(name).map(Raw::decode).transpose()?)
    }

    /// A text to keep, clear or set.
    pub fn text_field(&self, name: &'static str) -> Result<Field<Cow<'_, str>>, ArgError> {
        self.field(name, |raw| Ok(raw.decode()?))
    }

    /// Every text sent under the name, in order, empty ones left out.
    pub fn texts(&self, name: &'static str) -> Result<Vec<Cow<'_, str>>, ArgError> {
        let sent = self.form.all(name).filter(|raw| !raw.is_empty());
        Ok(sent.map(Raw::decode).collect::<Result<_, _>>()?)
    }

    /// Parameters called `X-...`, whatever the row declares: names and texts, in order.
    pub fn extensions(&self) -> impl Iterator<Item = (&str, Result<Cow<'_, str>, FormError>)> {
        let pairs = self.form.pairs();
        pairs
            .filter(|(name, _)| name.starts_with("X-"))
            .map(|(name, raw)| (name, raw.decode()))
    }

    fn field<'a, T>(
        &'a self,
        name: &'static str,
        read: impl FnOnce(Raw<'a>) -> Result<T, ArgError>,
    ) -> Result<Field<T>, ArgError> {
        match self.written(name) {
            None => Ok(Field::Absent),
            Some(raw) if raw.is_empty() => Ok(Field::Clear),
            Some(raw) => Ok(Field::Set(read(raw)?)),
        }
    }

    /// A flag; false without default.
    pub fn flag(&self, name: &'static str) -> Result<bool, ArgError> {
        Ok(self.flag_if_given(name)?.unwrap_or(false))
    }

    /// A flag that may say nothing: none if absent or empty and without default.
    pub fn flag_if_given(&self, name: &'static str) -> Result<Option<bool>, ArgError> {
        let text = self.text(name)?;
        text.map(|text| match text.trim() {
            "0" => Ok(false),
            "1" => Ok(true),
            other => Err(bad(name, "0 or 1", other)),
        })
        .transpose()
    }

    /// A whole number within the bounds its row declares.
    pub fn integer(&self, name: &'static str) -> Result<Option<i64>, ArgError> {
        let (low, high) = match self.param(name).map(|p| p.kind) {
            Some(Kind::Integer(low, high)) => (low, high),
            _ => (i64::MIN, i64::MAX),
        };
        let text = self.text(name)?;
        text.map(|text| {
            let number = text.trim().parse().ok();
            number
                .filter(|number| (low..=high).contains(number))
                .ok_or_else(|| bad(name, "a number within its bounds", &text))
        })
        .transpose()
    }

    /// A time as written; `0` and empty clear it. Where a date is no use the caller says so.
    pub fn time(&self, name: &'static str) -> Result<Field<DateTime>, ArgError> {
        let Some(raw) = self.effective(name) else {
            return Ok(match self.written(name) {
                None => Field::Absent,
                Some(_) => Field::Clear,
            });
        };
        let text = raw.decode()?;
        Ok(time(name, &text)?.map_or(Field::Clear, Field::Set))
    }

    /// A duration.
    pub fn duration(&self, name: &'static str) -> Result<Field<Duration>, ArgError> {
        self.field(name, |raw| {
            let text = raw.decode()?;
            Duration::parse_lenient(text.trim()).map_err(|_| bad(name, "a duration", &text))
        })
    }

    /// A time or a duration; `0` and empty clear it.
    pub fn trigger(&self, name: &'static str) -> Result<Field<Trigger>, ArgError> {
        let field = self.field(name, |raw| Ok(raw.decode()?))?;
        let Field::Set(text) = field else {
            return Ok(field.map(|_| Trigger::From(Duration::of_seconds(0))));
        };
        if let Ok(duration) = Duration::parse_lenient(text.trim()) {
            return Ok(Field::Set(Trigger::From(duration)));
        }
        Ok(time(name, &text)?.map_or(Field::Clear, |at| Field::Set(Trigger::At(at))))
    }

    /// A time zone.
    pub fn zone(&self, name: &'static str) -> Result<Option<Zone>, ArgError> {
        let text = self.text(name)?;
        text.map(|text| {
            Zone::known_as(text.trim()).ok_or_else(|| ArgError::Zone {
                name,
                found: shorten(&text),
            })
        })
        .transpose()
    }
}

/// A time; `0` and blanks are none.
fn time(name: &'static str, text: &str) -> Result<Option<DateTime>, ArgError> {
    match text.trim() {
        "" | "0" => Ok(None),
        text => value::parse_date_time(text, None)
            .map(Some)
            .map_err(|_| bad(name, "YYYYMMDDTHHMMSS, with Z for UTC", text)),
    }
}

fn bad(name: &'static str, expected: &'static str, found: &str) -> ArgError {
    ArgError::Value {
        name,
        expected,
        found: shorten(found),
    }
}

/// The first 40 characters: enough for a log line to show the mistake.
fn shorten(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests;
