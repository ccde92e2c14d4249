use serde_json::json;

use super::Fixture;
use super::sample::at;
use crate::port::{
    AccountChange, AccountRefusal, Change, Expect, Outcome, Refusal, SecretRow, SessionRow,
    TrailEntry, TrailQuery, UserRow,
};

fn user(name: &str, n: u64) -> UserRow {
    UserRow {
        name: name.into(),
        full_name: "Somebody".into(),
        email: format!("{name}@example.com"),
        roles: vec!["viewer".into()],
        groups: Vec::new(),
        password: Some("$argon2id$1".into()),
        subject: None,
        disabled_at: None,
        created_at: at(n),
        created_by: "ana".into(),
        updated_at: at(n),
    }
}

fn account(change: AccountChange) -> Change {
    Change::Account(Box::new(change))
}

fn put(user: UserRow, create: bool) -> Change {
    account(AccountChange::PutUser { user, create, by: "ana".into() })
}

fn refused(refusal: AccountRefusal) -> Outcome {
    Outcome::Refused(Refusal::Account(refusal))
}

fn trail(memory: &Fixture, query: TrailQuery) -> Vec<(String, String, String)> {
    let rows = memory.reader.trail(&query).expect("reads");
    rows.into_iter().map(|row| (row.entry.action, row.entry.subject, row.entry.by)).collect()
}

fn all() -> TrailQuery {
    TrailQuery { limit: 100, ..TrailQuery::default() }
}

pub fn users_are_created_once_changed_and_found(mut memory: Fixture) {
    const SUBJECT: &str = "https://id.example s1";
    let subject = Some(SUBJECT.to_owned());
    assert_eq!(
        memory.commit(put(user("bo", 1), false)),
        refused(AccountRefusal::NoSuchUser { name: "bo".into() })
    );
    assert_eq!(memory.commit(put(user("bo", 1), true)), Outcome::Done);
    let exists = refused(AccountRefusal::UserExists { name: "bo".into() });
    assert_eq!(memory.commit(put(user("bo", 2), true)), exists);
    let changed = UserRow {
        roles: vec!["admin".into(), "approver".into()],
        subject: subject.clone(),
        disabled_at: Some(at(5)),
        created_by: "mallory".into(),
        password: None,
        ..user("bo", 4)
    };
    assert_eq!(memory.commit(put(changed.clone(), false)), Outcome::Done);
    let found = memory.reader.user("bo").expect("reads").expect("is there");
    let origin = UserRow { created_at: at(1), created_by: "ana".into(), ..changed };
    assert_eq!(found, origin, "who created it stays");
    let other = UserRow { subject, ..user("al", 6) };
    let taken = refused(AccountRefusal::SubjectTaken { name: "al".into() });
    assert_eq!(memory.commit(put(other, true)), taken);
    assert_eq!(memory.commit(put(user("al", 7), true)), Outcome::Done);
    let names: Vec<String> =
        memory.reader.users().expect("reads").into_iter().map(|user| user.name).collect();
    assert_eq!(names, ["al", "bo"]);
    let by_subject = |subject: &str| memory.reader.user_by_subject(subject).expect("reads");
    assert_eq!(by_subject(SUBJECT).expect("is there").name, "bo");
    assert_eq!(by_subject("https://id.example s2"), None);
    assert_eq!(memory.reader.user("cy").expect("reads"), None);
}

pub fn sessions_are_opened_used_and_ended(mut memory: Fixture) {
    let session = |id: &str, user: &str| SessionRow {
        id: id.into(),
        hash: format!("hash of {id}"),
        user: user.into(),
        admin: id == "s1",
        scopes: (id == "s2").then(|| vec!["read".into()]),
        via: "password".into(),
        created_at: at(1),
        used_at: at(1),
        ended_at: None,
    };
    let open = |one: SessionRow| account(AccountChange::OpenSession { session: one });
    for (id, user) in [("s1", "bo"), ("s2", "bo"), ("s3", "al")] {
        assert_eq!(memory.commit(open(session(id, user))), Outcome::Done);
    }
    let exists = refused(AccountRefusal::SessionExists { id: "s1".into() });
    assert_eq!(memory.commit(open(session("s1", "bo"))), exists);
    let used = AccountChange::Used {
        tokens: vec![("t9".into(), at(2))],
        sessions: vec![("s2".into(), at(9)), ("s9".into(), at(9)), ("s1".into(), at(0))],
    };
    assert_eq!(memory.commit(account(used)), Outcome::Done);
    let end = |id: &str, n| {
        account(AccountChange::EndSession { id: id.into(), by: "bo".into(), at: at(n) })
    };
    assert_eq!(memory.commit(end("s1", 3)), Outcome::Done);
    assert_eq!(memory.commit(end("s1", 4)), Outcome::Done, "once is enough");
    let missing = refused(AccountRefusal::NoSuchSession { id: "s9".into() });
    assert_eq!(memory.commit(end("s9", 4)), missing);
    let all = AccountChange::EndSessions { user: "bo".into(), by: "ana".into(), at: at(7) };
    assert_eq!(memory.commit(account(all)), Outcome::Done);
    let found = |hash: &str| memory.reader.session_by_hash(hash).expect("reads");
    let ended = SessionRow { ended_at: Some(at(3)), ..session("s1", "bo") };
    assert_eq!(found("hash of s1"), Some(ended), "its end is the first one");
    let second = found("hash of s2").expect("is there");
    assert_eq!((second.used_at, second.ended_at), (at(9), Some(at(7))));
    assert_eq!(second.scopes, Some(vec!["read".to_owned()]));
    assert_eq!(found("hash of s3"), Some(session("s3", "al")));
    assert_eq!(found("hash of s4"), None);
    let ids = |user: Option<&str>, limit| -> Vec<String> {
        let rows = memory.reader.sessions(user, limit).expect("reads");
        rows.into_iter().map(|row| row.id).collect()
    };
    assert_eq!(ids(None, 2), ["s3", "s2"]);
    assert_eq!(ids(Some("bo"), 9), ["s2", "s1"]);
}

pub fn secrets_are_put_sealed_again_and_removed(mut memory: Fixture) {
    let secret = |name: &str, scope: &str, sealed: &[u8], n| SecretRow {
        scope: scope.into(),
        name: name.into(),
        key: "k1".into(),
        sealed: sealed.to_vec(),
        created_at: at(n),
        created_by: "ana".into(),
        updated_at: at(n),
        updated_by: "ana".into(),
    };
    let put = |secret: SecretRow| account(AccountChange::PutSecret { secret });
    for (scope, n) in [("global", 1), ("environment:prod", 2)] {
        assert_eq!(memory.commit(put(secret("KEY", scope, &[1, 0, 255], n))), Outcome::Done);
    }
    memory.commit(put(secret("A", "global", &[7], 3)));
    let again = SecretRow { created_by: "bo".into(), ..secret("KEY", "global", &[2], 9) };
    memory.commit(put(again));
    let named = memory.reader.secrets_named("KEY").expect("reads");
    let scopes: Vec<&str> = named.iter().map(|row| row.scope.as_str()).collect();
    assert_eq!(scopes, ["environment:prod", "global"]);
    assert_eq!((named[1].sealed.as_slice(), named[1].created_at), ([2].as_slice(), at(1)));
    assert_eq!((named[1].created_by.as_str(), named[1].updated_at), ("ana", at(9)));
    assert_eq!(named[0].sealed, [1, 0, 255]);

    let renewed = SecretRow { key: "k2".into(), ..secret("KEY", "global", &[3], 0) };
    let unknown = secret("B", "global", &[3], 0);
    let again =
        AccountChange::SealAgain { secrets: vec![renewed, unknown], by: "ana".into(), at: at(10) };
    assert_eq!(memory.commit(account(again)), Outcome::Done);
    let rows = memory.reader.secrets().expect("reads");
    let seen: Vec<_> =
        rows.iter().map(|row| (row.name.as_str(), row.key.as_str(), row.sealed.len())).collect();
    assert_eq!(seen, [("A", "k1", 1), ("KEY", "k1", 3), ("KEY", "k2", 1)]);

    let remove = |scope: &str| {
        let (scope, name) = (scope.into(), "KEY".into());
        account(AccountChange::RemoveSecret { scope, name, by: "ana".into(), at: at(11) })
    };
    assert_eq!(memory.commit(remove("global")), Outcome::Done);
    let (scope, name) = ("global".into(), "KEY".into());
    assert_eq!(
        memory.commit(remove("global")),
        refused(AccountRefusal::NoSuchSecret { scope, name })
    );
    assert_eq!(memory.reader.secrets_named("KEY").expect("reads").len(), 1);
}

pub fn every_change_of_rights_leaves_one_entry_in_the_trail(mut memory: Fixture) {
    assert_eq!(memory.reader.verify_trail().expect("holds"), 0);
    let save = |digest: &str| Change::SavePipeline {
        name: "ci".into(),
        description: String::new(),
        text: "t".into(),
        digest: digest.into(),
        by: "bo".into(),
        at: at(1),
        expect: Expect::Any,
    };
    let note = TrailEntry {
        at: at(9),
        by: "system".into(),
        action: "config.changed".into(),
        subject: "environments".into(),
        detail: json!({ "changed": ["prod"] }),
    };
    memory.commit_all(&[save("d1"), save("d1"), put(user("bo", 2), true)]);
    memory.commit_all(&[
        put(user("bo", 3), true),
        put(UserRow { password: Some("$argon2id$2".into()), ..user("bo", 4) }, false),
        Change::RevokeToken { id: "t1".into(), by: "ana".into(), at: at(5) },
        account(AccountChange::Used { tokens: Vec::new(), sessions: Vec::new() }),
        account(AccountChange::Note(note.clone())),
        Change::SetEnabled { name: "ci".into(), enabled: false, by: "cy".into(), at: at(10) },
        Change::DeletePipeline { name: "ci".into(), by: "cy".into(), at: at(11) },
    ]);
    let entry = |action: &str, subject: &str, by: &str| (action.into(), subject.into(), by.into());
    let expected = [
        entry("pipeline.deleted", "ci", "cy"),
        entry("pipeline.disabled", "ci", "cy"),
        entry("config.changed", "environments", "system"),
        entry("user.changed", "bo", "ana"),
        entry("user.created", "bo", "ana"),
        entry("pipeline.saved", "ci", "bo"),
    ];
    assert_eq!(trail(&memory, all()), expected);
    assert_eq!(memory.reader.verify_trail().expect("holds"), 6);
    let rows = memory.reader.trail(&all()).expect("reads");
    let numbers: Vec<u64> = rows.iter().map(|row| row.number).collect();
    assert_eq!(numbers, [6, 5, 4, 3, 2, 1]);
    assert_eq!(rows[2].entry, note);
    assert_eq!(rows[3].entry.detail, json!({ "password": "set" }), "what is new, and no hash");
    assert!(!format!("{rows:?}").contains("argon2id"));

    let by = TrailQuery { by: Some("cy".into()), before: Some(6), ..all() };
    assert_eq!(trail(&memory, by), expected[1..2]);
    let action = TrailQuery { action: Some("user.created".into()), ..all() };
    assert_eq!(trail(&memory, action), expected[4..5]);
    let between = TrailQuery { since: Some(at(4)), until: Some(at(10)), limit: 1, ..all() };
    assert_eq!(trail(&memory, between), expected[2..3]);
}
