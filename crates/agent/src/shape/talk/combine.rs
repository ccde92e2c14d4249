//! How answers become one.

use std::collections::BTreeMap;

use api::agent::{Agent, Combine, Talk, TalkMode};
use serde_json::{Map, Value as Json, json};

use super::dissent::Dissent;
use super::seen::{Labelled, labelled, shown};
use super::table::{Ask, Reply, Table};
use super::{Answer, chair};
use crate::desk::result::Schema;
use crate::shape::{Done, broken};

pub(super) async fn combine(
    table: &Table<'_>,
    talk: &Talk,
    members: &[Agent],
    answers: &[Option<Reply>],
) -> Result<Answer, Box<Done>> {
    match talk.combine {
        Combine::Concat => concat(table, members, answers),
        Combine::Vote => vote(table, talk, members, answers).await,
        Combine::Synthesise => {
            let says = format!("written from {} answers", answers.iter().flatten().count());
            let value = written(table, talk, answers, "").await?;
            Ok(Answer { value, says, data: Json::Null, dissent: Vec::new() })
        }
        Combine::Best => best(table, talk, members, answers).await,
    }
}

/// The same answer, whatever the order of its keys and the space around its words.
pub(super) fn identity(reply: &Reply) -> String {
    fn plain(value: &Json) -> Json {
        match value {
            Json::Object(fields) => {
                let sorted: BTreeMap<&String, Json> =
                    fields.iter().map(|(name, value)| (name, plain(value))).collect();
                json!(sorted)
            }
            Json::Array(items) => items.iter().map(plain).collect(),
            Json::String(text) => {
                Json::String(text.split_whitespace().collect::<Vec<_>>().join(" "))
            }
            Json::Null | Json::Bool(_) | Json::Number(_) => value.clone(),
        }
    }
    plain(&reply.value).to_string()
}

/// Who gave which answer: the places of members, those of the most frequent answer first.
pub(super) fn tally(answers: &[Option<Reply>]) -> Vec<Vec<usize>> {
    let mut groups: Vec<(String, Vec<usize>)> = Vec::new();
    for (of, reply) in answers.iter().enumerate() {
        let Some(reply) = reply else { continue };
        let identity = identity(reply);
        match groups.iter_mut().find(|(known, _)| *known == identity) {
            Some((_, members)) => members.push(of),
            None => groups.push((identity, vec![of])),
        }
    }
    groups.sort_by_key(|(_, members)| std::cmp::Reverse(members.len()));
    groups.into_iter().map(|(_, members)| members).collect()
}

/// The answer of the most; when two are equally many, the chair writes one.
async fn vote(
    table: &Table<'_>,
    talk: &Talk,
    members: &[Agent],
    answers: &[Option<Reply>],
) -> Result<Answer, Box<Done>> {
    let groups = tally(answers);
    let votes: Vec<usize> = groups.iter().map(Vec::len).collect();
    let data = json!({ "votes": votes });
    let all: usize = votes.iter().sum();
    let leads = votes.first().is_some_and(|first| votes.get(1).is_none_or(|next| next < first));
    let leader = groups.first().filter(|_| leads).and_then(|group| group.first());
    if let Some(reply) = leader.and_then(|of| answers[*of].as_ref()) {
        let others = groups[1..].iter().flatten();
        return Ok(Answer {
            value: reply.value.clone(),
            says: format!("{} of {all} members agree", votes[0]),
            data,
            dissent: others.filter_map(|of| Dissent::of(members, answers, *of)).collect(),
        });
    }
    let value = written(table, talk, answers, "Their votes are even.").await?;
    let says = format!("{all} votes were even, and the chair wrote it");
    Ok(Answer { value, says, data, dissent: Vec::new() })
}

/// The chair writes the answer from those of the members.
pub(super) async fn written(
    table: &Table<'_>,
    talk: &Talk,
    answers: &[Option<Reply>],
    more: &str,
) -> Result<Json, Box<Done>> {
    let agent = chair(talk)?;
    let all = labelled(answers, talk.seed, "chair", |_| true);
    let text = format!(
        "Several have answered this, each alone; their answers follow. Any of them may be wrong, \
         also where they agree: weigh them, and write the one answer that counts. {more}\n\n{}",
        shown(&all)
    );
    last_word(table, talk, agent, text).await
}

/// The turn that is the result of the stage.
pub(super) async fn last_word(
    table: &Table<'_>,
    talk: &Talk,
    agent: Agent,
    text: String,
) -> Result<Json, Box<Done>> {
    let schema = table.room.job.result.clone();
    // Of a debate it comes after all that was said as its judge.
    let round = if talk.mode == TalkMode::Debate { talk.rounds } else { 1 };
    let ask = Ask { agent, place: "chair".to_owned(), round, text, schema };
    Ok(table.one(&ask).await?.value)
}

/// The chair picks one of them, word for word.
async fn best(
    table: &Table<'_>,
    talk: &Talk,
    members: &[Agent],
    answers: &[Option<Reply>],
) -> Result<Answer, Box<Done>> {
    let all = labelled(answers, talk.seed, "chair", |_| true);
    let labels: Vec<&str> = all.iter().map(|answer| answer.label.as_str()).collect();
    let schema = json!({
        "type": "object", "additionalProperties": false, "required": ["best", "why"],
        "properties": { "best": { "enum": labels }, "why": { "type": "string" } },
    });
    let text = format!(
        "Several have answered this, each alone; their answers follow. Say which of them is the \
         best: it is taken word for word.\n\n{}",
        shown(&all)
    );
    let place = "judge".to_owned();
    let ask = Ask { agent: chair(talk)?, place, round: 1, text, schema: Some(schema) };
    let picked = table.one(&ask).await?.value;
    let is_picked = |answer: &&Labelled<'_>| picked["best"] == answer.label.as_str();
    let Some(best) = all.iter().find(is_picked) else {
        return Err(Box::new(broken("the judge picked none of the answers".to_owned())));
    };
    let others = (0..answers.len()).filter(|of| *of != best.of);
    Ok(Answer {
        value: best.reply.value.clone(),
        says: format!("the answer of `{}` was picked", members[best.of].name),
        data: json!({ "picked": members[best.of].name, "why": picked["why"] }),
        dissent: others.filter_map(|of| Dissent::of(members, answers, of)).collect(),
    })
}

/// One after the other: texts below each other, lists appended; of other values the first.
fn concat(
    table: &Table<'_>,
    members: &[Agent],
    answers: &[Option<Reply>],
) -> Result<Answer, Box<Done>> {
    let said: Vec<(&Agent, &Reply)> = members
        .iter()
        .zip(answers)
        .filter_map(|(member, reply)| Some((member, reply.as_ref()?)))
        .collect();
    let says = format!("{} answers, one after the other", said.len());
    let value = match &table.room.job.result {
        None => {
            let part = |(member, reply): &(&Agent, &Reply)| {
                format!("## {}\n\n{}\n", member.name, reply.words().trim())
            };
            json!({ "text": said.iter().map(part).collect::<Vec<_>>().join("\n") })
        }
        Some(schema) => {
            let joined = said.iter().fold(Map::new(), |joined, (_, reply)| join(joined, reply));
            let value = Json::Object(joined);
            let problems = Schema::new(schema).map(|schema| schema.problems(&value));
            if let Some(first) = problems.unwrap_or_default().first() {
                let problem = format!("the answers together break the schema: {first}");
                return Err(Box::new(broken(problem)));
            }
            value
        }
    };
    Ok(Answer { value, says, data: Json::Null, dissent: Vec::new() })
}

fn join(mut joined: Map<String, Json>, reply: &Reply) -> Map<String, Json> {
    for (name, value) in reply.value.as_object().into_iter().flatten() {
        match (joined.get_mut(name), value) {
            (None, value) => {
                joined.insert(name.clone(), value.clone());
            }
            (Some(Json::Array(known)), Json::Array(more)) => known.extend(more.iter().cloned()),
            (Some(Json::String(known)), Json::String(more)) => {
                known.push_str("\n\n");
                known.push_str(more);
            }
            (Some(_), _) => {}
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(value: Json) -> Option<Reply> {
        Some(Reply { value })
    }

    #[test]
    fn the_same_answer_is_known_whatever_its_order() {
        let answers = [
            reply(json!({ "a": 1, "b": "x y" })),
            reply(json!({ "a": 2 })),
            None,
            reply(json!({ "b": "x  y ", "a": 1 })),
        ];
        assert_eq!(tally(&answers), [vec![0, 3], vec![1]]);
    }

    #[test]
    fn lists_are_appended_and_texts_stand_below_each_other() {
        let both = [json!({ "l": [1], "t": "a", "n": 1 }), json!({ "l": [2], "t": "b", "n": 2 })];
        let joined = both.map(|value| Reply { value }).iter().fold(Map::new(), join);
        assert_eq!(Json::Object(joined), json!({ "l": [1, 2], "t": "a\n\nb", "n": 1 }));
    }
}
