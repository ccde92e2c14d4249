//! When a loop is over: a pure function of what its iterations came to.

use api::agent::Rounds;
use regex::Regex;
use sha2::{Digest as _, Sha256};

use super::journal::Iteration;

/// Why a loop ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    Validated,
    /// There is no check, and every pass was made.
    AllPasses,
    /// There is no check, and nothing changes any more.
    Settled,
    MaxIterations,
    NoChange {
        times: u32,
    },
    SameFailure {
        times: u32,
    },
    /// The files are again what they were after this iteration; 0: before the first.
    RepeatedTree {
        as_after: u32,
    },
    TimeUp,
}

impl Why {
    /// Whether the work is done; else it was given up.
    pub(super) fn is_done(self) -> bool {
        match self {
            Self::Validated | Self::AllPasses | Self::Settled => true,
            Self::MaxIterations
            | Self::NoChange { .. }
            | Self::SameFailure { .. }
            | Self::RepeatedTree { .. }
            | Self::TimeUp => false,
        }
    }

    /// As it stands in what is kept and shown.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Validated => "validated",
            Self::AllPasses => "all_passes",
            Self::Settled => "settled",
            Self::MaxIterations => "max_iterations",
            Self::NoChange { .. } => "no_change",
            Self::SameFailure { .. } => "same_failure",
            Self::RepeatedTree { .. } => "repeated_tree",
            Self::TimeUp => "total_timeout",
        }
    }

    pub(super) fn says(self, iterations: usize) -> String {
        let after = match iterations {
            1 => "after 1 iteration".to_owned(),
            n => format!("after {n} iterations"),
        };
        match self {
            Self::Validated => format!("{after}: its check passes"),
            Self::AllPasses => format!("{after}: all passes were made"),
            Self::Settled => format!("{after}: nothing changes any more"),
            Self::MaxIterations => format!("{after}: there are no more (max_iterations)"),
            Self::NoChange { times } => {
                format!("{after}: the last {times} changed nothing (no_change)")
            }
            Self::SameFailure { times } => {
                format!("{after}: the same failure {times} times in a row (same_failure)")
            }
            Self::RepeatedTree { as_after: 0 } => {
                format!("{after}: the files are again as they were at the start (repeated_tree)")
            }
            Self::RepeatedTree { as_after } => format!(
                "{after}: the files are again as they were after iteration {as_after} \
                 (repeated_tree)"
            ),
            Self::TimeUp => format!("{after}: its time was up (total_timeout)"),
        }
    }
}

/// `None`: it goes on. `checked`: a check decides; `free`: its result is text, which is never the same
/// twice.
pub(super) fn over(rounds: &Rounds, checked: bool, free: bool, past: &[Iteration]) -> Option<Why> {
    let last = past.last()?;
    let has_result = last.result.is_some();
    if checked && last.passed == Some(true) && has_result {
        return Some(Why::Validated);
    }
    let done = !checked && has_result && last.errors.is_empty();
    if let Some(times) = rounds.no_change.filter(|n| still(past, checked || free) >= *n) {
        return Some(if done { Why::Settled } else { Why::NoChange { times } });
    }
    if let Some(as_after) = repeated(past).filter(|_| rounds.repeated_tree) {
        return Some(if done { Why::Settled } else { Why::RepeatedTree { as_after } });
    }
    if let Some(times) = rounds.same_failure.filter(|n| same_failures(past) >= *n) {
        return Some(Why::SameFailure { times });
    }
    if past.len() >= usize::try_from(rounds.max_iterations).unwrap_or(usize::MAX) {
        return Some(if done { Why::AllPasses } else { Why::MaxIterations });
    }
    rounds.total_ms.filter(|most| used_ms(past) >= *most).map(|_| Why::TimeUp)
}

pub(super) fn used_ms(past: &[Iteration]) -> u64 {
    past.iter().fold(0, |sum, iteration| sum.saturating_add(iteration.active_ms))
}

/// How many of the last ones changed nothing; `files`: only files count, and not what was handed in.
fn still(past: &[Iteration], files: bool) -> u32 {
    let results = past.iter().map(|iteration| &iteration.result);
    let before = std::iter::once(None).chain(results.map(Some));
    let pairs: Vec<_> = past.iter().zip(before).collect();
    let is_still = |(iteration, before): &&(&Iteration, Option<&Option<_>>)| {
        iteration.changed_nothing() && (files || *before == Some(&iteration.result))
    };
    count(pairs.iter().rev().take_while(is_still).count())
}

fn same_failures(past: &[Iteration]) -> u32 {
    let Some(last) = past.last().and_then(|last| last.fingerprint.as_ref()) else { return 0 };
    let same = |iteration: &&Iteration| iteration.fingerprint.as_ref() == Some(last);
    count(past.iter().rev().take_while(same).count())
}

/// After which iteration the files were the same before, with others in between.
fn repeated(past: &[Iteration]) -> Option<u32> {
    let (last, earlier) = past.split_last()?;
    let tree = last.tree.as_ref().filter(|_| !last.changed_nothing())?;
    let base = past.first()?.before.as_ref().map(|base| (0, base));
    let after = earlier.iter().filter_map(|it| Some((it.number, it.tree.as_ref()?)));
    base.into_iter().chain(after).find(|(_, known)| *known == tree).map(|(number, _)| number)
}

/// The one that comes nearest: the last of those with the fewest failures.
pub(super) fn best(past: &[Iteration]) -> Option<&Iteration> {
    past.iter().rev().filter(|iteration| iteration.tree.is_some()).min_by_key(|it| it.failures)
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// What stays the same when the same thing fails again: no numbers, paths, times.
pub(super) fn fingerprint(text: &str) -> String {
    let mut plain = text.to_owned();
    for pattern in [r"0x[0-9a-fA-F]+", r"[\w.~-]*(/[\w.~-]+)+", r"\d+"] {
        if let Ok(pattern) = Regex::new(pattern) {
            plain = pattern.replace_all(&plain, "").into_owned();
        }
    }
    let words = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    Sha256::digest(words).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// How many failures a check tells of: as it counts them itself, else the lines that speak of one.
pub(super) fn failures(tail: &str) -> u32 {
    let counted = Regex::new(r"(?i)(\d+) (?:tests? )?(?:failed|failures?|failing|errors?)\b").ok();
    let last = counted.and_then(|counted| {
        let all: Vec<u32> =
            counted.captures_iter(tail).filter_map(|found| found[1].parse().ok()).collect();
        all.last().copied()
    });
    let lines = || {
        let speaks = |line: &&str| {
            let line = line.to_ascii_lowercase();
            line.contains("fail") || line.contains("error")
        };
        count(tail.lines().filter(speaks).count())
    };
    last.unwrap_or_else(lines).max(1)
}

#[cfg(test)]
mod tests;
