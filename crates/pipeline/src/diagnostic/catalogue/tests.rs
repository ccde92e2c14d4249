use super::*;
use std::collections::BTreeSet;

#[test]
fn every_code_has_one_entry_and_they_are_in_order() {
    let codes: Vec<Code> = entries().map(|entry| entry.code).collect();
    assert!(codes.is_sorted(), "{codes:?}");
    assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), codes.len());
    // The constants are declared one to a line.
    let declared: Vec<&str> = include_str!("../code.rs")
        .lines()
        .filter_map(|line| line.trim().strip_prefix("pub const ")?.split('"').nth(1))
        .collect();
    assert_eq!(codes.iter().map(|code| code.0).collect::<Vec<_>>(), declared);
}

#[test]
fn each_wrong_example_gives_exactly_its_code_and_each_right_one_nothing() {
    let mut lies = String::new();
    let known = crate::Elsewhere::built_in();
    for entry in entries() {
        let wrong = crate::parse(&entry.wrong.text()).among(&known);
        let found: BTreeSet<Code> = wrong.diagnostics.iter().map(|found| found.code).collect();
        let refused = entry.code.severity() == crate::Severity::Error;
        if found != BTreeSet::from([entry.code]) || wrong.pipeline.is_none() != refused {
            lies += &format!("{} wrong:\n{}\n", entry.code, wrong.rendered("wrong.yaml", false));
        }
        let right = crate::parse(entry.right).among(&known);
        if right.pipeline.is_none() || !right.diagnostics.is_empty() {
            lies += &format!("{} right:\n{}\n", entry.code, right.rendered("right.yaml", false));
        }
    }
    assert!(lies.is_empty(), "{lies}");
}

#[test]
fn a_page_holds_title_cause_and_both_examples() {
    for entry in entries() {
        let page = entry.code.page();
        assert!(page.starts_with(&format!("# {}: ", entry.code)));
        assert!(
            page.contains(entry.cause) && page.contains("## Wrong") && page.contains("## Right")
        );
    }
    let page = Code::UNKNOWN_STAGE.page();
    assert!(page.contains("depends_on: [tests]"), "{page}");
}

#[test]
fn codes_are_found_however_they_are_written() {
    assert_eq!(Code::find("e0201"), Some(Code::UNKNOWN_STAGE));
    assert_eq!(Code::find("W0101"), Some(Code::NO_DEPENDS_ON));
    assert_eq!(Code::find("E9999"), None);
}
