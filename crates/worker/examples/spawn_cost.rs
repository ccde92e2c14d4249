//! What an attempt costs beside its own fork+exec: `spawn_cost [count]` starts `/bin/true` so many
//! times, one after the other, in a plain loop and through worker and keeper, and prints the ratio.

use std::error::Error;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use api::link::{Assignment, AttemptRef, Order, What, Work};
use std::os::unix::process::CommandExt as _;
use tokio::sync::mpsc::unbounded_channel;
use worker::{Options, Worker, keeper};

const ROUNDS: u32 = 5;

#[expect(clippy::print_stdout, reason = "it is a measurement")]
fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, mode, _, data_dir] = &*arguments
        && mode == "keeper"
    {
        return Ok(keeper::run(&keeper::Options::new(data_dir))?);
    }
    let count: u32 = arguments.get(1).map_or(Ok(1000), |count| count.parse())?;
    // Whatever else the machine does disturbs single rounds: the best of some counts.
    let (mut plain, mut kept) = (Duration::MAX, Duration::MAX);
    for _ in 0..ROUNDS {
        plain = plain.min(plain_loop(count)?);
        kept = kept.min(through_keeper(count)?);
    }
    println!("plain loop       {:>8.1?} each", plain / count);
    println!("worker, keeper   {:>8.1?} each", kept / count);
    println!("ratio            {:>8.2}", kept.as_secs_f64() / plain.as_secs_f64());
    Ok(())
}

fn plain_loop(count: u32) -> Result<Duration, Box<dyn Error>> {
    let begin = Instant::now();
    for _ in 0..count {
        let mut command = Command::new("/bin/true");
        command.stdin(Stdio::null()).process_group(0);
        command.spawn()?.wait()?;
    }
    Ok(begin.elapsed())
}

fn through_keeper(count: u32) -> Result<Duration, Box<dyn Error>> {
    let dir = std::env::temp_dir().join(format!("spawn-cost-{}", std::process::id()));
    std::fs::create_dir_all(&dir)?;
    let (orders, receiver) = unbounded_channel();
    let (sender, reports) = channel();
    let report = move |report| {
        let _ = sender.send(report);
    };
    let worker = Worker::spawn(Options::new(&dir)?, receiver, report)?;
    let mut begin = Instant::now();
    // The first one starts the keeper and does not count.
    for number in 0..=count {
        let assignment = assignment(number, dir.display().to_string());
        orders.send(Order::Start(Box::new(assignment)))?;
        loop {
            match reports.recv()?.what {
                What::Exited(_) => break,
                What::Started { .. } | What::Output { .. } => {}
                other => return Err(format!("{other:?}").into()),
            }
        }
        if number == 0 {
            begin = Instant::now();
        }
    }
    let took = begin.elapsed();
    drop(orders);
    worker.join();
    std::fs::remove_dir_all(&dir)?;
    Ok(took)
}

fn assignment(number: u32, working_dir: String) -> Assignment {
    Assignment {
        attempt: AttemptRef {
            run: "cost".into(),
            execution: "a".into(),
            number,
            fence: u64::from(number),
            key: format!("cost-{number}"),
        },
        work: Work::Command { argv: vec!["/bin/true".into()] },
        env: Default::default(),
        effect_key: None,
        working_dir,
        timeout_ms: Some(60_000),
        idle_ms: None,
        grace_ms: 1_000,
        once: false,
        environment: None,
        artifacts: Vec::new(),
        context: Vec::new(),
        input: None,
        form: None,
        feedback: None,
        revision: 0,
        worktree: None,
        runtime: None,
    }
}
