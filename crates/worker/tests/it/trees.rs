//! No process survives its attempt.

use std::path::Path;
use std::time::Instant;

use api::link::{End, Stopped};

use crate::bench::{Bench, PATIENCE, hear, lives, release};

/// Leaves a daemon behind: its parents are gone, its session, group and output are its own, and it
/// does not mind TERM. Writes its number to the named pipe `daemon`.
const DAEMON: &str = r#"
    (setsid sh -c 'trap "" TERM; echo $$ > daemon; while :; do sleep 1000; done' \
        < /dev/null > /dev/null 2>&1 &) &
"#;

fn pid(fifo: &Path) -> u32 {
    hear(fifo).parse().unwrap()
}

#[test]
fn a_daemon_is_gone_after_a_stop() {
    let bench = Bench::new();
    let daemon = bench.fifo("daemon");
    let mut script = bench.script("a", &format!("{DAEMON} sleep 1000"));
    script.grace_ms = 100;
    bench.start(&script);
    let main = bench.started();
    let daemon = pid(&daemon);
    assert!(lives(daemon));
    bench.stop(&script, Stopped::Cancelled);
    assert_eq!(bench.ended().end, End::Stopped(Stopped::Cancelled));
    assert!(!lives(main) && !lives(daemon));
}

#[test]
fn a_daemon_is_gone_after_a_normal_exit() {
    let bench = Bench::new();
    let daemon = bench.fifo("daemon");
    let mut script = bench.script("a", &format!("{DAEMON} read x < gate; exit 5"));
    script.grace_ms = 100;
    let gate = bench.fifo("gate");
    bench.start(&script);
    bench.started();
    let daemon = pid(&daemon);
    release(&gate);
    let exit = bench.ended();
    assert_eq!(exit.end, End::Code(5));
    assert!(!lives(daemon));
    let warning = &exit.warnings[0];
    assert!(warning.contains("left behind") && warning.contains(&daemon.to_string()), "{warning}");
}

#[test]
fn a_daemon_without_any_mark_is_gone_when_nobody_else_can_own_it() {
    let bench = Bench::new();
    let daemon = bench.fifo("daemon");
    let gate = bench.fifo("gate");
    let bare = DAEMON.replace("(setsid", "(env -i PATH=\"$PATH\" setsid");
    let mut script = bench.script("a", &format!("{bare} read x < gate"));
    script.grace_ms = 100;
    bench.start(&script);
    bench.started();
    let daemon = pid(&daemon);
    release(&gate);
    assert_eq!(bench.ended().end, End::Code(0));
    assert!(!lives(daemon));
}

#[test]
fn the_daemon_of_another_attempt_is_left_alone() {
    let bench = Bench::new();
    let daemon = bench.fifo("daemon");
    let mut owner = bench.script("owner", &format!("{DAEMON} sleep 1000"));
    owner.grace_ms = 100;
    bench.start(&owner);
    bench.started();
    let daemon = pid(&daemon);
    let exit = bench.run(&bench.script("other", "sleep 1000 & exit 0"));
    assert_eq!(exit.end, End::Code(0));
    assert_eq!(exit.warnings.len(), 1, "{:?}", exit.warnings);
    assert!(lives(daemon));
    bench.stop(&owner, Stopped::Cancelled);
    bench.ended();
    assert!(!lives(daemon));
}

#[test]
fn ignoring_term_helps_only_until_the_grace_is_over() {
    let bench = Bench::new();
    let ready = bench.fifo("ready");
    let mut script =
        bench.script("a", "trap '' TERM; echo up > ready; while :; do sleep 1000; done");
    script.grace_ms = 300;
    bench.start(&script);
    let main = bench.started();
    hear(&ready);
    let begin = Instant::now();
    bench.stop(&script, Stopped::Halted);
    assert_eq!(bench.ended().end, End::Stopped(Stopped::Halted));
    let took = begin.elapsed();
    assert!(took.as_millis() >= 300 && took < PATIENCE / 2, "{took:?}");
    assert!(!lives(main));
}

#[test]
fn a_child_of_a_shell_has_the_whole_grace_to_clean_up() {
    let bench = Bench::new();
    let ready = bench.fifo("ready");
    // The outer shell dies of TERM at once; the inner one takes its time. What it waits for says
    // that it is there when it has become a program that TERM ends.
    let inner = r#"
        trap 'sleep 0.3; echo cleaned up; exit' TERM
        sh -c 'echo up > ready; exec sleep 1000' & wait
    "#;
    std::fs::write(bench.dir.path().join("inner.sh"), inner).unwrap();
    let script = bench.script("a", "sh inner.sh; true");
    bench.start(&script);
    bench.started();
    hear(&ready);
    bench.stop(&script, Stopped::Cancelled);
    let begin = Instant::now();
    let exit = bench.ended();
    assert!(exit.tail.ends_with("cleaned up"), "{exit:?}");
    assert!(begin.elapsed().as_millis() >= 300, "what cleans up was stopped, too");
}

#[test]
fn a_child_with_a_session_of_its_own_hears_of_the_stop() {
    let bench = Bench::new();
    let inner = "
        trap 'echo goodbye; exit' TERM
        sh -c 'echo up > ready; exec sleep 1000' & wait
    ";
    std::fs::write(bench.dir.path().join("inner.sh"), inner).unwrap();
    let ready = bench.fifo("ready");
    let script = bench.script("a", "setsid sh inner.sh & wait");
    bench.start(&script);
    bench.started();
    hear(&ready);
    bench.stop(&script, Stopped::Cancelled);
    let exit = bench.ended();
    assert_eq!(exit.end, End::Stopped(Stopped::Cancelled));
    assert!(exit.tail.ends_with("goodbye"), "{exit:?}");
}

#[test]
fn background_work_that_ends_by_itself_is_heard_out() {
    let bench = Bench::new();
    let exit = bench.run(&bench.script("a", "(sleep 0.02; echo late) & echo early"));
    assert_eq!(exit.tail, "early\nlate");
    assert_eq!(exit.warnings, Vec::<String>::new());
}

#[test]
fn a_fork_bomb_is_stopped() {
    let bench = Bench::new();
    let ready = bench.fifo("ready");
    // Each generation leaves the group of the one before, dies, and leaves two more.
    let bomb = r#"
        cat > bomb.sh <<'END'
        n=$1
        if [ $n -lt 5 ]; then
            setsid sh bomb.sh $((n + 1)) & setsid sh bomb.sh $((n + 1)) &
        else
            trap '' TERM
            echo x > ready
            while :; do sleep 1000; done
        fi
END
        sh bomb.sh 0; sleep 1000
    "#;
    let mut script = bench.script("a", bomb);
    script.grace_ms = 200;
    bench.start(&script);
    bench.started();
    hear(&ready);
    bench.stop(&script, Stopped::Cancelled);
    bench.ended();
    let key = format!("ORCHESTRATE_ATTEMPT_KEY={}\0", script.attempt.key);
    let survivors: Vec<u32> = crate::bench::processes()
        .filter(|pid| {
            let environ = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            lives(*pid) && String::from_utf8_lossy(&environ).contains(&key)
        })
        .collect();
    assert_eq!(survivors, Vec::<u32>::new());
}
