//! Any text as a definition: no panic, places within the text, a pipeline exactly when there are
//! no errors.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let parsed = pipeline::parse(text);
    assert_eq!(parsed.pipeline.is_none(), parsed.has_errors());
    for found in &parsed.diagnostics {
        assert!(text.get(found.span.start..found.span.end).is_some(), "{found:?}");
    }
    let _ = parsed.rendered("fuzz.yaml", false);
});
