//! `traces.headers`: what proves to a collector who sends. Beside it `traces:` holds settings.

use indexmap::IndexMap;
use pipeline::yaml::Entry;

use super::read::Reader;
use super::secret::SecretRef;
use super::settings::{FileValues, TRACES_HEADERS, Value};

pub(super) const SECTION: &str = "traces";

/// Headers by their names, in lower case. That there are some is noted among the settings, so that
/// they are shown there like others.
pub(super) fn headers(
    reader: &mut Reader<'_>,
    section: &Entry,
    values: &mut FileValues,
) -> IndexMap<String, SecretRef> {
    let mut found = IndexMap::new();
    // Other keys were judged before.
    let entries = reader.map(&section.value, "`traces`");
    let Some(entry) = entries.iter().find(|entry| entry.key == "headers") else { return found };
    for header in reader.map(&entry.value, "`traces.headers`") {
        let what = format!("header `{}` of `traces.headers`", header.key);
        let Ok(name) = http::HeaderName::from_bytes(header.key.as_bytes()) else {
            reader.problem(header.key_span, &format!("{what} has to be the name of a header"));
            continue;
        };
        if let Some(secret) = reader.secret(&header.value, &what) {
            found.insert(name.as_str().to_owned(), secret);
        }
    }
    if !found.is_empty() {
        let names: Vec<&str> = found.keys().map(String::as_str).collect();
        values.0.insert(TRACES_HEADERS.name, Value::Text(names.join(", ")));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::read::config;
    use crate::config::settings::{Said, Settings, TRACES_ENDPOINT};

    #[test]
    fn headers_say_where_their_values_stand_and_are_shown_as_set() {
        let text = "traces:\n  endpoint: http://127.0.0.1:4318\n  headers: {X-Team: {env: TEAM}}\n";
        let config = config("c", text).unwrap();
        assert_eq!(config.trace_headers["x-team"], SecretRef::Env("TEAM".into()));
        let all = Settings::resolve(&Said::default(), &config.settings).unwrap();
        let headers = all.one(&TRACES_HEADERS).unwrap();
        assert_eq!(headers.shown().as_deref(), Some("(set)"));
        assert!(headers.is_of_file());
        assert_eq!(all.text(&TRACES_ENDPOINT), Some("http://127.0.0.1:4318"));
        let environment = |name: &str| {
            (name == "OTEL_EXPORTER_OTLP_HEADERS").then(|| "x-team=hunter2".to_owned())
        };
        let all = Settings::resolve(&Said::with(environment), &config.settings).unwrap();
        let headers = all.one(&TRACES_HEADERS).unwrap();
        assert!(!headers.is_of_file(), "the environment comes first");
        assert_eq!(headers.shown().as_deref(), Some("(set)"));
    }

    #[test]
    fn a_value_in_the_file_is_refused_and_not_repeated() {
        for (text, wanted) in [
            ("traces: {headers: {x-team: hunter2}}", "{secret: NAME}"),
            ("traces: {headers: hunter2}", "a map"),
            ("traces: {headers: {'a b': {env: A}}}", "name of a header"),
            ("traces: {endpoint: collector}", "`http://`"),
            ("traces: {endpoint: 'http://me:hunter2@collector'}", "without a user"),
            ("traces: {endpont: http://x}", "did you mean `endpoint`?"),
            ("traces: {keep: long}", "a duration"),
        ] {
            let problem = config("c", text).unwrap_err();
            assert!(problem.contains(wanted), "{wanted}\nis not in\n{problem}");
            assert!(!problem.contains("hunter2"), "{problem}");
        }
    }
}
