//! Names to edges: `depends_on`, `parallel_with`, groups and list order.

use std::borrow::Cow;
use std::collections::HashMap;
use std::rc::Rc;

use super::cycle;
use crate::authored::{Authored, AuthoredStage, Reader};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::Rule;
use crate::source::{Span, place};

/// More edges than any real pipeline has; lists of large groups and shared dependencies multiply.
const MAX_EDGES: usize = 1_000_000;

/// Stages are their places in [`Authored::stages`].
#[derive(Debug, Default)]
pub(crate) struct Graph {
    pub(crate) names: HashMap<String, usize>,
    /// Direct dependencies, in the order written, each once.
    pub(crate) depends_on: Vec<Vec<usize>>,
    /// Stages whose settling may change what the triggers of each say, each once.
    pub(crate) sources: Vec<Vec<usize>>,
    /// Stages whose triggers are dependencies: the rule that says so. They have no triggers.
    pub(crate) plain: HashMap<usize, Rule>,
    /// Dependencies before dependants; `None` when there is a cycle.
    pub(crate) order: Option<Vec<usize>>,
    /// No stage outside `finally` names a dependency or has triggers.
    pub(crate) list_order: bool,
}

pub(super) fn draw(authored: &Authored, reader: &mut Reader<'_>) -> Graph {
    let stages = &authored.stages;
    let main = stages.iter().take_while(|stage| !stage.finally).count();
    let mut graph = Graph {
        names: names(stages, reader),
        depends_on: vec![Vec::new(); stages.len()],
        sources: vec![Vec::new(); stages.len()],
        plain: HashMap::new(),
        order: None,
        list_order: stages[..main].iter().all(|s| s.depends_on.is_none() && !s.is_triggered),
    };
    let peers = peers(stages, &graph.names, reader);
    let mut drawing = Drawing {
        stages,
        peers: &peers,
        edges: 0,
        seen: vec![usize::MAX; stages.len()],
        emitters: Rc::new(Graph::emitters(stages)),
        graph: &mut graph,
        reader,
    };
    let mut complete = true;
    for range in [0..main, main..stages.len()] {
        let free = |stage: &AuthoredStage| {
            stage.depends_on.is_none() && (!stage.is_triggered || stage.finally)
        };
        if stages[range.clone()].iter().all(free) {
            complete &= drawing.list(range);
        } else {
            complete &= drawing.dag(range);
        }
    }
    if complete {
        graph.order = cycle::order(stages, &graph.before(), reader);
    }
    graph
}

impl Graph {
    /// What has to come first, by dependency or by trigger.
    pub(super) fn before(&self) -> Cow<'_, [Vec<usize>]> {
        if self.sources.iter().all(Vec::is_empty) {
            return Cow::Borrowed(&self.depends_on);
        }
        let both = self.depends_on.iter().zip(&self.sources);
        both.map(|(depends_on, sources)| [depends_on.as_slice(), sources].concat()).collect()
    }

    /// The places of the stages that emit each event of a definition.
    pub(super) fn emitters(stages: &[AuthoredStage]) -> HashMap<&str, Vec<usize>> {
        let mut emitters: HashMap<&str, Vec<usize>> = HashMap::new();
        for (ix, stage) in stages.iter().enumerate() {
            for emit in &stage.emits {
                let of = emitters.entry(emit.event.value.as_str()).or_default();
                if of.last() != Some(&ix) {
                    of.push(ix);
                }
            }
        }
        emitters
    }
}

fn names(stages: &[AuthoredStage], reader: &mut Reader<'_>) -> HashMap<String, usize> {
    let mut names: HashMap<String, usize> = HashMap::with_capacity(stages.len());
    for (ix, stage) in stages.iter().enumerate() {
        let Some(name) = &stage.name else { continue };
        if let Some(first) = names.get(&name.value) {
            let first = place(reader.text, stages[*first].span.start);
            let message = format!("there are two stages called `{}`", name.value);
            reader.push(
                Diagnostic::new(Code::DUPLICATE_STAGE, name.span, message)
                    .label(format!("the first is at {}:{}", first.line, first.col))
                    .help("rename one of them"),
            );
        } else {
            names.insert(name.value.clone(), ix);
        }
    }
    names
}

/// The stage called `name`; reports when there is none.
pub(super) fn find(
    name: &str,
    span: Span,
    key: &str,
    stages: &[AuthoredStage],
    names: &HashMap<String, usize>,
    reader: &mut Reader<'_>,
) -> Option<usize> {
    if let Some(ix) = names.get(name) {
        return Some(*ix);
    }
    if reader.refused.contains(name) {
        return None;
    }
    let message = format!("unknown stage `{name}` in `{key}`");
    let mut found =
        Diagnostic::new(Code::UNKNOWN_STAGE, span, message).label("no stage has this name");
    found.help = if key == "depends_on" && name.contains(',') {
        format!("write a list: `{key}: [{name}]`")
    } else {
        suggestion(name, stages, names, reader)
    };
    reader.push(found);
    None
}

/// ``did you mean `x`? (defined at 24:11)``
pub(super) fn suggestion(
    name: &str,
    stages: &[AuthoredStage],
    names: &HashMap<String, usize>,
    reader: &mut Reader<'_>,
) -> String {
    let known = stages.iter().filter_map(|stage| Some(stage.name.as_ref()?.value.as_str()));
    match reader.sink.nearest(name, known) {
        Some(near) => {
            let at = place(reader.text, stages[names[near]].span.start);
            format!("did you mean `{near}`? (defined at {}:{})", at.line, at.col)
        }
        None => String::new(),
    }
}

/// The stages beside which each stage was put by `parallel_with`.
fn peers(
    stages: &[AuthoredStage],
    names: &HashMap<String, usize>,
    reader: &mut Reader<'_>,
) -> Vec<Option<usize>> {
    let mut peers = vec![None; stages.len()];
    for (ix, stage) in stages.iter().enumerate() {
        let Some(with) = &stage.parallel_with else { continue };
        let Some(other) = find(&with.value, with.span, "parallel_with", stages, names, reader)
        else {
            continue;
        };
        if other == ix {
            let message = format!("`{}` is parallel with itself", with.value);
            reader.push(
                Diagnostic::new(Code::SELF_DEPENDENCY, with.span, message)
                    .help("name another stage, or remove the key"),
            );
        } else if stages[other].finally != stage.finally {
            reader.push(across_finally(&with.value, with.span, stage.finally));
        } else {
            peers[ix] = Some(other);
        }
    }
    break_rings(stages, &mut peers, reader);
    peers
}

pub(super) fn across_finally(name: &str, span: Span, from_finally: bool) -> Diagnostic {
    let (message, help) = if from_finally {
        (
            format!("a `finally` stage names `{name}`, which is none"),
            "`finally` stages run after all others anyway; test what came of one with `if:`",
        )
    } else {
        (
            format!("`{name}` is a `finally` stage"),
            "`finally` stages run after all others; nothing outside `finally` can wait for one",
        )
    };
    Diagnostic::new(Code::FINALLY_DEPENDENCY, span, message).help(help)
}

/// `a` parallel with `b`, `b` with `a`: reported once, and cut.
fn break_rings(stages: &[AuthoredStage], peers: &mut [Option<usize>], reader: &mut Reader<'_>) {
    // 0: not seen; else the walk that saw it.
    let mut walk_of = vec![0usize; peers.len()];
    for start in 0..peers.len() {
        let walk = start + 1;
        let mut at = start;
        while walk_of[at] == 0 {
            walk_of[at] = walk;
            let Some(next) = peers[at] else { break };
            if walk_of[next] != walk {
                at = next;
                continue;
            }
            let mut ring = vec![next];
            while let Some(further) = peers[ring[ring.len() - 1]] {
                ring.push(further);
                if further == next {
                    break;
                }
            }
            peers[at] = None;
            let span = stages[next].parallel_with.as_ref().map_or(stages[next].span, |w| w.span);
            let message =
                format!("`parallel_with` goes in a circle: {}", cycle::path(stages, &ring));
            reader.push(
                Diagnostic::new(Code::CYCLE, span, message)
                    .help("let all of them name the same stage, or use a `parallel:` group"),
            );
            break;
        }
    }
}

pub(super) struct Drawing<'a, 'r, 't> {
    pub(super) stages: &'a [AuthoredStage],
    peers: &'a [Option<usize>],
    edges: usize,
    /// For each stage, the last stage that was given an edge to it: keeps edges unique.
    seen: Vec<usize>,
    /// Stages by the events that they emit.
    pub(super) emitters: Rc<HashMap<&'a str, Vec<usize>>>,
    pub(super) graph: &'a mut Graph,
    pub(super) reader: &'r mut Reader<'t>,
}

impl Drawing<'_, '_, '_> {
    /// False: the limit was passed.
    pub(super) fn edge(&mut self, from: usize, to: usize) -> bool {
        if self.seen[to] == from {
            return true;
        }
        self.seen[to] = from;
        if !self.counted(from) {
            return false;
        }
        self.graph.depends_on[from].push(to);
        true
    }

    /// One more edge; false: the limit was passed.
    pub(super) fn counted(&mut self, from: usize) -> bool {
        self.edges += 1;
        if self.edges > MAX_EDGES {
            let message = format!("the pipeline has more than {MAX_EDGES} dependencies");
            self.reader.push(
                Diagnostic::new(Code::LIMIT, self.stages[from].span, message)
                    .label("the limit is passed here")
                    .help("put a `noop` stage between groups: all of one, then the noop, then the next"),
            );
            return false;
        }
        true
    }

    /// Stages in the order written: each waits for all of the group before its own.
    fn list(&mut self, range: std::ops::Range<usize>) -> bool {
        let slots = self.slots(range);
        for pair in slots.windows(2) {
            for &stage in &pair[1] {
                for &before in &pair[0] {
                    if !self.edge(stage, before) {
                        return false;
                    }
                }
            }
        }
        true
    }

    /// What runs side by side, in order. A stage that is put beside another joins it there.
    fn slots(&self, range: std::ops::Range<usize>) -> Vec<Vec<usize>> {
        let mut slot_of: HashMap<usize, usize> = HashMap::new();
        let mut group_slot: HashMap<usize, usize> = HashMap::new();
        let mut count = 0;
        for ix in range.clone().filter(|ix| self.peers[*ix].is_none()) {
            let mut fresh = || {
                count += 1;
                count - 1
            };
            let slot = match self.stages[ix].group {
                Some(group) => *group_slot.entry(group).or_insert_with(fresh),
                None => fresh(),
            };
            slot_of.insert(ix, slot);
        }
        for start in range.clone() {
            let mut path = Vec::new();
            let mut at = start;
            let slot = loop {
                if let Some(slot) = slot_of.get(&at) {
                    break *slot;
                }
                path.push(at);
                match self.peers[at] {
                    Some(next) => at = next,
                    // Rings were cut, so every walk ends at a stage with a slot.
                    None => break 0,
                }
            };
            slot_of.extend(path.into_iter().map(|ix| (ix, slot)));
        }
        let mut slots = vec![Vec::new(); count];
        for ix in range {
            if let Some(stages) = slot_of.get(&ix).and_then(|slot| slots.get_mut(*slot)) {
                stages.push(ix);
            }
        }
        slots
    }

    fn dag(&mut self, range: std::ops::Range<usize>) -> bool {
        let mut first_of: HashMap<usize, usize> = HashMap::new();
        let mut inherits: Vec<Option<usize>> = vec![None; range.len()];
        for ix in range.clone() {
            let stage = &self.stages[ix];
            let first = stage.group.map(|group| *first_of.entry(group).or_insert(ix));
            // A member that says for itself what it needs takes nothing from its group.
            let from_group = first.filter(|first| *first != ix && stage.depends_on.is_none());
            inherits[ix - range.start] = self.peers[ix].or(from_group);
            if !self.own(ix) {
                return false;
            }
        }
        self.inherit(range, &inherits)
    }

    /// The dependencies a stage names itself, and its triggers.
    fn own(&mut self, ix: usize) -> bool {
        let stages = self.stages;
        let names = stages[ix].depends_on.as_ref().map_or(&[][..], |names| &names.value);
        for name in names {
            let known = &self.graph.names;
            let Some(other) =
                find(&name.value, name.span, "depends_on", stages, known, self.reader)
            else {
                continue;
            };
            if other == ix {
                let message = format!("`{}` depends on itself", name.value);
                self.reader.push(
                    Diagnostic::new(Code::SELF_DEPENDENCY, name.span, message)
                        .help("remove it from `depends_on`"),
                );
            } else if stages[other].finally != stages[ix].finally {
                self.reader.push(across_finally(&name.value, name.span, stages[ix].finally));
            } else if !self.edge(ix, other) {
                return false;
            }
        }
        self.triggers(ix)
    }

    /// Each stage takes the dependencies of the one it runs beside, which took its own first.
    fn inherit(&mut self, range: std::ops::Range<usize>, inherits: &[Option<usize>]) -> bool {
        let mut done = vec![false; range.len()];
        let mut walk_of = vec![usize::MAX; range.len()];
        for start in range.clone() {
            let mut path = vec![start];
            walk_of[start - range.start] = start;
            while let Some(next) = inherits[path[path.len() - 1] - range.start] {
                // A group may close a ring that `parallel_with` alone did not.
                if done[next - range.start] || walk_of[next - range.start] == start {
                    break;
                }
                walk_of[next - range.start] = start;
                path.push(next);
            }
            while let Some(ix) = path.pop() {
                if std::mem::replace(&mut done[ix - range.start], true) {
                    continue;
                }
                let Some(peer) = inherits[ix - range.start] else { continue };
                for own in self.graph.depends_on[ix].clone() {
                    self.seen[own] = ix;
                }
                for other in self.graph.depends_on[peer].clone() {
                    if other == ix {
                        self.beside_its_dependant(ix, peer);
                    } else if !self.edge(ix, other) {
                        return false;
                    }
                }
            }
        }
        true
    }

    fn beside_its_dependant(&mut self, ix: usize, peer: usize) {
        let name = |ix: usize| self.stages[ix].name.as_ref().map_or("?", |name| &name.value);
        let message =
            format!("`{}` is parallel with `{}`, which depends on it", name(ix), name(peer));
        let stage = &self.stages[ix];
        let span = stage.parallel_with.as_ref().map_or(stage.span, |with| with.span);
        self.reader.push(
            Diagnostic::new(Code::CYCLE, span, message)
                .help("remove `parallel_with`, or that dependency"),
        );
    }
}
