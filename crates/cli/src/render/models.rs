//! Models and what they cost, as text.

use api::model::{CostView, ModelCallDetail, ModelCallView, ModelProvider, ModelUsage, RunCost};
use serde_json::Value as Json;

use crate::error::Result;
use crate::output::table::{Cell, Choice, Table};
use crate::terminal::Palette;
use crate::words;

/// `$0.11`; of less than a cent as many digits as tell something.
pub fn money(nano_usd: u64) -> String {
    let usd = nano_usd as f64 / 1e9;
    match usd {
        0.0 => "$0".to_owned(),
        small if small < 0.000_1 => "<$0.0001".to_owned(),
        small if small < 0.01 => format!("${small:.4}"),
        usd => format!("${usd:.2}"),
    }
}

/// `1,234` tokens are `1.2k`.
pub fn tokens(count: u64) -> String {
    match count {
        0..=999 => count.to_string(),
        1000..=999_999 => format!("{:.1}k", count as f64 / 1e3),
        _ => format!("{:.1}M", count as f64 / 1e6),
    }
}

/// `7 calls, 41.2k tokens, $0.11`; without the money where it is not known.
pub fn brief(usage: &ModelUsage) -> String {
    let calls = words::count(usage.calls, "call");
    let about = if usage.estimated { "about " } else { "" };
    let text = format!("{calls}, {about}{} tokens", tokens(usage.tokens()));
    match usage.nano_usd {
        Some(nano_usd) => format!("{text}, {about}{}", money(nano_usd)),
        None => text,
    }
}

fn cost(nano_usd: Option<u64>) -> String {
    nano_usd.map_or_else(|| "unknown".to_owned(), money)
}

const USED: [&str; 6] = ["CALLS", "INPUT", "CACHED", "OUTPUT", "COST", "NOTE"];

fn used(name: &str, usage: &ModelUsage) -> Vec<Cell> {
    let mut notes = Vec::new();
    if usage.unpriced_calls > 0 {
        notes.push(format!("no price for {}", words::count(usage.unpriced_calls, "call")));
    }
    if usage.estimated {
        notes.push("partly estimated".to_owned());
    }
    vec![
        name.into(),
        usage.calls.to_string().into(),
        tokens(usage.input_tokens).into(),
        tokens(usage.cache_read_tokens + usage.cache_write_tokens).into(),
        tokens(usage.output_tokens).into(),
        cost(usage.nano_usd).into(),
        notes.join("; ").into(),
    ]
}

fn table_of(first: &'static str) -> Table {
    let headings: Vec<&'static str> = [first].into_iter().chain(USED).collect();
    Table::new(&headings)
}

/// `model costs`
pub fn costs(heading: &'static str, costs: &[CostView]) -> Table {
    let headings: Vec<&'static str> = [heading, "RUNS"].into_iter().chain(USED).collect();
    let mut table = Table::new(&headings);
    for cost in costs {
        let mut cells = used(&cost.name, &cost.usage);
        cells.insert(1, cost.runs.to_string().into());
        table.row(cells);
    }
    table
}

/// `runs cost`
pub fn run_cost(of: &RunCost, width: Option<usize>, palette: Palette) -> Result<String> {
    if of.total.calls == 0 {
        return Ok(format!("{}: no model was asked\n", of.run));
    }
    let choice = Choice { width, ..Choice::default() };
    let mut stages = table_of("STAGE");
    for stage in &of.stages {
        stages.row(used(&stage.stage, &stage.usage));
        for member in &stage.members {
            stages.row(used(&format!("  {}", member.member), &member.usage));
        }
    }
    let mut models = table_of("MODEL");
    for model in &of.models {
        models.row(used(&format!("{}/{}", model.provider, model.model), &model.usage));
    }
    let head = format!("{}: {}\n\n", of.run, brief(&of.total));
    Ok(head + &stages.text(&choice, palette)? + "\n" + &models.text(&choice, palette)?)
}

/// `runs cost --calls`
pub fn calls(calls: &[ModelCallView]) -> Table {
    let mut table =
        Table::new(&["ID", "AT", "STAGE", "TURN", "MODEL", "STATE", "IN", "OUT", "COST", "DETAIL"]);
    for call in calls {
        let member = if call.member.is_empty() { "" } else { "/" };
        table.row(vec![
            call.id.as_str().into(),
            words::minute(call.at).into(),
            format!("{}{member}{}", call.stage, call.member).into(),
            call.turn.as_str().into(),
            format!("{}/{}", call.provider, call.model).into(),
            Cell::status(&call.state),
            tokens(call.input_tokens + call.cache_read_tokens + call.cache_write_tokens).into(),
            tokens(call.output_tokens).into(),
            cost(call.nano_usd).into(),
            words::shorten_end(&words::one_line(&call.detail), 80).into(),
        ]);
    }
    table
}

/// `runs cost --call`
pub fn call(of: &ModelCallDetail) -> String {
    let text = |json: &Json| match json {
        Json::Null => "(not kept)".to_owned(),
        Json::String(text) => text.trim_end().to_owned(),
        json => format!("{json:#}"),
    };
    let ModelCallView { id, stage, attempt, provider, model, state, .. } = &of.call;
    format!(
        "{id}  {state}  {stage} attempt {attempt}  {provider}/{model}\n\nasked:\n{}\n\nanswered:\n{}\n",
        text(&of.request),
        text(&of.answer)
    )
}

/// `model list`
pub fn providers(providers: &[ModelProvider]) -> Table {
    let mut table = Table::new(&["PROVIDER", "KIND", "LEADS TO", "KEY", "MODEL", "AT ONCE"]);
    for provider in providers {
        table.row(vec![
            provider.name.as_str().into(),
            provider.kind.as_str().into(),
            provider.base_url.as_str().into(),
            provider.key.as_str().into(),
            provider.model.as_deref().unwrap_or("-").into(),
            provider.concurrency.to_string().into(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_and_tokens_are_told_with_the_digits_that_matter() {
        let told = [0, 1, 5_000_000, 110_000_000, 12_345_000_000].map(money);
        assert_eq!(told, ["$0", "<$0.0001", "$0.0050", "$0.11", "$12.35"]);
        assert_eq!([999, 1234, 2_500_000].map(tokens), ["999", "1.2k", "2.5M"]);
        let mut usage = ModelUsage { calls: 7, input_tokens: 41_200, ..ModelUsage::default() };
        assert_eq!(brief(&usage), "7 calls, 41.2k tokens");
        usage.nano_usd = Some(110_000_000);
        assert_eq!(brief(&usage), "7 calls, 41.2k tokens, $0.11");
        usage.estimated = true;
        assert_eq!(brief(&usage), "7 calls, about 41.2k tokens, about $0.11");
    }
}
