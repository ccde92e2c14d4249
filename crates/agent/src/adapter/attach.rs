//! The way in for a person who takes the place of an agent: a script in the session's folder, which
//! only this user reads. What opens a door stands in the script, and not in the line that runs it.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use ::api::agent::Attach;

use crate::desk::Desk;

const SCRIPT: &str = "attach";
/// What a person does not want to be told, who sits at a terminal.
const NOT_FOR_PEOPLE: [&str; 3] = ["CI", "NO_BROWSER", "NO_COLOR"];

/// What the script does, once it is where the agent worked.
pub(super) enum Way {
    /// A shell, the person's own.
    Shell,
    /// A program that takes the session up again, with these variables.
    Program { argv: Vec<String>, env: BTreeMap<String, String> },
}

/// Lays the script.
///
/// # Errors
/// In words, when it cannot be written.
pub(super) fn lay(desk: &Desk, way: Way, resumes: bool) -> Result<Attach, String> {
    let path = script(desk)?;
    let directory = desk.room.job.workspace.clone();
    let mut text = format!(
        "#!/bin/sh\n# In the place of `{}`, as long as it is held.\ncd {} || exit 1\n",
        desk.agent.name,
        quoted(&directory)
    );
    let runs = match way {
        Way::Shell => {
            text.push_str("exec \"${SHELL:-/bin/sh}\" \"$@\"\n");
            "a shell".to_owned()
        }
        Way::Program { argv, env } => {
            for (name, value) in env.iter().filter(|(name, _)| !NOT_FOR_PEOPLE.contains(&&***name))
            {
                text.push_str(&format!("export {name}={}\n", quoted(value)));
            }
            let words: Vec<String> = argv.iter().map(|word| quoted(word)).collect();
            text.push_str(&format!("exec {} \"$@\"\n", words.join(" ")));
            argv.join(" ")
        }
    };
    let write = || {
        let _ = std::fs::remove_file(&path);
        let mut file =
            std::fs::OpenOptions::new().write(true).create_new(true).mode(0o700).open(&path)?;
        file.write_all(text.as_bytes())
    };
    write().map_err(|error| format!("could not write `{}`: {error}", path.display()))?;
    Ok(Attach {
        agent: desk.agent.name.clone(),
        directory,
        command: format!("sh {}", quoted(&path.to_string_lossy())),
        runs: desk.room.veil.text(&runs),
        resumes,
    })
}

/// The way in is closed: the agent goes on.
pub(crate) fn remove(desk: &Desk) {
    if let Ok(path) = script(desk) {
        let _ = std::fs::remove_file(path);
    }
}

fn script(desk: &Desk) -> Result<PathBuf, String> {
    let folder = desk.room.memory.session(&desk.session).map_err(|error| error.to_string())?;
    Ok(folder.join(SCRIPT))
}

/// One word of a shell.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_word_is_one_word_whatever_is_in_it() {
        for (word, shell) in [
            ("/a/b-1", "/a/b-1"),
            ("a b", "'a b'"),
            ("", "''"),
            ("it's $HOME", r"'it'\''s $HOME'"),
            ("x;rm", "'x;rm'"),
        ] {
            assert_eq!(quoted(word), shell);
        }
    }
}
