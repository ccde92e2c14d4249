//! The page of docs/reference about settings, made from the table.

use std::fmt::Write as _;

use super::{Kind, SETTINGS, Setting};

const HEAD: &str = "\
# Settings

Made by `orchestrate reference` from the program itself.

A value comes from a flag, else from the environment, else from `config.yaml` of the data folder,
else it is the default. `orchestrate config show --sources` says which; `orchestrate config check`
reads the file and says everything that is wrong with it; `GET /api/config` is the same of a running
server. Secrets are never shown, only whether they are set.

`config.yaml` is read again when it was changed (and on SIGHUP, which also says so in the log).
Settings marked *read at start* take effect with the next start. The sections are maps:

```yaml
server: {listen: \"127.0.0.1:7070\", slots: 8}
logs: {format: json, file: logs/server.log}
retention: {runs_days: 90, output_days: 30, workspaces_days: 7}
```

What is no single value has its own key in the file and its own page: `users`, `groups`,
`environments`, `config`, `artifacts`, and those of events from outside, notices and accounts.
";

/// `config.md`
pub fn page() -> String {
    let mut page = HEAD.to_owned();
    let mut section = "";
    for setting in SETTINGS {
        let of = setting.name.split_once('.').map_or("", |(section, _)| section);
        if of != section || page.len() == HEAD.len() {
            section = of;
            let title = if of.is_empty() { "Where data is" } else { of };
            // Writing to a `String` cannot fail.
            let _ = write!(page, "\n## {title}\n");
        }
        describe(setting, &mut page);
    }
    page
}

fn describe(setting: &Setting, page: &mut String) {
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "none".to_owned());
    let env: Vec<String> = setting.env.iter().map(|name| format!("`{name}`")).collect();
    let words = match setting.kind {
        Kind::Word(words) => {
            words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(" or ")
        }
        kind => kind.words(),
    };
    let _ = write!(page, "\n### `{}`\n\n{}\n\n", setting.name, setting.doc);
    let _ = writeln!(page, "- value: {words}");
    let _ = writeln!(page, "- default: {}", or_none(setting.default.map(|d| format!("`{d}`"))));
    let _ = writeln!(page, "- flag: {}", or_none(setting.flag.map(|f| format!("`{f}`"))));
    let _ = writeln!(page, "- environment: {}", or_none((!env.is_empty()).then(|| env.join(", "))));
    let _ = writeln!(page, "- in `config.yaml`: {}", if setting.file { "yes" } else { "no" });
}
