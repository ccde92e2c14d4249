//! Carries what an attempt printed and left to the server, and only then the word of its end.

use std::path::PathBuf;
use std::sync::Arc;

use api::link::{AttemptRef, End, Exit, Report, Stopped, What};
use blobs::Blobs;
use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

use super::output::{Chunk, Source};
use super::patience::Patience;
use super::requests::Requests;
use super::trouble::Trouble;
use crate::keeper::FENCED;

/// Of one attempt. It stops in the middle when it is dropped.
#[derive(Debug)]
pub(super) struct Courier {
    said: UnboundedSender<What>,
    grew: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Courier {
    /// `ready` gets what the hands say of the attempt, each as soon as it may be said.
    pub(super) fn new(
        attempt: AttemptRef,
        data_dir: PathBuf,
        requests: Arc<Requests>,
        patience: Patience,
        ready: UnboundedSender<Report>,
    ) -> Self {
        let (said, words) = unbounded_channel();
        let grew = Arc::new(Notify::new());
        let folder = api::capture::folder(&attempt.run, &attempt.key).unwrap_or_default();
        let round = Round {
            source: Source::new(&data_dir.join(folder)),
            blobs: Blobs::of(&data_dir),
            has_asked: false,
            is_given_up: false,
            attempt,
            requests,
            patience,
            ready,
        };
        let task = tokio::spawn(round.walk(words, Arc::clone(&grew)));
        Self { said, grew, task }
    }

    pub(super) fn say(&self, what: What) {
        let _stopped = self.said.send(what);
    }

    /// There is more output.
    pub(super) fn grew(&self) {
        self.grew.notify_one();
    }
}

impl Drop for Courier {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Round {
    attempt: AttemptRef,
    source: Source,
    blobs: Blobs,
    requests: Arc<Requests>,
    patience: Patience,
    ready: UnboundedSender<Report>,
    /// The server was asked how much it has.
    has_asked: bool,
    /// It does not want the output.
    is_given_up: bool,
}

impl Round {
    async fn walk(mut self, mut words: UnboundedReceiver<What>, grew: Arc<Notify>) {
        loop {
            tokio::select! {
                biased;
                what = words.recv() => {
                    let Some(what) = what else { return };
                    let what = self.carried(what).await;
                    let attempt = self.attempt.clone();
                    let _gone = self.ready.send(Report { attempt, what });
                }
                () = grew.notified() => {
                    // A piece at a time: something may be said meanwhile.
                    if self.carry_piece().await {
                        grew.notify_one();
                    }
                }
            }
        }
    }

    async fn carried(&mut self, what: What) -> What {
        match what {
            What::Exited(exit) => {
                while self.carry_piece().await {}
                if is_own_doing(&exit) {
                    return What::Lost { message: FENCED.to_owned() };
                }
                What::Exited(self.carry_artifacts(exit).await)
            }
            What::Lost { message } => {
                while self.carry_piece().await {}
                What::Lost { message }
            }
            What::Started { .. }
            | What::Output { .. }
            | What::NotStarted { .. }
            | What::Seen(_)
            | What::NeverStarted => what,
        }
    }

    /// `false`: there was no more, at this moment.
    async fn carry_piece(&mut self) -> bool {
        if self.is_given_up {
            return false;
        }
        match self.try_piece().await {
            Ok(more) => more,
            Err(trouble) => {
                let key = &self.attempt.key;
                tracing::warn!(%trouble, key, "the output of an attempt is not taken");
                self.is_given_up = true;
                false
            }
        }
    }

    async fn try_piece(&mut self) -> Result<bool, Trouble> {
        let Some(chunk) = self.next_piece()? else { return Ok(false) };
        let chunk = if self.has_asked {
            chunk
        } else {
            let key = &self.attempt.key;
            let stored = self.patience.ask(|| self.requests.stored(key)).await?;
            self.has_asked = true;
            self.source.resume(stored);
            let Some(chunk) = self.next_piece()? else { return Ok(false) };
            chunk
        };
        let key = &self.attempt.key;
        let stored = self.patience.ask(|| self.requests.output(key, &chunk)).await?;
        if stored > chunk.offset + chunk.bytes.len() as u64 {
            self.source.resume(stored);
        }
        Ok(true)
    }

    fn next_piece(&mut self) -> Result<Option<Chunk>, Trouble> {
        self.source.next().map_err(|error| Trouble::Here(format!("it cannot be read: {error}")))
    }

    /// All of them, or none and why.
    async fn carry_artifacts(&mut self, mut exit: Box<Exit>) -> Box<Exit> {
        for artifact in &exit.artifacts {
            let (key, digest) = (&self.attempt.key, &artifact.digest);
            let carried = match self.blobs.path(digest) {
                Ok(path) => self.patience.ask(|| self.requests.give(key, digest, &path)).await,
                Err(error) => Err(Trouble::Here(error.to_string())),
            };
            if let Err(trouble) = carried {
                let problem = format!("artifact `{}` was not stored: {trouble}", artifact.name);
                exit.artifacts_error = Some(problem);
                exit.artifacts.clear();
                break;
            }
        }
        exit
    }
}

/// Ended by the worker, and by nobody's order: the server may have it done again.
fn is_own_doing(exit: &Exit) -> bool {
    exit.end == End::Stopped(Stopped::Halted)
        && exit.warnings.iter().any(|warning| warning == FENCED)
}
