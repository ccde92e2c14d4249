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
            "form: {fields: {a: {type: number, min: 1, default: 2}}}",
            "human: {fields: {a: text}, save_as: a.md}",
            "requires_approval: {approvers: [a], quorum: 1}",
            "triggers: [{event: a.b, key: event.x, needs: event.y}]",
            "triggers: {all: [{completion: a}, {manual: true}]}",
            "parallel_instances: 2",
            "emit: {event: a.b, foreach: [1], data: {x: \"${item}\"}}",
            "input_mapping: [{from: a.outputs.b, to: x.y, transforms: [trim, {cel: value + 1}]}]",
            "output_mapping: [{from: b, to: b}]",
            "artifacts: {a: out/a.json}",
            "context: [\"@a\", \"@prev\", \"@v2/b\"]",
            "rollback: {run: x, env: {A: \"${outputs.b}\"}}",
            "on_failure: rollback",
            "rollback_to: a",
            "pipeline: {name: b, inputs: {x: 1}}",
            "${form.a}",
            "${input.x}",
            "${outputs.b}",
            "${prev.a.outputs.b}",
            "${config.a}",
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
    fn any_damage_to_a_real_definition(which in 0usize..6, at in 0usize..2000, len in 0usize..40, put in fragment()) {
        let text = [
            include_str!("bad/references.yaml"),
            include_str!("bad/conditions.yaml"),
            include_str!("bad/people.yaml"),
            include_str!("bad/flow.yaml"),
            include_str!("bad/data.yaml"),
            include_str!("bad/undo.yaml"),
        ][which];
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
