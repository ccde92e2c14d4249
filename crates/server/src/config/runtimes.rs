//! `runtimes:`: with what attempts run that are not processes here.

use indexmap::IndexMap;
use pipeline::yaml::{Kind, Node};

use super::read::Reader;
use super::secret::SecretRef;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Runtimes {
    /// The program of tmux.
    pub(crate) tmux: String,
    pub(crate) docker: Docker,
    pub(crate) ecs: Option<Ecs>,
    pub(crate) plugins: IndexMap<String, Plugin>,
}

/// Where tasks of Amazon ECS run, and as whom we ask for them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ecs {
    pub(crate) region: String,
    pub(crate) endpoint: Option<String>,
    pub(crate) cluster: String,
    pub(crate) poll_seconds: u64,
    /// `access_key_id`, `secret_access_key`, `session_token`.
    pub(crate) keys: IndexMap<String, SecretRef>,
}

/// What is usual for containers here.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Docker {
    /// `None`: the first of the usual places where there is one.
    pub(crate) socket: Option<String>,
    pub(crate) network: Option<String>,
    pub(crate) user: Option<String>,
    pub(crate) init: bool,
    /// `/host:/container:ro`, in every container.
    pub(crate) binds: Vec<String>,
}

impl Default for Docker {
    fn default() -> Self {
        Self { socket: None, network: None, user: None, init: true, binds: Vec::new() }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plugin {
    /// Not empty; the verb comes after it.
    pub(crate) command: Vec<String>,
    pub(crate) env: IndexMap<String, SecretRef>,
}

impl Default for Runtimes {
    fn default() -> Self {
        Self {
            tmux: "tmux".to_owned(),
            docker: Docker::default(),
            ecs: None,
            plugins: IndexMap::new(),
        }
    }
}

pub(super) fn read(reader: &mut Reader<'_>, node: &Node) -> Runtimes {
    let mut runtimes = Runtimes::default();
    for entry in reader.keys(node, "`runtimes`", &["tmux", "docker", "ecs", "plugins"]) {
        match entry.key.as_str() {
            "tmux" => {
                for entry in reader.keys(&entry.value, "`tmux`", &["program"]) {
                    let program = reader.expected_text(&entry.value, "`program` of `tmux`");
                    runtimes.tmux = program.unwrap_or(runtimes.tmux);
                }
            }
            "ecs" => runtimes.ecs = ecs(reader, &entry.value),
            "docker" => runtimes.docker = docker(reader, &entry.value),
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

const ECS: [&str; 7] = [
    "region",
    "endpoint",
    "cluster",
    "poll_seconds",
    "access_key_id",
    "secret_access_key",
    "session_token",
];

fn ecs(reader: &mut Reader<'_>, node: &Node) -> Option<Ecs> {
    let mut ecs = Ecs {
        region: String::new(),
        endpoint: None,
        cluster: "default".to_owned(),
        poll_seconds: 5,
        keys: IndexMap::new(),
    };
    for entry in reader.keys(node, "`ecs`", &ECS) {
        let what = format!("`{}` of `ecs`", entry.key);
        match entry.key.as_str() {
            "region" => ecs.region = reader.expected_text(&entry.value, &what)?,
            "endpoint" => {
                let endpoint = reader.expected_text(&entry.value, &what)?;
                if !endpoint.starts_with("https://") && !endpoint.starts_with("http://") {
                    let problem = format!("{what} has to be `https://...` or `http://...`");
                    reader.problem(entry.value.span, &problem);
                }
                ecs.endpoint = Some(endpoint);
            }
            "cluster" => ecs.cluster = reader.expected_text(&entry.value, &what)?,
            "poll_seconds" => {
                ecs.poll_seconds = reader.whole(&entry.value, &what).unwrap_or(ecs.poll_seconds);
            }
            _ => {
                let key = reader.secret(&entry.value, &what);
                ecs.keys.extend(key.map(|key| (entry.key.clone(), key)));
            }
        }
    }
    for needed in ["access_key_id", "secret_access_key"] {
        if !ecs.keys.contains_key(needed) {
            reader.problem(node.span, &format!("`ecs` needs `{needed}`"));
        }
    }
    if ecs.region.is_empty() {
        reader.problem(node.span, "`ecs` needs a `region`, such as `eu-central-1`");
    }
    Some(ecs)
}

fn docker(reader: &mut Reader<'_>, node: &Node) -> Docker {
    let mut docker = Docker::default();
    for entry in reader.keys(node, "`docker`", &["socket", "network", "user", "init", "binds"]) {
        let what = format!("`{}` of `docker`", entry.key);
        match entry.key.as_str() {
            "socket" => {
                let path = reader.expected_text(&entry.value, &what);
                if path.as_ref().is_some_and(|path| !path.starts_with('/')) {
                    reader.problem(entry.value.span, &format!("{what} has to be an absolute path"));
                }
                docker.socket = path;
            }
            "network" => docker.network = reader.expected_text(&entry.value, &what),
            "user" => docker.user = reader.expected_text(&entry.value, &what),
            "init" => docker.init = reader.boolean(&entry.value, &what),
            _ => docker.binds = binds(reader, &entry.value, &what),
        }
    }
    docker
}

fn binds(reader: &mut Reader<'_>, node: &Node, what: &str) -> Vec<String> {
    let nodes = match &node.kind {
        Kind::List(nodes) => nodes.as_slice(),
        Kind::Scalar(_) | Kind::Map(_) => std::slice::from_ref(node),
    };
    let mut binds = Vec::new();
    for node in nodes {
        let Some(bind) = reader.expected_text(node, what) else { continue };
        let parts: Vec<&str> = bind.split(':').collect();
        let fits = match parts.as_slice() {
            [host, inside] | [host, inside, "ro" | "rw"] => {
                host.starts_with('/') && inside.starts_with('/')
            }
            _ => false,
        };
        if !fits {
            let problem =
                format!("{what} has to be `/host:/container`, with `:ro` or `:rw` after it");
            reader.problem(node.span, &problem);
        }
        binds.push(bind);
    }
    binds
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
        let problems = of("runtimes: {tmax: {}, ecs: {endpoint: x}, docker: {socket: x, binds: [a]}, plugins: {kube: {comand: x, env: {A: plain}}}}\n")
            .unwrap_err();
        for wanted in [
            "`runtimes` has no key `tmax`; did you mean `tmux`?",
            "`endpoint` of `ecs` has to be `https://...`",
            "`ecs` needs a `region`",
            "`ecs` needs `secret_access_key`",
            "`socket` of `docker` has to be an absolute path",
            "`binds` of `docker` has to be `/host:/container`",
            "the runtime `kube` has no key `comand`; did you mean `command`?",
            "the runtime `kube` needs a `command`",
        ] {
            assert!(problems.contains(wanted), "{wanted} is not in\n{problems}");
        }
    }
}
