//! The part of a session that is about who is there: AUTHENTICATE and IDENTIFY (draft-ietf-calsch-cap-04 section 7.1).
//! What mechanisms say is `sasl`'s, whom to believe is the core's.

use std::time::Instant;

use base64::prelude::{BASE64_STANDARD, Engine as _};

use super::super::capability;
use super::super::job::{Job, Who};
use super::super::sasl::{Exchange, Step};
use super::super::settings::Mechanism;
use super::super::status::Status;
use super::{Channel, Identified, State};

impl Channel {
    /// Begins an exchange, of which a session may have but few, whatever comes of them.
    pub(super) fn authenticate(&mut self, word: &str, initial: Option<&&str>) {
        if self.auth_attempts >= self.settings.auth_attempts {
            return self.terminate();
        }
        self.auth_attempts += 1;
        let mechanism = match Mechanism::called(word) {
            Some(mechanism) if self.settings.offers(mechanism, &self.link) => mechanism,
            Some(Mechanism::Plain) if !self.link.secure => {
                return self.reply(Status::NEEDS_TLS, "begin TLS first");
            }
            _ => return self.refuse(Status::BAD_ARGUMENTS, "the mechanism is not offered"),
        };
        self.exchange = Some(Box::new(Exchange::new(mechanism)));
        self.state = State::Authenticating;
        match initial {
            None => self.step(None),
            // An empty response cannot be written in base64.
            Some(&"=") => self.step(Some(Vec::new())),
            Some(text) => self.respond(text.as_bytes()),
        }
    }

    /// A line from the client in the exchange.
    pub(super) fn answer(&mut self, line: &[u8], now: Instant) {
        self.last_command = now;
        let line = line.trim_ascii();
        if line == b"." || line == b"*" {
            return self.login_failed(Status::LOGIN_CANCELLED);
        }
        self.respond(line);
    }

    fn respond(&mut self, text: &[u8]) {
        match BASE64_STANDARD.decode(text) {
            Ok(message) => self.step(Some(message)),
            Err(_) => {
                self.reply(Status::LOGIN_FAILED, "expected base64");
                self.leave_exchange();
            }
        }
    }

    fn step(&mut self, message: Option<Vec<u8>>) {
        let Some(exchange) = self.exchange.take() else {
            return;
        };
        let link = self.link.clone();
        self.start(Job::Authenticate {
            exchange,
            message,
            link,
        });
    }

    pub(super) fn step_made(&mut self, step: Step) {
        match step {
            Step::Challenge(exchange, challenge) => {
                self.exchange = Some(exchange);
                // One line, told apart from a status by having no dot; `+` stands for nothing.
                let text = match challenge.is_empty() {
                    true => "+".to_owned(),
                    false => BASE64_STANDARD.encode(challenge),
                };
                self.outgoing.extend_from_slice(text.as_bytes());
                self.outgoing.extend_from_slice(b"\r\n");
            }
            Step::Done(who) => {
                let object = capability::login(&self.settings, &self.link, &who.upn);
                self.reply_with(Status::SUCCESS, "", object.as_bytes());
                self.state = State::Identified;
                self.who = Some(Box::new(Identified {
                    original: who.clone(),
                    current: who,
                }));
            }
            Step::Failed(status) => self.login_failed(status),
        }
    }

    pub(super) fn login_failed(&mut self, status: Status) {
        let note = match status {
            Status::LOGIN_FAILED => "login failed",
            Status::LOGIN_AS_OTHER => "no authorization identity here, use IDENTIFY",
            Status::LOGIN_CANCELLED => "cancelled",
            _ => "try later",
        };
        // A failed login is no slip of a program, so it does not count as one.
        self.reply(status, note);
        self.leave_exchange();
    }

    fn leave_exchange(&mut self) {
        self.exchange = None;
        self.state = State::Connected;
    }

    /// Section 7.1: who may become whom is asked of whoever logged in.
    pub(super) fn identify(&mut self, upn: Option<&str>) {
        let Some(who) = &self.who else { return };
        let original = who.original.caller.clone();
        let upn = upn.map(str::to_owned);
        self.start(Job::Identify { original, upn });
    }

    pub(super) fn identified(&mut self, wanted: Option<Who>) {
        let (Some(who), Some(wanted)) = (&mut self.who, wanted) else {
            return self.reply(Status::NOT_PERMITTED, "Identity not permitted");
        };
        let line = format!("IDENTITY={}\r\n", wanted.upn);
        who.current = wanted;
        self.reply_with(Status::SUCCESS, "", line.as_bytes());
    }
}
