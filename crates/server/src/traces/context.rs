//! Ids of traces and spans, drawn from those of runs, executions and attempts.

use engine::id::{ExecutionId, RunId};
use sha2::{Digest, Sha256};

pub(super) type SpanId = [u8; 8];

/// Bit of the flags: it is recorded.
const SAMPLED: u8 = 1;

/// The trace that a run is a part of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Context {
    pub(super) trace: [u8; 16],
    /// The span of somebody else that the run stands below.
    pub(super) parent: Option<SpanId>,
    /// Whether whoever began the trace wants it recorded.
    pub(super) sampled: bool,
}

impl Context {
    /// Of a run: the trace that it was told, else one of its own with the run's id.
    pub(super) fn of(run: RunId, traceparent: Option<&str>) -> Self {
        traceparent.and_then(Self::parse).unwrap_or(Self {
            trace: *run.0.as_bytes(),
            parent: None,
            sampled: true,
        })
    }

    /// `00-<32 hex>-<16 hex>-<2 hex>`; later versions may have more behind it.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let mut parts = text.split('-');
        let version = hex::<1>(parts.next()?)?;
        let trace = hex::<16>(parts.next()?)?;
        let parent = hex::<8>(parts.next()?)?;
        let flags = hex::<1>(parts.next()?)?;
        let fits = match version {
            [0] => parts.next().is_none(),
            [0xff] => false,
            [_later] => true,
        };
        let named = trace != [0; 16] && parent != [0; 8];
        let sampled = flags[0] & SAMPLED != 0;
        (fits && named).then_some(Self { trace, parent: Some(parent), sampled })
    }

    /// What something below this span is told.
    pub(super) fn traceparent(&self, span: SpanId) -> String {
        let (trace, span) = (u128::from_be_bytes(self.trace), u64::from_be_bytes(span));
        format!("00-{trace:032x}-{span:016x}-{:02x}", u8::from(self.sampled))
    }
}

/// In lower case only, as the standard says.
fn hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let bytes = text.as_bytes();
    if bytes.len() != 2 * N {
        return None;
    }
    let mut found = [0; N];
    for (place, pair) in found.iter_mut().zip(bytes.chunks_exact(2)) {
        *place = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(found)
}

/// A run from its creation, or from when it went on, to its end; counted from 1.
pub(super) fn round(run: RunId, round: u32) -> SpanId {
    drawn(run, "run", &round.to_string())
}

/// An execution in the round whose first attempt has this number.
pub(super) fn execution(run: RunId, execution: &ExecutionId, first: u32) -> SpanId {
    drawn(run, "execution", &format!("{execution} {first}"))
}

/// One without attempts of its own: a stage with instances, or one that did not run. Counted from 1.
pub(super) fn stage(run: RunId, execution: &ExecutionId, time: u32) -> SpanId {
    drawn(run, "stage", &format!("{execution} {time}"))
}

/// An attempt, by its fence.
pub(super) fn attempt(run: RunId, fence: u64) -> SpanId {
    drawn(run, "attempt", &fence.to_string())
}

fn drawn(run: RunId, kind: &str, name: &str) -> SpanId {
    let digest = Sha256::new()
        .chain_update(b"orchestrate span\0")
        .chain_update(run.0)
        .chain_update(kind)
        .chain_update([0])
        .chain_update(name)
        .finalize();
    let mut id = [0; 8];
    id.copy_from_slice(&digest[..8]);
    // Zero means that there is none.
    if id == [0; 8] {
        id[7] = 1;
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn what_the_standard_allows_is_understood_and_nothing_else() {
        let context = Context::parse(GIVEN).unwrap();
        assert_eq!(context.traceparent(context.parent.unwrap()), GIVEN);
        let unsampled = Context::parse(&GIVEN.replace("-01", "-02")).unwrap();
        assert!(!unsampled.sampled);
        let later = Context::parse(&format!("cc{}-what-follows", &GIVEN[2..])).unwrap();
        assert_eq!(later.trace, context.trace);
        let zero = "0".repeat(32);
        for bad in [
            "",
            "00",
            &GIVEN.to_uppercase(),
            &GIVEN.replace("00-4", "ff-4"),
            &format!("{GIVEN}-more"),
            &GIVEN.replace("4bf92f3577b34da6a3ce929d0e0e4736", &zero),
            &GIVEN.replace("00f067aa0ba902b7", &zero[..16]),
            &GIVEN.replace("0e4736", "0e473"),
            &GIVEN.replace("-01", "-é"),
        ] {
            assert_eq!(Context::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_run_is_its_own_trace_unless_it_was_told_one() {
        let run = RunId(uuid::Uuid::from_u128(7));
        let own = Context::of(run, None);
        assert_eq!((own.trace, own.parent, own.sampled), (*run.0.as_bytes(), None, true));
        assert_eq!(Context::of(run, Some("nonsense")), own);
        assert_eq!(Context::of(run, Some(GIVEN)), Context::parse(GIVEN).unwrap());
    }

    #[test]
    fn everything_has_an_id_of_its_own_that_never_changes() {
        let (run, other) = (RunId(uuid::Uuid::from_u128(1)), RunId(uuid::Uuid::from_u128(2)));
        let id = ExecutionId::stage("a");
        let mut ids = vec![
            round(run, 1),
            round(run, 2),
            round(other, 1),
            execution(run, &id, 1),
            execution(run, &ExecutionId::instance("a", 1), 1),
            execution(run, &id, 2),
            stage(run, &id, 1),
            attempt(run, 1),
            attempt(run, 2),
        ];
        // Stored traces are told apart by these: they must never be drawn otherwise.
        assert_eq!(attempt(run, 1), attempt(run, 1));
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 9);
    }
}
