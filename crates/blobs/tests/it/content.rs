use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, SystemTime};

use blobs::{Blobs, Error};

const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

pub(crate) fn fresh() -> (tempfile::TempDir, Blobs) {
    let place = tempfile::tempdir().unwrap();
    let blobs = Blobs::of(place.path());
    (place, blobs)
}

fn left_over(place: &tempfile::TempDir) -> usize {
    fs::read_dir(place.path().join("blobs/tmp")).map_or(0, Iterator::count)
}

#[test]
fn content_is_stored_once_under_its_digest() {
    let (place, blobs) = fresh();
    for _ in 0..2 {
        let stored = blobs.put(&b"abc"[..], 3).unwrap();
        assert_eq!((stored.digest.as_str(), stored.bytes), (ABC, 3));
    }
    assert_eq!(blobs.put(&b""[..], 0).unwrap().digest, EMPTY);
    let path = place.path().join("blobs/ba").join(ABC);
    assert_eq!(fs::read(&path).unwrap(), b"abc");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o400);
    let mut text = String::new();
    blobs.open(ABC).unwrap().read_to_string(&mut text).unwrap();
    assert_eq!((text.as_str(), blobs.verify(ABC).unwrap()), ("abc", 3));
    assert_eq!((blobs.used().unwrap(), left_over(&place)), (3, 0));
}

#[test]
fn what_is_dropped_leaves_nothing() {
    let (place, blobs) = fresh();
    let mut staged = blobs.stage(&b"abc"[..], 10).unwrap();
    let mut text = String::new();
    staged.content().unwrap().read_to_string(&mut text).unwrap();
    assert_eq!((text.as_str(), staged.digest(), staged.bytes()), ("abc", ABC, 3));
    drop(staged);
    assert!(matches!(blobs.open(ABC), Err(Error::Missing { .. })));
    assert_eq!((blobs.used().unwrap(), left_over(&place)), (0, 0));
}

#[test]
fn only_digests_name_content() {
    let (_place, blobs) = fresh();
    let upper = ABC.to_uppercase();
    for name in ["", "../../etc/passwd", "abc", &upper, &ABC[..63], &format!("{}/", &ABC[..63])] {
        assert!(matches!(blobs.open(name), Err(Error::NoDigest { .. })), "{name}");
        assert!(matches!(blobs.path(name), Err(Error::NoDigest { .. })), "{name}");
    }
    assert!(matches!(blobs.verify(ABC), Err(Error::Missing { .. })));
}

#[test]
fn damage_is_seen_and_healed_by_the_same_content() {
    let (place, blobs) = fresh();
    blobs.put(&b"abc"[..], 3).unwrap();
    let path = blobs.path(ABC).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&path, "ab").unwrap();
    assert!(matches!(blobs.verify(ABC), Err(Error::Damaged { .. })));
    let copy = place.path().join("copy");
    assert!(matches!(blobs.copy_to(ABC, &copy), Err(Error::Damaged { .. })));
    assert!(!copy.exists());
    blobs.put(&b"abc"[..], 3).unwrap();
    assert_eq!(blobs.verify(ABC).unwrap(), 3);
}

#[test]
fn a_copy_is_read_only_and_apart() {
    let (place, blobs) = fresh();
    blobs.put(&b"abc"[..], 3).unwrap();
    let copy = place.path().join("copy");
    assert_eq!(blobs.copy_to(ABC, &copy).unwrap(), 3);
    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o444);
    blobs.copy_to(ABC, &copy).unwrap_err();
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&copy, "xyz").unwrap();
    assert_eq!(blobs.verify(ABC).unwrap(), 3);
}

#[test]
fn only_old_content_that_nobody_needs_is_removed() {
    let (place, blobs) = fresh();
    let put = |text: &str| blobs.put(text.as_bytes(), 9).unwrap().digest;
    let (needed, old, young) = (put("needed"), put("old"), put("young"));
    let hour = |digest: &str, hours: u64| {
        let at = SystemTime::now() - Duration::from_secs(3600 * hours);
        fs::File::open(blobs.path(digest).unwrap()).unwrap().set_modified(at).unwrap();
    };
    for digest in [&needed, &old, &young] {
        hour(digest, 5);
    }
    // Content that is put again is young again.
    put("young");
    let half = place.path().join("blobs/tmp/1-1");
    fs::write(&half, "half").unwrap();
    fs::File::options()
        .write(true)
        .open(&half)
        .unwrap()
        .set_modified(SystemTime::UNIX_EPOCH)
        .unwrap();
    let cut = SystemTime::now() - Duration::from_secs(3600);
    let removed = blobs.remove_unreferenced(cut, |digest| digest == needed).unwrap();
    assert_eq!((removed.blobs, removed.bytes), (1, 3));
    assert!(blobs.open(&old).is_err() && blobs.open(&young).is_ok() && blobs.open(&needed).is_ok());
    assert_eq!((blobs.used().unwrap(), left_over(&place)), (11, 0));
}

#[test]
fn many_may_put_the_same_at_once() {
    let (place, blobs) = fresh();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for n in 0..20 {
                    blobs.put(format!("content {n:02}").as_bytes(), 99).unwrap();
                }
            });
        }
    });
    assert_eq!((blobs.used().unwrap(), left_over(&place)), (20 * 10, 0));
}
