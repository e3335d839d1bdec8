//! Lines as the examples of draft-ietf-calsch-cap-04 and RFC 4324 print them, which read otherwise by the letter: queries that
//! were folded between their words, which unfolding would glue together, and `CMD;ID:x:NAME` for `CMD;ID=x:NAME`.

use std::borrow::Cow;

use crate::core::query::parse;

/// What names a query.
const QUERIES: [&[u8]; 3] = [b"QUERY", b"SCOPE", b"RESTRICTION"];

/// How a command's id is misspelt, and how it is spelt.
const MISSPELT: (&[u8], &[u8]) = (b"CMD;ID:", b"CMD;ID=");

/// A calendar text in which each query that makes sense only with a blank in its folds has one there. Lines keep their
/// numbers. Queries longer than `most` octets are left as they are.
pub(super) fn mended(text: &[u8], most: usize) -> Cow<'_, [u8]> {
    let lines: Vec<&[u8]> = text.split_inclusive(|octet| *octet == b'\n').collect();
    let mut made: Option<Vec<u8>> = None;
    // Octets before the line, and octets that are in `made` in some form.
    let (mut at, mut start, mut kept) = (0, 0, 0);
    while at < lines.len() {
        let folds = lines[at + 1..]
            .iter()
            .take_while(|line| is_fold(line))
            .count();
        let query = &lines[at..=at + folds];
        let end = start + query.iter().map(|line| line.len()).sum::<usize>();
        let (wrong, right) = MISSPELT;
        if starts_with(lines[at], wrong) {
            let out = made.get_or_insert_with(Vec::new);
            out.extend_from_slice(&text[kept..start]);
            out.extend_from_slice(right);
            kept = start + wrong.len();
        } else if folds > 0 && is_query(lines[at]) && end - start <= most && wants_blanks(query) {
            let out = made.get_or_insert_with(Vec::new);
            out.extend_from_slice(&text[kept..start]);
            out.extend_from_slice(query[0]);
            for fold in &query[1..] {
                out.push(b' ');
                out.extend_from_slice(fold);
            }
            kept = end;
        }
        start = end;
        at += folds + 1;
    }
    match made {
        Some(mut out) => {
            out.extend_from_slice(&text[kept..]);
            out.into()
        }
        None => text.into(),
    }
}

fn is_fold(line: &[u8]) -> bool {
    line.first()
        .is_some_and(|first| matches!(first, b' ' | b'\t'))
}

fn starts_with(line: &[u8], start: &[u8]) -> bool {
    let begin = line.get(..start.len());
    begin.is_some_and(|begin| begin.eq_ignore_ascii_case(start))
}

fn is_query(line: &[u8]) -> bool {
    QUERIES
        .iter()
        .any(|name| starts_with(line, name) && matches!(line.get(name.len()), Some(b':' | b';')))
}

/// Whether the lines are a query with blanks in the folds, and none without.
fn wants_blanks(lines: &[&[u8]]) -> bool {
    let joined = |blank: &str| {
        let mut text = String::new();
        for (at, line) in lines.iter().enumerate() {
            let line = str::from_utf8(line).ok()?.trim_end_matches(['\r', '\n']);
            match at {
                0 => text.push_str(line.split_once(':')?.1),
                _ => {
                    text.push_str(blank);
                    text.push_str(&line[1..]);
                }
            }
        }
        Some(text)
    };
    let reads = |text: Option<String>| text.is_some_and(|text| parse(&text).is_ok());
    !reads(joined("")) && reads(joined(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_between_words_get_a_blank() {
        for (text, expected) in [
            (
                "QUERY:SELECT UID FROM VEVENT\r\n WHERE UID = 'x'\r\nNAME:a\r\n",
                "QUERY:SELECT UID FROM VEVENT\r\n  WHERE UID = 'x'\r\nNAME:a\r\n",
            ),
            (
                "QUERY:SELECT UID FROM VEV\r\n ENT\r\n",
                "QUERY:SELECT UID FROM VEV\r\n ENT\r\n",
            ),
            (
                "A:b\r\n c\r\nquery:SELECT UID\n\tFROM VEVENT\n",
                "A:b\r\n c\r\nquery:SELECT UID\n \tFROM VEVENT\n",
            ),
            (
                "cmd;id:\"x\":DELETE\r\nCMD;ID=y:DELETE\r\nSCOPE:SELECT UID\r\n FROM VEVENT\r\n",
                "CMD;ID=\"x\":DELETE\r\nCMD;ID=y:DELETE\r\nSCOPE:SELECT UID\r\n  FROM VEVENT\r\n",
            ),
            ("QUERY:SELECT\r\n\r\n", "QUERY:SELECT\r\n\r\n"),
            ("QUERY:nonsense\r\n more\r\n", "QUERY:nonsense\r\n more\r\n"),
            ("", ""),
        ] {
            assert_eq!(
                mended(text.as_bytes(), 100),
                expected.as_bytes(),
                "{text:?}"
            );
        }
        let long = b"QUERY:SELECT UID\r\n FROM VEVENT\r\n";
        assert_eq!(mended(long, 20), &long[..]);
    }
}
