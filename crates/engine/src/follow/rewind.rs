//! A rewind that was asked for: what it supersedes is taken back and stopped, then it happens.

use crate::event::{Event, Resolution};
use crate::run::Run;

/// As people who were asked are told.
const REWOUND: &str = "the run went back behind it";

impl Run {
    pub(super) fn go_back(&self) -> Option<Event> {
        let rewind = self.state.undo.rewind.as_deref()?;
        if let Some(void) = self.take_back(|stage| rewind.whole.contains(&stage), REWOUND).next() {
            return Some(void);
        }
        let links = &self.state.links;
        let mut busy = links.live.values().chain(&links.unknown);
        if busy.any(|ix| rewind.whole.contains(&ix.stage)) {
            return None;
        }
        Some(Event::RunRewound { executions: rewind.executions.clone() })
    }

    /// The events that end what people are being asked about these stages.
    pub(crate) fn take_back<'r>(
        &'r self,
        of: impl Fn(pipeline::model::StageIx) -> bool + Copy + 'r,
        reason: &'r str,
    ) -> impl Iterator<Item = Event> + 'r {
        let links = &self.state.links;
        let asked = links.people.iter().filter(move |ix| of(ix.stage));
        let triggers = links.gated.iter().filter(move |ix| of(**ix)).filter_map(move |ix| {
            let gate = self.state.stage(*ix).gates.last().filter(|gate| gate.is_open())?;
            let gate = self.trigger_gate_id(*ix, gate.generation);
            let resolution = Resolution::Void { reason: reason.to_owned() };
            Some(Event::GateResolved { gate, resolution })
        });
        asked.filter_map(move |ix| self.void(*ix, reason)).chain(triggers)
    }
}
