//! Timestamps and durations. Zones are UTC or a fixed offset: names of zones would need the
//! system's time zone database, and rules of zones change under a stored run.

use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use super::TimePart;
use crate::expr::evaluate::{Fault, Outcome};
use crate::expr::value::Value;

/// Seconds of the years 1 to 9999, which is what CEL can write.
const RANGE: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

/// About 10,000 years, as for Protocol Buffers.
const LONGEST: i64 = 315_576_000_000;

pub(super) fn timestamp(value: &Value) -> Option<Value> {
    let instant = match value {
        Value::Timestamp(instant) => *instant,
        Value::Int(seconds) => Timestamp::from_second(*seconds).ok()?,
        Value::String(text) => text.parse().ok()?,
        _ => return None,
    };
    in_range(instant).map(Value::Timestamp)
}

pub(in crate::expr) fn in_range(instant: Timestamp) -> Option<Timestamp> {
    // Compared as a whole: a fraction below the first second is out of range too.
    (instant.as_nanosecond() >= i128::from(*RANGE.start()) * 1_000_000_000
        && instant.as_second() <= *RANGE.end())
    .then_some(instant)
}

pub(in crate::expr) fn fits(duration: SignedDuration) -> Option<SignedDuration> {
    (-LONGEST..=LONGEST).contains(&duration.as_secs()).then_some(duration)
}

pub(super) fn duration(value: &Value) -> Option<Value> {
    let duration = match value {
        Value::Duration(duration) => *duration,
        Value::String(text) => read_duration(text)?,
        _ => return None,
    };
    fits(duration).map(Value::Duration)
}

/// `1h30m`, `1.5s`, `-200ms`, `10us`, `3ns`, `0`.
fn read_duration(text: &str) -> Option<SignedDuration> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(SignedDuration::ZERO);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total = 0i128;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
        let (number, tail) = rest.split_at(end);
        let (unit, behind) = UNITS
            .iter()
            .find_map(|(word, unit)| tail.strip_prefix(word).map(|behind| (*unit, behind)))?;
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() && fraction.is_empty() || fraction.len() > 12 || whole.len() > 18 {
            return None;
        }
        let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
        total += whole * unit;
        if !fraction.is_empty() {
            let scale = 10i128.pow(u32::try_from(fraction.len()).ok()?);
            total += fraction.parse::<i128>().ok()? * unit / scale;
        }
        rest = behind;
    }
    if negative {
        total = -total;
    }
    let seconds = i64::try_from(total / 1_000_000_000).ok()?;
    Some(SignedDuration::new(seconds, i32::try_from(total % 1_000_000_000).ok()?))
}

/// In nanoseconds; longer words first.
const UNITS: [(&str, i128); 7] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("ms", 1_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
];

/// `90s`, `1.5s`
pub(in crate::expr) fn seconds_text(duration: SignedDuration) -> String {
    let sign = if duration.is_negative() { "-" } else { "" };
    let duration = duration.unsigned_abs();
    let nanos = duration.subsec_nanos();
    if nanos == 0 {
        return format!("{sign}{}s", duration.as_secs());
    }
    let fraction = format!("{nanos:09}");
    format!("{sign}{}.{}s", duration.as_secs(), fraction.trim_end_matches('0'))
}

impl TimePart {
    pub(super) fn of(self, value: &Value, zone: Option<&str>) -> Outcome {
        match value {
            Value::Timestamp(instant) => self.of_instant(*instant, zone),
            Value::Duration(duration) if zone.is_none() => self.of_duration(*duration),
            _ => Err(super::Function::Part(self).misfit(std::slice::from_ref(value))),
        }
    }

    fn of_instant(self, instant: Timestamp, zone: Option<&str>) -> Outcome {
        let time = instant.to_zoned(zone.map_or(Ok(TimeZone::UTC), read_zone)?).datetime();
        let number = match self {
            Self::FullYear => i64::from(time.year()),
            Self::Month => i64::from(time.month()) - 1,
            Self::DayOfMonth => i64::from(time.day()) - 1,
            Self::Date => i64::from(time.day()),
            Self::DayOfWeek => i64::from(time.weekday().to_sunday_zero_offset()),
            Self::DayOfYear => i64::from(Date::day_of_year(time.date())) - 1,
            Self::Hours => i64::from(time.hour()),
            Self::Minutes => i64::from(time.minute()),
            Self::Seconds => i64::from(time.second()),
            Self::Milliseconds => i64::from(time.subsec_nanosecond() / 1_000_000),
        };
        Ok(Value::Int(number))
    }

    fn of_duration(self, duration: SignedDuration) -> Outcome {
        let number = match self {
            Self::Hours => duration.as_secs() / 3_600,
            Self::Minutes => duration.as_secs() / 60,
            Self::Seconds => duration.as_secs(),
            Self::Milliseconds => i64::from(duration.subsec_nanos() / 1_000_000),
            Self::FullYear
            | Self::Month
            | Self::DayOfMonth
            | Self::Date
            | Self::DayOfWeek
            | Self::DayOfYear => {
                return Err(super::Function::Part(self).misfit(&[Value::Duration(duration)]));
            }
        };
        Ok(Value::Int(number))
    }
}

/// `UTC`, `+02:00`, `-08:30`, `02:00`
fn read_zone(text: &str) -> Result<TimeZone, Fault> {
    let refuse = || Fault::new(format!("`{text}` is no zone here; write `UTC` or `+02:00`"));
    if matches!(text, "UTC" | "Z" | "GMT") {
        return Ok(TimeZone::UTC);
    }
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let (hours, minutes) = rest.split_once(':').ok_or_else(refuse)?;
    let number = |digits: &str, most: i32| {
        let number: i32 = digits.parse().ok()?;
        (digits.len() == 2 && (0..=most).contains(&number)).then_some(number)
    };
    match (number(hours, 23), number(minutes, 59)) {
        (Some(hours), Some(minutes)) => Offset::from_seconds(sign * (hours * 3_600 + minutes * 60))
            .map(TimeZone::fixed)
            .map_err(|_| refuse()),
        (_, _) => Err(refuse()),
    }
}
