//! How long a stage waits before it is tried again.

use std::time::Duration;

use pipeline::model::Backoff;
use sha2::{Digest, Sha256};

use crate::id::ExecutionId;

/// The wait before attempt `number`, after `failed` attempts that counted. Full jitter: evenly
/// from zero to the base, the same for the same run for ever.
pub fn wait(
    backoff: &Backoff,
    seed: u64,
    execution: &ExecutionId,
    number: u32,
    failed: u32,
) -> Duration {
    let base = backoff.base(failed);
    if !backoff.jitter {
        return base;
    }
    let mut hash = Sha256::new();
    hash.update(seed.to_le_bytes());
    hash.update(execution.instance.unwrap_or(0).to_le_bytes());
    hash.update(number.to_le_bytes());
    hash.update(execution.stage.as_bytes());
    let digest: [u8; 32] = hash.finalize().into();
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    let micros = u64::try_from(base.as_micros()).unwrap_or(u64::MAX - 1);
    // The high half of a 64 x 64 bit product: even, and without a remainder's bias.
    let drawn = (u128::from(u64::from_le_bytes(first)) * (u128::from(micros) + 1)) >> 64;
    Duration::from_micros(u64::try_from(drawn).unwrap_or(micros))
}

#[cfg(test)]
mod tests {
    use pipeline::model::BackoffKind;

    use super::*;

    #[test]
    fn jitter_fills_the_base_evenly_and_never_exceeds_it() {
        let backoff = Backoff {
            kind: BackoffKind::Exponential,
            initial: Duration::from_secs(1),
            max: Duration::from_secs(60),
            jitter: true,
        };
        let id = ExecutionId::stage("a");
        let waits: Vec<_> = (0..1000).map(|seed| wait(&backoff, seed, &id, 4, 3)).collect();
        assert!(waits.iter().all(|wait| *wait <= Duration::from_secs(4)));
        let mean = waits.iter().sum::<Duration>() / 1000;
        assert!(mean > Duration::from_millis(1900) && mean < Duration::from_millis(2100));
        assert_eq!(wait(&backoff, 7, &id, 4, 3), wait(&backoff, 7, &id, 4, 3));
        assert_ne!(wait(&backoff, 7, &id, 4, 3), wait(&backoff, 7, &id, 5, 3));
        let plain = Backoff { jitter: false, ..backoff };
        assert_eq!(wait(&plain, 7, &id, 4, 3), Duration::from_secs(4));
        assert_eq!(wait(&plain, 7, &id, 40, 39), Duration::from_secs(60));
    }
}
