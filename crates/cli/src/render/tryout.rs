//! An agent that is tried: what was looked at, and what came of it.

use api::agent::AgentOutcome;
use api::agents::{AgentTest, CheckState};
use api::model::ModelUsage;
use api::run::RunDetail;
use serde::Serialize;

use super::agents::asked;
use super::models::brief;
use crate::terminal::Palette;
use crate::words;

/// The test with its end.
#[derive(Clone, Debug, Serialize)]
pub struct Tested {
    #[serde(flatten)]
    test: AgentTest,
    /// `null`: it was never started, or killed from outside.
    outcome: Option<AgentOutcome>,
    /// Why it ended so; empty for success.
    says: String,
    /// What it answered.
    outputs: std::collections::BTreeMap<String, serde_json::Value>,
    /// `null`: no model was asked.
    usage: Option<ModelUsage>,
}

impl Tested {
    pub fn of(test: &AgentTest, detail: &RunDetail) -> Self {
        let mut test = test.clone();
        test.run = Some(detail.summary.clone());
        let stage = detail.stages.first();
        let last = stage.and_then(|stage| stage.attempts.last());
        let outcome = last.and_then(|attempt| attempt.exit_code);
        let failed = detail.summary.status != "succeeded";
        let says = last.map(|attempt| attempt.detail.clone()).filter(|says| !says.is_empty());
        let says = says.or_else(|| stage.map(|stage| stage.detail.clone()));
        Self {
            test,
            outcome: outcome.and_then(AgentOutcome::of_exit_code),
            says: says.filter(|_| failed).unwrap_or_default(),
            outputs: stage.map(|stage| stage.outputs.clone()).unwrap_or_default(),
            usage: detail.usage.clone(),
        }
    }
}

/// What was looked at, before anything is spent.
pub fn report(test: &AgentTest, palette: Palette) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| text += &format!("  {name:<8} {value}\n");
    line("from", &test.agent.origin);
    for rule in &test.rules {
        line("rule", rule);
    }
    for notice in &test.agent.notices {
        line("notice", notice);
    }
    line("limits", &test.limits.join(", "));
    for check in &test.checks {
        let state = match check.state {
            CheckState::There => palette.status("succeeded", "there"),
            CheckState::Missing => palette.status("failed", "missing"),
            CheckState::Unknown => palette.status("unknown", "unknown"),
        };
        line(&check.what, &format!("{state}: {}", words::one_line(&check.says)));
    }
    let asked = asked(&test.asked, palette);
    let (head, prompt) = asked.trim_start().split_once('\n').unwrap_or((&asked, ""));
    format!("{head}\n{text}{prompt}\n")
}

/// What came of it.
pub fn outcome(tested: &Tested, palette: Palette) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| text += &format!("{name:<8} {value}\n");
    let word = match tested.outcome {
        Some(outcome) => serde_json::to_value(outcome)
            .ok()
            .and_then(|word| word.as_str().map(|word| word.replace('_', " ")))
            .unwrap_or_default(),
        None => "it did not run".to_owned(),
    };
    let status = tested.test.run.as_ref().map_or("", |run| run.status.as_str());
    line("outcome", &palette.status(status, &word));
    if !tested.says.is_empty() {
        line("because", &words::one_line(&words::without_escapes(&tested.says)));
    }
    for (name, value) in &tested.outputs {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        line(name, &words::one_line(&words::without_escapes(&value)));
    }
    let cost = tested.usage.as_ref().map(|usage| match usage.nano_usd {
        Some(_) => brief(usage),
        None => format!("{}, what it costs is not known", brief(usage)),
    });
    line("cost", &cost.unwrap_or_else(|| "nothing: no model was asked".to_owned()));
    text
}
