//! Every setting of the program in one table, and where each value came from: a flag, else the
//! environment, else `config.yaml`, else the default.
//!
//! Only here is the environment read for settings. What is a list or a policy (users, environments,
//! sources, rules of notices) stands in `config.yaml` alone and is not a setting.

mod read;
mod reference;
mod table;

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

pub use self::reference::page;
pub use self::table::*;

pub(super) use self::read::{SECTIONS, section};

/// One setting: all that there is to know about it.
#[derive(Debug)]
pub struct Setting {
    /// `section.key`, as in `config.yaml`.
    pub name: &'static str,
    pub kind: Kind,
    /// As it would be written; `None`: it is not set.
    pub default: Option<&'static str>,
    /// `--listen`
    pub flag: Option<&'static str>,
    /// The first one that is set counts.
    pub env: &'static [&'static str],
    /// Whether `config.yaml` may say it.
    pub file: bool,
    pub doc: &'static str,
}

/// What a value may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    /// A path, relative to the data folder where it stands in the file.
    Path,
    /// One of these.
    Word(&'static [&'static str]),
    /// From, to.
    Whole(u64, u64),
    /// A number with `KiB`, `MiB`, `GiB` or without.
    Bytes,
    /// `30s`, `7d`
    Time,
    Boolean,
    /// `127.0.0.1:7070`
    Address,
    /// `http://...`, `https://...`
    Url,
    /// Never shown; in the file only where it stands.
    Secret,
}

/// A value that was understood.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Text(String),
    Whole(u64),
    Time(Duration),
    Boolean(bool),
    Address(SocketAddr),
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    Flag,
    /// The variable.
    Environment(&'static str),
    File,
    Default,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("flag"),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::File => f.write_str("config.yaml"),
            Self::Default => f.write_str("default"),
        }
    }
}

/// What was said outside of the file: on the command line, and in the environment.
#[derive(Clone, Default)]
pub struct Said {
    flags: BTreeMap<&'static str, String>,
    environment: BTreeMap<&'static str, String>,
}

/// Values may be secrets.
impl fmt::Debug for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Said")
            .field("flags", &self.flags.keys())
            .field("environment", &self.environment.keys())
            .finish()
    }
}

impl Said {
    /// What this process finds in its environment. Variables of no setting are not looked at.
    pub fn of_this_process() -> Self {
        Self::with(|name| std::env::var(name).ok())
    }

    /// The same from elsewhere. An empty variable is not set.
    pub fn with(variable: impl Fn(&str) -> Option<String>) -> Self {
        let names = SETTINGS.iter().flat_map(|setting| setting.env);
        let set = names.filter_map(|name| {
            let value = variable(name).filter(|value| !value.trim().is_empty())?;
            Some((*name, value))
        });
        Self { flags: BTreeMap::new(), environment: set.collect() }
    }

    /// A flag that was given.
    #[must_use]
    pub fn flag(mut self, setting: &'static Setting, value: Option<impl fmt::Display>) -> Self {
        if let Some(value) = value {
            self.flags.insert(setting.name, value.to_string());
        }
        self
    }

    /// What it says of one setting that the file cannot say, or whose file is not known yet.
    pub fn alone(&self, setting: &'static Setting) -> Result<Resolved, String> {
        self.resolve(setting, &FileValues::default())
    }

    fn resolve(&self, setting: &'static Setting, file: &FileValues) -> Result<Resolved, String> {
        let understand = |text: &str, of: String| {
            setting.kind.understand(text).map_err(|problem| format!("{of}: {problem}"))
        };
        if let Some(text) = self.flags.get(setting.name) {
            let of = setting.flag.unwrap_or(setting.name).to_owned();
            let value = Some(understand(text, of)?);
            return Ok(Resolved { setting, value, source: Source::Flag });
        }
        for name in setting.env {
            if let Some(text) = self.environment.get(name) {
                let value = Some(understand(text, format!("environment variable {name}"))?);
                return Ok(Resolved { setting, value, source: Source::Environment(name) });
            }
        }
        if let Some(value) = file.0.get(setting.name) {
            return Ok(Resolved { setting, value: Some(value.clone()), source: Source::File });
        }
        let default = setting.default.map(|text| understand(text, setting.name.to_owned()));
        Ok(Resolved { setting, value: default.transpose()?, source: Source::Default })
    }
}

/// What the file says of settings.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct FileValues(pub(super) BTreeMap<&'static str, Value>);

/// One setting with its value.
#[derive(Clone, Debug)]
pub struct Resolved {
    pub setting: &'static Setting,
    /// `None`: it is not set.
    pub value: Option<Value>,
    pub source: Source,
}

impl Resolved {
    /// For people; of a secret only whether it is set.
    pub fn shown(&self) -> Option<String> {
        match (&self.value, self.setting.kind) {
            (None, _) => None,
            (Some(_), Kind::Secret) => Some("(set)".to_owned()),
            (Some(value), _) => Some(value.to_string()),
        }
    }

    /// Whether the value is what the file says.
    pub(crate) fn is_of_file(&self) -> bool {
        self.value.is_some() && self.source == Source::File
    }

    /// The text of a value that is one.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Some(Value::Text(text)) => Some(text),
            Some(Value::Whole(_) | Value::Time(_) | Value::Boolean(_) | Value::Address(_))
            | None => None,
        }
    }
}

/// All settings with their values.
#[derive(Clone, Debug)]
pub struct Settings(BTreeMap<&'static str, Resolved>);

impl Settings {
    /// The error has a line for each value that cannot be understood.
    pub(crate) fn resolve(said: &Said, file: &FileValues) -> Result<Self, String> {
        let (mut all, mut problems) = (BTreeMap::new(), Vec::new());
        for setting in SETTINGS {
            match said.resolve(setting, file) {
                Ok(resolved) => drop(all.insert(setting.name, resolved)),
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() { Ok(Self(all)) } else { Err(problems.join("\n")) }
    }

    /// In the order of the table.
    pub fn all(&self) -> impl Iterator<Item = &Resolved> {
        SETTINGS.iter().filter_map(|setting| self.0.get(setting.name))
    }

    pub(crate) fn one(&self, setting: &Setting) -> Option<&Resolved> {
        self.0.get(setting.name)
    }

    fn value(&self, setting: &Setting) -> Option<&Value> {
        self.0.get(setting.name)?.value.as_ref()
    }

    pub fn text(&self, setting: &Setting) -> Option<&str> {
        self.0.get(setting.name)?.text()
    }

    pub fn whole(&self, setting: &Setting) -> Option<u64> {
        match self.value(setting)? {
            Value::Whole(number) => Some(*number),
            Value::Text(_) | Value::Time(_) | Value::Boolean(_) | Value::Address(_) => None,
        }
    }

    pub fn time(&self, setting: &Setting) -> Option<Duration> {
        match self.value(setting)? {
            Value::Time(time) => Some(*time),
            Value::Text(_) | Value::Whole(_) | Value::Boolean(_) | Value::Address(_) => None,
        }
    }

    /// What is not set is not so.
    pub fn is(&self, setting: &Setting) -> bool {
        matches!(self.value(setting), Some(Value::Boolean(true)))
    }

    pub fn address(&self, setting: &Setting) -> Option<SocketAddr> {
        match self.value(setting)? {
            Value::Address(address) => Some(*address),
            Value::Text(_) | Value::Whole(_) | Value::Time(_) | Value::Boolean(_) => None,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Whole(number) => number.fmt(f),
            Self::Time(time) => f.write_str(&written(*time)),
            Self::Boolean(value) => value.fmt(f),
            Self::Address(address) => address.fmt(f),
        }
    }
}

/// `2d`, `1h30m`: as it would be written.
fn written(time: Duration) -> String {
    let mut left = time.as_secs();
    let mut text = String::new();
    for (unit, seconds) in [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)] {
        if left >= seconds {
            text += &format!("{}{unit}", left / seconds);
            left %= seconds;
        }
    }
    match (time.subsec_millis(), text.is_empty()) {
        (0, true) => "0s".to_owned(),
        (0, false) => text,
        (millis, _) => format!("{text}{millis}ms"),
    }
}

impl Kind {
    /// What has to be written, for people.
    pub fn words(self) -> String {
        match self {
            Self::Text => "text".to_owned(),
            Self::Path => "a path".to_owned(),
            Self::Word(words) => words.join(", "),
            Self::Whole(0, u64::MAX) => "a whole number".to_owned(),
            Self::Whole(from, to) => format!("a whole number from {from} to {to}"),
            Self::Bytes => "bytes, such as `500 MiB`".to_owned(),
            Self::Time => "a duration such as `30s` or `7d`".to_owned(),
            Self::Boolean => "`true` or `false`".to_owned(),
            Self::Address => "an address with a port, such as `127.0.0.1:7070`".to_owned(),
            Self::Url => {
                "an address that begins with `http://` or `https://`, without a user".to_owned()
            }
            Self::Secret => "a secret".to_owned(),
        }
    }

    fn understand(self, text: &str) -> Result<Value, String> {
        let text = text.trim();
        let is_url = || {
            let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
            let fits = |rest: &str| !rest.is_empty() && !rest.contains([' ', '\t', '\n', '@']);
            rest.is_some_and(fits)
        };
        let value = match self {
            Self::Text | Self::Path | Self::Secret => Some(Value::Text(text.to_owned())),
            Self::Word(words) => {
                let said = text.to_lowercase();
                words.contains(&said.as_str()).then_some(Value::Text(said))
            }
            Self::Whole(from, to) => {
                let number = text.parse().ok().filter(|number| (from..=to).contains(number));
                number.map(Value::Whole)
            }
            Self::Bytes => bytes(text).map(Value::Whole),
            Self::Time => pipeline::yaml::duration(text).map(Value::Time),
            Self::Boolean => match text {
                "true" | "yes" | "on" | "1" => Some(Value::Boolean(true)),
                "false" | "no" | "off" | "0" => Some(Value::Boolean(false)),
                _ => None,
            },
            Self::Address => text.parse().ok().map(Value::Address),
            Self::Url => is_url().then(|| Value::Text(text.trim_end_matches('/').to_owned())),
        };
        // A secret in the wrong place is not repeated; it fits any text, but may stand in a URL.
        let shown =
            if self == Self::Url && text.contains('@') { "it" } else { &format!("`{text}`") };
        value.ok_or_else(|| format!("{shown} has to be {}", self.words()))
    }
}

/// `500 MiB`, `500MiB`, `1048576`
fn bytes(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let shift = match unit.trim() {
        "" | "B" => 0,
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        "TiB" => 40,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(1 << shift)
}

#[cfg(test)]
mod tests;
