//! What the programs of an agent find in their environment: where things are, what the stage sets,
//! and nothing that opens a door.

use std::collections::BTreeMap;

use api::agent::Job;

/// Of the product's own variables, those that name and grant nothing.
const OWN: [&str; 10] = [
    "ORCHESTRATE_RUN",
    "ORCHESTRATE_STAGE",
    "ORCHESTRATE_EXECUTION",
    "ORCHESTRATE_ATTEMPT",
    "ORCHESTRATE_REVISION",
    "ORCHESTRATE_CONTEXT",
    "ORCHESTRATE_INPUT",
    "ORCHESTRATE_ENVIRONMENT",
    // The span of the attempt: what tools tell a collector belongs below it.
    "TRACEPARENT",
    "TRACESTATE",
];
/// By which the keeper finds whoever a killed harness leaves behind.
const MARK: &str = "ORCHESTRATE_ATTEMPT_ID";

/// For programs that the agent starts, and for the agent's own program.
pub(crate) fn of_tools(job: &Job) -> BTreeMap<String, String> {
    let named = |name: &str| job.env.iter().chain(&job.secret_env).any(|n| n == name);
    chosen(|name| named(name))
}

/// For the check of the work: no secret of the stage either.
pub(crate) fn of_checks(job: &Job) -> BTreeMap<String, String> {
    chosen(|name| job.env.iter().any(|n| n == name) && !job.secret_env.iter().any(|n| n == name))
}

fn chosen(also: impl Fn(&str) -> bool) -> BTreeMap<String, String> {
    let mut env: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| {
            worker::family::harmless_variable(name)
                || OWN.contains(&name.as_str())
                || name == MARK
                || also(name)
        })
        .collect();
    env.entry("PATH".into()).or_insert_with(|| "/usr/local/bin:/usr/bin:/bin".into());
    // Nobody watches: no colours by terminal codes, no pagers, no questions.
    for (name, value) in
        [("TERM", "dumb"), ("PAGER", "cat"), ("GIT_PAGER", "cat"), ("GIT_TERMINAL_PROMPT", "0")]
    {
        env.insert(name.into(), value.into());
    }
    env
}
