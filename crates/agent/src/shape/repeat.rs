//! The same agent again and again, each time with a fresh mind, until the check of its work passes or
//! there is a reason to give up.
//!
//! What passes from one iteration to the next is what the harness saw, not what the agent claims: the
//! files, the end of the check, the notes. A crash goes on inside the iteration that had begun: its
//! conversation is taken up where it was.

mod journal;
mod stop;
mod told;

use std::sync::Arc;
use std::time::Duration;

use api::agent::{
    Agent, AgentOutcome, Did, ErrorClass, Evidence, Rounds, StoppedBy, Terminal, Verdict,
};
use serde_json::json;

use super::trees::{Tree, Trees};
use super::{Done, broken, conversation, ends_all};
use crate::prompt::iteration;
use crate::room::Room;
use crate::seat::{Sat, Wanted, sit};
use crate::validate::{self, Checked};
use crate::verdict::judge;
use journal::{Iteration, Journal};
use stop::Why;

/// Of the last words of an iteration, in characters.
const WORDS: usize = 4000;

pub(super) async fn carry_out(room: &Arc<Room>, agent: &Agent, rounds: &Rounds) -> Done {
    // One that is over is not gone on with: it gave up, or what it came to was not taken.
    let is_over = |did: &Did| {
        matches!(did, Did::Ended { verdict }
            if matches!(verdict.outcome, AgentOutcome::GaveUp | AgentOutcome::Succeeded))
    };
    let series = room.memory.past().iter().filter(|past| is_over(&past.what)).count() + 1;
    let key = format!("{}-{series}", conversation(&room.job, &agent.name));
    let journal = match Journal::open(room, &format!("loop-{key}")) {
        Ok(journal) => journal,
        Err(problem) => return broken(problem.to_string()),
    };
    let trees = match Trees::open(&room.job).await {
        Ok(trees) => Some(trees),
        Err(problem) => {
            let text =
                format!("whether files change is not seen, and the last are kept: {problem}");
            room.record("", Did::Warning { text });
            None
        }
    };
    let rounds = rounds.clone();
    let mut repeat = Repeat { room, agent, rounds, key, journal, trees };
    repeat.lead().await
}

struct Repeat<'a> {
    room: &'a Arc<Room>,
    agent: &'a Agent,
    rounds: Rounds,
    key: String,
    journal: Journal,
    trees: Option<Trees>,
}

impl Repeat<'_> {
    async fn lead(&mut self) -> Done {
        let (checked, free) = (self.room.job.validate.is_some(), self.room.job.result.is_none());
        let mut first = true;
        loop {
            if !std::mem::replace(&mut first, false) {
                self.reload().await;
            }
            if let Some(why) = stop::over(&self.rounds, checked, free, self.journal.past()) {
                return self.end(why).await;
            }
            if let Err(done) = self.iterate().await {
                return *done;
            }
        }
    }

    /// The definition of a loop may be changed while it runs; one that is broken is not taken.
    async fn reload(&mut self) {
        let text = match self.room.door.rounds().await {
            None => return,
            Some(Ok(rounds)) if rounds == self.rounds => return,
            Some(Ok(rounds)) => {
                let text = format!("the loop `{}` was changed; it goes on so", rounds.loop_type);
                self.rounds = rounds;
                text
            }
            Some(Err(problem)) => format!("the loop goes on as it was: {problem}"),
        };
        self.room.record("", Did::Warning { text });
    }

    /// One iteration, to its end. The error is that of the attempt.
    async fn iterate(&mut self) -> Result<(), Box<Done>> {
        let number = u32::try_from(self.journal.past().len() + 1).unwrap_or(u32::MAX);
        let begun = self.journal.begun(number);
        let before = match begun.clone() {
            Some(before) => before,
            None => self.tree().await,
        };
        let told = self.told(before.as_deref()).await;
        let prompt = iteration(&self.room.job, self.agent, &self.rounds, number, &told)
            .map_err(|problem| Box::new(wrong(problem)))?;
        if begun.is_none() {
            let kept = self.journal.begin(number, before.clone());
            kept.map_err(|problem| Box::new(broken(problem.to_string())))?;
        }
        let started = self.room.wall.elapsed();
        let wanted = Wanted {
            session: format!("{}-i{number}", self.key),
            prompt,
            schema: self.room.job.result.clone(),
            check: false,
            conversation: number,
            until: self.time().map(|time| started + time),
        };
        let sat = sit(self.room, self.agent, &wanted).await;
        let verdict = judge(&sat.evidence);
        if self.room.halted().is_some() || ends_all(verdict.outcome) {
            return Err(Box::new(Done::of(sat.evidence, None)));
        }
        let mut ended = self.weigh(sat, &verdict, number).await?;
        ended.active_ms = millis(self.room.wall.elapsed().saturating_sub(started));
        ended.tree = self.tree().await;
        if let (Some(trees), Some(from), Some(to)) = (&self.trees, &before, &ended.tree) {
            ended.changed = trees.changed(from, to).await.unwrap_or_default();
        }
        ended.before = before;
        self.tell(&ended);
        let blocked = verdict.outcome == AgentOutcome::Blocked;
        let kept = self.journal.end(ended);
        kept.map_err(|problem| Box::new(broken(problem.to_string())))?;
        match blocked {
            true => Err(Box::new(Done { verdict, evidence: Evidence::default(), result: None })),
            false => Ok(()),
        }
    }

    /// What is left for an iteration.
    fn time(&self) -> Option<Duration> {
        let used = stop::used_ms(self.journal.past());
        let left = self.rounds.total_ms.map(|total| total.saturating_sub(used));
        left.into_iter().chain(self.rounds.iteration_ms).min().map(Duration::from_millis)
    }

    /// Runs the check, whatever the agent says of its work.
    async fn weigh(
        &self,
        sat: Sat,
        verdict: &Verdict,
        number: u32,
    ) -> Result<Iteration, Box<Done>> {
        let mut ended = Iteration {
            number,
            text: told::cut(&sat.text, WORDS),
            notes: sat.notes,
            denied: sat.evidence.denied,
            result: sat.result,
            ..Iteration::default()
        };
        let rested = matches!(verdict.outcome, AgentOutcome::Succeeded | AgentOutcome::Denied);
        if !rested {
            ended.errors = format!("The iteration came to no good end: {}.", verdict.says);
        }
        if let Some(check) = &self.room.job.validate {
            let checked = validate::check_or_leave(self.room, check).await.map_err(|by| {
                Box::new(Done::of(Evidence { stopped: Some(by), ..Evidence::default() }, None))
            })?;
            let Checked { passed, tail, put_back, .. } = checked;
            ended.passed = Some(passed);
            if !passed {
                ended.failures = stop::failures(&tail);
                ended.errors = told::of_check(&check.command, &tail, &ended.errors);
            }
            if passed && self.room.job.result.is_none() && ended.result.is_none() {
                // The check says that it is done, and nothing has to be handed in.
                ended.result = Some(json!({ "text": ended.text }));
            }
            if !put_back.is_empty() {
                ended.errors = told::of_protected(&put_back, &ended.errors);
            }
        }
        let done = ended.result.is_some() && ended.passed != Some(false);
        ended.fingerprint = (!done).then(|| stop::fingerprint(&ended.errors));
        if done {
            ended.errors.clear();
        } else {
            ended.failures = ended.failures.max(1);
        }
        Ok(ended)
    }

    async fn tree(&self) -> Option<Tree> {
        match self.trees.as_ref()?.take().await {
            Ok(tree) => Some(tree),
            Err(problem) => {
                let text = format!("whether files change is not seen: {problem}");
                self.room.record("", Did::Warning { text });
                None
            }
        }
    }

    /// Everybody can see what it came to, whether or not somebody follows.
    fn tell(&self, ended: &Iteration) {
        let number = ended.number;
        let says = format!(
            "iteration {number} of at most {}: {}",
            self.rounds.max_iterations,
            told::outcome(ended)
        );
        let data = json!({
            "loop": self.rounds.loop_type,
            "iteration": number,
            "passed": ended.passed,
            "changed": ended.changed,
            "tree": ended.tree,
            "errors": self.room.veil.text(&ended.errors),
            "active_ms": ended.active_ms,
        });
        self.room.record(&self.agent.name, Did::Turn { number, says, data });
        self.room.sync();
    }

    async fn end(&self, why: Why) -> Done {
        let past = self.journal.past();
        let says = why.says(past.len());
        if why.is_done() {
            let last = past.last();
            let evidence = Evidence {
                terminal: Some(Terminal::Completed),
                has_result: true,
                validated: last.and_then(|last| last.passed),
                denied: last.map_or(0, |last| last.denied),
                ..Evidence::default()
            };
            let mut done = Done::of(evidence, last.and_then(|last| last.result.clone()));
            if done.verdict.outcome == AgentOutcome::Succeeded {
                done.verdict.says = format!("done {says}");
            }
            return done;
        }
        let kept = self.keep_best().await;
        let last = past.last();
        let evidence = Evidence {
            terminal: Some(Terminal::Completed),
            has_result: last.is_some_and(|last| last.result.is_some()),
            validated: last.and_then(|last| last.passed),
            stopped: (why == Why::TimeUp).then_some(StoppedBy::WallClock),
            ..Evidence::default()
        };
        let says = format!("gave up {says}{kept}");
        let verdict = Verdict { outcome: AgentOutcome::GaveUp, retryable: false, says };
        self.room.record("", Did::Note { text: format!("the loop ended: {}", why.word()) });
        Done { evidence, verdict, result: None }
    }

    /// Leaves the files of the iteration that came nearest, where nobody else works on them.
    async fn keep_best(&self) -> String {
        let past = self.journal.past();
        let (Some(trees), Some(best)) = (&self.trees, stop::best(past)) else {
            return String::new();
        };
        let (Some(tree), Some(last)) = (&best.tree, past.last().and_then(|it| it.tree.as_ref()))
        else {
            return String::new();
        };
        let number = best.number;
        if tree == last {
            return String::new();
        }
        let done = match self.room.job.own_workspace {
            true => trees.put_back(tree).await.map(|()| format!("the files are those of {number}")),
            false => trees.diff(last, tree).await.and_then(|patch| {
                let path = self.room.folder.join("best.patch");
                std::fs::write(&path, patch).map_err(|error| error.to_string())?;
                Ok(format!("`git apply {}` leads back to it", path.display()))
            }),
        };
        match done {
            Ok(done) => format!("; iteration {number} came nearest, and {done}"),
            Err(problem) => {
                format!("; iteration {number} came nearest, but its files are not back: {problem}")
            }
        }
    }
}

/// The loop's own definition is what is wrong.
fn wrong(message: String) -> Done {
    let terminal = Some(Terminal::Error { class: ErrorClass::Invalid, message: message.clone() });
    let mut done = Done::of(Evidence { terminal, ..Evidence::default() }, None);
    done.verdict.says = message;
    done
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
