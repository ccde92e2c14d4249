//! Several agents come to one answer: one after the other, all at once, by ranking each other, or by
//! arguing.
//!
//! Every turn is one conversation and one event; what was said is kept before anybody else hears it. A
//! crash goes on at the next turn, because every turn before it is found again.

mod ballot;
mod combine;
mod council;
mod debate;
mod dissent;
mod line;
mod seen;
pub(super) mod table;

use std::sync::Arc;

use api::agent::{
    Agent, AgentOutcome, Decision, Did, Evidence, Rule, Talk, TalkMode, ToolKind, prompt,
};
use serde_json::{Value as Json, json};

use super::{Done, broken, conversation};
use crate::room::Room;
use crate::validate;
use dissent::Dissent;
use table::{Ask, Reply, Table};

/// What a discussion came to.
#[derive(Clone, Debug, PartialEq)]
struct Answer {
    /// What fits the schema of the stage, or `{text}`.
    value: Json,
    /// How it came about, for people.
    says: String,
    /// The same for programs.
    data: Json,
    dissent: Vec<Dissent>,
}

pub(super) async fn carry_out(room: &Arc<Room>, members: &[Agent], talk: &Talk) -> Done {
    match open(room, "talk") {
        Ok(table) => lead(&table, members, talk).await,
        Err(done) => *done,
    }
}

/// A table of which nothing is known but what was said at it before.
pub(super) fn open<'a>(room: &'a Arc<Room>, name: &str) -> Result<Table<'a>, Box<Done>> {
    // What did not pass its check, or was not taken, is talked over anew.
    let is_over = |did: &Did| {
        matches!(did, Did::Ended { verdict } if matches!(
            verdict.outcome,
            AgentOutcome::ValidationFailed | AgentOutcome::Succeeded
        ))
    };
    let failed = room.memory.past().iter().filter(|past| is_over(&past.what)).count();
    let key = format!("{}-{}", conversation(&room.job, name), failed + 1);
    let afterword = super::after_failure(room.memory.past());
    let afterword = afterword.filter(|_| failed > 0).unwrap_or_default();
    Table::open(room, key, afterword).map_err(|problem| Box::new(broken(problem.to_string())))
}

pub(super) async fn lead(table: &Table<'_>, members: &[Agent], talk: &Talk) -> Done {
    let answer = match talk.mode {
        TalkMode::Sequential => line::lead(table, members, talk).await,
        TalkMode::Parallel => parallel(table, members, talk).await,
        TalkMode::Council => council::lead(table, members, talk).await,
        TalkMode::Debate => debate::lead(table, members, talk).await,
    };
    match answer {
        Ok(answer) => finish(table, talk, answer).await,
        Err(done) => *done,
    }
}

/// All answer once, blind.
async fn parallel(table: &Table<'_>, members: &[Agent], talk: &Talk) -> Result<Answer, Box<Done>> {
    let answers = blind(table, members, talk, "answer").await?;
    combine::combine(table, talk, members, &answers).await
}

/// The first answers: nobody has seen another's.
async fn blind(
    table: &Table<'_>,
    members: &[Agent],
    talk: &Talk,
    place: &str,
) -> Result<Vec<Option<Reply>>, Box<Done>> {
    let (schema, words) = prompt::opening(&table.room.job, talk);
    let ask = |agent: &Agent| Ask {
        agent: reading(agent),
        place: place.to_owned(),
        round: 1,
        text: words.to_owned(),
        schema: schema.clone(),
    };
    let asks: Vec<Ask> = members.iter().map(ask).collect();
    table.all(&asks).await
}

/// Those who speak at once leave the files alone.
pub(super) fn reading(agent: &Agent) -> Agent {
    let mut agent = agent.clone();
    agent.tools.retain(|kind| match kind {
        ToolKind::Read | ToolKind::Search | ToolKind::Fetch => true,
        ToolKind::Edit | ToolKind::Execute => false,
    });
    let deny =
        |tool| Rule { tool: Some(tool), path: None, command: None, decision: Decision::Deny };
    agent.permissions.splice(0..0, [ToolKind::Edit, ToolKind::Execute].map(deny));
    agent
}

/// Whoever writes the last answer, or decides.
fn chair(talk: &Talk) -> Result<Agent, Box<Done>> {
    let missing = || Box::new(broken("this discussion needs a chair, and has none".to_owned()));
    talk.chair.as_deref().map(reading).ok_or_else(missing)
}

/// Tells everybody, keeps what a minority holds, and has the check decide.
async fn finish(table: &Table<'_>, talk: &Talk, answer: Answer) -> Done {
    let room = table.room;
    let Answer { value, says, data, dissent } = answer;
    let data = json!({ "mode": talk.mode, "combine": talk.combine, "how": data, "result": value,
        "dissent": dissent });
    room.record("", Did::Turn { number: 0, says: format!("the answer: {says}"), data });
    if !dissent.is_empty()
        && let Err(problem) = dissent::write(&room.job, &dissent)
    {
        let text = format!("`{}` could not be written: {problem}", dissent::FILE);
        room.record("", Did::Warning { text });
    }
    room.sync();
    let validated = match &room.job.validate {
        None => None,
        Some(check) => match validate::check_or_leave(room, check).await {
            Ok(checked) => Some(checked.passed),
            Err(by) => {
                return Done::of(Evidence { stopped: Some(by), ..Evidence::default() }, None);
            }
        },
    };
    let mut done = Done::of(table::evidence(validated), Some(value));
    if done.verdict.outcome == AgentOutcome::Succeeded {
        done.verdict.says = format!("done: {says}");
    }
    done
}
