//! Where the hands run an attempt: what its stage says, with what this installation knows.

use std::collections::BTreeMap;

use api::runtime::{Place, Runtime};
use pipeline::model;

use super::live::Live;
use super::reports::Whose;
use crate::config::ConfigFile;
use crate::vault::Vault;

/// `None`: a process of theirs, as is every probe. The error says what is missing here.
pub(super) fn of(
    config: &ConfigFile,
    live: &Live,
    whose: &Whose,
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
    };
    let called = live.run.link().map_or_else(|| whose.run.to_string(), |link| link.name);
    Ok(Some(Runtime { called, place }))
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
        Place::Tmux { .. } => Ok(BTreeMap::new()),
        Place::Plugin { name, .. } => match config.runtimes.plugins.get(name) {
            Some(plugin) => plugin.env.iter().map(plain).collect(),
            None => Err(format!("the runtime `{name}` is not in config.yaml any more")),
        },
    }
}
