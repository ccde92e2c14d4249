//! What starts a stage beside its dependencies, and the events that it gives.

use std::time::Duration;

use super::fields::Fields;
use super::gate::Policy;
use super::read::Reader;
use super::{AuthoredExpression, Placed};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Approval, TriggerMode};
use crate::source::Span;
use crate::text::{Template, ValueTemplate};
use crate::vocabulary::{EMIT, MANUAL, TRIGGER, TRIGGERS};
use crate::yaml::{Entry, Kind, Node};

#[derive(Debug)]
pub(crate) struct AuthoredTriggers {
    pub(crate) span: Span,
    pub(crate) mode: TriggerMode,
    pub(crate) list: Vec<AuthoredTrigger>,
    pub(crate) instances: Option<u32>,
    pub(crate) expect: Option<u32>,
}

#[derive(Debug)]
pub(crate) enum AuthoredTrigger {
    Completion {
        stage: Placed<String>,
        success_only: bool,
    },
    Event {
        event: Placed<String>,
        filter: Option<AuthoredExpression>,
        key: Option<AuthoredExpression>,
        needs: Option<AuthoredExpression>,
        lookback: Duration,
    },
    Condition {
        expression: AuthoredExpression,
        /// `None`: it may read what it likes.
        variables: Option<Vec<Placed<String>>>,
    },
    Manual {
        approval: Option<Placed<Approval>>,
    },
}

#[derive(Debug)]
pub(crate) struct AuthoredEmit {
    pub(crate) event: Placed<String>,
    pub(crate) foreach: Option<Placed<ValueTemplate>>,
    pub(crate) when: Option<AuthoredExpression>,
    pub(crate) data: ValueTemplate,
}

/// What only one kind of trigger takes.
const PARTS: [(&str, &str); 6] = [
    ("success_only", "completion"),
    ("filter", "event"),
    ("key", "event"),
    ("needs", "event"),
    ("lookback", "event"),
    ("variables", "condition"),
];

impl AuthoredTriggers {
    pub(crate) fn has_event(&self) -> bool {
        self.list.iter().any(|trigger| matches!(trigger, AuthoredTrigger::Event { .. }))
    }

    /// Whether a gate decides of one of them.
    pub(super) fn has_gate(&self) -> bool {
        let gated = |trigger: &AuthoredTrigger| {
            matches!(trigger, AuthoredTrigger::Manual { approval: Some(_) })
        };
        self.list.iter().any(gated)
    }
}

impl Reader<'_> {
    /// A list of which any fires, or a map that says whether any or all.
    pub(super) fn triggers(
        &mut self,
        fields: &Fields<'_>,
        policy: &Policy,
    ) -> Option<AuthoredTriggers> {
        let instances = fields.integer("parallel_instances", self).map(|most| most.value);
        let expect = fields.integer("expect", self).map(|count| count.value);
        if let (Some(entry), None) = (fields.get("expect"), fields.get("parallel_instances")) {
            let message = "`expect` needs `parallel_instances`";
            self.push(
                Diagnostic::new(Code::BAD_TRIGGER, entry.key_span, message)
                    .help("without it the stage runs once, for the first event"),
            );
        }
        let Some(entry) = fields.get("triggers") else {
            self.fed_by_nothing(fields);
            return None;
        };
        let (mode, node) = match &entry.value.kind {
            Kind::Map(_) => self.mode(&entry.value)?,
            Kind::List(_) => (TriggerMode::Any, &entry.value),
            Kind::Scalar(_) => {
                self.wrong_type("`triggers`", "a list of triggers", &entry.value);
                return None;
            }
        };
        let items = self.list(node, "`triggers`")?;
        if items.is_empty() {
            self.push(
                Diagnostic::new(Code::BAD_TRIGGER, node.span, "there is no trigger here")
                    .help("name one, or remove the key"),
            );
            return None;
        }
        let mut list = Vec::with_capacity(items.len());
        for item in items {
            list.extend(self.trigger(item, fields, policy));
        }
        if list.len() < items.len() {
            return None;
        }
        let triggers = AuthoredTriggers { span: entry.key_span, mode, list, instances, expect };
        self.feeding(&triggers, fields);
        Some(triggers)
    }

    fn mode<'n>(&mut self, node: &'n Node) -> Option<(TriggerMode, &'n Node)> {
        // `triggers: {event: x}`: one trigger that forgot its dash.
        if let Kind::Map(entries) = &node.kind
            && let Some(entry) = entries.iter().find(|entry| TRIGGER.key(&entry.key).is_some())
        {
            let message = "`triggers` is a list";
            self.push(
                Diagnostic::new(Code::WRONG_TYPE, entry.key_span, message)
                    .help(format!("write `- {}: ...`, or `all: [...]`", entry.key)),
            );
            return None;
        }
        let fields = self.fields(node, "`triggers`", &TRIGGERS)?;
        match (fields.get("any"), fields.get("all")) {
            (Some(any), None) => Some((TriggerMode::Any, &any.value)),
            (None, Some(all)) => Some((TriggerMode::All, &all.value)),
            (Some(_), Some(all)) => {
                let message = "`triggers` has both `any` and `all`";
                self.push(
                    Diagnostic::new(Code::BAD_TRIGGER, all.key_span, message)
                        .help("put a stage between them, one kind at each"),
                );
                None
            }
            (None, None) => {
                let message = "`triggers` has neither `any` nor `all`";
                self.push(
                    Diagnostic::new(Code::BAD_TRIGGER, fields.start(), message)
                        .help("write a list, of which any starts the stage"),
                );
                None
            }
        }
    }

    fn trigger(
        &mut self,
        node: &Node,
        stage: &Fields<'_>,
        policy: &Policy,
    ) -> Option<AuthoredTrigger> {
        let fields = self.fields(node, "a trigger", &TRIGGER)?;
        let kinds: Vec<&Entry> = fields
            .entries
            .iter()
            .filter(|entry| {
                matches!(entry.key.as_str(), "completion" | "event" | "condition" | "manual")
            })
            .collect();
        let kind = match kinds.as_slice() {
            [one] => *one,
            [] => {
                // An unknown key may well be the kind, misspelt.
                if fields.entries.iter().all(|entry| TRIGGER.key(&entry.key).is_some()) {
                    let message = "this trigger does not say what it waits for";
                    self.push(
                        Diagnostic::new(Code::BAD_TRIGGER, fields.start(), message)
                            .help("give it one of `completion`, `event`, `condition`, `manual`"),
                    );
                }
                return None;
            }
            [first, second, ..] => {
                let message = format!("a trigger has both `{}` and `{}`", first.key, second.key);
                self.push(
                    Diagnostic::new(Code::BAD_TRIGGER, second.key_span, message)
                        .help("make it two triggers; `{all: [...]}` asks for both"),
                );
                return None;
            }
        };
        for (part, of) in PARTS {
            if let Some(entry) = fields.get(part).filter(|_| kind.key != of) {
                let message = format!("`{part}` needs `{of}`");
                self.push(
                    Diagnostic::new(Code::BAD_TRIGGER, entry.key_span, message)
                        .help("remove it, or make it another trigger"),
                );
            }
        }
        match kind.key.as_str() {
            "completion" => Some(AuthoredTrigger::Completion {
                stage: Placed::new(self.text(&kind.value, "`completion`")?, kind.value.span),
                success_only: fields.boolean("success_only", self).unwrap_or(true),
            }),
            "event" => self.event_trigger(&kind.value, &fields),
            "condition" => {
                let expression = fields.expression("condition", self);
                let variables = fields.node("variables").map(|node| self.variable_names(node));
                Some(AuthoredTrigger::Condition { expression: expression?, variables })
            }
            _ => self.manual(&kind.value, stage, policy),
        }
    }

    fn event_trigger(&mut self, node: &Node, fields: &Fields<'_>) -> Option<AuthoredTrigger> {
        let event = self.event_name(node);
        let filter = fields.expression("filter", self);
        let key = fields.expression("key", self);
        let needs = fields.expression("needs", self);
        let lookback = fields.duration("lookback", true, self);
        if let (Some(entry), None) = (fields.get("needs"), fields.get("key")) {
            let message = "`needs` without `key`";
            self.push(
                Diagnostic::new(Code::BAD_TRIGGER, entry.key_span, message)
                    .help("it lists keys of other instances: say what the key of one is"),
            );
        }
        Some(AuthoredTrigger::Event {
            event: event?,
            filter,
            key,
            needs,
            lookback: lookback.map_or(Duration::ZERO, |time| time.value),
        })
    }

    fn variable_names(&mut self, node: &Node) -> Vec<Placed<String>> {
        let items = self.list(node, "`variables`").unwrap_or_default();
        let mut names = Vec::with_capacity(items.len());
        for item in items {
            names.extend(
                self.text(item, "the name of a variable").map(|n| Placed::new(n, item.span)),
            );
        }
        names
    }

    /// `manual: true`, or a map.
    fn manual(
        &mut self,
        node: &Node,
        stage: &Fields<'_>,
        policy: &Policy,
    ) -> Option<AuthoredTrigger> {
        if !matches!(node.kind, Kind::Map(_)) {
            if !self.boolean(node, "`manual`")? {
                self.push(
                    Diagnostic::new(Code::WRONG_TYPE, node.span, "`manual` must be `true`")
                        .help("remove the trigger if nobody may start the stage"),
                );
                return None;
            }
            return Some(AuthoredTrigger::Manual { approval: None });
        }
        let fields = self.fields(node, "`manual`", &MANUAL)?;
        let approval =
            fields.node("approval").and_then(|node| self.gate(node, "`approval`", stage, policy));
        Some(AuthoredTrigger::Manual { approval })
    }

    /// `parallel_instances` without any trigger.
    fn fed_by_nothing(&mut self, fields: &Fields<'_>) {
        let Some(entry) = fields.get("parallel_instances") else { return };
        let help = if fields.get("foreach").is_some() {
            "with `foreach` it is called `max_parallel`"
        } else {
            "add `triggers: [{event: ...}]`, or `foreach` with `max_parallel`"
        };
        let message = "`parallel_instances` needs a trigger with `event`";
        self.push(Diagnostic::new(Code::BAD_TRIGGER, entry.key_span, message).help(help));
    }

    /// Whether the triggers and `parallel_instances` fit together.
    fn feeding(&mut self, triggers: &AuthoredTriggers, fields: &Fields<'_>) {
        let events: Vec<_> = triggers
            .list
            .iter()
            .filter_map(|trigger| match trigger {
                AuthoredTrigger::Event { event, key, needs, .. } => Some((event, key, needs)),
                AuthoredTrigger::Completion { .. }
                | AuthoredTrigger::Condition { .. }
                | AuthoredTrigger::Manual { .. } => None,
            })
            .collect();
        let Some(instances) = fields.get("parallel_instances") else {
            for (name, expression) in
                events.iter().flat_map(|(_, key, needs)| [("key", key), ("needs", needs)])
            {
                let Some(expression) = expression else { continue };
                let message = format!("`{name}` needs `parallel_instances`");
                self.push(
                    Diagnostic::new(Code::BAD_TRIGGER, expression.span, message)
                        .help("without it the stage runs once, for the first event"),
                );
            }
            return;
        };
        if fields.get("foreach").is_some() {
            let message = "`parallel_instances` stands beside `foreach`";
            self.push(
                Diagnostic::new(Code::CONFLICTING_KEYS, instances.key_span, message)
                    .help("a stage has one instance for each item, or one for each event"),
            );
        }
        match events.as_slice() {
            [] => self.fed_by_nothing(fields),
            [_] if triggers.mode == TriggerMode::Any && triggers.list.len() > 1 => {
                let message = "an instance is made of an event, and another trigger has none";
                self.push(Diagnostic::new(Code::BAD_TRIGGER, triggers.span, message).help(
                    "write `{all: [...]}` if the others have to fire first, or give them \
                         a stage of their own",
                ));
            }
            [_] => {}
            [_, (second, _, _), ..] => {
                let message = "two triggers with `event`, and `parallel_instances`";
                self.push(
                    Diagnostic::new(Code::BAD_TRIGGER, second.span, message)
                        .help("let both stages emit the same event, or make it two stages"),
                );
            }
        }
    }

    /// One event, or a list of them.
    pub(super) fn emits(&mut self, fields: &Fields<'_>) -> Vec<AuthoredEmit> {
        let Some(node) = fields.node("emit") else { return Vec::new() };
        let mut emits = Vec::new();
        for item in self.one_or_many(node) {
            emits.extend(self.emit(item));
        }
        emits
    }

    fn emit(&mut self, node: &Node) -> Option<AuthoredEmit> {
        let fields = self.fields(node, "`emit`", &EMIT)?;
        let event = fields.node("event").and_then(|node| self.event_name(node));
        let foreach = fields.node("foreach").and_then(|node| self.items(node, "`foreach`"));
        let when = fields.expression("when", self);
        let data = match fields.node("data") {
            Some(node) => self.data(node)?,
            None => ValueTemplate::Literal(serde_json::json!({})),
        };
        Some(AuthoredEmit { event: event?, foreach, when, data })
    }

    /// A map, or one reference to one.
    fn data(&mut self, node: &Node) -> Option<ValueTemplate> {
        let value = self.value(node)?;
        let is_map = match &value {
            ValueTemplate::Literal(value) => value.is_object(),
            ValueTemplate::Map(_) => true,
            ValueTemplate::Text(Template { parts }) => parts.len() == 1,
            ValueTemplate::List(_) => false,
        };
        if is_map {
            return Some(value);
        }
        let message = format!("`data` must be a map, not {}", node.says());
        self.push(
            Diagnostic::new(Code::WRONG_TYPE, node.span, message)
                .help("for example `{spec: \"${item}\"}`; triggers see it as `event.spec`"),
        );
        None
    }
}
