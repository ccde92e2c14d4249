//! What every command is given: the options that all of them have, and what surrounds the process.

use std::path::PathBuf;

use jiff::Timestamp;
use server::settings::{self, Said};

use crate::args::Global;
use crate::error::{Failure, Result};
use crate::live::frame::Screen;
use crate::output::{self, Format};
use crate::terminal::{Palette, Surroundings};

#[derive(Clone, Debug)]
pub struct Context {
    pub global: Global,
    pub around: Surroundings,
    /// What flags and the environment say of settings.
    pub said: Said,
}

impl Context {
    pub fn new(mut global: Global, around: Surroundings) -> Self {
        if global.json {
            global.output = Format::Json;
        }
        let said = Said::of_this_process()
            .flag(&settings::DATA_DIR, global.data_dir.as_ref().map(|path| path.display()))
            .flag(&settings::SERVER, global.server.as_ref())
            .flag(&settings::TOKEN, global.token.as_ref());
        // Text of any kind will do for these.
        let text = |setting| Some(said.alone(setting).ok()?.text()?.to_owned());
        global.data_dir = global.data_dir.or_else(|| text(&settings::DATA_DIR).map(PathBuf::from));
        global.server = global.server.or_else(|| text(&settings::SERVER));
        global.token = global.token.or_else(|| text(&settings::TOKEN));
        Self { global, around, said }
    }

    pub fn format(&self) -> Format {
        self.global.output
    }

    pub fn is_text(&self) -> bool {
        self.global.output == Format::Text
    }

    /// Colours of stdout.
    pub fn palette(&self) -> Palette {
        self.around.palette(self.global.color, self.around.stdout_is_terminal)
    }

    /// Colours of stderr.
    pub fn talk_palette(&self) -> Palette {
        self.around.palette(self.global.color, self.around.stderr_is_terminal)
    }

    pub fn screen(&self) -> Screen {
        Screen {
            columns: usize::from(self.around.columns.unwrap_or(80)).max(20),
            rows: usize::from(self.around.rows.unwrap_or(24)),
            palette: self.talk_palette(),
        }
    }

    /// A line on stderr, unless `--quiet`.
    pub fn note(&self, text: &str) {
        if !self.global.quiet {
            output::say(&format!("{text}\n"));
        }
    }

    /// May a person be asked?
    pub fn can_ask(&self) -> bool {
        self.around.stdin_is_terminal && self.around.stderr_is_terminal && !self.global.no_input
    }

    pub fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    pub fn cwd(&self) -> Result<PathBuf> {
        std::env::current_dir()
            .map_err(|error| Failure::internal("find the current directory", &error))
    }

    /// Runs the asynchronous part of a command.
    pub fn block_on<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|error| Failure::internal("start the asynchronous runtime", &error))?;
        let result = runtime.block_on(work);
        // A thread that waits for a key must not hold the process up.
        runtime.shutdown_background();
        result
    }

    /// Asks on stderr and reads a line; `None` when nobody can be asked.
    pub fn ask(&self, question: &str) -> Result<Option<String>> {
        if !self.can_ask() {
            return Ok(None);
        }
        output::say(question);
        let mut answer = String::new();
        std::io::stdin()
            .read_line(&mut answer)
            .map_err(|error| Failure::internal("read the answer", &error))?;
        Ok(Some(answer.trim().to_owned()))
    }
}
