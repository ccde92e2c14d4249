//! One suite that every runtime passes: what an attempt may expect, wherever it runs.

mod places;

use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use api::link::{Assignment, End, Exit, Piece, Stopped, What};
use api::runtime::SeenState;
use rustix::process::{Pid, Signal, kill_process};

use crate::bench::{Bench, PATIENCE, hear, lives, plain, release};
use places::Place;

type Check = fn(&Place);

/// Each thing that is promised.
macro_rules! promises {
    ($with:ident $($of:tt)*) => {
        $with! { @tests $($of)*
            it_prints_what_it_prints_and_ends_with_its_code,
            its_environment_reaches_it_as_it_is,
            what_it_writes_as_outputs_is_read,
            much_output_is_whole,
            a_signal_ends_it_visibly,
            what_is_not_there_is_said,
            asked_to_stop_it_can_clean_up,
            who_does_not_listen_is_killed_after_the_grace,
            a_new_server_takes_it_over,
            it_is_started_once,
            its_runtime_says_what_it_does_now,
            what_vanished_is_lost,
            with_its_keeper_it_goes,
            without_its_carrier_it_goes,
            many_at_once_do_not_meet,
            no_secret_is_seen_from_outside,
        }
    };
}

/// A module for each place, with a test for each promise.
macro_rules! conformance {
    ($($place:ident),+ $(,)?) => {$(
        mod $place {
            use super::places;

            promises! { conformance $place }
        }
    )+};
    (@tests $place:ident $($test:ident),+ $(,)?) => {$(
        #[test]
        fn $test() {
            match places::$place() {
                Ok(place) => super::$test(&place),
                Err(why) => places::skipped(stringify!($place), &why),
            }
        }
    )+};
}

macro_rules! all {
    (@tests $($test:ident),+ $(,)?) => { [$((stringify!($test), $test as Check)),+] };
}

conformance! { process, tmux, plugin_in_sh, plugin_in_python, docker }

/// What stands for the cloud takes long to start: there is one for all promises, some at a time.
#[test]
fn ecs_keeps_every_promise() {
    let place = match places::ecs() {
        Ok(place) => place,
        Err(why) => return places::skipped("ecs", &why),
    };
    let mut broken: Vec<&str> = Vec::new();
    for some in (promises! { all }).chunks(4) {
        std::thread::scope(|scope| {
            let place = &place;
            let checked: Vec<_> = some
                .iter()
                .map(|(name, check)| (name, scope.spawn(move || check(place))))
                .collect();
            let failed = checked
                .into_iter()
                .filter_map(|(name, check)| check.join().is_err().then_some(name));
            broken.extend(failed);
        });
    }
    assert!(broken.is_empty(), "{broken:?}");
}

fn start(bench: &Bench, assignment: &Assignment) -> u32 {
    bench.start(assignment);
    bench.started()
}

/// Waits for the end of everything that holds the writing end of a named pipe.
fn watch(fifo: &Path) -> Receiver<String> {
    let (sender, receiver) = channel();
    let fifo = fifo.to_owned();
    std::thread::spawn(move || {
        let _ = sender.send(hear(&fifo));
    });
    receiver
}

fn all_gone(watched: &Receiver<String>) {
    watched.recv_timeout(PATIENCE).expect("something of it still runs");
}

fn lost(bench: &Bench) -> String {
    match bench.next().what {
        What::Lost { message } => message,
        other => panic!("expected a loss: {other:?}"),
    }
}

fn kill(pid: u32) {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    kill_process(pid, Signal::KILL).unwrap();
}

/// Nothing is left of it where it ran.
fn is_away(place: &Place, bench: &Bench, assignment: &Assignment) {
    assert!(!place.is_there(bench, assignment), "something of it is left behind");
}

fn it_prints_what_it_prints_and_ends_with_its_code(place: &Place) {
    let bench = place.bench();
    let script = place.script(&bench, "a", "printf 'one\\r\\n\\ttwo'; echo three >&2; exit 7");
    let exit = bench.run(&script);
    assert_eq!(exit.end, End::Code(7), "{exit:?}");
    let wanted: &[u8] = if place.is_near() { b"one\r\n\ttwothree\n" } else { b"one\n\ttwothree\n" };
    assert_eq!(bench.output(&script), wanted);
    assert_eq!(exit.warnings, [""; 0]);
    is_away(place, &bench, &script);
}

fn its_environment_reaches_it_as_it_is(place: &Place) {
    let bench = place.bench();
    let text = "two words\n'quotes' \"and\" $HOME `x` \\ ä";
    let mut script =
        place.script(&bench, "a", "printf '%s|%s' \"$MINE\" \"$ORCHESTRATE_ATTEMPT\"; pwd >&2");
    script.env.insert("MINE".into(), plain(text));
    assert_eq!(bench.run(&script).end, End::Code(0));
    let output = String::from_utf8(bench.output(&script)).unwrap();
    if !place.is_near() {
        assert!(output.starts_with(&format!("{text}|1/")), "{output}");
        return;
    }
    let folder = std::fs::canonicalize(bench.dir.path()).unwrap();
    assert_eq!(output, format!("{text}|1{}\n", folder.display()));
}

fn what_it_writes_as_outputs_is_read(place: &Place) {
    if !place.is_near() {
        return;
    }
    let bench = place.bench();
    let script = place.script(&bench, "a", "echo k=v > \"$ORCHESTRATE_OUTPUT\"");
    let exit = bench.run(&script);
    assert_eq!((exit.end, exit.outputs.as_deref()), (End::Code(0), Some("k=v\n")));
    let none = place.script(&bench, "b", "true");
    assert_eq!(bench.run(&none).outputs, None);
}

fn much_output_is_whole(place: &Place) {
    let bench = place.bench();
    let script = place.script(
        &bench,
        "a",
        "i=0; while [ $i -lt 20000 ]; do echo \"line $i of a lot of output\"; i=$((i+1)); done",
    );
    assert_eq!(bench.run(&script).end, End::Code(0));
    let output = String::from_utf8(bench.output(&script)).unwrap();
    let wanted: String = (0..20000).map(|i| format!("line {i} of a lot of output\n")).collect();
    assert_eq!(output.len(), wanted.len());
    assert!(output == wanted, "it is as long, and not the same");
}

fn a_signal_ends_it_visibly(place: &Place) {
    let bench = place.bench();
    let script = place.script(&bench, "a", "kill -9 $$");
    let end = bench.run(&script).end;
    // Where the runtime counts it as a shell does, that is what it says.
    assert!(matches!(end, End::Signal(9) | End::Code(137)), "{end:?}");
}

fn what_is_not_there_is_said(place: &Place) {
    let bench = place.bench();
    let mut missing = bench.command("a", &["no-such-program-anywhere"]);
    missing.runtime = place.runtime(&bench);
    bench.start(&missing);
    match bench.next().what {
        What::NotStarted { message } => {
            assert!(message.contains("no-such-program-anywhere"), "{message}");
        }
        What::Started { .. } => {
            let exit = bench.ended();
            assert!(matches!(exit.end, End::Code(125..=127)), "{exit:?}");
            assert!(exit.tail.contains("no-such-program-anywhere"), "{exit:?}");
        }
        other => panic!("{other:?}"),
    }
    is_away(place, &bench, &missing);
}

fn asked_to_stop_it_can_clean_up(place: &Place) {
    let bench = place.bench();
    let ready = bench.fifo("ready");
    let script = place.script(
        &bench,
        "a",
        "trap 'echo cleaned up; exit 3' TERM; echo up > ready; while :; do sleep 0.1 || :; done",
    );
    start(&bench, &script);
    hear(&ready);
    bench.stop(&script, Stopped::Cancelled);
    let exit = bench.ended();
    assert_eq!(exit.end, End::Stopped(Stopped::Cancelled));
    // Shells say that what they waited for was ended, too.
    assert!(bench.output(&script).ends_with(b"cleaned up\n"), "{exit:?}");
    is_away(place, &bench, &script);
}

fn who_does_not_listen_is_killed_after_the_grace(place: &Place) {
    let bench = place.bench();
    let alive = bench.fifo("alive");
    let ready = bench.fifo("ready");
    let mut script = place.script(
        &bench,
        "a",
        "trap '' TERM HUP; exec 9> alive; echo up > ready; while :; do sleep 0.2 || :; done",
    );
    script.grace_ms = 400;
    let watched = watch(&alive);
    start(&bench, &script);
    hear(&ready);
    let asked = Instant::now();
    bench.stop(&script, Stopped::Timeout);
    let exit = bench.ended();
    assert_eq!(exit.end, End::Stopped(Stopped::Timeout));
    assert!(asked.elapsed() >= Duration::from_millis(400), "it had its grace");
    all_gone(&watched);
    is_away(place, &bench, &script);
}

fn a_new_server_takes_it_over(place: &Place) {
    let mut bench = place.bench();
    let gate = bench.fifo("gate");
    let ready = bench.fifo("ready");
    let script = place.script(
        &bench,
        "a",
        "echo x >> count; echo before; echo up > ready; read x < gate; echo after; exit 9",
    );
    let pid = start(&bench, &script);
    hear(&ready);
    bench.rehire();
    bench.adopt(&script);
    assert_eq!(bench.started(), pid, "the same is held");
    release(&gate);
    assert_eq!(bench.ended().end, End::Code(9));
    assert_eq!(bench.output(&script), b"before\nafter\n");
    assert_eq!(std::fs::read_to_string(bench.dir.path().join("count")).unwrap(), "x\n");
    // Asked again, its files give the same answer.
    bench.rehire();
    bench.adopt(&script);
    assert_eq!(bench.ended().end, End::Code(9));
}

fn it_is_started_once(place: &Place) {
    let mut bench = place.bench();
    let mut script = place.script(&bench, "a", "echo x >> count");
    script.once = true;
    bench.start(&script);
    bench.start(&script);
    bench.started();
    assert_eq!(bench.ended().end, End::Code(0));
    bench.rehire();
    bench.start(&script);
    assert_eq!(bench.ended().end, End::Code(0), "answered from the records");
    assert_eq!(std::fs::read_to_string(bench.dir.path().join("count")).unwrap(), "x\n");
}

fn its_runtime_says_what_it_does_now(place: &Place) {
    let Some(runtime) = place.called() else { return };
    let bench = place.bench();
    let gate = bench.fifo("gate");
    let ready = bench.fifo("ready");
    let script = place.script(&bench, "a", "echo up > ready; read x < gate");
    start(&bench, &script);
    hear(&ready);
    bench.adopt(&script);
    let seen = loop {
        if let What::Seen(seen) = bench.any().what {
            break seen;
        }
    };
    assert_eq!((seen.runtime.as_str(), seen.state), (runtime, SeenState::Running), "{seen:?}");
    assert_eq!(seen.name, place.name(&bench, &script));
    assert!(seen.name.starts_with("orch-t-1-a-a1-"), "{}", seen.name);
    assert!(place.is_there(&bench, &script));
    bench.started();
    release(&gate);
    assert_eq!(bench.ended().end, End::Code(0));
    bench.adopt(&script);
    let seen = loop {
        if let What::Seen(seen) = bench.any().what {
            break seen;
        }
    };
    assert!(matches!(seen.state, SeenState::Gone | SeenState::Ended), "{seen:?}");
}

fn what_vanished_is_lost(place: &Place) {
    if place.called().is_none() {
        return;
    }
    let bench = place.bench();
    let alive = bench.fifo("alive");
    let ready = bench.fifo("ready");
    let script = place.script(
        &bench,
        "a",
        "exec 9> alive; echo up > ready; while :; do sleep 0.2 || :; done",
    );
    let watched = watch(&alive);
    start(&bench, &script);
    hear(&ready);
    place.vanish(&bench, &script);
    let message = lost(&bench);
    assert!(!message.is_empty());
    all_gone(&watched);
    is_away(place, &bench, &script);
}

fn with_its_keeper_it_goes(place: &Place) {
    let bench = place.bench();
    let alive = bench.fifo("alive");
    let ready = bench.fifo("ready");
    let script = place.script(
        &bench,
        "a",
        "trap '' TERM HUP PIPE; exec 9> alive; echo up > ready; while :; do sleep 0.2 || :; done",
    );
    let watched = watch(&alive);
    let pid = start(&bench, &script);
    hear(&ready);
    kill(bench.keeper());
    let message = lost(&bench);
    assert!(message.contains("keeper"), "{message}");
    assert!(!lives(pid));
    all_gone(&watched);
    is_away(place, &bench, &script);
    let next = place.script(&bench, "b", "exit 2");
    assert_eq!(bench.run(&next).end, End::Code(2), "under a new keeper");
}

fn without_its_carrier_it_goes(place: &Place) {
    if place.called().is_none() {
        return;
    }
    let bench = place.bench();
    let alive = bench.fifo("alive");
    let ready = bench.fifo("ready");
    let script = place.script(
        &bench,
        "a",
        "trap '' TERM HUP; exec 9> alive; echo up > ready; while :; do sleep 0.2 || :; done",
    );
    let watched = watch(&alive);
    let pid = start(&bench, &script);
    hear(&ready);
    kill(pid);
    let message = lost(&bench);
    assert!(message.contains("carrier was killed"), "{message}");
    all_gone(&watched);
    is_away(place, &bench, &script);
}

fn many_at_once_do_not_meet(place: &Place) {
    let bench = place.bench();
    let scripts: Vec<_> = (0..5)
        .map(|n| place.script(&bench, &format!("s{n}"), &format!("echo {n}; exit {n}")))
        .collect();
    for script in &scripts {
        bench.start(script);
    }
    let mut ended = 0;
    while ended < scripts.len() {
        let report = bench.next();
        match report.what {
            What::Exited(exit) => {
                let Exit { end, tail, .. } = *exit;
                let n: i32 = report.attempt.execution[1..].parse().unwrap();
                assert_eq!((end, tail), (End::Code(n), n.to_string()));
                ended += 1;
            }
            What::Started { .. } => {}
            other => panic!("{other:?}"),
        }
    }
}

/// Neither in what the hands write down, nor where everybody sees what is started there.
fn no_secret_is_seen_from_outside(place: &Place) {
    let bench = place.bench();
    let gate = bench.fifo("gate");
    let ready = bench.fifo("ready");
    let script = "echo \"it is $TOKEN\"; echo up > ready; read x < gate";
    let mut script = place.script(&bench, "a", script);
    let secrets = bench.dir.path().join("secrets");
    std::fs::create_dir_all(&secrets).unwrap();
    std::fs::write(secrets.join("TOKEN"), "swordfish\n").unwrap();
    script.env.insert("TOKEN".into(), vec![Piece::Secret("TOKEN".into())]);
    start(&bench, &script);
    hear(&ready);
    let seen = place.seen_from_outside(&bench, &script);
    release(&gate);
    assert_eq!(bench.ended().end, End::Code(0));
    assert!(!seen.contains("swordfish"), "{seen}");
    let output = String::from_utf8(bench.output(&script)).unwrap();
    assert!(output.starts_with("it is ") && !output.contains("swordfish"), "{output}");
    for file in std::fs::read_dir(bench.folder(&script)).unwrap() {
        let text = std::fs::read(file.unwrap().path()).unwrap_or_default();
        assert!(!String::from_utf8_lossy(&text).contains("swordfish"));
    }
}
