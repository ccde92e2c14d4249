//! What a generated pipeline asks of people, who the people are, and what each of them will say:
//! drawn from the seed, so that the oracle can read it before anybody is asked.

use std::fmt::Write as _;
use std::time::Duration;

use engine::event::{Decision, Environment, GateId, GateKind, Person};
use engine::id::ExecutionId;
use indexmap::IndexMap;
use pipeline::model::{Electorate, FormTimeout, OnTimeout, Quorum};

use super::{Micros, SECOND, Spec, StageSpec};
use crate::sim::rng::Rng;

/// What one stage asks.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Asks {
    /// `auto_advance: false`
    pub(crate) held: bool,
    pub(crate) start: Option<Electorate>,
    pub(crate) form: Option<FormSpec>,
    pub(crate) complete: Option<Electorate>,
    pub(crate) max_revisions: u32,
    pub(crate) environment: Option<&'static str>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FormSpec {
    pub(crate) assignees: Vec<&'static str>,
    /// In seconds.
    pub(crate) timeout: Option<u64>,
    pub(crate) on_timeout: FormTimeout,
    /// Its required field has a default.
    pub(crate) prefilled: bool,
    /// `ask: missing`
    pub(crate) missing: bool,
}

/// Whoever starts every run of the simulation.
pub(crate) const INITIATOR: &str = "sim";

const PEOPLE: [(&str, &[&str]); 6] = [
    (INITIATOR, &["devops"]),
    ("ana", &["devops"]),
    ("bo", &["devops", "leads"]),
    ("cy", &["leads"]),
    ("di", &[]),
    ("ed", &["guests"]),
];

pub(crate) fn person(at: usize) -> Person {
    let (name, groups) = PEOPLE[at % PEOPLE.len()];
    Person {
        name: name.into(),
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        through: None,
    }
}

pub(crate) fn named(name: &str) -> Person {
    (0..PEOPLE.len()).map(person).find(|one| one.name == name).unwrap()
}

pub(crate) fn everybody() -> Vec<Person> {
    (0..PEOPLE.len()).map(person).collect()
}

/// What the data folder says of the environments that pipelines may name.
pub(crate) const ENVIRONMENTS: [&str; 3] = ["prod", "bench", "review"];

pub(crate) fn environment(name: &str) -> Environment {
    let policy = |approvers: &[&str], quorum| Electorate {
        approvers: approvers.iter().map(|one| (*one).to_owned()).collect(),
        quorum,
        timeout: Duration::from_secs(120),
        ..Electorate::default()
    };
    match name {
        "prod" => Environment {
            approval: Some(policy(&["leads", "devops"], Quorum::All)),
            lock: true,
            variables: IndexMap::new(),
        },
        "bench" => Environment { lock: true, ..Environment::default() },
        "review" => Environment {
            approval: Some(policy(&["cy", "bo"], Quorum::Any)),
            ..Environment::default()
        },
        other => panic!("no environment is called {other}"),
    }
}

impl Spec {
    pub(crate) fn environments(&self) -> IndexMap<String, Environment> {
        let named = self.all().filter_map(|stage| stage.asks.environment);
        named.map(|name| (name.to_owned(), environment(name))).collect()
    }

    /// Who votes what when, counted from the opening of a gate (or its escalation); in order.
    pub(crate) fn voting(&self, gate: &GateId, escalated: bool) -> Vec<(Micros, Person, Decision)> {
        let again = if escalated { " escalated" } else { "" };
        let mut rng = Rng::of(self.seed, &format!("{gate}{again}"));
        let mut people = everybody();
        let mut out = vec![];
        let most = if rng.chance(20) { rng.index(3) } else { people.len() };
        let mut at = 0;
        while !people.is_empty() && out.len() < most {
            let who = people.remove(rng.index(people.len()));
            at += rng.range(1, 20 * SECOND);
            let decision = match rng.below(100) {
                0..=4 => Decision::Reject,
                5..=12 if gate.kind == GateKind::Complete => Decision::RequestChanges,
                _ => Decision::Approve,
            };
            out.push((at, who, decision));
        }
        out
    }

    /// When the form is answered well, counted from its opening, and by whom; `None`: never.
    pub(crate) fn answering(
        &self,
        execution: &ExecutionId,
        generation: u32,
    ) -> Option<(Micros, Person)> {
        let form = self.stage(&execution.stage).asks.form.as_ref().unwrap();
        let mut rng = Rng::of(self.seed, &format!("{execution} form {generation}"));
        if form.timeout.is_some() && rng.chance(25) {
            return None;
        }
        let able: Vec<_> = everybody().into_iter().filter(|one| form.takes(one)).collect();
        Some((rng.range(1, 40 * SECOND), able[rng.index(able.len())].clone()))
    }

    /// When somebody lets it go on, counted from the hold.
    pub(crate) fn advancing(&self, execution: &ExecutionId) -> Micros {
        Rng::of(self.seed, &format!("{execution} held")).range(1, 40 * SECOND)
    }
}

impl FormSpec {
    pub(crate) fn takes(&self, who: &Person) -> bool {
        self.assignees.is_empty() || self.assignees.iter().any(|entry| who.is(entry))
    }

    fn yaml(&self) -> String {
        let mut out = String::from("{fields: {answer: {type: text, required: true, max_length: 9");
        if self.prefilled {
            out.push_str(", default: usual");
        }
        out.push_str("}, share: {type: number, min: 1, max: 5}}");
        if !self.assignees.is_empty() {
            let _ = write!(out, ", assignees: [{}]", self.assignees.join(", "));
        }
        if let Some(timeout) = self.timeout {
            let word = match self.on_timeout {
                FormTimeout::Fail => "fail",
                FormTimeout::Skip => "skip",
                FormTimeout::Submit => "submit",
            };
            let _ = write!(out, ", timeout: {timeout}s, on_timeout: {word}");
        }
        if self.missing {
            out.push_str(", ask: missing");
        }
        out.push('}');
        out
    }
}

impl StageSpec {
    /// The rules of its start gate: its environment's, or its own.
    pub(crate) fn start_gate(&self) -> Option<Electorate> {
        if self.name.ends_with(".rollback") {
            return None;
        }
        let policy = self.asks.environment.and_then(|name| environment(name).approval);
        policy.or_else(|| self.asks.start.clone())
    }

    /// Of its complete gate, if it has one.
    pub(crate) fn complete_gate(&self) -> Option<Electorate> {
        let own = self.asks.complete.as_ref()?;
        let policy = self.asks.environment.and_then(|name| environment(name).approval);
        Some(policy.unwrap_or_else(|| own.clone()))
    }

    pub(crate) fn lock(&self) -> bool {
        self.asks.environment.is_some_and(|name| environment(name).lock)
    }

    pub(super) fn asks_yaml(&self, whole: bool, line: &mut impl FnMut(String)) {
        let asks = &self.asks;
        if asks.held {
            line("auto_advance: false".into());
        }
        if let Some(gate) = &asks.start {
            line(format!("requires_approval: {}", electorate_yaml(gate)));
        }
        if let Some(form) = &asks.form {
            line(format!("{}: {}", if whole { "form" } else { "human" }, form.yaml()));
        }
        if let Some(gate) = &asks.complete {
            line(format!("approve_complete: {}", electorate_yaml(gate)));
        }
        if asks.complete.is_some() {
            line(format!("max_revisions: {}", asks.max_revisions));
        }
        if let Some(name) = asks.environment {
            line(format!("environment: {name}"));
        }
    }
}

pub(super) fn electorate_yaml(gate: &Electorate) -> String {
    let mut out = format!("{{approvers: [{}]", gate.approvers.join(", "));
    match gate.quorum {
        Quorum::All => out.push_str(", quorum: all"),
        Quorum::Any => out.push_str(", quorum: any"),
        Quorum::Count(n) => {
            let _ = write!(out, ", quorum: {n}");
        }
    }
    if gate.allow_self {
        out.push_str(", allow_self: true");
    }
    let word = match gate.on_timeout {
        OnTimeout::Reject => "reject",
        OnTimeout::Approve => "approve",
        OnTimeout::Escalate => "escalate",
        OnTimeout::Skip => "skip",
        OnTimeout::Fail => "fail",
    };
    let _ = write!(out, ", timeout: {}s, on_timeout: {word}", gate.timeout.as_secs());
    if gate.on_timeout == OnTimeout::Escalate {
        let _ = write!(out, ", escalate_to: [{}]", gate.escalate_to.join(", "));
    }
    let reminders: Vec<_> = gate.reminders.iter().map(u8::to_string).collect();
    let _ = write!(out, ", reminders: [{}]}}", reminders.join(", "));
    out
}

/// Whether these people fill so many slots, each at most one: every way of seating them is tried.
pub(crate) fn seated(slots: &[Vec<usize>], needed: usize, taken: &mut Vec<usize>) -> bool {
    if needed == 0 {
        return true;
    }
    let Some((slot, rest)) = slots.split_first() else { return false };
    for who in slot {
        if !taken.contains(who) {
            taken.push(*who);
            let fits = seated(rest, needed - 1, taken);
            taken.pop();
            if fits {
                return true;
            }
        }
    }
    rest.len() >= needed && seated(rest, needed, taken)
}
