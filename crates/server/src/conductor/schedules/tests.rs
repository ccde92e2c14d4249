use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn nightly(schedule: &str) -> Pipeline {
    let text =
        format!("name: nightly\ntriggers: [{{{schedule}}}]\nstages: [{{name: a, noop: true}}]\n");
    pipeline::parse(&text).pipeline.unwrap_or_else(|| panic!("{text}"))
}

/// The schedules after a set at this time, begun with nothing missed.
fn begun(pipeline: &Pipeline, now: &str) -> Schedules {
    let mut schedules = Schedules::default();
    schedules.set(pipeline, &[], From::LeftOff, at(now));
    assert_eq!(schedules.next(), None, "nothing is due before the server says so");
    assert_eq!(schedules.begin(), ["nightly"]);
    assert_eq!(schedules.settle("nightly", at(now), true), (Vec::new(), Vec::new()));
    schedules
}

/// A process that ends and its successor, which finds these rows.
fn again(schedules: &Schedules, pipeline: &Pipeline, now: &str) -> (Schedules, Vec<String>, u64) {
    let mut next = Schedules::default();
    next.set(pipeline, &schedules.rows("nightly"), From::LeftOff, at(now));
    next.begin();
    let (due, skipped) = next.settle("nightly", at(now), true);
    let due = due.iter().map(|due| due.at.to_string()).collect();
    (next, due, skipped.iter().map(|skipped| skipped.times).sum())
}

/// What is given while time passes from one moment to the next, each looked at once.
fn pass(schedules: &mut Schedules, moments: &[&str]) -> Vec<String> {
    let mut given = Vec::new();
    for moment in moments {
        for pipeline in schedules.due(at(moment)) {
            let (due, _) = schedules.settle(&pipeline, at(moment), false);
            given.extend(due.iter().map(|due| due.at.to_string()));
        }
    }
    given
}

#[test]
fn each_time_is_given_once() {
    let pipeline = nightly("schedule: '0 2 * * *'");
    let mut schedules = begun(&pipeline, "2026-11-20T12:00:00Z");
    assert_eq!(schedules.next(), Some(at("2026-11-21T02:00:00Z")));
    let given = pass(
        &mut schedules,
        &[
            "2026-11-21T01:59:59.999Z",
            "2026-11-21T02:00:00Z",
            "2026-11-21T02:00:00Z",
            "2026-11-21T02:00:01Z",
            // The clock goes back, and passes the time again.
            "2026-11-21T01:00:00Z",
            "2026-11-21T02:00:00Z",
            "2026-11-22T02:00:00.5Z",
        ],
    );
    assert_eq!(given, ["2026-11-21T02:00:00Z", "2026-11-22T02:00:00Z"]);
}

#[test]
fn who_was_held_up_gives_what_was_due_and_misses_what_is_older() {
    let pipeline = nightly("schedule: '* * * * *'");
    let mut schedules = begun(&pipeline, "2026-11-20T12:00:00Z");
    let given = pass(&mut schedules, &["2026-11-20T12:01:30Z", "2026-11-20T12:09:30Z"]);
    // At 12:09:30 the minutes 2 to 8 lie further back than one minute.
    assert_eq!(given, ["2026-11-20T12:01:00Z", "2026-11-20T12:09:00Z"]);
    assert_eq!(schedules.rows("nightly")[0].skipped, 7);
}

#[test]
fn a_downtime_is_caught_up_with_as_the_trigger_says() {
    for (catch_up, due, skipped) in [
        ("skip", &[][..], 3),
        ("last", &["2026-11-23T02:00:00Z"], 2),
        ("all", &["2026-11-21T02:00:00Z", "2026-11-22T02:00:00Z", "2026-11-23T02:00:00Z"], 0),
    ] {
        let pipeline = nightly(&format!("schedule: '0 2 * * *', catch_up: {catch_up}"));
        let schedules = begun(&pipeline, "2026-11-20T12:00:00Z");
        let (schedules, given, passed) = again(&schedules, &pipeline, "2026-11-23T12:00:00Z");
        assert_eq!(
            (given.as_slice(), passed),
            (due.map_strings().as_slice(), skipped),
            "{catch_up}"
        );
        let row = &schedules.rows("nightly")[0];
        assert_eq!(row.skipped, skipped, "{catch_up}");
        assert_eq!(schedules.next(), Some(at("2026-11-24T02:00:00Z")));
        // Once more at once: there is nothing left.
        let (_, given, passed) = again(&schedules, &pipeline, "2026-11-23T12:00:01Z");
        assert_eq!((given.len(), passed), (0, 0), "{catch_up}");
    }
}

trait MapStrings {
    fn map_strings(&self) -> Vec<String>;
}

impl MapStrings for &[&str] {
    fn map_strings(&self) -> Vec<String> {
        self.iter().map(|text| (*text).to_owned()).collect()
    }
}

#[test]
fn a_long_downtime_is_bounded_and_says_so() {
    let pipeline = nightly("schedule: '* * * * *', catch_up: all");
    let schedules = begun(&pipeline, "2026-11-20T12:00:00Z");
    let (schedules, given, passed) = again(&schedules, &pipeline, "2026-11-20T22:00:00Z");
    assert_eq!((given.len(), passed), (100, 500));
    assert_eq!(given.last().map(String::as_str), Some("2026-11-20T22:00:00Z"));
    assert_eq!(schedules.rows("nightly")[0].skipped, 500);
}

#[test]
fn a_changed_definition_begins_anew_and_an_unchanged_one_goes_on() {
    let pipeline = nightly("schedule: '0 2 * * *', catch_up: all");
    let schedules = begun(&pipeline, "2026-11-20T12:00:00Z");
    let other = nightly("schedule: '0 3 * * *', catch_up: all");
    let (next, given, passed) = again(&schedules, &other, "2026-11-23T12:00:00Z");
    assert_eq!((given.len(), passed), (0, 0));
    assert_eq!(next.next(), Some(at("2026-11-24T03:00:00Z")));
    let zone = nightly("schedule: '0 2 * * *', catch_up: all, timezone: Europe/Berlin");
    let (next, given, _) = again(&schedules, &zone, "2026-11-23T12:00:00Z");
    assert_eq!((given.len(), next.next()), (0, Some(at("2026-11-24T01:00:00Z"))));
    // While it runs: the new times count at once, and what was given is not given again.
    let mut live = begun(&pipeline, "2026-11-20T12:00:00Z");
    assert_eq!(pass(&mut live, &["2026-11-21T02:00:00Z"]).len(), 1);
    let rows = live.rows("nightly");
    live.set(&pipeline, &rows, From::LeftOff, at("2026-11-21T02:00:00Z"));
    assert_eq!(pass(&mut live, &["2026-11-21T02:00:00Z", "2026-11-21T02:00:30Z"]), [""; 0]);
    let rows = live.rows("nightly");
    live.set(&other, &rows, From::LeftOff, at("2026-11-21T02:10:00Z"));
    assert_eq!(live.next(), Some(at("2026-11-21T03:00:00Z")));
}

#[test]
fn a_disabled_pipeline_is_never_due_and_catches_up_with_nothing() {
    let pipeline = nightly("schedule: '0 2 * * *', catch_up: all");
    let mut schedules = begun(&pipeline, "2026-11-20T12:00:00Z");
    let rows = schedules.rows("nightly");
    schedules.disarm("nightly");
    assert_eq!(schedules.next(), None);
    assert_eq!(pass(&mut schedules, &["2026-11-23T02:00:00Z"]), [""; 0]);
    schedules.set(&pipeline, &rows, From::Now, at("2026-11-23T12:00:00Z"));
    assert_eq!(pass(&mut schedules, &["2026-11-23T12:00:00Z"]), [""; 0]);
    assert_eq!(schedules.next(), Some(at("2026-11-24T02:00:00Z")));
}

#[test]
fn a_clock_that_was_set_back_between_two_processes_gives_nothing_twice() {
    let pipeline = nightly("schedule: '0 2 * * *', catch_up: all");
    let mut schedules = begun(&pipeline, "2026-11-20T12:00:00Z");
    assert_eq!(pass(&mut schedules, &["2026-11-21T02:00:00Z"]).len(), 1);
    let (mut next, given, _) = again(&schedules, &pipeline, "2026-11-20T23:00:00Z");
    assert_eq!(given, [""; 0]);
    assert_eq!(pass(&mut next, &["2026-11-21T02:00:00Z"]), [""; 0]);
    assert_eq!(next.next(), Some(at("2026-11-22T02:00:00Z")));
}

#[test]
fn only_what_changed_is_stored() {
    let pipeline = nightly("schedule: '0 2 * * *'");
    let mut schedules = begun(&pipeline, "2026-11-20T12:00:00Z");
    assert!(schedules.is_behind());
    let kept = schedules.take_unsaved();
    assert_eq!((kept.len(), kept[0].rows.len()), (1, 1));
    assert!(!schedules.is_behind());
    let rows = schedules.rows("nightly");
    schedules.set(&pipeline, &rows, From::LeftOff, at("2026-11-20T13:00:00Z"));
    assert!(!schedules.is_behind());
    // No trigger is left: what was known of it is forgotten.
    let none = nightly("event: push");
    schedules.set(&none, &rows, From::LeftOff, at("2026-11-20T13:00:00Z"));
    assert_eq!(
        schedules.take_unsaved(),
        [KeptSchedules { pipeline: "nightly".into(), rows: vec![] }]
    );
}
