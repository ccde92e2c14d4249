//! A person takes the place of an agent, and hands the work back: the harness's side of it.

use std::process::Command;

use api::agent::{Adapter, CommandResult, Did, HandedBack, Taken};
use serde_json::{Value as Json, json};

use crate::door::Server;
use crate::stage::{Ran, Running, Stage, agent, mock};

fn held(hold: u32) -> Json {
    json!({ "hold": hold, "by": "ana" })
}

fn back(hold: u32, note: &str, accept: bool) -> Json {
    json!({ "hold": hold, "by": "ana", "back": { "by": "ana", "note": note, "accept": accept } })
}

/// What a person does who goes on as the line says.
fn person(attach: &Json, script: &str) -> String {
    let line = format!("{} -c {script:?}", attach["command"].as_str().unwrap());
    let output = Command::new("sh").args(["-c", &line]).env("SHELL", "/bin/sh").output().unwrap();
    assert!(output.status.success(), "{line}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn at(server: &Server, agent: api::agent::Agent) -> Stage {
    let mut stage = Stage::new(agent);
    stage.job.door.socket = server.socket();
    stage
}

fn words(stage: &Stage) -> Vec<String> {
    stage.did().iter().map(|did| did.word().to_owned()).collect()
}

/// Waits for nothing that does not come: the first turn never ends by itself.
fn waits() -> api::agent::Agent {
    let first = json!([{ "text": "I begin." }, { "hang": true }]);
    let second = json!([{ "text": "I go on as you said." }]);
    mock(json!({ "turns": [first, second] }))
}

#[test]
fn the_agent_lets_go_a_person_works_and_the_agent_goes_on_with_the_note() {
    let server = Server::start("");
    let mut stage = at(&server, waits());
    let mut running = stage.start();
    running.until("I begin.");
    server.taken(held(1));
    let attach = server.until_let_go(1, 1);
    assert_eq!((&attach["agent"], &attach["resumes"]), (&json!("worker"), &json!(true)));
    assert_eq!(attach["directory"], stage.work().display().to_string());
    assert!(!attach.to_string().contains("attempt-token"), "{attach}");
    person(&attach, "echo by hand > hello.txt");
    server.taken(back(1, "Use CSS variables.", false));
    let ran = running.end();
    assert_eq!(ran.outcome(), "succeeded", "{ran:?}");
    assert_eq!(stage.file("hello.txt").as_deref(), Some("by hand\n"));
    assert!(ran.stdout.contains("== ana took over from worker"), "{}", ran.stdout);
    assert!(ran.stdout.contains("handed back to worker: Use CSS variables."), "{}", ran.stdout);
    let prompts = prompts(&stage);
    assert_eq!(prompts.len(), 2, "{prompts:?}");
    assert!(prompts[1].ends_with("ana says:\n\nUse CSS variables."), "{}", prompts[1]);
    assert_eq!(ran.outputs["text"], "I go on as you said.");
    let script = attach["command"].as_str().unwrap().strip_prefix("sh ").unwrap();
    assert!(!std::path::Path::new(script).exists(), "the way in is closed");
}

fn prompts(stage: &Stage) -> Vec<String> {
    let all = stage.did().into_iter();
    all.filter_map(|did| if let Did::Prompt { text, .. } = did { Some(text) } else { None })
        .collect()
}

#[test]
fn what_is_accepted_is_checked_and_judged_as_ever() {
    let accept = |check: &str, note: &str, script: &str| -> (Ran, Stage) {
        let server = Server::start("");
        let mut stage = at(&server, waits());
        stage.job.validate = Some(
            serde_json::from_value(json!({ "command": check, "timeout_ms": 20_000 })).unwrap(),
        );
        let mut running = stage.start();
        running.until("I begin.");
        server.taken(held(1));
        person(&server.until_let_go(1, 1), script);
        server.taken(back(1, note, true));
        (running.end(), stage)
    };
    let (ran, stage) = accept("grep -q hand hello.txt", "", "echo by hand > hello.txt");
    assert_eq!((ran.outcome(), &ran.outputs["text"]), ("succeeded", &json!("ana did the work.")));
    assert!(!words(&stage).contains(&"denied".to_owned()));
    assert_eq!(prompts(&stage).len(), 1, "no agent was asked again");
    // The check fails, the agent mends in vain: as if it had said itself that it was done.
    let (ran, stage) = accept("grep -q hand hello.txt", "I think it is done.", "true");
    assert_eq!(ran.outcome(), "validation_failed", "{ran:?}");
    assert!(prompts(&stage)[1].starts_with("The check of your work failed."));
}

#[test]
fn a_note_that_is_an_object_is_the_result_where_one_is_wanted() {
    let server = Server::start("");
    let mut stage = at(&server, waits());
    let number = json!({ "type": "integer" });
    stage.job.result =
        Some(json!({ "type": "object", "properties": { "n": number }, "required": ["n"],
                "additionalProperties": false }));
    let mut running = stage.start();
    running.until("I begin.");
    server.taken(held(1));
    server.until_let_go(1, 1);
    server.taken(back(1, "{\"n\": 7}", true));
    let ran = running.end();
    assert_eq!((ran.outcome(), &ran.outputs), ("succeeded", &json!({ "n": 7 })), "{ran:?}");
}

#[test]
fn who_remembers_nothing_begins_anew_with_the_note() {
    let script = "cat > told.$(ls told.* 2>/dev/null | wc -l); \
                  test -e told.1 && { echo finished; exit; }; echo begun > begun; sleep 97531";
    let argv = ["sh", "-c", script].map(str::to_owned).to_vec();
    let adapter = Adapter::Command {
        argv,
        result: CommandResult::Exit,
        env: Default::default(),
        provider: "fake".into(),
    };
    let server = Server::start("");
    let mut stage = at(&server, agent(adapter));
    let pipe = stage.work().join("begun");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let running = stage.start();
    // A pipe: it is read when the program has come so far.
    assert_eq!(stage.file("begun").as_deref(), Some("begun\n"));
    server.taken(held(1));
    let attach = server.until_let_go(1, 1);
    assert_eq!(attach["resumes"], false);
    assert!(!crate::stage::sleeps("97531"), "its program has ended");
    server.taken(back(1, "Mind the gap.", false));
    let ran = running.end();
    assert_eq!(ran.outcome(), "succeeded", "{ran:?}");
    let told = stage.file("told.1").unwrap();
    assert!(told.contains("Do the work.") && told.contains("Mind the gap."), "{told}");
}

#[test]
fn a_hold_survives_a_kill_and_what_was_handed_back_counts_once() {
    let server = Server::start("");
    let mut stage = at(&server, waits());
    let mut running = stage.start();
    running.until("I begin.");
    server.taken(held(1));
    server.until_let_go(1, 1);
    killed(running);
    // The next attempt begins held: not one word is said to the agent.
    stage.job.taken = Some(Taken { hold: 1, by: "ana".into(), back: None });
    let running = stage.start();
    let attach = server.until_let_go(1, 2);
    assert_eq!(prompts(&stage).len(), 1);
    person(&attach, "echo by hand > hello.txt");
    killed(running);
    // Handed back while no attempt lived.
    let handed = HandedBack { by: "ana".into(), note: "Go on.".into(), accept: false };
    stage.job.taken = Some(Taken { hold: 1, by: "ana".into(), back: Some(handed) });
    server.taken(back(1, "Go on.", false));
    let ran = stage.run();
    assert_eq!(ran.outcome(), "succeeded", "{ran:?}");
    let told = words(&stage).iter().filter(|word| *word == "handed_back").count();
    assert_eq!((told, prompts(&stage).len()), (1, 2));
}

fn killed(running: Running) {
    running.signal("-KILL");
    running.end();
}

#[test]
fn whoever_is_held_can_be_stopped() {
    let server = Server::start("");
    let mut stage = at(&server, waits());
    let mut running = stage.start();
    running.until("I begin.");
    server.taken(held(1));
    server.until_let_go(1, 1);
    running.signal("-TERM");
    assert_eq!(running.end().outcome(), "cancelled");
}
