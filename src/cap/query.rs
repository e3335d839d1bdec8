//! READ, which dialect B calls SEARCH: VQUERYs carried out in a target, and what they find (draft-ietf-calsch-cap-04
//! section 7.2.1.8; RFC 4324 section 10.9).
//!
//! Items and busy times come from the core; calendars and the store are asked for as the components `properties` makes.

use super::address::{Place, bare, qualified};
use super::answer::Answer;
use super::command::{Dialect, Request};
use super::properties;
use super::write::queries::shown as shown_query;
use crate::core::calendars::CalendarView;
use crate::core::freebusy::FreeBusy;
use crate::core::query::{self as language, Ask, Query, Row, Select, Table, project};
use crate::core::stored::StoredQuery;
use crate::core::{Core, Error, Kind};
use crate::ical::component::{Component, Property};
use crate::ical::instances::BusyType;
use crate::ical::object;
use crate::ical::parse;
use crate::ical::print;
use crate::ical::value;
use crate::ical::vtimezone;
use crate::model::item::State;

/// One query as it was sent.
pub(super) struct Asked {
    pub(super) query: Query,
    pub(super) expand: bool,
    pub(super) results: Option<usize>,
    /// Octets of the answer.
    pub(super) size: Option<usize>,
}

impl Asked {
    /// A query that was not sent, with nothing besides.
    pub(super) fn of(query: Query) -> Self {
        Self {
            query,
            expand: false,
            results: None,
            size: None,
        }
    }
}

/// The queries in a command. Errors: the answer that says what is wrong with them.
pub(super) fn asked(
    request: &Request<'_>,
    target: &str,
    core: &Core,
) -> Result<Vec<Asked>, Answer> {
    let objects = request.objects.iter().copied();
    let queries: Vec<&Component> = objects.filter(|object| object.is("VQUERY")).collect();
    asked_in(request, &queries, target, core)
}

/// The queries in VQUERYs: those that stand there, or the stored one that is named.
pub(super) fn asked_in(
    request: &Request<'_>,
    objects: &[&Component],
    target: &str,
    core: &Core,
) -> Result<Vec<Asked>, Answer> {
    let mut found = Vec::new();
    for object in objects {
        if object.property("QUERY").is_some() {
            found.extend(read_asked(request, object)?);
            continue;
        }
        let names = ["QUERYNAME", "QUERYID"];
        let name = names.iter().find_map(|name| object.property(name));
        let Some(name) = name.map(|name| name.to_text().into_owned()) else {
            let message = "expected a QUERY in the VQUERY, found none";
            return Err(Answer::of("6.3", message));
        };
        // Dialect B says in the VQUERY where it is stored.
        let at = object.value("TARGET").unwrap_or(target);
        let place = Place::of(at, &request.settings.csid)?;
        let place = match &place {
            Place::Store => None,
            Place::Calendar(calid) => Some(calid.as_str()),
        };
        let query = core.find_query(request.caller, place, &name);
        let query = query.map_err(|cause| Answer::failed(request.dialect, &cause))?;
        let component = query
            .as_ref()
            .and_then(stored)
            .ok_or_else(|| Answer::of("6.1", format!("there is no stored query '{name}'")))?;
        found.extend(read_asked(request, &component)?);
    }
    Ok(found)
}

/// The component of a stored query.
pub(super) fn stored(query: &StoredQuery) -> Option<Component> {
    let parsed = parse::parse(query.text.as_bytes(), &parse::Limits::DEFAULT);
    parsed.components.into_iter().next()
}

/// Whether a VQUERY can be asked. Errors: the answer that says why not.
pub(super) fn check_query(request: &Request<'_>, object: &Component) -> Result<(), Answer> {
    match read_asked(request, object)?.is_empty() {
        true => Err(Answer::of("3.11", "expected a QUERY in the VQUERY")),
        false => Ok(()),
    }
}

fn read_asked(request: &Request<'_>, object: &Component) -> Result<Vec<Asked>, Answer> {
    let expand = match object.value("EXPAND") {
        Some(text) => value::boolean(text.trim())
            .map_err(|_| Answer::of("6.3", "expected EXPAND to be TRUE or FALSE"))?,
        None => false,
    };
    let mut found = Vec::new();
    for text in object.properties_named("QUERY") {
        found.push(Asked {
            query: read_query(request, text.value())?,
            expand,
            results: number(object, "MAXRESULTS")?,
            size: match number(object, "MAXSIZE")? {
                None => number(object, "MAXRESULTSSIZE")?,
                size => size,
            },
        });
    }
    Ok(found)
}

fn read_query(request: &Request<'_>, text: &str) -> Result<Query, Answer> {
    let most = request.settings.limits.cap_query;
    if text.len() > most {
        let length = text.len();
        let message = format!("expected a query of at most {most} octets, found {length}");
        return Err(Answer::of("8.2", message));
    }
    language::parse(text).map_err(|malformed| Answer::of("6.3", malformed.to_string()))
}

fn number(object: &Component, name: &str) -> Result<Option<usize>, Answer> {
    let Some(text) = object.value(name) else {
        return Ok(None);
    };
    match text.trim().parse() {
        Ok(number @ 1..) => Ok(Some(number)),
        _ => Err(Answer::of(
            "6.3",
            format!("expected {name} to be a number from 1"),
        )),
    }
}

/// READ and SEARCH.
pub(super) fn read(request: &Request<'_>, target: &str, core: &Core) -> Answer {
    match answer(request, target, core) {
        Ok(answer) | Err(answer) => answer,
    }
}

fn answer(request: &Request<'_>, target: &str, core: &Core) -> Result<Answer, Answer> {
    let asked = asked(request, target, core)?;
    if asked.is_empty() {
        return Err(Answer::of("6.3", "expected a VQUERY, found none"));
    }
    let place = Place::of(target, &request.settings.csid)?;
    let shown = qualified(target, &request.settings.csid);
    // In dialect B each query has an answer of its own.
    let together = match request.dialect {
        Dialect::A => asked.len(),
        Dialect::B => 1,
    };
    let mut attachments = request.settings.limits.attachment_body;
    let mut answers = Vec::new();
    for asked in asked.chunks(together) {
        let mut reading = Reading {
            request,
            core,
            shown: &shown,
            clipped: false,
            failed_some: false,
            attachments,
            zones: Vec::new(),
            properties: Vec::new(),
            objects: Vec::new(),
        };
        for asked in asked {
            match &place {
                Place::Store => reading.store(asked)?,
                Place::Calendar(calid) => reading.calendar(calid, asked)?,
            }
        }
        attachments = reading.attachments;
        answers.push(reading.finish());
    }
    let answers = answers.into_iter().rev();
    let first = answers.fold(None, |next: Option<Answer>, mut answer| {
        answer.next = next.map(Box::new);
        Some(answer)
    });
    Ok(first.unwrap_or_default())
}

/// A command under way.
struct Reading<'a> {
    request: &'a Request<'a>,
    core: &'a Core,
    shown: &'a str,
    clipped: bool,
    /// Octets of attachments that still go along; what does not fit is named only.
    attachments: usize,
    /// Whether a component is answered with a failure.
    failed_some: bool,
    /// The VTIMEZONEs that what was found can be of.
    zones: Vec<Component>,
    /// What is answered without a component around it.
    properties: Vec<Property>,
    objects: Vec<(Option<String>, Component)>,
}

impl Reading<'_> {
    fn ask<'b>(&'b self, asked: &'b Asked) -> Ask<'b> {
        Ask {
            query: &asked.query,
            expand: asked.expand,
            most: asked.results,
            utc_only: self.request.dialect == Dialect::B,
            target: self.shown,
        }
    }

    fn failed(&self, cause: &Error) -> Answer {
        match cause.kind() {
            Kind::AccessDenied => Answer::of("4.1", cause.message()),
            Kind::TooMuch if self.request.dialect == Dialect::B => {
                Answer::of("8.1", cause.message())
            }
            _ => Answer::failed(self.request.dialect, cause),
        }
    }

    /// What the store itself has.
    fn store(&mut self, asked: &Asked) -> Result<(), Answer> {
        let all = asked.query.select.contains(&Select::Everything);
        match asked.query.from.as_slice() {
            [Table::Store] => {
                let store = properties::store(self.request, self.core);
                let store = store.map_err(|cause| self.failed(&cause))?;
                let before = self.objects.len();
                let masters = store.properties_named("CALMASTER");
                let masters = masters.map(|master| bare(master.value()).to_owned());
                let masters = masters.collect();
                self.alone(asked, Table::Store, store, masters)?;
                match all && self.objects.len() > before {
                    true => self.calendars(asked, true),
                    false => Ok(()),
                }
            }
            [Table::Calendar] => self.calendars(asked, false),
            [Table::Query] => self.queries(None, asked),
            [Table::Rights] => self.rights(None, asked),
            _ => Err(Answer::of(
                "6.3",
                "of the store itself CALSTORE, VCALENDAR, VCAR and VQUERY are asked; for items name a calendar as TARGET",
            )),
        }
    }

    /// The calendars of the store that the caller may know of; `whole` with all that is in them, whatever the query's
    /// condition.
    fn calendars(&mut self, asked: &Asked, whole: bool) -> Result<(), Answer> {
        let most = self.request.settings.limits.query_results;
        let views = self.core.readable_calendars(self.request.caller, most);
        for view in views.map_err(|cause| self.failed(&cause))? {
            let made = properties::calendar(self.request, self.core, &view);
            let owners = properties::owners(self.core, &view);
            if !whole {
                self.alone(asked, Table::Calendar, made, owners)?;
                continue;
            }
            let everything = Asked::of(Query {
                select: vec![Select::Everything],
                from: vec![Table::Calendar],
                filter: None,
            });
            self.whole(&view.calid, &everything)?;
        }
        Ok(())
    }

    /// FROM VCAR: the rights of a place, those that show its access list included.
    fn rights(&mut self, calid: Option<&str>, asked: &Asked) -> Result<(), Answer> {
        let found = self.core.rights(self.request.caller, calid);
        for view in found.map_err(|cause| self.failed(&cause))? {
            let in_b = match self.request.dialect {
                Dialect::B if view.computed => properties::default_right_in_b(&view.name),
                _ => None,
            };
            let shown = in_b.unwrap_or(view.component);
            self.alone(asked, Table::Rights, shown, Vec::new())?;
        }
        Ok(())
    }

    /// FROM VQUERY: what is stored in a place.
    fn queries(&mut self, calid: Option<&str>, asked: &Asked) -> Result<(), Answer> {
        let found = self.core.stored_queries(self.request.caller, calid);
        for query in found.map_err(|cause| self.failed(&cause))? {
            if let Some(made) = shown_query(&query, self.request.dialect) {
                self.alone(asked, Table::Query, made, Vec::new())?;
            }
        }
        Ok(())
    }

    fn calendar(&mut self, calid: &str, asked: &Asked) -> Result<(), Answer> {
        let from = &asked.query.from;
        let of_items = |table: &Table| matches!(table, Table::Items(_) | Table::Alarm);
        if from.iter().all(of_items) {
            return self.items(calid, asked, asked.results);
        }
        match from.as_slice() {
            [Table::FreeBusy] => self.busy(calid, asked),
            [Table::Calendar] => self.whole(calid, asked),
            [Table::Timezone] => {
                let Some(view) = self.view(calid)? else {
                    return Ok(());
                };
                let owners = properties::owners(self.core, &view);
                match properties::timezone(&view) {
                    Some(zone) => self.alone(asked, Table::Timezone, zone, owners),
                    None => Ok(()),
                }
            }
            [Table::Query] => {
                self.view(calid)?;
                self.queries(Some(calid), asked)
            }
            [Table::Rights] => {
                self.view(calid)?;
                self.rights(Some(calid), asked)
            }
            [Table::Store] => Err(Answer::of("6.3", "the store is asked as its own TARGET")),
            _ => Err(Answer::of(
                "6.3",
                "these components are not asked for together",
            )),
        }
    }

    /// The calendar's properties, where the caller may see them.
    fn view(&self, calid: &str) -> Result<Option<CalendarView>, Answer> {
        let caller = self.request.caller;
        match self.core.readable_properties(caller, Some(calid)) {
            Ok(Some(view)) => Ok(Some(view)),
            Ok(None) => {
                let right = crate::core::access::Right::FreeBusy;
                match self.core.has_right(caller, Some(calid), right) {
                    Ok(true) => Ok(None),
                    Ok(false) => Err(Answer::of("4.1", "no right to read this calendar")),
                    Err(cause) => Err(self.failed(&cause)),
                }
            }
            Err(cause) => Err(self.failed(&cause)),
        }
    }

    fn items(&mut self, calid: &str, asked: &Asked, most: Option<usize>) -> Result<(), Answer> {
        let ask = Ask {
            most,
            ..self.ask(asked)
        };
        let found = self.core.ask(self.request.caller, calid, &ask);
        let found = found.map_err(|cause| self.failed(&cause))?;
        self.clipped |= found.clipped;
        self.zones.extend(found.timezones);
        let a = self.request.dialect == Dialect::A;
        let select = &asked.query.select;
        let everything = select
            .iter()
            .any(|wanted| matches!(wanted, Select::All | Select::Everything));
        // Dialect B answers alarms alone, and what is in them without even them.
        let alarms = !a && select.iter().all(is_of_alarms);
        let whole = select.contains(&Select::Components(Table::Alarm));
        let mut size = 0_usize;
        for row in &found.rows {
            let mut made = project(select, row);
            let attached = self.core.attach(&mut made, &mut self.attachments);
            attached.map_err(|cause| self.failed(&cause))?;
            if made.entries().is_empty() && row.hidden {
                let code = if a { "3.8" } else { "4.1" };
                made.push(value::request_status_property(code, "No authority", None));
                self.failed_some = true;
            } else if a && everything && matches!(row.table, Table::Items(_)) {
                let method = row.method.as_deref().unwrap_or("CREATE");
                made.push(Property::new("METHOD", method));
            }
            size = size.saturating_add(print::to_string(&made).len());
            if asked.size.is_some_and(|most| size > most) {
                self.clipped = true;
                break;
            }
            // In dialect B what waits stands under its METHOD; what is marked waits for nothing.
            let waits = State::of(row.method.as_deref()) == State::Queued;
            let method = row.method.clone().filter(|_| !a && waits);
            if !alarms || made.components().next().is_none() && row.hidden {
                self.objects.push((method, made));
                continue;
            }
            for alarm in made.components() {
                match whole {
                    true => self.objects.push((method.clone(), alarm.clone())),
                    false => self.properties.extend(alarm.properties().cloned()),
                }
            }
        }
        Ok(())
    }

    /// FROM VAGENDA: the calendar's properties, what is in it, or both.
    fn whole(&mut self, calid: &str, asked: &Asked) -> Result<(), Answer> {
        let select = &asked.query.select;
        let tables: Vec<Table> = select
            .iter()
            .filter_map(|wanted| match wanted {
                Select::Components(table @ Table::Items(_)) => Some(*table),
                _ => None,
            })
            .collect();
        if !tables.is_empty() {
            // Conditions speak of the components that are selected.
            let asked = Asked {
                query: Query {
                    select: vec![Select::All],
                    from: tables,
                    filter: asked.query.filter.clone(),
                },
                ..*asked
            };
            return self.items(calid, &asked, asked.results);
        }
        let Some(view) = self.view(calid)? else {
            return Ok(());
        };
        let made = properties::calendar(self.request, self.core, &view);
        let owners = properties::owners(self.core, &view);
        let before = self.objects.len();
        self.alone(asked, Table::Calendar, made, owners)?;
        if select.contains(&Select::Everything) && self.objects.len() > before {
            use crate::ical::object::Kind as Of;
            let all = Asked {
                query: Query {
                    select: vec![Select::Everything],
                    from: [Of::Event, Of::Todo, Of::Journal].map(Table::Items).into(),
                    filter: None,
                },
                ..*asked
            };
            let most = asked.results.map(|most| most.saturating_sub(1));
            return self.items(calid, &all, most);
        }
        Ok(())
    }

    /// A component that is no item.
    fn alone(
        &mut self,
        asked: &Asked,
        table: Table,
        component: Component,
        owners: Vec<String>,
    ) -> Result<(), Answer> {
        let ask = self.ask(asked);
        let caller = self.request.caller;
        let fits = self.core.is_asked(caller, &ask, table, &component, &owners);
        if fits.map_err(|cause| self.failed(&cause))? {
            let row = Row::of(table, component, owners);
            let made = project(&asked.query.select, &row);
            self.objects.push((None, made));
        }
        Ok(())
    }

    /// FROM VFREEBUSY, which is computed.
    fn busy(&mut self, calid: &str, asked: &Asked) -> Result<(), Answer> {
        let found = self
            .core
            .ask_busy(self.request.caller, calid, &self.ask(asked));
        let found = match found {
            Ok(found) => found,
            // Who may read anything else gets an empty answer.
            Err(cause) if cause.kind() == Kind::AccessDenied => {
                return self.view(calid).map(drop);
            }
            Err(cause) => return Err(self.failed(&cause)),
        };
        if let Some(found) = found {
            let made = self.vfreebusy(&found);
            let row = Row::of(Table::FreeBusy, made, Vec::new());
            let made = project(&asked.query.select, &row);
            self.objects.push((None, made));
        }
        Ok(())
    }

    fn vfreebusy(&self, found: &FreeBusy) -> Component {
        let mut made = Component::new("VFREEBUSY")
            .with(Property::new("UID", self.core.ids().uid()))
            .with(Property::new("DTSTAMP", self.core.now().to_string()))
            .with(Property::new("ORGANIZER", self.shown))
            .with(Property::new("DTSTART", found.range.start().to_string()))
            .with(Property::new("DTEND", found.range.end().to_string()));
        for (period, kind) in &found.periods {
            let kind = match kind {
                BusyType::Busy => "BUSY",
                BusyType::Tentative => "BUSY-TENTATIVE",
            };
            let period = format!("{}/{}", period.start(), period.end());
            made.push(Property::new("FREEBUSY", period).with_param("FBTYPE", kind));
        }
        made
    }

    /// Where one component is answered with a failure, the others are with success.
    fn tell_each(&mut self) {
        for (_, object) in &mut self.objects {
            if object.property("REQUEST-STATUS").is_none() {
                object.push(value::request_status_property("2.0", "Success", None));
            }
        }
    }

    fn finish(mut self) -> Answer {
        if self.failed_some && self.request.dialect == Dialect::B {
            self.tell_each();
        }
        let mut answer = match self.clipped {
            true => Answer::of("2.0", "Truncated"),
            false => Answer::success(),
        };
        let mut named = object::tzids(self.objects.iter().map(|(_, object)| object));
        for zone in self.zones {
            let tzid = zone
                .property("TZID")
                .map(|tzid| tzid.to_text().into_owned());
            if let Some(at) = named.iter().position(|named| Some(named) == tzid.as_ref()) {
                named.remove(at);
                answer.objects.push((None, zone));
            }
        }
        // Those that the items were stored without.
        let known = named.iter().filter_map(|tzid| vtimezone::named(tzid));
        answer.objects.extend(known.map(|zone| (None, zone)));
        answer.objects.extend(self.objects);
        answer.properties = self.properties;
        answer
    }
}

/// Whether nothing but alarms is selected, or something of them.
fn is_of_alarms(wanted: &Select) -> bool {
    match wanted {
        Select::Components(table) | Select::Properties(table) => *table == Table::Alarm,
        Select::Column(column) | Select::Param(column, _) => column.table == Some(Table::Alarm),
        _ => false,
    }
}
