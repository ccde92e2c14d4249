//! What happened to the file behind our back is found, and named.

use engine::id::RunId;
use rusqlite::Connection;
use store::conformance::sample::{append, at, event, paused, row, run};
use store::port::{Append, Change, Error, Expect, Read, ReadAccounts as _, Write};

use crate::place::Place;

/// Three runs of three events each, interleaved, so that no run lies in one piece.
fn filled() -> Place {
    let place = Place::new();
    let mut opened = place.open();
    for after in 0..3 {
        for n in 1..=3 {
            let line = row(run(n), "ci", n, "running");
            opened.writer.commit(&[Change::Append(append(line, after, 1))]).unwrap();
        }
    }
    drop(opened);
    let log = place.folder.root().join("orchestrate.db-wal");
    assert!(std::fs::metadata(log).map_or(true, |log| log.len() == 0), "closed cleanly");
    place
}

fn blamed(error: Error) -> String {
    match error {
        Error::Corrupt { run, .. } => run,
        Error::Broken { .. } => "the whole".to_owned(),
        Error::Storage { .. }
        | Error::Emptied { .. }
        | Error::Newer { .. }
        | Error::Vanished { .. }
        | Error::InUse { .. } => panic!("{error}"),
    }
}

/// `verify` blames this run, its journal cannot be read, and the others go on.
fn only(damaged: RunId, damage: impl FnOnce(&Connection)) {
    let place = filled();
    damage(&place.raw());
    let mut opened = place.open();
    assert_eq!(blamed(opened.reader.verify().unwrap_err()), damaged.to_string());
    assert_eq!(blamed(opened.writer.journal(damaged).unwrap_err()), damaged.to_string());
    assert_eq!(blamed(opened.reader.journal(damaged).unwrap_err()), damaged.to_string());
    for n in (1..=3).filter(|n| run(*n) != damaged) {
        assert_eq!(opened.writer.journal(run(n)).unwrap().len(), 3);
        let line = row(run(n), "ci", n, "running");
        opened.writer.commit(&[Change::Append(append(line, 3, 1))]).unwrap();
        assert_eq!(opened.writer.journal(run(n)).unwrap().len(), 4);
    }
}

/// The runs read well one by one, but something of the whole is gone or forged.
fn whole(damage: impl FnOnce(&Connection)) {
    let place = filled();
    damage(&place.raw());
    let opened = place.open();
    assert_eq!(blamed(opened.reader.verify().unwrap_err()), "the whole");
}

fn second_event_of(n: u64) -> String {
    let key = format!("(SELECT key FROM pipeline_runs WHERE id = x'{}')", run(n));
    format!("WHERE run = {key} AND seq = 2")
}

#[test]
fn undamaged_data_verifies() {
    let place = filled();
    let opened = place.open();
    assert_eq!(opened.reader.verify().unwrap().events, 9);
}

#[test]
fn one_flipped_bit_of_a_body_is_found_on_the_disk() {
    let place = filled();
    let path = place.folder.database();
    let mut bytes = std::fs::read(&path).unwrap();
    // The second event of the second run is the one with fence 2 at the fifth position.
    let needle = br#""fence":2"#;
    let places: Vec<usize> =
        (0..bytes.len()).filter(|start| bytes[*start..].starts_with(needle)).collect();
    assert_eq!(places.len(), 3);
    let position: i64 = place
        .raw()
        .query_row(&format!("SELECT position FROM events {}", second_event_of(2)), [], |row| {
            row.get(0)
        })
        .unwrap();
    assert_eq!(position, 5);
    // SQLite fills a page from its end: the middle of three lies in the middle.
    bytes[places[1] + needle.len() - 1] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let mut opened = place.open();
    assert_eq!(blamed(opened.reader.verify().unwrap_err()), run(2).to_string());
    let error = opened.writer.journal(run(2)).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("run {} is damaged: event 2 does not match its hash", run(2))
    );
    assert_eq!(opened.writer.journal(run(1)).unwrap().len(), 3);
    assert_eq!(opened.writer.journal(run(3)).unwrap().len(), 3);
}

#[test]
fn an_altered_body_is_found() {
    let fake = "UPDATE events SET body = replace(body, 'build', 'built')";
    only(run(2), |raw| {
        assert_eq!(raw.execute(&format!("{fake} {}", second_event_of(2)), []).unwrap(), 1);
    });
}

#[test]
fn a_body_that_is_not_text_any_more_is_found() {
    let fake = "UPDATE events SET body = CAST(x'80ff' || body AS TEXT)";
    only(run(3), |raw| {
        assert_eq!(raw.execute(&format!("{fake} {}", second_event_of(3)), []).unwrap(), 1);
    });
}

#[test]
fn an_altered_hash_is_found() {
    only(run(1), |raw| {
        let sql = format!("UPDATE events SET hash = zeroblob(32) {}", second_event_of(1));
        assert_eq!(raw.execute(&sql, []).unwrap(), 1);
    });
}

#[test]
fn a_missing_event_is_found() {
    only(run(2), |raw| {
        let sql = format!("DELETE FROM events {}", second_event_of(2));
        assert_eq!(raw.execute(&sql, []).unwrap(), 1);
    });
}

#[test]
fn a_journal_cut_short_is_found() {
    only(run(3), |raw| {
        assert_eq!(raw.execute("DELETE FROM events WHERE position = 9", []).unwrap(), 1);
    });
}

#[test]
fn events_of_another_run_are_found() {
    let place = filled();
    let swap = "UPDATE events SET run = 3 - run WHERE run IN (1, 2) AND seq = 2";
    // The unique index forbids it in one step.
    place.raw().execute_batch(&format!("DROP INDEX events_run; {swap}")).unwrap();
    let opened = place.open();
    assert_eq!(blamed(opened.reader.verify().unwrap_err()), run(2).to_string());
}

#[test]
fn a_journal_cut_short_with_its_line_made_to_fit_is_found() {
    whole(|raw| {
        raw.execute_batch(
            "DELETE FROM events WHERE position = 9;
             UPDATE pipeline_runs SET sequence = 2, hash = (SELECT hash FROM events
             WHERE run = pipeline_runs.key AND seq = 2) WHERE key = 3",
        )
        .unwrap();
    });
}

#[test]
fn a_whole_run_taken_out_is_found() {
    whole(|raw| {
        raw.execute_batch(
            "DELETE FROM events WHERE run = 2; DELETE FROM pipeline_runs WHERE key = 2",
        )
        .unwrap();
    });
}

#[test]
fn a_line_taken_out_is_found() {
    whole(|raw| {
        raw.execute_batch("DELETE FROM pipeline_runs WHERE key = 2").unwrap();
    });
}

#[test]
fn an_older_head_is_found() {
    let place = filled();
    let sql = "SELECT value FROM meta WHERE key = 'head'";
    let old: String = place.raw().query_row(sql, [], |row| row.get(0)).unwrap();
    let mut opened = place.open();
    let line = row(run(1), "ci", 1, "running");
    opened.writer.commit(&[Change::Append(append(line, 3, 1))]).unwrap();
    place.raw().execute("UPDATE meta SET value = ?1 WHERE key = 'head'", [old]).unwrap();
    assert_eq!(blamed(opened.reader.verify().unwrap_err()), "the whole");
}

#[test]
fn nothing_is_appended_to_a_journal_that_was_cut_and_the_others_go_on() {
    let damages = [
        "DELETE FROM events WHERE run = 3 AND seq = 3",
        "UPDATE pipeline_runs SET hash = x'00' WHERE key = 3",
        "UPDATE pipeline_runs SET sequence = 2 WHERE key = 3",
    ];
    for damage in damages {
        let place = filled();
        assert_eq!(place.raw().execute(damage, []).unwrap(), 1);
        let mut opened = place.open();
        let change = |n| Change::Append(append(row(run(n), "ci", n, "running"), 3, 1));
        let error = opened.writer.commit(&[change(1), change(3)]).unwrap_err();
        assert_eq!(blamed(error), run(3).to_string(), "{damage}");
        assert_eq!(opened.writer.journal(run(1)).unwrap().len(), 3, "all or nothing");
        opened.writer.commit(&[change(1)]).unwrap();
        assert_eq!(opened.writer.journal(run(1)).unwrap().len(), 4);
    }
}

#[test]
fn a_list_of_decisions_that_was_altered_is_found() {
    let damages = [
        "DELETE FROM decisions WHERE position = 2",
        "DELETE FROM decisions",
        "UPDATE decisions SET by = 'somebody else' WHERE position = 2",
        "UPDATE decisions SET action = 'run.resumed' WHERE position = 2",
        "UPDATE decisions SET at = at + 1 WHERE position = 2",
        "UPDATE decisions SET position = 3 WHERE position = 2",
        "INSERT INTO decisions SELECT 1, run, at, by, action FROM decisions WHERE position = 2",
        "INSERT INTO decisions SELECT 9, run, at, by, action FROM decisions WHERE position = 2",
    ];
    for damage in damages {
        let place = Place::new();
        let mut opened = place.open();
        let line = row(run(1), "ci", 1, "running");
        let events = vec![event(1), paused("ana", 2), event(3), paused("bo", 4)];
        let change = Append { events, ..append(line, 0, 0) };
        opened.writer.commit(&[Change::Append(change)]).unwrap();
        opened.reader.verify().unwrap();
        drop(opened);
        place.raw().execute_batch(damage).unwrap();
        let opened = place.open();
        assert_eq!(blamed(opened.reader.verify().unwrap_err()), "the whole", "{damage}");
    }
}

#[test]
fn a_changed_entry_of_the_trail_is_found() {
    for (harm, wanted) in [
        ("UPDATE trail SET body = replace(body, 'bo', 'al') WHERE number = 2", "entry 2"),
        ("UPDATE trail SET by = 'al' WHERE number = 2", "entry 2"),
        ("UPDATE trail SET hash = zeroblob(32) WHERE number = 3", "entry 3"),
        ("DELETE FROM trail WHERE number = 1", "entry 1 of the trail is missing"),
        ("DELETE FROM trail WHERE number = 3", "ends after entry 2, not 3"),
        ("DELETE FROM trail; DELETE FROM meta WHERE key = 'trail'", ""),
    ] {
        let place = Place::new();
        let mut opened = place.open();
        let changes = ["a", "b", "c"].map(|name| Change::SavePipeline {
            name: name.into(),
            description: String::new(),
            text: "t".into(),
            digest: "d".into(),
            by: "bo".into(),
            at: at(1),
            expect: Expect::Any,
        });
        opened.writer.commit(&changes).unwrap();
        assert_eq!(opened.reader.verify_trail().unwrap(), 3);
        drop(opened);
        place.raw().execute_batch(harm).unwrap();
        let verified = place.open().reader.verify_trail();
        // Of a chain that was removed as a whole nothing is left that could tell.
        match wanted {
            "" => assert_eq!(verified.unwrap(), 0),
            wanted => {
                let problem = verified.unwrap_err().to_string();
                assert!(problem.contains(wanted), "{harm}: {problem}");
            }
        }
    }
}
