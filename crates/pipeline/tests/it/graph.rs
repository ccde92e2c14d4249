//! Which edges a definition draws.

use pipeline::model::{Pipeline, Rule};

fn parse(stages: &str) -> Pipeline {
    let text = format!("name: x\n{stages}");
    let parsed = pipeline::parse(&text);
    match parsed.pipeline {
        Some(pipeline) => pipeline,
        None => panic!("{}", parsed.rendered("x.yaml", false)),
    }
}

/// `b<-a,c`: b depends on a and c.
fn edges(stages: &str) -> String {
    let pipeline = parse(stages);
    let name = |ix: &pipeline::model::StageIx| pipeline.stages[ix.get()].name.to_string();
    let drawn: Vec<String> = pipeline
        .stages
        .iter()
        .map(|stage| {
            let before: Vec<String> = stage.depends_on.iter().map(name).collect();
            format!("{}<-{}", stage.name, before.join(","))
        })
        .collect();
    for (ix, stage) in pipeline.stages.iter().enumerate() {
        for before in &stage.depends_on {
            let back = &pipeline.stages[before.get()].dependants;
            assert!(back.iter().any(|other| other.get() == ix), "no way back");
        }
    }
    drawn.join(" ")
}

#[test]
fn a_list_runs_in_its_order() {
    assert_eq!(
        edges("stages: [{name: a, noop: true}, {name: b, noop: true}, {name: c, noop: true}]"),
        "a<- b<-a c<-b"
    );
}

#[test]
fn one_depends_on_makes_it_a_graph() {
    assert_eq!(
        edges(
            "stages: [{name: a, noop: true}, {name: b, noop: true}, {name: c, depends_on: a, noop: true}]"
        ),
        "a<- b<- c<-a"
    );
    let empty = parse("stages: [{name: a, noop: true}, {name: b, depends_on: [], noop: true}]");
    assert!(!empty.list_order);
}

#[test]
fn a_group_is_one_step_of_a_list() {
    assert_eq!(
        edges(
            "stages: [{name: a, noop: true}, {parallel: [{name: b, noop: true}, {name: c, noop: true}]}, {name: d, noop: true}]"
        ),
        "a<- b<-a c<-a d<-b,c"
    );
}

#[test]
fn parallel_with_joins_a_step_of_a_list_from_before_and_from_behind() {
    assert_eq!(
        edges(
            "stages: [{name: a, noop: true}, {name: b, noop: true}, {name: c, parallel_with: b, noop: true}, {name: d, noop: true}]"
        ),
        "a<- b<-a c<-a d<-b,c"
    );
    assert_eq!(
        edges(
            "stages: [{name: z, parallel_with: y, noop: true}, {name: y, parallel_with: b, noop: true}, {name: a, noop: true}, {name: b, noop: true}]"
        ),
        "z<-a y<-a a<- b<-a"
    );
}

#[test]
fn parallel_with_takes_over_dependencies_also_through_others() {
    assert_eq!(
        edges(
            "stages: [{name: z, parallel_with: y, noop: true}, {name: y, parallel_with: b, depends_on: c, noop: true}, {name: a, depends_on: [], noop: true}, {name: b, depends_on: a, noop: true}, {name: c, depends_on: [], noop: true}]"
        ),
        "z<-c,a y<-c,a a<- b<-a c<-"
    );
}

#[test]
fn a_group_in_a_graph_has_the_dependencies_of_its_first() {
    assert_eq!(
        edges(
            "stages: [{name: a, depends_on: [], noop: true}, {parallel: [{name: b, depends_on: a, noop: true}, {name: c, noop: true}, {name: d, depends_on: [], noop: true}]}]"
        ),
        "a<- b<-a c<-a d<-"
    );
}

#[test]
fn a_dependency_counts_once() {
    let text = "stages: [{name: a, depends_on: [], noop: true}, {name: b, depends_on: [a, a], noop: true}, {name: c, depends_on: a, parallel_with: b, noop: true}]";
    assert_eq!(edges(text), "a<- b<-a c<-a");
}

#[test]
fn finally_has_an_order_of_its_own() {
    let text = "stages: [{name: a, noop: true}, {name: b, depends_on: a, noop: true}]\nfinally: [{name: c, noop: true}, {name: d, noop: true}]";
    assert_eq!(edges(text), "a<- b<-a c<- d<-c");
    let pipeline = parse(text);
    assert_eq!(
        pipeline.stages.iter().map(|stage| stage.finally).collect::<Vec<_>>(),
        [false, false, true, true]
    );
    assert_eq!(pipeline.stages[3].rule, Rule::AllDone);
}

#[test]
fn the_default_rule_follows_the_form() {
    let list = parse("stages: [{name: a, noop: true}, {name: b, noop: true}]");
    assert_eq!(list.stages[1].rule, Rule::NoneFailed);
    let graph = parse("stages: [{name: a, noop: true}, {name: b, depends_on: a, noop: true}]");
    assert_eq!(graph.stages[1].rule, Rule::NoneFailedMinOneSuccess);
    let own = parse("stages: [{name: a, noop: true}, {name: b, rule: always, noop: true}]");
    assert_eq!(own.stages[1].rule, Rule::Always);
}

#[test]
fn what_is_upstream_through_others_can_be_referred_to() {
    parse(
        "stages:\n  - {name: a, depends_on: [], run: x, outputs: {v: string}}\n  - {name: b, depends_on: a, noop: true}\n  - {name: c, depends_on: b, run: x, env: {V: \"${stages.a.outputs.v}\"}}\nfinally:\n  - {name: d, run: x, env: {V: \"${stages.a.outputs.v ?? 1}\"}}",
    );
}

#[test]
fn ten_thousand_stages_are_read_at_once() {
    let mut text = String::from("name: x\nstages:\n");
    for n in 0..10_000 {
        let before =
            if n < 3 { String::new() } else { format!("s{}, s{}, s{}", n - 1, n - 2, n - 3) };
        text.push_str(&format!("  - {{name: s{n}, depends_on: [{before}], noop: true}}\n"));
    }
    let start = std::time::Instant::now();
    let parsed = pipeline::parse(&text);
    let took = start.elapsed();
    assert_eq!(parsed.diagnostics, []);
    assert_eq!(parsed.pipeline.unwrap().stages.len(), 10_000);
    // In a release build it is a hundredth of this.
    assert!(took < std::time::Duration::from_secs(10), "{took:?}");
}
