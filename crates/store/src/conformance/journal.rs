use super::Fixture;
use super::sample::{append, event, row, run, save, settled, stage};
use crate::port::{Append, Change, Expect, Outcome, Refusal};

fn seqs(outcome: &Outcome) -> Vec<u64> {
    match outcome {
        Outcome::Appended { rows, .. } => rows.iter().map(|row| row.seq).collect(),
        Outcome::Saved { .. }
        | Outcome::Done
        | Outcome::Given { .. }
        | Outcome::Rewound { .. }
        | Outcome::Upkept { .. }
        | Outcome::Reserved(_)
        | Outcome::Refused(_) => panic!("{outcome:?}"),
    }
}

pub fn sequence_numbers_have_no_gaps(mut memory: Fixture) {
    let line = row(run(1), "ci", 1, "running");
    assert_eq!(seqs(&memory.commit(Change::Append(append(line.clone(), 0, 3)))), [1, 2, 3]);
    assert_eq!(seqs(&memory.commit(Change::Append(append(line.clone(), 3, 2)))), [4, 5]);
    let Outcome::Appended { last, rows, .. } = memory.commit(Change::Append(append(line, 5, 0)))
    else {
        panic!("an append without events moves the line only");
    };
    assert_eq!((last, rows.len()), (5, 0));
    let journal = memory.writer.journal(run(1)).expect("reads");
    assert_eq!(journal, (1..=5).map(event).collect::<Vec<_>>());
}

pub fn an_append_at_the_wrong_place_is_refused(mut memory: Fixture) {
    let line = row(run(1), "ci", 1, "running");
    let moved = |current, expected| Outcome::Refused(Refusal::SequenceMoved { current, expected });
    assert_eq!(memory.commit(Change::Append(append(line.clone(), 4, 1))), moved(0, 4));
    assert_eq!(memory.reader.run(run(1)).expect("reads"), None);
    memory.commit(Change::Append(append(line.clone(), 0, 2)));
    assert_eq!(memory.commit(Change::Append(append(line.clone(), 1, 1))), moved(2, 1));
    assert_eq!(memory.commit(Change::Append(append(line.clone(), 3, 1))), moved(2, 3));
    let mut failed = append(line, 0, 1);
    failed.row.status = "failed".into();
    failed.stages.push(stage("build", 0, "failed"));
    assert_eq!(memory.commit(Change::Append(failed)), moved(2, 0));
    let line = memory.reader.run(run(1)).expect("reads").expect("is there");
    assert_eq!(line.status, "running");
    assert_eq!(memory.reader.stages(run(1)).expect("reads"), []);
    assert_eq!(memory.reader.journal(run(1)).expect("reads").len(), 2);
}

pub fn a_refused_change_leaves_the_others_standing(mut memory: Fixture) {
    let outcomes = memory.commit_all(&[
        Change::Append(append(row(run(1), "ci", 1, "running"), 0, 1)),
        Change::Append(append(row(run(1), "ci", 1, "running"), 0, 1)),
        save("ci", "a", Expect::Present),
        save("ci", "a", Expect::Absent),
        Change::Append(append(row(run(2), "ci", 2, "running"), 7, 1)),
        Change::Append(append(row(run(3), "ci", 3, "running"), 0, 2)),
    ]);
    let refused = |outcome: &Outcome| matches!(outcome, Outcome::Refused(_));
    let pattern: Vec<bool> = outcomes.iter().map(refused).collect();
    assert_eq!(pattern, [false, true, true, false, true, false]);
    assert_eq!(memory.reader.verify().expect("verifies").events, 3);
    assert_eq!(memory.reader.run(run(2)).expect("reads"), None);
}

pub fn one_commit_may_move_a_run_many_times(mut memory: Fixture) {
    let line = |status| row(run(1), "ci", 1, status);
    let mut first = append(line("pending"), 0, 1);
    first.stages = vec![stage("a", 0, "queued"), stage("b", 0, "blocked")];
    let mut second = append(line("running"), 1, 2);
    second.stages = vec![stage("a", 0, "running"), stage("a", 0, "stopping")];
    let mut third = append(line("succeeded"), 3, 1);
    third.stages = vec![stage("a", 0, "succeeded")];
    let outcomes = memory.commit_all(&[first, second, third].map(Change::Append));
    assert_eq!(outcomes.iter().flat_map(seqs).collect::<Vec<_>>(), [1, 2, 3, 4]);

    assert_eq!(memory.reader.run(run(1)).expect("reads"), Some(line("succeeded")));
    let stages = memory.reader.stages(run(1)).expect("reads");
    assert_eq!(stages, [stage("a", 0, "succeeded"), stage("b", 0, "blocked")]);
    // A finished run can go on.
    let again = memory.commit(Change::Append(append(line("running"), 4, 1)));
    assert_eq!(seqs(&again), [5]);
    assert_eq!(memory.writer.unfinished().expect("reads"), [run(1)]);
    assert_eq!(memory.writer.journal(run(1)).expect("verifies").len(), 5);
}

pub fn events_come_back_as_they_were(mut memory: Fixture) {
    let texts = ["", "plain", "\"quoted\\\"", "line\nbreak\t\u{0}\u{1f}", "ünïcödé 🦀 \u{2028}"];
    let events: Vec<_> = texts.into_iter().map(settled).collect();
    let line = row(run(1), "ci", 1, "running");
    let change = Append { events: events.clone(), ..append(line, 0, 0) };
    memory.commit(Change::Append(change));
    assert_eq!(memory.writer.journal(run(1)).expect("verifies"), events);
    assert_eq!(memory.reader.journal(run(1)).expect("verifies"), events);
    let rows = memory.reader.events(run(1), 0, 100).expect("reads");
    assert_eq!(rows.into_iter().map(|row| row.event).collect::<Vec<_>>(), events);
}

pub fn events_are_paged(mut memory: Fixture) {
    let change = append(row(run(1), "ci", 1, "running"), 0, 10);
    let Outcome::Appended { rows: stored, .. } = memory.commit(Change::Append(change)) else {
        panic!("appended");
    };
    memory.commit(Change::Append(append(row(run(2), "ci", 2, "running"), 0, 10)));
    let page = |after, limit| memory.reader.events(run(1), after, limit).expect("reads");
    let seqs = |after, limit| page(after, limit).iter().map(|row| row.seq).collect::<Vec<_>>();
    assert_eq!(seqs(0, 3), [1, 2, 3]);
    assert_eq!(seqs(8, 100), [9, 10]);
    assert_eq!(seqs(10, 100), [0; 0]);
    assert_eq!(seqs(u64::MAX, 100), [0; 0]);
    for (row, stored) in page(0, 100).iter().zip(stored) {
        assert_eq!((row.run, row.seq, &row.hash), (run(1), stored.seq, &stored.hash));
    }
}

pub fn events_of_all_runs_come_in_the_order_of_arrival(mut memory: Fixture) {
    assert_eq!(memory.reader.arrivals(0, 10).expect("reads"), []);
    assert_eq!(memory.reader.last_arrival().expect("reads"), 0);
    for (n, after, count) in [(1, 0, 2), (2, 0, 1), (1, 2, 2)] {
        let line = row(run(n), "ci", n, "running");
        memory.commit(Change::Append(append(line, after, count)));
    }
    let places = |after, limit| {
        let page = memory.reader.arrivals(after, limit).expect("reads");
        page.iter().map(|(at, row)| (*at, row.run, row.seq)).collect::<Vec<_>>()
    };
    let all = [(1, run(1), 1), (2, run(1), 2), (3, run(2), 1), (4, run(1), 3), (5, run(1), 4)];
    assert_eq!(places(0, 100), all);
    assert_eq!(places(1, 2), all[1..3]);
    assert_eq!(places(5, 100), []);
    assert_eq!(places(u64::MAX, 100), []);
    assert_eq!(memory.reader.last_arrival().expect("reads"), 5);
    let whole = memory.reader.events(run(1), 0, 100).expect("reads");
    let own: Vec<_> = memory
        .reader
        .arrivals(0, 100)
        .expect("reads")
        .into_iter()
        .map(|(_, row)| row)
        .filter(|row| row.run == run(1))
        .collect();
    assert_eq!(own, whole);
}

pub fn hashes_depend_on_the_run_and_on_what_came_before(mut memory: Fixture) {
    let mut hashes = Vec::new();
    for n in 1..=2 {
        let line = row(run(n), "ci", n, "running");
        let change = Append { events: vec![event(1), event(1)], ..append(line, 0, 0) };
        let Outcome::Appended { rows, .. } = memory.commit(Change::Append(change)) else {
            panic!("appended");
        };
        hashes.extend(rows.into_iter().map(|row| row.hash));
    }
    assert!(hashes.iter().all(|hash| hash.len() == 64));
    hashes.sort();
    hashes.dedup();
    assert_eq!(hashes.len(), 4, "the same event never has the same hash");
}

pub fn verifying_counts_runs_and_events(mut memory: Fixture) {
    let empty = memory.reader.verify().expect("verifies");
    assert_eq!((empty.runs, empty.events), (0, 0));
    memory.commit(Change::Append(append(row(run(1), "ci", 1, "running"), 0, 3)));
    let one = memory.reader.verify().expect("verifies");
    memory.commit(Change::Append(append(row(run(2), "ci", 2, "running"), 0, 4)));
    let two = memory.reader.verify().expect("verifies");
    assert_eq!((one.runs, one.events, two.runs, two.events), (1, 3, 2, 7));
    assert!(empty.head != one.head && one.head != two.head && two.head.len() == 64);
    assert_eq!(memory.reader.verify().expect("verifies"), two);
}

pub fn an_unknown_run_has_nothing(mut memory: Fixture) {
    assert_eq!(memory.writer.journal(run(1)).expect("reads"), []);
    assert_eq!(memory.reader.journal(run(1)).expect("reads"), []);
    assert_eq!(memory.reader.events(run(1), 0, 10).expect("reads"), []);
    assert_eq!(memory.reader.stages(run(1)).expect("reads"), []);
    assert_eq!(memory.reader.run(run(1)).expect("reads"), None);
    assert_eq!(memory.writer.commit(&[]).expect("commits nothing"), []);
}
