//! From YAML to a [`Config`], strictly; every mistake is said at once, with its place.

use indexmap::IndexMap;
use pipeline::diagnostic::nearest;
use pipeline::source::{Span, place};
use pipeline::yaml::{self, Entry, Kind, Node, Scalar};
use serde_json::Value as Json;

use super::{
    ArtifactLimits, Config, accounts, agents, environment, models, notify, oidc, runtimes,
    settings, source, traces,
};

/// The error has a line for each mistake.
pub(super) fn config(file: &str, text: &str) -> Result<Config, String> {
    let is_blank = |line: &str| matches!(line.trim_start().chars().next(), None | Some('#'));
    if text.lines().all(is_blank) {
        return Ok(Config::default());
    }
    let (root, found) = yaml::parse(text);
    let mut reader = Reader::new(file, text);
    for found in &found {
        reader.problem(found.span, &found.message);
    }
    let mut config = Config::default();
    if let Some(root) = root.filter(|root| !root.is_null()) {
        root_keys(&mut reader, &root, &mut config);
    }
    // Under the name to which the provider sends browsers back we have to answer.
    let public = config.oidc.as_ref().and_then(oidc::Oidc::host);
    config.accounts.hosts.extend(public);
    reader.end(config)
}

fn root_keys(reader: &mut Reader<'_>, root: &Node, config: &mut Config) {
    const KEYS: [&str; 12] = [
        "agents",
        "users",
        "groups",
        "accounts",
        "environments",
        "config",
        "artifacts",
        "sources",
        "notify",
        "oidc",
        "models",
        "runtimes",
    ];
    let keys = [&KEYS[..], &settings::SECTIONS].concat();
    for entry in reader.keys(root, "the configuration", &keys) {
        match entry.key.as_str() {
            "users" => accounts::users(reader, &entry.value, &mut config.directory),
            "groups" => accounts::groups(reader, &entry.value, &mut config.directory),
            "accounts" => config.accounts = accounts::rules(reader, entry),
            "environments" => {
                for entry in reader.map(&entry.value, "`environments`") {
                    let environment = environment::read(reader, entry);
                    config.environments.insert(entry.key.clone(), environment);
                }
            }
            "sources" => {
                for entry in reader.map(&entry.value, "`sources`") {
                    let source = source::read(reader, entry);
                    config.sources.extend(source.map(|source| (entry.key.clone(), source)));
                }
            }
            "config" => config.values = values(reader, &entry.value, "`config`"),
            "models" => config.models = models::read(reader, &entry.value),
            "runtimes" => config.runtimes = runtimes::read(reader, &entry.value),
            "agents" => config.agents = agents::read(reader, &entry.value),
            "notify" => config.notify = notify::read(reader, &entry.value),
            "oidc" => config.oidc = oidc::read(reader, entry),
            key if settings::SECTIONS.contains(&key) => {
                settings::section(reader, entry, &mut config.settings);
                if key == traces::SECTION {
                    config.trace_headers = traces::headers(reader, entry, &mut config.settings);
                }
            }
            _ => config.artifacts = artifacts(reader, &entry.value),
        }
    }
}

fn artifacts(reader: &mut Reader<'_>, node: &Node) -> ArtifactLimits {
    let mut limits = ArtifactLimits::default();
    for entry in reader.keys(node, "`artifacts`", &["quota_bytes", "keep_days", "max_bytes"]) {
        let value = reader.whole(&entry.value, &format!("`{}`", entry.key));
        match entry.key.as_str() {
            "quota_bytes" => limits.quota_bytes = value,
            "keep_days" => limits.keep_days = value,
            _ => limits.max_bytes = value,
        }
    }
    limits
}

pub(super) fn values(reader: &mut Reader<'_>, node: &Node, what: &str) -> IndexMap<String, Json> {
    reader.map(node, what).iter().map(|entry| (entry.key.clone(), entry.value.json())).collect()
}

pub(super) const NAME_RULE: &str =
    "a name is 1 to 128 characters without spaces, commas or control characters at its ends";

/// Whether this can be the name of a user, group or role.
pub(crate) fn is_name(text: &str) -> bool {
    let fits = (1..=128).contains(&text.chars().count());
    fits && text.trim() == text && !text.contains(|c: char| c.is_control() || c == ',')
}

/// Reads nodes and gathers what is wrong with them.
pub(super) struct Reader<'t> {
    file: &'t str,
    text: &'t str,
    problems: Vec<String>,
}

impl<'t> Reader<'t> {
    pub(super) fn new(file: &'t str, text: &'t str) -> Self {
        Self { file, text, problems: Vec::new() }
    }

    /// What was read, or a line for each mistake.
    pub(super) fn end<T>(self, read: T) -> Result<T, String> {
        if self.problems.is_empty() { Ok(read) } else { Err(self.problems.join("\n")) }
    }
}

impl Reader<'_> {
    pub(super) fn problem(&mut self, at: Span, problem: &str) {
        let place = place(self.text, at.start);
        self.problems.push(format!("{}:{}:{}: {problem}", self.file, place.line, place.col));
    }

    fn expected(&mut self, node: &Node, what: &str, expected: &str) {
        self.problem(node.span, &format!("{what} has to be {expected}, not {}", node.says()));
    }

    /// The whole text.
    pub(super) fn source(&self) -> &str {
        self.text
    }

    pub(super) fn expected_text(&mut self, node: &Node, what: &str) -> Option<String> {
        let text = node.scalar().filter(|scalar| !scalar.is_null());
        if text.is_none_or(|scalar| scalar.text.trim().is_empty()) {
            self.expected(node, what, "a text");
            return None;
        }
        text.map(|scalar| scalar.text.clone())
    }

    /// The entries of a map; none where nothing is written.
    pub(super) fn map<'n>(&mut self, node: &'n Node, what: &str) -> &'n [Entry] {
        match &node.kind {
            Kind::Map(entries) => entries,
            Kind::Scalar(scalar) if scalar.is_null() => &[],
            Kind::Scalar(_) | Kind::List(_) => {
                self.expected(node, what, "a map");
                &[]
            }
        }
    }

    /// The entries of a map that has no other keys than these.
    pub(super) fn keys<'n>(
        &mut self,
        node: &'n Node,
        what: &str,
        known: &[&'static str],
    ) -> Vec<&'n Entry> {
        let mut entries = Vec::new();
        for entry in self.map(node, what) {
            if known.contains(&entry.key.as_str()) {
                entries.push(entry);
                continue;
            }
            let help = match nearest(&entry.key, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there are: {}", known.join(", ")),
            };
            let problem = format!("{what} has no key `{}`; {help}", entry.key);
            self.problem(entry.key_span, &problem);
        }
        entries
    }

    /// One name, or a list of them.
    pub(super) fn names(&mut self, node: &Node, what: &str) -> Vec<String> {
        let nodes = match &node.kind {
            Kind::List(nodes) => nodes.as_slice(),
            Kind::Scalar(scalar) if scalar.is_null() => &[],
            Kind::Scalar(_) | Kind::Map(_) => std::slice::from_ref(node),
        };
        let mut names = Vec::new();
        for node in nodes {
            match node.scalar().filter(|scalar| !scalar.is_null()) {
                Some(scalar) if is_name(&scalar.text) => names.push(scalar.text.clone()),
                Some(_) => self.problem(node.span, &format!("{what}: {NAME_RULE}")),
                None => self.expected(node, what, "a list of names"),
            }
        }
        names
    }

    /// A whole number, not negative.
    pub(super) fn whole(&mut self, node: &Node, what: &str) -> Option<u64> {
        let number = node.scalar().and_then(Scalar::number).and_then(|number| number.as_u64());
        if number.is_none() {
            self.expected(node, what, "a whole number");
        }
        number
    }

    pub(super) fn boolean(&mut self, node: &Node, what: &str) -> bool {
        let value = node.scalar().and_then(Scalar::boolean);
        if value.is_none() {
            self.expected(node, what, "`true` or `false`");
        }
        value.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn groups_are_said_on_either_side() {
        let config = config(
            "c",
            "users:\n  bo: {groups: [devops], roles: approver}\n  cy:\ngroups: {devops: [ana]}\n\
             config: {region: eu}\nartifacts: {keep_days: 30}\n",
        )
        .unwrap();
        assert_eq!(config.directory.person("bo").groups, ["approver", "devops"]);
        assert_eq!(config.directory.person("ana").groups, ["devops"]);
        assert!(config.directory.person("cy").groups.is_empty() && config.directory.knows("cy"));
        assert!(!config.directory.knows("devops"));
        assert_eq!(config.values["region"], json!("eu"));
        assert_eq!(config.artifacts.keep_days, Some(30));
        for empty in ["", "\n# users: {}\n"] {
            assert_eq!(super::config("c", empty).unwrap(), Config::default());
        }
    }

    #[test]
    fn every_mistake_is_said_with_its_place() {
        let text = "usres: {}\nusers: {bo: [x]}\ngroups: {a: [{b: c}]}\n\
                    environments:\n  prod:\n    lock: 7\n    aproval: {}\n    approval:\n\
                    \x20     {quorum: 0, timeout: 5, on_timeout: never}\nartifacts: {keep_days: -1}\n";
        let problems = config("config.yaml", text).unwrap_err();
        for wanted in [
            "config.yaml:1:1: the configuration has no key `usres`; did you mean `users`?",
            "config.yaml:2:13: user `bo` has to be a map, not a list",
            "config.yaml:3:14: group `a` has to be a list of names, not a map",
            "config.yaml:6:11: `lock` of environment `prod` has to be `true` or `false`, not a number",
            "config.yaml:7:5: environment `prod` has no key `aproval`; did you mean `approval`?",
            "config.yaml:9:16: `quorum` of environment `prod` has to be `any`, `all` or a number from 1",
            "config.yaml:9:28: `timeout` of environment `prod` has to be a duration such as `30m` or `7d`",
            "config.yaml:9:43: `on_timeout` of environment `prod` has to be reject, approve, escalate, skip or fail",
            "config.yaml:10:24: `keep_days` has to be a whole number, not a number",
        ] {
            assert!(problems.contains(wanted), "{wanted}\nis not in\n{problems}");
        }
        assert!(config("c", "a: [").is_err());
    }
}
