use serde_json::json;

use super::*;
use crate::model::{AdapterKind, Budget, ToolKind};

fn file(front: &str) -> Result<Definition, String> {
    read("a.md", "a", &format!("---\n{front}\n---\nDo it well.\n"))
}

#[test]
fn every_built_in_definition_can_be_read_and_says_what_it_is_for() {
    for (name, text) in built_in_agents() {
        let found = read(name, name, text).unwrap();
        assert_eq!(found.spec.name, name);
        assert!(found.notices.is_empty() && !found.spec.description.is_empty(), "{name}");
        assert!(found.spec.prompt.unwrap().len() > 500, "{name}");
        // Who answers is for the installation to say.
        assert_eq!((found.spec.tuning.model, found.spec.tuning.adapter), (None, None), "{name}");
    }
    for (name, text) in built_in_loops() {
        let found = read_loop(name, text).unwrap().spec;
        assert!(found.extends.is_none() && found.prompt.unwrap().contains("{{ task }}"), "{name}");
        assert!(found.max_iterations.is_some() && found.agent.is_some(), "{name}");
    }
}

#[test]
fn what_other_tools_write_is_understood() {
    let found = file(
        "name: code-critic\ndescription: Finds faults\ntools: Read, Grep, Bash(git diff:*), mcp__x\nmodel: inherit\nmaxTurns: 12\ncolor: red\nskills: [a]",
    )
    .unwrap();
    let spec = &found.spec;
    assert_eq!((spec.name.as_str(), spec.description.as_str()), ("code-critic", "Finds faults"));
    assert_eq!(
        spec.tuning.tools.as_deref(),
        Some(&[ToolKind::Read, ToolKind::Search, ToolKind::Execute][..])
    );
    assert_eq!((spec.tuning.model.as_deref(), spec.budget.turns), (None, Some(12)));
    assert_eq!(spec.prompt.as_deref(), Some("Do it well."));
    assert_eq!(found.notices, ["the tool `mcp__x` is not known", "`skills` means nothing here"]);
}

#[test]
fn tools_are_a_list_a_text_or_switches() {
    use ToolKind::{Edit, Execute, Fetch, Read, Search};
    for (front, kinds) in [
        ("tools: [Read, Glob]", &[Read, Search][..]),
        ("tools: {write: false, bash: false}", &[Read, Search, Fetch]),
        ("tools: '*'", &[Read, Search, Edit, Execute, Fetch]),
        ("disallowedTools: Bash, WebFetch", &[Read, Search, Edit]),
        ("permissionMode: plan", &[Read, Search]),
        ("tools: [read]\norchestrate: {tools: [edit]}", &[Edit]),
    ] {
        let found = file(front).unwrap();
        assert_eq!(found.spec.tuning.tools.as_deref(), Some(kinds), "{front}");
    }
}

#[test]
fn our_own_keys_stand_below_orchestrate() {
    let spec = file(
        "model: opus\norchestrate:\n  extends: reviewer\n  adapter: {kind: acp, command: [x]}\n  budget: {usd: 1}\n  lens: security",
    )
    .unwrap()
    .spec;
    assert_eq!(spec.extends.as_deref(), Some("reviewer"));
    assert_eq!(spec.tuning.adapter.unwrap().kind, AdapterKind::Acp);
    assert_eq!((spec.budget.nano_usd, spec.name.as_str()), (Some(1_000_000_000), "a"));
}

#[test]
fn a_file_that_cannot_be_read_says_every_mistake_with_its_line() {
    let of = |text: &str| read("x.md", "x", text).unwrap_err();
    assert_eq!(
        of("---\norchestrate:\n  adaptor: mock\n  budget: {usd: -1}\n---\nGo.\n"),
        "x.md:3:3: unknown key `adaptor` in an agent (did you mean `adapter`?)\n\
         x.md:4:17: `usd` is out of range"
    );
    assert!(of("---\nname: x\n").contains("no second line"), "{}", of("---\nname: x\n"));
    assert!(of("---\nname: x\n---\n \n").contains("no instructions"));
    assert!(of("---\nname: Some One\n---\nGo.\n").contains("cannot be the name"));
    assert!(of("---\n[a]\n---\nGo.\n").contains("must be a map"));
    assert!(of("---\nname: [\n---\nGo.\n").starts_with("x.md:"));
    assert_eq!(
        read("x.md", "x", "Just words.").unwrap().spec.prompt.as_deref(),
        Some("Just words.")
    );
    assert!(read_loop("l.yaml", "max_iterations: 0").unwrap_err().starts_with("l.yaml:1:17"));
    assert!(read_loop("l.yaml", "").is_err());
}

fn shelf(name: &str) -> Result<Definition, String> {
    let front = match name {
        "base" => "tools: [read, edit]\nmodel: large\norchestrate: {budget: {turns: 9, calls: 5}}",
        "child" => "orchestrate: {extends: base, budget: {turns: 3}}\nmodel: small",
        "ring" => "orchestrate: {extends: gnir}",
        "gnir" => "orchestrate: {extends: ring}",
        other => return Err(format!("no agent `{other}`")),
    };
    read(name, name, &format!("---\n{front}\n---\nI am {name}."))
}

#[test]
fn a_chain_is_followed_to_its_end_and_the_nearest_word_counts() {
    let named = |name: &str| resolve(&AgentUse::Named(name.into()), "s", &mut shelf);
    let child = named("child").unwrap();
    assert_eq!(child.spec.name, "child");
    assert_eq!(child.spec.prompt.as_deref(), Some("I am child."));
    assert_eq!(child.spec.tuning.model.as_deref(), Some("small"));
    assert_eq!(child.spec.tuning.tools.as_deref(), Some(&[ToolKind::Read, ToolKind::Edit][..]));
    assert_eq!(child.spec.budget, Budget { turns: Some(3), calls: Some(5), ..Budget::default() });
    assert_ne!(child.digest, named("base").unwrap().digest);
    assert_eq!(named("base").unwrap().digest, shelf("base").unwrap().digest);
    assert_eq!(named("ring").unwrap_err(), "`ring` extends itself: ring -> gnir -> ring");
    assert_eq!(named("nobody").unwrap_err(), "no agent `nobody`");
    let written =
        AgentSpec { extends: Some("base".into()), lens: Some("l".into()), ..AgentSpec::default() };
    let written = resolve(&AgentUse::Written(written.into()), "My_Stage", &mut shelf).unwrap();
    assert_eq!((written.spec.name.as_str(), written.spec.lens.as_deref()), ("base", Some("l")));
    let own = AgentSpec { prompt: Some("Go.".into()), ..AgentSpec::default() };
    let own = resolve(&AgentUse::Written(own.into()), "My_Stage", &mut shelf).unwrap();
    assert_eq!(own.spec.name, "my-stage");
}

#[test]
fn a_stage_takes_tools_away_and_never_gives_any() {
    let base = shelf("base").unwrap().spec;
    let most = |tools: &[ToolKind]| Tuning { tools: Some(tools.to_vec()), ..Tuning::default() };
    let tools = |spec: AgentSpec| spec.tuning.tools;
    let narrowed = tuned(base.clone(), &most(&[ToolKind::Read, ToolKind::Execute]));
    assert_eq!(tools(narrowed), Some(vec![ToolKind::Read]));
    assert_eq!(tools(tuned(base, &Tuning::default())).map(|tools| tools.len()), Some(2));
    let free = tuned(AgentSpec::default(), &most(&[ToolKind::Read]));
    assert_eq!(tools(free), Some(vec![ToolKind::Read]));
}

#[test]
fn a_bare_word_leaves_what_an_agent_of_that_kind_says() {
    let scripted = Adapter { script: Some(json!({"turns": []})), ..Adapter::of(AdapterKind::Mock) };
    let own = Tuning { adapter: Some(scripted.clone()), ..Tuning::default() };
    let spec = AgentSpec { tuning: own, ..AgentSpec::default() };
    let bare = |kind| Tuning { adapter: Some(Adapter::of(kind)), ..Tuning::default() };
    let adapter = |said: &Tuning| tuned(spec.clone(), said).tuning.adapter;
    assert_eq!(adapter(&bare(AdapterKind::Mock)), Some(scripted));
    assert_eq!(adapter(&bare(AdapterKind::Claude)), Some(Adapter::of(AdapterKind::Claude)));
}

#[test]
fn loop_types_extend_each_other() {
    let mut find = |name: &str| {
        let all: Vec<_> = built_in_loops().collect();
        match all.iter().find(|(known, _)| *known == name) {
            Some((name, text)) => read_loop(name, text),
            None if name == "ring" => read_loop("ring", "extends: ring"),
            None => Err(format!("no loop type `{name}`")),
        }
    };
    let own =
        LoopSpec { extends: Some("ralph".into()), max_iterations: Some(2), ..LoopSpec::default() };
    let found = resolve_loop(&own, &mut find).unwrap();
    assert_eq!((found.max_iterations, found.no_change), (Some(2), Some(3)));
    let ring = LoopSpec { extends: Some("ring".into()), ..LoopSpec::default() };
    assert_eq!(resolve_loop(&ring, &mut find).unwrap_err(), "`ring` extends itself: ring -> ring");
}
