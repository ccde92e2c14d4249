use serde_json::{Value as Json, json};

use super::*;
use crate::text::Root;

mod limits;
mod suite;

/// A scope of named values; `stages` holds results of stages.
#[derive(Default)]
pub(crate) struct Values(pub(crate) serde_json::Map<String, Json>);

pub(crate) fn values(json: Json) -> Values {
    Values(json.as_object().unwrap().clone())
}

impl Scope for Values {
    fn get(&self, root: &Root) -> Option<std::borrow::Cow<'_, Json>> {
        let name = match root {
            Root::Value(name) => name.as_str(),
            Root::Event => "event",
            Root::Run => "run",
            Root::Task => "task",
            Root::Item => "item",
            Root::Form => "form",
            Root::Mapped => "input",
            Root::Own => "outputs",
            Root::Previous(_) => "prev",
            Root::Subject => "value",
            Root::Output(stage) => {
                let outputs = self.0.get("stages")?.get(stage)?.get("outputs")?;
                return Some(std::borrow::Cow::Borrowed(outputs));
            }
            Root::Secret(_) => return None,
        };
        self.0.get(name).map(std::borrow::Cow::Borrowed)
    }

    fn stage(&self, name: &str) -> Option<Json> {
        self.0.get("stages")?.get(name).cloned()
    }
}

fn run(source: &str, scope: Json) -> Result<Json, EvalError> {
    Expression::compile(source).unwrap().evaluate(&values(scope))
}

fn refused(source: &str) -> String {
    Expression::compile(source).expect_err(source).message
}

#[test]
fn results() {
    for (source, wanted) in [
        ("1 + 2 * 3", json!(7)),
        ("(1 + 2) * 3", json!(9)),
        ("10 - 2 - 3", json!(5)),
        ("7 % 4 == 3 && 7 / 2 == 3", json!(true)),
        ("1.5 + 1.0", json!(2.5)),
        ("-9223372036854775808", json!(i64::MIN)),
        ("--3", json!(3)),
        ("!!true", json!(true)),
        ("0x10", json!(16)),
        ("'a' + \"b\" + r'\\n'", json!("ab\\n")),
        ("'caf\\u00e9'.size()", json!(4)),
        ("true ? 1 : false ? 2 : 3", json!(1)),
        ("false ? 1 : false ? 2 : 3", json!(3)),
        ("[1, 2, 3].map(x, x * x)", json!([1, 4, 9])),
        ("[1, 2, 3, 4].map(x, x % 2 == 0, x * 10)", json!([20, 40])),
        ("[1, 2, 3].filter(x, x > 1)", json!([2, 3])),
        ("[1, 2].exists(x, [2, 3].exists(y, x == y))", json!(true)),
        ("{'a': 1, 'b': [true, null]}", json!({"a": 1, "b": [true, null]})),
        ("{'a': 1}.all(k, k == 'a')", json!(true)),
        ("1 == 1.0 && 1u == 1 && !('1' == 1)", json!(true)),
        ("'ab'.matches('^a.$') && matches('xaby', 'ab')", json!(true)),
        ("string(1.5) + string(true) + string(7)", json!("1.5true7")),
        ("int('42') + int(1.9)", json!(43)),
        ("type(1) == int && type([]) == list", json!(true)),
        ("timestamp('2026-01-31T10:00:00Z') + duration('1h30m')", json!("2026-01-31T11:30:00Z")),
        ("timestamp('2026-01-31T10:00:00Z').getDayOfWeek()", json!(6)),
        ("timestamp('2026-01-31T23:00:00Z').getHours('+02:00')", json!(1)),
        ("duration('90s') > duration('1m')", json!(true)),
        ("1 in [1, 2] && 'k' in {'k': 1} // said", json!(true)),
    ] {
        assert_eq!(run(source, json!({})), Ok(wanted), "{source}");
    }
}

#[test]
fn paths_read_the_run() {
    let scope = json!({
        "replicas": 3, "labels": ["a", "b"],
        "event": {"paths": ["docs/a.md", "src/b.rs"], "pull request": {"draft": false}},
        "run": {"number": 7},
        "item": {"name": "x"},
        "stages": {"deploy-staging": {"outcome": "succeeded", "conclusion": "success",
                                      "outputs": {"url": "https://s"}}},
    });
    for source in [
        "inputs.replicas == 3 && variables.replicas == 3 && replicas == 3 && inputs['replicas'] > 2",
        "'b' in labels && labels[0] == 'a' && labels.size() == 2",
        "event.paths.exists(p, p.startsWith('docs/'))",
        "event['pull request'].draft == false && event.`pull request`.draft == false",
        "run.number > 6 && item.name == 'x'",
        "stages['deploy-staging'].outputs.url.endsWith('s')",
        "stages.`deploy-staging`.outcome == 'succeeded'",
        "has(inputs.replicas) && !has(inputs.other) && !has(event.nothing)",
        "has(stages['deploy-staging'].outputs.url) && !has(stages['deploy-staging'].outputs.no)",
        "[1].exists(inputs, inputs == 1)",
    ] {
        assert_eq!(run(source, scope.clone()), Ok(json!(true)), "{source}");
    }
}

#[test]
fn one_side_that_decides_makes_up_for_a_mistake_in_the_other() {
    assert_eq!(run("1 / 0 == 1 || true", json!({})), Ok(json!(true)));
    assert_eq!(run("false && 1 / 0 == 1", json!({})), Ok(json!(false)));
    assert_eq!(run("[0, 1].exists(x, 1 / x == 1)", json!({})), Ok(json!(true)));
    assert_eq!(run("1 / 0 == 1 || false", json!({})).unwrap_err().message, "`/` by zero");
}

#[test]
fn what_the_event_lacks_is_unknown_and_no_mistake() {
    let manual = json!({"event": null, "flag": true});
    let push = json!({"event": {"ref": "main", "pull_request": null}, "flag": true});
    for scope in [&manual, &push, &json!({"flag": true})] {
        let unknown = |source| run(source, scope.clone()).unwrap_err().unknown;
        assert!(unknown("event.pull_request.draft == true"));
        assert!(unknown("event['pull_request'].draft == true && flag"));
        assert!(!unknown("event.pull_request.draft == true || missing == 1"));
        assert!(!unknown("missing == 1"));
        assert_eq!(run("event.pull_request.draft || flag", scope.clone()), Ok(json!(true)));
    }
}

#[test]
fn mistakes_of_a_run_are_told_in_words() {
    for (source, wanted) in [
        ("missing + 1", "`missing` has no value"),
        ("stages.build.outcome == 'x'", "stage `build` has no result"),
        ("1 + 1.0", "`+` is not defined for int and double; convert one of them with `int(…)`"),
        ("'a' < 1", "`<` is not defined for string and int"),
        ("{'a': 1}.b", "there is no `b`"),
        ("[1][3]", "the index is outside a list of 1"),
        ("9223372036854775807 + 1", "`+` overflows"),
        ("1 && true", "`&&` needs a boolean and got int"),
        ("int('x')", "`int` cannot read `x`"),
        ("'x'.matches('(')", "`(` is not a regular expression"),
        ("1.0 / 0.0", "came to inf, which is no JSON"),
        ("b'a'", "came to bytes, which are no JSON"),
    ] {
        let error = run(source, json!({})).unwrap_err();
        assert_eq!((error.message.as_str(), error.unknown), (wanted, false), "{source}");
    }
    let error = Expression::compile("[1]").unwrap().evaluate_bool(&Values::default());
    assert_eq!(error.unwrap_err().message, "came to `[1]`, which is neither true nor false");
}

#[test]
fn mistakes_of_the_author_are_found_when_compiled() {
    for (source, wanted) in [
        ("", "expected a value, found the end"),
        ("1 +", "expected a value, found the end"),
        ("a = b", "`=` means nothing in an expression; equality is written `==`"),
        ("a & b", "`&` means nothing in an expression; `and` is written `&&`"),
        ("${a}", "`$` means nothing in an expression; names stand alone here, without `${`"),
        ("a b", "expected the end of the expression, found `b`"),
        ("(a", "expected `)`, found the end"),
        ("'abc", "this text is never closed"),
        ("'a\\q'", "`\\q` is no escape; write `\\\\q`"),
        ("9223372036854775808", "this number does not fit into 64 bits"),
        ("size()", "`size` takes 1 argument(s), here are 0"),
        ("a.contans('x')", "there is no function `contans`; did you mean `contains`?"),
        ("startsWith(a, b)", "`startsWith` is a method: `text.startsWith(…)`"),
        ("has(a)", "`has` takes a path that ends in a name: `has(a.b)`"),
        ("a.map(1, 2)", "`map` first takes a name: `map(x, …)`"),
        ("a.all(x)", "`all` first takes a name: `all(x, …)`"),
        (
            "inputs == 1",
            "`inputs` must name an input or variable: `inputs.name` or `inputs[\"any name\"]`",
        ),
        (
            "stages[item].outcome",
            "`stages` must name a stage: `stages.name` or `stages[\"any name\"]`",
        ),
        (
            "stages.a.status == 1",
            "a stage has no `status`; it has `outcome`, `conclusion` and `outputs`",
        ),
        ("run.started", "`run` has no `started`; it has `id`, `number`, `name`, `pipeline`, `by`"),
        ("while", "`while` is a reserved word"),
        ("1x", "a number ends where a name begins"),
    ] {
        assert_eq!(refused(source), wanted, "{source}");
    }
}

#[test]
fn a_mistake_has_its_place() {
    let span = |source| Expression::compile(source).unwrap_err().span;
    assert_eq!(span("a && b.nope(1)"), Span::new(7, 11));
    assert_eq!(span("é == $x"), Span::new(0, 2));
    assert_eq!(span("'é' == $x"), Span::new(8, 9));
    assert_eq!(span("1 +"), Span::new(3, 3));
}

#[test]
fn references_are_known_before_a_run() {
    let expression = Expression::compile(
        "inputs.a > 1 && b && stages.x.outputs.y == stages['z-1'].outputs['k'] && type(b) == int \
         && has(stages.x.outputs.q) && event.list.all(p, p.startsWith(c) && variables.d == p)",
    )
    .unwrap();
    let references = expression.references();
    let names = |set: &std::collections::BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>();
    assert_eq!(names(&references.roots), ["b", "c", "event"]);
    assert_eq!(names(&references.values), ["a", "d"]);
    assert_eq!(references.stages.keys().collect::<Vec<_>>(), ["x", "z-1"]);
    assert_eq!(names(&references.stages["x"]), ["q", "y"]);
    assert_eq!(names(&references.stages["z-1"]), ["k"]);
    assert_eq!(references.places["b"], Span::new(16, 17));
    assert_eq!(expression.unknown_roots(&|name| name == "b"), ["c"]);
}

#[test]
fn what_a_stage_has_of_its_own_is_read() {
    let scope = || {
        json!({
            "form": {"ok": true}, "input": {"n": 2}, "outputs": {"specs": [1, 2]},
            "prev": {"n": 3}, "level": 4, "value": 5,
        })
    };
    for (source, wanted) in [
        ("form.ok && input.n == 2 && size(outputs.specs) == 2", json!(true)),
        ("prev.build.outputs.n + config.level + config[\"level\"]", json!(11)),
        ("has(form.no) || has(prev.build.outputs.n)", json!(true)),
        ("has(config.level) && !has(config.none)", json!(true)),
        ("value", json!(5)),
    ] {
        assert_eq!(run(source, scope()), Ok(wanted), "{source}");
    }
    assert!(run("prev.build.outputs.n", json!({})).unwrap_err().message.contains("`build`"));
    let references = Expression::compile(
        "form.a && input.b > outputs.c && prev.x.outputs.y == config.z && has(config.w) && config2",
    )
    .unwrap();
    let references = references.references();
    let fields: Vec<_> = references.fields.iter().map(|(r, n)| format!("{r}.{n}")).collect();
    assert_eq!(fields, ["form.a", "input.b", "outputs.c"]);
    assert_eq!(references.config.iter().collect::<Vec<_>>(), ["w", "z"]);
    assert!(references.previous["x"].contains("y") && references.values.is_empty());
    assert!(references.roots.contains("config2"));
    assert_eq!(references.places["config.z"], Span::new(53, 61));
    assert!(refused("prev").contains("must name a stage"));
    assert!(refused("config == 1").contains("must name a setting"));
}

#[test]
fn only_a_transform_has_a_value() {
    let transform = Expression::compile_transform("value + 1").unwrap();
    assert!(transform.references().roots.contains("value"));
    let compiled = Expression::compile_transform("[1].map(value, value + 1)").unwrap();
    assert!(compiled.references().roots.is_empty());
    assert_eq!(transform.evaluate(&values(json!({"value": 1}))), Ok(json!(2)));
}

#[test]
fn expressions_can_be_shared_between_threads() {
    fn shared<T: Clone + std::fmt::Debug + Send + Sync>() {}
    shared::<Expression>();
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(source in "[a-c0-9'\"\\\\.,:?!&|()\\[\\]{}<>=+*/% -]{0,40}|\\PC{0,40}") {
        if let Ok(expression) = Expression::compile(&source) {
            let _ = expression.evaluate(&values(json!({"a": 1, "b": ["x"], "c": {"a": null}})));
        }
    }

    #[test]
    fn integers_are_as_in_rust(a: i64, b: i64) {
        let wanted = a.checked_mul(b).map(Json::from);
        let found = run(&format!("{a} * {b}"), json!({})).ok();
        proptest::prop_assert_eq!(found, wanted);
        let wanted = Json::Bool(a < b);
        proptest::prop_assert_eq!(run(&format!("{a} < {b}"), json!({})), Ok(wanted));
    }
}
