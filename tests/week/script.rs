//! A week as a script. Its lines are
//!
//! - `# text`: a comment;
//! - `> NAME COMMAND PARAMETERS`: a WCAP request of the user NAME, to whose calendar it goes unless `calid` says
//!   otherwise; below it `! ERRNO` when it is to fail;
//! - `= CALENDAR UID [RECURRENCE-ID]`: what an item there says, in the line below that opens with `|`;
//! - `== TIME text`: everything is checked, and then it is that time.
//!
//! Everything is checked at the end, too.

use std::fmt::Write as _;

use super::diary::Diary;

/// Plays a script; answers it with what was seen in it.
pub fn play(diary: &mut Diary<'_>, text: &str) -> Result<String, String> {
    let mut played = String::new();
    let mut lines = text.lines().enumerate().peekable();
    while let Some((number, line)) = lines.next() {
        let at = |fault: String| format!("line {}: {fault}", number + 1);
        let _ = writeln!(played, "{line}");
        let words: Vec<&str> = line.splitn(4, ' ').collect();
        match words.as_slice() {
            [""] | ["#", ..] => {}
            ["==", time, ..] => {
                diary.check().map_err(at)?;
                diary.office.set_up(&format!("now {time}"));
            }
            [">", who, command, params] => {
                let errno = diary.act(who, command, params);
                if lines.next_if(|(_, next)| next.starts_with('!')).is_some() || errno != 0 {
                    let _ = writeln!(played, "! {errno}");
                }
                diary.office.wait(60);
            }
            ["=", calid, uid, rest @ ..] => {
                while lines.next_if(|(_, next)| next.starts_with('|')).is_some() {}
                let rid = rest.first().copied().unwrap_or_default();
                let _ = writeln!(played, "| {}", diary.told(calid, uid, rid));
            }
            _ => return Err(at(format!("it means nothing: {line}"))),
        }
    }
    diary.check()?;
    Ok(played)
}
