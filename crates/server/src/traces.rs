//! Traces: a run is a trace, a stage a span, its attempts spans below it.
//!
//! Spans are a fold over the journal ([`tree`]), made from what was committed. The exporter reads
//! events in the order of arrival and remembers its place in them ([`place`]), so that the journal
//! itself is the queue: the conductor only rings a bell, and waits for nobody. Ids follow from those
//! of runs and attempts ([`context`]): a restart goes on with the same trace, and what is exported
//! twice is the same span twice.

mod collector;
mod context;
mod exporter;
mod place;
mod span;
mod tree;

use std::sync::Arc;
use std::time::Duration;

use engine::Run;
use engine::id::AttemptId;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use self::collector::Collector;
use self::context::Context;
use self::exporter::Exporter;
use crate::shared::Shared;

/// The role of a process that stays.
const SERVER: &str = "serve";

/// Where a process finds the span that it is a part of.
pub(crate) const VARIABLE: &str = "TRACEPARENT";

/// A header as W3C Trace Context has it, normalized; `None` where it cannot be understood, which
/// begins a new trace and is no reason to refuse anything.
pub(crate) fn understood(text: &str) -> Option<String> {
    let context = Context::parse(text)?;
    context.parent.map(|span| context.traceparent(span))
}

/// What an attempt's process is told. `None` before the run was created.
pub(crate) fn of_attempt(run: &Run, attempt: &AttemptId) -> Option<String> {
    let header = run.header()?;
    let context = Context::of(header.run, header.traceparent);
    Some(context.traceparent(context::attempt(header.run, attempt.fence)))
}

/// What a run is told that is this attempt of its parent: it stands below the stage.
pub(crate) fn of_child(parent: &Run, attempt: &AttemptId) -> Option<String> {
    let header = parent.header()?;
    let context = Context::of(header.run, header.traceparent);
    let first = parent.first_attempt(&attempt.execution)?;
    Some(context.traceparent(context::execution(header.run, &attempt.execution, first)))
}

/// An exporter at work.
pub(crate) struct Tended {
    last: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

/// Exports in the background, if there is a collector. Reads the store: what is committed later is
/// exported.
pub(crate) fn tend(shared: &Arc<Shared>) -> Option<Tended> {
    let collector = match Collector::of(shared) {
        Ok(Some(collector)) => collector,
        Ok(None) => {
            // A command that drives the folder in between says nothing about the server's collector.
            if shared.role == SERVER {
                place::forget(&shared.data_dir);
            }
            return None;
        }
        Err(problem) => {
            tracing::error!(cause = problem, "traces are not exported");
            return None;
        }
    };
    let exporter = match Exporter::open(shared, collector) {
        Ok(exporter) => exporter,
        Err(refused) => {
            tracing::error!(cause = %refused, "traces are not exported");
            return None;
        }
    };
    let (last, ends) = oneshot::channel();
    let task = tokio::spawn(exporter.work(ends));
    Some(Tended { last, task })
}

impl Tended {
    /// Exports what is committed and was not exported, once and no longer than this.
    pub(crate) async fn finish(self, most: Duration) {
        let Self { last, mut task } = self;
        let _ended = last.send(());
        if tokio::time::timeout(most, &mut task).await.is_err() {
            task.abort();
            tracing::warn!("the last spans are exported after the next start");
        }
    }
}
