//! Undoing, going back, and events from outside.

use pipeline::model::StageName;

use crate::id::Actor;

/// Undoes succeeded stages by their own actions; the run ends failed.
#[derive(Clone, Debug, PartialEq)]
pub struct RollBack {
    pub by: Actor,
    /// Inclusive.
    pub to: StageName,
    pub reason: String,
    /// Also what was undone before in this run.
    pub force: bool,
}

/// Goes back to a stage: what descends from it is superseded, and the run goes on from there.
#[derive(Clone, Debug, PartialEq)]
pub struct Rewind {
    pub by: Actor,
    pub to: StageName,
    /// The stage itself is done again too.
    pub inclusive: bool,
    /// The run is left paused, so that the rewind can be undone or inputs looked at.
    pub pause: bool,
}
