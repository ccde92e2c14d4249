//! Whatever an author writes: no overflow of the stack, no long run, no large memory.

use std::time::{Duration, Instant};

use super::*;

/// Compiles and runs on a stack of 512 KiB. The time only tells an end from none: the steps are
/// what is bounded, and an unoptimised build on a busy machine is slow.
fn contained(source: String, scope: Json) -> Result<Json, String> {
    let start = Instant::now();
    let thread = std::thread::Builder::new().stack_size(512 * 1024).spawn(move || {
        let expression = Expression::compile(&source).map_err(|error| error.message)?;
        let result = expression.evaluate(&values(scope)).map_err(|error| error.message);
        drop(expression);
        result
    });
    let result = thread.unwrap().join().expect("no panic, no overflow");
    assert!(start.elapsed() < Duration::from_secs(20), "took {:?}", start.elapsed());
    result
}

#[test]
fn brackets_nest_64_deep_and_no_deeper() {
    let nested = |open: &str, close: &str, depth: usize| {
        contained(format!("{}1{}", open.repeat(depth), close.repeat(depth)), json!({}))
    };
    assert_eq!(nested("(", ")", 64), Ok(json!(1)));
    let deep = "brackets are nested at most 64 deep";
    assert_eq!(nested("(", ")", 65), Err(deep.to_owned()));
    assert_eq!(nested("(", ")", 2000), Err(deep.to_owned()));
    assert_eq!(nested("[", "]", 2000), Err(deep.to_owned()));
    assert_eq!(nested("{1:", "}", 1000), Err(deep.to_owned()));
    assert_eq!(nested("size(", ")", 600), Err(deep.to_owned()));
    assert_eq!(
        nested("[1].map(x,", ")", 300).unwrap_err(),
        "`map` and its like are nested at most 2 deep"
    );
    assert_eq!(nested("true ? 1 : (", ")", 64), Ok(json!(1)));
    // As many levels of precedence as there are, in every bracket.
    assert!(nested("true || true && 1 < 1 + 1 * -(", ")", 36).is_err());
    assert!(nested("1 + 1 * (", ")", 64).is_ok());
}

#[test]
fn chains_are_flat() {
    let chain = |part: &str, by: &str, count: usize| {
        contained(vec![part; count].join(by), json!({"a": {"a": 1}}))
    };
    assert_eq!(chain("1", "+", 500), Ok(json!(500)));
    assert_eq!(chain("true", "&&", 500), Ok(json!(true)));
    assert_eq!(chain("false", "||", 500), Ok(json!(false)));
    assert_eq!(chain("a", ".", 500), Err("int has no field `a`".to_owned()));
    assert_eq!(contained(format!("{}true", "!".repeat(500)), json!({})), Ok(json!(true)));
    assert_eq!(contained(format!("{}1", "-".repeat(500)), json!({})), Ok(json!(1)));
    assert_eq!(contained(format!("{}1", "true?1:".repeat(200)), json!({})), Ok(json!(1)));
    let many = "an expression has at most 512 parts; split it";
    assert_eq!(chain("1", "+", 2000), Err(many.to_owned()));
    assert_eq!(chain("a", ".", 2000), Err(many.to_owned()));
    assert_eq!(contained(format!("{}1", "-".repeat(4000)), json!({})), Err(many.to_owned()));
    let long = "an expression has at most 4096 bytes".to_owned();
    assert_eq!(contained(" ".repeat(5000), json!({})), Err(long));
    let methods = format!("[1]{}", ".map(x,x)".repeat(150));
    assert!(contained(methods, json!({})).is_ok());
    let methods = format!("[1]{}", ".size()".repeat(230));
    assert_eq!(contained(methods, json!({})), Err("this expression is too deep; split it".into()));
}

#[test]
fn nothing_runs_for_long() {
    let many: Vec<u32> = (0..20_000).collect();
    let scope = json!({ "a": many });
    let cut = Err(format!("takes more than {} steps", LIMITS.steps));
    for source in [
        "a.map(x, a.map(y, x + y))",
        "a.all(x, x in a || !(x in a))",
        "a.all(x, a == a)",
        "a.exists(x, a.exists(y, y < 0))",
        "a.exists(x, a.exists(y, y < 0)) || true == true && a.all(x, a.exists(y, y < 0))",
    ] {
        assert_eq!(contained(source.to_owned(), scope.clone()), cut, "{source}");
    }
    for source in [
        // Twice as much with each step: text, lists, and a list that shares its parts.
        format!("['aaaaaaaa']{}", ".map(x,x+x)".repeat(60)),
        format!("[[1]]{}", ".map(x,x+x)".repeat(60)),
        format!("[1]{}", ".map(x,[x,x])".repeat(60)),
        format!("[1]{0} == [1]{0}", ".map(x,[x,x])".repeat(30)),
    ] {
        assert_eq!(contained(source.clone(), json!({})), cut, "{}", &source[..40]);
    }
}

#[test]
fn patterns_are_linear_and_small() {
    let text = "a".repeat(100_000);
    let source = format!("t.matches('^({}{})*y$')", "a?".repeat(100), "a".repeat(100));
    assert_eq!(contained(source, json!({ "t": text })), Ok(json!(false)));
    let error = contained("'x'.matches('((a{100}){100}){100}')".to_owned(), json!({}));
    assert_eq!(error.unwrap_err(), "the pattern `((a{100}){100}){100}` is too large");
    let many: Vec<String> = (0..100_000).map(|i| format!("x{i}")).collect();
    let error = contained("p.exists(p, 'y'.matches(p))".to_owned(), json!({ "p": many }));
    assert!(error.unwrap_err().contains("steps"));
}

/// What was cut off stays cut off: `||` makes up for mistakes, not for a spent budget.
#[test]
fn no_operator_hides_that_the_budget_is_spent() {
    let many: Vec<u32> = (0..3_000).collect();
    let source = "a.exists(x, a.all(y, y >= 0 && x < 0 || true) && false) || true";
    let error = contained(source.to_owned(), json!({ "a": many })).unwrap_err();
    assert_eq!(error, format!("takes more than {} steps", LIMITS.steps));
}

#[test]
fn large_honest_work_is_done() {
    let paths: Vec<String> = (0..300_000).map(|i| format!("src/module-{i}/file.rs")).collect();
    let scope = json!({ "event": { "paths": paths } });
    let source = "event.paths.exists(p, p.startsWith('docs/'))".to_owned();
    assert_eq!(contained(source, scope), Ok(json!(false)));
}
