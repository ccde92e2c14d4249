//! Agents that are programs of others: what they say is understood, what they do wrong has a name.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use api::agent::{Adapter, Agent, CommandResult, Did, Limits};
use serde_json::json;

use crate::stage::{Stage, agent, sleeps};

pub(crate) fn fixture(path: &str) -> String {
    format!("{}/tests/it/fixtures/{path}", env!("CARGO_MANIFEST_DIR"))
}

/// A program that reads its prompt and then runs this; its arguments are `$@`.
pub(crate) fn shell(script: &str) -> Vec<String> {
    let script = format!("cat > prompt.txt; {script}");
    ["sh", "-c", &script, "program"].map(str::to_owned).to_vec()
}

fn command(script: &str, result: CommandResult) -> Agent {
    let (env, provider) = Default::default();
    agent(Adapter::Command { argv: shell(script), result, env, provider })
}

fn claude(script: &str) -> Agent {
    let (env, provider) = Default::default();
    agent(Adapter::Claude { command: shell(script), env, provider })
}

/// Says what `claude` said when it was recorded, and ends as it did.
fn recorded(name: &str, code: i32) -> Agent {
    claude(&format!("cat '{}'; exit {code}", fixture(&format!("claude/{name}.ndjson"))))
}

#[test]
fn a_command_answers_in_three_ways() {
    let both = "echo looking; echo '{\"text\": \"done\", \"n\": 1}'";
    for (script, result, text) in [
        ("echo done", CommandResult::Exit, "done\n"),
        (both, CommandResult::LastLine, "{\"text\": \"done\", \"n\": 1}"),
        ("echo '{\"text\": \"done\",'; echo ' \"n\": 1}'", CommandResult::Json, "done"),
    ] {
        let mut stage = Stage::new(command(script, result));
        let ran = stage.run();
        assert_eq!((ran.code, ran.outcome()), (Some(0), "succeeded"), "{script}: {ran:?}");
        assert_eq!(ran.outputs["text"], text, "{script}");
        let prompt = stage.file("prompt.txt").unwrap();
        assert!(prompt.starts_with("You work.\n\n") && prompt.contains("Do the work."), "{prompt}");
    }
}

#[test]
fn exit_code_0_is_not_success() {
    let schema = json!({ "type": "object", "required": ["n"], "properties": { "n": { "type": "integer" } } });
    for (script, result, outcome) in [
        ("true", CommandResult::Exit, "no_result"),
        ("echo words", CommandResult::Exit, "no_result"),
        ("echo '{\"n\": 1'", CommandResult::Json, "no_result"),
        ("echo '{\"n\": \"one\"}'", CommandResult::LastLine, "no_result"),
        ("echo '{\"n\": 1}'", CommandResult::LastLine, "succeeded"),
        ("echo '{\"n\": 1}'; exit 3", CommandResult::LastLine, "interrupted"),
        ("kill -9 $$", CommandResult::Exit, "interrupted"),
    ] {
        let mut stage = Stage::new(command(script, result));
        stage.job.result = Some(schema.clone());
        let ran = stage.run();
        assert_eq!(ran.outcome(), outcome, "{script}: {ran:?}");
    }
    // Work that the check refuses is told of, with all that was said before.
    let script =
        "case $(cat prompt.txt) in *'The check of your work failed'*) touch ok;; esac; echo did it";
    let mut stage = Stage::new(command(script, CommandResult::Exit));
    stage.job.validate =
        serde_json::from_value(json!({ "command": "test -e ok", "timeout_ms": 20_000 })).ok();
    assert!(stage.job.validate.is_some());
    let ran = stage.run();
    assert_eq!(ran.outcome(), "succeeded", "{ran:?}");
    let prompt = stage.file("prompt.txt").unwrap();
    assert!(
        prompt.contains("Do the work.") && prompt.contains("You answered:\n\ndid it"),
        "{prompt}"
    );
}

#[test]
fn what_a_program_does_wrong_ends_it_by_name() {
    let limits = Limits { wall_ms: Some(60_000), ..Limits::default() };
    let quiet = Limits { idle_model_ms: Some(700), ..limits.clone() };
    let short = Limits { wall_ms: Some(1500), ..Limits::default() };
    let edit = fixture("claude/edit.ndjson");
    for (name, agent, limits, outcome) in [
        ("silence", claude("exec sleep 98761"), &quiet, "stalled"),
        (
            "silence of a command",
            command("exec sleep 98761", CommandResult::Exit),
            &quiet,
            "stalled",
        ),
        (
            "talk without end",
            command("while :; do echo x; sleep 0.1; done", CommandResult::Exit),
            &short,
            "timed_out",
        ),
        (
            "a flood",
            command("yes aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", CommandResult::Exit),
            &limits,
            "no_result",
        ),
        ("a line without end", claude("tr '\\0' a < /dev/zero"), &limits, "no_result"),
        ("a cut stream", claude(&format!("head -n 3 '{edit}'")), &limits, "interrupted"),
        ("a cut line", claude(&format!("head -c 5300 '{edit}'")), &limits, "interrupted"),
        ("no JSON", claude("echo hello; echo '{\"type\":'; echo '[1]'"), &limits, "interrupted"),
        (
            "no such program",
            {
                let mut a = claude("");
                a.adapter = Adapter::Claude {
                    command: vec!["no-such-claude".into()],
                    env: Default::default(),
                    provider: String::new(),
                };
                a
            },
            &limits,
            "error",
        ),
    ] {
        let mut stage = Stage::new(agent);
        stage.job.limits = limits.clone();
        let ran = stage.run();
        assert_eq!(ran.outcome(), outcome, "{name}: {ran:?}");
    }
    assert!(!sleeps("98761"));
}

#[test]
fn nothing_that_a_program_started_is_left() {
    // In a session of its own, without a parent, with all its streams elsewhere.
    let daemon = "setsid sh -c 'touch up; exec sleep 98762' >/dev/null 2>&1 </dev/null & \
                  while ! test -e up; do sleep 0.05; done;";
    let mut stage = Stage::new(command(&format!("{daemon} echo done"), CommandResult::Exit));
    let ran = stage.run();
    assert_eq!(ran.outcome(), "succeeded", "{ran:?}");
    assert!(!sleeps("98762"), "{ran:?}");
    assert!(ran.stdout.contains("left processes behind, they were ended: sleep"), "{}", ran.stdout);

    let mut stage = Stage::new(claude(&format!(
        "{daemon} head -n 2 '{}'; exec sleep 98763",
        fixture("claude/edit.ndjson")
    )));
    let mut running = stage.start();
    running.until("I will write the file.");
    assert!(stage.file("up").is_some());
    running.signal("-TERM");
    let ran = running.end();
    assert_eq!(ran.outcome(), "cancelled", "{ran:?}");
    assert!(!sleeps("98762") && !sleeps("98763"));
}

#[test]
fn what_a_program_gets_to_know_opens_one_door_only() {
    let script = "env > env.txt; echo \"the secret is $DEPLOY_KEY\"";
    let mut stage = Stage::new(command(script, CommandResult::Exit));
    stage.env = [
        ("OPENAI_API_KEY", "sk-of-the-person"),
        ("ANTHROPIC_API_KEY", "sk-ant-of-the-person"),
        ("AWS_SECRET_ACCESS_KEY", "aws-of-the-person"),
        ("DEPLOY_KEY", "hunter2hunter2"),
        ("TRACEPARENT", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec();
    stage.job.secret_env = vec!["DEPLOY_KEY".into()];
    let ran = stage.run();
    assert_eq!(ran.outcome(), "succeeded", "{ran:?}");
    let env = stage.file("env.txt").unwrap();
    assert!(!env.contains("of-the-person"), "{env}");
    let line = |name: &str| {
        env.lines()
            .find_map(|line| line.strip_prefix(&format!("{name}=")))
            .unwrap_or_default()
            .to_owned()
    };
    assert_eq!(line("OPENAI_API_KEY"), stage.job.door.token);
    assert!(line("OPENAI_BASE_URL").starts_with("http://127.0.0.1:"), "{env}");
    assert_eq!(line("DEPLOY_KEY"), "hunter2hunter2");
    assert!(line("TRACEPARENT").ends_with("-b7ad6b7169203331-01"), "{env}");
    // It may use the secret; nobody reads it afterwards.
    let events = fs::read_to_string(stage.root.path().join("memory/events.ndjson")).unwrap();
    for said in
        [&events, &ran.stdout, &ran.stderr, &ran.outputs.to_string(), &ran.verdict.to_string()]
    {
        assert!(!said.contains("hunter2"), "{said}");
        assert!(!said.contains(&stage.job.door.token), "{said}");
    }
    assert!(ran.stdout.contains("the secret is ***"), "{}", ran.stdout);
}

#[test]
fn what_claude_says_is_understood() {
    let mut stage = Stage::new(recorded("edit", 0));
    let ran = stage.run();
    assert_eq!(ran.outcome(), "succeeded", "{ran:?}");
    assert_eq!(ran.outputs, json!({ "text": "Done: hello.txt holds one line." }));
    // `result` alone counts: its events repeat the figures of a message, and not all of them.
    assert_eq!(
        ran.usage["agents"]["worker"],
        json!({ "calls": 3, "input_tokens": 0, "output_tokens": 72, "cache_read_tokens": 0,
            "cache_write_tokens": 3900, "nano_usd": null, "source": "agent" })
    );
    let did = stage.did();
    let calls: Vec<&str> = did
        .iter()
        .filter_map(|did| match did {
            Did::ToolCall { title, .. } => Some(title.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(calls, ["Write /home/lee/feature/hello.txt", "Bash cat hello.txt"]);
    let answered =
        |did: &Did| matches!(did, Did::ToolResult { ok: true, output, .. } if output == "hello");
    assert!(did.iter().any(answered), "{did:?}");
    let texts = did.iter().filter(|did| matches!(did, Did::Text { .. })).count();
    assert_eq!(texts, 2);

    let mut stage = Stage::new(recorded("unauthorized", 1));
    let ran = stage.run();
    assert_eq!(ran.outcome(), "auth_failed", "{ran:?}");
}

#[test]
fn exit_code_and_subtype_of_claude_are_not_the_whole_story() {
    let edit = fs::read_to_string(fixture("claude/edit.ndjson")).unwrap();
    let ok = r#""subtype":"success","is_error":false,"api_error_status":null"#;
    let denied = r#""permission_denials":[{"tool_name":"Bash","tool_use_id":"t9","tool_input":{"command":"curl x"}}]"#;
    for (before, after, outcome) in [
        (ok, r#""subtype":"error_max_turns","is_error":true"#, "turns_exhausted"),
        (ok, r#""subtype":"error_during_execution","is_error":true"#, "unavailable"),
        (ok, r#""subtype":"success","is_error":true,"api_error_status":529"#, "unavailable"),
        (r#""stop_reason":"end_turn""#, r#""stop_reason":"refusal""#, "refused"),
        (r#""permission_denials":[]"#, denied, "denied"),
        (r#""result":"Done: hello.txt holds one line.""#, r#""result":"""#, "no_result"),
    ] {
        assert!(edit.contains(before), "{before}");
        let script = "cat said.ndjson";
        let mut stage = Stage::new(claude(script));
        stage.put("said.ndjson", &edit.replace(before, after));
        let ran = stage.run();
        assert_eq!(ran.outcome(), outcome, "{after}: {ran:?}");
        let refused = stage
            .did()
            .iter()
            .any(|did| matches!(did, Did::Denied { title, .. } if title == "Bash curl x"));
        assert_eq!(refused, outcome == "denied");
    }
    // The gateway's refusal in the words of the program.
    let spent = r#""subtype":"success","is_error":true,"api_error_status":400"#;
    let said = r#""result":"API Error: 400 budget_exhausted: no call is left to `worker`""#;
    let mut stage = Stage::new(claude("cat said.ndjson; exit 1"));
    let text =
        edit.replace(ok, spent).replace(r#""result":"Done: hello.txt holds one line.""#, said);
    stage.put("said.ndjson", &text);
    assert_eq!(stage.run().outcome(), "budget_exhausted");
}

#[test]
fn claude_is_told_what_it_may_do_and_taken_up_again() {
    let script = format!(
        "printf '%s\\n' \"$@\" > arguments.txt; env > env.txt; mkdir -p $HOME/.claude/projects/x; \
         touch $HOME/.claude/projects/x/$(tail -n 1 arguments.txt).jsonl; cp prompt.txt prompt-$(ls | wc -l).txt; \
         test -e go && cat '{}'",
        fixture("claude/edit.ndjson")
    );
    let mut agent = claude(&script);
    agent.tools = serde_json::from_value(json!(["read", "edit"])).unwrap();
    agent.mcp =
        serde_json::from_value(json!([{ "name": "docs", "command": ["docs-server", "-x"] }]))
            .unwrap();
    let mut stage = Stage::new(agent);
    stage.job.limits.turns = Some(7);
    let ran = stage.run();
    assert_eq!(ran.outcome(), "interrupted", "{ran:?}");
    let said = stage.file("arguments.txt").unwrap();
    let words: Vec<&str> = said.lines().collect();
    let after = |name: &str| words.iter().position(|word| *word == name).map(|at| words[at + 1]);
    assert_eq!(after("--tools"), Some("Read,TodoWrite,Edit,Write,NotebookEdit"));
    assert_eq!(after("--max-turns"), Some("7"));
    assert_eq!(after("--model"), Some("fake-1"));
    assert_eq!(after("--append-system-prompt"), Some("You work."));
    assert_eq!(after("--permission-prompt-tool"), Some("mcp__orchestrate__approve"));
    let servers: serde_json::Value = serde_json::from_str(after("--mcp-config").unwrap()).unwrap();
    assert_eq!(servers["mcpServers"]["docs"]["args"], json!(["-x"]));
    assert_eq!(servers["mcpServers"]["orchestrate"]["args"][1], "--attempt");
    let settings: serde_json::Value = serde_json::from_str(after("--settings").unwrap()).unwrap();
    assert_eq!(settings["permissions"]["ask"][0], "Read");
    let session = after("--session-id").unwrap().to_owned();
    assert!(!said.contains(&stage.job.door.token), "a key on a command line: {said}");
    let home = stage.file("env.txt").unwrap();
    let home = home.lines().find_map(|line| line.strip_prefix("HOME=")).unwrap().to_owned();
    assert!(home.starts_with(&*stage.job.memory), "{home}");

    // The process before this one was killed in the middle: the conversation goes on.
    stage.put("go", "");
    let ran = stage.run();
    assert_eq!(ran.outcome(), "succeeded", "{ran:?}");
    let said = stage.file("arguments.txt").unwrap();
    assert!(said.ends_with(&format!("--resume\n{session}\n")), "{said}");
    let prompt = stage.file("prompt.txt").unwrap();
    assert!(
        prompt.starts_with("You were interrupted.") && prompt.contains("Do the work."),
        "{prompt}"
    );
    let mode = fs::metadata(&home).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0, "others can look into its home: {mode:o}");
}

fn codex(script: &str) -> Agent {
    let (env, provider) = Default::default();
    agent(Adapter::Codex { command: shell(script), env, provider })
}

#[test]
fn what_codex_says_is_understood() {
    let edit = fixture("codex/edit.ndjson");
    let script = format!("echo \"$@\" >> arguments.txt; cat '{edit}'");
    let mut stage = Stage::new(codex(&script));
    let ran = stage.run();
    assert_eq!(ran.outcome(), "succeeded", "{ran:?}");
    assert_eq!(ran.outputs, json!({ "text": "Done: hello.txt holds one line." }));
    assert_eq!(
        (&ran.usage["input_tokens"], &ran.usage["output_tokens"]),
        (&json!(3900), &json!(72))
    );
    let titles: Vec<String> = stage
        .did()
        .into_iter()
        .filter_map(|did| match did {
            Did::ToolCall { title, .. } => Some(title),
            _ => None,
        })
        .collect();
    let expected =
        ["shell /bin/bash -lc 'echo hello > hello.txt'", "shell /bin/bash -lc 'cat hello.txt'"];
    assert_eq!(titles, expected);
    assert!(
        stage
            .did()
            .iter()
            .any(|did| matches!(did, Did::ToolResult { output, .. } if output == "hello\n"))
    );

    // The thread is taken up again to mend what does not hold.
    let mut stage = Stage::new(codex(&script));
    stage.job.result = Some(json!({ "type": "object", "required": ["n"] }));
    assert_eq!(stage.run().outcome(), "no_result");
    let said = stage.file("arguments.txt").unwrap();
    let lines: Vec<&str> = said.lines().collect();
    let thread = "resume 01a1fece-7a45-73d2-9398-ad1eba9048e3 -";
    assert_eq!(lines[0], "exec --json --skip-git-repo-check -");
    assert!(lines[1].ends_with(thread) && lines.len() == 3, "{said}");

    let text = fs::read_to_string(&edit).unwrap();
    let last = text.lines().last().unwrap();
    for (after, outcome) in [
        (
            r#"{"type":"turn.failed","error":{"message":"unexpected status 401 Unauthorized: no"}}"#,
            "auth_failed",
        ),
        (
            r#"{"type":"turn.failed","error":{"message":"unexpected status 400 Bad Request: budget_exhausted: no call"}}"#,
            "budget_exhausted",
        ),
        (r#"{"type":"error","message":"stream disconnected before completion"}"#, "unavailable"),
        ("", "interrupted"),
    ] {
        let mut stage = Stage::new(codex("cat said.ndjson; exit 1"));
        stage.put("said.ndjson", &text.replace(last, after));
        let ran = stage.run();
        assert_eq!(ran.outcome(), outcome, "{after}: {ran:?}");
    }
}

#[test]
fn codex_is_not_begun_where_it_would_have_to_ask() {
    for rules in [
        json!([]),
        json!([{ "tool": "execute", "command": "cargo test", "decision": "allow" }]),
        json!([{ "tool": "execute", "decision": "allow" }, { "path": "docs/**", "decision": "deny" }]),
    ] {
        let mut agent = codex("touch begun");
        agent.permissions = serde_json::from_value(rules.clone()).unwrap();
        let mut stage = Stage::new(agent);
        let ran = stage.run();
        assert_eq!(ran.outcome(), "error", "{rules}: {ran:?}");
        assert!(
            ran.stderr.contains("cannot ask") && ran.stderr.contains("codex-acp"),
            "{}",
            ran.stderr
        );
        assert!(stage.file("begun").is_none());
    }
}

/// An agent that says what another one said when it was recorded (`fixtures/acp`).
fn acp(recording: &str) -> Agent {
    let replay = fixture("acp/replay.py");
    let recording = if recording.contains('/') {
        recording.to_owned()
    } else {
        fixture(&format!("acp/{recording}.txt"))
    };
    let command = ["python3", &replay, &recording, "told.ndjson"].map(str::to_owned).to_vec();
    let (env, provider) = Default::default();
    agent(Adapter::Acp { command, env, provider })
}

fn told(stage: &Stage) -> Vec<serde_json::Value> {
    let told = stage.file("told.ndjson").unwrap_or_default();
    told.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn what_agents_say_over_their_protocol_is_understood() {
    for (name, allowed, titles) in [
        ("claude", json!("allow"), ["Write HERE/hello.txt", "`cat hello.txt`"]),
        ("gemini", json!("proceed_once"), ["Writing to hello.txt", "cat hello.txt"]),
        ("codex", json!("approved"), ["echo hello > hello.txt", "Read hello.txt"]),
        ("opencode", json!("once"), ["write", "cat hello.txt"]),
    ] {
        let mut stage = Stage::new(acp(name));
        let ran = stage.run();
        assert_eq!(ran.outcome(), "succeeded", "{name}: {ran:?}");
        assert_eq!(ran.outputs, json!({ "text": "Done: hello.txt holds one line." }), "{name}");
        let here = stage.work().canonicalize().unwrap().display().to_string();
        let calls: Vec<String> = stage
            .did()
            .into_iter()
            .filter_map(|did| match did {
                Did::ToolCall { title, .. } => Some(title.replace(&here, "HERE")),
                _ => None,
            })
            .collect();
        assert_eq!(calls, titles, "{name}");
        let ended = stage
            .did()
            .iter()
            .filter(|did| matches!(did, Did::ToolResult { ok: true, .. }))
            .count();
        assert_eq!(ended, 2, "{name}");
        let told = told(&stage);
        assert_eq!(told[0]["params"]["clientCapabilities"]["terminal"], false);
        assert_eq!(told[1]["params"]["mcpServers"][0]["name"], "orchestrate");
        let prompt = told[2]["params"]["prompt"][0]["text"].as_str().unwrap();
        assert!(prompt.starts_with("You work.\n\n") && prompt.contains("Do the work."), "{prompt}");
        assert_eq!(told[3]["result"]["outcome"]["optionId"], allowed, "{name}");
    }
}

#[test]
fn what_the_rules_refuse_is_refused_over_the_protocol() {
    for (name, rules, outside, refused) in [
        ("claude", json!([{ "tool": "edit", "decision": "deny" }]), false, json!("reject")),
        ("gemini", json!([{ "path": "*.txt", "decision": "deny" }]), false, json!("cancel")),
        ("claude", json!([{ "tool": "execute", "decision": "allow" }]), true, json!("reject")),
        ("gemini", json!([{ "tool": "execute", "decision": "allow" }]), true, json!("cancel")),
    ] {
        let recording = fs::read_to_string(fixture(&format!("acp/{name}.txt"))).unwrap();
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("recording.txt");
        // A link that was planted leads out of the workspace.
        let recording = if outside {
            recording.replace("HERE/hello.txt", "HERE/link/hello.txt")
        } else {
            recording
        };
        fs::write(&path, recording).unwrap();
        let mut agent = acp(&path.display().to_string());
        agent.permissions = serde_json::from_value(rules.clone()).unwrap();
        let mut stage = Stage::new(agent);
        std::os::unix::fs::symlink("/etc", stage.work().join("link")).unwrap();
        let ran = stage.run();
        assert_eq!(ran.outcome(), "denied", "{name} {rules}: {ran:?}");
        assert_eq!(told(&stage)[3]["result"]["outcome"]["optionId"], refused, "{name} {rules}");
        assert!(ran.stdout.contains("! refused: Writ"), "{}", ran.stdout);
    }
}

#[test]
fn a_conversation_is_taken_up_again_over_the_protocol() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("recording.txt");
    let write = |text: &str| fs::write(&path, text).unwrap();
    let whole = fs::read_to_string(fixture("acp/claude.txt")).unwrap();
    let lines: Vec<&str> = whole.lines().collect();
    // It is killed in the middle of its first call.
    write(&(lines[..8].join("\n") + "\n> {\"method\":\"never\"}\n"));
    let mut stage = Stage::new(acp(&path.display().to_string()));
    let mut running = stage.start();
    running.until("I will write the file.");
    running.signal("-KILL");
    drop(running.end());
    let session = whole.split("\"sessionId\":\"").nth(1).unwrap().split('"').next().unwrap();
    let said = r#"< {"jsonrpc":"2.0","method":"session/update","params":{"update":{"sessionUpdate":"agent_message_chunk","content":{"type":"text","text":"TEXT"}}}}"#;
    write(&format!(
        "> {{\"id\":1,\"method\":\"initialize\"}}\n{}\n> {{\"id\":2,\"method\":\"session/load\"}}\n{}\n< {{\"id\":2,\"result\":{{}}}}\n\
         > {{\"id\":3,\"method\":\"session/prompt\"}}\n{}\n< {{\"id\":3,\"result\":{{\"stopReason\":\"end_turn\"}}}}\n",
        lines[1],
        said.replace("TEXT", "of before"),
        said.replace("TEXT", "Done after all.")
    ));
    fs::remove_file(stage.work().join("told.ndjson")).unwrap();
    let ran = stage.run();
    assert_eq!(ran.outcome(), "succeeded", "{ran:?}");
    assert_eq!(ran.outputs, json!({ "text": "Done after all." }));
    let told = told(&stage);
    assert_eq!(told[1]["params"]["sessionId"], session);
    let prompt = told[2]["params"]["prompt"][0]["text"].as_str().unwrap();
    assert!(prompt.starts_with("You were interrupted."), "{prompt}");
    assert!(!ran.stdout.contains("of before"), "{}", ran.stdout);
}

#[test]
fn an_agent_of_the_protocol_that_goes_wrong_has_an_outcome() {
    let hello = r#"< {"id":1,"result":{"protocolVersion":1,"agentCapabilities":{}}}"#;
    let until = format!(
        "> {{\"id\":1,\"method\":\"initialize\"}}\n{hello}\n> {{\"id\":2,\"method\":\"session/new\"}}\n< {{\"id\":2,\"result\":{{\"sessionId\":\"s\"}}}}\n> {{\"id\":3,\"method\":\"session/prompt\"}}\n"
    );
    let quiet = Limits { wall_ms: Some(60_000), idle_model_ms: Some(4000), ..Limits::default() };
    for (said, outcome) in [
        (r#"< {"id":3,"result":{"stopReason":"refusal"}}"#, "refused"),
        (r#"< {"id":3,"result":{"stopReason":"max_tokens"}}"#, "no_result"),
        (r#"< {"id":3,"result":{"stopReason":"max_turn_requests"}}"#, "turns_exhausted"),
        (r#"< {"id":3,"result":{"stopReason":"cancelled"}}"#, "interrupted"),
        (r#"< {"id":3,"result":{"stopReason":"end_turn"}}"#, "no_result"),
        (
            r#"< {"id":3,"error":{"code":-32000,"message":"Authentication required"}}"#,
            "auth_failed",
        ),
        (r#"< {"id":3,"error":{"code":429,"message":"slow down"}}"#, "unavailable"),
        (
            r#"< {"id":3,"error":{"code":-32603,"message":"Internal error","data":{"details":"Prompt is too long"}}}"#,
            "context_exhausted",
        ),
        (r#"> {"method":"never"}"#, "stalled"),
    ] {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("recording.txt");
        // What it does not know of a client is refused, and its log passed over.
        let asks = "< some log\n< {\"id\":9,\"method\":\"fs/read_text_file\",\"params\":{}}\n> {\"id\":9}\n";
        let again = "> {\"id\":4,\"method\":\"session/prompt\"}\n< {\"id\":4,\"result\":{\"stopReason\":\"end_turn\"}}\n> {\"id\":5,\"method\":\"session/prompt\"}\n< {\"id\":5,\"result\":{\"stopReason\":\"end_turn\"}}";
        fs::write(&path, format!("{until}{asks}{said}\n{again}\n")).unwrap();
        let mut stage = Stage::new(acp(&path.display().to_string()));
        stage.job.limits = if outcome == "stalled" {
            quiet.clone()
        } else {
            Limits { wall_ms: Some(60_000), ..Limits::default() }
        };
        let ran = stage.run();
        assert_eq!(ran.outcome(), outcome, "{said}: {ran:?}");
        assert_eq!(told(&stage)[3]["error"]["code"], -32601, "{said}");
    }
    let mut stage = Stage::new(acp("/nowhere/recording.txt"));
    let ran = stage.run();
    assert_eq!(ran.outcome(), "interrupted", "{ran:?}");
    let why = |did: &Did| matches!(did, Did::Warning { text } if text.contains("No such file"));
    assert!(stage.did().iter().any(why), "{}", ran.stdout);
}

fn inbox(tmux: Option<String>) -> Stage {
    let mut stage = Stage::new(agent(Adapter::Inbox { tmux }));
    // Whoever works elsewhere is silent.
    stage.job.limits =
        Limits { wall_ms: Some(60_000), idle_model_ms: Some(1500), ..Limits::default() };
    stage
}

/// The only task that lies there, with its id.
fn task(stage: &Stage) -> (String, String) {
    let folder = fs::read_dir(stage.work().join(".orchestrate/tasks")).unwrap();
    let path = folder.flatten().next().unwrap().path();
    let id = path.file_stem().unwrap().to_str().unwrap().to_owned();
    (id, fs::read_to_string(path).unwrap())
}

#[test]
fn somebody_elsewhere_says_that_it_is_done() {
    let mut stage = inbox(Some("nobody-sits-here".into()));
    let mut running = stage.start();
    running.until("could not be told");
    let (id, text) = task(&stage);
    assert!(text.contains("You work.") && text.contains("Do the work."), "{text}");
    // What lies there of another task is told of, and waited on.
    stage.put(
        &format!(".orchestrate/done/{id}.json"),
        r#"{"attempt": "code-0", "status": "completed"}"#,
    );
    running.until("it answers `code-0`");
    running.signal("-KILL");
    drop(running.end());
    // The next attempt finds the task as it was left, and the answer that comes then.
    stage.put(&format!(".orchestrate/tasks/{id}.md"), &format!("{text}\nhalf of it"));
    let mut running = stage.start();
    running.until("it answers `code-0`");
    assert!(task(&stage).1.ends_with("half of it"));
    let done =
        json!({ "attempt": id, "status": "completed", "summary": "did it", "outputs": { "n": 1 } });
    stage.put("new.json", &done.to_string());
    fs::rename(
        stage.work().join("new.json"),
        stage.work().join(format!(".orchestrate/done/{id}.json")),
    )
    .unwrap();
    let ran = running.end();
    assert_eq!(ran.outcome(), "succeeded", "{ran:?}");
    assert_eq!(ran.outputs, json!({ "text": "did it" }));
}

#[test]
fn a_marker_in_the_task_file_ends_it_and_a_stop_withdraws_it() {
    for (marker, outcome) in [
        ("## Status: COMPLETED \u{2705}\nAll of it.", "succeeded"),
        ("## Status: BLOCKED\nno key", "blocked"),
        ("## Status: FAILED\nno idea", "blocked"),
    ] {
        let mut stage = inbox(Some("nobody-sits-here".into()));
        let mut running = stage.start();
        running.until("could not be told");
        let (id, text) = task(&stage);
        stage.put(&format!(".orchestrate/tasks/{id}.md"), &format!("{text}\n{marker}\n"));
        let ran = running.end();
        assert_eq!(ran.outcome(), outcome, "{ran:?}");
    }
    let mut stage = inbox(Some("nobody-sits-here".into()));
    let mut running = stage.start();
    running.until("could not be told");
    running.signal("-TERM");
    assert_eq!(running.end().outcome(), "cancelled");
    assert!(task(&stage).1.contains("> Withdrawn"));
}

#[test]
fn whoever_sits_in_tmux_is_told() {
    let socket = tempfile::tempdir().unwrap();
    let socket = socket.path().join("tmux.sock").display().to_string();
    let tmux = |words: &[&str]| {
        std::process::Command::new("tmux").args(["-S", &socket]).args(words).output()
    };
    let mut stage = inbox(Some(format!("{socket}:desk")));
    let told = stage.work().join("told.txt").display().to_string();
    // It does what it is told: takes one line, and answers the task that the line names.
    let sits = format!(
        "read -r line; echo \"$line\" > {told}; sleep 2; task=$(echo \"$line\" | grep -o '/[^ ]*[.]md'); \
         printf '\\n## Status: COMPLETED\\nheard\\n' >> \"$task\"; sleep 30"
    );
    let Ok(started) = tmux(&["new-session", "-d", "-s", "desk", "sh", "-c", &sits]) else {
        eprintln!("skipped: tmux is not installed");
        return;
    };
    assert!(started.status.success(), "{started:?}");
    let ran = stage.run();
    drop(tmux(&["kill-server"]));
    assert_eq!(ran.outcome(), "succeeded", "{ran:?}");
    assert_eq!(ran.outputs, json!({ "text": "heard" }));
    assert!(stage.file("told.txt").unwrap().contains(".orchestrate/tasks/code-"));
}
