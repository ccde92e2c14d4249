//! One target: where its notices go, and how.

use std::time::Duration;

use indexmap::IndexMap;
use pipeline::yaml::{Entry, Kind as Shape, Node};

use super::super::read::{Reader, is_name};
use super::super::secret::SecretRef;
use super::{Encryption, Smtp, Target, Text, Way, is_web, text, texts, time};
use crate::notices::smtp::mailbox;

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

pub(super) fn read(reader: &mut Reader<'_>, entry: &Entry) -> Option<Target> {
    let what = format!("target `{}`", entry.key);
    let name = &entry.key;
    if !is_name(name) || name.contains(char::is_whitespace) {
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
