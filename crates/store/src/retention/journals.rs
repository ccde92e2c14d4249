//! Which journals may be emptied, and which runs others still need.

use std::collections::{HashMap, HashSet};

use engine::id::RunId;
use jiff::{SignedDuration, Timestamp};

use super::unfinished;
use crate::port::{Error, Read, RunQuery, RunRow};

/// Runs at a time: what is left over comes with the next round.
const ROUND: u32 = 10_000;

/// Runs that have not finished, and all that they go on from or belong to: nothing of them may go.
pub fn needed(reader: &dyn Read) -> Result<HashSet<RunId>, Error> {
    let mut found = HashSet::new();
    let mut open = Vec::new();
    unfinished(reader, |row| {
        open.push(row.id);
        open.extend([row.extends, row.parent].into_iter().flatten());
        Ok(())
    })?;
    while let Some(run) = open.pop() {
        if !found.insert(run) {
            continue;
        }
        if let Some(row) = reader.run(run)? {
            open.extend([row.extends, row.parent].into_iter().flatten());
        }
    }
    Ok(found)
}

/// Runs that ended more than so many days ago, whose journals have not been emptied yet, oldest
/// first. Kept: the latest run of a pipeline, its newest `keep` ones, and what is [`needed`].
pub fn emptiable(
    reader: &dyn Read,
    days: u64,
    keep: Option<u64>,
    now: Timestamp,
) -> Result<Vec<RunRow>, Error> {
    let Some(before) = days_before(now, days) else { return Ok(Vec::new()) };
    let needed = needed(reader)?;
    let mut kept: HashMap<String, (Option<u64>, u64)> = HashMap::new();
    let mut runs = Vec::new();
    for row in reader.emptiable(before, ROUND)? {
        if !kept.contains_key(&row.pipeline) {
            let latest = reader.latest(&row.pipeline)?.map(|row| row.number);
            kept.insert(row.pipeline.clone(), (latest, oldest_kept(reader, &row.pipeline, keep)?));
        }
        let (latest, oldest) = kept[&row.pipeline];
        if latest != Some(row.number) && row.number < oldest && !needed.contains(&row.id) {
            runs.push(row);
        }
    }
    Ok(runs)
}

/// The lowest number of the newest `keep` finished runs.
fn oldest_kept(reader: &dyn Read, pipeline: &str, keep: Option<u64>) -> Result<u64, Error> {
    let Some(limit) = keep.and_then(|keep| u32::try_from(keep).ok()) else { return Ok(u64::MAX) };
    let pipeline = Some(pipeline.to_owned());
    let query = RunQuery { pipeline, finished: Some(true), limit, ..RunQuery::default() };
    Ok(reader.runs(&query)?.iter().map(|row| row.number).min().unwrap_or(u64::MAX))
}

/// `None`: further back than time goes.
pub fn days_before(now: Timestamp, days: u64) -> Option<Timestamp> {
    let hours = i64::try_from(days).ok()?.checked_mul(24)?;
    now.checked_sub(SignedDuration::from_hours(hours)).ok()
}

/// Until when events from outside may be forgotten: nothing that a run which has not finished may
/// still look at.
pub fn forgettable_events(
    reader: &dyn Read,
    days: u64,
    now: Timestamp,
) -> Result<Option<Timestamp>, Error> {
    let Some(mut before) = days_before(now, days) else { return Ok(None) };
    unfinished(reader, |row| {
        before = before.min(row.created_at);
        Ok(())
    })?;
    Ok(Some(before))
}
