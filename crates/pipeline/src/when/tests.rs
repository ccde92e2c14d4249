use std::path::Path;

use serde_json::{Value as Json, json};

use super::*;
use crate::expr::tests::{Values, values};

fn globs(patterns: &[&str]) -> Globs {
    Globs::new(patterns.iter().map(|pattern| (*pattern).to_owned()).collect()).unwrap()
}

fn strings(items: &[&str]) -> Vec<String> {
    items.iter().map(|item| (*item).to_owned()).collect()
}

fn when(test: Test) -> Condition {
    Condition { test, on_unknown: OnUnknown::Run }
}

fn judge(test: Test, facts: &Facts, scope: Json) -> Reason {
    when(test).evaluate(facts, &values(scope), None).unwrap()
}

fn expression(source: &str) -> Test {
    Test::Expression(Expression::compile(source).unwrap())
}

#[test]
fn patterns() {
    for (patterns, text, wanted) in [
        (&["main"][..], "main", true),
        (&["main"], "mainline", false),
        (&["release/*"], "release/1", true),
        (&["release/*"], "release/1/a", false),
        (&["release/**"], "release/1/a", true),
        (&["**"], "a/b", true),
        (&["*"], "a/b", false),
        (&["*.rs"], "lib.rs", true),
        (&["*.rs"], "src/lib.rs", false),
        (&["**/*.rs"], "lib.rs", true),
        (&["**/*.rs"], "a/b/lib.rs", true),
        (&["docs/**"], "docs", false),
        (&["docs/**/a.md"], "docs/a.md", true),
        (&["**.md"], "a/b.md", true),
        (&["**.md"], "b.md", true),
        (&["**.md"], "b.mdx", false),
        (&["a**z/x"], "ab/c/dz/x", true),
        (&["a**z/x"], "az/x", true),
        (&["a**z/x"], "az/y/x", false),
        (&["a***"], "a/b", true),
        (&["v?"], "v1", true),
        (&["v?"], "v/", false),
        (&["v[0-9]"], "v7", true),
        (&["{a,b}/x"], "b/x", true),
        (&["docs/**", "!docs/drafts/**"], "docs/drafts/a", false),
        (&["docs/**", "!docs/drafts/**", "docs/drafts/keep"], "docs/drafts/keep", true),
        (&["!docs/drafts/**", "docs/**"], "docs/drafts/a", true),
        (&["!main"], "main", false),
        (&["!main"], "other", true),
        (&[], "main", false),
        (&["a b*"], "a b c", true),
        (&["café/*"], "café/é", true),
    ] {
        assert_eq!(globs(patterns).matches(text), wanted, "{patterns:?} {text}");
    }
}

#[test]
fn a_broken_pattern_is_named() {
    let error = Globs::new(strings(&["ok", "a[b"])).unwrap_err();
    assert_eq!((error.index, error.pattern.as_str()), (1, "a[b"));
    let error = Globs::new(vec!["a**".repeat(40)]).unwrap_err();
    assert_eq!(error.problem, "too many `**`");
    assert_eq!(Globs::new(strings(&["!"])).unwrap_err().problem, "it is empty");
}

/// Runs when `ORCHESTRATE_SUITES` names the folder that holds `webhooks/globs.jsonl`.
#[test]
fn patterns_of_the_suite() {
    let Some(folder) = std::env::var_os("ORCHESTRATE_SUITES") else { return };
    let text = std::fs::read_to_string(Path::new(&folder).join("webhooks/globs.jsonl")).unwrap();
    let mut failed = 0;
    for case in text.lines().map(|line| serde_json::from_str::<Json>(line).unwrap()) {
        if case["dialect"] != "common" {
            continue;
        }
        let patterns = serde_json::from_value(case["patterns"].clone()).unwrap();
        let found = Globs::new(patterns).unwrap().matches(case["input"].as_str().unwrap());
        if found != case["match"].as_bool().unwrap() {
            println!("{case}");
            failed += 1;
        }
    }
    assert_eq!(failed, 0);
}

#[test]
fn three_values_combine_as_kleene_says() {
    use Truth::{False, True, Unknown};
    for (left, right, and, or) in [
        (True, True, True, True),
        (True, False, False, True),
        (True, Unknown, Unknown, True),
        (False, False, False, False),
        (False, Unknown, False, Unknown),
        (Unknown, Unknown, Unknown, Unknown),
    ] {
        assert_eq!((Truth::all([left, right]), Truth::all([right, left])), (and, and));
        assert_eq!((Truth::any([left, right]), Truth::any([right, left])), (or, or));
    }
    assert_eq!((Truth::all([]), Truth::any([])), (True, False));
    assert_eq!((!True, !False, !Unknown), (False, True, Unknown));
}

#[test]
fn a_leaf_says_what_it_found() {
    let facts = Facts {
        branch: Some("feature/x".to_owned()),
        paths: Some(strings(&["src/a.rs", "docs/b.md"])),
        labels: Some(strings(&["bug", "urgent"])),
        environment: Some("staging".to_owned()),
    };
    let scope = json!({"publish": true, "count": 1});
    let variable = |name: &str, values: Vec<Json>| Test::Variable { name: name.to_owned(), values };
    let labels = |any: &[&str], all: &[&str], none: &[&str]| Test::Labels {
        any: strings(any),
        all: strings(all),
        none: strings(none),
    };
    for (test, wanted, says) in [
        (Test::Branch(globs(&["main"])), false, r#"branch ["main"]: feature/x does not match"#),
        (Test::Branch(globs(&["feature/*"])), true, r#"branch ["feature/*"]: feature/x matches"#),
        (Test::Paths(globs(&["ui/**"])), false, r#"paths ["ui/**"]: 0 of 2 changed files match"#),
        (
            Test::Paths(globs(&["docs/**"])),
            true,
            r#"paths ["docs/**"]: 1 of 2 changed files matches"#,
        ),
        (
            Test::Environment(globs(&["prod"])),
            false,
            r#"environment ["prod"]: staging does not match"#,
        ),
        (labels(&["bug", "x"], &[], &[]), true, r#"labels any ["bug", "x"]: ["bug"] set"#),
        (labels(&[], &["bug", "x"], &[]), false, r#"labels all ["bug", "x"]: ["bug"] set"#),
        (labels(&[], &[], &["x"]), true, r#"labels none ["x"]: none is set"#),
        (
            variable("publish", vec![json!(false)]),
            false,
            "variable `publish` [false]: true does not match",
        ),
        (
            variable("count", vec![json!(2), json!(1.0)]),
            true,
            "variable `count` [2,1.0]: 1 matches",
        ),
        (variable("gone", vec![json!(2)]), false, "variable `gone` [2]: it has no value"),
        (
            expression("publish && count > 1"),
            false,
            "if `publish && count > 1`: false (publish is true, count is 1)",
        ),
        (expression("!publish"), false, "if `!publish`: false (publish is true)"),
        (expression("publish"), true, "if `publish`: true"),
    ] {
        let reason = judge(test, &facts, scope.clone());
        assert_eq!(
            (reason.truth, reason.says.replace("[2, 1.0]", "[2,1.0]").as_str()),
            (wanted.into(), says)
        );
    }
}

#[test]
fn what_is_not_known_counts_as_true_unless_the_author_turns_it_round() {
    let tests = [
        Test::Branch(globs(&["main"])),
        Test::Paths(globs(&["docs/**"])),
        Test::Labels { any: strings(&["x"]), all: vec![], none: vec![] },
        Test::Environment(globs(&["prod"])),
        expression("event.draft == false"),
    ];
    for test in tests {
        let mut condition = when(test);
        let reason = condition.evaluate(&Facts::default(), &Values::default(), None).unwrap();
        assert_eq!(reason.truth, Truth::Unknown, "{reason:?}");
        assert!(reason.says.contains("known") || reason.says.contains("event"), "{reason:?}");
        assert!(condition.holds(&reason));
        condition.on_unknown = OnUnknown::Skip;
        assert!(!condition.holds(&reason));
    }
    // The changed set is known, and it is empty.
    let facts = Facts { paths: Some(vec![]), ..Facts::default() };
    let reason = judge(Test::Paths(globs(&["docs/**"])), &facts, json!({}));
    assert_eq!(reason.truth, Truth::False);
    assert_eq!(reason.says, r#"paths ["docs/**"]: 0 of 0 changed files match"#);
}

#[test]
fn the_tree_shows_every_leaf() {
    let facts = Facts { branch: Some("dev".to_owned()), ..Facts::default() };
    let test = Test::Any(vec![
        Test::All(vec![Test::Branch(globs(&["main"])), Test::Paths(globs(&["docs/**"]))]),
        Test::Not(Box::new(Test::Branch(globs(&["dev"])))),
    ]);
    let reason = judge(test, &facts, json!({}));
    assert_eq!((reason.truth, reason.says.as_str()), (Truth::False, "any of"));
    let [all, not] = reason.parts.as_slice() else { panic!("{reason:?}") };
    assert_eq!(
        (all.truth, all.parts[0].truth, all.parts[1].truth),
        (Truth::False, Truth::False, Truth::Unknown)
    );
    assert_eq!((not.truth, not.parts[0].truth), (Truth::False, Truth::True));
    let stored: Reason = serde_json::from_value(serde_json::to_value(&reason).unwrap()).unwrap();
    assert_eq!(stored, reason);
}

#[test]
fn an_expression_that_fails_is_an_error_unless_the_rest_decides() {
    let facts = Facts { branch: Some("dev".to_owned()), ..Facts::default() };
    let scope = values(json!({}));
    let broken = || expression("1 / 0 == 1");
    let branch = |name: &str| Test::Branch(globs(&[name]));
    let judge = |test: Test| when(test).evaluate(&facts, &scope, None);
    assert_eq!(judge(broken()).unwrap_err().message, "`/` by zero");
    assert!(judge(Test::All(vec![broken(), branch("dev")])).is_err());
    assert!(judge(Test::Not(Box::new(broken()))).is_err());
    assert_eq!(judge(Test::All(vec![broken(), branch("main")])).unwrap().truth, Truth::False);
    assert_eq!(judge(Test::Any(vec![broken(), branch("dev")])).unwrap().truth, Truth::True);
}

#[test]
fn the_label_of_the_stage_wins_over_the_fact() {
    let facts = Facts { environment: Some("staging".to_owned()), ..Facts::default() };
    let condition = when(Test::Environment(globs(&["prod"])));
    let scope = Values::default();
    assert_eq!(condition.evaluate(&facts, &scope, Some("prod")).unwrap().truth, Truth::True);
    assert_eq!(condition.evaluate(&facts, &scope, None).unwrap().truth, Truth::False);
}

/// SEMANTICS 12, number 16: the one file that matters is found, wherever it stands, and the
/// count is exact.
#[test]
fn three_thousand_changed_files_are_judged_exactly() {
    for count in [3_000, 300_000] {
        let mut paths: Vec<String> =
            (0..count).map(|i| format!("src/module-{}/file-{i}.rs", i % 100)).collect();
        let judge = |paths: &[String]| {
            let facts = Facts { paths: Some(paths.to_vec()), ..Facts::default() };
            judge(Test::Paths(globs(&["docs/**", "*.md", "!docs/drafts/**"])), &facts, json!({}))
        };
        let patterns = r#"paths ["docs/**", "*.md", "!docs/drafts/**"]"#;
        let reason = judge(&paths);
        assert_eq!(reason.truth, Truth::False);
        assert_eq!(reason.says, format!("{patterns}: 0 of {count} changed files match"));
        paths[count - 1] = "docs/guide/last.md".to_owned();
        paths[count / 2] = "docs/drafts/no.md".to_owned();
        let reason = judge(&paths);
        assert_eq!(reason.truth, Truth::True);
        assert_eq!(reason.says, format!("{patterns}: 1 of {count} changed files matches"));
        let reason = self::judge(
            Test::Paths(globs(&["src/module-7/**"])),
            &Facts { paths: Some(paths.clone()), ..Facts::default() },
            json!({}),
        );
        assert!(reason.says.contains(&format!(": {} of {count} ", count / 100)), "{}", reason.says);
    }
}
