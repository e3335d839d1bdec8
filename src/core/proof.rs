//! Logins without a password: SCRAM and DIGEST-MD5 proofs, client certificates, and acting as somebody else.
//!
//! What the parties said stands in messages that the door has read; here it is weighed. Somebody unknown has keys like
//! everybody else, always the same ones, which nothing opens: neither answers nor their time tell who has an account.

use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha2::{Digest, Sha256};

use super::error::{Error, Kind, Result};
use super::password::same_secret;
use super::{Caller, Client, Core, Identity, audit, directory};
use crate::model::id::QualifiedName;
use crate::model::user::{User, Verifier};
use crate::store::secrets;

/// What a SCRAM-SHA-256 exchange is made with (RFC 5802 section 3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScramKeys {
    salt: Vec<u8>,
    iterations: u32,
    stored_key: Vec<u8>,
    server_key: Vec<u8>,
}

impl ScramKeys {
    /// The salt, which clients are told.
    pub fn salt(&self) -> &[u8] {
        &self.salt
    }

    /// The rounds, which clients are told.
    pub fn iterations(&self) -> u32 {
        self.iterations
    }

    /// Whether `proof` is that of a client which knows the password.
    fn holds(&self, messages: &[u8], proof: &[u8]) -> bool {
        let signature = keyed(&self.stored_key, &[messages]);
        if proof.len() != signature.len() {
            return false;
        }
        let client_key: Vec<u8> = proof.iter().zip(signature).map(|(p, s)| p ^ s).collect();
        same_secret(&Sha256::digest(client_key), &self.stored_key)
    }
}

/// A DIGEST-MD5 response (RFC 2831 section 2.1.2), its directives without their quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digested {
    /// Realm.
    pub realm: String,
    /// Our nonce.
    pub nonce: String,
    /// The client's.
    pub client_nonce: String,
    /// Which use of the nonce this is.
    pub count: String,
    /// Service and host that the client means.
    pub uri: String,
    /// The authorization identity, where one was sent.
    pub authorization: Option<String>,
    /// The proof, 32 hexadecimal digits.
    pub response: String,
}

impl Digested {
    /// The proof of who knows `secret`: the client's with `AUTHENTICATE` before the address, ours with nothing.
    fn proof(&self, secret: &[u8; 16], before: &str) -> String {
        let mut a1 = Md5::new();
        a1.update(secret);
        a1.update(format!(":{}:{}", self.nonce, self.client_nonce));
        if let Some(authorization) = &self.authorization {
            a1.update(format!(":{authorization}"));
        }
        let a2 = Md5::digest(format!("{before}:{}", self.uri));
        let Self {
            nonce,
            count,
            client_nonce,
            ..
        } = self;
        let (a1, a2) = (hex(&a1.finalize()), hex(&a2));
        hex(&Md5::digest(format!(
            "{a1}:{nonce}:{count}:{client_nonce}:auth:{a2}"
        )))
    }
}

/// What DIGEST-MD5 is checked against: the name may be given alone or with its domain, and each has a hash of its own.
///
/// A password equivalent within the realm; made only where the operator wants the mechanism.
pub(super) fn digest_verifier(name: &QualifiedName, realm: &str, password: &str) -> Verifier {
    let hash = |user: &str| Md5::digest(format!("{user}:{realm}:{password}")).into();
    Verifier::DigestMd5 {
        by_name: hash(&name.local),
        by_upn: hash(&name.to_string()),
    }
}

#[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
fn keyed(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

impl Core {
    /// The UPN that `login` stands for, whether or not anybody has it.
    pub fn upn(&self, login: &str) -> String {
        QualifiedName::parse(login, self.home())
            .map_or_else(|_| login.to_lowercase(), |name| name.to_string())
    }

    /// Nobody in particular. Errors: `AnonymousNotAllowed`.
    pub fn anonymous(&self) -> Result<Caller> {
        if self.settings().anonymous {
            return Ok(Caller::Anonymous);
        }
        let message = "nobody may log in without an account here";
        Err(Error::new(Kind::AnonymousNotAllowed, message))
    }

    /// The account called `login`, and a secret by which those who do not exist get something of their own.
    fn account_and_secret(&self, login: &str) -> Result<(Option<User>, Vec<u8>)> {
        let (user, secret) = self.store().read(|t| -> Result<_> {
            let user = directory::user(t, login, self.home())?;
            Ok((user, secrets::get(t)?))
        })?;
        match secret {
            Some(secret) => Ok((user, secret)),
            None => {
                let mut fresh = [0; 32];
                self.ids().fill(&mut fresh);
                let made = self.store().write(|t| secrets::make(t, &fresh))?;
                Ok((user, made))
            }
        }
    }

    /// What a SCRAM exchange with `login` is made with.
    pub fn scram_keys(&self, login: &str) -> Result<ScramKeys> {
        let (user, secret) = self.account_and_secret(login)?;
        let login = self.upn(login);
        let of_nobody = |what: &str| keyed(&secret, &[what.as_bytes(), b":", login.as_bytes()]);
        let nobody = ScramKeys {
            salt: of_nobody("salt")[..16].to_vec(),
            iterations: self.settings().password_cost.scram_iterations,
            stored_key: of_nobody("stored").to_vec(),
            server_key: of_nobody("server").to_vec(),
        };
        let verifiers = user.map(|user| user.verifiers).unwrap_or_default();
        let found = verifiers.into_iter().find_map(|verifier| match verifier {
            Verifier::ScramSha256 {
                salt,
                iterations,
                stored_key,
                server_key,
            } => Some(ScramKeys {
                salt,
                iterations,
                stored_key,
                server_key,
            }),
            _ => None,
        });
        Ok(found.unwrap_or(nobody))
    }

    /// Who `login` is, if `proof` over `messages` proves it, and our signature over the same.
    ///
    /// Errors: `NotAuthenticated`, the same for every reason; `TooManyAttempts`.
    pub fn authenticate_scram(
        &self,
        login: &str,
        keys: &ScramKeys,
        messages: &[u8],
        proof: &[u8],
        client: Client,
    ) -> Result<(Identity, [u8; 32])> {
        let holds = keys.holds(messages, proof);
        let identity = self.admit(login, "SCRAM-SHA-256", client, holds)?;
        Ok((identity, keyed(&keys.server_key, &[messages])))
    }

    /// Who `login` is, if the response proves it, and our proof that we know the password too.
    ///
    /// Errors: `NotAuthenticated`, the same for every reason; `TooManyAttempts`.
    pub fn authenticate_digest(
        &self,
        login: &str,
        digested: &Digested,
        client: Client,
    ) -> Result<(Identity, String)> {
        let (user, secret) = self.account_and_secret(login)?;
        let mut hash = [0; 16];
        hash.copy_from_slice(&keyed(&secret, &[b"digest:", login.as_bytes()])[..16]);
        let known = user.as_ref().and_then(|user| {
            let verifiers = user.verifiers.iter();
            verifiers.into_iter().find_map(|verifier| match verifier {
                Verifier::DigestMd5 { by_name, .. } if login == user.name.local => Some(*by_name),
                Verifier::DigestMd5 { by_upn, .. } if login == user.name.to_string() => {
                    Some(*by_upn)
                }
                _ => None,
            })
        });
        let holds = {
            let hash = known.unwrap_or(hash);
            let expected = digested.proof(&hash, "AUTHENTICATE");
            same_secret(expected.as_bytes(), digested.response.as_bytes())
        };
        let identity = self.admit(login, "DIGEST-MD5", client, holds && known.is_some())?;
        Ok((identity, digested.proof(&known.unwrap_or(hash), "")))
    }

    /// Whose certificate names these mail addresses; the first that is somebody's counts.
    ///
    /// Errors: `NotAuthenticated`.
    pub fn authenticate_certificate(
        &self,
        addresses: &[String],
        client: Client,
    ) -> Result<Identity> {
        for address in addresses {
            let found = self
                .store()
                .read(|t| directory::user(t, address, self.home()))?;
            if found.is_some() {
                // A certificate is no guess: what is counted is who got in.
                return self.admit(address, "certificate", client, true);
            }
        }
        let message = "the certificate is for nobody who has an account here";
        let outcome = Err(Error::new(Kind::NotAuthenticated, message));
        audit::login(&addresses.join(" "), "certificate", client, &outcome);
        outcome
    }

    /// Whom whoever logged in as `original` may act as: `wanted`, or themselves without one. The UPN, and the caller.
    ///
    /// None: not them. It is asked of whoever logged in, so that permissions do not add up.
    pub fn act_as(
        &self,
        original: &Caller,
        wanted: Option<&str>,
        client: Client,
    ) -> Result<Option<(String, Caller)>> {
        let own = match original {
            Caller::User(user) => user.name.to_string(),
            Caller::Guest(name) => name.to_string(),
            Caller::Anonymous | Caller::System => "@".to_owned(),
        };
        let wanted = match wanted {
            None => return Ok(Some((own, original.clone()))),
            // Somebody of that realm, and no more is said.
            Some(realm) if realm.starts_with('@') => realm.to_lowercase(),
            Some(wanted) => self.upn(wanted),
        };
        if wanted == own {
            return Ok(Some((own, original.clone())));
        }
        let listed = self.settings().may_act_as.iter();
        let listed = listed
            .into_iter()
            .any(|(who, whom)| *who == own && *whom == wanted);
        let guest = || {
            let login = original.identity()?;
            let wanted = QualifiedName::parse(&wanted, self.domain()).ok()?;
            self.settings().guest(&login.name, &wanted)
        };
        let found = match (listed, wanted.starts_with('@')) {
            (false, true) => None,
            (false, false) => guest(),
            (true, true) => Some(Caller::Anonymous),
            (true, false) => self.enabled_user(&wanted)?.map(Caller::User),
        };
        audit::acting(original, &wanted, client, found.is_some());
        Ok(found.map(|caller| (wanted, caller)))
    }

    fn enabled_user(&self, name: &str) -> Result<Option<Identity>> {
        let found = self
            .store()
            .read(|t| directory::user(t, name, self.home()))?;
        match found.filter(|user| self.is_open(user)) {
            Some(user) => {
                self.require_calendar(&user)?;
                Ok(Some(self.begun(&user, name)))
            }
            None => Ok(None),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::core::accounts::NewUser;
    use crate::core::testing::{core_with, settings};

    fn digested(uri: &str, realm: &str, nonces: [&str; 2]) -> Digested {
        Digested {
            realm: realm.into(),
            nonce: nonces[0].into(),
            client_nonce: nonces[1].into(),
            count: "00000001".into(),
            uri: uri.into(),
            authorization: None,
            response: String::new(),
        }
    }

    /// RFC 2831 section 4, and the same for CAP.
    #[test]
    fn digests_are_those_of_the_standard() {
        for (user, realm, uri, nonces, response, rspauth) in [
            (
                "chris",
                "elwood.innosoft.com",
                "imap/elwood.innosoft.com",
                ["OA6MG9tEQGm2hh", "OA6MHXh6VqTrRk"],
                "d388dad90d4bbd760a152321f2143af7",
                "ea40f60335c427b5527b84dbabcdfffd",
            ),
            (
                "bill",
                "example.com",
                "cap/cal.example.com",
                ["OA6MG9tEQGm2hh", "OA6MHXh6VqTrRk"],
                "400964fe28ba3fdfa7c9b6b9c0a3ac35",
                "d754712b8fdbcb923f6db8de37cdcf04",
            ),
        ] {
            let name = QualifiedName::parse(user, realm).unwrap();
            let Verifier::DigestMd5 { by_name, .. } = digest_verifier(&name, realm, "secret")
            else {
                unreachable!()
            };
            let digested = digested(uri, realm, nonces);
            assert_eq!(digested.proof(&by_name, "AUTHENTICATE"), response);
            assert_eq!(digested.proof(&by_name, ""), rspauth);
        }
    }

    fn bill(settings: crate::core::Settings) -> Core {
        let (core, _) = core_with(settings);
        let new = NewUser {
            name: "bill".into(),
            mail: vec!["b@example.org".into()],
            ..NewUser::default()
        };
        core.add_user(&new, Some("secret")).unwrap();
        core
    }

    #[test]
    fn nobody_has_keys_like_everybody() {
        let core = bill(settings());
        let (bill, nobody) = (
            core.scram_keys("bill").unwrap(),
            core.scram_keys("nobody").unwrap(),
        );
        assert_eq!(bill.salt.len(), nobody.salt.len());
        assert_eq!(bill.iterations, nobody.iterations);
        assert_eq!(bill, core.scram_keys("Bill@localhost").unwrap());
        assert_eq!(bill, core.scram_keys("b@example.org").unwrap());
        assert_eq!(nobody, core.scram_keys("NOBODY@localhost").unwrap());
        assert_ne!(nobody, core.scram_keys("nobody2").unwrap());
        let refused = core.authenticate_scram("nobody", &nobody, b"x", &[0; 32], Client::UNKNOWN);
        assert_eq!(refused.unwrap_err().kind(), Kind::NotAuthenticated);
        assert!(
            core.authenticate_scram("bill", &bill, b"x", b"short", Client::UNKNOWN)
                .is_err()
        );
    }

    #[test]
    fn proofs_that_fail_are_slowed_down_like_passwords() {
        let core = bill(settings());
        let keys = core.scram_keys("bill").unwrap();
        let attempt = || core.authenticate_scram("bill", &keys, b"x", &[0; 32], Client::UNKNOWN);
        let kinds: Vec<Kind> = (0..40).map(|_| attempt().unwrap_err().kind()).collect();
        assert_eq!(kinds.first(), Some(&Kind::NotAuthenticated));
        assert_eq!(kinds.last(), Some(&Kind::TooManyAttempts));
        // And those who know the password wait like the others.
        let refused = core.authenticate("bill", "secret", Client::UNKNOWN);
        assert_eq!(refused.unwrap_err().kind(), Kind::TooManyAttempts);
    }

    #[test]
    fn a_digest_is_kept_while_it_is_wanted() {
        let has = |core: &Core| {
            let verifiers = core.user("bill").unwrap().verifiers;
            verifiers
                .iter()
                .any(|v| matches!(v, Verifier::DigestMd5 { .. }))
        };
        let core = bill(settings());
        assert!(!has(&core));
        let wanted = crate::core::Settings {
            digest_md5: true,
            ..settings()
        };
        let core = bill(wanted);
        assert!(has(&core));
        let mut response = digested("cap/localhost", "localhost", ["n", "c"]);
        for (login, opens) in [
            ("bill", true),
            ("bill@localhost", true),
            ("BILL", false),
            ("b@example.org", false),
            ("nobody", false),
        ] {
            let secret = Md5::digest(format!("{login}:localhost:secret")).into();
            response.response = response.proof(&secret, "AUTHENTICATE");
            let came = core.authenticate_digest(login, &response, Client::UNKNOWN);
            assert_eq!(came.is_ok(), opens, "{login}");
        }
        core.set_password("bill", "other").unwrap();
        let secret = Md5::digest("bill:localhost:other").into();
        response.response = response.proof(&secret, "AUTHENTICATE");
        assert!(
            core.authenticate_digest("bill", &response, Client::UNKNOWN)
                .is_ok()
        );
        core.set_enabled("bill", false).unwrap();
        assert!(
            core.authenticate_digest("bill", &response, Client::UNKNOWN)
                .is_err()
        );
    }

    #[test]
    fn certificates_open_the_accounts_they_name() {
        let core = bill(settings());
        let who = |addresses: &[&str]| {
            let addresses: Vec<String> = addresses.iter().map(|a| (*a).to_owned()).collect();
            let came = core.authenticate_certificate(&addresses, Client::UNKNOWN);
            came.map(|identity| identity.name.to_string()).ok()
        };
        for names in [&["B@Example.org"][..], &["x@example.org", "bill@localhost"]] {
            assert_eq!(who(names).as_deref(), Some("bill@localhost"));
        }
        assert_eq!(who(&["x@example.org"]), None);
        assert_eq!(who(&[]), None);
        core.set_enabled("bill", false).unwrap();
        assert_eq!(who(&["bill@localhost"]), None);
    }

    #[test]
    fn only_those_listed_become_others_and_it_does_not_add_up() {
        let listed = [
            ("bill", "staff"),
            ("staff", "boss"),
            ("bill", "gone"),
            ("@", "@example.com"),
        ];
        let upn = |name: &str| match name.starts_with('@') {
            true => name.to_owned(),
            false => format!("{name}@localhost"),
        };
        let core = bill(crate::core::Settings {
            may_act_as: listed.map(|(who, whom)| (upn(who), upn(whom))).into(),
            ..settings()
        });
        for name in ["staff", "boss", "gone"] {
            let new = NewUser {
                name: name.into(),
                ..NewUser::default()
            };
            core.add_user(&new, None).unwrap();
        }
        core.set_enabled("gone", false).unwrap();
        let bill = core
            .authenticate("bill", "secret", Client::UNKNOWN)
            .unwrap();
        let bill = Caller::User(bill);
        let become_of = |original: &Caller, wanted: Option<&str>| {
            let found = core.act_as(original, wanted, Client::UNKNOWN).unwrap();
            found.map(|(upn, _)| upn)
        };
        for (wanted, expected) in [
            (Some("staff"), Some("staff@localhost")),
            (Some("Staff@LOCALHOST"), Some("staff@localhost")),
            (Some("bill"), Some("bill@localhost")),
            (None, Some("bill@localhost")),
            (Some("boss"), None),
            (Some("gone"), None),
            (Some("nobody"), None),
            (Some("@"), None),
            (Some("@example.com"), None),
            (Some("x y"), None),
        ] {
            assert_eq!(become_of(&bill, wanted).as_deref(), expected, "{wanted:?}");
        }
        let anonymous = Caller::Anonymous;
        assert_eq!(
            become_of(&anonymous, Some("@Example.com")).as_deref(),
            Some("@example.com")
        );
        assert_eq!(become_of(&anonymous, Some("staff")), None);
        assert_eq!(become_of(&anonymous, Some("@")).as_deref(), Some("@"));
    }
}
