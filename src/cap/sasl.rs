//! What SASL mechanisms say, message by message (RFC 4422): the wire alone. Whether a proof holds, and who that makes
//! the client, is the core's.
//!
//! Written here and not taken from a library, because none has DIGEST-MD5, and those that have the others draw their
//! nonces themselves: every transcript of a login would differ.

mod digest;
mod scram;

use super::job::Who;
use super::settings::{Link, Mechanism};
use super::status::Status;
use crate::core::audit;
use crate::core::{Caller, Client, Core, Error, Identity, Kind};

/// Longest trace that an anonymous client may leave, in characters (RFC 4505 section 2).
const TRACE_MAX: usize = 255;

/// What a step of an exchange came to.
#[derive(Debug)]
pub enum Step {
    /// The exchange goes on: send this, wait for the answer.
    Challenge(Box<Exchange>, Vec<u8>),
    /// The client is who it says.
    Done(Who),
    /// It is not, or did not say so in the mechanism's words.
    Failed(Status),
}

/// Where the exchange of a mechanism stands.
#[derive(Debug)]
pub struct Exchange {
    mechanism: Mechanism,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// Nothing was said.
    Begun,
    /// A SCRAM client's first message was answered.
    Scram(Box<scram::Challenged>),
    /// The DIGEST-MD5 challenge was sent.
    Digest(Box<digest::Challenged>),
    /// The proof held, and the client was told ours; it has to say nothing more.
    Proved(Identity),
}

impl Exchange {
    /// The exchange of `mechanism` before anything was said.
    pub fn new(mechanism: Mechanism) -> Self {
        Self {
            mechanism,
            stage: Stage::Begun,
        }
    }

    /// Takes the client's next message; none at the beginning when it came without one.
    pub fn step(
        self: Box<Self>,
        message: Option<&[u8]>,
        link: &Link,
        client: Client,
        core: &Core,
    ) -> Step {
        let step = self.try_step(message, link, client, core);
        step.unwrap_or_else(|error| {
            if matches!(error.kind(), Kind::Internal | Kind::Unavailable) {
                tracing::error!(?error, "a CAP login failed");
                return Step::Failed(Status::LOGIN_UNAVAILABLE);
            }
            tracing::debug!(?error, "a CAP login failed");
            Step::Failed(Status::LOGIN_FAILED)
        })
    }

    fn try_step(
        mut self: Box<Self>,
        message: Option<&[u8]>,
        link: &Link,
        client: Client,
        core: &Core,
    ) -> Result<Step, Error> {
        let failed = Ok(Step::Failed(Status::LOGIN_FAILED));
        let Some(message) = message else {
            let challenge = match self.mechanism {
                Mechanism::DigestMd5 => {
                    let challenged = digest::Challenged::new(core);
                    let challenge = challenged.challenge();
                    self.stage = Stage::Digest(Box::new(challenged));
                    challenge
                }
                _ => Vec::new(),
            };
            return Ok(Step::Challenge(self, challenge));
        };
        match (self.stage, self.mechanism) {
            (Stage::Begun, Mechanism::Anonymous) => anonymous(message, core),
            (Stage::Begun, Mechanism::Plain) => plain(message, client, core),
            (Stage::Begun, Mechanism::External) => external(message, link, client, core),
            (Stage::Begun, Mechanism::ScramSha256) => {
                let Some(first) = scram::First::parse(message) else {
                    return failed;
                };
                if !is_own(&first.authorization, &first.user, core) {
                    return Ok(Step::Failed(Status::LOGIN_AS_OTHER));
                }
                let (challenged, challenge) = first.challenge(core)?;
                self.stage = Stage::Scram(Box::new(challenged));
                Ok(Step::Challenge(self, challenge))
            }
            (Stage::Scram(challenged), _) => match challenged.check(message, client, core)? {
                Some((identity, signature)) => {
                    self.stage = Stage::Proved(identity);
                    Ok(Step::Challenge(self, signature))
                }
                None => failed,
            },
            // A client that spoke first has not seen our challenge.
            (Stage::Begun, Mechanism::DigestMd5) => failed,
            (Stage::Digest(challenged), _) => {
                let Some(response) = digest::Response::parse(message) else {
                    return failed;
                };
                if !is_own(&response.authorization, &response.user, core) {
                    return Ok(Step::Failed(Status::LOGIN_AS_OTHER));
                }
                match challenged.check(&response, client, core)? {
                    Some((identity, proof)) => {
                        self.stage = Stage::Proved(identity);
                        Ok(Step::Challenge(self, proof))
                    }
                    None => failed,
                }
            }
            (Stage::Proved(identity), _) if message.is_empty() => Ok(Step::Done(Who {
                upn: identity.name.to_string(),
                caller: Caller::User(identity),
            })),
            (Stage::Proved(_), _) => failed,
        }
    }
}

/// Whether an authorization identity is none, or the one that the login itself gives.
fn is_own(authorization: &str, user: &str, core: &Core) -> bool {
    authorization.is_empty() || core.upn(authorization) == core.upn(user)
}

/// RFC 4505: a trace, of which only the log hears.
fn anonymous(message: &[u8], core: &Core) -> Result<Step, Error> {
    let trace = str::from_utf8(message).ok();
    let Some(trace) = trace.filter(|trace| trace.chars().count() <= TRACE_MAX) else {
        return Ok(Step::Failed(Status::LOGIN_FAILED));
    };
    let caller = core.anonymous()?;
    tracing::info!(trace = ?trace, "anonymous CAP login");
    Ok(Step::Done(Who {
        upn: "@".to_owned(),
        caller,
    }))
}

/// RFC 4616: `[authzid] NUL authcid NUL passwd`.
fn plain(message: &[u8], client: Client, core: &Core) -> Result<Step, Error> {
    let parts: Vec<&str> = match str::from_utf8(message) {
        Ok(text) => text.split('\0').collect(),
        Err(_) => Vec::new(),
    };
    let &[authorization, user, password] = parts.as_slice() else {
        return Ok(Step::Failed(Status::LOGIN_FAILED));
    };
    let identity = core.authenticate(user, password, client)?;
    // After the password, so that nobody learns more without one.
    if !is_own(authorization, &identity.name.to_string(), core) {
        audit::acting(&Caller::User(identity), authorization, client, false);
        return Ok(Step::Failed(Status::LOGIN_AS_OTHER));
    }
    Ok(Step::Done(Who {
        upn: identity.name.to_string(),
        caller: Caller::User(identity),
    }))
}

/// RFC 4422 appendix A: who the certificate is for; the message may repeat it.
fn external(message: &[u8], link: &Link, client: Client, core: &Core) -> Result<Step, Error> {
    let Ok(authorization) = str::from_utf8(message) else {
        return Ok(Step::Failed(Status::LOGIN_FAILED));
    };
    let identity = core.authenticate_certificate(&link.certificate, client)?;
    let upn = identity.name.to_string();
    if !is_own(authorization, &upn, core) {
        audit::acting(&Caller::User(identity), authorization, client, false);
        return Ok(Step::Failed(Status::LOGIN_AS_OTHER));
    }
    Ok(Step::Done(Who {
        upn,
        caller: Caller::User(identity),
    }))
}
