//! The properties of the store changed as an object's, by administrators.

use super::{Pair, is_asked};
use crate::cap::address::{Place, qualified};
use crate::cap::answer::{Answer, Entry};
use crate::cap::command::Request;
use crate::cap::properties;
use crate::cap::query::asked;
use crate::cap::replace;
use crate::core::query::{Row, Table};
use crate::core::{Core, Error};

pub(super) fn modify(
    request: &Request<'_>,
    target: &str,
    pair: &Pair<'_>,
    core: &Core,
) -> Result<Answer, Answer> {
    let Place::Store = Place::of(target, &request.settings.csid)? else {
        return Err(Answer::of("6.3", "the store is changed as its own TARGET"));
    };
    let fails = |cause: &Error| Answer::failed(request.dialect, cause);
    let now = properties::store(request, core).map_err(|cause| fails(&cause))?;
    let row = Row::of(Table::Store, now.clone(), Vec::new());
    let shown = qualified(target, &request.settings.csid);
    let nothing = || Answer::of("6.1", "the store is not like that");
    for asked in asked(request, target, core)? {
        let fits = is_asked(request, &asked, &shown, &row, core);
        if !fits.map_err(|cause| fails(&cause))? {
            return Err(nothing());
        }
    }
    let new = properties::canonical_store(pair.new, request.dialect);
    let old = properties::canonical_store(pair.old, request.dialect);
    let old = properties::replacing(&now, old, &new);
    let after = replace::changed(&row, &old, &new).ok_or_else(nothing)?;
    properties::check_fixed_store(&now, &after)?;
    let set = properties::settable(&now, &after)?;
    let changed = core.set_store_properties(request.caller, &set);
    changed.map_err(|cause| fails(&cause))?;
    let id = now.property("CSID").cloned();
    Ok(Answer::with(vec![Entry::of(
        now.name(),
        id,
        "2.0",
        "Success",
    )]))
}
