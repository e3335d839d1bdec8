//! SASL from the client's side: ANONYMOUS, PLAIN, EXTERNAL, SCRAM-SHA-256 and DIGEST-MD5, each message by message. The server
//! proves itself where the mechanism lets it, and a client that is not convinced breaks off.

use std::fmt;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// A password in memory; never printed.
#[derive(Clone)]
pub struct Password(pub String);

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}

/// Who logs in and how.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// Nobody in particular.
    Anonymous,
    /// Whoever the client's certificate names.
    Certificate,
    /// A user with a password; the best mechanism that the server offers is taken.
    Password {
        /// Name or UPN.
        user: String,
        /// The password.
        password: Password,
    },
}

/// Why a login cannot be made; a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub String);

fn refused<T>(sentence: impl Into<String>) -> Result<T, Refused> {
    Err(Refused(sentence.into()))
}

/// A login under way.
#[derive(Debug)]
pub struct Exchange {
    mechanism: &'static str,
    state: State,
    iterations: usize,
}

#[derive(Debug)]
enum State {
    /// All is said in the first message.
    Once(Vec<u8>),
    ScramFirst {
        bare: String,
        nonce: String,
        password: Password,
    },
    ScramLast {
        signature: Vec<u8>,
    },
    DigestFirst {
        user: String,
        password: Password,
        nonce: String,
        host: String,
    },
    DigestLast {
        expected: String,
    },
    Done,
}

impl Exchange {
    /// A login with the best of the mechanisms `offered` to a store called `host`; `secure` says that the connection keeps
    /// secrets. `random` is fresh for each login.
    ///
    /// Errors: when none of them serves.
    pub fn begin(
        credentials: &Credentials,
        offered: &[String],
        host: &str,
        secure: bool,
        random: &[u8; 18],
    ) -> Result<Self, Refused> {
        let offers = |name: &str| {
            let same = |own: &String| own.replace('_', "-").eq_ignore_ascii_case(name);
            offered.iter().any(same)
        };
        let of = |mechanism, state| {
            Ok(Self {
                mechanism,
                state,
                iterations: usize::MAX,
            })
        };
        let nonce = BASE64_STANDARD.encode(random);
        match credentials {
            Credentials::Anonymous if offers("ANONYMOUS") => {
                of("ANONYMOUS", State::Once(b"wcapd".to_vec()))
            }
            Credentials::Anonymous => refused("the server lets nobody in without a name"),
            Credentials::Certificate if offers("EXTERNAL") => {
                of("EXTERNAL", State::Once(Vec::new()))
            }
            Credentials::Certificate => refused("the server takes no certificate for a login"),
            Credentials::Password { user, password } => {
                if offers("SCRAM-SHA-256") {
                    let bare = format!("n={},r={nonce}", escaped(user));
                    let password = password.clone();
                    let state = State::ScramFirst {
                        bare,
                        nonce,
                        password,
                    };
                    return of("SCRAM-SHA-256", state);
                }
                if offers("DIGEST-MD5") {
                    let state = State::DigestFirst {
                        user: user.clone(),
                        password: password.clone(),
                        nonce,
                        host: host.to_owned(),
                    };
                    return of("DIGEST-MD5", state);
                }
                match (offers("PLAIN"), secure) {
                    (true, true) => {
                        let message = format!("\0{user}\0{}", password.0);
                        of("PLAIN", State::Once(message.into_bytes()))
                    }
                    (true, false) => refused(
                        "the server takes passwords only as they are, and the connection is not encrypted; use TLS",
                    ),
                    (false, _) => refused(format!(
                        "the server offers no login with a password (it offers {})",
                        offered.join(", ")
                    )),
                }
            }
        }
    }

    /// One that works through `iterations` of PBKDF2 at most.
    pub fn bounded(self, iterations: usize) -> Self {
        Self { iterations, ..self }
    }

    /// The mechanism's name.
    pub fn mechanism(&self) -> &'static str {
        self.mechanism
    }

    /// What stands with AUTHENTICATE; none: the server speaks first.
    pub fn first(&mut self) -> Option<Vec<u8>> {
        match &self.state {
            State::Once(message) => {
                let message = message.clone();
                self.state = State::Done;
                Some(message)
            }
            State::ScramFirst { bare, .. } => Some(format!("n,,{bare}").into_bytes()),
            _ => None,
        }
    }

    /// The answer to a challenge. Errors: it is none of the mechanism, or the server has not proved itself.
    pub fn answer(&mut self, challenge: &[u8]) -> Result<Vec<u8>, Refused> {
        let text = std::str::from_utf8(challenge)
            .map_err(|_| Refused("the server's challenge is no text".to_owned()))?;
        match std::mem::replace(&mut self.state, State::Done) {
            State::ScramFirst {
                bare,
                nonce,
                password,
            } => {
                let (answer, signature) = scram(text, &bare, &nonce, &password, self.iterations)?;
                self.state = State::ScramLast { signature };
                Ok(answer)
            }
            State::ScramLast { signature } => {
                let proof = text.strip_prefix("v=").map(|v| BASE64_STANDARD.decode(v));
                match proof {
                    Some(Ok(proof)) if bool::from(proof.ct_eq(&signature)) => Ok(Vec::new()),
                    _ => refused(
                        "the server does not know the password: it may not be the one it says it is",
                    ),
                }
            }
            State::DigestFirst {
                user,
                password,
                nonce,
                host,
            } => {
                let (answer, expected) = digest(text, &user, &password, &nonce, &host)?;
                self.state = State::DigestLast { expected };
                Ok(answer)
            }
            State::DigestLast { expected } => {
                let proof = text.strip_prefix("rspauth=").unwrap_or_default();
                match bool::from(proof.as_bytes().ct_eq(expected.as_bytes())) {
                    true => Ok(Vec::new()),
                    false => refused(
                        "the server does not know the password: it may not be the one it says it is",
                    ),
                }
            }
            State::Once(message) => Ok(message),
            State::Done => Ok(Vec::new()),
        }
    }

    /// Whether the server still owes a proof that it knows the password.
    pub fn is_unproved(&self) -> bool {
        matches!(
            self.state,
            State::ScramLast { .. } | State::DigestLast { .. }
        )
    }
}

/// A name in SCRAM's messages (RFC 5802 section 5.1).
fn escaped(name: &str) -> String {
    name.replace('=', "=3D").replace(',', "=2C")
}

fn keyed(key: &[u8], text: &[u8]) -> Vec<u8> {
    // HMAC takes keys of any length.
    let mac = Hmac::<Sha256>::new_from_slice(key);
    mac.map(|mut mac| {
        mac.update(text);
        mac.finalize().into_bytes().to_vec()
    })
    .unwrap_or_default()
}

/// The client's last message, and the server's signature that is to come. `most` iterations are worked through.
fn scram(
    challenge: &str,
    bare: &str,
    nonce: &str,
    password: &Password,
    most: usize,
) -> Result<(Vec<u8>, Vec<u8>), Refused> {
    let part = |name: &str| {
        let mut parts = challenge.split(',');
        parts.find_map(|part| part.strip_prefix(name))
    };
    let (Some(theirs), Some(salt), Some(iterations)) = (part("r="), part("s="), part("i=")) else {
        return refused("the server's challenge is none of SCRAM");
    };
    let salt = BASE64_STANDARD.decode(salt);
    let (Ok(salt), Ok(iterations @ 1..)) = (salt, iterations.parse::<u32>()) else {
        return refused("the server's challenge is none of SCRAM");
    };
    if usize::try_from(iterations).is_ok_and(|asked| asked > most) {
        return refused(format!(
            "the server asks for {iterations} iterations of SCRAM, more than {most}"
        ));
    }
    if !theirs.starts_with(nonce) || theirs.len() == nonce.len() {
        return refused("the server answers another login than this one");
    }
    let prepared = stringprep::saslprep(&password.0)
        .map_err(|_| Refused("the password has characters that no password may have".to_owned()))?;
    let mut salted = [0; 32];
    pbkdf2::pbkdf2_hmac::<Sha256>(prepared.as_bytes(), &salt, iterations, &mut salted);
    let client = keyed(&salted, b"Client Key");
    let stored = Sha256::digest(&client);
    // `biws` is the base64 of `n,,`.
    let last = format!("c=biws,r={theirs}");
    let messages = format!("{bare},{challenge},{last}");
    let signature = keyed(&stored, messages.as_bytes());
    let proof: Vec<u8> = client.iter().zip(&signature).map(|(a, b)| a ^ b).collect();
    let server = keyed(&salted, b"Server Key");
    let expected = keyed(&server, messages.as_bytes());
    let answer = format!("{last},p={}", BASE64_STANDARD.encode(proof));
    Ok((answer.into_bytes(), expected))
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// The answer of DIGEST-MD5 (RFC 2831), and the server's proof that is to come.
fn digest(
    challenge: &str,
    user: &str,
    password: &Password,
    cnonce: &str,
    host: &str,
) -> Result<(Vec<u8>, String), Refused> {
    let part = |name: &str| {
        let mut parts = challenge.split(',');
        parts.find_map(|part| {
            let (key, value) = part.split_once('=')?;
            let same = key.trim().eq_ignore_ascii_case(name);
            same.then(|| value.trim().trim_matches('"').to_owned())
        })
    };
    let Some(nonce) = part("nonce") else {
        return refused("the server's challenge is none of DIGEST-MD5");
    };
    let realm = part("realm").unwrap_or_default();
    let uri = format!("cap/{host}");
    let secret = Md5::digest(format!("{user}:{realm}:{}", password.0));
    let mut a1 = secret.to_vec();
    a1.extend_from_slice(format!(":{nonce}:{cnonce}").as_bytes());
    let a1 = hex(&Md5::digest(&a1));
    let proof = |verb: &str| {
        let a2 = hex(&Md5::digest(format!("{verb}:{uri}")));
        let text = format!("{a1}:{nonce}:00000001:{cnonce}:auth:{a2}");
        hex(&Md5::digest(text))
    };
    let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
    let answer = format!(
        "charset=utf-8,username=\"{}\",realm=\"{}\",nonce=\"{nonce}\",nc=00000001,cnonce=\"{cnonce}\",\
         digest-uri=\"{uri}\",response={},qop=auth",
        quoted(user),
        quoted(&realm),
        proof("AUTHENTICATE"),
    );
    Ok((answer.into_bytes(), proof("")))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn password(user: &str, password: &str) -> Credentials {
        Credentials::Password {
            user: user.to_owned(),
            password: Password(password.to_owned()),
        }
    }

    fn offers(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    /// RFC 7677 section 3.
    #[test]
    fn scram_speaks_as_the_standard_prints() {
        let (answer, expected) = scram(
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
            "n=user,r=rOprNGfwEbeRWgbNEkqO",
            "rOprNGfwEbeRWgbNEkqO",
            &Password("pencil".into()),
            4_096,
        )
        .unwrap();
        assert_eq!(
            String::from_utf8(answer).unwrap(),
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
        );
        assert_eq!(
            BASE64_STANDARD.encode(expected),
            "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
        );
    }

    #[test]
    fn digest_md5_speaks_as_the_protocol_page_prints() {
        let (answer, expected) = digest(
            "realm=\"example.com\",nonce=\"OA6MG9tEQGm2hh\",qop=\"auth\",algorithm=md5-sess,charset=utf-8",
            "bill",
            &Password("secret".into()),
            "OA6MHXh6VqTrRk",
            "cal.example.com",
        )
        .unwrap();
        let answer = String::from_utf8(answer).unwrap();
        assert!(
            answer.contains("response=400964fe28ba3fdfa7c9b6b9c0a3ac35"),
            "{answer}"
        );
        assert_eq!(expected, "d754712b8fdbcb923f6db8de37cdcf04");
    }

    #[test]
    fn the_best_mechanism_is_taken_and_no_password_shown_in_the_clear() {
        let begin = |credentials: &Credentials, offered: &[&str], secure| {
            let offered = offers(offered);
            Exchange::begin(credentials, &offered, "h", secure, &[7; 18]).map(|e| e.mechanism())
        };
        let tom = password("tom", "x");
        assert_eq!(
            begin(&tom, &["PLAIN", "SCRAM_SHA_256"], true),
            Ok("SCRAM-SHA-256")
        );
        assert_eq!(
            begin(&tom, &["PLAIN", "DIGEST-MD5"], false),
            Ok("DIGEST-MD5")
        );
        assert_eq!(begin(&tom, &["PLAIN"], true), Ok("PLAIN"));
        assert!(begin(&tom, &["PLAIN"], false).is_err());
        assert!(begin(&tom, &["ANONYMOUS"], true).is_err());
        assert_eq!(
            begin(&Credentials::Anonymous, &["ANONYMOUS"], false),
            Ok("ANONYMOUS")
        );
        assert!(begin(&Credentials::Certificate, &["PLAIN"], true).is_err());
    }

    #[test]
    fn a_server_that_does_not_prove_itself_is_left() {
        let offered = offers(&["SCRAM-SHA-256"]);
        let mut exchange =
            Exchange::begin(&password("tom", "x"), &offered, "h", false, &[7; 18]).unwrap();
        let first = String::from_utf8(exchange.first().unwrap()).unwrap();
        let nonce = first.split_once("r=").unwrap().1;
        let wrong = format!("r=other{nonce},s=QQ==,i=1");
        assert!(exchange.answer(wrong.as_bytes()).is_err());
        let mut exchange =
            Exchange::begin(&password("tom", "x"), &offered, "h", false, &[7; 18]).unwrap();
        exchange.first();
        exchange
            .answer(format!("r={nonce}more,s=QQ==,i=1").as_bytes())
            .unwrap();
        assert!(exchange.is_unproved());
        assert!(exchange.answer(b"v=QUFBQQ==").is_err());
    }
}
