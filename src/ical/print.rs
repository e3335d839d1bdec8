//! Components to text: content lines folded at 75 octets, ended by CR LF (RFC 5545 section 3.1).
//!
//! Prints what stands in the component, as it stands there; nothing is added, ordered or escaped.

use super::component::{Component, Entry, Property};

/// Octets of a line, its break not counted (section 3.1).
const WIDTH: usize = 75;

/// The component as text.
pub fn to_string(component: &Component) -> String {
    let mut out = String::with_capacity(size(component));
    write(component, &mut out);
    out
}

/// Appends the component as text, its sub-components included.
///
/// A property called BEGIN or END is left out: it would read back as structure, and no text that can be
/// parsed holds one.
pub fn write(component: &Component, out: &mut String) {
    walk(component, |piece| match piece {
        Piece::Begin(c) => write_line(&["BEGIN:", c.name()], out),
        Piece::Property(p) => write_property(p, out),
        Piece::End(c) => write_line(&["END:", c.name()], out),
    });
}

/// As [`write()`], but the lines of properties for which `whole` answers true are not folded: there are readers that
/// take a line by plain search. Section 3.1 advises against it and allows it.
pub fn write_with_whole(
    component: &Component,
    whole: impl Fn(&Property) -> bool,
    out: &mut String,
) {
    walk(component, |piece| match piece {
        Piece::Begin(c) => write_line(&["BEGIN:", c.name()], out),
        Piece::Property(p) if whole(p) => out.extend([p.as_line(), "\r\n"]),
        Piece::Property(p) => write_property(p, out),
        Piece::End(c) => write_line(&["END:", c.name()], out),
    });
}

/// Appends one property as text.
pub fn write_property(property: &Property, out: &mut String) {
    if property.is("BEGIN") || property.is("END") {
        return;
    }
    write_line(&[property.as_line()], out);
}

enum Piece<'a> {
    Begin(&'a Component),
    Property(&'a Property),
    End(&'a Component),
}

/// Goes through a component in the order of its text, without recursion.
fn walk<'a>(component: &'a Component, mut visit: impl FnMut(Piece<'a>)) {
    visit(Piece::Begin(component));
    let mut open = vec![(component, component.entries().iter())];
    while let Some((component, entries)) = open.last_mut() {
        match entries.next() {
            Some(Entry::Property(p)) => visit(Piece::Property(p)),
            Some(Entry::Component(c)) => {
                visit(Piece::Begin(c));
                open.push((c, c.entries().iter()));
            }
            None => {
                visit(Piece::End(component));
                open.pop();
            }
        }
    }
}

/// About how many bytes the text takes; enough for all but very oddly folded text.
fn size(component: &Component) -> usize {
    let mut total = 0;
    walk(component, |piece| {
        total += match piece {
            Piece::Begin(c) => c.name().len() + 8,
            Piece::Property(p) => folded_size(p.as_line().len()),
            Piece::End(c) => c.name().len() + 6,
        }
    });
    total
}

fn folded_size(length: usize) -> usize {
    // 71: a fold may come up to three octets early, before a character of four.
    length + 2 + 3 * (length / (WIDTH - 4))
}

fn write_line(parts: &[&str], out: &mut String) {
    let length: usize = parts.iter().map(|p| p.len()).sum();
    if length <= WIDTH {
        out.extend(parts.iter().copied());
    } else {
        let mut room = WIDTH;
        for part in parts {
            room = write_folded(part, room, out);
        }
    }
    out.push_str("\r\n");
}

/// Appends text with `room` octets left in the line; answers what is left then.
fn write_folded(mut text: &str, mut room: usize, out: &mut String) -> usize {
    while text.len() > room {
        let (now, later) = text.split_at(text.floor_char_boundary(room));
        out.push_str(now);
        out.push_str("\r\n ");
        text = later;
        // The blank that marks the continuation counts.
        room = WIDTH - 1;
    }
    out.push_str(text);
    room - text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn property(line: &str) -> Property {
        Property::new("X", line)
    }

    fn printed(property: &Property) -> String {
        let mut out = String::new();
        write_property(property, &mut out);
        out
    }

    #[test]
    fn lines_are_folded_at_75_octets() {
        assert_eq!(
            printed(&property(&"a".repeat(73))),
            format!("X:{}\r\n", "a".repeat(73))
        );
        assert_eq!(
            printed(&property(&"a".repeat(73 + 74 + 1))),
            format!("X:{}\r\n {}\r\n a\r\n", "a".repeat(73), "a".repeat(74))
        );
        // A character of two octets is not cut.
        assert_eq!(
            printed(&property(&format!("{}\u{e4}", "a".repeat(72)))),
            format!("X:{}\r\n \u{e4}\r\n", "a".repeat(72))
        );
    }

    #[test]
    fn some_lines_can_stay_whole() {
        let (long, uid) = ("a".repeat(80), "b".repeat(80));
        let component = Component::new("VEVENT")
            .with(property(&long))
            .with(Property::new("UID", &uid));
        let mut out = String::new();
        write_with_whole(&component, |p| p.is("UID"), &mut out);
        let folded = printed(&property(&long));
        assert_eq!(
            out,
            format!("BEGIN:VEVENT\r\n{folded}UID:{uid}\r\nEND:VEVENT\r\n")
        );
    }

    #[test]
    fn components_keep_their_order() {
        let mut inner = Component::new("VEVENT");
        inner.push(Property::new("UID", "1"));
        let mut outer = Component::new("VCALENDAR");
        outer.push_component(inner);
        outer.push(Property::new("BEGIN", "VEVENT"));
        outer.push(Property::new("X-A", "2"));
        assert_eq!(
            to_string(&outer),
            "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1\r\nEND:VEVENT\r\nX-A:2\r\nEND:VCALENDAR\r\n"
        );
    }
}
