//! `kill -9` at any instant loses nothing that was acknowledged.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader, Write as _};
use std::process::Stdio;

use store::conformance::sample::{append, row, run, stage};
use store::folder::Folder;
use store::port::{Change, Outcome, Read, Write};
use store::sqlite::SqliteReader;

use crate::place::{Place, child, given};

const RUNS: u64 = 5;

/// Appends for ever and says what was acknowledged.
#[test]
#[ignore = "started by the other test"]
fn writes_until_it_is_killed() {
    let folder = Folder::open(&given()).unwrap();
    let lock = folder.lock("victim").unwrap();
    let (mut writer, reader) = store::sqlite::open(&folder, &lock).unwrap();
    let end = |n| reader.journal(run(n)).unwrap().len() as u64;
    let mut ends: Vec<u64> = (0..RUNS).map(end).collect();
    let mut out = std::io::stdout().lock();
    for round in 0.. {
        let width = round % RUNS + 1;
        let changes: Vec<Change> = (0..width)
            .map(|n| {
                let line = row(run(n), "ci", n + 1, "running");
                let mut change = append(line, ends[n as usize], round % 7 + 1);
                change.stages = vec![stage("build", (round % 40) as u32, "running")];
                Change::Append(change)
            })
            .collect();
        for (n, outcome) in writer.commit(&changes).unwrap().into_iter().enumerate() {
            let Outcome::Appended { last, rows, .. } = outcome else { panic!("{outcome:?}") };
            ends[n] = last;
            writeln!(out, "ack {n} {last} {}", rows.last().unwrap().hash).unwrap();
        }
        out.flush().unwrap();
    }
}

#[test]
fn what_was_acknowledged_survives_kill_9() {
    let place = Place::new();
    let chance = RandomState::new();
    let mut acknowledged: HashMap<u64, (u64, String)> = HashMap::new();
    for round in 0..8_u32 {
        let victim = "crash::writes_until_it_is_killed";
        let mut process = child(victim, place.folder.root(), r#"exec "$@""#)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let enough = chance.hash_one(round) % 300;
        let mut seen = 0;
        for line in lines {
            // The last one may have been cut.
            let line = line.unwrap();
            let words: Vec<&str> = line.split(' ').collect();
            let ["ack", n, last, hash] = words.as_slice() else { continue };
            if hash.len() == 64 {
                acknowledged
                    .insert(n.parse().unwrap(), (last.parse().unwrap(), (*hash).to_owned()));
            }
            if seen == enough / 2 {
                // While it writes, others read.
                let reader = SqliteReader::open(&place.folder.database()).unwrap();
                assert!(reader.verify().unwrap().events > 0);
                let holder = place.folder.holder().unwrap().unwrap();
                assert_eq!((holder.pid, holder.role.as_str()), (process.id(), "victim"));
            }
            seen += 1;
            if seen == enough + 1 {
                process.kill().unwrap();
            }
        }
        process.wait().unwrap();

        assert_eq!(place.folder.holder().unwrap(), None, "the kernel gave the lock back");
        let mut opened = place.open();
        opened.reader.verify().unwrap();
        for (n, (last, hash)) in &acknowledged {
            let events = opened.reader.events(run(*n), last - 1, 1).unwrap();
            assert_eq!(events[0].hash, *hash, "run {n}, event {last}, round {round}");
            assert!(opened.writer.journal(run(*n)).unwrap().len() as u64 >= *last);
        }
    }
    assert_eq!(acknowledged.len() as u64, RUNS);
}
