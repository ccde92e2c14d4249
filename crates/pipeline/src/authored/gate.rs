//! Gates: who decides.

use std::time::Duration;

use super::fields::Fields;
use super::read::Reader;
use super::{AuthoredPeople, Placed};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Approval, Electorate, OnTimeout, Quorum};
use crate::vocabulary::APPROVAL;
use crate::yaml::{Kind, Node};

/// The keys of a stage that hold for all of its gates.
const POLICY: [&str; 7] = [
    "approvers",
    "quorum",
    "allow_self",
    "approval_timeout",
    "on_timeout",
    "escalate_to",
    "reminders",
];

/// What was written of an electorate, at a gate or at the stage.
#[derive(Clone, Debug, Default)]
pub(super) struct Policy {
    approvers: Option<Vec<Placed<String>>>,
    quorum: Option<Placed<Quorum>>,
    allow_self: Option<bool>,
    timeout: Option<Duration>,
    on_timeout: Option<Placed<OnTimeout>>,
    escalate_to: Option<Vec<Placed<String>>>,
    reminders: Option<Placed<Vec<u8>>>,
}

impl Reader<'_> {
    /// The keys of the stage itself.
    pub(super) fn stage_policy(&mut self, fields: &Fields<'_>) -> Policy {
        self.policy(fields, "approval_timeout")
    }

    /// `requires_approval` and `approve_complete`, and what belongs to them.
    pub(super) fn gates(
        &mut self,
        fields: &Fields<'_>,
        policy: &Policy,
        people: &mut AuthoredPeople,
    ) {
        if let Some(node) = fields.node("requires_approval") {
            people.approve_start = self.gate(node, "`requires_approval`", fields, policy);
        }
        if let Some(node) = fields.node("approve_complete") {
            people.approve_complete = self.gate(node, "`approve_complete`", fields, policy);
        }
        people.max_revisions = fields.integer("max_revisions", self).map(|most| most.value);
        if let (Some(entry), None) = (fields.get("max_revisions"), fields.get("approve_complete")) {
            let message = "`max_revisions` needs `approve_complete`";
            self.push(
                Diagnostic::new(Code::CONFLICTING_KEYS, entry.key_span, message)
                    .help("changes are requested at the gate at the end of a stage"),
            );
        }
        people.auto_advance = fields.boolean("auto_advance", self);
    }

    /// A policy without any gate that it could hold for. `gated`: a trigger has one.
    pub(super) fn idle_policy(&mut self, fields: &Fields<'_>, gated: bool) {
        let gates = ["requires_approval", "approve_complete"];
        let off = |name: &str| {
            fields.node(name).is_none_or(|node| {
                node.scalar().and_then(crate::yaml::Scalar::boolean) == Some(false)
            })
        };
        if gated || !gates.into_iter().all(off) {
            return;
        }
        if let Some(entry) = POLICY.into_iter().find_map(|key| fields.get(key)) {
            let message = format!("`{}` stands at a stage without a gate", entry.key);
            self.push(
                Diagnostic::new(Code::CONFLICTING_KEYS, entry.key_span, message)
                    .help("add `requires_approval: true` or `approve_complete: true`"),
            );
        }
    }

    /// `true`, or a map; `None` for `false` and where it cannot be read.
    pub(super) fn gate(
        &mut self,
        node: &Node,
        what: &str,
        stage: &Fields<'_>,
        policy: &Policy,
    ) -> Option<Placed<Approval>> {
        if !matches!(node.kind, Kind::Map(_)) {
            let asked = self.boolean(node, what)?;
            let electorate = asked.then(|| self.electorate(policy.clone()))?;
            return Some(Placed::new(Approval { electorate, instructions: None }, node.span));
        }
        let fields = self.fields(node, what, &APPROVAL)?;
        self.twice(&fields, stage);
        let own = self.policy(&fields, "timeout");
        let instructions = fields.template("instructions", self);
        let electorate = self.electorate(own.or(policy.clone()));
        Some(Placed::new(Approval { electorate, instructions }, node.span))
    }

    /// A key inside the gate and beside it.
    fn twice(&mut self, gate: &Fields<'_>, stage: &Fields<'_>) {
        for key in POLICY {
            let inner = if key == "approval_timeout" { "timeout" } else { key };
            if let (Some(_), Some(outer)) = (gate.get(inner), stage.get(key)) {
                let message = format!("`{key}` is given at the stage and inside its gate");
                self.push(
                    Diagnostic::new(Code::CONFLICTING_KEYS, outer.key_span, message)
                        .help("remove one of them"),
                );
            }
        }
    }

    fn policy(&mut self, fields: &Fields<'_>, timeout: &str) -> Policy {
        Policy {
            approvers: fields.node("approvers").map(|node| self.people(node, "an approver")),
            quorum: fields.node("quorum").and_then(|node| self.quorum(fields, node)),
            allow_self: fields.boolean("allow_self", self),
            timeout: fields.duration(timeout, false, self).map(|timeout| timeout.value),
            on_timeout: fields
                .choice("on_timeout", self)
                .map(|choice| Placed::new(ON_TIMEOUT[choice.value], choice.span)),
            escalate_to: fields.node("escalate_to").map(|node| self.people(node, "`escalate_to`")),
            reminders: fields.node("reminders").and_then(|node| self.reminders(node)),
        }
    }

    fn quorum(&mut self, fields: &Fields<'_>, node: &Node) -> Option<Placed<Quorum>> {
        let quorum = if node.scalar().is_some_and(|scalar| scalar.number().is_some()) {
            Quorum::Count(fields.integer("quorum", self)?.value)
        } else {
            QUORUM[fields.choice("quorum", self)?.value]
        };
        Some(Placed::new(quorum, node.span))
    }

    fn reminders(&mut self, node: &Node) -> Option<Placed<Vec<u8>>> {
        let items = self.list(node, "`reminders`")?;
        let read: Vec<_> =
            items.iter().map(|item| self.integer(item, "a reminder, in percent,", 1, 99)).collect();
        let percents =
            read.into_iter().map(|one| u8::try_from(one?).ok()).collect::<Option<Vec<_>>>()?;
        if percents.len() > 20 || !percents.windows(2).all(|pair| pair[0] < pair[1]) {
            self.push(
                Diagnostic::new(Code::BAD_APPROVAL, node.span, "the reminders do not rise")
                    .help("percent of the time, each larger than the one before, at most 20"),
            );
            return None;
        }
        Some(Placed::new(percents, node.span))
    }

    /// With every default; reports what contradicts itself.
    fn electorate(&mut self, policy: Policy) -> Electorate {
        let default = Electorate::default();
        self.slots(&policy);
        self.escalation(&policy);
        let names = |placed: Option<Vec<Placed<String>>>| {
            placed.unwrap_or_default().into_iter().map(|name| name.value).collect()
        };
        Electorate {
            approvers: names(policy.approvers),
            quorum: policy.quorum.map_or(default.quorum, |quorum| quorum.value),
            allow_self: policy.allow_self.unwrap_or(default.allow_self),
            timeout: policy.timeout.unwrap_or(default.timeout),
            on_timeout: policy.on_timeout.map_or(default.on_timeout, |what| what.value),
            escalate_to: names(policy.escalate_to),
            reminders: policy.reminders.map_or(default.reminders, |percents| percents.value),
        }
    }

    /// More votes than there are slots would never come.
    fn slots(&mut self, policy: &Policy) {
        let Some(Placed { value: Quorum::Count(count), span }) = policy.quorum else { return };
        for (key, slots) in [("approvers", &policy.approvers), ("escalate_to", &policy.escalate_to)]
        {
            let slots = slots.as_ref().map_or(0, Vec::len);
            if slots > 0 && count as usize > slots {
                let message = format!("a quorum of {count}, but `{key}` has {slots}");
                self.push(
                    Diagnostic::new(Code::BAD_APPROVAL, span, message)
                        .label("could never be reached")
                        .help("each approver fills one slot; name more of them, or ask fewer"),
                );
            }
        }
    }

    fn escalation(&mut self, policy: &Policy) {
        let escalates = policy.on_timeout.as_ref().filter(|what| what.value == OnTimeout::Escalate);
        let to = policy.escalate_to.as_deref().unwrap_or_default();
        if let (Some(what), []) = (escalates, to) {
            let message = "`on_timeout: escalate` does not say to whom";
            self.push(
                Diagnostic::new(Code::BAD_APPROVAL, what.span, message)
                    .help("add `escalate_to: [...]`"),
            );
        }
        if let (None, Some(first)) = (escalates, to.first()) {
            let message = "`escalate_to` needs `on_timeout: escalate`";
            self.push(
                Diagnostic::new(Code::BAD_APPROVAL, first.span, message)
                    .help("without it, nobody is ever asked there"),
            );
        }
    }
}

impl Policy {
    /// Key by key: this one's, else the other's.
    fn or(self, outer: Self) -> Self {
        Self {
            approvers: self.approvers.or(outer.approvers),
            quorum: self.quorum.or(outer.quorum),
            allow_self: self.allow_self.or(outer.allow_self),
            timeout: self.timeout.or(outer.timeout),
            on_timeout: self.on_timeout.or(outer.on_timeout),
            escalate_to: self.escalate_to.or(outer.escalate_to),
            reminders: self.reminders.or(outer.reminders),
        }
    }
}

/// In the order of the vocabulary's words.
const QUORUM: [Quorum; 2] = [Quorum::All, Quorum::Any];
const ON_TIMEOUT: [OnTimeout; 5] =
    [OnTimeout::Reject, OnTimeout::Approve, OnTimeout::Escalate, OnTimeout::Skip, OnTimeout::Fail];

#[cfg(test)]
mod tests {
    use super::super::fields::words;
    use super::*;
    use crate::vocabulary::STAGE;

    #[test]
    fn words_and_meanings_are_in_one_order() {
        for object in [&STAGE, &APPROVAL] {
            let of = |key: &str| words(&object.key(key).unwrap().value).0;
            assert_eq!(of("on_timeout"), ["reject", "approve", "escalate", "skip", "fail"]);
            assert_eq!(of("quorum"), ["all", "any"]);
        }
        for key in POLICY {
            assert!(STAGE.key(key).is_some(), "{key}");
        }
    }
}
