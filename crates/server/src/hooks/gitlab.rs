//! GitLab: its words, and those of the others for what is the same.

use serde_json::Value as Json;
use store::port::GivenEvent;

use super::happening::{
    Happening, changed, flag, is_nothing, pull_request_kinds, push_kinds, text, texts, word,
};
use super::{Received, Unreadable};

pub(super) fn read(received: &Received<'_>) -> Result<Vec<GivenEvent>, Unreadable> {
    let body = received.map(false)?;
    let named = ["/object_kind", "/event_name", "/event_type"];
    let named = named.iter().find_map(|place| text(&body, place));
    let Some(kind) = named.or_else(|| received.header("x-gitlab-event")).map(word) else {
        return Err(Unreadable::Wrong("no `object_kind` says what happened".into()));
    };
    let mut happening = match kind.as_str() {
        "push" | "tag_push" => push(&kind, &body),
        "merge_request" => merge_request(&body),
        _ => other(&kind, &body),
    };
    let repository = ["/project/path_with_namespace", "/path_with_namespace", "/project_path"];
    happening.say_first("repository", &body, &repository);
    happening.say_first("project", &body, &["/project/id", "/project_id"]);
    happening.say_first("sender", &body, &["/user/username", "/user_username", "/user_name"]);
    // Said again when the same delivery is tried again; older ones only name the event.
    let id = received.header("idempotency-key").or(received.header("x-gitlab-event-uuid"));
    Ok(vec![happening.event(received, &received.id(id), 0)])
}

fn push(kind: &str, body: &Json) -> Happening {
    let after = text(body, "/after");
    let deleted = is_nothing(after);
    let mut kinds = push_kinds(deleted);
    if kind == "tag_push" {
        kinds.push(if deleted { "tag_push.deleted" } else { "tag_push" }.to_owned());
    }
    let mut happening = Happening::of(kinds);
    happening.reference(text(body, "/ref").unwrap_or_default());
    happening.revisions(text(body, "/before"), after);
    happening.put("created", is_nothing(text(body, "/before")));
    happening.put("deleted", deleted);
    happening.say("title", body, "/commits/0/title");
    happening.paths = pushed(body);
    happening
}

/// Complete, or not known: a long list is cut.
fn pushed(body: &Json) -> Option<Vec<String>> {
    let commits = body.get("commits")?.as_array()?;
    let total = body.get("total_commits_count").and_then(Json::as_u64);
    (total? <= commits.len() as u64).then(|| changed(commits)).flatten()
}

fn merge_request(body: &Json) -> Happening {
    let of = "/object_attributes";
    let given = text(body, "/object_attributes/action").map(word).unwrap_or_default();
    let pushed = body.pointer("/object_attributes/oldrev").is_some_and(Json::is_string);
    let (action, merged) = match given.as_str() {
        "open" => ("opened", false),
        "close" => ("closed", false),
        "reopen" => ("reopened", false),
        "merge" => ("closed", true),
        "update" if pushed => ("synchronize", false),
        "update" => ("edited", false),
        other => (other, false),
    };
    let mut kinds = pull_request_kinds(action, merged);
    if !given.is_empty() {
        kinds.push(format!("merge_request.{given}"));
    }
    kinds.push("merge_request".to_owned());
    let mut happening = Happening::of(kinds);
    happening.action = Some(action.to_owned()).filter(|action| !action.is_empty());
    happening.branch = text(body, "/object_attributes/target_branch").map(str::to_owned);
    happening.labels = texts(body, "/labels", "title");
    for (key, part) in [
        ("base", "target_branch"),
        ("head", "source_branch"),
        ("sha", "last_commit/id"),
        ("merge_sha", "merge_commit_sha"),
        ("number", "iid"),
        ("title", "title"),
        ("url", "url"),
    ] {
        happening.say(key, body, &format!("{of}/{part}"));
    }
    let state = text(body, "/object_attributes/state");
    happening.put("merged", merged || state == Some("merged"));
    happening.put("draft", flag(body, "/object_attributes/draft"));
    happening
}

fn other(kind: &str, body: &Json) -> Happening {
    let parts =
        ["/object_attributes/action", "/object_attributes/status", "/build_status", "/status"];
    let action = parts.iter().find_map(|place| text(body, place)).map(word);
    // What was called a build is called a job.
    let kind = if kind == "build" { "job" } else { kind };
    let mut kinds: Vec<String> = action.iter().map(|action| format!("{kind}.{action}")).collect();
    kinds.push(kind.to_owned());
    let mut happening = Happening::of(kinds);
    happening.action = action;
    let is_tag = flag(body, "/tag") || flag(body, "/object_attributes/tag");
    let names = ["/ref", "/object_attributes/ref"];
    let name = names.iter().find_map(|place| text(body, place)).map(str::to_owned);
    if is_tag {
        happening.tag = name;
    } else {
        happening.branch = name;
    }
    if kind == "release" {
        happening.branch = None;
        happening.tag = text(body, "/tag").map(str::to_owned);
    }
    happening.environment = text(body, "/environment").map(str::to_owned);
    if body.get("labels").is_some() {
        happening.labels = texts(body, "/labels", "title");
    }
    happening.say_first("sha", body, &["/sha", "/object_attributes/sha", "/commit/id"]);
    happening.say_first("number", body, &["/object_attributes/iid", "/merge_request/iid"]);
    happening.say_first("title", body, &["/object_attributes/title", "/name"]);
    happening.say_first("url", body, &["/object_attributes/url", "/url"]);
    happening
}
