//! How generated stages start and undo each other: events, triggers, rollback actions.

use engine::event::Occurrence;
use pipeline::model::{Electorate, OnFailure};
use serde_json::{Value as Json, json};

use super::people::electorate_yaml;
use super::{Asks, EffectSpec, ForeachSpec, How, Items, Kind, Luck, Micros, Spec, StageSpec};

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Flow {
    /// Given when an execution has succeeded: one event for each message.
    pub(crate) emits: Vec<EmitSpec>,
    pub(crate) triggers: Option<TriggersSpec>,
    pub(crate) undo: UndoSpec,
    /// With `on_failure: rollback`.
    pub(crate) rollback_to: Option<String>,
    pub(crate) mapping: Option<MapSpec>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct EmitSpec {
    pub(crate) event: &'static str,
    pub(crate) messages: Vec<Message>,
}

/// The data of an event.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Message {
    pub(crate) key: String,
    pub(crate) needs: Vec<String>,
    pub(crate) good: bool,
}

impl Message {
    pub(crate) fn json(&self) -> Json {
        json!({"key": self.key, "needs": self.needs, "good": self.good})
    }

    pub(crate) fn read(data: &Json) -> Option<Self> {
        Some(Self {
            key: data.get("key")?.as_str()?.to_owned(),
            needs: data
                .get("needs")?
                .as_array()?
                .iter()
                .map(|one| one.as_str().map(str::to_owned))
                .collect::<Option<_>>()?,
            good: data.get("good")?.as_bool()?,
        })
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TriggersSpec {
    /// All of them; else the first.
    pub(crate) all: bool,
    pub(crate) list: Vec<TriggerSpec>,
    pub(crate) instances: Option<u32>,
    pub(crate) expect: Option<u32>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum TriggerSpec {
    Completion {
        stage: String,
        success_only: bool,
    },
    Event(ListenSpec),
    /// That this stage came to this outcome.
    Condition {
        stage: String,
        outcome: &'static str,
    },
    Manual(Option<Electorate>),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ListenSpec {
    pub(crate) event: &'static str,
    /// Only good ones.
    pub(crate) filter: bool,
    pub(crate) keyed: bool,
    /// With a key.
    pub(crate) needs: bool,
}

impl ListenSpec {
    pub(crate) fn takes(&self, occurrence: &Occurrence) -> bool {
        let message = Message::read(&occurrence.data);
        occurrence.kind == self.event
            && (!self.filter || message.is_some_and(|message| message.good))
    }
}

/// `rollback:`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum UndoSpec {
    #[default]
    Missing,
    /// `rollback: none`
    Unneeded,
    Run {
        fails: bool,
    },
}

/// A mapping of a field that is there, or of one that is not.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct MapSpec {
    /// Of the run; else `inputs.missing`, which has no value.
    pub(crate) there: bool,
    pub(crate) required: bool,
    pub(crate) default: bool,
}

impl MapSpec {
    /// It can be made.
    pub(crate) fn holds(&self) -> bool {
        self.there || self.default || !self.required
    }
}

/// Events that nobody in a pipeline emits.
pub(crate) const OUTSIDE: [&str; 2] = ["order.placed", "order.paid"];
pub(crate) const INSIDE: [&str; 2] = ["spec.ready", "plan.ready"];

impl Spec {
    /// Stages that give this event.
    pub(crate) fn emitters(&self, event: &str) -> Vec<&str> {
        self.all()
            .filter(|stage| stage.flow.emits.iter().any(|emit| emit.event == event))
            .map(|stage| stage.name.as_str())
            .collect()
    }

    pub(crate) fn listens(&self, event: &str) -> bool {
        self.all().any(|stage| stage.listens().is_some_and(|one| one.event == event))
    }

    /// Derives what undoes its stages.
    pub(crate) fn complete(&mut self) {
        self.compensations = self.all().filter_map(StageSpec::compensation).collect();
    }
}

impl StageSpec {
    /// The event that it waits for, if it waits for one.
    pub(crate) fn listens(&self) -> Option<&ListenSpec> {
        self.flow.triggers.as_ref()?.list.iter().find_map(|one| match one {
            TriggerSpec::Event(listen) => Some(listen),
            TriggerSpec::Completion { .. }
            | TriggerSpec::Condition { .. }
            | TriggerSpec::Manual(_) => None,
        })
    }

    /// Anybody may start it.
    pub(crate) fn by_hand(&self) -> bool {
        let triggers = self.flow.triggers.iter().flat_map(|triggers| &triggers.list);
        triggers.into_iter().any(|one| *one == TriggerSpec::Manual(None))
    }

    /// One instance for each event.
    pub(crate) fn fed(&self) -> Option<u32> {
        self.flow.triggers.as_ref()?.instances
    }

    /// So many matching events end its feeding.
    pub(crate) fn expects(&self, spec: &Spec) -> Option<u32> {
        let triggers = self.flow.triggers.as_ref()?;
        let outside = spec.emitters(self.listens()?.event).is_empty();
        triggers.expect.or(outside.then_some(1))
    }

    /// Has instances, of a list or of events.
    pub(crate) fn fans(&self) -> bool {
        self.foreach.is_some() || self.fed().is_some()
    }

    /// At most so many of them live.
    pub(crate) fn width(&self) -> Option<u32> {
        self.fed().or_else(|| self.foreach.as_ref().and_then(|each| each.max))
    }

    fn compensation(&self) -> Option<Self> {
        let UndoSpec::Run { fails } = self.flow.undo else { return None };
        Some(Self {
            name: format!("{}.rollback", self.name),
            kind: Kind::Run,
            deps: None,
            parallel_with: None,
            group: None,
            rule: None,
            conditions: vec![],
            skip_unknown: false,
            // So many instances as succeeded.
            foreach: self.fans().then_some(ForeachSpec { items: Items::Literal(0), max: Some(1) }),
            retry: None,
            on_failure: Some(OnFailure::Continue),
            halt_mode: None,
            effects: EffectSpec::Once,
            timeout: None,
            total: None,
            outputs: false,
            luck: Luck { fails: if fails { 99 } else { 0 }, how: How::Code(1), half: false },
            // It waits for a lock, and for nobody.
            asks: Asks { environment: self.asks.environment, ..Asks::default() },
            flow: Flow::default(),
        })
    }

    pub(super) fn flow_yaml(&self, line: &mut impl FnMut(String)) {
        let flow = &self.flow;
        if let Some(triggers) = &flow.triggers {
            let list: Vec<_> = triggers.list.iter().map(TriggerSpec::yaml).collect();
            let list = list.join(", ");
            line(if triggers.all {
                format!("triggers: {{all: [{list}]}}")
            } else {
                format!("triggers: [{list}]")
            });
            if let Some(instances) = triggers.instances {
                line(format!("parallel_instances: {instances}"));
            }
            if let Some(expect) = triggers.expect {
                line(format!("expect: {expect}"));
            }
        }
        if !flow.emits.is_empty() {
            line("emit:".into());
            for emit in &flow.emits {
                let items: Vec<_> =
                    emit.messages.iter().map(|one| one.json().to_string()).collect();
                line(format!(
                    "  - {{event: {}, foreach: [{}], data: {{key: \"${{item.key}}\", needs: \"${{item.needs}}\", good: \"${{item.good}}\"}}}}",
                    emit.event,
                    items.join(", ")
                ));
            }
        }
        match flow.undo {
            UndoSpec::Missing => {}
            UndoSpec::Unneeded => line("rollback: none".into()),
            UndoSpec::Run { .. } => line("rollback: {run: \"true\"}".into()),
        }
        if let Some(to) = &flow.rollback_to {
            line(format!("rollback_to: {to}"));
        }
        if let Some(map) = &flow.mapping {
            let from = if map.there { "inputs.flag" } else { "inputs.missing" };
            let default = if map.default { ", default: 7" } else { "" };
            line(format!(
                "input_mapping: [{{from: {from}, to: it, required: {}{default}}}]",
                map.required
            ));
        }
    }
}

impl TriggerSpec {
    fn yaml(&self) -> String {
        match self {
            Self::Completion { stage, success_only } => {
                format!("{{completion: {stage}, success_only: {success_only}}}")
            }
            Self::Event(listen) => {
                let mut out = format!("{{event: {}", listen.event);
                if listen.filter {
                    out.push_str(", filter: \"event.good\"");
                }
                if listen.keyed {
                    out.push_str(", key: \"event.key\"");
                }
                if listen.needs {
                    out.push_str(", needs: \"event.needs\"");
                }
                out.push('}');
                out
            }
            Self::Condition { stage, outcome } => {
                format!("{{condition: \"stages.{stage}.outcome == '{outcome}'\"}}")
            }
            Self::Manual(None) => "{manual: true}".into(),
            Self::Manual(Some(gate)) => {
                format!("{{manual: {{approval: {}}}}}", electorate_yaml(gate))
            }
        }
    }
}

/// An event from outside, at its time.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Delivery {
    pub(crate) at: Micros,
    pub(crate) occurrence: Occurrence,
}
