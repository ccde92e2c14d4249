//! Bitbucket, the service and the server: one push may move many branches.

use serde_json::Value as Json;
use store::port::GivenEvent;

use super::happening::{Happening, flag, is_nothing, pull_request_kinds, push_kinds, text, word};
use super::{Received, Unreadable};

/// What happened by the forge's own name of it, which is a type of the event, too.
fn key(received: &Received<'_>) -> Result<String, Unreadable> {
    received
        .header("x-event-key")
        .map(word)
        .ok_or_else(|| Unreadable::Wrong("no header `X-Event-Key` says what happened".into()))
}

fn events(received: &Received<'_>, all: Vec<Happening>) -> Vec<GivenEvent> {
    let id = received.header("x-request-uuid").or(received.header("x-request-id"));
    let id = received.id(id);
    all.into_iter().enumerate().map(|(part, one)| one.event(received, &id, part)).collect()
}

/// The words of all forges for what Bitbucket calls so.
fn pull_request(verb: &str) -> Vec<String> {
    let (action, merged) = match verb {
        "created" | "opened" => ("opened", false),
        "updated" | "from_ref_updated" => ("synchronize", false),
        "modified" => ("edited", false),
        "fulfilled" | "merged" => ("closed", true),
        "rejected" | "declined" => ("closed", false),
        "deleted" => ("closed", false),
        other => (other, false),
    };
    pull_request_kinds(&word(&action.replace([':', '-'], "_")), merged)
}

pub(super) fn read_cloud(received: &Received<'_>) -> Result<Vec<GivenEvent>, Unreadable> {
    let key = key(received)?;
    let body = received.map(false)?;
    let mut all = match key.split_once(':') {
        Some(("repo", "push")) => cloud_push(&body),
        Some(("pullrequest", verb)) => vec![cloud_pull_request(verb, &body)],
        Some((_, _)) | None => vec![Happening::of(Vec::new())],
    };
    for happening in &mut all {
        happening.kinds.push(key.clone());
        happening.say("repository", &body, "/repository/full_name");
        happening.say_first("sender", &body, &["/actor/nickname", "/actor/display_name"]);
    }
    Ok(events(received, all))
}

fn cloud_push(body: &Json) -> Vec<Happening> {
    let changes = body.pointer("/push/changes").and_then(Json::as_array);
    let one = |change: &Json| {
        let deleted = change.get("new").is_none_or(Json::is_null);
        let side = if deleted { "/old" } else { "/new" };
        let mut happening = Happening::of(push_kinds(deleted));
        let name = text(change, &format!("{side}/name")).unwrap_or_default();
        match text(change, &format!("{side}/type")) {
            Some("tag" | "annotated_tag") => happening.reference(&format!("refs/tags/{name}")),
            Some(_) | None => happening.reference(&format!("refs/heads/{name}")),
        }
        let (before, after) = (text(change, "/old/target/hash"), text(change, "/new/target/hash"));
        happening.revisions(before, after);
        happening.put("created", flag(change, "/created"));
        happening.put("deleted", deleted);
        happening.put("forced", flag(change, "/forced"));
        happening.say("title", change, "/new/target/message");
        happening.say("url", change, "/links/html/href");
        happening
    };
    let all: Vec<Happening> = changes.into_iter().flatten().map(one).collect();
    // One that names no branch is an event all the same.
    if all.is_empty() { vec![Happening::of(Vec::new())] } else { all }
}

fn cloud_pull_request(verb: &str, body: &Json) -> Happening {
    let mut happening = Happening::of(pull_request(verb));
    happening.action = Some(word(verb));
    happening.branch = text(body, "/pullrequest/destination/branch/name").map(str::to_owned);
    for (key, place) in [
        ("base", "destination/branch/name"),
        ("head", "source/branch/name"),
        ("base_sha", "destination/commit/hash"),
        ("sha", "source/commit/hash"),
        ("merge_sha", "merge_commit/hash"),
        ("number", "id"),
        ("title", "title"),
        ("url", "links/html/href"),
        ("author", "author/nickname"),
    ] {
        happening.say(key, body, &format!("/pullrequest/{place}"));
    }
    happening.put("merged", text(body, "/pullrequest/state") == Some("MERGED"));
    happening
}

pub(super) fn read_server(received: &Received<'_>) -> Result<Vec<GivenEvent>, Unreadable> {
    let key = key(received)?;
    let body = received.map(false)?;
    let mut all = match key.split_once(':') {
        Some(("repo", "refs_changed" | "refs-changed")) => server_push(&body),
        Some(("pr", verb)) => vec![server_pull_request(verb, &body)],
        Some((_, _)) | None => vec![Happening::of(Vec::new())],
    };
    let places = ["/repository", "/pullRequest/toRef/repository"];
    let repository = places.iter().find_map(|place| body.pointer(place));
    let name = repository
        .and_then(|of| Some(format!("{}/{}", text(of, "/project/key")?, text(of, "/slug")?)));
    for happening in &mut all {
        happening.kinds.push(key.clone());
        if let Some(name) = &name {
            happening.put("repository", name.clone());
        }
        happening.say("sender", &body, "/actor/name");
    }
    Ok(events(received, all))
}

fn server_push(body: &Json) -> Vec<Happening> {
    let one = |change: &Json| {
        let after = text(change, "/toHash");
        let deleted = text(change, "/type") == Some("DELETE") || is_nothing(after);
        let mut happening = Happening::of(push_kinds(deleted));
        let reference = text(change, "/ref/id").or(text(change, "/refId"));
        happening.reference(reference.unwrap_or_default());
        happening.revisions(text(change, "/fromHash"), after);
        happening.put("created", text(change, "/type") == Some("ADD"));
        happening.put("deleted", deleted);
        happening
    };
    let changes = body.get("changes").and_then(Json::as_array);
    let all: Vec<Happening> = changes.into_iter().flatten().map(one).collect();
    if all.is_empty() { vec![Happening::of(Vec::new())] } else { all }
}

fn server_pull_request(verb: &str, body: &Json) -> Happening {
    let mut happening = Happening::of(pull_request(verb));
    happening.action = Some(word(verb));
    happening.branch = text(body, "/pullRequest/toRef/displayId").map(str::to_owned);
    for (key, place) in [
        ("base", "toRef/displayId"),
        ("head", "fromRef/displayId"),
        ("base_sha", "toRef/latestCommit"),
        ("sha", "fromRef/latestCommit"),
        ("merge_sha", "properties/mergeCommit/id"),
        ("number", "id"),
        ("title", "title"),
        ("url", "links/self/0/href"),
        ("author", "author/user/name"),
    ] {
        happening.say(key, body, &format!("/pullRequest/{place}"));
    }
    happening.put("merged", text(body, "/pullRequest/state") == Some("MERGED"));
    happening
}
