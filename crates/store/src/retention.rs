//! Which artifacts may go, and which content nobody needs any more.
//!
//! Three steps, each safe to be cut off: [`plan`] says which rows lose their content, the writer
//! drops them ([`crate::port::Change::DropArtifacts`]), and then content that no row
//! [`references`] is removed ([`blobs::Blobs::remove_unreferenced`]).
//!
//! Kept whatever the policy says: what runs left that have not finished, what the latest run of a
//! pipeline left, and what a run that is kept got from the runs it goes on from.

mod journals;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use engine::event::Event;
use engine::id::RunId;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value as Json;

pub use self::journals::{days_before, emptiable, forgettable_events, needed};
use crate::port::{
    ArtifactQuery, ArtifactRow, Error, Read, RequestKind, RequestQuery, RunQuery, RunRow,
};

/// What is kept longer by one rule is kept. Without any rule everything is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Of runs that ended so many days ago or later.
    pub keep_days: Option<u32>,
    /// Of the newest runs of each pipeline.
    pub keep_runs: Option<u32>,
    /// All content together; above it, the oldest goes first, also what the other rules would keep.
    pub quota_bytes: Option<u64>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Numbers of artifacts.
    pub drop: Vec<u64>,
    /// What is left, each content once.
    pub bytes: u64,
    /// So much too much, although everything goes that may go.
    pub over: u64,
}

const PAGE: u32 = 500;

/// A run with artifacts.
struct Left {
    row: RunRow,
    artifacts: Vec<ArtifactRow>,
    /// It may not go.
    bound: bool,
    expired: bool,
}

/// What has to go by this policy. Reads as much as there is; nothing is changed.
pub fn plan(reader: &dyn Read, policy: &Policy, now: Timestamp) -> Result<Plan, Error> {
    let mut runs = left(reader, policy, now)?;
    let pinned = pinned(reader, &runs)?;
    let mut holders: HashMap<String, (u64, u64)> = HashMap::new();
    for artifact in runs.iter().flat_map(|run| &run.artifacts) {
        let (holders, bytes) = holders.entry(artifact.digest.clone()).or_default();
        *holders += 1;
        *bytes = artifact.bytes;
    }
    let mut plan =
        Plan { bytes: holders.values().map(|(_, bytes)| bytes).sum(), ..Plan::default() };
    // The oldest end first.
    runs.sort_by_key(|run| (!run.expired, run.row.finished_at, run.row.id));
    let quota = policy.quota_bytes.unwrap_or(u64::MAX);
    for run in runs.iter().filter(|run| !run.bound) {
        if !run.expired && plan.bytes <= quota {
            break;
        }
        for artifact in run.artifacts.iter().filter(|a| !pinned.contains(&a.digest)) {
            plan.drop.push(artifact.number);
            if let Some((left, bytes)) = holders.get_mut(&artifact.digest) {
                *left -= 1;
                if *left == 0 {
                    plan.bytes -= *bytes;
                }
            }
        }
    }
    plan.drop.sort_unstable();
    plan.over = plan.bytes.saturating_sub(quota);
    Ok(plan)
}

fn left(reader: &dyn Read, policy: &Policy, now: Timestamp) -> Result<Vec<Left>, Error> {
    let mut by_run: BTreeMap<RunId, Vec<ArtifactRow>> = BTreeMap::new();
    artifacts(reader, |row| by_run.entry(row.run).or_default().push(row))?;
    let mut bounds: HashMap<String, Bounds> = HashMap::new();
    let mut runs = Vec::with_capacity(by_run.len());
    for (run, artifacts) in by_run {
        let Some(row) = reader.run(run)? else { continue };
        if !bounds.contains_key(&row.pipeline) {
            bounds.insert(row.pipeline.clone(), Bounds::of(reader, policy, &row.pipeline)?);
        }
        let Some(bounds) = bounds.get(&row.pipeline) else { continue };
        let bound = !row.finished || bounds.latest == Some(row.number);
        let young = policy.keep_days.map(|days| {
            let age = SignedDuration::from_hours(24 * i64::from(days));
            row.finished_at.is_none_or(|at| now.duration_since(at) <= age)
        });
        let new = policy.keep_runs.map(|_| row.number >= bounds.oldest_new);
        let expired = match (young, new) {
            (None, None) => false,
            (young, new) => !young.unwrap_or(false) && !new.unwrap_or(false),
        };
        runs.push(Left { row, artifacts, bound, expired });
    }
    Ok(runs)
}

/// Of one pipeline.
struct Bounds {
    latest: Option<u64>,
    /// The lowest number of those that are kept as new.
    oldest_new: u64,
}

impl Bounds {
    fn of(reader: &dyn Read, policy: &Policy, pipeline: &str) -> Result<Self, Error> {
        let latest = reader.latest(pipeline)?.map(|row| row.number);
        let limit = policy.keep_runs.unwrap_or(0);
        let pipeline = Some(pipeline.to_owned());
        let newest = reader.runs(&RunQuery { pipeline, limit, ..RunQuery::default() })?;
        let oldest_new = newest.iter().map(|row| row.number).min().unwrap_or(u64::MAX);
        Ok(Self { latest, oldest_new })
    }
}

/// Content that runs which are kept have got from others.
fn pinned(reader: &dyn Read, runs: &[Left]) -> Result<HashSet<String>, Error> {
    let expired: BTreeSet<RunId> =
        runs.iter().filter(|run| run.expired && !run.bound).map(|run| run.row.id).collect();
    let mut pinned = HashSet::new();
    for run in runs {
        for heir in reader.runs_extending(run.row.id)? {
            if !expired.contains(&heir.id) {
                inherited(reader, heir.id, &mut pinned)?;
            }
        }
    }
    unfinished(reader, |row| inherited(reader, row.id, &mut pinned))?;
    Ok(pinned)
}

/// Digests of what a run was given by the runs that it goes on from.
fn inherited(reader: &dyn Read, run: RunId, into: &mut HashSet<String>) -> Result<(), Error> {
    for row in reader.events(run, 0, 1)? {
        if let Event::RunCreated { inherited, .. } = row.event.event {
            let artifacts = inherited.into_iter().flat_map(|from| from.artifacts);
            into.extend(artifacts.map(|artifact| artifact.digest));
        }
    }
    Ok(())
}

/// Every digest that something stored still refers to: artifacts that were not dropped, what runs
/// that have not finished were given, forms and drafts.
pub fn references(reader: &dyn Read) -> Result<HashSet<String>, Error> {
    let mut found = HashSet::new();
    artifacts(reader, |row| {
        found.insert(row.digest);
    })?;
    let mut before = None;
    loop {
        let kind = Some(RequestKind::Input);
        let query = RequestQuery { kind, before, limit: PAGE, ..RequestQuery::default() };
        let page = reader.requests(&query)?;
        let Some(last) = page.last() else { break };
        before = Some(last.number);
        for request in page {
            digests(&request.body, &mut found);
            if let Some(draft) = reader.draft(request.number)? {
                digests(&draft.values, &mut found);
            }
        }
    }
    unfinished(reader, |row| {
        for event in reader.journal(row.id)? {
            digests(&serde_json::to_value(&event.event).unwrap_or_default(), &mut found);
        }
        Ok(())
    })?;
    Ok(found)
}

/// Every text in there that is a digest.
fn digests(value: &Json, into: &mut HashSet<String>) {
    match value {
        Json::String(text) if blobs::is_digest(text) => {
            into.insert(text.clone());
        }
        Json::Array(items) => items.iter().for_each(|item| digests(item, into)),
        Json::Object(fields) => fields.values().for_each(|field| digests(field, into)),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}

/// All that have content.
fn artifacts(reader: &dyn Read, mut take: impl FnMut(ArtifactRow)) -> Result<(), Error> {
    let mut before = None;
    loop {
        let query = ArtifactQuery { before, limit: PAGE, ..ArtifactQuery::default() };
        let page = reader.artifacts(&query)?;
        let Some(last) = page.last() else { return Ok(()) };
        before = Some(last.number);
        page.into_iter().filter(|row| row.status != ArtifactRow::DROPPED).for_each(&mut take);
    }
}

fn unfinished(
    reader: &dyn Read,
    mut look: impl FnMut(&RunRow) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut before = None;
    loop {
        let finished = Some(false);
        let query = RunQuery { finished, before, limit: PAGE, ..RunQuery::default() };
        let page = reader.runs(&query)?;
        let Some(last) = page.last() else { return Ok(()) };
        before = Some(last.id);
        page.iter().try_for_each(&mut look)?;
    }
}
