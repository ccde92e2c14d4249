//! A collector of OpenTelemetry on loopback: it decodes what arrives, and answers as it is told.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, Uri};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// A status; `None`: never one.
type Answer = Option<u16>;

/// A request that came in.
#[derive(Debug)]
pub(crate) struct Arrived {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    /// What the spans come from.
    pub(crate) resource: BTreeMap<String, String>,
    pub(crate) spans: Vec<Span>,
}

pub(crate) struct Collector {
    pub(crate) url: String,
    arrived: UnboundedReceiver<Arrived>,
}

impl Collector {
    /// Answers 200 when the answers given are used up.
    pub(crate) async fn new(answers: &[Answer]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::on(listener, answers)
    }

    pub(crate) fn on(listener: TcpListener, answers: &[Answer]) -> Self {
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (tell, arrived) = unbounded_channel();
        let script = Arc::new(Mutex::new(answers.iter().copied().collect::<VecDeque<_>>()));
        let handler = move |uri: Uri, headers: HeaderMap, raw: Bytes| {
            let (tell, script) = (tell.clone(), Arc::clone(&script));
            async move { answer(&uri, headers, raw, &tell, &script).await }
        };
        let router = Router::new().fallback(handler);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, arrived }
    }

    pub(crate) async fn next(&mut self) -> Arrived {
        let next = self.arrived.recv();
        let next = tokio::time::timeout(std::time::Duration::from_secs(60), next).await;
        next.expect("nothing arrived").unwrap()
    }

    /// All spans up to the one of this name, and what came with it.
    pub(crate) async fn until(&mut self, name: &str) -> Vec<Span> {
        let mut spans: Vec<Span> = Vec::new();
        while !spans.iter().any(|span| span.name == name) {
            spans.extend(self.next().await.spans);
        }
        spans
    }
}

async fn answer(
    uri: &Uri,
    headers: HeaderMap,
    raw: Bytes,
    tell: &UnboundedSender<Arrived>,
    script: &Mutex<VecDeque<Answer>>,
) -> StatusCode {
    let request = ExportTraceServiceRequest::decode(raw).unwrap();
    let next = script.lock().unwrap().pop_front();
    let resource = request.resource_spans[0].resource.clone().unwrap_or_default();
    let all = request.resource_spans.into_iter().flat_map(|of| of.scope_spans);
    let arrived = Arrived {
        path: uri.path().to_owned(),
        headers,
        resource: said(&resource.attributes),
        spans: all.flat_map(|of| of.spans).collect(),
    };
    let _over = tell.send(arrived);
    match next {
        None => StatusCode::OK,
        Some(Some(status)) => StatusCode::from_u16(status).unwrap(),
        Some(None) => std::future::pending().await,
    }
}

pub(crate) fn said(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |of: &KeyValue| match of.value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    };
    let all: BTreeMap<String, String> =
        attributes.iter().map(|of| (of.key.clone(), text(of))).collect();
    assert_eq!(all.len(), attributes.len(), "a key is said twice: {attributes:?}");
    all
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Spans below each other, each with its result, its error and its events. Names are unique.
pub(crate) fn tree(spans: &[Span]) -> Vec<String> {
    let ids: Vec<&[u8]> = spans.iter().map(|span| &*span.span_id).collect();
    let roots = spans.iter().filter(|span| !ids.contains(&&*span.parent_span_id));
    let mut lines = Vec::new();
    roots.for_each(|root| below(root, spans, 0, &mut lines));
    lines
}

fn below(span: &Span, all: &[Span], depth: usize, lines: &mut Vec<String>) {
    let attributes = said(&span.attributes);
    let one = |key: &str| attributes.get(key).cloned();
    let result = one("cicd.pipeline.result").or_else(|| one("cicd.pipeline.task.run.result"));
    let mut line = format!("{}{}: {}", "  ".repeat(depth), span.name, result.unwrap());
    if let Some(error) = one("error.type") {
        let status = span.status.clone().unwrap();
        assert_eq!(status.code, 2, "{span:?}");
        line += &format!(" ({error}: {})", status.message);
    }
    let events: Vec<&str> = span.events.iter().map(|event| &*event.name).collect();
    if !events.is_empty() {
        line += &format!(" [{}]", events.join(", "));
    }
    lines.push(line);
    let mut children: Vec<&Span> =
        all.iter().filter(|child| child.parent_span_id == span.span_id).collect();
    children.sort_by(|a, b| a.name.cmp(&b.name));
    children.into_iter().for_each(|child| below(child, all, depth + 1, lines));
}
