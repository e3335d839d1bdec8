//! Parameters that hold several values: where a list is cut, and what its items are.
//!
//! Lists are cut at the raw `;` before decoding. Scripts whose libraries encode everything send no raw one:
//! where no item can hold a `;` of its own, an encoded one then separates as well.

use std::borrow::Cow;

use super::{ArgError, Args, Field, bad, time};
use crate::core::items::scheduling::Scheduling;
use crate::ical::datetime::DateTime;
use crate::text::form::{self, Encoded, ListRule};

/// Lists whose items hold no `;`.
const LENIENT: ListRule = ListRule {
    encoded: Encoded::Separates,
    ..ListRule::RAW
};
/// Attendees: only after an address, because a name may hold a `;`.
const ATTENDEES: ListRule = ListRule {
    encoded: Encoded::SeparatesAfter(is_address),
    ..ListRule::RAW
};
/// Rules: quotes protect; between two quoted rules an encoded `;` can be nothing else.
const RULES: ListRule = ListRule {
    quoted: true,
    encoded: Encoded::SeparatesAfter(ends_quoted),
    ..ListRule::RAW
};

fn ends_quoted(text: &str) -> bool {
    text.ends_with('"')
}

/// Whether a field of an attendee is its address and not `NAME=value`.
fn is_address(field: &str) -> bool {
    let token = |b: u8| b.is_ascii_alphabetic() || b == b'-';
    // No parameter has a name of more than 64 letters; looking no further keeps long lists cheap.
    let end = field.bytes().take(64).position(|b| !token(b));
    !end.is_some_and(|end| end > 0 && field.as_bytes().get(end) == Some(&b'='))
}

/// Which instances of a series are meant: `mod`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Modifier {
    /// 1: the instance of the `rid`.
    This,
    /// 2: it and all later ones.
    ThisAndFuture,
    /// 3: it and all earlier ones.
    ThisAndPrior,
    /// 4: all.
    All,
}

/// One item a command is asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemRef<'a> {
    /// Its UID.
    pub uid: Cow<'a, str>,
    /// The instance; none for the item as a whole.
    pub rid: Option<DateTime>,
    /// Which instances are meant; none if the parameter was not sent.
    pub modifier: Option<Modifier>,
}

/// An attendee as sent: `*(NAME=value^)address`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attendee {
    /// Names in capitals and values, in order.
    pub params: Vec<(String, String)>,
    /// A calid, a user name or `mailto:` and an address.
    pub address: String,
}

impl Attendee {
    /// The value of a parameter; `name` in capitals.
    pub fn param(&self, name: &str) -> Option<&str> {
        let mut params = self.params.iter();
        params
            .find(|(n, _)| n == name)
            .map(|(_, value)| value.as_str())
    }
}

/// What kinds of components are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ComponentType {
    /// Both; also every unknown word.
    All,
    /// Events.
    Event,
    /// Todos.
    Todo,
}

/// `uid`, `rid` and `mod`: the last two empty, of one item, or as long as the first.
type Parallel<'a> = (Vec<Cow<'a, str>>, Vec<Cow<'a, str>>, Vec<Cow<'a, str>>);

impl Args {
    /// A list of text; empty items are left out, and a list of nothing but those clears.
    pub fn list(&self, name: &'static str) -> Result<Field<Vec<Cow<'_, str>>>, ArgError> {
        self.list_by(name, ListRule::RAW, |item| Ok(Some(item)))
    }

    fn list_by<'a, T>(
        &'a self,
        name: &'static str,
        rule: ListRule,
        mut read: impl FnMut(Cow<'a, str>) -> Result<Option<T>, ArgError>,
    ) -> Result<Field<Vec<T>>, ArgError> {
        let Field::Set(items) = self.field(name, |raw| Ok(raw.items(rule)?))? else {
            return Ok(match self.written(name) {
                None => Field::Absent,
                Some(_) => Field::Clear,
            });
        };
        let mut list = Vec::with_capacity(items.len());
        for item in items {
            if !item.trim().is_empty()
                && let Some(value) = read(item)?
            {
                list.push(value);
            }
        }
        Ok(if list.is_empty() {
            Field::Clear
        } else {
            Field::Set(list)
        })
    }

    /// A list of entries or names, which hold no `;` and no blanks around them.
    pub fn words(&self, name: &'static str) -> Result<Field<Vec<Cow<'_, str>>>, ArgError> {
        self.list_by(name, LENIENT, |item| Ok(Some(trimmed(item))))
    }

    /// Calendars, in order; none if absent or empty.
    pub fn calids(&self, name: &'static str) -> Result<Vec<Cow<'_, str>>, ArgError> {
        let calids = self.words(name)?;
        within(name, calids.set().unwrap_or_default(), self.limits.calids)
    }

    /// Date-times as written; `0` stands for none.
    pub fn times(&self, name: &'static str) -> Result<Field<Vec<DateTime>>, ArgError> {
        self.list_by(name, LENIENT, |item| time(name, &item))
    }

    /// Recurrence rules, without their quotes.
    pub fn rules(&self, name: &'static str) -> Result<Field<Vec<Cow<'_, str>>>, ArgError> {
        self.list_by(name, RULES, |item| Ok(Some(trimmed(item))))
    }

    /// Component states; none if absent or empty, or if one of them is `ALL`.
    pub fn states(&self, name: &'static str) -> Result<Option<Vec<Scheduling>>, ArgError> {
        let mut all = false;
        let states = self.list_by(name, LENIENT, |item| {
            let word = item.trim();
            all |= word.eq_ignore_ascii_case("ALL");
            let state = Scheduling::named(word);
            if state.is_none() && !all {
                return Err(bad(name, "names of component states", &item));
            }
            Ok(state)
        })?;
        Ok(states.set().filter(|_| !all))
    }

    /// `event`, `todo` or both.
    pub fn component_type(&self, name: &'static str) -> Result<ComponentType, ArgError> {
        Ok(match self.text(name)? {
            Some(word) if word.trim().eq_ignore_ascii_case("event") => ComponentType::Event,
            Some(word) if word.trim().eq_ignore_ascii_case("todo") => ComponentType::Todo,
            _ => ComponentType::All,
        })
    }

    /// Attendees.
    pub fn attendees(&self, name: &'static str) -> Result<Field<Vec<Attendee>>, ArgError> {
        let field = self.list_by(name, ATTENDEES, |item| attendee(name, &item).map(Some))?;
        Ok(match field {
            Field::Set(list) => Field::Set(within(name, list, self.limits.attendees)?),
            other => other,
        })
    }

    /// One `mod`; none if it was not sent.
    pub fn modifier(&self, name: &'static str) -> Result<Option<Modifier>, ArgError> {
        let text = self.text(name)?;
        text.map(|text| modifier(name, &text)).transpose()
    }

    /// The items named by the parallel lists `uid`, `rid` and, if the row has it, `mod`.
    ///
    /// One `rid` or `mod` counts for all; `exact` asks for a `rid` for each `uid` instead, and takes lists with `,`.
    pub fn item_refs(&self, exact: bool) -> Result<Vec<ItemRef<'_>>, ArgError> {
        let (uids, rids, modifiers) = self.parallel(exact)?;
        let mut refs = Vec::with_capacity(uids.len());
        for (at, uid) in uids.into_iter().enumerate() {
            let rid = rids.get(at).or(rids.first());
            let number = modifiers.get(at).or(modifiers.first());
            refs.push(ItemRef {
                uid,
                rid: rid.map_or(Ok(None), |text| time("rid", text))?,
                modifier: number.map(|text| modifier("mod", text)).transpose()?,
            });
        }
        Ok(refs)
    }

    /// Whether the parallel lists have lengths that go together, and not too many items.
    pub(super) fn check_item_refs(&self, exact: bool) -> Result<(), ArgError> {
        self.parallel(exact).map(drop)
    }

    /// Whether the attendees are not too many.
    pub(super) fn check_attendees(&self, name: &'static str) -> Result<(), ArgError> {
        let items = self
            .written(name)
            .map(|raw| raw.items(ATTENDEES))
            .transpose()?;
        within(name, items.unwrap_or_default(), self.limits.attendees).map(drop)
    }

    /// The lists `uid`, `rid` and `mod`.
    fn parallel(&self, exact: bool) -> Result<Parallel<'_>, ArgError> {
        let of = |name| match self.params.iter().any(|p| p.name == name) {
            true => self.positions(name),
            false => Ok(Vec::new()),
        };
        let (mut rids, modifiers) = (of("rid")?, of("mod")?);
        if exact {
            rids = within("rid", cut_at_commas(rids), self.limits.uids)?;
        }
        let mut uids = self.uids(rids.len())?;
        if exact && uids.len() == 1 && rids.len() > 1 {
            // A UID may hold a comma: it separates only if that gives as many as there are rids.
            let cut = cut_at_commas(uids.clone());
            if cut.len() == rids.len() && cut.iter().all(|uid| !uid.is_empty()) {
                uids = cut;
            }
        }
        let count = uids.len();
        if exact && rids.len() != count {
            return Err(lengths("rid", rids.len(), count));
        }
        for (name, list) in [("rid", &rids), ("mod", &modifiers)] {
            if !(list.len() <= 1 || list.len() == count) {
                return Err(lengths(name, list.len(), count));
            }
        }
        Ok((uids, rids, modifiers))
    }

    /// The items of a list in which the place of an item matters.
    fn positions(&self, name: &'static str) -> Result<Vec<Cow<'_, str>>, ArgError> {
        let items = self.written(name).map(|raw| raw.items(LENIENT));
        within(
            name,
            items.transpose()?.unwrap_or_default(),
            self.limits.uids,
        )
    }

    /// UIDs may hold a `;`: an encoded one separates only if that gives as many items as there are rids.
    fn uids(&self, rids: usize) -> Result<Vec<Cow<'_, str>>, ArgError> {
        let Some(raw) = self.written("uid").filter(|raw| !raw.is_empty()) else {
            return Err(ArgError::Missing("uid"));
        };
        let mut uids = raw.items(ListRule::RAW)?;
        if uids.len() == 1 && rids > 1 {
            let cut = raw.items(LENIENT)?;
            if cut.len() == rids {
                uids = cut;
            }
        }
        if uids.iter().any(|uid| uid.is_empty()) {
            return Err(bad("uid", "UIDs that are not empty", raw.as_str()));
        }
        within("uid", uids, self.limits.uids)
    }
}

/// The items of each item, cut at `,`.
fn cut_at_commas(items: Vec<Cow<'_, str>>) -> Vec<Cow<'_, str>> {
    let mut cut = Vec::with_capacity(items.len());
    for item in items {
        match item {
            Cow::Borrowed(item) => cut.extend(item.split(',').map(|i| Cow::Borrowed(i.trim()))),
            Cow::Owned(item) => {
                cut.extend(item.split(',').map(|i| Cow::Owned(i.trim().to_owned())))
            }
        }
    }
    cut
}

fn lengths(name: &'static str, found: usize, uids: usize) -> ArgError {
    ArgError::Lengths { name, found, uids }
}

fn within<T>(name: &'static str, list: Vec<T>, limit: usize) -> Result<Vec<T>, ArgError> {
    match list.len() <= limit {
        true => Ok(list),
        false => Err(ArgError::TooMany { name, limit }),
    }
}

fn trimmed(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
    }
}

/// `0` is taken as 1: the guides' own examples send it for items that do not recur.
fn modifier(name: &'static str, text: &str) -> Result<Modifier, ArgError> {
    match text.trim() {
        "" | "0" | "1" => Ok(Modifier::This),
        "2" => Ok(Modifier::ThisAndFuture),
        "3" => Ok(Modifier::ThisAndPrior),
        "4" => Ok(Modifier::All),
        other => Err(bad(name, "1, 2, 3 or 4", other)),
    }
}

fn attendee(name: &'static str, item: &str) -> Result<Attendee, ArgError> {
    const EXPECTED: &str = "attendees of the form NAME=value^address";
    let mut fields = form::fields(item);
    let address = fields.next_back().unwrap_or_default().trim();
    if address.is_empty() || !is_address(address) {
        return Err(bad(name, EXPECTED, item));
    }
    let mut params = Vec::new();
    for field in fields.filter(|field| !field.trim().is_empty()) {
        let (param, value) = field
            .split_once('=')
            .ok_or_else(|| bad(name, EXPECTED, item))?;
        params.push((param.trim().to_ascii_uppercase(), value.to_owned()));
    }
    Ok(Attendee {
        params,
        address: address.to_owned(),
    })
}
