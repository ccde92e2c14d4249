//! That a run has ended is an event, where somebody waits for it: given in the same commit as the
//! end itself, so that neither is ever seen without the other.

use std::sync::Arc;

use engine::event::{Event, FinalStatus};
use engine::id::RunId;
use pipeline::trigger::{OWN_SOURCE, PIPELINE_COMPLETED};
use serde_json::{Value as Json, json};
use store::port::{Change, GivenEvent, Routed};

use super::Conductor;
use super::batch::Batch;
use super::desk::Given;
use super::live::Live;

/// Runs of which each was started by the end of the one before it. Pipelines that complete each
/// other come to an end here.
const LONGEST_CHAIN: usize = 16;

impl Conductor {
    /// Gives the ends of this turn's runs that were not given yet. Says whether there were any.
    pub(super) fn tell_ends(&mut self, batch: &mut Batch) -> bool {
        let touched: Vec<RunId> = batch.touched.iter().copied().collect();
        let mut any = false;
        for run in touched {
            let Some(live) = self.runs.get(&run).filter(|live| live.is_finished()) else {
                continue;
            };
            let name = &live.run.pipeline().name;
            if !self.routes.awaits_end_of(name) && !self.listeners.hears(PIPELINE_COMPLETED) {
                continue;
            }
            let Some((event, chain)) = end_of(live) else { continue };
            if batch.given.contains_key(&event.id) {
                continue;
            }
            any = true;
            if chain >= LONGEST_CHAIN {
                self.end_chain(event, batch);
            } else if let Err(refused) = self.take_in(event, batch) {
                tracing::error!(%run, cause = %refused, "the end of a run was not told");
            }
        }
        any
    }

    /// Stored, and held against nothing: the event says why.
    fn end_chain(&mut self, mut event: GivenEvent, batch: &mut Batch) {
        let problem = format!(
            "it is the end of {LONGEST_CHAIN} runs that started each other: nothing more is \
             started, because pipelines that complete each other would never come to an end"
        );
        tracing::warn!(event = event.id, "{problem}");
        event.at = self.clock.now();
        let routed = Routed { id: event.id.clone(), at: event.at, problem, ..Routed::default() };
        let event = Arc::new(event);
        let given = Given {
            event: Arc::clone(&event),
            duplicate: false,
            taken_by: Vec::new(),
            started: Vec::new(),
            waits: false,
        };
        batch.given.insert(event.id.clone(), given);
        batch.store(Change::StoreEvent(event));
        batch.store(Change::RouteEvent(routed));
    }
}

/// The event, and how many runs started each other up to this one.
fn end_of(live: &Live) -> Option<(GivenEvent, usize)> {
    let header = live.run.header()?;
    let ended =
        |stamped: &engine::event::Stamped| matches!(stamped.event, Event::RunFinished { .. });
    // A run that was retried ends more than once.
    let place = live.fresh.iter().rposition(ended)?;
    let seq = live.stored + place as u64 + 1;
    let status = match live.run.final_status()? {
        FinalStatus::Succeeded => "succeeded",
        FinalStatus::Failed => "failed",
        FinalStatus::Cancelled => "cancelled",
    };
    let name = format!("{}#{}", header.pipeline, header.number);
    let mut chain = chain_of(header.event);
    chain.push(json!(name));
    let length = chain.len();
    let data = json!({
        "pipeline": header.pipeline,
        "status": status,
        "reason": live.run.reason(),
        "run": {
            "id": header.run,
            "number": header.number,
            "name": name,
            "revision": header.revision,
            "by": header.by,
            "inputs": header.inputs,
            "outputs": live.run.outputs(),
        },
        "chain": chain,
    });
    let event = GivenEvent {
        id: format!("run:{}:finished:{seq}", header.run),
        kind: PIPELINE_COMPLETED.to_owned(),
        data,
        source: OWN_SOURCE.to_owned(),
        by: format!("run:{name}"),
        ..GivenEvent::default()
    };
    Some((event, length))
}

/// The runs before this one, if it was started by the end of another. What the server itself did
/// not give is not believed.
fn chain_of(event: &Json) -> Vec<Json> {
    let is = |key: &str, text: &str| event.get(key).and_then(Json::as_str) == Some(text);
    if !is("source", OWN_SOURCE) || !is("type", PIPELINE_COMPLETED) {
        return Vec::new();
    }
    event.get("chain").and_then(Json::as_array).cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_is_believed_only_of_the_server_itself() {
        let own = json!({"source": "orchestrate", "type": "pipeline.completed", "chain": ["a#1"]});
        assert_eq!(chain_of(&own), [json!("a#1")]);
        let other = json!({"source": "user:ana", "type": "pipeline.completed", "chain": ["a#1"]});
        assert_eq!(chain_of(&other), [json!(null); 0]);
        assert_eq!(chain_of(&Json::Null), [json!(null); 0]);
    }
}
