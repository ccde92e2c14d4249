//! Is a program there, and which version? Asked before anybody depends on it.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use api::program::{ProgramAsk, ProgramSeen};

use crate::hands::{Options, find, plain_environment};
use crate::runtime::program;

/// For what a program says of its version: some start slowly.
const LONGEST: Duration = Duration::from_secs(20);
/// Of that, in characters.
const SHOWN: usize = 120;

/// Looks for a program as an attempt of these hands would find it.
///
/// # Errors
/// Why there is none, in words.
pub fn look(options: &Options, ask: ProgramAsk<'_>) -> Result<ProgramSeen, String> {
    let env = plain_environment(options);
    let path = env.get("PATH").map_or("", String::as_str);
    let relative = ask.program.contains('/') && !ask.program.starts_with('/');
    let place = match ask.working_dir {
        Some(place) => Path::new(place),
        None if relative => {
            return Err(format!("`{}` is looked for where the agent works", ask.program));
        }
        None => Path::new("/"),
    };
    let found = find(ask.program, path, place).map_err(|problem| problem.brief())?;
    let version = if ask.version {
        let mut command = Command::new(&found);
        command.arg("--version").env_clear().envs(&env).env("CI", "1").env("NO_COLOR", "1");
        command.current_dir(place);
        version(command)
    } else {
        None
    };
    Ok(ProgramSeen { path: found.display().to_string(), version })
}

/// `None`: it does not say. What it cannot say, the turn will show.
fn version(command: Command) -> Option<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    let output = runtime.block_on(program::run(command, Vec::new(), LONGEST));
    // What a program that does not end left behind is not waited for.
    runtime.shutdown_background();
    let output = output.ok()?;
    if !output.status.success() {
        return None;
    }
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = said.lines().map(str::trim).find(|line| !line.is_empty())?;
    Some(line.chars().filter(|c| !c.is_control()).take(SHOWN).collect())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_program_is_found_as_attempts_find_it_and_says_its_version() {
        let folder = tempfile::tempdir().unwrap();
        let script = |name: &str, text: &str, mode| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        script("teller", "#!/bin/sh\nset -e; test -z \"$KEY\"; echo; echo \"$0 $1 7.1\"\n", 0o755);
        script("mute", "#!/bin/sh\nexit 3\n", 0o755);
        script("plain", "#!/bin/sh\n", 0o644);
        let mut options = Options::new(folder.path()).unwrap();
        let place = folder.path().to_str().unwrap();
        options.environment.insert("PATH".into(), format!("{place}:/usr/bin:/bin"));
        options.environment.insert("KEY".into(), "sk-secret".into());
        let ask = |program, working_dir, version| {
            look(&options, ProgramAsk { program, working_dir, version })
        };
        let seen = ask("teller", None, true).unwrap();
        assert_eq!(seen.path, format!("{place}/teller"));
        assert_eq!(seen.version, Some(format!("{place}/teller --version 7.1")));
        assert_eq!(ask("./mute", Some(place), true).unwrap().version, None);
        assert!(ask("./mute", None, true).unwrap_err().contains("where the agent works"));
        assert_eq!(ask("teller", None, false).unwrap().version, None, "it was not called");
        assert!(ask("nobody", None, true).unwrap_err().contains("not found in PATH"));
        assert!(ask("./plain", Some(place), true).unwrap_err().contains("chmod +x"));
    }
}
