//! A full disk is waited out; a failing one ends the process.

use std::fs;
use std::path::Path;
use std::process::Command;

use store::conformance::sample::{append, row, run, save, settled};
use store::folder::Folder;
use store::port::{Append, Change, Error, Expect, Outcome, Read, Write};

use crate::place::{child, given};

/// About 64 KiB.
fn large(after: u64) -> Change {
    let line = row(run(1), "ci", 1, "running");
    let events = vec![settled(&"x".repeat(32 << 10))];
    Change::Append(Append { events, ..append(line, after, 0) })
}

fn small() -> Change {
    Change::Append(append(row(run(2), "ci", 2, "running"), 0, 1))
}

fn succeeds(mut command: Command) {
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{text}\n{errors}");
}

#[test]
fn a_full_disk_refuses_whole_commits_and_recovers_by_itself() {
    // A mount of its own; without the right to make one, the test with a limit on pages remains.
    let may_mount = Command::new("unshare").args(["-rm", "true"]).status();
    if !may_mount.is_ok_and(|status| status.success()) {
        eprintln!("skipped: no right to mount");
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let mount = r#"exec unshare -rm sh -c '
        mount -t tmpfs -o size=3m none "$STORE_TEST_FOLDER" && exec "$@"' sh "$@""#;
    succeeds(child("room::fills_its_disk", place.path(), mount));
}

#[test]
#[ignore = "started by the other test"]
fn fills_its_disk() {
    let ballast = given().join("ballast");
    fs::write(&ballast, vec![1; 1 << 20]).unwrap();
    let folder = Folder::open(&given().join("data")).unwrap();
    let lock = folder.lock("test").unwrap();
    let (mut writer, reader) = store::sqlite::open(&folder, &lock).unwrap();

    for round in 0..3 {
        let mut last = reader.journal(run(1)).unwrap().len() as u64;
        let full = loop {
            // Two changes, of which the first alone would have fitted now and then.
            let name = format!("round-{round}-{last}");
            match writer.commit(&[save(&name, "a", Expect::Absent), large(last)]) {
                Ok(outcomes) => {
                    assert!(
                        matches!(outcomes[1], Outcome::Appended { last: now, .. } if now == last + 1)
                    );
                    last += 1;
                }
                Err(error) => {
                    assert!(error.is_full(), "{error:?}");
                    assert_eq!(reader.pipeline(&name).unwrap(), None, "all or nothing");
                    break error;
                }
            }
            assert!(last < 200, "the disk ought to be full by now");
        };
        assert!(matches!(full, Error::Storage { full: true, .. }));
        // Reading goes on, nothing is half there, and it is refused as long as there is no room.
        assert_eq!(reader.verify().unwrap().events, last);
        let same = [save("the same", "a", Expect::Absent), large(last)];
        assert!(writer.commit(&same).unwrap_err().is_full());
        assert_eq!(writer.journal(run(1)).unwrap().len() as u64, last);
        if round == 0 {
            fs::remove_file(&ballast).unwrap();
        } else {
            grow(Path::new(&given()), 3 + round);
        }
        let again = writer
            .commit(&[large(last)])
            .unwrap_or_else(|error| panic!("round {round}: {error:?}"));
        assert!(matches!(again[0], Outcome::Appended { last: now, .. } if now == last + 1));
        assert_eq!(reader.verify().unwrap().events, last + 1);
    }
    // Closing copies the log back: with too little room for both, that fails and harms nothing.
    drop((writer, reader));
    let (mut writer, reader) = store::sqlite::open(&folder, &lock).unwrap();
    assert!(writer.commit(&[small()]).unwrap_err().is_full());
    reader.verify().unwrap();
    grow(Path::new(&given()), 16);
    writer.commit(&[small()]).unwrap();
    drop((writer, reader));
    let (mut writer, reader) = store::sqlite::open(&folder, &lock).unwrap();
    assert_eq!(writer.journal(run(2)).unwrap().len(), 1);
    reader.verify().unwrap();
}

fn grow(mount: &Path, mebibytes: u32) {
    let size = format!("remount,size={mebibytes}m");
    assert!(Command::new("mount").args(["-o", &size]).arg(mount).status().unwrap().success());
}

/// A write that fails for any other reason than room, here a limit on the size of files.
#[test]
fn after_a_failed_write_nothing_more_is_accepted() {
    let place = tempfile::tempdir().unwrap();
    // Blocks of 512 bytes; the signal that comes with the limit is ignored.
    let limit = r#"trap "" XFSZ; ulimit -f 2048; exec "$@""#;
    succeeds(child("room::meets_a_failing_disk", place.path(), limit));
}

#[test]
#[ignore = "started by the other test"]
fn meets_a_failing_disk() {
    let folder = Folder::open(&given().join("data")).unwrap();
    let lock = folder.lock("test").unwrap();
    let (mut writer, reader) = store::sqlite::open(&folder, &lock).unwrap();
    let mut last = 0;
    let failed = loop {
        match writer.commit(&[large(last)]) {
            Ok(_) => last += 1,
            Err(error) => break error,
        }
        assert!(last < 200, "the limit ought to be reached by now");
    };
    assert!(matches!(failed, Error::Storage { full: false, .. }), "{failed:?}");
    // Also what would fit: this process does not know any more what is on disk.
    let refused = writer.commit(&[small()]).unwrap_err();
    assert!(matches!(refused, Error::Storage { full: false, .. }));
    let cause = std::error::Error::source(&refused).unwrap().to_string();
    assert!(cause.contains("start it again"), "{cause}");
    writer.journal(run(1)).unwrap_err();
    // What was acknowledged is there.
    assert_eq!(reader.journal(run(1)).unwrap().len() as u64, last);
    drop(writer);
    let (mut writer, _) = store::sqlite::open(&folder, &lock).unwrap();
    assert_eq!(writer.journal(run(1)).unwrap().len() as u64, last);
}
