//! What the hands do about an attempt that has, or had, a carrier. All of it waits for a runtime:
//! never where the keeper has to be heard.

use std::path::Path;
use std::time::Duration;

use api::link::{End, Exit, What};
use api::runtime::{Seen, SeenState};

use super::job::{Ended, Job};
use super::{Runtime, Trouble, called, open};
use crate::hands::Options;

/// A runtime that is asked what it sees has so long to answer.
const LOOK: Duration = Duration::from_secs(3);
/// And so long to take something away.
const CLEAR: Duration = Duration::from_secs(30);

/// What a carrier's end means for its attempt. One that ended without a word leaves nothing behind.
pub(crate) fn settle(options: &Options, folder: &Path, mut exit: Box<Exit>) -> What {
    let stopped = matches!(exit.end, End::Stopped(_));
    match Ended::read(folder) {
        Some(Ended { end: Some(end), .. }) => {
            if !stopped {
                exit.end = end;
            }
            What::Exited(exit)
        }
        Some(Ended { end: None, .. }) if stopped => What::Exited(exit),
        Some(Ended { end: None, says }) => What::Lost { message: says },
        None => {
            let cleared = clear(options, folder);
            if stopped {
                exit.warnings.extend(cleared.err());
                return What::Exited(exit);
            }
            let message = match cleared {
                Ok(()) => "its carrier was killed; what it carried was stopped".to_owned(),
                Err(problem) => format!("its carrier was killed; {problem}"),
            };
            What::Lost { message }
        }
    }
}

/// Takes away what is left of it where it ran. The error says what may still be there.
pub(crate) fn clear(options: &Options, folder: &Path) -> Result<(), String> {
    let (job, place) = reach(options, folder)?;
    let left = |problem: String| {
        format!("`{}` may be left in {}: {problem}", job.name, called(&job.place))
    };
    let cleared = wait(CLEAR, async { place.clear().await }).map_err(&left)?;
    cleared.map_err(|trouble| left(trouble.to_string()))
}

/// Asks its runtime what it is doing now; `None` for an attempt that has none.
pub(crate) fn look(options: &Options, folder: &Path) -> Option<Seen> {
    if !super::is_carried(folder) {
        return None;
    }
    let unknown = |runtime: &str, name: &str, detail: String| Seen {
        runtime: runtime.to_owned(),
        name: name.to_owned(),
        state: SeenState::Unknown,
        detail,
    };
    let (job, place) = match reach(options, folder) {
        Ok(found) => found,
        Err(problem) => return Some(unknown("unknown", "", problem)),
    };
    let runtime = called(&job.place);
    Some(match wait(LOOK, async { place.look().await }) {
        Ok(Ok(look)) => Seen { runtime, name: job.name, state: look.state, detail: look.detail },
        Ok(Err(trouble)) => unknown(&runtime, &job.name, trouble.to_string()),
        Err(problem) => unknown(&runtime, &job.name, problem),
    })
}

fn reach(options: &Options, folder: &Path) -> Result<(Job, Box<dyn Runtime>), String> {
    let job = Job::read(folder).map_err(|error| format!("its runtime is not known: {error}"))?;
    let keys = options.keys.ask(&job.place)?;
    let place = open(&job, keys);
    Ok((job, place))
}

/// Waits in this thread, not for ever.
fn wait<T>(
    longest: Duration,
    work: impl Future<Output = Result<T, Trouble>>,
) -> Result<Result<T, Trouble>, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    let done = runtime.block_on(async { tokio::time::timeout(longest, work).await });
    runtime.shutdown_background();
    done.map_err(|_| format!("it did not answer within {} seconds", longest.as_secs()))
}
