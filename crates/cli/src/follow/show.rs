//! What is shown of a run while it is followed: live, in lines, or not at all.

use api::run::RunDetail;
use jiff::Timestamp;

use super::Following;
use crate::context::Context;
use crate::live::board::{Board, Note, attempt_of};
use crate::live::frame::{self, Keys, Screen};
use crate::live::{ending, github, plain};
use crate::output;
use crate::terminal::Palette;
use crate::words;

/// At most ten redraws a second.
const REDRAW_MS: u64 = 100;

pub(super) struct Show {
    way: Way,
    screen: Screen,
    pub(super) keys: Keys,
    github: bool,
    validated: Option<String>,
    /// Lines pinned below the scrollback.
    pinned: usize,
    /// Lines that wait for the next redraw.
    above: Vec<String>,
    drawn: Option<Timestamp>,
    /// When something was said last.
    said: Option<Timestamp>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Live,
    Lines,
    Silent,
}

impl Show {
    pub(super) fn new(context: &Context, following: &Following) -> Self {
        let around = &context.around;
        let way = if context.global.quiet {
            Way::Silent
        } else if around.stderr_is_terminal && !around.dumb && !around.ci {
            Way::Live
        } else {
            Way::Lines
        };
        Self {
            way,
            screen: context.screen(),
            keys: Keys::None,
            github: around.github && context.is_text(),
            validated: following.definition.as_ref().map(|given| given.about.clone()),
            pinned: 0,
            above: Vec::new(),
            drawn: None,
            said: None,
        }
    }

    pub(super) fn is_live(&self) -> bool {
        self.way == Way::Live
    }

    /// The first lines.
    pub(super) fn begin(&mut self, board: &Board, is_new: bool, now: Timestamp) {
        let run = &board.run;
        let label = if is_new { "Starting" } else { "Following" };
        let stages = words::count(u64::from(board.total), "stage");
        let note = Note {
            at: if is_new { run.created_at } else { now },
            label,
            settled: board.settled,
            total: board.total,
            name: run.name.clone(),
            elapsed_ms: None,
            detail: format!("{stages}, revision {}", run.revision),
            failed: None,
        };
        match self.way {
            Way::Live => {
                if let Some(about) = self.validated.take() {
                    self.above.push(frame::labelled("Validated", &about, self.screen));
                }
                self.above.push(frame::note(&note, 0, self.screen));
                self.paint(&[]);
            }
            Way::Lines => {
                output::say(&plain::note(&note, self.screen.palette));
                if !is_new && !board.finished() {
                    output::say(&plain::heartbeat(board, now, self.screen.palette));
                }
                self.said = Some(now);
            }
            Way::Silent => {}
        }
    }

    pub(super) fn notes(&mut self, notes: &[Note], board: &Board, now: Timestamp) {
        let width = if notes.is_empty() { 0 } else { board.name_width() };
        for note in notes {
            match self.way {
                // It has been said at the beginning.
                _ if note.label == "Starting" => {}
                // The last words name them all.
                _ if note.label == "Not run" => {}
                Way::Live => {
                    self.above.push(frame::note(note, width, self.screen));
                }
                Way::Lines => {
                    output::say(&plain::note(note, self.screen.palette));
                    if let Some(failed) = note.failed.as_ref().filter(|_| self.github) {
                        output::say(&github::group(failed));
                    }
                    self.said = Some(now);
                }
                Way::Silent => {}
            }
        }
        self.due(board, now);
    }

    /// Time has passed.
    pub(super) fn tick(&mut self, board: &Board, now: Timestamp) {
        if self.way == Way::Lines {
            let silence = self.said.map_or(0, |said| words::between(said, now));
            if silence >= plain::HEARTBEAT_MS || self.said.is_none() {
                if self.said.is_some() {
                    output::say(&plain::heartbeat(board, now, self.screen.palette));
                }
                self.said = Some(now);
            }
        }
        self.due(board, now);
    }

    fn due(&mut self, board: &Board, now: Timestamp) {
        let since = self.drawn.map_or(REDRAW_MS, |drawn| words::between(drawn, now));
        if since >= REDRAW_MS {
            self.refresh(board, now);
        }
    }

    /// Redraws at once.
    pub(super) fn refresh(&mut self, board: &Board, now: Timestamp) {
        if self.way != Way::Live {
            return;
        }
        if let Ok(size) = rustix::termios::tcgetwinsize(std::io::stderr())
            && size.ws_col > 0
        {
            self.screen.columns = usize::from(size.ws_col).max(20);
            self.screen.rows = usize::from(size.ws_row);
        }
        self.drawn = Some(now);
        let lines = frame::pinned(board, now, self.keys, self.screen);
        self.paint(&lines);
    }

    fn paint(&mut self, lines: &[String]) {
        let above = std::mem::take(&mut self.above);
        output::say(&frame::redraw(self.pinned, &above, lines));
        self.pinned = lines.len();
    }

    /// A remark of our own between the lines.
    pub(super) fn say(&mut self, text: &str, board: &Board, context: &Context) {
        match self.way {
            Way::Live => {
                self.above.push(frame::labelled("Note", text, self.screen));
                self.refresh(board, context.now());
            }
            Way::Lines => context.note(text),
            Way::Silent => {}
        }
    }

    /// Where a browser shows it: never cut, so that it can be copied.
    pub(super) fn open(&mut self, url: &str, board: &Board, context: &Context) {
        match self.way {
            Way::Live => {
                self.above.push(format!("       open: {url}"));
                self.refresh(board, context.now());
            }
            Way::Lines => context.note(&format!("open: {url}")),
            Way::Silent => {}
        }
    }

    /// Lines of ours that stay above what is redrawn.
    pub(super) fn block_above(&mut self, text: &str) {
        if self.way == Way::Live {
            self.above.extend(text.lines().map(str::to_owned));
        }
    }

    /// Takes the pinned lines away, and leaves what was to be said.
    pub(super) fn clear(&mut self) {
        if self.way == Way::Live {
            self.paint(&[]);
        }
    }

    pub(super) fn summary(&self, detail: &RunDetail, palette: Palette) -> String {
        let screen = Screen { palette, ..self.screen };
        let line = match self.way {
            Way::Live => ending::summary(detail, screen),
            Way::Lines | Way::Silent => ending::summary_plain(detail, palette),
        };
        line + "\n"
    }

    /// The cause of a failure and what to do, last.
    pub(super) fn block(&self, detail: &RunDetail, following: &Following) {
        output::say(&ending::block(detail, self.screen.palette));
        if !self.github {
            return;
        }
        for stage in ending::failed(detail) {
            let place = following.definition.as_ref().and_then(|given| {
                let line = github::line_of_stage(&given.text, &stage.stage)?;
                Some((given.file.as_str(), line))
            });
            let tried = stage.attempts.last().map_or_else(String::new, |last| {
                format!("{}: ", attempt_of(last.number, stage.max_attempts))
            });
            let title = format!("{} failed", stage.name);
            output::say(&github::annotation(place, &title, &format!("{tried}{}", stage.detail)));
        }
    }
}
