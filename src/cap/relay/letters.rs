//! Carries what waits in the outbox to other calendar stores: a worker for each, so that one that is down holds up none but
//! its own messages.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::watch;
use tokio::time::sleep;

use super::{Peer, Peers, Session};
use crate::cap::client::{self, Failed};
use crate::cap::server::Host;
use crate::core::outbox::Letter;
use crate::core::relay::{Fate, addressed};
use crate::dispatch::Cost;
use crate::ical::component::{Component, Property};
use crate::ical::{parse, print};
use crate::limits::Limits;

/// Longest time between two looks into the outbox: clocks may be set.
const LOOK: Duration = Duration::from_secs(60);

/// Codes that say that a store does not take a message now, but may later.
const LATER: [&str; 4] = ["5.1", "7.0", "8.0", "8.1"];

/// Carries messages until `stop` turns true.
pub async fn carry(host: Host, peers: Peers, limits: Limits, mut stop: watch::Receiver<bool>) {
    let (ring, bell) = watch::channel(());
    host.core.on_letters(move || {
        // Without workers nobody listens.
        let _ = ring.send(());
    });
    let workers = peers.all().map(|peer| {
        let (host, bell, limits) = (host.clone(), bell.clone(), &limits);
        async move { work(&host, peer, limits, bell).await }
    });
    tokio::select! {
        _ = stop.wait_for(|stop| *stop) => {}
        _ = join_all(workers) => {}
    }
}

/// Carries the messages to one store, for ever.
async fn work(host: &Host, peer: &Peer, limits: &Limits, mut bell: watch::Receiver<()>) {
    loop {
        bell.mark_unchanged();
        let (core, csid) = (host.core.clone(), peer.csid.clone());
        let due = host.jobs.run(Cost::Heavy, move || {
            let due = core.due_relays(&csid);
            due.map(|(letters, next)| (letters, next.map(|next| next.0 - core.now().0)))
        });
        let wait = match due.await {
            Ok(Ok((letters, _))) if !letters.is_empty() => {
                if round(host, peer, limits, letters).await {
                    continue;
                }
                LOOK
            }
            Ok(Ok((_, next))) => {
                let seconds = next.and_then(|seconds| u64::try_from(seconds.max(1)).ok());
                seconds.map_or(LOOK, |seconds| Duration::from_secs(seconds).min(LOOK))
            }
            Ok(Err(cause)) => {
                tracing::error!(?cause, store = peer.csid, "cannot read the outbox");
                LOOK
            }
            Err(lost) => {
                tracing::error!(%lost, store = peer.csid, "cannot read the outbox");
                LOOK
            }
        };
        tokio::select! {
            rung = bell.changed() => {
                if rung.is_err() {
                    return;
                }
            }
            () = sleep(wait) => {}
        }
    }
}

/// Tries to carry each of these; answers whether what became of them is written down.
async fn round(host: &Host, peer: &Peer, limits: &Limits, letters: Vec<Letter>) -> bool {
    let mut session = Session::begin(peer, host.core.ids()).await;
    if let Err(cause) = &session {
        tracing::warn!(store = peer.csid, %cause, "cannot reach another calendar store");
    }
    let mut fates = Vec::with_capacity(letters.len());
    for letter in letters {
        let fate = match &mut session {
            Ok(open) => match one(host, open, &letter, limits.relay_time).await {
                Ok(fate) => fate,
                Err(cause) => {
                    let fate = Fate::Unreached(cause.to_string());
                    // After a refusal the session goes on; any other failure is its end.
                    if !matches!(cause, Failed::Refused { .. }) {
                        session = Err(cause);
                    }
                    fate
                }
            },
            Err(cause) => Fate::Unreached(cause.to_string()),
        };
        tracing::info!(
            store = peer.csid,
            method = letter.method,
            attempts = letter.attempts + 1,
            outcome = outcome(&fate),
            "message to another calendar store"
        );
        fates.push((letter, fate));
    }
    if let Ok(session) = session {
        session.end().await;
    }
    let (core, fates) = (host.core.clone(), Arc::new(fates));
    let settled = host.jobs.run(Cost::Heavy, move || {
        fates
            .iter()
            .try_for_each(|(letter, fate)| core.settle_relay(letter, fate))
    });
    match settled.await {
        Ok(Ok(())) => true,
        Ok(Err(cause)) => {
            tracing::error!(?cause, "cannot write down what became of messages");
            false
        }
        Err(lost) => {
            tracing::error!(%lost, "cannot write down what became of messages");
            false
        }
    }
}

fn outcome(fate: &Fate) -> &str {
    match fate {
        Fate::Delivered => "delivered",
        Fate::Refused(why) | Fate::Unreached(why) => why,
    }
}

async fn one(
    host: &Host,
    session: &mut Session,
    letter: &Letter,
    patience: Duration,
) -> Result<Fate, Failed> {
    let Some(command) = command(letter) else {
        return Ok(Fate::Refused("6.3;The message cannot be read".to_owned()));
    };
    let text = print::to_string(&command);
    let upn = host.core.speaker(&letter.from);
    let answers = session.ask(&upn, &text, patience);
    Ok(fate(answers.await?))
}

/// A letter as the command that delivers it.
fn command(letter: &Letter) -> Option<Component> {
    let parsed = parse::parse(letter.text.as_bytes(), &parse::Limits::DEFAULT);
    let calendar = parsed.components.into_iter().next()?;
    let mut command = Component::new("VCAP")
        .with(Property::new("VERSION", "2.0"))
        .with(Property::new("METHOD", &letter.method))
        .with(Property::new("CMDID", "m"))
        .with(Property::new("TARGET", addressed(&letter.to)));
    for inner in calendar.components() {
        command.push_component(inner.clone());
    }
    Some(command)
}

/// What the answer to one message means.
fn fate(answers: Vec<Component>) -> Fate {
    let mut codes = answers.into_iter().flat_map(|outer| {
        let whole = client::answer(outer);
        let inner = whole.components.into_iter().filter_map(|inner| {
            let status = inner.value("REQUEST-STATUS")?;
            Some(client::request_status(status))
        });
        inner.chain([(whole.code, whole.text)]).collect::<Vec<_>>()
    });
    match codes.find(|(code, _)| !code.starts_with("2.")) {
        None => Fate::Delivered,
        Some((code, text)) if LATER.contains(&code.as_str()) || code.starts_with("10.") => {
            Fate::Unreached(format!("{code};{text}"))
        }
        Some((code, text)) => Fate::Refused(format!("{code};{text}")),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<Component> {
        let text = text.replace('|', "\r\n");
        parse::parse(text.as_bytes(), &parse::Limits::DEFAULT).components
    }

    #[test]
    fn answers_say_what_became_of_a_message() {
        let of = |status: &str, inner: &str| {
            fate(read(&format!(
                "BEGIN:VCAP|REQUEST-STATUS:{status}|BEGIN:VEVENT|UID:1|REQUEST-STATUS:{inner}|END:VEVENT|END:VCAP|"
            )))
        };
        assert_eq!(of("2.0;Success", "2.0;Success"), Fate::Delivered);
        assert_eq!(of("2.0;Success", "6.0;No"), Fate::Refused("6.0;No".into()));
        assert_eq!(
            of("6.1;Not here", "2.0"),
            Fate::Refused("6.1;Not here".into())
        );
        for later in ["8.1;Busy", "10.4;Too much", "7.0;Late"] {
            assert_eq!(of(later, "2.0"), Fate::Unreached(later.into()));
        }
    }

    #[test]
    fn a_letter_becomes_a_command_for_its_recipient() {
        let letter = Letter {
            id: "1".into(),
            method: "REQUEST".into(),
            uid: "m".into(),
            from: "tom@here".into(),
            to: "jerry@there".into(),
            calendar: crate::model::id::CalendarId(1),
            text: "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:m\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
                .into(),
            attachments: false,
            written: crate::ical::datetime::Timestamp(0),
            due: crate::ical::datetime::Timestamp(0),
            attempts: 0,
            error: None,
            first: true,
            relay: Some("cal.there".into()),
        };
        let text = print::to_string(&command(&letter).unwrap());
        assert_eq!(
            text,
            "BEGIN:VCAP\r\nVERSION:2.0\r\nMETHOD:REQUEST\r\nCMDID:m\r\nTARGET:mailto:jerry@there\r\n\
             BEGIN:VEVENT\r\nUID:m\r\nEND:VEVENT\r\nEND:VCAP\r\n"
        );
    }
}
