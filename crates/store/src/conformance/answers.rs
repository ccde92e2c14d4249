use jiff::SignedDuration;

use super::Fixture;
use super::sample::at;
use crate::port::{ANSWERS_KEPT, AnswerRow, Change, KeptAnswer, Outcome};

fn request(caller: &str, key: &str, digest: &str, second: i64) -> AnswerRow {
    AnswerRow {
        caller: caller.to_owned(),
        key: key.to_owned(),
        digest: digest.to_owned(),
        at: at(0).checked_add(SignedDuration::from_secs(second)).expect("a time"),
        answer: None,
    }
}

fn reserve(memory: &mut Fixture, row: &AnswerRow) -> AnswerRow {
    match memory.commit(Change::ReserveAnswer(row.clone())) {
        Outcome::Reserved(row) => *row,
        outcome => panic!("{outcome:?}"),
    }
}

pub fn a_key_keeps_the_first_request_and_its_first_answer(mut memory: Fixture) {
    let first = request("ana", "k", "one", 0);
    assert_eq!(reserve(&mut memory, &first), first);
    // Another request under the same key is told what is there; another caller's is another.
    assert_eq!(reserve(&mut memory, &request("ana", "k", "two", 5)), first);
    let other = request("bo", "k", "two", 5);
    assert_eq!(reserve(&mut memory, &other), other);

    let answer = KeptAnswer { status: 201, kind: "application/json".into(), body: b"{\xff".into() };
    let keep = |answer: &KeptAnswer| Change::KeepAnswer {
        caller: "ana".into(),
        key: "k".into(),
        answer: answer.clone(),
    };
    assert_eq!(memory.commit(keep(&answer)), Outcome::Done);
    let later = KeptAnswer { status: 409, kind: String::new(), body: Vec::new() };
    assert_eq!(memory.commit(keep(&later)), Outcome::Done);
    let known = reserve(&mut memory, &request("ana", "k", "one", 10));
    assert_eq!(known, AnswerRow { answer: Some(answer), ..first });
}

pub fn a_key_is_free_again_after_a_day(mut memory: Fixture) {
    let day = ANSWERS_KEPT.as_secs();
    let first = request("ana", "k", "one", 0);
    reserve(&mut memory, &first);
    assert_eq!(reserve(&mut memory, &request("ana", "k", "two", day - 1)), first);
    let next = request("ana", "k", "two", day);
    assert_eq!(reserve(&mut memory, &next), next);
    // Keeping an answer for a request that is forgotten keeps nothing.
    let answer = KeptAnswer { status: 200, kind: String::new(), body: Vec::new() };
    let gone = Change::KeepAnswer { caller: "cy".into(), key: "k".into(), answer };
    assert_eq!(memory.commit(gone), Outcome::Done);
}
