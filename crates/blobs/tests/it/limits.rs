use std::io::{self, Read};

use blobs::Error;

use crate::content::fresh;

/// Never ends.
struct Endless;

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        buffer.fill(b'x');
        Ok(buffer.len())
    }
}

#[test]
fn what_never_ends_is_refused_at_its_limit() {
    let (_place, blobs) = fresh();
    let refused = blobs.put(Endless, 30 << 20).unwrap_err();
    assert!(matches!(refused, Error::TooLarge { max_bytes } if max_bytes == 30 << 20));
    assert_eq!(blobs.used().unwrap(), 0);
    blobs.put(&b"abcd"[..], 3).unwrap_err();
    blobs.put(&b"abcd"[..], 4).unwrap();
}

#[test]
fn a_source_that_fails_is_told_from_a_store_that_does() {
    let (_place, blobs) = fresh();
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the cable was cut"))
        }
    }
    assert!(matches!(blobs.put(Failing, 10), Err(Error::Source { .. })));
}

#[test]
fn above_the_quota_nothing_new_is_taken() {
    let (place, blobs) = fresh();
    blobs.put(&b"12345"[..], 9).unwrap();
    blobs.set_quota(Some(8)).unwrap();
    let other = blobs::Blobs::of(place.path());
    match other.put(&b"abcd"[..], 9).unwrap_err() {
        Error::Quota { bytes, used, quota } => assert_eq!((bytes, used, quota), (4, 5, 8)),
        error => panic!("{error:?}"),
    }
    other.put(&b"abc"[..], 9).unwrap();
    assert_eq!(blobs.used().unwrap(), 8);
    // Two that fit one by one: the second is refused when it asks for its place.
    blobs.set_quota(Some(12)).unwrap();
    let (one, two) = (blobs.stage(&b"four"[..], 9).unwrap(), blobs.stage(&b"five"[..], 9).unwrap());
    one.keep().unwrap();
    assert!(matches!(two.keep(), Err(Error::Quota { .. })));
    blobs.set_quota(None).unwrap();
    blobs.put(&b"six"[..], 9).unwrap();
}

#[test]
fn what_is_in_use_is_counted_when_nobody_knows() {
    let (place, blobs) = fresh();
    blobs.put(&b"12345"[..], 9).unwrap();
    std::fs::write(place.path().join("blobs/ledger"), "torn").unwrap();
    assert_eq!(blobs.used().unwrap(), 5);
}

/// A mount of its own; where there is no right to make one, there is nothing to be seen.
#[test]
fn a_full_disk_is_said_and_recovers() {
    let place = tempfile::tempdir().unwrap();
    let script = r#"mount -t tmpfs -o size=1m none "$0" && exec "$@""#;
    let mut command = std::process::Command::new("unshare");
    command.args(["-rm", "sh", "-c", script]).arg(place.path());
    command.arg(std::env::current_exe().unwrap());
    command.args(["--exact", "limits::fills_its_disk", "--ignored", "--nocapture"]);
    let may = std::process::Command::new("unshare").args(["-rm", "true"]).status();
    if !may.is_ok_and(|status| status.success()) {
        eprintln!("skipped: no right to mount");
        return;
    }
    let output = command.env("BLOBS_TEST_FOLDER", place.path()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

#[test]
#[ignore = "started by the other test"]
fn fills_its_disk() {
    let place = std::path::PathBuf::from(std::env::var_os("BLOBS_TEST_FOLDER").unwrap());
    let blobs = blobs::Blobs::of(&place);
    let kept = blobs.put(&b"kept"[..], 9).unwrap();
    let full = blobs.put(Endless, 30 << 20).unwrap_err();
    assert!(full.is_full(), "{full:?}");
    assert_eq!(blobs.verify(&kept.digest).unwrap(), 4);
    blobs.put(&b"there is room again"[..], 99).unwrap();
}
