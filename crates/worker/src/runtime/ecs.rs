//! Tasks of Amazon ECS: its API in JSON, and the logs that its tasks leave in CloudWatch.
//!
//! There is nothing to wait on there: it is asked again and again, less and less often. What it says
//! may be some seconds old.

mod call;
mod follow;
mod sign;
mod wire;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use api::link::AttemptRef;
use api::runtime::{self, SeenState};
use serde_json::{Value, json};

use super::job::{Job, write};
use super::{Ending, Look, Runtime, Trouble, Will};
use call::{Cloud, ECS};
use wire::{ContainerDefinition, Described, Handle, Log, Task, Tasks};

/// Between two questions at first.
const PAUSE: Duration = Duration::from_millis(500);
/// And between those whether it has ended at last, at most.
const LONGEST_PAUSE: Duration = Duration::from_secs(3);
const STOPPED: &str = "STOPPED";

pub(super) struct Ecs {
    cloud: Cloud,
    of: runtime::Ecs,
    name: String,
    attempt: AttemptRef,
    argv: Vec<String>,
    env: BTreeMap<String, String>,
    folder: PathBuf,
}

impl Ecs {
    pub(super) fn new(job: &Job, of: &runtime::Ecs, keys: BTreeMap<String, String>) -> Self {
        Self {
            cloud: Cloud::new(&of.region, of.endpoint.as_deref(), keys),
            of: of.clone(),
            name: job.name.clone(),
            attempt: job.attempt.clone(),
            argv: job.argv.clone(),
            env: job.values().0,
            folder: job.folder.clone(),
        }
    }

    fn handle_file(&self) -> PathBuf {
        self.folder.join("runtime.handle.json")
    }

    fn handle(&self) -> Option<Handle> {
        serde_json::from_slice(&fs::read(self.handle_file()).ok()?).ok()
    }

    async fn begin(&self) -> Result<(), Trouble> {
        if self.handle().is_some() {
            return Ok(());
        }
        let definition: Described = self
            .cloud
            .call(
                ECS,
                "DescribeTaskDefinition",
                &json!({"taskDefinition": self.of.task_definition}),
            )
            .await?;
        let containers = definition.task_definition.container_definitions;
        let wanted = |of: &&ContainerDefinition| {
            self.of.container.as_ref().is_none_or(|name| *name == of.name)
        };
        let container = containers.iter().find(wanted).ok_or_else(|| {
            let names: Vec<&str> = containers.iter().map(|of| of.name.as_str()).collect();
            let definition = &self.of.task_definition;
            Trouble::Refused(format!(
                "the task definition `{definition}` has no such container; there are: {}",
                names.join(", ")
            ))
        })?;
        let task = match self.find().await? {
            Some(task) => task,
            None => self.run(&container.name).await?,
        };
        let id = task.rsplit('/').next().unwrap_or_default();
        let log = container.log_configuration.as_ref().filter(|log| log.log_driver == "awslogs");
        let log = log.and_then(|log| {
            let group = log.options.get("awslogs-group")?.clone();
            let prefix = log.options.get("awslogs-stream-prefix")?;
            Some(Log { group, stream: format!("{prefix}/{}/{id}", container.name) })
        });
        let handle = Handle { task, container: container.name.clone(), log };
        let text = serde_json::to_vec(&handle).unwrap_or_default();
        write(&self.handle_file(), &text).map_err(|error| Trouble::Refused(error.to_string()))
    }

    /// A task that was started under this name before.
    async fn find(&self) -> Result<Option<String>, Trouble> {
        for status in ["RUNNING", "STOPPED"] {
            let query = json!({
                "cluster": self.of.cluster, "startedBy": self.name, "desiredStatus": status,
            });
            let found: Value = self.cloud.call(ECS, "ListTasks", &query).await?;
            let first = found.get("taskArns").and_then(|arns| arns.get(0)).and_then(Value::as_str);
            if let Some(task) = first {
                return Ok(Some(task.to_owned()));
            }
        }
        Ok(None)
    }

    async fn run(&self, container: &str) -> Result<String, Trouble> {
        let env: Vec<Value> =
            self.env.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
        let mut request = json!({
            "cluster": self.of.cluster,
            "taskDefinition": self.of.task_definition,
            "count": 1,
            // The same call again starts nothing again.
            "clientToken": self.name,
            "startedBy": self.name,
            "overrides": {"containerOverrides": [
                {"name": container, "command": self.argv, "environment": env},
            ]},
        });
        if let Some(launch) = &self.of.launch_type {
            request["launchType"] = json!(launch);
        }
        if !self.of.subnets.is_empty() {
            let public = if self.of.public_ip { "ENABLED" } else { "DISABLED" };
            request["networkConfiguration"] = json!({"awsvpcConfiguration": {
                "subnets": self.of.subnets,
                "securityGroups": self.of.security_groups,
                "assignPublicIp": public,
            }});
        }
        let ran: Tasks = self.cloud.call(ECS, "RunTask", &request).await?;
        match ran.tasks.into_iter().next() {
            Some(task) => Ok(task.task_arn),
            None => {
                let why = ran.failures.iter().find_map(|of| of.get("reason")?.as_str());
                let why = why.unwrap_or("it did not say why");
                Err(Trouble::Refused(format!("ECS placed no task: {why}")))
            }
        }
    }

    /// `None`: it is not known there.
    async fn task(&self, task: &str) -> Result<Option<Task>, Trouble> {
        let query = json!({"cluster": self.of.cluster, "tasks": [task]});
        let found: Tasks = self.cloud.call(ECS, "DescribeTasks", &query).await?;
        Ok(found.tasks.into_iter().next())
    }

    /// Which task it is; `None`: none was started.
    async fn known(&self) -> Result<Option<String>, Trouble> {
        match self.handle() {
            Some(handle) => Ok(Some(handle.task)),
            // Its start may go on, or have been cut off.
            None => self.find().await,
        }
    }

    /// Asks for its end, and waits for it: a task has the `stopTimeout` of its definition.
    async fn end(&self) -> Result<(), Trouble> {
        let Some(task) = self.known().await? else { return Ok(()) };
        let over = |task: Task| task.last_status == STOPPED;
        // One that is not known yet may run.
        if self.task(&task).await?.is_some_and(over) {
            return Ok(());
        }
        let words = format!("orchestrate: attempt {} is over", self.attempt.number);
        let stop = json!({"cluster": self.of.cluster, "task": task, "reason": words});
        match self.cloud.call::<Value>(ECS, "StopTask", &stop).await {
            // It has vanished already.
            Err(Trouble::Refused(words)) if words.contains("not found") => return Ok(()),
            stopped => stopped?,
        };
        let mut pause = PAUSE;
        while !self.task(&task).await?.is_none_or(over) {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        Ok(())
    }
}

impl Runtime for Ecs {
    fn start(&self) -> Will<'_, ()> {
        Box::pin(self.begin())
    }

    fn look(&self) -> Will<'_, Look> {
        Box::pin(async {
            let Some(task) = self.known().await? else { return Ok(Look::of(SeenState::Gone)) };
            let Some(task) = self.task(&task).await? else {
                return Ok(Look::of(SeenState::Gone));
            };
            let ended = task.last_status == STOPPED;
            let state = if ended { SeenState::Ended } else { SeenState::Running };
            Ok(Look { state, detail: format!("{} {}", task.last_status, task.task_arn) })
        })
    }

    fn follow<'a>(&'a self, out: &'a mut (dyn Write + Send)) -> Will<'a, Ending> {
        Box::pin(self.pass_on(out))
    }

    /// The grace is the `stopTimeout` of its task definition.
    fn stop(&self, _grace: Duration) -> Will<'_, ()> {
        Box::pin(self.end())
    }

    fn clear(&self) -> Will<'_, ()> {
        Box::pin(self.end())
    }
}
