//! Following a task: what it prints, by CloudWatch, and how it ends.

use std::io::Write;
use std::time::Duration;

use api::link::End;
use serde_json::json;

use super::super::patience::Patience;
use super::super::{Ending, Trouble};
use super::call::LOGS;
use super::wire::{Events, Handle, Log, Task};
use super::{Ecs, PAUSE, STOPPED};

/// An API that does not answer is asked again for so long.
const PATIENCE: Duration = Duration::from_secs(300);
/// The last lines of a task may come after its end: until so many looks in a row find nothing new.
const LAST_LOOKS: u32 = 4;
const MOST_LAST_LOOKS: u32 = 40;
/// A task that was just started may not be known everywhere.
const UNKNOWN_AT_FIRST: u32 = 5;

enum Step {
    News,
    Nothing,
    Unknown,
    Ended(Ending),
}

impl Ecs {
    pub(super) async fn pass_on(&self, out: &mut (dyn Write + Send)) -> Result<Ending, Trouble> {
        let handle = self
            .handle()
            .ok_or_else(|| Trouble::Refused("which task it was is not known".to_owned()))?;
        let longest = Duration::from_secs(self.of.poll_seconds.max(1));
        let mut patience = Patience::of(PATIENCE);
        let (mut token, mut pause, mut unknown) = (None, PAUSE, 0);
        loop {
            match self.step(&handle, &mut token, out).await {
                Ok(Step::Ended(ending)) => return Ok(ending),
                Ok(Step::News) => {
                    (pause, unknown) = (PAUSE, 0);
                    patience.heard();
                }
                Ok(Step::Nothing) => {
                    unknown = 0;
                    patience.heard();
                }
                Ok(Step::Unknown) => {
                    unknown += 1;
                    if unknown > UNKNOWN_AT_FIRST {
                        return Ok(Ending::Gone(format!("ECS knows no task `{}`", handle.task)));
                    }
                }
                Err(trouble) => patience.bear(trouble)?,
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(longest);
        }
    }

    async fn step(
        &self,
        handle: &Handle,
        token: &mut Option<String>,
        out: &mut (dyn Write + Send),
    ) -> Result<Step, Trouble> {
        // Asked first: what it printed before its end is there then.
        let Some(task) = self.task(&handle.task).await? else { return Ok(Step::Unknown) };
        let mut news = false;
        if let Some(log) = &handle.log {
            news = self.lines(log, token, out).await?;
        }
        if task.last_status != STOPPED {
            return Ok(if news { Step::News } else { Step::Nothing });
        }
        if let Some(log) = &handle.log {
            let (mut looks, mut in_vain) = (0, 0);
            while in_vain < LAST_LOOKS && looks < MOST_LAST_LOOKS {
                tokio::time::sleep(PAUSE).await;
                looks += 1;
                in_vain = if self.lines(log, token, out).await? { 0 } else { in_vain + 1 };
            }
        }
        Ok(Step::Ended(ended(&task, handle)))
    }

    /// New lines; whether there were any.
    async fn lines(
        &self,
        log: &Log,
        token: &mut Option<String>,
        out: &mut (dyn Write + Send),
    ) -> Result<bool, Trouble> {
        let mut any = false;
        loop {
            let mut query = json!({
                "logGroupName": log.group, "logStreamName": log.stream, "startFromHead": true,
            });
            if let Some(token) = token {
                query["nextToken"] = json!(token);
            }
            let events: Events = match self.cloud.call(LOGS, "GetLogEvents", &query).await {
                Ok(events) => events,
                // A task that has printed nothing yet has no stream.
                Err(Trouble::Refused(words)) if words.contains("ResourceNotFound") => {
                    return Ok(any);
                }
                Err(trouble) => return Err(trouble),
            };
            for event in &events.events {
                let _gone = writeln!(out, "{}", event.message);
            }
            let _gone = out.flush();
            any |= !events.events.is_empty();
            // An empty page is not the last one: at the end the token stays as it is.
            match events.next_forward_token {
                Some(next) if Some(&next) != token.as_ref() => *token = Some(next),
                Some(_) | None => return Ok(any),
            }
        }
    }
}

/// A task may end without its container ever having run.
fn ended(task: &Task, handle: &Handle) -> Ending {
    let container = task.containers.iter().find(|of| of.name == handle.container);
    match container.and_then(|of| of.exit_code) {
        Some(code) => Ending::Ended(End::Code(code)),
        None => {
            let reasons =
                [task.stopped_reason.as_deref(), container.and_then(|of| of.reason.as_deref())];
            let reasons: Vec<&str> =
                reasons.into_iter().flatten().filter(|why| !why.is_empty()).collect();
            Ending::Gone(format!("ECS stopped it without an exit code: {}", reasons.join("; ")))
        }
    }
}
