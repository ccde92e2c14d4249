//! The order of a graph, or its cycles: Tarjan's strongly connected components (1972), with an
//! explicit stack, in one pass.

use crate::authored::{AuthoredStage, Reader};
use crate::diagnostic::{Code, Diagnostic};

/// Dependencies before dependants; `None` after reporting each cycle.
pub(super) fn order(
    stages: &[AuthoredStage],
    depends_on: &[Vec<usize>],
    reader: &mut Reader<'_>,
) -> Option<Vec<usize>> {
    let components = components(depends_on);
    let before = reader.sink.errors();
    for component in components.iter().filter(|component| component.len() > 1) {
        report(stages, depends_on, component, reader);
    }
    (reader.sink.errors() == before).then(|| components.into_iter().flatten().collect())
}

const UNSEEN: usize = usize::MAX;

/// Each component after those it depends on.
fn components(depends_on: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let count = depends_on.len();
    let mut index = vec![UNSEEN; count];
    let mut low = vec![0; count];
    let mut on_stack = vec![false; count];
    let mut stack = Vec::new();
    let mut components = Vec::new();
    let mut next = 0;
    for start in 0..count {
        if index[start] != UNSEEN {
            continue;
        }
        let mut calls = vec![(start, 0)];
        while let Some((at, edge)) = calls.pop() {
            if edge == 0 {
                index[at] = next;
                low[at] = next;
                next += 1;
                stack.push(at);
                on_stack[at] = true;
            }
            if let Some(&to) = depends_on[at].get(edge) {
                calls.push((at, edge + 1));
                if index[to] == UNSEEN {
                    calls.push((to, 0));
                } else if on_stack[to] {
                    low[at] = low[at].min(index[to]);
                }
                continue;
            }
            if low[at] == index[at] {
                let mut component = Vec::new();
                while let Some(member) = stack.pop() {
                    on_stack[member] = false;
                    component.push(member);
                    if member == at {
                        break;
                    }
                }
                components.push(component);
            }
            if let Some((parent, _)) = calls.last() {
                low[*parent] = low[*parent].min(low[at]);
            }
        }
    }
    components
}

/// A shortest cycle through the first stage of the component.
fn report(
    stages: &[AuthoredStage],
    depends_on: &[Vec<usize>],
    component: &[usize],
    reader: &mut Reader<'_>,
) {
    let Some(&start) = component.iter().min() else { return };
    let inside: std::collections::HashSet<usize> = component.iter().copied().collect();
    let mut came_from = std::collections::HashMap::new();
    let mut queue = std::collections::VecDeque::from([start]);
    'search: while let Some(at) = queue.pop_front() {
        for &to in depends_on[at].iter().filter(|to| inside.contains(to)) {
            if to == start {
                came_from.insert(start, at);
                break 'search;
            }
            if let std::collections::hash_map::Entry::Vacant(free) = came_from.entry(to) {
                free.insert(at);
                queue.push_back(to);
            }
        }
    }
    let mut ring = vec![start];
    while let Some(&before) = came_from.get(&ring[ring.len() - 1]) {
        ring.push(before);
        if before == start {
            break;
        }
    }
    ring.reverse();
    let stage = &stages[start];
    let second = ring.get(1).and_then(|ix| stages[*ix].name.as_ref());
    let span = stage
        .depends_on
        .iter()
        .flat_map(|names| &names.value)
        .find(|name| second.is_some_and(|second| second.value == name.value))
        .map_or(stage.span, |name| name.span);
    let message = format!("dependency cycle: {}", path(stages, &ring));
    reader.push(
        Diagnostic::new(Code::CYCLE, span, message).label("the cycle goes through here").help(
            "remove one of these dependencies or triggers: none of the stages could ever start",
        ),
    );
}

/// `a -> b -> a`; long ones are cut in the middle.
pub(super) fn path(stages: &[AuthoredStage], ring: &[usize]) -> String {
    let name = |ix: &usize| stages[*ix].name.as_ref().map_or("?", |name| name.value.as_str());
    let mut names: Vec<&str> = ring.iter().map(name).collect();
    if names.len() > 12 {
        let tail = names.split_off(names.len() - 5);
        names.truncate(6);
        names.push("...");
        names.extend(tail);
    }
    names.join(" -> ")
}
