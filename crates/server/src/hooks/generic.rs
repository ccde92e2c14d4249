//! Whoever signs a JSON object with a shared secret.

use serde_json::Value as Json;
use store::port::GivenEvent;

use super::{Received, Unreadable, facts, is_word};

pub(super) fn read(received: &Received<'_>) -> Result<Vec<GivenEvent>, Unreadable> {
    let generic = &received.source.generic;
    let data = received.map(false)?;
    let said = |key: &str| data.get(key).and_then(Json::as_str);
    let kind = received.header(&generic.type_header).or_else(|| said("type"));
    let Some(kind) = kind.or(generic.event.as_deref()) else {
        return Err(Unreadable::Wrong(format!(
            "nothing says what happened: send the header `{}` or `type` in the body, or set \
             `event:` for this source",
            generic.type_header
        )));
    };
    if !is_word(kind) {
        return Err(Unreadable::Wrong(
            "the type has to be 1 to 256 characters without spaces at its ends".into(),
        ));
    }
    let id = received.header(&generic.id_header).or_else(|| said("id"));
    let (facts, tag) = facts(&data);
    Ok(vec![GivenEvent {
        id: received.id(id),
        kind: kind.to_owned(),
        source: received.name.to_owned(),
        by: received.name.to_owned(),
        facts,
        tag,
        delivery: Some(received.delivery()),
        data,
        ..GivenEvent::default()
    }])
}
