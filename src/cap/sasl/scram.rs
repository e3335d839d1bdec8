//! SCRAM-SHA-256 (RFC 5802, RFC 7677), the server's side, without channel binding: messages read and written. Keys and
//! proofs are the core's.

use std::fmt::Write as _;

use base64::prelude::{BASE64_STANDARD, Engine as _};

use crate::core::proof::ScramKeys;
use crate::core::{Client, Core, Identity, Result};

/// The client's first message.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct First<'a> {
    /// Whom the client wants to be; empty for itself.
    pub(super) authorization: String,
    /// Who the client is.
    pub(super) user: String,
    nonce: &'a str,
    /// The message up to its bare part, as the last message repeats it.
    header: &'a str,
    bare: &'a str,
}

impl<'a> First<'a> {
    /// Reads `n,[a=AUTHZID],n=USER,r=NONCE[,...]`; none when it is no such thing, or asks for channel binding.
    pub(super) fn parse(message: &'a [u8]) -> Option<Self> {
        let text = str::from_utf8(message).ok()?;
        // `y`: the client would bind to the channel if we did, and we do not. `p=...` demands it.
        let mut parts = text.splitn(3, ',');
        let (flag, authorization, bare) = (parts.next()?, parts.next()?, parts.next()?);
        if !matches!(flag, "n" | "y") {
            return None;
        }
        let authorization = match authorization {
            "" => String::new(),
            some => name(some.strip_prefix("a=")?)?,
        };
        // A mandatory extension (`m=`) would stand first.
        let mut attributes = bare.split(',');
        let user = name(attributes.next()?.strip_prefix("n=")?)?;
        let nonce = attributes.next()?.strip_prefix("r=")?;
        let printable = |nonce: &str| nonce.bytes().all(|octet| matches!(octet, 0x21..=0x7e));
        (!user.is_empty() && !nonce.is_empty() && printable(nonce)).then(|| Self {
            authorization,
            user,
            nonce,
            header: &text[..text.len() - bare.len()],
            bare,
        })
    }

    /// Our first message, and what to remember of it. For an unknown user it looks like for a known one.
    pub(super) fn challenge(&self, core: &Core) -> Result<(Challenged, Vec<u8>)> {
        let keys = core.scram_keys(&self.user)?;
        let mut random = [0; 18];
        core.ids().fill(&mut random);
        let nonce = format!("{}{}", self.nonce, BASE64_STANDARD.encode(random));
        let (salt, iterations) = (BASE64_STANDARD.encode(keys.salt()), keys.iterations());
        let challenge = format!("r={nonce},s={salt},i={iterations}");
        let challenged = Challenged {
            user: self.user.clone(),
            keys,
            binding: BASE64_STANDARD.encode(self.header),
            messages: format!("{},{challenge}", self.bare),
            nonce,
        };
        Ok((challenged, challenge.into_bytes()))
    }
}

/// What is remembered between the client's two messages.
#[derive(Debug)]
pub(super) struct Challenged {
    user: String,
    keys: ScramKeys,
    nonce: String,
    /// `c=` of a client that says the same as before.
    binding: String,
    /// Both first messages, as the proof covers them.
    messages: String,
}

impl Challenged {
    /// Reads `c=BINDING,r=NONCE[,...],p=PROOF`; who that makes the client, and our last message.
    pub(super) fn check(
        mut self,
        message: &[u8],
        client: Client,
        core: &Core,
    ) -> Result<Option<(Identity, Vec<u8>)>> {
        let Some((unproved, proof)) = self.split(message) else {
            return Ok(None);
        };
        let _ = write!(self.messages, ",{unproved}");
        let messages = self.messages.as_bytes();
        let (identity, signature) =
            core.authenticate_scram(&self.user, &self.keys, messages, &proof, client)?;
        let last = format!("v={}", BASE64_STANDARD.encode(signature));
        Ok(Some((identity, last.into_bytes())))
    }

    /// The message without its proof, and the proof; none when it does not belong to our challenge.
    fn split<'m>(&self, message: &'m [u8]) -> Option<(&'m str, Vec<u8>)> {
        let text = str::from_utf8(message).ok()?;
        let (unproved, proof) = text.rsplit_once(",p=")?;
        let mut attributes = unproved.split(',');
        let binding = attributes.next()?.strip_prefix("c=")?;
        let nonce = attributes.next()?.strip_prefix("r=")?;
        let proof = BASE64_STANDARD.decode(proof).ok()?;
        (binding == self.binding && nonce == self.nonce).then_some((unproved, proof))
    }
}

/// A name as it stands in a message: `=2C` is a comma, `=3D` an equals sign, and nothing else is written so.
fn name(text: &str) -> Option<String> {
    let mut parts = text.split('=');
    let mut name = parts.next()?.to_owned();
    for part in parts {
        let (sign, rest) = if let Some(rest) = part.strip_prefix("2C") {
            (',', rest)
        } else {
            ('=', part.strip_prefix("3D")?)
        };
        name.push(sign);
        name.push_str(rest);
    }
    Some(name)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn first_messages_are_read() {
        let first = First::parse(b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO").unwrap();
        assert_eq!(
            (first.user.as_str(), first.nonce),
            ("user", "rOprNGfwEbeRWgbNEkqO")
        );
        assert_eq!((first.header, first.authorization.as_str()), ("n,,", ""));
        let first = First::parse(b"y,a=b=2Cc,n=a=3Db,r=x,ext=1").unwrap();
        assert_eq!(
            (first.authorization.as_str(), first.user.as_str()),
            ("b,c", "a=b")
        );
        assert_eq!(
            (first.header, first.bare),
            ("y,a=b=2Cc,", "n=a=3Db,r=x,ext=1")
        );
        for bad in [
            "",
            "n,,",
            "n,,n=user",
            "n,,r=x,n=user",
            "n,,n=,r=x",
            "n,,n=user,r=",
            "n,x,n=user,r=x",
            "p=tls-unique,,n=user,r=x",
            "n,,m=x,n=user,r=x",
            "n,,n=a=2Db,r=x",
            "n,,n=user,r=a b",
            "n,,n=a=,r=x",
        ] {
            assert_eq!(First::parse(bad.as_bytes()), None, "{bad}");
        }
        assert_eq!(First::parse(b"n,,n=\xff,r=x"), None);
    }
}
