//! Reading and writing files of the workspace.

use serde_json::Value as Json;

use super::output::SIDE;
use super::place::Place;

const LISTED: usize = 1000;

fn text<'a>(input: &'a Json, key: &str) -> &'a str {
    input[key].as_str().unwrap_or_default()
}

pub(super) fn read(place: &Place, input: &Json) -> Result<String, String> {
    let path = text(input, "path");
    let content = utf8(path, place.read(path)?)?;
    let first = usize::try_from(input["offset"].as_u64().unwrap_or(1)).unwrap_or(usize::MAX);
    let limit = input["limit"].as_u64().map_or(usize::MAX, |n| n.try_into().unwrap_or(usize::MAX));
    let total = content.lines().count();
    if first > total.max(1) {
        return Err(format!("`{path}` has {total} lines"));
    }
    let mut shown = String::new();
    let mut lines = 0;
    for line in content.split_inclusive('\n').skip(first - 1).take(limit) {
        if shown.len() + line.len() > 2 * SIDE && !shown.is_empty() {
            break;
        }
        shown.push_str(line);
        lines += 1;
    }
    let next = first + lines;
    if next <= total {
        shown.push_str(&format!("\n[lines {first} to {} of {total}]", next - 1));
    }
    Ok(shown)
}

pub(super) fn list(place: &Place, input: &Json) -> Result<String, String> {
    let mut names = place.list(input["path"].as_str().unwrap_or("."))?;
    let more = names.len().saturating_sub(LISTED);
    names.truncate(LISTED);
    if more > 0 {
        names.push(format!("[and {more} more]"));
    }
    Ok(if names.is_empty() { "(empty)".to_owned() } else { names.join("\n") })
}

pub(super) fn write(place: &Place, input: &Json) -> Result<String, String> {
    let (path, content) = (text(input, "path"), text(input, "content"));
    let verb = if place.write(path, content.as_bytes())? { "replaced" } else { "made" };
    Ok(format!("{verb} `{path}`: {} bytes", content.len()))
}

pub(super) fn edit(place: &Place, input: &Json) -> Result<String, String> {
    let (path, old, new) = (text(input, "path"), text(input, "old"), text(input, "new"));
    let content = utf8(path, place.read(path)?)?;
    let found = content.matches(old).count();
    let all = input["all"].as_bool().unwrap_or(false);
    match found {
        0 => return Err(format!("`old` does not stand in `{path}`; read it again")),
        1 => {}
        _ if all => {}
        _ => {
            return Err(format!(
                "`old` stands {found} times in `{path}`; give more of what is around it, or `all`"
            ));
        }
    }
    place.write(path, content.replace(old, new).as_bytes())?;
    Ok(format!("changed `{path}` in {found} places"))
}

fn utf8(path: &str, bytes: Vec<u8>) -> Result<String, String> {
    let size = bytes.len();
    String::from_utf8(bytes).map_err(|_| format!("`{path}` is no text ({size} bytes)"))
}
