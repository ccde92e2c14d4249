//! Many tasks, one installation: admission by itself, through arrivals, ends, pauses, switches of
//! the policy and drains, held against what the modes promise.

use std::collections::{BTreeMap, BTreeSet};

use engine::admission::{Occupant, Orchestration, Order, Policy, Stand, Step, Turn, admit, held};
use engine::id::RunId;
use engine::paths::overlap;
use jiff::Timestamp;
use uuid::Uuid;

use crate::sim::invariants::Broken;
use crate::sim::rng::Rng;

const TASKS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
const PATHS: [&[&str]; 6] =
    [&["src/a/**"], &["src/**"], &[], &["docs", "src/b"], &["*/b"], &["**/c", "ui/x.ts"]];

struct System {
    runs: BTreeMap<RunId, Occupant>,
    policy: Policy,
    /// Runs that were let in before the policy of now: it heeds them, and did not judge them.
    older: BTreeSet<RunId>,
    next: u64,
    rng: Rng,
    admitted: usize,
}

impl System {
    fn inside(&self) -> impl Iterator<Item = &Occupant> {
        self.runs.values().filter(|of| matches!(of.stand, Stand::Inside | Stand::Leaving))
    }

    fn arrive(&mut self) {
        let at = self.rng.index(TASKS.len());
        self.next += 1;
        let run = RunId(Uuid::from_u128(u128::from(self.next)));
        let turn = Turn {
            task: TASKS[at].to_owned(),
            waits: self.rng.chance(70),
            name: format!("{}-{}", TASKS[at], self.next),
            priority: i64::try_from(self.rng.below(3)).unwrap(),
            paths: PATHS[at].iter().map(|path| (*path).to_owned()).collect(),
            at: String::new(),
        };
        let since = Timestamp::from_second(i64::try_from(self.next).unwrap()).unwrap();
        let occupant =
            Occupant { run, group: None, turn: Some(turn), since, stand: Stand::Waiting };
        self.runs.insert(run, occupant);
    }

    fn switch(&mut self) {
        self.policy = Policy {
            orchestration: self.rng.pick(&Orchestration::ALL),
            max_tasks: u32::try_from(self.rng.range(1, 3)).unwrap(),
            order: self.rng.pick(&Order::ALL),
            drains: self.rng.chance(20).then(|| "it drains".to_owned()),
        };
        self.older = self.inside().map(|of| of.run).collect();
    }

    /// What the conductor does after everything.
    fn conduct(&mut self) -> Result<(), Broken> {
        for _ in 0..=self.runs.len() {
            let steps = admit(self.runs.values().cloned(), &self.policy);
            let again = admit(self.runs.values().rev().cloned(), &self.policy);
            ensure!(steps == again, "admission hangs on the order: {steps:?}, {again:?}");
            if steps.is_empty() {
                return self.check();
            }
            for step in steps {
                let Step::Admit(run) = step else { return Err(format!("{step:?}")) };
                self.admitted += 1;
                let of = self.runs.get_mut(&run).ok_or("nobody is let in")?;
                ensure!(of.stand == Stand::Waiting, "{run} is let in as {:?}", of.stand);
                of.stand = Stand::Inside;
                let task = of.turn.as_ref().unwrap().task.clone();
                // A task that is in the system stays in it with its next run.
                let of_it = |of: &Occupant| of.turn.as_ref().unwrap().task == task;
                if self.older.iter().any(|run| of_it(&self.runs[run])) {
                    self.older.insert(run);
                }
                self.check()?;
            }
        }
        Err("admission never comes to rest".into())
    }

    fn check(&self) -> Result<(), Broken> {
        let task = |of: &Occupant| of.turn.as_ref().unwrap().task.clone();
        let tasks: BTreeSet<String> = self.inside().map(task).collect();
        let new: Vec<&Occupant> =
            self.inside().filter(|of| !self.older.contains(&of.run)).collect();
        if new.is_empty() {
            return self.check_words();
        }
        ensure!(self.policy.drains.is_none(), "{:?} began in a drain", new[0]);
        // What is inside of before a switch may be more than the policy would let in.
        let most = match self.policy.orchestration {
            Orchestration::Sequential => 1,
            Orchestration::Parallel => usize::MAX,
            Orchestration::Hybrid => self.policy.max_tasks as usize,
        };
        let old = self.inside().filter(|of| self.older.contains(&of.run)).map(task);
        let most = most.max(old.collect::<BTreeSet<String>>().len());
        ensure!(tasks.len() <= most, "{tasks:?} are in the system in {:?}", self.policy);
        if self.policy.orchestration != Orchestration::Sequential {
            for one in new {
                let paths = |of: &Occupant| of.turn.as_ref().unwrap().paths.clone();
                let other = self
                    .inside()
                    .find(|other| task(other) != task(one) && overlap(&paths(one), &paths(other)));
                ensure!(other.is_none(), "{one:?} is inside beside {other:?}");
            }
        }
        self.check_words()
    }

    /// Whoever the policy keeps is told why, and nobody else.
    fn check_words(&self) -> Result<(), Broken> {
        for (run, why) in held(self.runs.values().cloned(), &self.policy) {
            let of = &self.runs[&run];
            ensure!(of.stand == Stand::Waiting, "{run} is kept as {:?}", of.stand);
            ensure!(!why.to_string().is_empty(), "{run} is kept and nobody says why");
        }
        Ok(())
    }

    fn step(&mut self) -> Result<(), Broken> {
        let runs: Vec<RunId> = self.runs.keys().copied().collect();
        let some = if runs.is_empty() { None } else { Some(runs[self.rng.index(runs.len())]) };
        match (self.rng.below(10), some) {
            (0..=3, _) | (_, None) => self.arrive(),
            (4..=6, Some(run)) => self.end(run),
            (7, Some(run)) => {
                let of = self.runs.get_mut(&run).unwrap();
                of.stand = match of.stand {
                    Stand::Waiting => Stand::Paused,
                    Stand::Paused => Stand::Waiting,
                    Stand::Inside | Stand::Leaving => Stand::Leaving,
                };
            }
            (8, _) => self.switch(),
            // Nothing but asking again.
            (_, Some(_)) => {}
        }
        self.conduct()
    }

    /// Whatever it did.
    fn end(&mut self, run: RunId) {
        if self.runs.get(&run).is_some_and(|of| matches!(of.stand, Stand::Inside | Stand::Leaving))
        {
            self.runs.remove(&run);
            self.older.remove(&run);
        }
    }

    /// Nobody starves: as those inside end, everybody gets in. A drain ends with the last of them,
    /// and lets the others begin.
    fn come_to_an_end(&mut self) -> Result<(), Broken> {
        for of in self.runs.values_mut().filter(|of| of.stand == Stand::Paused) {
            of.stand = Stand::Waiting;
        }
        self.conduct()?;
        for _ in 0..=self.runs.len() {
            let first = self.inside().next().map(|of| of.run);
            match first {
                Some(run) => self.end(run),
                None if self.policy.drains.is_some() => self.policy.drains = None,
                None if self.runs.is_empty() => return Ok(()),
                None => return Err(format!("nobody is inside, and there wait {:?}", self.runs)),
            }
            self.conduct()?;
        }
        if self.runs.is_empty() { Ok(()) } else { Err(format!("{} never begin", self.runs.len())) }
    }
}

#[test]
fn modes_keep_what_they_promise_and_nobody_starves() {
    let seeds = crate::sim::number("ORCHESTRATE_SIM_SEEDS").unwrap_or(500);
    let mut admitted = 0;
    for seed in 0..seeds {
        let mut system = System {
            runs: BTreeMap::new(),
            policy: Policy::default(),
            older: BTreeSet::new(),
            next: 0,
            rng: Rng::of(seed, "orchestration"),
            admitted: 0,
        };
        system.switch();
        for step in 0..60 {
            system.step().unwrap_or_else(|broken| panic!("seed {seed}, step {step}: {broken}"));
        }
        system.come_to_an_end().unwrap_or_else(|broken| panic!("seed {seed}: {broken}"));
        admitted += system.admitted;
    }
    assert!(admitted as u64 > 10 * seeds, "{admitted} runs began in {seeds} seeds");
}
