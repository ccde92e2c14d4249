//! Names of branches: `orch/<task or run>/<stage>`, always of the same depth, because a branch `a`
//! forbids a branch `a/b`.

use std::fmt;

use sha2::{Digest as _, Sha256};

/// A branch of a run, without `refs/heads/`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Branch(String);

/// Longest part of a name, in bytes.
const LONGEST: usize = 40;

impl Branch {
    /// `run`: `TASK-7-3` or `feature#41`; `stage`: `implement[2]`, with the member where several
    /// work on it.
    pub fn new(run: &str, stage: &str) -> Self {
        Self(format!("orch/{}/{}", part(run), part(stage)))
    }

    /// Where the branches of a run are brought together.
    pub fn integration(run: &str) -> Self {
        Self::new(run, "integration")
    }

    pub fn name(&self) -> &str {
        &self.0
    }

    pub(crate) fn full(&self) -> String {
        format!("refs/heads/{}", self.0)
    }
}

impl fmt::Display for Branch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `[a-z0-9-]{1,40}` that no other text gives: whatever had to be changed or cut carries a digest.
pub fn part(text: &str) -> String {
    let mut plain = String::new();
    for c in text.chars() {
        match c {
            'a'..='z' | '0'..='9' => plain.push(c),
            '-' | '#' | '[' | '_' | '.' | '/' | ' ' if !plain.ends_with('-') => plain.push('-'),
            _ => {}
        }
    }
    let plain = plain.trim_matches('-');
    let same = plain == text && !text.is_empty() && text.len() <= LONGEST;
    if same {
        return text.to_owned();
    }
    let digest = Sha256::digest(text.as_bytes());
    let digest: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    let room = LONGEST - digest.len() - 1;
    let cut: String = plain.chars().take(room).collect();
    let cut = cut.trim_end_matches('-');
    if cut.is_empty() { digest } else { format!("{cut}-{digest}") }
}

#[cfg(test)]
mod tests {
    use super::part;

    #[test]
    fn parts_are_fit_for_a_ref_and_never_collide() {
        assert_eq!(part("implement"), "implement");
        let odd = [
            "TASK-7-3",
            "task-7-3",
            "feature#41",
            "feature[41]",
            "feature-41",
            "ä",
            "",
            "..",
            "a.lock",
        ];
        let mut seen = std::collections::HashSet::new();
        for text in odd {
            let part = part(text);
            assert!((1..=40).contains(&part.len()), "{text}: {part}");
            assert!(part.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-')), "{part}");
            assert!(!part.starts_with('-') && !part.ends_with('-'), "{part}");
            assert!(seen.insert(part.clone()), "{text} and another are both `{part}`");
        }
        assert_eq!(part(&"x".repeat(300)).len(), 40);
    }
}
