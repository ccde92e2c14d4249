//! `runtimes:`: with what attempts run that are not processes here.

use indexmap::IndexMap;
use pipeline::yaml::{Kind, Node};

use super::read::Reader;
use super::secret::SecretRef;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Runtimes {
    /// The program of tmux.
    pub(crate) tmux: String,
    pub(crate) plugins: IndexMap<String, Plugin>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plugin {
    /// Not empty; the verb comes after it.
    pub(crate) command: Vec<String>,
    pub(crate) env: IndexMap<String, SecretRef>,
}

impl Default for Runtimes {
    fn default() -> Self {
        Self { tmux: "tmux".to_owned(), plugins: IndexMap::new() }
    }
}

pub(super) fn read(reader: &mut Reader<'_>, node: &Node) -> Runtimes {
    let mut runtimes = Runtimes::default();
    for entry in reader.keys(node, "`runtimes`", &["tmux", "plugins"]) {
        match entry.key.as_str() {
            "tmux" => {
                for entry in reader.keys(&entry.value, "`tmux`", &["program"]) {
                    let program = reader.expected_text(&entry.value, "`program` of `tmux`");
                    runtimes.tmux = program.unwrap_or(runtimes.tmux);
                }
            }
            _ => {
                for entry in reader.map(&entry.value, "`plugins`") {
                    let plugin = plugin(reader, &entry.key, &entry.value);
                    runtimes.plugins.extend(plugin.map(|plugin| (entry.key.clone(), plugin)));
                }
            }
        }
    }
    runtimes
}

fn plugin(reader: &mut Reader<'_>, name: &str, node: &Node) -> Option<Plugin> {
    let what = format!("the runtime `{name}`");
    let (mut command, mut env) = (Vec::new(), IndexMap::new());
    for entry in reader.keys(node, &what, &["command", "env"]) {
        match entry.key.as_str() {
            "command" => {
                let nodes = match &entry.value.kind {
                    Kind::List(nodes) => nodes.as_slice(),
                    Kind::Scalar(_) | Kind::Map(_) => std::slice::from_ref(&entry.value),
                };
                let words = nodes.iter().map(|node| {
                    reader.expected_text(node, &format!("a word of `command` of {what}"))
                });
                command = words.collect::<Option<Vec<_>>>()?;
            }
            _ => {
                for entry in reader.map(&entry.value, &format!("`env` of {what}")) {
                    let value = reader.secret(&entry.value, &format!("`{}` of {what}", entry.key));
                    env.extend(value.map(|value| (entry.key.clone(), value)));
                }
            }
        }
    }
    if command.is_empty() {
        reader.problem(
            node.span,
            &format!("{what} needs a `command`, such as `[/opt/kube-runtime]`"),
        );
        return None;
    }
    Some(Plugin { command, env })
}

#[cfg(test)]
mod tests {
    use crate::config::read::config;

    #[test]
    fn plugins_are_named_with_their_command() {
        let of = |text: &str| config("c", text).map(|config| config.runtimes);
        let found = of(
            "runtimes: {tmux: {program: /opt/tmux}, plugins: {kube: {command: [kube, run], env: {TOKEN: {env: T}}}}}\n",
        )
        .unwrap();
        assert_eq!((found.tmux.as_str(), found.plugins["kube"].command.len()), ("/opt/tmux", 2));
        let problems = of("runtimes: {tmax: {}, plugins: {kube: {comand: x, env: {A: plain}}}}\n")
            .unwrap_err();
        for wanted in [
            "`runtimes` has no key `tmax`; did you mean `tmux`?",
            "the runtime `kube` has no key `comand`; did you mean `command`?",
            "the runtime `kube` needs a `command`",
        ] {
            assert!(problems.contains(wanted), "{wanted} is not in\n{problems}");
        }
    }
}
