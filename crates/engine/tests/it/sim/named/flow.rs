//! Events: none is missed, none counts twice.

use engine::command::Command;
use engine::event::{Event, FinalStatus, Occurrence, Outcome};

use super::{after_stage, alone, bare};
use crate::sim::faults::Case;
use crate::sim::oracle;
use crate::sim::spec::{ListenSpec, Luck, Message, SECOND, StageSpec, TriggerSpec, TriggersSpec};
use crate::sim::world::{Answer, World};

fn order(id: &str) -> Occurrence {
    let message = Message { key: id.into(), needs: vec![], good: true };
    Occurrence {
        id: id.into(),
        kind: "order.placed".into(),
        data: message.json(),
        source: "user:ana".into(),
    }
}

fn waiter(instances: Option<u32>, expect: Option<u32>) -> StageSpec {
    let listen = ListenSpec { event: "order.placed", filter: false, keyed: false, needs: false };
    let mut stage = after_stage("waiter", "slow");
    stage.flow.triggers = Some(TriggersSpec {
        all: false,
        list: vec![TriggerSpec::Event(listen)],
        instances,
        expect,
    });
    stage
}

fn case(stages: Vec<StageSpec>) -> Case {
    alone(7, stages)
}

fn deliver(world: &mut World<'_>, id: &str) -> Answer {
    world.submit(Command::Deliver { occurrence: Box::new(order(id)) }).unwrap()
}

fn started(world: &World<'_>) -> usize {
    let of = |event: &Event| match event {
        Event::AttemptScheduled { attempt } => &*attempt.execution.stage == "waiter",
        _ => false,
    };
    world.journal.iter().filter(|stamped| of(&stamped.event)).count()
}

/// 7, in the run: an event that comes just before its waiter is ready is consumed by it, and the
/// same delivery counts once however often it comes, and whoever dies in between.
#[test]
fn an_event_before_its_waiter_is_consumed_and_one_delivery_counts_once() {
    for (instances, expect) in [(None, None), (Some(2), Some(2))] {
        let case = case(vec![bare("slow"), waiter(instances, expect)]);
        let nodes = oracle::graph(&case.spec);
        let mut world = World::new(&case, &nodes).unwrap();
        world.begin(false).unwrap();
        assert_eq!(deliver(&mut world, "one"), Answer::Accepted, "its waiter is not ready yet");
        let before = world.journal.len();
        assert_eq!(deliver(&mut world, "one"), Answer::Accepted, "the same again is no fault");
        assert_eq!(world.journal.len(), before, "and changes nothing");
        world.kill().unwrap();
        deliver(&mut world, "one");
        assert_eq!(world.journal.len(), before, "nor after a crash");
        world.settle_hands().unwrap();
        assert_eq!(started(&world), 1, "it was consumed when its waiter became ready");
        if expect.is_some() {
            assert!(world.ledger.finished.is_none(), "one more is expected");
            assert_eq!(deliver(&mut world, "two"), Answer::Accepted);
            deliver(&mut world, "two");
            world.settle_hands().unwrap();
            assert_eq!(started(&world), 2);
        }
        world.finish().unwrap();
        assert_eq!(world.ledger.finished, Some(FinalStatus::Succeeded));
        assert_eq!(deliver(&mut world, "three"), Answer::Refused, "the run is over");
        assert_eq!(started(&world), expect.unwrap_or(1) as usize);
    }
}

/// 13, without agents: work that never says that it is done is ended by its caps, however often it
/// may be tried, and what it prints ends nothing.
#[test]
fn an_endless_stage_is_ended_by_its_caps() {
    let endless = StageSpec {
        retry: super::retry(50, SECOND),
        timeout: Some(20 * SECOND),
        total: Some(90 * SECOND),
        luck: Luck { fails: 99, how: crate::sim::spec::How::Hangs, half: false },
        ..bare("endless")
    };
    let case = case(vec![endless]);
    let nodes = oracle::graph(&case.spec);
    let mut world = World::new(&case, &nodes).unwrap();
    world.begin(false).unwrap();
    world.finish().unwrap();
    assert_eq!(world.ledger.finished, Some(FinalStatus::Failed));
    let outcome = world.ledger.outcomes()[0].unwrap().0;
    assert_eq!(outcome, Outcome::Failed);
    let tries = world.results_of("endless");
    assert!((4..=6).contains(&tries.len()), "{tries:?}");
    assert!(world.ended() <= (90 + 5) * SECOND, "it ended after {} µs", world.ended());
}
