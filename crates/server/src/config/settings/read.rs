//! Settings as `config.yaml` says them.

use pipeline::yaml::{Entry, Node};

use super::{Kind, SETTINGS, Setting, Value};
use crate::config::read::Reader;

/// The keys at the root of the file below which settings stand.
pub(in crate::config) const SECTIONS: [&str; 8] =
    ["server", "limits", "logs", "metrics", "traces", "retention", "rollout", "workers"];

/// Reads one of [`SECTIONS`], but for what is no plain value.
pub(in crate::config) fn section(
    reader: &mut Reader<'_>,
    entry: &Entry,
    values: &mut super::FileValues,
) {
    let own: Vec<(&str, &'static Setting)> = SETTINGS
        .iter()
        .filter(|setting| setting.file)
        .filter_map(|setting| match setting.name.split_once('.') {
            Some((section, key)) if section == entry.key => Some((key, *setting)),
            Some(_) | None => None,
        })
        .collect();
    let keys: Vec<&'static str> = own.iter().map(|(_, setting)| key_of(setting)).collect();
    for part in reader.keys(&entry.value, &format!("`{}`", entry.key), &keys) {
        let Some((_, setting)) = own.iter().find(|(key, _)| *key == part.key) else { continue };
        if setting.kind == Kind::Secret {
            continue;
        }
        if let Some(value) = value(reader, setting, &part.value) {
            values.0.insert(setting.name, value);
        }
    }
}

fn key_of(setting: &'static Setting) -> &'static str {
    setting.name.split_once('.').map_or(setting.name, |(_, key)| key)
}

/// `None`: not set, or a mistake that was noted.
fn value(reader: &mut Reader<'_>, setting: &Setting, node: &Node) -> Option<Value> {
    if node.is_null() {
        return None;
    }
    let Some(scalar) = node.scalar() else {
        let problem =
            format!("`{}` has to be {}, not {}", setting.name, setting.kind.words(), node.says());
        reader.problem(node.span, &problem);
        return None;
    };
    if setting.kind == Kind::Boolean {
        return Some(Value::Boolean(reader.boolean(node, &format!("`{}`", setting.name))));
    }
    match setting.kind.understand(&scalar.text) {
        Ok(value) => Some(value),
        Err(problem) => {
            reader.problem(node.span, &format!("`{}`: {problem}", setting.name));
            None
        }
    }
}
