//! Where log lines go: stderr, and the file of a server.

mod rotate;

use std::path::{Path, PathBuf};

use server::settings::{self, Said, Settings, Source};
use tracing_appender::non_blocking::{NonBlocking, WorkerGuard};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, Registry};

use crate::context::Context;
use crate::error::{Failure, Result};
use crate::session;
use rotate::{Again, Keep, Rotating};

/// Until it is dropped, what was logged reaches the file.
#[derive(Debug, Default)]
pub struct Listening {
    file: Option<(WorkerGuard, Again)>,
}

impl Listening {
    /// Opens the log file again: whoever rotates logs may have put it aside.
    pub fn reopen(&self) {
        if let Some((_, again)) = &self.file {
            again.ask();
        }
    }
}

/// Of a command: stderr alone, as `--quiet`, `--verbose` and `ORCHESTRATE_LOG` say.
pub fn of_a_command(context: &Context) -> Listening {
    let level = level(context);
    let said = context.said.alone(&settings::LOG_LEVEL).ok();
    // `LOG_LEVEL` is meant for servers.
    let said = said.filter(|of| of.source == Source::Environment("ORCHESTRATE_LOG"));
    let filter = said.and_then(|of| filter(of.text()?).ok()).unwrap_or_else(|| plain(level));
    start([Some(stderr(false, filter)), None]);
    Listening::default()
}

/// Of a server: as its settings say.
pub fn of_a_server(said: &Said, context: &Context) -> Result<Listening> {
    let data = session::data_dir(context)?;
    let settings = server::settings_of(&data, said)
        .map_err(|error| Failure::new(crate::exit::Exit::Invalid, crate::error::chain(&error)))?;
    let json = settings.text(&settings::LOG_FORMAT) == Some("json");
    let chosen = match settings.text(&settings::LOG_LEVEL) {
        Some(text) => Some(filter(text)?),
        None => None,
    };
    let screen = chosen.clone().unwrap_or_else(|| plain(level(context)));
    let (file, guard) = match settings.text(&settings::LOG_FILE) {
        None => (None, None),
        Some(path) => {
            let (writer, guard, again) = file(&data.join(path), &settings)?;
            let filter = chosen.unwrap_or_else(|| plain("info"));
            (Some(lines(json, filter, writer)), Some((guard, again)))
        }
    };
    start([Some(stderr(json, screen)), file]);
    Ok(Listening { file: guard })
}

type Lines = Box<dyn Layer<Registry> + Send + Sync>;

fn start(layers: [Option<Lines>; 2]) {
    let layers: Vec<Lines> = layers.into_iter().flatten().collect();
    // An error would mean that somebody listens already.
    let _listening = tracing_subscriber::registry().with(layers).try_init();
}

fn stderr(json: bool, filter: EnvFilter) -> Lines {
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false);
    if json {
        layer.json().flatten_event(true).with_current_span(false).with_filter(filter).boxed()
    } else {
        layer.with_filter(filter).boxed()
    }
}

fn lines(json: bool, filter: EnvFilter, writer: NonBlocking) -> Lines {
    let layer = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(false);
    if json {
        layer.json().flatten_event(true).with_current_span(false).with_filter(filter).boxed()
    } else {
        layer.with_filter(filter).boxed()
    }
}

fn level(context: &Context) -> &'static str {
    match (context.global.quiet, context.global.verbose) {
        (true, _) => "error",
        (false, 0) => "warn",
        (false, 1) => "info",
        (false, _) => "debug",
    }
}

fn plain(level: &str) -> EnvFilter {
    EnvFilter::new(level)
}

/// Also in the words of others: `WARNING`, `CRITICAL`.
fn filter(text: &str) -> Result<EnvFilter> {
    let text = match text.to_lowercase().as_str() {
        "warning" => "warn".to_owned(),
        "critical" | "fatal" => "error".to_owned(),
        "notset" => "trace".to_owned(),
        _ => text.to_owned(),
    };
    EnvFilter::try_new(&text).map_err(|error| {
        Failure::usage(format!("`{text}` is no level of logs: {error}"))
            .hint("error, warn, info, debug, trace, or by part: server=debug,worker=info")
    })
}

/// A disk that is slow keeps nobody waiting: what does not fit into the queue is dropped.
fn file(path: &Path, settings: &Settings) -> Result<(NonBlocking, WorkerGuard, Again)> {
    let keep = Keep {
        bytes: settings.whole(&settings::LOG_FILE_BYTES).unwrap_or(u64::MAX),
        files: settings.whole(&settings::LOG_FILES).unwrap_or(u64::MAX),
        days: settings.whole(&settings::LOG_DAYS).unwrap_or(u64::MAX),
    };
    let rotating = Rotating::open(PathBuf::from(path), keep)
        .map_err(|error| Failure::internal("open the log file", &error))?;
    let again = rotating.again();
    let (writer, guard) = tracing_appender::non_blocking(rotating);
    Ok((writer, guard, again))
}
