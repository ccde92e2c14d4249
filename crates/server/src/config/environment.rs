//! The policy of an environment: who decides, whether it is locked, its values.

use std::time::Duration;

use engine::event::Environment;
use pipeline::model::{Electorate, OnTimeout, Quorum};
use pipeline::yaml::{Entry, Kind, Node, Scalar};

use super::read::{Reader, values};

const APPROVAL: [&str; 7] =
    ["approvers", "quorum", "allow_self", "timeout", "on_timeout", "escalate_to", "reminders"];
/// The longest time that people may be waited for: a year.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);

pub(super) fn read(reader: &mut Reader<'_>, entry: &Entry) -> Environment {
    let mut environment = Environment::default();
    let whose = format!("environment `{}`", entry.key);
    if entry.value.is_null() {
        return environment;
    }
    for part in reader.keys(&entry.value, &whose, &["approval", "lock", "variables"]) {
        let what = format!("`{}` of {whose}", part.key);
        match part.key.as_str() {
            "approval" => environment.approval = approval(reader, &part.value, &whose),
            "lock" => environment.lock = reader.boolean(&part.value, &what),
            _ => environment.variables = values(reader, &part.value, &what),
        }
    }
    environment
}

/// `true` and nothing mean anybody's approval, `false` none.
fn approval(reader: &mut Reader<'_>, node: &Node, whose: &str) -> Option<Electorate> {
    match node.scalar().map(|scalar| (scalar.is_null(), scalar.boolean())) {
        Some((true, _) | (_, Some(true))) => return Some(Electorate::default()),
        Some((_, Some(false))) => return None,
        Some((false, None)) | None => {}
    }
    let mut electorate = Electorate::default();
    for part in reader.keys(node, &format!("`approval` of {whose}"), &APPROVAL) {
        let what = format!("`{}` of {whose}", part.key);
        let value = &part.value;
        match part.key.as_str() {
            "approvers" => electorate.approvers = reader.names(value, &what),
            "quorum" => electorate.quorum = quorum(reader, value, &what),
            "allow_self" => electorate.allow_self = reader.boolean(value, &what),
            "timeout" => electorate.timeout = timeout(reader, value, &what),
            "on_timeout" => electorate.on_timeout = on_timeout(reader, value, &what),
            "escalate_to" => electorate.escalate_to = reader.names(value, &what),
            _ => electorate.reminders = reminders(reader, value, &what),
        }
    }
    let slots = electorate.approvers.len();
    if let Quorum::Count(count) = electorate.quorum
        && slots > 0
        && count as usize > slots
    {
        let problem = format!("`approval` of {whose} asks for {count} of {slots} approvers");
        reader.problem(node.span, &problem);
    }
    if electorate.on_timeout == OnTimeout::Escalate && electorate.escalate_to.is_empty() {
        let problem = format!("`approval` of {whose} escalates to nobody: write `escalate_to`");
        reader.problem(node.span, &problem);
    }
    Some(electorate)
}

fn quorum(reader: &mut Reader<'_>, node: &Node, what: &str) -> Quorum {
    let scalar = node.scalar();
    let count = scalar.and_then(Scalar::number).and_then(|number| number.as_u64());
    match (scalar.map(|scalar| scalar.text.as_str()), count.and_then(|n| u32::try_from(n).ok())) {
        (Some("all"), _) => Quorum::All,
        (Some("any"), _) => Quorum::Any,
        (_, Some(count @ 1..)) => Quorum::Count(count),
        (_, Some(0) | None) => {
            reader.problem(node.span, &format!("{what} has to be `any`, `all` or a number from 1"));
            Quorum::All
        }
    }
}

fn timeout(reader: &mut Reader<'_>, node: &Node, what: &str) -> Duration {
    match node.duration() {
        Some(time) if (Duration::from_secs(1)..=LONGEST).contains(&time) => time,
        Some(_) => {
            reader.problem(node.span, &format!("{what} has to be between a second and a year"));
            LONGEST
        }
        None => {
            let problem = format!("{what} has to be a duration such as `30m` or `7d`");
            reader.problem(node.span, &problem);
            LONGEST
        }
    }
}

fn on_timeout(reader: &mut Reader<'_>, node: &Node, what: &str) -> OnTimeout {
    match node.scalar().map(|scalar| scalar.text.as_str()) {
        Some("reject") => OnTimeout::Reject,
        Some("approve") => OnTimeout::Approve,
        Some("escalate") => OnTimeout::Escalate,
        Some("skip") => OnTimeout::Skip,
        Some("fail") => OnTimeout::Fail,
        Some(_) | None => {
            let words = "reject, approve, escalate, skip or fail";
            reader.problem(node.span, &format!("{what} has to be {words}"));
            OnTimeout::Reject
        }
    }
}

fn reminders(reader: &mut Reader<'_>, node: &Node, what: &str) -> Vec<u8> {
    let percents = match &node.kind {
        Kind::List(nodes) => nodes
            .iter()
            .map(|node| {
                let number = node.scalar().and_then(Scalar::number)?.as_u64()?;
                u8::try_from(number).ok().filter(|percent| (1..100).contains(percent))
            })
            .collect::<Option<Vec<u8>>>(),
        Kind::Scalar(_) | Kind::Map(_) => None,
    };
    match percents {
        Some(percents) if percents.is_sorted_by(|a, b| a < b) => percents,
        Some(_) | None => {
            let problem = format!("{what} has to be a rising list of percents from 1 to 99");
            reader.problem(node.span, &problem);
            Vec::new()
        }
    }
}
