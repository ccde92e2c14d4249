//! Whether enough people approve: which approver fills which slot.
//!
//! Pure. A slot is an entry of `approvers` (or anybody), and whoever it was passed on to. Each
//! person fills at most one, so the fill is a matching in a bipartite graph; it is found with
//! augmenting paths, earlier votes and earlier slots first.

use crate::event::Person;

/// Who may fill it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot<'a> {
    /// A user, group or role; `None`: anybody.
    entry: Option<&'a str>,
    /// Who passed it on, and to whom, in order.
    passed: Vec<(&'a str, &'a str)>,
}

impl<'a> Slot<'a> {
    pub fn of(entry: &'a str) -> Self {
        Self { entry: Some(entry), passed: Vec::new() }
    }

    pub fn anybody() -> Self {
        Self { entry: None, passed: Vec::new() }
    }

    /// `to` stands in for `from`; other members of a group keep what they may.
    pub fn pass(&mut self, from: &'a str, to: &'a str) {
        self.passed.push((from, to));
    }

    pub fn entry(&self) -> Option<&'a str> {
        self.entry
    }

    /// Those it was passed between, in order.
    pub fn passed(&self) -> &[(&'a str, &'a str)] {
        &self.passed
    }

    pub fn admits(&self, person: &Person) -> bool {
        let last = self.passed.iter().rev().find_map(|(from, to)| {
            if *to == person.name { Some(true) } else { (*from == person.name).then_some(false) }
        });
        last.unwrap_or_else(|| self.entry.is_none_or(|entry| person.is(entry)))
    }
}

/// For each slot the place of the person who fills it, so that as many are filled as can be.
pub fn fill(slots: &[Slot<'_>], people: &[&Person]) -> Vec<Option<usize>> {
    let mut filled = vec![None; slots.len()];
    for at in 0..people.len() {
        augment(slots, people, at, &mut vec![false; slots.len()], &mut filled);
    }
    filled
}

/// How many slots these people fill.
pub fn filled(slots: &[Slot<'_>], people: &[&Person]) -> u32 {
    let count = fill(slots, people).iter().flatten().count();
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// The first slot that `person` could fill without taking it from those who fill others already.
pub fn place_for(slots: &[Slot<'_>], people: &[&Person], person: &Person) -> Option<usize> {
    let before = filled(slots, people);
    (0..slots.len()).find(|&at| {
        let mut rest = slots.to_vec();
        let slot = rest.remove(at);
        slot.admits(person) && filled(&rest, people) == before
    })
}

fn augment(
    slots: &[Slot<'_>],
    people: &[&Person],
    at: usize,
    seen: &mut Vec<bool>,
    filled: &mut Vec<Option<usize>>,
) -> bool {
    let mine: Vec<usize> =
        (0..slots.len()).filter(|slot| slots[*slot].admits(people[at])).collect();
    // Nobody is moved who need not be.
    if let Some(&slot) = mine.iter().find(|slot| filled[**slot].is_none()) {
        filled[slot] = Some(at);
        return true;
    }
    for slot in mine {
        if std::mem::replace(&mut seen[slot], true) {
            continue;
        }
        let free = filled[slot].is_none_or(|other| augment(slots, people, other, seen, filled));
        if free {
            filled[slot] = Some(at);
            return true;
        }
    }
    false
}
