//! Where the hands run an attempt: what its stage says, with what this installation knows.

use std::collections::BTreeMap;
use std::path::Path;

use api::runtime::{Docker, Ecs, Place, Pull, Runtime};
use pipeline::model;

use super::live::Live;
use super::reports::Whose;
use crate::config::ConfigFile;
use crate::vault::Vault;

/// Where daemons usually listen.
const SOCKETS: [&str; 2] = ["/var/run/docker.sock", "/run/podman/podman.sock"];

/// `None`: a process of theirs, as is every probe. The error says what is missing here.
pub(super) fn of(
    config: &ConfigFile,
    live: &Live,
    whose: &Whose,
    root: &Path,
) -> Result<Option<Runtime>, String> {
    let row = live.run.row(&whose.attempt.execution).filter(|_| !whose.probe);
    let Some(said) = row.and_then(|row| row.stage.runtime.as_ref()) else { return Ok(None) };
    let known = config.current()?.runtimes.clone();
    let place = match said {
        model::Runtime::Process => return Ok(None),
        model::Runtime::Tmux => Place::Tmux { program: known.tmux },
        model::Runtime::Plugin { name, settings } => {
            let Some(plugin) = known.plugins.get(name) else {
                let names: Vec<&str> = known.plugins.keys().map(String::as_str).collect();
                let there = match names.as_slice() {
                    [] => "there are none".to_owned(),
                    names => format!("there are: {}", names.join(", ")),
                };
                return Err(format!(
                    "there is no runtime `{name}` in `runtimes.plugins` of config.yaml; {there}"
                ));
            };
            let command = plugin.command.clone();
            Place::Plugin { name: name.clone(), command, settings: settings.clone() }
        }
        model::Runtime::Ecs(of) => Place::Ecs(Box::new(task(of, known.ecs)?)),
        model::Runtime::Docker(of) => Place::Docker(Box::new(container(of, known.docker, root)?)),
    };
    let called = live.run.link().map_or_else(|| whose.run.to_string(), |link| link.name);
    Ok(Some(Runtime { called, place }))
}

fn task(of: &model::EcsTask, usual: Option<crate::config::runtimes::Ecs>) -> Result<Ecs, String> {
    let usual = usual.ok_or(
        "this installation has no `runtimes.ecs` in config.yaml: it needs `region`, \
         `access_key_id` and `secret_access_key`",
    )?;
    Ok(Ecs {
        region: usual.region,
        endpoint: usual.endpoint,
        poll_seconds: usual.poll_seconds,
        cluster: of.cluster.clone().unwrap_or(usual.cluster),
        task_definition: of.task_definition.clone(),
        container: of.container.clone(),
        launch_type: of.launch_type.map(|launch| launch.word().to_owned()),
        subnets: of.subnets.clone(),
        security_groups: of.security_groups.clone(),
        public_ip: of.public_ip,
    })
}

fn container(
    of: &model::Container,
    usual: crate::config::runtimes::Docker,
    root: &Path,
) -> Result<Docker, String> {
    let socket = match usual.socket {
        Some(socket) => socket,
        None => {
            let there = SOCKETS.iter().find(|path| Path::new(path).exists());
            let there = there.ok_or_else(|| {
                let places = SOCKETS.join(", ");
                format!(
                    "there is no socket of a container daemon ({places}); say which one in \
                     `runtimes.docker.socket` of config.yaml"
                )
            })?;
            (*there).to_owned()
        }
    };
    Ok(Docker {
        socket,
        image: of.image.clone(),
        pull: match of.pull {
            model::Pull::Missing => Pull::Missing,
            model::Pull::Always => Pull::Always,
            model::Pull::Never => Pull::Never,
        },
        user: of.user.clone().or(usual.user),
        network: of.network.clone().or(usual.network),
        volumes: of.volumes.iter().map(|(name, at)| (name.clone(), at.clone())).collect(),
        memory_bytes: of.memory_mb.map(|mb| u64::from(mb) << 20),
        // At most ten thousand of them.
        nano_cpus: of.cpus.map(|cpus| (cpus * 1e9).round() as u64),
        init: usual.init,
        binds: usual.binds,
        root: root.to_string_lossy().into_owned(),
    })
}

/// What a runtime is reached with.
pub(crate) fn keys(
    config: &ConfigFile,
    vault: &Vault,
    place: &Place,
) -> Result<BTreeMap<String, String>, String> {
    let config = config.current()?;
    let plain = |(name, value): (&String, &crate::config::secret::SecretRef)| {
        let value = vault.resolve(value).map_err(|problem| problem.to_string())?;
        Ok((name.clone(), value.expose().to_owned()))
    };
    match place {
        Place::Ecs(_) => config.runtimes.ecs.iter().flat_map(|ecs| &ecs.keys).map(plain).collect(),
        Place::Tmux { .. } | Place::Docker(_) => Ok(BTreeMap::new()),
        Place::Plugin { name, .. } => match config.runtimes.plugins.get(name) {
            Some(plugin) => plugin.env.iter().map(plain).collect(),
            None => Err(format!("the runtime `{name}` is not in config.yaml any more")),
        },
    }
}
