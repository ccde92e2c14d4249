//! What a definition names and does not hold itself: agents and loop types, which lie in files, and
//! templates of prompts, which others fill in. Whoever knows those brings them along.

use crate::diagnostic::{Code, Diagnostic, Severity, nearest};
use crate::parsed::Parsed;
use crate::source::Span;

/// So many names are listed when one of them is meant and none is near.
const FEW: usize = 24;

/// What is known around a definition.
#[derive(Clone, Debug)]
pub struct Elsewhere {
    /// Names, in any order.
    pub agents: Vec<String>,
    pub loop_types: Vec<String>,
    /// Where nobody could look, in words; empty: whatever counts is known.
    pub unseen: &'static str,
    /// What is wrong with the template of a loop's prompt.
    pub template: fn(&str) -> Result<(), String>,
}

impl Elsewhere {
    /// Only what is built in; templates are taken as they are.
    pub fn built_in() -> Self {
        Self {
            agents: crate::agent::built_in_agents().map(|(name, _)| name.to_owned()).collect(),
            loop_types: crate::agent::built_in_loops().map(|(name, _)| name.to_owned()).collect(),
            unseen: "",
            template: |_| Ok(()),
        }
    }
}

/// What a definition names, with its places.
#[derive(Clone, Debug, Default)]
pub(crate) struct Named {
    pub(crate) uses: Vec<Use>,
    /// Its own.
    pub(crate) agents: Vec<String>,
    pub(crate) loop_types: Vec<String>,
    pub(crate) prompts: Vec<(String, Span)>,
}

#[derive(Clone, Debug)]
pub(crate) struct Use {
    pub(crate) kind: UseKind,
    pub(crate) name: String,
    pub(crate) span: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UseKind {
    Agent,
    LoopType,
}

impl Parsed {
    /// The same with what does not fit to `known`: names that nobody has are doubtful, because their
    /// files are looked for when a stage starts; templates that cannot be filled in are mistakes.
    #[must_use]
    pub fn among(mut self, known: &Elsewhere) -> Self {
        let mut found: Vec<Diagnostic> =
            self.named.uses.iter().filter_map(|of| self.named.unknown(of, known)).collect();
        for (text, span) in &self.named.prompts {
            if let Err(problem) = (known.template)(text) {
                let message = format!("the prompt of this loop cannot be filled in: {problem}");
                found.push(Diagnostic::new(Code::BAD_AGENT, *span, message).help(
                    "it is a template: `{{ task }}`, `{{ iteration }}`, `{% if notes %}...{% endif %}`",
                ));
            }
        }
        if found.iter().any(|found| found.severity == Severity::Error) {
            self.pipeline = None;
        }
        if !found.is_empty() {
            self.diagnostics.extend(found);
            self.diagnostics.sort_by_key(|found| (found.span.start, found.severity, found.code));
            self.diagnostics.dedup();
        }
        self
    }
}

impl Named {
    fn unknown(&self, of: &Use, known: &Elsewhere) -> Option<Diagnostic> {
        let (what, own, others) = match of.kind {
            UseKind::Agent => ("agent", &self.agents, &known.agents),
            UseKind::LoopType => ("loop type", &self.loop_types, &known.loop_types),
        };
        let mut names: Vec<&str> = own.iter().chain(others).map(String::as_str).collect();
        if names.contains(&of.name.as_str()) {
            return None;
        }
        let help = match nearest(&of.name, names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => {
                names.sort_unstable();
                names.dedup();
                let more = if names.len() > FEW { ", …" } else { "" };
                format!("there are: {}{more}", names[..names.len().min(FEW)].join(", "))
            }
        };
        let label = if known.unseen.is_empty() { "nobody has this name" } else { known.unseen };
        let message = format!("there is no {what} `{}` here", of.name);
        Some(Diagnostic::new(Code::UNKNOWN_AGENT, of.span, message).label(label).help(help))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "name: p
agents:
  critic: {extends: reviever}
loop_types:
  mine: {prompt: '{{ tusk }}', agent: critic}
stages:
  - {name: a, agent: critik, task: x}
  - {name: b, loop: ralp, task: x}
  - {name: c, loop: {type: mine, agent: somebody}, task: x}
  - {name: d, discussion: {members: [architect, critic], chair: boss}, task: x}
  - {name: e, meta_agent: {planner: architekt, fallback: mine-own}, task: x}
  - {name: f, agent: {extends: none-such, prompt: x}, task: x}
  - {name: g, run: make, rollback: {agent: undoer, task: x}}
";

    #[test]
    fn every_name_that_nobody_has_is_told_at_its_place() {
        let mut known = Elsewhere::built_in();
        known.agents.push("somebody".into());
        let parsed = crate::parse(TEXT);
        assert!(parsed.pipeline.is_some(), "{}", parsed.rendered("p", false));
        let parsed = parsed.among(&known);
        let told: Vec<(&str, &str)> = parsed
            .diagnostics
            .iter()
            .filter(|found| found.code == Code::UNKNOWN_AGENT)
            .map(|found| (&TEXT[found.span.start..found.span.end], found.help.as_str()))
            .collect();
        let names: Vec<&str> = told.iter().map(|(name, _)| *name).collect();
        assert_eq!(
            names,
            ["reviever", "critik", "ralp", "boss", "architekt", "mine-own", "none-such", "undoer"]
        );
        assert_eq!(told[0].1, "did you mean `reviewer`?");
        assert_eq!(told[1].1, "did you mean `critic`?");
        assert_eq!(told[2].1, "did you mean `ralph`?");
        assert!(told[3].1.starts_with("there are: architect, critic, implementer"), "{told:?}");
        assert!(parsed.pipeline.is_some(), "a file may be there when the stage starts");
    }

    #[test]
    fn a_template_that_cannot_be_filled_in_is_a_mistake() {
        let known = Elsewhere {
            template: |text| match text.contains("tusk") {
                true => Err("line 1: undefined value".into()),
                false => Ok(()),
            },
            unseen: "the server may have it",
            ..Elsewhere::built_in()
        };
        let parsed = crate::parse(TEXT).among(&known);
        assert!(parsed.pipeline.is_none());
        let told = parsed.rendered("p", false);
        assert!(told.contains("cannot be filled in: line 1: undefined value"), "{told}");
        assert!(told.contains("the server may have it"), "{told}");
    }
}
