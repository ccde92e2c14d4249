//! Matching approvers to slots, against tables and against trying everything.

use crate::event::Person;
use crate::quorum::{Slot, fill, filled, place_for};

fn person(name: &str, groups: &[&str]) -> Person {
    Person {
        name: name.into(),
        groups: groups.iter().map(|group| (*group).into()).collect(),
        through: None,
    }
}

#[test]
fn a_person_fills_one_slot_and_makes_room_for_others() {
    let ana = person("ana", &["devops", "lead"]);
    let bo = person("bo", &["devops"]);
    let cy = person("cy", &[]);
    let named: [(&[&str], &[&Person], u32); 8] = [
        (&["devops", "lead"], &[&ana], 1),
        // Ana could fill either, and bo only the first.
        (&["devops", "lead"], &[&ana, &bo], 2),
        (&["devops", "lead"], &[&bo, &ana], 2),
        (&["lead", "lead"], &[&ana, &bo], 1),
        (&["devops", "devops"], &[&ana, &bo], 2),
        (&["ana", "devops"], &[&ana], 1),
        (&["devops"], &[&cy], 0),
        (&[], &[&ana], 0),
    ];
    for (entries, people, wanted) in named {
        let slots: Vec<Slot<'_>> = entries.iter().map(|entry| Slot::of(entry)).collect();
        assert_eq!(filled(&slots, people), wanted, "{entries:?} by {people:?}");
    }
    let slots = [Slot::anybody(), Slot::anybody()];
    assert_eq!(fill(&slots, &[&ana, &cy]), [Some(0), Some(1)]);
}

#[test]
fn a_passed_slot_is_the_delegates_and_other_members_keep_theirs() {
    let ana = person("ana", &["devops"]);
    let bo = person("bo", &["devops"]);
    let cy = person("cy", &[]);
    let mut slot = Slot::of("devops");
    slot.pass("ana", "cy");
    assert!(!slot.admits(&ana) && slot.admits(&bo) && slot.admits(&cy));
    slot.pass("cy", "dee");
    assert!(!slot.admits(&cy) && slot.admits(&person("dee", &[])));
}

#[test]
fn the_place_to_pass_on_is_the_first_that_is_not_needed_by_others() {
    let ana = person("ana", &["devops", "lead"]);
    let bo = person("bo", &["devops"]);
    let lead = person("li", &["lead"]);
    let slots = [Slot::of("devops"), Slot::of("lead")];
    assert_eq!(place_for(&slots, &[], &ana), Some(0));
    assert_eq!(place_for(&slots, &[&bo], &ana), Some(1));
    assert_eq!(place_for(&slots, &[&lead], &ana), Some(0));
    assert_eq!(place_for(&slots, &[&bo, &lead], &ana), None);
    assert_eq!(place_for(&slots, &[], &person("cy", &[])), None);
}

/// The most slots that people can fill, by trying every way.
fn most(slots: &[Slot<'_>], people: &[&Person]) -> u32 {
    let Some((first, rest)) = people.split_first() else { return 0 };
    let mut best = most(slots, rest);
    for at in 0..slots.len() {
        if slots[at].admits(first) {
            let mut left = slots.to_vec();
            left.remove(at);
            best = best.max(1 + most(&left, rest));
        }
    }
    best
}

#[test]
fn as_many_slots_are_filled_as_can_be() {
    let mut bits = 7u64;
    let mut draw = |below: u64| {
        bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (bits >> 33) % below
    };
    let names = ["a", "b", "c", "d", "e", "f"];
    let groups = ["g", "h", "i", "j"];
    let mut full = 0;
    for _ in 0..4000 {
        let mut slots: Vec<Slot<'_>> = Vec::new();
        for _ in 0..draw(5) {
            slots.push(match draw(6) {
                0 => Slot::anybody(),
                1 => Slot::of(names[draw(6) as usize]),
                _ => Slot::of(groups[draw(4) as usize]),
            });
        }
        for _ in 0..draw(3) {
            let (slot, from, to) = (draw(5) as usize, draw(6) as usize, draw(6) as usize);
            if let (Some(slot), true) = (slots.get_mut(slot), from != to) {
                slot.pass(names[from], names[to]);
            }
        }
        let people: Vec<Person> = names[..draw(6) as usize]
            .iter()
            .map(|name| {
                let of: Vec<&str> = groups.into_iter().filter(|_| draw(3) == 0).collect();
                person(name, &of)
            })
            .collect();
        let people: Vec<&Person> = people.iter().collect();
        let matching = fill(&slots, &people);
        let mut used: Vec<usize> = matching.iter().flatten().copied().collect();
        for (slot, by) in slots.iter().zip(&matching) {
            assert!(by.is_none_or(|by| slot.admits(people[by])));
        }
        let count = used.len();
        used.sort_unstable();
        used.dedup();
        assert_eq!(used.len(), count, "somebody fills two slots");
        assert_eq!(count as u32, most(&slots, &people), "{slots:?} by {people:?}");
        full += usize::from(count == slots.len() && count > 1);
    }
    assert!(full > 100, "{full}");
}
