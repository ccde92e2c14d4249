use super::Fixture;
use super::sample::{append, at, row, run};
use crate::port::{
    CallState, Change, CostBy, ModelCall, ModelChange, ModelEnd, ModelQuery, ModelUsage, Upkeep,
};

fn usage(input: u64, output: u64, nano_usd: Option<u64>) -> ModelUsage {
    ModelUsage { input, output, nano_usd, ..ModelUsage::default() }
}

fn call(id: &str, of: u64, execution: &str, turn: &str) -> ModelCall {
    ModelCall {
        id: id.into(),
        run: run(of),
        execution: execution.into(),
        attempt: 1,
        turn: turn.into(),
        digest: "d".into(),
        member: String::new(),
        provider: "openai".into(),
        model: "m".into(),
        path: "chat/completions".into(),
        state: CallState::Open,
        status: None,
        detail: String::new(),
        usage: usage(100, 50, Some(9)),
        source: "estimate".into(),
        at: at(10),
        ended_at: None,
    }
}

fn begin(memory: &mut Fixture, call: &ModelCall) {
    let call = Box::new(call.clone());
    memory.commit(Change::Model(ModelChange::Begin { call, request: b"asked".to_vec() }));
}

fn end(memory: &mut Fixture, id: &str, state: CallState, usage: ModelUsage) {
    memory.commit(Change::Model(ModelChange::End(Box::new(ModelEnd {
        id: id.into(),
        run: run(1),
        state,
        status: Some(200),
        detail: "said".into(),
        model: "m-1".into(),
        usage,
        source: "gateway".into(),
        at: at(20),
        kind: "application/json".into(),
        answer: (state == CallState::Answered).then(|| b"\xffanswer".to_vec()),
    }))));
}

fn with_runs(memory: &mut Fixture) {
    for n in [1, 2] {
        memory.commit(Change::Append(append(row(run(n), "ci", n, "running"), 0, 1)));
    }
}

pub fn a_call_of_a_model_is_reserved_ended_once_and_found_by_its_turn(mut memory: Fixture) {
    with_runs(&mut memory);
    let open = call("a", 1, "work", "t1");
    begin(&mut memory, &open);
    begin(&mut memory, &ModelCall { execution: "again".into(), ..open.clone() });
    begin(&mut memory, &call("z", 9, "work", "t1"));
    assert_eq!(memory.reader.model_call("a").expect("reads"), Some(open));
    assert_eq!(memory.reader.model_call("z").expect("reads"), None, "of no run");
    let found = |memory: &Fixture, turn: &str, digest: &str| {
        let found = memory.reader.model_answer(run(1), "work", turn, digest).expect("reads");
        found.map(|call| call.id)
    };
    assert_eq!(found(&memory, "t1", "d"), None, "not answered yet");
    end(&mut memory, "a", CallState::Answered, usage(7, 3, None));
    end(&mut memory, "a", CallState::Broken, usage(0, 0, None));
    let ended = memory.reader.model_call("a").expect("reads").expect("is there");
    assert_eq!((ended.state, ended.status, &*ended.model), (CallState::Answered, Some(200), "m-1"));
    assert_eq!((ended.usage, &*ended.source), (usage(7, 3, None), "gateway"));
    assert_eq!((ended.ended_at, &*ended.detail), (Some(at(20)), "said"));
    assert_eq!(found(&memory, "t1", "d"), Some("a".into()));
    assert_eq!((found(&memory, "t1", "e"), found(&memory, "t2", "d")), (None, None));
    let texts = memory.reader.model_texts("a").expect("reads").expect("is there");
    assert_eq!((&*texts.request, &*texts.kind), (&b"asked"[..], "application/json"));
    assert_eq!(texts.answer.as_deref(), Some(&b"\xffanswer"[..]));
}

pub fn calls_of_models_are_listed_and_summed_by_who_made_them(mut memory: Fixture) {
    with_runs(&mut memory);
    for (id, of, execution) in
        [("a", 1, "work"), ("b", 1, "work"), ("c", 1, "review"), ("d", 2, "x")]
    {
        begin(&mut memory, &call(id, of, execution, ""));
    }
    end(&mut memory, "a", CallState::Answered, usage(7, 3, Some(40)));
    end(&mut memory, "b", CallState::Answered, usage(1, 1, None));
    end(&mut memory, "c", CallState::Refused, usage(0, 0, None));
    let list = |query: ModelQuery| -> Vec<String> {
        let calls = memory.reader.model_calls(&ModelQuery { limit: 9, ..query }).expect("reads");
        calls.into_iter().map(|call| call.id).collect()
    };
    let of = Some(run(1));
    assert_eq!(list(ModelQuery { run: of, ..ModelQuery::default() }), ["c", "b", "a"]);
    let execution = Some("work".into());
    assert_eq!(list(ModelQuery { run: of, execution, ..ModelQuery::default() }), ["b", "a"]);
    assert_eq!(list(ModelQuery { before: Some("b".into()), ..ModelQuery::default() }), ["a"]);
    let sums = memory.reader.model_sums(run(1)).expect("reads");
    let told: Vec<_> = sums.iter().map(|sum| (&*sum.execution, sum.calls, sum.unpriced)).collect();
    assert_eq!(told, [("review", 0, 0), ("work", 2, 1)]);
    assert_eq!((&*sums[1].model, &*sums[1].provider), ("m-1", "openai"));
    assert_eq!((&sums[1].usage, sums[1].estimated), (&usage(8, 4, Some(40)), false));
    assert_eq!(sums[0].usage.nano_usd, None, "nothing known is not nothing");
    let day = memory.reader.model_sum_since(at(10)).expect("reads");
    assert_eq!((day.calls, day.unpriced, day.estimated), (3, 1, true));
    assert_eq!(day.usage, usage(108, 54, Some(49)));
    assert_eq!(memory.reader.model_sum_since(at(11)).expect("reads"), Default::default());
}

pub fn costs_are_told_by_run_task_and_pipeline(mut memory: Fixture) {
    with_runs(&mut memory);
    let mut of_task = row(run(3), "cd", 1, "running");
    of_task.task = Some(("TASK-7".into(), 2));
    memory.commit(Change::Append(append(of_task, 0, 1)));
    for (id, of) in [("a", 1), ("b", 1), ("c", 2), ("d", 3)] {
        begin(&mut memory, &call(id, of, "work", ""));
    }
    end(&mut memory, "a", CallState::Answered, usage(7, 3, Some(40)));
    end(&mut memory, "b", CallState::Answered, usage(1, 1, None));
    let costs = |by: CostBy, since: u64, limit: u32| -> Vec<(String, u64, u64, Option<u64>)> {
        let costs = memory.reader.model_costs(by, at(since), limit).expect("reads");
        let told =
            costs.into_iter().map(|it| (it.name, it.runs, it.sum.calls, it.sum.usage.nano_usd));
        told.collect()
    };
    let told = |name: &str, runs, calls, money| (name.to_owned(), runs, calls, Some(money));
    assert_eq!(
        costs(CostBy::Run, 10, 9),
        [told("ci#1", 1, 2, 40), told("TASK-7-2", 1, 1, 9), told("ci#2", 1, 1, 9)]
    );
    assert_eq!(costs(CostBy::Pipeline, 10, 9), [told("ci", 2, 3, 49), told("cd", 1, 1, 9)]);
    assert_eq!(costs(CostBy::Task, 10, 9), [told("TASK-7", 1, 1, 9)]);
    assert_eq!(costs(CostBy::Run, 10, 1).len(), 1);
    assert_eq!(costs(CostBy::Run, 11, 9), []);
    let of_first = memory.reader.model_costs(CostBy::Run, at(10), 1).expect("reads");
    assert_eq!(of_first[0].sum.unpriced, 1, "a part of its price is not known");
}

pub fn calls_under_way_in_a_crash_are_lost_and_keep_their_reservation(mut memory: Fixture) {
    with_runs(&mut memory);
    begin(&mut memory, &call("a", 1, "work", "t1"));
    begin(&mut memory, &call("b", 1, "work", "t2"));
    end(&mut memory, "b", CallState::Answered, usage(7, 3, Some(40)));
    memory.commit(Change::Model(ModelChange::LoseOpen { at: at(30) }));
    let lost = memory.reader.model_call("a").expect("reads").expect("is there");
    assert_eq!((lost.state, lost.ended_at), (CallState::Lost, Some(at(30))));
    assert_eq!(lost.usage, usage(100, 50, Some(9)));
    let kept = memory.reader.model_call("b").expect("reads").expect("is there");
    assert_eq!((kept.state, kept.ended_at), (CallState::Answered, Some(at(20))));
}

pub fn an_emptied_run_forgets_what_was_said_and_keeps_what_it_cost(mut memory: Fixture) {
    let mut done = row(run(1), "ci", 1, "succeeded");
    (done.finished, done.finished_at) = (true, Some(at(5)));
    memory.commit(Change::Append(append(done, 0, 1)));
    begin(&mut memory, &call("a", 1, "work", "t1"));
    let upkeep = Upkeep::EmptyRun { run: run(1), by: "retention".into(), at: at(50) };
    memory.commit(Change::Upkeep(upkeep));
    assert_eq!(memory.reader.model_texts("a").expect("reads"), None);
    assert_eq!(memory.reader.model_sums(run(1)).expect("reads")[0].calls, 1);
}
