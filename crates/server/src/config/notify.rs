//! Who is told of what: `notify:`.

use std::time::Duration;

use indexmap::IndexMap;
use pipeline::diagnostic::nearest;
use pipeline::when::Globs;
use pipeline::yaml::{Kind as Shape, Node};

use super::read::Reader;
use super::secret::SecretRef;
use crate::notices::Kind;

mod target;

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Notify {
    /// Where people find this server, without a slash at its end.
    pub(crate) public_url: Option<String>,
    pub(crate) targets: IndexMap<String, Target>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) retry: Retry,
}

/// How often a notice is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Retry {
    /// Until the second try; it doubles from then on.
    pub(crate) first: Duration,
    /// Between two tries at most.
    pub(crate) most: Duration,
    /// Since it was last asked to be sent.
    pub(crate) give_up_after: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(2),
            most: Duration::from_secs(10 * 60),
            give_up_after: Duration::from_secs(24 * 60 * 60),
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Target {
    pub(crate) way: Way,
    pub(crate) allow_private: bool,
    /// Of one try.
    pub(crate) timeout: Duration,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Way {
    Slack { url: SecretRef },
    Webhook { url: Text, secret: Option<SecretRef>, headers: IndexMap<String, SecretRef> },
    Smtp(Box<Smtp>),
    Command { argv: Vec<String>, env: IndexMap<String, SecretRef> },
}

impl Way {
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Slack { .. } => "slack",
            Self::Webhook { .. } => "webhook",
            Self::Smtp(_) => "smtp",
            Self::Command { .. } => "command",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Smtp {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) encryption: Encryption,
    /// Mailboxes: `Orchestrate <ci@example.com>`.
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    pub(crate) login: Option<(String, SecretRef)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encryption {
    /// Begins in the clear; goes no further without TLS.
    StartTls,
    /// From the first byte.
    Tls,
    /// Only to this machine.
    None,
}

/// Some URLs are secrets, and some are not.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Text {
    Plain(String),
    Secret(SecretRef),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rule {
    pub(crate) on: Vec<Kind>,
    pub(crate) pipelines: Names,
    /// Names of targets.
    pub(crate) to: Vec<String>,
    /// Whoever is asked is addressed too.
    pub(crate) approvers: bool,
}

/// Names of pipelines; all where nothing is said.
#[derive(Clone, Debug)]
pub(crate) struct Names(Option<Globs>);

impl Names {
    pub(crate) fn matches(&self, name: &str) -> bool {
        self.0.as_ref().is_none_or(|globs| globs.matches(name))
    }

    fn patterns(&self) -> Option<&[String]> {
        self.0.as_ref().map(|globs| globs.patterns.as_slice())
    }
}

impl PartialEq for Names {
    fn eq(&self, other: &Self) -> bool {
        self.patterns() == other.patterns()
    }
}

pub(super) fn read(reader: &mut Reader<'_>, node: &Node) -> Notify {
    let mut notify = Notify::default();
    let entries = reader.keys(node, "`notify`", &["public_url", "targets", "rules", "retry"]);
    for entry in &entries {
        match entry.key.as_str() {
            "public_url" => notify.public_url = public_url(reader, &entry.value),
            "targets" => {
                for entry in reader.map(&entry.value, "`targets`") {
                    if let Some(target) = target::read(reader, entry) {
                        notify.targets.insert(entry.key.clone(), target);
                    }
                }
            }
            "retry" => notify.retry = retry(reader, &entry.value),
            _ => {}
        }
    }
    let targets = entries.iter().find(|entry| entry.key == "targets");
    let known: Vec<&str> = match targets.map(|entry| &entry.value.kind) {
        Some(Shape::Map(entries)) => entries.iter().map(|entry| entry.key.as_str()).collect(),
        Some(Shape::List(_) | Shape::Scalar(_)) | None => Vec::new(),
    };
    if let Some(rules) = entries.iter().find(|entry| entry.key == "rules") {
        match &rules.value.kind {
            Shape::List(nodes) => {
                notify.rules = nodes.iter().filter_map(|node| rule(reader, node, &known)).collect();
            }
            Shape::Scalar(scalar) if scalar.is_null() => {}
            Shape::Scalar(_) | Shape::Map(_) => {
                reader.problem(rules.value.span, "`rules` has to be a list");
            }
        }
    }
    notify
}

fn text(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<String> {
    let text = node.scalar().filter(|scalar| !scalar.is_null()).map(|scalar| scalar.text.clone());
    let text = text.filter(|text| !text.is_empty() && !text.contains(char::is_control));
    if text.is_none() {
        reader.problem(node.span, &format!("{what} has to be a line of text"));
    }
    text
}

fn texts(reader: &mut Reader<'_>, node: &Node, what: &str) -> Vec<String> {
    match &node.kind {
        Shape::List(nodes) => nodes.iter().filter_map(|node| text(reader, node, what)).collect(),
        Shape::Scalar(_) | Shape::Map(_) => text(reader, node, what).into_iter().collect(),
    }
}

fn time(reader: &mut Reader<'_>, node: &Node, what: &str, most: Duration) -> Option<Duration> {
    let found = node.duration().filter(|time| !time.is_zero() && *time <= most);
    if found.is_none() {
        let most = most.as_secs();
        let problem = format!("{what} has to be a duration such as `30s`, at most {most} s");
        reader.problem(node.span, &problem);
    }
    found
}

/// Whether it can be a URL of a web server: the rest is found out when it is used.
fn is_web(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
        && !url.contains(char::is_whitespace)
        && url.is_ascii()
}

fn public_url(reader: &mut Reader<'_>, node: &Node) -> Option<String> {
    let url = text(reader, node, "`public_url`")?;
    if !is_web(&url) || url.contains(['?', '#', '@', '<', '>', '|']) {
        let problem = "`public_url` has to be like `https://ci.example.com`, where people find \
                       this server";
        reader.problem(node.span, problem);
        return None;
    }
    Some(url.trim_end_matches('/').to_owned())
}

fn retry(reader: &mut Reader<'_>, node: &Node) -> Retry {
    let mut retry = Retry::default();
    let keys = ["first", "most", "give_up_after"];
    for entry in reader.keys(node, "`retry`", &keys) {
        let longest = Duration::from_secs(30 * 24 * 60 * 60);
        let Some(time) = time(reader, &entry.value, &format!("`{}`", entry.key), longest) else {
            continue;
        };
        match entry.key.as_str() {
            "first" => retry.first = time,
            "most" => retry.most = time,
            _ => retry.give_up_after = time,
        }
    }
    retry
}

fn rule(reader: &mut Reader<'_>, node: &Node, known: &[&str]) -> Option<Rule> {
    let mut rule =
        Rule { on: Vec::new(), pipelines: Names(None), to: Vec::new(), approvers: false };
    let keys = ["on", "pipelines", "to", "approvers"];
    for entry in reader.keys(node, "a rule of `notify`", &keys) {
        match entry.key.as_str() {
            "on" => rule.on = kinds(reader, &entry.value),
            "pipelines" => {
                let patterns = texts(reader, &entry.value, "`pipelines`");
                match Globs::new(patterns) {
                    Ok(globs) => rule.pipelines = Names(Some(globs)),
                    Err(error) => reader.problem(entry.value.span, &error.to_string()),
                }
            }
            "to" => {
                rule.to = reader.names(&entry.value, "`to`");
                for name in rule.to.iter().filter(|name| !known.contains(&name.as_str())) {
                    let help = match nearest(name, known.iter().copied()) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => format!("there are: {}", known.join(", ")),
                    };
                    let problem = format!("there is no target `{name}`; {help}");
                    reader.problem(entry.value.span, &problem);
                }
            }
            _ => rule.approvers = reader.boolean(&entry.value, "`approvers`"),
        }
    }
    for (key, missing) in [("on", rule.on.is_empty()), ("to", rule.to.is_empty())] {
        if missing {
            reader.problem(node.span, &format!("a rule of `notify` needs `{key}`"));
        }
    }
    (!rule.on.is_empty() && !rule.to.is_empty()).then_some(rule)
}

fn kinds(reader: &mut Reader<'_>, node: &Node) -> Vec<Kind> {
    let mut kinds = Vec::new();
    for word in reader.names(node, "`on`") {
        match Kind::of(&word) {
            Some(kind) => kinds.push(kind),
            None => {
                let words = Kind::RULED.map(Kind::word);
                let help = match nearest(&word, words) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("there are: {}", words.join(", ")),
                };
                reader.problem(node.span, &format!("nobody can be told of `{word}`; {help}"));
            }
        }
    }
    kinds
}

#[cfg(test)]
mod tests;
