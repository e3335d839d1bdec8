//! Prints a configuration as TOML with a comment for each key: what `wcapd config` shows.

use std::fmt::Write;

use super::domains::{self, Hosted};
use super::load::{Loaded, Source};
use super::table::{Config, Key, section_doc};
use super::value::quoted;

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
    out
}

/// The sections of one domain: what the keys mean is said above.
fn domain(out: &mut String, loaded: &Loaded, name: &str, hosted: &Hosted) {
    let values = hosted.as_config();
    for section in [domains::SECTION, domains::DIRECTORY] {
        let keys = || Key::all().filter(|key| key.section() == section);
        let is_set = |key: &Key| loaded.source_of(&domains::path(name, key)) != Source::Default;
        if section == domains::DIRECTORY && !keys().any(|key| is_set(&key)) {
            continue;
        }
        out.push('\n');
        let head = match section {
            domains::SECTION => format!("What the domain {name} has of its own."),
            _ => format!("The directory of accounts of the domain {name}."),
        };
        comment(out, &head);
        let tail = match section {
            domains::SECTION => "",
            _ => ".ldap",
        };
        out.push_str(&format!("[domain.{}{tail}]\n", quoted(name)));
        for key in keys() {
            if is_set(&key) {
                let source = loaded.source_of(&domains::path(name, &key));
                comment(out, &format!("Set by: {source}."));
            }
            out.push_str(&format!("{} = {}\n", key.name(), key.show(&values)));
        }
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
