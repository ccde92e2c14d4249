//! Events of a journal.

use api::run::EventView;
use engine::event::Stamped;
use engine::id::RunId;
use serde_json::Value as Json;
use store::port::EventRow;

pub(crate) fn of_row(row: &EventRow) -> EventView {
    view(row.run, row.seq, &row.event, &row.hash)
}

pub(crate) fn view(run: RunId, seq: u64, stamped: &Stamped, hash: &str) -> EventView {
    let mut body = serde_json::to_value(&stamped.event).unwrap_or(Json::Null);
    if let Some(fields) = body.as_object_mut() {
        // It is the kind.
        fields.shift_remove("type");
    }
    EventView {
        run: run.to_string(),
        seq,
        at: stamped.at,
        kind: stamped.event.name().to_owned(),
        body,
        hash: hash.to_owned(),
    }
}
