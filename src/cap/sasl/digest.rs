//! DIGEST-MD5 (RFC 2831), the server's side, without a security layer: messages read and written. Hashes are the
//! core's. Kept for clients that know nothing better; RFC 6331 says what is wrong with it.

use base64::prelude::{BASE64_STANDARD, Engine as _};

use crate::core::proof::Digested;
use crate::core::{Client, Core, Identity, Result};

/// Longest response, in octets (RFC 2831 section 2.1.2).
const RESPONSE_MAX: usize = 4096;

/// What is remembered between the challenge and its response.
#[derive(Debug)]
pub(super) struct Challenged {
    realm: String,
    nonce: String,
}

impl Challenged {
    pub(super) fn new(core: &Core) -> Self {
        let mut random = [0; 18];
        core.ids().fill(&mut random);
        Self {
            realm: core.settings().domain.clone(),
            nonce: BASE64_STANDARD.encode(random),
        }
    }

    pub(super) fn challenge(&self) -> Vec<u8> {
        let Self { realm, nonce } = self;
        format!("realm=\"{realm}\",nonce=\"{nonce}\",qop=\"auth\",algorithm=md5-sess,charset=utf-8")
            .into_bytes()
    }

    /// Who the response makes the client, and our last message.
    pub(super) fn check(
        &self,
        response: &Response,
        client: Client,
        core: &Core,
    ) -> Result<Option<(Identity, Vec<u8>)>> {
        let Response { digest, .. } = response;
        let service = digest.uri.split('/').next().unwrap_or_default();
        let ours = digest.realm == self.realm
            && digest.nonce == self.nonce
            && digest.count == "00000001"
            && service.eq_ignore_ascii_case("cap")
            && digest.uri.len() > service.len() + 1;
        if !ours {
            return Ok(None);
        }
        let (identity, proof) = core.authenticate_digest(&response.user, digest, client)?;
        Ok(Some((identity, format!("rspauth={proof}").into_bytes())))
    }
}

/// The client's response.
#[derive(Debug)]
pub(super) struct Response {
    /// Whom the client wants to be; empty for itself.
    pub(super) authorization: String,
    /// Who the client is.
    pub(super) user: String,
    digest: Digested,
}

impl Response {
    /// Reads `name=value` and `name="value"`, separated by commas; none when one that must be there is not, or one
    /// comes twice, or asks for what is not offered.
    pub(super) fn parse(message: &[u8]) -> Option<Self> {
        if message.len() > RESPONSE_MAX {
            return None;
        }
        let directives = directives(str::from_utf8(message).ok()?)?;
        let find = |name: &str| {
            let found = directives.iter().find(|(found, _)| found == name);
            found.map(|(_, value)| value.clone())
        };
        let all_known = directives
            .iter()
            .enumerate()
            .all(|(at, (name, _))| directives[..at].iter().all(|(other, _)| other != name));
        let plain = find("qop").is_none_or(|qop| qop == "auth");
        let utf8 = find("charset").is_none_or(|charset| charset.eq_ignore_ascii_case("utf-8"));
        if !all_known || !plain || !utf8 {
            return None;
        }
        let user = find("username").filter(|user| !user.is_empty())?;
        Some(Self {
            authorization: find("authzid").unwrap_or_default(),
            user,
            digest: Digested {
                realm: find("realm").unwrap_or_default(),
                nonce: find("nonce")?,
                client_nonce: find("cnonce").filter(|nonce| !nonce.is_empty())?,
                count: find("nc")?,
                uri: find("digest-uri")?,
                authorization: find("authzid"),
                response: find("response")?,
            },
        })
    }
}

/// The directives of a message, their names in lower case.
fn directives(text: &str) -> Option<Vec<(String, String)>> {
    let mut found = Vec::new();
    let mut rest = text.trim_matches([' ', '\t', ',']);
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=')?;
        let name = name.trim();
        if name.is_empty() || name.contains([',', '"', ' ']) {
            return None;
        }
        let after = after.trim_start();
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => unquote(quoted)?,
            None => {
                let end = after.find(',').unwrap_or(after.len());
                (after[..end].trim().to_owned(), &after[end..])
            }
        };
        found.push((name.to_ascii_lowercase(), value));
        let after = after.trim_start();
        if !after.is_empty() && !after.starts_with(',') {
            return None;
        }
        rest = after.trim_start_matches([' ', '\t', ',']);
    }
    Some(found)
}

/// The value up to the closing quote, and what follows that.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(letters.next()?.1),
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn responses_are_read() {
        let text = "charset=utf-8,username=\"b\\\"i,l\\\\l\", realm=\"example.com\",nonce=\"a=b\",nc=00000001,\
                    cnonce=\"c\",digest-uri=\"cap/cal.example.com\",response=00ff,qop=auth";
        let response = Response::parse(text.as_bytes()).unwrap();
        assert_eq!(
            (response.user.as_str(), response.authorization.as_str()),
            ("b\"i,l\\l", "")
        );
        assert_eq!(response.digest.nonce, "a=b");
        assert_eq!(response.digest.uri, "cap/cal.example.com");
        for (from, to) in [
            ("qop=auth", "qop=auth-int"),
            ("charset=utf-8", "charset=latin1"),
            ("cnonce=\"c\",", ""),
            ("cnonce=\"c\"", "cnonce=\"\""),
            ("cnonce=\"c\"", "cnonce=\"c"),
            ("nc=00000001", "nc=00000001,nc=00000001"),
            ("username=", "user="),
            ("response=00ff", "response"),
            ("\"example.com\"", "\"example.com\"x"),
        ] {
            let broken = text.replace(from, to);
            assert!(Response::parse(broken.as_bytes()).is_none(), "{broken}");
        }
        assert!(Response::parse(&[b'x'; 5000]).is_none());
    }
}
