//! Sections of single domains and calendar stores: `[domain."example.org"]`, `[peer."cal.example.org"]`, and a section
//! inside one. Their keys are rows of the table like all others; only a file has such sections.

use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};

use super::domains;
use super::load::{Error, Source, in_order, raw};
use super::table::{Config, Key};
use super::value::Raw;

/// What sections of one sort have in common.
#[derive(Debug)]
pub(super) struct Sort {
    /// The section in which they lie, whose keys hold for all of them.
    pub(super) section: &'static str,
    /// The section that may lie inside one.
    pub(super) inner: Option<&'static str>,
    /// Completes "expected": how such a section is written.
    pub(super) example: &'static str,
}

/// A value that does not fit.
pub(super) struct Fault {
    pub(super) path: String,
    pub(super) expected: &'static str,
    pub(super) found: String,
}

/// How a key of what is called `name` is called: `domain."example.org".hosts`.
pub(super) fn path(name: &str, key: &Key) -> String {
    match key.section() {
        domains::DIRECTORY => {
            let inner = key.section();
            format!("{}.\"{name}\".{inner}.{}", domains::SECTION, key.name())
        }
        section => format!("{section}.\"{name}\".{}", key.name()),
    }
}

/// Names are compared in lower case.
pub(super) fn make_lower(names: &mut [String]) {
    names
        .iter_mut()
        .for_each(|name| name.make_ascii_lowercase());
}

/// A section of a file.
#[derive(Debug)]
pub(super) struct Section {
    /// Its sort.
    pub(super) sort: &'static Sort,
    name: String,
    values: Vec<(Key, Raw, Source)>,
}

impl Section {
    /// Reads the table called `name`, which stands at an offset of the file behind the sections `known`.
    pub(super) fn read(
        sort: &'static Sort,
        (name, offset): (&str, usize),
        table: &DeTable<'_>,
        place: &impl Fn(usize) -> Source,
        known: &[Self],
    ) -> Result<Self, Error> {
        let mut section = Self {
            sort,
            name: name.to_ascii_lowercase(),
            values: Vec::new(),
        };
        let refused = |expected: &str, found: &str| Error::Value {
            place: place(offset),
            key: format!("{}.\"{name}\"", sort.section),
            expected: expected.to_owned(),
            found: found.to_owned(),
        };
        let same = |known: &Self| known.sort.section == sort.section && known.name == section.name;
        if known.iter().any(same) {
            return Err(refused("named once, letter case aside", "there twice"));
        }
        if !domains::is_name(name) {
            return Err(refused(domains::EXPECTED, "none"));
        }
        for (key, value) in in_order(table) {
            let at = place(key.span().start);
            match (value.get_ref(), sort.inner) {
                (DeValue::Table(keys), Some(inner)) if key.get_ref() == inner => {
                    for (key, value) in in_order(keys) {
                        let at = place(key.span().start);
                        section.add(inner, key.get_ref(), raw(value.get_ref()), at)?;
                    }
                }
                // What [domain.example.org] is to TOML.
                (DeValue::Table(_), _) => {
                    return Err(Error::Value {
                        place: at,
                        key: format!("{}.{name}.{}", sort.section, key.get_ref()),
                        expected: sort.example.to_owned(),
                        found: "a table".to_owned(),
                    });
                }
                (value, _) => section.add(sort.section, key.get_ref(), raw(value), at)?,
            }
        }
        Ok(section)
    }

    fn add(&mut self, section: &str, key: &str, raw: Raw, place: Source) -> Result<(), Error> {
        let found = Key::find(&format!("{section}.{key}"));
        let key = found.ok_or_else(|| {
            let inside = match section == self.sort.section {
                true => String::new(),
                false => format!("{section}."),
            };
            let nearest = Key::nearest_in(section, key);
            Error::UnknownKey {
                place: place.clone(),
                key: format!("{}.\"{}\".{inside}{key}", self.sort.section, self.name),
                nearest: nearest.map_or_else(String::new, |key| path(&self.name, &key)),
            }
        })?;
        self.values.push((key, raw, place));
        Ok(())
    }

    /// Puts its values into `own`, and where they came from into `sources`. Answers the name.
    pub(super) fn fill(
        self,
        own: &mut Config,
        sources: &mut BTreeMap<String, Source>,
    ) -> Result<String, Error> {
        for (key, raw, place) in self.values {
            let path = path(&self.name, &key);
            key.set(own, &raw).ok_or_else(|| Error::Value {
                place: place.clone(),
                key: path.clone(),
                expected: key.expected().to_owned(),
                found: raw.to_string(),
            })?;
            sources.insert(path, place);
        }
        Ok(self.name)
    }
}
