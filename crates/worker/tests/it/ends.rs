//! How attempts end, and what is told about it.

use api::link::{End, Stopped, What};

use crate::bench::{Bench, hear, lives, release};

#[test]
fn an_exit_code_is_told() {
    let bench = Bench::new();
    let exit = bench.run(&bench.script("a", "echo hello; echo problem >&2; exit 3"));
    assert_eq!(exit.end, End::Code(3));
    assert_eq!(exit.tail, "hello\nproblem");
    assert_eq!(exit.output_bytes, 14);
    assert_eq!(exit.outputs, None);
    assert_eq!(exit.outputs_error, None);
    assert!(exit.max_rss_bytes > 100_000);
    assert_eq!(exit.warnings, Vec::<String>::new());
}

#[test]
fn a_signal_is_told() {
    let bench = Bench::new();
    assert_eq!(bench.run(&bench.script("a", "kill -9 $$")).end, End::Signal(9));
}

#[test]
fn a_stop_ends_an_attempt() {
    let bench = Bench::new();
    let ready = bench.fifo("ready");
    let script = bench.script("a", "echo up > ready; sleep 1000");
    bench.start(&script);
    let pid = bench.started();
    assert_eq!(hear(&ready), "up");
    bench.stop(&script, Stopped::Cancelled);
    assert_eq!(bench.ended().end, End::Stopped(Stopped::Cancelled));
    assert!(!lives(pid));
    bench.stop(&script, Stopped::Cancelled);
    assert_eq!(bench.ended().end, End::Stopped(Stopped::Cancelled), "asked again");
}

#[test]
fn a_new_worker_adopts_what_runs() {
    let mut bench = Bench::new();
    let gate = bench.fifo("gate");
    let script = bench.script("a", "echo before; read x < gate; echo after; exit 4");
    bench.start(&script);
    let pid = bench.started();
    bench.rehire();
    bench.adopt(&script);
    assert_eq!(bench.started(), pid);
    release(&gate);
    let exit = bench.ended();
    assert_eq!((exit.end, &*exit.tail), (End::Code(4), "before\nafter"));
    bench.rehire();
    bench.adopt(&script);
    assert_eq!(bench.ended().end, End::Code(4), "from the record");
}

#[test]
fn what_was_never_started_is_told() {
    let bench = Bench::new();
    bench.adopt(&bench.script("a", "true"));
    assert!(matches!(bench.next().what, What::NeverStarted));
}
