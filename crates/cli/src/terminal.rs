//! What the terminal can show, and in which colours.

use std::io::IsTerminal as _;

use anstyle::{AnsiColor, Style};

/// `--color`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ColorWhen {
    /// When the output is a terminal.
    #[default]
    Auto,
    Always,
    Never,
}

/// The facts of the environment that decide about colour and live progress.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    pub stdin_is_terminal: bool,
    pub stdout_is_terminal: bool,
    pub stderr_is_terminal: bool,
    pub no_color: bool,
    pub force_color: bool,
    pub dumb: bool,
    /// Any continuous integration (`CI`).
    pub ci: bool,
    /// `GITHUB_ACTIONS`: understands `::group::` and `::error`.
    pub github: bool,
    pub columns: Option<u16>,
    pub rows: Option<u16>,
}

impl Surroundings {
    /// Reads the environment and asks the terminal.
    pub fn of_this_process() -> Self {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let on = |name: &str| {
            std::env::var(name).is_ok_and(|value| !matches!(value.as_str(), "" | "0" | "false"))
        };
        let number = |name: &str| std::env::var(name).ok().and_then(|value| value.parse().ok());
        let size = rustix::termios::tcgetwinsize(std::io::stderr()).ok();
        let known = |cells: u16| (cells > 0).then_some(cells);
        Self {
            stdin_is_terminal: std::io::stdin().is_terminal(),
            stdout_is_terminal: std::io::stdout().is_terminal(),
            stderr_is_terminal: std::io::stderr().is_terminal(),
            no_color: set("NO_COLOR"),
            force_color: on("CLICOLOR_FORCE"),
            dumb: std::env::var("TERM").is_ok_and(|term| term == "dumb"),
            ci: on("CI"),
            github: on("GITHUB_ACTIONS"),
            columns: size.and_then(|size| known(size.ws_col)).or_else(|| number("COLUMNS")),
            rows: size.and_then(|size| known(size.ws_row)).or_else(|| number("LINES")),
        }
    }

    pub fn palette(&self, when: ColorWhen, is_terminal: bool) -> Palette {
        let on = match when {
            ColorWhen::Always => true,
            ColorWhen::Never => false,
            ColorWhen::Auto if self.no_color => false,
            ColorWhen::Auto if self.force_color => true,
            ColorWhen::Auto => is_terminal && !self.dumb,
        };
        Palette { on }
    }

    /// Width of tables; `None` when the output goes to no terminal and nothing is shortened.
    pub fn table_width(&self) -> Option<usize> {
        self.stdout_is_terminal.then(|| usize::from(self.columns.unwrap_or(80)))
    }
}

/// Colours, or the same words without them. Colour never says anything alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Palette {
    pub on: bool,
}

impl Palette {
    pub const PLAIN: Self = Self { on: false };

    pub fn paint(self, style: Style, text: &str) -> String {
        if self.on && !text.is_empty() {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }

    pub fn error(self, text: &str) -> String {
        self.paint(AnsiColor::Red.on_default().bold(), text)
    }

    pub fn note(self, text: &str) -> String {
        self.paint(AnsiColor::Cyan.on_default().bold(), text)
    }

    pub fn dim(self, text: &str) -> String {
        self.paint(Style::new().dimmed(), text)
    }

    pub fn bold(self, text: &str) -> String {
        self.paint(Style::new().bold(), text)
    }

    /// A status word in its colour. `word` decides, `text` is shown.
    pub fn status(self, word: &str, text: &str) -> String {
        let style = match word.to_ascii_lowercase().replace(' ', "_").as_str() {
            "succeeded" | "ok" | "resumed" | "approved" | "submitted" | "promoted" | "valid"
            | "online" => AnsiColor::Green.on_default().bold(),
            "failed" | "fail" | "lost" | "rejected" | "timed_out" => {
                AnsiColor::Red.on_default().bold()
            }
            "running" | "starting" | "validated" | "queued" => AnsiColor::Cyan.on_default().bold(),
            "retry"
            | "retrying"
            | "waiting"
            | "unknown"
            | "paused"
            | "warn"
            | "warning"
            | "cancelling"
            | "draining"
            | "drained"
            | "stopping"
            | "cancelled"
            | "waiting_approval"
            | "waiting_input"
            | "waiting_environment"
            | "open"
            | "changes_requested"
            | "revision"
            | "rolling_back"
            | "rolled_back"
            | "held"
            | "held_by_human"
            | "rewinding"
            | "rewound" => AnsiColor::Yellow.on_default().bold(),
            _ => Style::new().dimmed(),
        };
        self.paint(style, text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn colour(when: ColorWhen, change: impl FnOnce(&mut Surroundings)) -> bool {
        let mut surroundings = Surroundings::default();
        change(&mut surroundings);
        surroundings.palette(when, true).on
    }

    #[test]
    fn colour_follows_flag_then_environment_then_terminal() {
        assert!(colour(ColorWhen::Auto, |_| {}));
        assert!(!colour(ColorWhen::Auto, |s| s.no_color = true));
        assert!(!colour(ColorWhen::Auto, |s| s.dumb = true));
        assert!(!colour(ColorWhen::Auto, |s| (s.no_color, s.force_color) = (true, true)));
        assert!(colour(ColorWhen::Always, |s| s.no_color = true));
        assert!(!colour(ColorWhen::Never, |s| s.force_color = true));
        let forced = Surroundings { force_color: true, ..Surroundings::default() };
        assert!(forced.palette(ColorWhen::Auto, false).on);
    }
}
