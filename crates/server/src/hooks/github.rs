//! GitHub, and what speaks like it: Gitea, Forgejo, Gogs.

use serde_json::Value as Json;
use store::port::GivenEvent;

use super::happening::{
    Happening, changed, flag, is_nothing, pull_request_kinds, push_kinds, text, texts, word,
};
use super::{Received, Unreadable};

/// A push with so many commits may have had more: the forge cuts the list.
const MOST_COMMITS: usize = 2048;

pub(super) fn read(received: &Received<'_>) -> Result<Vec<GivenEvent>, Unreadable> {
    let header = |part: &str| {
        ["github", "gitea", "forgejo", "gogs"]
            .iter()
            .find_map(|forge| received.header(&format!("x-{forge}-{part}")))
    };
    let Some(event) = header("event") else {
        return Err(Unreadable::Wrong(
            "no header `X-GitHub-Event` (or Gitea's, Gogs's) says what happened".into(),
        ));
    };
    let body = received.map(true)?;
    let event = word(event);
    let mut happening = match event.as_str() {
        "push" => push(&body),
        "pull_request" | "pull_request_target" => pull_request(&body),
        _ => other(&event, &body),
    };
    happening.say("repository", &body, "/repository/full_name");
    happening.say_first("sender", &body, &["/sender/login", "/pusher/name", "/pusher/login"]);
    Ok(vec![happening.event(received, &received.id(header("delivery")), 0)])
}

fn push(body: &Json) -> Happening {
    let after = text(body, "/after");
    let deleted = flag(body, "/deleted") || is_nothing(after);
    let mut happening = Happening::of(push_kinds(deleted));
    happening.reference(text(body, "/ref").unwrap_or_default());
    happening.revisions(text(body, "/before"), after);
    happening.put("created", flag(body, "/created") || is_nothing(text(body, "/before")));
    happening.put("deleted", deleted);
    happening.put("forced", flag(body, "/forced"));
    happening.say_first("title", body, &["/head_commit/message", "/commits/0/message"]);
    happening.say_first("url", body, &["/compare", "/compare_url"]);
    happening.paths = pushed(body);
    happening
}

/// Complete, or not known.
fn pushed(body: &Json) -> Option<Vec<String>> {
    let commits = body.get("commits")?.as_array()?;
    let total = body.get("total_commits").and_then(Json::as_u64);
    let whole =
        commits.len() < MOST_COMMITS && total.is_none_or(|total| total <= commits.len() as u64);
    whole.then(|| changed(commits)).flatten()
}

fn pull_request(body: &Json) -> Happening {
    let given = text(body, "/action").map(word).unwrap_or_default();
    // Gitea's word for what the others call otherwise.
    let action = match given.as_str() {
        "synchronized" => "synchronize".to_owned(),
        "label_updated" => "labeled".to_owned(),
        "label_cleared" => "unlabeled".to_owned(),
        _ => given,
    };
    let merged = action == "closed" && flag(body, "/pull_request/merged");
    let mut happening = Happening::of(pull_request_kinds(&action, merged));
    happening.action = Some(action).filter(|action| !action.is_empty());
    about_pull_request(&mut happening, body);
    happening.put("merged", flag(body, "/pull_request/merged"));
    happening.put("draft", flag(body, "/pull_request/draft"));
    happening
}

/// What every event says that is about a pull request.
fn about_pull_request(happening: &mut Happening, body: &Json) {
    let bases = ["/pull_request/base/ref", "/pull_request/base_branch"];
    happening.branch = bases.iter().find_map(|place| text(body, place)).map(str::to_owned);
    happening.labels = texts(body, "/pull_request/labels", "name");
    happening.say_first("base", body, &bases);
    happening.say_first("head", body, &["/pull_request/head/ref", "/pull_request/head_branch"]);
    happening.say("base_sha", body, "/pull_request/base/sha");
    happening.say("sha", body, "/pull_request/head/sha");
    happening.say("merge_sha", body, "/pull_request/merge_commit_sha");
    happening.say_first("number", body, &["/pull_request/number", "/number"]);
    happening.say("changed_files", body, "/pull_request/changed_files");
    happening.say("title", body, "/pull_request/title");
    happening.say("url", body, "/pull_request/html_url");
    happening.say("author", body, "/pull_request/user/login");
}

fn other(event: &str, body: &Json) -> Happening {
    let action = text(body, "/action").map(word);
    let mut kinds: Vec<String> = action.iter().map(|action| format!("{event}.{action}")).collect();
    kinds.push(event.to_owned());
    let mut happening = Happening::of(kinds);
    happening.action = action;
    if body.get("pull_request").is_some_and(Json::is_object) {
        about_pull_request(&mut happening, body);
        return happening;
    }
    match event {
        "create" | "delete" => named_reference(&mut happening, body),
        _ => {
            let branches = [
                format!("/{event}/head_branch"),
                format!("/{event}/check_suite/head_branch"),
                "/merge_group/base_ref".to_owned(),
                "/deployment/ref".to_owned(),
            ];
            let branch = branches.iter().find_map(|place| text(body, place));
            happening.branch = branch
                .map(|branch| branch.strip_prefix("refs/heads/").unwrap_or(branch).to_owned());
        }
    }
    let environments = ["/deployment/environment", "/environment"];
    happening.environment =
        environments.iter().find_map(|place| text(body, place)).map(str::to_owned);
    if event == "release" {
        happening.tag = text(body, "/release/tag_name").map(str::to_owned);
    }
    happening.labels = texts(body, "/issue/labels", "name");
    let places =
        |key: &str| [format!("/{event}/{key}"), format!("/issue/{key}"), format!("/comment/{key}")];
    for (key, of) in [("number", "number"), ("title", "title"), ("url", "html_url")] {
        let places = places(of);
        happening.say_first(key, body, &places.each_ref().map(String::as_str));
    }
    happening.say_first("sha", body, &[&format!("/{event}/head_sha"), "/deployment/sha", "/sha"]);
    happening
}

/// A branch or a tag by its bare name.
fn named_reference(happening: &mut Happening, body: &Json) {
    let Some(name) = text(body, "/ref") else { return };
    let name = name.strip_prefix("refs/heads/").or(name.strip_prefix("refs/tags/")).unwrap_or(name);
    match text(body, "/ref_type") {
        Some("branch") => happening.reference(&format!("refs/heads/{name}")),
        Some("tag") => happening.reference(&format!("refs/tags/{name}")),
        Some(_) | None => {}
    }
}
