//! What can be listened to.

use std::fmt;

use engine::id::{ExecutionId, RunId};

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Topic {
    Run(RunId),
    Runs,
    Pipelines,
    Pipeline(String),
    Inbox,
    Tasks,
    Fleet,
    Rollout,
    Log(LogOf),
    Talk(TalkOf),
}

/// The output of one attempt.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct LogOf {
    pub(crate) run: RunId,
    pub(crate) execution: ExecutionId,
    pub(crate) attempt: u32,
}

/// What the agents of an execution did and said, over all of its attempts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TalkOf {
    pub(crate) run: RunId,
    pub(crate) execution: ExecutionId,
}

/// As a client writes it: its run may still have any of a run's names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    Run(String),
    Pipeline(String),
    Log { run: String, execution: ExecutionId, attempt: u32 },
    Talk { run: String, execution: ExecutionId },
    Plain(Topic),
}

/// How a topic may be written.
pub(crate) const FORMS: &str = "run:<run> runs pipelines pipeline:<name> inbox tasks fleet rollout \
                                log:<run>/<stage>/<attempt> talk:<run>/<stage>";

impl Wanted {
    /// `None`: nothing is called so.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text.split_once(':') {
            None => match text {
                "runs" => Some(Self::Plain(Topic::Runs)),
                "pipelines" => Some(Self::Plain(Topic::Pipelines)),
                "inbox" => Some(Self::Plain(Topic::Inbox)),
                "tasks" => Some(Self::Plain(Topic::Tasks)),
                "fleet" => Some(Self::Plain(Topic::Fleet)),
                "rollout" => Some(Self::Plain(Topic::Rollout)),
                _ => None,
            },
            Some(("run", run)) => Some(Self::Run(run.to_owned())),
            Some(("pipeline", name)) => Some(Self::Pipeline(name.to_owned())),
            Some(("log", place)) => {
                let (run, rest) = place.split_once('/')?;
                let (execution, attempt) = rest.rsplit_once('/')?;
                let (execution, attempt) = (execution.parse().ok()?, attempt.parse().ok()?);
                Some(Self::Log { run: run.to_owned(), execution, attempt })
            }
            Some(("talk", place)) => {
                let (run, execution) = place.rsplit_once('/')?;
                Some(Self::Talk { run: run.to_owned(), execution: execution.parse().ok()? })
            }
            Some(_) => None,
        }
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run(run) => write!(f, "run:{run}"),
            Self::Runs => f.write_str("runs"),
            Self::Pipelines => f.write_str("pipelines"),
            Self::Pipeline(name) => write!(f, "pipeline:{name}"),
            Self::Inbox => f.write_str("inbox"),
            Self::Tasks => f.write_str("tasks"),
            Self::Fleet => f.write_str("fleet"),
            Self::Rollout => f.write_str("rollout"),
            Self::Log(LogOf { run, execution, attempt }) => {
                write!(f, "log:{run}/{execution}/{attempt}")
            }
            Self::Talk(TalkOf { run, execution }) => write!(f, "talk:{run}/{execution}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_read_as_they_are_written() {
        let run = RunId(uuid::Uuid::nil());
        let execution: ExecutionId = "implement[2]".parse().unwrap();
        let log = Topic::Log(LogOf { run, execution: execution.clone(), attempt: 3 });
        let wanted = Wanted::Log { run: run.to_string(), execution: execution.clone(), attempt: 3 };
        assert_eq!(Wanted::parse(&log.to_string()), Some(wanted));
        let talk = Topic::Talk(TalkOf { run, execution: execution.clone() });
        let wanted = Wanted::Talk { run: run.to_string(), execution };
        assert_eq!(Wanted::parse(&talk.to_string()), Some(wanted));
        assert_eq!(Wanted::parse("run:a#1"), Some(Wanted::Run("a#1".to_owned())));
        assert_eq!(Wanted::parse("inbox"), Some(Wanted::Plain(Topic::Inbox)));
        for bad in
            ["", "run", "Runs", "log:a", "log:a/b", "log:a/b/x", "log:a/b/-1", "talk:a", "pod:x"]
        {
            assert_eq!(Wanted::parse(bad), None, "{bad}");
        }
    }
}
