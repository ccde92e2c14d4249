use super::Fixture;
use super::sample::{append, at, event, given, paused, row, run};
use crate::port::{Append, Change, Error, GivenQuery, Outcome, RunRow, TrailQuery, Upkeep};

fn empty(n: u64) -> Change {
    Change::Upkeep(Upkeep::EmptyRun { run: run(n), by: "retention".to_owned(), at: at(5_000) })
}

fn finished(n: u64) -> RunRow {
    RunRow { finished: true, finished_at: Some(at(100 * n)), ..row(run(n), "ci", n, "succeeded") }
}

pub fn an_emptied_run_keeps_its_decisions_and_its_proof(mut memory: Fixture) {
    let base = append(row(run(1), "ci", 1, "running"), 0, 0);
    let events = vec![event(1), paused("ana", 2), event(3), event(4)];
    memory.commit(Change::Append(Append { events, ..base }));
    memory.commit(Change::Append(append(row(run(2), "ci", 2, "running"), 0, 2)));
    assert_eq!(memory.commit(empty(1)), Outcome::Upkept { count: 0 }, "it has not finished");
    memory.commit(Change::Append(append(finished(1), 4, 1)));
    let before = memory.reader.verify().expect("verifies");
    let whole = memory.reader.events(run(1), 0, 100).expect("reads");
    assert_eq!(memory.reader.emptied(run(1)).expect("reads"), None);
    assert_eq!(memory.reader.emptiable(at(100), 9).expect("reads"), []);
    assert_eq!(memory.reader.emptiable(at(101), 9).expect("reads"), [finished(1)]);

    let decisions: Vec<_> =
        whole.iter().filter(|row| crate::audit::decided_by(&row.event.event).is_some()).collect();
    let emptied = (whole.len() - decisions.len()) as u64;
    assert!(emptied > 0 && !decisions.is_empty());
    assert_eq!(memory.commit(empty(1)), Outcome::Upkept { count: emptied });
    assert_eq!(memory.commit(empty(1)), Outcome::Upkept { count: 0 }, "once is enough");

    assert_eq!(memory.reader.emptied(run(1)).expect("reads"), Some(at(5_000)));
    assert_eq!(memory.reader.emptiable(at(101), 9).expect("reads"), []);
    let left = memory.reader.events(run(1), 0, 100).expect("reads");
    assert!(left.iter().eq(decisions), "{left:?}");
    assert!(matches!(memory.reader.journal(run(1)), Err(Error::Emptied { .. })));
    assert!(matches!(memory.writer.journal(run(1)), Err(Error::Emptied { .. })));
    assert_eq!(memory.reader.run(run(1)).expect("reads"), Some(finished(1)));
    let after = memory.reader.verify().expect("verifies");
    assert_eq!((after.events, after.head), (before.events, before.head));
    let query =
        TrailQuery { action: Some("run.emptied".into()), limit: 9, ..TrailQuery::default() };
    let trail = memory.reader.trail(&query).expect("reads");
    assert_eq!(trail.len(), 1);
    assert_eq!(trail[0].entry.subject, run(1).to_string());
    // Others are as they were, and go on.
    assert_eq!(memory.reader.journal(run(2)).expect("reads").len(), 2);
    memory.commit(Change::Append(append(row(run(2), "ci", 2, "running"), 2, 2)));
    memory.reader.verify().expect("verifies");
}

pub fn old_events_lose_their_content_and_keep_their_ids(mut memory: Fixture) {
    for (id, time) in [("a", 10), ("b", 20)] {
        memory.commit(Change::StoreEvent(given(id, "push", time).into()));
    }
    let forget = || Change::Upkeep(Upkeep::ForgetEvents { before: at(15) });
    let routed = |row: &crate::port::GivenRow| row.routed_at.is_some();
    let query = GivenQuery { limit: 9, ..GivenQuery::default() };
    let before = memory.reader.given_events(&query).expect("reads");
    let expected = before.iter().filter(|row| row.event.at < at(15) && routed(row)).count() as u64;
    assert_eq!(memory.reader.forgettable(at(15)).expect("reads"), (expected, 0));
    assert_eq!(memory.commit(forget()), Outcome::Upkept { count: expected });
    assert_eq!(memory.commit(forget()), Outcome::Upkept { count: 0 });
    for row in memory.reader.given_events(&query).expect("reads") {
        let forgotten = row.event.at < at(15) && routed(&row);
        assert_eq!(row.event.data.is_null(), forgotten, "{row:?}");
    }
    let again = memory.commit(Change::StoreEvent(given("a", "push", 30).into()));
    assert!(matches!(again, Outcome::Given { created: false, .. }), "{again:?}");
}
