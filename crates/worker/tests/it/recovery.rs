//! Workers and keepers come and go.

use api::link::{End, Order, Stopped, What};
use rustix::process::{Pid, Signal, kill_process};

use crate::bench::{Bench, hear, lives, release};

fn kill(pid: u32) {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    kill_process(pid, Signal::KILL).unwrap();
}

fn lost(bench: &Bench) -> String {
    match bench.next().what {
        What::Lost { message } => message,
        other => panic!("expected a loss: {other:?}"),
    }
}

#[test]
fn an_end_that_nobody_heard_is_found_in_the_records() {
    let mut bench = Bench::new();
    let gate = bench.fifo("gate");
    let done = bench.fifo("done");
    let script = bench.script(
        "a",
        "exec 3> done; read x < gate; echo k=v > $ORCHESTRATE_OUTPUT; echo out; exit 9",
    );
    bench.start(&script);
    bench.started();
    bench.dismiss();
    std::thread::scope(|scope| {
        let ended = scope.spawn(|| hear(&done));
        release(&gate);
        ended.join().unwrap();
    });
    bench.rehire();
    bench.adopt(&script);
    let exit = match bench.next().what {
        What::Exited(exit) => *exit,
        What::Started { .. } => bench.ended(),
        other => panic!("{other:?}"),
    };
    assert_eq!(exit.end, End::Code(9));
    assert_eq!(exit.outputs.as_deref(), Some("k=v\n"));
    assert_eq!(exit.tail, "out");
}

#[test]
fn when_the_keeper_dies_its_attempts_are_lost_and_their_processes_killed() {
    let bench = Bench::new();
    let ready = bench.fifo("ready");
    let script = bench.script(
        "a",
        "trap '' TERM HUP PIPE; (setsid sleep 1000 & echo $! > ready) & while :; do sleep 1000; done",
    );
    bench.start(&script);
    let main = bench.started();
    let daemon: u32 = hear(&ready).parse().unwrap();
    kill(bench.keeper());
    let message = lost(&bench);
    assert!(message.contains("killed"), "{message}");
    assert!(!lives(main) && !lives(daemon));
    let next = bench.script("b", "exit 2");
    assert_eq!(bench.run(&next).end, End::Code(2), "under a new keeper");
}

#[test]
fn a_keeper_that_died_unseen_leaves_losses_to_find() {
    let mut bench = Bench::new();
    let ready = bench.fifo("ready");
    let script = bench.script("a", "trap '' PIPE; echo up > ready; while :; do sleep 1000; done");
    bench.start(&script);
    let main = bench.started();
    hear(&ready);
    bench.dismiss();
    kill(bench.keeper());
    bench.rehire();
    bench.adopt(&script);
    assert!(lost(&bench).contains("killed"));
    assert!(!lives(main));
}

#[test]
fn a_start_is_never_repeated() {
    let mut bench = Bench::new();
    let mut script = bench.script("a", "echo x >> count");
    script.once = true;
    bench.run(&script);
    bench.start(&script);
    assert_eq!(bench.ended().end, End::Code(0), "answered from the records");
    bench.rehire();
    bench.start(&script);
    assert_eq!(bench.ended().end, End::Code(0));
    assert_eq!(std::fs::read_to_string(bench.dir.path().join("count")).unwrap(), "x\n");
}

#[test]
fn a_start_that_is_held_is_not_repeated() {
    let bench = Bench::new();
    let gate = bench.fifo("gate");
    let script = bench.script("a", "echo x >> count; read x < gate");
    bench.start(&script);
    bench.start(&script);
    bench.started();
    release(&gate);
    bench.ended();
    assert_eq!(std::fs::read_to_string(bench.dir.path().join("count")).unwrap(), "x\n");
}

#[test]
fn a_stale_fence_changes_nothing() {
    let mut bench = Bench::new();
    let gate = bench.fifo("gate");
    let script = bench.script("a", "read x < gate; exit 3");
    bench.start(&script);
    let pid = bench.started();
    let mut stale = script.clone();
    stale.attempt.fence = 6;
    stale.attempt.number = 0;
    stale.attempt.key = format!("{}-a-0", bench.run);
    bench.start(&stale);
    match bench.next().what {
        What::NotStarted { message } => assert!(message.contains("stale"), "{message}"),
        other => panic!("{other:?}"),
    }
    let mut impostor = script.clone();
    impostor.attempt.fence = 6;
    bench.stop(&impostor, Stopped::Cancelled);
    assert!(lost(&bench).contains("stale"));
    bench.rehire();
    bench.adopt(&impostor);
    assert!(lost(&bench).contains("stale"));
    assert!(lives(pid));
    bench.adopt(&script);
    assert_eq!(bench.started(), pid);
    release(&gate);
    assert_eq!(bench.ended().end, End::Code(3));
}

#[test]
fn a_worker_that_was_replaced_changes_nothing() {
    let mut bench = Bench::new();
    let gate = bench.fifo("gate");
    let script = bench.script("a", "read x < gate; exit 3");
    bench.start(&script);
    let pid = bench.started();
    let replaced = bench.replace();
    bench.adopt(&script);
    assert_eq!(bench.started(), pid);
    replaced.orders.send(Order::Adopt { attempts: vec![script.attempt.clone()] }).unwrap();
    drop(replaced.orders);
    replaced.worker.join();
    assert!(replaced.reports.try_iter().next().is_none());
    assert!(lives(pid));
    release(&gate);
    assert_eq!(bench.ended().end, End::Code(3));
}

#[test]
fn the_keeper_goes_when_nothing_is_left() {
    let mut bench = Bench::new();
    bench.run(&bench.script("a", "true"));
    let keeper = bench.keeper();
    let pidfd = rustix::process::pidfd_open(
        Pid::from_raw(i32::try_from(keeper).unwrap()).unwrap(),
        rustix::process::PidfdFlags::empty(),
    )
    .unwrap();
    bench.dismiss();
    let mut wait = [rustix::event::PollFd::new(&pidfd, rustix::event::PollFlags::IN)];
    let patience = rustix::time::Timespec { tv_sec: 30, tv_nsec: 0 };
    assert_eq!(rustix::event::poll(&mut wait, Some(&patience)).unwrap(), 1);
    assert!(!bench.dir.path().join("keeper.sock").exists());
    bench.rehire();
    assert_eq!(bench.run(&bench.script("b", "exit 1")).end, End::Code(1), "a new one comes");
}

#[test]
fn many_attempts_at_once_are_all_accounted_for() {
    let bench = Bench::new();
    let scripts: Vec<_> =
        (0..60).map(|n| bench.script(&format!("s{n}"), &format!("echo {n}; exit {n}"))).collect();
    for script in &scripts {
        bench.start(script);
    }
    let mut ended = 0;
    while ended < scripts.len() {
        let report = bench.next();
        if let What::Exited(exit) = report.what {
            let n: i32 = report.attempt.execution[1..].parse().unwrap();
            assert_eq!((exit.end, exit.tail), (End::Code(n), n.to_string()));
            ended += 1;
        }
    }
}
