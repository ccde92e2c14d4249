//! What an attempt says is kept byte for byte, within bounds, and without secrets.

use api::capture::{Header, INDEX, Layout, Mark};
use api::link::{End, Piece, Stopped, What};

use crate::bench::{Bench, hear, plain};

#[test]
fn bytes_that_are_no_text_are_kept_as_they_are() {
    let bench = Bench::new();
    let script = bench.script("a", r"printf 'a\000\377\376\nb\r\n\033[1m\200'");
    let exit = bench.run(&script);
    assert_eq!(bench.output(&script), b"a\0\xff\xfe\nb\r\n\x1b[1m\x80");
    assert_eq!(exit.output_bytes, 13);
    assert!(exit.tail.ends_with("[1m\u{fffd}"), "{:?}", exit.tail);
}

#[test]
fn a_long_output_keeps_its_head_and_its_tail() {
    let bench = Bench::with(|options| options.layout = Layout { head: 4_000, tail: 16_000 });
    let script = bench.script("a", "seq 1 100000");
    let exit = bench.run(&script);
    let whole: String = (1..=100_000).map(|n| format!("{n}\n")).collect();
    assert_eq!(exit.output_bytes, whole.len() as u64);
    assert!(exit.tail.ends_with("\n99999\n100000"));
    let file = bench.output(&script);
    assert_eq!(file.len(), 20_000);
    assert_eq!(&file[..4_000], &whole.as_bytes()[..4_000]);
    let seam = 4_000 + (whole.len() - 4_000) % 16_000;
    let tail = [&file[seam..], &file[4_000..seam]].concat();
    assert_eq!(tail, &whole.as_bytes()[whole.len() - 16_000..]);
}

#[test]
fn the_index_says_when_output_came() {
    let bench = Bench::new();
    let script = bench.script("a", "echo one; sleep 0.05; echo two");
    bench.run(&script);
    let index = std::fs::read(bench.folder(&script).join(INDEX)).unwrap();
    assert_eq!(Header::decode(&index).unwrap().layout, Layout::default());
    let marks: Vec<Mark> =
        index[32..].chunks(16).map(|bytes| Mark::decode(bytes).unwrap()).collect();
    let ends: Vec<u64> = marks.iter().map(|mark| mark.end).collect();
    assert_eq!(ends, [4, 8]);
    let between = marks[1].at_micros - marks[0].at_micros;
    assert!((40_000..5_000_000).contains(&between), "{between}");
}

#[test]
fn output_is_reported_while_it_grows() {
    let bench = Bench::new();
    let ready = bench.fifo("ready");
    let script = bench.script("a", "echo first; echo up > ready; sleep 1000");
    bench.start(&script);
    bench.started();
    hear(&ready);
    let report = bench.any();
    assert!(matches!(report.what, What::Output { bytes: 6 }), "{report:?}");
    assert_eq!(bench.output(&script), b"first\n");
    bench.stop(&script, Stopped::Cancelled);
    bench.ended();
}

#[test]
fn a_writer_without_end_is_bounded_and_leaves_others_room() {
    let bench = Bench::with(|options| options.layout = Layout { head: 1 << 20, tail: 1 << 20 });
    let flood = bench.command("flood", &["cat", "/dev/zero"]);
    bench.start(&flood);
    bench.started();
    for n in 0..20 {
        let small = bench.script(&format!("small{n}"), "echo hello");
        bench.start(&small);
        let attempt = |key: &str| bench_reports_until(&bench, key);
        attempt(&small.attempt.key);
        assert_eq!(bench.output(&small), b"hello\n");
    }
    bench.stop(&flood, Stopped::Cancelled);
    let exit = bench.ended();
    assert_eq!(exit.end, End::Stopped(Stopped::Cancelled));
    assert!(exit.output_bytes > 4 << 20, "{}", exit.output_bytes);
    assert_eq!(bench.output(&flood).len(), 2 << 20);
    assert!(std::fs::metadata(bench.folder(&flood).join(INDEX)).unwrap().len() <= 2 << 20);
}

/// Until the attempt of this key has ended.
fn bench_reports_until(bench: &Bench, key: &str) {
    loop {
        let report = bench.next();
        if report.attempt.key == key && matches!(report.what, What::Exited(_)) {
            return;
        }
    }
}

#[test]
fn a_disk_that_takes_nothing_does_not_hold_up_the_child() {
    let bench = Bench::new();
    let script = bench.script("a", "seq 1 100000; exit 6");
    let folder = bench.folder(&script);
    std::fs::create_dir_all(&folder).unwrap();
    std::os::unix::fs::symlink("/dev/full", folder.join(api::capture::OUTPUT)).unwrap();
    let exit = bench.run(&script);
    assert_eq!(exit.end, End::Code(6));
    assert_eq!(exit.output_bytes, 588_895);
    assert!(exit.tail.ends_with("100000"));
    assert!(exit.warnings[0].contains("No space left"), "{:?}", exit.warnings);
}

#[test]
fn a_secret_is_masked_everywhere() {
    let mut bench = Bench::new();
    std::fs::create_dir_all(bench.dir.path().join("secrets")).unwrap();
    std::fs::write(bench.dir.path().join("secrets/FILE"), "from-a-file\n").unwrap();
    bench.set_environment("ORCHESTRATE_SECRET_TOKEN", "tok-en-12345");
    let mut script = bench.script(
        "a",
        "printf 'a tok-'; sleep 0.05; printf 'en-12'; sleep 0.05; echo 345 b; echo \"$F\"
         printf %s \"$TOKEN\" | base64; echo \"x=$TOKEN\" > \"$ORCHESTRATE_OUTPUT\"
         [ \"$TOKEN\" = 'Bearer tok-en-12345' ] && echo same",
    );
    let token = vec![Piece::Plain("Bearer ".into()), Piece::Secret("TOKEN".into())];
    script.env.insert("TOKEN".into(), token);
    script.env.insert("F".into(), vec![Piece::Secret("FILE".into())]);
    script.env.insert("PLAIN".into(), plain("x"));
    let exit = bench.run(&script);
    let output = String::from_utf8(bench.output(&script)).unwrap();
    assert_eq!(output.lines().next(), Some("a *** b"));
    assert_eq!(output.lines().nth(1), Some("***"));
    assert_eq!(output.lines().last(), Some("same"));
    assert_eq!(exit.outputs.as_deref(), Some("x=Bearer ***\n"));
    let mut files = vec![bench.dir.path().join("attempts")];
    let mut seen = 0;
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
        seen += 1;
        for secret in ["tok-en-12345", "dG9rLWVuLTEyMzQ1", "from-a-file"] {
            assert!(!text.contains(secret), "{} holds {secret}", path.display());
        }
    }
    assert!(seen >= 3);
}
