//! One after the other: each takes the draft over, changes what should be changed, and says what it
//! objects to. Only one works at a time, so each has its own tools.

use api::agent::{Agent, Talk, prompt};
use serde_json::{Value as Json, json};

use super::Answer;
use super::seen::block;
use super::table::{Ask, Reply, Table};
use crate::shape::Done;

/// So many in a row who change nothing are enough.
const STILL: usize = 2;

pub(super) async fn lead(
    table: &Table<'_>,
    members: &[Agent],
    talk: &Talk,
) -> Result<Answer, Box<Done>> {
    let (schema, first) = prompt::opening(&table.room.job, talk);
    let mut so_far = SoFar::default();
    'passes: for pass in 1..=talk.rounds.max(1) {
        for (member, place) in members.iter().zip(1..) {
            let ask = Ask {
                agent: member.clone(),
                place: format!("turn-{pass}-{place}"),
                round: pass,
                text: so_far.told(first),
                schema: schema.clone(),
            };
            // The last one who can take over has to.
            let needed = so_far.draft.is_none() && place == members.len();
            let reply = match needed {
                true => Some(table.one(&ask).await?),
                false => table.any(std::slice::from_ref(&ask)).await?.pop().flatten(),
            };
            if let Some(reply) = reply {
                so_far.take(&reply, &member.name);
            }
            if so_far.still >= STILL && so_far.draft.is_some() {
                break 'passes;
            }
        }
    }
    let turns = so_far.turns;
    let draft = so_far.draft.unwrap_or_default();
    let value = match table.room.job.result {
        Some(_) => draft,
        None => json!({ "text": draft }),
    };
    let says = match so_far.objections.len() {
        0 => format!("a draft after {turns} turns, without objections"),
        n => format!("a draft after {turns} turns, with {n} objections"),
    };
    let data = json!({ "turns": turns, "objections": so_far.objections });
    Ok(Answer { value, says, data, dissent: Vec::new() })
}

#[derive(Default)]
struct SoFar {
    draft: Option<Json>,
    turns: u32,
    changes: Vec<String>,
    objections: Vec<String>,
    still: usize,
}

impl SoFar {
    fn take(&mut self, reply: &Reply, who: &str) {
        let draft = &reply.value["draft"];
        // Whether it changed is seen, not asked.
        self.still = if self.draft.as_ref() == Some(draft) { self.still + 1 } else { 0 };
        self.draft = Some(draft.clone());
        self.turns += 1;
        let changes = reply.value["changes"].as_str().unwrap_or_default().trim();
        if !changes.is_empty() {
            self.changes.push(format!("{who}: {changes}"));
        }
        let objections = reply.value["objections"].as_array().map(Vec::as_slice);
        let objections = objections.unwrap_or_default().iter().filter_map(Json::as_str);
        self.objections = objections.map(str::to_owned).collect();
    }

    /// What the next one is given.
    fn told(&self, first: &str) -> String {
        let Some(draft) = &self.draft else { return first.to_owned() };
        let draft = draft.as_str().map_or_else(|| format!("{draft:#}"), str::to_owned);
        let mut text = format!(
            "Others have worked on this before you. Their draft follows; take it over, change \
             what should be changed, and hand in the whole of it again.\n\n{}",
            block("draft", "those before you", &draft)
        );
        for (reference, lines) in [("changes", &self.changes), ("objections", &self.objections)] {
            if !lines.is_empty() {
                text.push_str("\n\n");
                text.push_str(&block(reference, "those before you", &lines.join("\n")));
            }
        }
        text
    }
}
