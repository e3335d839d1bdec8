//! Request targets without the secrets that WCAP puts into them, for logs.

use std::borrow::Cow;

use crate::text::form;

/// Parameters whose values open something.
const SECRETS: &[&str] = &["id", "password", "oldpassword", "newpassword", "token"];

/// `target`, a path with its query, with `***` in the place of every secret value.
///
/// Names are compared decoded and without case, and a name that cannot be decoded hides its value.
pub fn redact(target: &str) -> Cow<'_, str> {
    let Some((path, query)) = target.split_once('?') else {
        return Cow::Borrowed(target);
    };
    if !query.split('&').any(is_secret) {
        return Cow::Borrowed(target);
    }
    let mut out = String::with_capacity(target.len());
    out.push_str(path);
    for (at, pair) in query.split('&').enumerate() {
        out.push(if at == 0 { '?' } else { '&' });
        if is_secret(pair) {
            out.push_str(name_of(pair));
            out.push_str("=***");
        } else {
            out.push_str(pair);
        }
    }
    Cow::Owned(out)
}

fn name_of(pair: &str) -> &str {
    pair.split_once('=').map_or(pair, |(name, _)| name)
}

fn is_secret(pair: &str) -> bool {
    let Ok(name) = form::decode(name_of(pair)) else {
        return true;
    };
    SECRETS
        .iter()
        .any(|secret| secret.eq_ignore_ascii_case(name.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_and_nothing_else() {
        for (target, want) in [
            ("/wcap/version.wcap", "/wcap/version.wcap"),
            ("/a?uid=1&calid=id", "/a?uid=1&calid=id"),
            (
                "/a?id=s3cret&fmt-out=text/xml",
                "/a?id=***&fmt-out=text/xml",
            ),
            (
                "/login.wcap?user=tom&password=p%26=w",
                "/login.wcap?user=tom&password=***",
            ),
            ("/a?x=1&ID=s&i%64=t&id", "/a?x=1&ID=***&i%64=***&id=***"),
            (
                "/a?oldpassword=a&newPassword=b",
                "/a?oldpassword=***&newPassword=***",
            ),
            ("/a?%zz=s&b=1?id=2", "/a?%zz=***&b=1?id=2"),
        ] {
            assert_eq!(redact(target), want);
        }
    }
}
