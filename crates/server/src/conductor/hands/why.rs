//! Why nothing takes what waits for a worker, in words. Pure.

use jiff::Timestamp;
use store::port::WorkerState;

use super::fleet::Worker;

/// What is known when it is asked.
pub(super) struct Standing<'w> {
    /// Each with the slots that are taken.
    pub(super) workers: Vec<(&'w Worker, usize)>,
}

/// `needs label gpu`, `needs labels gpu and linux`
fn needs(labels: &[String]) -> String {
    match labels {
        [] => "needs a worker".to_owned(),
        [one] => format!("needs label {one}"),
        [rest @ .., last] => format!("needs labels {} and {last}", rest.join(", ")),
    }
}

/// `worker g1, which has it,`
fn which(name: &str, labels: &[String]) -> String {
    format!("worker {name}, which has {},", it(labels))
}

fn it(labels: &[String]) -> &'static str {
    if labels.len() == 1 { "it" } else { "them" }
}

/// Never empty. The server's own hands count among the workers, and have no label.
pub(super) fn why(labels: &[String], standing: &Standing<'_>) -> String {
    let (needs, it) = (needs(labels), it(labels));
    let there = standing.workers.iter().filter(|(of, _)| of.row.state.is_there());
    let all = there.clone().count() + 1;
    let have: Vec<_> = there.filter(|(of, _)| of.has(labels)).collect();
    if have.is_empty() {
        let workers = if all == 1 { "worker has" } else { "workers have" };
        let mut said = format!("{needs}; 0 of {all} {workers} {it}");
        let gone = standing.workers.iter().map(|(of, _)| of);
        if let Some(gone) = gone.filter(|of| of.has(labels)).max_by_key(|of| of.row.since) {
            let became = match gone.row.state {
                WorkerState::Lost => "is lost",
                WorkerState::Drained => "is drained",
                WorkerState::There | WorkerState::Draining => "is there",
            };
            said.push_str(&format!("; {} {became}", which(&gone.row.name, labels)));
        }
        return said;
    }
    let takes: Vec<_> = have.iter().filter(|(of, _)| of.row.state == WorkerState::There).collect();
    if takes.is_empty() {
        return match have.as_slice() {
            [(one, _)] => format!("{needs}; {} drains", which(&one.row.name, labels)),
            many => format!("{needs}; the {} workers that have {it} drain", many.len()),
        };
    }
    let linked: Vec<_> = takes.iter().filter(|(of, _)| of.is_linked()).collect();
    if linked.is_empty() {
        return match takes.as_slice() {
            [(one, _)] => {
                let until = one.lease_until().map_or_else(String::new, |until| {
                    format!(": it is waited for until {}", clock(until))
                });
                format!("{needs}; {} is not connected{until}", which(&one.row.name, labels))
            }
            many => format!("{needs}; the {} workers that have {it} are not connected", many.len()),
        };
    }
    if linked.iter().any(|(of, used)| (of.row.slots as usize) > *used) {
        return format!("{needs}; a worker takes it in the next step");
    }
    let slots: u32 = linked.iter().map(|(of, _)| of.row.slots).sum();
    match linked.as_slice() {
        [(one, _)] if slots == 1 => {
            format!("{needs}; the slot of {} is taken", which(&one.row.name, labels))
        }
        [(one, _)] => {
            format!("{needs}; all {slots} slots of {} are taken", which(&one.row.name, labels))
        }
        many => {
            let count = many.len();
            format!("{needs}; all {slots} slots of the {count} workers that have {it} are taken")
        }
    }
}

/// After a restart, of what a worker may have begun meanwhile.
pub(super) fn doubtful(labels: &[String], until: Timestamp) -> String {
    let needs = needs(labels);
    format!(
        "{needs}; a worker may have it since before the server was started again: it is waited \
         for until {}",
        clock(until)
    )
}

pub(super) fn handed_out(worker: &str) -> String {
    format!("it was handed to worker {worker}, which has not said yet that it began")
}

/// `22:14:03 UTC`
pub(crate) fn clock(at: Timestamp) -> String {
    at.strftime("%H:%M:%S UTC").to_string()
}
