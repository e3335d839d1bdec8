//! Carries out what sessions ask for: from a [`Job`] to its [`Outcome`], by the core. Synchronous; the host decides on
//! which thread.

use super::job::{Acting, Carried, Job, Outcome, Who};
use super::sasl::Step;
use super::settings::Settings;
use super::status::Status;
use super::{address, audit, command};
use crate::core::{Caller, Client, Core, Error, Kind};
use crate::dispatch::Cost;

/// How much a job may hold up others.
pub fn cost(job: &Job) -> Cost {
    match job {
        Job::GenerateUids(_) => Cost::Cheap,
        // Logins hash and may make a calendar, the others walk through people or data.
        _ => Cost::Heavy,
    }
}

/// What a client is told whose address asks for so much that `job` did not get its turn.
pub fn turned_away(job: &Job) -> Outcome {
    match job {
        Job::Authenticate { .. } => Outcome::Authenticate(Step::Failed(Status::LOGIN_UNAVAILABLE)),
        _ => Outcome::Reply {
            status: Status::EXHAUSTED,
            argument: String::new(),
            data: Vec::new(),
            note: "too many requests, try later".to_owned(),
        },
    }
}

/// Carries `job` out for a client.
pub fn carry_out(core: &Core, settings: &Settings, client: Client, job: Job) -> Carried {
    let line = |calid: &str| address::of_calendar(calid, &settings.csid) + "\r\n";
    let outcome = match job {
        Job::Authenticate {
            exchange,
            message,
            link,
        } => Outcome::Authenticate(exchange.step(message.as_deref(), &link, client, core)),
        Job::Identify { original, upn } => {
            let original = now(core, original.into());
            let found = core.act_as(&original, upn.as_deref(), client);
            let found = found.unwrap_or_else(|error| {
                tracing::error!(?error, "cannot tell who may act as whom");
                None
            });
            Outcome::Identify(found.map(|(upn, caller)| Who { upn, caller }))
        }
        Job::ExpandCalendar { who, calid } => {
            let caller = now(core, who);
            let found = core.expand_calendar(&caller, &calid);
            audit::expansion(core, (&caller, client), "CALIDEXPAND", &calid, &found);
            let addresses = found.map(|found| (line(&found), false));
            expansion(calid, addresses)
        }
        Job::ExpandUser { who, upn } => {
            let caller = now(core, who);
            let most = match settings.limits.cap_expand_list {
                // As MAXUPNEXPANDLIST has it.
                0 => usize::MAX,
                most => most,
            };
            let found = core.expand_principal(&caller, &upn, most);
            audit::expansion(core, (&caller, client), "UPNEXPAND", &upn, &found);
            let addresses = found.map(|found| {
                let lines = found.calids.iter().map(|calid| line(calid));
                (lines.collect(), found.clipped)
            });
            expansion(upn, addresses)
        }
        Job::GenerateUids(count) => {
            let uids = (0..count).map(|_| core.ids().uid() + "\r\n");
            reply(Status::SUCCESS, String::new(), uids.collect::<String>())
        }
        Job::Object {
            who,
            octets,
            cancel,
        } => {
            let login = now(core, who.original.clone().into());
            let asker = command::Asker {
                caller: &now(core, who),
                login: &login,
                client,
            };
            return command::carry_out(core, settings, asker, &octets, &cancel);
        }
    };
    Carried::Done(outcome)
}

/// The caller as the accounts are now.
fn now(core: &Core, who: Acting) -> Caller {
    let current = core.current_for(&who.original, &who.caller);
    current.unwrap_or_else(|error| {
        tracing::error!(?error, "cannot tell whether an account is open");
        Caller::Anonymous
    })
}

/// Section 7.1, CALIDEXPAND and UPNEXPAND: the argument after the code, an address a line.
fn expansion(argument: String, found: Result<(String, bool), Error>) -> Outcome {
    let (status, data) = match found {
        Ok((data, false)) => (Status::SUCCESS, data),
        Ok((data, true)) => (Status::EXPAND_CLIPPED, data),
        Err(error) => {
            let status = match error.kind() {
                Kind::NoSuchCalendar | Kind::NoSuchPrincipal => Status::NOT_FOUND,
                Kind::AccessDenied => Status::EXPAND_DENIED,
                _ => Status::EXPAND_FAILED,
            };
            (status, String::new())
        }
    };
    reply(status, argument, data)
}

fn reply(status: Status, argument: String, data: String) -> Outcome {
    Outcome::Reply {
        status,
        argument,
        data: data.into_bytes(),
        note: String::new(),
    }
}
