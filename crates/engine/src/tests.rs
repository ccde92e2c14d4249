//! The rules as stories: given a pipeline, when this happens, then that is known.
//!
//! After every step the journal is folded anew and must give the same run.

mod admission;
mod again;
mod agents;
mod asked;
mod child;
mod control;
mod create;
mod data;
mod effects;
mod failure;
mod fan;
mod feed;
mod forms;
mod inquiries;
mod order;
mod paths;
mod people;
mod policy;
mod properties;
mod quorum;
mod rewind;
mod roles;
mod rollback;
mod shadow;
mod taken;
mod time;
mod triggers;
mod views;
mod walk;

use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;
use jiff::Timestamp;
use pipeline::Pipeline;
use pipeline::when::Facts;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::command::{Create, End, Exit, Report, StopReason, Verdict};
use crate::event::Usage;
use crate::id::{AttemptId, ExecutionId, RunId};
use crate::view::ExecutionStatus;
use crate::{Command, Event, Rejection, Run, Stamped};

pub(crate) struct Story {
    pub(crate) run: Run,
    pub(crate) pipeline: Arc<Pipeline>,
    pub(crate) journal: Vec<Stamped>,
    pub(crate) now: Timestamp,
}

pub(crate) fn parse(yaml: &str) -> Arc<Pipeline> {
    let parsed = pipeline::parse(yaml);
    let problems: Vec<_> = parsed.diagnostics.iter().map(|found| &found.message).collect();
    Arc::new(parsed.pipeline.unwrap_or_else(|| panic!("{problems:#?}")))
}

pub(crate) fn start() -> Create {
    Create {
        run: RunId(Uuid::from_u128(1)),
        number: 1,
        revision: 1,
        digest: "d".into(),
        by: "ana".into(),
        inputs: IndexMap::new(),
        event: Json::Null,
        facts: Facts::default(),
        directory: "/work".into(),
        seed: 7,
        extends: None,
        inherited: Vec::new(),
        parent: None,
        environments: IndexMap::new(),
        config: IndexMap::new(),
        breakpoints: Vec::new(),
        step: false,
        task: None,
        held: false,
        traceparent: None,
        mode: Default::default(),
        rollout: Default::default(),
        notify: IndexMap::new(),
    }
}

/// A run of this pipeline, created without inputs.
pub(crate) fn given(yaml: &str) -> Story {
    given_with(yaml, start())
}

pub(crate) fn given_with(yaml: &str, create: Create) -> Story {
    given_of(parse(yaml), create)
}

pub(crate) fn given_of(pipeline: Arc<Pipeline>, create: Create) -> Story {
    let run = Run::new(pipeline.clone());
    let now = "2026-01-01T00:00:00Z".parse().unwrap();
    let mut story = Story { run, pipeline, journal: vec![], now };
    story.when(Command::Create(Box::new(create)));
    story
}

impl Story {
    pub(crate) fn when(&mut self, command: Command) -> Vec<Event> {
        let says = format!("{command:?}");
        let events = self.run.handle(command, self.now);
        let events = events.unwrap_or_else(|refusal| panic!("{says}: {refusal}"));
        self.journal.extend(events.iter().cloned());
        let again = Run::replay(self.pipeline.clone(), &self.journal).unwrap();
        assert!(again == self.run, "after {says} the journal gives another run");
        assert_eq!(self.run.sequence() as usize, self.journal.len());
        let mut seen = Run::new(self.pipeline.clone());
        assert_eq!(seen.handle(Command::Admit, self.now), Err(Rejection::NotCreated));
        events.into_iter().map(|stamped| stamped.event).collect()
    }

    /// A refusal that changes nothing.
    pub(crate) fn refused(&mut self, command: Command) -> Rejection {
        let before = self.run.clone();
        let says = format!("{command:?}");
        let Err(refusal) = self.run.handle(command, self.now) else {
            panic!("{says} was accepted")
        };
        assert!(before == self.run, "{says} was refused, and changed the run");
        refusal
    }

    pub(crate) fn wait(&mut self, time: Duration) -> &mut Self {
        self.now = self.now.checked_add(time).unwrap();
        self
    }

    pub(crate) fn attempt(&self, execution: &str) -> AttemptId {
        let id: ExecutionId = execution.parse().unwrap();
        let desired = self.run.desired();
        let unknown = self.run.row(&id).and_then(|row| {
            let last = row.attempts.last()?;
            Some(AttemptId { execution: id.clone(), number: last.number, fence: last.fence })
        });
        let live = desired.attempts.into_iter().find(|attempt| attempt.execution == id);
        live.or(unknown).unwrap_or_else(|| panic!("`{execution}` has no attempt: {}", self.rows()))
    }

    pub(crate) fn report(&mut self, execution: &str, report: Report) -> Vec<Event> {
        let attempt = self.attempt(execution);
        self.when(Command::Report { attempt, report })
    }

    pub(crate) fn succeed(&mut self, execution: &str) -> Vec<Event> {
        self.report(execution, exited(End::Code(0)))
    }

    pub(crate) fn succeed_with(&mut self, execution: &str, outputs: Json) -> Vec<Event> {
        let outputs: IndexMap<String, Json> = serde_json::from_value(outputs).unwrap();
        let exit = Exit {
            end: End::Code(0),
            outputs: Ok(outputs),
            artifacts: Ok(Vec::new()),
            usage: Usage::default(),
            tail: "".into(),
        };
        self.report(execution, Report::Exited(exit))
    }

    pub(crate) fn fail(&mut self, execution: &str) -> Vec<Event> {
        self.report(execution, exited(End::Code(1)))
    }

    pub(crate) fn stopped(&mut self, execution: &str, reason: StopReason) -> Vec<Event> {
        self.report(execution, exited(End::Stopped(reason)))
    }

    pub(crate) fn lose(&mut self, execution: &str) -> Vec<Event> {
        self.report(execution, Report::Lost { message: "the keeper is gone".into() })
    }

    pub(crate) fn cancel(&mut self) -> Vec<Event> {
        self.when(Command::Cancel { by: "ana".into(), reason: "enough".into() })
    }

    pub(crate) fn pause(&mut self, now: bool) -> Vec<Event> {
        self.when(Command::Pause { by: "ana".into(), now })
    }

    pub(crate) fn resume(&mut self) -> Vec<Event> {
        self.when(Command::Resume { by: "ana".into() })
    }

    pub(crate) fn resolve(&mut self, execution: &str, verdict: Verdict) -> Vec<Event> {
        let execution = execution.parse().unwrap();
        self.when(Command::Resolve { by: "ana".into(), execution, verdict })
    }

    pub(crate) fn retry(&mut self, from: Option<&str>) -> Vec<Event> {
        let from = from.map(|from| from.parse().unwrap());
        self.when(Command::Retry { by: "ana".into(), from })
    }

    /// Fires the only timer there is, when it is due.
    pub(crate) fn fire(&mut self) -> Vec<Event> {
        let timers = self.run.desired().timers;
        let timer = timers.iter().min_by_key(|timer| timer.due).expect("a timer");
        self.now = self.now.max(timer.due);
        self.when(Command::Fire { timer: timer.id.clone() })
    }

    /// The hands have taken it up.
    pub(crate) fn started(&mut self, execution: &str) {
        self.report(execution, Report::Started { worker: "w".into(), pid: None });
    }

    /// `a=succeeded b=running`; what was handed out runs, whether or not the hands have said so.
    pub(crate) fn rows(&self) -> String {
        let live = self.run.desired().attempts;
        let rows = self.run.rows().map(|row| {
            let is_live = live.iter().any(|live| {
                let id = &live.execution;
                *id == row.id || (row.instances.is_some() && id.stage == row.id.stage)
            });
            let is_handed_out = row.status == ExecutionStatus::Queued && is_live;
            let word = if is_handed_out { "running" } else { row.status.word() };
            format!("{}={word}", row.id)
        });
        rows.collect::<Vec<_>>().join(" ")
    }

    pub(crate) fn live(&self) -> String {
        let live = self.run.desired().attempts;
        let names = live.iter().map(|attempt| attempt.execution.to_string());
        names.collect::<Vec<_>>().join(" ")
    }

    pub(crate) fn stops(&self) -> Vec<(String, StopReason)> {
        let stops = self.run.desired().stops;
        stops.into_iter().map(|(attempt, why)| (attempt.execution.to_string(), why)).collect()
    }

    pub(crate) fn status(&self) -> &'static str {
        self.run.status().word()
    }

    pub(crate) fn detail(&self, execution: &str) -> String {
        self.run.row(&execution.parse().unwrap()).unwrap().detail
    }

    #[track_caller]
    pub(crate) fn then(&self, status: &str, rows: &str) {
        assert_eq!((self.status(), self.rows().as_str()), (status, rows), "{:#?}", self.kinds());
    }

    pub(crate) fn kinds(&self) -> Vec<&'static str> {
        self.journal.iter().map(|stamped| stamped.event.name()).collect()
    }
}

pub(crate) fn exited(end: End) -> Report {
    let exit = Exit {
        end,
        outputs: Ok(IndexMap::new()),
        artifacts: Ok(Vec::new()),
        usage: Usage::default(),
        tail: String::new(),
    };
    Report::Exited(exit)
}

pub(crate) fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

pub(crate) fn inputs(given: Json) -> Create {
    Create { inputs: serde_json::from_value(given).unwrap(), ..start() }
}

#[test]
fn the_store_reads_what_it_was_given() {
    let mut story = given("{name: p, stages: [{name: a, run: exit 0, foreach: [1, 2]}]}");
    story.succeed_with("a[1]", json!({"x": 1.5}));
    story.fail("a[2]");
    for stamped in &story.journal {
        let text = serde_json::to_string(stamped).unwrap();
        assert_eq!(&serde_json::from_str::<Stamped>(&text).unwrap(), stamped);
        assert_eq!(serde_json::to_value(&stamped.event).unwrap()["type"], stamped.event.name());
    }
}

/// A restarted server must compute with the same numbers, to the last digit.
#[test]
fn numbers_come_back_from_the_journal_to_the_last_digit() {
    let mut bits = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..20_000 {
        bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let number = f64::from_bits(bits);
        if number.is_finite() {
            let value = json!(number);
            let text = value.to_string();
            assert_eq!(serde_json::from_str::<Json>(&text).unwrap(), value, "{text}");
        }
    }
}
