//! The conformance suite of CEL, when it is at hand: `ORCHESTRATE_SUITES` names the folder that
//! holds `cel/cel_cases.jsonl`.

use std::path::Path;

use serde_json::Value as Json;

use super::*;

enum Grade {
    Pass,
    /// Refused when compiled because it calls a function that does not exist. The suite runs these
    /// cases without its checker, to see the call fail later; here the check is never left out.
    Checked,
    Fail(String),
}

fn grade(case: &Json, wanted: Option<&Json>) -> Grade {
    let bindings = case["bindings_json"].as_object().cloned().unwrap_or_default();
    let expression = match Expression::compile(case["expr"].as_str().unwrap()) {
        Ok(expression) => expression,
        Err(_) if wanted.is_none() => return Grade::Pass,
        Err(error) if error.message.starts_with("there is no function") => return Grade::Checked,
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

fn cases(tier: &str) -> Option<Vec<Json>> {
    let folder = std::env::var_os("ORCHESTRATE_SUITES")?;
    let text = std::fs::read_to_string(Path::new(&folder).join("cel/cel_cases.jsonl")).unwrap();
    let cases = text.lines().map(|line| serde_json::from_str::<Json>(line).unwrap());
    Some(cases.filter(|case| case["tier"] == tier).collect())
}

/// How many pass, and how many the check refuses.
fn score<'c>(graded: impl Iterator<Item = (&'c Json, Grade)>) -> (usize, usize) {
    let (mut passed, mut checked, mut all) = (0, 0, 0);
    for (case, grade) in graded {
        all += 1;
        match grade {
            Grade::Pass => passed += 1,
            Grade::Checked => checked += 1,
            Grade::Fail(why) => println!("{}: {}: {why}", case["id"], case["expr"]),
        }
    }
    println!("{passed} of {all} pass, {checked} are refused by the check of function names");
    (passed, checked)
}

#[test]
fn conformance() {
    let Some(cases) = cases("json-core") else { return };
    let graded = cases.iter().map(|case| (case, grade(case, case.get("expect_json"))));
    let (passed, checked) = score(graded);
    assert_eq!(checked, 18);
    assert!(passed + checked >= 594, "{passed} and {checked}");
}

/// Beyond JSON: unsigned numbers, bytes, types, timestamps and durations.
#[test]
fn conformance_of_types() {
    let Some(cases) = cases("cel-types") else { return };
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
    let (passed, _) = score(graded);
    assert!(passed >= 300, "{passed}");
}
