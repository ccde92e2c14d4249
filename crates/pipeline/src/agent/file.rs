//! Files: Markdown with front matter for agents, YAML for loop types.

use crate::agent::{Definition, LoopDefinition};
use crate::authored::{Reader, is_agent_name};
use crate::diagnostic::{Diagnostic, Severity, Sink};
use crate::model::{Adapter, AgentSpec, ToolKind};
use crate::parsed::digest;
use crate::source::place;
use crate::vocabulary::AGENT;
use crate::yaml::{self, Kind, Node, Scalar};

/// Keys that others use and that say nothing here.
const IDLE: [&str; 4] = ["color", "mode", "hidden", "version"];

/// Reads a file of an agent: front matter between lines of `---`, then its instructions. `name`:
/// the file's name without its ending. The error has a line for each mistake.
pub fn read(file: &str, name: &str, text: &str) -> Result<Definition, String> {
    let text_of_file = text;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (front, body, line) = split(text).map_err(|why| format!("{file}: {why}"))?;
    let mut sink = Sink::default();
    let said = !front.trim().is_empty();
    let root = said.then(|| yaml::read(front, &mut sink)).flatten();
    let root = root.filter(|root| !root.is_null());
    let mut reader = Reader::new(front, sink);
    let mut notices = Vec::new();
    let mut spec = match &root {
        Some(root) => common(root, &mut reader, &mut notices),
        None => AgentSpec::default(),
    };
    let mut problems = problems(reader, file, front, line);
    if spec.name.is_empty() {
        name.clone_into(&mut spec.name);
    }
    if !is_agent_name(&spec.name) {
        problems.push(format!(
            "{file}: `{}` cannot be the name of an agent: 1 to 64 of the characters a-z 0-9 -",
            spec.name
        ));
    }
    let body = body.trim();
    if body.is_empty() && spec.extends.is_none() {
        problems.push(format!("{file}: there are no instructions below the front matter"));
    }
    if !body.is_empty() {
        spec.prompt = Some(body.to_owned());
    }
    if !problems.is_empty() {
        return Err(problems.join("\n"));
    }
    Ok(Definition { spec, digest: digest(text_of_file), notices })
}

/// Reads a file of a loop type. The error has a line for each mistake.
pub fn read_loop(file: &str, text: &str) -> Result<LoopDefinition, String> {
    let mut sink = Sink::default();
    let root = yaml::read(text, &mut sink);
    let mut reader = Reader::new(text, sink);
    let spec = root.and_then(|root| reader.loop_type(&root, "the loop type"));
    let problems = problems(reader, file, text, 0);
    match spec {
        Some(spec) if problems.is_empty() => Ok(LoopDefinition { spec, digest: digest(text) }),
        Some(_) | None if problems.is_empty() => Err(format!("{file}: there is nothing in it")),
        Some(_) | None => Err(problems.join("\n")),
    }
}

/// Reads an adapter as it is written in a pipeline, from `node` of `text`. All mistakes at once.
pub fn read_adapter(text: &str, node: &Node) -> Result<Adapter, Vec<Diagnostic>> {
    let mut reader = Reader::new(text, Sink::default());
    let adapter = reader.adapter(node);
    match (adapter, reader.sink.errors()) {
        (Some(adapter), 0) => Ok(adapter),
        (Some(_) | None, _) => Err(reader.sink.into_sorted()),
    }
}

fn problems(reader: Reader<'_>, file: &str, text: &str, line: usize) -> Vec<String> {
    let found = reader.sink.into_sorted().into_iter();
    let errors = found.filter(|found| found.severity == Severity::Error);
    let say = |found: Diagnostic| {
        let at = place(text, found.span.start);
        let help = if found.help.is_empty() { String::new() } else { format!(" ({})", found.help) };
        format!("{file}:{}:{}: {}{help}", at.line + line, at.col, found.message)
    };
    errors.map(say).collect()
}

/// Front matter, body, and how many lines stand before the front matter.
fn split(text: &str) -> Result<(&str, &str, usize), &'static str> {
    let Some(rest) = text.strip_prefix("---") else { return Ok(("", text, 0)) };
    let Some(rest) = rest.strip_prefix('\n').or_else(|| rest.strip_prefix("\r\n")) else {
        return Ok(("", text, 0));
    };
    let mut at = 0;
    for line in rest.split_inclusive('\n') {
        if line.trim_end() == "---" {
            return Ok((&rest[..at], &rest[at + line.len()..], 1));
        }
        at += line.len();
    }
    Err("the front matter begins with `---` and has no second line of it")
}

/// The keys that other tools write too, and ours below `orchestrate`.
fn common(root: &Node, reader: &mut Reader<'_>, notices: &mut Vec<String>) -> AgentSpec {
    let Kind::Map(entries) = &root.kind else {
        reader.not_a_map(root, "the front matter");
        return AgentSpec::default();
    };
    let ours = entries.iter().find(|entry| entry.key == "orchestrate");
    let ours = ours.and_then(|entry| reader.agent_keys(&entry.value, "`orchestrate`", &AGENT));
    let mut spec = ours.unwrap_or_default();
    let mut without = Vec::new();
    for entry in entries {
        let text = || entry.value.scalar().filter(|s| !s.is_null()).map(|s| s.text.clone());
        match entry.key.as_str() {
            "orchestrate" => {}
            "name" => spec.name = text().unwrap_or_default(),
            "description" => spec.description = text().unwrap_or_default(),
            "model" => spec.tuning.model = text().filter(|model| model != "inherit"),
            "temperature" => match entry.value.scalar().and_then(Scalar::number) {
                Some(number) if number.as_f64().is_some_and(|n| (0.0..=2.0).contains(&n)) => {
                    spec.tuning.temperature = number.as_f64();
                }
                Some(_) | None => notices.push("`temperature` is no number from 0 to 2".to_owned()),
            },
            "maxTurns" | "max_turns" => match text().and_then(|text| text.parse().ok()) {
                Some(turns) if turns > 0 => spec.budget.turns = spec.budget.turns.or(Some(turns)),
                Some(_) | None => notices.push("`maxTurns` is no whole number above 0".to_owned()),
            },
            "tools" => {
                let kinds = kinds(&entry.value, notices);
                spec.tuning.tools = spec.tuning.tools.take().or(kinds);
            }
            "disallowedTools" => without.extend(kinds(&entry.value, notices).unwrap_or_default()),
            "permissionMode" => mode(&text().unwrap_or_default(), &mut spec, notices),
            key if IDLE.contains(&key) => {}
            key => notices.push(format!("`{key}` means nothing here")),
        }
    }
    if !without.is_empty() {
        let all = spec.tuning.tools.take().unwrap_or_else(|| ToolKind::ALL.to_vec());
        spec.tuning.tools = Some(all.into_iter().filter(|kind| !without.contains(kind)).collect());
    }
    spec
}

/// Modes of permission only ever take away: what allows everything is for people to say here.
fn mode(mode: &str, spec: &mut AgentSpec, notices: &mut Vec<String>) {
    match mode {
        "plan" => spec.tuning.tools = Some(vec![ToolKind::Read, ToolKind::Search]),
        "" | "default" | "acceptEdits" => {}
        other => notices.push(format!(
            "`permissionMode: {other}` means nothing here: write `orchestrate: {{permissions: \
             [...]}}`"
        )),
    }
}

/// A list, a text with commas, or a map of names to `true` and `false`.
fn kinds(node: &Node, notices: &mut Vec<String>) -> Option<Vec<ToolKind>> {
    let names: Vec<(String, bool)> = match &node.kind {
        Kind::Scalar(scalar) if scalar.is_null() => return None,
        Kind::Scalar(scalar) => {
            scalar.text.split(',').map(|name| (name.trim().to_owned(), true)).collect()
        }
        Kind::List(items) => items
            .iter()
            .filter_map(|item| Some((item.scalar()?.text.trim().to_owned(), true)))
            .collect(),
        Kind::Map(entries) => entries
            .iter()
            .map(|entry| {
                let on = entry.value.scalar().and_then(Scalar::boolean);
                (entry.key.clone(), on.unwrap_or(true))
            })
            .collect(),
    };
    // A map names what is switched; what it does not name stays as it is.
    let mut found =
        if matches!(node.kind, Kind::Map(_)) { ToolKind::ALL.to_vec() } else { Vec::new() };
    for (name, on) in names {
        match kind(&name) {
            Some(kind) if on && !found.contains(&kind) => found.push(kind),
            Some(kind) if !on => found.retain(|one| *one != kind),
            Some(_) => {}
            None if name == "*" => return Some(ToolKind::ALL.to_vec()),
            None => notices.push(format!("the tool `{name}` is not known")),
        }
    }
    found.sort_unstable();
    Some(found)
}

/// Names of tools, as they are called in several places.
fn kind(name: &str) -> Option<ToolKind> {
    let base = name.split('(').next().unwrap_or(name).trim();
    match base.to_ascii_lowercase().as_str() {
        "read" | "list" | "ls" | "notebookread" | "view" => Some(ToolKind::Read),
        "search" | "glob" | "grep" => Some(ToolKind::Search),
        "edit" | "write" | "multiedit" | "notebookedit" | "patch" => Some(ToolKind::Edit),
        "execute" | "bash" | "shell" => Some(ToolKind::Execute),
        "fetch" | "webfetch" | "websearch" => Some(ToolKind::Fetch),
        _ => None,
    }
}
