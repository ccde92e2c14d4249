//! Conditions and templates in words, much as they were written.

use pipeline::text::{Part, Template, ValueTemplate};
use pipeline::when::{Condition, Globs, Test};
use serde_json::Value as Json;

pub(crate) fn condition(condition: &Condition) -> String {
    test(&condition.test)
}

fn test(condition: &Test) -> String {
    let list = |tests: &[Test], word: &str| match tests {
        [] => "nothing".to_owned(),
        [only] => test(only),
        several => {
            let parts: Vec<String> = several.iter().map(inner).collect();
            parts.join(word)
        }
    };
    match condition {
        Test::All(tests) => list(tests, " and "),
        Test::Any(tests) => list(tests, " or "),
        Test::Not(of) => format!("not {}", inner(of)),
        Test::Branch(globs) => format!("branch {}", patterns(globs)),
        Test::Paths(globs) => format!("paths {}", patterns(globs)),
        Test::Labels { any, all, none } => {
            let kinds = [("any", any), ("all", all), ("none", none)];
            let parts: Vec<String> = kinds
                .iter()
                .filter(|(_, labels)| !labels.is_empty())
                .map(|(word, labels)| format!("{word} {}", quoted(labels)))
                .collect();
            format!("labels {}", parts.join(", "))
        }
        Test::Variable { name, values } => {
            let values: Vec<String> = values.iter().map(Json::to_string).collect();
            format!("variable {name} [{}]", values.join(", "))
        }
        Test::Environment(globs) => format!("environment {}", patterns(globs)),
        Test::Expression(expression) => expression.source.clone(),
    }
}

fn inner(condition: &Test) -> String {
    match condition {
        Test::All(_) | Test::Any(_) => format!("({})", test(condition)),
        Test::Not(_)
        | Test::Branch(_)
        | Test::Paths(_)
        | Test::Labels { .. }
        | Test::Variable { .. }
        | Test::Environment(_)
        | Test::Expression(_) => test(condition),
    }
}

fn patterns(globs: &Globs) -> String {
    quoted(&globs.patterns)
}

fn quoted(texts: &[String]) -> String {
    let quoted: Vec<String> = texts.iter().map(|text| format!("{text:?}")).collect();
    format!("[{}]", quoted.join(", "))
}

pub(crate) fn value(value: &ValueTemplate) -> String {
    match value {
        ValueTemplate::Literal(json) => json.to_string(),
        ValueTemplate::Text(text) => template(text),
        ValueTemplate::List(items) => {
            let items: Vec<String> = items.iter().map(self::value).collect();
            format!("[{}]", items.join(", "))
        }
        ValueTemplate::Map(entries) => {
            let entries: Vec<String> =
                entries.iter().map(|(key, of)| format!("{key}: {}", self::value(of))).collect();
            format!("{{{}}}", entries.join(", "))
        }
    }
}

fn template(template: &Template) -> String {
    let part = |part: &Part| match part {
        Part::Literal(text) => text.clone(),
        Part::Reference(reference) => format!("${{{}}}", reference.source),
    };
    template.parts.iter().map(part).collect()
}
