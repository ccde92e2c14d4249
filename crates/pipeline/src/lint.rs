//! What is accepted but probably not meant. Few, and each with a way out.

use std::collections::HashSet;

use crate::authored::{Authored, AuthoredStage, Reader};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Effects, Rule};
use crate::resolve::{Graph, Used};

mod rollback;
mod starts;

pub(crate) fn lint(authored: &Authored, graph: &Graph, used: &Used, reader: &mut Reader<'_>) {
    // What could not be read may well be what uses it.
    if reader.sink.errors() == 0 {
        unused(authored, used, reader);
    }
    for (ix, stage) in authored.stages.iter().enumerate() {
        if !graph.list_order {
            no_depends_on(stage, reader);
        }
        duplicate_dependencies(stage, reader);
        if graph.depends_on[ix].is_empty() {
            idle_rule(stage, reader);
        }
        limits(stage, reader);
        probe(stage, reader);
    }
    rollback::lint(authored, graph, reader);
    starts::lint(authored, reader);
}

fn unused(authored: &Authored, used: &Used, reader: &mut Reader<'_>) {
    let mut report = |what: &str, name: &crate::authored::Placed<String>| {
        let message = format!("{what} `{}` is never used", name.value);
        reader.push(Diagnostic::new(Code::UNUSED, name.span, message).help("remove it"));
    };
    for (name, _) in authored.inputs.iter().filter(|(n, _)| !used.values.contains(&n.value)) {
        report("input", name);
    }
    let shadowed: HashSet<&str> =
        authored.inputs.iter().map(|(name, _)| name.value.as_str()).collect();
    for (name, _) in &authored.variables {
        if !used.values.contains(&name.value) && !shadowed.contains(name.value.as_str()) {
            report("variable", name);
        }
    }
    for name in authored.secrets.iter().filter(|name| !used.secrets.contains(&name.value)) {
        report("secret", name);
    }
}

fn no_depends_on(stage: &AuthoredStage, reader: &mut Reader<'_>) {
    let says = stage.depends_on.is_some()
        || stage.parallel_with.is_some()
        || stage.group.is_some()
        || stage.is_triggered;
    if stage.finally || says {
        return;
    }
    let Some(name) = &stage.name else { return };
    let message = format!("`{}` has no `depends_on`, so it starts at once", name.value);
    reader.push(
        Diagnostic::new(Code::NO_DEPENDS_ON, name.span, message)
            .help("other stages name their dependencies; write `depends_on: []` if this is meant"),
    );
}

fn duplicate_dependencies(stage: &AuthoredStage, reader: &mut Reader<'_>) {
    let Some(names) = &stage.depends_on else { return };
    let mut seen = HashSet::new();
    for name in &names.value {
        if !seen.insert(name.value.as_str()) {
            let message = format!("`{}` is named twice in `depends_on`", name.value);
            reader.push(
                Diagnostic::new(Code::DUPLICATE_DEPENDENCY, name.span, message)
                    .help("remove one of them"),
            );
        }
    }
}

fn idle_rule(stage: &AuthoredStage, reader: &mut Reader<'_>) {
    let Some(rule) = &stage.rule else { return };
    let message = match rule.value {
        Rule::OneSuccess | Rule::OneFailed | Rule::AllFailed => {
            "this rule asks about dependencies, and the stage has none"
        }
        Rule::NoneFailedMinOneSuccess
        | Rule::AllSuccess
        | Rule::NoneFailed
        | Rule::AllDone
        | Rule::Always => "the stage has no dependencies, so its rule means nothing",
    };
    reader.push(
        Diagnostic::new(Code::RULE_WITHOUT_DEPENDENCIES, rule.span, message)
            .help("give it `depends_on`, or remove the rule"),
    );
}

fn limits(stage: &AuthoredStage, reader: &mut Reader<'_>) {
    let default = std::time::Duration::from_secs(30 * 60);
    let timeout = stage.timeout.as_ref().map_or(default, |timeout| timeout.value);
    for (name, inner) in
        [("idle_timeout", &stage.idle_timeout), ("total_timeout", &stage.total_timeout)]
    {
        let Some(inner) = inner else { continue };
        let pointless = match name {
            "idle_timeout" => inner.value >= timeout,
            _ => stage.timeout.is_some() && inner.value < timeout,
        };
        if pointless {
            let (message, help) = match name {
                "idle_timeout" => (
                    "`idle_timeout` is not shorter than `timeout`, so it never counts",
                    "shorten it, or lengthen `timeout` (30m when it is left out)",
                ),
                _ => (
                    "`total_timeout` is shorter than `timeout`, so `timeout` never counts",
                    "it limits all attempts together; remove `timeout` or lengthen this",
                ),
            };
            reader
                .push(Diagnostic::new(Code::LIMIT_WITHOUT_EFFECT, inner.span, message).help(help));
        }
    }
}

fn probe(stage: &AuthoredStage, reader: &mut Reader<'_>) {
    let Some(probe) = &stage.probe else { return };
    let once = match stage.effects {
        Some(Effects::Once) => true,
        Some(Effects::Idempotent | Effects::Keyed) => false,
        None => stage.environment.is_some(),
    };
    if !once {
        reader.push(
            Diagnostic::new(
                Code::PROBE_WITHOUT_EFFECT,
                probe.span,
                "`probe` is asked only where `effects` is `once`",
            )
            .help("add `effects: once`, or remove the probe"),
        );
    }
}
