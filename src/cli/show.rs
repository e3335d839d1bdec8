//! Writes answers out for people: records, tables, lines.

use std::fmt::Write;

use crate::admin::Response;

/// `response` as text for standard output, each line ended; empty when there is nothing to show.
pub(super) fn text(response: &Response) -> String {
    match response {
        Response::Done | Response::Imported { .. } => String::new(),
        Response::Record(fields) => record(fields),
        Response::Table(heads, rows) => table(heads, rows),
        Response::Lines(lines) => lines.iter().map(|line| one_line(line) + "\n").collect(),
        Response::Checked {
            records,
            problems,
            repaired,
        } => checked(*records, problems, *repaired),
    }
}

fn checked(records: u64, problems: &[String], repaired: bool) -> String {
    let mut out: String = problems.iter().map(|p| one_line(p) + "\n").collect();
    let outcome = match (problems.len(), repaired) {
        (0, _) => "nothing is wrong".to_owned(),
        (found, true) => format!("{found} found wrong and mended"),
        (found, false) => format!("{found} found wrong"),
    };
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{records} records read, {outcome}");
    out
}

/// Text of stored data on one line: nothing in it may move the terminal's cursor.
fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

fn width(text: &str) -> usize {
    text.chars().count()
}

fn record(fields: &[(String, String)]) -> String {
    let widest = fields
        .iter()
        .map(|(name, _)| width(name))
        .max()
        .unwrap_or(0);
    let mut out = String::new();
    for (name, value) in fields {
        let line = format!("{name:widest$}  {}", one_line(value));
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

fn table(heads: &[String], rows: &[Vec<String>]) -> String {
    let rows: Vec<Vec<String>> = std::iter::once(heads)
        .chain(rows.iter().map(Vec::as_slice))
        .map(|row| row.iter().map(|cell| one_line(cell)).collect())
        .collect();
    let widest: Vec<usize> = (0..heads.len())
        .map(|at| {
            rows.iter()
                .filter_map(|row| row.get(at))
                .map(|cell| width(cell))
                .max()
        })
        .map(Option::unwrap_or_default)
        .collect();
    let mut out = String::new();
    for row in &rows {
        let cells = row.iter().zip(&widest);
        let line: Vec<String> = cells
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        out.push_str(line.join("  ").trim_end());
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(cells: &[&str]) -> Vec<String> {
        cells.iter().map(|&cell| cell.to_owned()).collect()
    }

    #[test]
    fn tables_align_and_stay_on_their_lines() {
        let heads = owned(&["NAME", "MAIL"]);
        let rows = vec![
            owned(&["tom", "tom@localhost"]),
            owned(&["j\u{e9}r\u{f4}me", "a\nb"]),
        ];
        let expected = "NAME    MAIL\ntom     tom@localhost\nj\u{e9}r\u{f4}me  a\u{fffd}b\n";
        assert_eq!(text(&Response::Table(heads, rows)), expected);
    }

    #[test]
    fn records_and_checks() {
        let fields = vec![
            ("name".to_owned(), "tom".to_owned()),
            ("full name".to_owned(), String::new()),
        ];
        assert_eq!(
            text(&Response::Record(fields)),
            "name       tom\nfull name\n"
        );
        let checked = |problems: &[&str], repaired| {
            let problems = owned(problems);
            text(&Response::Checked {
                records: 3,
                problems,
                repaired,
            })
        };
        assert_eq!(checked(&[], false), "3 records read, nothing is wrong\n");
        assert_eq!(
            checked(&["x"], true),
            "x\n3 records read, 1 found wrong and mended\n"
        );
    }
}
