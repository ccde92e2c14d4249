use std::sync::Arc;

use engine::event::{Event, Occurrence, Stamped};
use pipeline::when::Facts;
use serde_json::json;

use super::Fixture;
use super::sample::{append, at, given, paused, row, run};
use crate::port::{
    Append, AuditQuery, Change, Delivery, GivenEvent, GivenQuery, GivenRow, Match, Outcome,
    Refusal, Routed, Taker, Target,
};

fn received(event: &GivenEvent) -> Stamped {
    let (id, kind) = (event.id.clone(), event.kind.clone());
    let (data, source) = (event.data.clone(), event.source.clone());
    let occurrence = Occurrence { id, kind, data, source };
    Stamped { at: event.at, event: Event::EventReceived { occurrence } }
}

fn journal(n: u64, after: u64, events: Vec<Stamped>) -> Change {
    let line = row(run(n), "ci", n, "running");
    Change::Append(Append { events, ..append(line, after, 0) })
}

pub fn an_event_is_stored_once_and_shows_who_took_it(mut memory: Fixture) {
    let one = GivenEvent { run: Some(run(2)), ..given("e1", "spec.ready", 5) };
    let stored = |number, created| Outcome::Given { number, created };
    assert_eq!(memory.commit(Change::StoreEvent(Arc::new(one.clone()))), stored(1, true));
    assert_eq!(
        memory.commit(Change::StoreEvent(Arc::new(given("e2", "spec.ready", 6)))),
        stored(2, true)
    );
    let again = GivenEvent { data: json!("another"), ..one.clone() };
    assert_eq!(memory.commit(Change::StoreEvent(Arc::new(again))), stored(1, false));
    let row = memory.reader.given_event("e1").expect("reads").expect("is there");
    assert_eq!((row.number, &row.event, row.taken_by.len()), (1, &one, 0));

    let unknown = given("from elsewhere", "spec.ready", 7);
    memory.commit_all(&[
        journal(2, 0, vec![received(&unknown), received(&one)]),
        journal(1, 0, vec![received(&one)]),
    ]);
    let row = memory.reader.given_event("e1").expect("reads").expect("is there");
    let taker = |n| Taker { run: run(n), name: format!("ci#{n}") };
    assert_eq!(row.taken_by, [taker(2), taker(1)]);
    assert_eq!(memory.reader.given_event("from elsewhere").expect("reads"), None);
}

pub fn events_from_outside_are_listed_both_ways(mut memory: Fixture) {
    for (n, kind) in (1..).zip(["a", "b", "a", "c", "b", "a"]) {
        memory.commit(Change::StoreEvent(Arc::new(given(&format!("e{n}"), kind, 10 * n))));
    }
    let list = |query: GivenQuery| -> Vec<u64> {
        let rows = memory.reader.given_events(&query).expect("reads");
        rows.iter().map(|row| row.number).collect()
    };
    let all = || GivenQuery { limit: 100, ..GivenQuery::default() };
    let oldest = || GivenQuery { oldest_first: true, ..all() };
    let kinds = |kinds: &[&str]| kinds.iter().map(|&kind| kind.to_owned()).collect::<Vec<_>>();
    assert_eq!(list(all()), [6, 5, 4, 3, 2, 1]);
    assert_eq!(list(oldest()), [1, 2, 3, 4, 5, 6]);
    assert_eq!(
        list(GivenQuery { kinds: kinds(&["a", "c", "a"]), limit: 3, ..oldest() }),
        [1, 3, 4]
    );
    assert_eq!(list(GivenQuery { kinds: kinds(&["a", "c"]), limit: 3, ..all() }), [6, 4, 3]);
    assert_eq!(list(GivenQuery { since: Some(at(40)), ..oldest() }), [4, 5, 6]);
    let next = GivenQuery { since: Some(at(20)), after: Some(2), kinds: kinds(&["b"]), ..oldest() };
    assert_eq!(list(next), [5]);
    assert_eq!(list(GivenQuery { before: Some(3), ..all() }), [2, 1]);
}

pub fn an_event_is_found_by_every_type_it_has(mut memory: Fixture) {
    let merged = GivenEvent {
        also: vec!["pull.closed".into(), "pull".into()],
        tag: Some("v1".into()),
        by: "gh".into(),
        target: Some(Target { pipeline: "ci".into(), trigger: "1".into() }),
        facts: Facts { branch: Some("main".into()), ..Facts::default() },
        delivery: Some(Delivery {
            headers: vec![("x-github-event".into(), "pull_request".into())],
            body: b"{\xff".to_vec(),
        }),
        ..given("e1", "pull.merged", 5)
    };
    memory.commit(Change::StoreEvent(Arc::new(merged.clone())));
    memory.commit(Change::StoreEvent(Arc::new(given("e2", "pull", 6))));
    let list = |kinds: &[&str], deliveries: bool| {
        let kinds = kinds.iter().map(|&kind| kind.to_owned()).collect();
        let query = GivenQuery { kinds, deliveries, limit: 9, ..GivenQuery::default() };
        memory.reader.given_events(&query).expect("reads")
    };
    let numbers = |rows: Vec<GivenRow>| rows.iter().map(|row| row.number).collect::<Vec<_>>();
    assert_eq!(numbers(list(&["pull"], false)), [2, 1]);
    assert_eq!(numbers(list(&["pull.closed"], false)), [1]);
    assert_eq!(numbers(list(&["pull.merged", "pull", "pull.closed"], false)), [2, 1]);
    assert_eq!(list(&["pull"], false)[1].event.delivery, None);
    assert_eq!(list(&["pull"], true)[1].event, merged);
    let row = memory.reader.given_event("e1").expect("reads").expect("is there");
    assert_eq!(row.event, merged);
}

pub fn an_event_is_routed_once_and_shows_what_it_started(mut memory: Fixture) {
    for n in 1..=3 {
        memory.commit(Change::StoreEvent(Arc::new(given(&format!("e{n}"), "push", n))));
    }
    let open = |memory: &Fixture| -> Vec<u64> {
        let query =
            GivenQuery { unrouted: true, oldest_first: true, limit: 9, ..GivenQuery::default() };
        let rows = memory.reader.given_events(&query).expect("reads");
        rows.iter().map(|row| row.number).collect()
    };
    assert_eq!(open(&memory), [1, 2, 3]);
    let found = |problem: &str, run| Match {
        pipeline: "ci".into(),
        trigger: "1".into(),
        run,
        problem: problem.into(),
    };
    let routed = Routed {
        id: "e2".into(),
        at: at(9),
        paths: Some(vec!["a b".into(), "ü".into()]),
        problem: String::new(),
        matches: vec![found("", Some(run(1))), found("it wants `x`", None)],
    };
    assert_eq!(memory.commit(Change::RouteEvent(routed.clone())), Outcome::Done);
    let again = Routed { matches: Vec::new(), at: at(99), ..routed.clone() };
    assert_eq!(memory.commit(Change::RouteEvent(again)), Outcome::Done);
    let unknown = Routed { id: "e3".into(), problem: "no api".into(), ..Routed::default() };
    memory.commit_all(&[Change::RouteEvent(unknown)]);
    assert_eq!(open(&memory), [1]);
    let row = |id| memory.reader.given_event(id).expect("reads").expect("is there");
    assert_eq!((row("e2").routed_at, &row("e2").matches), (Some(at(9)), &routed.matches));
    assert_eq!(row("e2").event.facts.paths, routed.paths);
    assert_eq!((&*row("e3").problem, row("e3").event.facts.paths), ("no api", None));
}

pub fn tokens_are_created_found_and_revoked(mut memory: Fixture) {
    let create = |id: &str, hash: &str| Change::CreateToken {
        id: id.into(),
        hash: hash.into(),
        user: "bo".into(),
        admin: id == "t1",
        name: "laptop".into(),
        scopes: (id == "t2").then(|| vec!["read".into()]),
        expires_at: (id == "t2").then(|| at(99)),
        by: "ana".into(),
        at: at(1),
    };
    let revoke = |id: &str, ms| Change::RevokeToken { id: id.into(), by: "ana".into(), at: at(ms) };
    let exists = |id: &str| Outcome::Refused(Refusal::TokenExists { id: id.into() });
    assert_eq!(memory.commit(create("t1", "h1")), Outcome::Done);
    assert_eq!(memory.commit(create("t2", "h2")), Outcome::Done);
    assert_eq!(memory.commit(create("t1", "h3")), exists("t1"));
    assert_eq!(memory.commit(create("t3", "h2")), exists("t3"));
    let one = memory.reader.token_by_hash("h1").expect("reads").expect("is there");
    assert_eq!((one.id.as_str(), one.user.as_str(), one.admin), ("t1", "bo", true));
    assert_eq!((one.created_at, one.created_by.as_str(), one.revoked_at), (at(1), "ana", None));
    assert_eq!((one.name.as_str(), one.scopes, one.expires_at), ("laptop", None, None));
    let two = memory.reader.token_by_hash("h2").expect("reads").expect("is there");
    assert_eq!((two.scopes, two.expires_at), (Some(vec!["read".to_owned()]), Some(at(99))));
    assert_eq!(memory.commit(revoke("t2", 8)), Outcome::Done);
    assert_eq!(memory.commit(revoke("t2", 9)), Outcome::Done, "once is enough");
    let missing = Outcome::Refused(Refusal::NoSuchToken { id: "t3".into() });
    assert_eq!(memory.commit(revoke("t3", 9)), missing);
    assert_eq!(memory.reader.token_by_hash("h3").expect("reads"), None);
    let all = memory.reader.tokens().expect("reads");
    let seen: Vec<_> = all.iter().map(|token| (token.id.as_str(), token.revoked_at)).collect();
    assert_eq!(seen, [("t1", None), ("t2", Some(at(8)))]);
}

fn created(memory: &mut Fixture, numbers: std::ops::RangeInclusive<u64>) {
    for n in numbers {
        let line = row(run(n), "ci", n, "succeeded");
        memory.commit(Change::Append(append(line, 0, 1)));
    }
}

fn rewind(to: u64) -> Change {
    Change::RewindPipeline { pipeline: "ci".into(), to, by: "ana".into(), at: at(50) }
}

fn undo() -> Change {
    Change::UndoRewind { pipeline: "ci".into(), by: "bo".into(), at: at(60) }
}

fn rewound(runs: &[u64]) -> Outcome {
    Outcome::Rewound { runs: runs.to_vec() }
}

fn superseded(memory: &Fixture) -> Vec<u64> {
    let runs = (1..=9).filter_map(|n| memory.reader.run(run(n)).expect("reads"));
    runs.filter(|row| row.superseded).map(|row| row.number).collect()
}

fn latest(memory: &Fixture) -> Option<u64> {
    memory.reader.latest("ci").expect("reads").map(|row| row.number)
}

pub fn a_rewind_supersedes_later_runs_until_it_is_undone(mut memory: Fixture) {
    assert_eq!(latest(&memory), None);
    created(&mut memory, 1..=4);
    memory.commit(Change::Append(append(row(run(7), "cd", 9, "running"), 0, 1)));
    assert_eq!(latest(&memory), Some(4));
    let missing = Refusal::NoSuchRun { pipeline: "ci".into(), number: 9 };
    assert_eq!(memory.commit(rewind(9)), Outcome::Refused(missing));
    let already = Refusal::LatestAlready { pipeline: "ci".into(), number: 4 };
    assert_eq!(memory.commit(rewind(4)), Outcome::Refused(already));
    assert_eq!(memory.commit(rewind(2)), rewound(&[3, 4]));
    assert_eq!((superseded(&memory), latest(&memory)), (vec![3, 4], Some(2)));
    // A run that goes on by itself stays superseded.
    memory.commit(Change::Append(append(row(run(4), "ci", 4, "failed"), 1, 1)));
    assert_eq!(superseded(&memory), [3, 4]);

    assert_eq!(memory.commit(undo()), rewound(&[3, 4]));
    assert_eq!((superseded(&memory), latest(&memory)), (vec![], Some(4)));
    let none = Refusal::NoRewind { pipeline: "ci".into() };
    assert_eq!(memory.commit(undo()), Outcome::Refused(none));
    let history = memory.reader.rewinds(Some("ci"), 9).expect("reads");
    assert_eq!(history.len(), 1);
    let row = &history[0];
    assert_eq!((row.number, row.to, row.by.as_str(), row.at), (1, 2, "ana", at(50)));
    assert_eq!((&*row.superseded, row.undone_by.as_deref()), (&[3, 4][..], Some("bo")));
    assert_eq!(row.undone_at, Some(at(60)));
    assert_eq!(memory.reader.rewinds(Some("cd"), 9).expect("reads"), []);
    assert_eq!(memory.reader.rewinds(None, 9).expect("reads"), history);
}

pub fn a_rewind_stands_once_a_run_was_created_after_it(mut memory: Fixture) {
    created(&mut memory, 1..=3);
    // In one commit: the rewind sees no run that comes after it, the undo does.
    let line = row(run(4), "ci", 4, "running");
    let outcomes = memory.commit_all(&[rewind(1), Change::Append(append(line, 0, 1)), undo()]);
    assert_eq!(outcomes[0], rewound(&[2, 3]));
    let over = Refusal::RewindOver { pipeline: "ci".into(), number: 4 };
    assert_eq!(outcomes[2], Outcome::Refused(over));
    assert_eq!((superseded(&memory), latest(&memory)), (vec![2, 3], Some(4)));
    assert_eq!(memory.writer.next_run_number("ci").expect("reads"), 5);
    // And in one commit with the run that it supersedes.
    let line = row(run(5), "ci", 5, "pending");
    let mut outcomes = memory.commit_all(&[Change::Append(append(line, 0, 1)), rewind(4)]);
    assert_eq!(outcomes.remove(1), rewound(&[5]));
    assert_eq!((superseded(&memory), latest(&memory)), (vec![2, 3, 5], Some(4)));
}

pub fn rewinds_of_rewinds_are_undone_one_by_one(mut memory: Fixture) {
    created(&mut memory, 1..=4);
    assert_eq!(memory.commit(rewind(1)), rewound(&[2, 3, 4]));
    // To a run that was superseded itself: nothing later is there to be superseded.
    assert_eq!(memory.commit(rewind(3)), rewound(&[]));
    assert_eq!((superseded(&memory), latest(&memory)), (vec![2, 4], Some(3)));
    assert_eq!(memory.commit(undo()), rewound(&[]));
    assert_eq!((superseded(&memory), latest(&memory)), (vec![2, 3, 4], Some(1)));
    assert_eq!(memory.commit(undo()), rewound(&[2, 3, 4]));
    assert_eq!((superseded(&memory), latest(&memory)), (vec![], Some(4)));
}

pub fn decisions_are_listed_newest_first_with_filters(mut memory: Fixture) {
    let resumed = |by: &str, ms| Stamped { at: at(ms), event: Event::RunResumed { by: by.into() } };
    let work = Stamped { at: at(0), event: Event::RunStarted };
    memory.commit_all(&[
        journal(1, 0, vec![work.clone(), paused("ana", 10), resumed("bo", 20)]),
        journal(2, 0, vec![paused("bo", 30), work]),
        // The clock was set back.
        journal(1, 3, vec![paused("ana", 15)]),
    ]);
    let list = |query: AuditQuery| -> Vec<(u64, u64)> {
        let rows = memory.reader.audit(&query).expect("reads");
        rows.iter().map(|row| (row.position, row.seq)).collect()
    };
    let all = || AuditQuery { limit: 100, ..AuditQuery::default() };
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(list(all()), [(6, 4), (4, 1), (3, 3), (2, 2)]);
    assert_eq!(list(AuditQuery { before: Some(6), limit: 2, ..all() }), [(4, 1), (3, 3)]);
    assert_eq!(list(AuditQuery { run: Some(run(1)), ..all() }), [(6, 4), (3, 3), (2, 2)]);
    assert_eq!(list(AuditQuery { by: text("bo"), ..all() }), [(4, 1), (3, 3)]);
    assert_eq!(list(AuditQuery { action: text("run.paused"), ..all() }), [(6, 4), (4, 1), (2, 2)]);
    let both = AuditQuery { action: text("run.paused"), by: text("ana"), ..all() };
    assert_eq!(list(both.clone()), [(6, 4), (2, 2)]);
    assert_eq!(list(AuditQuery { run: Some(run(2)), ..both }), [(0, 0); 0]);
    assert_eq!(list(AuditQuery { since: Some(at(15)), ..all() }), [(6, 4), (4, 1), (3, 3)]);
    let between = AuditQuery { since: Some(at(11)), until: Some(at(20)), ..all() };
    assert_eq!(list(between), [(6, 4)]);
    assert_eq!(list(AuditQuery { until: Some(at(10)), ..all() }), [(0, 0); 0]);
    assert_eq!(list(AuditQuery { since: Some(at(31)), ..all() }), [(0, 0); 0]);

    let row = memory.reader.audit(&AuditQuery { limit: 1, ..all() }).expect("reads").remove(0);
    assert_eq!((row.run, row.run_name.as_str(), row.by.as_str()), (run(1), "ci#1", "ana"));
    assert_eq!((row.action.as_str(), row.event), ("run.paused", paused("ana", 15)));
    let event = memory.reader.events(run(1), 3, 1).expect("reads").remove(0);
    assert_eq!(row.hash, event.hash);
}
