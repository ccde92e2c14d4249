//! Whatever text comes: no panic, places within the text, and mistakes exactly where there is no
//! pipeline.

use proptest::prelude::*;

fn holds(text: &str) {
    let parsed = pipeline::parse(text);
    assert_eq!(parsed.pipeline.is_none(), parsed.has_errors(), "{text:?}");
    for found in &parsed.diagnostics {
        assert!(found.span.start <= found.span.end, "{found:?}");
        assert!(text.get(found.span.start..found.span.end).is_some(), "{found:?} in {text:?}");
        assert!(!found.message.is_empty() && found.code.entry().is_some(), "{found:?}");
    }
    let rendered = parsed.rendered("x.yaml", false);
    assert_eq!(rendered.is_empty(), parsed.diagnostics.is_empty());
}

/// Words that reach deep into the reader more often than chance would.
fn fragment() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,12}",
        Just("\n".to_owned()),
        Just("\n  - ".to_owned()),
        Just("\n    ".to_owned()),
        prop::sample::select(vec![
            "name: a",
            "stages:",
            "finally:",
            "run: ",
            "noop: true",
            "depends_on: [a, b]",
            "parallel:",
            "parallel_with: a",
            "when: {branch: x}",
            "foreach: [1]",
            "inputs: {a: string}",
            "env: {A: ",
            "${a}",
            "${stages.a.outputs.b}",
            "${",
            "$${",
            "${secrets.A ?? 1}",
            "{",
            "}",
            "[",
            "]",
            "&a ",
            "*a",
            "!t ",
            "'",
            "\"",
            "|\n",
            ">-\n",
            "# ",
            ": ",
            "- ",
            "? ",
            "<<: ",
            "---\n",
            "%YAML 1.2\n",
            "outputs: {b: {type: integer, schema: {minimum: 1}}}",
            "retry: {max_attempts: 2}",
            "if: a == 1",
            "timeout: 5m",
            "\\",
            "\t",
            "\r\n",
            "ä",
            "🚀",
            "\u{feff}",
            "\u{85}",
            "\u{2028}",
        ])
        .prop_map(str::to_owned),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn any_text(text in any::<String>()) {
        holds(&text);
    }

    #[test]
    fn any_sequence_of_fragments(parts in prop::collection::vec(fragment(), 0..40)) {
        holds(&parts.concat());
    }

    /// A real definition with something cut out of it, doubled or put in.
    #[test]
    fn any_damage_to_a_real_definition(at in 0usize..2000, len in 0usize..40, put in fragment()) {
        let text = include_str!("bad/references.yaml").to_owned() + include_str!("bad/conditions.yaml");
        let boundary = |mut byte: usize| {
            byte = byte.min(text.len());
            while !text.is_char_boundary(byte) { byte -= 1; }
            byte
        };
        let (start, end) = (boundary(at), boundary(at + len));
        holds(&format!("{}{put}{}", &text[..start], &text[end..]));
        holds(&format!("{}{}", &text[..end], &text[start..]));
    }
}
