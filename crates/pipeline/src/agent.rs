//! Definitions of agents and loop types: files read, chains of `extends` followed.
//!
//! Where files are looked for is not known here: whoever asks brings a way to find a name.

use crate::model::{Adapter, AgentSpec, AgentUse, LoopSpec, Tuning};
use crate::parsed::digest;

mod built_in;
mod file;
mod write;

pub use built_in::{agents as built_in_agents, loops as built_in_loops};
pub use file::{read, read_adapter, read_loop};
pub use write::{write, write_budget};

pub use crate::authored::is_agent_name as is_name;

/// Longer chains of `extends` are a mistake.
const CHAIN: usize = 8;
/// Does what nobody else was named for.
pub const IMPLEMENTER: &str = "implementer";
/// Leads what nobody else was named for.
pub const SUPERVISOR: &str = "supervisor";

/// What one file, or one entry of a pipeline, says of an agent.
#[derive(Clone, Debug, PartialEq)]
pub struct Definition {
    pub spec: AgentSpec,
    /// Of its text.
    pub digest: String,
    /// What was passed over in it, each a sentence.
    pub notices: Vec<String>,
}

/// What one file, or one entry of a pipeline, says of a loop type.
#[derive(Clone, Debug, PartialEq)]
pub struct LoopDefinition {
    pub spec: LoopSpec,
    pub digest: String,
}

/// An agent of which everything is known.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved {
    /// Extends nothing any more.
    pub spec: AgentSpec,
    /// Of everything that was read for it, so that a change anywhere in the chain is seen.
    pub digest: String,
    pub notices: Vec<String>,
}

impl Definition {
    /// Of an entry of a pipeline, whose identity is what it says.
    pub fn written(spec: &AgentSpec) -> Self {
        let digest = digest(&format!("{spec:?}"));
        Self { spec: spec.clone(), digest, notices: Vec::new() }
    }
}

impl LoopDefinition {
    /// Of an entry of a pipeline, whose identity is what it says.
    pub fn written(spec: &LoopSpec) -> Self {
        Self { digest: digest(&format!("{spec:?}")), spec: spec.clone() }
    }
}

/// Follows `extends` to the end. `name`: what it is called where it does not say. The error is of
/// `find`, or says what is wrong with the chain.
pub fn resolve(
    agent: &AgentUse,
    name: &str,
    find: &mut dyn FnMut(&str) -> Result<Definition, String>,
) -> Result<Resolved, String> {
    let mut seen: Vec<String> = Vec::new();
    let mut digests = String::new();
    let mut notices = Vec::new();
    let mut spec = match agent {
        AgentUse::Named(name) => AgentSpec { extends: Some(name.clone()), ..AgentSpec::default() },
        AgentUse::Written(spec) => {
            digests.push_str(&Definition::written(spec).digest);
            (**spec).clone()
        }
    };
    let named = matches!(agent, AgentUse::Named(_));
    while let Some(next) = spec.extends.take() {
        follow(&mut seen, &next)?;
        let found = find(&next)?;
        digests.push_str(&found.digest);
        notices.extend(found.notices);
        spec = merge(spec, found.spec);
        if named && spec.name.is_empty() {
            spec.name.clone_from(&next);
        }
    }
    if spec.name.is_empty() {
        spec.name = name_of(seen.first().map_or(name, String::as_str));
    }
    if spec.prompt.as_deref().is_none_or(|prompt| prompt.trim().is_empty()) {
        return Err(format!("agent `{}` has no prompt", spec.name));
    }
    // One that was only read keeps the digest of its file.
    let digest = if digests.len() == 64 { digests } else { digest(&digests) };
    Ok(Resolved { spec, digest, notices })
}

/// Follows `extends` to the end, as [`resolve`] does.
pub fn resolve_loop(
    of: &LoopSpec,
    find: &mut dyn FnMut(&str) -> Result<LoopDefinition, String>,
) -> Result<LoopSpec, String> {
    let mut seen = Vec::new();
    let mut spec = of.clone();
    while let Some(next) = spec.extends.take() {
        follow(&mut seen, &next)?;
        spec = merge_loop(spec, find(&next)?.spec);
    }
    Ok(spec)
}

fn follow(seen: &mut Vec<String>, next: &str) -> Result<(), String> {
    seen.push(next.to_owned());
    let again = seen[..seen.len() - 1].iter().any(|name| name == next);
    if again {
        return Err(format!("`{next}` extends itself: {}", seen.join(" -> ")));
    }
    if seen.len() > CHAIN {
        return Err(format!(
            "more than {CHAIN} definitions extend each other: {}",
            seen.join(" -> ")
        ));
    }
    Ok(())
}

/// A name made fit for an agent.
fn name_of(text: &str) -> String {
    let fit = |c: char| match c.to_ascii_lowercase() {
        c @ ('a'..='z' | '0'..='9' | '-') => c,
        _ => '-',
    };
    text.chars().take(64).map(fit).collect()
}

/// Key by key: what is said first, else what stands behind it.
pub fn merge(own: AgentSpec, outer: AgentSpec) -> AgentSpec {
    let mut mcp = own.mcp;
    let known: Vec<String> = mcp.iter().map(|server| server.name.clone()).collect();
    mcp.extend(outer.mcp.into_iter().filter(|server| !known.contains(&server.name)));
    AgentSpec {
        name: if own.name.is_empty() { outer.name } else { own.name },
        extends: own.extends.or(outer.extends),
        description: if own.description.is_empty() { outer.description } else { own.description },
        prompt: own.prompt.or(outer.prompt),
        tuning: merge_tuning(own.tuning, outer.tuning),
        mcp,
        lens: own.lens.or(outer.lens),
        share: own.share.or(outer.share),
        budget: own.budget.or(outer.budget),
        timeout: own.timeout.or(outer.timeout),
        output_schema: own.output_schema.or(outer.output_schema),
    }
}

fn merge_tuning(own: Tuning, outer: Tuning) -> Tuning {
    let mut permissions = own.permissions;
    permissions.extend(outer.permissions);
    Tuning {
        adapter: own.adapter.or(outer.adapter),
        model: own.model.or(outer.model),
        temperature: own.temperature.or(outer.temperature),
        tools: own.tools.or(outer.tools),
        permissions,
    }
}

/// What a stage says wins, but for tools, which it only takes away.
#[must_use]
pub fn tuned(mut spec: AgentSpec, stage: &Tuning) -> AgentSpec {
    let tools = match (spec.tuning.tools.take(), &stage.tools) {
        (Some(own), Some(most)) => Some(own.into_iter().filter(|t| most.contains(t)).collect()),
        (own, most) => own.or_else(|| most.clone()),
    };
    let outer = Tuning { tools: None, ..std::mem::take(&mut spec.tuning) };
    let mut said = Tuning { tools, ..stage.clone() };
    // A bare word only says which kind: an agent that is of this kind says more about it.
    let same = outer.adapter.as_ref().map(|own| Adapter::of(own.kind));
    if said.adapter.is_some() && said.adapter == same {
        said.adapter = None;
    }
    spec.tuning = merge_tuning(said, outer);
    spec
}

fn merge_loop(own: LoopSpec, outer: LoopSpec) -> LoopSpec {
    LoopSpec {
        extends: outer.extends,
        description: if own.description.is_empty() { outer.description } else { own.description },
        agent: own.agent.or(outer.agent),
        prompt: own.prompt.or(outer.prompt),
        max_iterations: own.max_iterations.or(outer.max_iterations),
        iteration_timeout: own.iteration_timeout.or(outer.iteration_timeout),
        total_timeout: own.total_timeout.or(outer.total_timeout),
        validate: own.validate.or(outer.validate),
        no_change: own.no_change.or(outer.no_change),
        same_failure: own.same_failure.or(outer.same_failure),
        repeated_tree: own.repeated_tree.or(outer.repeated_tree),
        progress_entries: own.progress_entries.or(outer.progress_entries),
        progress_chars: own.progress_chars.or(outer.progress_chars),
    }
}

#[cfg(test)]
mod tests;
