use serde_json::json;

use super::Fixture;
use super::sample::{append, artifact, at, request, row, run};
use crate::port::{
    Append, ArtifactQuery, ArtifactRow, Change, Open, Outcome, Refusal, RequestKind, RequestQuery,
    RequestRow, RunRow, Tally,
};
use RequestKind::{Approval, Input};

/// Appends one event with these rows; gives their numbers.
fn asked(
    memory: &mut Fixture,
    n: u64,
    after: u64,
    requests: Vec<RequestRow>,
    artifacts: Vec<ArtifactRow>,
) -> (Vec<u64>, Vec<u64>) {
    let base = append(row(run(n), "ci", n, "running"), after, 1);
    match memory.commit(Change::Append(Append { requests, artifacts, ..base })) {
        Outcome::Appended { requests, artifacts, .. } => (requests, artifacts),
        other => panic!("{other:?}"),
    }
}

pub fn requests_are_numbered_once_in_one_counter(mut memory: Fixture) {
    let first = vec![request(Approval, "a", 1, "pending"), request(Input, "a", 1, "open")];
    assert_eq!(asked(&mut memory, 1, 0, first, Vec::new()).0, [1, 2]);
    let other_run = vec![request(Approval, "a", 1, "pending")];
    assert_eq!(asked(&mut memory, 2, 0, other_run, Vec::new()).0, [3]);
    let mut voted = request(Approval, "a", 1, "approved");
    voted.opened_at = at(999);
    voted.due_at = None;
    let next =
        vec![voted, request(Approval, "a", 2, "pending"), request(Approval, "a[1]", 1, "pending")];
    assert_eq!(asked(&mut memory, 1, 1, next, Vec::new()).0, [1, 4, 5]);

    let found = memory.reader.request(1).expect("reads").expect("is there");
    let expected = request(Approval, "a", 1, "approved");
    assert_eq!(found, RequestRow { number: 1, run: run(1), due_at: None, ..expected });
    let found = memory.reader.request(3).expect("reads").expect("is there");
    let expected = request(Approval, "a", 1, "pending");
    assert_eq!(found, RequestRow { number: 3, run: run(2), ..expected });
    assert_eq!(memory.reader.request(0).expect("reads"), None);
    assert_eq!(memory.reader.request(6).expect("reads"), None);
    assert_eq!(memory.reader.request(u64::MAX).expect("reads"), None);
}

pub fn requests_are_filtered_and_paged(mut memory: Fixture) {
    let words = ["pending", "approved", "rejected"];
    for n in 1..=3 {
        let of_run = (1..=4).map(|g| {
            let (kind, status) =
                if g % 2 == 0 { (Input, "open") } else { (Approval, words[n as usize - 1]) };
            request(kind, "a", g, status)
        });
        asked(&mut memory, n, 0, of_run.collect(), Vec::new());
    }
    let list = |query: RequestQuery| -> Vec<u64> {
        let rows = memory.reader.requests(&query).expect("reads");
        rows.iter().map(|row| row.number).collect()
    };
    let all = || RequestQuery { limit: 100, ..RequestQuery::default() };
    let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
    assert_eq!(list(all()), [12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
    assert_eq!(list(RequestQuery { before: Some(6), limit: 2, ..all() }), [5, 4]);
    assert_eq!(list(RequestQuery { kind: Some(Input), ..all() }), [12, 10, 8, 6, 4, 2]);
    assert_eq!(
        list(RequestQuery { statuses: words(&["pending", "open"]), limit: 4, ..all() }),
        [12, 10, 8, 6]
    );
    let approved = RequestQuery { kind: Some(Approval), statuses: words(&["approved"]), ..all() };
    assert_eq!(list(approved.clone()), [7, 5]);
    assert_eq!(list(RequestQuery { run: Some(run(1)), ..approved }), [0; 0]);
    assert_eq!(list(RequestQuery { run: Some(run(2)), ..all() }), [8, 7, 6, 5]);
    let page = RequestQuery { run: Some(run(2)), kind: Some(Input), before: Some(8), ..all() };
    assert_eq!(list(page), [6]);
    assert_eq!(list(RequestQuery { run: Some(run(9)), ..all() }), [0; 0]);
}

pub fn a_refused_append_numbers_nothing(mut memory: Fixture) {
    let base = append(row(run(1), "ci", 1, "running"), 7, 1);
    let requests = vec![request(Approval, "a", 1, "pending")];
    let artifacts = vec![artifact("a", 1, "plan", "staged")];
    let refused = memory.commit(Change::Append(Append { requests, artifacts, ..base }));
    assert_eq!(refused, Outcome::Refused(Refusal::SequenceMoved { current: 0, expected: 7 }));
    assert_eq!(memory.reader.request(1).expect("reads"), None);
    assert_eq!(memory.reader.artifact(1).expect("reads"), None);
}

pub fn drafts_last_until_the_form_is_closed(mut memory: Fixture) {
    let upon = |n, by: &str, seen| Change::SaveDraft {
        request: n,
        values: json!({ "version": by, "none": null }),
        seen,
        by: by.into(),
        at: at(7),
    };
    let save = |n, by: &str| upon(n, by, None);
    let missing = Outcome::Refused(Refusal::NoSuchRequest { number: 1 });
    assert_eq!(memory.commit(save(1, "ana")), missing);
    asked(&mut memory, 1, 0, vec![request(Input, "a", 1, "open")], Vec::new());
    assert_eq!(memory.reader.draft(1).expect("reads"), None);
    let moved = Outcome::Refused(Refusal::DraftMoved { number: 1 });
    assert_eq!(memory.commit(upon(1, "ana", Some(Some(at(7))))), moved);
    assert_eq!(memory.commit(upon(1, "ana", Some(None))), Outcome::Done);
    assert_eq!(memory.commit(upon(1, "bo", Some(None))), moved);
    assert_eq!(memory.reader.draft(1).expect("reads").expect("is there").at, at(7));
    // Nobody else's draft has the same time, not even one of the same moment.
    assert_eq!(memory.commit(upon(1, "bo", Some(Some(at(7))))), Outcome::Done);
    assert_eq!(memory.commit(upon(1, "ana", Some(Some(at(7))))), moved);
    let draft = memory.reader.draft(1).expect("reads").expect("is there");
    assert_eq!((draft.request, draft.by.as_str()), (1, "bo"));
    assert!(draft.at > at(7) && draft.at < at(8), "{}", draft.at);
    assert_eq!(draft.values, json!({ "version": "bo", "none": null }));
    asked(&mut memory, 1, 1, vec![request(Input, "a", 1, "submitted")], Vec::new());
    let closed = Refusal::RequestClosed { number: 1, status: "submitted".into() };
    assert_eq!(memory.commit(save(1, "ana")), Outcome::Refused(closed));
    assert_eq!(memory.reader.draft(1).expect("reads").expect("stays").by, "bo");
}

pub fn artifacts_are_numbered_once_and_change_their_status(mut memory: Fixture) {
    let mut of_a_form = artifact("a", 0, "answers", "staged");
    of_a_form.generation = 1;
    let mut again = of_a_form.clone();
    again.generation = 2;
    let first = vec![artifact("a", 1, "plan", "staged"), of_a_form.clone(), again];
    assert_eq!(asked(&mut memory, 1, 0, Vec::new(), first).1, [1, 2, 3]);
    let mut promoted = artifact("a", 1, "plan", "promoted");
    promoted.digest = "another".into();
    let next = vec![promoted, artifact("a", 2, "plan", "staged")];
    assert_eq!(asked(&mut memory, 1, 1, Vec::new(), next).1, [1, 4]);

    let one = |n| memory.reader.artifact(n).expect("reads").expect("is there");
    let expected = artifact("a", 1, "plan", "promoted");
    assert_eq!(one(1), ArtifactRow { number: 1, run: run(1), ..expected });
    assert_eq!(one(2), ArtifactRow { number: 2, run: run(1), ..of_a_form });
    let numbers = vec![2, 4, 99];
    assert_eq!(memory.commit(Change::DropArtifacts { numbers }), Outcome::Done);
    let status = |n| memory.reader.artifact(n).expect("reads").expect("is there").status;
    assert_eq!(
        [status(1), status(2), status(3), status(4)],
        ["promoted", "dropped", "staged", "dropped"]
    );
}

pub fn artifacts_are_filtered_and_paged(mut memory: Fixture) {
    for n in 1..=2 {
        let rows = vec![
            artifact("plan", 1, "plan", "promoted"),
            artifact("plan[2]", 1, "plan", "staged"),
            artifact("planner", 2, "plan", "superseded"),
        ];
        asked(&mut memory, n, 0, Vec::new(), rows);
    }
    let list = |query: ArtifactQuery| -> Vec<u64> {
        let rows = memory.reader.artifacts(&query).expect("reads");
        rows.iter().map(|row| row.number).collect()
    };
    let all = || ArtifactQuery { limit: 100, ..ArtifactQuery::default() };
    let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
    assert_eq!(list(all()), [6, 5, 4, 3, 2, 1]);
    assert_eq!(list(ArtifactQuery { before: Some(5), limit: 2, ..all() }), [4, 3]);
    assert_eq!(list(ArtifactQuery { run: Some(run(1)), ..all() }), [3, 2, 1]);
    let plan = ArtifactQuery { run: Some(run(2)), stage: Some("plan".into()), ..all() };
    assert_eq!(list(plan), [5, 4], "its instances, and no stage whose name begins alike");
    let two = ArtifactQuery { statuses: words(&["staged", "superseded"]), ..all() };
    assert_eq!(list(two), [6, 5, 3, 2]);
    let digest = Some(format!("{:064x}", 2));
    assert_eq!(list(ArtifactQuery { digest: digest.clone(), ..all() }), [6, 3]);
    assert_eq!(list(ArtifactQuery { digest, run: Some(run(1)), ..all() }), [3]);
}

pub fn what_waits_is_counted(mut memory: Fixture) {
    assert_eq!(memory.reader.tally().expect("reads"), Tally::default());
    let mut late = request(Approval, "a", 2, "pending");
    late.opened_at = at(9_000);
    let asks = vec![
        late,
        request(Approval, "a", 1, "pending"),
        request(Approval, "b", 1, "approved"),
        request(Input, "c", 1, "open"),
        request(Input, "d", 1, "void"),
    ];
    asked(&mut memory, 1, 0, asks, Vec::new());
    for (n, status) in [(2, "running"), (3, "waiting"), (4, "succeeded")] {
        let row = RunRow { finished: status == "succeeded", ..row(run(n), "ci", n, status) };
        memory.commit(Change::Append(append(row, 0, 1)));
    }
    let opened = request(Approval, "a", 1, "pending").opened_at;
    let tally = memory.reader.tally().expect("reads");
    assert_eq!(tally.runs, [("running".to_owned(), 2), ("waiting".to_owned(), 1)]);
    assert_eq!(tally.approvals, Open { count: 2, oldest: Some(opened.min(at(9_000))) });
    assert_eq!(tally.inputs, Open { count: 1, oldest: Some(opened) });
}
