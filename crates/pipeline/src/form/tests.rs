use std::borrow::Cow;

use indexmap::IndexMap;
use serde_json::{Value as Json, json};

use super::*;
use crate::text::Root;

const DIGEST: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn form(fields: &str) -> Form {
    let text = format!(
        "name: x\ninputs: {{v: any}}\nstages:\n  - {{name: a, run: x, env: {{V: \"${{v}}\"}}}}\n  - name: s\n    form:\n      fields: {fields}\n"
    );
    let parsed = crate::parse(&text);
    let Some(mut pipeline) = parsed.pipeline.clone() else {
        panic!("{}", parsed.rendered("x.yaml", false))
    };
    pipeline.stages.remove(1).form.unwrap()
}

fn values(json: Json) -> IndexMap<String, Json> {
    serde_json::from_value(json).unwrap()
}

fn problems(form: &Form, given: Json) -> Vec<(String, String)> {
    check(form, &values(given)).unwrap_err()
}

#[test]
fn what_is_given_is_kept_in_the_forms_order_and_the_rest_is_null() {
    let form = form("{a: text, b: {type: number, default: 5}, c: boolean, d: multiline_text}");
    let checked = check(&form, &values(json!({"d": "", "a": "x"}))).unwrap();
    assert_eq!(json!(checked), json!({"a": "x", "b": 5, "c": null, "d": ""}));
    assert_eq!(checked.keys().collect::<Vec<_>>(), ["a", "b", "c", "d"]);
    let cleared = check(&form, &values(json!({"b": null}))).unwrap();
    assert_eq!(cleared["b"], Json::Null);
}

#[test]
fn all_problems_at_once() {
    let form = form(
        "{a: {required: true}, b: {type: number, min: 1, max: 3, integer: true}, c: {type: select, options: [x, y]}, d: {type: date, earliest: 2026-01-01}, e: {min_length: 3, pattern: '[a-z]+'}, f: {required: true}}",
    );
    let given = json!({"a": " ", "b": 4.5, "c": "z", "d": "2025-12-31", "e": "A", "zz": 1});
    let found: Vec<String> = problems(&form, given)
        .into_iter()
        .map(|(field, says)| format!("{field}: {says}"))
        .collect();
    assert_eq!(
        found,
        [
            "a: a value is required",
            "b: 4.5 is not a whole number",
            "b: 4.5 is more than 3",
            "c: `z` is none of the options: x, y",
            "d: 2025-12-31 is before 2026-01-01",
            "e: it has 1 characters and needs at least 3",
            "e: `A` does not match `[a-z]+`",
            "f: a value is required",
            "zz: the form has no such field",
        ]
    );
}

#[test]
fn a_pattern_takes_the_whole_text() {
    let form = form("{a: {pattern: 'a|ab'}}");
    for (text, fits) in [("a", true), ("ab", true), ("abc", false), ("xa", false), ("a\n", false)] {
        assert_eq!(check(&form, &values(json!({"a": text}))).is_ok(), fits, "{text:?}");
    }
}

#[test]
fn each_kind_takes_its_own() {
    let form = form(
        "{t: text, n: number, b: boolean, m: multiline_text, s: {type: select, options: [x, y], multiple: true}, d: date}",
    );
    let good =
        json!({"t": "x", "n": 1, "b": true, "m": "a\nb", "s": ["x", "y"], "d": "2026-11-21"});
    assert!(check(&form, &values(good)).is_ok());
    for (field, bad) in [
        ("t", json!("a\nb")),
        ("t", json!("a\u{0}")),
        ("t", json!(5)),
        ("n", json!("5")),
        ("b", json!("true")),
        ("m", json!(["a"])),
        ("s", json!("x")),
        ("s", json!(["z"])),
        ("s", json!(["x", "x"])),
        ("d", json!("21.11.2026")),
        ("d", json!("2026-02-30")),
        ("d", json!("2026-11-21T00:00")),
        ("d", json!(20261121)),
    ] {
        let found = problems(&form, json!({field: bad.clone()}));
        assert!(found.iter().all(|(name, _)| name == field) && !found.is_empty(), "{field} {bad}");
    }
}

#[test]
fn a_file_is_a_reference_within_its_limit() {
    let form = form("{f: file, small: {type: file, max_bytes: 10}}");
    let file = |name: &str, bytes: u64| json!({"name": name, "digest": DIGEST, "bytes": bytes});
    assert!(check(&form, &values(json!({"f": file("a.txt", FILE_BYTES)}))).is_ok());
    for bad in [
        json!({"f": file("a.txt", 30 * 1024 * 1024)}),
        json!({"small": file("a", 11)}),
        json!({"f": file("../a", 1)}),
        json!({"f": file("a/b", 1)}),
        json!({"f": file("a\u{0}b", 1)}),
        json!({"f": file("..", 1)}),
        json!({"f": file("", 1)}),
        json!({"f": {"name": "a", "digest": "abc", "bytes": 1}}),
        json!({"f": {"name": "a", "digest": DIGEST, "bytes": 1, "path": "/etc/passwd"}}),
        json!({"f": {"name": "a", "digest": DIGEST, "bytes": -1}}),
        json!({"f": "a.txt"}),
    ] {
        assert_eq!(problems(&form, bad.clone()).len(), 1, "{bad}");
    }
}

#[test]
fn text_becomes_the_kind_of_its_field() {
    let form = form(
        "{t: text, n: number, b: boolean, s: {type: select, options: [x, y]}, l: {type: select, options: [x, y], multiple: true}, d: date, f: file}",
    );
    for (field, text, wanted) in [
        ("t", "5", json!("5")),
        ("t", "", json!("")),
        ("n", " 5.5 ", json!(5.5)),
        ("n", "", json!(null)),
        ("b", "Yes", json!(true)),
        ("b", "false", json!(false)),
        ("s", "x", json!("x")),
        ("l", "x, y", json!(["x", "y"])),
        ("l", "[\"x\"]", json!(["x"])),
        ("d", "2026-11-21", json!("2026-11-21")),
        ("f", "{\"name\": \"a\"}", json!({"name": "a"})),
    ] {
        assert_eq!(coerce(&form.fields[field], text), Ok(wanted), "{field} {text}");
    }
    for (field, text) in [("n", "five"), ("n", "\"5\""), ("b", "maybe"), ("f", "a.txt")] {
        assert!(coerce(&form.fields[field], text).is_err(), "{field} {text}");
    }
}

struct Given(Json);

impl Scope for Given {
    fn get(&self, root: &Root) -> Option<Cow<'_, Json>> {
        matches!(root, Root::Value(_)).then_some(Cow::Borrowed(&self.0))
    }

    fn stage(&self, _: &str) -> Option<Json> {
        None
    }
}

#[test]
fn it_starts_with_what_is_valid() {
    let form =
        form("{a: {type: number, max: 5, default: 1, value: \"${v}\", required: true}, b: text}");
    assert_eq!(prefill(&form, &Given(json!(3))), (values(json!({"a": 3})), true));
    assert_eq!(prefill(&form, &Given(json!(9))), (values(json!({"a": 1})), true));
    let bare = super::tests::form("{a: {required: true, value: \"${v}\"}}");
    assert_eq!(prefill(&bare, &Given(json!(null))), (values(json!({})), false));
}

#[test]
fn it_is_written_down() {
    let form = form(
        "{a: {label: The version}, b: boolean, l: {type: select, options: [x, y], multiple: true}, f: file, m: multiline_text}",
    );
    let given = values(json!({
        "a": "1.2", "b": true, "l": ["x", "y"], "m": "```\n# not a heading",
        "f": {"name": "a.txt", "digest": DIGEST, "bytes": 5},
    }));
    let json: Json = serde_json::from_str(&render(&form, &given, SaveFormat::Json)).unwrap();
    assert_eq!(json["l"], json!(["x", "y"]));
    let page = render(&form, &given, SaveFormat::Markdown);
    let wanted = format!(
        "## The version\n\n```text\n1.2\n```\n\n## b\n\nyes\n\n## l\n\n- x\n- y\n\n## f\n\na.txt (5 bytes, SHA-256 {DIGEST})\n\n## m\n\n````text\n```\n# not a heading\n````\n"
    );
    assert_eq!(page, wanted);
    let empty = render(&form, &IndexMap::new(), SaveFormat::Markdown);
    assert_eq!(empty.matches("*no answer*").count(), 5);
}

#[test]
fn the_rules_have_the_names_of_the_language() {
    let form = form("{a: {min_length: 1, pattern: x}, f: file, s: {type: select, options: [x]}}");
    assert_eq!(json!(rules(&form.fields["a"])), json!({"min_length": 1, "pattern": "x"}));
    assert_eq!(json!(rules(&form.fields["f"])), json!({"max_bytes": FILE_BYTES}));
    assert_eq!(json!(rules(&form.fields["s"])), json!({"options": ["x"]}));
}
