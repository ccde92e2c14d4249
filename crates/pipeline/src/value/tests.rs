use proptest::prelude::*;
use serde_json::json;

use super::*;

fn outputs(json: Json) -> IndexMap<String, Json> {
    serde_json::from_value(json).unwrap()
}

fn declared(entries: &[(&str, ValueKind, bool, Option<Json>)]) -> IndexMap<String, Output> {
    let output =
        |kind, required, schema| Output { description: String::new(), kind, required, schema };
    entries
        .iter()
        .map(|(name, kind, required, schema)| {
            ((*name).to_owned(), output(*kind, *required, schema.clone()))
        })
        .collect()
}

#[test]
fn text_becomes_the_declared_kind() {
    use ValueKind::{Any, Boolean, Integer, List, Map, Number, String};
    for (kind, text, wanted) in [
        (String, "5", json!("5")),
        (String, "", json!("")),
        (Integer, "5", json!(5)),
        (Integer, " -5 ", json!(-5)),
        (Integer, "5.0", json!(5.0)),
        (Number, "1.5", json!(1.5)),
        (Number, "1e3", json!(1000.0)),
        (Boolean, "true", json!(true)),
        (Boolean, "false\n", json!(false)),
        (List, "[1, \"a\"]", json!([1, "a"])),
        (Map, "{\"a\": 1}", json!({"a": 1})),
        (Any, "{\"a\": 1}", json!({"a": 1})),
        (Any, "some words", json!("some words")),
    ] {
        assert_eq!(coerce_text(kind, text), Ok(wanted), "{text}");
    }
    for (kind, text, wanted) in [
        (Integer, "5.5", "`5.5` is not an integer"),
        (Integer, "", "`` is not an integer"),
        (Integer, "0x5", "`0x5` is not an integer"),
        (Integer, "\"5\"", "`\"5\"` is not an integer"),
        (Number, "NaN", "`NaN` is not a number"),
        (Boolean, "yes", "`yes` is not a boolean; write `true` or `false`"),
        (List, "{}", "`{}` is not a list"),
        (Map, "[]", "`[]` is not a map"),
    ] {
        assert_eq!(coerce_text(kind, text), Err(wanted.to_owned()));
    }
    let error = coerce_text(List, "[1,").unwrap_err();
    assert!(error.starts_with("`[1,` is not a list, written as JSON: EOF"), "{error}");
    assert!(coerce_text(Integer, &"x".repeat(1000)).unwrap_err().len() < 100);
}

#[test]
fn a_value_keeps_its_kind_and_its_schema() {
    let says = |kind, schema: Json, value: Json| match check(kind, Some(&schema), &value) {
        Ok(()) => String::new(),
        Err(violations) => sentence(&violations),
    };
    assert_eq!(says(ValueKind::Integer, json!({"minimum": 1}), json!(3)), "");
    assert_eq!(
        says(ValueKind::Integer, json!({"minimum": 1}), json!(0)),
        "0 is less than the minimum of 1"
    );
    assert_eq!(says(ValueKind::String, json!({}), json!(1)), "1 is not a string");
    let schema = json!({
        "properties": {"a": {"type": "integer"}, "b": {"pattern": "^x"}}, "required": ["c"],
    });
    let said = says(ValueKind::Map, schema, json!({"a": "1", "b": "y"}));
    assert!(said.contains("/a: \"1\" is not of type \"integer\""), "{said}");
    assert!(said.contains("/b: ") && said.contains("\"c\" is a required property"), "{said}");
    let choice = with_enum(Some(json!({"type": "string"})), vec![json!("a"), json!("b")]);
    assert_eq!(says(ValueKind::Any, choice.clone(), json!("a")), "");
    assert_eq!(says(ValueKind::Any, choice, json!("c")), "\"c\" is not one of \"a\" or \"b\"");
    assert_eq!(check(ValueKind::Any, None, &json!(null)), Ok(()));
    assert!(check(ValueKind::String, None, &json!(null)).is_err());
}

#[test]
fn a_schema_is_checked_when_it_is_declared() {
    let says = |schema: Json| match compile_schema(&schema) {
        Ok(_) => String::new(),
        Err(violation) => violation.to_string(),
    };
    assert_eq!(says(json!({"type": "string", "minLength": 1})), "");
    assert_eq!(says(json!({"$defs": {"a": {}}, "$ref": "#/$defs/a"})), "");
    assert_eq!(says(json!({"enum": [{"$ref": "http://x"}], "const": {"$ref": "y"}})), "");
    let wrong = says(json!({"properties": {"a": {"type": "strin"}}}));
    assert!(wrong.starts_with("/properties/a/type: "), "{wrong}");
    assert_ne!(says(json!({"$ref": "#/$defs/gone"})), "");
    assert_ne!(says(json!({"pattern": "("})), "");
    assert_ne!(says(json!({"pattern": "(?=x)"})), "");
    assert_ne!(says(json!(5)), "");
    for target in ["http://127.0.0.1:1/x.json", "file:///etc/passwd", "other.json"] {
        let wanted = format!(
            "/items/$ref: `{target}` leads outside this schema; only references that start with \
             `#` work"
        );
        assert_eq!(says(json!({"items": {"$ref": target}})), wanted);
    }
    let dialect = |name: &str| says(json!({"$schema": name, "type": "string"}));
    assert_eq!(dialect("https://json-schema.org/draft/2020-12/schema"), "");
    assert!(dialect("http://example.com/own").starts_with("/$schema: schemas are written in"));
    assert!(dialect("http://json-schema.org/draft-07/schema#").starts_with("/$schema: "));
}

/// A schema that refers to itself without end, and a pattern that would backtrack without end.
#[test]
fn no_schema_runs_for_long() {
    if let Ok(schema) = compile_schema(&json!({"$ref": "#"})) {
        let _ = schema.check(&json!({"a": 1}));
    }
    let slow = compile_schema(&json!({"pattern": "^(a+)+$"})).unwrap();
    assert_eq!(slow.check(&json!(format!("{}!", "a".repeat(50_000)))).len(), 1);
    let many = compile_schema(&json!({"items": {"type": "string"}})).unwrap();
    let violations = many.check(&json!(vec![1; 10_000]));
    assert_eq!(violations.len(), 10);
    let long = compile_schema(&json!({"type": "integer"})).unwrap();
    assert!(long.check(&json!("x".repeat(10_000)))[0].message.len() < 200);
}

#[test]
fn an_output_file_is_json_or_lines() {
    for (text, wanted) in [
        ("", json!({})),
        ("\n\n", json!({})),
        ("{\"a\": 1, \"b\": [true]}\n", json!({"a": 1, "b": [true]})),
        (" \n{ }", json!({})),
        ("a=1\nb-c.d_e=x=y z \n\nlast=", json!({"a": "1", "b-c.d_e": "x=y z ", "last": ""})),
        ("a=1\r\nb=2\r\n", json!({"a": "1", "b": "2"})),
        ("a=1\na=2", json!({"a": "2"})),
        ("t<<EOF\none\n\ntwo=2\nEOF\nb=1", json!({"t": "one\n\ntwo=2", "b": "1"})),
        ("t<<END\nEOF\n END\nEND", json!({"t": "EOF\n END"})),
        ("t<<EOF\nEOF", json!({"t": ""})),
        ("t=a<<EOF", json!({"t": "a<<EOF"})),
        ("\u{feff}a=1", json!({"a": "1"})),
    ] {
        assert_eq!(parse_output_file(text), Ok(outputs(wanted)), "{text:?}");
    }
    for (text, wanted) in [
        ("a=1\nsecret words", "line 2 of the output file is neither `key=value` nor `key<<WORD`"),
        (
            "a = 1",
            "line 1 of the output file: a key has letters, digits, `_`, `-` and `.` only, without spaces around it",
        ),
        (
            "=1",
            "line 1 of the output file: a key has letters, digits, `_`, `-` and `.` only, without spaces around it",
        ),
        ("\nt<<EOF\nx\ny", "the text that starts in line 2 of the output file is never closed"),
        ("t<<", "line 1 of the output file has no word after `<<`"),
    ] {
        assert_eq!(parse_output_file(text), Err(wanted.to_owned()), "{text:?}");
    }
    let error = parse_output_file("{\"a\": }").unwrap_err();
    assert!(
        error.starts_with("the output file starts with `{` but is no JSON object: "),
        "{error}"
    );
    assert!(parse_output_file("{} {}").is_err());
    let deep = format!("{{\"a\": {}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(parse_output_file(&deep).is_err());
}

#[test]
fn outputs_are_held_to_their_declaration() {
    let declared = declared(&[
        ("count", ValueKind::Integer, true, Some(json!({"minimum": 1}))),
        ("tags", ValueKind::List, false, None),
        ("note", ValueKind::String, false, None),
        ("any", ValueKind::Any, false, None),
    ]);
    let raw =
        outputs(json!({"extra": "7", "count": "3", "tags": "[\"a\"]", "note": "5", "any": "1"}));
    assert_eq!(
        check_outputs(&declared, raw),
        Ok(outputs(json!({"extra": "7", "count": 3, "tags": ["a"], "note": "5", "any": "1"})))
    );
    let raw = outputs(json!({"count": 0, "tags": "a,b", "note": 5}));
    assert_eq!(
        check_outputs(&declared, raw).unwrap_err(),
        "output `count`: 0 is less than the minimum of 1; output `tags`: `a,b` is not a list, \
         written as JSON: expected value at line 1 column 1; output `note`: 5 is not a string"
    );
    let missing = check_outputs(&declared, IndexMap::new()).unwrap_err();
    assert_eq!(missing, "output `count` was not written");
}

proptest! {
    #[test]
    fn no_file_makes_it_panic(text in "[a-c=<\\n\\r {}\":EOF]{0,60}|\\PC{0,60}") {
        let _ = parse_output_file(&text);
    }

    #[test]
    fn any_text_goes_through_a_heredoc(value in "[^\\r]{0,60}") {
        prop_assume!(value.lines().all(|line| line != "END-OF-TEXT"));
        let text = format!("key<<END-OF-TEXT\n{value}\nEND-OF-TEXT\n");
        prop_assert_eq!(parse_output_file(&text), Ok(outputs(json!({"key": value}))));
    }

    #[test]
    fn json_goes_through_text(number: i64, flag: bool) {
        prop_assert_eq!(coerce_text(ValueKind::Integer, &number.to_string()), Ok(json!(number)));
        prop_assert_eq!(coerce_text(ValueKind::Boolean, &flag.to_string()), Ok(json!(flag)));
    }
}
