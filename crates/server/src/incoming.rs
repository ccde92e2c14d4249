//! An event from outside, as triggers and runs see it.

use pipeline::trigger::Incoming;
use serde_json::{Map, Value as Json};
use store::port::{Delivery, GivenEvent};

/// Where what a forge sent goes; stored empty, because the body is stored as it came.
pub(crate) const PAYLOAD: &str = "payload";

/// What `event` is: what was made of it, with the body of its delivery where that belongs to it.
pub(crate) fn data(event: &GivenEvent) -> Json {
    let mut data = event.data.clone();
    if let (Json::Object(map), Some(delivery)) = (&mut data, &event.delivery)
        && let Some(payload) = map.get_mut(PAYLOAD)
        && payload.is_null()
    {
        *payload = self::payload(delivery).unwrap_or(Json::Null);
    }
    data
}

/// The event as `${event.*}` of a run that it starts: with its type, its id and its source.
pub(crate) fn shown(event: &GivenEvent) -> Json {
    let mut map = match data(event) {
        Json::Object(map) => map,
        Json::Null => Map::new(),
        other @ (Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_)) => {
            Map::from_iter([("data".to_owned(), other)])
        }
    };
    for (key, text) in [("type", &event.kind), ("id", &event.id), ("source", &event.source)] {
        map.insert(key.to_owned(), Json::String(text.clone()));
    }
    Json::Object(map)
}

/// What triggers are judged on, with `shown` as the event.
pub(crate) fn of(event: &GivenEvent, shown: Json) -> Incoming {
    Incoming {
        kinds: event.kinds().map(str::to_owned).collect(),
        source: event.source.clone(),
        data: shown,
        facts: event.facts.clone(),
        tag: event.tag.clone(),
    }
}

/// The JSON of a body: the body itself, or the field `payload` of a form. `None`: it has none.
pub(crate) fn payload(delivery: &Delivery) -> Option<Json> {
    let is_form = delivery.headers.iter().any(|(name, value)| {
        name == "content-type" && value.starts_with("application/x-www-form-urlencoded")
    });
    if !is_form {
        return serde_json::from_slice(&delivery.body).ok();
    }
    let field = url_fields(&delivery.body).find(|(name, _)| name == "payload")?.1;
    serde_json::from_str(&field).ok()
}

/// The fields of a form.
fn url_fields(body: &[u8]) -> impl Iterator<Item = (String, String)> {
    body.split(|byte| *byte == b'&').map(|field| {
        let end = field.iter().position(|byte| *byte == b'=').unwrap_or(field.len());
        let value = field.get(end + 1..).unwrap_or_default();
        (unescaped(&field[..end]), unescaped(value))
    })
}

fn unescaped(text: &[u8]) -> String {
    let digit = |at: usize| text.get(at).and_then(|byte| (*byte as char).to_digit(16));
    let mut bytes = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        match (byte, digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push((high * 16 + low) as u8);
                at += 3;
                continue;
            }
            (b'+', _, _) => bytes.push(b' '),
            (other, _, _) => bytes.push(other),
        }
        at += 1;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn event(data: Json, content_type: &str, body: &str) -> GivenEvent {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        let delivery = Some(Delivery { headers, body: body.as_bytes().to_vec() });
        GivenEvent {
            id: "gh:1".into(),
            kind: "push".into(),
            source: "gh".into(),
            data,
            delivery,
            ..GivenEvent::default()
        }
    }

    #[test]
    fn what_was_sent_is_read_from_the_body_only_where_it_belongs() {
        let json =
            event(json!({"branch": "main", "payload": null}), "application/json", "{\"a\": 1}");
        assert_eq!(
            shown(&json),
            json!({"branch": "main", "payload": {"a": 1}, "type": "push", "id": "gh:1", "source": "gh"})
        );
        let form = "application/x-www-form-urlencoded; charset=utf-8";
        let form =
            event(json!({"payload": null}), form, "x=1&payload=%7B%22a%22%3A+%22%C3%BC%25%22%7D");
        assert_eq!(data(&form), json!({"payload": {"a": "ü%"}}));
        let own = event(json!({"data": 7}), "application/json", "{}");
        assert_eq!(data(&own), json!({"data": 7}));
        assert_eq!(data(&event(json!({"payload": null}), "x", "%")), json!({"payload": null}));
    }
}
