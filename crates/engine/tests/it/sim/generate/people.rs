//! Random gates, forms, holds and environments.

use std::time::Duration;

use pipeline::model::{Electorate, FormTimeout, OnTimeout, Quorum};

use super::Taste;
use crate::sim::rng::Rng;
use crate::sim::spec::{ENVIRONMENTS, FormSpec, Kind, StageSpec};

const SLOTS: [&str; 6] = ["ana", "bo", "cy", "di", "devops", "leads"];

pub(super) fn electorate(rng: &mut Rng, patient: bool) -> Electorate {
    let mut approvers: Vec<String> = vec![];
    for _ in 0..rng.below(4) {
        let one = rng.pick(&SLOTS).to_owned();
        if !approvers.contains(&one) {
            approvers.push(one);
        }
    }
    let on_timeout = rng.pick(&[
        OnTimeout::Reject,
        OnTimeout::Approve,
        OnTimeout::Escalate,
        OnTimeout::Skip,
        OnTimeout::Fail,
    ]);
    let escalates = on_timeout == OnTimeout::Escalate;
    let most = match (approvers.len() as u64, escalates) {
        (_, true) => 1,
        (0, false) => 2,
        (slots, false) => slots,
    };
    let quorum = match rng.below(3) {
        0 => Quorum::All,
        1 => Quorum::Any,
        _ => Quorum::Count(u32::try_from(rng.range(1, most)).unwrap()),
    };
    Electorate {
        approvers,
        quorum,
        allow_self: rng.chance(30),
        timeout: if patient {
            Duration::from_secs(604_800)
        } else {
            Duration::from_secs(rng.range(10, 90))
        },
        on_timeout,
        escalate_to: if escalates {
            vec![rng.pick(&["ed", "leads", "di"]).to_owned()]
        } else {
            vec![]
        },
        reminders: if rng.chance(40) { vec![50, 90] } else { vec![] },
    }
}

pub(super) fn ask(rng: &mut Rng, stage: &mut StageSpec, taste: Taste) {
    let patient = taste.patient;
    if rng.chance(50) {
        stage.asks.start = Some(electorate(rng, patient));
    }
    if rng.chance(35) && stage.total.is_none() {
        stage.asks.complete = Some(electorate(rng, patient));
        stage.asks.max_revisions = u32::try_from(rng.range(0, 2)).unwrap();
    }
    if rng.chance(40) {
        stage.asks.form = Some(form(rng, patient));
        if stage.kind == Kind::Noop {
            stage.kind = Kind::Form;
        }
    }
    stage.asks.held = rng.chance(20);
    if rng.chance(30) && stage.kind.works() {
        stage.asks.environment = Some(rng.pick(&ENVIRONMENTS));
        // An environment's policy is short of time.
        if patient {
            stage.asks.environment = Some("bench");
        }
    }
}

fn form(rng: &mut Rng, patient: bool) -> FormSpec {
    let assignees: [&[&str]; 3] = [&[], &["devops"], &["di", "leads"]];
    let prefilled = rng.chance(40);
    FormSpec {
        assignees: rng.pick(&assignees).to_vec(),
        timeout: (!patient && rng.chance(40)).then(|| rng.range(10, 60)),
        on_timeout: if prefilled {
            rng.pick(&[FormTimeout::Fail, FormTimeout::Skip, FormTimeout::Submit])
        } else {
            rng.pick(&[FormTimeout::Fail, FormTimeout::Skip])
        },
        prefilled,
        missing: prefilled && rng.chance(30),
    }
}
