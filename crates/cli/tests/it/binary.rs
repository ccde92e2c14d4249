//! The real binary in a folder of its own.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, ExitStatus, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A folder with a data folder in it.
pub(crate) struct Place {
    pub(crate) folder: TempDir,
}

/// Who runs the tests, as the system knows it.
pub(crate) fn me() -> String {
    let said = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(said.stdout).unwrap().trim().to_owned()
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// With this file in it.
    pub(crate) fn with(name: &str, text: &str) -> Self {
        let place = Self::new();
        place.write(name, text);
        place
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path().join(name)).unwrap()
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_orchestrate"));
        command.args(args).current_dir(self.path()).stdin(Stdio::null());
        command.env("ORCHESTRATE_DATA_DIR", self.path().join("data"));
        for name in [
            "CI",
            "GITHUB_ACTIONS",
            "NO_COLOR",
            "CLICOLOR_FORCE",
            "ORCHESTRATE_SERVER",
            "ORCHESTRATE_TOKEN",
            "TRACEPARENT",
        ] {
            command.env_remove(name);
        }
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ended {
        ended(&self.command(args).output().unwrap())
    }

    /// The same with `--output json`; fails unless it succeeds.
    pub(crate) fn json(&self, args: &[&str]) -> Value {
        let ended = self.run(&[args, &["--output", "json"]].concat());
        assert_eq!(ended.code, Some(0), "{args:?}: {}", ended.stderr);
        serde_json::from_str(&ended.stdout).unwrap()
    }

    pub(crate) fn start(&self, args: &[&str]) -> Going {
        Going::of(&mut self.command(args))
    }

    /// A named pipe: opening it for writing waits until a stage reads from it.
    pub(crate) fn gate(&self, name: &str) {
        let made = Command::new("mkfifo").arg(self.path().join(name)).status().unwrap();
        assert!(made.success());
    }

    /// Returns when a stage waits at the gate; dropping the file lets it through.
    pub(crate) fn wait_at(&self, name: &str) -> std::fs::File {
        std::fs::OpenOptions::new().write(true).open(self.path().join(name)).unwrap()
    }
}

/// A command that goes on; it is ended when a test fails before its end.
pub(crate) struct Going {
    pub(crate) child: Child,
    stderr: BufReader<ChildStderr>,
    said: String,
}

impl Going {
    pub(crate) fn of(command: &mut Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Self { child, stderr, said: String::new() }
    }

    /// Reads stderr up to the line with this text, and returns the line.
    pub(crate) fn says(&mut self, text: &str) -> String {
        loop {
            let mut line = String::new();
            let read = self.stderr.read_line(&mut line).unwrap();
            self.said += &line;
            assert!(read > 0, "it ended without saying `{text}`: {}", self.said);
            if line.contains(text) {
                return line;
            }
        }
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &pid]).status().unwrap().success());
    }

    /// How it ended, also by a signal, and what it said.
    pub(crate) fn status(mut self) -> (ExitStatus, String) {
        while self.stderr.read_line(&mut self.said).unwrap() > 0 {}
        (self.child.wait().unwrap(), std::mem::take(&mut self.said))
    }

    pub(crate) fn end(mut self) -> Ended {
        while self.stderr.read_line(&mut self.said).unwrap() > 0 {}
        let mut stdout = String::new();
        if let Some(mut pipe) = self.child.stdout.take() {
            pipe.read_to_string(&mut stdout).unwrap();
        }
        let code = self.child.wait().unwrap().code();
        Ended { code, stdout, stderr: std::mem::take(&mut self.said) }
    }
}

impl Drop for Going {
    fn drop(&mut self) {
        // After `end` both say that there is nothing to do.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn ended(output: &Output) -> Ended {
    Ended {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
