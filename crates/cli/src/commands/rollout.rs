//! `orchestrate rollout`

use std::collections::BTreeMap;

use api::rollout::{RolloutView, Switch};
use clap::{Args, Subcommand};

use crate::context::Context;
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::session::Session;
use crate::{output, render, session};

/// How much of what runs decide is really done, and how tasks pass through the roles
#[derive(Debug, Subcommand)]
pub enum RolloutCommand {
    Status(StatusArgs),
    Check(CheckArgs),
    Switch(SwitchArgs),
    Queues(QueuesArgs),
}

/// Show the modes, and who stands in the way of a switch
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  orchestrate rollout status")]
pub struct StatusArgs {}

/// Say whether the next mode may be dared, by what was measured here; exits with 1 when not
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate rollout check
  orchestrate rollout check && orchestrate rollout switch pilot --pilot-tasks 'TASK-1*'")]
pub struct CheckArgs {}

/// Show where tasks are: to be started, with a role, kept, done
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  orchestrate rollout queues --output json")]
pub struct QueuesArgs {}

/// Change a mode; refused while somebody is busy, unless it waits (--drain) or does not heed
/// them (--force)
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate rollout switch shadow
  orchestrate rollout switch pilot --pilot-tasks 'TASK-1*,UI-*' --drain --wait
  orchestrate rollout switch --orchestration hybrid --max-tasks 3 --wip implementer=2
  orchestrate rollout switch --cancel-drain")]
pub struct SwitchArgs {
    /// What new runs do: say what they would do, do so but for some tasks, or do everything
    #[arg(value_parser = ["shadow", "pilot", "production"])]
    mode: Option<String>,
    /// How tasks pass through the roles: one after the other, side by side, or so many at most
    #[arg(long, value_name = "MODE", value_parser = ["sequential", "parallel", "hybrid"])]
    orchestration: Option<String>,
    /// Tasks that run as in production while the mode is pilot, as globs over their ids
    #[arg(long, value_delimiter = ',', value_name = "GLOBS")]
    pilot_tasks: Option<Vec<String>>,
    /// Tasks in the system at once, in hybrid
    #[arg(long, value_name = "N")]
    max_tasks: Option<u32>,
    /// Agents of a role at work at once; replaces all limits there are
    #[arg(long, value_delimiter = ',', value_name = "ROLE=N", value_parser = limit)]
    wip: Option<Vec<(String, u32)>>,
    /// Take all limits of roles away
    #[arg(long, conflicts_with = "wip")]
    no_wip: bool,
    /// Who is first in a queue
    #[arg(long, value_name = "ORDER", value_parser = ["priority", "fifo"])]
    scheduler: Option<String>,
    /// Why; kept in the audit trail
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Switch when nobody is busy any more; until then no task begins
    #[arg(long, conflicts_with = "force")]
    drain: bool,
    /// With --drain: return when it is switched
    #[arg(long, requires = "drain")]
    wait: bool,
    /// Switch at once; kept in the audit trail with who was busy
    #[arg(long)]
    force: bool,
    /// Give up a switch that waits
    #[arg(long, exclusive = true)]
    cancel_drain: bool,
}

fn limit(text: &str) -> Result<(String, u32), String> {
    let wrong = || format!("`{text}` is no ROLE=N");
    let (role, limit) = text.rsplit_once('=').ok_or_else(wrong)?;
    let limit = limit.trim().parse().map_err(|_no_number| wrong())?;
    match role.trim() {
        "" => Err(wrong()),
        role => Ok((role.to_owned(), limit)),
    }
}

pub fn run(command: RolloutCommand, context: &Context) -> Result<Exit> {
    match command {
        RolloutCommand::Status(StatusArgs {}) => status(context),
        RolloutCommand::Check(CheckArgs {}) => check(context),
        RolloutCommand::Switch(args) => switch(args, context),
        RolloutCommand::Queues(QueuesArgs {}) => queues(context),
    }
}

fn status(context: &Context) -> Result<Exit> {
    session::talk(context, async |session| {
        show(&session.client.rollout().await?, context)?;
        Ok(Exit::Ok)
    })
}

fn show(view: &RolloutView, context: &Context) -> Result<()> {
    output::show_item(context, ("orchestrate.rollout/v1", view), |view| {
        Ok(render::rollout::page(view, context.now(), context.palette()))
    })
}

fn check(context: &Context) -> Result<Exit> {
    session::talk(context, async |session| {
        let check = session.client.check_rollout().await?;
        output::show_item(context, ("orchestrate.rollout.check/v1", &check), |check| {
            Ok(render::rollout::check(check, context.palette()))
        })?;
        Ok(if check.passed { Exit::Ok } else { Exit::Internal })
    })
}

fn queues(context: &Context) -> Result<Exit> {
    session::talk(context, async |session| {
        let queues = session.client.queues().await?;
        output::show_item(context, ("orchestrate.queues/v1", &queues), |queues| {
            Ok(render::rollout::queues(queues, context.now(), context.palette()))
        })?;
        Ok(Exit::Ok)
    })
}

impl SwitchArgs {
    fn wanted(&self) -> Result<Switch> {
        let given = self.wip.clone().map(|limits| limits.into_iter().collect());
        let switch = Switch {
            mode: self.mode.clone(),
            pilot_tasks: self.pilot_tasks.clone().map(|mut globs| {
                globs.retain(|glob| !glob.is_empty());
                globs
            }),
            orchestration: self.orchestration.clone(),
            max_tasks: self.max_tasks,
            wip: if self.no_wip { Some(BTreeMap::new()) } else { given },
            scheduler: self.scheduler.clone(),
            reason: self.reason.clone(),
            drain: self.drain,
            force: self.force,
        };
        let changes = Switch { reason: None, drain: false, force: false, ..switch.clone() };
        if changes == Switch::default() {
            let says = "nothing is said that would change";
            return Err(Failure::usage(says).hint("orchestrate rollout switch --help"));
        }
        Ok(switch)
    }
}

fn switch(args: SwitchArgs, context: &Context) -> Result<Exit> {
    session::talk(context, async |session| {
        if args.cancel_drain {
            show(&session.client.give_up_drain().await?, context)?;
            return Ok(Exit::Ok);
        }
        let wanted = args.wanted()?;
        let mut view = session.client.switch_rollout(&wanted).await?;
        if args.force {
            for line in render::rollout::busy(&view, context.now()) {
                context.note(&format!("warning: goes on in its old mode: {line}"));
            }
        }
        if let (Some(draining), true) = (&view.draining, args.wait) {
            context.note(&format!("{}: {} busy", draining.says, view.busy.len()));
            view = drained(session, &wanted).await?;
        }
        show(&view, context)?;
        Ok(Exit::Ok)
    })
}

/// Waits until the switch that waits is no more.
async fn drained(session: &Session, wanted: &Switch) -> Result<RolloutView> {
    let mut cursor: Option<String> = None;
    let view = loop {
        let polled = session.client.poll(&["rollout".to_owned()], cursor.as_deref()).await?;
        cursor = Some(polled.cursor);
        let view = session.client.rollout().await?;
        if view.draining.is_none() {
            break view;
        }
    };
    let as_wanted = |wish: &Option<String>, is: &String| wish.as_ref().is_none_or(|w| w == is);
    if as_wanted(&wanted.mode, &view.mode) && as_wanted(&wanted.orchestration, &view.orchestration)
    {
        return Ok(view);
    }
    let says = "the switch was given up before it happened";
    Err(Failure::new(Exit::Conflict, says)
        .hint("orchestrate audit list --action rollout.drain_given_up"))
}
