use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use store::conformance::sample::{append, row, run};
use store::folder::{Folder, nearest};
use store::port::{Change, Error, Write};

use crate::place::Place;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn everything_is_for_the_owner_alone() {
    let place = Place::new();
    let root = place.folder.root();
    fs::set_permissions(root, fs::Permissions::from_mode(0o755)).unwrap();
    let folder = Folder::open(root).unwrap();
    let mut opened = place.open();
    folder.token().unwrap();
    opened.writer.commit(&[Change::Append(append(row(run(1), "ci", 1, "running"), 0, 1))]).unwrap();
    for inner in [root.to_owned(), folder.attempts(), folder.secrets(), folder.workspaces()] {
        assert_eq!(mode(&inner), 0o700, "{}", inner.display());
    }
    let files =
        ["orchestrate.db", "orchestrate.db-wal", "orchestrate.db-shm", "lock", "witness", "token"];
    for file in files {
        assert_eq!(mode(&root.join(file)), 0o600, "{file}");
    }
    assert_eq!(fs::read_to_string(root.join(".gitignore")).unwrap(), "*\n");
}

#[test]
fn a_second_owner_is_refused_and_told_who_it_is() {
    let place = Place::new();
    assert_eq!(place.folder.holder().unwrap(), None);
    let mut lock = place.folder.lock("serve").unwrap();
    let again = Folder::open(place.folder.root()).unwrap();
    let refused = again.lock("run").unwrap_err();
    let pid = std::process::id();
    assert!(
        matches!(&refused, Error::InUse { pid: by, role, .. } if *by == pid && role == "serve")
    );
    let path = place.folder.root().join("lock");
    let text = format!("`{}` is in use by process {pid} (serve)", path.display());
    assert_eq!(refused.to_string(), text);

    lock.announce("127.0.0.1:7070").unwrap();
    let holder = again.holder().unwrap().unwrap();
    assert_eq!((holder.pid, holder.role.as_str()), (pid, "serve"));
    assert_eq!(holder.address.as_deref(), Some("127.0.0.1:7070"));
    assert_eq!(&holder, lock.holder());
    drop(lock);
    assert_eq!(again.holder().unwrap(), None);
    let lock = again.lock("run").unwrap();
    assert_eq!(lock.holder().address, None);
}

#[test]
fn looking_who_drives_never_stops_anybody_from_driving() {
    let place = Place::new();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                place.folder.holder().unwrap();
            }
        });
        for _ in 0..500 {
            let taken = place.folder.lock("run").map(drop);
            done.store(taken.is_err(), Ordering::Relaxed);
            taken.unwrap();
        }
        done.store(true, Ordering::Relaxed);
    });
}

/// SEMANTICS 12, number 19.
#[test]
fn an_empty_data_folder_where_a_lock_says_data_existed_is_refused_with_instructions() {
    let lost: [fn(&Path); 3] = [
        |database| fs::remove_file(database).unwrap(),
        |database| fs::write(database, "").unwrap(),
        |database| {
            fs::remove_file(database).unwrap();
            let empty = rusqlite::Connection::open(database).unwrap();
            empty.execute_batch("CREATE TABLE t (x); DROP TABLE t").unwrap();
        },
    ];
    for lose in lost {
        let place = Place::new();
        drop(place.open());
        lose(&place.folder.database());
        let lock = place.folder.lock("test").unwrap();
        let refused = store::sqlite::open(&place.folder, &lock).unwrap_err();
        assert!(matches!(refused, Error::Vanished { .. }), "{refused}");
        let witness = place.folder.witness().display().to_string();
        let text = refused.to_string();
        assert!(text.contains("restore") && text.contains("deleting") && text.contains(&witness));
        let told = fs::read_to_string(&witness).unwrap();
        assert!(told.contains("restore it"), "{told}");
        // The instructions work.
        fs::remove_file(witness).unwrap();
        store::sqlite::open(&place.folder, &lock).unwrap();
    }
}

#[test]
fn a_first_start_that_was_cut_short_is_not_taken_for_lost_data() {
    let place = Place::new();
    drop(place.open());
    // Between the database and its witness.
    fs::remove_file(place.folder.witness()).unwrap();
    drop(place.open());
    assert!(place.folder.witness().exists());
    // Before the database was more than a name.
    let place = Place::new();
    fs::write(place.folder.database(), "").unwrap();
    drop(place.open());
}

#[test]
fn everybody_gets_the_same_token() {
    let place = Place::new();
    let tokens: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..8).map(|_| scope.spawn(|| place.folder.token().unwrap())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(tokens[0].len(), 64);
    assert!(tokens.iter().all(|token| *token == tokens[0]));
    assert_ne!(Place::new().folder.token().unwrap(), tokens[0]);
}

#[test]
fn sockets_lie_in_the_folder_unless_it_is_too_deep() {
    let place = Place::new();
    let inside = place.folder.socket("orchestrate.sock").unwrap();
    assert_eq!(inside, place.folder.root().join("orchestrate.sock"));

    let deep = place.folder.root().join("d".repeat(90));
    let folder = Folder::open(&deep).unwrap();
    let outside = folder.socket("orchestrate.sock").unwrap();
    std::os::unix::net::UnixListener::bind(&outside).unwrap();
    let shared: PathBuf = outside.parent().unwrap().into();
    assert_eq!(mode(&shared), 0o700);
    assert_eq!(folder.socket("keeper.sock").unwrap(), shared.join("keeper.sock"));
    let other = Folder::open(&deep.join("x")).unwrap().socket("keeper.sock").unwrap();
    assert_ne!(other.parent(), Some(shared.as_path()));
    fs::remove_dir(other.parent().unwrap()).unwrap();

    // Somebody could have put it there to listen in.
    fs::set_permissions(&shared, fs::Permissions::from_mode(0o777)).unwrap();
    folder.socket("orchestrate.sock").unwrap_err();
    fs::remove_dir_all(&shared).unwrap();
    std::os::unix::fs::symlink(place.folder.root(), &shared).unwrap();
    folder.socket("orchestrate.sock").unwrap_err();
    fs::remove_file(&shared).unwrap();
}

#[test]
fn the_longest_path_that_can_be_bound_is_used() {
    let place = Place::new();
    let root = place.folder.root().as_os_str().len();
    let name = "o.sock";
    for (extra, inside) in [(0, true), (1, false)] {
        let fill = 107 - root - 2 - name.len() + extra;
        let folder = Folder::open(&place.folder.root().join("d".repeat(fill))).unwrap();
        let socket = folder.socket(name).unwrap();
        assert_eq!(socket.starts_with(folder.root()), inside);
        std::os::unix::net::UnixListener::bind(&socket).unwrap();
        if !inside {
            fs::remove_dir_all(socket.parent().unwrap()).unwrap();
        }
    }
}

#[test]
fn the_nearest_folder_upward_is_found() {
    let place = tempfile::tempdir().unwrap();
    let inner = place.path().join("a/b");
    fs::create_dir_all(&inner).unwrap();
    let data = place.path().join(".orchestrate");
    Folder::open(&data).unwrap();
    assert_eq!(nearest(&inner), Some(data));
    Folder::open(&inner.join(".orchestrate")).unwrap();
    assert_eq!(nearest(&inner), Some(inner.join(".orchestrate")));
}
