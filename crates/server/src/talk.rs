//! What agents did and said, as the harness of their execution writes it down: lines that only
//! come to be more. The number of a line is the number of what it tells, from 1.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use api::agent::{Did, Happening};
use engine::Run;
use engine::id::{ExecutionId, RunId};
use jiff::Timestamp;
use pipeline::model::Work;
use rustix::fs::{CWD, Mode, OFlags, openat};
use store::port::{CallState, Error, ModelQuery, Read};

use crate::agents;

/// Calls of models of one execution that are looked at, newest first.
const CALLS: u32 = 1000;
/// Lines between two places that are remembered.
const STEP: u64 = 64;
/// A longer line is told as one that cannot be read.
const LONGEST: u64 = 16 << 20;

/// Why there is no talk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Absent {
    NoStage,
    /// What it does is not done by agents.
    NoAgent,
    /// Each of its so many instances has one.
    Instances(u32),
}

/// The file that the harness of an execution writes, which may not be there yet.
pub(crate) fn file(data: &Path, id: RunId, run: &Run, of: &ExecutionId) -> Result<PathBuf, Absent> {
    let found = match run.row(of) {
        Some(row) => Some(row),
        // An instance of a stage whose items are not known yet.
        None if of.instance.is_some() && !run.is_finished() => {
            let stage = run.row(&ExecutionId::stage(of.stage.clone()));
            stage.filter(|stage| stage.instances.is_none())
        }
        None => None,
    };
    let row = found.ok_or(Absent::NoStage)?;
    let is_agent = match &row.stage.work {
        Work::Agent(_) => true,
        Work::Run { .. }
        | Work::Python { .. }
        | Work::Noop
        | Work::Form
        | Work::Child { .. }
        | Work::Merge(_) => false,
    };
    if !is_agent {
        return Err(Absent::NoAgent);
    }
    if let Some(count) = row.instances.filter(|count| *count > 0 && of.instance.is_none()) {
        return Err(Absent::Instances(count));
    }
    Ok(path(data, id, row.ix.get(), of.instance))
}

fn path(data: &Path, run: RunId, place: usize, instance: Option<u32>) -> PathBuf {
    agents::memory(data, &run.to_string(), &place.to_string(), &instance.unwrap_or(0).to_string())
        .join(api::agent::EVENTS_FILE)
}

/// Fills in what calls of models cost: the gateway knows the prices, harnesses do not.
pub(crate) fn price(
    reader: &dyn Read,
    run: RunId,
    of: &ExecutionId,
    told: &mut [Happening],
) -> Result<(), Error> {
    let unpriced = told.iter_mut().filter_map(|happening| {
        let Did::Usage { usage, turn: Some(turn) } = &mut happening.what else { return None };
        Some((turn.clone(), &mut usage.nano_usd))
    });
    let mut open: Vec<(String, &mut Option<u64>)> =
        unpriced.filter(|(_, cost)| cost.is_none()).collect();
    if open.is_empty() {
        return Ok(());
    }
    let query = ModelQuery {
        run: Some(run),
        execution: Some(of.to_string()),
        limit: CALLS,
        ..ModelQuery::default()
    };
    let calls = reader.model_calls(&query)?;
    let answered = calls.into_iter().filter(|call| call.state == CallState::Answered);
    let costs: HashMap<String, Option<u64>> =
        answered.map(|call| (call.turn, call.usage.nano_usd)).collect();
    for (turn, cost) in &mut open {
        **cost = costs.get(turn).copied().flatten();
    }
    Ok(())
}

/// The lines of a file, found by their numbers.
#[derive(Debug)]
pub(crate) struct Lines {
    path: PathBuf,
    /// Where every [`STEP`]th line ends, from the 0th on.
    index: Vec<u64>,
    /// Whole lines that were counted, and where the last one ends.
    counted: (u64, u64),
}

impl Lines {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, index: vec![0], counted: (0, 0) }
    }

    /// How many there are now.
    pub(crate) fn count(&mut self) -> io::Result<u64> {
        self.count_to(u64::MAX)
    }

    fn count_to(&mut self, wanted: u64) -> io::Result<u64> {
        let file = self.open()?;
        let bytes = match &file {
            Some(file) => file.metadata()?.len(),
            None => 0,
        };
        if bytes < self.counted.1 {
            // It is another one than before.
            (self.index, self.counted) = (vec![0], (0, 0));
        }
        let Some(file) = file else { return Ok(0) };
        let mut reader = at(file, self.counted.1)?;
        while self.counted.0 < wanted {
            let Some(bytes) = skip(&mut reader)? else { break };
            self.counted = (self.counted.0 + 1, self.counted.1 + bytes);
            if self.counted.0.is_multiple_of(STEP) {
                self.index.push(self.counted.1);
            }
        }
        Ok(self.counted.0)
    }

    /// What follows this number: at most so many, and no more after so many bytes.
    pub(crate) fn read(&mut self, after: u64, most: u64, bytes: u64) -> io::Result<Vec<Happening>> {
        let mut read = Vec::new();
        if self.count_to(after)? < after {
            return Ok(read);
        }
        let place = usize::try_from(after / STEP).ok().and_then(|step| self.index.get(step));
        let (Some(place), Some(file)) = (place, self.open()?) else { return Ok(read) };
        let mut reader = at(file, *place)?;
        for _ in 0..after % STEP {
            if skip(&mut reader)?.is_none() {
                return Ok(read);
            }
        }
        let mut total = 0;
        while (read.len() as u64) < most && total < bytes {
            let Some(line) = line(&mut reader)? else { break };
            total += line.len() as u64;
            read.push(told(after + read.len() as u64 + 1, &line));
        }
        Ok(read)
    }

    /// `None`: it is not there. What agents run can write here: no link is followed, and nothing
    /// but a file is waited for.
    fn open(&self) -> io::Result<Option<File>> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = match openat(CWD, &self.path, flags, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(rustix::io::Errno::NOENT | rustix::io::Errno::LOOP) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        Ok(file.metadata()?.is_file().then_some(file))
    }
}

fn at(mut file: File, offset: u64) -> io::Result<BufReader<File>> {
    file.seek(SeekFrom::Start(offset))?;
    Ok(BufReader::with_capacity(64 << 10, file))
}

/// The bytes of the next whole line with its end; `None`: there is none yet.
fn skip(reader: &mut impl BufRead) -> io::Result<Option<u64>> {
    let mut passed = 0;
    loop {
        let held = reader.fill_buf()?;
        if held.is_empty() {
            return Ok(None);
        }
        let end = held.iter().position(|byte| *byte == b'\n');
        let bytes = end.map_or(held.len(), |end| end + 1);
        reader.consume(bytes);
        passed += bytes as u64;
        if end.is_some() {
            return Ok(Some(passed));
        }
    }
}

/// The next whole line; empty where it is too long.
fn line(reader: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    reader.by_ref().take(LONGEST).read_until(b'\n', &mut bytes)?;
    if bytes.last() == Some(&b'\n') {
        return Ok(Some(bytes));
    }
    if (bytes.len() as u64) < LONGEST {
        return Ok(None);
    }
    Ok(skip(reader)?.map(|_| Vec::new()))
}

fn told(number: u64, line: &[u8]) -> Happening {
    match serde_json::from_slice::<Happening>(line) {
        Ok(happening) => Happening { seq: number, ..happening },
        Err(_other) => Happening {
            seq: number,
            attempt: 0,
            at: Timestamp::UNIX_EPOCH,
            who: String::new(),
            what: Did::Warning { text: "what stood here cannot be read".to_owned() },
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::io::Write as _;

    fn entry(number: u64) -> String {
        format!(
            r#"{{"seq":{number},"attempt":1,"at":"2026-01-01T00:00:00Z","who":"w","did":"note","text":"n{number}"}}"#
        )
    }

    fn seqs(read: &[Happening]) -> Vec<u64> {
        read.iter().map(|happening| happening.seq).collect()
    }

    #[test]
    fn lines_are_found_by_their_numbers_while_they_come_to_be_more() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.ndjson");
        let mut lines = Lines::new(path.clone());
        assert_eq!((lines.count().unwrap(), lines.read(0, 9, 999).unwrap().len()), (0, 0));
        let mut file = fs::File::create(&path).unwrap();
        for number in 1..=200 {
            writeln!(file, "{}", entry(number)).unwrap();
        }
        write!(file, "{{\"seq\":201").unwrap();
        assert_eq!(lines.count().unwrap(), 200, "a line that has no end yet is none");
        assert_eq!(seqs(&lines.read(0, 2, 99_999).unwrap()), [1, 2]);
        assert_eq!(seqs(&lines.read(63, 3, 99_999).unwrap()), [64, 65, 66]);
        assert_eq!(seqs(&lines.read(199, 9, 99_999).unwrap()), [200]);
        assert_eq!(seqs(&lines.read(100, 9, 1).unwrap()), [101], "never nothing");
        assert!(lines.read(200, 9, 999).unwrap().is_empty());
        assert!(lines.read(4000, 9, 999).unwrap().is_empty());
        writeln!(file, ",\"did\":\"from a later version\"}}").unwrap();
        let last = &lines.read(200, 9, 999).unwrap()[0];
        assert!(matches!(&last.what, Did::Warning { .. }), "{last:?}");
        // From the beginning, without having counted.
        assert_eq!(seqs(&Lines::new(path.clone()).read(150, 1, 999).unwrap()), [151]);
        fs::write(&path, entry(1) + "\n").unwrap();
        assert_eq!(lines.count().unwrap(), 1, "it was exchanged");
        fs::remove_file(&path).unwrap();
        assert_eq!(lines.count().unwrap(), 0);
    }

    #[test]
    fn what_is_no_file_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let secret = folder.path().join("token");
        fs::write(&secret, "s3cret\n").unwrap();
        let path = folder.path().join("events.ndjson");
        std::os::unix::fs::symlink(&secret, &path).unwrap();
        assert_eq!(Lines::new(path.clone()).count().unwrap(), 0);
        fs::remove_file(&path).unwrap();
        let mode = Mode::RUSR | Mode::WUSR;
        rustix::fs::mknodat(CWD, &path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        assert_eq!(Lines::new(path.clone()).count().unwrap(), 0);
        fs::remove_file(&path).unwrap();
        fs::write(&path, vec![b'x'; (LONGEST + 5) as usize]).unwrap();
        assert_eq!(Lines::new(path.clone()).count().unwrap(), 0);
        let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
        writeln!(file, "\n{}", entry(2)).unwrap();
        let read = Lines::new(path).read(0, 9, 999).unwrap();
        assert_eq!(seqs(&read), [1, 2]);
        assert!(matches!(&read[0].what, Did::Warning { .. }));
    }
}
