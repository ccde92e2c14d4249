//! The keeper keeps the time, with and without a worker.

use std::time::Instant;

use api::link::{End, Stopped};

use crate::bench::{Bench, hear, lives};

#[test]
fn an_attempt_that_takes_too_long_is_stopped() {
    let bench = Bench::new();
    let mut script = bench.script("a", "echo begun; sleep 1000");
    script.timeout_ms = Some(200);
    let begin = Instant::now();
    let exit = bench.run(&script);
    assert_eq!(exit.end, End::Stopped(Stopped::Timeout));
    assert_eq!(exit.tail, "begun");
    assert!(begin.elapsed().as_millis() >= 200 && exit.elapsed_ms >= 200);
}

#[test]
fn an_attempt_that_goes_quiet_is_stopped() {
    let bench = Bench::new();
    let mut script = bench.script("a", "for n in 1 2 3 4; do echo $n; sleep 0.1; done; sleep 1000");
    script.idle_ms = Some(300);
    let begin = Instant::now();
    let exit = bench.run(&script);
    assert_eq!(exit.end, End::Stopped(Stopped::IdleTimeout));
    assert_eq!(exit.tail, "1\n2\n3\n4");
    assert!(begin.elapsed().as_millis() >= 600, "counts from the last output");
}

#[test]
fn an_attempt_in_time_is_not_stopped() {
    let bench = Bench::new();
    let mut script = bench.script("a", "echo 1; sleep 0.1; echo 2");
    script.timeout_ms = Some(60_000);
    script.idle_ms = Some(60_000);
    assert_eq!(bench.run(&script).end, End::Code(0));
}

#[test]
fn a_deadline_holds_while_no_worker_lives() {
    let mut bench = Bench::new();
    let ready = bench.fifo("ready");
    let mut script = bench.script("a", "exec 3> ready; echo up >&3; sleep 1000");
    script.timeout_ms = Some(300);
    bench.start(&script);
    let pid = bench.started();
    bench.dismiss();
    // Ends when the last process that holds the pipe is gone.
    assert_eq!(hear(&ready), "up");
    bench.rehire();
    bench.adopt(&script);
    // The keeper may still be writing the end down.
    let report = bench.next();
    let end = match report.what {
        api::link::What::Exited(exit) => exit.end,
        api::link::What::Started { .. } => bench.ended().end,
        other => panic!("{other:?}"),
    };
    assert_eq!(end, End::Stopped(Stopped::Timeout));
    assert!(!lives(pid));
}
