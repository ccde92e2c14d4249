//! The pipeline itself, and its lists of stages.

use super::fields::Fields;
use super::read::Reader;
use super::stage::HALT_MODES;
use super::{Authored, Placed};
use crate::diagnostic::{Code, Diagnostic};
use crate::vocabulary::{GROUP, PIPELINE, STAGE};
use crate::yaml::{Kind, Node};

/// Everything that was written; mistakes go to the reader.
pub(crate) fn read(root: &Node, reader: &mut Reader<'_>) -> Authored {
    let mut authored = Authored::default();
    if !matches!(root.kind, Kind::Map(_)) {
        let message = format!("a pipeline is a map of keys, not {}", root.says());
        reader.push(
            Diagnostic::new(Code::NOT_A_MAP, root.span, message)
                .help("it begins with `name: ...` and `stages:`"),
        );
        return authored;
    }
    let Some(fields) = reader.fields(root, "a pipeline", &PIPELINE) else { return authored };
    authored.name =
        fields.node("name").and_then(|node| reader.name(node, "the name of a pipeline"));
    authored.description =
        fields.text("description", reader).map_or_else(String::new, |text| text.value);
    let _ = fields.integer("version", reader);
    if let Some(node) = fields.node("inputs") {
        authored.inputs = reader.inputs(node);
    }
    if let Some(node) = fields.node("variables") {
        authored.variables = reader.values(node, "`variables`", |reader, entry| {
            reader.value_name(&entry.key, entry.key_span, "a variable")
        });
    }
    authored.config = reader.config(&fields);
    if let Some(node) = fields.node("outputs") {
        authored.outputs = reader.values(node, "`outputs`", |reader, entry| {
            reader.output_name(&entry.key, entry.key_span, "an output")
        });
    }
    authored.auto_advance = fields.boolean("auto_advance", reader).unwrap_or(true);
    authored.env = reader.env(&fields);
    authored.working_dir = reader.working_dir(&fields);
    authored.secrets = secrets(&fields, reader);
    authored.concurrency = reader.concurrency(&fields);
    authored.max_parallel = fields.integer("max_parallel", reader).map(|limit| limit.value);
    authored.agents = reader.agents(&fields);
    authored.loop_types = reader.loop_types(&fields);
    authored.budget = reader.budget(&fields);
    authored.retry = reader.error_handling(&fields);
    authored.halt_mode = fields.choice("halt_mode", reader).map(|c| HALT_MODES[c.value]);
    authored.success = fields.expression("success", reader);
    authored.repository = reader.repository(&fields);
    authored.runtime = reader.runtime(&fields);
    if let Some(node) = fields.node("triggers") {
        authored.triggers = reader.start_triggers(node);
    }
    let mut groups = 0;
    if let Some(entry) = fields.get("stages") {
        authored.has_stages = matches!(entry.value.kind, Kind::List(_));
        stages(&entry.value, "`stages`", false, &mut groups, reader, &mut authored);
        if matches!(&entry.value.kind, Kind::List(items) if items.is_empty()) {
            reader.push(
                Diagnostic::new(Code::NO_STAGES, entry.value.span, "`stages` is empty")
                    .help("a pipeline needs at least one stage"),
            );
        }
    }
    if let Some(node) = fields.node("finally") {
        stages(node, "`finally`", true, &mut groups, reader, &mut authored);
    }
    authored
}

fn secrets(fields: &Fields<'_>, reader: &mut Reader<'_>) -> Vec<Placed<String>> {
    let Some(node) = fields.node("secrets") else { return Vec::new() };
    let items = reader.list(node, "`secrets`").unwrap_or_default();
    let mut names: Vec<Placed<String>> = Vec::with_capacity(items.len());
    let mut seen = std::collections::HashSet::new();
    for item in items {
        let Some(name) = reader.secret_name(item) else { continue };
        if seen.insert(name.value.clone()) {
            names.push(name);
        }
    }
    names
}

fn stages(
    node: &Node,
    what: &str,
    finally: bool,
    groups: &mut usize,
    reader: &mut Reader<'_>,
    authored: &mut Authored,
) {
    let Kind::List(items) = &node.kind else {
        let message = format!("{what} must be a list, not {}", node.says());
        let mut found = Diagnostic::new(Code::WRONG_TYPE, node.span, message);
        if let Kind::Map(entries) = &node.kind {
            found.span = entries.first().map_or(node.span, |entry| entry.key_span);
            found.help = "write each stage as `- name: ...`".into();
        }
        reader.push(found);
        return;
    };
    for item in items {
        let parallel = match &item.kind {
            Kind::Map(entries) => entries.iter().find(|entry| entry.key == "parallel"),
            Kind::Scalar(_) | Kind::List(_) => None,
        };
        let Some(parallel) = parallel else {
            authored.stages.extend(reader.stage(item, None, finally));
            continue;
        };
        if let Kind::Map(entries) = &item.kind
            && let Some(other) =
                entries.iter().find(|e| STAGE.key(&e.key).is_some() || STAGE.is_later(&e.key))
        {
            let message = format!("`{}` stands beside `parallel`", other.key);
            reader.push(
                Diagnostic::new(Code::BAD_GROUP, other.key_span, message)
                    .help("a group holds only `parallel: [...]`; keys go to its stages"),
            );
        } else {
            let _ = reader.fields(item, "a parallel group", &GROUP);
        }
        group(&parallel.value, finally, groups, reader, authored);
    }
}

fn group(
    node: &Node,
    finally: bool,
    groups: &mut usize,
    reader: &mut Reader<'_>,
    authored: &mut Authored,
) {
    let Kind::List(items) = &node.kind else {
        let message = format!("`parallel` must be a list of stages, not {}", node.says());
        reader.push(
            Diagnostic::new(Code::WRONG_TYPE, node.span, message)
                .help("to run one stage beside another, use `parallel_with`"),
        );
        return;
    };
    if items.is_empty() {
        reader.push(
            Diagnostic::new(Code::BAD_GROUP, node.span, "this group has no stages")
                .help("give it stages, or remove it"),
        );
    }
    *groups += 1;
    for item in items {
        if let Kind::Map(entries) = &item.kind
            && let Some(inner) = entries.iter().find(|entry| entry.key == "parallel")
        {
            reader.push(
                Diagnostic::new(Code::BAD_GROUP, inner.key_span, "a group inside a group")
                    .help("put all of these stages into one group, or use `depends_on`"),
            );
            group(&inner.value, finally, groups, reader, authored);
            continue;
        }
        authored.stages.extend(reader.stage(item, Some(*groups), finally));
    }
}
