//! What goes wrong, and who interferes: a list of acts drawn in advance, so that a failing list can
//! be shortened.

use engine::command::Verdict;

use crate::sim::generate::{self, Taste};
use crate::sim::rng::Rng;
use crate::sim::spec::{Micros, SECOND, Spec};

#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) seed: u64,
    pub(crate) spec: Spec,
    pub(crate) weather: Weather,
    pub(crate) acts: Vec<Act>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weather {
    /// Nothing goes wrong and nobody interferes: the oracle knows the end to the microsecond.
    Calm,
    /// Calm, with limits: the oracle knows what, not when.
    Narrow,
    /// Things go wrong that must not change what the run comes to.
    Rough,
    /// Anything.
    Storm,
}

#[derive(Clone, Debug)]
pub(crate) struct Act {
    pub(crate) at: Micros,
    pub(crate) what: What,
    /// Chooses among whatever is there when the act comes.
    pub(crate) pick: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    // people
    Create,
    Admit,
    Pause,
    PauseNow,
    Resume,
    Cancel,
    RetryAll,
    RetryFrom,
    Resolve(Verdict),
    Vote,
    Delegate,
    Revoke,
    Submit,
    Inquire,
    TakeOver,
    LetGo,
    HandBack,
    Advance,
    Breakpoints,
    Grant,
    Deliver,
    RollBack,
    Rewind,
    UndoRewind,
    // reports and timers that come when they should not
    StaleReport,
    WrongFence,
    ForeignTimer,
    EarlyTimer,
    OldTimer,
    // the world
    Lose,
    Duplicate,
    Delay,
    DieBeforeAppend,
    DieAfterAppend,
    DieBetween,
    Reboot,
    Jump,
    /// The wall clock was set back while no server ran.
    ClockBack,
}

/// What attempts ask is not among them: it counts as a gate, and what people say at the next one depends on
/// its number.
const HARMLESS: [What; 14] = [
    What::Create,
    What::Pause,
    What::Resume,
    What::StaleReport,
    What::WrongFence,
    What::ForeignTimer,
    What::EarlyTimer,
    What::OldTimer,
    What::Duplicate,
    What::Delay,
    What::DieBeforeAppend,
    What::DieAfterAppend,
    What::DieBetween,
    What::ClockBack,
];

const ANYTHING: [What; 31] = [
    What::Create,
    What::Admit,
    What::Pause,
    What::Pause,
    What::PauseNow,
    What::PauseNow,
    What::Resume,
    What::Resume,
    What::Resume,
    What::Cancel,
    What::RetryAll,
    What::RetryAll,
    What::RetryFrom,
    What::RetryFrom,
    What::Resolve(Verdict::Retry),
    What::Resolve(Verdict::Succeeded),
    What::Resolve(Verdict::Failed),
    What::StaleReport,
    What::WrongFence,
    What::ForeignTimer,
    What::EarlyTimer,
    What::OldTimer,
    What::Lose,
    What::Lose,
    What::Duplicate,
    What::Delay,
    What::DieBeforeAppend,
    What::DieAfterAppend,
    What::Reboot,
    What::Jump,
    What::ClockBack,
];

/// What people do to gates, forms and holds whom nobody expected.
pub(crate) const MEDDLING: [What; 18] = [
    What::Vote,
    What::Vote,
    What::Vote,
    What::Vote,
    What::Vote,
    What::Delegate,
    What::Delegate,
    What::Delegate,
    What::Revoke,
    What::Submit,
    What::Submit,
    What::Inquire,
    What::TakeOver,
    What::LetGo,
    What::HandBack,
    What::Advance,
    What::Breakpoints,
    What::Grant,
];

/// What attempts ask while they run, and people who take their place.
const TAKING: [What; 10] = [
    What::Inquire,
    What::Inquire,
    What::Inquire,
    What::Vote,
    What::Vote,
    What::TakeOver,
    What::TakeOver,
    What::LetGo,
    What::HandBack,
    What::HandBack,
];

/// What people undo, and what reaches the run from outside.
pub(crate) const UNDOING: [What; 8] = [
    What::RollBack,
    What::RollBack,
    What::RollBack,
    What::Deliver,
    What::Rewind,
    What::Rewind,
    What::Rewind,
    What::UndoRewind,
];

/// What people and stray letters do to a run that waits for somebody.
pub(crate) const ODD: [What; 16] = [
    What::Create,
    What::Admit,
    What::Pause,
    What::PauseNow,
    What::Resume,
    What::Cancel,
    What::RetryAll,
    What::RetryFrom,
    What::Resolve(Verdict::Retry),
    What::Resolve(Verdict::Failed),
    What::StaleReport,
    What::StaleReport,
    What::WrongFence,
    What::ForeignTimer,
    What::EarlyTimer,
    What::DieAfterAppend,
];

pub(crate) fn case(seed: u64) -> Case {
    let mut rng = Rng::of(seed, "case");
    let weather =
        rng.pick(&[Weather::Calm, Weather::Narrow, Weather::Rough, Weather::Storm, Weather::Storm]);
    let mut taste = Taste {
        failing: 35,
        retrying: 35,
        halting: 35,
        narrow: 0,
        once: 15,
        total: 12,
        jitter: 0,
        asking: if rng.chance(40) { 45 } else { 0 },
        flowing: if rng.chance(40) { 45 } else { 0 },
        undoing: if rng.chance(40) { 50 } else { 0 },
        patient: weather == Weather::Rough,
    };
    match weather {
        Weather::Calm => {}
        Weather::Narrow => taste = Taste { halting: 0, narrow: 70, total: 0, jitter: 50, ..taste },
        Weather::Rough => {
            taste = Taste { halting: 0, narrow: 40, total: 0, once: 0, jitter: 50, ..taste };
        }
        Weather::Storm => taste = Taste { narrow: 40, once: 30, jitter: 50, ..taste },
    }
    // Most stages fail and are tried again, and many of them halt the run.
    if rng.chance(25) {
        let halting = if taste.halting > 0 { 60 } else { 0 };
        taste = Taste { failing: 75, retrying: 90, halting, ..taste };
    }
    // Few stages, all of them `once`, and workers that vanish: the run often waits for a person.
    let doubtful = weather == Weather::Storm && rng.chance(25);
    if doubtful {
        taste = Taste { once: 100, total: 50, ..taste };
    }
    let mut spec = generate::pipeline(seed, taste);
    let mut acts = match weather {
        Weather::Calm | Weather::Narrow => vec![],
        Weather::Rough => acts(&mut rng, &HARMLESS, 30),
        Weather::Storm if taste.asking > 0 => {
            let mut all = acts(&mut rng, &ANYTHING, 25);
            all.extend(acts(&mut rng, &MEDDLING, 30));
            all.extend(acts(&mut rng, &UNDOING, 5));
            all.sort_by_key(|act| act.at);
            all
        }
        Weather::Storm if taste.undoing > 0 || taste.flowing > 0 => {
            let mut all = acts(&mut rng, &ANYTHING, 30);
            all.extend(acts(&mut rng, &UNDOING, 10));
            all.sort_by_key(|act| act.at);
            all
        }
        Weather::Storm => acts(&mut rng, &ANYTHING, 40),
    };
    // Drawn apart, so that they change nothing else of a seed.
    if weather == Weather::Storm {
        acts.extend(self::acts(&mut Rng::of(seed, "taking"), &TAKING, 25));
        acts.sort_by_key(|act| act.at);
    }
    if doubtful {
        spec.stages.truncate(3);
        let left: Vec<_> = spec.stages.iter().map(|stage| stage.name.clone()).collect();
        for stage in &mut spec.stages {
            let to = stage.flow.rollback_to.as_ref();
            if to.is_some_and(|to| !left.contains(to)) {
                stage.flow.rollback_to = Some(stage.name.clone());
            }
        }
        spec.complete();
        acts.extend((1..4).map(|i| Act { at: i * SECOND, what: What::Lose, pick: rng.next() }));
        acts.sort_by_key(|act| act.at);
    }
    Case { seed, spec, weather, acts }
}

fn acts(rng: &mut Rng, from: &[What], most: u64) -> Vec<Act> {
    let count = rng.range(1, most);
    let span = rng.pick(&[20, 60, 120]) * SECOND;
    let mut acts: Vec<Act> = (0..count)
        .map(|_| Act { at: rng.below(span), what: rng.pick(from), pick: rng.next() })
        .collect();
    acts.sort_by_key(|act| act.at);
    acts
}
