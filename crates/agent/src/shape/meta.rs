//! A planner draws up the team that does the work. Its plan is data: it is checked, kept, and never
//! asked for again; who is in it gets no more than the stage allows, and no team of its own.

mod roster;

use std::path::Path;
use std::sync::Arc;

use api::agent::{Agent, AgentOutcome, Allowance, Combine, Did, Evidence, Talk, TalkMode, prompt};
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};

use super::talk::table::{Ask, Table};
use super::{Done, ends_all, single, talk};
use crate::room::Room;
use crate::tools::place::Place;
use roster::{Mode, Roster};

/// In the workspace; a stage may declare it as an artifact.
const FILE: &str = "roster.json";
/// How often the planner is asked.
const PLANS: u32 = 2;

pub(super) async fn carry_out(room: &Arc<Room>, planner: &Agent, allowance: &Allowance) -> Done {
    let table = match talk::open(room, "team") {
        Ok(table) => table,
        Err(done) => return *done,
    };
    match plan(&table, planner, allowance).await {
        Ok(roster) => work(room, planner, allowance, &roster).await,
        Err(Unplanned::Over(done)) => *done,
        Err(Unplanned::NoRoster(why)) => match &allowance.fallback {
            Some(agent) => {
                let text = format!("there is no team ({why}); `{}` does the work", agent.name);
                room.record("", Did::Warning { text });
                single::carry_out(room, agent).await
            }
            None => {
                let mut done = Done::of(Evidence::default(), None);
                done.verdict.outcome = AgentOutcome::NoResult;
                done.verdict.retryable = false;
                done.verdict.says = format!("there is no team: {why}");
                done
            }
        },
    }
}

enum Unplanned {
    /// The attempt ends.
    Over(Box<Done>),
    NoRoster(String),
}

async fn plan(
    table: &Table<'_>,
    planner: &Agent,
    allowance: &Allowance,
) -> Result<Roster, Unplanned> {
    let mut mend = String::new();
    for number in 1..=PLANS {
        let ask = Ask {
            agent: talk::reading(planner),
            place: format!("roster-{number}"),
            round: number,
            text: format!("{}{mend}", prompt::planning(allowance)),
            schema: Some(prompt::roster(allowance)),
        };
        let said = match table.one(&ask).await {
            Ok(reply) => reply.value,
            Err(done) if table.room.halted().is_some() || ends_all(done.verdict.outcome) => {
                return Err(Unplanned::Over(done));
            }
            Err(done) => return Err(Unplanned::NoRoster(done.verdict.says)),
        };
        match roster::read(&said) {
            Ok(roster) => {
                freeze(table.room, &roster, &said);
                return Ok(roster);
            }
            Err(problems) => {
                let problems = problems.join("\n");
                mend = format!("\n\nYour roster of before does not hold:\n{problems}\nMend it.");
            }
        }
    }
    Err(Unplanned::NoRoster(mend.trim().lines().nth(1).unwrap_or_default().to_owned()))
}

/// For people, and for whoever declares it as an artifact.
fn freeze(room: &Room, roster: &Roster, said: &Json) {
    let told = |did: &Did| matches!(did, Did::Turn { data, .. } if data["roster"] == *said);
    if !room.memory.past().iter().any(|past| told(&past.what)) {
        let names: Vec<&str> = roster.agents.iter().map(|one| one.name.as_str()).collect();
        let says = format!("the team: {} ({})", names.join(", "), roster.mode.word());
        room.record("", Did::Turn { number: 0, says, data: json!({ "roster": said }) });
    }
    let text = room.veil.text(&format!("{said:#}\n"));
    let written = Place::open(Path::new(&room.job.workspace))
        .map_err(|error| error.to_string())
        .and_then(|place| place.write(FILE, text.as_bytes()).map(drop));
    if let Err(problem) = written {
        room.record("", Did::Warning { text: format!("`{FILE}` could not be written: {problem}") });
    }
    room.sync();
}

async fn work(room: &Arc<Room>, planner: &Agent, allowance: &Allowance, roster: &Roster) -> Done {
    let make = |one: &roster::Member| one.agent(planner, allowance);
    let is_chair = |one: &&roster::Member| roster.chair.as_deref() == Some(one.name.as_str());
    let chair = roster.agents.iter().find(is_chair).map_or_else(|| planner.clone(), make);
    let members: Vec<Agent> = roster.agents.iter().filter(|one| !is_chair(one)).map(make).collect();
    let (mode, combine) = match (roster.mode, members.first()) {
        (Mode::Single, Some(agent)) => return single::carry_out(room, agent).await,
        (Mode::Sequential | Mode::Single, _) => (TalkMode::Sequential, Combine::Synthesise),
        (Mode::Parallel, _) => (TalkMode::Parallel, Combine::Synthesise),
        (Mode::Council, _) => (TalkMode::Council, Combine::Synthesise),
        (Mode::Debate, _) => (TalkMode::Debate, Combine::Vote),
    };
    let job = &room.job;
    let digest = Sha256::digest(format!("{} {}", job.attempt.run, job.attempt.execution));
    let seed = digest.iter().take(8).fold(0, |seed, byte| (seed << 8) | u64::from(*byte));
    let rounds = roster.rounds.unwrap_or(if mode == TalkMode::Debate { 2 } else { 1 });
    let talk = Talk { mode, rounds, combine, chair: Some(Box::new(chair)), seed };
    match talk::open(room, "talk") {
        Ok(table) => talk::lead(&table, &members, &talk).await,
        Err(done) => *done,
    }
}
