//! Random walks over all that can be asked of a run that undoes and goes back: nothing panics, the
//! journal gives the same run, the counts agree with the rows, and every run can be led to an end.

use std::sync::Arc;

use indexmap::IndexMap;
use jiff::Timestamp;
use pipeline::Pipeline;
use serde_json::json;

use super::{parse, start};
use crate::command::{Command, End, Exit, Report, Rewind, RollBack, Verdict, Vote};
use crate::event::{Decision, Person, Usage};
use crate::id::AttemptId;
use crate::view::ExecutionStatus;
use crate::{Run, Stamped};

const PIPELINES: [&str; 2] = [
    "name: p
stages:
  - {name: a, depends_on: [], run: exit 0, rollback: exit 0}
  - {name: b, depends_on: a, run: exit 0, requires_approval: true, rollback: exit 0}
  - name: c
    depends_on: b
    foreach: {items: [1, 2, 3], max_parallel: 2}
    run: exit 0
    retry: {max_attempts: 2}
    rollback: exit 0
    on_failure: rollback
    rollback_to: b
  - {name: d, depends_on: c, run: exit 0, effects: once, on_failure: rollback, rollback_to: a}
  - {name: e, depends_on: a, run: exit 0, approve_complete: true, on_failure: isolate, rollback: none}
  - {name: f, depends_on: [d, e], noop: true}
finally: [{name: z, run: exit 0}]
",
    "name: p
stages:
  - name: plan
    depends_on: []
    run: exit 0
    outputs: {specs: list}
    emit: [{event: spec, foreach: '${outputs.specs}', data: {id: '${item}'}}]
  - name: build
    triggers: [{event: spec, key: event.id}]
    parallel_instances: 2
    run: exit 0
    rollback: exit 0
    requires_approval: true
  - {name: check, triggers: [{completion: plan}, {completion: build}], run: exit 0}
  - {name: last, depends_on: [build, check], run: exit 0, on_failure: rollback, rollback_to: plan}
  - {name: ask, depends_on: plan, form: {fields: {x: {type: text, required: true}}}}
finally: [{name: z, run: exit 0}]
",
];

struct Walk {
    pipeline: Arc<Pipeline>,
    run: Run,
    journal: Vec<Stamped>,
    now: Timestamp,
    chance: u64,
    said: Vec<String>,
}

impl Walk {
    fn new(pipeline: Arc<Pipeline>, seed: u64) -> Self {
        let run = Run::new(pipeline.clone());
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        let chance = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut walk = Self { pipeline, run, journal: Vec::new(), now, chance, said: Vec::new() };
        walk.ask(Command::Create(Box::new(start())));
        walk
    }

    fn below(&mut self, n: usize) -> usize {
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 7;
        self.chance ^= self.chance << 17;
        (self.chance >> 11) as usize % n
    }

    fn ask(&mut self, command: Command) -> bool {
        self.said.push(format!("{command:?}"));
        let before = self.run.clone();
        match self.run.handle(command, self.now) {
            Ok(events) => {
                self.journal.extend(events);
                self.agree();
                true
            }
            Err(refused) => {
                assert!(self.run == before, "{refused} changed the run: {:#?}", self.said);
                self.said.pop();
                false
            }
        }
    }

    /// The counts agree with the rows.
    fn agree(&self) {
        let (mut total, mut settled) = (0, 0);
        for row in self.run.rows() {
            if row.instances.is_none_or(|n| n == 0) {
                total += 1;
                settled += u32::from(row.outcome.is_some());
            }
        }
        let progress = self.run.progress();
        assert_eq!((progress.total, progress.settled), (total, settled), "{:#?}", self.said);
    }

    fn exit(&self, attempt: AttemptId, end: End) -> Command {
        let mut outputs = IndexMap::new();
        if &*attempt.execution.stage == "plan" {
            outputs.insert("specs".to_owned(), json!(["x", "y", "z"]));
        }
        let exit = Exit {
            end,
            outputs: Ok(outputs),
            artifacts: Ok(Vec::new()),
            usage: Usage::default(),
            tail: String::new(),
        };
        Command::Report { attempt, report: Report::Exited(exit) }
    }

    fn decide(&self, decision: Decision) -> Option<Command> {
        let gate = self.run.open_gates().first()?.id.clone();
        Some(Command::Vote(Box::new(Vote {
            gate,
            by: Person { name: "bo".into(), ..Person::default() },
            decision,
            comment: "so".into(),
            digest: None,
            alone: true,
        })))
    }

    fn answer(&self) -> Option<Command> {
        let id = self.waiting(ExecutionStatus::WaitingInput)?;
        Some(Command::Submit(Box::new(crate::command::Submit {
            execution: id,
            generation: None,
            by: Person { name: "bo".into(), ..Person::default() },
            values: IndexMap::from([("x".to_owned(), json!("y"))]),
            artifacts: Vec::new(),
        })))
    }

    fn waiting(&self, status: ExecutionStatus) -> Option<crate::id::ExecutionId> {
        let rows = self.run.rows().filter(|row| row.instances.is_none());
        rows.filter(|row| row.status == status).map(|row| row.id).next()
    }

    fn act(&mut self) {
        let by = || "ana".to_owned();
        let live = self.run.desired().attempts;
        let stops = self.run.desired().stops;
        let stages: Vec<_> = self.pipeline.stages.iter().map(|stage| stage.name.clone()).collect();
        let stage = stages[self.below(stages.len())].clone();
        let picked = (!live.is_empty()).then(|| live[self.below(live.len())].clone());
        let yes = self.below(2) == 0;
        let command = match self.below(22) {
            0..=5 => picked.map(|attempt| self.exit(attempt, End::Code(0))),
            6 | 7 => picked.map(|attempt| self.exit(attempt, End::Code(1))),
            8 => picked.map(|attempt| Command::Report {
                attempt,
                report: Report::Lost { message: "gone".into() },
            }),
            9 | 10 => {
                stops.first().map(|(attempt, why)| self.exit(attempt.clone(), End::Stopped(*why)))
            }
            11 => Some(Command::Cancel { by: by(), reason: String::new() }),
            12 => Some(Command::Pause { by: by(), now: yes }),
            13 | 14 => Some(Command::Resume { by: by() }),
            15 => Some(Command::Retry { by: by(), from: None }),
            16 => Some(Command::RollBack(RollBack {
                by: by(),
                to: stage,
                reason: String::new(),
                force: yes,
            })),
            17 => {
                let pause = self.below(2) == 0;
                Some(Command::Rewind(Rewind { by: by(), to: stage, inclusive: yes, pause }))
            }
            18 => Some(Command::UndoRewind { by: by() }),
            19 => self.decide(if yes { Decision::Approve } else { Decision::Reject }),
            20 => self.answer(),
            _ => self.run.desired().timers.first().map(|timer| {
                self.now = self.now.max(timer.due);
                Command::Fire { timer: timer.id.clone() }
            }),
        };
        self.now = self.now.checked_add(std::time::Duration::from_secs(1)).unwrap();
        if let Some(command) = command {
            let resolve = self.waiting(ExecutionStatus::Unknown);
            if let (Some(execution), true) = (resolve, yes) {
                let verdict = [Verdict::Retry, Verdict::Succeeded, Verdict::Failed][self.below(3)];
                self.ask(Command::Resolve { by: by(), execution, verdict });
            }
            self.ask(command);
        }
    }

    /// Everybody answers well from now on.
    fn lead_to_its_end(&mut self) {
        for _ in 0..300 {
            if self.run.is_finished() {
                return;
            }
            // A rewind that was asked for before may have left it paused.
            if self.run.paused_at().is_some() {
                self.ask(Command::Resume { by: "ana".into() });
                continue;
            }
            let live = self.run.desired().attempts.first().cloned();
            let stopping = self.run.desired().stops.first().cloned();
            let unknown = self.waiting(ExecutionStatus::Unknown);
            let timer = self.run.desired().timers.into_iter().min_by_key(|timer| timer.due);
            let command = if let Some((attempt, why)) = stopping {
                self.exit(attempt, End::Stopped(why))
            } else if let Some(attempt) = live {
                self.exit(attempt, End::Code(0))
            } else if let Some(execution) = unknown {
                Command::Resolve { by: "ana".into(), execution, verdict: Verdict::Succeeded }
            } else if let Some(vote) = self.decide(Decision::Approve) {
                vote
            } else if let Some(answer) = self.answer() {
                answer
            } else if let Some(timer) = timer {
                self.now = self.now.max(timer.due);
                Command::Fire { timer: timer.id }
            } else {
                break;
            };
            assert!(self.ask(command), "refused: {:#?}", self.said);
        }
        let rows = self.run.rows().map(|row| format!("{}={}", row.id, row.status.word()));
        let rows: Vec<String> = rows.collect();
        panic!("stuck: {} {rows:?} {:#?}", self.run.status().word(), self.said);
    }
}

#[test]
fn every_walk_can_be_led_to_an_end() {
    let walks = 200;
    let mut seen = std::collections::BTreeSet::new();
    for yaml in PIPELINES {
        let pipeline = parse(yaml);
        for seed in 1..=walks {
            let mut walk = Walk::new(pipeline.clone(), seed);
            for _ in 0..40 {
                walk.act();
            }
            walk.lead_to_its_end();
            let again = Run::replay(pipeline.clone(), &walk.journal).unwrap();
            assert!(again == walk.run, "seed {seed}: the journal gives another run");
            seen.extend(walk.journal.iter().map(|stamped| stamped.event.name()));
            assert!(walk.run.desired().attempts.is_empty() && walk.run.desired().timers.is_empty());
        }
    }
    for name in ["rollback.requested", "rollback.finished", "run.rewound", "run.rewind_undone"] {
        assert!(seen.contains(name), "no walk came to {name}");
    }
}
