use super::*;

/// A definition in which `key` of `object` has its example.
fn with_example(object: &Object, key: &Key) -> String {
    let pair = format!("{}: {}", key.name, key.example);
    let beside = |other: &str| if key.required { String::new() } else { other.to_owned() };
    let known = [of_root, of_agent, of_stage, of_people, of_flow, of_the_rest];
    let found = known.iter().find_map(|of| of(object.id, key.name, &pair, &beside));
    match found {
        Some(text) => text,
        None => panic!("no place is known for a key of `{}`", object.id),
    }
}

/// A stage with these lines, after another.
fn stage(lines: &str) -> String {
    format!(
        "name: x\nstages:\n  - {{name: test, noop: true}}\n  - name: s\n    environment: e\n{lines}"
    )
}

/// A stage with these lines, after one with a worktree.
fn in_repository(lines: &str) -> String {
    format!(
        "name: x\nrepository: .\nstages:\n  - {{name: work, run: ':', worktree: true}}\n  - name: s\n{lines}"
    )
}

/// `beside`: what has to stand beside a key that is not required.
type Beside<'a> = &'a dyn Fn(&str) -> String;

fn of_root(id: &str, name: &str, pair: &str, beside: Beside<'_>) -> Option<String> {
    Some(match (id, name) {
        ("pipeline", "name" | "stages") => {
            let other = if name == "name" { "stages: [{name: a, noop: true}]" } else { "name: x" };
            format!("{pair}\n{other}\n")
        }
        ("pipeline", _) => format!("name: x\n{pair}\nstages: [{{name: a, noop: true}}]\n"),
        ("input", _) => {
            format!("name: x\ninputs: {{i: {{{pair}}}}}\nstages: [{{name: a, noop: true}}]\n")
        }
        ("concurrency", _) => {
            let group = beside("group: g, ");
            format!("name: x\nconcurrency: {{{group}{pair}}}\nstages: [{{name: a, noop: true}}]\n")
        }
        ("error_handling", _) => {
            format!("name: x\nerror_handling: {{{pair}}}\nstages: [{{name: a, noop: true}}]\n")
        }
        ("start_trigger", "event" | "schedule" | "completion") => {
            format!("name: x\ntriggers: [{{{pair}}}]\nstages: [{{name: a, noop: true}}]\n")
        }
        ("start_trigger", _) => {
            let other = match name {
                "files" => "directory: /srv, ",
                "directory" => "files: [a], ",
                "timezone" | "catch_up" => "schedule: '@daily', ",
                "status" => "completion: other, ",
                _ => "event: push, ",
            };
            format!("name: x\ntriggers: [{{{other}{pair}}}]\nstages: [{{name: a, noop: true}}]\n")
        }
        ("group", _) => format!("name: x\nstages:\n  - {pair}\n"),
        (_, _) => return None,
    })
}

fn of_agent(id: &str, name: &str, pair: &str, beside: Beside<'_>) -> Option<String> {
    // A stage of an agent with these words in its agent.
    let agent = |inner: &str| stage(&format!("    agent: {{prompt: x, {inner}}}\n    task: x\n"));
    let lines = |lines: &str| stage(&format!("    agent: implementer\n    task: x\n{lines}"));
    Some(match (id, name) {
        ("stage", "agent" | "loop" | "discussion" | "meta_agent") => {
            stage(&format!("    task: x\n    {pair}\n"))
        }
        ("stage", "task") => stage(&format!("    agent: implementer\n    {pair}\n")),
        (
            "stage",
            "adapter" | "model" | "temperature" | "tools" | "permissions" | "budget" | "validate",
        ) => lines(&format!("    {pair}\n")),
        ("agent", "prompt" | "extends") => stage(&format!("    agent: {{{pair}}}\n    task: x\n")),
        ("agent", _) => agent(pair),
        ("adapter", _) => {
            let kind = match name {
                "kind" => "",
                "command" => "kind: claude, ",
                "env" => "kind: acp, command: [x], ",
                "provider" | "format" => "kind: api, ",
                "result" => "kind: command, command: [x], ",
                "tmux" => "kind: inbox, ",
                _ => "kind: mock, ",
            };
            lines(&format!("    adapter: {{{kind}{pair}}}\n"))
        }
        ("permission", _) => {
            let decision = beside("decision: deny, ");
            lines(&format!("    permissions: [{{{decision}{pair}}}]\n"))
        }
        ("mcp_server", _) => {
            let command = beside("command: [x], ");
            agent(&format!("mcp: {{docs: {{{command}{pair}}}}}"))
        }
        ("budget", _) => lines(&format!("    budget: {{{pair}}}\n")),
        ("validation", _) => {
            let command = beside("command: x, ");
            lines(&format!("    validate: {{{command}{pair}}}\n"))
        }
        ("loop", "extends") => lines(&format!("    loop: {{{pair}}}\n")),
        ("loop", _) => lines(&format!("    loop: {{extends: ralph, {pair}}}\n")),
        ("loop_stop", _) => lines(&format!("    loop: {{extends: ralph, stop: {{{pair}}}}}\n")),
        ("loop_progress", _) => {
            lines(&format!("    loop: {{extends: ralph, progress: {{{pair}}}}}\n"))
        }
        ("discussion", _) => {
            let members = beside("members: [architect, tester], ");
            let mode = if name == "rounds" { "mode: debate, " } else { "" };
            stage(&format!("    task: x\n    discussion: {{{members}{mode}{pair}}}\n"))
        }
        ("meta_agent", _) => stage(&format!("    task: x\n    meta_agent: {{{pair}}}\n")),
        (_, _) => return None,
    })
}

fn of_stage(id: &str, name: &str, pair: &str, _: Beside<'_>) -> Option<String> {
    Some(match (id, name) {
        ("stage", "name") => format!("name: x\nstages:\n  - {{{pair}, noop: true}}\n"),
        ("stage", "run" | "python" | "noop" | "form" | "pipeline") => {
            stage(&format!("    {pair}\n"))
        }
        (
            "stage",
            "approvers" | "quorum" | "allow_self" | "approval_timeout" | "on_timeout" | "reminders",
        ) => stage(&format!("    run: ':'\n    requires_approval: true\n    {pair}\n")),
        ("stage", "escalate_to") => stage(&format!(
            "    run: ':'\n    requires_approval: true\n    on_timeout: escalate\n    {pair}\n"
        )),
        ("stage", "max_revisions") => {
            stage(&format!("    run: ':'\n    approve_complete: true\n    {pair}\n"))
        }
        ("stage", "parallel_instances") => {
            stage(&format!("    run: ':'\n    triggers: [{{event: a.b}}]\n    {pair}\n"))
        }
        ("stage", "expect") => stage(&format!(
            "    run: ':'\n    triggers: [{{event: a.b}}]\n    parallel_instances: 2\n    {pair}\n"
        )),
        ("stage", "rollback_to") => {
            stage(&format!("    run: ':'\n    on_failure: rollback\n    {pair}\n"))
        }
        ("stage", "max_parallel") => {
            stage(&format!("    run: ':'\n    foreach: [1]\n    {pair}\n"))
        }
        ("stage", "environment") => format!("name: x\nstages: [{{name: a, noop: true, {pair}}}]\n"),
        ("stage", "worktree") => in_repository(&format!("    run: ':'\n    {pair}\n")),
        ("stage", "merge") => in_repository(&format!("    {pair}\n")),
        ("stage", _) => stage(&format!("    run: ':'\n    {pair}\n")),
        (_, _) => return None,
    })
}

fn of_people(id: &str, name: &str, pair: &str, beside: Beside<'_>) -> Option<String> {
    Some(match (id, name) {
        ("form", "on_timeout") => stage(&format!("    form: {{timeout: 1d, {pair}}}\n")),
        ("form", _) => stage(&format!("    form: {{{pair}}}\n")),
        ("save_as", _) => {
            let name = beside("artifact: a, ");
            stage(&format!("    form: {{save_as: {{{name}{pair}}}}}\n"))
        }
        ("field", _) => {
            let kind = match name {
                "type" => "",
                "min" | "max" | "integer" => "type: number, ",
                "options" => "type: select, ",
                "multiple" => "type: select, options: [a], ",
                "earliest" | "latest" => "type: date, ",
                "max_bytes" => "type: file, ",
                _ => "type: text, ",
            };
            stage(&format!("    form: {{fields: {{f: {{{kind}{pair}}}}}}}\n"))
        }
        ("approval", "escalate_to") => stage(&format!(
            "    run: ':'\n    requires_approval: {{on_timeout: escalate, {pair}}}\n"
        )),
        ("approval", _) => stage(&format!("    run: ':'\n    requires_approval: {{{pair}}}\n")),
        (_, _) => return None,
    })
}

fn of_flow(id: &str, name: &str, pair: &str, beside: Beside<'_>) -> Option<String> {
    Some(match (id, name) {
        ("child", _) => {
            let name = beside("name: other, ");
            stage(&format!("    pipeline: {{{name}{pair}}}\n"))
        }
        ("triggers", _) => stage(&format!("    run: ':'\n    triggers: {{{pair}}}\n")),
        ("trigger", _) => {
            let other = match name {
                "success_only" => "completion: test, ",
                "filter" | "lookback" | "key" => "event: a.b, ",
                "needs" => "event: a.b, key: event.id, ",
                "variables" => "condition: 1 == 1, ",
                _ => "",
            };
            let fed =
                if matches!(name, "key" | "needs") { "    parallel_instances: 2\n" } else { "" };
            stage(&format!("    run: ':'\n{fed}    triggers: [{{{other}{pair}}}]\n"))
        }
        ("manual", _) => stage(&format!("    run: ':'\n    triggers: [{{manual: {{{pair}}}}}]\n")),
        ("emit", _) => {
            let event = beside("event: a.b, ");
            stage(&format!("    run: ':'\n    emit: {{{event}{pair}}}\n"))
        }
        ("mapping", _) => {
            let list = beside("mappings: [{from: run.name, to: goal}], ");
            stage(&format!("    run: ':'\n    input_mapping: {{{list}{pair}}}\n"))
        }
        ("mapping_field", _) => {
            let other = match name {
                "from" => "to: goal, ",
                "to" => "from: run.name, ",
                _ => "from: run.name, to: goal, ",
            };
            stage(&format!("    run: ':'\n    input_mapping: [{{{other}{pair}}}]\n"))
        }
        ("computed", _) => {
            stage(&format!("    run: ':'\n    input_mapping: [{{from: {{{pair}}}, to: goal}}]\n"))
        }
        ("field_transform", _) => {
            let other = if name == "field" { "apply: trim, " } else { "field: goal, " };
            stage(&format!(
                "    run: ':'\n    input_mapping: {{mappings: [{{from: run.name, to: goal}}], transforms: [{{{other}{pair}}}]}}\n"
            ))
        }
        ("transform", _) => stage(&format!(
            "    run: ':'\n    input_mapping: [{{from: run.name, to: goal, transforms: [{{{pair}}}]}}]\n"
        )),
        ("artifact", _) => {
            let other = match name {
                "path" => "",
                "schema" => "path: a.json, ",
                _ => "path: a, ",
            };
            stage(&format!("    run: ':'\n    artifacts: {{a: {{{other}{pair}}}}}\n"))
        }
        ("rollback", _) => {
            let run = match name {
                "run" | "python" => "",
                "agent" => "task: x, ",
                "task" => "agent: implementer, ",
                _ => "run: x, ",
            };
            stage(&format!("    run: ':'\n    rollback: {{{run}{pair}}}\n"))
        }
        (_, _) => return None,
    })
}

fn of_the_rest(id: &str, name: &str, pair: &str, beside: Beside<'_>) -> Option<String> {
    Some(match (id, name) {
        ("merge", _) => {
            let from = beside("from: work, ");
            in_repository(&format!("    merge: {{{from}{pair}}}\n"))
        }
        ("repository", _) => {
            let source = beside("source: ., ");
            format!("name: x\nrepository: {{{source}{pair}}}\nstages: [{{name: a, noop: true}}]\n")
        }
        ("runtime", _) => {
            let kind = match name {
                "kind" => "",
                "settings" => "kind: plugin, plugin: kube, ",
                "plugin" => "kind: plugin, ",
                "image" => "kind: docker, ",
                "task_definition" => "kind: ecs, ",
                "cluster" | "container" | "launch_type" | "subnets" | "security_groups"
                | "public_ip" => "kind: ecs, task_definition: x, ",
                _ => "kind: docker, image: x, ",
            };
            stage(&format!("    run: ':'\n    runtime: {{{kind}{pair}}}\n"))
        }
        ("python", "parameters") => stage(&format!("    python: {{code: x, {pair}}}\n")),
        ("python", _) => stage(&format!("    python: {{{pair}}}\n")),
        ("foreach", _) => {
            let items = beside("items: [a], ");
            stage(&format!("    run: ':'\n    foreach: {{{items}{pair}}}\n"))
        }
        ("when", _) => stage(&format!("    run: ':'\n    when: {{{pair}}}\n")),
        ("labels", _) => stage(&format!("    run: ':'\n    when: {{labels: {{{pair}}}}}\n")),
        ("output", _) => stage(&format!("    run: ':'\n    outputs: {{o: {{{pair}}}}}\n")),
        ("retry", _) => stage(&format!("    run: ':'\n    retry: {{{pair}}}\n")),
        ("backoff", _) => stage(&format!("    run: ':'\n    retry: {{backoff: {{{pair}}}}}\n")),
        (_, _) => return None,
    })
}

#[test]
fn the_example_of_every_key_is_accepted_by_the_parser_and_by_the_schema() {
    let schema = crate::value::compile_schema(&crate::schema::json_schema()).unwrap();
    for object in OBJECTS {
        for key in object.keys {
            assert!(!key.doc.is_empty(), "{}.{}", object.id, key.name);
            let text = with_example(object, key);
            let parsed = crate::parse(&text);
            assert!(parsed.pipeline.is_some(), "{text}\n{}", parsed.rendered("x.yaml", false));
            assert_eq!(schema.check(&json(&text)), [], "{text}");
        }
    }
}

#[test]
fn an_alias_means_what_its_key_means() {
    for object in OBJECTS {
        for key in object.keys {
            for alias in key.aliases {
                let text = with_example(object, key);
                let aliased = text.replace(&format!("{}: ", key.name), &format!("{alias}: "));
                assert_ne!(text, aliased, "{}.{alias}", object.id);
                assert!(crate::parse(&aliased).pipeline.is_some(), "{aliased}");
            }
        }
    }
}

#[test]
fn no_key_is_both_known_and_of_a_later_version() {
    for object in OBJECTS {
        for later in object.later {
            assert!(object.key(later).is_none(), "{}.{later}", object.id);
        }
    }
}

#[test]
fn every_key_of_a_later_version_is_refused_by_name() {
    for (object, before) in [(&PIPELINE, ""), (&STAGE, "    ")] {
        for later in object.later {
            let text =
                format!("name: x\nstages:\n  - name: s\n    noop: true\n{before}{later}: 1\n");
            let parsed = crate::parse(&text);
            let found: Vec<_> =
                parsed.diagnostics.iter().map(|d| (d.code.0, d.message.as_str())).collect();
            let message = format!("`{later}` is not supported yet");
            assert_eq!(found, [("E0901", message.as_str())], "{text}");
        }
    }
}

#[test]
fn what_other_systems_call_it_leads_to_a_key_of_ours() {
    let text = "name: x\njobs: []\nstages:\n  - {name: a, script: make, needs: b}\n";
    let helps: Vec<_> = crate::parse(text).diagnostics.into_iter().map(|d| d.help).collect();
    assert_eq!(
        helps,
        ["here it is called `stages`", "here it is called `run`", "here it is called `depends_on`"]
    );
}

fn json(text: &str) -> serde_json::Value {
    crate::authored::literal(&crate::yaml::parse(text).0.unwrap())
}
