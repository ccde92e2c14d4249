//! Calls of models.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use engine::id::RunId;
use jiff::Timestamp;

use super::{MemoryReader, State, lock};
use crate::port::{
    CallState, CostBy, Error, ModelCall, ModelChange, ModelCosts, ModelEnd, ModelQuery, ModelSum,
    ModelTexts, Outcome, ReadModels,
};

/// By id, with what was said while it is kept.
pub(super) type Calls = BTreeMap<String, (ModelCall, Option<ModelTexts>)>;

impl State {
    pub(super) fn change_models(&mut self, change: &ModelChange) -> Outcome {
        match change {
            ModelChange::Begin { call, request } => {
                if self.runs.contains_key(&call.run) {
                    let request = request.clone();
                    let texts = ModelTexts { request, kind: String::new(), answer: None };
                    let fresh = || ((**call).clone(), Some(texts));
                    self.model_calls.entry(call.id.clone()).or_insert_with(fresh);
                }
            }
            ModelChange::End(end) => self.end_call(end),
            ModelChange::LoseOpen { at } => {
                let open = self.model_calls.values_mut().map(|(call, _)| call);
                for call in open.filter(|call| call.state == CallState::Open) {
                    (call.state, call.ended_at) = (CallState::Lost, Some(*at));
                }
            }
        }
        Outcome::Done
    }

    fn end_call(&mut self, end: &ModelEnd) {
        let found = self.model_calls.get_mut(&end.id);
        let Some((call, texts)) = found.filter(|(call, _)| call.state == CallState::Open) else {
            return;
        };
        call.state = end.state;
        call.status = end.status;
        call.detail.clone_from(&end.detail);
        call.model.clone_from(&end.model);
        call.usage = end.usage.clone();
        call.source.clone_from(&end.source);
        call.ended_at = Some(end.at);
        if let Some(texts) = texts {
            texts.kind.clone_from(&end.kind);
            texts.answer.clone_from(&end.answer);
        }
    }

    pub(super) fn forget_texts(&mut self, run: RunId) {
        for (call, texts) in self.model_calls.values_mut() {
            if call.run == run {
                *texts = None;
            }
        }
    }

    fn list_calls(&self, query: &ModelQuery) -> Vec<ModelCall> {
        let wanted = |call: &&ModelCall| {
            query.run.is_none_or(|run| call.run == run)
                && query.execution.as_ref().is_none_or(|execution| call.execution == *execution)
                && query.before.as_ref().is_none_or(|before| call.id < *before)
        };
        let calls = self.model_calls.values().rev().map(|(call, _)| call);
        calls.filter(wanted).take(query.limit as usize).cloned().collect()
    }

    fn sum_calls(&self, run: RunId) -> Vec<ModelSum> {
        let mut sums: BTreeMap<[&str; 4], ModelSum> = BTreeMap::new();
        for (call, _) in self.model_calls.values().filter(|(call, _)| call.run == run) {
            let key = [&*call.execution, &call.member, &call.provider, &call.model];
            add(sums.entry(key).or_default(), call);
        }
        let named = sums.into_iter().map(|([execution, member, provider, model], sum)| ModelSum {
            execution: execution.to_owned(),
            member: member.to_owned(),
            provider: provider.to_owned(),
            model: model.to_owned(),
            ..sum
        });
        named.collect()
    }
}

fn add(sum: &mut ModelSum, call: &ModelCall) {
    let used = &call.usage;
    sum.calls += u64::from(call.state != CallState::Refused);
    sum.unpriced += u64::from(used.nano_usd.is_none() && used.tokens() > 0);
    sum.estimated |= call.source == "estimate" && used.input + used.output > 0;
    sum.usage.input += used.input;
    sum.usage.output += used.output;
    sum.usage.cache_read += used.cache_read;
    sum.usage.cache_write += used.cache_write;
    if let Some(price) = used.nano_usd {
        sum.usage.nano_usd = Some(sum.usage.nano_usd.unwrap_or(0) + price);
    }
}

/// What cost most first.
fn dearest(costs: &ModelCosts) -> (Reverse<u64>, Reverse<u64>, String) {
    let used = &costs.sum.usage;
    (Reverse(used.nano_usd.unwrap_or(0)), Reverse(used.tokens()), costs.name.clone())
}

impl ReadModels for MemoryReader {
    fn model_calls(&self, query: &ModelQuery) -> Result<Vec<ModelCall>, Error> {
        Ok(lock(&self.shared).list_calls(query))
    }

    fn model_call(&self, id: &str) -> Result<Option<ModelCall>, Error> {
        Ok(lock(&self.shared).model_calls.get(id).map(|(call, _)| call.clone()))
    }

    fn model_texts(&self, id: &str) -> Result<Option<ModelTexts>, Error> {
        Ok(lock(&self.shared).model_calls.get(id).and_then(|(_, texts)| texts.clone()))
    }

    fn model_answer(
        &self,
        run: RunId,
        execution: &str,
        turn: &str,
        digest: &str,
    ) -> Result<Option<ModelCall>, Error> {
        let state = lock(&self.shared);
        let found = state.model_calls.values().map(|(call, _)| call).find(|call| {
            let of = (call.run, &*call.execution, &*call.turn, &*call.digest);
            of == (run, execution, turn, digest) && call.state == CallState::Answered
        });
        Ok(found.cloned())
    }

    fn model_sums(&self, run: RunId) -> Result<Vec<ModelSum>, Error> {
        Ok(lock(&self.shared).sum_calls(run))
    }

    fn model_sum_since(&self, since: Timestamp) -> Result<ModelSum, Error> {
        let state = lock(&self.shared);
        let mut sum = ModelSum::default();
        for (call, _) in state.model_calls.values().filter(|(call, _)| call.at >= since) {
            add(&mut sum, call);
        }
        Ok(sum)
    }

    fn model_costs(
        &self,
        by: CostBy,
        since: Timestamp,
        limit: u32,
    ) -> Result<Vec<ModelCosts>, Error> {
        let state = lock(&self.shared);
        let mut found: BTreeMap<String, (BTreeSet<RunId>, ModelSum)> = BTreeMap::new();
        for (call, _) in state.model_calls.values().filter(|(call, _)| call.at >= since) {
            let Some(run) = state.runs.get(&call.run).map(|run| &run.row) else { continue };
            let name = match by {
                CostBy::Run => Some(run.name()),
                CostBy::Task => run.task.as_ref().map(|(task, _)| task.clone()),
                CostBy::Pipeline => Some(run.pipeline.clone()),
            };
            let Some(name) = name else { continue };
            let (runs, sum) = found.entry(name).or_default();
            runs.insert(call.run);
            add(sum, call);
        }
        let costs = found.into_iter().map(|(name, (runs, sum))| ModelCosts {
            name,
            runs: runs.len() as u64,
            sum,
        });
        let mut costs: Vec<ModelCosts> = costs.collect();
        costs.sort_by_key(dearest);
        costs.truncate(limit as usize);
        Ok(costs)
    }
}
