//! Media types and file names that clients give to attachments: which can be kept, and which are given out again.
//!
//! A browser runs pages, scripts and pictures with scripts in them in the name of the server they come from. So what
//! is given out has a type of a short list, else one that nothing runs.

/// The type of what has none that is given out.
pub(super) const OPAQUE: &str = "application/octet-stream";

/// Types that no browser runs.
const SAFE: &[&str] = &[
    "application/gzip",
    "application/msword",
    "application/octet-stream",
    "application/pdf",
    "application/rtf",
    "application/vnd.ms-excel",
    "application/vnd.ms-powerpoint",
    "application/vnd.oasis.opendocument.presentation",
    "application/vnd.oasis.opendocument.spreadsheet",
    "application/vnd.oasis.opendocument.text",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/zip",
    "audio/mpeg",
    "audio/ogg",
    "audio/wav",
    "image/bmp",
    "image/gif",
    "image/jpeg",
    "image/png",
    "image/tiff",
    "image/webp",
    "text/calendar",
    "text/csv",
    "text/plain",
    "text/rtf",
    "video/mp4",
    "video/mpeg",
    "video/ogg",
    "video/webm",
];

/// Longest media type or file name that is kept, in octets.
const LONGEST: usize = 255;

/// `TYPE/SUBTYPE` of a Content-Type, in small letters, without parameters; none when it is no media type (RFC 9110
/// section 8.3.1).
pub(super) fn essence(content_type: &str) -> Option<String> {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    let (class, kind) = essence.split_once('/')?;
    let token = |text: &str| {
        let sound = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        !text.is_empty() && text.bytes().all(sound)
    };
    (token(class) && token(kind) && essence.len() <= LONGEST).then(|| essence.to_ascii_lowercase())
}

/// The type that is given out for one that was kept.
pub(super) fn safe(kept: Option<&str>) -> &'static str {
    let essence = kept.and_then(essence);
    let known = essence.and_then(|essence| SAFE.iter().find(|safe| **safe == essence));
    known.copied().unwrap_or(OPAQUE)
}

/// The name of a file without the folders that some browsers send along; none when nothing is left.
pub(super) fn base_name(path: &str) -> Option<String> {
    let name = path.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = name.chars().filter(|c| !c.is_control()).collect();
    let mut name = name.trim();
    while name.len() > LONGEST {
        let end = name.char_indices().next_back().map_or(0, |(at, _)| at);
        name = &name[..end];
    }
    (!name.is_empty() && name != "." && name != "..").then(|| name.to_owned())
}

/// The value of a Content-Disposition that has the file saved (RFC 6266): the name in ASCII, and whole where that is
/// not all of it.
pub(super) fn disposition(name: Option<&str>) -> String {
    let Some(name) = name.and_then(base_name) else {
        return "attachment".to_owned();
    };
    let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '%') || c == ' ';
    let ascii: String = name
        .chars()
        .map(|c| if plain(c) { c } else { '_' })
        .collect();
    let mut value = format!("attachment; filename=\"{ascii}\"");
    if ascii != name {
        value.push_str("; filename*=UTF-8''");
        for byte in name.bytes() {
            match byte {
                b if b.is_ascii_alphanumeric() || b"-._~".contains(&b) => value.push(char::from(b)),
                b => value.push_str(&format!("%{b:02X}")),
            }
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_tokens() {
        assert_eq!(
            essence("Text/Plain; charset=x").as_deref(),
            Some("text/plain")
        );
        for wrong in [
            "",
            "text",
            "text/",
            "/x",
            "te xt/x",
            "text/x\ny",
            "text/\u{e4}",
        ] {
            assert_eq!(essence(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn nothing_that_runs_is_given_out() {
        for runs in [
            "text/html",
            "TEXT/HTML; charset=utf-8",
            "image/svg+xml",
            "application/xhtml+xml",
            "text/xml",
            "application/javascript",
            "text/javascript",
            "application/x-shockwave-flash",
            "multipart/mixed",
            "text/html;image/png",
            "image/png,text/html",
        ] {
            assert_eq!(safe(Some(runs)), OPAQUE, "{runs}");
        }
        assert_eq!(safe(Some("Image/PNG")), "image/png");
        assert_eq!(safe(None), OPAQUE);
        for kept in SAFE {
            let last = kept.rsplit(['/', '+']).next().unwrap_or_default();
            assert!(!["html", "xml", "javascript"].contains(&last), "{kept}");
        }
    }

    #[test]
    fn names_are_names() {
        for (sent, name) in [
            ("C:\\TEMP\\a b.txt", Some("a b.txt")),
            ("../../etc/passwd", Some("passwd")),
            ("a\r\nSet-Cookie: x", Some("aSet-Cookie: x")),
            ("..", None),
            ("x/", None),
            ("  ", None),
        ] {
            assert_eq!(base_name(sent).as_deref(), name, "{sent}");
        }
        let long = "\u{e4}".repeat(400);
        assert_eq!(base_name(&long).map(|name| name.len()), Some(254));
        assert_eq!(
            disposition(Some("a\"b.txt")),
            "attachment; filename=\"a_b.txt\"; filename*=UTF-8''a%22b.txt"
        );
        assert_eq!(
            disposition(Some("\u{e4}.txt")),
            "attachment; filename=\"_.txt\"; filename*=UTF-8''%C3%A4.txt"
        );
        assert_eq!(
            disposition(Some("a b.txt")),
            "attachment; filename=\"a b.txt\""
        );
        assert_eq!(disposition(None), "attachment");
    }
}
