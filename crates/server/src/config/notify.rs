//! Who is told of what: `notify:`.

use std::time::Duration;

use indexmap::IndexMap;
use pipeline::diagnostic::nearest;
use pipeline::when::Globs;
use pipeline::yaml::{Entry, Kind as Shape, Node};

use super::read::Reader;
use super::secret::SecretRef;
use crate::notices::Kind;
use crate::notices::smtp::mailbox;

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
                    if let Some(target) = target(reader, entry) {
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

const SLACK: [&str; 4] = ["kind", "allow_private", "timeout", "url"];
const WEBHOOK: [&str; 6] = ["kind", "allow_private", "timeout", "url", "secret", "headers"];
const SMTP: [&str; 10] = [
    "kind",
    "allow_private",
    "timeout",
    "host",
    "port",
    "encryption",
    "from",
    "to",
    "user",
    "password",
];
const COMMAND: [&str; 4] = ["kind", "timeout", "command", "env"];

fn target(reader: &mut Reader<'_>, entry: &Entry) -> Option<Target> {
    let what = format!("target `{}`", entry.key);
    let name = &entry.key;
    if !super::read::is_name(name) || name.contains(char::is_whitespace) {
        reader.problem(entry.key_span, &format!("{what}: a name without spaces and commas"));
    }
    let node = &entry.value;
    let entries = reader.map(node, &what);
    let kind = entries.iter().find(|entry| entry.key == "kind");
    let word = kind.and_then(|kind| kind.value.scalar()).map(|scalar| scalar.text.as_str());
    let keys: &'static [&'static str] = match word {
        Some("slack") => &SLACK,
        Some("webhook") => &WEBHOOK,
        Some("smtp") => &SMTP,
        Some("command") => &COMMAND,
        Some(_) | None => {
            let span = kind.map_or(entry.key_span, |kind| kind.value.span);
            reader.problem(
                span,
                &format!("`kind` of {what} has to be slack, webhook, smtp or command"),
            );
            return None;
        }
    };
    let entries = reader.keys(node, &what, keys);
    let mut target = Parts { what: &what, node, entries };
    let allow_private = match target.find("allow_private") {
        Some(value) => reader.boolean(value, &format!("`allow_private` of {what}")),
        None => false,
    };
    let timeout = match target.find("timeout") {
        Some(value) => {
            time(reader, value, &format!("`timeout` of {what}"), Duration::from_secs(600))?
        }
        None => Duration::from_secs(30),
    };
    let way = match word {
        Some("slack") => Way::Slack { url: target.secret(reader, "url")? },
        Some("webhook") => target.webhook(reader)?,
        Some("smtp") => target.smtp(reader)?,
        Some(_) | None => target.command(reader)?,
    };
    Some(Target { way, allow_private, timeout })
}

/// The entries of one target.
struct Parts<'n> {
    what: &'n str,
    node: &'n Node,
    entries: Vec<&'n Entry>,
}

impl<'n> Parts<'n> {
    fn find(&self, key: &str) -> Option<&'n Node> {
        self.entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    fn needs(&mut self, reader: &mut Reader<'_>, key: &str) -> Option<&'n Node> {
        let found = self.find(key);
        if found.is_none() {
            reader.problem(self.node.span, &format!("{} needs `{key}`", self.what));
        }
        found
    }

    fn named(&self, key: &str) -> String {
        format!("`{key}` of {}", self.what)
    }

    fn secret(&mut self, reader: &mut Reader<'_>, key: &str) -> Option<SecretRef> {
        let node = self.needs(reader, key)?;
        reader.secret(node, &self.named(key))
    }

    fn secrets(&self, reader: &mut Reader<'_>, key: &str) -> IndexMap<String, SecretRef> {
        let mut found = IndexMap::new();
        let Some(node) = self.find(key) else { return found };
        for entry in reader.map(node, &self.named(key)) {
            let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            if entry.key.is_empty() || !entry.key.chars().all(fits) {
                let problem = format!("{}: a name of letters, digits, - and _", self.named(key));
                reader.problem(entry.key_span, &problem);
            } else if let Some(secret) =
                reader.secret(&entry.value, &format!("`{}` of {}", entry.key, self.what))
            {
                found.insert(entry.key.clone(), secret);
            }
        }
        found
    }

    fn webhook(&mut self, reader: &mut Reader<'_>) -> Option<Way> {
        let headers = self.secrets(reader, "headers");
        let secret = match self.find("secret") {
            Some(node) => Some(reader.secret(node, &self.named("secret"))?),
            None => None,
        };
        let node = self.needs(reader, "url")?;
        let url = match &node.kind {
            Shape::Map(_) => Text::Secret(reader.secret(node, &self.named("url"))?),
            Shape::Scalar(_) | Shape::List(_) => {
                let url = text(reader, node, &self.named("url"))?;
                if !is_web(&url) || url.contains('@') {
                    let what = self.named("url");
                    let problem = format!(
                        "{what} has to be like `https://hooks.example.com/x`, or where it stands: \
                         `{{secret: NAME}}`"
                    );
                    reader.problem(node.span, &problem);
                    return None;
                }
                Text::Plain(url)
            }
        };
        Some(Way::Webhook { url, secret, headers })
    }

    fn smtp(&mut self, reader: &mut Reader<'_>) -> Option<Way> {
        let encryption = match self.find("encryption") {
            None => Encryption::StartTls,
            Some(node) => match node.scalar().map(|scalar| scalar.text.as_str()) {
                Some("starttls") => Encryption::StartTls,
                Some("tls") => Encryption::Tls,
                Some("none") => Encryption::None,
                Some(_) | None => {
                    let what = self.named("encryption");
                    reader.problem(node.span, &format!("{what} has to be starttls, tls or none"));
                    return None;
                }
            },
        };
        let port = match self.find("port") {
            Some(node) => {
                let number = reader.whole(node, &self.named("port"))?;
                let port = u16::try_from(number).ok().filter(|port| *port > 0);
                if port.is_none() {
                    let what = self.named("port");
                    reader.problem(node.span, &format!("{what} has to be from 1 to 65535"));
                }
                port?
            }
            None => match encryption {
                Encryption::StartTls => 587,
                Encryption::Tls => 465,
                Encryption::None => 25,
            },
        };
        let host = self.needs(reader, "host").and_then(|node| text(reader, node, "`host`"));
        let from = self.needs(reader, "from");
        let from = from.and_then(|node| self.mailboxes(reader, node, "from").into_iter().next());
        let to = self.find("to").map_or_else(Vec::new, |node| self.mailboxes(reader, node, "to"));
        let login = match (self.find("user"), self.find("password")) {
            (None, None) => None,
            (Some(user), Some(password)) => {
                let user = text(reader, user, &self.named("user"))?;
                Some((user, reader.secret(password, &self.named("password"))?))
            }
            (Some(node), None) | (None, Some(node)) => {
                let problem = format!("{} needs both `user` and `password`", self.what);
                reader.problem(node.span, &problem);
                None
            }
        };
        let smtp = Smtp { host: host?, port, encryption, from: from?, to, login };
        Some(Way::Smtp(Box::new(smtp)))
    }

    fn mailboxes(&self, reader: &mut Reader<'_>, node: &Node, key: &str) -> Vec<String> {
        let found = texts(reader, node, &self.named(key));
        for one in &found {
            if mailbox(one).is_none() {
                let problem = format!(
                    "{}: `{one}` is no address of mail, like `Ana <ana@example.com>`",
                    self.named(key)
                );
                reader.problem(node.span, &problem);
            }
        }
        found
    }

    fn command(&mut self, reader: &mut Reader<'_>) -> Option<Way> {
        let env = self.secrets(reader, "env");
        let node = self.needs(reader, "command")?;
        let argv = match &node.kind {
            Shape::List(nodes) if !nodes.is_empty() => {
                let what = self.named("command");
                nodes.iter().filter_map(|node| text(reader, node, &what)).collect()
            }
            Shape::List(_) | Shape::Scalar(_) | Shape::Map(_) => {
                let problem = format!(
                    "{} has to be a list: the program and its arguments; no shell reads it",
                    self.named("command")
                );
                reader.problem(node.span, &problem);
                return None;
            }
        };
        Some(Way::Command { argv, env })
    }
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
