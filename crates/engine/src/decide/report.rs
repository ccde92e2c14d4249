//! What the hands say about attempts.

use indexmap::IndexMap;
use pipeline::model::{Effects, Work};
use serde_json::Value as Json;

use crate::command::{End, Exit, Rejection, Report, StopReason, Verdict};
use crate::event::{ArtifactRef, AttemptResult, Event, Failure, Usage};
use crate::follow::LOST_LIMIT;
use crate::id::AttemptId;
use crate::run::Run;
use crate::state::ExecIx;
use crate::state::execution::ExecutionState;

/// Who resolves an attempt when its probe did.
pub const PROBE: &str = "probe";

/// Exit codes by which a harness names the outcome of its attempt.
const OUTCOMES: std::ops::RangeInclusive<i32> = 64..=80;
/// Of its last words, in characters.
const MOST_WORDS: usize = 500;

impl Run {
    pub(super) fn report(&self, attempt: AttemptId, report: Report) -> Result<Event, Rejection> {
        let stale = || Rejection::Stale {
            execution: attempt.execution.to_string(),
            attempt: attempt.number,
        };
        self.unfinished()?;
        if let Report::Probed { exit_code } = report {
            return self.probed(&attempt, exit_code).ok_or_else(stale);
        }
        let ix = self.live(&attempt).ok_or_else(stale)?;
        let finished = |result, usage, tail| Event::AttemptFinished {
            attempt: attempt.clone(),
            result,
            usage,
            tail,
        };
        Ok(match report {
            Report::Started { worker, pid } => {
                let last = self.state.exec(ix).attempts.last();
                if last.is_some_and(|last| last.started.is_some()) {
                    return Err(stale());
                }
                Event::AttemptStarted { attempt, worker, pid, child: None }
            }
            Report::ChildStarted { child } => {
                let last = self.state.exec(ix).attempts.last();
                if last.is_some_and(|last| last.started.is_some()) {
                    return Err(stale());
                }
                let worker = "run".to_owned();
                Event::AttemptStarted { attempt, worker, pid: None, child: Some(child) }
            }
            Report::Exited(exit) => {
                let Exit { end, outputs, artifacts, usage, tail } = exit;
                let last = self.last_words(ix, end, &tail);
                let result = match last {
                    None if self.killed_while_held(ix, end) => {
                        Err("its harness was killed while a person held it".to_owned())
                    }
                    Some(failure) => Ok(AttemptResult::Failed { failure }),
                    None => self.ended(ix, end, outputs, artifacts),
                };
                match result {
                    Ok(result) => finished(result, usage, tail),
                    Err(message) => self.lost(ix, attempt, message),
                }
            }
            Report::ChildEnded { status, reason, outputs } => {
                let result = self.child_ended(ix, status, reason, outputs);
                finished(result, Usage::default(), String::new())
            }
            Report::ChildRefused { message } => finished(
                AttemptResult::Failed { failure: Failure::ChildRefused { message } },
                Usage::default(),
                String::new(),
            ),
            Report::NotStarted { message } => finished(
                AttemptResult::Failed { failure: Failure::NotStarted { message } },
                Usage::default(),
                String::new(),
            ),
            Report::Lost { message } => self.lost(ix, attempt, message),
            Report::Probed { .. } => return Err(stale()),
        })
    }

    /// What the harness of an agent said last, where it named an outcome.
    fn last_words(&self, ix: ExecIx, end: End, tail: &str) -> Option<Failure> {
        let End::Code(code) = end else { return None };
        let agent = matches!(self.model(ix.stage).work, Work::Agent(_));
        if !agent || !OUTCOMES.contains(&code) {
            return None;
        }
        let mut lines = tail.lines().map(str::trim).rev();
        let last = lines.find(|line| !line.is_empty() && !line.starts_with("orchestrate: "));
        let says = last.unwrap_or("the agent failed").chars().take(MOST_WORDS).collect();
        Some(Failure::Agent { code, says })
    }

    /// Nothing that the work did: what a person is in the middle of is not lost with it.
    fn killed_while_held(&self, ix: ExecIx, end: End) -> bool {
        matches!(end, End::Signal(_)) && self.state.links.taken.contains(&ix)
    }

    /// Work with effects is never silently started a second time.
    fn lost(&self, ix: ExecIx, attempt: AttemptId, message: String) -> Event {
        match self.model(ix.stage).effects {
            Effects::Once => {
                let cancelled =
                    self.state.bar(self.model(ix.stage)) == Some(crate::state::Bar::Cancelled);
                let probing = !cancelled && self.can_probe(ix);
                Event::AttemptUnknown { attempt, message, probing }
            }
            Effects::Idempotent | Effects::Keyed => Event::AttemptFinished {
                attempt,
                result: AttemptResult::Lost { message },
                usage: Usage::default(),
                tail: String::new(),
            },
        }
    }

    fn can_probe(&self, ix: ExecIx) -> bool {
        let scope = crate::scope::RunScope::of(self, ix);
        let probe = self.model(ix.stage).probe.as_ref();
        probe.is_some_and(|probe| probe.splice(&scope).is_ok())
    }

    /// The error: it did not end by itself and nobody here asked for its end.
    fn ended(
        &self,
        ix: ExecIx,
        end: End,
        outputs: Result<IndexMap<String, Json>, String>,
        artifacts: Result<Vec<ArtifactRef>, String>,
    ) -> Result<AttemptResult, String> {
        let stage = self.model(ix.stage);
        let asked = self.asked_to_stop(ix);
        let failed = |failure| Ok(AttemptResult::Failed { failure });
        match end {
            End::Code(0) => {
                let outputs = outputs.and_then(|raw| self.accepted(ix, raw));
                match (outputs, artifacts) {
                    (Ok(outputs), Ok(artifacts)) => {
                        Ok(AttemptResult::Succeeded { outputs, artifacts })
                    }
                    (Err(message), _) => failed(Failure::InvalidOutput { message }),
                    (Ok(_), Err(message)) => failed(Failure::InvalidArtifact { message }),
                }
            }
            End::Code(code) => failed(Failure::ExitCode { code }),
            End::Signal(signal) => failed(Failure::Signal { signal }),
            End::Stopped(StopReason::Timeout) => {
                failed(Failure::Timeout { after_ms: ms(stage.limits.timeout) })
            }
            End::Stopped(StopReason::IdleTimeout) => {
                failed(Failure::IdleTimeout { after_ms: ms(stage.limits.idle) })
            }
            End::Stopped(
                StopReason::TotalTimeout
                | StopReason::Cancelled
                | StopReason::Paused
                | StopReason::Halted
                | StopReason::Superseded,
            ) => match asked {
                Some(StopReason::TotalTimeout) => {
                    failed(Failure::TotalTimeout { after_ms: ms(stage.limits.total) })
                }
                Some(reason) => Ok(AttemptResult::Stopped { reason }),
                None => Err("it was stopped, but the run did not ask for that".to_owned()),
            },
        }
    }

    /// Why a live attempt ought to stop.
    pub(super) fn asked_to_stop(&self, ix: ExecIx) -> Option<StopReason> {
        match self.state.exec(ix).state {
            ExecutionState::Live { stopping, .. } => stopping,
            ExecutionState::Idle
            | ExecutionState::Waiting(_)
            | ExecutionState::Queued { .. }
            | ExecutionState::Ended(_)
            | ExecutionState::Backoff { .. }
            | ExecutionState::Unknown { .. }
            | ExecutionState::Settled(_) => None,
        }
    }

    /// `None`: no such attempt is unknown and being probed.
    fn probed(&self, attempt: &AttemptId, exit_code: Option<i32>) -> Option<Event> {
        let ix = self.exec_ix(&attempt.execution)?;
        let execution = self.state.exec(ix);
        let probing = matches!(execution.state, ExecutionState::Unknown { probing: true, .. });
        if !probing || self.last_attempt(ix) != *attempt {
            return None;
        }
        let resolved = |verdict| Event::AttemptResolved {
            attempt: attempt.clone(),
            by: PROBE.to_owned(),
            verdict,
        };
        let unsure = |message: String| Event::AttemptUnknown {
            attempt: attempt.clone(),
            message,
            probing: false,
        };
        let missing = self.model(ix.stage).outputs.values().any(|output| output.required);
        Some(match exit_code {
            Some(0) if missing => {
                unsure("the probe says that the work was done, but its outputs are gone".to_owned())
            }
            Some(0) => resolved(Verdict::Succeeded),
            Some(1) if execution.lost >= LOST_LIMIT => resolved(Verdict::Failed),
            Some(1) => resolved(Verdict::Retry),
            Some(code) => unsure(format!("the probe could not tell: exit code {code}")),
            None => unsure("the probe could not tell: it did not end by itself".to_owned()),
        })
    }
}

/// 0 without a limit.
pub(super) fn ms(limit: Option<std::time::Duration>) -> u64 {
    limit.map_or(0, |limit| u64::try_from(limit.as_millis()).unwrap_or(u64::MAX))
}
