//! What is counted of a commit, once it is on disk.

use engine::event::Event;
use store::port::Append;

use super::Conductor;

impl Conductor {
    pub(super) fn measure(&mut self, append: &Append) {
        self.metrics.appended(append);
        for stamped in &append.events {
            match &stamped.event {
                Event::AttemptScheduled { attempt } => {
                    self.scheduled.insert((append.run, attempt.clone()), stamped.at);
                }
                Event::AttemptStarted { attempt, .. } | Event::AttemptFinished { attempt, .. } => {
                    let since = self.scheduled.remove(&(append.run, attempt.clone()));
                    // One that ended without a start never got its turn.
                    let started = matches!(stamped.event, Event::AttemptStarted { .. });
                    if let Some(since) = since.filter(|_| started) {
                        let waited = stamped.at.duration_since(since).as_secs_f64();
                        self.metrics.queue_seconds.observe(waited.max(0.0));
                    }
                }
                // Nothing else says that an attempt waits or has started.
                _ => {}
            }
        }
        if append.row.finished {
            self.scheduled.retain(|(run, _), _| *run != append.run);
        }
    }
}
