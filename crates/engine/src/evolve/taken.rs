//! A person takes the place of an agent, and hands the work back.

use jiff::Timestamp;

use super::ensure;
use crate::event::{Attach, Person};
use crate::id::{AttemptId, ExecutionId};
use crate::run::Run;
use crate::state::ExecIx;
use crate::state::execution::ExecutionState;
use crate::state::taken::{Back, Taken};

impl Run {
    pub(super) fn taken_over(
        &mut self,
        id: &ExecutionId,
        hold: u32,
        by: &Person,
        at: Timestamp,
    ) -> Result<(), String> {
        let ix = self.exec_ix(id).ok_or_else(|| format!("there is no execution `{id}`"))?;
        let live = matches!(self.state.exec(ix).state, ExecutionState::Live { stopping: None, .. });
        let taken = &mut self.state.exec_mut(ix).people_mut().taken;
        let next = u32::try_from(taken.len()).unwrap_or(u32::MAX - 1) + 1;
        let free = taken.last().is_none_or(|last| !last.is_held());
        ensure(live && free && hold == next, || format!("`{id}` cannot be taken over"))?;
        taken.push(Taken { by: by.clone(), since: at, attach: None, back: None, over: false });
        self.state.stop_clock(ix, at);
        self.state.link_taken(ix);
        Ok(())
    }

    pub(super) fn has_let_go(
        &mut self,
        id: &AttemptId,
        hold: u32,
        attach: &Attach,
    ) -> Result<(), String> {
        let ix = self.expect_live(id)?;
        let taken = self.held_mut(ix, hold);
        let taken = taken.ok_or_else(|| format!("nobody holds `{}`", id.execution))?;
        taken.attach = Some((id.fence, attach.clone()));
        Ok(())
    }

    pub(super) fn handed_back(
        &mut self,
        id: &ExecutionId,
        hold: u32,
        back: Back,
    ) -> Result<(), String> {
        let ix = self.exec_ix(id).ok_or_else(|| format!("there is no execution `{id}`"))?;
        let at = back.at;
        let taken = self.held_mut(ix, hold).ok_or_else(|| format!("nobody holds `{id}`"))?;
        taken.back = Some(back);
        if self.state.links.taken.contains(&ix) {
            self.state.start_clock(ix, at);
        }
        self.state.link_taken(ix);
        Ok(())
    }

    /// The one of this number, if it is held.
    fn held_mut(&mut self, ix: ExecIx, hold: u32) -> Option<&mut Taken> {
        let taken = &mut self.state.exec_mut(ix).people.as_mut()?.taken;
        let newest = u32::try_from(taken.len()).ok()?;
        taken.last_mut().filter(|taken| taken.is_held() && newest == hold)
    }
}
