//! What an attempt is called where it runs: unique over all runs and installations, and the same
//! whenever it is asked for, so that a start finds what was started.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

/// The longest parts that are made of names of runs and stages.
const RUN: usize = 24;
const STAGE: usize = 20;

/// `orch-task-7-3-build-a1-0f3c9d2e`: a name of a container, of a session, a label of DNS.
pub(super) fn of_attempt(called: &str, execution: &str, number: u32, key: &str) -> String {
    let hash = digest(key);
    format!("orch-{}-{}-a{number}-{hash}", part(called, RUN), part(execution, STAGE))
}

fn digest(text: &str) -> String {
    let mut hash = String::new();
    for byte in Sha256::digest(text.as_bytes()).iter().take(4) {
        // Writing to a `String` cannot fail.
        let _ = write!(hash, "{byte:02x}");
    }
    hash
}

/// `orch-task-7-3-cache-0f3c9d2e`: of all stages of one run, and of no other.
pub(super) fn of_run(called: &str, run: &str, volume: &str) -> String {
    format!("orch-{}-{}-{}", part(called, RUN), part(volume, STAGE), digest(run))
}

/// Lower case, digits and single `-`, not at its ends; never empty.
pub(super) fn part(text: &str, longest: usize) -> String {
    let mut made = String::new();
    for c in text.chars() {
        match c {
            'a'..='z' | '0'..='9' => made.push(c),
            'A'..='Z' => made.push(c.to_ascii_lowercase()),
            _ if made.is_empty() || made.ends_with('-') => {}
            _ => made.push('-'),
        }
        if made.len() >= longest {
            break;
        }
    }
    let made = made.trim_end_matches('-');
    if made.is_empty() { "x".to_owned() } else { made.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_whose_it_is_and_belongs_to_nobody_else() {
        let name = of_attempt("TASK-7-3", "Build_All[2]", 1, "0192-1-2-1");
        assert!(name.starts_with("orch-task-7-3-build-all-2-a1-"), "{name}");
        assert_eq!(name, of_attempt("TASK-7-3", "Build_All[2]", 1, "0192-1-2-1"));
        assert_ne!(name, of_attempt("TASK-7-3", "Build_All[2]", 1, "0193-1-2-1"));
        let long = of_attempt(&"x".repeat(99), &"ä".repeat(99), u32::MAX, "k");
        assert!(long.len() <= 63, "{long}");
        assert_eq!(part("--ä--", 9), "x");
    }
}
