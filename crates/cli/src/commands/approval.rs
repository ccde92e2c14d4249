//! `orchestrate approval`

mod decide;
mod list;
mod show;

use clap::Subcommand;

use crate::context::Context;
use crate::error::Result;
use crate::exit::Exit;

/// Decide about gates that wait for people
#[derive(Debug, Subcommand)]
pub enum ApprovalCommand {
    List(list::ListApprovalsArgs),
    Show(show::ShowApprovalArgs),
    Approve(decide::ApproveArgs),
    Answer(decide::AnswerArgs),
    Reject(decide::RejectArgs),
    RequestChanges(decide::RequestChangesArgs),
    Delegate(decide::DelegateArgs),
    Revoke(decide::RevokeArgs),
}

pub fn run(command: ApprovalCommand, context: &Context) -> Result<Exit> {
    match command {
        ApprovalCommand::List(args) => list::run(&args, context),
        ApprovalCommand::Show(args) => show::run(&args, context),
        ApprovalCommand::Approve(args) => decide::approve(&args, context),
        ApprovalCommand::Answer(args) => decide::answer(&args, context),
        ApprovalCommand::Reject(args) => decide::reject(&args, context),
        ApprovalCommand::RequestChanges(args) => decide::request_changes(&args, context),
        ApprovalCommand::Delegate(args) => decide::delegate(&args, context),
        ApprovalCommand::Revoke(args) => decide::revoke(&args, context),
    }
}

/// `A-17` for `a-17`, `A17` and `17`.
pub(crate) fn id(letter: char, said: &str) -> String {
    let bare = said.trim().trim_start_matches([letter, letter.to_ascii_lowercase()]);
    let bare = bare.trim_start_matches('-');
    if !bare.is_empty() && bare.bytes().all(|byte| byte.is_ascii_digit()) {
        format!("{letter}-{bare}")
    } else {
        said.trim().to_owned()
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn ids_may_be_said_shortly() {
        for said in ["A-17", "a-17", "A17", "17", " 17 "] {
            assert_eq!(super::id('A', said), "A-17", "{said}");
        }
        for said in ["", "A-", "deploy", "A-1x"] {
            assert_eq!(super::id('A', said), said, "{said}");
        }
    }
}
