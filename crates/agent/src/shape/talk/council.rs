//! A council: all answer, blind; each ranks what the others said, without knowing whose it is; the
//! chair writes the result from the answers in their order and from what was said against them.

use api::agent::{Agent, Talk};
use serde_json::json;

use super::ballot::{self, Ballot, Ranked};
use super::combine::last_word;
use super::dissent::Dissent;
use super::seen::{block, labelled, shown};
use super::table::{Ask, Reply, Table};
use super::{Answer, blind, chair, reading};
use crate::shape::Done;

pub(super) async fn lead(
    table: &Table<'_>,
    members: &[Agent],
    talk: &Talk,
) -> Result<Answer, Box<Done>> {
    let answers = blind(table, members, talk, "opinion").await?;
    let ballots = ballots(table, members, talk, &answers).await?;
    let candidates: Vec<usize> =
        labelled(&answers, talk.seed, "chair", |_| true).iter().map(|answer| answer.of).collect();
    let ranked = ballot::ranked(&candidates, &ballots);
    let agent = chair(talk)?;
    let value = last_word(table, talk, agent, summing_up(&ranked, &answers, &ballots)).await?;
    let winner = ranked.first().map(|first| first.of);
    let preferred = winner.map(|winner| ballot::preferred(winner, &ballots)).unwrap_or_default();
    let name = |of: usize| members[of].name.as_str();
    let ranking: Vec<_> = ranked
        .iter()
        .map(|ranked| json!({ "member": name(ranked.of), "points": ranked.points }))
        .collect();
    Ok(Answer {
        value,
        says: format!(
            "the chair wrote it from {} answers and {} rankings",
            candidates.len(),
            ballots.len()
        ),
        data: json!({ "ranking": ranking }),
        dissent: preferred
            .into_iter()
            .filter_map(|of| Dissent::of(members, &answers, of))
            .collect(),
    })
}

async fn ballots(
    table: &Table<'_>,
    members: &[Agent],
    talk: &Talk,
    answers: &[Option<Reply>],
) -> Result<Vec<Ballot>, Box<Done>> {
    let voters: Vec<usize> = (0..members.len()).filter(|by| answers[*by].is_some()).collect();
    let others = |by: usize| labelled(answers, talk.seed, &members[by].name, move |of| of != by);
    let voters: Vec<usize> = voters.into_iter().filter(|by| !others(*by).is_empty()).collect();
    let ask = |by: &usize| {
        let answers = others(*by);
        Ask {
            agent: reading(&members[*by]),
            place: "ballot".to_owned(),
            round: 2,
            text: format!(
                "You and others have answered this; the answers of the others follow, without \
                 their names. Do not answer again: rank them, the best first, and say what is \
                 wrong with which of them.\n\n{}",
                shown(&answers)
            ),
            schema: Some(ballot::schema(&answers)),
        }
    };
    let asks: Vec<Ask> = voters.iter().map(ask).collect();
    // One that cannot be read is dropped; the answers are there all the same.
    let replies = table.any(&asks).await?;
    let read = |(by, reply): (&usize, &Option<Reply>)| {
        ballot::read(*by, &others(*by), &reply.as_ref()?.value)
    };
    Ok(voters.iter().zip(&replies).filter_map(read).collect())
}

/// What the chair is given.
fn summing_up(ranked: &[Ranked], answers: &[Option<Reply>], ballots: &[Ballot]) -> String {
    let mut text = "Several have answered this, and each has ranked what the others said. The \
                    answers follow, the one that was ranked highest first; then what was said \
                    against them, where each critic uses letters of its own. Any of it may be \
                    wrong: weigh it, and write the one answer that counts."
        .to_owned();
    for (ranked, number) in ranked.iter().zip(1..) {
        let Some(reply) = &answers[ranked.of] else { continue };
        let source = format!("a member; {:.2} of 1 points", ranked.points);
        text.push_str("\n\n");
        text.push_str(&block(&format!("answer {number}"), &source, &reply.words()));
    }
    for ballot in ballots.iter().filter(|ballot| !ballot.critique.trim().is_empty()) {
        text.push_str("\n\n");
        text.push_str(&block("critique", "a member", &ballot.critique));
    }
    text
}
