//! The server's own trail: which changes leave an entry in it, and its chain of hashes. The same for
//! every implementation.

use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use crate::chain::{self, Hash, Head};
use crate::port::{AccountChange, Change, Outcome, TrailEntry, Upkeep, UserRow};

/// The journal of a run was emptied.
pub(crate) const EMPTIED: &str = "run.emptied";

/// Where the chain starts.
pub(crate) fn empty() -> Head {
    Head { events: 0, hash: Sha256::digest(b"orchestrate trail\0").into() }
}

/// The hash of an entry with this body, after `head`.
pub(crate) fn link(head: &Head, body: &[u8]) -> Hash {
    chain::link(&head.hash, body)
}

/// What a change that was applied leaves; `None`: nothing, it is found elsewhere or is no change.
pub(crate) fn of(
    change: &Change,
    outcome: &Outcome,
    before: Option<&UserRow>,
) -> Option<TrailEntry> {
    if matches!(outcome, Outcome::Refused(_)) {
        return None;
    }
    let entry = |action: &str, subject: &str, by: &str, at, detail| TrailEntry {
        at,
        by: by.to_owned(),
        action: action.to_owned(),
        subject: subject.to_owned(),
        detail,
    };
    Some(match change {
        Change::SavePipeline { name, digest, by, at, .. } => match outcome {
            Outcome::Saved { revision, created: true } => {
                let detail = json!({ "revision": revision, "digest": digest });
                entry("pipeline.saved", name, by, *at, detail)
            }
            Outcome::Saved { created: false, .. }
            | Outcome::Done
            | Outcome::Appended { .. }
            | Outcome::Given { .. }
            | Outcome::Reserved(_)
            | Outcome::Rewound { .. }
            | Outcome::Upkept { .. }
            | Outcome::Refused(_) => return None,
        },
        Change::Upkeep(Upkeep::EmptyRun { run, by, at }) => match outcome {
            Outcome::Upkept { count } if *count > 0 => {
                entry(EMPTIED, &run.to_string(), by, *at, json!({ "events": count }))
            }
            _nothing_was_done => return None,
        },
        Change::SetEnabled { name, enabled, by, at } => {
            let action = if *enabled { "pipeline.enabled" } else { "pipeline.disabled" };
            entry(action, name, by, *at, json!({}))
        }
        Change::DeletePipeline { name, by, at } => {
            entry("pipeline.deleted", name, by, *at, json!({}))
        }
        Change::RewindPipeline { pipeline, to, by, at } => {
            entry("pipeline.rewound", pipeline, by, *at, json!({ "to": to }))
        }
        Change::UndoRewind { pipeline, by, at } => {
            entry("pipeline.rewind_undone", pipeline, by, *at, json!({}))
        }
        Change::CreateToken { id, user, admin, name, scopes, expires_at, by, at, hash: _ } => {
            let detail = json!({
                "user": user, "name": name, "admin": admin, "scopes": scopes,
                "expires_at": expires_at,
            });
            entry("token.created", id, by, *at, detail)
        }
        Change::RevokeToken { id, by, at } => entry("token.revoked", id, by, *at, json!({})),
        Change::SaveRollout(change) => change.entry.clone(),
        Change::Account(change) => return of_account(change, before, entry),
        _ => return None,
    })
}

fn of_account(
    change: &AccountChange,
    before: Option<&UserRow>,
    entry: impl Fn(&str, &str, &str, jiff::Timestamp, Json) -> TrailEntry,
) -> Option<TrailEntry> {
    Some(match change {
        AccountChange::PutUser { user, by, .. } => {
            let action = if before.is_some() { "user.changed" } else { "user.created" };
            entry(action, &user.name, by, user.updated_at, of_user(user, before))
        }
        AccountChange::OpenSession { session } => {
            let detail = json!({ "session": session.id, "via": session.via });
            entry("session.opened", &session.user, &session.user, session.created_at, detail)
        }
        AccountChange::EndSession { id, by, at } => entry("session.ended", id, by, *at, json!({})),
        AccountChange::EndSessions { user, by, at } => {
            entry("sessions.ended", user, by, *at, json!({}))
        }
        AccountChange::Used { .. } => return None,
        AccountChange::PutSecret { secret } => {
            let detail = json!({ "scope": secret.scope });
            entry("secret.set", &secret.name, &secret.updated_by, secret.updated_at, detail)
        }
        AccountChange::RemoveSecret { scope, name, by, at } => {
            entry("secret.removed", name, by, *at, json!({ "scope": scope }))
        }
        AccountChange::SealAgain { secrets, by, at } => {
            let key = secrets.first().map(|secret| secret.key.clone());
            let detail = json!({ "secrets": secrets.len(), "key": key });
            entry("secret.rekeyed", "", by, *at, detail)
        }
        AccountChange::Note(entry) => entry.clone(),
    })
}

/// What of a user is new. Of a password only that there is another one.
fn of_user(user: &UserRow, before: Option<&UserRow>) -> Json {
    let mut detail = serde_json::Map::new();
    let mut tell = |what: &str, now: Json, then: Option<Json>| {
        if then.as_ref() != Some(&now) {
            detail.insert(what.to_owned(), now);
        }
    };
    tell(
        "full_name",
        json!(user.full_name),
        Some(json!(before.map_or("", |user| &user.full_name))),
    );
    tell("email", json!(user.email), Some(json!(before.map_or("", |user| &user.email))));
    tell("roles", json!(user.roles), before.map(|user| json!(user.roles)));
    tell("groups", json!(user.groups), before.map(|user| json!(user.groups)));
    tell(
        "disabled",
        json!(user.disabled_at.is_some()),
        Some(json!(before.is_some_and(|user| user.disabled_at.is_some()))),
    );
    let password = before.and_then(|user| user.password.as_ref());
    if user.password.as_ref() != password {
        let what = if user.password.is_some() { "set" } else { "removed" };
        detail.insert("password".to_owned(), json!(what));
    }
    if user.subject.as_ref() != before.and_then(|user| user.subject.as_ref()) {
        detail.insert("subject".to_owned(), json!(user.subject));
    }
    Json::Object(detail)
}
