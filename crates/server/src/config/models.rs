//! `models:`: who answers agents, what that costs, and how much of it there may be.

use std::num::NonZeroU32;

use indexmap::IndexMap;
use pipeline::yaml::{Entry, Node, Scalar};

use super::read::Reader;
use super::secret::SecretRef;

/// Billionths of a dollar in a dollar.
const NANO: f64 = 1e9;
/// Calls at once that a provider gets if nothing is said.
const AT_ONCE: u32 = 8;

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Models {
    pub(crate) providers: IndexMap<String, Provider>,
    /// By name of the model, or `provider/model`; a `*` at its end stands for anything.
    pub(crate) prices: IndexMap<String, Price>,
    pub(crate) run: Caps,
    /// Of all runs together, from midnight to midnight (UTC).
    pub(crate) day: Caps,
    /// By pipeline: so many turns in the queue where others get one.
    pub(crate) weights: IndexMap<String, u32>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Provider {
    pub(crate) kind: ProviderKind,
    /// Without a slash at its end.
    pub(crate) base_url: String,
    /// `None`: it asks for none.
    pub(crate) key: Option<SecretRef>,
    pub(crate) headers: IndexMap<String, SecretRef>,
    pub(crate) allow_private: bool,
    pub(crate) concurrency: u32,
    pub(crate) requests_per_minute: Option<u32>,
    pub(crate) tokens_per_minute: Option<u32>,
    /// Taken where a request names none.
    pub(crate) model: Option<String>,
    /// Whether streams of chat completions are asked for their usage.
    pub(crate) stream_usage: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ProviderKind {
    OpenAi,
    Anthropic,
    Gemini,
    /// Speaks any of the formats.
    Compatible,
}

impl ProviderKind {
    const ALL: [Self; 4] = [Self::OpenAi, Self::Anthropic, Self::Gemini, Self::Compatible];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::Compatible => "compatible",
        }
    }

    fn base_url(self) -> Option<&'static str> {
        match self {
            Self::OpenAi => Some("https://api.openai.com/v1"),
            Self::Anthropic => Some("https://api.anthropic.com/v1"),
            Self::Gemini => Some("https://generativelanguage.googleapis.com/v1beta"),
            Self::Compatible => None,
        }
    }
}

impl Provider {
    /// As it is if nothing else is said of it.
    pub(crate) fn of(kind: ProviderKind, base_url: String) -> Self {
        Self {
            kind,
            base_url,
            key: None,
            headers: IndexMap::new(),
            allow_private: false,
            concurrency: AT_ONCE,
            requests_per_minute: None,
            tokens_per_minute: None,
            model: None,
            stream_usage: true,
        }
    }
}

/// In billionths of a dollar for a million tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Price {
    pub(crate) input: u64,
    pub(crate) output: u64,
    /// `None`: as input.
    pub(crate) cache_read: Option<u64>,
    /// `None`: as input.
    pub(crate) cache_write: Option<u64>,
}

/// `None`: no cap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Caps {
    pub(crate) calls: Option<u64>,
    pub(crate) tokens: Option<u64>,
    pub(crate) nano_usd: Option<u64>,
}

impl Models {
    /// The exact name first, then the longest beginning.
    pub(crate) fn price(&self, provider: &str, model: &str) -> Option<Price> {
        let full = format!("{provider}/{model}");
        let exact = self.prices.get(&full).or_else(|| self.prices.get(model));
        let begins = |(name, price): (&String, &Price)| {
            let head = name.strip_suffix('*')?;
            (full.starts_with(head) || model.starts_with(head)).then_some((head.len(), *price))
        };
        let longest = || self.prices.iter().filter_map(begins).max_by_key(|(length, _)| *length);
        exact.copied().or_else(|| longest().map(|(_, price)| price))
    }
}

pub(super) fn read(reader: &mut Reader<'_>, node: &Node) -> Models {
    let mut models = Models::default();
    for entry in reader.keys(node, "`models`", &["providers", "prices", "budget", "weights"]) {
        match entry.key.as_str() {
            "providers" => {
                for entry in reader.map(&entry.value, "`providers`") {
                    if let Some(provider) = provider(reader, entry) {
                        models.providers.insert(entry.key.clone(), provider);
                    }
                }
            }
            "prices" => {
                for entry in reader.map(&entry.value, "`prices`") {
                    models.prices.insert(entry.key.clone(), price(reader, entry));
                }
            }
            "budget" => {
                for entry in reader.keys(&entry.value, "`budget`", &["run", "day"]) {
                    let caps = caps(reader, entry);
                    match entry.key.as_str() {
                        "run" => models.run = caps,
                        _ => models.day = caps,
                    }
                }
            }
            _ => {
                for entry in reader.map(&entry.value, "`weights`") {
                    let what = format!("the weight of `{}`", entry.key);
                    let weight = small(reader, &entry.value, &what);
                    models.weights.extend(weight.map(|weight| (entry.key.clone(), weight)));
                }
            }
        }
    }
    models
}

const PROVIDER: [&str; 10] = [
    "kind",
    "base_url",
    "key",
    "headers",
    "allow_private",
    "concurrency",
    "requests_per_minute",
    "tokens_per_minute",
    "model",
    "stream_usage",
];

fn provider(reader: &mut Reader<'_>, entry: &Entry) -> Option<Provider> {
    let what = format!("provider `{}`", entry.key);
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if entry.key.is_empty() || entry.key.len() > 64 || !entry.key.chars().all(is_name) {
        let rule = "the name of a provider is 1 to 64 letters, digits, `-`, `_` and `.`";
        reader.problem(entry.key_span, rule);
    }
    let keys = reader.keys(&entry.value, &what, &PROVIDER);
    let said = |name: &str| keys.iter().find(|entry| entry.key == name).map(|entry| &entry.value);
    let kind = said("kind")
        .and_then(Node::scalar)
        .and_then(|word| ProviderKind::ALL.into_iter().find(|kind| kind.word() == word.text));
    let Some(kind) = kind else {
        let words = ProviderKind::ALL.map(ProviderKind::word).join(", ");
        let problem = format!("`kind` of {what} has to be one of {words}");
        reader.problem(said("kind").map_or(entry.key_span, |node| node.span), &problem);
        return None;
    };
    let base_url = match said("base_url") {
        Some(node) => web(reader, node, &format!("`base_url` of {what}")),
        None => kind.base_url().map(str::to_owned),
    };
    let Some(base_url) = base_url else {
        if said("base_url").is_none() {
            reader.problem(entry.key_span, &format!("{what} needs a `base_url`"));
        }
        return None;
    };
    let mut read = Provider::of(kind, base_url);
    for entry in &keys {
        let of = format!("`{}` of {what}", entry.key);
        match entry.key.as_str() {
            "key" => read.key = reader.secret(&entry.value, &of),
            "headers" => read.headers = headers(reader, &entry.value, &of),
            "allow_private" => read.allow_private = reader.boolean(&entry.value, &of),
            "stream_usage" => read.stream_usage = reader.boolean(&entry.value, &of),
            "concurrency" => read.concurrency = small(reader, &entry.value, &of).unwrap_or(AT_ONCE),
            "requests_per_minute" => read.requests_per_minute = small(reader, &entry.value, &of),
            "tokens_per_minute" => read.tokens_per_minute = small(reader, &entry.value, &of),
            "model" => read.model = entry.value.scalar().map(|scalar| scalar.text.clone()),
            _ => {}
        }
    }
    Some(read)
}

fn headers(reader: &mut Reader<'_>, node: &Node, what: &str) -> IndexMap<String, SecretRef> {
    let mut headers = IndexMap::new();
    for entry in reader.map(node, what) {
        if http::HeaderName::try_from(entry.key.as_str()).is_err() {
            reader.problem(entry.key_span, &format!("`{}` is no name of a header", entry.key));
        }
        let value = reader.secret(&entry.value, &format!("header `{}`", entry.key));
        headers.extend(value.map(|value| (entry.key.clone(), value)));
    }
    headers
}

fn web(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<String> {
    let text = node.scalar().map(|scalar| scalar.text.trim_end_matches('/').to_owned());
    let fits = |text: &String| {
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
            && text.is_ascii()
            && !text.contains(|c: char| c.is_whitespace() || matches!(c, '?' | '#' | '@'))
    };
    let found = text.filter(fits);
    if found.is_none() {
        let problem = format!("{what} has to be `https://...` or `http://...`, without a query");
        reader.problem(node.span, &problem);
    }
    found
}

fn small(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<u32> {
    let found = node.scalar().and_then(Scalar::number).and_then(|number| number.as_u64());
    let found = found.and_then(|number| u32::try_from(number).ok()).and_then(NonZeroU32::new);
    if found.is_none() {
        reader.problem(node.span, &format!("{what} has to be a whole number from 1"));
    }
    found.map(NonZeroU32::get)
}

/// Dollars, as billionths.
fn dollars(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<u64> {
    let found = node.scalar().and_then(Scalar::number).and_then(|number| number.as_f64());
    let found = found.filter(|usd| (0.0..=1e9).contains(usd));
    if found.is_none() {
        reader.problem(node.span, &format!("{what} has to be an amount in US dollars"));
    }
    // Within what an `u64` holds: at most 1e18.
    found.map(|usd| (usd * NANO).round() as u64)
}

fn price(reader: &mut Reader<'_>, entry: &Entry) -> Price {
    let what = format!("the price of `{}`", entry.key);
    let mut price = Price::default();
    let keys = reader.keys(&entry.value, &what, &["input", "output", "cache_read", "cache_write"]);
    for name in ["input", "output"] {
        if !keys.iter().any(|entry| entry.key == name) {
            let problem = format!("{what} needs `{name}`, in US dollars for a million tokens");
            reader.problem(entry.key_span, &problem);
        }
    }
    for entry in keys {
        let usd = dollars(reader, &entry.value, &format!("`{}` of {what}", entry.key));
        match entry.key.as_str() {
            "input" => price.input = usd.unwrap_or_default(),
            "output" => price.output = usd.unwrap_or_default(),
            "cache_read" => price.cache_read = usd,
            _ => price.cache_write = usd,
        }
    }
    price
}

fn caps(reader: &mut Reader<'_>, entry: &Entry) -> Caps {
    let what = format!("the budget of a {}", entry.key);
    let mut caps = Caps::default();
    for entry in reader.keys(&entry.value, &what, &["calls", "tokens", "usd"]) {
        let of = format!("`{}` of {what}", entry.key);
        match entry.key.as_str() {
            "calls" => caps.calls = reader.whole(&entry.value, &of),
            "tokens" => caps.tokens = reader.whole(&entry.value, &of),
            _ => caps.nano_usd = dollars(reader, &entry.value, &of),
        }
    }
    caps
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Models, String> {
        let (root, _) = pipeline::yaml::parse(text);
        let mut reader = Reader::new("c", text);
        let models = read(&mut reader, &root.unwrap());
        reader.end(models)
    }

    #[test]
    fn providers_prices_and_budgets_are_read() {
        let models = parsed(
            "providers:\n  openai: {kind: openai, key: {env: K}, concurrency: 3}\n  \
             local: {kind: compatible, base_url: 'http://127.0.0.1:11434/v1/', allow_private: true}\n\
             prices:\n  gpt-4o: {input: 2.5, output: 10, cache_read: 1.25}\n  \
             'claude-*': {input: 3, output: 15}\n  'claude-haiku*': {input: 1, output: 5}\n\
             budget: {run: {calls: 100, usd: 2.5}, day: {tokens: 5000000}}\nweights: {hotfix: 3}\n",
        )
        .unwrap();
        let openai = &models.providers["openai"];
        assert_eq!((openai.concurrency, &*openai.base_url), (3, "https://api.openai.com/v1"));
        let local = &models.providers["local"];
        assert!(local.allow_private && local.base_url.ends_with(":11434/v1"));
        assert_eq!(models.run.nano_usd, Some(2_500_000_000));
        assert_eq!((models.day.tokens, models.run.calls), (Some(5_000_000), Some(100)));
        assert_eq!(models.weights["hotfix"], 3);
        let input = |model: &str| models.price("x", model).map(|price| price.input / 1_000_000);
        assert_eq!(input("gpt-4o"), Some(2500));
        assert_eq!(input("claude-haiku-4-5"), Some(1000));
        assert_eq!(input("claude-sonnet"), Some(3000));
        assert_eq!(input("gpt-4o-mini"), None, "no price is better than a wrong one");
    }

    #[test]
    fn slips_are_said() {
        let problems = parsed(
            "providers:\n  a: {kind: opnai}\n  b: {kind: compatible}\n  c: {kind: openai, key: sk-1}\n  \
             d: {kind: openai, base_url: 'https://u:p@x'}\n  e: {kind: openai, concurrency: 0}\n\
             prices: {m: {input: -1}}\nbudget: {week: {}}\n",
        )
        .unwrap_err();
        for wanted in [
            "`kind` of provider `a` has to be one of openai, anthropic, gemini, compatible",
            "provider `b` needs a `base_url`",
            "the value of `key` of provider `c` is not written here",
            "`base_url` of provider `d` has to be",
            "`concurrency` of provider `e` has to be a whole number from 1",
            "`input` of the price of `m` has to be an amount",
            "the price of `m` needs `output`",
            "`budget` has no key `week`",
        ] {
            assert!(problems.contains(wanted), "{wanted} is not in\n{problems}");
        }
        assert!(!problems.contains("sk-1"));
    }
}
