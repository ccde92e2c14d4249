//! Workers, what they work on, and what waits: as they are shown.

use std::collections::HashMap;

use api::run::StageView;
use api::worker::{QueuedAttempt, WorkerAttempt, WorkerView};
use engine::Run;
use engine::explain::WAITS_FOR_A_SLOT;
use engine::id::{ExecutionId, RunId};
use pipeline::model::{Crew, Work};
use store::port::{Read, RunRow, WorkerState};

use crate::conductor::hands::LOCAL;
use crate::conductor::hands::seen::{FleetSeen, Reasons, SeenAttempt, SeenQueued, SeenWorker};
use crate::refused::Refused;
use crate::shared::Shared;

/// The own hands first, then the others by name; and what waits, the oldest run first.
pub(crate) fn fleet(
    shared: &Shared,
    seen: FleetSeen,
) -> Result<(Vec<WorkerView>, Vec<QueuedAttempt>), Refused> {
    let mut runs = Runs { reader: &*shared.reader, known: HashMap::new() };
    let FleetSeen { here, workers, queue } = seen;
    let used = here.len();
    let mut shown = vec![own(shared, here, &mut runs)?];
    for worker in workers {
        shown.push(view(worker, &mut runs)?);
    }
    let of = |one| queued(shared, one, used, &mut runs);
    let queue = queue.into_iter().map(of).collect::<Result<Vec<_>, _>>()?;
    Ok((shown, queue))
}

/// Runs looked up once.
struct Runs<'r> {
    reader: &'r dyn Read,
    known: HashMap<RunId, Option<RunRow>>,
}

impl Runs<'_> {
    fn get(&mut self, run: RunId) -> Result<Option<&RunRow>, Refused> {
        if !self.known.contains_key(&run) {
            let row = self.reader.run(run)?;
            self.known.insert(run, row);
        }
        Ok(self.known.get(&run).and_then(Option::as_ref))
    }

    fn name(&mut self, run: RunId) -> Result<String, Refused> {
        Ok(self.get(run)?.map_or_else(|| run.to_string(), RunRow::name))
    }
}

/// Says of stages that wait for a worker what they wait for.
pub(crate) fn explain(run: &Run, id: RunId, reasons: &Reasons, stages: &mut [StageView]) {
    let defined = &run.pipeline().stages;
    if defined.iter().all(|stage| stage.runs_on.is_empty()) {
        return;
    }
    for stage in stages.iter_mut().filter(|stage| stage.detail == WAITS_FOR_A_SLOT) {
        let of = defined.iter().find(|of| *of.name == *stage.stage);
        let Some(of) = of.filter(|of| !of.runs_on.is_empty()) else { continue };
        let execution = ExecutionId { stage: of.name.clone(), instance: stage.instance };
        stage.detail = reasons.of(id, &execution, &of.runs_on);
    }
}

pub(crate) fn state(state: WorkerState) -> &'static str {
    match state {
        WorkerState::There => "online",
        WorkerState::Draining => "draining",
        WorkerState::Drained => "drained",
        WorkerState::Lost => "lost",
    }
}

fn view(worker: SeenWorker, runs: &mut Runs<'_>) -> Result<WorkerView, Refused> {
    let SeenWorker { row, heard_at, lease_until, attempts } = worker;
    Ok(WorkerView {
        state: state(row.state).to_owned(),
        labels: row.labels.into_iter().collect(),
        slots: row.slots,
        used: match row.state.is_there() {
            true => u32::try_from(attempts.len()).unwrap_or(u32::MAX),
            false => 0,
        },
        version: row.version,
        host: row.host,
        platform: row.platform,
        cpus: row.cpus,
        memory_bytes: row.memory_bytes,
        since: row.since,
        heard_at: Some(heard_at),
        lease_until,
        attempts: works(attempts, runs)?,
        name: row.name,
    })
}

fn works(attempts: Vec<SeenAttempt>, runs: &mut Runs<'_>) -> Result<Vec<WorkerAttempt>, Refused> {
    let one = |of: SeenAttempt| {
        Ok(WorkerAttempt {
            run: of.run.to_string(),
            run_name: runs.name(of.run)?,
            stage: of.execution.to_string(),
            attempt: of.number,
            started_at: of.started_at,
        })
    };
    attempts.into_iter().map(one).collect()
}

/// The server's own hands.
fn own(
    shared: &Shared,
    here: Vec<SeenAttempt>,
    runs: &mut Runs<'_>,
) -> Result<WorkerView, Refused> {
    let cpus = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    Ok(WorkerView {
        name: LOCAL.to_owned(),
        state: "online".to_owned(),
        labels: Vec::new(),
        slots: shared.slots,
        used: u32::try_from(here.len()).unwrap_or(u32::MAX),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        host: host(),
        platform: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        cpus: u32::try_from(cpus).unwrap_or(u32::MAX),
        memory_bytes: memory().unwrap_or(0),
        since: shared.since,
        heard_at: None,
        lease_until: None,
        attempts: works(here, runs)?,
    })
}

fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    name.trim().to_owned()
}

/// By the kernel's word.
fn memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

fn queued(
    shared: &Shared,
    one: SeenQueued,
    used: usize,
    runs: &mut Runs<'_>,
) -> Result<QueuedAttempt, Refused> {
    let SeenQueued { run, attempt, labels, since, why } = one;
    let role = match runs.get(run)? {
        Some(row) => role(shared, row, &attempt.execution)?,
        None => None,
    };
    let why = match why {
        Some(why) => why.to_string(),
        None => for_a_slot(used, shared.slots),
    };
    Ok(QueuedAttempt {
        run: run.to_string(),
        run_name: runs.name(run)?,
        stage: attempt.execution.to_string(),
        attempt: attempt.number,
        since: since.unwrap_or_else(crate::clock::wall),
        runs_on: labels,
        role,
        why,
    })
}

/// Of what waits for the own hands.
fn for_a_slot(used: usize, slots: u32) -> String {
    if used >= slots as usize {
        format!("all {slots} slots of the server are taken (`--slots`)")
    } else {
        "it is about to start".to_owned()
    }
}

/// The name of the agent that does it.
fn role(shared: &Shared, row: &RunRow, execution: &ExecutionId) -> Result<Option<String>, Refused> {
    let Some(revision) = shared.reader.revision(&row.pipeline, Some(row.revision))? else {
        return Ok(None);
    };
    let (reader, name) = (&*shared.reader, &row.pipeline);
    let known = shared.definitions.of_run(reader, name, row.revision, &revision.digest)?;
    // One that cannot be read any more has no role to show.
    let Ok(pipeline) = known else { return Ok(None) };
    let stage = pipeline.stages.iter().find(|stage| stage.name == execution.stage);
    Ok(stage.and_then(|stage| match &stage.work {
        Work::Agent(work) => match &work.crew {
            Crew::Single { agent } | Crew::Loop { agent: Some(agent), .. } => {
                agent.wanted().map(str::to_owned)
            }
            Crew::Loop { agent: None, .. } | Crew::Discussion(_) | Crew::Meta(_) => None,
        },
        Work::Run { .. }
        | Work::Python { .. }
        | Work::Noop
        | Work::Form
        | Work::Child { .. }
        | Work::Merge(_) => None,
    }))
}
