//! The hands: children, probes, and a post that loses nothing but may deliver late, twice or out
//! of order. They do exactly what `desired` says, and know each attempt only once.

use std::collections::{BTreeMap, BTreeSet};

use engine::command::{End, Exit, Report, StopReason};
use engine::desired::Desired;
use engine::event::{FinalStatus, RunLink, Usage};
use engine::id::{AttemptId, RunId};
use indexmap::IndexMap;
use serde_json::json;
use uuid::Uuid;

use crate::sim::rng::Rng;
use crate::sim::spec::{EffectSpec, How, Kind, Micros, OUTPUT_ITEMS, SECOND, Spec};

#[derive(Clone, Debug, Default)]
pub(crate) struct Hands {
    children: BTreeMap<AttemptId, Child>,
    probing: BTreeSet<AttemptId>,
    /// Every attempt that was ever taken up. The keeper's own memory, on disk.
    pub(crate) known: BTreeSet<AttemptId>,
    /// How often a child of it was really started.
    pub(crate) starts: BTreeMap<AttemptId, u32>,
    mail: BTreeMap<(Micros, u64), (AttemptId, Report)>,
    posted: u64,
    pub(crate) duplicate_next: bool,
    pub(crate) delay_next: Micros,
}

#[derive(Clone, Debug)]
struct Child {
    ends_at: Micros,
    how: Option<How>,
    stopped: Option<StopReason>,
    number: u32,
}

pub(crate) fn exit(end: End, outputs: Result<IndexMap<String, serde_json::Value>, String>) -> Exit {
    Exit { end, outputs, artifacts: Ok(Vec::new()), usage: Usage::default(), tail: String::new() }
}

impl Hands {
    /// Puts the world into the shape that is wanted. `tries` is the number of the script's try.
    pub(crate) fn reconcile(
        &mut self,
        spec: &Spec,
        desired: &Desired,
        now: Micros,
        tries: impl Fn(&AttemptId) -> u32,
    ) {
        for attempt in &desired.attempts {
            let stops = desired.stops.iter().any(|(stopped, _)| stopped == attempt);
            if stops || !self.known.insert(attempt.clone()) {
                continue;
            }
            let number = tries(attempt);
            let script = spec.script(&attempt.execution, number);
            *self.starts.entry(attempt.clone()).or_default() += 1;
            if script.ends != Some(How::NotStarted) {
                let report = if spec.stage(&attempt.execution.stage).kind == Kind::Child {
                    let name = format!("other#{}", attempt.fence);
                    let run = RunId(Uuid::from_u128(u128::from(attempt.fence)));
                    Report::ChildStarted { child: RunLink { run, name, number: attempt.fence } }
                } else {
                    Report::Started { worker: "local".into(), pid: Some(1) }
                };
                self.post(now, attempt, report);
            }
            self.children.insert(
                attempt.clone(),
                Child { ends_at: now + script.lasts, how: script.ends, stopped: None, number },
            );
        }
        for (attempt, why) in &desired.stops {
            if self.known.insert(attempt.clone()) {
                // Told to stop what it was never told to start.
                let end = exit(End::Stopped(*why), Ok(IndexMap::new()));
                self.post(now, attempt, Report::Exited(end));
            } else if let Some(child) = self.children.get_mut(attempt)
                && child.stopped.is_none()
            {
                child.stopped = Some(*why);
                child.ends_at = now + spec.dying(&attempt.execution, child.number);
            }
        }
        for attempt in &desired.probes {
            if self.probing.insert(attempt.clone()) {
                let code = match spec.stage(&attempt.execution.stage).effects {
                    EffectSpec::Probed(code) => Some(code),
                    EffectSpec::Idempotent | EffectSpec::Keyed | EffectSpec::Once => None,
                };
                self.post(now + SECOND, attempt, Report::Probed { exit_code: code });
            }
        }
        self.probing.retain(|attempt| desired.probes.contains(attempt));
    }

    fn post(&mut self, at: Micros, attempt: &AttemptId, report: Report) {
        let at = at + std::mem::take(&mut self.delay_next);
        if std::mem::take(&mut self.duplicate_next) {
            self.put(at + SECOND, attempt.clone(), report.clone());
        }
        self.put(at, attempt.clone(), report);
    }

    fn put(&mut self, at: Micros, attempt: AttemptId, report: Report) {
        self.posted += 1;
        self.mail.insert((at, self.posted), (attempt, report));
    }

    /// When something of theirs happens next.
    pub(crate) fn next(&self) -> Option<Micros> {
        let child = self.children.values().map(|child| child.ends_at).min();
        let mail = self.mail.keys().next().map(|(at, _)| *at);
        child.into_iter().chain(mail).min()
    }

    /// Children that ended by now leave their exit record, in the order in which they ended.
    pub(crate) fn reap(&mut self, spec: &Spec, now: Micros) {
        let mut ended: Vec<_> = self
            .children
            .iter()
            .filter(|(_, child)| child.ends_at <= now)
            .map(|(attempt, child)| (child.ends_at, attempt.clone()))
            .collect();
        ended.sort();
        for (at, attempt) in ended {
            let child = self.children.remove(&attempt).unwrap();
            self.post(at, &attempt, report(spec, &attempt, &child));
        }
    }

    /// The next letter, if one is due. It stays in the post until [`Hands::delivered`].
    pub(crate) fn letter(&self, now: Micros) -> Option<((Micros, u64), AttemptId, Report)> {
        let (key, (attempt, report)) = self.mail.iter().next()?;
        (key.0 <= now).then(|| (*key, attempt.clone(), report.clone()))
    }

    pub(crate) fn delivered(&mut self, letter: (Micros, u64)) {
        self.mail.remove(&letter);
    }

    /// A worker vanishes. What its child does afterwards, it may still say, much later.
    pub(crate) fn lose(&mut self, spec: &Spec, now: Micros, pick: u64) {
        let mut rng = Rng::new(pick);
        let names: Vec<_> = self.children.keys().cloned().collect();
        if names.is_empty() {
            return;
        }
        let attempt = names[rng.index(names.len())].clone();
        let child = self.children.remove(&attempt).unwrap();
        if rng.chance(30) {
            // Somebody else stopped it: the run did not ask for that.
            let why = rng.pick(&[StopReason::Cancelled, StopReason::Paused, StopReason::Halted]);
            let end = exit(End::Stopped(why), Ok(IndexMap::new()));
            self.put(now, attempt.clone(), Report::Exited(end));
            return;
        }
        let message = "its worker went silent".to_owned();
        self.put(now, attempt.clone(), Report::Lost { message });
        if rng.chance(70) {
            let late = now.max(child.ends_at) + rng.below(30 * SECOND);
            self.put(late, attempt.clone(), report(spec, &attempt, &child));
        }
    }

    /// Nobody hears of the children any more; at `lease` each is given up.
    pub(crate) fn silence(&mut self, lease: Micros) {
        for attempt in std::mem::take(&mut self.children).into_keys() {
            let message = "its worker went silent".to_owned();
            self.put(lease, attempt, Report::Lost { message });
        }
    }

    /// Every child dies, probes too; what was in the post survives on disk.
    pub(crate) fn reboot(&mut self, now: Micros) {
        for attempt in std::mem::take(&mut self.children).into_keys() {
            let message = "the machine restarted".to_owned();
            self.put(now, attempt, Report::Lost { message });
        }
        self.restart();
    }

    /// A new server asks again for its probes.
    pub(crate) fn restart(&mut self) {
        self.probing.clear();
    }

    pub(crate) fn running(&self) -> Vec<AttemptId> {
        self.children.keys().cloned().collect()
    }
}

fn report(spec: &Spec, attempt: &AttemptId, child: &Child) -> Report {
    let stage = spec.stage(&attempt.execution.stage);
    let nothing = Ok(IndexMap::new());
    if stage.kind == Kind::Child {
        let status = match (child.stopped, child.how) {
            (Some(_), _) => FinalStatus::Cancelled,
            (None, None) => FinalStatus::Succeeded,
            (None, Some(_)) => FinalStatus::Failed,
        };
        let reason = format!("it ended {status:?}");
        return Report::ChildEnded { status, reason, outputs: IndexMap::new() };
    }
    if let Some(why) = child.stopped {
        return Report::Exited(exit(End::Stopped(why), nothing));
    }
    match child.how {
        None if stage.outputs => {
            let list: Vec<_> = (0..OUTPUT_ITEMS).map(|i| json!(i)).collect();
            let outputs = [("count".to_owned(), json!(1)), ("list".to_owned(), json!(list))];
            Report::Exited(exit(End::Code(0), Ok(IndexMap::from(outputs))))
        }
        None if stage.kind == Kind::Agent => {
            let text = [("text".to_owned(), json!("done"))];
            Report::Exited(exit(End::Code(0), Ok(IndexMap::from(text))))
        }
        None => Report::Exited(exit(End::Code(0), nothing)),
        Some(How::Code(code)) => Report::Exited(exit(End::Code(code), nothing)),
        Some(How::Signal) => Report::Exited(exit(End::Signal(11), nothing)),
        Some(How::NotStarted) => Report::NotStarted { message: "no such program".into() },
        Some(How::BadOutput) => {
            let outputs = [("count".to_owned(), json!("many"))];
            Report::Exited(exit(End::Code(0), Ok(IndexMap::from(outputs))))
        }
        Some(How::Hangs) => Report::Exited(exit(End::Stopped(StopReason::Timeout), nothing)),
    }
}
