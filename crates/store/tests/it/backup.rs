//! Backups while somebody writes, and what is made of them.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

use store::backup::{Error, Wanted, check, make, restore};
use store::conformance::sample::{append, at, row, run};
use store::folder::Folder;
use store::port::{Change, Read as _, Write as _};

fn wanted(keys: bool) -> Wanted {
    Wanted { at: at(0), version: "test".to_owned(), keys }
}

#[test]
fn a_copy_under_load_is_one_moment_of_it() {
    let place = tempfile::tempdir().unwrap();
    let folder = Folder::open(&place.path().join("data")).unwrap();
    let lock = folder.lock("test").unwrap();
    let (mut writer, reader) = store::sqlite::open(&folder, &lock).unwrap();
    writer.commit(&[Change::Append(append(row(run(1), "ci", 1, "running"), 0, 1))]).unwrap();
    let done = AtomicBool::new(false);
    let written = std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            let mut after = 1;
            while !done.load(Ordering::Relaxed) {
                let more = append(row(run(1), "ci", 1, "running"), after, 5);
                writer.commit(&[Change::Append(more)]).unwrap();
                after += 5;
            }
            after
        });
        let mut seen = 0;
        for n in 0..4 {
            let to = place.path().join(if n % 2 == 0 { format!("{n}.tar") } else { n.to_string() });
            let made = make(&folder, &to, &wanted(false)).unwrap();
            // Whole commits, and never fewer than before.
            assert_eq!((made.events - 1) % 5, 0);
            assert!(made.events >= seen);
            seen = made.events;
            let target = place.path().join(format!("restored-{n}"));
            let restored = restore(&to, &target).unwrap();
            assert_eq!((restored.manifest, restored.unfinished), (made, 1));
            let copy = Folder::open(&target).unwrap();
            let held = copy.lock("test").unwrap();
            let (_writer, again) = store::sqlite::open(&copy, &held).unwrap();
            assert_eq!(again.verify().unwrap().events, seen);
            assert_eq!(again.health().unwrap().epoch, restored.epoch);
            assert_ne!(reader.health().unwrap().epoch, restored.epoch);
        }
        done.store(true, Ordering::Relaxed);
        writing.join().unwrap()
    });
    assert_eq!(reader.verify().unwrap().events, written);
}

#[test]
fn what_was_changed_cut_or_added_is_not_restored_and_nothing_is_left_behind() {
    let place = tempfile::tempdir().unwrap();
    let path = |name: &str| place.path().join(name);
    let folder = Folder::open(&path("data")).unwrap();
    let lock = folder.lock("test").unwrap();
    let opened = store::sqlite::open(&folder, &lock).unwrap();
    let attempts = folder.attempts().join("r/k");
    fs::create_dir_all(&attempts).unwrap();
    fs::write(attempts.join("output"), "said").unwrap();
    fs::write(folder.root().join("secret.key"), "key").unwrap();
    fs::write(path("elsewhere"), "not ours").unwrap();
    std::os::unix::fs::symlink(path("elsewhere"), attempts.join("link")).unwrap();
    fs::write(
        folder.attempts().join("r/records.jsonl"),
        "{\"type\":\"starting\",\"boot\":\"b\"}\n{\"type\":\"sta",
    )
    .unwrap();

    let plain = make(&folder, &path("copy"), &wanted(false)).unwrap();
    let names: Vec<&str> = plain.files.iter().map(|file| &*file.path).collect();
    assert_eq!(names, ["orchestrate.db", "attempts/r/k/output", "attempts/r/records.jsonl"]);
    let keys = make(&folder, &path("keys.tar"), &wanted(true)).unwrap();
    assert!(keys.files.iter().any(|file| file.path == "secret.key"));
    drop(opened);

    restore(&path("copy"), &path("good")).unwrap();
    let records = fs::read_to_string(path("good/attempts/r/records.jsonl")).unwrap();
    assert_eq!(records, "{\"type\":\"starting\",\"boot\":\"restored\"}\n{\"type\":\"sta\n");

    let refused = |from: &str, to: &str| restore(&path(from), &path(to)).unwrap_err();
    assert!(matches!(refused("copy", "good"), Error::NotEmpty { .. }));
    assert!(matches!(refused("elsewhere", "x"), Error::NoBackup { .. }));
    fs::write(path("copy/extra"), "").unwrap();
    assert!(matches!(refused("copy", "x"), Error::Damaged { .. }));
    fs::remove_file(path("copy/extra")).unwrap();
    fs::write(path("copy/attempts/r/k/output"), "Said").unwrap();
    let problem = refused("copy", "x").to_string();
    assert_eq!(problem, "the backup is damaged: `attempts/r/k/output` was changed");
    fs::remove_file(path("copy/attempts/r/k/output")).unwrap();
    assert!(check(&path("copy")).unwrap_err().to_string().ends_with("output` is missing"));
    fs::remove_file(path("copy/manifest.json")).unwrap();
    assert!(matches!(check(&path("copy")).unwrap_err(), Error::NoBackup { .. }));
    let tar = fs::read(path("keys.tar")).unwrap();
    fs::write(path("cut.tar"), &tar[..tar.len() / 2]).unwrap();
    assert!(matches!(refused("cut.tar", "x"), Error::NoBackup { .. }));
    assert!(matches!(
        make(&folder, &path("keys.tar"), &wanted(false)).unwrap_err(),
        Error::Exists { .. }
    ));
    let mut left: Vec<String> = fs::read_dir(place.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(left, ["copy", "cut.tar", "data", "elsewhere", "good", "keys.tar"]);
}
