//! A program of this machine that is handed a notice.
//!
//! No shell reads anything: the program and its arguments are what `config.yaml` says, the notice is
//! JSON on its standard input. Of the server's environment it gets `PATH`, `HOME` and the language.
//! It runs in a process group of its own, which is killed when its time is over.

use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};

use super::fault::{Fault, excerpt};

/// What is kept of what it complains about; more is refused to it by the kernel.
const COMPLAINTS: u64 = 16 << 10;

/// Everything that a start needs.
pub(super) struct Job {
    pub(super) argv: Vec<String>,
    pub(super) env: Vec<(String, String)>,
    pub(super) input: Vec<u8>,
    pub(super) timeout: Duration,
}

/// Waits for its end: not for async threads. Exit code 0 says that the notice was taken.
pub(super) fn run(job: &Job) -> Result<(), Fault> {
    let broken = |error: &dyn std::fmt::Display| {
        Fault::new("start", format!("the program could not be started: {error}"))
    };
    let Some((program, arguments)) = job.argv.split_first() else {
        return Err(broken(&"there is none"));
    };
    let input = filled(&job.input).map_err(|error| broken(&error))?;
    let mut complaints = room().map_err(|error| broken(&error))?;
    let errors = complaints.try_clone().map_err(|error| broken(&error))?;
    let kept = ["PATH", "HOME", "LANG", "LC_ALL", "TZ"];
    let kept = kept.iter().filter_map(|name| Some((*name, std::env::var_os(name)?)));
    let mut child = Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(kept)
        .envs(job.env.iter().map(|(name, value)| (name, value)))
        .current_dir("/")
        .process_group(0)
        .stdin(input)
        .stdout(Stdio::null())
        .stderr(errors)
        .spawn()
        .map_err(|error| {
            broken(&error).hint("`command` of the target: a program of this machine, as a list")
        })?;
    let ended = wait(&child, job.timeout).and_then(|ended| {
        // Also what it left behind: nobody else would end that.
        kill(&child);
        Ok((ended, child.wait()?))
    });
    let (ended, status) = ended.map_err(|error| broken(&error))?;
    let says = said(&mut complaints);
    let says = if says.is_empty() { String::new() } else { format!(": {says}") };
    if !ended {
        let seconds = job.timeout.as_secs_f32();
        return Err(Fault::new("timeout", format!("it did not end within {seconds} s{says}")));
    }
    match (status.code(), status.signal()) {
        (Some(0), _) => Ok(()),
        (Some(code), _) => Err(Fault::new("exit", format!("it ended with exit code {code}{says}"))),
        (None, signal) => {
            let signal = signal.unwrap_or_default();
            Err(Fault::new("exit", format!("it was ended by signal {signal}{says}")))
        }
    }
}

/// A file without a name that holds these bytes: a program that reads none of them blocks nobody.
fn filled(bytes: &[u8]) -> std::io::Result<File> {
    let mut file = File::from(memfd_create("notice", MemfdFlags::CLOEXEC)?);
    file.write_all(bytes)?;
    file.rewind()?;
    Ok(file)
}

/// A file without a name that never grows beyond its size.
fn room() -> std::io::Result<File> {
    let file = memfd_create("complaints", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
    ftruncate(&file, COMPLAINTS)?;
    fcntl_add_seals(&file, SealFlags::GROW)?;
    Ok(File::from(file))
}

fn said(file: &mut File) -> String {
    let mut bytes = Vec::new();
    let read = file.rewind().and_then(|()| file.take(COMPLAINTS).read_to_end(&mut bytes));
    match read {
        Ok(_) => excerpt(bytes.split(|byte| *byte == 0).next().unwrap_or_default()),
        Err(_) => String::new(),
    }
}

/// Whether it ended in time.
fn wait(child: &Child, timeout: Duration) -> std::io::Result<bool> {
    let Some(pid) = pid(child) else { return Ok(true) };
    let process = pidfd_open(pid, PidfdFlags::empty())?;
    let deadline = Instant::now() + timeout;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = Timespec {
            tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(left.subsec_nanos()),
        };
        match poll(&mut [PollFd::new(&process, PollFlags::IN)], Some(&left)) {
            Ok(0) => return Ok(false),
            Ok(_) => return Ok(true),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Not reaped yet, so the number is still its own.
fn kill(child: &Child) {
    if let Some(pid) = pid(child) {
        let _gone = kill_process_group(pid, Signal::KILL);
    }
}

fn pid(child: &Child) -> Option<Pid> {
    Pid::from_raw(i32::try_from(child.id()).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(argv: &[&str], timeout: u64) -> Job {
        Job {
            argv: argv.iter().map(|&word| word.to_owned()).collect(),
            env: vec![("TOKEN".into(), "hush".into())],
            input: b"{\"a\": \"$(touch /tmp/never)\"}".to_vec(),
            timeout: Duration::from_millis(timeout),
        }
    }

    fn code(argv: &[&str], timeout: u64) -> (&'static str, String) {
        let fault = run(&job(argv, timeout)).unwrap_err();
        (fault.code, fault.problem)
    }

    #[test]
    fn the_notice_is_on_its_input_and_the_secret_in_its_environment() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out; touch x").display().to_string();
        let script = r#"cat > "$1"; printf %s "$TOKEN" >> "$1""#;
        run(&job(&["sh", "-c", script, "sh", &out], 10_000)).unwrap();
        let text = std::fs::read_to_string(&out).unwrap();
        assert_eq!(text, "{\"a\": \"$(touch /tmp/never)\"}hush");
    }

    #[test]
    fn what_goes_wrong_is_said() {
        let (word, says) = code(&["sh", "-c", "echo no luck >&2; exit 7"], 10_000);
        assert_eq!((word, &*says), ("exit", "it ended with exit code 7: no luck"));
        let (word, says) = code(&["sh", "-c", "kill -9 $$"], 10_000);
        assert_eq!((word, &*says), ("exit", "it was ended by signal 9"));
        assert_eq!(code(&["/no/such/program"], 10_000).0, "start");
        // It leaves somebody behind who holds its error output, and complains without end.
        let (word, _) = code(&["sh", "-c", "sleep 1000 & while :; do echo x >&2; done"], 300);
        assert_eq!(word, "timeout");
    }
}
