//! What goes on, and what people have to decide.

use engine::event::Hold;
use jiff::Timestamp;

use super::row::{Row, State};
use super::{Activity, Board};
use crate::render::approvals::need;
use crate::words;

impl Board {
    /// What goes on at `now`, the longest first; waiting for people before all.
    pub fn activities(&self, now: Timestamp) -> Vec<Activity> {
        let mut found: Vec<(u8, Activity)> = self
            .rows
            .iter()
            .filter_map(|(name, row)| {
                let (rank, sign, says) = self.doing(name, row, now)?;
                let running = matches!(row.state, State::Running | State::Stopping);
                let since = if running { row.attempt_start } else { row.asked_at() };
                let elapsed_ms = since.map(|since| words::between(since, now));
                let last_line = if running { row.last_line.clone() } else { String::new() };
                let name = self.shown_row(name, row);
                Some((rank, Activity { name, sign, elapsed_ms, says, last_line }))
            })
            .collect();
        found.sort_by_key(|(rank, activity)| {
            (*rank, std::cmp::Reverse(activity.elapsed_ms.unwrap_or(0)))
        });
        found.into_iter().map(|(_, activity)| activity).collect()
    }

    /// Its place in the order, its sign and what is said of it.
    fn doing(&self, name: &str, row: &Row, now: Timestamp) -> Option<(u8, char, String)> {
        Some(match &row.state {
            State::Idle | State::Settled => return None,
            State::Unknown { probing: true } => (0, '!', "outcome unknown; probing".to_owned()),
            State::Unknown { probing: false } => {
                (0, '!', "outcome unknown; decide with `orchestrate runs resolve`".to_owned())
            }
            State::Gate { have, needed, who, due, .. } => {
                let listed = self.asked.approvals.iter().find(|it| it.stage == name);
                let (have, needed, who, due) = match listed {
                    Some(listed) => (listed.have, listed.need, need(listed), listed.due_at),
                    None => (*have, *needed, who.clone(), Some(*due)),
                };
                let expires = match due.filter(|due| *due > Timestamp::UNIX_EPOCH) {
                    Some(due) => {
                        format!("; expires {}", words::duration(words::between(now, due)))
                    }
                    None => String::new(),
                };
                (0, '!', format!("waiting {have} of {needed}: {who}{expires}"))
            }
            State::Form { due, .. } => (0, '!', form_waits(*due, now)),
            State::Held { hold, .. } => (0, '!', held(*hold).to_owned()),
            State::Taken { by, .. } => (0, '!', format!("held by {by}")),
            State::Environment { name, .. } => {
                (3, '.', format!("waits for `{name}`, which another stage is in"))
            }
            State::Stopping => (1, 'o', "stopping".to_owned()),
            State::Running => (1, 'o', if row.attempt > 1 { row.tried() } else { String::new() }),
            State::Backoff { due } => {
                let wait = words::duration(words::between(now, *due));
                (2, '~', format!("{}; next attempt in {wait}", row.last_failure))
            }
            State::Queued => (3, '.', "waits for a slot".to_owned()),
        })
    }

    /// Attempts that run, and those that wait for a person, a slot or their next try.
    pub fn counts(&self) -> (u32, u32) {
        self.rows.values().fold((0, 0), |(running, waiting), row| match row.state {
            State::Running | State::Stopping => (running + 1, waiting),
            State::Backoff { .. }
            | State::Unknown { .. }
            | State::Gate { .. }
            | State::Form { .. }
            | State::Held { .. }
            | State::Taken { .. }
            | State::Environment { .. } => (running, waiting + 1),
            State::Idle | State::Queued | State::Settled => (running, waiting),
        })
    }

    /// Does something wait only for a word to go on?
    pub fn is_held(&self) -> bool {
        self.rows.values().any(|row| matches!(row.state, State::Held { .. }))
    }

    /// What a person has to decide, as commands.
    pub fn decisions(&self) -> Vec<String> {
        let run = &self.run.name;
        let mut found = Vec::new();
        for approval in self.asked.approvals.iter().filter(|it| it.status == "pending") {
            found.push(format!("orchestrate approval show {}", approval.id));
            found.push(format!("orchestrate approval approve {}", approval.id));
        }
        for input in self.asked.inputs.iter().filter(|it| it.status == "open") {
            found.push(format!("orchestrate input submit {}", input.id));
        }
        for (name, row) in &self.rows {
            match row.state {
                State::Unknown { probing: false } => found
                    .push(format!("orchestrate runs resolve {run} {name} retry|succeeded|failed")),
                State::Taken { .. } => {
                    found.push(format!("orchestrate agent hand-back {run} {name}"));
                }
                State::Held { .. } => {
                    found.push(format!("orchestrate runs advance {run} --stage {name}"));
                }
                State::Unknown { probing: true }
                | State::Gate { .. }
                | State::Form { .. }
                | State::Environment { .. }
                | State::Idle
                | State::Queued
                | State::Running
                | State::Stopping
                | State::Backoff { .. }
                | State::Settled => {}
            }
        }
        found
    }
}

/// Why it is held.
pub(super) fn held(hold: Hold) -> &'static str {
    match hold {
        Hold::Advance => "held until somebody lets it go on",
        Hold::Breakpoint => "held at a breakpoint",
        Hold::Step => "held by stepping",
    }
}

fn form_waits(due: Option<Timestamp>, now: Timestamp) -> String {
    match due {
        Some(due) => {
            let left = words::duration(words::between(now, due));
            format!("waits for its form; expires {left}")
        }
        None => "waits for its form".to_owned(),
    }
}
