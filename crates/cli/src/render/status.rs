//! What goes on in a data folder, as text.

use api::system::Status;
use jiff::Timestamp;

use crate::error::Result;
use crate::output::table::{Choice, Table};
use crate::render::runs;
use crate::terminal::Palette;
use crate::words;

pub fn text(
    status: &Status,
    owned_elsewhere: bool,
    now: Timestamp,
    choice: &Choice,
    palette: Palette,
) -> Result<String> {
    let mut out = String::new();
    if owned_elsewhere {
        let what = match status.role.as_str() {
            "serve" => "server",
            "run" => "foreground run",
            _ => "background driver",
        };
        let address = match &status.address {
            Some(address) => format!(" at {address}"),
            None => String::new(),
        };
        out += &format!(
            "{} {} (process {}){address}, up {}, {}/{} slots used\n",
            palette.bold("orchestrate"),
            what,
            status.pid,
            words::age(status.uptime_ms),
            status.slots.used,
            status.slots.total,
        );
    }
    out += &format!(
        "data: {} ({}, schema {})\n",
        status.data_dir,
        words::bytes(status.storage.bytes),
        status.storage.schema
    );
    out += &rollout(status, palette);
    if !status.storage.ok {
        out += &format!("{} {}\n", palette.error("storage:"), status.storage.problem);
    }
    if status.live.is_empty() && status.recent.is_empty() {
        out += "no runs yet; try: orchestrate run FILE\n";
        return Ok(out);
    }
    out += &section("running", runs::table(&status.live, now), &status.live, choice, palette)?;
    out += &section("finished", runs::table(&status.recent, now), &status.recent, choice, palette)?;
    Ok(out)
}

/// Nothing while all is as it is before anybody has switched.
fn rollout(status: &Status, palette: Palette) -> String {
    let Some(view) = &status.rollout else { return String::new() };
    let mut parts = vec![palette.bold(&view.mode), view.orchestration.clone()];
    if let Some(draining) = &view.draining {
        parts.push(draining.says.clone());
    }
    if !view.busy.is_empty() {
        parts.push(format!("{} busy", view.busy.len()));
    }
    if view.version == 0 { String::new() } else { format!("rollout: {}\n", parts.join(", ")) }
}

fn section<T>(
    title: &str,
    table: Table,
    rows: &[T],
    choice: &Choice,
    palette: Palette,
) -> Result<String> {
    if rows.is_empty() {
        return Ok(format!("\n{title}: none\n"));
    }
    let choice = Choice { indent: 2, ..choice.clone() };
    Ok(format!("\n{title}:\n{}", table.text(&choice, palette)?))
}
