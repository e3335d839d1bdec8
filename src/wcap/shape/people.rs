//! ORGANIZER and ATTENDEE as WCAP shows them: a calid beside a mail address, whichever is asked for in front.

use crate::core::items::people::People;
use crate::core::schedule::attendee::BEHIND;
use crate::ical::component::{Property, push_param_value};
use crate::ical::delivery::{self, Delivery};
use crate::ical::value::mail_address;

/// Parameters that say who somebody is here; stored ones are not believed when the address is known.
const IDENTITIES: [&str; 4] = [
    "X-S1CS-CALID",
    "X-S1CS-EMAIL",
    "X-NSCP-ORGANIZER-UID",
    "X-NSCP-ORGANIZER-SENT-BY-UID",
];

/// What became of the message to an attendee, in Sun's form.
const GSE_STATUS: &str = "X-NSCP-ATTENDEE-GSE-STATUS";

/// Parameters of deliveries: answers have the server's own word for them.
const DELIVERIES: [&str; 3] = [GSE_STATUS, delivery::SCHEDULE_STATUS, BEHIND];

/// The mail address of an organizer.
pub(super) fn mail_of(organizer: &Property, people: &People) -> Option<String> {
    let address = organizer.value();
    let party = people.party(address);
    let own = party.and_then(|party| party.mail.as_deref());
    own.or_else(|| mail_address(address)).map(str::to_owned)
}

/// ATTENDEE; `mail`: the mail address in front, else the calid.
pub(super) fn attendee(property: &Property, mail: bool, people: &People) -> Property {
    write(property, mail, people, false)
}

/// ORGANIZER, likewise, with the login names of the organizer and of who wrote for them.
pub(super) fn organizer(property: &Property, mail: bool, people: &People) -> Property {
    write(property, mail, people, true)
}

fn write(property: &Property, mail: bool, people: &People, organizer: bool) -> Property {
    let Some(party) = people.party(property.value()) else {
        return without_deliveries(property);
    };
    let mut line = String::with_capacity(property.as_line().len() + 64);
    line.push_str(property.name());
    let mut sender = None;
    for param in property.params() {
        if IDENTITIES
            .iter()
            .chain(&DELIVERIES)
            .any(|name| param.is(name))
        {
            continue;
        }
        if organizer && param.is("SENT-BY") {
            sender = param
                .values()
                .next()
                .and_then(|address| people.party(&address));
        }
        line.push(';');
        line.push_str(param.as_str());
    }
    if organizer {
        push_param(&mut line, "X-NSCP-ORGANIZER-UID", party.user.as_deref());
        let sender = sender.and_then(|sender| sender.user.as_deref());
        push_param(&mut line, "X-NSCP-ORGANIZER-SENT-BY-UID", sender);
    }
    if !organizer {
        push_param(&mut line, GSE_STATUS, gse_status(property));
    }
    let address = mail_address(property.value()).or(party.mail.as_deref());
    match (mail, address) {
        (true, Some(address)) => {
            push_param(&mut line, "X-S1CS-CALID", Some(&party.calid));
            line.push_str(":mailto:");
            line.push_str(address);
        }
        _ => {
            push_param(&mut line, "X-S1CS-EMAIL", address);
            line.push(':');
            line.push_str(&party.calid);
        }
    }
    Property::from_line(line).unwrap_or_else(|_| property.clone())
}

/// The property of somebody without a calendar here, with the server's word for what became of the message.
fn without_deliveries(property: &Property) -> Property {
    let told = |name: &str| property.param(name).is_some();
    if !DELIVERIES.into_iter().any(told) {
        return property.clone();
    }
    let mut line = property.name().to_owned();
    for param in property.params() {
        if !DELIVERIES.iter().any(|name| param.is(name)) {
            line.push(';');
            line.push_str(param.as_str());
        }
    }
    push_param(&mut line, GSE_STATUS, gse_status(property));
    line.push(':');
    line.push_str(property.value());
    Property::from_line(line).unwrap_or_else(|_| property.clone())
}

/// 2 is delivered in all of Sun's examples; the others are ours.
fn gse_status(attendee: &Property) -> Option<&'static str> {
    delivery::of(attendee).map(|delivery| match delivery {
        Delivery::Pending => "1",
        Delivery::Delivered => "2",
        Delivery::Failed => "3",
    })
}

fn push_param(line: &mut String, name: &str, value: Option<&str>) {
    if let Some(value) = value {
        line.push(';');
        line.push_str(name);
        line.push('=');
        push_param_value(line, value);
    }
}

/// The property with parameters written as they are: Sun quotes values that need no quotes.
pub(super) fn with_raw_params(property: &Property, params: &str) -> Property {
    let line = format!("{};{params}:{}", property.name(), property.value());
    Property::from_line(line).unwrap_or_else(|_| property.clone())
}
