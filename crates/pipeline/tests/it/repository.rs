//! Every pipeline of this repository is accepted: examples, scenarios, and each block of the
//! guide.

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn files(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        if path.is_dir() {
            files(&path, ending, found);
        } else if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
    found.sort();
}

fn accepted(text: &str, file: &Path) {
    let parsed = pipeline::parse(text);
    assert!(
        parsed.pipeline.is_some() && parsed.diagnostics.is_empty(),
        "{}\n{}",
        parsed.rendered(&file.display().to_string(), false),
        text
    );
}

#[test]
fn examples_and_scenarios_are_accepted_without_a_warning() {
    let mut found = Vec::new();
    files(&root().join("examples"), ".yaml", &mut found);
    files(&root().join("scenarios"), "pipeline.yaml", &mut found);
    assert!(found.len() >= 20, "{found:?}");
    for file in found {
        accepted(&std::fs::read_to_string(&file).unwrap(), &file);
    }
}

#[test]
fn every_pipeline_of_the_guide_is_accepted_without_a_warning() {
    let mut found = Vec::new();
    files(&root().join("docs/guide"), ".md", &mut found);
    let mut blocks = 0;
    for file in found {
        let text = std::fs::read_to_string(&file).unwrap();
        for block in text.split("```yaml\n").skip(1) {
            let block = block.split("```").next().unwrap();
            // The file of users and environments is YAML too.
            if !block.lines().any(|line| line.starts_with("stages:")) {
                continue;
            }
            accepted(block, &file);
            blocks += 1;
        }
    }
    assert!(blocks >= 10, "{blocks}");
}

#[test]
fn the_committed_reference_is_what_the_language_says_of_itself() {
    let folder = root().join("docs/reference");
    let Ok(language) = std::fs::read_to_string(folder.join("language.md")) else { return };
    assert_eq!(language, pipeline::reference::language(), "run `cargo xtask codegen`");
    for code in pipeline::diagnostic::Code::all() {
        let page = std::fs::read_to_string(folder.join(format!("errors/{code}.md")));
        assert_eq!(page.ok(), Some(code.page()), "run `cargo xtask codegen`");
    }
}
