//! `orchestrate whoami`

use clap::Args;

use crate::context::Context;
use crate::error::Result;
use crate::exit::Exit;
use crate::{output, session};

/// Show as whom you act, with your groups and roles
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate whoami
  orchestrate --token \"$TOKEN_OF_BO\" whoami")]
pub struct WhoamiArgs {}

pub fn run(_args: &WhoamiArgs, context: &Context) -> Result<Exit> {
    session::talk(context, async |session| {
        let me = session.client.whoami().await?;
        output::show_item(context, ("orchestrate.whoami/v1", &me), |me| {
            let groups = match me.groups.as_slice() {
                [] => "in no group".to_owned(),
                groups => format!("in {}", groups.join(", ")),
            };
            let admin = if me.admin { ", admin" } else { "" };
            Ok(format!("{}  {groups}{admin}  (by {})\n", me.name, me.by))
        })?;
        Ok(Exit::Ok)
    })
}
