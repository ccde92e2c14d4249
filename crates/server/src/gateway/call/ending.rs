//! What becomes of a call: stored, counted, settled.

use store::port::{CallState, ModelEnd, ModelUsage};

use super::{Flight, Hold};
use crate::gateway::budget::Spent;
use crate::gateway::record;

/// What became of a call.
pub(super) struct End {
    pub(super) state: CallState,
    /// Of the provider's answer.
    pub(super) status: Option<u16>,
    pub(super) detail: String,
    pub(super) model: Option<String>,
    pub(super) usage: ModelUsage,
    pub(super) source: &'static str,
    pub(super) kind: String,
    pub(super) answer: Option<Vec<u8>>,
}

impl Default for End {
    fn default() -> Self {
        Self {
            state: CallState::Failed,
            status: None,
            detail: String::new(),
            model: None,
            usage: ModelUsage::default(),
            source: "gateway",
            kind: String::new(),
            answer: None,
        }
    }
}

impl End {
    pub(super) fn failed(status: Option<u16>, detail: String) -> Self {
        Self { status, detail, ..Self::default() }
    }
}

impl Flight {
    /// Stores what became of it, then settles. Says whether it is stored.
    pub(super) async fn end(&self, hold: &mut Hold, end: End) -> bool {
        hold.came_to = Spent::of(&end.usage, 1);
        self.gate.correct(self.reserved.tokens, end.usage.tokens());
        self.count(&end);
        let End { state, status, detail, model, usage, source, kind, answer } = end;
        let end = ModelEnd {
            id: self.id.clone(),
            run: self.incoming.live.run,
            state,
            status,
            detail: String::from_utf8_lossy(&self.veil.over(detail.as_bytes())).into_owned(),
            model: model.unwrap_or_else(|| self.asked.model.clone()),
            usage,
            source: source.to_owned(),
            at: jiff::Timestamp::UNIX_EPOCH,
            kind,
            answer,
        };
        match record::end(&self.shared, end).await {
            Ok(()) => true,
            Err(refused) => {
                tracing::warn!(call = self.id, cause = %refused, "a call of a model was not stored");
                false
            }
        }
    }

    fn count(&self, end: &End) {
        let (metrics, provider, model) =
            (&self.shared.metrics, &self.place.name, &self.asked.model);
        metrics.model_calls.with(&[provider, model, end.state.word()]).add(1);
        let used = &end.usage;
        for (kind, tokens) in [
            ("input", used.input),
            ("output", used.output),
            ("cache_read", used.cache_read),
            ("cache_write", used.cache_write),
        ] {
            metrics.model_tokens.with(&[provider, model, kind]).add(tokens);
        }
        metrics.model_nano_usd.with(&[provider, model]).add(used.nano_usd.unwrap_or(0));
    }
}
