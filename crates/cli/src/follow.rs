//! Following a run to its end: what arrives, what time passes, what the person presses.

mod answer;
mod show;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use api::agents::AgentTest;
use api::feed::Message;
use api::run::{Cancel, Pause, RunDetail, RunSummary};
use tokio::time::MissedTickBehavior;

use crate::client::lines::Lines;
use crate::context::Context;
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::keys::{Keyboard, Signal, Signals};
use crate::live::board::{Board, is_final};
use crate::live::ending;
use crate::live::frame::Keys;
use crate::output::{self, Format};
use crate::render;
use crate::session::Session;
use show::Show;

/// With nothing to decide.
const USUAL: Keys =
    Keys::Usual { decide: false, changes: false, fill: false, advance: false, page: false };

/// How a run is followed.
#[derive(Clone, Debug, Default)]
pub struct Following {
    /// Where the definition came from, for annotations.
    pub definition: Option<Definition>,
    /// This command started it.
    pub is_new: bool,
    pub exit_on_wait: bool,
    /// The same, once it has waited for so long.
    pub wait_timeout: Option<Duration>,
    /// It is followed for what comes of this.
    pub test: Option<Box<AgentTest>>,
}

#[derive(Clone, Debug)]
pub struct Definition {
    pub file: String,
    pub text: String,
    /// `ci.yaml: 7 stages, definition 3f9ac1e`
    pub about: String,
}

/// Why following ended.
enum Left {
    Finished,
    /// The run goes on in the background.
    Detached,
    Waiting,
    /// By a second signal.
    Forced,
}

/// Shows a run until it has ended, and says so with the exit code of its end.
pub async fn follow(
    context: &Context,
    session: Session,
    run: RunSummary,
    following: Following,
) -> Result<Exit> {
    let mut follower = Follower::new(context, session, &run, following).await?;
    let left = follower.watch().await;
    follower.show.clear();
    drop(follower.keyboard.take());
    let exit = match left {
        Ok(Left::Finished) => follower.finish().await,
        Ok(Left::Detached) => {
            let name = &run.name;
            context.note(&format!("{name} goes on in the background"));
            context.note(&format!("follow it: orchestrate logs {name} -f, orchestrate status"));
            Ok(Exit::Ok)
        }
        Ok(Left::Waiting) => {
            let detail = follower.session.client.run(&run.id).await?;
            output::print(&format!("{}\n", ending::summary_plain(&detail, context.palette())))?;
            for command in follower.board.decisions() {
                output::say(&format!("{} {command}\n", context.talk_palette().note("decide:")));
            }
            Ok(Exit::StillWaiting)
        }
        Ok(Left::Forced) => Ok(Exit::Interrupted),
        Err(failure) => Err(failure),
    };
    follower.session.close().await?;
    exit
}

struct Follower<'c> {
    context: &'c Context,
    session: Session,
    id: String,
    following: Following,
    board: Board,
    feed: Lines,
    show: Show,
    signals: Signals,
    keyboard: Option<Keyboard>,
    /// A signal has cancelled the run.
    interrupted: bool,
    /// Requests whose commands have been printed, and forms that were offered once.
    told: BTreeSet<String>,
    /// Since when it waits for people.
    waiting: Option<Instant>,
    /// Where a browser shows it has been said.
    has_page: bool,
}

impl<'c> Follower<'c> {
    async fn new(
        context: &'c Context,
        session: Session,
        run: &RunSummary,
        following: Following,
    ) -> Result<Self> {
        let signals = Signals::new()?;
        let detail = session.client.run(&run.id).await?;
        let mut board = Board::new(&detail);
        // Without it whoever decides is told by name.
        board.me = session.client.whoami().await.map_or_else(|_| String::new(), |me| me.name);
        let mut show = Show::new(context, &following);
        show.begin(&board, following.is_new, context.now());
        if context.format() == Format::Ndjson || following.is_new {
            // A fast run may have gone far already: all of it is shown.
            board = board.rewound();
        }
        let feed = session.client.feed(&run.id, board.sequence).await?;
        let keyboard = if context.can_ask() && show.is_live() { Keyboard::open() } else { None };
        show.keys = if keyboard.is_some() { USUAL } else { Keys::None };
        Ok(Self {
            context,
            session,
            id: run.id.clone(),
            following,
            board,
            feed,
            show,
            signals,
            keyboard,
            interrupted: false,
            told: BTreeSet::new(),
            waiting: None,
            has_page: false,
        })
    }

    async fn watch(&mut self) -> Result<Left> {
        let mut tick = tokio::time::interval(Duration::from_millis(100));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            if self.board.finished() {
                return Ok(Left::Finished);
            }
            if self.board.asks_changed() {
                self.ask_who_is_asked().await?;
            }
            if self.has_waited() {
                return Ok(Left::Waiting);
            }
            if let Some(form) = self.form_to_offer() {
                self.fill_in(&form).await?;
                continue;
            }
            let left = tokio::select! {
                biased;
                signal = self.signals.next() => self.signal(signal).await?,
                key = pressed(&mut self.keyboard) => self.key(key).await?,
                message = self.feed.next() => {
                    match message {
                        Ok(Some(message)) => self.take(&message)?,
                        Ok(None) => self.feed_ended().await?,
                        Err(failure) if failure.exit == Exit::Unreachable => self.again().await?,
                        Err(failure) => return Err(failure),
                    }
                    None
                }
                _ = tick.tick() => {
                    self.show.tick(&self.board, self.context.now());
                    None
                }
            };
            if let Some(left) = left {
                return Ok(left);
            }
        }
    }

    /// It waits for people, and for as long as that was allowed to take.
    fn has_waited(&mut self) -> bool {
        if self.board.run.status != "waiting" {
            self.waiting = None;
            return false;
        }
        let since = *self.waiting.get_or_insert_with(Instant::now);
        let allowed = self.following.wait_timeout;
        self.following.exit_on_wait || allowed.is_some_and(|allowed| since.elapsed() >= allowed)
    }

    fn take(&mut self, message: &Message) -> Result<()> {
        // What it holds has been told, or comes next as events.
        if matches!(message, Message::Snapshot { .. }) {
            return Ok(());
        }
        if let Message::Events { events, .. } = message
            && self.context.format() == Format::Ndjson
        {
            for event in events.iter().filter(|event| event.seq > self.board.sequence) {
                let line = serde_json::to_string(event)
                    .map_err(|error| Failure::internal("write an event", &error))?;
                output::print(&format!("{line}\n"))?;
            }
        }
        let notes = self.board.take(message);
        self.show.notes(&notes, &self.board, self.context.now());
        Ok(())
    }

    /// Nothing more comes on this feed: the run has ended, or only who served it.
    async fn feed_ended(&mut self) -> Result<()> {
        let detail = self.session.client.run(&self.id).await?;
        if is_final(&detail.summary.status) && detail.sequence <= self.board.sequence {
            self.board.finish(detail.summary);
            return Ok(());
        }
        // A feed that ends again and again must not keep a processor busy.
        tokio::time::sleep(Duration::from_millis(50)).await;
        self.again().await
    }

    /// The feed ended before the run did: its owner has gone, or only the connection.
    async fn again(&mut self) -> Result<()> {
        const TRIES: u32 = 50;
        for attempt in 0..TRIES {
            if attempt > 0 {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            match self.session.client.feed(&self.id, self.board.sequence).await {
                Ok(feed) => {
                    self.feed = feed;
                    return Ok(());
                }
                Err(failure) if failure.exit == Exit::Unreachable => {}
                Err(failure) => return Err(failure),
            }
        }
        Err(Failure::new(Exit::Unreachable, "lost the connection to whoever drives the run")
            .hint("the run is safe; see it with `orchestrate status`"))
    }

    async fn signal(&mut self, signal: Signal) -> Result<Option<Left>> {
        match signal {
            Signal::HangUp => return Ok(Some(Left::Detached)),
            Signal::Interrupt if self.keyboard.is_some() && !self.interrupted => {
                if self.show.keys == Keys::Asking {
                    self.cancel("interrupted").await?;
                    return Ok(Some(Left::Forced));
                }
                self.show.keys = Keys::Asking;
                self.show.refresh(&self.board, self.context.now());
                return Ok(None);
            }
            Signal::Interrupt | Signal::Terminate => {}
        }
        if self.interrupted {
            return Ok(Some(Left::Forced));
        }
        self.interrupted = true;
        let text = format!("{}: cancelling; once more leaves at once", signal.name());
        self.show.say(&text, &self.board, self.context);
        self.cancel("interrupted").await?;
        Ok(None)
    }

    async fn key(&mut self, key: u8) -> Result<Option<Left>> {
        let asking = self.show.keys == Keys::Asking;
        self.show.keys = self.usual_keys();
        match key.to_ascii_lowercase() {
            b'd' => return Ok(Some(Left::Detached)),
            b'c' => {
                self.cancel("").await?;
            }
            b'p' if !asking => {
                let paused = self.board.run.status == "paused";
                let client = &self.session.client;
                let done = if paused {
                    client.resume(&self.id).await
                } else {
                    client.pause(&self.id, &Pause { now: false }).await
                };
                self.refused(done.err());
            }
            b'o' if !asking && self.has_page => self.tell_page().await,
            key @ (b'a' | b'x' | b'r') if !asking => self.decide(key).await?,
            b'f' if !asking => {
                if let Some(form) = self.open_form() {
                    self.fill_in(&form).await?;
                }
            }
            b'g' if !asking => {
                let done = self.session.client.advance(&self.id, None).await;
                self.refused(done.err());
            }
            _ => {}
        }
        self.show.refresh(&self.board, self.context.now());
        Ok(None)
    }

    async fn cancel(&mut self, reason: &str) -> Result<()> {
        let cancel = Cancel { reason: reason.to_owned() };
        let done = self.session.client.cancel(&self.id, &cancel).await;
        self.refused(done.err());
        Ok(())
    }

    /// A refusal is worth a line, not the end of following.
    fn refused(&mut self, failure: Option<Failure>) {
        if let Some(failure) = failure {
            self.show.say(&failure.message, &self.board, self.context);
        }
    }

    async fn finish(&self) -> Result<Exit> {
        let detail = self.session.client.run(&self.id).await?;
        let context = self.context;
        if let Some(test) = &self.following.test {
            return self.tested(test, &detail);
        }
        match context.format() {
            Format::Text => output::print(&self.show.summary(&detail, context.palette()))?,
            Format::Ndjson => {}
            format => output::print(&output::item(format, "orchestrate.run/v1", &detail)?)?,
        }
        if context.is_text() || !context.global.quiet {
            self.show.block(&detail, &self.following);
        }
        let exit = ending::exit(&detail);
        Ok(if self.interrupted && exit == Exit::Cancelled { Exit::Interrupted } else { exit })
    }
}

impl Follower<'_> {
    /// The same for a run that tries an agent.
    fn tested(&self, test: &AgentTest, detail: &RunDetail) -> Result<Exit> {
        let context = self.context;
        let tested = render::tryout::Tested::of(test, detail);
        if context.is_text() {
            output::print(&self.show.summary(detail, context.palette()))?;
            self.show.block(detail, &self.following);
        }
        output::show_item(context, ("orchestrate.agent.test/v1", &tested), |tested| {
            Ok(render::tryout::outcome(tested, context.palette()))
        })?;
        Ok(ending::exit(detail))
    }
}

async fn pressed(keyboard: &mut Option<Keyboard>) -> u8 {
    match keyboard {
        Some(keyboard) => keyboard.next().await,
        None => std::future::pending().await,
    }
}
