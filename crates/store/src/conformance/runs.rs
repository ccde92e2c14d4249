use serde_json::json;

use super::Fixture;
use super::sample::{append, at, row, run, stage};
use crate::port::{Change, Outcome, Recent, Refusal, RunOrder, RunQuery, RunRow, RunSort};

pub fn run_numbers_go_on_and_are_never_used_twice(mut memory: Fixture) {
    assert_eq!(memory.writer.next_run_number("ci").expect("reads"), 1);
    memory.commit(Change::Append(append(row(run(1), "ci", 1, "succeeded"), 0, 1)));
    memory.commit(Change::Append(append(row(run(2), "cd", 5, "succeeded"), 0, 1)));
    assert_eq!(memory.writer.next_run_number("ci").expect("reads"), 2);
    assert_eq!(memory.writer.next_run_number("cd").expect("reads"), 6);

    let taken = |number| Outcome::Refused(Refusal::NumberTaken { pipeline: "ci".into(), number });
    // On disk, and within one commit.
    let outcomes = memory.commit_all(&[
        Change::Append(append(row(run(3), "ci", 1, "running"), 0, 1)),
        Change::Append(append(row(run(4), "ci", 2, "running"), 0, 1)),
        Change::Append(append(row(run(5), "ci", 2, "running"), 0, 1)),
        Change::Append(append(row(run(6), "cd", 2, "running"), 0, 1)),
    ]);
    assert_eq!((&outcomes[0], &outcomes[2]), (&taken(1), &taken(2)));
    assert_eq!(memory.reader.run(run(5)).expect("reads"), None);
    assert_eq!(memory.reader.verify().expect("verifies").runs, 4);
}

pub fn unfinished_runs_come_oldest_first(mut memory: Fixture) {
    for (n, status) in [(3, "running"), (1, "pending"), (2, "failed"), (4, "paused")] {
        memory.commit(Change::Append(append(row(run(n), "ci", n, status), 0, 1)));
    }
    assert_eq!(memory.writer.unfinished().expect("reads"), [run(1), run(3), run(4)]);
    memory.commit(Change::Append(append(row(run(3), "ci", 3, "cancelled"), 1, 1)));
    assert_eq!(memory.writer.unfinished().expect("reads"), [run(1), run(4)]);
}

pub fn a_line_follows_its_run_but_keeps_its_origin(mut memory: Fixture) {
    let first = row(run(1), "ci", 1, "pending");
    memory.commit(Change::Append(append(first.clone(), 0, 1)));
    let mut next = row(run(1), "other", 9, "failed");
    next.by = "bo".into();
    next.trigger = "push".into();
    next.revision = 7;
    next.reason = "build failed".into();
    next.progress = json!({ "total": 3, "settled": 3 });
    memory.commit(Change::Append(append(next.clone(), 1, 1)));
    let line = memory.reader.run(run(1)).expect("reads").expect("is there");
    let mut expected = first;
    expected.status = "failed".into();
    expected.finished = true;
    expected.reason = next.reason;
    expected.started_at = next.started_at;
    expected.finished_at = next.finished_at;
    expected.progress = next.progress;
    assert_eq!(line, expected);
    // The next change of only its progress is kept, too.
    expected.progress = json!({});
    expected.finished_at = None;
    memory.commit(Change::Append(append(expected.clone(), 2, 1)));
    assert_eq!(memory.reader.run(run(1)).expect("reads"), Some(expected));
}

pub fn stages_are_replaced_one_by_one(mut memory: Fixture) {
    let line = row(run(1), "ci", 1, "running");
    let mut change = append(line.clone(), 0, 1);
    change.stages =
        vec![stage("b", 2, "running"), stage("b", 0, "running"), stage("a", 0, "succeeded")];
    memory.commit(Change::Append(change));
    let mut change = append(line, 1, 1);
    change.stages = vec![stage("b", 2, "succeeded"), stage("b", 1, "queued")];
    memory.commit(Change::Append(change));
    let stages = memory.reader.stages(run(1)).expect("reads");
    let expected = [
        stage("a", 0, "succeeded"),
        stage("b", 0, "running"),
        stage("b", 1, "queued"),
        stage("b", 2, "succeeded"),
    ];
    assert_eq!(stages, expected);
}

pub fn runs_are_filtered_and_paged(mut memory: Fixture) {
    let statuses = ["running", "succeeded", "failed", "pending", "succeeded"];
    for n in 1..=10 {
        let pipeline = if n % 2 == 0 { "ci" } else { "cd" };
        let status = statuses[n as usize % statuses.len()];
        memory.commit(Change::Append(append(row(run(n), pipeline, n, status), 0, 1)));
    }
    let list = |query: RunQuery| -> Vec<u64> {
        let rows = memory.reader.runs(&query).expect("reads");
        rows.iter().map(|row| row.number).collect()
    };
    let all = || RunQuery { limit: 100, ..RunQuery::default() };
    let ci = || RunQuery { pipeline: Some("ci".into()), ..all() };
    let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
    assert_eq!(list(all()), [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
    assert_eq!(list(RunQuery { limit: 3, before: Some(run(9)), ..all() }), [8, 7, 6]);
    assert_eq!(list(RunQuery { limit: 0, ..all() }), [0; 0]);
    assert_eq!(list(ci()), [10, 8, 6, 4, 2]);
    assert_eq!(list(RunQuery { limit: 2, before: Some(run(8)), ..ci() }), [6, 4]);
    assert_eq!(list(RunQuery { finished: Some(true), ..all() }), [9, 7, 6, 4, 2, 1]);
    assert_eq!(list(RunQuery { finished: Some(false), ..ci() }), [10, 8]);
    let both: Vec<_> = words(&["succeeded", "failed", "succeeded"]);
    assert_eq!(list(RunQuery { statuses: both.clone(), limit: 4, ..all() }), [9, 7, 6, 4]);
    assert_eq!(list(RunQuery { statuses: both.clone(), ..ci() }), [6, 4, 2]);
    let none = RunQuery { statuses: both, finished: Some(false), ..all() };
    assert_eq!(list(none), [0; 0]);
    assert_eq!(list(RunQuery { statuses: words(&["lost"]), ..all() }), [0; 0]);
}

pub fn shadow_runs_are_listed_and_are_no_history(mut memory: Fixture) {
    for n in 1..=4 {
        let mode = if n > 2 { "shadow" } else { "production" }.to_owned();
        let row = RunRow { mode: mode.clone(), rollout: mode, ..row(run(n), "ci", n, "succeeded") };
        memory.commit(Change::Append(append(row, 0, 1)));
    }
    let list = |query: RunQuery| -> Vec<u64> {
        let rows = memory.reader.runs(&query).expect("reads");
        rows.iter().map(|row| row.number).collect()
    };
    let of = |mode: &str| RunQuery { mode: Some(mode.into()), limit: 100, ..RunQuery::default() };
    assert_eq!(list(of("shadow")), [4, 3]);
    assert_eq!(list(RunQuery { before: Some(run(4)), ..of("shadow") }), [3]);
    assert_eq!(list(RunQuery { pipeline: Some("ci".into()), ..of("shadow") }), [4, 3]);
    let order = RunOrder { by: RunSort::Name, descending: false };
    assert_eq!(list(RunQuery { order, ..of("shadow") }), [3, 4]);
    assert_eq!(list(RunQuery { limit: 1, ..of("production") }), [2]);
    let recent = memory.reader.recent("ci").expect("reads");
    assert_eq!(recent.last.map(|row| row.number), Some(2));
    assert_eq!(recent.last_ten.len(), 2);
    let latest = memory.reader.latest("ci").expect("reads");
    assert_eq!(latest.map(|row| (row.number, row.mode)), Some((2, "production".to_owned())));
}

pub fn runs_are_sorted_and_paged(mut memory: Fixture) {
    let took = [None, Some(900), Some(0), Some(20), None, Some(20), Some(3)];
    for (n, took) in (1..).zip(took) {
        let status = match took {
            None => "running",
            Some(20) => "failed",
            Some(_) => "succeeded",
        };
        let mut line = row(run(n), if n > 4 { "b" } else { "a" }, n * 3, status);
        line.started_at = Some(at(0));
        line.finished_at = took.map(at);
        line.task = (n % 2 == 0).then(|| ("T".to_owned(), n));
        memory.commit(Change::Append(append(line, 0, 1)));
    }
    let list = |query: &RunQuery| -> Vec<u64> {
        let rows = memory.reader.runs(query).expect("reads");
        rows.iter().map(|row| row.number / 3).collect()
    };
    let failed = || vec!["failed".to_owned(), "running".to_owned()];
    for (by, ascending) in [
        (RunSort::Created, [1, 2, 3, 4, 5, 6, 7]),
        (RunSort::Duration, [1, 5, 3, 7, 4, 6, 2]),
        // `T-2 T-4 T-6 a#3 a#9 b#15 b#21`
        (RunSort::Name, [2, 4, 6, 1, 3, 5, 7]),
        (RunSort::Status, [4, 6, 1, 5, 2, 3, 7]),
    ] {
        for descending in [false, true] {
            let mut expected = ascending.to_vec();
            if descending {
                expected.reverse();
            }
            let order = RunOrder { by, descending };
            let all = RunQuery { order, limit: 100, ..RunQuery::default() };
            assert_eq!(list(&all), expected, "{order:?}");
            // Page by page, each behind the last of the one before.
            let (mut paged, mut before) = (Vec::new(), None);
            loop {
                let page = list(&RunQuery { before, limit: 3, ..all.clone() });
                before = page.last().map(|n| run(*n));
                if before.is_none() {
                    break;
                }
                paged.extend(page);
            }
            assert_eq!(paged, expected, "{order:?}");
            let some = RunQuery { statuses: failed(), ..all.clone() };
            expected.retain(|n| [1, 4, 5, 6].contains(n));
            assert_eq!(list(&some), expected, "{order:?}");
            let of = RunQuery { task: Some("T".into()), pipeline: Some("a".into()), ..some };
            assert_eq!(list(&of), [4], "{order:?}");
        }
    }
    let order = RunOrder { by: RunSort::Status, descending: false };
    let behind_nothing = RunQuery { order, before: Some(run(99)), limit: 9, ..RunQuery::default() };
    assert_eq!(list(&behind_nothing), [0; 0]);
}

pub fn runs_are_found_by_prefix_and_number(mut memory: Fixture) {
    for n in [0x10, 0x11, 0x20] {
        memory.commit(Change::Append(append(row(run(n), "ci", n, "running"), 0, 1)));
    }
    let found = |prefix: &str| memory.reader.runs_by_prefix(prefix).expect("reads").len();
    let id = run(0x20).to_string();
    assert_eq!(found(&id), 1);
    assert_eq!(found(&id.to_uppercase()), 1);
    assert_eq!(found(&id[..31]), 1);
    assert_eq!(found(&id[..30]), 2, "three would match: two show that it is ambiguous");
    assert_eq!(found(&run(0x1f).to_string()[..31]), 2);
    assert_eq!(found(""), 2);
    assert_eq!(found(&format!("{id}0")), 0);
    assert_eq!(found("ffff"), 0);
    assert_eq!(found("no hex"), 0);
    assert_eq!(found("+1"), 0);
    let line = memory.reader.run_by_number("ci", 0x11).expect("reads").expect("is there");
    assert_eq!(line.id, run(0x11));
    assert_eq!(memory.reader.run_by_number("ci", u64::MAX).expect("reads"), None);
}

pub fn recent_runs_give_statuses_and_the_median(mut memory: Fixture) {
    assert_eq!(memory.reader.recent("ci").expect("reads"), Recent::default());
    for (n, took) in [(1, 100), (2, 900), (3, 200), (4, 0)] {
        let mut line = row(run(n), "ci", n, if took == 0 { "running" } else { "succeeded" });
        line.started_at = Some(at(0));
        line.finished_at = (took > 0).then(|| at(took));
        memory.commit(Change::Append(append(line, 0, 1)));
    }
    let recent = memory.reader.recent("ci").expect("reads");
    assert_eq!(recent.last.map(|row| row.number), Some(4));
    assert_eq!(recent.last_ten, ["succeeded", "succeeded", "succeeded", "running"]);
    assert_eq!(recent.p50_ms, Some(200));
}

pub fn relatives_of_a_run_are_found(mut memory: Fixture) {
    for n in 1..=5 {
        let mut line = row(run(n), "ci", n, "running");
        line.extends = (n == 2).then(|| run(1));
        line.parent = (n > 3).then(|| run(1));
        memory.commit(Change::Append(append(line, 0, 1)));
    }
    // They are fixed by the append that created the run.
    let line = RunRow { extends: Some(run(5)), ..row(run(2), "ci", 2, "failed") };
    memory.commit(Change::Append(append(line, 1, 1)));
    let numbers = |rows: Vec<RunRow>| rows.iter().map(|row| row.number).collect::<Vec<_>>();
    assert_eq!(numbers(memory.reader.runs_by_parent(run(1)).expect("reads")), [4, 5]);
    assert_eq!(numbers(memory.reader.runs_extending(run(1)).expect("reads")), [2]);
    assert_eq!(numbers(memory.reader.runs_extending(run(5)).expect("reads")), [0; 0]);
    let second = memory.reader.run(run(2)).expect("reads").expect("is there");
    assert_eq!((second.extends, second.parent, second.superseded), (Some(run(1)), None, false));
}
