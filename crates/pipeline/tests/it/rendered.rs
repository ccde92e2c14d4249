//! Bad definitions as an author sees them: each file of `bad/`, rendered whole.

use std::path::Path;

#[test]
fn bad_definitions_are_explained() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/bad");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() > 20);
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let parsed = pipeline::parse(&text);
        assert_eq!(parsed.has_errors(), parsed.pipeline.is_none());
        insta::assert_snapshot!(name.clone(), parsed.rendered(&format!("{name}.yaml"), false));
    }
}

#[test]
fn colour_adds_only_escapes() {
    let parsed = pipeline::parse("name: x\nstages: []\n");
    let coloured = parsed.rendered("x.yaml", true);
    assert!(coloured.contains("\u{1b}["));
    let mut plain = String::new();
    let mut rest = coloured.as_str();
    while let Some(at) = rest.find('\u{1b}') {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        rest = &rest[rest.find('m').unwrap() + 1..];
    }
    plain.push_str(rest);
    assert_eq!(plain, parsed.rendered("x.yaml", false));
}
