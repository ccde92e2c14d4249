//! Lists: what the bell named is read anew, and told with its newest value.

use api::stream::{Entry, Fleet};
use api::system::Slots;
use axum::extract::ws::Utf8Bytes;
use indexmap::IndexSet;
use serde_json::{Value as Json, json};
use store::port::{PipelineQuery, Read, RequestKind, RequestQuery, RunQuery, RunRow, TaskQuery};

use super::{Advance, Key, Rung, Since};
use crate::conductor::desk::Ask;
use crate::live::frame;
use crate::live::ring::Told;
use crate::live::topic::Topic;
use crate::refused::Refused;
use crate::shared::Shared;
use crate::view;

/// Finished runs in a snapshot.
const RECENT: u32 = 100;
/// A frame that is longer takes no more entries.
const LONG: usize = 256 << 10;
/// Runs that have not finished, pipelines, and requests that wait, in a snapshot.
const OPEN: u32 = 1000;

pub(in crate::live) struct ListSource {
    of: Topic,
    name: String,
    epoch: String,
    last: u64,
    snapshot: Option<Utf8Bytes>,
}

impl ListSource {
    pub(super) fn new(of: Topic, name: String, epoch: String) -> Self {
        Self { of, name, epoch, last: 0, snapshot: None }
    }

    pub(super) fn last(&self) -> u64 {
        self.last
    }

    pub(super) fn advance(&mut self, shared: &Shared, rung: Rung) -> Result<Advance, Refused> {
        if rung.overflowed {
            self.last += 1;
            self.snapshot = None;
            return Ok(Advance { reset: true, ..Advance::default() });
        }
        let mut advance = Advance::default();
        let (mut entries, mut bytes) = (Vec::new(), 0);
        for key in &self.with_dependants(shared, rung.keys)? {
            let Some(entry) = self.entry(shared, key)? else { continue };
            let entry = frame::entry(&entry);
            bytes += entry.len();
            entries.push(entry);
            if bytes > LONG {
                advance.told.push(self.told(&entries));
                (entries, bytes) = (Vec::new(), 0);
            }
        }
        if !entries.is_empty() {
            advance.told.push(self.told(&entries));
        }
        Ok(advance)
    }

    /// What a task waits for is shown with it: with a task, those that need it are different.
    fn with_dependants(
        &self,
        shared: &Shared,
        mut keys: IndexSet<Key>,
    ) -> Result<IndexSet<Key>, Refused> {
        for at in 0..keys.len() {
            let Some(Key::Task(task)) = keys.get_index(at) else { continue };
            let needing = shared.reader.tasks_needing(task)?;
            keys.extend(needing.into_iter().map(Key::Task));
        }
        Ok(keys)
    }

    fn told(&mut self, entries: &[String]) -> Told {
        let after = self.last;
        self.last += entries.len() as u64;
        self.snapshot = None;
        let text = frame::events(&self.name, None, self.last, entries, None);
        Told { after, last: self.last, text: text.into() }
    }

    pub(super) fn snapshot(&mut self, shared: &Shared) -> Result<Utf8Bytes, Refused> {
        if let Some(written) = &self.snapshot {
            return Ok(written.clone());
        }
        let state = self.state(shared)?;
        let text: Utf8Bytes = frame::snapshot(&self.name, &self.epoch, self.last, &state).into();
        self.snapshot = Some(text.clone());
        Ok(text)
    }

    /// What was told is not kept here.
    pub(super) fn since(&self, after: u64) -> Since {
        (after == self.last).then(|| (self.level(after), after))
    }

    /// The answer to a listener that knows everything up to this number.
    pub(in crate::live) fn level(&self, after: u64) -> Utf8Bytes {
        frame::events(&self.name, Some(&self.epoch), after, &[], None).into()
    }

    fn state(&self, shared: &Shared) -> Result<Json, Refused> {
        let reader = &*shared.reader;
        match &self.of {
            Topic::Runs => Ok(json!({ "runs": runs(reader, None)? })),
            Topic::Pipelines => {
                let rows = reader.pipelines(&PipelineQuery { after: None, limit: OPEN })?;
                let all = rows.into_iter().map(|row| view::pipeline::of_row(reader, row));
                Ok(json!({ "pipelines": all.collect::<Result<Vec<_>, _>>()? }))
            }
            Topic::Pipeline(name) => Ok(json!({
                "pipeline": pipeline(reader, name)?,
                "runs": runs(reader, Some(name))?,
            })),
            Topic::Inbox => Ok(json!({
                "approvals": waiting(reader, RequestKind::Approval, "pending")?,
                "inputs": waiting(reader, RequestKind::Input, "open")?,
            })),
            Topic::Tasks => {
                let rows = reader.tasks(&TaskQuery { limit: OPEN, ..TaskQuery::default() })?;
                let all = rows.into_iter().map(|row| view::task::view(reader, row));
                Ok(json!({ "tasks": all.collect::<Result<Vec<_>, _>>()? }))
            }
            Topic::Fleet => fleet(shared),
            Topic::Rollout => Ok(json!(*shared.board.read())),
            // They have sources of their own.
            Topic::Run(_) | Topic::Log(_) | Topic::Talk(_) => Ok(Json::Null),
        }
    }

    fn entry(&self, shared: &Shared, key: &Key) -> Result<Option<Entry>, Refused> {
        let reader = &*shared.reader;
        let entry = |k: &str, id: String, v: Json| Entry {
            k: k.to_owned(),
            id: Some(id),
            stage: None,
            at: None,
            v,
        };
        let of_run =
            |row: RunRow| entry("run", row.id.to_string(), json!(view::run::summary(&row)));
        Ok(match key {
            Key::Run(run) => reader.run(*run)?.map(of_run),
            Key::Numbered(pipeline, number) => reader.run_by_number(pipeline, *number)?.map(of_run),
            Key::Pipeline(name) => Some(entry("pipeline", name.clone(), pipeline(reader, name)?)),
            Key::Request(number) => {
                let Some(row) = reader.request(*number)? else { return Ok(None) };
                let run = reader.run(row.run)?;
                let k = row.kind.word();
                run.map(|run| entry(k, view::request::id(&row), view::request::listed(&row, &run)))
            }
            Key::Task(id) => {
                let row = reader.task(id)?.filter(|row| row.deleted_at.is_none());
                let view = row.map(|row| view::task::view(reader, row)).transpose()?;
                Some(entry("task", id.clone(), json!(view)))
            }
            Key::Fleet => Some(entry("fleet", "fleet".to_owned(), fleet(shared)?)),
            Key::Rollout => {
                let view = json!(*shared.board.read());
                Some(entry("rollout", "rollout".to_owned(), view))
            }
        })
    }
}

/// The newest runs, and all that have not finished.
fn runs(reader: &dyn Read, pipeline: Option<&str>) -> Result<Json, Refused> {
    let query = |finished, limit| RunQuery {
        pipeline: pipeline.map(str::to_owned),
        finished,
        limit,
        ..RunQuery::default()
    };
    let mut rows = reader.runs(&query(None, RECENT))?;
    rows.extend(reader.runs(&query(Some(false), OPEN))?);
    rows.sort_by_key(|row| std::cmp::Reverse(row.id));
    rows.dedup_by(|a, b| a.id == b.id);
    Ok(json!(rows.iter().map(view::run::summary).collect::<Vec<_>>()))
}

/// `null`: it is not there.
fn pipeline(reader: &dyn Read, name: &str) -> Result<Json, Refused> {
    Ok(match reader.pipeline(name)? {
        Some(row) => json!(view::pipeline::of_row(reader, row)?),
        None => Json::Null,
    })
}

fn waiting(reader: &dyn Read, kind: RequestKind, status: &str) -> Result<Vec<Json>, Refused> {
    let statuses = vec![status.to_owned()];
    let query = RequestQuery { kind: Some(kind), statuses, limit: OPEN, ..RequestQuery::default() };
    let mut shown = Vec::new();
    for row in reader.requests(&query)? {
        if let Some(run) = reader.run(row.run)? {
            shown.push(view::request::listed(&row, &run));
        }
    }
    Ok(shown)
}

/// The conductor alone knows who has what: it is asked, as often as the topic speaks.
fn fleet(shared: &Shared) -> Result<Json, Refused> {
    let gauge = shared.gauges.read();
    let slots = Slots { total: shared.slots, used: gauge.used, queued: gauge.queued };
    let seen = shared.desk.ask_blocking(|reply| Ask::Fleet { reply })?;
    let (workers, queue) = view::fleet::fleet(shared, seen)?;
    Ok(json!(Fleet { slots, problem: gauge.problem, workers, queue }))
}
