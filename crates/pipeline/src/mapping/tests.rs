use std::borrow::Cow;

use serde_json::{Value as Json, json};

use super::apply;
use crate::text::{Root, Scope};

/// Every root by its word.
struct World(Json);

impl Scope for World {
    fn get(&self, root: &Root) -> Option<Cow<'_, Json>> {
        let found = match root {
            Root::Value(name) => self.0.pointer(&format!("/inputs/{name}")),
            Root::Output(stage) => self.0.pointer(&format!("/stages/{stage}")),
            Root::Previous(stage) => self.0.pointer(&format!("/prev/{stage}")),
            Root::Event => self.0.get("event"),
            Root::Run => self.0.get("run"),
            Root::Task => self.0.get("task"),
            Root::Item => self.0.get("item"),
            Root::Form => self.0.get("form"),
            Root::Mapped => self.0.get("input"),
            Root::Own => self.0.get("outputs"),
            Root::Subject | Root::Secret(_) => None,
        };
        found.map(Cow::Borrowed)
    }

    fn stage(&self, name: &str) -> Option<Json> {
        self.0.pointer(&format!("/stages/{name}")).map(|outputs| json!({"outputs": outputs}))
    }
}

/// The mapping of a stage that follows `plan`, written as YAML.
fn mapped(key: &str, written: &str, world: Json, raw: Option<Json>) -> Result<Json, String> {
    let text = format!(
        "name: x\ninputs: {{goal: string, n: {{type: integer, default: 1}}}}\nstages:\n  - {{name: plan, run: x, env: {{G: \"${{goal}} ${{n}}\"}}, outputs: {{plan: any}}}}\n  - name: s\n    run: x\n    {key}: {written}\n"
    );
    let parsed = crate::parse(&text);
    let Some(pipeline) = &parsed.pipeline else { panic!("{}", parsed.rendered("x.yaml", false)) };
    let stage = &pipeline.stages[1];
    let mapping = stage.input.as_ref().or(stage.output.as_ref()).unwrap();
    apply(mapping, &World(world), raw.as_ref()).map(|object| json!(object))
}

fn input(written: &str, world: Json) -> Result<Json, String> {
    mapped("input_mapping", written, world, None)
}

#[test]
fn fields_come_from_everywhere_and_go_anywhere() {
    let world = json!({
        "inputs": {"goal": "ship", "where": "/tmp"},
        "stages": {"plan": {"plan": {"title": "T"}}},
        "prev": {"plan": {"plan": 7}},
        "event": {"spec": [1, 2]},
        "run": {"name": "x#1", "number": 1},
    });
    let written = "[{from: request.goal, to: goal}, {from: plan.outputs.plan.title, to: a.title}, {from: stages.plan.outputs.plan, to: a.plan}, {from: prev.plan.outputs.plan, to: before}, {from: 'event.spec[1]', to: spec}, {from: config.where, to: input.where}, {from: {cel: run.number + 1}, to: next}, {from: \"${run.name}\", to: run}]";
    assert_eq!(
        input(written, world),
        Ok(json!({
            "goal": "ship", "a": {"title": "T", "plan": {"title": "T"}}, "before": 7, "spec": 2,
            "where": "/tmp", "next": 2, "run": "x#1",
        }))
    );
}

#[test]
fn what_is_missing_is_required_left_out_or_replaced() {
    let world = || json!({"event": {"a": null}});
    let written = "[{from: event.x, to: x, required: false}, {from: event.a, to: a, default: [1]}, {from: {cel: event.y.z}, to: y, default: 5, transforms: trim}]";
    assert_eq!(input(written, world()), Ok(json!({"a": [1], "y": 5})));
    let written = "[{from: event.x, to: x}, {from: event.a, to: p.q, required: true}, {from: {cel: event.y.z}, to: y}]";
    let says = input(written, world()).unwrap_err();
    assert!(says.starts_with("`x`: `event.x` has no value; `p.q`: `event.a` is null"), "{says}");
    assert!(says.contains("; `y`: `event.y.z`: "), "{says}");
}

#[test]
fn outputs_are_made_of_what_the_work_gave() {
    let raw = json!({"plan": {"specs": [{"id": "a"}]}, "n": "3", "extra": true});
    let written = "[{from: plan.specs, to: outputs.specs}, {from: outputs.n, to: n, transforms: to_integer}, {from: {cel: size(outputs.plan.specs)}, to: count}]";
    assert_eq!(
        mapped("output_mapping", written, json!({}), Some(raw)),
        Ok(json!({"specs": [{"id": "a"}], "n": 3, "count": 1}))
    );
    let says = mapped("output_mapping", "[{from: plan, to: plan}]", json!({}), Some(json!({})));
    assert_eq!(says, Err("`plan`: the work gave no `plan`".to_owned()));
}

#[test]
fn the_schema_tells_where() {
    let written = "{mappings: [{from: event.specs, to: specs}], validation: {properties: {specs: {items: {required: [id], properties: {id: {type: string}}}}}}}";
    let says = input(written, json!({"event": {"specs": [{"id": "a"}, {"id": 5}, {}]}}));
    let says = says.unwrap_err();
    assert!(says.contains("/specs/1/id: 5 is not of type \"string\""), "{says}");
    assert!(says.contains("/specs/2: \"id\" is a required property"), "{says}");
    assert!(input(written, json!({"event": {"specs": [{"id": "a"}]}})).is_ok());
}

#[test]
fn every_transform() {
    for (steps, given, wanted) in [
        ("trim", json!(" a "), json!("a")),
        ("lower", json!("Ä"), json!("ä")),
        ("upper", json!("a"), json!("A")),
        ("{split: \",\"}", json!("a,b"), json!(["a", "b"])),
        ("{join: \"-\"}", json!(["a", 1, true]), json!("a-1-true")),
        ("parse_json", json!("{\"a\": [1]}"), json!({"a": [1]})),
        ("to_json", json!({"a": 1}), json!("{\"a\":1}")),
        ("to_text", json!(1.5), json!("1.5")),
        ("to_text", json!("x"), json!("x")),
        ("to_number", json!("1.5"), json!(1.5)),
        ("to_integer", json!("7"), json!(7)),
        ("to_integer", json!(7.0), json!(7)),
        ("to_boolean", json!("true"), json!(true)),
        ("first", json!([1, 2]), json!(1)),
        ("last", json!([1, 2]), json!(2)),
        ("length", json!("äö"), json!(2)),
        ("length", json!({"a": 1}), json!(1)),
        ("keys", json!({"b": 1, "a": 2}), json!(["b", "a"])),
        ("values", json!({"b": 1, "a": 2}), json!([1, 2])),
        ("flatten", json!([[1, [2]], 3]), json!([1, [2], 3])),
        ("unique", json!([1, "1", 1, [1], [1]]), json!([1, "1", [1]])),
        ("sort", json!([3, 1.5, 2]), json!([1.5, 2, 3])),
        ("sort", json!(["b", "a"]), json!(["a", "b"])),
        ("{cel: \"value + 1 + n\"}", json!(1), json!(3)),
        ("[{split: \" \"}, unique, sort, {join: \"\"}]", json!("b a b"), json!("ab")),
    ] {
        let written = format!("[{{from: event.x, to: y, transforms: {steps}}}]");
        let world = json!({"event": {"x": given}, "inputs": {"n": 1}});
        assert_eq!(input(&written, world), Ok(json!({"y": wanted})), "{steps}");
    }
}

#[test]
fn a_transform_that_does_not_fit_says_so() {
    for (step, given, wanted) in [
        ("trim", json!(5), "`y`: `trim` needs text, not `5`"),
        ("first", json!([]), "`y`: `first` of an empty list"),
        ("sort", json!([1, "a"]), "`y`: `sort` needs a list of numbers, or one of texts"),
        ("to_integer", json!("1.5"), "`y`: `to_integer`: `1.5` is not an integer"),
        (
            "to_boolean",
            json!(1),
            "`y`: `to_boolean` needs a value that is boolean or says so, not `1`",
        ),
        ("keys", json!([1]), "`y`: `keys` needs a map, not `[1]`"),
    ] {
        let written = format!("[{{from: event.x, to: y, transforms: {step}}}]");
        assert_eq!(input(&written, json!({"event": {"x": given}})), Err(wanted.to_owned()));
    }
}

#[test]
fn transforms_of_the_whole_come_after_those_of_the_field() {
    let written = "{mappings: [{from: event.x, to: y, transforms: trim}], transforms: [{field: y, apply: [upper, {cel: value + \"!\"}]}]}";
    assert_eq!(input(written, json!({"event": {"x": " a "}})), Ok(json!({"y": "A!"})));
}
