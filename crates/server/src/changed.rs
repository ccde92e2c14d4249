//! Which files an event changed, where its delivery does not say so: asked of a local mirror or of
//! the forge, before the event is held against triggers that hang on it. The list is complete, or
//! it is not known and the event says why.

mod forge;
mod lists;
mod mirror;
mod question;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::conductor::desk::{Ask, Learned};
use crate::refused::Refused;
use crate::shared::{Shared, blocking};
use question::Question;

/// Questions under way at the same time.
const AT_ONCE: usize = 8;
/// How often it is asked, and how long is waited in between, doubled each time.
const TRIES: u32 = 6;
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// Between two tries to hand over what was learned.
const AGAIN: Duration = Duration::from_secs(1);
/// More files than a list of paths is kept for.
const MOST: usize = 200_000;

/// Why the files are not known.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Missing {
    /// Asking again may help.
    Now(String),
    /// It will not.
    Ever(String),
}

/// Until the server stops.
pub(crate) async fn tend(shared: Arc<Shared>, mut events: UnboundedReceiver<String>) {
    let room = Arc::new(Semaphore::new(AT_ONCE));
    loop {
        let event = tokio::select! {
            event = events.recv() => event,
            () = shared.stopped() => return,
        };
        let Some(event) = event else { return };
        let (shared, room) = (Arc::clone(&shared), Arc::clone(&room));
        tokio::spawn(async move {
            tokio::select! {
                () = settle(&shared, &room, event) => {}
                // It is found unrouted by the next process.
                () = shared.stopped() => {}
            }
        });
    }
}

async fn settle(shared: &Shared, room: &Semaphore, id: String) {
    let learned = learn(shared, room, &id).await;
    loop {
        let learned = learned.clone();
        match shared.desk.ask(|reply| Ask::Route { learned, reply }).await {
            Ok(()) | Err(Refused::Stopping) => return,
            Err(refused) => {
                tracing::warn!(event = id, cause = %refused, "an event has to wait");
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}

async fn learn(shared: &Shared, room: &Semaphore, id: &str) -> Learned {
    let unknown = |problem: String| Learned { id: id.to_owned(), paths: None, problem };
    let mut wait = FIRST_WAIT;
    let mut said = String::new();
    for attempt in 1..=TRIES {
        let found = {
            // An error would mean that it was closed, which nobody does.
            let _permit = room.acquire().await;
            ask(shared, id).await
        };
        match found {
            Ok(mut paths) => {
                paths.sort_unstable();
                paths.dedup();
                return Learned { id: id.to_owned(), paths: Some(paths), problem: String::new() };
            }
            Err(Missing::Ever(problem)) => return unknown(problem),
            Err(Missing::Now(problem)) => {
                tracing::warn!(event = id, attempt, problem, "its changed files are not known yet");
                said = problem;
            }
        }
        if attempt < TRIES {
            tokio::time::sleep(wait).await;
            wait *= 2;
        }
    }
    unknown(format!("asked {TRIES} times: {said}"))
}

async fn ask(shared: &Shared, id: &str) -> Result<Vec<String>, Missing> {
    let now = |refused: Refused| Missing::Now(refused.to_string());
    let of = id.to_owned();
    let row = shared.read(move |reader| Ok(reader.given_event(&of)?)).await.map_err(now)?;
    let Some(row) = row else { return Err(Missing::Ever("the event is gone".to_owned())) };
    let config = shared.config().map_err(now)?;
    let Some(source) = config.sources.get(&row.event.source).cloned() else {
        let problem = format!("there is no source `{}` to ask", row.event.source);
        return Err(Missing::Ever(problem));
    };
    let question = Question::of(&row.event)?;
    if let Some(place) = &source.mirror {
        let place = question.place(place)?;
        let asked = blocking(move || mirror::ask(&place, &question));
        return asked.await.map_err(now)?;
    }
    let Some(api) = &source.api else {
        let problem = format!(
            "the delivery does not say its changed files, and the source `{}` has neither `api` \
             nor `mirror` to ask",
            row.event.source
        );
        return Err(Missing::Ever(problem));
    };
    let token = match api.token.clone() {
        None => None,
        Some(reference) => {
            let vault = Arc::clone(&shared.vault);
            let token = blocking(move || vault.resolve(&reference)).await.map_err(now)?;
            Some(token.map_err(|problem| Missing::Now(problem.to_string()))?)
        }
    };
    let forge = forge::Forge { egress: &shared.egress, api, kind: source.kind, token };
    lists::ask(&forge, &question).await
}
