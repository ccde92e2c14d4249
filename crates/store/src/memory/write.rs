use std::collections::BTreeMap;

use engine::event::Stamped;
use engine::id::RunId;
use jiff::Timestamp;

use super::{Event, MemoryWriter, Pipeline, Run, State, lock};
use crate::catalog::{Known, Save, judge};
use crate::chain;
use crate::port::{
    Append, Appended, Change, Error, Outcome, PipelineRow, Refusal, RevisionRow, RunRow, TokenRow,
    Write,
};

impl Write for MemoryWriter {
    fn commit(&mut self, changes: &[Change]) -> Result<Vec<Outcome>, Error> {
        let mut state = lock(&self.shared);
        // Everything that can fail comes first, so that an error applies nothing.
        let bodies = changes.iter().map(bodies).collect::<Result<Vec<_>, _>>()?;
        Ok(changes.iter().zip(bodies).map(|(change, bodies)| state.apply(change, bodies)).collect())
    }

    fn next_run_number(&mut self, pipeline: &str) -> Result<u64, Error> {
        let state = lock(&self.shared);
        let used = state.runs.values().filter(|run| run.row.pipeline == pipeline);
        Ok(used.map(|run| run.row.number).max().unwrap_or(0) + 1)
    }

    fn next_task_number(&mut self, task: &str) -> Result<u64, Error> {
        Ok(lock(&self.shared).last_task_number(task) + 1)
    }

    fn unfinished(&mut self) -> Result<Vec<RunId>, Error> {
        let state = lock(&self.shared);
        Ok(state.runs.iter().filter(|(_, run)| !run.row.finished).map(|(id, _)| *id).collect())
    }

    fn journal(&mut self, run: RunId) -> Result<Vec<Stamped>, Error> {
        lock(&self.shared).runs.get(&run).map_or_else(|| Ok(Vec::new()), Run::journal)
    }
}

fn bodies(change: &Change) -> Result<Vec<Vec<u8>>, Error> {
    let Change::Append(append) = change else { return Ok(Vec::new()) };
    let bodies = append.events.iter().map(serde_json::to_vec).collect::<Result<_, _>>();
    bodies.map_err(|error| Error::Storage {
        operation: "write an event as JSON",
        full: false,
        source: Box::new(error),
    })
}

impl State {
    fn apply(&mut self, change: &Change, bodies: Vec<Vec<u8>>) -> Outcome {
        let before = self.user_before(change);
        let applied = match change {
            Change::Append(append) => self.append(append, bodies),
            Change::SavePipeline { .. } => self.save(change),
            Change::SetEnabled { name, enabled, at, by: _ } => self.live(name).map(|pipeline| {
                pipeline.row.enabled = *enabled;
                pipeline.row.updated_at = *at;
                Outcome::Done
            }),
            Change::DeletePipeline { name, at: _, by: _ } => self.live(name).map(|pipeline| {
                pipeline.live = false;
                Outcome::Done
            }),
            Change::SaveDraft { request, values, seen, by, at } => {
                self.save_draft((*request, *seen), values, by, *at)
            }
            Change::StoreEvent(event) => Ok(self.store_event(event)),
            Change::RouteEvent(routed) => Ok(self.route_event(routed)),
            Change::KeepSchedules(kept) => Ok(self.keep_schedules(kept)),
            Change::Worker(change) => Ok(self.change_worker(change)),
            Change::CreateToken { id, hash, user, admin, name, scopes, expires_at, by, at } => self
                .create_token(TokenRow {
                    id: id.clone(),
                    hash: hash.clone(),
                    user: user.clone(),
                    admin: *admin,
                    created_at: *at,
                    created_by: by.clone(),
                    revoked_at: None,
                    name: name.clone(),
                    scopes: scopes.clone(),
                    expires_at: *expires_at,
                    used_at: None,
                }),
            Change::RevokeToken { id, at, by: _ } => self.revoke_token(id, *at),
            Change::RewindPipeline { pipeline, to, by, at } => self.rewind(pipeline, *to, by, *at),
            Change::UndoRewind { pipeline, by, at } => self.undo_rewind(pipeline, by, *at),
            Change::MoveNotice(moved) => Ok(self.settle_notice(moved)),
            Change::RetryNotice { number, at } => self.retry_notice(*number, *at),
            Change::ReserveAnswer(request) => Ok(self.reserve_answer(request)),
            Change::KeepAnswer { caller, key, answer } => Ok(self.keep_answer(caller, key, answer)),
            Change::DropArtifacts { numbers } => Ok(self.drop_artifacts(numbers)),
            Change::Account(change) => self.account(change),
            Change::SaveTask(task) => self.save_task(task),
            Change::SaveRollout(change) => self.save_rollout(&change.row),
            Change::Model(change) => Ok(self.change_models(change)),
            Change::Upkeep(work) => Ok(self.keep_up(work)),
        };
        let outcome = applied.unwrap_or_else(Outcome::Refused);
        self.note_change(change, &outcome, before.as_ref());
        outcome
    }

    fn live(&mut self, name: &str) -> Result<&mut Pipeline, Refusal> {
        let found = self.pipelines.get_mut(name).filter(|pipeline| pipeline.live);
        found.ok_or_else(|| Refusal::NoSuchPipeline { name: name.to_owned() })
    }

    fn save(&mut self, change: &Change) -> Result<Outcome, Refusal> {
        let Change::SavePipeline { name, description, text, digest, by, at, expect } = change
        else {
            return Ok(Outcome::Done);
        };
        let known = self.pipelines.get(name).map(|pipeline| Known {
            live: pipeline.live,
            revision: pipeline.row.revision,
            digest: pipeline.revisions.last().map(|last| last.digest.clone()).unwrap_or_default(),
        });
        let number = match judge(name, known.as_ref(), digest, *expect)? {
            Save::Keep { revision } => return Ok(Outcome::Saved { revision, created: false }),
            Save::Add { revision } | Save::Create { revision } => revision,
        };
        let pipeline =
            self.pipelines.entry(name.clone()).or_insert_with(|| Pipeline::new(name, *at));
        if !pipeline.live {
            pipeline.live = true;
            pipeline.row.enabled = true;
            pipeline.row.created_at = *at;
        }
        pipeline.row.description.clone_from(description);
        pipeline.row.revision = number;
        pipeline.row.updated_at = *at;
        pipeline.revisions.push(RevisionRow {
            pipeline: name.clone(),
            number,
            digest: digest.clone(),
            text: text.clone(),
            created_at: *at,
            created_by: by.clone(),
        });
        Ok(Outcome::Saved { revision: number, created: true })
    }

    fn append(&mut self, append: &Append, bodies: Vec<Vec<u8>>) -> Result<Outcome, Refusal> {
        let current = self.runs.get(&append.run).map_or(0, |run| run.events.len() as u64);
        if current != append.after {
            return Err(Refusal::SequenceMoved { current, expected: append.after });
        }
        let row = &append.row;
        if !self.runs.contains_key(&append.run) {
            if !self.numbers.insert((row.pipeline.clone(), row.number)) {
                let (pipeline, number) = (row.pipeline.clone(), row.number);
                return Err(Refusal::NumberTaken { pipeline, number });
            }
            if let Some(of) = &row.task
                && !self.task_numbers.insert(of.clone())
            {
                let (task, number) = of.clone();
                return Err(Refusal::TaskNumberTaken { task, number });
            }
        }
        let run = self.runs.entry(append.run).or_insert_with(|| Run {
            emptied: None,
            row: RunRow { id: append.run, superseded: false, ..row.clone() },
            stages: BTreeMap::new(),
            events: Vec::new(),
        });
        let mut rows = Vec::with_capacity(bodies.len());
        let mut fresh = Vec::with_capacity(bodies.len());
        for body in bodies {
            let previous =
                run.events.last().map_or_else(|| chain::origin(append.run), |event| event.hash);
            let hash = chain::link(&previous, &body);
            fresh.push(hash);
            run.events.push(Event { body, hash });
            rows.push(Appended { seq: run.events.len() as u64, hash: chain::hex(&hash) });
        }
        run.row.status.clone_from(&row.status);
        run.row.finished = row.finished;
        run.row.reason.clone_from(&row.reason);
        run.row.started_at = row.started_at;
        run.row.finished_at = row.finished_at;
        run.row.progress.clone_from(&row.progress);
        for stage in &append.stages {
            run.stages.insert((stage.stage.clone(), stage.instance), stage.clone());
        }
        let last = run.events.len() as u64;
        let name = run.row.name();
        for ((hash, row), event) in fresh.iter().zip(&rows).zip(&append.events) {
            self.head.push(hash);
            self.arrivals.push((append.run, row.seq));
            self.note(append.run, &name, row.seq, event, &row.hash);
        }
        let requests =
            append.requests.iter().map(|row| self.put_request(append.run, row)).collect();
        let artifacts =
            append.artifacts.iter().map(|row| self.put_artifact(append.run, row)).collect();
        for notice in &append.notices {
            self.put_notice(append.run, notice);
        }
        Ok(Outcome::Appended { last, rows, requests, artifacts })
    }
}

impl Pipeline {
    /// Without a revision yet.
    fn new(name: &str, at: Timestamp) -> Self {
        let row = PipelineRow {
            name: name.to_owned(),
            description: String::new(),
            enabled: true,
            revision: 0,
            created_at: at,
            updated_at: at,
        };
        Self { row, live: true, revisions: Vec::new() }
    }
}
