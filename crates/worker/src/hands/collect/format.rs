//! Whether content is what it is declared to be.

use std::fs::File;
use std::io::{BufReader, Read};

use blobs::Staged;
use jsonschema::{Draft, PatternOptions};
use serde::de::IgnoredAny;
use serde_json::Value as Json;

/// A larger document would take too much memory to be held against a schema.
const CHECKED_BYTES: u64 = 32 << 20;
/// At most so many violations of a schema are told.
const SHOWN: usize = 10;
/// So much of a text is looked at for what it is.
const HEAD: usize = 4 << 10;
const PATTERN_BYTES: usize = 1 << 20;

/// Checks a copy that nobody else can change. The problem fits after the artifact's name.
pub(super) fn check(
    format: &str,
    schema: Option<&Json>,
    staged: &mut Staged,
) -> Result<(), String> {
    let bytes = staged.bytes();
    let file = staged.content().map_err(|error| format!("cannot be read again: {error}"))?;
    match format {
        "json" => json(file, bytes, schema),
        "txt" | "md" | "csv" | "html" | "py" | "mermaid" => text(file).map(drop),
        "svg" => {
            let head = text(file)?;
            if head.contains("<svg") { Ok(()) } else { Err("is no SVG: it has no `<svg`".into()) }
        }
        "png" => magic(file, b"\x89PNG\r\n\x1a\n", "PNG"),
        "jpeg" => magic(file, b"\xff\xd8\xff", "JPEG"),
        "binary" => Ok(()),
        other => Err(format!("has the format `{other}`, which is not known here")),
    }
}

fn json(file: &File, bytes: u64, schema: Option<&Json>) -> Result<(), String> {
    let invalid = |error: serde_json::Error| format!("is no JSON: {error}");
    let reader = BufReader::new(file);
    let Some(schema) = schema else {
        return serde_json::from_reader::<_, IgnoredAny>(reader).map(drop).map_err(invalid);
    };
    if bytes > CHECKED_BYTES {
        let most = CHECKED_BYTES;
        return Err(format!("has {bytes} bytes: with a schema, at most {most} are allowed"));
    }
    let value: Json = serde_json::from_reader(reader).map_err(invalid)?;
    // As the language compiles it: nothing is fetched, no pattern runs for long.
    let validator = jsonschema::options()
        .with_draft(Draft::Draft202012)
        .with_pattern_options(PatternOptions::regex().size_limit(PATTERN_BYTES))
        .offline()
        .build(schema)
        .map_err(|error| format!("cannot be checked, its schema is invalid: {error}"))?;
    let violations: Vec<String> = validator
        .iter_errors(&value)
        .take(SHOWN)
        .map(|error| {
            let path = error.instance_path().to_string();
            let place = if path.is_empty() { "/" } else { &path };
            format!("at `{place}`: {}", excerpt(&error.to_string()))
        })
        .collect();
    match violations.is_empty() {
        true => Ok(()),
        false => Err(format!("breaks its schema {}", violations.join(", "))),
    }
}

/// Messages quote the value, which may be large.
fn excerpt(message: &str) -> String {
    match message.char_indices().nth(300) {
        None => message.to_owned(),
        Some((end, _)) => format!("{}...", &message[..end]),
    }
}

/// Reads all of it, which has to be UTF-8; its beginning.
fn text(mut file: &File) -> Result<String, String> {
    let mut chunk = vec![0; 128 << 10];
    let (mut held, mut place, mut head) = (0, 0_u64, String::new());
    loop {
        let count = match file.read(&mut chunk[held..]) {
            Ok(count) => count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(format!("cannot be read again: {error}")),
        };
        let whole = held + count;
        let valid = match std::str::from_utf8(&chunk[..whole]) {
            Ok(_) => whole,
            // A character that is cut in two, if more comes.
            Err(error) if error.error_len().is_none() && count > 0 => error.valid_up_to(),
            Err(error) => {
                let byte = place + error.valid_up_to() as u64;
                return Err(format!("is not UTF-8: byte {byte} is not"));
            }
        };
        if place == 0 {
            let text = String::from_utf8_lossy(&chunk[..valid.min(HEAD)]);
            head.push_str(&text);
        }
        if count == 0 {
            return Ok(head);
        }
        chunk.copy_within(valid..whole, 0);
        held = whole - valid;
        place += valid as u64;
    }
}

fn magic(mut file: &File, magic: &[u8], name: &str) -> Result<(), String> {
    let mut head = vec![0; magic.len()];
    match file.read_exact(&mut head) {
        Ok(()) if head == magic => Ok(()),
        Ok(()) | Err(_) => Err(format!("is no {name}: it does not begin like one")),
    }
}
