//! The same random changes to the memory on disk and to the one without: every answer is the same.

use std::collections::HashSet;
use std::sync::Mutex;

use engine::event::{Event, Occurrence, Stamped};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use store::conformance::sample::{
    append, artifact, at, given, paused, request, row, run, save, stage,
};
use store::memory::{MemoryReader, MemoryWriter};
use store::port::{
    ArtifactQuery, AuditQuery, Change, Expect, GivenEvent, GivenQuery, Outcome, PipelineQuery,
    Read, Refusal, RequestKind, RequestQuery, RunOrder, RunQuery, RunSort, TrailQuery, Verified,
    Write,
};
use store::sqlite::SqliteReader;

use crate::place::Place;

const STATUSES: [&str; 5] = ["pending", "running", "succeeded", "failed", "cancelled"];
const PIPELINES: [&str; 3] = ["ci", "cd", "release"];
const GATES: [&str; 3] = ["pending", "approved", "void"];
const FORMS: [&str; 3] = ["open", "submitted", "void"];
const FILES: [&str; 3] = ["staged", "promoted", "superseded"];
const RUNS: u64 = 5;

#[derive(Clone, Debug)]
enum Step {
    Save {
        name: usize,
        text: usize,
        expect: Expect,
    },
    Enable {
        name: usize,
        enabled: bool,
    },
    Delete {
        name: usize,
    },
    Append {
        run: u64,
        off: u64,
        count: u64,
        name: usize,
        number: u64,
        status: usize,
        stages: Vec<(u8, u32)>,
        /// Kind, generation and status of what is asked; attempt and status of what is given.
        asked: Vec<(bool, u32, usize)>,
        made: Vec<(u32, usize)>,
        /// Takes this event from outside.
        takes: Option<u8>,
    },
    Draft {
        request: u64,
        by: usize,
    },
    Give {
        id: u8,
        kind: usize,
    },
    Token {
        id: u8,
        hash: u8,
    },
    Revoke {
        id: u8,
    },
    Rewind {
        name: usize,
        to: u64,
    },
    Undo {
        name: usize,
    },
    Drop {
        numbers: Vec<u64>,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let expect = prop_oneof![
        3 => Just(Expect::Any),
        1 => Just(Expect::Absent),
        1 => Just(Expect::Present),
        1 => (1..4_u32).prop_map(Expect::Revision),
    ];
    let name = || 0..PIPELINES.len();
    let stages = prop::collection::vec((0..3_u8, 0..3_u32), 0..4);
    prop_oneof![
        6 => (0..2_usize, 0..3_usize, expect)
            .prop_map(|(name, text, expect)| Step::Save { name, text, expect }),
        1 => (name(), any::<bool>()).prop_map(|(name, enabled)| Step::Enable { name, enabled }),
        1 => name().prop_map(|name| Step::Delete { name }),
        9 => (0..RUNS, prop_oneof![5 => Just(0), 1 => 1..3_u64], 0..4_u64, name(), 1..6_u64, 0..STATUSES.len(), stages, people())
            .prop_map(|(run, off, count, name, number, status, stages, (asked, made, takes))| Step::Append {
                run, off, count, name, number, status, stages, asked, made, takes
            }),
        1 => (1..6_u64, name()).prop_map(|(request, by)| Step::Draft { request, by }),
        2 => (0..5_u8, name()).prop_map(|(id, kind)| Step::Give { id, kind }),
        1 => (0..3_u8, 0..3_u8).prop_map(|(id, hash)| Step::Token { id, hash }),
        1 => (0..3_u8).prop_map(|id| Step::Revoke { id }),
        3 => (0..2_usize, 1..4_u64).prop_map(|(name, to)| Step::Rewind { name, to }),
        3 => (0..2_usize).prop_map(|name| Step::Undo { name }),
        1 => prop::collection::vec(1..5_u64, 0..3).prop_map(|numbers| Step::Drop { numbers }),
    ]
}

type Asked = (Vec<(bool, u32, usize)>, Vec<(u32, usize)>, Option<u8>);

fn people() -> impl Strategy<Value = Asked> {
    let asked = prop::collection::vec((any::<bool>(), 1..3_u32, 0..3_usize), 0..3);
    let made = prop::collection::vec((0..3_u32, 0..3_usize), 0..3);
    (asked, made, prop::option::weighted(0.3, 0..5_u8))
}

/// Batches, each of them perhaps after a restart.
fn story() -> impl Strategy<Value = Vec<(bool, Vec<Step>)>> {
    let batch = prop::collection::vec(step(), 0..8);
    prop::collection::vec((prop::bool::weighted(0.2), batch), 1..10)
}

/// `ends` guesses where each run stands, so that most appends fit, also within one batch.
fn change(step: &Step, ends: &mut [u64]) -> Change {
    match step {
        Step::Save { name, text, expect } => {
            save(PIPELINES[*name], &"t".repeat(*text + 1), *expect)
        }
        Step::Enable { name, enabled } => Change::SetEnabled {
            name: PIPELINES[*name].into(),
            enabled: *enabled,
            by: "bo".into(),
            at: at(900),
        },
        Step::Delete { name } => {
            Change::DeletePipeline { name: PIPELINES[*name].into(), by: "bo".into(), at: at(901) }
        }
        Step::Append { run: n, off, count, name, number, status, stages, asked, made, takes } => {
            let mut line = row(run(*n), PIPELINES[*name], *number, STATUSES[*status]);
            line.extends = (*n > 2).then(|| run(*n - 1));
            line.parent = (*n == 1).then(|| run(0));
            let mut change = append(line, ends[*n as usize] + off, *count);
            if let Some((last, id)) = change.events.last_mut().zip(*takes) {
                *last = received(&event(id, *count as usize % PIPELINES.len()));
            } else if let Some(first) = change.events.first_mut() {
                *first = paused(PIPELINES[*name], 100 * number + count);
            }
            change.requests = asked
                .iter()
                .map(|(gate, generation, status)| match gate {
                    true => request(RequestKind::Approval, "a", *generation, GATES[*status]),
                    false => request(RequestKind::Input, "a[1]", *generation, FORMS[*status]),
                })
                .collect();
            change.artifacts = made
                .iter()
                .map(|(attempt, status)| artifact("b[2]", *attempt, "plan", FILES[*status]))
                .collect();
            change.stages = stages
                .iter()
                .map(|(name, instance)| {
                    stage(["a", "b", "c"][*name as usize], *instance, STATUSES[*status])
                })
                .collect();
            if *off == 0 {
                ends[*n as usize] += count;
            }
            Change::Append(change)
        }
        Step::Draft { request, by } => Change::SaveDraft {
            request: *request,
            values: serde_json::json!({ "by": by }),
            seen: (*by == 0).then_some(None),
            by: PIPELINES[*by].into(),
            at: at(902),
        },
        Step::Give { id, kind } => Change::StoreEvent(event(*id, *kind).into()),
        Step::Token { id, hash } => Change::CreateToken {
            id: format!("t{id}"),
            hash: format!("h{hash}"),
            user: "ana".into(),
            admin: *id == 0,
            name: "laptop".into(),
            scopes: None,
            expires_at: None,
            by: "bo".into(),
            at: at(903),
        },
        Step::Revoke { id } => {
            Change::RevokeToken { id: format!("t{id}"), by: "bo".into(), at: at(904) }
        }
        Step::Rewind { name, to } => Change::RewindPipeline {
            pipeline: PIPELINES[*name].into(),
            to: *to,
            by: "ana".into(),
            at: at(905),
        },
        Step::Undo { name } => {
            Change::UndoRewind { pipeline: PIPELINES[*name].into(), by: "bo".into(), at: at(906) }
        }
        Step::Drop { numbers } => Change::DropArtifacts { numbers: numbers.clone() },
    }
}

fn event(id: u8, kind: usize) -> GivenEvent {
    given(&format!("e{id}"), PIPELINES[kind], u64::from(id) * 10)
}

fn received(event: &GivenEvent) -> Stamped {
    let occurrence = Occurrence {
        id: event.id.clone(),
        kind: event.kind.clone(),
        data: event.data.clone(),
        source: event.source.clone(),
    };
    Stamped { at: event.at, event: Event::EventReceived { occurrence } }
}

fn kind(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Saved { created: true, .. } => "saved",
        Outcome::Saved { created: false, .. } => "kept",
        Outcome::Done => "done",
        Outcome::Appended { .. } => "appended",
        Outcome::Refused(Refusal::Exists { .. }) => "exists",
        Outcome::Refused(Refusal::NoSuchPipeline { .. }) => "no such pipeline",
        Outcome::Refused(Refusal::RevisionMoved { .. }) => "revision moved",
        Outcome::Refused(Refusal::SequenceMoved { .. }) => "sequence moved",
        Outcome::Refused(Refusal::NumberTaken { .. }) => "number taken",
        Outcome::Refused(Refusal::TaskNumberTaken { .. }) => "task number taken",
        Outcome::Refused(Refusal::TaskMoved { .. }) => "task moved",
        Outcome::Refused(Refusal::RolloutMoved { .. }) => "rollout moved",
        Outcome::Given { created: true, .. } => "given",
        Outcome::Given { created: false, .. } => "given before",
        Outcome::Reserved(_) => "reserved",
        Outcome::Rewound { .. } | Outcome::Upkept { .. } => "rewound",
        Outcome::Refused(Refusal::NoSuchRequest { .. }) => "no such request",
        Outcome::Refused(Refusal::RequestClosed { .. }) => "request closed",
        Outcome::Refused(Refusal::DraftMoved { .. }) => "draft moved",
        Outcome::Refused(Refusal::NoSuchNotice { .. }) => "no such notice",
        Outcome::Refused(Refusal::NoticeDelivered { .. }) => "notice delivered",
        Outcome::Refused(Refusal::TokenExists { .. }) => "token exists",
        Outcome::Refused(Refusal::NoSuchToken { .. }) => "no such token",
        Outcome::Refused(Refusal::NoSuchRun { .. }) => "no such run",
        Outcome::Refused(Refusal::LatestAlready { .. }) => "latest already",
        Outcome::Refused(Refusal::NoRewind { .. }) => "no rewind",
        Outcome::Refused(Refusal::RewindOver { .. }) => "rewind over",
        Outcome::Refused(Refusal::Account(_)) => "account",
    }
}

/// Everything that can be asked, as text.
fn everything(reader: &dyn Read) -> Vec<String> {
    let mut answers = Vec::new();
    let mut note = |answer: &dyn std::fmt::Debug| answers.push(format!("{answer:#?}"));
    note(&reader.pipelines(&PipelineQuery { after: None, limit: 9 }).unwrap());
    for name in PIPELINES {
        note(&reader.pipeline(name).unwrap());
        note(&reader.revisions(name, 9).unwrap());
        note(&reader.recent(name).unwrap());
        for number in [None, Some(1), Some(2)] {
            note(&reader.revision(name, number).unwrap());
        }
        for number in 0..6 {
            note(&reader.run_by_number(name, number).unwrap());
        }
    }
    for n in 0..RUNS {
        note(&reader.run(run(n)).unwrap());
        note(&reader.stages(run(n)).unwrap());
        note(&reader.events(run(n), 1, 3).unwrap());
        note(&reader.journal(run(n)).unwrap());
    }
    note(&reader.runs_by_prefix("0199").unwrap());
    let words: [&[&str]; 3] = [&[], &["failed"], &["running", "pending", "cancelled", "running"]];
    for pipeline in [None, Some("ci".to_owned())] {
        for words in words {
            for finished in [None, Some(true), Some(false)] {
                for (before, limit) in [(None, 2), (Some(run(3)), 9)] {
                    let statuses = words.iter().map(|&word| word.into()).collect();
                    let pipeline = pipeline.clone();
                    let query = RunQuery {
                        pipeline,
                        statuses,
                        finished,
                        before,
                        limit,
                        ..RunQuery::default()
                    };
                    note(&reader.runs(&query).unwrap());
                    for by in [RunSort::Created, RunSort::Duration, RunSort::Name, RunSort::Status]
                    {
                        for descending in [false, true] {
                            let order = RunOrder { by, descending };
                            note(&reader.runs(&RunQuery { order, ..query.clone() }).unwrap());
                        }
                    }
                }
            }
        }
    }
    people_and_flow(reader, &mut note);
    let Verified { runs, events, head } = reader.verify().unwrap();
    note(&(runs, events, head));
    answers
}

fn people_and_flow(reader: &dyn Read, note: &mut dyn FnMut(&dyn std::fmt::Debug)) {
    for name in PIPELINES {
        note(&reader.latest(name).unwrap());
        note(&reader.rewinds(Some(name), 9).unwrap());
    }
    note(&reader.rewinds(None, 3).unwrap());
    note(&reader.tokens().unwrap());
    note(&reader.trail(&TrailQuery { limit: 99, ..TrailQuery::default() }).unwrap());
    note(&reader.verify_trail().unwrap());
    note(&reader.token_by_hash("h1").unwrap());
    for n in 0..6 {
        note(&(reader.request(n).unwrap(), reader.draft(n).unwrap(), reader.artifact(n).unwrap()));
        note(&reader.runs_by_parent(run(n)).unwrap());
        note(&reader.runs_extending(run(n)).unwrap());
        note(&reader.given_event(&format!("e{n}")).unwrap());
    }
    for of in [None, Some(run(1)), Some(run(3))] {
        for statuses in [Vec::new(), vec!["open".to_owned(), "void".into(), "staged".into()]] {
            for (before, limit) in [(None, 3), (Some(4), 9)] {
                for kind in [None, Some(RequestKind::Input)] {
                    let statuses = statuses.clone();
                    let query = RequestQuery { kind, statuses, run: of, before, limit };
                    note(&reader.requests(&query).unwrap());
                }
                for stage in [None, Some("b".to_owned())] {
                    let (statuses, digest) = (statuses.clone(), None);
                    let query = ArtifactQuery { run: of, stage, statuses, digest, before, limit };
                    note(&reader.artifacts(&query).unwrap());
                }
            }
        }
        for (by, action) in [(None, None), (Some("ci"), None), (None, Some("run.paused"))] {
            for (since, until) in [(None, None), (Some(at(200)), Some(at(400)))] {
                let (by, action) = (by.map(str::to_owned), action.map(str::to_owned));
                let query =
                    AuditQuery { run: of, by, action, since, until, before: None, limit: 9 };
                note(&reader.audit(&query).unwrap());
            }
        }
    }
    for oldest_first in [true, false] {
        for kinds in [Vec::new(), vec!["ci".to_owned(), "cd".into()]] {
            let since = Some(at(10));
            let (after, before) = (Some(1), Some(5));
            let query = GivenQuery {
                kinds,
                since,
                after,
                before,
                oldest_first,
                limit: 2,
                ..GivenQuery::default()
            };
            note(&reader.given_events(&query).unwrap());
        }
    }
}

fn agree(disk: (&mut dyn Write, &SqliteReader), model: (&mut MemoryWriter, &MemoryReader)) {
    assert_eq!(disk.0.unfinished().unwrap(), model.0.unfinished().unwrap());
    for name in PIPELINES {
        assert_eq!(disk.0.next_run_number(name).unwrap(), model.0.next_run_number(name).unwrap());
    }
    for n in 0..RUNS {
        assert_eq!(disk.0.journal(run(n)).unwrap(), model.0.journal(run(n)).unwrap());
    }
    assert_eq!(everything(disk.1), everything(model.1));
}

/// Batches on both; which kinds of answers there were.
fn play(batches: &[(bool, Vec<Step>)]) -> HashSet<&'static str> {
    let place = Place::new();
    let mut disk = place.open();
    let (mut writer, reader) = store::memory::open();
    let mut seen = HashSet::new();
    for (restart, steps) in batches {
        if *restart {
            drop(disk);
            disk = place.open();
        }
        let mut ends: Vec<u64> =
            (0..RUNS).map(|n| reader.journal(run(n)).unwrap().len() as u64).collect();
        let changes: Vec<Change> = steps.iter().map(|step| change(step, &mut ends)).collect();
        let outcomes = disk.writer.commit(&changes).unwrap();
        assert_eq!(outcomes, writer.commit(&changes).unwrap());
        seen.extend(outcomes.iter().map(kind));
    }
    agree((&mut disk.writer, &disk.reader), (&mut writer, &reader));
    seen
}

#[test]
fn disk_and_model_answer_alike() {
    let seen = Mutex::new(HashSet::new());
    let mut runner =
        TestRunner::new(Config { cases: 40, failure_persistence: None, ..Config::default() });
    let result = runner.run(&story(), |batches| {
        seen.lock().unwrap().extend(play(&batches));
        Ok(())
    });
    result.unwrap();
    // Stories in which nothing ever succeeds, or is refused, would prove nothing. Chance does not
    // bring the rare answers every time: the told story has them all.
    let seen = seen.into_inner().unwrap();
    for kind in ["saved", "done", "appended", "sequence moved", "given"] {
        assert!(seen.contains(kind), "no case was `{kind}`");
    }
}

/// A run of `ci` that is asked one thing and gives one.
fn ran(n: u64, number: u64, form: usize) -> Step {
    Step::Append {
        run: n,
        off: 0,
        count: 2,
        name: 0,
        number,
        status: 2,
        stages: vec![(0, 1)],
        asked: vec![(false, 1, form)],
        made: vec![(1, 1)],
        takes: Some(3),
    }
}

#[test]
fn disk_and_model_answer_alike_in_a_story_with_every_answer() {
    let save = |text, expect| Step::Save { name: 0, text, expect };
    let stale = Step::Append {
        run: 0,
        off: 2,
        count: 1,
        name: 0,
        number: 9,
        status: 1,
        stages: vec![],
        asked: vec![],
        made: vec![],
        takes: None,
    };
    let catalog = vec![
        save(0, Expect::Any),
        save(0, Expect::Any),
        save(1, Expect::Absent),
        save(1, Expect::Revision(3)),
        Step::Enable { name: 0, enabled: false },
        Step::Delete { name: 1 },
    ];
    let people = vec![
        Step::Give { id: 3, kind: 1 },
        Step::Give { id: 3, kind: 1 },
        Step::Draft { request: 1, by: 0 },
        ran(0, 1, 0),
        Step::Draft { request: 1, by: 0 },
        ran(1, 1, 0),
        ran(2, 2, 1),
        Step::Draft { request: 2, by: 1 },
        stale,
        Step::Token { id: 0, hash: 0 },
        Step::Token { id: 1, hash: 0 },
        Step::Revoke { id: 0 },
        Step::Revoke { id: 2 },
    ];
    let back = vec![
        Step::Rewind { name: 0, to: 4 },
        Step::Rewind { name: 0, to: 2 },
        Step::Undo { name: 0 },
        Step::Rewind { name: 0, to: 1 },
        ran(3, 3, 0),
        Step::Undo { name: 0 },
        Step::Drop { numbers: vec![1, 9] },
    ];
    let seen = play(&[(false, catalog), (true, people), (true, back)]);
    let kinds = [
        "saved",
        "kept",
        "done",
        "appended",
        "exists",
        "no such pipeline",
        "revision moved",
        "sequence moved",
        "number taken",
        "given",
        "given before",
        "rewound",
        "no such request",
        "request closed",
        "token exists",
        "no such token",
        "no such run",
        "latest already",
        "no rewind",
        "rewind over",
    ];
    let missing: Vec<&str> = kinds.into_iter().filter(|kind| !seen.contains(kind)).collect();
    assert_eq!(missing, [""; 0]);
}
