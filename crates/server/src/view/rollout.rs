//! The roll-out in words.

use api::rollout::{Busy, Draining, RolloutView, Switch};
use engine::admission::Orchestration;
use engine::working::{AgentAtWork, Working};
use jiff::Timestamp;
use serde_json::{Value as Json, json};
use store::port::{RolloutRow, RolloutWish};

pub(crate) fn view(row: &RolloutRow, busy: Vec<Busy>) -> RolloutView {
    RolloutView {
        version: row.version,
        mode: row.mode.word().to_owned(),
        pilot_tasks: row.pilot_tasks.clone(),
        orchestration: row.orchestration.word().to_owned(),
        max_tasks: match row.orchestration {
            Orchestration::Sequential => Some(1),
            Orchestration::Parallel => None,
            Orchestration::Hybrid => row.max_tasks,
        },
        wip: row.wip.clone(),
        scheduler: row.scheduler.word().to_owned(),
        switched_at: row.switched_at,
        switched_by: row.switched_by.clone(),
        draining: row.draining.as_ref().map(|draining| Draining {
            to: switch(&draining.to),
            by: draining.by.clone(),
            since: draining.since,
            says: drains(&draining.to),
        }),
        busy,
    }
}

fn switch(wish: &RolloutWish) -> Switch {
    Switch {
        mode: wish.mode.map(|mode| mode.word().to_owned()),
        pilot_tasks: wish.pilot_tasks.clone(),
        orchestration: wish.orchestration.map(|of| of.word().to_owned()),
        max_tasks: wish.max_tasks,
        wip: wish.wip.clone(),
        scheduler: wish.scheduler.map(|of| of.word().to_owned()),
        reason: None,
        drain: true,
        force: false,
    }
}

/// What is told in the trail of what holds from now on.
pub(crate) fn told(row: &RolloutRow) -> Json {
    json!({
        "mode": row.mode.word(),
        "orchestration": row.orchestration.word(),
        "pilot_tasks": row.pilot_tasks,
        "max_tasks": row.max_tasks,
        "scheduler": row.scheduler.word(),
        "wip": row.wip,
    })
}

/// `the installation drains to shadow and sequential`
pub(crate) fn drains(to: &RolloutWish) -> String {
    let mode = to.mode.map(|mode| mode.word());
    let words: Vec<&str> = mode.into_iter().chain(to.orchestration.map(|of| of.word())).collect();
    format!("the installation drains to {}", words.join(" and "))
}

/// As the command line writes the modes that are wished for: `shadow --orchestration sequential`.
pub(crate) fn flags(wish: &RolloutWish) -> String {
    let mode = wish.mode.map(|mode| mode.word().to_owned());
    let orchestration = wish.orchestration.map(|of| format!("--orchestration {}", of.word()));
    mode.into_iter().chain(orchestration).collect::<Vec<_>>().join(" ")
}

/// An agent at work.
pub(crate) fn agent(working: &Working, agent: &AgentAtWork) -> Busy {
    Busy {
        who: agent.role.clone(),
        run: working.run.to_string(),
        run_name: working.name.clone(),
        task: working.task.clone(),
        stage: agent.attempt.execution.to_string(),
        since: agent.since,
    }
}

/// Whoever does a task without an agent at work.
pub(crate) fn doer(working: &Working) -> Busy {
    let stage = &working.stage;
    Busy {
        who: if stage.is_empty() { working.name.clone() } else { stage.clone() },
        run: working.run.to_string(),
        run_name: working.name.clone(),
        task: working.task.clone(),
        stage: stage.clone(),
        since: working.since,
    }
}

/// `implementer works on TASK-7-3 (implement[2]) for 4m`
pub(crate) fn busy_words(busy: &Busy, now: Timestamp) -> String {
    let Busy { who, run_name, stage, since, .. } = busy;
    let age = age(now.duration_since(*since).as_secs());
    match stage.as_str() {
        "" => format!("{run_name} goes on for {age}"),
        stage if stage == who => format!("{run_name} is at {stage} for {age}"),
        stage => format!("{who} works on {run_name} ({stage}) for {age}"),
    }
}

fn age(seconds: i64) -> String {
    let units = [(86_400, "d"), (3_600, "h"), (60, "m")];
    let found = units.into_iter().find(|(unit, _)| seconds >= *unit);
    found.map_or_else(
        || format!("{}s", seconds.max(0)),
        |(unit, word)| format!("{}{word}", seconds / unit),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use store::port::RolloutMode;

    #[test]
    fn who_is_busy_is_said_with_what_and_for_how_long() {
        let since: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let busy = |who: &str, stage: &str| Busy {
            who: who.to_owned(),
            run: "r".to_owned(),
            run_name: "TASK-7-3".to_owned(),
            task: Some("TASK-7".to_owned()),
            stage: stage.to_owned(),
            since,
        };
        let after = |seconds| since + jiff::SignedDuration::from_secs(seconds);
        let table = [
            (
                "implementer",
                "implement[2]",
                250,
                "implementer works on TASK-7-3 (implement[2]) for 4m",
            ),
            ("test", "test", 7300, "TASK-7-3 is at test for 2h"),
            ("TASK-7-3", "", 5, "TASK-7-3 goes on for 5s"),
            ("tester", "test", -3, "tester works on TASK-7-3 (test) for 0s"),
            ("tester", "test", 200_000, "tester works on TASK-7-3 (test) for 2d"),
        ];
        for (who, stage, seconds, says) in table {
            assert_eq!(busy_words(&busy(who, stage), after(seconds)), says);
        }
    }

    #[test]
    fn what_is_wished_for_is_said_as_it_would_be_written() {
        let both = RolloutWish {
            mode: Some(RolloutMode::Shadow),
            orchestration: Some(Orchestration::Sequential),
            ..RolloutWish::default()
        };
        assert_eq!(drains(&both), "the installation drains to shadow and sequential");
        assert_eq!(flags(&both), "shadow --orchestration sequential");
        let one = RolloutWish { mode: None, ..both };
        assert_eq!(drains(&one), "the installation drains to sequential");
        assert_eq!(flags(&one), "--orchestration sequential");
    }
}
