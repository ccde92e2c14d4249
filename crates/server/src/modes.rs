//! Whether a new run does its work, or only says what it would do.

use engine::event::{Mode, Rollout};
use indexmap::IndexMap;
use pipeline::when::Globs;
use store::port::{RolloutMode, RolloutRow};

use crate::config::notify::Notify;
use crate::notices::Kind;
use crate::refused::Refused;

/// The kinds of notices that a shadow run says it would give.
const FORETOLD: [Kind; 5] = [
    Kind::RunSucceeded,
    Kind::RunFailed,
    Kind::RunCancelled,
    Kind::ApprovalRequested,
    Kind::InputRequested,
];

/// How far this installation goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Installed {
    pub(crate) mode: Rollout,
    /// Globs over ids of tasks: in `pilot`, what matches runs as in production.
    pub(crate) pilot: Vec<String>,
}

impl Installed {
    /// As it stands in the store.
    pub(crate) fn of(row: &RolloutRow) -> Self {
        let mode = match row.mode {
            RolloutMode::Shadow => Rollout::Shadow,
            RolloutMode::Pilot => Rollout::Pilot,
            RolloutMode::Production => Rollout::Production,
        };
        Self { mode, pilot: row.pilot_tasks.clone() }
    }

    /// What a new run does, and the mode that it is stamped with: the installation's, or the more
    /// careful one that was asked for, and never bolder than the run that it goes on from.
    pub(crate) fn stamp(
        &self,
        asked: Option<Rollout>,
        task: Option<&str>,
        from: Mode,
    ) -> Result<(Mode, Rollout), Refused> {
        let rollout = asked.unwrap_or(self.mode);
        if rollout > self.mode {
            return Err(Refused::Bolder { asked: rollout, installed: self.mode });
        }
        let mode = match rollout {
            Rollout::Shadow => Mode::Shadow,
            Rollout::Pilot if task.is_some_and(|task| self.is_pilot(task)) => Mode::Production,
            Rollout::Pilot => Mode::Shadow,
            Rollout::Production => Mode::Production,
        };
        if from.is_shadow() && rollout == Rollout::Production {
            if asked.is_some() {
                let detail = "a run that goes on from a shadow run is one too";
                return Err(Refused::NotInEarnest { problem: detail });
            }
            return Ok((Mode::Shadow, rollout));
        }
        Ok((if from.is_shadow() { Mode::Shadow } else { mode }, rollout))
    }

    fn is_pilot(&self, task: &str) -> bool {
        Globs::new(self.pilot.clone()).is_ok_and(|globs| globs.matches(task))
    }
}

/// Which targets would be told of what about runs of this pipeline.
pub(crate) fn notified(notify: &Notify, pipeline: &str) -> IndexMap<String, Vec<String>> {
    let mut told: IndexMap<String, Vec<String>> = IndexMap::new();
    for kind in FORETOLD {
        let rules = notify.rules.iter();
        let rules =
            rules.filter(|rule| rule.on.contains(&kind) && rule.pipelines.matches(pipeline));
        for target in rules.flat_map(|rule| &rule.to) {
            let targets = told.entry(kind.word().to_owned()).or_default();
            if !targets.contains(target) {
                targets.push(target.clone());
            }
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_may_be_more_careful_and_never_bolder() {
        use Rollout::{Pilot, Production, Shadow};
        let at = |mode| Installed { mode, pilot: vec!["DOC-*".to_owned(), "!DOC-9".to_owned()] };
        let stamp = |mode, asked, task| at(mode).stamp(asked, task, Mode::Production).ok();
        for (installed, asked, task, wanted) in [
            (Production, None, None, Some((Mode::Production, Production))),
            (Production, Some(Shadow), None, Some((Mode::Shadow, Shadow))),
            (Production, Some(Pilot), Some("DOC-1"), Some((Mode::Production, Pilot))),
            (Pilot, None, None, Some((Mode::Shadow, Pilot))),
            (Pilot, None, Some("DOC-1"), Some((Mode::Production, Pilot))),
            (Pilot, None, Some("DOC-9"), Some((Mode::Shadow, Pilot))),
            (Pilot, Some(Shadow), Some("DOC-1"), Some((Mode::Shadow, Shadow))),
            (Pilot, Some(Production), Some("DOC-1"), None),
            (Shadow, None, Some("DOC-1"), Some((Mode::Shadow, Shadow))),
            (Shadow, Some(Pilot), None, None),
        ] {
            let found = stamp(installed, asked, task);
            assert_eq!(found, wanted, "{installed:?} {asked:?} {task:?}");
        }
    }

    #[test]
    fn what_goes_on_from_a_shadow_run_is_one() {
        let installed = Installed::default();
        let from = |asked| installed.stamp(asked, None, Mode::Shadow).ok();
        assert_eq!(from(None), Some((Mode::Shadow, Rollout::Production)));
        assert_eq!(from(Some(Rollout::Shadow)), Some((Mode::Shadow, Rollout::Shadow)));
        assert_eq!(from(Some(Rollout::Production)), None);
    }
}
