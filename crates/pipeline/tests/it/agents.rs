//! Stages of agents: what is read, what is refused, what it means.

use std::time::Duration;

use pipeline::model::{
    AdapterKind, AgentUse, AgentWork, Budget, Combine, Compensation, Crew, Decision, Effects,
    Mentioned, Part, Pipeline, Stage, TalkMode, ToolKind, ValueKind, Work,
};
use pipeline::text::Step;

fn parse(text: &str) -> Pipeline {
    let parsed = pipeline::parse(text);
    match parsed.pipeline {
        Some(pipeline) => pipeline,
        None => panic!("{}", parsed.rendered("x.yaml", false)),
    }
}

fn stage(lines: &str) -> Stage {
    parse(&format!("name: x\nstages:\n  - name: s\n{lines}")).stages.remove(0)
}

fn work(stage: &Stage) -> &AgentWork {
    match &stage.work {
        Work::Agent(work) => work,
        other => panic!("{other:?}"),
    }
}

/// Codes and messages of the mistakes, in order.
fn mistakes(text: &str) -> Vec<String> {
    let parsed = pipeline::parse(text);
    parsed.diagnostics.iter().map(|d| format!("{} {}", d.code, d.message)).collect()
}

#[test]
fn an_agent_has_its_own_defaults() {
    let stage = stage("    agent: implementer\n    task: Do it");
    assert_eq!(stage.limits.timeout, Some(Duration::from_secs(3600)));
    assert_eq!(stage.limits.idle, Some(Duration::from_secs(600)));
    assert_eq!(stage.effects, Effects::Idempotent);
    let work = work(&stage);
    assert!(work.free_text);
    assert_eq!(stage.outputs["text"].kind, ValueKind::String);
    assert_eq!(work.crew, Crew::Single { agent: AgentUse::Named("implementer".into()) });
}

#[test]
fn everything_that_can_be_said_is_read() {
    let stage = stage(
        "    agent:\n      extends: reviewer\n      prompt: Look for races.\n      adapter: {kind: acp, command: [opencode, acp], env: {A: b}}\n      model: small\n      tools: [read, search]\n      permissions: [{tool: execute, command: cargo test, decision: allow}]\n      share: 0.5\n      lens: security\n    task: Do it\n    model: large\n    temperature: 0.2\n    tools: [read]\n    permissions: [{path: \"docs/**\", decision: deny}]\n    budget: {usd: 2.5, tokens: 500000, calls: 7, turns: 5, tool_calls: 9}\n    validate: {command: make check, timeout: 5m, protect: [\"tests/**\"]}\n    outputs: {verdict: string}\n    timeout: 2h\n    idle_timeout: 1m\n    environment: prod",
    );
    assert_eq!(stage.effects, Effects::Once);
    assert_eq!(stage.limits.idle, Some(Duration::from_secs(60)));
    let work = work(&stage);
    assert!(!work.free_text);
    let Crew::Single { agent: AgentUse::Written(spec) } = &work.crew else { panic!() };
    assert_eq!(spec.extends.as_deref(), Some("reviewer"));
    assert_eq!(spec.tuning.adapter.as_ref().unwrap().kind, AdapterKind::Acp);
    assert_eq!(spec.tuning.tools, Some(vec![ToolKind::Read, ToolKind::Search]));
    assert_eq!((spec.share, spec.lens.as_deref()), (Some(0.5), Some("security")));
    assert_eq!(work.tuning.model.as_deref(), Some("large"));
    assert_eq!(work.tuning.permissions[0].decision, Decision::Deny);
    let budget = Budget {
        nano_usd: Some(2_500_000_000),
        tokens: Some(500_000),
        calls: Some(7),
        turns: Some(5),
        tool_calls: Some(9),
    };
    assert_eq!(work.budget, budget);
    let check = work.validate.as_ref().unwrap();
    assert_eq!((check.timeout, check.protect.len()), (Duration::from_secs(300), 1));
}

#[test]
fn the_adapter_of_a_stage_may_be_chosen_by_an_input() {
    let text = "name: x\ninputs: {agent: {type: string, default: mock}}\nstages:\n  - name: s\n    agent: implementer\n    task: Do it\n    adapter: ${agent}\n";
    let read = parse(text);
    let chosen = work(&read.stages[0]);
    assert!(chosen.adapter.is_some() && chosen.tuning.adapter.is_none());
    let unknown = text.replace("${agent}", "${agnet}");
    assert!(mistakes(&unknown)[0].contains("agnet"), "{:?}", mistakes(&unknown));
    // What an agent is, is known before a run.
    let inside = text.replace("agent: implementer", "agent: {prompt: x, adapter: \"${agent}\"}");
    assert!(!mistakes(&inside).is_empty());
}

#[test]
fn loops_discussions_and_meta_agents_are_read() {
    let stage_ = stage("    loop: ralph\n    task: Do it");
    assert_eq!(stage_.limits.timeout, Some(Duration::from_secs(6 * 3600)));
    assert!(
        matches!(&work(&stage_).crew, Crew::Loop { agent: None, repeat } if repeat.extends.as_deref() == Some("ralph"))
    );
    let stage_ = stage(
        "    agent: tester\n    loop: {type: ralph, max_iterations: 4, validation: make test, stop: {no_change: 2, repeated_tree: false}, progress: {entries: 3}}\n    task: Do it",
    );
    let Crew::Loop { agent: Some(_), repeat } = &work(&stage_).crew else { panic!() };
    assert_eq!((repeat.max_iterations, repeat.no_change), (Some(4), Some(2)));
    assert_eq!((repeat.repeated_tree, repeat.progress_entries), (Some(false), Some(3)));
    assert!(repeat.validate.is_some());
    let stage_ = stage(
        "    discussion: {members: [architect, {extends: tester, model: small}], combine: vote}\n    task: Do it",
    );
    let Crew::Discussion(talk) = &work(&stage_).crew else { panic!() };
    assert_eq!((talk.mode, talk.combine), (TalkMode::Parallel, Some(Combine::Vote)));
    assert_eq!(talk.members[1].wanted(), Some("tester"));
    let stage_ = stage("    meta_agent: {max_agents: 3, fallback: implementer}\n    task: Do it");
    let Crew::Meta(meta) = &work(&stage_).crew else { panic!() };
    assert_eq!((meta.max_agents, meta.planner.wanted()), (3, Some("architect")));
}

#[test]
fn a_task_mentions_what_is_upstream() {
    let pipeline = parse(
        "name: x\ninputs: {goal: string}\nstages:\n  - {name: plan, agent: architect, task: Plan @input.goal, artifacts: {plan: out/plan.md}, outputs: {points: list}}\n  - name: build\n    agent: implementer\n    input_mapping: [{from: inputs.goal, to: aim}]\n    task: |\n      Follow @plan/plan.md and @plan.points.0.\n      See @prev, @v2/plan/plan, @file:docs/a.md, @input.aim, @input.goal; @feedback.\n      Write to a@@b.example or @@plan; again @plan.points.0.\n",
    );
    let Work::Agent(build) = &pipeline.stages[1].work else { panic!() };
    let written: Vec<&str> = build.task.mentions.iter().map(|m| m.written.as_str()).collect();
    assert_eq!(
        written,
        [
            "@plan/plan.md",
            "@plan.points.0",
            "@prev",
            "@v2/plan/plan",
            "@file:docs/a.md",
            "@input.aim",
            "@input.goal",
            "@feedback"
        ]
    );
    let of = |ix: usize| &build.task.mentions[ix].of;
    assert!(
        matches!(of(1), Mentioned::Stage { part: Part::Output(name, path), .. } if name == "points" && path == &[Step::Index(0)])
    );
    assert!(matches!(of(2), Mentioned::Previous { stage, .. } if &**stage == "build"));
    assert!(matches!(of(5), Mentioned::Mapped { .. }));
    assert!(matches!(of(6), Mentioned::Input { .. }));
    let text = build.task.text.literal().unwrap();
    assert!(text.contains("a@b.example or @plan; again"), "{text}");
}

#[test]
fn all_mistakes_of_a_task_are_said_at_once() {
    let text = "name: x\nstages:\n  - {name: late, depends_on: [s], agent: architect, task: Plan}\n  - {name: bare, depends_on: [], run: make}\n  - name: s\n    depends_on: [bare]\n    agent: implementer\n    task: \"@someone @late @bare @bare.x @bare/y.md @input.z @file:../a @input ${nope}\"\n";
    let found = mistakes(text);
    let expected = [
        "E0416 `@input` names no input: write `@input.NAME`",
        "E0402 undefined variable `nope`",
        "E0416 `@someone` names no stage",
        "E0404 `@late` is not known when `s` starts",
        "E0416 `@bare`: `bare` leaves neither outputs nor artifacts",
        "E0403 stage `bare` declares no output `x`",
        "E0416 stage `bare` leaves no artifact `y.md`",
        "E0402 undefined variable `z`",
        "E0307 `../a` leaves the working directory",
    ];
    for one in expected {
        assert!(found.iter().any(|found| found == one), "{one}\n{found:#?}");
    }
    assert_eq!(found.len(), expected.len(), "{found:#?}");
}

#[test]
fn what_does_not_fit_together_is_refused() {
    let of = |lines: &str| mistakes(&format!("name: x\nstages:\n  - name: s\n{lines}"));
    for (lines, expected) in [
        ("    agent: a\n", "E0205 an agent stage needs the key `task`"),
        ("    agent: a\n    task: ' '\n", "E0220 `task` is empty"),
        ("    run: x\n    task: y\n", "E0220 `task` needs an agent"),
        ("    agent: A B\n    task: y\n", "E0203 `A B` cannot be `agent`"),
        (
            "    agent: {model: x}\n    task: y\n",
            "E0220 `agent` has neither `prompt` nor `extends`",
        ),
        (
            "    agent: a\n    task: y\n    adapter: acp\n",
            "E0220 the adapter `acp` needs a `command`",
        ),
        (
            "    agent: a\n    task: y\n    adapter: {kind: mock, format: chat}\n",
            "E0220 `format` means nothing for the adapter `mock`",
        ),
        ("    agent: a\n    task: y\n    budget: {usd: 0}\n", "E0303 `usd` is out of range"),
        (
            "    agent: a\n    task: y\n    budget: {usd: a}\n",
            "E0301 `usd` must be a number, not a string",
        ),
        (
            "    agent: a\n    task: y\n    tools: [fly]\n",
            "E0304 `fly` is no value of a kind of tools",
        ),
        (
            "    agent: a\n    task: y\n    validate: echo ${event.title}\n",
            "E0405 `${event.title}` comes from outside and cannot be part of a script",
        ),
        (
            "    loop: {max_iterations: 3}\n    task: y\n",
            "E0220 this loop has neither a type nor a prompt",
        ),
        ("    discussion: {members: [a]}\n    task: y\n", "E0221 a discussion with one member"),
        (
            "    discussion: {mode: council, members: [a, b], chair: a}\n    task: y\n",
            "E0221 the chair of a council is one of its members",
        ),
        (
            "    discussion: {members: [a, b]}\n    agent: a\n    task: y\n",
            "E0207 a stage has both `discussion` and `agent`",
        ),
        (
            "    discussion: {members: [a, b]}\n    loop: ralph\n    task: y\n",
            "E0207 a stage has both `discussion` and `loop`",
        ),
        (
            "    run: x\n    rollback: {run: y, agent: a}\n",
            "E0207 `rollback` has both `run` and `agent`",
        ),
    ] {
        assert_eq!(of(lines), [expected], "{lines}");
    }
}

#[test]
fn a_pipeline_defines_agents_and_loops() {
    let pipeline = parse(
        "name: x\nagents: {critic: {prompt: Be strict., tools: [read]}}\nloop_types: {careful: {extends: ralph, max_iterations: 2}}\nbudget: {usd: 20}\nstages: [{name: s, agent: critic, task: x}]\n",
    );
    assert_eq!(pipeline.agents["critic"].name, "critic");
    assert_eq!(pipeline.loop_types["careful"].max_iterations, Some(2));
    assert_eq!(pipeline.budget.nano_usd, Some(20_000_000_000));
    assert_eq!(
        mistakes(
            "name: x\nloop_types: {l: {validate: 'echo ${run.name}'}}\nstages: [{name: s, noop: true}]\n"
        ),
        ["E0412 the check of loop type `l` holds a reference"]
    );
}

#[test]
fn an_agent_is_asked_to_undo_what_it_did() {
    let pipeline = parse(
        "name: x\nstages:\n  - {name: a, agent: implementer, task: x, outputs: {n: integer}}\n  - {name: b, agent: implementer, task: x, rollback: none}\n  - {name: c, run: x, rollback: {agent: tester, task: \"Take back ${outputs.n}\"}, outputs: {n: integer}}\n  - {name: d, run: x, on_failure: rollback, rollback_to: a}\n",
    );
    let [a, b, c, d] = [0, 1, 2, 3].map(|ix| pipeline.stages[ix].compensation);
    let Compensation::Stage(undo) = a else { panic!("{a:?}") };
    let undo = &pipeline.stages[undo.get()];
    assert_eq!(&*undo.name, "a.rollback");
    let of = work(undo);
    assert_eq!(of.task.mentions[0].of, Mentioned::Undone);
    assert!(of.task.text.literal().unwrap().contains("Roll back the stage `a`"));
    assert_eq!(undo.limits.timeout, Some(Duration::from_secs(3600)));
    assert_eq!((b, d), (Compensation::None, Compensation::Missing));
    let Compensation::Stage(undo) = c else { panic!("{c:?}") };
    assert!(
        matches!(&work(&pipeline.stages[undo.get()]).crew, Crew::Single { agent } if agent.wanted() == Some("tester"))
    );
}
