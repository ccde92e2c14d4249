//! Stages of agents through the doors, with the scripted agent: no model, no key.

use serde_json::{Value, json};

use crate::binary::Place;

const FEATURE: &str = r#"name: feature
inputs: {goal: {type: string, default: fly}}
agents:
  critic: {extends: reviewer, lens: speed}
stages:
  - name: plan
    agent: architect
    task: "Write plan.md for @input.goal as @file:rules.txt says"
    outputs: {summary: string}
    artifacts: {plan: plan.md}
  - name: build
    agent: implementer
    task: "In out.txt do what @plan/plan.md and @plan.summary say"
    validate: {command: test -s out.txt, protect: ["rules.txt"]}
  - name: look
    agent: critic
    task: "Judge @build"
    outputs: {verdict: {type: string, schema: {enum: [approve, reject]}}}
"#;

fn place() -> Place {
    let place = Place::with("feature.yaml", FEATURE);
    place.write("rules.txt", "Keep it short.\n");
    place
}

#[test]
fn a_pipeline_of_agents_runs_offline_and_hands_on_what_they_made() {
    let place = place();
    let ended = place.run(&["run", "feature.yaml"]);
    assert_eq!(ended.code, Some(0), "{}\n{}", ended.stdout, ended.stderr);
    assert!(place.read("out.txt").contains("scripted agent `implementer`"));
    let run = place.json(&["runs", "show", "feature#1"]);
    let stages = run["data"]["stages"].as_array().or(run["stages"].as_array()).unwrap();
    let of = |name: &str| stages.iter().find(|stage| stage["name"] == name).unwrap();
    assert_eq!(of("look")["outputs"]["verdict"], "approve");
    assert!(of("build")["outputs"]["text"].as_str().unwrap().contains("no model was asked"));
}

#[test]
fn the_exact_prompt_is_seen_before_a_run() {
    let place = place();
    let seen = place.json(&["agent", "prompt", "feature.yaml", "plan", "-p", "goal=dive"]);
    let seen = seen.get("data").unwrap_or(&seen);
    assert_eq!(
        (&seen["shape"], &seen["agents"][0]["name"]),
        (&json!("single"), &json!("architect"))
    );
    let text = seen["agents"][0]["text"].as_str().unwrap();
    assert!(text.starts_with("Write plan.md for @input.goal"), "{text}");
    assert!(text.contains(">\ndive\n</context") && text.contains(">\nKeep it short.\n"), "{text}");
    let files: Vec<&Value> =
        seen["context"].as_array().unwrap().iter().map(|b| &b["reference"]).collect();
    assert_eq!(files, ["@input.goal", "@file:rules.txt"]);
    assert_eq!(seen["context"][1]["bytes"], 15);
    // What the stages before it give is not known yet.
    let later = place.run(&["agent", "prompt", "feature.yaml", "look"]);
    assert!(later.stdout.contains("‹not known yet: `build` has not settled›"), "{}", later.stdout);
    assert!(later.stdout.contains("Your point of view: speed"), "{}", later.stdout);
    let none = place.run(&["agent", "prompt", "feature.yaml", "nobody"]);
    assert_eq!(none.code, Some(4), "{}", none.stderr);
    assert!(none.stderr.contains("plan, build, look"), "{}", none.stderr);
}

#[test]
fn agents_are_listed_and_shown_with_where_they_come_from() {
    let place = place();
    place.write(
        ".claude/agents/tester.md",
        "---\nname: tester\ntools: Read\ncolor: red\n---\nTest.\n",
    );
    place.write(".claude/agents/broken.md", "---\nname: broken\n");
    let listed = place.json(&["agent", "list"]);
    let agents = listed["data"].as_array().unwrap();
    let of = |name: &str| agents.iter().filter(|agent| agent["name"] == name).collect::<Vec<_>>();
    assert!(of("tester")[0]["origin"].as_str().unwrap().ends_with(".claude/agents/tester.md"));
    assert_eq!(of("tester")[1]["hidden"], true);
    assert!(of("broken")[0]["problem"].as_str().unwrap().contains("no second line"));
    let shown = place.run(&["agent", "show", "reviewer"]);
    assert!(shown.stdout.contains("You are the reviewer."), "{}", shown.stdout);
    let none = place.run(&["agent", "show", "reviever"]);
    assert_eq!(none.code, Some(4));
    assert!(none.stderr.contains("did you mean `reviewer`?"), "{}", none.stderr);
    let outside = place.run(&["agent", "show", "../../../feature"]);
    assert_eq!(outside.code, Some(4), "{}", outside.stderr);
}

#[test]
fn an_agent_that_nobody_knows_fails_its_stage_with_those_there_are() {
    let place = Place::with("x.yaml", "name: x\nstages: [{name: s, agent: nobody, task: Do it}]\n");
    let ended = place.run(&["run", "x.yaml"]);
    assert_eq!(ended.code, Some(10), "{}", ended.stderr);
    let said = ended.stdout + &ended.stderr;
    assert!(
        said.contains("there is no agent `nobody`; there are: architect, implementer"),
        "{said}"
    );
}

#[test]
fn the_last_words_of_an_agent_are_the_reason_of_its_failure() {
    let place = Place::with(
        "x.yaml",
        "name: x\nstages:\n  - name: s\n    agent: implementer\n    task: Write a.txt\n    validate: exit 3\n",
    );
    let ended = place.run(&["run", "x.yaml"]);
    assert_eq!(ended.code, Some(10), "{}", ended.stderr);
    let said = ended.stdout + &ended.stderr;
    assert!(said.contains("the check of the work failed (exit code 65)"), "{said}");
}

#[test]
fn what_agents_did_and_said_is_told() {
    let text = FEATURE.to_owned() + "  - {name: pack, run: 'true'}\n";
    let place = Place::with("feature.yaml", &text);
    place.write("rules.txt", "Keep it short.\n");
    let ended = place.run(&["run", "feature.yaml"]);
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    let talk = place.run(&["runs", "talk", "feature#1"]).stdout;
    for line in
        ["| architect begins", "| architect is asked (", "| implementer >", "| check passed"]
    {
        assert!(talk.contains(line), "{line}: {talk}");
    }
    assert!(!talk.contains("Keep it short."), "a prompt is one line: {talk}");
    let full = place.run(&["runs", "talk", "feature", "-s", "plan", "--full"]).stdout;
    assert!(full.contains("|   Keep it short.") && full.contains("is told:"), "{full}");
    assert!(full.lines().all(|line| line.starts_with("plan ")), "{full}");
    let followed = place.run(&["runs", "talk", "feature", "-f", "-s", "build"]);
    assert_eq!(followed.code, Some(0), "{}", followed.stderr);
    assert!(followed.stdout.contains("| ended: "), "{}", followed.stdout);
    let listed = place.json(&["runs", "talk", "feature", "--stage", "build"]);
    let data = listed["data"].as_array().unwrap();
    let first = (&data[0]["stage"], &data[0]["did"], &data[0]["seq"], &data[0]["attempt"]);
    assert_eq!(first, (&json!("build"), &json!("started"), &json!(1), &json!(1)));
    assert_eq!(data.last().unwrap()["did"], "ended");
    for (stage, says) in [("nobody", "has no stage `nobody`"), ("pack", "is no stage of agents")] {
        let none = place.run(&["runs", "talk", "feature", "--stage", stage]);
        assert_eq!(none.code, Some(4), "{}", none.stderr);
        assert!(none.stderr.contains(says), "{}", none.stderr);
    }
}

#[test]
fn a_talk_is_followed_while_it_happens() {
    let place = Place::with(
        "x.yaml",
        "name: x\nstages:\n  - name: s\n    agent: implementer\n    task: Wait\n    adapter:\n      \
         kind: mock\n      script: {turns: [[{note: one}, {wait_for: go}, {text: two}]]}\n",
    );
    let started = place.run(&["run", "x.yaml", "--detach"]);
    assert_eq!(started.code, Some(0), "{}", started.stderr);
    let mut command = place.command(&["runs", "talk", "x#1", "--follow", "--output", "ndjson"]);
    let mut following = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut lines =
        std::io::BufRead::lines(std::io::BufReader::new(following.stdout.take().unwrap()));
    let mut said = Vec::new();
    for line in lines.by_ref() {
        let one: Value = serde_json::from_str(&line.unwrap()).unwrap();
        said.push(one["did"].as_str().unwrap().to_owned());
        if one["text"] == "one" {
            place.write("go", "");
        }
    }
    assert!(following.wait().unwrap().success());
    let text = said.iter().position(|did| did == "text");
    assert!(text > said.iter().position(|did| did == "note"), "{said:?}");
    assert_eq!(said.iter().filter(|did| *did == "started").count(), 1, "{said:?}");
    assert_eq!(said.last().map(String::as_str), Some("ended"));
}

#[test]
fn names_that_nobody_has_are_told_by_validate_with_place_and_remedy() {
    let text = "name: x\nstages:\n  - {name: a, agent: reviever, task: x}\n  \
                - {name: b, loop: ralp, task: x}\n  - {name: c, agent: mine, task: x}\n";
    let place = Place::with("x.yaml", text);
    let told = place.run(&["validate", "x.yaml"]);
    assert_eq!(told.code, Some(0), "a file may be there by then: {}", told.stderr);
    for part in [
        "warning[W0110]: there is no agent `reviever` here",
        "x.yaml:3:22",
        "did you mean `reviewer`?",
        "there is no loop type `ralp` here",
        "did you mean `ralph`?",
        "there is no agent `mine` here",
        "there are: architect, implementer",
        "3 warnings",
    ] {
        assert!(told.stdout.contains(part), "{part}: {}", told.stdout);
    }
    assert_eq!(place.run(&["validate", "x.yaml", "--strict"]).code, Some(3));
    // A file of the project, and one of the data folder.
    place.write(".claude/agents/mine.md", "Do it.\n");
    place.write("data/agents/reviever.md", "Judge.\n");
    place.write("data/loops/ralp.yaml", "prompt: '{{ task }}'\n");
    let told = place.run(&["validate", "x.yaml", "--strict"]);
    assert_eq!(told.code, Some(0), "{}", told.stdout);
    // What lies in the folder of a server elsewhere is not ours to know.
    let told = place.run(&["validate", "x.yaml", "--server", "http://127.0.0.1:9"]);
    assert!(told.stdout.contains("the server may have it in its data folder"), "{}", told.stdout);
    assert!(!told.stdout.contains("`mine`"), "{}", told.stdout);
    // A run says the same at once, and not only when the stage starts.
    let other = Place::with("y.yaml", "name: y\nstages: [{name: a, agent: reviever, task: x}]\n");
    let run = other.run(&["run", "y.yaml"]);
    assert_eq!(run.code, Some(10), "{}", run.stderr);
    assert!(run.stderr.contains("warning[W0110]"), "{}", run.stderr);
}

#[test]
fn a_mistake_in_the_template_of_a_loop_is_found_before_it_runs() {
    let text = "name: x\nstages:\n  - name: a\n    task: x\n    agent: implementer\n    \
                loop: {prompt: '{{ task }} {% if notes %}{{ nots }}{% endif %}', max_iterations: 2}\n";
    let place = Place::with("x.yaml", text);
    for command in ["validate", "run"] {
        let told = place.run(&[command, "x.yaml"]);
        assert_eq!(told.code, Some(3), "{}{}", told.stdout, told.stderr);
        let said = told.stdout + &told.stderr;
        assert!(said.contains("the prompt of this loop cannot be filled in: line 1"), "{said}");
        assert!(said.contains("x.yaml:6:20"), "{said}");
    }
}

#[test]
fn the_reason_of_a_skip_says_what_was_read() {
    let text = "name: x\ninputs: {n: {type: integer, default: 2}}\nstages:\n  \
                - {name: a, if: inputs.n > 3, run: 'true'}\n";
    let place = Place::with("x.yaml", text);
    let ended = place.run(&["run", "x.yaml"]);
    let says = "if `inputs.n > 3`: false (inputs.n is 2)";
    assert!((ended.stdout + &ended.stderr).contains(says));
    let run = place.json(&["runs", "show", "x#1"]);
    let stage = run["data"]["stages"].get(0).or(run["stages"].get(0)).unwrap();
    assert_eq!(stage["detail"], says);
    assert!(place.run(&["runs", "show", "x#1"]).stdout.contains("(inputs.n is 2)"));
}
