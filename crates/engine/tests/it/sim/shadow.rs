//! Shadow runs of the same random pipelines: they end by themselves, without hands and without
//! people, and nothing of them touches the world.

use std::sync::Arc;

use engine::command::{Breakpoints, Command, Rewind, RollBack};
use engine::event::{Event, Mode, Occurrence, Outcome, Rollout, Stamped};
use engine::{Run, Status};
use pipeline::Pipeline;
use serde_json::json;

use crate::sim::faults;
use crate::sim::invariants::Broken;
use crate::sim::rng::Rng;
use crate::sim::spec::{SECOND, Spec};
use crate::sim::world::{compile, create, instant, replay};

const SEEDS: u64 = 500;
/// So often somebody interferes.
const ACTS: u64 = 6;

struct Shadow {
    pipeline: Arc<Pipeline>,
    run: Run,
    journal: Vec<Stamped>,
    now: u64,
}

impl Shadow {
    fn begin(spec: &Spec) -> Result<Self, Broken> {
        let pipeline = compile(&spec.yaml())?;
        let Command::Create(mut create) = create(spec) else { unreachable!() };
        (create.mode, create.rollout) = (Mode::Shadow, Rollout::Pilot);
        create.notify = [("run.succeeded".to_owned(), vec!["ops".to_owned()])].into();
        let run = Run::new(pipeline.clone());
        let mut shadow = Self { pipeline, run, journal: vec![], now: 0 };
        shadow.submit(Command::Create(create))?;
        Ok(shadow)
    }

    /// Whether it was accepted.
    fn submit(&mut self, command: Command) -> Result<bool, Broken> {
        self.now += SECOND;
        let says = format!("{command:?}");
        let Ok(events) = self.run.handle(command, instant(self.now)) else { return Ok(false) };
        for stamped in &events {
            let event = &stamped.event;
            ensure!(!is_outward(event), "{says}: {event:?} in a shadow run");
            let text = serde_json::to_string(stamped).map_err(|error| error.to_string())?;
            let read: Stamped = serde_json::from_str(&text).map_err(|error| error.to_string())?;
            ensure!(read == *stamped, "an event does not survive being stored: {text}");
        }
        self.journal.extend(events);
        self.check(&says)?;
        Ok(true)
    }

    fn check(&self, says: &str) -> Result<(), Broken> {
        ensure!(
            self.run == replay(&self.pipeline, &self.journal),
            "{says}: state and journal differ"
        );
        let desired = self.run.desired();
        ensure!(desired == Default::default(), "{says}: {desired:?} is wanted of the world");
        ensure!(self.run.occupant().is_none(), "{says}: it stands in somebody's way");
        ensure!(self.run.claims().is_empty(), "{says}: it holds an environment");
        let status = self.run.status();
        let rests = status.is_final() || status == Status::Paused;
        ensure!(rests, "{says}: it waits for somebody: {status:?} {:?}", self.run.explain());
        if status.is_final() {
            let progress = self.run.progress();
            ensure!(progress.settled == progress.total, "{says}: {progress:?}");
        }
        for row in self.run.rows().filter(|_| status.is_final()) {
            ensure!(row.attempts.is_empty(), "{says}: {} was tried", row.id);
            let spoke = !row.would.is_empty() || row.instances.is_some();
            let foretold = row.outcome == Some(Outcome::WouldHave);
            ensure!(!foretold || spoke, "{says}: {} would have done nothing", row.id);
        }
        Ok(())
    }

    fn interfere(&mut self, rng: &mut Rng) -> Result<(), Broken> {
        let by = || "sim".to_owned();
        let names: Vec<_> = self.run.stage_names().cloned().collect();
        let stage = names[rng.index(names.len())].clone();
        let command = match rng.below(9) {
            0 => Command::Pause { by: by(), now: rng.chance(50) },
            1 => Command::Resume { by: by() },
            2 => Command::Retry { by: by(), from: None },
            3 => Command::Retry { by: by(), from: Some(engine::id::ExecutionId::stage(stage)) },
            4 => Command::Rewind(Rewind {
                by: by(),
                to: stage,
                inclusive: true,
                pause: rng.chance(50),
            }),
            5 => Command::UndoRewind { by: by() },
            6 => Command::RollBack(RollBack {
                by: by(),
                to: stage,
                reason: String::new(),
                force: rng.chance(50),
            }),
            7 => Command::SetBreakpoints(Breakpoints {
                by: by(),
                stages: vec![stage],
                step: rng.chance(50),
            }),
            _ => {
                let data = json!({"id": "k", "needs": []});
                let (id, kind, source) = (format!("e{}", self.now), by(), by());
                let occurrence = Box::new(Occurrence { id, kind, data, source });
                Command::Deliver { occurrence }
            }
        };
        self.submit(command).map(|_| ())
    }
}

/// What only a run in earnest says.
fn is_outward(event: &Event) -> bool {
    let name = event.name();
    let kinds = ["attempt.", "gate.", "execution.held", "execution.awaits", "form.opened"];
    kinds.iter().any(|kind| name.starts_with(kind))
}

fn live(seed: u64) -> Result<(), Broken> {
    let case = faults::case(seed);
    let mut shadow = Shadow::begin(&case.spec)?;
    ensure!(shadow.run.is_finished(), "it does not end by itself");
    let mut rng = Rng::of(seed, "shadow");
    for _ in 0..ACTS {
        shadow.interfere(&mut rng)?;
    }
    if shadow.run.status() == Status::Paused {
        ensure!(shadow.submit(Command::Resume { by: "sim".into() })?, "it cannot be resumed");
    }
    ensure!(shadow.run.is_finished(), "it does not end by itself");
    Ok(())
}

#[test]
fn shadow_runs_end_by_themselves_and_touch_nothing() {
    let mut foretold = 0;
    for seed in 0..SEEDS {
        if let Err(broken) = live(seed) {
            panic!("seed {seed}: {broken}\n{}", faults::case(seed).spec.yaml());
        }
        foretold += 1;
    }
    assert_eq!(foretold, SEEDS);
}
