//! OTLP over HTTP: what is sent to a collector, and what its answer means.

use std::time::Duration;

use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message as _;

use super::span::text;
use crate::config::secret::SecretText;
use crate::config::settings::{TRACES_ENDPOINT, TRACES_HEADERS, TRACES_SERVICE};
use crate::egress::{Egress, Policy};
use crate::shared::Shared;

const PATH: &str = "/v1/traces";
/// The conventions by which attributes are named.
const SCHEMA: &str = "https://opentelemetry.io/schemas/1.37.0";
/// A collector is a matter of whoever owns this machine.
const POLICY: Policy =
    Policy { allow_private: true, timeout: Duration::from_secs(10), max_bytes: 1 << 20 };
/// Longest wait that a collector may ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(300);

#[derive(Debug)]
pub(super) struct Collector {
    egress: Egress,
    url: String,
    headers: HeaderMap,
    resource: Resource,
}

/// What became of a request.
#[derive(Debug, PartialEq)]
pub(super) enum Sent {
    /// Taken, but for so many spans.
    Taken { rejected: u64 },
    /// It will never be taken.
    Refused { problem: String },
    /// It may be taken later, not before so long.
    Failed { problem: String, after: Option<Duration> },
}

impl Collector {
    /// As the settings say at the start; `None`: there is none. Reads files. The error says what
    /// is wrong, never a value.
    pub(super) fn of(shared: &Shared) -> Result<Option<Self>, String> {
        let config = shared.config().map_err(|refused| refused.to_string())?;
        let settings = shared.settings().map_err(|refused| refused.to_string())?;
        let Some(endpoint) = settings.text(&TRACES_ENDPOINT) else { return Ok(None) };
        let mut headers = HeaderMap::new();
        match settings.one(&TRACES_HEADERS) {
            Some(set) if set.is_of_file() => {
                for (name, secret) in &config.trace_headers {
                    let value = shared.vault.resolve(secret);
                    let value = value.map_err(|problem| format!("header `{name}`: {problem}"))?;
                    insert(&mut headers, name, &value)?;
                }
            }
            Some(set) => {
                for (name, value) in written(set.text().unwrap_or_default())? {
                    insert(&mut headers, &name, &value)?;
                }
            }
            None => {}
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        let service = settings.text(&TRACES_SERVICE).unwrap_or("orchestrate");
        let resource = Resource {
            attributes: vec![
                text("service.name", service),
                text("service.version", env!("CARGO_PKG_VERSION")),
            ],
            ..Resource::default()
        };
        let url = format!("{endpoint}{PATH}");
        Ok(Some(Self { egress: shared.egress.clone(), url, headers, resource }))
    }

    /// Reads what it takes to send: some time before the first spans have ended. Blocks.
    pub(super) fn warm(&self) -> impl FnOnce() + Send + use<> {
        let egress = self.egress.clone();
        move || egress.warm(POLICY.allow_private)
    }

    pub(super) async fn send(&self, spans: &[Span]) -> Sent {
        let scope = InstrumentationScope {
            name: "orchestrate".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            ..InstrumentationScope::default()
        };
        let body = ExportTraceServiceRequest {
            resource_spans: vec![ResourceSpans {
                resource: Some(self.resource.clone()),
                scope_spans: vec![ScopeSpans {
                    scope: Some(scope),
                    spans: spans.to_vec(),
                    schema_url: SCHEMA.to_owned(),
                }],
                schema_url: SCHEMA.to_owned(),
            }],
        };
        let request = http::Request::post(&self.url).body(body.encode_to_vec());
        let mut request = match request {
            Ok(request) => request,
            Err(_has_the_url) => {
                return Sent::Refused { problem: "`traces.endpoint` is no URL".to_owned() };
            }
        };
        request.headers_mut().extend(self.headers.clone());
        match self.egress.send(request, &POLICY).await {
            Ok(answer) => judge(&answer),
            Err(failure) => Sent::Failed { problem: failure.to_string(), after: None },
        }
    }
}

/// By the rules of OTLP: only these statuses are worth another try.
fn judge(answer: &http::Response<Vec<u8>>) -> Sent {
    let status = answer.status();
    if status.is_success() {
        // One that cannot be read says nothing against having been taken.
        let said = ExportTraceServiceResponse::decode(&**answer.body()).unwrap_or_default();
        let partial = said.partial_success.unwrap_or_default();
        return Sent::Taken { rejected: u64::try_from(partial.rejected_spans).unwrap_or(0) };
    }
    let problem = format!("it answered HTTP {}", status.as_u16());
    match status.as_u16() {
        429 | 502 | 503 | 504 => {
            Sent::Failed { problem, after: asked(answer.headers().get(RETRY_AFTER)) }
        }
        _ => Sent::Refused { problem },
    }
}

/// Only in seconds: a date would need the collector's clock.
fn asked(value: Option<&HeaderValue>) -> Option<Duration> {
    let seconds: u64 = value?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_WAIT))
}

fn insert(headers: &mut HeaderMap, name: &str, value: &SecretText) -> Result<(), String> {
    let bad = |what: &str| format!("header `{name}` of `traces.headers` has no fitting {what}");
    let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad("name"))?;
    let mut value = HeaderValue::from_str(value.expose()).map_err(|_| bad("value"))?;
    value.set_sensitive(true);
    headers.insert(key, value);
    Ok(())
}

/// `name=value,other=value`, values as in a URL. The error repeats nothing.
fn written(text: &str) -> Result<Vec<(String, SecretText)>, String> {
    let bad = || {
        "OTEL_EXPORTER_OTLP_HEADERS has to be like `name=value,other=value`, with values as in a URL"
            .to_owned()
    };
    let mut found = Vec::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').ok_or_else(bad)?;
        let value = decoded(value.trim()).ok_or_else(bad)?;
        found.push((name.trim().to_owned(), SecretText::new(value)));
    }
    Ok(found)
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: u8| char::from(byte).to_digit(16);
        let pair = digit(rest.next()?)? << 4 | digit(rest.next()?)?;
        bytes.push(u8::try_from(pair).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTracePartialSuccess;

    fn answer(status: u16, body: Vec<u8>) -> http::Response<Vec<u8>> {
        http::Response::builder().status(status).header("retry-after", "7").body(body).unwrap()
    }

    #[test]
    fn an_answer_means_what_the_protocol_says() {
        assert_eq!(judge(&answer(200, Vec::new())), Sent::Taken { rejected: 0 });
        let partial = ExportTracePartialSuccess { rejected_spans: 3, error_message: "no".into() };
        let body = ExportTraceServiceResponse { partial_success: Some(partial) }.encode_to_vec();
        assert_eq!(judge(&answer(200, body)), Sent::Taken { rejected: 3 });
        assert_eq!(judge(&answer(200, b"{}".to_vec())), Sent::Taken { rejected: 0 });
        for status in [429, 502, 503, 504] {
            let after = Some(Duration::from_secs(7));
            assert!(
                matches!(judge(&answer(status, Vec::new())), Sent::Failed { after: a, .. } if a == after)
            );
        }
        for status in [307, 400, 401, 404, 500] {
            assert!(matches!(judge(&answer(status, Vec::new())), Sent::Refused { .. }), "{status}");
        }
    }

    #[test]
    fn headers_are_written_as_in_a_url_and_a_mistake_is_not_repeated() {
        let read = |text: &str| {
            let found = written(text)?;
            let plain = found.iter().map(|(name, value)| format!("{name}: {}", value.expose()));
            Ok::<_, String>(plain.collect::<Vec<_>>())
        };
        assert_eq!(
            read("api-key=a%20b%2C%3D, x-team = c=d ,").unwrap(),
            ["api-key: a b,=", "x-team: c=d"]
        );
        assert_eq!(read("").unwrap(), [""; 0]);
        for bad in ["hunter2", "a=hunter2%zz", "a=%ff"] {
            let problem = read(bad).unwrap_err();
            assert!(!problem.contains("hunter2") && problem.contains("name=value"), "{problem}");
        }
        let mut headers = HeaderMap::new();
        let value = SecretText::new("hunter2\n".into());
        assert!(!insert(&mut headers, "a", &value).unwrap_err().contains("hunter2"));
    }
}
