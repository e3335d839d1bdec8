//! Passwords: made into verifiers, checked against them. The password itself is kept nowhere.
//!
//! Each account holds a set of verifiers, so that login by PLAIN (argon2id, RFC 9106) and by SCRAM-SHA-256
//! (RFC 5802, RFC 7677) both work, and neither stores a password equivalent.

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::error::{Error, Kind, Result};
use crate::metric;
use crate::model::clock::Ids;
use crate::model::user::Verifier;

/// What a hash costs whoever guesses, and the server at each login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Memory of one argon2id hash, KiB.
    pub memory_kib: u32,
    /// Passes over that memory.
    pub passes: u32,
    /// Rounds of PBKDF2 for SCRAM (RFC 7677 asks for 4096 at least).
    pub scram_iterations: u32,
}

impl Default for Cost {
    /// OWASP's first choice for argon2id (19 MiB, two passes): about 20 ms on one core.
    fn default() -> Self {
        Self {
            memory_kib: 19_456,
            passes: 2,
            scram_iterations: 10_000,
        }
    }
}

impl Cost {
    /// As cheap as the algorithms allow, for tests that are not about passwords.
    pub const CHEAPEST: Self = Self {
        memory_kib: 8,
        passes: 1,
        scram_iterations: 4_096,
    };

    fn argon2(self) -> Result<Argon2<'static>> {
        let params = Params::new(self.memory_kib, self.passes, 1, None)
            .map_err(|e| Error::new(Kind::Internal, format!("argon2 parameters: {e}")))?;
        Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
    }
}

/// The longest password taken, in octets: longer ones only cost the server time.
pub const PASSWORD_MAX: usize = 1024;

/// The verifiers of a new password.
///
/// Errors: `BadValue` for an empty password or one longer than [`PASSWORD_MAX`].
pub fn verifiers(password: &str, cost: Cost, ids: &dyn Ids) -> Result<Vec<Verifier>> {
    if password.is_empty() || password.len() > PASSWORD_MAX {
        let message = format!("expected a password of 1 to {PASSWORD_MAX} octets");
        return Err(Error::new(Kind::BadValue, message));
    }
    let mut salt = [0; 16];
    ids.fill(&mut salt);
    let hash = cost
        .argon2()?
        .hash_password_with_salt(password.as_bytes(), &salt)
        .map_err(|e| Error::new(Kind::Internal, format!("argon2id: {e}")))?;
    ids.fill(&mut salt);
    Ok(vec![
        Verifier::Argon2id(hash.to_string()),
        scram(password, &salt, cost.scram_iterations),
    ])
}

/// The SCRAM-SHA-256 keys of a password (RFC 5802 section 3).
fn scram(password: &str, salt: &[u8], iterations: u32) -> Verifier {
    // As clients prepare it (RFC 4013); what cannot be prepared is taken as it is.
    let prepared = stringprep::saslprep(password).unwrap_or_else(|_| password.into());
    let mut salted = [0; 32];
    pbkdf2::pbkdf2_hmac::<Sha256>(prepared.as_bytes(), salt, iterations, &mut salted);
    let client_key = keyed(&salted, b"Client Key");
    Verifier::ScramSha256 {
        salt: salt.to_vec(),
        iterations,
        stored_key: Sha256::digest(client_key).to_vec(),
        server_key: keyed(&salted, b"Server Key").to_vec(),
    }
}

#[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
fn keyed(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

fn argon2id(verifiers: &[Verifier]) -> Option<PasswordHash> {
    let hash = verifiers.iter().find_map(|verifier| match verifier {
        Verifier::Argon2id(hash) => Some(hash),
        _ => None,
    });
    PasswordHash::new(hash?).ok()
}

/// Whether `password` is the one behind `verifiers`. One hash is computed, right or wrong, also where nothing can be
/// right: without a verifier, at `cost`.
pub fn check(password: &str, verifiers: &[Verifier], cost: Cost) -> bool {
    let Some(hash) = argon2id(verifiers).filter(|_| password.len() <= PASSWORD_MAX) else {
        check_nobody(password, cost);
        return false;
    };
    metrics::counter!(metric::PASSWORD_HASHES).increment(1);
    Argon2::default()
        .verify_password(password.as_bytes(), &hash)
        .is_ok()
}

/// Spends what [`check`] spends, for a user that does not exist: the answer's time tells nothing.
pub fn check_nobody(password: &str, cost: Cost) {
    metrics::counter!(metric::PASSWORD_HASHES).increment(1);
    let end = password.len().min(PASSWORD_MAX);
    if let Ok(argon2) = cost.argon2() {
        let _ = argon2.hash_password_with_salt(&password.as_bytes()[..end], &[0; 16]);
    }
}

/// Whether these verifiers are weaker than `cost` asks for, or one is missing.
///
/// Those that cost more stay: a hash made stronger before is not made weaker at login.
pub fn are_outdated(verifiers: &[Verifier], cost: Cost) -> bool {
    let weak_hash = argon2id(verifiers).is_none_or(|hash| {
        Params::try_from(&hash).map_or(true, |found| {
            found.m_cost() < cost.memory_kib || found.t_cost() < cost.passes
        })
    });
    let strong_scram = verifiers.iter().any(|verifier| match verifier {
        Verifier::ScramSha256 { iterations, .. } => *iterations >= cost.scram_iterations,
        _ => false,
    });
    weak_hash || !strong_scram
}

/// Whether two secrets are equal, in a time that depends on their lengths alone.
pub fn same_secret(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use base64::prelude::*;

    use super::*;
    use crate::model::clock::SystemIds;

    #[test]
    fn the_right_password_opens() {
        let verifiers = verifiers("s3cret \u{e9}", Cost::CHEAPEST, &SystemIds).unwrap();
        let opens =
            |password: &str, verifiers: &[Verifier]| check(password, verifiers, Cost::CHEAPEST);
        assert!(opens("s3cret \u{e9}", &verifiers));
        assert!(!opens("s3cret e", &verifiers));
        assert!(!opens("", &verifiers));
        assert!(!opens("s3cret \u{e9}", &[]));
        assert!(!opens(
            "s3cret \u{e9}",
            &[Verifier::Argon2id("garbage".into())]
        ));
        assert!(!opens(&"x".repeat(PASSWORD_MAX + 1), &verifiers));
    }

    #[test]
    fn weaker_verifiers_are_outdated_and_stronger_ones_are_not() {
        let verifiers = verifiers("secret", Cost::CHEAPEST, &SystemIds).unwrap();
        assert!(!are_outdated(&verifiers, Cost::CHEAPEST));
        for dearer in [
            Cost {
                memory_kib: 16,
                ..Cost::CHEAPEST
            },
            Cost {
                passes: 2,
                ..Cost::CHEAPEST
            },
            Cost {
                scram_iterations: 5_000,
                ..Cost::CHEAPEST
            },
        ] {
            assert!(are_outdated(&verifiers, dearer));
            let dear = super::verifiers("secret", dearer, &SystemIds).unwrap();
            assert!(!are_outdated(&dear, Cost::CHEAPEST));
        }
        assert!(are_outdated(&verifiers[..1], Cost::CHEAPEST));
        assert!(are_outdated(&verifiers[1..], Cost::CHEAPEST));
        assert!(are_outdated(&[], Cost::CHEAPEST));
    }

    #[test]
    fn lengths_are_bounded() {
        for bad in [String::new(), "x".repeat(PASSWORD_MAX + 1)] {
            let refused = verifiers(&bad, Cost::CHEAPEST, &SystemIds).unwrap_err();
            assert_eq!(refused.kind(), Kind::BadValue);
        }
        assert!(verifiers(&"x".repeat(PASSWORD_MAX), Cost::CHEAPEST, &SystemIds).is_ok());
    }

    /// The exchange of RFC 7677 section 3: user `user`, password `pencil`.
    #[test]
    fn scram_keys_are_those_of_rfc_7677() {
        let salt = BASE64_STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        let Verifier::ScramSha256 {
            stored_key,
            server_key,
            ..
        } = scram("pencil", &salt, 4096)
        else {
            unreachable!()
        };
        let message = "n=user,r=rOprNGfwEbeRWgbNEkqO,\
            r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,\
            c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let signature = keyed(&server_key, message.as_bytes());
        let expected = "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";
        assert_eq!(BASE64_STANDARD.encode(signature), expected);
        let proof = BASE64_STANDARD
            .decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
            .unwrap();
        let client_signature = keyed(&stored_key, message.as_bytes());
        let client_key: Vec<u8> = proof
            .iter()
            .zip(client_signature)
            .map(|(p, s)| p ^ s)
            .collect();
        assert_eq!(Sha256::digest(client_key).to_vec(), stored_key);
    }
}
