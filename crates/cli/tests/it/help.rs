//! What `--help` says, and that the reference says it too.

use clap::CommandFactory as _;
use cli::args::Cli;
use cli::commands::reference;

#[test]
fn every_command_explains_itself() {
    let mut root = Cli::command().term_width(100);
    root.build();
    let mut text = root.render_help().to_string();
    let mut todo: Vec<(String, clap::Command)> = vec![("orchestrate".into(), root)];
    while let Some((path, command)) = todo.pop() {
        let mut below: Vec<_> = command
            .get_subcommands()
            .filter(|sub| !sub.is_hide_set() && sub.get_name() != "help")
            .map(|sub| (format!("{path} {}", sub.get_name()), sub.clone().term_width(100)))
            .collect();
        below.reverse();
        todo.extend(below);
        if path != "orchestrate" {
            let mut command = command;
            let help = command.render_long_help().to_string();
            // The global options are in the first text.
            let own = help.split("\nGlobal options:").next().unwrap_or_default();
            let examples = help.split("Examples:").nth(1).map(|rest| format!("\nExamples:{rest}"));
            text += &format!("\n=== {path}\n{}\n", own.trim_end());
            text += examples.unwrap_or_default().trim_end();
            text.push('\n');
        }
    }
    insta::assert_snapshot!(text);
}

#[test]
fn the_reference_has_a_page_for_each_thing() {
    let pages = reference::pages();
    let cli = &pages["cli.md"];
    for heading in
        ["### `orchestrate run`", "#### `orchestrate runs retry`", "`-o, --output <FORM>`"]
    {
        assert!(cli.contains(heading), "{heading}");
    }
    for hidden in ["keeper", "orchestrate drive", "orchestrate reference <"] {
        assert!(!cli.contains(hidden), "{hidden}");
    }
    assert!(pages["errors/E0201.md"].contains("# E0201"));
    let schema: serde_json::Value = serde_json::from_str(&pages["pipeline.schema.json"]).unwrap();
    assert!(schema["$schema"].is_string());
}

#[test]
fn the_arguments_hold_together() {
    Cli::command().debug_assert();
}
