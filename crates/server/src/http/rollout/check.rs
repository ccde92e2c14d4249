//! Whether the next mode may be dared: criteria, each with what was measured here.

use std::collections::HashSet;

use api::rollout::{Criterion, RolloutCheck};
use engine::agreement::{Said, agrees};
use engine::event::FinalStatus;
use jiff::Timestamp;
use store::port::{PRODUCTION, Read, RolloutMode, RunQuery, RunRow, Wanted};

use crate::config::settings::ROLLOUT_RUNS;
use crate::refused::Refused;
use crate::shared::Shared;

/// Finished runs that are looked at, the newest, and runs that have not finished.
const RUNS: u32 = 1000;
/// Percent of runs that may fail.
const FAILURES: u64 = 5;
/// Percent of what shadow runs said that people have to have done, too.
const AGREEMENT: u64 = 90;
/// So many comparisons at least.
const COMPARED: u64 = 10;

pub(super) async fn check(shared: &Shared) -> Result<RolloutCheck, Refused> {
    let least = shared.settings()?.whole(&ROLLOUT_RUNS).unwrap_or(10);
    let damaged = shared.gauges.read().damaged.len() as u64;
    let row = shared.read(|reader| Ok(reader.rollout()?)).await?;
    let (mode, since) = (row.mode, row.mode_since);
    let found = shared.read(move |reader| measure(reader, since)).await?;
    let chain = shared.read(|reader| Ok((reader.verify()?, reader.verify_trail()?))).await;
    let chain = match chain {
        Ok((verified, entries)) => Ok(format!(
            "{} events of {} runs and {entries} entries verified",
            verified.events, verified.runs
        )),
        Err(Refused::Internal(problem) | Refused::Damaged { problem, .. }) => Err(problem),
        Err(refused) => return Err(refused),
    };
    Ok(judge(mode, &Measured { damaged, chain, ..found }, least))
}

#[derive(Debug)]
struct Measured {
    /// Runs that were created in this mode and have ended.
    ended: u64,
    failed: u64,
    /// Comparisons of what shadow runs said with what people did, and how many agree.
    compared: u64,
    agree: u64,
    /// Executions of unknown outcome.
    unknown: u64,
    damaged: u64,
    /// The error says what is wrong with it.
    chain: Result<String, String>,
}

fn measure(reader: &dyn Read, since: Option<Timestamp>) -> Result<Measured, Refused> {
    let query =
        |finished| RunQuery { finished: Some(finished), limit: RUNS, ..RunQuery::default() };
    let ended = reader.runs(&query(true))?;
    let of_mode = |row: &&RunRow| since.is_none_or(|since| row.created_at >= since);
    let ended: Vec<&RunRow> = ended.iter().filter(of_mode).collect();
    let failed = ended.iter().filter(|row| row.status == "failed").count();
    let mut unknown = 0;
    for run in reader.runs(&query(false))? {
        let stages = reader.stages(run.id)?;
        unknown += stages.iter().filter(|stage| stage.status == "unknown").count();
    }
    let agreement = agreement(reader, &ended)?;
    Ok(Measured {
        ended: ended.len() as u64,
        failed: failed as u64,
        compared: agreement.len() as u64,
        agree: agreement.iter().filter(|agrees| **agrees).count() as u64,
        unknown: unknown as u64,
        damaged: 0,
        chain: Ok(String::new()),
    })
}

/// Of each task the newest shadow run among these, beside what people made of the task since.
fn agreement(reader: &dyn Read, ended: &[&RunRow]) -> Result<Vec<bool>, Refused> {
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    for row in ended.iter().filter(|row| row.mode != PRODUCTION) {
        let (Some((task, _)), Some(at)) = (&row.task, row.finished_at) else { continue };
        if !seen.insert(task) {
            continue;
        }
        let since = reader.task(task)?.filter(|task| task.updated_at > at);
        let said = match since.map(|task| task.wanted) {
            Some(Wanted::Done) => Said::Done,
            Some(Wanted::Cancelled) => Said::Cancelled,
            Some(Wanted::Todo | Wanted::InProgress) | None => Said::Open,
        };
        let end = match row.status.as_str() {
            "succeeded" => FinalStatus::Succeeded,
            "failed" => FinalStatus::Failed,
            _ => FinalStatus::Cancelled,
        };
        found.extend(agrees(end, said));
    }
    Ok(found)
}

fn judge(mode: RolloutMode, found: &Measured, least: u64) -> RolloutCheck {
    let criterion = |name: &str, passed: bool, figure: String, needed: String| Criterion {
        name: name.to_owned(),
        passed,
        figure,
        needed,
    };
    let of = |part: u64, all: u64| match (part * 100).checked_div(all) {
        Some(percent) => format!("{part} of {all} ({percent} %)"),
        None => "0 of 0".to_owned(),
    };
    let Measured { ended, failed, compared, agree, unknown, damaged, chain } = found;
    let mut criteria = vec![
        criterion(
            "runs",
            *ended >= least,
            format!("{ended} of {least}"),
            format!("at least {least} runs of this mode have ended"),
        ),
        criterion(
            "failures",
            *ended > 0 && failed * 100 <= FAILURES * ended,
            of(*failed, *ended),
            format!("at most {FAILURES} %"),
        ),
    ];
    if mode == RolloutMode::Shadow || mode == RolloutMode::Pilot {
        criteria.push(criterion(
            "agreement",
            *compared >= COMPARED && agree * 100 >= AGREEMENT * compared,
            if *compared < COMPARED {
                format!("{compared} of {COMPARED} compared")
            } else {
                of(*agree, *compared)
            },
            format!("at least {AGREEMENT} % of at least {COMPARED}"),
        ));
    }
    criteria.push(criterion("unknown", *unknown == 0, unknown.to_string(), "none".to_owned()));
    criteria.push(criterion("damaged", *damaged == 0, damaged.to_string(), "none".to_owned()));
    let (passed, figure) = match chain {
        Ok(figure) => (true, figure.clone()),
        Err(problem) => (false, problem.clone()),
    };
    criteria.push(criterion("audit", passed, figure, "every hash fits".to_owned()));
    RolloutCheck {
        mode: mode.word().to_owned(),
        next: mode.next().map(|mode| mode.word().to_owned()),
        passed: criteria.iter().all(|criterion| criterion.passed),
        criteria,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured() -> Measured {
        Measured {
            ended: 20,
            failed: 1,
            compared: 10,
            agree: 9,
            unknown: 0,
            damaged: 0,
            chain: Ok("3 events of 1 runs and 0 entries verified".to_owned()),
        }
    }

    /// Criteria that did not pass, each with its figure.
    fn missing(found: &Measured) -> String {
        let check = judge(RolloutMode::Shadow, found, 10);
        let missing = check.criteria.iter().filter(|criterion| !criterion.passed);
        let missing: Vec<String> =
            missing.map(|criterion| format!("{}: {}", criterion.name, criterion.figure)).collect();
        assert_eq!(check.passed, missing.is_empty());
        missing.join(", ")
    }

    #[test]
    fn each_criterion_alone_keeps_the_next_mode_away() {
        let table = [
            (measured(), ""),
            (Measured { ended: 9, failed: 0, ..measured() }, "runs: 9 of 10"),
            (Measured { failed: 2, ..measured() }, "failures: 2 of 20 (10 %)"),
            (Measured { agree: 8, ..measured() }, "agreement: 8 of 10 (80 %)"),
            (Measured { compared: 9, agree: 9, ..measured() }, "agreement: 9 of 10 compared"),
            (Measured { unknown: 1, ..measured() }, "unknown: 1"),
            (Measured { damaged: 1, ..measured() }, "damaged: 1"),
            (
                Measured { chain: Err("event 3 is missing".to_owned()), ..measured() },
                "audit: event 3 is missing",
            ),
            (
                Measured { ended: 0, failed: 0, compared: 0, agree: 0, ..measured() },
                "runs: 0 of 10, failures: 0 of 0, agreement: 0 of 10 compared",
            ),
        ];
        for (found, wanted) in table {
            assert_eq!(missing(&found), wanted);
        }
    }
}
