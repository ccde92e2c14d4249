//! Many runs, few places: concurrency groups, with the admission function as the only judge and
//! the conductor's loop around it.

use engine::admission::{Policy, Step, admit};
use engine::command::Command;
use engine::event::FinalStatus;
use engine::lock::grants;
use pipeline::model::OnConflict;

use crate::sim::faults::{Case, Weather};
use crate::sim::generate::{Taste, pipeline};
use crate::sim::invariants::Broken;
use crate::sim::oracle::{self, Node};
use crate::sim::rng::Rng;
use crate::sim::spec::{GroupSpec, Micros, SECOND};
use crate::sim::world::{Answer, World};

/// What pipelines say of their groups; those of `b` differ in its limit.
const GROUPS: [GroupSpec; 6] = [
    GroupSpec { name: 'a', limit: 1, on_conflict: OnConflict::Queue },
    GroupSpec { name: 'b', limit: 1, on_conflict: OnConflict::Queue },
    GroupSpec { name: 'b', limit: 2, on_conflict: OnConflict::Queue },
    GroupSpec { name: 'c', limit: 1, on_conflict: OnConflict::CancelRunning },
    GroupSpec { name: 'd', limit: 2, on_conflict: OnConflict::CancelNew },
    GroupSpec { name: 'e', limit: 2, on_conflict: OnConflict::CancelRunning },
];

struct Fleet<'a> {
    now: Micros,
    worlds: Vec<World<'a>>,
    groups: Vec<GroupSpec>,
    arrivals: Vec<Micros>,
    here: Vec<bool>,
    rng: Rng,
    interfere: u32,
    /// Locks that were given.
    entered: usize,
}

impl Fleet<'_> {
    fn members(&self, name: char) -> impl Iterator<Item = usize> {
        (0..self.worlds.len()).filter(move |at| self.here[*at] && self.groups[*at].name == name)
    }

    fn queue(&self, name: char) -> impl Iterator<Item = usize> {
        self.members(name).filter(|at| self.waiting(*at) && !self.worlds[*at].ledger.paused)
    }

    fn inside(&self, at: usize) -> bool {
        let ledger = &self.worlds[at].ledger;
        ledger.started && ledger.finished.is_none()
    }

    fn waiting(&self, at: usize) -> bool {
        let ledger = &self.worlds[at].ledger;
        ledger.created && !ledger.started && ledger.finished.is_none()
    }

    fn submit(&mut self, at: usize, command: Command) -> Result<Answer, Broken> {
        self.worlds[at].now = self.worlds[at].now.max(self.now);
        self.worlds[at].submit(command)
    }

    /// What the conductor does after every command.
    fn conduct(&mut self) -> Result<(), Broken> {
        for _ in 0..=self.worlds.len() * 2 {
            let steps = admit(
                self.worlds.iter().filter_map(|world| world.run.occupant()),
                &Policy::default(),
            );
            let again = admit(
                self.worlds.iter().rev().filter_map(|world| world.run.occupant()),
                &Policy::default(),
            );
            if steps != again {
                return Err(format!("admission hangs on the order: {steps:?}, {again:?}"));
            }
            if steps.is_empty() {
                self.open_doors()?;
                return self.check();
            }
            for step in steps {
                self.take(&step)?;
            }
        }
        Err("admission never comes to rest".into())
    }

    /// Environments with a lock: one execution inside over all runs, first come first served.
    fn open_doors(&mut self) -> Result<(), Broken> {
        loop {
            let all = grants(self.worlds.iter().flat_map(|world| world.run.claims()));
            let again = grants(self.worlds.iter().rev().flat_map(|world| world.run.claims()));
            if all != again {
                return Err(format!("locks hang on the order: {all:?}, {again:?}"));
            }
            let inside: usize =
                self.worlds.iter().map(|world| world.ledger.inside("bench").len()).sum();
            let waiting = (0..self.worlds.len()).flat_map(|at| {
                let ledger = &self.worlds[at].ledger;
                let open = !ledger.paused && ledger.finished.is_none();
                let outside = if open { ledger.outside("bench") } else { vec![] };
                outside.into_iter().map(move |(since, id)| (since, at, id))
            });
            let next = waiting.min();
            if inside > 1 {
                return Err(format!("{inside} executions are in one environment"));
            }
            let Some((run, execution)) = all.first().cloned() else {
                return match next {
                    Some(next) if inside == 0 => Err(format!("{next:?} waits for nobody")),
                    Some(_) | None => Ok(()),
                };
            };
            let at = (0..self.worlds.len())
                .find(|at| self.worlds[*at].run.header().is_some_and(|header| header.run == run))
                .ok_or("a lock is given to a run that is not there")?;
            if inside > 0 || next.as_ref().is_none_or(|(_, n, id)| (*n, id) != (at, &execution)) {
                return Err(format!("{execution} of run {at} enters, the turn is {next:?}'s"));
            }
            self.entered += 1;
            if self.submit(at, Command::Grant { execution })? == Answer::Refused {
                return Err(format!("run {at} may enter and is refused"));
            }
        }
    }

    fn take(&mut self, step: &Step) -> Result<(), Broken> {
        let (run, command) = match step {
            Step::Admit(run) => (run, Command::Admit),
            Step::Cancel(run, why) => {
                (run, Command::Cancel { by: "conductor".into(), reason: (*why).into() })
            }
        };
        let at = (0..self.worlds.len())
            .find(|at| self.worlds[*at].run.header().is_some_and(|header| header.run == *run))
            .ok_or("admission names a run that is not there")?;
        match step {
            Step::Admit(_) => self.served(at)?,
            Step::Cancel(..) => self.justified(at)?,
        }
        match self.submit(at, command)? {
            Answer::Accepted => Ok(()),
            answer @ (Answer::Refused | Answer::Silence) => {
                Err(format!("{step:?} is answered by {answer:?}"))
            }
        }
    }

    /// Who is let in finds room, and overtakes nobody in a queue.
    fn served(&mut self, at: usize) -> Result<(), Broken> {
        let group = self.groups[at];
        let inside = self.members(group.name).filter(|at| self.inside(*at)).count();
        if inside >= group.limit as usize {
            return Err(format!("run {at} of {group:?} is let in beside {inside}"));
        }
        let overtaken = self.queue(group.name).find(|one| self.order(*one) < self.order(at));
        if let (Some(one), OnConflict::Queue) = (overtaken, group.on_conflict) {
            return Err(format!("run {at} of {group:?} overtakes run {one}"));
        }
        Ok(())
    }

    /// Nobody gives way in a queue, and nobody gives way for nothing.
    fn justified(&self, at: usize) -> Result<(), Broken> {
        let group = self.groups[at];
        let inside = self.members(group.name).filter(|at| self.inside(*at)).count();
        let leaving = self
            .members(group.name)
            .filter(|at| self.inside(*at) && self.worlds[*at].ledger.cancelling);
        let newer = self.queue(group.name).filter(|one| self.order(*one) > self.order(at));
        let fits = match group.on_conflict {
            OnConflict::Queue => false,
            OnConflict::CancelNew => self.waiting(at) && inside >= group.limit as usize,
            // Whoever is inside, for a waiting run that no leaver makes room for.
            OnConflict::CancelRunning if self.inside(at) => {
                self.queue(group.name).count() > leaving.count()
            }
            // An older waiting one, for enough newer ones.
            OnConflict::CancelRunning => newer.count() >= group.limit as usize,
        };
        if fits { Ok(()) } else { Err(format!("run {at} of {group:?} is cancelled for nothing")) }
    }

    fn order(&self, at: usize) -> (Micros, usize) {
        (self.worlds[at].waits_since(), at)
    }

    /// Places are never wasted.
    fn check(&self) -> Result<(), Broken> {
        for name in GROUPS.map(|group| group.name) {
            let inside = self.members(name).filter(|at| self.inside(*at)).count();
            let Some(first) = self.queue(name).min_by_key(|at| self.order(*at)) else { continue };
            let group = self.groups[first];
            if inside < group.limit as usize {
                return Err(format!("run {first} waits for {group:?}, which has room"));
            }
            if group.on_conflict == OnConflict::CancelNew {
                return Err(format!("run {first} waits for {group:?}, which keeps no queue"));
            }
        }
        Ok(())
    }

    /// Somebody interferes with some run, or the server dies.
    fn disturb(&mut self) -> Result<(), Broken> {
        let at = self.rng.index(self.worlds.len());
        if !self.here[at] {
            return Ok(());
        }
        let by = || "sim".to_owned();
        let command = match self.rng.below(7) {
            0 => Command::Pause { by: by(), now: self.rng.chance(50) },
            1 | 2 => Command::Resume { by: by() },
            3 => Command::Cancel { by: by(), reason: "enough".into() },
            4 => Command::Retry { by: by(), from: None },
            _ => {
                for world in &mut self.worlds {
                    world.kill()?;
                }
                return Ok(());
            }
        };
        self.submit(at, command).map(|_| ())
    }

    /// One thing happens somewhere. `false`: nothing ever will again.
    fn step(&mut self) -> Result<bool, Broken> {
        let mut next: Option<(Micros, usize)> = None;
        for at in 0..self.worlds.len() {
            let wakes =
                if self.here[at] { self.worlds[at].wakes()? } else { Some(self.arrivals[at]) };
            let wakes = wakes.map(|wakes| (wakes.max(self.now), at));
            next = [next, wakes].into_iter().flatten().min();
        }
        if self.interfere > 0 && self.rng.chance(15) {
            self.interfere -= 1;
            self.disturb()?;
            self.conduct()?;
            return Ok(true);
        }
        let Some((now, at)) = next else { return self.wake_somebody() };
        self.now = now;
        self.worlds[at].now = self.worlds[at].now.max(now);
        if self.here[at] {
            self.worlds[at].step()?;
        } else {
            self.here[at] = true;
            self.worlds[at].begin(true)?;
        }
        self.conduct()?;
        Ok(true)
    }

    fn wake_somebody(&mut self) -> Result<bool, Broken> {
        let paused = (0..self.worlds.len()).find(|at| self.worlds[*at].ledger.paused);
        match paused {
            Some(at) => {
                self.submit(at, Command::Resume { by: "sim".into() })?;
                self.conduct()?;
                Ok(true)
            }
            None => Ok(false),
        }
    }
}

fn cases(seed: u64) -> Vec<Case> {
    let mut rng = Rng::of(seed, "fleet");
    let taste = Taste {
        failing: 30,
        retrying: 35,
        halting: 40,
        narrow: 20,
        once: 0,
        total: 10,
        jitter: 50,
        asking: 0,
        patient: false,
        flowing: 0,
        undoing: 0,
    };
    (0..rng.range(2, 9))
        .map(|at| {
            let seed = seed * 100 + at;
            let mut spec = pipeline(seed, taste);
            spec.stages.truncate(3);
            for stage in spec.stages.iter_mut().filter(|stage| stage.kind.works()) {
                stage.asks.environment = rng.chance(40).then_some("bench");
            }
            spec.complete();
            // Ids sort by time of creation, as those of version 7 do.
            spec.seed = seed;
            spec.group = Some(rng.pick(&GROUPS));
            Case { seed, spec, weather: Weather::Rough, acts: vec![] }
        })
        .collect()
}

fn sail(seed: u64) -> Result<(usize, usize, usize), Broken> {
    let cases = cases(seed);
    let nodes: Vec<Vec<Node>> = cases.iter().map(|case| oracle::graph(&case.spec)).collect();
    let worlds: Result<Vec<_>, Broken> =
        cases.iter().zip(&nodes).map(|(case, nodes)| World::new(case, nodes)).collect();
    let mut rng = Rng::of(seed, "arrivals");
    let mut arrivals: Vec<Micros> = cases.iter().map(|_| rng.below(60 * SECOND)).collect();
    arrivals.sort_unstable();
    let mut fleet = Fleet {
        now: 0,
        worlds: worlds?,
        groups: cases.iter().map(|case| case.spec.group.unwrap()).collect(),
        arrivals,
        here: vec![false; cases.len()],
        rng,
        interfere: if seed.is_multiple_of(2) { 12 } else { 0 },
        entered: 0,
    };
    fleet.worlds.iter_mut().for_each(|world| world.fleet = true);
    let mut rest = 4000;
    while fleet.step()? {
        rest -= 1;
        if rest == 0 {
            return Err("the fleet never arrives".into());
        }
    }
    let mut cancelled = 0;
    for (at, world) in fleet.worlds.iter().enumerate() {
        match world.ledger.finished {
            None => return Err(format!("run {at} never ended: {}", world.run.status().word())),
            Some(FinalStatus::Cancelled) => cancelled += 1,
            Some(FinalStatus::Succeeded | FinalStatus::Failed) => {}
        }
        if world.run.occupant().is_some() || !world.ledger.live_attempts().is_empty() {
            return Err(format!("run {at} has ended and still holds its place"));
        }
    }
    Ok((fleet.worlds.len(), cancelled, fleet.entered))
}

#[test]
fn groups_hold_their_limit_waste_no_place_and_keep_their_queues() {
    let (mut runs, mut cancelled, mut entered) = (0, 0, 0);
    let fleets = crate::sim::number("ORCHESTRATE_SIM_SEEDS").unwrap_or(500) / 4;
    for seed in 0..fleets {
        match sail(seed) {
            Ok((some, gone, locks)) => {
                runs += some;
                entered += locks;
                cancelled += gone;
            }
            Err(broken) => panic!("fleet {seed}: {broken}"),
        }
    }
    let few = runs < 3 * fleets as usize || cancelled * 20 < runs || entered < runs / 2;
    assert!(fleets < 100 || !few, "{runs} runs, {cancelled} cancelled, {entered} locks");
}
