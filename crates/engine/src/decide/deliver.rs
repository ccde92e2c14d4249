//! Events from outside.

use crate::command::Rejection;
use crate::event::{Event, Occurrence};
use crate::run::Run;
use crate::state::stage::StageState;

impl Run {
    /// Nothing, when the event is known already.
    pub(super) fn deliver(&self, occurrence: Occurrence) -> Result<Vec<Event>, Rejection> {
        self.unfinished()?;
        if self.state.known.has(&occurrence.id) {
            return Ok(Vec::new());
        }
        let listeners = self.wires.listeners(&occurrence.kind);
        if listeners.is_empty() {
            let kinds = self.wires.kinds();
            let reason = if kinds.is_empty() {
                "none of its stages waits for events".to_owned()
            } else {
                format!("they wait for {}", quoted(&kinds))
            };
            return Err(Rejection::NobodyListens { event: occurrence.kind, reason });
        }
        let open = |ix: &&pipeline::model::StageIx| match &self.state.stage(**ix).state {
            StageState::Blocked => true,
            StageState::Fanned { fan, .. } => fan.fed.as_deref().is_some_and(|fed| fed.is_open()),
            StageState::Dormant | StageState::Ready(_) | StageState::Settled(_) => false,
        };
        if listeners.iter().find(open).is_none() {
            let names: Vec<&str> = listeners.iter().map(|ix| &*self.model(*ix).name).collect();
            let reason = format!("{} waits for no more of them", quoted(&names));
            return Err(Rejection::NobodyListens { event: occurrence.kind, reason });
        }
        Ok(vec![Event::EventReceived { occurrence }])
    }
}

fn quoted(names: &[&str]) -> String {
    let shown: Vec<String> = names.iter().take(5).map(|name| format!("`{name}`")).collect();
    let more = names.len() - shown.len();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", shown.join(", "))
}
