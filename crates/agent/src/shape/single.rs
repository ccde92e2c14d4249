//! One agent, one conversation.

use std::sync::Arc;

use api::agent::Agent;

use super::{Done, after_failure, conversation, needs_fresh};
use crate::prompt::prompt;
use crate::room::Room;
use crate::seat::{Sat, Wanted, sit};

pub(super) async fn carry_out(room: &Arc<Room>, agent: &Agent) -> Done {
    let mut prompt = prompt(&room.job, agent);
    let failed = room.memory.past().iter().filter(|past| needs_fresh(&past.what)).count();
    if failed > 0
        && let Some(words) = after_failure(room.memory.past())
    {
        prompt.text.push_str("\n\n");
        prompt.text.push_str(&words);
    }
    // Asked the same, it is the same conversation. One that came to a bad end is not taken up again.
    let session = conversation(&room.job, &agent.name);
    let wanted = Wanted {
        session: format!("{session}-{}", failed + 1),
        prompt,
        schema: room.job.result.clone(),
        check: true,
        conversation: 1,
        until: None,
    };
    let Sat { evidence, result, .. } = sit(room, agent, &wanted).await;
    Done::of(evidence, result)
}
