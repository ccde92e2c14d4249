//! A session of tmux for each attempt, with a server of its own: people can attach to it.
//!
//! The server and all that runs in the pane descend from the carrier, so they are the keeper's to
//! end. Inside the pane runs [`super::pane`], which says by a named pipe what the attempt prints.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::Duration;

use api::runtime::SeenState;
use rustix::fs::{CWD, Mode, mkfifoat};
use tokio::sync::mpsc;

use super::job::{Job, remove};
use super::{Ending, Look, Runtime, Trouble, Will, pane};

/// No call of tmux takes so long.
const CALL: Duration = Duration::from_secs(20);
/// The size of a pane that nobody looks at.
const COLUMNS: &str = "200";
const ROWS: &str = "50";
/// The program in the pane answers within this time, or it is not there.
const ANSWER: Duration = Duration::from_secs(20);

pub(super) struct Tmux {
    program: String,
    name: String,
    folder: PathBuf,
    working_dir: PathBuf,
}

impl Tmux {
    pub(super) fn new(job: &Job, program: &str) -> Self {
        Self {
            program: program.to_owned(),
            name: job.name.clone(),
            folder: job.folder.clone(),
            working_dir: job.working_dir.clone(),
        }
    }

    async fn ask(&self, args: &[&str]) -> Result<Output, Trouble> {
        let mut command = Command::new(&self.program);
        command
            // A server of its own, and nobody's habits. Its socket is found by everybody.
            .args(["-L", &self.name, "-f", "/dev/null", "-u"])
            .args(args)
            .env_remove("TMUX")
            .env_remove("TMUX_TMPDIR");
        let asked = super::program::run(command, Vec::new(), CALL).await;
        asked.map_err(|error| {
            let program = &self.program;
            Trouble::Refused(format!("`{program}` could not be started: {error}; install tmux"))
        })
    }

    async fn is_there(&self) -> Result<bool, Trouble> {
        Ok(self.ask(&["has-session", "-t", &self.name]).await?.status.success())
    }

    async fn begin(&self) -> Result<(), Trouble> {
        if self.is_there().await? {
            return Ok(());
        }
        let refused = |error: std::io::Error| Trouble::Refused(error.to_string());
        let pipe = pane::pipe(&self.folder);
        for stale in [&pipe, &pane::status(&self.folder)] {
            remove(stale).map_err(refused)?;
        }
        mkfifoat(CWD, &pipe, Mode::RUSR | Mode::WUSR).map_err(|errno| refused(errno.into()))?;
        let own = std::env::current_exe().map_err(refused)?;
        let text = |path: &std::ffi::OsStr| path.to_string_lossy().into_owned();
        // As the carrier was started, and one word more.
        let mut inside = vec![text(own.as_os_str())];
        inside.extend(std::env::args_os().skip(1).map(|arg| text(&arg)));
        inside.push(pane::FLAG.to_owned());
        let folder = text(self.working_dir.as_os_str());
        let mut args = vec!["new-session", "-d", "-s", &self.name, "-x", COLUMNS, "-y", ROWS];
        args.extend(["-c", &folder, "--"]);
        args.extend(inside.iter().map(String::as_str));
        let begun = self.ask(&args).await?;
        if begun.status.success() {
            return Ok(());
        }
        Err(Trouble::Refused(said(&begun)))
    }

    async fn pass_on(&self, out: &mut (dyn Write + Send)) -> Result<Ending, Trouble> {
        let (sender, mut chunks) = mpsc::channel::<Vec<u8>>(8);
        let (opened, open) = tokio::sync::oneshot::channel();
        let pipe = pane::pipe(&self.folder);
        // Opening it waits for the program in the pane, and reading for what it says.
        tokio::task::spawn_blocking(move || {
            let file = File::open(pipe);
            let Ok(mut file) = file else { return };
            let _ = opened.send(());
            let mut buffer = vec![0; 64 << 10];
            loop {
                match file.read(&mut buffer) {
                    Ok(count) if count > 0 => {
                        if sender.blocking_send(buffer[..count].to_vec()).is_err() {
                            return;
                        }
                    }
                    Ok(_) => return,
                    Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                    Err(_) => return,
                }
            }
        });
        if tokio::time::timeout(ANSWER, open).await.is_err() {
            return Ok(Ending::Gone("nothing runs in its session".to_owned()));
        }
        while let Some(chunk) = chunks.recv().await {
            let _gone = out.write_all(&chunk).and_then(|()| out.flush());
        }
        let status = fs::read(pane::status(&self.folder)).ok();
        let end = status.and_then(|text| serde_json::from_slice(&text).ok());
        Ok(match end {
            Some(end) => Ending::Ended(end),
            None => Ending::Gone("its session was killed".to_owned()),
        })
    }
}

impl Runtime for Tmux {
    fn start(&self) -> Will<'_, ()> {
        Box::pin(self.begin())
    }

    fn look(&self) -> Will<'_, Look> {
        Box::pin(async {
            if self.is_there().await? {
                let detail = format!("attach to it: tmux -L {} attach", self.name);
                return Ok(Look { state: SeenState::Running, detail });
            }
            let ended = pane::status(&self.folder).exists();
            Ok(Look::of(if ended { SeenState::Ended } else { SeenState::Gone }))
        })
    }

    fn follow<'a>(&'a self, out: &'a mut (dyn Write + Send)) -> Will<'a, Ending> {
        Box::pin(self.pass_on(out))
    }

    /// The keeper has asked everything below it to end, and ends it after the grace.
    fn stop(&self, grace: Duration) -> Will<'_, ()> {
        Box::pin(async move {
            tokio::time::sleep(grace).await;
            self.clear().await
        })
    }

    fn clear(&self) -> Will<'_, ()> {
        Box::pin(async {
            // Its failure says that there is none.
            self.ask(&["kill-server"]).await?;
            remove(&pane::pipe(&self.folder)).map_err(|error| Trouble::Refused(error.to_string()))
        })
    }
}

fn said(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    match text.trim() {
        "" => format!("tmux ended with {}", output.status),
        text => text.to_owned(),
    }
}
