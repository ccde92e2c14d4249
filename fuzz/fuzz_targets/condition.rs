//! Any text as the `when:` of a stage, and any text as a pattern with something to match.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pipeline::when::Globs;

fuzz_target!(|input: (&str, &str)| {
    let (condition, path) = input;
    let indented: String = condition.lines().map(|line| format!("      {line}\n")).collect();
    let text = format!(
        "name: x\nvariables: {{a: 1}}\nstages:\n  - name: s\n    noop: true\n    when:\n{indented}"
    );
    let parsed = pipeline::parse(&text);
    assert_eq!(parsed.pipeline.is_none(), parsed.has_errors());
    if let Ok(globs) = Globs::new(condition.lines().map(str::to_owned).collect()) {
        let matches = globs.matches(path);
        assert_eq!(globs.count([path]) == 1, matches);
    }
});
