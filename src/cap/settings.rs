//! What the CAP door is told at start: bounds, times and what it may announce.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::relay::Peers;
use crate::ical::datetime::Timestamp;
use crate::limits::Limits;
use crate::tls::Tls;

/// A SASL mechanism that AUTHENTICATE can carry out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mechanism {
    /// A password that is not shown to the server (RFC 5802, RFC 7677).
    ScramSha256,
    /// Nobody in particular (RFC 4505).
    Anonymous,
    /// A password as it is (RFC 4616).
    Plain,
    /// The certificate shown in the TLS handshake (RFC 4422 appendix A).
    External,
    /// What CAP's draft asks for (RFC 2831).
    DigestMd5,
}

impl Mechanism {
    /// All of them, in the order announced.
    pub const ALL: [Self; 5] = [
        Self::ScramSha256,
        Self::Anonymous,
        Self::Plain,
        Self::External,
        Self::DigestMd5,
    ];

    /// The name registered with IANA, as announced.
    pub fn name(self) -> &'static str {
        match self {
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::Anonymous => "ANONYMOUS",
            Self::Plain => "PLAIN",
            Self::External => "EXTERNAL",
            Self::DigestMd5 => "DIGEST-MD5",
        }
    }

    /// The mechanism that a client's word means; the draft writes `_` where the names have `-`.
    pub fn called(word: &str) -> Option<Self> {
        let word = word.replace('_', "-");
        Self::ALL
            .into_iter()
            .find(|mechanism| word.eq_ignore_ascii_case(mechanism.name()))
    }
}

/// How a session's connection stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Link {
    /// Inside TLS.
    pub secure: bool,
    /// The client runs on this machine.
    pub local: bool,
    /// The mail addresses of the client's certificate; empty without one.
    pub certificate: Vec<String>,
}

/// What every session is given.
#[derive(Clone)]
pub struct Settings {
    /// The bounds; of them those named `cap_`.
    pub limits: Limits,
    /// The name of this calendar store in addresses.
    pub csid: String,
    /// Whether nobody in particular may log in.
    pub anonymous: bool,
    /// Whether PLAIN is offered without TLS to clients on this machine.
    pub plain_on_loopback: bool,
    /// Whether DIGEST-MD5 is offered.
    pub digest_md5: bool,
    /// AUTHENTICATE commands per session; the draft allows one (section 7.1).
    pub auth_attempts: usize,
    /// `MINDATE`, the first instant a calendar may hold; `None` is the draft's own, in the year 0000.
    pub min_date: Option<Timestamp>,
    /// `MAXDATE`, the last one; `None` is the draft's own, in the year 9999.
    pub max_date: Option<Timestamp>,
    /// How long a closed session waits for the client to close its side, so that the last reply arrives.
    pub linger: Duration,
    /// How long a stopping server waits for its sessions to end.
    pub stop_grace: Duration,
    /// The certificates, where there are some.
    pub tls: Option<Arc<Tls>>,
    /// The data of all sessions that is held in memory.
    pub held: Arc<Held>,
    /// The other stores that are spoken to.
    pub peers: Peers,
}

impl Settings {
    /// Whether `mechanism` may be used on `link` now.
    pub fn offers(&self, mechanism: Mechanism, link: &Link) -> bool {
        match mechanism {
            Mechanism::ScramSha256 => true,
            Mechanism::Anonymous => self.anonymous,
            Mechanism::Plain => link.secure || (link.local && self.plain_on_loopback),
            Mechanism::External => !link.certificate.is_empty(),
            Mechanism::DigestMd5 => self.digest_md5,
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            csid: "localhost".to_owned(),
            anonymous: true,
            plain_on_loopback: false,
            digest_md5: false,
            auth_attempts: 1,
            min_date: None,
            max_date: None,
            linger: Duration::from_secs(1),
            stop_grace: Duration::from_secs(5),
            tls: None,
            held: Arc::default(),
            peers: Peers::default(),
        }
    }
}

/// How many octets of data all sessions hold together.
#[derive(Debug, Default)]
pub struct Held(AtomicUsize);

impl Held {
    /// Takes `octets` more, unless that passes `limit`.
    pub fn take(self: &Arc<Self>, octets: usize, limit: usize) -> Option<Share> {
        let taken = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |held| {
                held.checked_add(octets).filter(|sum| *sum <= limit)
            });
        taken.ok().map(|_| Share {
            held: Arc::clone(self),
            octets,
        })
    }

    /// The octets held now.
    pub fn octets(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// Octets that are counted as held while this lives.
#[derive(Debug, Default)]
pub struct Share {
    held: Arc<Held>,
    octets: usize,
}

impl Share {
    /// Adds what another counts.
    pub fn add(&mut self, mut other: Self) {
        if self.octets == 0 {
            std::mem::swap(self, &mut other);
        } else {
            self.octets += std::mem::take(&mut other.octets);
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.held.0.fetch_sub(self.octets, Ordering::Relaxed);
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn what_is_offered_depends_on_the_link() {
        let settings = Settings {
            plain_on_loopback: true,
            ..Settings::default()
        };
        let offered = |settings: &Settings, link: &Link| {
            let all = Mechanism::ALL.into_iter();
            let usable = all.filter(|mechanism| settings.offers(*mechanism, link));
            usable.map(Mechanism::name).collect::<Vec<_>>()
        };
        let far = Link::default();
        assert_eq!(offered(&settings, &far), ["SCRAM-SHA-256", "ANONYMOUS"]);
        let near = Link {
            local: true,
            ..Link::default()
        };
        assert_eq!(
            offered(&settings, &near),
            ["SCRAM-SHA-256", "ANONYMOUS", "PLAIN"]
        );
        assert_eq!(
            offered(&Settings::default(), &near),
            ["SCRAM-SHA-256", "ANONYMOUS"]
        );
        let shown = Link {
            secure: true,
            local: false,
            certificate: vec!["bill@example.com".into()],
        };
        let strict = Settings {
            anonymous: false,
            digest_md5: true,
            ..Settings::default()
        };
        let names = ["SCRAM-SHA-256", "PLAIN", "EXTERNAL", "DIGEST-MD5"];
        assert_eq!(offered(&strict, &shown), names);
    }

    #[test]
    fn names_are_found_in_the_draft_s_form_too() {
        assert_eq!(Mechanism::called("digest_md5"), Some(Mechanism::DigestMd5));
        assert_eq!(Mechanism::called("KERBEROS_V4"), None);
    }

    #[test]
    fn shares_of_what_is_held_come_and_go() {
        let held = Arc::new(Held::default());
        let mut share = Share::default();
        share.add(held.take(60, 100).unwrap());
        share.add(held.take(40, 100).unwrap());
        assert!(held.take(1, 100).is_none());
        assert_eq!(held.octets(), 100);
        drop(share);
        assert_eq!(held.octets(), 0);
    }
}
