use super::*;
use serde_json::{Value as Json, json};

fn tree(text: &str) -> Json {
    let (node, diagnostics) = parse(text);
    assert_eq!(diagnostics, [], "{text}");
    to_json(&node.unwrap())
}

fn to_json(node: &Node) -> Json {
    match &node.kind {
        Kind::Scalar(scalar) => scalar.json(),
        Kind::List(items) => items.iter().map(to_json).collect(),
        Kind::Map(entries) => entries.iter().map(|e| (e.key.clone(), to_json(&e.value))).collect(),
    }
}

/// The code and the text it points at, of each mistake.
fn mistakes(text: &str) -> Vec<(&'static str, &str)> {
    let (_, diagnostics) = parse(text);
    diagnostics.iter().map(|d| (d.code.0, &text[d.span.start..d.span.end])).collect()
}

#[test]
fn scalars_follow_the_core_schema() {
    for (written, value) in [
        ("1", json!(1)),
        ("-7", json!(-7)),
        ("+3", json!(3)),
        ("0o17", json!(15)),
        ("0x1F", json!(31)),
        ("0755", json!(755)),
        ("1.5", json!(1.5)),
        ("1e3", json!(1000.0)),
        (".5", json!(0.5)),
        ("18446744073709551615", json!(18_446_744_073_709_551_615u64)),
        (".", json!(".")),
        ("1.2.3", json!("1.2.3")),
        (".inf", json!(".inf")),
        ("-", json!([null])),
        ("~", json!(null)),
        ("null", json!(null)),
        ("true", json!(true)),
        ("yes", json!("yes")),
        ("on", json!("on")),
        ("'1'", json!("1")),
        ("\"true\"", json!("true")),
        ("0x", json!("0x")),
        ("0x-1", json!("0x-1")),
        ("1e", json!("1e")),
        ("2026-11-21", json!("2026-11-21")),
    ] {
        assert_eq!(tree(written), value, "{written}");
    }
}

#[test]
fn places_are_bytes_also_after_wide_characters() {
    let text = "ä: \"ö\"\nkey: [üb, c]\n";
    let (node, _) = parse(text);
    let Kind::Map(entries) = node.unwrap().kind else { panic!() };
    let Kind::List(items) = &entries[1].value.kind else { panic!() };
    let cut = |span: Span| &text[span.start..span.end];
    assert_eq!(cut(entries[0].key_span), "ä");
    assert_eq!(cut(entries[0].value.span), "\"ö\"");
    assert_eq!(cut(entries[1].value.span), "[üb, c]");
    assert_eq!(cut(items[1].span), "c");
    let with_mark = "\u{feff}a: b";
    let (node, _) = parse(with_mark);
    let Kind::Map(entries) = node.unwrap().kind else { panic!() };
    assert_eq!(&with_mark[entries[0].value.span.start..], "b");
}

#[test]
fn the_place_of_a_part_is_found_in_every_style() {
    for written in [
        "a: x ${one} y",
        "a: 'it''s ${one}'",
        "a: \"tab\\tä\\u00e4\\n\\\n  ${one}\"",
        "a: |\n    first\n      ${one} z\n",
        "a: >-\n  folded\n  text ${one}\n\n  end\n",
        "a: plain\n  over lines\n  ${one}\n",
    ] {
        let (node, diagnostics) = parse(written);
        assert_eq!(diagnostics, []);
        let Kind::Map(entries) = node.unwrap().kind else { panic!() };
        let value = &entries[0].value;
        let scalar = value.scalar().unwrap();
        let at = scalar.text.find("${one}").unwrap();
        let span = scalar.places(written, value.span).of(at, at + 6);
        assert_eq!(&written[span.start..span.end], "${one}", "{written}");
    }
}

#[test]
fn anchors_repeat_what_they_name() {
    assert_eq!(
        tree("a: &x {k: [1]}\nb: *x\nc: [*x, *x]\n"),
        json!({"a": {"k": [1]}, "b": {"k": [1]}, "c": [{"k": [1]}, {"k": [1]}]})
    );
}

#[test]
fn each_mistake_is_named_at_its_place() {
    for (text, found) in [
        ("a: 1\nb: 2\na: 3\n", vec![("E0109", "a")]),
        ("{a: 1, a: 2, a: 3}", vec![("E0109", "a"), ("E0109", "a")]),
        ("a: !env HOME\n", vec![("E0105", "!env")]),
        ("a: !!str 1\nb: !x [1]\n", vec![("E0105", "!!str"), ("E0105", "!x")]),
        ("a: !x\n  - 1\n", vec![("E0105", "!x")]),
        ("? [a]\n: 1\n", vec![("E0110", "[a]")]),
        ("{a: 1}: 2\n", vec![("E0110", "{a: 1}")]),
        ("a: 1\n---\nb: 2\n", vec![("E0108", "---")]),
        ("<<: {a: 1}\n", vec![("E0112", "<<")]),
        ("a: *no\n", vec![("E0107", "*no")]),
        ("a: &x [*x]\n", vec![("E0107", "*x")]),
        ("a: \u{7}b\n", vec![("E0103", "\u{7}")]),
        ("", vec![("E0111", "")]),
        ("# only a comment\n", vec![("E0111", "")]),
    ] {
        assert_eq!(mistakes(text), found, "{text}");
    }
}

#[test]
fn a_syntax_error_has_its_place() {
    for (text, line) in [
        ("a: [1, 2\nb: 3\n", 2),
        ("a:\n\t- 1\n", 2),
        ("a: 'x\n", 2),
        ("a: b: c\n", 1),
        ("a: {{ x }}\n", 1),
    ] {
        let (node, diagnostics) = parse(text);
        assert!(node.is_none() || text.contains("{{"), "{text}");
        assert_eq!(diagnostics.len(), 1, "{text}");
        let place = crate::source::place(text, diagnostics[0].span.start);
        assert!(place.line <= line, "{text}: {diagnostics:?}");
    }
}

#[test]
fn a_two_mebibyte_file_is_refused_at_the_limit() {
    let text = "a".repeat(2 << 20);
    let (node, diagnostics) = parse(&text);
    assert!(node.is_none());
    assert_eq!((diagnostics[0].code, diagnostics[0].span.start), (Code::TOO_LARGE, MAX_BYTES));
}

#[test]
fn a_hundred_levels_are_refused_where_the_limit_is_passed() {
    for text in ["[".repeat(100), "[".repeat(100_000), "- ".repeat(100), "{a: ".repeat(100)] {
        assert_eq!(mistakes(&text).iter().map(|m| m.0).collect::<Vec<_>>(), ["E0104"]);
    }
    let deep = format!("{}{}", "[".repeat(64), "]".repeat(64));
    assert_eq!(mistakes(&deep), []);
    let by_alias = "a: &a [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]\nb: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[*a]]]]]]]]]]]]]]]]]]]]]]]]]]]]]\n";
    assert_eq!(mistakes(by_alias), [("E0104", "*a")]);
}

#[test]
fn an_alias_bomb_is_refused_at_the_alias_that_passes_the_limit() {
    let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for n in 1..12 {
        let inner = vec![format!("*a{}", n - 1); 10].join(", ");
        text.push_str(&format!("a{n}: &a{n} [{inner}]\n"));
    }
    let found = mistakes(&text);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].0, "E0106");
    assert!(found[0].1.starts_with("*a"), "{found:?}");
}

#[test]
fn a_key_given_twice_is_found_in_large_maps_too() {
    let mut text = String::new();
    for n in 0..100 {
        text.push_str(&format!("k{n}: {n}\n"));
    }
    assert_eq!(mistakes(&text), []);
    let twice = format!("{text}k3: 1\nk99: 1\nnew: 1\nnew: 1\n");
    assert_eq!(mistakes(&twice), [("E0109", "k3"), ("E0109", "k99"), ("E0109", "new")]);
}
