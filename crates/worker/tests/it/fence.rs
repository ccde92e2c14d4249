//! What a worker holds ends when it has not heard of its server for too long.

use std::time::Duration;

use api::link::{Assignment, End, Exit, Stopped, What};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use crate::bench::{Bench, hear, lives};

const GRACE: Duration = Duration::from_millis(100);
const LATER: Duration = Duration::from_secs(600);

fn stubborn(bench: &Bench, name: &str) -> (Assignment, u32) {
    let ready = bench.fifo(&format!("{name}.ready"));
    let script = format!("trap '' TERM; echo up > {name}.ready; while :; do sleep 1000; done");
    let script = bench.script(name, &script);
    bench.start(&script);
    let pid = bench.started();
    hear(&ready);
    (script, pid)
}

fn ended_by_itself(exit: &Exit) -> bool {
    exit.end == End::Stopped(Stopped::Halted)
        && exit.warnings.iter().any(|warning| warning.contains("ended it by itself"))
}

#[test]
fn everything_ends_at_the_fence_and_nothing_starts_behind_it() {
    let bench = Bench::new();
    bench.fence(LATER, GRACE);
    let (_script, pid) = stubborn(&bench, "a");
    bench.fence(Duration::ZERO, GRACE);
    let exit = bench.ended();
    assert!(ended_by_itself(&exit), "{exit:?}");
    assert!(!lives(pid), "it would not have ended within its own grace of 10 s");
    bench.start(&bench.script("b", "true"));
    match bench.next().what {
        What::NotStarted { message } => assert!(message.contains("no answer"), "{message}"),
        other => panic!("{other:?}"),
    }
    bench.fence(LATER, GRACE);
    assert_eq!(bench.run(&bench.script("c", "exit 4")).end, End::Code(4), "put off again");
}

#[test]
fn the_fence_holds_when_nobody_is_left_to_keep_it() {
    let mut bench = Bench::new();
    bench.fence(LATER, GRACE);
    let (script, pid) = stubborn(&bench, "a");
    let pidfd = pidfd_open(Pid::from_raw(pid.cast_signed()).unwrap(), PidfdFlags::empty()).unwrap();
    bench.fence(Duration::from_millis(200), GRACE);
    bench.dismiss();
    let patience = rustix::time::Timespec { tv_sec: 30, tv_nsec: 0 };
    assert_eq!(poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], Some(&patience)).unwrap(), 1);
    bench.rehire();
    bench.adopt(&script);
    let exit = bench.ended();
    assert!(ended_by_itself(&exit), "{exit:?}");
}

#[test]
fn what_was_told_to_stop_before_has_no_longer_than_the_fence_gives() {
    let bench = Bench::new();
    bench.fence(LATER, GRACE);
    let (ready, told) = (bench.fifo("ready"), bench.fifo("told"));
    let script = bench.script(
        "a",
        "trap 'echo told > told' TERM; echo up > ready; while :; do sleep 1000 & wait; done",
    );
    bench.start(&script);
    let pid = bench.started();
    hear(&ready);
    bench.stop(&script, Stopped::Cancelled);
    hear(&told);
    bench.fence(Duration::ZERO, GRACE);
    let exit = bench.ended();
    assert_eq!(exit.end, End::Stopped(Stopped::Cancelled));
    assert!(exit.warnings.is_empty(), "{:?}", exit.warnings);
    assert!(!lives(pid));
}
