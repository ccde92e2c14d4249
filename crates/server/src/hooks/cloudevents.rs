//! CloudEvents 1.0 over HTTP: binary, structured and batched.

use serde_json::{Map, Value as Json};
use store::port::GivenEvent;

use super::{Received, Unreadable, base64, facts, is_word, json};

/// Events in one batch.
const MOST: usize = 1000;

pub(super) fn read(received: &Received<'_>) -> Result<Vec<GivenEvent>, Unreadable> {
    let media = received.media();
    let wanted = "`application/cloudevents+json`, `application/cloudevents-batch+json`, or an \
                  event whose attributes are `ce-` headers";
    match media.as_str() {
        "application/cloudevents-batch+json" => batch(received),
        "application/cloudevents+json" => {
            Ok(vec![event(received, structured(json(received.body)?)?, true)?])
        }
        other if other.starts_with("application/cloudevents") => {
            Err(Unreadable::Media { given: media, wanted })
        }
        _ if received.headers.contains_key("ce-specversion") => {
            Ok(vec![event(received, binary(received)?, true)?])
        }
        _ => Err(Unreadable::Media { given: media, wanted }),
    }
}

fn batch(received: &Received<'_>) -> Result<Vec<GivenEvent>, Unreadable> {
    let Json::Array(events) = json(received.body)? else {
        return Err(wrong("a batch has to be a list of events"));
    };
    if events.len() > MOST {
        return Err(Unreadable::Wrong(format!("a batch holds at most {MOST} events")));
    }
    let events = events.into_iter().enumerate();
    // The body is kept with the first of them.
    events.map(|(at, one)| event(received, structured(one)?, at == 0)).collect()
}

fn wrong(problem: &str) -> Unreadable {
    Unreadable::Wrong(problem.to_owned())
}

/// Attributes and `data`, as one map.
fn structured(body: Json) -> Result<Map<String, Json>, Unreadable> {
    let Json::Object(mut map) = body else { return Err(wrong("an event has to be a map")) };
    if let Some(encoded) = map.shift_remove("data_base64") {
        if map.contains_key("data") {
            return Err(wrong("an event has `data` or `data_base64`, not both"));
        }
        let bytes = encoded.as_str().and_then(base64);
        let bytes = bytes.ok_or_else(|| wrong("`data_base64` is not base64"))?;
        let media = map.get("datacontenttype").and_then(Json::as_str).unwrap_or_default();
        let data = of_bytes(&bytes, media)?;
        map.insert("data".to_owned(), data);
    }
    Ok(map)
}

fn binary(received: &Received<'_>) -> Result<Map<String, Json>, Unreadable> {
    let mut map = Map::new();
    for (name, value) in received.headers {
        let Some(name) = name.as_str().strip_prefix("ce-") else { continue };
        let value =
            value.to_str().map_err(|_| Unreadable::Wrong(format!("`ce-{name}` is not text")))?;
        map.insert(name.to_owned(), Json::String(decoded(value)?));
    }
    let media = received.header("content-type").unwrap_or_default().to_owned();
    if !media.is_empty() {
        map.insert("datacontenttype".to_owned(), Json::String(media.clone()));
    }
    if !received.body.is_empty() {
        map.insert("data".to_owned(), of_bytes(received.body, &media)?);
    }
    Ok(map)
}

/// JSON where it says so, else text, else what cannot be text as the bytes' hexadecimal digits.
fn of_bytes(bytes: &[u8], media: &str) -> Result<Json, Unreadable> {
    let media = media.split(';').next().unwrap_or_default().trim();
    if media.is_empty() || media == "application/json" || media.ends_with("+json") {
        return json(bytes);
    }
    Ok(Json::String(match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
    }))
}

/// Percent-encoded, and quoted or not.
fn decoded(value: &str) -> Result<String, Unreadable> {
    let quoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
    let value = quoted.map_or_else(|| value.to_owned(), |inner| inner.replace("\\\"", "\""));
    let text = value.as_bytes();
    let digit = |at: usize| text.get(at).and_then(|byte| (*byte as char).to_digit(16));
    let (mut bytes, mut at) = (Vec::with_capacity(text.len()), 0);
    while let Some(&byte) = text.get(at) {
        match (byte, digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push((high * 16 + low) as u8);
                at += 3;
            }
            (other, _, _) => {
                bytes.push(other);
                at += 1;
            }
        }
    }
    String::from_utf8(bytes).map_err(|_| wrong("an attribute is not UTF-8"))
}

fn event(
    received: &Received<'_>,
    map: Map<String, Json>,
    with_body: bool,
) -> Result<GivenEvent, Unreadable> {
    let required = |key: &str| match map.get(key).and_then(Json::as_str) {
        Some(text) if !text.is_empty() => Ok(text.to_owned()),
        Some(_) | None => Err(Unreadable::Wrong(format!("an event has to have `{key}`"))),
    };
    let version = required("specversion")?;
    if version != "1.0" {
        return Err(Unreadable::Wrong(format!("`specversion` has to be 1.0, not {version}")));
    }
    let (id, source, kind) = (required("id")?, required("source")?, required("type")?);
    if !is_word(&kind) {
        return Err(wrong("`type` has to be 1 to 256 characters without spaces at its ends"));
    }
    for (name, value) in &map {
        let is_name = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if !is_name || name.is_empty() {
            let problem = format!("`{name}` is not the name of an attribute: a-z and 0-9 only");
            return Err(Unreadable::Wrong(problem));
        }
        if name != "data" && (value.is_object() || value.is_array()) {
            return Err(Unreadable::Wrong(format!("the attribute `{name}` has to be simple")));
        }
    }
    let (facts, tag) = map.get("data").map(facts).unwrap_or_default();
    Ok(GivenEvent {
        id: received.id(Some(&format!("{source}#{id}"))),
        kind,
        data: renamed(map),
        source: received.name.to_owned(),
        by: received.name.to_owned(),
        facts,
        tag,
        delivery: with_body.then(|| received.delivery()),
        ..GivenEvent::default()
    })
}

/// What an event is called itself stands beside its own `id` and `source`.
fn renamed(mut map: Map<String, Json>) -> Json {
    for (from, to) in [("id", "ceid"), ("source", "cesource")] {
        if let Some(value) = map.shift_remove(from) {
            map.insert(to.to_owned(), value);
        }
    }
    Json::Object(map)
}
