//! How a run is named: `name#n` (also `name~n`, which needs no escaping in a path), `<task>-<n>`, an
//! id, or a prefix of one.

use engine::id::RunId;
use store::port::{Read, RunRow};
use uuid::Uuid;

use super::problem::Fault;
use crate::refused::Refused;
use crate::shared::Shared;

/// A prefix shorter than this names nothing.
const PREFIX: usize = 4;

#[derive(Debug)]
pub(crate) enum Found {
    One(Box<RunRow>),
    None,
    /// A prefix of several ids.
    Several,
}

/// The run that a path names, or why it names none.
pub(crate) async fn run(shared: &Shared, reference: &str) -> Result<RunRow, Fault> {
    let wanted = reference.to_owned();
    match shared.read(move |reader| find(reader, &wanted)).await? {
        Found::One(row) => Ok(*row),
        Found::None => Err(Fault::not_found(format!("there is no run `{reference}`"))
            .hint("orchestrate runs list")),
        Found::Several => Err(Fault::conflict(format!(
            "`{reference}` is the beginning of several runs' ids: write more of it"
        ))
        .hint("orchestrate runs list")),
    }
}

fn find(reader: &dyn Read, reference: &str) -> Result<Found, Refused> {
    let one = |row: Option<RunRow>| row.map_or(Found::None, |row| Found::One(Box::new(row)));
    if let Some((name, number)) = reference.rsplit_once(['#', '~']) {
        let Ok(number) = number.parse() else { return Ok(Found::None) };
        return Ok(one(reader.run_by_number(name, number)?));
    }
    if let Ok(id) = Uuid::try_parse(reference) {
        return Ok(one(reader.run(RunId(id))?));
    }
    if let Some((task, number)) = reference.rsplit_once('-')
        && let Ok(number) = number.parse()
        && let Some(row) = reader.run_by_task(task, number)?
    {
        return Ok(Found::One(Box::new(row)));
    }
    let prefix: String = reference.chars().filter(|c| *c != '-').collect();
    let hex = prefix.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !hex || prefix.len() < PREFIX || prefix.len() > 32 {
        return Ok(Found::None);
    }
    let mut rows = reader.runs_by_prefix(&prefix.to_ascii_lowercase())?;
    Ok(match rows.len() {
        0 | 1 => one(rows.pop()),
        _ => Found::Several,
    })
}
