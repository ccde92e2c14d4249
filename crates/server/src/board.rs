//! What everybody may know of the roll-out, as the conductor put it there.

use std::sync::{Arc, Mutex, PoisonError};

use api::rollout::RolloutView;

#[derive(Debug, Default)]
pub(crate) struct Board {
    /// `None`: the conductor has said nothing yet.
    view: Mutex<Option<Arc<RolloutView>>>,
}

impl Board {
    /// `true`: it is another one.
    pub(crate) fn put(&self, view: RolloutView) -> bool {
        let mut known = self.view.lock().unwrap_or_else(PoisonError::into_inner);
        if known.as_deref() == Some(&view) {
            return false;
        }
        *known = Some(Arc::new(view));
        true
    }

    pub(crate) fn read(&self) -> Arc<RolloutView> {
        let known = self.view.lock().unwrap_or_else(PoisonError::into_inner).clone();
        known.unwrap_or_else(|| {
            Arc::new(crate::view::rollout::view(&store::port::RolloutRow::default(), Vec::new()))
        })
    }
}
