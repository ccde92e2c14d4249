//! Finding files and lines in the workspace.

use globset::{GlobBuilder, GlobMatcher};
use regex::RegexBuilder;
use serde_json::Value as Json;

use super::place::Place;

const SHOWN: usize = 200;
const SHOWN_CHARS: usize = 300;
/// What is larger is no source that somebody wrote.
const SEARCHED: usize = 2 << 20;

pub(super) fn glob(place: &Place, input: &Json) -> Result<String, String> {
    let fits = matcher(input["pattern"].as_str().unwrap_or_default())?;
    let (mut found, cut) = below(place, input)?;
    found.retain(|(_, below)| fits.is_match(below));
    Ok(shown(found.into_iter().map(|(path, _)| path).collect(), cut))
}

pub(super) fn grep(place: &Place, input: &Json) -> Result<String, String> {
    let pattern = input["pattern"].as_str().unwrap_or_default();
    let pattern = RegexBuilder::new(pattern)
        .size_limit(1 << 20)
        .build()
        .map_err(|error| format!("the pattern is no regular expression: {error}"))?;
    let fits = input["glob"].as_str().map(matcher).transpose()?;
    let (files, cut) = below(place, input)?;
    let mut lines = Vec::new();
    for (path, below) in files {
        if fits.as_ref().is_some_and(|fits| !fits.is_match(&below)) {
            continue;
        }
        // One that vanished meanwhile, or that is no text, has no lines.
        let Ok(bytes) = place.read(&path) else { continue };
        if bytes.len() > SEARCHED || bytes.contains(&0) {
            continue;
        }
        let text = String::from_utf8_lossy(&bytes);
        for (number, line) in text.lines().enumerate().filter(|(_, line)| pattern.is_match(line)) {
            let line: String = line.chars().take(SHOWN_CHARS).collect();
            lines.push(format!("{path}:{}: {line}", number + 1));
        }
        if lines.len() > SHOWN {
            break;
        }
    }
    Ok(shown(lines, cut))
}

/// Files with their path in the workspace and below the folder that is searched.
fn below(place: &Place, input: &Json) -> Result<(Vec<(String, String)>, bool), String> {
    let folder = input["path"].as_str().unwrap_or(".");
    let (files, cut) = place.walk(folder)?;
    let prefix = place.real(folder).unwrap_or_default();
    let below = |path: &str| {
        let rest = path.strip_prefix(&prefix).unwrap_or(path);
        rest.trim_start_matches('/').to_owned()
    };
    Ok((files.into_iter().map(|path| (path.clone(), below(&path))).collect(), cut))
}

fn matcher(pattern: &str) -> Result<GlobMatcher, String> {
    let glob = GlobBuilder::new(pattern).literal_separator(true).build();
    glob.map(|glob| glob.compile_matcher())
        .map_err(|error| format!("the pattern is wrong: {error}"))
}

fn shown(mut lines: Vec<String>, cut: bool) -> String {
    let more = lines.len().saturating_sub(SHOWN);
    lines.truncate(SHOWN);
    if lines.is_empty() {
        lines.push("(nothing found)".to_owned());
    }
    if more > 0 {
        lines.push("[there is more; narrow the search]".to_owned());
    }
    if cut {
        lines.push("[there are more files than can be looked at; name a folder]".to_owned());
    }
    lines.join("\n")
}
