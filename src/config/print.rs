//! Prints a configuration as TOML with a comment for each key: what `wcapd config` shows.

use std::fmt::Write;

use super::domains::{self, Hosted};
use super::load::{Loaded, Source};
use super::table::{Config, Key, section_doc};
use super::value::quoted;
use super::{named, peers};

/// Longest line of a comment, its `# ` included.
const WIDTH: usize = 100;

/// The configuration as TOML that reads back as the same values.
///
/// Above each key stand its meaning, its default and where the value came from.
pub fn to_toml(loaded: &Loaded) -> String {
    let defaults = Config::default();
    let mut out = format!(
        "# Effective configuration of wcapd {}.\n\
         # Any key can also be set in the environment: http.addr is WCAPD__HTTP__ADDR.\n",
        env!("CARGO_PKG_VERSION")
    );
    let mut section = "";
    for key in Key::all() {
        if key.section() != section {
            section = key.section();
            out.push('\n');
            comment(&mut out, &section_doc(section).concat());
            out.push_str(&format!("[{section}]\n"));
        }
        out.push('\n');
        comment(&mut out, &key.doc().concat());
        let mut origin = format!("Default: {}.", key.show(&defaults));
        match loaded.source(&key) {
            Source::Default => {}
            source => {
                // Writing to a string cannot fail.
                let _ = write!(origin, " Set by: {source}.");
            }
        }
        if key.planned().is_some() {
            origin.push_str(" Not supported in this version.");
        }
        comment(&mut out, &origin);
        out.push_str(&format!("{} = {}\n", key.name(), key.show(&loaded.config)));
    }
    for (name, hosted) in &loaded.config.domains {
        domain(&mut out, loaded, name, hosted);
    }
    for (name, peer) in &loaded.config.peers {
        let head = format!("The calendar store {name}.");
        own_section(
            &mut out,
            loaded,
            name,
            (peers::SECTION, &head),
            &peer.as_config(),
        );
    }
    out
}

/// The sections of one domain: what the keys mean is said above.
fn domain(out: &mut String, loaded: &Loaded, name: &str, hosted: &Hosted) {
    let values = hosted.as_config();
    let head = format!("What the domain {name} has of its own.");
    own_section(out, loaded, name, (domains::SECTION, &head), &values);
    let is_set = |key: &Key| loaded.source_of(&named::path(name, key)) != Source::Default;
    let mut keys = Key::all().filter(|key| key.section() == domains::DIRECTORY);
    if keys.any(|key| is_set(&key)) {
        let head = format!("The directory of accounts of the domain {name}.");
        own_section(out, loaded, name, (domains::DIRECTORY, &head), &values);
    }
}

/// A section of one thing, as `values` has it.
fn own_section(
    out: &mut String,
    loaded: &Loaded,
    name: &str,
    (section, head): (&str, &str),
    values: &Config,
) {
    out.push('\n');
    comment(out, head);
    let name_in_toml = quoted(name);
    out.push_str(&match section {
        domains::DIRECTORY => format!("[{}.{name_in_toml}.{section}]\n", domains::SECTION),
        section => format!("[{section}.{name_in_toml}]\n"),
    });
    for key in Key::all().filter(|key| key.section() == section) {
        let source = loaded.source_of(&named::path(name, &key));
        if source != Source::Default {
            comment(out, &format!("Set by: {source}."));
        }
        out.push_str(&format!("{} = {}\n", key.name(), key.show(values)));
    }
}

/// Adds `text` as comment lines, broken at spaces; nothing in it can end a comment early.
fn comment(out: &mut String, text: &str) {
    let mut width = 0;
    for word in text.split(|c: char| c == ' ' || c.is_control()) {
        if word.is_empty() {
            continue;
        }
        if width == 0 || width + 1 + word.len() > WIDTH {
            if width > 0 {
                out.push('\n');
            }
            out.push('#');
            width = 1;
        }
        out.push(' ');
        out.push_str(word);
        width += 1 + word.len();
    }
    out.push('\n');
}
