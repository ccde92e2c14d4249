//! Taking away what need not be kept.

use engine::event::Stamped;
use engine::id::RunId;
use jiff::Timestamp;

use super::State;
use crate::audit::decided_by;
use crate::port::{NoticeStatus, Outcome, Upkeep};

impl State {
    pub(super) fn keep_up(&mut self, upkeep: &Upkeep) -> Outcome {
        let count = match upkeep {
            Upkeep::EmptyRun { run, at, .. } => self.empty(*run, *at),
            Upkeep::ForgetEvents { before } => {
                let old = self.given.iter_mut().filter(|row| row.event.at < *before);
                let mut count = 0;
                for row in old.filter(|row| row.routed_at.is_some()) {
                    row.event.delivery = None;
                    count += u64::from(!row.event.data.is_null());
                    row.event.data = serde_json::Value::Null;
                    row.event.facts = Default::default();
                }
                count
            }
            Upkeep::ForgetNotices { before } => {
                let held = self.notices.len();
                self.notices.retain(|row| {
                    row.status == NoticeStatus::Waiting
                        || row.settled_at.is_none_or(|at| at >= *before)
                });
                (held - self.notices.len()) as u64
            }
        };
        Outcome::Upkept { count }
    }

    fn empty(&mut self, id: RunId, at: Timestamp) -> u64 {
        let Some(run) = self.runs.get_mut(&id) else { return 0 };
        if !run.row.finished || run.emptied.is_some() {
            return 0;
        }
        run.emptied = Some(at);
        let mut count = 0;
        for event in &mut run.events {
            let stored: Option<Stamped> = event.read().ok();
            if stored.is_some_and(|stored| decided_by(&stored.event).is_none()) {
                event.body.clear();
                count += 1;
            }
        }
        self.forget_texts(id);
        count
    }
}
