//! Our own agent over the three wire formats, against a scripted model.

use std::collections::HashSet;

use api::agent::{Adapter, Did, Format, Limits, Shape};
use serde_json::{Value as Json, json};

use crate::door::Server;
use crate::model::Model;
use crate::stage::{Stage, agent, sleeps};

const FORMATS: [Format; 3] = [Format::Chat, Format::Responses, Format::Messages];

/// A stage whose agent asks this model, without a gateway.
fn stage(model: &Model, format: Format) -> Stage {
    let mut stage = Stage::new(agent(Adapter::Api { provider: "fake".into(), format }));
    stage.job.door.socket = format!("http://{}", model.address);
    stage.job.limits.idle_model_ms = Some(20_000);
    stage
}

fn calls(calls: Json) -> Json {
    json!({ "tool_calls": calls })
}

fn edit_scenario() -> Json {
    json!({ "turns": [
        { "thinking": "let me see", "text": "I will write the file.",
          "tool_calls": [{ "name": "write", "arguments": { "path": "hello.txt", "content": "hello ü\n" } }],
          "usage": { "input": 1200, "output": 40 } },
        { "tool_calls": [
            { "name": "read", "arguments": { "path": "hello.txt" } },
            { "name": "list", "arguments": {} },
            { "name": "bash", "arguments": { "command": "cat hello.txt" } },
          ], "usage": { "input": 1300, "output": 20, "cached": 1000 } },
        { "text": "Done: hello.txt holds one line.", "usage": { "input": 1400, "output": 12, "cached": 1200 } },
    ] })
}

#[test]
fn a_file_is_edited_in_each_format() {
    let model = Model::start(&edit_scenario());
    for format in FORMATS {
        model.load(&edit_scenario());
        let mut stage = stage(&model, format);
        let ran = stage.run();
        assert_eq!((ran.code, ran.outcome()), (Some(0), "succeeded"), "{format:?}: {ran:?}");
        assert_eq!(stage.file("hello.txt").as_deref(), Some("hello ü\n"));
        assert_eq!(ran.outputs, json!({ "text": "Done: hello.txt holds one line." }));
        let usage = &ran.usage;
        assert_eq!(usage["calls"], 3, "{usage}");
        // What is written to the cache was not read from it.
        let number = |key: &str| usage[key].as_u64().unwrap();
        let fresh = number("input_tokens") + number("cache_write_tokens");
        assert_eq!(fresh, 1200 + 300 + 200, "{format:?}: {usage}");
        assert_eq!(
            (&usage["output_tokens"], &usage["cache_read_tokens"]),
            (&json!(72), &json!(2200))
        );
        assert_eq!(usage["nano_usd"], Json::Null);
        let thought = stage.did().iter().any(|did| matches!(did, Did::Thinking { .. }));
        assert!(thought, "{format:?}");
        // The model saw what each call gave.
        let last = model.requests().pop().unwrap()["body"].to_string();
        assert!(last.contains("made `hello.txt`") && last.contains("hello ü"), "{last}");
        assert!(!last.contains(&stage.job.door.token));
    }
}

#[test]
fn the_result_comes_by_the_tool_or_by_the_last_words_and_is_mended() {
    let schema = json!({ "type": "object", "required": ["n"], "additionalProperties": false,
        "properties": { "n": { "type": "integer" } } });
    let by_tool = json!({ "turns": [
        { "tool_calls": [{ "name": "submit_result", "arguments": { "n": "one" } }] },
        { "text": "again", "tool_calls": [{ "name": "submit_result", "arguments": { "n": 1 } }] },
        { "text": "never asked for" },
    ] });
    let by_words = json!({ "turns": [{ "text": "no json" }, { "json": { "n": "x" } }, { "json": { "n": 1 } }] });
    let never = json!({ "turns": [{ "text": "no json" }], "after": "repeat" });
    let model = Model::start(&by_tool);
    for format in FORMATS {
        for (name, scenario, count, outcome) in [
            ("tool", &by_tool, 2, "succeeded"),
            ("words", &by_words, 3, "succeeded"),
            ("never", &never, 3, "no_result"),
        ] {
            model.load(scenario);
            let mut stage = stage(&model, format);
            stage.job.result = Some(schema.clone());
            let ran = stage.run();
            assert_eq!(ran.outcome(), outcome, "{format:?} {name}: {ran:?}");
            assert_eq!(model.requests().len(), count, "{format:?} {name}: {ran:?}");
            if outcome == "succeeded" {
                assert_eq!(ran.outputs, json!({ "n": 1 }), "{format:?} {name}");
            }
        }
        let body = &model.requests()[0]["body"];
        let native =
            ["response_format", "text", "output_config"].iter().any(|k| body.get(k).is_some());
        assert!(native, "{format:?}: {body}");
    }
}

/// A fault that comes once, or at every try.
fn fault(fault: Json, times: usize) -> Json {
    json!({ "turns": [{ "text": "a text of some length, in several pieces", "faults": vec![fault; times] }] })
}

/// Name, scenario, outcome, calls of the model (0: it does not matter).
type Case = (&'static str, Json, &'static str, usize);

fn once(kind: Json) -> Json {
    fault(kind, 1)
}

fn ever(kind: Json) -> Json {
    fault(kind, 9)
}

fn soon(status: u16) -> Json {
    json!({ "status": status, "retry_after": 0 })
}

fn write(arguments: Json) -> Json {
    let mut call = json!({ "name": "write" });
    call.as_object_mut().unwrap().extend(arguments.as_object().unwrap().clone());
    call
}

/// Trouble that passes.
fn passing() -> Vec<Case> {
    vec![
        ("429 once", once(soon(429)), "succeeded", 2),
        ("500 once", once(soon(500)), "succeeded", 2),
        ("529 once", once(soon(529)), "succeeded", 2),
        ("cut once", once(json!({ "kind": "cut", "after": 3 })), "succeeded", 2),
        ("clean cut once", once(json!({ "kind": "cut_clean", "after": 3 })), "succeeded", 2),
        ("bad JSON once", once(json!({ "kind": "bad_json", "after": 2 })), "succeeded", 2),
        (
            "error in stream once",
            once(json!({ "kind": "stream_error", "after": 2 })),
            "succeeded",
            2,
        ),
        ("reset once", once(json!({ "kind": "reset" })), "succeeded", 2),
        ("html once", once(json!({ "kind": "html" })), "succeeded", 2),
        (
            "empty answer once",
            json!({ "scripts": [
                { "match": { "last": "your answer is empty" }, "turns": [{ "text": "done" }] },
                { "turns": [{ "text": "" }] },
            ] }),
            "succeeded",
            2,
        ),
    ]
}

/// Trouble that lasts, of the model and of the way to it.
fn lasting() -> Vec<Case> {
    vec![
        ("429 for ever", ever(soon(429)), "unavailable", 3),
        ("500 for ever", ever(soon(500)), "unavailable", 3),
        ("cut for ever", ever(json!({ "kind": "cut", "after": 3 })), "unavailable", 3),
        ("retry in an hour", ever(json!({ "status": 429, "retry_after": 3600 })), "unavailable", 1),
        ("401", ever(json!({ "status": 401 })), "auth_failed", 1),
        ("403", ever(json!({ "status": 403 })), "auth_failed", 1),
        ("404", ever(json!({ "status": 404 })), "error", 1),
        (
            "prompt too long",
            ever(json!({ "status": 400, "message": "prompt is too long: 9 tokens > 8" })),
            "context_exhausted",
            1,
        ),
        (
            "budget",
            ever(
                json!({ "status": 400, "body": { "error": { "code": "budget_exhausted", "message": "7 of 7 calls" } } }),
            ),
            "budget_exhausted",
            1,
        ),
        (
            "empty for ever",
            json!({ "scripts": [{ "turns": [{ "text": "" }], "after": "repeat" }] }),
            "no_result",
            3,
        ),
        (
            "output limit",
            json!({ "scripts": [{ "turns": [{ "text": "and so", "stop": "length" }], "after": "repeat" }] }),
            "no_result",
            3,
        ),
        (
            "refusal",
            json!({ "turns": [{ "text": "I will not", "stop": "refusal" }] }),
            "refused",
            1,
        ),
        ("silence", ever(json!({ "kind": "timeout", "ms": 20_000 })), "stalled", 0),
        (
            "stall in the stream",
            ever(json!({ "kind": "stall", "after": 2, "ms": 20_000 })),
            "stalled",
            0,
        ),
        (
            "a model that never stops",
            json!({ "scripts": [{ "turns": [{ "tool_calls": [{ "name": "list", "arguments": {} }] }], "after": "repeat" }] }),
            "turns_exhausted",
            6,
        ),
    ]
}

/// What a model does.
fn misbehaving() -> Vec<Case> {
    vec![
        (
            "broken arguments",
            json!({ "turns": [
                calls(json!([write(json!({ "raw": "{\"path\": \"a" }))])),
                calls(json!([write(json!({ "arguments": { "path": "a", "content": "x" } }))])),
                { "text": "done" },
            ] }),
            "succeeded",
            3,
        ),
        (
            "arguments that do not fit, again and again",
            json!({ "scripts": [{ "turns": [calls(json!([write(json!({ "arguments": { "file": "a" } }))]))], "after": "repeat" }] }),
            "stuck",
            3,
        ),
        (
            "a tool that is not there",
            json!({ "turns": [calls(json!([{ "name": "list", "arguments": { "path": "none" } }])), { "text": "done" }] }),
            "succeeded",
            2,
        ),
        (
            "blocked",
            json!({ "turns": [calls(json!([{ "name": "report_blocked", "arguments": { "reason": "no key" } }]))] }),
            "blocked",
            1,
        ),
        (
            "outside of the workspace",
            json!({ "turns": [calls(json!([write(json!({ "arguments": { "path": "../x", "content": "x" } }))])), { "text": "done" }] }),
            "denied",
            2,
        ),
        (
            "a flood",
            json!({ "turns": [calls(json!([{ "name": "bash", "arguments": { "command": "yes | head -c 3000000" } }])), { "text": "done" }] }),
            "succeeded",
            2,
        ),
        (
            "a daemon",
            json!({ "turns": [calls(json!([{ "name": "bash", "arguments": { "command": "setsid sleep 98771 & echo ok" } }])), { "text": "done" }] }),
            "succeeded",
            2,
        ),
    ]
}

fn matrix(format: Format) {
    let model = Model::start(&json!({ "turns": [] }));
    let cases = passing().into_iter().chain(lasting()).chain(misbehaving());
    // Other formats are tried at the same time.
    let daemon = format!("9877{}", format as u8);
    for (name, scenario, outcome, count) in cases {
        let scenario = scenario.to_string().replace("98771", &daemon);
        model.load(&serde_json::from_str(&scenario).unwrap());
        let mut stage = stage(&model, format);
        stage.job.task = format!("Do what `{name}` asks.");
        stage.job.limits = Limits {
            turns: Some(6),
            idle_model_ms: Some(if outcome == "stalled" { 400 } else { 20_000 }),
            wall_ms: Some(60_000),
            ..Limits::default()
        };
        let ran = stage.run();
        let told = (ran.outcome(), ran.verdict["says"].as_str().unwrap_or_default().is_empty());
        assert_eq!(told, (outcome, false), "{format:?}, {name}: {ran:?}");
        assert_eq!(ran.code == Some(0), outcome == "succeeded", "{format:?}, {name}: {ran:?}");
        if count > 0 {
            // What a case before left hanging comes in late.
            let mut seen = model.requests();
            seen.retain(|request| request["body"].to_string().contains(&stage.job.task));
            assert_eq!(seen.len(), count, "{format:?}, {name}: {ran:?} {seen:?}");
        }
        assert!(!stage.root.path().join("x").exists() && !sleeps(&daemon), "{name}");
    }
}

#[test]
fn every_failure_has_a_named_end_in_chat() {
    matrix(Format::Chat);
}

#[test]
fn every_failure_has_a_named_end_in_responses() {
    matrix(Format::Responses);
}

#[test]
fn every_failure_has_a_named_end_in_messages() {
    matrix(Format::Messages);
}

#[test]
fn a_long_conversation_is_made_shorter_and_then_ends() {
    let read = || calls(json!([{ "name": "read", "arguments": { "path": "big" } }]));
    let turns = vec![read(); 8];
    let scenario = json!({ "scripts": [
        { "match": { "last": "about to become too long" }, "turns": [{ "text": "I read big." }], "after": "repeat", "advance": "sequence" },
        { "match": { "any": "You wrote down what matters" }, "turns": [{ "text": "done after all" }], "after": "repeat", "advance": "sequence" },
        { "turns": turns, "after": "repeat" },
    ] });
    let model = Model::start(&scenario);
    for format in FORMATS {
        model.load(&scenario);
        let mut stage = stage(&model, format);
        stage.put("big", &"line of the big file\n".repeat(400));
        stage.job.limits.window_tokens = Some(16_000);
        let ran = stage.run();
        assert_eq!(ran.outcome(), "succeeded", "{format:?}: {ran:?}");
        assert!(ran.stdout.contains("old results are left out"), "{format:?}: {}", ran.stdout);
        let bodies: Vec<String> =
            model.requests().iter().map(|request| request["body"].to_string()).collect();
        assert!(bodies.iter().any(|body| body.contains("bytes left out to save room")));
        assert!(bodies.iter().all(|body| body.len() < 16_000 * 4), "{format:?}");
    }
    // With less room there is nothing to be left out.
    let mut stage = stage(&model, Format::Chat);
    stage.job.task = "word ".repeat(4000);
    stage.job.limits.window_tokens = Some(2000);
    assert_eq!(stage.run().outcome(), "context_exhausted");
}

#[test]
fn a_server_that_takes_no_schema_is_asked_without() {
    let model = Model::start(&json!({ "turns": [
        { "json": { "n": 1 }, "faults": [{ "status": 400, "message": "response_format is not supported" }] },
    ] }));
    let mut stage = stage(&model, Format::Chat);
    stage.job.result = Some(json!({ "type": "object", "required": ["n"] }));
    let ran = stage.run();
    assert_eq!((ran.outcome(), &ran.outputs), ("succeeded", &json!({ "n": 1 })), "{ran:?}");
    let given: Vec<bool> = model
        .requests()
        .iter()
        .map(|request| request["body"].get("response_format").is_some())
        .collect();
    assert_eq!(given, [true, false]);
}

#[test]
fn people_are_asked_and_what_they_say_is_done() {
    let model = Model::start(&json!({ "turns": [
        calls(json!([{ "name": "ask_human", "arguments": { "question": "Which colour has hunter2hunter?", "choices": ["red", "hunter2hunter blue"] } }])),
        calls(json!([{ "name": "bash", "arguments": { "command": "touch allowed" } }])),
        calls(json!([{ "name": "bash", "arguments": { "command": "touch refused # hunter2hunter" } }])),
        { "text": "done" },
    ] }));
    let server = Server::start(&model.address);
    let mut stage = stage(&model, Format::Messages);
    stage.job.door.socket = server.socket();
    stage.env.push(("SECRET".into(), "hunter2hunter".into()));
    stage.job.secret_env.push("SECRET".into());
    let Shape::Single { agent } = &mut stage.job.shape else { unreachable!() };
    agent.permissions.clear();
    server.answer_after(3, |ask| match ask["detail"]["command"].as_str() {
        None => json!({ "kind": "said", "by": "ana", "text": "blue" }),
        Some("touch allowed") => json!({ "kind": "allowed", "by": "ana", "comment": "" }),
        Some(_) => json!({ "kind": "refused", "by": "ana", "comment": "not that" }),
    });
    let ran = stage.run();
    assert_eq!(ran.outcome(), "denied", "{ran:?}");
    assert!(stage.file("allowed").is_some() && stage.file("refused").is_none());
    let asked: Vec<Json> = server.asks();
    assert_eq!(asked.len(), 3, "{asked:?}");
    assert_eq!(asked[0]["choices"], json!(["red", "*** blue"]));
    // It is journalled, and people see it: no secret goes along.
    assert!(!json!(asked).to_string().contains("hunter2"), "{asked:?}");
    assert_eq!(asked[0]["question"], "Which colour has ***?");
    let last = model.requests().pop().unwrap()["body"].to_string();
    assert!(last.contains("blue") && last.contains("ana refused it: not that"), "{last}");
    assert_eq!(ran.verdict["evidence"]["denied"], 1);
}

#[test]
fn killed_at_any_point_no_turn_is_paid_twice_and_no_call_made_twice() {
    let step = |n: u32| {
        calls(
            json!([{ "name": "bash", "arguments": { "command": format!("echo {n} >> log; touch at-{n}; sleep 0.2") } }]),
        )
    };
    let scenario = json!({
        "defaults": { "latency_ms": 150 },
        "turns": [step(1), step(2), step(3), { "text": "done" }],
    });
    let model = Model::start(&scenario);
    for format in FORMATS {
        model.load(&scenario);
        let server = Server::start(&model.address);
        let mut stage = stage(&model, format);
        stage.job.door.socket = server.socket();
        // While the first call of a tool runs, while the model is asked, while it has just answered.
        for mark in ["> bash echo 1", "> bash echo 2"] {
            let mut running = stage.start();
            running.until(mark);
            running.child.kill().unwrap();
            running.child.wait().unwrap();
        }
        let mut running = stage.start();
        server.until_asked(4);
        running.child.kill().unwrap();
        running.child.wait().unwrap();
        drop(running);
        let ran = stage.run();
        assert_eq!((ran.code, ran.outcome()), (Some(0), "succeeded"), "{format:?}: {ran:?}");
        let seen = model.requests();
        assert_eq!(seen.len(), 4, "{format:?}: {seen:?}");
        let log = stage.file("log").unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        assert_eq!(lines.iter().collect::<HashSet<_>>().len(), lines.len(), "{log}");
    }
}

#[test]
fn a_server_that_is_away_is_waited_for() {
    let model = Model::start(&json!({ "turns": [{ "text": "done" }] }));
    let mut stage = stage(&model, Format::Chat);
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("late.sock");
    stage.job.door.socket = socket.display().to_string();
    stage.job.limits.idle_model_ms = Some(5_000);
    let mut running = stage.start();
    running.until("begins");
    let _server = Server::at(&model.address, &socket);
    let ran = running.end();
    assert_eq!(ran.outcome(), "succeeded", "{ran:?}");
}
