//! Roles: what agents do for tasks, and how many of a role work at once.
//!
//! A pure function over those who work; nothing counts up or down, so nothing can leak.

use std::collections::BTreeMap;

/// Who may start of those that wait, in their order, where `working` holds the role of everybody
/// who works. Whoever has no role, or one without a limit, is not kept; one that is kept does not
/// keep those behind it.
pub fn may_start<'r, T>(
    working: impl IntoIterator<Item = &'r str>,
    limits: &BTreeMap<String, u32>,
    waiting: impl IntoIterator<Item = (T, Option<&'r str>)>,
    most: usize,
) -> Vec<T> {
    let mut busy: BTreeMap<&str, u32> = BTreeMap::new();
    for role in working {
        *busy.entry(role).or_default() += 1;
    }
    let mut starts = Vec::new();
    for (one, role) in waiting {
        if starts.len() >= most {
            break;
        }
        let Some(role) = role else {
            starts.push(one);
            continue;
        };
        let busy = busy.entry(role).or_default();
        if limits.get(role).is_none_or(|limit| *busy < *limit) {
            *busy += 1;
            starts.push(one);
        }
    }
    starts
}

/// Why somebody of this role does not start beside those runs; `None`: its limit does not keep it.
pub fn held(role: &str, limits: &BTreeMap<String, u32>, working: &[&str]) -> Option<String> {
    let limit = *limits.get(role)?;
    let full = working.len() >= limit as usize;
    full.then(|| format!("role {role} is at its limit of {limit}: {}", working.join(", ")))
}
