//! Of a row what a query selects.

use super::ask::Row;
use super::ast::{Column, Select, Table};
use crate::ical::component::{Component, Property};

/// The row with what is selected of it, in the order of the selection. The METHOD of a row stands in it as a property
/// where it is selected by name.
pub fn project(select: &[Select], row: &Row) -> Component {
    if select
        .iter()
        .any(|wanted| matches!(wanted, Select::All | Select::Everything))
    {
        return row.component.clone();
    }
    let mut made = Component::new(row.component.name());
    for wanted in select {
        match wanted {
            Select::Column(column) if column.name == "METHOD" => {
                made.push(Property::new(
                    "METHOD",
                    row.method.as_deref().unwrap_or("CREATE"),
                ));
            }
            Select::Column(column) => take(row, column, |_| true, &mut made),
            Select::Param(column, name) => {
                take(row, column, |p| p.param(name).is_some(), &mut made);
            }
            Select::Components(Table::Alarm) | Select::Properties(Table::Alarm) => {
                let alarms = row.component.components_named("VALARM");
                alarms.for_each(|alarm| made.push_component(alarm.clone()));
            }
            // The row itself.
            Select::Components(table) | Select::Properties(table) if *table == row.table => {
                return row.component.clone();
            }
            Select::Components(_) | Select::Properties(_) => {}
            Select::Owners if row.table == Table::Store => {
                let masters = row.component.properties_named("CALMASTER");
                masters.for_each(|master| made.push(master.clone()));
            }
            Select::Owners => {
                for owner in &row.owners {
                    made.push(Property::new("OWNER", owner));
                }
            }
            Select::All | Select::Everything => {}
        }
    }
    made
}

/// The properties of a column that `wanted` holds for: the row's, or those of alarms in it, in their alarms.
fn take(row: &Row, column: &Column, wanted: impl Fn(&Property) -> bool, made: &mut Component) {
    let of = |component: &Component| -> Vec<Property> {
        let found = component
            .properties()
            .filter(|property| column.is_of(row.table, property));
        found.filter(|property| wanted(property)).cloned().collect()
    };
    if column.table.is_none_or(|table| table == row.table) {
        of(&row.component).into_iter().for_each(|p| made.push(p));
        return;
    }
    if column.table == Some(Table::Alarm) {
        for alarm in row.component.components_named("VALARM") {
            let mut part = Component::new(alarm.name());
            of(alarm).into_iter().for_each(|p| part.push(p));
            made.push_component(part);
        }
    }
}
