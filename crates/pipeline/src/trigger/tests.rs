use serde_json::json;

use super::*;
use crate::model::StartTrigger;

/// The triggers of a pipeline in which these lines stand.
fn triggers(lines: &str) -> Vec<StartTrigger> {
    let text = format!("name: own\n{lines}\nstages: [{{name: a, noop: true}}]\n");
    let parsed = crate::parse(&text);
    assert!(parsed.diagnostics.is_empty(), "{}", parsed.rendered("own.yaml", false));
    parsed.pipeline.unwrap().triggers
}

fn trigger(body: &str) -> StartTrigger {
    triggers(&format!("triggers: [{{{body}}}]")).remove(0)
}

fn push(branch: &str) -> Incoming {
    Incoming {
        kinds: vec!["push".to_owned()],
        source: "github".to_owned(),
        data: json!({"ref": branch, "n": 3}),
        facts: Facts { branch: Some(branch.to_owned()), ..Facts::default() },
        tag: None,
    }
}

fn tag(name: &str) -> Incoming {
    let facts = Facts::default();
    Incoming { tag: Some(name.to_owned()), facts, ..push("") }
}

fn with_paths(paths: &[&str]) -> Incoming {
    let mut incoming = push("main");
    incoming.facts.paths = Some(paths.iter().map(|path| (*path).to_owned()).collect());
    incoming
}

fn with_labels(labels: &[&str]) -> Incoming {
    let mut incoming = push("main");
    incoming.facts.labels = Some(labels.iter().map(|label| (*label).to_owned()).collect());
    incoming
}

fn lines(reason: &Reason, depth: usize, text: &mut String) {
    *text += &format!("{}{:?} {}\n", "  ".repeat(depth), reason.truth, reason.says);
    for part in &reason.parts {
        lines(part, depth + 1, text);
    }
}

fn said(verdict: &Verdict) -> String {
    let mut text = String::new();
    lines(&verdict.reason, 0, &mut text);
    text
}

#[test]
fn filters_of_events() {
    for (body, incoming, starts) in [
        ("event: push", push("main"), true),
        ("event: push", tag("v1"), true),
        ("event: pull_request", push("main"), false),
        ("event: push, branches: main", push("main"), true),
        ("event: push, branches: [main, 'release/**']", push("release/1/2"), true),
        ("event: push, branches: [main]", push("other"), false),
        ("event: push, branches: ['**']", tag("main"), false),
        ("event: push, branches: ['**', '!main']", push("main"), false),
        ("event: push, branches_ignore: [main]", push("main"), false),
        ("event: push, branches_ignore: [main]", push("other"), true),
        ("event: push, branches_ignore: [main]", tag("v1"), false),
        ("event: push, branches-ignore: [main]", push("other"), true),
        ("event: push, tags: ['v*']", tag("v1"), true),
        ("event: push, tags: ['v*']", tag("x"), false),
        ("event: push, tags: ['v*']", push("v1"), false),
        ("event: push, tags_ignore: ['v*']", tag("x"), true),
        ("event: push, tags_ignore: ['v*']", push("x"), false),
        ("event: push, branches: [main], tags: ['v*']", push("main"), true),
        ("event: push, branches: [main], tags: ['v*']", tag("v1"), true),
        ("event: push, branches: [main], tags: ['v*']", tag("x"), false),
        ("event: push, branches: [main], branches_ignore: [main]", push("main"), false),
        ("event: push, paths: ['src/**']", with_paths(&["a", "src/b"]), true),
        ("event: push, paths: ['src/**']", with_paths(&["a"]), false),
        ("event: push, paths: ['src/**']", with_paths(&[]), false),
        ("event: push, paths: ['src/**', '!**/*.md']", with_paths(&["src/a.md"]), false),
        ("event: push, paths_ignore: ['docs/**']", with_paths(&["docs/a"]), false),
        ("event: push, paths_ignore: ['docs/**']", with_paths(&["docs/a", "b"]), true),
        ("event: push, paths_ignore: ['docs/**']", with_paths(&[]), false),
        ("event: push, labels: ready", with_labels(&["a", "ready"]), true),
        ("event: push, labels: [x, y]", with_labels(&["ready"]), false),
        ("event: push, labels: {all: [a], none: [b]}", with_labels(&["a"]), true),
        ("event: push, labels: {all: [a], none: [b]}", with_labels(&["a", "b"]), false),
        ("event: push, source: github", push("main"), true),
        ("event: push, source: gitlab", push("main"), false),
        ("event: push, filter: event.n > 2", push("main"), true),
        ("event: push, filter: event.n > 3", push("main"), false),
        // Not known is no, unless that is said.
        ("event: push, paths: ['**']", push("main"), false),
        ("event: push, paths: ['**'], on_unknown: run", push("main"), true),
        ("event: push, labels: [a]", push("main"), false),
        ("event: push, labels: [a], on_unknown: run", push("main"), true),
        ("event: push, filter: event.none == 1", push("main"), false),
        ("event: push, filter: event.none == 1, on_unknown: run", push("main"), true),
        ("event: push, paths: ['**'], branches: [x], on_unknown: run", push("main"), false),
        // A filter that fails is not a fact that is not known.
        ("event: push, filter: event.ref > 1, on_unknown: run", push("main"), false),
        ("event: push, filter: event.n, on_unknown: run", push("main"), false),
    ] {
        let verdict = trigger(body).judge("own", &incoming);
        assert_eq!(verdict.starts, starts, "{body}\n{}", said(&verdict));
    }
}

#[test]
fn a_type_may_stand_for_many() {
    let mut incoming = push("main");
    incoming.kinds =
        ["pull_request.merged", "pull_request.closed", "pull_request"].map(str::to_owned).to_vec();
    for (event, starts) in [
        ("pull_request.merged", true),
        ("pull_request.closed", true),
        ("pull_request", true),
        ("pull_request.opened", false),
        ("pull", false),
    ] {
        let verdict = trigger(&format!("event: {event}")).judge("own", &incoming);
        assert_eq!(verdict.starts, starts, "{}", said(&verdict));
    }
}

#[test]
fn the_reason_shows_every_part_of_yes_and_of_no() {
    let start = trigger(
        "event: pull_request, branches: [main], paths: ['src/**'], labels: [x], \
         filter: event.draft == false",
    );
    let mut incoming = push("main");
    incoming.kinds = vec!["pull_request.opened".to_owned(), "pull_request".to_owned()];
    incoming.data = json!({"draft": false});
    let verdict = start.judge("own", &incoming);
    assert_eq!(
        said(&verdict),
        "Unknown all of\n\
         \x20 True event pull_request: pull_request.opened came, which is one\n\
         \x20 True branches [\"main\"]: main matches\n\
         \x20 Unknown paths [\"src/**\"]: the changed files are not known\n\
         \x20 Unknown labels any [\"x\"]: not known\n\
         \x20 True filter `event.draft == false`: true\n"
    );
    incoming.facts.paths = Some(vec!["src/a".to_owned()]);
    incoming.facts.labels = Some(vec!["x".to_owned()]);
    let verdict = start.judge("own", &incoming);
    assert!(verdict.starts, "{}", said(&verdict));
    incoming.kinds.pop();
    assert_eq!(
        said(&start.judge("own", &incoming)),
        "False event pull_request: pull_request.opened came\n"
    );
}

#[test]
fn what_the_server_says_is_believed_of_nobody_else() {
    let schedule = trigger("schedule: '0 2 * * *'");
    let due = |source: &str, pipeline: &str, name: &str| Incoming {
        kinds: vec![SCHEDULE_DUE.to_owned()],
        source: source.to_owned(),
        data: json!({"pipeline": pipeline, "trigger": name}),
        ..Incoming::default()
    };
    assert!(schedule.judge("own", &due(OWN_SOURCE, "own", "schedule")).starts);
    assert!(!schedule.judge("own", &due("github", "own", "schedule")).starts);
    assert!(!schedule.judge("own", &due(OWN_SOURCE, "other", "schedule")).starts);
    assert!(!schedule.judge("own", &due(OWN_SOURCE, "own", "schedule-2")).starts);
    let ended = |source: &str, pipeline: &str, status: &str| Incoming {
        kinds: vec![PIPELINE_COMPLETED.to_owned()],
        source: source.to_owned(),
        data: json!({"pipeline": pipeline, "status": status}),
        ..Incoming::default()
    };
    let after = trigger("completion: build");
    assert!(after.judge("own", &ended(OWN_SOURCE, "build", "succeeded")).starts);
    assert!(!after.judge("own", &ended("api", "build", "succeeded")).starts);
    let verdict = after.judge("own", &ended(OWN_SOURCE, "build", "failed"));
    assert!(!verdict.starts);
    assert!(said(&verdict).contains("False status [\"succeeded\"]: failed"), "{}", said(&verdict));
    let any = trigger("completion: build, status: [failed, cancelled]");
    assert!(any.judge("own", &ended(OWN_SOURCE, "build", "cancelled")).starts);
    assert!(!any.judge("own", &ended(OWN_SOURCE, "test", "cancelled")).starts);
}

#[test]
fn names_are_made_up_and_unique() {
    let names: Vec<String> = triggers(
        "triggers:\n  - push\n  - {event: pull_request.merged, branches: [a]}\n  \
         - {event: pull_request.merged, branches: [b]}\n  - {cron: '@daily'}\n  \
         - {schedule: '@hourly'}\n  - {name: nightly, schedule: '@weekly'}\n  \
         - {completion: build}\n  - {files: '*.csv', directory: /srv/in/}",
    )
    .into_iter()
    .map(|trigger| trigger.name)
    .collect();
    assert_eq!(
        names,
        [
            "push",
            "pull_request.merged",
            "pull_request.merged-2",
            "schedule",
            "schedule-2",
            "nightly",
            "after-build",
            "files"
        ]
    );
}

#[test]
fn inputs_are_made_of_the_event() {
    let text = "name: own\ninputs: {title: string, n: {type: integer, default: 1}}\n\
                triggers:\n  - {event: push, inputs: {title: \"${event.title}\", n: 2}}\n\
                stages:\n  - {name: a, run: 'echo ${n}', env: {T: \"${title}\"}}\n";
    let parsed = crate::parse(text);
    assert!(parsed.diagnostics.is_empty(), "{}", parsed.rendered("own.yaml", false));
    let trigger = &parsed.pipeline.unwrap().triggers[0];
    let inputs = trigger.inputs(&json!({"title": "a ${run.id}"})).unwrap();
    // What came is text: nothing in it is looked up again.
    assert_eq!(json!(inputs), json!({"title": "a ${run.id}", "n": 2}));
    let error = trigger.inputs(&json!({})).unwrap_err().to_string();
    assert_eq!(error, "`${event.title}` has no value");
}

#[test]
fn mistakes_are_found_all_at_once() {
    let text = "name: own\ninputs: {title: string, n: {type: integer, default: 1}}\ntriggers:\n\
        \x20 - {event: push, schedule: '@daily'}\n\
        \x20 - {schedule: '@dayly'}\n\
        \x20 - {schedule: '@daily', timezone: Berlin}\n\
        \x20 - {event: push, timezone: UTC, inputs: {title: x}}\n\
        \x20 - {completion: own, inputs: {title: x}}\n\
        \x20 - {completion: other, status: [done], inputs: {title: x}}\n\
        \x20 - {files: '*', directory: in, inputs: {title: x}}\n\
        \x20 - {files: '*', inputs: {title: x}}\n\
        \x20 - {event: a b, inputs: {title: x}}\n\
        \x20 - {event: release}\n\
        \x20 - {event: issues, inputs: {titel: x, title: \"${run.id}\", n: many}}\n\
        \x20 - {event: gollum, filter: inputs.n == draft, inputs: {title: x}}\n\
        \x20 - {event: fork, branches: [], inputs: {title: x}}\n\
        \x20 - {branches: [main]}\n\
        \x20 - {evnt: fork}\n\
        stages:\n  - {name: a, run: 'echo ${n}', env: {T: \"${title}\"}}\n";
    let parsed = crate::parse(text);
    assert!(parsed.pipeline.is_none());
    let found: Vec<(&str, &str)> =
        parsed.diagnostics.iter().map(|one| (one.code.0, one.message.as_str())).collect();
    assert_eq!(
        found,
        [
            ("E0219", "a trigger has both `event` and `schedule`"),
            (
                "E0310",
                "`@dayly` is no schedule: the words are @hourly, @daily, @midnight, @weekly, \
                 @monthly, @yearly, @annually"
            ),
            ("E0310", "there is no time zone `Berlin`"),
            ("E0219", "`timezone` needs `schedule`"),
            ("E0219", "`own` waits for its own completion"),
            ("E0304", "`done` is no value of `status`"),
            ("E0307", "`in` is no absolute path"),
            ("E0219", "`files` needs `directory`"),
            ("E0203", "`a b` cannot be the type of an event"),
            ("E0219", "a run started by `release` would lack `title`, which is required"),
            ("E0219", "the pipeline has no input `titel`"),
            ("E0412", "`${run.id}` cannot be used here"),
            ("E0219", "the value for `n` does not fit: \"many\" is not an integer"),
            ("E0410", "the filter of a trigger knows only `event`, not `inputs.n`"),
            ("E0410", "the filter of a trigger knows only `event`, not `draft`"),
            ("E0219", "`branches` names no pattern, so nothing would match"),
            ("E0219", "this trigger does not say what it waits for"),
            ("E0204", "unknown key `evnt` in a trigger"),
        ]
    );
    for one in &parsed.diagnostics {
        assert!(!one.help.is_empty() || one.code.0 == "E0219", "{one:?}");
    }
}

/// GitHub's cheat sheet of patterns; the rows that only GitHub reads so are left out.
#[test]
fn the_vectors_of_patterns() {
    let (mut right, mut all, mut wrong) = (0, 0, String::new());
    for line in include_str!("../../tests/suites/globs/common.jsonl").lines() {
        let row: Json = serde_json::from_str(line).unwrap();
        if row["dialect"] != "common" {
            continue;
        }
        all += 1;
        let patterns: Vec<&str> =
            row["patterns"].as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
        let input = row["input"].as_str().unwrap();
        let (key, incoming) = match row["kind"].as_str().unwrap() {
            "branch" => ("branches", push(input)),
            _ => ("paths", with_paths(&[input])),
        };
        let start = trigger(&format!("event: push, {key}: {}", json!(patterns)));
        if start.judge("own", &incoming).starts == row["match"].as_bool().unwrap() {
            right += 1;
        } else {
            wrong += &format!("{line}\n");
        }
    }
    println!("globs: {right} of {all}");
    assert_eq!((right, all), (63, 63), "{wrong}");
}
