use serde_json::json;

use super::Fixture;
use super::sample::{append, at, request, row, run};
use crate::port::{
    AboutRequest, Append, Change, NewNotice, NoticeMove, NoticeQuery, NoticeStatus, OpenNotices,
    Outcome, Refusal, RequestKind,
};

fn notice(key: &str, target: &str, ms: u64) -> NewNotice {
    NewNotice {
        key: key.into(),
        target: target.into(),
        kind: "run.failed".into(),
        about: None,
        content: json!({ "says": key }),
        at: at(ms),
    }
}

fn told(n: u64, notices: Vec<NewNotice>) -> Change {
    Change::Append(Append { notices, ..append(row(run(n), "ci", n, "running"), 0, 1) })
}

fn moved(number: u64, status: NoticeStatus, problem: &str, ms: u64) -> Change {
    let problem = problem.into();
    Change::MoveNotice(NoticeMove { number, status, problem, due_at: at(ms + 100), at: at(ms) })
}

fn numbers(memory: &Fixture, query: NoticeQuery) -> Vec<u64> {
    let query = NoticeQuery { limit: if query.limit == 0 { 99 } else { query.limit }, ..query };
    let rows = memory.reader.notices(&query).expect("reads");
    rows.iter().map(|row| row.number).collect()
}

pub fn notices_are_stored_with_their_events_and_know_their_request(mut memory: Fixture) {
    let about = |generation| {
        Some(AboutRequest { execution: "deploy".into(), gate: "start".into(), generation })
    };
    let asked = NewNotice { about: about(2), ..notice("k1", "ops", 5) };
    let unknown = NewNotice { about: about(9), ..notice("k2", "ops", 6) };
    let base = append(row(run(1), "ci", 1, "running"), 0, 1);
    let requests = vec![
        request(RequestKind::Approval, "deploy", 1, "void"),
        request(RequestKind::Approval, "deploy", 2, "pending"),
    ];
    memory.commit(Change::Append(Append { requests, notices: vec![asked, unknown], ..base }));
    let one = memory.reader.notice(1).expect("reads").expect("is there");
    assert_eq!((one.key.as_str(), one.target.as_str(), one.run), ("k1", "ops", run(1)));
    assert_eq!((one.request, one.status, one.attempts), (Some(2), NoticeStatus::Waiting, 0));
    assert_eq!((one.created_at, one.since, one.due_at), (at(5), at(5), at(5)));
    assert_eq!((one.content, one.settled_at), (json!({ "says": "k1" }), None));
    assert_eq!(memory.reader.notice(2).expect("reads").expect("is there").request, None);
    assert_eq!(memory.reader.notice(3).expect("reads"), None);
    // A refused append tells nobody, and what is known is not told again.
    let refused = memory.commit(Change::Append(Append {
        notices: vec![notice("k3", "ops", 7)],
        ..append(row(run(1), "ci", 1, "running"), 5, 1)
    }));
    assert!(matches!(refused, Outcome::Refused(_)), "{refused:?}");
    memory.commit(told(2, vec![notice("k1", "chat", 8), notice("k4", "chat", 8)]));
    assert_eq!(numbers(&memory, NoticeQuery::default()), [3, 2, 1]);
}

pub fn a_notice_moves_until_it_is_delivered_or_given_up(mut memory: Fixture) {
    memory.commit(told(1, vec![notice("k1", "ops", 1), notice("k2", "ops", 2)]));
    memory.commit(moved(1, NoticeStatus::Waiting, "HTTP 503", 10));
    let one = memory.reader.notice(1).expect("reads").expect("is there");
    assert_eq!((one.status, one.attempts, &*one.problem), (NoticeStatus::Waiting, 1, "HTTP 503"));
    assert_eq!((one.since, one.due_at, one.settled_at), (at(1), at(110), None));
    memory.commit(moved(1, NoticeStatus::GivenUp, "HTTP 500", 20));
    memory.commit(moved(1, NoticeStatus::Delivered, "", 30));
    let one = memory.reader.notice(1).expect("reads").expect("is there");
    assert_eq!((one.status, one.attempts), (NoticeStatus::GivenUp, 2), "what rests stays");
    assert_eq!((&*one.problem, one.settled_at), ("HTTP 500", Some(at(20))));

    let again = |number| Change::RetryNotice { number, at: at(40) };
    assert_eq!(memory.commit(again(1)), Outcome::Done);
    let one = memory.reader.notice(1).expect("reads").expect("is there");
    assert_eq!((one.status, one.attempts, one.settled_at), (NoticeStatus::Waiting, 0, None));
    assert_eq!((one.created_at, one.since, one.due_at), (at(1), at(40), at(40)));
    memory.commit(moved(1, NoticeStatus::Delivered, "", 50));
    let delivered = Refusal::NoticeDelivered { number: 1 };
    assert_eq!(memory.commit(again(1)), Outcome::Refused(delivered));
    let missing = Refusal::NoSuchNotice { number: 9 };
    assert_eq!(memory.commit(again(9)), Outcome::Refused(missing));
    assert_eq!(memory.commit(moved(9, NoticeStatus::Delivered, "", 60)), Outcome::Done);
}

pub fn notices_are_listed_by_target_status_and_run(mut memory: Fixture) {
    let targets = ["ops", "chat", "ops", "mail", "ops", "chat"];
    let six = (1..).zip(targets).map(|(n, target)| notice(&format!("k{n}"), target, n)).collect();
    memory.commit(told(1, six));
    memory.commit(told(2, vec![notice("k7", "ops", 9)]));
    memory.commit(moved(1, NoticeStatus::Delivered, "", 10));
    memory.commit(moved(2, NoticeStatus::GivenUp, "no", 10));
    memory.commit(moved(4, NoticeStatus::Delivered, "", 10));
    let of = |target: &str| NoticeQuery { target: Some(target.into()), ..NoticeQuery::default() };
    let waiting = vec![NoticeStatus::Waiting];
    let all = NoticeQuery::default;
    assert_eq!(numbers(&memory, all()), [7, 6, 5, 4, 3, 2, 1]);
    assert_eq!(numbers(&memory, NoticeQuery { before: Some(4), limit: 2, ..all() }), [3, 2]);
    assert_eq!(numbers(&memory, of("ops")), [7, 5, 3, 1]);
    let next = NoticeQuery { statuses: waiting.clone(), oldest_first: true, limit: 1, ..of("ops") };
    assert_eq!(numbers(&memory, next), [3]);
    let open = vec![NoticeStatus::GivenUp, NoticeStatus::Waiting, NoticeStatus::Waiting];
    assert_eq!(numbers(&memory, NoticeQuery { statuses: open, ..all() }), [7, 6, 5, 3, 2]);
    assert_eq!(numbers(&memory, NoticeQuery { run: Some(run(2)), ..all() }), [7]);
    let run = Some(run(1));
    assert_eq!(numbers(&memory, NoticeQuery { run, statuses: waiting, ..of("ops") }), [5, 3]);
    let counts =
        |target: &str, waiting, given_up| OpenNotices { target: target.into(), waiting, given_up };
    let open = memory.reader.open_notices().expect("reads");
    assert_eq!(open, [counts("chat", 1, 1), counts("ops", 3, 0)]);
}
