//! From the journal to the collector, at the collector's pace.
//!
//! In memory there is one request's worth of spans and the open spans of runs that go on; what is
//! more stays in the journal. While the collector fails, spans that are older than `traces.keep`
//! are dropped and counted, so that a collector that comes back is not told of last week first.

use std::collections::{HashMap, VecDeque};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use engine::id::RunId;
use opentelemetry_proto::tonic::trace::v1::Span;
use store::port::EventRow;
use tokio::sync::oneshot;

use super::collector::{Collector, Sent};
use super::place::PlaceFile;
use super::tree::Tree;
use crate::clock;
use crate::config::settings::TRACES_KEEP;
use crate::refused::Refused;
use crate::shared::{Shared, blocking};

/// Spans in one request.
const BATCH: usize = 512;
/// Events read at once.
const PAGE: u32 = 1000;
/// Runs whose open spans are kept; of others they are folded anew.
const TREES: usize = 1024;
/// So long spans are gathered after the first one.
const LINGER: Duration = Duration::from_millis(500);
/// Between the first two tries; it doubles up to the second one.
const PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

pub(super) struct Exporter {
    shared: Arc<Shared>,
    collector: Collector,
    place: PlaceFile,
    keep: Duration,
    public_url: Option<String>,
    /// Everything up to this was read.
    read: u64,
    /// Events that were read and not looked at: there was no room for their spans.
    unseen: VecDeque<(u64, EventRow)>,
    /// `None`: it cannot be understood.
    trees: HashMap<RunId, Option<Tree>>,
    spans: Vec<Span>,
    /// Everything up to this is among the spans, or told before.
    looked: u64,
    written: u64,
    /// Until the next try, while the collector fails.
    pause: Option<Duration>,
}

/// What there is to do next.
enum Next {
    More,
    /// When something happens.
    Level,
    Later(Duration),
}

impl Exporter {
    /// Goes on where the last one was; else with what is committed from now on. Blocks.
    pub(super) fn open(shared: &Arc<Shared>, collector: Collector) -> Result<Self, Refused> {
        let settings = shared.settings()?;
        let epoch = shared.reader.health()?.epoch;
        let last = shared.reader.last_arrival()?;
        let place = PlaceFile::of(&shared.data_dir, epoch);
        // Past the end: of a folder that was restored since.
        let begin = place.read().map_or(last, |place| place.min(last));
        let public_url = shared.config()?.notify.public_url.clone();
        let exporter = Self {
            shared: Arc::clone(shared),
            collector,
            place,
            keep: settings.time(&TRACES_KEEP).unwrap_or_default(),
            public_url,
            read: begin,
            unseen: VecDeque::new(),
            trees: HashMap::new(),
            spans: Vec::new(),
            looked: begin,
            written: begin,
            pause: None,
        };
        if let Err(error) = exporter.place.write(begin) {
            tracing::warn!(%error, "the place of the exporter of traces could not be stored");
        }
        Ok(exporter)
    }

    /// Until the end is told, or nobody could tell it any more.
    pub(super) async fn work(mut self, ends: oneshot::Receiver<()>) {
        let mut grown = self.shared.hub.grown();
        let mut ends = pin!(ends);
        // A server that stops already says so soon enough.
        let _stopping = blocking(self.collector.warm()).await;
        loop {
            grown.borrow_and_update();
            let next = self.turn().await;
            let wait = async {
                match next {
                    Next::More => {}
                    Next::Level => {
                        // The bell is as old as the server, which this holds.
                        let _rung = grown.changed().await;
                        tokio::time::sleep(LINGER).await;
                    }
                    Next::Later(pause) => tokio::time::sleep(pause).await,
                }
            };
            tokio::select! {
                biased;
                ended = &mut ends => {
                    if ended.is_ok() {
                        self.flush().await;
                    }
                    return;
                }
                () = wait => {}
            }
        }
    }

    /// Everything once.
    async fn flush(&mut self) {
        while let Next::More = self.turn().await {}
        self.save().await;
    }

    async fn turn(&mut self) -> Next {
        if let Err(refused) = self.gather().await {
            tracing::warn!(cause = %refused, "traces could not be read");
            return self.later(None);
        }
        if self.spans.is_empty() {
            return Next::Level;
        }
        let count = self.spans.len() as u64;
        let metrics = Arc::clone(&self.shared.metrics);
        let counted = |result: &str, count: u64| metrics.trace_spans.with(&[result]).add(count);
        let exports = |result: &str| metrics.trace_exports.with(&[result]).add(1);
        match self.collector.send(&self.spans).await {
            Sent::Taken { rejected } => {
                exports("ok");
                let rejected = rejected.min(count);
                counted("exported", count - rejected);
                if rejected > 0 {
                    counted("rejected", rejected);
                    tracing::warn!(rejected, "the collector of traces rejected spans");
                }
                if self.pause.take().is_some() {
                    tracing::info!("the collector of traces takes spans again");
                }
            }
            Sent::Refused { problem } => {
                exports("refused");
                counted("dropped", count);
                tracing::warn!(cause = problem, spans = count, "spans were refused and dropped");
            }
            Sent::Failed { problem, after } => {
                exports("failed");
                if self.pause.is_none() {
                    tracing::warn!(cause = problem, "spans could not be exported; they are kept");
                }
                let next = self.later(after);
                self.drop_old();
                if self.spans.is_empty() {
                    self.save().await;
                }
                return next;
            }
        }
        self.spans.clear();
        self.save().await;
        Next::More
    }

    fn later(&mut self, after: Option<Duration>) -> Next {
        let pause = self.pause.map_or(PAUSE.0, |pause| (pause * 2).min(PAUSE.1));
        self.pause = Some(pause);
        Next::Later(pause.max(after.unwrap_or_default()))
    }

    /// Reads on until there is a request's worth of spans, or nothing more.
    async fn gather(&mut self) -> Result<(), Refused> {
        while self.spans.len() < BATCH {
            let Some((place, row)) = self.unseen.pop_front() else {
                let after = self.read;
                let page = self.shared.read(move |reader| Ok(reader.arrivals(after, PAGE)?));
                let page = page.await?;
                let Some((last, _)) = page.last() else { return Ok(()) };
                self.read = *last;
                self.unseen = page.into();
                continue;
            };
            let failed = self.look(&row).await;
            if let Err(refused) = failed {
                self.unseen.push_front((place, row));
                return Err(refused);
            }
            self.looked = place;
            if self.pause.is_some() {
                self.drop_old();
            }
        }
        Ok(())
    }

    async fn look(&mut self, row: &EventRow) -> Result<(), Refused> {
        if !self.trees.contains_key(&row.run) {
            if self.trees.len() >= TREES {
                self.trees.clear();
            }
            let tree = self.fold(row).await?;
            self.trees.insert(row.run, tree);
        }
        let Some(Some(tree)) = self.trees.get_mut(&row.run) else { return Ok(()) };
        // The first one made the tree.
        if row.seq > 1 {
            self.spans.extend(tree.take(&row.event));
        }
        if tree.is_at_rest() {
            self.trees.remove(&row.run);
        }
        Ok(())
    }

    /// A run as it was before this event.
    async fn fold(&self, row: &EventRow) -> Result<Option<Tree>, Refused> {
        let base = self.public_url.as_deref();
        if row.seq == 1 {
            return Ok(Tree::new(&row.event, base));
        }
        let (run, before) = (row.run, row.seq);
        let (mut tree, mut after) = (None, 0);
        loop {
            let page = self.shared.read(move |reader| Ok(reader.events(run, after, PAGE)?));
            let page = match page.await {
                Ok(page) => page,
                Err(Refused::Damaged { .. }) => return Ok(None),
                Err(refused) => return Err(refused),
            };
            for known in &page {
                if known.seq >= before {
                    return Ok(tree);
                }
                match &mut tree {
                    None => tree = Tree::new(&known.event, base),
                    Some(tree) => drop(tree.take(&known.event)),
                }
            }
            match page.last() {
                Some(last) => after = last.seq,
                None => return Ok(tree),
            }
        }
    }

    /// Those that ended too long ago to be worth waiting for the collector.
    fn drop_old(&mut self) {
        let oldest = clock::wall().saturating_sub(self.keep).unwrap_or_default();
        let oldest = u64::try_from(oldest.as_nanosecond()).unwrap_or(0);
        let before = self.spans.len();
        self.spans.retain(|span| span.end_time_unix_nano >= oldest);
        let dropped = (before - self.spans.len()) as u64;
        if dropped > 0 {
            self.shared.metrics.trace_spans.with(&["dropped"]).add(dropped);
        }
    }

    /// What was looked at is told, or dropped.
    async fn save(&mut self) {
        let (place, looked) = (self.place.clone(), self.looked);
        if !self.spans.is_empty() || looked == self.written {
            return;
        }
        match blocking(move || place.write(looked)).await {
            Ok(Ok(())) => self.written = looked,
            Ok(Err(error)) => {
                tracing::warn!(%error, "the place of the exporter of traces could not be stored");
            }
            // It stops: what was exported is exported again, as the same spans.
            Err(_stopping) => {}
        }
    }
}
