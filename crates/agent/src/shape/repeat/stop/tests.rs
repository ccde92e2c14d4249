use serde_json::json;

use super::*;

fn rounds() -> Rounds {
    serde_json::from_value(json!({
        "loop_type": "own", "template": "", "max_iterations": 5, "iteration_ms": null,
        "total_ms": 1000, "no_change": 2, "same_failure": 3, "repeated_tree": true,
        "progress_entries": 5, "progress_chars": 100,
    }))
    .unwrap()
}

/// Iterations that leave these trees, the first of them beginning with `0`. A capital letter: the
/// check passes. The failure of each is its letter.
fn past(trees: &str) -> Vec<Iteration> {
    let mut before = "0".to_owned();
    trees
        .chars()
        .zip(1..)
        .map(|(letter, number)| {
            let tree = letter.to_ascii_lowercase().to_string();
            let passed = letter.is_ascii_uppercase();
            Iteration {
                number,
                passed: Some(passed),
                result: Some(json!({ "text": number })),
                fingerprint: (!passed).then(|| tree.clone()),
                before: Some(std::mem::replace(&mut before, tree.clone())),
                tree: Some(tree),
                active_ms: 10,
                ..Iteration::default()
            }
        })
        .collect()
}

#[test]
fn a_checked_loop_ends_for_the_reason_that_says_most() {
    for (trees, why) in [
        ("", None),
        ("a", None),
        ("A", Some(Why::Validated)),
        ("abC", Some(Why::Validated)),
        ("abb", None),
        ("abbb", Some(Why::NoChange { times: 2 })),
        ("00", Some(Why::NoChange { times: 2 })),
        ("aba", Some(Why::RepeatedTree { as_after: 1 })),
        ("ab0", Some(Why::RepeatedTree { as_after: 0 })),
        ("abcde", Some(Why::MaxIterations)),
        ("abcdE", Some(Why::Validated)),
    ] {
        assert_eq!(over(&rounds(), true, false, &past(trees)), why, "{trees}");
    }
}

#[test]
fn the_same_failure_and_the_time_end_it_too() {
    let mut same = past("abc");
    same.iter_mut().for_each(|it| it.fingerprint = Some("same".into()));
    assert_eq!(over(&rounds(), true, false, &same), Some(Why::SameFailure { times: 3 }));
    same[0].fingerprint = None;
    assert_eq!(over(&rounds(), true, false, &same), None);
    same[0].active_ms = 2000;
    assert_eq!(over(&rounds(), true, false, &same), Some(Why::TimeUp));
    // A result is missing: passing alone is not all.
    let mut passed = past("A");
    passed[0].result = None;
    assert_eq!(over(&rounds(), true, false, &passed), None);
}

#[test]
fn without_a_check_passes_are_made_until_nothing_changes() {
    let past = |trees: &str| {
        let mut all = past(trees);
        all.iter_mut().for_each(|it| it.fingerprint = None);
        all
    };
    let of = |trees: &str, free| over(&rounds(), false, free, &past(trees));
    assert_eq!(of("abc", true), None);
    assert_eq!(of("abcde", true), Some(Why::AllPasses));
    assert_eq!(of("abbb", true), Some(Why::Settled));
    // What is handed in still changes.
    assert_eq!(of("abbb", false), None);
    let mut same = past("abbb");
    same.iter_mut().for_each(|it| it.result = Some(json!({ "n": 1 })));
    assert_eq!(over(&rounds(), false, false, &same), Some(Why::Settled));
    same.iter_mut().for_each(|it| it.result = None);
    assert_eq!(over(&rounds(), false, false, &same), Some(Why::NoChange { times: 2 }));
}

#[test]
fn the_best_is_the_last_with_the_fewest_failures() {
    let mut all = past("abcd");
    for (iteration, failures) in all.iter_mut().zip([3, 1, 1, 2]) {
        iteration.failures = failures;
    }
    assert_eq!(best(&all).map(|it| it.number), Some(3));
}

#[test]
fn a_failure_is_known_again_and_counted() {
    let one = "/tmp/a-1/x.rs:12: error at 0xff in 0.31s";
    let other = "/var/b/y/x.rs:7:  error at 0x1a in 12.4s";
    assert_eq!(fingerprint(one), fingerprint(other));
    assert_ne!(fingerprint(one), fingerprint("src/x.rs:12: panic at 0xff in 0.31s"));
    for (said, expected) in [
        ("test result: FAILED. 3 passed; 4 failed; 0 ignored", 4),
        ("a: FAIL\nb: ok\nc: Error\n", 2),
        ("2 failures, 1 error", 1),
        ("nothing", 1),
    ] {
        assert_eq!(failures(said), expected, "{said}");
    }
}
