//! The conformance suite of CEL: `tests/suites/cel`.

use serde_json::Value as Json;

use super::*;

enum Grade {
    Pass,
    Fail(String),
}

fn grade(case: &Json, wanted: Option<&Json>) -> Grade {
    let bindings = case["bindings_json"].as_object().cloned().unwrap_or_default();
    // What the suite runs without its checker is run without ours: a call of a function that does
    // not exist then fails where it is run, which `||` may do without.
    let compile = match case["disable_check"] {
        Json::Bool(true) => Expression::unchecked,
        _ => Expression::compile,
    };
    let expression = match compile(case["expr"].as_str().unwrap()) {
        Ok(expression) => expression,
        Err(_) if wanted.is_none() => return Grade::Pass,
        Err(error) => return Grade::Fail(format!("does not compile: {error}")),
    };
    match (expression.evaluate(&Values(bindings)), wanted) {
        (Ok(found), Some(wanted)) if same(&found, wanted) => Grade::Pass,
        (Ok(found), Some(wanted)) => Grade::Fail(format!("{found} instead of {wanted}")),
        (Ok(found), None) => Grade::Fail(format!("{found} instead of an error")),
        (Err(_), None) => Grade::Pass,
        (Err(error), Some(wanted)) => Grade::Fail(format!("{error} instead of {wanted}")),
    }
}

/// The same JSON; `1` and `1.0` differ, as in CEL they do.
fn same(left: &Json, right: &Json) -> bool {
    match (left, right) {
        (Json::Number(l), Json::Number(r)) => l.is_f64() == r.is_f64() && l.as_f64() == r.as_f64(),
        (Json::Array(l), Json::Array(r)) => {
            l.len() == r.len() && l.iter().zip(r).all(|(l, r)| same(l, r))
        }
        (Json::Object(l), Json::Object(r)) => {
            l.len() == r.len() && l.iter().all(|(k, l)| r.get(k).is_some_and(|r| same(l, r)))
        }
        (l, r) => l == r,
    }
}

fn cases(tier: &str) -> Vec<Json> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/suites/cel/cases.jsonl");
    let text = std::fs::read_to_string(path).unwrap();
    let cases = text.lines().map(|line| serde_json::from_str::<Json>(line).unwrap());
    cases.filter(|case| case["tier"] == tier).collect()
}

/// How many pass, of how many.
fn score<'c>(graded: impl Iterator<Item = (&'c Json, Grade)>) -> (usize, usize) {
    let (mut passed, mut all) = (0, 0);
    for (case, grade) in graded {
        all += 1;
        match grade {
            Grade::Pass => passed += 1,
            Grade::Fail(why) => println!("{}: {}: {why}", case["id"], case["expr"]),
        }
    }
    println!("CEL: {passed} of {all} pass");
    (passed, all)
}

#[test]
fn conformance() {
    let cases = cases("json-core");
    let graded = cases.iter().map(|case| (case, grade(case, case.get("expect_json"))));
    let (passed, all) = score(graded);
    assert_eq!(all, 598);
    // The four others bind variables with dots in their names, which do not exist here.
    assert!(passed >= 594, "{passed}");
}

/// Beyond JSON: unsigned numbers, bytes, types, timestamps and durations.
#[test]
fn conformance_of_types() {
    let cases = cases("cel-types");
    let graded = cases.iter().filter_map(|case| {
        let value = &case["expect"]["value"];
        let text = value["v"].as_str().unwrap_or_default();
        let wanted = match value["t"].as_str() {
            Some("bool") => value["v"].clone(),
            Some("int") => Json::from(text.parse::<i64>().ok()?),
            Some("uint") => Json::from(text.parse::<u64>().ok()?),
            Some("double") => Json::from(text.parse::<f64>().ok()?),
            Some("string" | "type") => Json::from(text),
            Some(_) => return None,
            None => return case["expect"].get("error").map(|_| (case, grade(case, None))),
        };
        // What the case binds has no JSON, so it cannot come from a run.
        (case.get("bindings").is_none() && !wanted.is_null())
            .then(|| (case, grade(case, Some(&wanted))))
    });
    let (passed, all) = score(graded);
    assert_eq!(all, 394);
    assert!(passed >= 382, "{passed}");
}
