//! The same random changes to the memory on disk and to the one without: every answer is the same.

use std::collections::HashSet;
use std::sync::Mutex;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use store::conformance::sample::{append, at, row, run, save, stage};
use store::memory::{MemoryReader, MemoryWriter};
use store::port::{
    Change, Expect, Outcome, PipelineQuery, Read, Refusal, RunQuery, Verified, Write,
};
use store::sqlite::SqliteReader;

use crate::place::Place;

const STATUSES: [&str; 5] = ["pending", "running", "succeeded", "failed", "cancelled"];
const PIPELINES: [&str; 3] = ["ci", "cd", "release"];
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
        3 => (name(), 0..3_usize, expect)
            .prop_map(|(name, text, expect)| Step::Save { name, text, expect }),
        1 => (name(), any::<bool>()).prop_map(|(name, enabled)| Step::Enable { name, enabled }),
        1 => name().prop_map(|name| Step::Delete { name }),
        9 => (0..RUNS, prop_oneof![5 => Just(0), 1 => 1..3_u64], 0..4_u64, name(), 1..6_u64, 0..STATUSES.len(), stages)
            .prop_map(|(run, off, count, name, number, status, stages)| Step::Append {
                run, off, count, name, number, status, stages
            }),
    ]
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
        Step::Enable { name, enabled } => {
            Change::SetEnabled { name: PIPELINES[*name].into(), enabled: *enabled, at: at(900) }
        }
        Step::Delete { name } => {
            Change::DeletePipeline { name: PIPELINES[*name].into(), at: at(901) }
        }
        Step::Append { run: n, off, count, name, number, status, stages } => {
            let line = row(run(*n), PIPELINES[*name], *number, STATUSES[*status]);
            let mut change = append(line, ends[*n as usize] + off, *count);
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
    }
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
                    let query = RunQuery { pipeline, statuses, finished, before, limit };
                    note(&reader.runs(&query).unwrap());
                }
            }
        }
    }
    let Verified { runs, events, head } = reader.verify().unwrap();
    note(&(runs, events, head));
    answers
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

#[test]
fn disk_and_model_answer_alike() {
    let seen = Mutex::new(HashSet::new());
    let mut runner =
        TestRunner::new(Config { cases: 40, failure_persistence: None, ..Config::default() });
    let result = runner.run(&story(), |batches| {
        let place = Place::new();
        let mut disk = place.open();
        let (mut writer, reader) = store::memory::open();
        for (restart, steps) in &batches {
            if *restart {
                drop(disk);
                disk = place.open();
            }
            let mut ends: Vec<u64> =
                (0..RUNS).map(|n| reader.journal(run(n)).unwrap().len() as u64).collect();
            let changes: Vec<Change> = steps.iter().map(|step| change(step, &mut ends)).collect();
            let outcomes = disk.writer.commit(&changes).unwrap();
            assert_eq!(outcomes, writer.commit(&changes).unwrap());
            seen.lock().unwrap().extend(outcomes.iter().map(kind));
        }
        agree((&mut disk.writer, &disk.reader), (&mut writer, &reader));
        Ok(())
    });
    result.unwrap();
    // A story in which nothing ever succeeds, or is refused, would prove nothing.
    let seen = seen.into_inner().unwrap();
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
    ];
    for kind in kinds {
        assert!(seen.contains(kind), "no case was `{kind}`");
    }
}
