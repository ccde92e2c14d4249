use std::collections::BTreeMap;

use jiff::civil::DateTime;
use serde_json::Value as Json;

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn next(expression: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
    let schedule = Schedule::new(expression, zone).unwrap();
    schedule.times(at(after)).take(count).map(|time| time.to_string()).collect()
}

fn problem(expression: &str, zone: &str) -> String {
    Schedule::new(expression, zone).unwrap_err().to_string()
}

#[test]
fn words_and_fields() {
    let after = "2026-11-21T09:00:30Z";
    assert_eq!(
        next("0 2 * * *", "UTC", after, 2),
        ["2026-11-22T02:00:00Z", "2026-11-23T02:00:00Z"]
    );
    assert_eq!(next("@daily", "Europe/Berlin", after, 1), ["2026-11-21T23:00:00Z"]);
    assert_eq!(next("@HOURLY", "UTC", after, 1), ["2026-11-21T10:00:00Z"]);
    assert_eq!(next("@midnight", "UTC", after, 1), ["2026-11-22T00:00:00Z"]);
    assert_eq!(
        next("*/20 * * * * *", "UTC", after, 2),
        ["2026-11-21T09:00:40Z", "2026-11-21T09:01:00Z"]
    );
    assert_eq!(next("0/15 9 ? * Mon-Fri", "UTC", after, 1), ["2026-11-23T09:00:00Z"]);
    assert_eq!(next("0 0 L * *", "UTC", after, 1), ["2026-11-30T00:00:00Z"]);
    // Both days are given: either.
    assert_eq!(
        next("0 0 1 * SUN", "UTC", after, 2),
        ["2026-11-22T00:00:00Z", "2026-11-29T00:00:00Z"]
    );
}

#[test]
fn the_time_itself_is_not_after_itself() {
    assert_eq!(next("0 2 * * *", "UTC", "2026-11-21T02:00:00Z", 1), ["2026-11-22T02:00:00Z"]);
    assert_eq!(next("0 2 * * *", "UTC", "2026-11-21T01:59:59.999Z", 1), ["2026-11-21T02:00:00Z"]);
}

#[test]
fn clocks_that_change() {
    // Forward over it: once, behind the gap. Back over it: once, the first time.
    assert_eq!(
        next("30 2 * * *", "Europe/Berlin", "2025-03-29T23:00:00Z", 2),
        ["2025-03-30T01:00:00Z", "2025-03-31T00:30:00Z"]
    );
    assert_eq!(
        next("30 2 * * *", "Europe/Berlin", "2025-10-25T22:00:00Z", 2),
        ["2025-10-26T00:30:00Z", "2025-10-27T01:30:00Z"]
    );
    // Every half hour is every half hour.
    assert_eq!(
        next("*/30 * * * *", "Europe/Berlin", "2025-10-26T00:00:00Z", 4),
        [
            "2025-10-26T00:30:00Z",
            "2025-10-26T01:00:00Z",
            "2025-10-26T01:30:00Z",
            "2025-10-26T02:00:00Z"
        ]
    );
    // A day that was left out, and a gap of two hours: the search goes on.
    assert_eq!(
        next("0 1 * * *", "Pacific/Apia", "2011-12-30T08:00:00Z", 2),
        ["2011-12-30T10:00:00Z", "2011-12-30T11:00:00Z"]
    );
    assert_eq!(next("0 2 * * *", "Antarctica/Troll", "2025-03-29T23:00:00Z", 1).len(), 1);
}

#[test]
fn what_cannot_be_read_says_why() {
    for (expression, zone, says) in [
        ("", "UTC", "`` is no schedule: it has 0 words instead of five"),
        ("0 2 * *", "UTC", "`0 2 * *` is no schedule: it has 4 words instead of five"),
        ("0 2 * * * * 2026", "UTC", "it has 7 words"),
        ("60 0 * * *", "UTC", "`60 0 * * *` is no schedule: "),
        ("0 0 * * XYZ", "UTC", "there is an illegal character 'X'"),
        ("TZ=UTC 0 0 * * *", "UTC", "the zone is written `timezone: ...`"),
        ("@reboot", "UTC", "the words are @hourly, @daily"),
        ("0 0 30 2 *", "UTC", "`0 0 30 2 *` is never due"),
        ("0 0 31 4 *", "Europe/Berlin", "`0 0 31 4 *` is never due"),
        ("0 0 * * *", "Berlin", "there is no time zone `Berlin`"),
        ("0 0 * * *", "../../etc/passwd", "there is no time zone `../../etc/passwd`"),
    ] {
        let said = problem(expression, zone);
        assert!(said.contains(says), "{said}");
    }
    let near = |zone: &str| match Schedule::new("@daily", zone) {
        Err(ScheduleError::Zone { near, .. }) => near,
        Ok(_) | Err(ScheduleError::Expression { .. } | ScheduleError::Never { .. }) => None,
    };
    assert_eq!(near("Berlin"), Some("Europe/Berlin"));
    assert_eq!(near("Europe/Berln"), Some("Europe/Berlin"));
}

#[test]
fn what_was_missed_is_bounded() {
    let daily = Schedule::new("0 2 * * *", "UTC").unwrap();
    let missed = daily.missed(at("2026-11-18T02:00:00Z"), at("2026-11-21T02:00:00Z"));
    let last: Vec<String> = missed.last.iter().map(ToString::to_string).collect();
    assert_eq!(last, ["2026-11-19T02:00:00Z", "2026-11-20T02:00:00Z", "2026-11-21T02:00:00Z"]);
    assert_eq!(missed.earlier, 0);
    assert_eq!(
        daily.missed(at("2026-11-18T02:00:00Z"), at("2026-11-18T03:00:00Z")),
        Missed::default()
    );
    let minutes = Schedule::new("* * * * *", "UTC").unwrap();
    let missed = minutes.missed(at("2026-11-18T00:00:00Z"), at("2026-11-18T10:00:00Z"));
    assert_eq!((missed.last.len(), missed.earlier), (MOST_CAUGHT_UP, 500));
    assert_eq!(missed.last.last(), Some(&at("2026-11-18T10:00:00Z")));
    // The clock went back: nothing is due again.
    assert_eq!(
        minutes.missed(at("2026-11-18T10:00:00Z"), at("2026-11-18T09:00:00Z")),
        Missed::default()
    );
    // Years of seconds still end, with the last of them.
    let seconds = Schedule::new("* * * * * *", "UTC").unwrap();
    let missed = seconds.missed(at("2016-01-01T00:00:00Z"), at("2026-01-01T00:00:00Z"));
    assert_eq!(missed.last.last(), Some(&at("2026-01-01T00:00:00Z")));
}

fn rows(text: &'static str) -> impl Iterator<Item = Json> {
    text.lines().map(|line| serde_json::from_str(line).unwrap())
}

fn text<'r>(row: &'r Json, key: &str) -> &'r str {
    row[key].as_str().unwrap_or_else(|| panic!("{key} of {row}"))
}

/// The vectors know two answers to a change of clocks; a schedule has to give one of them.
#[test]
fn the_vectors_of_next_times() {
    let mut score = BTreeMap::<String, (usize, usize)>::new();
    let (mut right, mut wrong) = (0, String::new());
    for row in rows(include_str!("../../tests/suites/cron/next.jsonl")) {
        let wanted = |column: &str| -> Vec<Timestamp> {
            row[column].as_array().unwrap().iter().map(|time| at(time.as_str().unwrap())).collect()
        };
        let (wallclock, vixie) = (wanted("wallclock"), wanted("vixie"));
        let schedule = Schedule::new(text(&row, "expr"), text(&row, "tz"));
        let found: Vec<Timestamp> = match &schedule {
            Ok(schedule) => schedule.times(at(text(&row, "after"))).take(vixie.len()).collect(),
            Err(_) => Vec::new(),
        };
        let (of, all) = score.entry(text(&row, "class").to_owned()).or_default();
        *all += 1;
        if found == vixie || found == wallclock {
            *of += 1;
            right += 1;
        } else {
            wrong += &format!(
                "{} {} {}\n  found {found:?}\n  vixie {vixie:?}\n  wall  {wallclock:?}\n",
                text(&row, "id"),
                text(&row, "expr"),
                text(&row, "tz")
            );
        }
    }
    println!("cron_next: {right} of 360; {score:?}\n{wrong}");
    assert!(right >= RIGHT, "{right} of 360 are right, {RIGHT} were\n{wrong}");
}

/// Grows only.
const RIGHT: usize = 356;

#[test]
fn the_vectors_of_robfig() {
    let (mut right, mut all, mut wrong) = (0, 0, String::new());
    for row in rows(include_str!("../../tests/suites/cron/robfig.jsonl")) {
        all += 1;
        match robfig(&row) {
            Ok(()) => right += 1,
            Err(found) => wrong += &format!("{row}\n  found {found}\n"),
        }
    }
    println!("robfig: {right} of {all}\n{wrong}");
    assert!(right >= ROBFIG, "{right} of {all} are right, {ROBFIG} were\n{wrong}");
}

/// Grows only.
const ROBFIG: usize = 86;

fn robfig(row: &Json) -> Result<(), String> {
    let written = text(row, "expr");
    if text(row, "kind") == "invalid" {
        return match Schedule::new(written, "UTC") {
            Ok(_) => Err("a schedule".to_owned()),
            Err(_) => Ok(()),
        };
    }
    let (mut zone, mut expression) = ("UTC", written);
    if let Some((_, rest)) = written.split_once("TZ=") {
        (zone, expression) = rest.split_once(' ').unwrap();
    }
    let mut from = row.get("from").and_then(Json::as_str).unwrap_or_default();
    if let Some((named, rest)) = from.strip_prefix("TZ=").and_then(|rest| rest.split_once(' ')) {
        (zone, from) = (named, rest);
    }
    let schedule = Schedule::new(expression, zone);
    if text(row, "kind") == "activation" {
        let time = local(text(row, "time_local"));
        let schedule = schedule.map_err(|error| error.to_string())?;
        let fires = schedule.next(time - SignedDuration::from_secs(1)) == Some(time);
        let wanted = row["fires"].as_bool().unwrap();
        return if fires == wanted { Ok(()) } else { Err(fires.to_string()) };
    }
    let wanted = row["expected"].as_str().map(time);
    let found = match schedule {
        Ok(schedule) => schedule.next(time(from)),
        Err(ScheduleError::Never { .. }) => None,
        Err(error) => return Err(error.to_string()),
    };
    if found == wanted { Ok(()) } else { Err(format!("{found:?}")) }
}

/// `2012-11-04T01:00:00-0500` or `Mon Jul 9 15:00 2012`.
fn time(written: &str) -> Timestamp {
    Timestamp::strptime("%Y-%m-%dT%H:%M:%S%z", written).unwrap_or_else(|_| local(written))
}

/// The day of the week is not read: two of the vectors have a wrong one.
fn local(written: &str) -> Timestamp {
    let rest = written.split_once(' ').unwrap().1;
    let read = DateTime::strptime("%b %d %H:%M:%S %Y", rest)
        .or_else(|_| DateTime::strptime("%b %d %H:%M %Y", rest));
    let datetime = read.unwrap_or_else(|error| panic!("{written}: {error}"));
    datetime.to_zoned(TimeZone::UTC).unwrap().timestamp()
}
