//! Who pays for a call, and what has to stay secret in it.

use std::sync::Arc;

use axum::http::StatusCode;
use pipeline::model::Budget;

use super::DAY;
use crate::config::Config;
use crate::config::models::Caps;
use crate::config::secret::SecretText;
use crate::gateway::budget::{Payer, share};
use crate::gateway::veil::Veil;
use crate::gateway::{Denial, Incoming, Place, header};
use crate::shared::{Shared, blocking};

/// Whoever pays for it: the member by its share, the stage by what its token says, the run and the day
/// by the configuration and the pipeline.
pub(super) fn payers(
    incoming: &Incoming,
    member: &str,
    config: &Config,
) -> Result<Vec<(Payer, Caps)>, Denial> {
    let live = &incoming.live;
    let (run, execution) = (live.run, live.attempt.execution.to_string());
    let allowance = live.allowance;
    let caps =
        Caps { calls: allowance.calls, tokens: allowance.tokens, nano_usd: allowance.nano_usd };
    let mut payers = Vec::new();
    let part = header(&incoming.headers, "x-orchestrate-share")?;
    if !part.is_empty() {
        let fits = |part: &f64| *part > 0.0 && *part <= 1.0;
        let part = part.parse().ok().filter(fits).ok_or_else(|| {
            let says = "`x-orchestrate-share` has to be above 0 and at most 1";
            Denial::new(StatusCode::BAD_REQUEST, "invalid_request", says)
        })?;
        let (execution, member) = (execution.clone(), member.to_owned());
        payers.push((Payer::Member { run, execution, member }, share(caps, part)));
    }
    payers.push((Payer::Execution { run, execution }, caps));
    payers.push((Payer::Run(run), of_run(config.models.run, live.budget)));
    let today = crate::clock::wall().as_second().div_euclid(DAY);
    payers.push((Payer::Day(today), config.models.day));
    Ok(payers)
}

/// The smaller of what the configuration and the pipeline say.
fn of_run(caps: Caps, budget: Budget) -> Caps {
    let smaller = |one: Option<u64>, other: Option<u64>| one.into_iter().chain(other).min();
    Caps {
        calls: smaller(caps.calls, budget.calls.map(u64::from)),
        tokens: smaller(caps.tokens, budget.tokens),
        nano_usd: smaller(caps.nano_usd, budget.nano_usd),
    }
}

/// Over everything that has to stay secret here: keys, the token of the door, and all that is stored.
pub(super) async fn veil(
    shared: &Arc<Shared>,
    pipeline: &str,
    place: &Place,
) -> Result<Veil, Denial> {
    let (vault, pipeline) = (Arc::clone(&shared.vault), pipeline.to_owned());
    let names = shared.read(|reader| {
        let mut names: Vec<String> =
            reader.secrets()?.into_iter().map(|secret| secret.name).collect();
        names.dedup();
        Ok(names)
    });
    let names = names.await?;
    let stored: Vec<SecretText> = blocking(move || {
        let value = |name: &String| vault.stored(name, Some(&pipeline), None).ok().flatten();
        names.iter().filter_map(value).collect()
    })
    .await?;
    Ok(Veil::new(place.secrets().chain(&stored)))
}
