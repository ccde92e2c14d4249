//! Whether what two tasks declare may be the same file.

use pipeline::when::Globs;

use crate::paths::overlap;

fn meet(one: &str, other: &str) -> bool {
    let list = |text: &str| -> Vec<String> { text.split(", ").map(str::to_owned).collect() };
    let (one, other) = (list(one), list(other));
    let found = overlap(&one, &other);
    assert_eq!(found, overlap(&other, &one), "{one:?} {other:?}: it hangs on the order");
    found
}

#[test]
fn two_patterns_overlap_unless_they_are_provably_apart() {
    let apart = [
        ("src/auth/**", "src/billing/**"),
        ("src/a.rs", "src/b.rs"),
        ("docs", "src/docs"),
        ("src/*.rs", "src/*.md"),
        ("src/a*", "src/b*"),
        ("src/?.rs", "src/ab.rs"),
        ("a/*/c", "a/b/d"),
        ("*/x", "a/y"),
        ("ui/**, docs/**", "crates/**, README.md"),
        ("src/a{b,c}", "src/d"),
        ("src/x[0-9]", "src/y1"),
    ];
    for (one, other) in apart {
        assert!(!meet(one, other), "{one} and {other} are apart");
    }
    let same = [
        ("src/auth/**", "src/auth/login.rs"),
        ("src", "src/auth/login.rs"),
        ("./src/", "src"),
        ("/src", "src"),
        ("**/*.rs", "src/main.rs"),
        ("**", "a"),
        ("src/**/test.rs", "src/a/b/test.rs"),
        ("a/**/c", "a/c"),
        ("src/*.rs", "src/main.*"),
        ("ui/**, docs/**", "docs/guide.md, x"),
        ("*", "a/b/c"),
        ("src/**/*.ts", "**/*.ts"),
        // Beyond `*`, `?` and `**` nothing is proved.
        ("src/{a,b}/x", "src/b/y"),
        ("{a,b/c}/d", "b/c/d"),
        ("src/[ab].rs", "src/z.rs"),
        ("a**b", "a/x/b"),
        ("!src/**", "src/a"),
        ("src/../docs", "docs"),
        ("a\\*b", "a*b"),
    ];
    for (one, other) in same {
        assert!(meet(one, other), "{one} and {other} may be the same");
    }
    assert!(!overlap(&[], &["**".to_owned()]), "who declares nothing touches nothing");
    assert!(!overlap(&[], &[]));
}

/// Every pair of short patterns, held against every short path.
#[test]
fn patterns_overlap_exactly_when_there_is_a_path_that_both_name() {
    let all = |parts: &[&str], most: usize| {
        let mut all: Vec<Vec<String>> = vec![Vec::new()];
        let mut longest = all.clone();
        for _ in 0..most {
            longest = longest
                .iter()
                .flat_map(|start| {
                    parts.iter().map(|part| [start.clone(), vec![(*part).to_owned()]].concat())
                })
                .collect();
            all.extend(longest.iter().cloned());
        }
        all.into_iter().skip(1).map(|parts| parts.join("/")).collect::<Vec<String>>()
    };
    let paths = all(&["a", "b", "ab"], 4);
    let patterns = all(&["a", "b", "*", "**", "a*", "?b"], 2);
    let named: Vec<Vec<bool>> = patterns
        .iter()
        .map(|pattern| {
            let globs = Globs::new(vec![pattern.clone(), format!("{pattern}/**")]).unwrap();
            paths.iter().map(|path| globs.matches(path)).collect()
        })
        .collect();
    for (one, names) in patterns.iter().zip(&named) {
        for (other, others) in patterns.iter().zip(&named) {
            let both = names.iter().zip(others).position(|(one, other)| *one && *other);
            let found = meet(one, other);
            assert_eq!(found, both.is_some(), "{one} {other}: {:?}", both.map(|at| &paths[at]));
        }
    }
}
