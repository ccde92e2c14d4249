//! Random triggers, events and rollback actions.

use engine::event::Occurrence;
use pipeline::model::OnFailure;

use super::Taste;
use super::people::electorate;
use crate::sim::oracle;
use crate::sim::rng::Rng;
use crate::sim::spec::{
    Delivery, EmitSpec, How, INSIDE, ListenSpec, MapSpec, Message, OUTSIDE, SECOND, Spec,
    StageSpec, TriggerSpec, TriggersSpec, UndoSpec,
};

fn small(rng: &mut Rng, from: u64, to: u64) -> u32 {
    u32::try_from(rng.range(from, to)).unwrap()
}

/// Events and triggers of a stage of a graph.
pub(super) fn connect(rng: &mut Rng, stage: &mut StageSpec, spec: &Spec, taste: Taste) {
    // Whoever listens knows all emitters: no later stage gives an event that is listened to.
    let event = rng.pick(&INSIDE);
    if stage.kind.works() && rng.chance(20) {
        let (there, required) = (rng.chance(60), rng.chance(60));
        let default = !required && rng.chance(40);
        stage.flow.mapping = Some(MapSpec { there, required, default });
    }
    if stage.kind.works() && !spec.listens(event) && rng.chance(45) {
        let count = rng.range(1, 4);
        let messages = (0..count).map(|_| message(rng, 6)).collect();
        stage.flow.emits.push(EmitSpec { event, messages });
        return;
    }
    let earlier: Vec<&str> = spec.stages.iter().map(|stage| stage.name.as_str()).collect();
    let heard = |event: &&str| !spec.emitters(event).is_empty() || OUTSIDE.contains(event);
    let events: Vec<&'static str> = INSIDE.into_iter().chain(OUTSIDE).filter(heard).collect();
    let listen = |rng: &mut Rng, keyed: bool| {
        let keyed = keyed && rng.chance(60);
        TriggerSpec::Event(ListenSpec {
            event: rng.pick(&events),
            filter: rng.chance(50),
            keyed,
            needs: keyed && rng.chance(60),
        })
    };
    if rng.chance(40) && stage.kind.works() {
        stage.foreach = None;
        stage.outputs = false;
        if stage.luck.how == How::BadOutput {
            stage.luck.how = How::Code(1);
        }
        stage.flow.triggers = Some(TriggersSpec {
            all: false,
            list: vec![listen(rng, true)],
            instances: Some(small(rng, 1, 3)),
            expect: rng.chance(30).then(|| small(rng, 1, 3)),
        });
    } else {
        let mut list = vec![];
        let one = |rng: &mut Rng| earlier[rng.index(earlier.len())].to_owned();
        if rng.chance(50) {
            list.push(listen(rng, false));
        }
        if !earlier.is_empty() && rng.chance(60) {
            list.push(TriggerSpec::Completion { stage: one(rng), success_only: rng.chance(50) });
        }
        if !earlier.is_empty() && rng.chance(40) {
            let outcome = rng.pick(&["succeeded", "failed", "skipped"]);
            list.push(TriggerSpec::Condition { stage: one(rng), outcome });
        }
        if rng.chance(25) {
            let gate = rng.chance(50).then(|| electorate(rng, taste.patient));
            list.push(TriggerSpec::Manual(gate));
        }
        // Completions alone are dependencies by another name.
        if list.iter().all(|one| matches!(one, TriggerSpec::Completion { .. })) {
            return;
        }
        stage.flow.triggers =
            Some(TriggersSpec { all: rng.chance(30), list, instances: None, expect: None });
    }
    stage.parallel_with = None;
    stage.deps.get_or_insert_default();
}

fn message(rng: &mut Rng, keys: u64) -> Message {
    let own = rng.range(1, keys);
    let other = rng.range(1, keys + 1);
    let needs = if rng.chance(30) && other != own { vec![format!("k{other}")] } else { vec![] };
    Message { key: format!("k{own}"), needs, good: rng.chance(80) }
}

/// What comes from outside: enough for everybody who waits for it, and some more.
pub(super) fn deliveries(rng: &mut Rng, spec: &mut Spec) {
    let mut out = vec![];
    for event in OUTSIDE {
        let wanted = spec
            .all()
            .filter(|stage| stage.listens().is_some_and(|listen| listen.event == event))
            .map(|stage| stage.expects(spec).unwrap_or(1))
            .max();
        let Some(wanted) = wanted else { continue };
        for n in 1..=u64::from(wanted) + rng.below(3) {
            // Each key once, so that nothing is in the way of what is expected.
            let earlier = rng.range(1, n);
            let needs =
                if rng.chance(30) && earlier < n { vec![format!("k{earlier}")] } else { vec![] };
            let good = Message { key: format!("k{n}"), needs, good: true };
            let at = rng.below(60 * SECOND);
            out.push(delivery(event, &format!("{event}-{n}"), &good, at));
            if rng.chance(20) {
                // The same one again.
                out.push(delivery(event, &format!("{event}-{n}"), &good, at + SECOND));
            }
            if rng.chance(20) {
                let bad = Message { good: false, key: format!("bad{n}"), needs: vec![] };
                out.push(delivery(event, &format!("{event}-bad-{n}"), &bad, at / 2));
            }
        }
    }
    out.sort_by_key(|one| one.at);
    spec.deliveries = out;
}

fn delivery(event: &str, id: &str, message: &Message, at: u64) -> Delivery {
    let occurrence = Occurrence {
        id: id.into(),
        kind: event.into(),
        data: message.json(),
        source: "user:ana".into(),
    };
    Delivery { at, occurrence }
}

/// How it is undone, and what its failure undoes.
pub(super) fn undo(rng: &mut Rng, stage: &mut StageSpec, taste: Taste) {
    if !stage.kind.works() {
        return;
    }
    stage.flow.undo = match rng.below(10) {
        0..=2 => UndoSpec::Missing,
        3 => UndoSpec::Unneeded,
        _ => UndoSpec::Run { fails: rng.chance(15) },
    };
    if taste.halting > 0 && rng.chance(40) {
        stage.on_failure = Some(OnFailure::Rollback);
        stage.flow.rollback_to = Some(stage.name.clone());
    }
}

/// Whoever goes back goes back to itself, or to something before it.
pub(super) fn aim(rng: &mut Rng, spec: &mut Spec) {
    let nodes = oracle::graph(spec);
    for at in 0..spec.stages.len() {
        let name = spec.stages[at].name.clone();
        let place = nodes.iter().position(|node| node.name == name).unwrap();
        let mut above: Vec<usize> = nodes[place].deps.clone();
        for _ in 0..rng.below(4) {
            let more: Vec<usize> = above.iter().flat_map(|one| nodes[*one].deps.clone()).collect();
            above.extend(more.into_iter().take(8));
        }
        if spec.stages[at].flow.rollback_to.is_some() && !above.is_empty() {
            let to = nodes[above[rng.index(above.len())]].name.clone();
            spec.stages[at].flow.rollback_to = Some(to);
        }
    }
}
