//! A task file for somebody who works elsewhere: a person, an agent in a terminal.
//!
//! `.orchestrate/tasks/<id>.md` says what is wanted; whoever sits in the tmux session is told. It is
//! done when `.orchestrate/done/<id>.json` says so, or a line of the task file itself, outside of what
//! is fenced: `## Status: COMPLETED`, `BLOCKED` or `FAILED`. The id is of this execution, so that
//! nothing that lies there from another one is taken for an answer.

mod marker;
mod tmux;
mod watch;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use api::agent::{Attach, ErrorClass, Terminal};
use sha2::{Digest as _, Sha256};

use super::attach::{self, Way};
use super::{Adapter, Doing, Exit, Message, Rest};
use crate::desk::Desk;
use crate::tools::place::Place;
use marker::{Done, Status};
use watch::Watch;

const TASKS: &str = ".orchestrate/tasks";
const DONE: &str = ".orchestrate/done";

#[derive(Debug)]
pub(super) struct Inbox {
    desk: Arc<Desk>,
    place: Place,
    tmux: Option<String>,
    /// That lies there and is not answered.
    open: Option<String>,
}

impl Inbox {
    /// # Errors
    /// When the workspace cannot be used.
    pub(super) fn open(desk: Arc<Desk>, tmux: Option<String>) -> Result<Self, String> {
        let workspace = Path::new(&desk.room.job.workspace);
        let place = Place::open(workspace)
            .map_err(|error| format!("the workspace cannot be used: {error}"))?;
        Ok(Self { desk, place, tmux, open: None })
    }

    async fn follow(&mut self, message: &Message) -> Rest {
        match self.answered(message).await {
            Ok(done) => self.rest(done),
            Err(message) => {
                let class = ErrorClass::Harness;
                Rest { terminal: Some(Terminal::Error { class, message }), ..Rest::default() }
            }
        }
    }

    /// Lays out the task and waits, as long as the attempt may last.
    async fn answered(&mut self, message: &Message) -> Result<Done, String> {
        if !self.desk.turn(message.number) {
            std::future::pending::<()>().await;
        }
        let id = self.id(message.number);
        let (task, done) = (format!("{TASKS}/{id}.md"), format!("{DONE}/{id}.json"));
        let keep = format!("{DONE}/.keep");
        self.place.write(&keep, b"")?;
        let there = self.place.read(&task).is_ok();
        // Somebody may be at work on it since the attempt before.
        if !there {
            self.place.write(&task, marker::task(&id, &done, message).as_bytes())?;
        }
        self.open = Some(task.clone());
        let workspace = Path::new(&self.desk.room.job.workspace);
        let mut watch = Watch::on(&[&workspace.join(TASKS), &workspace.join(DONE)])
            .map_err(|error| format!("the folder of tasks cannot be watched: {error}"))?;
        let _silent = self.desk.elsewhere();
        if !(there && message.again) {
            self.tell(&workspace.join(&task)).await;
        }
        let mut refused = String::new();
        loop {
            // Only now: what is written in between is told.
            let answer = self.place.read(&done).ok();
            let answer = answer.map(|bytes| marker::answer(&id, &bytes));
            match answer {
                Some(Ok(done)) => return Ok(done),
                Some(Err(why)) if why != refused => {
                    self.desk.warn(format!("`{done}` is no answer: {why}"));
                    refused = why;
                }
                Some(Err(_)) | None => {}
            }
            let text = self.place.read(&task).unwrap_or_default();
            if let Some(done) = marker::marked(&String::from_utf8_lossy(&text)) {
                return Ok(done);
            }
            watch.changed().await.map_err(|error| format!("nothing can be watched: {error}"))?;
        }
    }

    fn rest(&mut self, done: Done) -> Rest {
        self.open = None;
        let Done { status, summary, outputs } = done;
        self.desk.text(&summary);
        match status {
            Status::Completed => {}
            Status::Blocked => self.desk.report_blocked(&summary),
            Status::Failed => self.desk.report_blocked(&format!("it failed: {summary}")),
        }
        Rest { text: summary, native: outputs, terminal: Some(Terminal::Completed) }
    }

    async fn tell(&self, task: &Path) {
        let Some(target) = &self.tmux else { return };
        let text =
            format!("Carry out the task in {} and say there when you are done.", task.display());
        if let Err(error) = tmux::tell(&self.desk, target, &text).await {
            self.desk.warn(format!("`{target}` could not be told of {}: {error}", task.display()));
        }
    }

    /// Of this message of this execution; the same in the next attempt.
    fn id(&self, number: u32) -> String {
        let job = &self.desk.room.job;
        let number = number.to_string();
        let of = [&*job.attempt.run, &*job.attempt.execution, &*self.desk.session, &*number];
        let digest = Sha256::digest(of.join("\0"));
        digest.iter().take(5).fold(format!("{}-", job.stage), |id, byte| format!("{id}{byte:02x}"))
    }

    fn withdraw(&mut self) {
        let Some(task) = self.open.take() else { return };
        let text = self.place.read(&task).unwrap_or_default();
        let text = [&*text, b"\n> Withdrawn: nobody waits for this any more.\n"].concat();
        if let Err(error) = self.place.write(&task, &text) {
            self.desk.warn(format!("`{task}` could not be withdrawn: {error}"));
        }
    }
}

impl Adapter for Inbox {
    fn say<'a>(&'a mut self, message: &'a Message) -> Doing<'a, Rest> {
        Box::pin(self.follow(message))
    }

    fn interrupt(&mut self) -> Doing<'_, ()> {
        Box::pin(async { self.withdraw() })
    }

    /// Whoever is at work on the task may be who takes over: it stays.
    fn let_go(&mut self) -> Doing<'_, ()> {
        Box::pin(std::future::ready(()))
    }

    fn attach(&mut self) -> Doing<'_, Result<Attach, String>> {
        let way = match &self.tmux {
            Some(target) => Way::Program { argv: tmux::attach(target), env: BTreeMap::new() },
            None => Way::Shell,
        };
        Box::pin(std::future::ready(attach::lay(&self.desk, way, false)))
    }

    fn close(&mut self) -> Doing<'_, Exit> {
        Box::pin(std::future::ready(Exit::default()))
    }
}
