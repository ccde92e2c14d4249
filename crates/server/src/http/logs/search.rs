//! Finds text in captured output: every hit counted, a page of them shown, in bounded time and
//! memory however long the log is. Patterns are matched in linear time, line by line.

use std::sync::Arc;
use std::time::{Duration, Instant};

use api::log::{Found, Hit};
use api::problem::Problem;
use axum::extract::{Path, State};
use regex::bytes::{Match, Regex, RegexBuilder};
use serde::Deserialize;
use tokio::sync::Semaphore;
use utoipa::IntoParams;

use super::super::body::{Json, Params};
use super::super::caller::Caller;
use super::super::problem::Fault;
use super::super::reference;
use super::{Place, Target, place_of};
use crate::captured::{self, Chunk, Times};
use crate::http::rooms::{Rooms, routes};
use crate::refused::Refused;
use crate::shared::{Shared, blocking};

/// The routes of this room.
pub(super) fn routes() -> Rooms {
    Rooms::new().routes(routes!(search))
}

/// Logs searched at once: more wait.
static TURNS: Semaphore = Semaphore::const_new(2);
/// A search that takes longer says how far it came.
const LONGEST: Duration = Duration::from_secs(5);
/// Bytes of a pattern.
const PATTERN: usize = 1000;
/// Bytes of what a pattern is compiled to.
const COMPILED: usize = 1 << 20;
/// Hits of a page, if not said, and at most.
const PAGE: usize = 100;
const PAGE_MAX: usize = 1000;
/// Bytes read at once.
const STEP: usize = 1 << 20;
/// A longer line is searched in parts.
const LINE: usize = 1 << 20;
/// Characters shown before and behind a hit, and of the hit itself.
const BESIDE: usize = 200;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Search {
    /// What to look for, at most 1,000 bytes.
    #[param(min_length = 1, max_length = 1000)]
    q: String,
    /// `q` is a regular expression.
    #[serde(default)]
    regex: bool,
    /// Upper and lower case are different.
    #[serde(default)]
    case: bool,
    /// The newest one when not given.
    #[param(minimum = 1)]
    attempt: Option<u32>,
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<usize>,
    /// `next` of the page before: the offset of its last hit.
    after: Option<u64>,
}

/// Search captured output
///
/// Counts every hit and shows a page of them.
#[utoipa::path(
    get,
    path = "/api/runs/{run}/logs/{stage}/search",
    tag = "runs",
    security(("token" = ["read"])),
    params(("run" = String, Path, description = "`name#n` (also `name~n`), an id, or at least 4 characters of one"), ("stage" = String, Path, description = "`implement` or `implement[2]`"), Search),
    responses((status = OK, body = Found), (status = "default", body = Problem)),
)]
pub(crate) async fn search(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Path((run, stage)): Path<(String, String)>,
    Params(search): Params<Search>,
) -> Result<Json<Found>, Fault> {
    let regex = compile(&search)?;
    let row = reference::run(&shared, &run).await?;
    let target = match place_of(&shared, &row, &stage, search.attempt, false).await? {
        Place::At(target) => target,
        Place::NotYet | Place::Never(_) | Place::NoStage => {
            return Err(Fault::not_found(format!("`{stage}` has not started yet")));
        }
    };
    let limit = search.limit.unwrap_or(PAGE).clamp(1, PAGE_MAX);
    let finder = Finder::new(regex, limit, search.after);
    let turn = TURNS.acquire().await.map_err(|_closed| Refused::Stopping)?;
    let (data, run) = (shared.data_dir.clone(), row.id.to_string());
    let found = blocking(move || {
        let Target { key, number, .. } = target;
        let read = |offset| captured::read(&data, &run, &key, offset, STEP, Times::Unwanted);
        finder.search(read).map(|found| Found { attempt: number, ..found })
    });
    let found = found.await?;
    drop(turn);
    let failed = |error| Refused::Internal(format!("could not read captured output: {error}"));
    Ok(Json(found.map_err(failed)?))
}

fn compile(search: &Search) -> Result<Regex, Fault> {
    if search.q.is_empty() {
        return Err(
            Fault::bad_request("`q` says what to look for, and is empty").field("q", "it is empty")
        );
    }
    if search.q.len() > PATTERN {
        return Err(Fault::invalid_input(format!("`q` has at most {PATTERN} bytes")));
    }
    let pattern = if search.regex { search.q.clone() } else { regex::escape(&search.q) };
    RegexBuilder::new(&pattern)
        .case_insensitive(!search.case)
        .size_limit(COMPILED)
        .dfa_size_limit(2 * COMPILED)
        .build()
        .map_err(|error| {
            Fault::invalid_input(format!("`q` is no regular expression: {error}"))
                .hint("leave out `regex=true` to look for the text itself")
        })
}

struct Finder {
    regex: Regex,
    limit: usize,
    after: Option<u64>,
    /// The line that has not ended yet, and where it began.
    open: Vec<u8>,
    offset: u64,
    /// Of the open line, from 1.
    line: u64,
    found: Found,
}

impl Finder {
    fn new(regex: Regex, limit: usize, after: Option<u64>) -> Self {
        let found = Found::default();
        Self { regex, limit, after, open: Vec::new(), offset: 0, line: 1, found }
    }

    /// `read` gives what is captured from an offset on.
    fn search<E>(mut self, read: impl Fn(u64) -> Result<Chunk, E>) -> Result<Found, E> {
        let began = Instant::now();
        let mut at = 0;
        loop {
            let chunk = read(at)?;
            self.found.bytes = chunk.total;
            if !chunk.gap.is_empty() {
                self.found.gap = Some([chunk.gap.start, chunk.gap.end]);
            }
            if chunk.bytes.is_empty() {
                break;
            }
            if chunk.offset > at {
                // What is open has no end: the cap dropped it.
                self.end_line(true);
            }
            at = chunk.end();
            self.push(&chunk);
            if began.elapsed() > LONGEST {
                self.found.searched = at;
                return Ok(self.found);
            }
        }
        self.end_line(false);
        self.found.searched = at;
        self.found.complete = true;
        Ok(self.found)
    }

    fn push(&mut self, chunk: &Chunk) {
        let mut start = chunk.offset;
        for piece in chunk.bytes.split_inclusive(|byte| *byte == b'\n') {
            let ends = piece.ends_with(b"\n");
            if self.open.is_empty() {
                self.offset = start;
                if ends {
                    // Nearly every line: searched where it lies.
                    let line = (self.line, start);
                    look(&self.regex, &mut self.found, self.limit, self.after, line, piece);
                    self.line += 1;
                    start += piece.len() as u64;
                    continue;
                }
            }
            self.open.extend_from_slice(piece);
            start += piece.len() as u64;
            if ends || self.open.len() >= LINE {
                self.end_line(ends);
            }
        }
    }

    /// `whole`: a new line begins behind it.
    fn end_line(&mut self, whole: bool) {
        let open = std::mem::take(&mut self.open);
        if !open.is_empty() {
            let line = (self.line, self.offset);
            look(&self.regex, &mut self.found, self.limit, self.after, line, &open);
            self.line += u64::from(whole);
        }
    }
}

/// `line`: its number and offset.
fn look(
    regex: &Regex,
    found: &mut Found,
    limit: usize,
    after: Option<u64>,
    (line, start): (u64, u64),
    bytes: &[u8],
) {
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
    found.lines = line;
    for hit in regex.find_iter(bytes).filter(|hit| !hit.is_empty()) {
        found.total += 1;
        let offset = start + hit.start() as u64;
        if after.is_some_and(|after| offset <= after) {
            continue;
        }
        if found.hits.len() < limit {
            found.hits.push(shown(line, offset, bytes, hit));
        } else if found.next.is_none() {
            found.next = found.hits.last().map(|hit| hit.offset);
        }
    }
}

fn shown(line: u64, offset: u64, bytes: &[u8], hit: Match<'_>) -> Hit {
    let before =
        String::from_utf8_lossy(&bytes[hit.start().saturating_sub(4 * BESIDE)..hit.start()]);
    let skipped = before.chars().count().saturating_sub(BESIDE);
    Hit {
        line,
        offset,
        before: before.chars().skip(skipped).collect(),
        found: first(&bytes[hit.start()..hit.end()]),
        after: first(&bytes[hit.end()..]),
    }
}

fn first(bytes: &[u8]) -> String {
    let bytes = &bytes[..bytes.len().min(4 * BESIDE)];
    String::from_utf8_lossy(bytes).chars().take(BESIDE).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search(q: &str) -> Search {
        let q = q.to_owned();
        Search { q, regex: false, case: false, attempt: None, limit: None, after: None }
    }

    /// Reads in steps so small that everything falls on a border somewhere.
    fn find(text: &str, search: &Search, limit: usize) -> Found {
        let finder = Finder::new(compile(search).unwrap(), limit, search.after);
        let total = text.len() as u64;
        let read = |offset: u64| {
            let start = usize::try_from(offset).unwrap().min(text.len());
            let bytes = text.as_bytes()[start..(start + 3).min(text.len())].to_vec();
            Ok::<_, ()>(Chunk { offset, bytes, total, ..Chunk::default() })
        };
        finder.search(read).unwrap()
    }

    #[test]
    fn every_hit_is_counted_and_a_page_of_them_shown() {
        let text = "an Error\nfine\nerror error\r\n\nlast erro";
        let all = find(text, &search("error"), 10);
        assert_eq!((all.total, all.lines, all.complete), (3, 5, true));
        let places: Vec<_> = all.hits.iter().map(|hit| (hit.line, hit.offset)).collect();
        assert_eq!(places, [(1, 3), (3, 14), (3, 20)]);
        let hit = &all.hits[2];
        assert_eq!((&*hit.before, &*hit.found, &*hit.after), ("error ", "error", ""));
        let first = find(text, &search("error"), 2);
        assert_eq!((first.total, first.hits.len(), first.next), (3, 2, Some(14)));
        let rest = find(text, &Search { after: first.next, ..search("error") }, 2);
        assert_eq!((rest.total, rest.hits.len(), rest.next), (3, 1, None));
        assert_eq!(rest.hits[0].offset, 20);
    }

    #[test]
    fn case_and_patterns_are_as_asked() {
        let text = "a.c abc A.C\nx\n";
        assert_eq!(find(text, &search("a.c"), 10).total, 2);
        assert_eq!(find(text, &Search { case: true, ..search("a.c") }, 10).total, 1);
        assert_eq!(find(text, &Search { regex: true, ..search("a.c") }, 10).total, 3);
        assert_eq!(find(text, &Search { regex: true, ..search("^a.c|c$") }, 10).total, 2);
        // What matches nothing at all is no hit.
        assert_eq!(find(text, &Search { regex: true, ..search("z*") }, 10).total, 0);
    }

    #[test]
    fn what_cannot_be_looked_for_is_refused() {
        for (q, regex) in [("", false), ("(", true), ("(a{1000}){1000}", true)] {
            assert!(compile(&Search { regex, ..search(q) }).is_err(), "{q}");
        }
        assert!(compile(&search(&"x".repeat(1001))).is_err());
    }

    #[test]
    fn a_hole_ends_a_line() {
        let finder = Finder::new(compile(&search("ab")).unwrap(), 10, None);
        let read = |offset: u64| {
            let gap = 3..10;
            Ok::<_, ()>(match offset {
                0 => Chunk { offset: 0, bytes: b"x a".to_vec(), total: 14, gap, times: Vec::new() },
                3 => {
                    Chunk { offset: 10, bytes: b"b ab".to_vec(), total: 14, gap, times: Vec::new() }
                }
                _ => Chunk { offset, total: 14, gap, ..Chunk::default() },
            })
        };
        let found = finder.search(read).unwrap();
        assert_eq!((found.total, found.gap, found.hits[0].offset), (1, Some([3, 10]), 12));
    }
}
