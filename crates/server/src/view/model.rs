//! Calls of models, as they are shown.

use std::collections::BTreeMap;

use api::model::{
    CostView, MemberCost, ModelCallDetail, ModelCallView, ModelCost, ModelUsage, RunCost, StageCost,
};
use serde_json::Value as Json;
use store::port::{CallState, ModelCall, ModelCosts, ModelSum, ModelTexts};

/// Together; `None`: no model was asked.
pub(crate) fn total(sums: &[ModelSum]) -> Option<ModelUsage> {
    let all = add(sums);
    (all.calls > 0).then_some(all)
}

fn add<'s>(sums: impl IntoIterator<Item = &'s ModelSum>) -> ModelUsage {
    let (mut all, mut money) = (ModelUsage::default(), 0_u64);
    for sum in sums {
        all.calls += sum.calls;
        all.input_tokens += sum.usage.input;
        all.output_tokens += sum.usage.output;
        all.cache_read_tokens += sum.usage.cache_read;
        all.cache_write_tokens += sum.usage.cache_write;
        all.unpriced_calls += sum.unpriced;
        all.estimated |= sum.estimated;
        money = money.saturating_add(sum.usage.nano_usd.unwrap_or(0));
    }
    // A part of what it cost would look like all of it.
    all.nano_usd = (all.unpriced_calls == 0).then_some(money);
    all
}

pub(crate) fn cost(run: String, sums: &[ModelSum]) -> RunCost {
    let mut stages: BTreeMap<&str, Vec<&ModelSum>> = BTreeMap::new();
    let mut models: BTreeMap<(&str, &str), Vec<&ModelSum>> = BTreeMap::new();
    for sum in sums {
        stages.entry(&sum.execution).or_default().push(sum);
        models.entry((&sum.provider, &sum.model)).or_default().push(sum);
    }
    let stages = stages.into_iter().map(|(stage, sums)| {
        let mut members: BTreeMap<&str, Vec<&ModelSum>> = BTreeMap::new();
        for sum in sums.iter().filter(|sum| !sum.member.is_empty()) {
            members.entry(&sum.member).or_default().push(sum);
        }
        let of = |(member, sums): (&str, Vec<&ModelSum>)| MemberCost {
            member: member.to_owned(),
            usage: add(sums),
        };
        let members = members.into_iter().map(of).collect();
        StageCost { stage: stage.to_owned(), usage: add(sums), members }
    });
    let models = models.into_iter().map(|((provider, model), sums)| ModelCost {
        provider: provider.to_owned(),
        model: model.to_owned(),
        usage: add(sums),
    });
    RunCost { run, total: add(sums), stages: stages.collect(), models: models.collect() }
}

pub(crate) fn costs(of: ModelCosts) -> CostView {
    CostView { name: of.name, runs: of.runs, usage: add([&of.sum]) }
}

pub(crate) fn call(call: ModelCall, run: &str) -> ModelCallView {
    ModelCallView {
        id: call.id,
        run: run.to_owned(),
        stage: call.execution,
        attempt: call.attempt,
        turn: call.turn,
        member: call.member,
        provider: call.provider,
        model: call.model,
        path: call.path,
        state: call.state.word().to_owned(),
        status: call.status,
        detail: call.detail,
        input_tokens: call.usage.input,
        output_tokens: call.usage.output,
        cache_read_tokens: call.usage.cache_read,
        cache_write_tokens: call.usage.cache_write,
        nano_usd: call.usage.nano_usd,
        source: call.source,
        at: call.at,
        ended_at: call.ended_at,
    }
}

pub(crate) fn detail(of: ModelCall, texts: Option<ModelTexts>, run: &str) -> ModelCallDetail {
    let asked = of.state != CallState::Refused;
    let (request, kind, answer) = match texts {
        Some(texts) => (Some(texts.request).filter(|_| asked), texts.kind, texts.answer),
        None => (None, String::new(), None),
    };
    let shown = |bytes: Option<Vec<u8>>| bytes.map_or(Json::Null, |bytes| text(&bytes));
    ModelCallDetail { call: call(of, run), request: shown(request), kind, answer: shown(answer) }
}

/// JSON as it is, anything else as text.
fn text(bytes: &[u8]) -> Json {
    serde_json::from_slice(bytes)
        .unwrap_or_else(|_no_json| Json::String(String::from_utf8_lossy(bytes).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use store::port::ModelUsage as Used;

    fn sum(execution: &str, member: &str, model: &str, nano_usd: Option<u64>) -> ModelSum {
        ModelSum {
            execution: execution.into(),
            member: member.into(),
            provider: "p".into(),
            model: model.into(),
            calls: 2,
            unpriced: u64::from(nano_usd.is_none()),
            estimated: false,
            usage: Used { input: 10, output: 5, nano_usd, ..Used::default() },
        }
    }

    #[test]
    fn what_is_not_known_of_a_part_is_not_known_of_the_whole() {
        let sums =
            [sum("a", "x", "m", Some(7)), sum("a", "y", "m", Some(1)), sum("b", "", "n", None)];
        let cost = cost("ci#1".into(), &sums);
        assert_eq!((cost.total.calls, cost.total.nano_usd, cost.total.tokens()), (6, None, 45));
        let stages: Vec<_> = cost.stages.iter().map(|s| (&*s.stage, s.usage.nano_usd)).collect();
        assert_eq!(stages, [("a", Some(8)), ("b", None)]);
        assert_eq!((cost.stages[0].members.len(), cost.stages[1].members.len()), (2, 0));
        assert_eq!(cost.models[0].usage.calls, 4);
        assert_eq!(total(&[]), None);
    }
}
