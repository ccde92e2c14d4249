//! The same agent again and again: what it is told, when it is over, what a crash costs.

use std::path::Path;

use api::agent::{Did, Rounds, Shape, Validate};
use serde_json::{Value as Json, json};

use crate::stage::{Ran, Stage, mock};

/// A stage whose agent has these conversations, one for each iteration; `more` replaces what the loop
/// says.
fn stage(conversations: Json, check: Option<&str>, more: Json) -> Stage {
    let agent = mock(json!({ "conversations": conversations }));
    let mut stage = Stage::new(agent.clone());
    let mut rounds = json!({
        "loop_type": "ralph", "max_iterations": 6, "iteration_ms": null, "total_ms": null,
        "no_change": 2, "same_failure": 3, "repeated_tree": true,
        "progress_entries": 2, "progress_chars": 200,
        "template": "{{ task }}\nThis is {{ iteration }} of {{ max_iterations }}.\n\
                     {% if progress %}\nBefore:\n{{ progress }}\n{% endif %}\n\
                     {% if previous_errors %}\nErrors:\n{{ previous_errors }}\n{% endif %}\n\
                     {% if notes %}\nNotes:\n{{ notes }}\n{% endif %}\n\
                     {% if git_status %}\nFiles:\n{{ git_status }}\n{% endif %}",
    });
    for (key, value) in more.as_object().unwrap() {
        rounds[key] = value.clone();
    }
    let rounds: Rounds = serde_json::from_value(rounds).unwrap();
    stage.job.shape = Shape::Loop { agent: Box::new(agent), rounds: Box::new(rounds) };
    stage.job.validate = check.map(|command| Validate {
        command: command.to_owned(),
        timeout_ms: 10_000,
        protect: Vec::new(),
    });
    stage
}

fn bash(command: &str) -> Json {
    json!([[{ "call": "bash", "input": { "command": command } }, { "text": format!("ran {command}") }]])
}

fn prompts(stage: &Stage) -> Vec<String> {
    let texts = stage.did().into_iter().filter_map(|did| match did {
        Did::Prompt { text, .. } => Some(text),
        _ => None,
    });
    texts.collect()
}

fn turns(stage: &Stage) -> Vec<String> {
    let says = stage.did().into_iter().filter_map(|did| match did {
        Did::Turn { says, .. } => Some(says),
        _ => None,
    });
    says.collect()
}

fn says(ran: &Ran) -> &str {
    ran.verdict["says"].as_str().unwrap_or_default()
}

#[test]
fn it_works_with_a_fresh_mind_until_its_check_passes() {
    let first = json!([[
        { "call": "write", "input": { "path": "a.txt", "content": "a" } },
        { "call": "note", "input": { "text": "b is still missing" } },
        { "text": "all is done" },
    ]]);
    let check = "test -e a.txt; test -e b.txt || { echo no b.txt; exit 7; }";
    let mut stage = stage(json!([first, bash("echo b > b.txt")]), Some(check), json!({}));
    let ran = stage.run();
    assert_eq!((ran.code, ran.outcome()), (Some(0), "succeeded"), "{ran:?}");
    assert_eq!(says(&ran), "done after 2 iterations: its check passes");
    assert_eq!(ran.outputs, json!({ "text": "ran echo b > b.txt" }));
    let asked = prompts(&stage);
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[0], "Do the work.\nThis is 1 of 6.");
    for part in [
        "This is 2 of 6.",
        "Before:\nIteration 1: the check failed, 1 file changed (A a.txt).\nall is done",
        "Errors:\n`test -e a.txt;",
        "said:\nno b.txt",
        "Notes:\n- (1) b is still missing",
        "Files:\nA a.txt",
    ] {
        assert!(asked[1].contains(part), "{part}: {}", asked[1]);
    }
    let sessions: Vec<Option<String>> = stage
        .did()
        .into_iter()
        .filter_map(|did| match did {
            Did::Started { session, resumed: false } => Some(session),
            _ => None,
        })
        .collect();
    assert!(sessions.len() == 2 && sessions[0] != sessions[1], "{sessions:?}");
    assert_eq!(
        turns(&stage),
        [
            "iteration 1 of at most 6: the check failed, 1 file changed (A a.txt)",
            "iteration 2 of at most 6: the check passed, 1 file changed (A b.txt)",
        ]
    );
}

#[test]
fn each_reason_to_give_up_has_its_name() {
    let count = "echo x >> log; echo \"wc: $(wc -l < log) failed\"; exit 1";
    for (name, conversations, check, more, reason) in [
        (
            "limit",
            json!([bash("echo $$ >> f")]),
            "exit 1",
            json!({ "max_iterations": 2 }),
            "there are no more (max_iterations)",
        ),
        (
            "still",
            json!([bash("true")]),
            "exit 1",
            json!({}),
            "the last 2 changed nothing (no_change)",
        ),
        (
            "same",
            json!([bash("date +%N >> f")]),
            "echo took 1s; exit 1",
            json!({}),
            "the same failure 3 times in a row (same_failure)",
        ),
        (
            "back",
            json!([bash("echo a > f"), bash("echo b > f"), bash("echo a > f")]),
            "cat f; exit 1",
            json!({}),
            "as they were after iteration 1 (repeated_tree)",
        ),
        (
            "time",
            json!([bash("sleep 0.2; date +%N > f")]),
            count,
            json!({ "total_ms": 100, "iteration_ms": 5000 }),
            "its time was up (total_timeout)",
        ),
    ] {
        let mut stage = stage(conversations, Some(check), more);
        let ran = stage.run();
        assert_eq!((ran.code, ran.outcome()), (Some(79), "gave_up"), "{name}: {ran:?}");
        assert!(
            says(&ran).starts_with("gave up after ") && says(&ran).contains(reason),
            "{name}: {ran:?}"
        );
        assert_eq!(ran.outputs, Json::Null, "{name}");
    }
}

#[test]
fn what_no_iteration_can_mend_ends_the_attempt_and_the_next_goes_on_there() {
    let broke = json!([[
        { "call": "bash", "input": { "command": "echo second >> log" } },
        { "fault": "budget" },
    ]]);
    let first = bash("echo first >> log");
    let mut stage = stage(json!([first, broke]), Some("exit 1"), json!({}));
    let ran = stage.run();
    assert_eq!((ran.code, ran.outcome()), (Some(73), "budget_exhausted"), "{ran:?}");
    let Shape::Loop { agent, .. } = &mut stage.job.shape else { panic!() };
    let api::agent::Adapter::Mock { script } = &mut agent.adapter else { panic!() };
    script["conversations"][1][0][1] = json!({ "text": "raised" });
    stage.job.validate.as_mut().unwrap().command = "test $(wc -l < log) = 2".into();
    let ran = stage.run();
    assert_eq!(ran.outcome(), "succeeded", "{ran:?}");
    assert_eq!(stage.file("log").as_deref(), Some("first\nsecond\n"));
}

#[test]
fn one_that_is_blocked_says_so_and_the_next_attempt_begins_an_iteration() {
    let blocked = json!([[{ "blocked": "no access to the shop" }, { "text": "so" }]]);
    let mut stage = stage(json!([blocked, bash("touch done")]), Some("test -e done"), json!({}));
    let ran = stage.run();
    assert_eq!((ran.code, ran.outcome()), (Some(66), "blocked"), "{ran:?}");
    assert!(says(&ran).contains("no access to the shop"), "{ran:?}");
    assert_eq!(stage.run().outcome(), "succeeded");
    assert!(prompts(&stage)[1].contains("the agent is blocked: no access to the shop"));
}

#[test]
fn an_iteration_that_does_not_end_is_one_that_failed() {
    let hangs =
        json!([[{ "call": "bash", "input": { "command": "echo a > f" } }, { "hang": true }]]);
    let more = json!({ "iteration_ms": 400 });
    let mut stage = stage(json!([hangs, bash("echo b > f")]), Some("grep b f"), more);
    let ran = stage.run();
    assert_eq!(ran.outcome(), "succeeded", "{ran:?}");
    assert!(prompts(&stage)[1].contains("its time was up"), "{:?}", prompts(&stage));
    // The check passes: what it does not say itself is not needed.
    let hangs =
        json!([[{ "call": "bash", "input": { "command": "echo b > f" } }, { "hang": true }]]);
    let mut stage = self::stage(json!([hangs]), Some("grep b f"), json!({ "iteration_ms": 400 }));
    assert_eq!(stage.run().outcome(), "succeeded");
    // The time of the attempt is another thing.
    let hangs = json!([[{ "hang": true }]]);
    let mut stage = self::stage(json!([hangs]), Some("true"), json!({}));
    stage.job.limits.wall_ms = Some(300);
    assert_eq!(stage.run().outcome(), "timed_out");
}

#[test]
fn an_agent_that_rewrites_its_own_check_is_caught() {
    let cheat = bash("echo exit 0 > tests/check.sh; echo x > f");
    let mut stage =
        stage(json!([cheat, bash("echo 42 > answer")]), Some("sh tests/check.sh"), json!({}));
    stage.job.validate.as_mut().unwrap().protect = vec!["tests/**".into()];
    stage.put("tests/check.sh", "grep -q 42 answer\n");
    let ran = stage.run();
    assert_eq!(ran.outcome(), "succeeded", "{ran:?}");
    assert_eq!(stage.file("tests/check.sh").as_deref(), Some("grep -q 42 answer\n"));
    let told = "These files are protected; what was changed there was put back: tests/check.sh";
    assert!(prompts(&stage)[1].contains(told), "{:?}", prompts(&stage));
    assert_eq!(turns(&stage).len(), 2);
}

#[test]
fn the_files_of_the_best_iteration_are_kept() {
    let make = |n: u32| bash(&format!("echo {n} > f; echo made > new-{n}; rm -f old"));
    let check = "n=$(cat f); echo \"$n failed\"; exit 1";
    let more = json!({ "max_iterations": 3, "same_failure": null });
    let conversations = json!([make(5), make(2), make(9)]);
    let mut stage = stage(conversations.clone(), Some(check), more.clone());
    stage.job.own_workspace = true;
    stage.put("old", "old");
    stage.put(".gitignore", "ignored\n");
    stage.put("ignored", "stays");
    stage.put(".git/config", "not ours\n");
    let ran = stage.run();
    assert_eq!(ran.outcome(), "gave_up", "{ran:?}");
    assert!(
        says(&ran).ends_with("iteration 2 came nearest, and the files are those of 2"),
        "{ran:?}"
    );
    let files =
        ["f", "new-2", "new-9", "old", "ignored", ".git/config"].map(|name| stage.file(name));
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(files, [text("2\n"), text("made\n"), None, None, text("stays"), text("not ours\n")]);

    // Where others may work, nothing is taken from them.
    let mut stage = self::stage(conversations, Some(check), more);
    let ran = stage.run();
    assert_eq!(stage.file("f").as_deref(), Some("9\n"));
    let path = says(&ran).split('`').nth(1).unwrap().trim_start_matches("git apply ").to_owned();
    let apply = std::process::Command::new("git")
        .args(["apply", &path])
        .current_dir(stage.work())
        .status()
        .unwrap();
    assert!(apply.success() && Path::new(&path).exists());
    assert_eq!(stage.file("f").as_deref(), Some("2\n"));
}

#[test]
fn without_a_check_it_makes_its_passes() {
    let passes = json!([bash("echo 1 >> plan"), bash("echo 2 >> plan"), bash("echo 3 >> plan")]);
    let mut loops = stage(passes.clone(), None, json!({ "max_iterations": 3 }));
    let ran = loops.run();
    assert_eq!(says(&ran), "done after 3 iterations: all passes were made", "{ran:?}");
    assert_eq!(loops.file("plan").as_deref(), Some("1\n2\n3\n"));
    let settles = json!([bash("echo 1 > plan"), bash("true")]);
    let ran = stage(settles, None, json!({})).run();
    assert_eq!(says(&ran), "done after 3 iterations: nothing changes any more", "{ran:?}");
    // What has to be handed in is handed in by the last one.
    let hand_in = |n: u32| json!([[{ "call": "bash", "input": { "command": format!("echo {n} > f") } }, { "result": { "n": n } }, { "text": "so" }]]);
    let mut loops = stage(json!([hand_in(1), hand_in(2)]), None, json!({ "max_iterations": 2 }));
    loops.job.result = Some(json!({ "type": "object", "required": ["n"] }));
    assert_eq!(loops.run().outputs, json!({ "n": 2 }));
}

#[test]
fn after_a_kill_it_goes_on_inside_the_iteration() {
    let second = json!([[
        { "call": "bash", "input": { "command": "echo two-a >> log" } },
        { "usage": { "input": 10, "output": 1 } },
        { "call": "bash", "input": { "command": "touch there; sleep 98766" } },
        { "call": "bash", "input": { "command": "echo two-b >> log" } },
        { "text": "second" },
    ]]);
    let check = "test $(wc -l < log) = 3";
    let mut stage = stage(json!([bash("echo one >> log"), second]), Some(check), json!({}));
    let mut running = stage.start();
    running.until("touch there");
    while stage.file("there").is_none() {
        std::thread::yield_now();
    }
    running.child.kill().unwrap();
    running.child.wait().unwrap();
    drop(running);
    stage.clear_away();
    let ran = stage.run();
    assert_eq!((ran.code, ran.outcome()), (Some(0), "succeeded"), "{ran:?}");
    assert_eq!(stage.file("log").as_deref(), Some("one\ntwo-a\ntwo-b\n"));
    let used = stage.did().iter().filter(|did| matches!(did, Did::Usage { .. })).count();
    assert_eq!((used, turns(&stage).len(), prompts(&stage).len()), (1, 2, 2));
}

#[test]
fn after_it_gave_up_another_attempt_begins_anew() {
    let mut stage = stage(
        json!([bash("date +%N >> f")]),
        Some("test -e there"),
        json!({ "max_iterations": 2 }),
    );
    assert_eq!(stage.run().outcome(), "gave_up");
    stage.put("there", "");
    let ran = stage.run();
    assert_eq!(says(&ran), "done after 1 iteration: its check passes", "{ran:?}");
    // So does one after a success that nobody took.
    assert_eq!(stage.run().outcome(), "succeeded");
    let asked = prompts(&stage);
    assert_eq!(asked.len(), 4, "{asked:?}");
    assert!(asked[2].contains("Errors:\nAn attempt before this one came to nothing: gave up"));
    assert!(asked[3].contains("ended well, but what it left was not taken"), "{}", asked[3]);
}

#[test]
fn a_template_that_cannot_be_used_is_refused_before_anything_is_spent() {
    let mut stage = stage(json!([bash("touch f")]), None, json!({ "template": "{{ tusk }}" }));
    let ran = stage.run();
    assert_eq!(ran.code, Some(80), "{ran:?}");
    assert!(says(&ran).contains("the prompt of the loop `ralph`, line 1: undefined"), "{ran:?}");
    assert_eq!(stage.file("f"), None);
}
