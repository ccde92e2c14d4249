//! Files that a stage leaves, and those of others that it wants.

use super::fields::Fields;
use super::names::shorten;
use super::read::Reader;
use super::{AuthoredContext, ContextRun, Named, Placed};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::Artifact;
use crate::source::Span;
use crate::vocabulary::{ARTIFACT, FORMATS};
use crate::yaml::{Entry, Kind};

/// 100 MiB.
const MAX_BYTES: u64 = 100 * 1024 * 1024;

/// Endings of file names, and what such a file is.
const ENDINGS: [(&str, &str); 15] = [
    ("json", "json"),
    ("md", "md"),
    ("markdown", "md"),
    ("txt", "txt"),
    ("log", "txt"),
    ("html", "html"),
    ("htm", "html"),
    ("csv", "csv"),
    ("py", "py"),
    ("mmd", "mermaid"),
    ("mermaid", "mermaid"),
    ("png", "png"),
    ("jpg", "jpeg"),
    ("jpeg", "jpeg"),
    ("svg", "svg"),
];

impl Reader<'_> {
    pub(super) fn artifacts(&mut self, fields: &Fields<'_>) -> Named<Artifact> {
        let Some(node) = fields.node("artifacts") else { return Vec::new() };
        let Kind::Map(entries) = &node.kind else {
            self.wrong_type("`artifacts`", "a map of names to paths", node);
            return Vec::new();
        };
        let mut artifacts = Vec::with_capacity(entries.len());
        for entry in entries {
            let name = self.artifact_name(&entry.key, entry.key_span);
            let artifact = self.artifact(entry);
            artifacts.extend(name.zip(artifact));
        }
        artifacts
    }

    /// A path, or a map.
    fn artifact(&mut self, entry: &Entry) -> Option<Artifact> {
        if !matches!(entry.value.kind, Kind::Map(_)) {
            let path = self.text(&entry.value, &format!("the path of `{}`", entry.key))?;
            let path = self.below(path, entry.value.span)?;
            return Some(Artifact {
                format: format_of(&path).to_owned(),
                path,
                description: String::new(),
                required: true,
                schema: None,
                max_bytes: MAX_BYTES,
            });
        }
        let fields = self.fields(&entry.value, &format!("artifact `{}`", entry.key), &ARTIFACT)?;
        let path = fields.text("path", self).and_then(|path| self.below(path.value, path.span));
        let format = fields.choice("format", self).map(|choice| FORMATS[choice.value]);
        let schema = self.schema(&fields, "schema");
        let max_bytes = fields.integer("max_bytes", self);
        let required = fields.boolean("required", self);
        let description = fields.text("description", self);
        let path = path?;
        let format = format.unwrap_or_else(|| format_of(&path));
        if let Some(entry) = fields.get("schema").filter(|_| format != "json") {
            let message = format!("a schema for an artifact that is `{format}`");
            self.push(
                Diagnostic::new(Code::CONFLICTING_KEYS, entry.key_span, message)
                    .help("only `format: json` has one"),
            );
        }
        Some(Artifact {
            path,
            description: description.map_or_else(String::new, |text| text.value),
            format: format.to_owned(),
            required: required.unwrap_or(true),
            schema,
            max_bytes: max_bytes.map_or(MAX_BYTES, |most| u64::from(most.value)),
        })
    }

    /// A path that stays below the working directory whatever is there.
    fn below(&mut self, path: String, span: Span) -> Option<String> {
        let wrong = if path.is_empty() || path.ends_with('/') {
            Some("names no file")
        } else if path.starts_with('/') || path.split('/').any(|part| part == "..") {
            Some("leaves the working directory")
        } else if path.contains("${") {
            Some("holds a reference")
        } else if path.contains('\\') || path.chars().any(char::is_control) {
            Some("holds a character that no path should have")
        } else if path.len() > 1024 || path.split('/').any(|part| part.len() > 255) {
            Some("is too long")
        } else if path.split('/').any(|part| part.is_empty() || part == ".") {
            Some("has a segment that means nothing")
        } else {
            None
        };
        let Some(wrong) = wrong else { return Some(path) };
        let message = format!("`{}` {wrong}", shorten(&path));
        self.push(
            Diagnostic::new(Code::BAD_PATH, span, message)
                .help("a path below the working directory, such as `out/report.json`"),
        );
        None
    }

    /// `@plan`, `@prev`, `@prev/plan`, `@v2/plan`: one, or a list.
    pub(super) fn context(&mut self, fields: &Fields<'_>) -> Vec<Placed<AuthoredContext>> {
        let Some(node) = fields.node("context") else { return Vec::new() };
        let mut wanted: Vec<Placed<AuthoredContext>> = Vec::new();
        for item in self.one_or_many(node) {
            let Some(written) = self.text(item, "an entry of `context`") else { continue };
            let Some(context) = read_context(&written) else {
                let message = format!("`{}` names no artifacts", shorten(&written));
                self.push(Diagnostic::new(Code::BAD_CONTEXT, item.span, message).help(
                    "write `@stage` for this run, `@prev` or `@prev/stage` for the run that \
                     this one extends, `@v2/stage` for that run",
                ));
                continue;
            };
            if wanted.iter().any(|other| other.value.written == written) {
                let message = format!("`{written}` is named twice in `context`");
                self.push(
                    Diagnostic::new(Code::BAD_CONTEXT, item.span, message)
                        .help("remove one of them"),
                );
            }
            wanted.push(Placed::new(context, item.span));
        }
        wanted
    }
}

fn read_context(written: &str) -> Option<AuthoredContext> {
    let path = written.strip_prefix('@')?;
    let (first, stage) = match path.split_once('/') {
        Some((first, stage)) => (first, Some(stage)),
        None => (path, None),
    };
    let run = match (first, version(first)) {
        ("prev", _) => ContextRun::Previous,
        (_, Some(number)) => ContextRun::Version(number),
        (_, None) if stage.is_none() => ContextRun::This,
        (_, None) => return None,
    };
    let stage = if run == ContextRun::This { Some(first) } else { stage };
    if stage.is_some_and(str::is_empty) {
        return None;
    }
    Some(AuthoredContext { written: written.to_owned(), run, stage: stage.map(str::to_owned) })
}

/// `v2`
fn version(word: &str) -> Option<u64> {
    let digits = word.strip_prefix('v')?;
    let plain = digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
    digits.parse().ok().filter(|_| plain)
}

/// By the ending of the name; what is not known is `binary`.
fn format_of(path: &str) -> &'static str {
    let name = path.rsplit('/').next().unwrap_or(path);
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending).to_ascii_lowercase();
    ENDINGS.iter().find(|(known, _)| *known == ending).map_or("binary", |(_, format)| format)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_says_what_it_is() {
        for (path, format) in [
            ("out/a.json", "json"),
            ("A.MD", "md"),
            ("x.tar.gz", "binary"),
            ("a.b/c", "binary"),
            ("graph.svg", "svg"),
            (".json", "json"),
            ("photo.JPG", "jpeg"),
        ] {
            assert_eq!(format_of(path), format, "{path}");
            assert!(FORMATS.contains(&format));
        }
        assert!(ENDINGS.iter().all(|(_, format)| FORMATS.contains(format)));
    }

    #[test]
    fn context_is_read_or_refused() {
        let of = |written| {
            read_context(written).map(|context| (context.run, context.stage.unwrap_or_default()))
        };
        assert_eq!(of("@plan"), Some((ContextRun::This, "plan".into())));
        assert_eq!(of("@prev"), Some((ContextRun::Previous, String::new())));
        assert_eq!(of("@prev/plan"), Some((ContextRun::Previous, "plan".into())));
        assert_eq!(of("@v12/plan"), Some((ContextRun::Version(12), "plan".into())));
        assert_eq!(of("@v2"), Some((ContextRun::Version(2), String::new())));
        for wrong in ["plan", "@", "@prev/", "@plan/x", "", "@v2/", "@v99999999999999999999999/a"] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
    }
}
