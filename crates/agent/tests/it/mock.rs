//! The scripted agent, and through it what holds for every agent.

use std::fs;

use api::agent::{Did, Validate};
use serde_json::{Value as Json, json};

use crate::stage::{Stage, mock, sleeps};

fn schema() -> Json {
    json!({ "type": "object", "required": ["n"], "properties": { "n": { "type": "integer" } } })
}

#[test]
fn without_a_script_it_writes_the_file_and_hands_in_what_fits() {
    let mut stage = Stage::new(mock(Json::Null));
    stage.job.task = "Write `docs/plan.md` about the feature.".into();
    stage.job.result = Some(schema());
    let ran = stage.run();
    assert_eq!((ran.code, ran.outcome()), (Some(0), "succeeded"), "{ran:?}");
    assert_eq!(ran.outputs, json!({ "n": 1 }));
    assert!(stage.file("docs/plan.md").unwrap().contains("about the feature"));
    assert_eq!(ran.stderr.lines().last(), Some("done"));
    assert_eq!((&ran.usage["calls"], &ran.usage["nano_usd"]), (&json!(0), &json!(0)));
    assert!(ran.stdout.contains("worker > write docs/plan.md"), "{}", ran.stdout);
    let seqs: Vec<u64> = stage.happenings().iter().map(|happening| happening.seq).collect();
    assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>());
    assert!(matches!(stage.did().last(), Some(Did::Ended { .. })));
}

#[test]
fn each_way_to_end_has_its_outcome_and_its_exit_code() {
    let text = || json!({ "text": "done" });
    for (name, steps, code, outcome) in [
        ("text", vec![text()], 0, "succeeded"),
        ("empty", vec![], 64, "no_result"),
        ("blocked", vec![json!({ "blocked": "no access" }), text()], 66, "blocked"),
        ("gone", vec![json!({ "fault": "gone" })], 68, "interrupted"),
        ("refused", vec![json!({ "fault": "refused" })], 69, "refused"),
        ("auth", vec![json!({ "fault": "auth" })], 70, "auth_failed"),
        ("down", vec![json!({ "fault": "unavailable" })], 71, "unavailable"),
        ("limited", vec![json!({ "fault": "rate_limited" })], 71, "unavailable"),
        ("long", vec![json!({ "fault": "context_too_long" })], 72, "context_exhausted"),
        ("budget", vec![json!({ "fault": "budget" })], 73, "budget_exhausted"),
        ("invalid", vec![json!({ "fault": "invalid" })], 80, "error"),
        ("hang", vec![json!({ "hang": true })], 75, "stalled"),
        (
            "denied",
            vec![json!({ "call": "read", "input": { "path": "../x" } }), text()],
            67,
            "denied",
        ),
        (
            "stuck",
            vec![
                json!({ "call": "read", "input": { "path": "none" } }),
                json!({ "call": "read", "input": { "path": "none" } }),
                json!({ "call": "read", "input": { "path": "none" } }),
                json!({ "hang": true }),
            ],
            77,
            "stuck",
        ),
    ] {
        let mut stage = Stage::new(mock(json!({ "turns": [steps] })));
        stage.job.limits.idle_model_ms = (name == "hang").then_some(300);
        let ran = stage.run();
        assert_eq!((ran.code, ran.outcome()), (Some(code), outcome), "{name}: {ran:?}");
        assert!(!ran.stderr.is_empty() && ran.verdict["says"].is_string(), "{name}: {ran:?}");
        assert_eq!(ran.outputs.is_null(), code != 0, "{name}: {ran:?}");
    }
}

#[test]
fn time_ends_what_does_not_end() {
    let mut stage = Stage::new(mock(json!({ "turns": [[{ "hang": true }]] })));
    stage.job.limits.wall_ms = Some(300);
    assert_eq!(stage.run().outcome(), "timed_out");
}

#[test]
fn what_does_not_fit_may_be_mended_twice() {
    let wrong = || json!([{ "text": "```json\n{\"n\": \"one\"}\n```" }]);
    let right = json!([{ "result": { "n": 2 } }, { "text": "so" }]);
    let mut stage = Stage::new(mock(json!({ "turns": [wrong(), wrong(), right] })));
    stage.job.result = Some(schema());
    let ran = stage.run();
    assert_eq!((ran.code, &ran.outputs), (Some(0), &json!({ "n": 2 })), "{ran:?}");
    let prompts: Vec<String> = stage
        .did()
        .into_iter()
        .filter_map(|did| match did {
            Did::Prompt { text, .. } => Some(text),
            _ => None,
        })
        .collect();
    assert_eq!(prompts.len(), 3);
    assert!(prompts[2].contains("/n: \"one\" is not of type \"integer\""), "{}", prompts[2]);

    let mut stage = Stage::new(mock(json!({ "turns": [wrong()] })));
    stage.job.result = Some(schema());
    let ran = stage.run();
    assert_eq!(ran.outcome(), "no_result", "{ran:?}");
    assert_eq!(ran.verdict["evidence"]["has_result"], false);
}

#[test]
fn the_check_runs_on_files_that_the_agent_could_not_bend() {
    let script = json!({ "turns": [
        [
            { "call": "bash", "input": { "command": "echo exit 0 > tests/check.sh; rm tests/gone; echo x > tests/new; chmod 600 tests/kept" } },
            { "text": "all tests pass" },
        ],
        [
            { "call": "bash", "input": { "command": "rm -rf tests && ln -s /tmp tests" } },
            { "call": "write", "input": { "path": "answer", "content": "42" } },
            { "text": "now they pass" },
        ],
    ] });
    let mut stage = Stage::new(mock(script));
    stage.put("tests/check.sh", "grep -q 42 answer || { echo no answer; exit 3; }\n");
    stage.put("tests/gone", "gone\n");
    stage.put("tests/kept", "kept\n");
    stage.env.push(("SECRET".into(), "hunter2hunter".into()));
    stage.env.push(("PLAIN".into(), "plain".into()));
    stage.job.secret_env.push("SECRET".into());
    stage.job.env.push("PLAIN".into());
    stage.job.validate = Some(Validate {
        command: "test -z \"$SECRET\"; test -z \"$ORCHESTRATE_OUTPUT\"; test \"$PLAIN\" = plain; \
                  ls tests; sh tests/check.sh"
            .into(),
        timeout_ms: 10_000,
        protect: vec!["tests/**".into()],
    });
    let ran = stage.run();
    assert_eq!((ran.code, ran.outcome()), (Some(0), "succeeded"), "{ran:?}");
    let checks: Vec<(bool, Option<i32>)> = stage
        .did()
        .iter()
        .filter_map(|did| match did {
            Did::Validated { passed, code, .. } => Some((*passed, *code)),
            _ => None,
        })
        .collect();
    assert_eq!(checks, [(false, Some(3)), (true, Some(0))]);
    assert!(stage.work().join("tests").symlink_metadata().unwrap().is_dir());
    assert_eq!(stage.file("tests/gone").as_deref(), Some("gone\n"));
    assert_eq!(stage.file("tests/new"), None);
    let displaced = stage.root.path().join("memory/displaced/tests");
    assert!(fs::symlink_metadata(&displaced).is_ok());
    assert!(ran.stdout.contains("protected files were changed and put back"), "{}", ran.stdout);
}

#[test]
fn a_secret_that_a_tool_prints_is_kept_nowhere() {
    let script = json!({ "turns": [[
        { "call": "bash", "input": { "command": "echo $SECRET | tee leak; echo AKIAIOSFODNN7EXAMPLE; cat ../attempt-1/job.json" } },
        { "text": "it is hunter2hunter" },
    ]] });
    let mut stage = Stage::new(mock(script));
    stage.env.push(("SECRET".into(), "hunter2hunter".into()));
    stage.env.push(("OPENAI_API_KEY".into(), "sk-not-for-tools-0123456789abcdef".into()));
    stage.job.secret_env.push("SECRET".into());
    let ran = stage.run();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    // It was there for the tool itself.
    assert_eq!(stage.file("leak").as_deref(), Some("hunter2hunter\n"));
    let token = stage.job.door.token.clone();
    for path in files(&stage.root.path().join("memory")) {
        let text = fs::read_to_string(&path).unwrap();
        for secret in ["AKIAIOSFODNN7EXAMPLE", &token] {
            assert!(!text.contains(secret), "{}: {secret}", path.display());
        }
        if path.ends_with("events.ndjson") || path.ends_with("calls.ndjson") {
            assert!(!text.contains("hunter2hunter"), "{}", path.display());
        }
    }
    assert!(!ran.stdout.contains("hunter2hunter") && !ran.outputs.to_string().contains("hunter2"));
}

#[test]
fn tools_see_what_the_stage_sets_and_no_key() {
    let script = json!({ "turns": [[
        { "call": "bash", "input": { "command": "env > env.txt; grep -c . job.json ../*/job.json | wc -l" } },
        { "text": "so" },
    ]] });
    let mut stage = Stage::new(mock(script));
    stage.env.push(("OPENAI_API_KEY".into(), "sk-not-for-tools-0123456789abcdef".into()));
    stage.env.push(("STAGE_SAYS".into(), "hello".into()));
    stage.job.env.push("STAGE_SAYS".into());
    stage.run();
    let env = stage.file("env.txt").unwrap();
    assert!(env.contains("STAGE_SAYS=hello"), "{env}");
    assert!(!env.contains("sk-not") && !env.contains("ORCHESTRATE_OUTPUT"), "{env}");
}

#[test]
fn a_daemon_is_gone_after_the_call() {
    let script = json!({ "turns": [[
        { "call": "bash", "input": { "command": "setsid sleep 98761 & env -i setsid sh -c 'sleep 98762 >/dev/null 2>&1 & exit' ; echo started" } },
        { "text": "left" },
        { "call": "bash", "input": { "command": "ps ax | grep '[s]leep 9876[12]' || echo none" } },
        { "text": "done" },
    ]] });
    let mut stage = Stage::new(mock(script));
    let ran = stage.run();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(!sleeps("98761") && !sleeps("98762"));
    assert!(ran.stdout.contains("a command left processes behind"), "{}", ran.stdout);
    let none = stage
        .did()
        .iter()
        .any(|did| matches!(did, Did::ToolResult { output, .. } if output.trim() == "none"));
    assert!(none, "{:?}", stage.did());
}

#[test]
fn term_ends_it_as_cancelled_with_all_that_it_started() {
    let script = json!({ "turns": [[
        { "call": "bash", "input": { "command": "setsid sleep 98763 & sleep 98764" } },
        { "text": "done" },
    ]] });
    let mut stage = Stage::new(mock(script));
    let mut running = stage.start();
    running.until("> bash");
    running.signal("-TERM");
    let ran = running.end();
    assert_eq!((ran.code, ran.outcome()), (Some(78), "cancelled"), "{ran:?}");
    assert!(!sleeps("98763") && !sleeps("98764"));
}

#[test]
fn after_a_kill_the_next_attempt_goes_on_and_repeats_nothing() {
    let script = json!({ "turns": [[
        { "call": "bash", "input": { "command": "echo first >> log" } },
        { "call": "bash", "input": { "command": "echo second >> log; touch there; sleep 98765" } },
        { "call": "bash", "input": { "command": "echo third >> log" } },
        { "text": "done" },
    ]] });
    let mut stage = Stage::new(mock(script));
    let mut running = stage.start();
    running.until("echo second");
    while stage.file("there").is_none() {
        std::thread::yield_now();
    }
    running.child.kill().unwrap();
    running.child.wait().unwrap();
    drop(running);
    let ran = stage.run();
    assert_eq!((ran.code, ran.outcome()), (Some(0), "succeeded"), "{ran:?}");
    assert_eq!(stage.file("log").as_deref(), Some("first\nsecond\nthird\n"));
    assert!(ran.stdout.contains("goes on where it was"), "{}", ran.stdout);
    let cut = stage.did().iter().any(|did| {
        matches!(did, Did::ToolResult { ok: false, output, .. } if output.contains("cut off"))
    });
    assert!(cut, "{:?}", stage.did());
    stage.clear_away();
}

#[test]
fn a_conversation_that_failed_is_begun_anew_with_what_went_wrong() {
    let script = json!({ "turns": [[{ "text": "done" }]] });
    let mut stage = Stage::new(mock(script));
    stage.job.validate = Some(Validate {
        command: "echo the answer is missing; test -e answer".into(),
        timeout_ms: 10_000,
        protect: Vec::new(),
    });
    assert_eq!(stage.run().outcome(), "validation_failed");
    stage.put("answer", "42");
    let ran = stage.run();
    assert_eq!(ran.outcome(), "succeeded", "{ran:?}");
    let last = stage.did().into_iter().rev().find_map(|did| match did {
        Did::Prompt { text, .. } => Some(text),
        _ => None,
    });
    assert!(last.unwrap().contains("the answer is missing"));
}

#[test]
fn what_cannot_be_begun_says_why() {
    let mut stage = Stage::new(mock(json!({ "turns": [[{ "shout": 1 }]] })));
    let ran = stage.run();
    assert_eq!(ran.code, Some(80));
    assert!(ran.stderr.contains("the script of the mock agent is wrong"), "{ran:?}");

    let mut stage = Stage::new(mock(Json::Null));
    stage.job.workspace = "/nowhere".into();
    let ran = stage.run();
    assert_eq!(ran.code, Some(80));
    assert!(ran.stderr.contains("the workspace `/nowhere` is no folder"), "{ran:?}");
}

fn files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        match entry.file_type().unwrap().is_dir() {
            true => found.extend(files(&entry.path())),
            false => found.push(entry.path()),
        }
    }
    found
}
