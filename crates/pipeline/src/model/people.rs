//! What people are asked: approvals and forms.

use std::time::Duration;

use indexmap::IndexMap;
use regex::Regex;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::text::{Template, ValueTemplate};

/// A gate as its author wrote it. The policy of the stage's environment, if it has one, wins.
#[derive(Clone, Debug, PartialEq)]
pub struct Approval {
    pub electorate: Electorate,
    /// For people: what to look at. May hold references; none of them secret.
    pub instructions: Option<Template>,
}

/// Who decides, how many, and what happens when nobody does.
///
/// Also the form in which an environment's policy is written and stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Electorate {
    /// Names of users, groups or roles: each is one slot. Empty: anybody may fill each slot, and
    /// there are as many as the quorum says.
    #[serde(default)]
    pub approvers: Vec<String>,
    #[serde(default)]
    pub quorum: Quorum,
    /// Whoever started the run may decide even when others could.
    #[serde(default)]
    pub allow_self: bool,
    /// 7 days where nothing is said. Paused time is not counted.
    #[serde(default = "week", with = "seconds")]
    pub timeout: Duration,
    #[serde(default)]
    pub on_timeout: OnTimeout,
    /// The slots after `on_timeout: escalate`; the deadline starts anew, and then rejects.
    #[serde(default)]
    pub escalate_to: Vec<String>,
    /// In percent of the timeout, rising.
    #[serde(default = "reminders")]
    pub reminders: Vec<u8>,
}

impl Default for Electorate {
    fn default() -> Self {
        Self {
            approvers: Vec::new(),
            quorum: Quorum::All,
            allow_self: false,
            timeout: week(),
            on_timeout: OnTimeout::Reject,
            escalate_to: Vec::new(),
            reminders: reminders(),
        }
    }
}

/// 7 days.
pub(crate) fn week() -> Duration {
    Duration::from_secs(7 * 24 * 60 * 60)
}

pub(crate) fn reminders() -> Vec<u8> {
    vec![50, 90]
}

/// Whole seconds in JSON.
mod seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(of: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(of.as_secs())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        u64::deserialize(from).map(Duration::from_secs)
    }
}

/// How many slots have to be filled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quorum {
    #[default]
    All,
    Any,
    Count(u32),
}

impl Quorum {
    /// Of so many slots, at least 1. With no named slot `All` and `Any` mean one.
    pub fn of(self, slots: usize) -> u32 {
        let slots = u32::try_from(slots).unwrap_or(u32::MAX);
        match self {
            Self::All => slots.max(1),
            Self::Any => 1,
            Self::Count(count) => count.max(1),
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnTimeout {
    #[default]
    Reject,
    Approve,
    Escalate,
    /// The stage is skipped; at its end: as if it had been skipped, its outputs are dropped.
    Skip,
    /// The stage fails with reason `approval_timeout`.
    Fail,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Form {
    /// Markdown; may hold references, none of them secret.
    pub instructions: Option<Template>,
    pub fields: IndexMap<String, Field>,
    pub ask: Ask,
    /// Who may submit: users, groups or roles. Empty: anybody.
    pub assignees: Vec<String>,
    /// Nothing by default: people are waited for.
    pub timeout: Option<Duration>,
    pub on_timeout: FormTimeout,
    /// The values as an artifact of the stage.
    pub save_as: Option<SaveAs>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ask {
    #[default]
    Always,
    /// Nobody is asked when every required field has a valid value already (`value:` or default).
    Missing,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FormTimeout {
    #[default]
    Fail,
    Skip,
    /// The values it has (prefilled, default), if they are complete; else it fails.
    Submit,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaveAs {
    /// Name of the artifact: `answers.json`.
    pub artifact: String,
    pub format: SaveFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SaveFormat {
    Json,
    Markdown,
}

#[derive(Clone, Debug)]
pub struct Field {
    pub kind: FieldKind,
    /// What people read; the name where nothing is said.
    pub label: String,
    pub help: String,
    pub required: bool,
    pub default: Option<Json>,
    /// Resolved when the form opens; wins over the default where it gives a valid value.
    pub value: Option<ValueTemplate>,
    pub rules: FieldRules,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    Text,
    Number,
    Boolean,
    /// A reference to an uploaded file: `{"name", "digest", "bytes"}`.
    File,
    MultilineText,
    Select,
    /// `2026-11-21`
    Date,
}

/// What a value has to keep to; each only for the kinds it means something for.
#[derive(Clone, Debug, Default)]
pub struct FieldRules {
    /// In characters; text and multiline text.
    pub min_length: Option<u32>,
    pub max_length: Option<u32>,
    /// The whole text matches; text only.
    pub pattern: Option<Regex>,
    /// Of a number.
    pub min: Option<f64>,
    pub max: Option<f64>,
    /// A number without a fraction.
    pub integer: bool,
    /// Of a select; not empty.
    pub options: Vec<String>,
    /// A select whose value is a list of options.
    pub multiple: bool,
    /// Of a date, inclusive.
    pub earliest: Option<jiff::civil::Date>,
    pub latest: Option<jiff::civil::Date>,
    /// Of a file; 25 MiB where nothing is said.
    pub max_bytes: Option<u64>,
}

impl PartialEq for Field {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
            && self.label == other.label
            && self.help == other.help
            && self.required == other.required
            && self.default == other.default
            && self.value == other.value
            && self.rules == other.rules
    }
}

impl PartialEq for FieldRules {
    fn eq(&self, other: &Self) -> bool {
        let pattern = |rules: &Self| rules.pattern.as_ref().map(|regex| regex.as_str().to_owned());
        self.min_length == other.min_length
            && self.max_length == other.max_length
            && pattern(self) == pattern(other)
            && self.min == other.min
            && self.max == other.max
            && self.integer == other.integer
            && self.options == other.options
            && self.multiple == other.multiple
            && self.earliest == other.earliest
            && self.latest == other.latest
            && self.max_bytes == other.max_bytes
    }
}

impl super::Stage {
    /// What people are asked by it, in order: `approval 2`, `form`, `result approval`, `by hand`.
    pub fn asks(&self) -> Vec<String> {
        let gate = |approval: &Approval, word: &str| {
            let electorate = &approval.electorate;
            match electorate.quorum.of(electorate.approvers.len()) {
                1 => word.to_owned(),
                needed => format!("{word} {needed}"),
            }
        };
        let mut said = Vec::new();
        let mut manual = self.held;
        for trigger in self.triggers.iter().flat_map(|triggers| &triggers.list) {
            if let super::Trigger::Manual { approval } = trigger {
                match approval {
                    Some(approval) => said.push(gate(approval, "trigger approval")),
                    None => manual = true,
                }
            }
        }
        if manual {
            said.push("by hand".to_owned());
        }
        if let Some(approval) = &self.approve_start {
            said.push(gate(approval, "approval"));
        }
        if self.form.is_some() {
            said.push("form".to_owned());
        }
        if let Some(approval) = &self.approve_complete {
            said.push(gate(approval, "result approval"));
        }
        said
    }
}
