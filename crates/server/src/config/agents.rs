//! `agents:`: who answers where neither a pipeline nor a definition says.

use pipeline::agent;
use pipeline::model::Adapter;
use pipeline::yaml::Node;

use super::read::Reader;

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Defaults {
    /// `None`: an API where its key is known, else the scripted one.
    pub(crate) adapter: Option<Adapter>,
    pub(crate) model: Option<String>,
    /// Of adapters that name none.
    pub(crate) provider: Option<String>,
}

pub(super) fn read(reader: &mut Reader<'_>, node: &Node) -> Defaults {
    let mut defaults = Defaults::default();
    for entry in reader.keys(node, "`agents`", &["default"]) {
        for entry in reader.keys(&entry.value, "`default`", &["adapter", "model", "provider"]) {
            match entry.key.as_str() {
                "adapter" => defaults.adapter = adapter(reader, &entry.value),
                "model" => defaults.model = reader.expected_text(&entry.value, "`model`"),
                _ => defaults.provider = reader.expected_text(&entry.value, "`provider`"),
            }
        }
    }
    defaults
}

/// As it is written in a pipeline.
fn adapter(reader: &mut Reader<'_>, node: &Node) -> Option<Adapter> {
    match agent::read_adapter(reader.source(), node) {
        Ok(adapter) => Some(adapter),
        Err(found) => {
            for found in found {
                let help = match found.help.is_empty() {
                    true => String::new(),
                    false => format!(" ({})", found.help),
                };
                reader.problem(found.span, &format!("{}{help}", found.message));
            }
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use pipeline::model::AdapterKind;

    use crate::config::read::config;

    #[test]
    fn what_answers_is_said_once_for_all() {
        let of = |text: &str| config("c", text).map(|config| config.agents);
        let found = of(
            "agents: {default: {adapter: {kind: acp, command: [opencode, acp]}, model: large, provider: mine}}\n",
        )
        .unwrap();
        assert_eq!(found.adapter.unwrap().kind, AdapterKind::Acp);
        assert_eq!(
            (found.model.as_deref(), found.provider.as_deref()),
            (Some("large"), Some("mine"))
        );
        assert_eq!(
            of("agents: {default: {adapter: acp, modell: x}}\n").unwrap_err(),
            "c:1:34: `default` has no key `modell`; did you mean `model`?\n\
             c:1:29: the adapter `acp` needs a `command` (write `{kind: acp, command: [PROGRAM]}`)"
        );
        assert!(
            of("agents: {default: {model: ''}}\n")
                .unwrap_err()
                .contains("`model` has to be a text")
        );
    }
}
