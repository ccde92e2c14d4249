//! `agent test` through the doors: agents that answer, and those of which something is missing.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value as Json, json};

use crate::binary::Place;
use crate::model::Model;

const KEY: &str = "sk-of-a-test-0123456789abcdef";

fn executable(place: &Place, name: &str, text: &str) -> String {
    place.write(name, text);
    let path = place.path().join(name);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path.to_str().unwrap().to_owned()
}

fn agent(place: &Place, name: &str, front: &str) {
    place.write(
        &format!(".claude/agents/{name}.md"),
        &format!("---\nname: {name}\n{front}---\nYou are {name}; keep ${{this}} and @that.\n"),
    );
}

/// A place whose agents ask this provider.
fn with_provider(address: &str, key: &str) -> Place {
    let place = Place::new();
    let config = format!(
        "models: {{providers: {{fake: {{kind: compatible, base_url: 'http://{address}/v1', \
         key: {key}, allow_private: true}}}}, prices: {{m: {{input: 10, output: 20}}}}}}\n\
         agents: {{default: {{adapter: api, provider: fake, model: m}}}}\n"
    );
    place.write("data/config.yaml", &config);
    place
}

fn calls(place: &Place, run: &str) -> u64 {
    place.json(&["runs", "cost", run])["data"]["total"]["calls"].as_u64().unwrap()
}

#[test]
fn the_scripted_agent_is_tried_and_nothing_is_stored_by_looking() {
    let place = Place::new();
    let looked = place.run(&["agent", "test", "architect", "--dry-run"]);
    assert_eq!(looked.code, Some(0), "{}", looked.stderr);
    for part in
        ["from     built-in", "limits   5 turns", "$1.00", "You are the architect.", "--- task"]
    {
        assert!(looked.stdout.contains(part), "{part}: {}", looked.stdout);
    }
    assert!(looked.stdout.contains("/workspaces/‹run›; work only below it"), "{}", looked.stdout);
    assert_eq!(place.json(&["runs", "list"])["data"], json!([]));
    let tried = place.run(&["agent", "test", "architect", "--task", "Say @hello for ${me}"]);
    assert_eq!(tried.code, Some(0), "{}{}", tried.stdout, tried.stderr);
    for part in ["Say @hello for ${me}", "outcome  succeeded", "cost     nothing"] {
        assert!(tried.stdout.contains(part), "{part}: {}", tried.stdout);
    }
    let told = place.json(&["agent", "test", "architect"]);
    let data = &told["data"];
    assert_eq!((&data["outcome"], &data["ready"]), (&json!("succeeded"), &json!(true)));
    assert!(data["outputs"]["text"].as_str().unwrap().contains("no model was asked"), "{told}");
    assert_eq!(data["run"]["name"], "agent-test#2");
    // The folder of the project is not where it worked.
    assert!(!place.path().join(".orchestrate").exists());
}

#[test]
fn an_agent_of_an_api_answers_within_its_budget_and_its_cost_is_told() {
    let model = Model::start(&json!({
        "require_key": KEY,
        "turns": [{"text": "I am here.", "usage": {"input": 30, "output": 5}}], "after": "repeat",
    }));
    let place = with_provider(&model.address, "{file: provider.key}");
    place.write("data/provider.key", KEY);
    let front = "tools: Read\norchestrate:\n  budget: {turns: 2, usd: 9}\n  permissions:\n    \
                 - {tool: execute, command: cargo test, decision: allow}\n    \
                 - {path: \"docs/**\", decision: deny}\n    - {decision: ask}\n";
    agent(&place, "critic", front);
    let looked = place.json(&["agent", "test", "critic", "--dry-run"]);
    assert_eq!(model.requests().len(), 0, "nothing was asked");
    let checks = looked["data"]["checks"].as_array().unwrap();
    let says: Vec<&str> = checks.iter().map(|check| check["says"].as_str().unwrap()).collect();
    assert!(
        says[0].contains("{file: provider.key}") && says[1].contains("price is known"),
        "{says:?}"
    );
    let limits = looked["data"]["limits"].as_array().unwrap();
    assert!(limits.contains(&json!("2 turns")) && limits.contains(&json!("$1.00")), "{limits:?}");
    let rules = json!(["allow execute cargo test", "deny docs/**", "ask everything"]);
    assert_eq!(looked["data"]["rules"], rules);
    let system = looked["data"]["asked"]["system"].as_str().unwrap();
    assert!(system.contains("You are critic; keep ${this} and @that."), "{system}");
    let told = place.json(&["agent", "test", "critic"]);
    let data = &told["data"];
    assert_eq!(data["outputs"]["text"], "I am here.");
    assert_eq!((&data["outcome"], &data["usage"]["calls"]), (&json!("succeeded"), &json!(1)));
    assert_eq!(data["usage"]["nano_usd"], json!(400_000));
    let shown = place.run(&["agent", "test", "critic"]);
    assert!(shown.stdout.contains("cost     1 call, 35 tokens, $0.0004"), "{}", shown.stdout);
    let runs = place.json(&["runs", "list"]).to_string();
    for said in [told.to_string(), looked.to_string(), shown.stdout, shown.stderr, runs] {
        assert!(!said.contains(KEY), "{said}");
    }
}

#[test]
fn what_a_provider_refuses_is_a_named_outcome() {
    let refused =
        json!({"turns": [{"text": "no", "faults": [{"status": 401}]}], "after": "repeat"});
    let model = Model::start(&refused);
    let place = with_provider(&model.address, "{file: provider.key}");
    place.write("data/provider.key", KEY);
    let ended = place.run(&["agent", "test", "reviewer", "--output", "json"]);
    assert_eq!(ended.code, Some(10), "{}{}", ended.stdout, ended.stderr);
    let told: Json = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(told["data"]["outcome"], "auth_failed", "{told}");
    assert!(!told["data"]["says"].as_str().unwrap().is_empty());
}

#[test]
fn a_tiny_budget_holds() {
    let looks = json!({"tool_calls": [{"name": "list", "arguments": {"path": "."}}]});
    let model = Model::start(&json!({"scripts": [{"turns": [looks], "after": "repeat"}]}));
    let place = with_provider(&model.address, "{file: provider.key}");
    place.write("data/provider.key", KEY);
    let ended = place.run(&["agent", "test", "reviewer"]);
    assert_eq!(ended.code, Some(10), "{}{}", ended.stdout, ended.stderr);
    assert!(
        ended.stdout.contains("outcome  budget exhausted")
            || ended.stdout.contains("outcome  turns exhausted"),
        "{}",
        ended.stdout
    );
    assert!(calls(&place, "agent-test#1") <= 5);
    let small = place.run(&["agent", "test", "reviewer", "--usd", "0.0000001"]);
    assert_eq!(small.code, Some(10), "{}{}", small.stdout, small.stderr);
    assert!(small.stdout.contains("outcome  budget exhausted"), "{}", small.stdout);
    assert_eq!(calls(&place, "agent-test#2"), 0);
}

#[test]
fn a_key_that_is_missing_ends_the_test_before_anything_is_asked() {
    let model = Model::start(&json!({"turns": [{"text": "hello"}]}));
    let place = with_provider(&model.address, "{env: NO_SUCH_KEY_ANYWHERE}");
    let ended = place.run(&["agent", "test", "reviewer"]);
    assert_eq!(ended.code, Some(5), "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stderr.contains("`NO_SUCH_KEY_ANYWHERE` is not set"), "{}", ended.stderr);
    assert!(ended.stderr.contains("hint: set it up below `models.providers`"), "{}", ended.stderr);
    assert!(ended.stdout.contains("provider missing:"), "{}", ended.stdout);
    assert_eq!(model.requests().len(), 0);
    assert_eq!(place.json(&["runs", "list"])["data"], json!([]), "nothing was started");
}

#[test]
fn a_program_is_tried_where_it_is_and_missed_where_it_is_not() {
    let place = Place::new();
    let script = "#!/bin/sh\ncat > /dev/null; pwd > seen; echo \"{\\\"count\\\": 3}\"\n";
    let teller = executable(&place, "bin/teller", script);
    let adapter = format!("orchestrate: {{adapter: {{kind: command, command: ['{teller}']}}}}\n");
    agent(&place, "counter", &adapter);
    let told = place.json(&["agent", "test", "counter"]);
    let data = &told["data"];
    assert_eq!(data["outcome"], "succeeded", "{told}");
    assert_eq!(
        data["checks"][0]["says"],
        json!(teller),
        "somebody's script is not called for that"
    );
    assert!(data["outputs"]["text"].as_str().unwrap().contains("count"), "{told}");
    assert!(!place.path().join("seen").exists(), "it worked elsewhere");
    let here = place.run(&["agent", "test", "counter", "--here"]);
    assert_eq!(here.code, Some(0), "{}", here.stderr);
    assert_eq!(place.read("seen").trim(), place.path().canonicalize().unwrap().to_str().unwrap());

    let claude = executable(&place, "bin/claude", "#!/bin/sh\necho '9.9.9 (Some Code)'\n");
    let adapter = format!(
        "orchestrate: {{adapter: {{kind: claude, command: ['{claude}'], env: {{A: b}}}}}}\n"
    );
    agent(&place, "coder", &adapter);
    let looked = place.json(&["agent", "test", "coder", "--dry-run"]);
    let check = &looked["data"]["checks"][0];
    assert_eq!(check["says"], json!(format!("{claude}, 9.9.9 (Some Code)")));

    agent(
        &place,
        "gone",
        "orchestrate: {adapter: {kind: acp, command: [no-such-program, --acp]}}\n",
    );
    let gone = place.run(&["agent", "test", "gone", "--output", "json"]);
    assert_eq!(gone.code, Some(5), "{}", gone.stderr);
    let told: Json = serde_json::from_str(&gone.stdout).unwrap();
    assert_eq!((&told["data"]["ready"], &told["data"]["run"]), (&json!(false), &Json::Null));
    assert!(gone.stderr.contains("`no-such-program` was not found in PATH"), "{}", gone.stderr);
}

#[test]
fn who_cannot_be_tried_is_told_why() {
    let place = Place::new();
    let none = place.run(&["agent", "test", "reviever"]);
    assert_eq!(none.code, Some(4), "{}", none.stderr);
    assert!(none.stderr.contains("did you mean `reviewer`?"), "{}", none.stderr);
    place.write(".claude/agents/broken.md", "---\nname: broken\n");
    let broken = place.run(&["agent", "test", "broken"]);
    assert_eq!(broken.code, Some(3), "{}", broken.stderr);
    assert!(broken.stderr.contains("no second line"), "{}", broken.stderr);
    agent(&place, "orphan", "orchestrate: {extends: nobody}\n");
    let orphan = place.run(&["agent", "test", "orphan"]);
    assert_eq!(orphan.code, Some(3), "{}", orphan.stderr);
    for (flag, value, says) in
        [("--usd", "0", "`usd` is out of range"), ("--task", " ", "`task` is empty")]
    {
        let refused = place.run(&["agent", "test", "reviewer", flag, value]);
        assert_eq!(refused.code, Some(2), "{}", refused.stderr);
        assert!(refused.stderr.contains(says), "{}", refused.stderr);
    }
    place.write("agent-test.yaml", "name: agent-test\nstages: [{name: s, noop: true}]\n");
    assert_eq!(place.run(&["run", "agent-test.yaml"]).code, Some(0));
    let taken = place.run(&["agent", "test", "reviewer"]);
    assert_eq!(taken.code, Some(5), "{}", taken.stderr);
    assert!(taken.stderr.contains("give that pipeline another name"), "{}", taken.stderr);
}

#[test]
fn an_agent_of_a_stored_pipeline_is_tried_as_it_defines_it() {
    let text = "name: p\nagents: {critic: {extends: reviewer, lens: speed, prompt: Be quick.}}\n\
                stages: [{name: s, noop: true}]\n";
    let place = Place::with("p.yaml", text);
    assert_eq!(place.run(&["pipeline", "create", "p.yaml"]).code, Some(0));
    assert_eq!(place.run(&["agent", "test", "critic"]).code, Some(4));
    let told = place.json(&["agent", "test", "critic", "--pipeline", "p"]);
    assert_eq!(told["data"]["outcome"], "succeeded", "{told}");
    assert_eq!(told["data"]["agent"]["origin"], "pipeline");
    assert!(told["data"]["asked"]["system"].as_str().unwrap().contains("Be quick."));
}
