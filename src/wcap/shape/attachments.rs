//! ATTACH of what is stored here: where clients find it, or its data (Calendar Server 6.3 WCAP guide, attachments).

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::times::Clock;
use super::{Form, Place};
use crate::core::items::fetch::Occurrence;
use crate::ical::component::{Component, Property};
use crate::ical::datetime::DateTime;
use crate::ical::value;
use crate::model::attachment::{AttachmentId, SIZE_PARAM};
use crate::text::form::encode;

/// A component that names attachments.
pub(super) struct Named {
    uid: String,
    rid: String,
}

impl Named {
    /// None for a component that names none.
    pub(super) fn of(
        component: &Component,
        occurrence: Option<&Occurrence>,
        clock: &mut Clock<'_>,
    ) -> Option<Self> {
        component.properties().find_map(AttachmentId::of)?;
        let uid = component.property("UID").map(Property::to_text);
        let own = component.property("RECURRENCE-ID");
        let own = own.and_then(|id| value::date_time(id).ok());
        let id = occurrence.and_then(|o| o.recurrence_id.clone()).or(own);
        let rid = match id {
            None => "0".to_owned(),
            Some(id @ DateTime::Date(_)) => id.to_string(),
            Some(id) => clock.instant(&id).to_string(),
        };
        Some(Self {
            uid: uid.unwrap_or_default().into_owned(),
            rid,
        })
    }

    /// The line as clients are told it.
    pub(super) fn shape(&self, property: Property, form: &Form, place: &Place<'_>) -> Property {
        match AttachmentId::of(&property) {
            Some(id) => shape(property, id, form, place, (&self.uid, &self.rid)),
            None => property,
        }
    }
}

fn shape(
    property: Property,
    id: AttachmentId,
    form: &Form,
    place: &Place<'_>,
    (uid, rid): (&str, &str),
) -> Property {
    let known = place.attachments.get(id);
    let mut line = String::from("ATTACH");
    // How inline data was written says nothing of what is told instead.
    let told = property
        .params()
        .filter(|param| !param.is("VALUE") && !param.is("ENCODING"));
    for param in told {
        line.push(';');
        line.push_str(param.as_str());
    }
    if let Some(known) = known.filter(|_| property.param(SIZE_PARAM).is_none()) {
        line.push_str(&format!(";{SIZE_PARAM}={}", known.length));
    }
    match known.and_then(|known| known.content.as_ref()) {
        Some(content) => {
            line.push_str(";ENCODING=BASE64;VALUE=BINARY:");
            BASE64_STANDARD.encode_string(content, &mut line);
        }
        None => {
            let (base, calid, uid) = (&form.base, encode(place.calid), encode(uid));
            line.push_str(&format!(
                ":{base}fetchattachments.wcap?calid={calid}&uid={uid}&rid={rid}&attach-id={id}"
            ));
        }
    }
    Property::from_line(line).unwrap_or(property)
}

/// The attachment that an address told for one leads to.
pub fn id_of(address: &str) -> Option<AttachmentId> {
    let (path, query) = address.split_once('?')?;
    let file = path.rsplit('/').next()?;
    if !["fetchattachment.wcap", "fetchattachments.wcap"].contains(&file) {
        return None;
    }
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let (_, id) = pairs.find(|(name, _)| ["attach-id", "attachid"].contains(name))?;
    AttachmentId::parse(id)
}
