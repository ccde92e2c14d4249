//! One run in a world of its own: a clock that only the world moves, hands that do what is
//! desired, a journal that survives every death of the server.

mod acts;
pub(crate) mod people;
mod promises;

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::Run;
use engine::command::{Command, Create, End, Report, StopReason, TimerId, TimerKind, Verdict};
use engine::desired::Desired;
use engine::event::{Event, FinalStatus, GateId, RunLink, Stamped};
use engine::id::{AttemptId, ExecutionId, RunId};
use indexmap::IndexMap;
use jiff::Timestamp;
use pipeline::Pipeline;
use pipeline::when::Facts;
use serde_json::Value as Json;
use uuid::Uuid;

use self::people::Errand;
use crate::sim::coverage::Coverage;
use crate::sim::faults::{Act, Case, MEDDLING, ODD, Weather};
use crate::sim::hands::{Hands, exit};
use crate::sim::invariants::{Broken, Ledger};
use crate::sim::oracle::{self, Node};
use crate::sim::rng::Rng;
use crate::sim::spec::{Asks, INITIATOR, Micros, Spec};

/// So often somebody interferes with a run that only waits.
const MOST_ODD: u64 = 8;

/// A crash of the server that is waiting for its moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Death {
    /// The events were decided and never stored.
    BeforeAppend,
    /// They were stored; nobody was told and nothing was started.
    AfterAppend,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Accepted,
    Refused,
    /// The server died before it could answer.
    Silence,
}

#[derive(Clone)]
pub(crate) struct World<'a> {
    case: &'a Case,
    pub(crate) pipeline: Arc<Pipeline>,
    pub(crate) now: Micros,
    pub(crate) run: Run,
    /// The journal as another process would read it, event by event.
    replica: Run,
    pub(crate) journal: Vec<Stamped>,
    pub(crate) ledger: Ledger<'a>,
    pub(crate) hands: Hands,
    death: Option<Death>,
    /// How far the next decision's clock is behind.
    behind: Micros,
    past: Vec<AttemptId>,
    old_timers: Vec<TimerId>,
    next_act: usize,
    keys: BTreeMap<String, AttemptId>,
    effects: BTreeMap<String, (ExecutionId, u32)>,
    errands: BTreeMap<(Micros, u64), Errand>,
    planned: u64,
    old_gates: Vec<GateId>,
    /// People do nothing by themselves.
    pub(crate) mute: bool,
    /// Others use its environments too: somebody else lets it in.
    pub(crate) fleet: bool,
    /// How often somebody interfered while the run waited for a person.
    odd: u64,
    /// What each accepted retry named.
    asked: Vec<Option<ExecutionId>>,
    /// Batches of events, by their ends: what the store keeps together.
    commits: Vec<usize>,
    pub(crate) coverage: Coverage,
    pub(crate) told: Vec<String>,
}

pub(crate) fn instant(at: Micros) -> Timestamp {
    Timestamp::from_microsecond(i64::try_from(at).unwrap()).unwrap()
}

pub(crate) fn compile(text: &str) -> Result<Arc<Pipeline>, Broken> {
    let parsed = pipeline::parse(text);
    let refused = || format!("the pipeline is refused:\n{}", parsed.rendered("sim.yaml", false));
    parsed.pipeline.clone().map(Arc::new).ok_or_else(refused)
}

pub(crate) fn create(spec: &Spec) -> Command {
    Command::Create(Box::new(Create {
        run: RunId(Uuid::from_u128(u128::from(spec.seed))),
        number: 1,
        revision: 1,
        digest: "0".repeat(64),
        by: INITIATOR.into(),
        inputs: IndexMap::new(),
        event: Json::Null,
        facts: Facts {
            branch: spec.facts.branch.map(str::to_owned),
            paths: spec.facts.paths.clone(),
            labels: spec.facts.labels.clone(),
            environment: None,
        },
        directory: "/work".into(),
        seed: spec.seed,
        extends: None,
        inherited: Vec::new(),
        parent: None,
        environments: spec.environments(),
        config: IndexMap::new(),
        breakpoints: spec.breakpoints.iter().map(|name| name.as_str().into()).collect(),
        step: spec.step,
        task: None,
        held: false,
        traceparent: None,
        mode: Default::default(),
        rollout: Default::default(),
        notify: IndexMap::new(),
    }))
}

pub(crate) fn replay(pipeline: &Arc<Pipeline>, journal: &[Stamped]) -> Run {
    let mut run = Run::new(pipeline.clone());
    for stamped in journal {
        run.evolve(stamped).unwrap();
    }
    run
}

/// Runs one case to its end and checks everything on the way.
pub(crate) fn simulate(case: &Case, tell: bool) -> (Coverage, Vec<String>, Result<(), Broken>) {
    let nodes = oracle::graph(&case.spec);
    let mut world = match World::new(case, &nodes) {
        Ok(world) => world,
        Err(broken) => return (Coverage::default(), vec![], Err(broken)),
    };
    let result = world.live(&nodes);
    if !tell {
        world.told.clear();
    }
    (world.coverage, world.told, result)
}

impl<'a> World<'a> {
    pub(crate) fn new(case: &'a Case, nodes: &'a [Node]) -> Result<Self, Broken> {
        let pipeline = compile(&case.spec.yaml())?;
        Ok(Self {
            case,
            run: Run::new(pipeline.clone()),
            replica: Run::new(pipeline.clone()),
            pipeline,
            now: 0,
            journal: vec![],
            ledger: Ledger::new(&case.spec, nodes),
            hands: Hands::default(),
            death: None,
            behind: 0,
            past: vec![],
            old_timers: vec![],
            next_act: 0,
            keys: BTreeMap::new(),
            effects: BTreeMap::new(),
            errands: BTreeMap::new(),
            planned: 0,
            old_gates: vec![],
            mute: false,
            fleet: false,
            odd: 0,
            asked: vec![],
            commits: vec![0],
            coverage: Coverage::default(),
            told: vec![],
        })
    }

    fn live(&mut self, nodes: &[Node]) -> Result<(), Broken> {
        ensure!(self.submit(Command::Admit)? == Answer::Refused, "admitted before it was created");
        self.begin(self.case.weather == Weather::Storm && self.case.seed.is_multiple_of(3))?;
        self.finish()?;
        self.last_words(nodes)
    }

    /// Created, and admitted unless it has to wait for that.
    pub(crate) fn begin(&mut self, wait: bool) -> Result<(), Broken> {
        ensure!(self.submit(create(&self.case.spec))? == Answer::Accepted, "creation is refused");
        let grouped = self.case.spec.group.is_some();
        ensure!(self.ledger.started != grouped, "only a group is waited for");
        if !wait && grouped {
            ensure!(self.submit(Command::Admit)? == Answer::Accepted, "admission is refused");
        }
        Ok(())
    }

    /// Steps until nothing is left to happen.
    pub(crate) fn finish(&mut self) -> Result<(), Broken> {
        let mut rest = self.patience();
        while self.step()? {
            rest -= 1;
            ensure!(rest > 0, "the run does not end");
        }
        self.coverage.steps += self.patience() - rest;
        Ok(())
    }

    /// More steps than any run of this size needs.
    fn patience(&self) -> u64 {
        let spec = &self.case.spec;
        let tries: u64 =
            spec.all().map(|stage| u64::from(spec.retry_of(stage).max_attempts + 5) * 6).sum();
        200 + (tries * 4 + 40) * (1 + self.case.acts.len() as u64)
    }

    /// The server is gone and comes back; the hands went on.
    pub(crate) fn kill(&mut self) -> Result<(), Broken> {
        self.restart().map(|_| ())
    }

    /// No further act, and nobody dies.
    pub(crate) fn calm_down(&mut self) {
        self.next_act = self.case.acts.len();
        self.odd = MOST_ODD;
        self.death = None;
        self.behind = 0;
        self.hands.duplicate_next = false;
        self.hands.delay_next = 0;
    }

    /// Workers say nothing any more; after its lease each is lost.
    pub(crate) fn silence_workers(&mut self, lease: Micros) {
        self.hands.silence(self.now + lease);
    }

    pub(crate) fn ended(&self) -> Micros {
        micros(self.journal.last().unwrap().at)
    }

    /// The hands end what they run and their post is read; no timer, no person.
    pub(crate) fn settle_hands(&mut self) -> Result<(), Broken> {
        loop {
            let desired = self.look()?;
            self.reconcile(&desired)?;
            let Some(next) = self.hands.next() else { return Ok(()) };
            self.now = self.now.max(next);
            self.hands.reap(&self.case.spec, self.now);
            self.read_letter()?;
        }
    }

    /// The clock stands at the next timer's instant, or just before it.
    pub(crate) fn skip_to_timer(&mut self, early: Micros) {
        let timers = self.run.desired().timers;
        if let Some(due) = timers.iter().map(|timer| micros(timer.due)).min() {
            self.now = self.now.max(due - early);
        }
    }

    /// Fires any timer at this very instant; it acts only when it is armed and due.
    pub(crate) fn race(
        &mut self,
        stage: &str,
        kind: TimerKind,
        generation: u32,
    ) -> Result<Answer, Broken> {
        let desired = self.look()?;
        self.fire(TimerId { execution: ExecutionId::stage(stage), kind, generation }, &desired)
    }

    /// Results of each attempt of a stage, by attempt.
    pub(crate) fn results_of(&self, stage: &str) -> Vec<usize> {
        let mut counts = BTreeMap::new();
        for stamped in &self.journal {
            match &stamped.event {
                Event::AttemptScheduled { attempt } if &*attempt.execution.stage == stage => {
                    counts.entry(attempt.number).or_insert(0);
                }
                Event::AttemptFinished { attempt, .. } if &*attempt.execution.stage == stage => {
                    *counts.entry(attempt.number).or_insert(0) += 1;
                }
                _ => {}
            }
        }
        counts.into_values().collect()
    }

    /// The journal up to `cut`: its state desires exactly the attempts that its events leave live.
    pub(crate) fn cut_agrees(&self, cut: usize) -> Result<(), Broken> {
        let run = replay(&self.pipeline, &self.journal[..cut]);
        let mut ledger = self.ledger.fresh();
        let mut asked = self.asked.iter();
        for stamped in &self.journal[..cut] {
            if let Event::RunRetried { .. } = stamped.event {
                ledger.asked.clone_from(asked.next().unwrap());
            }
            ledger.enter(stamped)?;
        }
        let whole = self.commits.contains(&cut);
        let now = self.journal[..cut].last().map_or(0, |stamped| micros(stamped.at));
        ledger.agree(&run.desired(), now, whole)
    }

    /// Since when it waits for a place, or waited when it was created.
    pub(crate) fn waits_since(&self) -> Micros {
        let since = self.journal.iter().rev().find(|stamped| {
            matches!(stamped.event, Event::RunCreated { .. } | Event::RunRetried { .. })
        });
        since.map_or(0, |stamped| micros(stamped.at))
    }

    /// In words, which of the states that a cancel must cope with this is.
    pub(crate) fn situation(&self) -> Vec<&'static str> {
        let ledger = &self.ledger;
        let mut words = vec![];
        if !ledger.started {
            words.push("pending");
        }
        if ledger.paused {
            words.push("paused");
        }
        if !ledger.live_attempts().is_empty() {
            words.push("running");
        }
        for book in ledger.executions.values() {
            if book.live.as_ref().is_some_and(|live| live.unknown) {
                words.push("unknown");
            }
            if book.waits() {
                words.push("retry wait");
            }
        }
        if ledger.queued() {
            words.push("queued");
        }
        words
    }

    /// One thing happens. `false` when nothing is left to happen.
    pub(crate) fn step(&mut self) -> Result<bool, Broken> {
        let desired = self.look()?;
        self.reconcile(&desired)?;
        if self.grant()? {
            return Ok(true);
        }
        match self.next(&desired) {
            None => self.nudge(&desired),
            Some(next) => self.happen(&desired, next),
        }
    }

    fn next(&self, desired: &Desired) -> Option<Micros> {
        let act = self.case.acts.get(self.next_act).map(|act| act.at);
        let timer = desired.timers.iter().map(|timer| micros(timer.due)).min();
        [act, timer, self.hands.next(), self.visit()].into_iter().flatten().min()
    }

    /// When something happens by itself next.
    pub(crate) fn wakes(&mut self) -> Result<Option<Micros>, Broken> {
        let desired = self.look()?;
        self.reconcile(&desired)?;
        Ok(self.next(&desired).map(|next| next.max(self.now)))
    }

    fn happen(&mut self, desired: &Desired, next: Micros) -> Result<bool, Broken> {
        let act = self.case.acts.get(self.next_act).map(|act| act.at);
        self.now = self.now.max(next);
        if act.is_some_and(|at| at <= self.now) {
            let act = self.case.acts[self.next_act].clone();
            self.next_act += 1;
            self.perform(&act, desired)?;
            return Ok(true);
        }
        self.hands.reap(&self.case.spec, self.now);
        if self.read_letter()? {
            return Ok(true);
        }
        let due = desired.timers.iter().filter(|timer| micros(timer.due) <= self.now);
        if let Some(timer) = due.min_by_key(|timer| (timer.due, timer.id.clone())) {
            self.old_timers.push(timer.id.clone());
            let answer = self.submit(Command::Fire { timer: timer.id.clone() })?;
            ensure!(answer != Answer::Refused, "a due timer is refused: {timer:?}");
            return Ok(true);
        }
        self.receive()?;
        Ok(true)
    }

    fn read_letter(&mut self) -> Result<bool, Broken> {
        let Some((key, attempt, report)) = self.hands.letter(self.now) else { return Ok(false) };
        self.past.push(attempt.clone());
        if self.submit(Command::Report { attempt, report })? != Answer::Silence {
            self.hands.delivered(key);
        }
        Ok(true)
    }

    /// What is desired, after the bookkeeper has agreed.
    fn look(&self) -> Result<Desired, Broken> {
        let desired = self.run.desired();
        ensure!(desired == self.run.desired(), "desired says two things");
        self.ledger.check(&desired, self.now)?;
        self.ledger.shown(&self.run)?;
        Ok(desired)
    }

    fn reconcile(&mut self, desired: &Desired) -> Result<(), Broken> {
        for attempt in &desired.attempts {
            if !self.hands.known.contains(attempt) {
                self.check_task(attempt)?;
            }
        }
        for attempt in &desired.probes {
            ensure!(self.run.probe(attempt).is_some(), "{attempt:?} has no probe");
        }
        let ledger = &self.ledger;
        let tries = |attempt: &AttemptId| ledger.executions[&attempt.execution].tries + 1;
        self.hands.reconcile(&self.case.spec, desired, self.now, tries);
        for (attempt, starts) in &self.hands.starts {
            ensure!(*starts == 1, "{attempt:?} was started {starts} times");
        }
        Ok(())
    }

    /// Nothing happens by itself any more: either it is somebody's turn, or the run is over, or it
    /// is stuck for ever.
    fn nudge(&mut self, desired: &Desired) -> Result<bool, Broken> {
        if self.ledger.finished.is_some() {
            return Ok(false);
        }
        if self.case.weather == Weather::Storm && self.next_act > 0 && self.odd < MOST_ODD {
            self.odd += 1;
            let mut rng = Rng::new(self.case.seed.wrapping_add(self.odd));
            let asks = self.case.spec.all().any(|stage| stage.asks != Asks::default());
            let what = if asks && rng.chance(50) { rng.pick(&MEDDLING) } else { rng.pick(&ODD) };
            let act = Act { at: self.now, what, pick: rng.next() };
            self.perform(&act, desired)?;
            return Ok(true);
        }
        self.death = None;
        let by = || "sim".to_owned();
        let unknown = self
            .ledger
            .executions
            .iter()
            .find(|(_, book)| book.live.as_ref().is_some_and(|live| live.unknown))
            .map(|(id, _)| id.clone());
        let command = if self.ledger.paused {
            Command::Resume { by: by() }
        } else if let Some(command) = self.call_somebody() {
            command
        } else if let Some(execution) = unknown {
            Command::Resolve { by: by(), execution, verdict: Verdict::Succeeded }
        } else if !self.ledger.started {
            Command::Admit
        } else if let Some(command) = self.send_again() {
            command
        } else {
            return Err(format!(
                "the run is stuck: nothing will ever happen again; desired {desired:?}, hands {:?}",
                self.hands.running()
            ));
        };
        let answer = self.submit(command.clone())?;
        ensure!(answer == Answer::Accepted, "{command:?} is refused: the run is stuck");
        Ok(true)
    }

    /// The way of every command: decide, store, fold; or be refused and change nothing.
    pub(crate) fn submit(&mut self, command: Command) -> Result<Answer, Broken> {
        let status = self.run.status().word();
        let wanted = self.must(&command);
        // Firing early would be refused, and rightly.
        let timer = matches!(command, Command::Fire { .. });
        let behind = if timer { 0 } else { std::mem::take(&mut self.behind) };
        let now = instant(self.now.saturating_sub(behind));
        let stamp = self.journal.last().map_or(now, |last| last.at.max(now));
        let answer = self.run.handle(command.clone(), now);
        self.coverage.command(&command, status, answer.is_ok());
        let events = match answer {
            Err(rejection) => {
                self.told.push(format!("{:>12} {command:?}: refused, {rejection}", self.now));
                ensure!(self.run == self.replica, "{command:?} was refused and changed the run");
                ensure!(
                    wanted != Some(true),
                    "{command:?} is refused ({rejection}) while {status}"
                );
                self.expected(&command, &rejection)?;
                return Ok(Answer::Refused);
            }
            Ok(events) => events,
        };
        self.told.push(format!("{:>12} {command:?}", self.now));
        ensure!(wanted != Some(false), "{command:?} is accepted while {status}");
        if let Command::Retry { from, .. } = &command {
            self.ledger.asked.clone_from(from);
        }
        self.ledger.undoes_rewind(matches!(command, Command::UndoRewind { .. }));
        if let Some(first) = events.first() {
            self.taken_at_its_word(&command, &first.event)?;
        }
        let death = self.death.take();
        if death == Some(Death::BeforeAppend) {
            self.told.push("             the server dies, nothing was stored".into());
            return self.restart();
        }
        for stamped in &events {
            self.told.push(format!("             + {:?}", stamped.event));
            ensure!(stamped.at == stamp, "an event of {stamp} is stamped {}", stamped.at);
            self.ledger.enter(stamped).map_err(|broken| {
                format!("{broken} (at {} after {command:?})", stamped.event.name())
            })?;
            self.coverage.event(&stamped.event);
            let text = serde_json::to_string(stamped).map_err(|error| error.to_string())?;
            let read: Stamped = serde_json::from_str(&text).map_err(|error| error.to_string())?;
            ensure!(read == *stamped, "an event does not survive being stored: {text}");
            self.replica.evolve(&read).map_err(|error| error.to_string())?;
        }
        self.ledger.undoes_rewind(false);
        if let Command::Retry { from, .. } = &command {
            self.asked.push(from.clone());
        }
        for stamped in &events {
            self.hear(&stamped.event);
            if let Event::GateResolved { gate, .. } = &stamped.event {
                self.old_gates.push(gate.clone());
            }
        }
        self.journal.extend(events);
        self.commits.push(self.journal.len());
        ensure!(self.run == self.replica, "{command:?}: state and journal differ");
        if death == Some(Death::AfterAppend) {
            self.told.push("             the server dies, nobody was told".into());
            return self.restart();
        }
        Ok(Answer::Accepted)
    }

    fn restart(&mut self) -> Result<Answer, Broken> {
        self.ledger.asked = None;
        self.run = replay(&self.pipeline, &self.journal);
        ensure!(self.run == self.replica, "the journal folds to another state");
        self.hands.restart();
        Ok(Answer::Silence)
    }
}

fn any_report(rng: &mut Rng) -> Report {
    stray(rng.below(8))
}

fn stray(kind: u64) -> Report {
    match kind {
        0 => Report::Started { worker: "other".into(), pid: None },
        1 => Report::Exited(exit(End::Code(0), Ok(IndexMap::new()))),
        2 => Report::Exited(exit(End::Stopped(StopReason::Cancelled), Ok(IndexMap::new()))),
        3 => Report::NotStarted { message: "late".into() },
        6 => Report::ChildStarted {
            child: RunLink { run: RunId(Uuid::nil()), name: "late#1".into(), number: 1 },
        },
        7 => Report::ChildEnded {
            status: FinalStatus::Succeeded,
            reason: String::new(),
            outputs: IndexMap::new(),
        },
        4 => Report::Lost { message: "late".into() },
        _ => Report::Probed { exit_code: Some(0) },
    }
}

pub(crate) fn micros(at: Timestamp) -> Micros {
    u64::try_from(at.as_microsecond()).unwrap()
}
