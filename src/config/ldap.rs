//! What the keys of `[ldap]` mean together.

use url::Url;

use super::table::Ldap;
use crate::ldap::{Preset, Proof, Schema};

impl Ldap {
    /// What entries mean: the preset, and what the other keys say instead.
    pub fn schema(&self) -> Schema {
        let preset = Preset::named(&self.preset).unwrap_or(Preset::InetOrgPerson);
        let mut schema = Schema::from(preset);
        let texts = [
            (&mut schema.user_filter, &self.user_filter),
            (&mut schema.group_filter, &self.group_filter),
            (&mut schema.name, &self.name_attribute),
            (&mut schema.group_name, &self.group_name_attribute),
        ];
        for (text, own) in texts {
            if let Some(own) = own {
                text.clone_from(own);
            }
        }
        let lists = [
            (&mut schema.mail, &self.mail_attributes),
            (&mut schema.full_name, &self.full_name_attributes),
        ];
        for (list, own) in lists.into_iter().filter(|(_, own)| !own.is_empty()) {
            list.clone_from(own);
        }
        schema
    }

    /// How passwords are checked.
    pub fn proof(&self) -> Proof {
        match self.verify.as_str() {
            "compare" => Proof::Compare,
            _ => Proof::Bind,
        }
    }

    /// Whether the connection changes to TLS before anything is asked: unless it is inside TLS from its beginning,
    /// stays on this machine, or the operator says otherwise.
    pub fn starttls(&self) -> bool {
        let url = self.url.as_deref().and_then(|url| Url::parse(url).ok());
        let plain = url.as_ref().filter(|url| url.scheme() == "ldap");
        match self.tls.as_deref() {
            Some("none") => false,
            Some(_) => plain.is_some(),
            None => plain.is_some_and(|url| !is_local(url)),
        }
    }

    /// The first key that does not fit, and what would.
    pub(super) fn fault(&self) -> Option<(&'static str, &'static str)> {
        let schemes = ["ldap", "ldaps", "ldapi"];
        let is_url = |text: &String| {
            Url::parse(text).is_ok_and(|url| schemes.contains(&url.scheme()) && url.has_host())
        };
        let is_attribute = |name: &String| {
            !name.is_empty()
                && name
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b';' | b'.'))
        };
        let schema = self.schema();
        let mut attributes = [&schema.name, &schema.group_name]
            .into_iter()
            .chain(&schema.mail)
            .chain(&schema.full_name);
        let requirements = [
            (
                "ldap.url",
                self.url.as_ref().is_none_or(is_url),
                "a URL like ldaps://ldap.example.org",
            ),
            (
                "ldap.base",
                self.url.is_none() || self.base.is_some(),
                "where searches start, like dc=example,dc=org, since ldap.url is set",
            ),
            (
                "ldap.bind_password_file",
                self.bind_dn.is_none() || self.bind_password_file.is_some(),
                "a file with the password, since ldap.bind_dn is set",
            ),
            (
                "ldap.preset",
                Preset::named(&self.preset).is_some(),
                "sun, inetorgperson or ad",
            ),
            (
                "ldap.user_filter",
                schema.is_sound(),
                "a filter like (objectClass=person), as ldap.group_filter",
            ),
            (
                "ldap.mail_attributes",
                attributes.all(is_attribute),
                "names of attributes, like the other keys that end in 'attribute'",
            ),
            (
                "ldap.verify",
                matches!(self.verify.as_str(), "bind" | "compare"),
                "bind or compare",
            ),
            (
                "ldap.tls",
                matches!(self.tls.as_deref(), None | Some("starttls" | "none")),
                "starttls or none; a URL with ldaps:// needs neither",
            ),
        ];
        let fault = requirements.into_iter().find(|(_, holds, _)| !holds);
        fault.map(|(key, _, expected)| (key, expected))
    }
}

/// Whether the URL leads to this machine.
fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => matches!(name, "localhost" | "127.0.0.1" | "[::1]"),
        None => true,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use crate::config::Config;

    use super::*;

    fn ldap(set: impl Fn(&mut Ldap)) -> Ldap {
        let mut config = Config::default();
        config.ldap.base = Some("dc=test".to_owned());
        set(&mut config.ldap);
        config.ldap
    }

    #[test]
    fn passwords_do_not_cross_a_network_in_clear_unless_somebody_says_so() {
        for (url, tls, starttls) in [
            ("ldap://ldap.example.org", None, true),
            ("ldap://192.0.2.1:1389", None, true),
            ("ldap://127.0.0.1", None, false),
            ("ldap://[::1]:389", None, false),
            ("ldap://localhost", None, false),
            ("ldaps://ldap.example.org", None, false),
            ("ldapi://%2frun%2fldapi", None, false),
            ("ldap://localhost", Some("starttls"), true),
            ("ldaps://ldap.example.org", Some("starttls"), false),
            ("ldap://ldap.example.org", Some("none"), false),
        ] {
            let keys = ldap(|keys| {
                keys.url = Some(url.to_owned());
                keys.tls = tls.map(str::to_owned);
            });
            assert_eq!(keys.fault(), None, "{url}");
            assert_eq!(keys.starttls(), starttls, "{url} {tls:?}");
        }
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let text = |text: &str| Some(text.to_owned());
        for (key, keys) in [
            ("ldap.url", ldap(|k| k.url = text("http://x"))),
            ("ldap.url", ldap(|k| k.url = text("ldap.example.org"))),
            (
                "ldap.base",
                ldap(|k| {
                    k.url = text("ldap://x");
                    k.base = None;
                }),
            ),
            (
                "ldap.bind_password_file",
                ldap(|k| k.bind_dn = text("cn=x")),
            ),
            ("ldap.preset", ldap(|k| k.preset = "novell".to_owned())),
            ("ldap.user_filter", ldap(|k| k.user_filter = text("(x=y"))),
            ("ldap.user_filter", ldap(|k| k.group_filter = text("x)("))),
            (
                "ldap.mail_attributes",
                ldap(|k| k.name_attribute = text("a)(b")),
            ),
            ("ldap.verify", ldap(|k| k.verify = "trust".to_owned())),
            ("ldap.tls", ldap(|k| k.tls = text("maybe"))),
        ] {
            assert_eq!(keys.fault().unwrap().0, key);
        }
    }
}
