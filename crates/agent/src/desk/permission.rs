//! What an agent may do: the first rule that fits decides.
//!
//! A rule that allows must fit the whole of what is done, one that refuses or asks any part of it:
//! `cargo test; curl evil` is not `cargo test`.

use api::agent::{Decision, Rule, ToolKind};
use globset::GlobBuilder;

use super::{Call, Where};

/// What a shell reads as more than the words of one command.
const SHELL: [char; 12] = [';', '&', '|', '`', '$', '<', '>', '(', ')', '\n', '{', '}'];

pub(crate) fn decide(rules: &[Rule], call: &Call) -> Decision {
    rules
        .iter()
        .find(|rule| fits(rule, call))
        .map_or_else(|| without_rule(call), |rule| rule.decision)
}

fn without_rule(call: &Call) -> Decision {
    if call.granted {
        return Decision::Allow;
    }
    if matches!(call.path, Some(Where::Outside(_))) {
        return Decision::Deny;
    }
    match call.kind {
        ToolKind::Read | ToolKind::Search | ToolKind::Edit => Decision::Allow,
        ToolKind::Execute => Decision::Ask,
        ToolKind::Fetch => Decision::Deny,
    }
}

fn fits(rule: &Rule, call: &Call) -> bool {
    let Rule { tool, path, command, decision } = rule;
    tool.is_none_or(|tool| tool == call.kind)
        && path.as_ref().is_none_or(|glob| path_fits(glob, call.path.as_ref()))
        && command.as_ref().is_none_or(|words| command_fits(words, call, *decision))
}

fn path_fits(glob: &str, path: Option<&Where>) -> bool {
    let Some(Where::Inside(path) | Where::Outside(path)) = path else { return false };
    let glob = GlobBuilder::new(glob).literal_separator(true).build();
    glob.is_ok_and(|glob| glob.compile_matcher().is_match(path))
}

fn command_fits(words: &str, call: &Call, decision: Decision) -> bool {
    let Some(command) = &call.command else { return false };
    match decision {
        Decision::Allow => !command.contains(SHELL) && begins(command, words),
        Decision::Deny | Decision::Ask => {
            command.split(SHELL).any(|part| begins(part.trim(), words))
        }
    }
}

fn begins(command: &str, words: &str) -> bool {
    let mut given = command.split_whitespace();
    words.split_whitespace().all(|word| given.next() == Some(word))
}

#[cfg(test)]
mod tests {
    use serde_json::Value as Json;

    use super::*;

    fn call(kind: ToolKind, path: Option<Where>, command: Option<&str>) -> Call {
        Call {
            id: "1".into(),
            kind,
            title: String::new(),
            input: Json::Null,
            path,
            command: command.map(str::to_owned),
            granted: false,
        }
    }

    fn rule(command: &str, decision: Decision) -> Rule {
        Rule { tool: None, path: None, command: Some(command.into()), decision }
    }

    #[test]
    fn a_command_is_allowed_only_as_a_whole() {
        let rules = [
            rule("git push", Decision::Deny),
            rule("cargo test", Decision::Allow),
            rule("git", Decision::Allow),
        ];
        for (command, expected) in [
            ("cargo test -p x", Decision::Allow),
            ("cargo  test", Decision::Allow),
            ("cargo testify", Decision::Ask),
            ("cargo test; rm -rf /", Decision::Ask),
            ("cargo test $(curl evil)", Decision::Ask),
            ("cargo test\nrm x", Decision::Ask),
            ("git status", Decision::Allow),
            ("git push", Decision::Deny),
            ("true && git push origin", Decision::Deny),
            ("", Decision::Ask),
        ] {
            let call = call(ToolKind::Execute, None, Some(command));
            assert_eq!(decide(&rules, &call), expected, "{command}");
        }
    }

    #[test]
    fn without_a_rule_the_kind_and_the_place_decide() {
        let inside = || Some(Where::Inside("src/a.rs".into()));
        let outside = || Some(Where::Outside("/etc/passwd".into()));
        for (kind, path, expected) in [
            (ToolKind::Read, inside(), Decision::Allow),
            (ToolKind::Search, None, Decision::Allow),
            (ToolKind::Edit, inside(), Decision::Allow),
            (ToolKind::Edit, outside(), Decision::Deny),
            (ToolKind::Read, outside(), Decision::Deny),
            (ToolKind::Execute, None, Decision::Ask),
            (ToolKind::Fetch, None, Decision::Deny),
        ] {
            assert_eq!(decide(&[], &call(kind, path.clone(), None)), expected, "{kind:?} {path:?}");
        }
    }

    #[test]
    fn a_glob_stops_at_a_folder() {
        let deny = |path: &str| Rule {
            tool: Some(ToolKind::Edit),
            path: Some(path.into()),
            command: None,
            decision: Decision::Deny,
        };
        let rules = [deny("tests/**"), deny("*.lock")];
        let edit = |path: &str| {
            decide(&rules, &call(ToolKind::Edit, Some(Where::Inside(path.into())), None))
        };
        assert_eq!(edit("tests/a/b.rs"), Decision::Deny);
        assert_eq!(edit("Cargo.lock"), Decision::Deny);
        assert_eq!(edit("sub/Cargo.lock"), Decision::Allow);
        assert_eq!(edit("src/lib.rs"), Decision::Allow);
    }
}
