//! Several agents at one table: what each may see, how answers become one, what a crash costs.

use api::agent::{Adapter, Agent, Did, Shape, Talk, Validate};
use serde_json::{Value as Json, json};

use crate::stage::{Stage, mock};

fn member(name: &str, script: Json) -> Agent {
    Agent { name: name.into(), system: format!("You are {name}."), ..mock(script) }
}

/// Says this, in each of its conversations.
fn words(name: &str, said: &[&str]) -> Agent {
    let of = |text: &&str| json!([[{ "text": text }, { "usage": { "input": 1, "output": 1 } }]]);
    let conversations: Vec<Json> = said.iter().map(of).collect();
    member(name, json!({ "conversations": conversations }))
}

/// Hands this in, in each of its conversations.
fn results(name: &str, said: &[Json]) -> Agent {
    let of = |result: &Json| json!([[{ "result": result }, { "text": "so" }, { "usage": { "input": 1 } }]]);
    let conversations: Vec<Json> = said.iter().map(of).collect();
    member(name, json!({ "conversations": conversations }))
}

fn number() -> Json {
    json!({ "type": "object", "required": ["n"], "additionalProperties": false,
        "properties": { "n": { "type": "integer" } } })
}

fn talk(mode: &str, combine: &str, chair: Option<Agent>) -> Talk {
    let chair = json!(chair);
    serde_json::from_value(
        json!({ "mode": mode, "rounds": 2, "combine": combine, "chair": chair, "seed": 7 }),
    )
    .unwrap()
}

fn stage(members: Vec<Agent>, talk: Talk) -> Stage {
    let mut stage = Stage::new(mock(Json::Null));
    stage.job.shape = Shape::Discussion { members, talk: Box::new(talk) };
    stage
}

/// Everything that anybody was asked, with who was.
fn asked(stage: &Stage) -> Vec<(String, String)> {
    let prompts = stage.happenings().into_iter().filter_map(|happening| match happening.what {
        Did::Prompt { text, .. } => Some((happening.who, text)),
        _ => None,
    });
    prompts.collect()
}

fn asked_of(stage: &Stage, who: &str) -> Vec<String> {
    asked(stage).into_iter().filter(|(of, _)| of == who).map(|(_, text)| text).collect()
}

fn used(stage: &Stage) -> usize {
    stage.did().iter().filter(|did| matches!(did, Did::Usage { .. })).count()
}

/// Who took which turn, in order of names.
fn turns(stage: &Stage) -> Vec<String> {
    let mut turns: Vec<String> = stage
        .did()
        .iter()
        .filter_map(|did| match did {
            Did::Turn { data, .. } => Some(data["turn"].as_str()?.to_owned()),
            _ => None,
        })
        .collect();
    turns.sort();
    turns
}

#[test]
fn those_who_answer_at_once_see_nothing_of_each_other() {
    let members = ["ann", "bob", "cyd"].map(|name| words(name, &[&format!("{name} says so")]));
    let chair = words("lead", &["the one answer"]);
    let mut stage = stage(members.to_vec(), talk("parallel", "synthesise", Some(chair)));
    let ran = stage.run();
    assert_eq!((ran.code, ran.outcome()), (Some(0), "succeeded"), "{ran:?}");
    assert_eq!(ran.outputs, json!({ "text": "the one answer" }));
    assert_eq!(turns(&stage), ["ann-answer", "bob-answer", "cyd-answer", "lead-chair"]);
    for name in ["ann", "bob", "cyd"] {
        let asked = asked_of(&stage, name);
        assert_eq!(asked.len(), 1);
        assert!(!asked[0].contains("says so"), "{}", asked[0]);
    }
    let chair = &asked_of(&stage, "lead")[0];
    for part in
        ["Do the work.", "ann says so", "bob says so", "cyd says so", "reference=\"answer C\""]
    {
        assert!(chair.contains(part), "{part}: {chair}");
    }
    assert!(!chair.contains("reference=\"ann"), "{chair}");
}

#[test]
fn votes_are_counted_and_a_minority_is_kept() {
    let members = || {
        vec![
            results("ann", &[json!({ "n": 1 })]),
            results("bob", &[json!({ "n": 2 })]),
            results("cyd", &[json!({ "n": 1 })]),
        ]
    };
    let chair = || Some(results("lead", &[json!({ "n": 9 })]));
    let mut stage = stage(members(), talk("parallel", "vote", chair()));
    stage.job.result = Some(number());
    let ran = stage.run();
    assert_eq!(ran.outputs, json!({ "n": 1 }), "{ran:?}");
    assert_eq!(ran.verdict["says"], "done: 2 of 3 members agree");
    assert!(asked_of(&stage, "lead").is_empty());
    let minority = stage.file("minority.md").unwrap();
    assert!(minority.contains("## bob") && minority.contains("\"n\": 2"), "{minority}");

    // As many on each side: the chair decides.
    let even = members().into_iter().take(2).collect();
    let mut stage = self::stage(even, talk("parallel", "vote", chair()));
    stage.job.result = Some(number());
    assert_eq!(stage.run().outputs, json!({ "n": 9 }));
    assert_eq!(stage.file("minority.md"), None);
}

#[test]
fn answers_are_picked_or_put_together() {
    let members = || vec![words("ann", &["one"]), words("bob", &["two"])];
    let mut stage = stage(members(), talk("parallel", "concat", None));
    assert_eq!(stage.run().outputs["text"], "## ann\n\none\n\n## bob\n\ntwo\n");
    let judge = results("lead", &[json!({ "best": "A", "why": "it is right" })]);
    let mut stage = self::stage(members(), talk("parallel", "best", Some(judge)));
    let ran = stage.run();
    let first = asked_of(&stage, "lead")[0].find(">\none\n").unwrap();
    let second = asked_of(&stage, "lead")[0].find(">\ntwo\n").unwrap();
    let picked = if first < second { "one" } else { "two" };
    assert_eq!(ran.outputs, json!({ "text": picked }), "{ran:?}");
    assert!(stage.file("minority.md").is_some());
}

#[test]
fn a_council_ranks_what_the_others_said_without_their_names() {
    let member = |name: &str, ranking: Json, says: &str| {
        let ballot = json!({ "ranking": ranking, "critique": says });
        let opinion = json!([[{ "text": format!("opinion of {}", name.to_uppercase()) }]]);
        member(
            name,
            json!({ "conversations": [opinion, [[{ "result": ballot }, { "text": "so" }]]] }),
        )
    };
    let members = vec![
        member("ann", json!(["A", "B"]), "B is too long"),
        member("bob", json!(["B", "A"]), "A is wrong"),
        member("cyd", json!(["A", "A"]), "I cannot count"),
    ];
    let mut stage = stage(members, talk("council", "synthesise", Some(words("lead", &["result"]))));
    let ran = stage.run();
    assert_eq!((ran.outcome(), &ran.outputs["text"]), ("succeeded", &json!("result")), "{ran:?}");
    assert_eq!(ran.verdict["says"], "done: the chair wrote it from 3 answers and 2 rankings");
    for (name, others) in [("ann", ["BOB", "CYD"]), ("bob", ["ANN", "CYD"])] {
        let ballot = &asked_of(&stage, name)[1];
        assert!(others.iter().all(|other| ballot.contains(&format!("opinion of {other}"))));
        assert!(!ballot.contains(&format!("opinion of {}", name.to_uppercase())), "{ballot}");
        assert!(
            !ballot.contains("reference=\"ann") && !ballot.contains("source=\"bob"),
            "{ballot}"
        );
    }
    let chair = &asked_of(&stage, "lead")[0];
    for part in ["answer 1", "answer 3", "B is too long", "A is wrong", "of 1 points"] {
        assert!(chair.contains(part), "{part}: {chair}");
    }
    assert!(!chair.contains("I cannot count"), "{chair}");
    assert_eq!(
        turns(&stage),
        ["ann-ballot", "ann-opinion", "bob-ballot", "bob-opinion", "cyd-opinion", "lead-chair"]
    );
}

#[test]
fn a_debate_ends_when_they_agree_or_the_judge_has_heard_enough() {
    let n = |n: u32| json!({ "n": n });
    let positions = || {
        vec![
            results("ann", &[n(1), n(2)]),
            results("bob", &[n(2), n(2)]),
            results("cyd", &[n(2), n(3)]),
        ]
    };
    let judge = |decision: &str| {
        let says = json!({ "decision": decision, "why": "all is said" });
        Some(results("lead", &[says, n(9)]))
    };
    let mut go_on = stage(positions(), talk("debate", "vote", judge("continue")));
    go_on.job.result = Some(number());
    let ran = go_on.run();
    assert_eq!(ran.outputs, n(2), "{ran:?}");
    assert_eq!(
        ran.verdict["says"],
        "done: after 2 rounds its rounds are over; 2 of 3 members agree"
    );
    let second = &asked_of(&go_on, "ann")[1];
    assert!(second.contains("Your position so far:\n\n{\n  \"n\": 1\n}"), "{second}");
    assert_eq!(second.matches("\"n\": 2\n").count(), 2, "{second}");
    assert!(go_on.file("minority.md").unwrap().contains("## cyd"));
    assert_eq!(used(&go_on), 7);

    let mut enough = stage(positions(), talk("debate", "vote", judge("synthesise")));
    enough.job.result = Some(number());
    let ran = enough.run();
    let says = "done: after 1 round the judge has heard enough (all is said); 2 of 3 members agree";
    assert_eq!((&ran.outputs, ran.verdict["says"].as_str()), (&n(2), Some(says)));
    assert_eq!(used(&enough), 4);

    let same = ["ann", "bob"].map(|name| results(name, &[n(5)])).to_vec();
    let mut agree = stage(same, talk("debate", "vote", judge("continue")));
    agree.job.result = Some(number());
    assert_eq!((agree.run().outputs, used(&agree)), (n(5), 2));
}

#[test]
fn in_a_line_each_takes_the_draft_over_until_nobody_changes_it() {
    let turn = |draft: &str, changes: &str| json!({ "draft": draft, "changes": changes, "objections": [] });
    let members = vec![
        results("ann", &[turn("a", "begun"), turn("a b", "")]),
        results("bob", &[turn("a b", "added b")]),
        results("cyd", &[json!({ "draft": "a b", "changes": "", "objections": ["no c"] })]),
    ];
    let mut stage = stage(members, talk("sequential", "synthesise", None));
    let ran = stage.run();
    assert_eq!(ran.outputs, json!({ "text": "a b" }), "{ran:?}");
    assert_eq!(turns(&stage), ["ann-turn-1-1", "ann-turn-2-1", "bob-turn-1-2", "cyd-turn-1-3"]);
    let last = &asked_of(&stage, "ann")[1];
    for part in [">\na b\n</context", "ann: begun\nbob: added b", ">\nno c\n</context"] {
        assert!(last.contains(part), "{part}: {last}");
    }
}

#[test]
fn a_minority_that_falls_silent_is_left_out_and_a_majority_is_not() {
    let gone = |name: &str| member(name, json!({ "turns": [[{ "fault": "gone" }]] }));
    let two = || vec![words("ann", &["one"]), words("bob", &["two"])];
    let mut members = two();
    members.push(gone("cyd"));
    let mut stage = stage(members, talk("parallel", "concat", None));
    let ran = stage.run();
    assert_eq!(ran.outputs["text"], "## ann\n\none\n\n## bob\n\ntwo\n", "{ran:?}");
    assert_eq!(asked_of(&stage, "cyd").len(), 3);
    assert!(ran.stdout.contains("goes on without `cyd`"), "{}", ran.stdout);

    let mut stage = self::stage(
        vec![gone("ann"), words("bob", &["two"]), gone("cyd")],
        talk("parallel", "concat", None),
    );
    let ran = stage.run();
    assert_eq!((ran.code, ran.outcome()), (Some(68), "interrupted"), "{ran:?}");
    let says = ran.verdict["says"].as_str().unwrap();
    assert!(says.starts_with("1 of 3 members answered, 2 have to"), "{says}");
    // Whoever has answered is not asked again.
    let Shape::Discussion { members, .. } = &mut stage.job.shape else { panic!() };
    members[0] = words("ann", &["one"]);
    assert_eq!(stage.run().outputs["text"], "## ann\n\none\n\n## bob\n\ntwo\n");
    assert_eq!(asked_of(&stage, "bob").len(), 1);
}

#[test]
fn a_budget_that_is_spent_ends_all_of_it() {
    let broke = member("bob", json!({ "turns": [[{ "fault": "budget" }]] }));
    let members = vec![words("ann", &["one"]), broke, words("cyd", &["three"])];
    let mut stage = stage(members, talk("parallel", "concat", None));
    let ran = stage.run();
    assert_eq!((ran.code, ran.outcome()), (Some(73), "budget_exhausted"), "{ran:?}");
    assert_eq!(asked_of(&stage, "bob").len(), 1);
}

#[test]
fn those_who_speak_at_once_leave_the_files_alone() {
    let writes = member(
        "ann",
        json!({ "turns": [[
        { "call": "write", "input": { "path": "f", "content": "x" } },
        { "call": "bash", "input": { "command": "touch g" } },
        { "text": "done" },
    ]] }),
    );
    let mut stage = stage(vec![writes, words("bob", &["two"])], talk("parallel", "concat", None));
    let ran = stage.run();
    assert_eq!(ran.outcome(), "succeeded", "{ran:?}");
    assert_eq!((stage.file("f"), stage.file("g")), (None, None));
}

#[test]
fn what_does_not_pass_its_check_is_talked_over_anew() {
    let members = vec![words("ann", &["one"]), words("bob", &["two"])];
    let mut stage = stage(members, talk("parallel", "concat", None));
    let command = "echo nothing is there; test -e there".to_owned();
    stage.job.validate = Some(Validate { command, timeout_ms: 10_000, protect: Vec::new() });
    assert_eq!(stage.run().outcome(), "validation_failed");
    stage.put("there", "");
    assert_eq!(stage.run().outcome(), "succeeded");
    let asked = asked_of(&stage, "ann");
    assert!(asked.len() == 2 && asked[1].contains("nothing is there"), "{asked:?}");
}

#[test]
fn after_a_kill_in_a_debate_the_next_turn_is_taken_and_none_twice() {
    let n = |n: u32| json!({ "n": n });
    let waits = json!({ "conversations": [
        [[{ "result": n(2) }, { "text": "so" }, { "usage": { "input": 1 } }]],
        [[
            { "usage": { "input": 1 } },
            { "wait_for": "there" },
            { "result": n(1) },
            { "text": "so" },
        ]],
    ] });
    let members =
        vec![results("ann", &[n(1)]), member("bob", waits), results("cyd", &[n(3), n(1)])];
    let judge = results("lead", &[json!({ "decision": "continue", "why": "" }), n(9)]);
    let mut stage = stage(members, talk("debate", "vote", Some(judge)));
    stage.job.result = Some(number());
    let mut running = stage.start();
    // Both others have taken their second turn.
    running.until("round-2: ");
    running.until("round-2: ");
    running.child.kill().unwrap();
    running.child.wait().unwrap();
    drop(running);
    let before = asked(&stage).len();
    stage.put("there", "");
    let ran = stage.run();
    assert_eq!((ran.outcome(), &ran.outputs), ("succeeded", &n(1)), "{ran:?}");
    assert_eq!(asked(&stage).len(), before, "nobody is asked again");
    assert_eq!(used(&stage), 7);
    let expected = [
        "ann-round-1",
        "ann-round-2",
        "bob-round-1",
        "bob-round-2",
        "cyd-round-1",
        "cyd-round-2",
        "lead-judge-1",
    ];
    assert_eq!(turns(&stage), expected);
}

fn meta(script: Json, more: Json) -> Stage {
    let planner = member("planner", script);
    let mut allowance = json!({
        "max_agents": 3, "tools": ["read", "edit"], "models": [],
        "adapter": json!(planner.adapter),
    });
    for (key, value) in more.as_object().unwrap() {
        allowance[key] = value.clone();
    }
    let mut stage = Stage::new(mock(Json::Null));
    let allowance = serde_json::from_value(allowance).unwrap();
    stage.job.shape = Shape::Meta { planner: Box::new(planner), allowance: Box::new(allowance) };
    stage
}

fn roster(mode: &str, names: &[&str]) -> Json {
    let agent = |name: &&str| json!({ "name": name, "role": format!("The {name}"), "prompt": "Work.", "task": format!("Do what a {name} does.") });
    let agents: Vec<Json> = names.iter().map(agent).collect();
    json!({ "mode": mode, "rationale": "enough", "agents": agents })
}

#[test]
fn a_planner_draws_up_a_team_once() {
    let turn = |draft: &str| json!({ "draft": draft, "changes": "all" });
    let script = json!({
        "turns": [[{ "result": roster("sequential", &["scout", "smith"]) }, { "text": "so" }, { "usage": { "input": 1 } }]],
        "agents": {
            "scout": { "turns": [[{ "result": turn("found") }, { "text": "so" }]] },
            "smith": { "turns": [[
                { "wait_for": "there" },
                { "call": "write", "input": { "path": "made", "content": "x" } },
                { "result": turn("found and made") },
                { "text": "so" },
            ]] },
        },
    });
    let mut stage = meta(script, json!({}));
    let mut running = stage.start();
    running.until("smith begins");
    running.child.kill().unwrap();
    running.child.wait().unwrap();
    drop(running);
    assert!(stage.file("roster.json").unwrap().contains("\"scout\""));
    // What the planner would say now counts no more.
    let Shape::Meta { planner, .. } = &mut stage.job.shape else { panic!() };
    let Adapter::Mock { script } = &mut planner.adapter else { panic!() };
    script["turns"] = json!([[{ "result": roster("single", &["other"]) }, { "text": "so" }]]);
    stage.put("there", "");
    let ran = stage.run();
    assert_eq!(
        (ran.outcome(), &ran.outputs["text"]),
        ("succeeded", &json!("found and made")),
        "{ran:?}"
    );
    assert_eq!((stage.file("made").as_deref(), used(&stage)), (Some("x"), 1));
    assert_eq!(asked_of(&stage, "planner").len(), 1);
    let system = stage.happenings().into_iter().find_map(|happening| match happening.what {
        Did::Prompt { system, .. } if happening.who == "smith" => Some(system),
        _ => None,
    });
    assert!(system.unwrap().contains("Your part of the work: Do what a smith does."));
}

#[test]
fn a_team_that_does_not_hold_is_mended_once_and_then_somebody_else_works() {
    let twice = json!([[{ "result": roster("debate", &["one"]) }, { "text": "so" }]]);
    let mut stage = meta(json!({ "turns": twice }), json!({}));
    let ran = stage.run();
    assert_eq!((ran.code, ran.outcome()), (Some(64), "no_result"), "{ran:?}");
    let says = ran.verdict["says"].as_str().unwrap();
    assert!(says.contains("there is no team: /agents: `debate` needs at least 2"), "{says}");
    let asked = asked_of(&stage, "planner");
    assert!(
        asked.len() == 2 && asked[1].contains("Your roster of before does not hold"),
        "{asked:?}"
    );

    let fallback = json!(words("steady", &["done alone"]));
    let mut stage = meta(json!({ "turns": twice }), json!({ "fallback": fallback }));
    let ran = stage.run();
    assert_eq!(ran.outputs, json!({ "text": "done alone" }), "{ran:?}");
    assert!(ran.stdout.contains("`steady` does the work"), "{}", ran.stdout);
}

#[test]
fn without_a_script_each_shape_runs_offline() {
    for mode in ["sequential", "parallel", "council", "debate"] {
        let members = ["ann", "bob", "cyd"].map(|name| member(name, Json::Null)).to_vec();
        let combine = if mode == "debate" { "vote" } else { "synthesise" };
        let mut stage = stage(members, talk(mode, combine, Some(member("lead", Json::Null))));
        stage.job.result = Some(number());
        let ran = stage.run();
        assert_eq!(
            (ran.outcome(), &ran.outputs),
            ("succeeded", &json!({ "n": 1 })),
            "{mode}: {ran:?}"
        );
    }
    let mut stage = meta(Json::Null, json!({}));
    let ran = stage.run();
    assert_eq!(ran.outcome(), "succeeded", "{ran:?}");
}
