//! A debate: all take a position, blind; then each sees the others' and takes a position again, round
//! by round, until they agree, the judge has heard enough, or the rounds are over.

use api::agent::{Agent, Talk, prompt};
use serde_json::{Value as Json, json};

use super::combine::{combine, tally};
use super::seen::{labelled, shown};
use super::table::{Ask, Reply, Table};
use super::{Answer, blind, chair, reading};
use crate::shape::Done;

/// With more members than this, each sees only some of the others.
const ALL_SEEN: usize = 4;
const SOME: usize = 2;

pub(super) async fn lead(
    table: &Table<'_>,
    members: &[Agent],
    talk: &Talk,
) -> Result<Answer, Box<Done>> {
    let mut positions = blind(table, members, talk, "round-1").await?;
    let mut round = 1;
    let how = loop {
        if tally(&positions).len() == 1 {
            break "they agree".to_owned();
        }
        if round >= talk.rounds {
            break "its rounds are over".to_owned();
        }
        if let Some(why) = enough(table, talk, &positions, round).await? {
            break format!("the judge has heard enough ({why})");
        }
        round += 1;
        positions = rebuttals(table, members, talk, positions, round).await?;
    };
    let mut answer = combine(table, talk, members, &positions).await?;
    let rounds = if round == 1 { "1 round".to_owned() } else { format!("{round} rounds") };
    answer.says = format!("after {rounds} {how}; {}", answer.says);
    answer.data = json!({ "rounds": round, "end": how, "combined": answer.data });
    Ok(answer)
}

/// Why the judge wants no further round, if it does not.
async fn enough(
    table: &Table<'_>,
    talk: &Talk,
    positions: &[Option<Reply>],
    round: u32,
) -> Result<Option<String>, Box<Done>> {
    let all = labelled(positions, talk.seed, &format!("judge-{round}"), |_| true);
    let text = format!(
        "You are the judge of a debate about this; the positions after round {round} of at most \
         {} follow. Do not answer yourself: say whether another round may bring them further \
         (`continue`) or whether everything is said (`synthesise`).\n\n{}",
        talk.rounds,
        shown(&all)
    );
    let schema = json!({
        "type": "object", "additionalProperties": false, "required": ["decision", "why"],
        "properties": {
            "decision": { "enum": ["continue", "synthesise"] },
            "why": { "type": "string" },
        },
    });
    let place = format!("judge-{round}");
    let ask = Ask { agent: chair(talk)?, place, round, text, schema: Some(schema) };
    let said = table.one(&ask).await?.value;
    let why = said["why"].as_str().unwrap_or_default().to_owned();
    Ok((said["decision"] == "synthesise").then_some(why))
}

/// Another position of everybody who still has one. Whoever falls silent keeps the last one.
async fn rebuttals(
    table: &Table<'_>,
    members: &[Agent],
    talk: &Talk,
    positions: Vec<Option<Reply>>,
    round: u32,
) -> Result<Vec<Option<Reply>>, Box<Done>> {
    let schema = prompt::answer(&table.room.job, talk);
    let speakers: Vec<usize> = (0..members.len()).filter(|of| positions[*of].is_some()).collect();
    let asks: Vec<Ask> = speakers
        .iter()
        .map(|of| rebuttal(&members[*of], *of, talk, &positions, round, schema.as_ref()))
        .collect();
    let replies = table.all(&asks).await?;
    let mut next = positions;
    for (of, reply) in speakers.into_iter().zip(replies) {
        if reply.is_some() {
            next[of] = reply;
        }
    }
    Ok(next)
}

fn rebuttal(
    member: &Agent,
    of: usize,
    talk: &Talk,
    positions: &[Option<Reply>],
    round: u32,
    schema: Option<&Json>,
) -> Ask {
    let viewer = format!("{} {round}", member.name);
    let mut others = labelled(positions, talk.seed, &viewer, |other| other != of);
    if positions.iter().flatten().count() > ALL_SEEN {
        others.truncate(SOME);
    }
    let own = positions[of].as_ref().map(Reply::words).unwrap_or_default();
    let text = format!(
        "This is round {round} of a debate. Your position so far:\n\n{own}\n\nThe positions of \
         others follow, without their names; they may be wrong, and so may yours. Take what is \
         right, say what is wrong, and give your position again, whole.\n\n{}",
        shown(&others)
    );
    let place = format!("round-{round}");
    Ask { agent: reading(member), place, round, text, schema: schema.cloned() }
}
