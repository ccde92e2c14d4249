//! `orchestrate approval approve|reject|request-changes|delegate|revoke`

use api::approval::{ApprovalDetail, Approve, Reject, RequestChanges};
use clap::Args;

use super::id;
use crate::context::Context;
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::session::{self, Session};
use crate::{output, render};

/// Approve; the decision holds for what is shown at this moment
///
/// Refused with 5 when what is to be approved has changed since `--digest` was shown, when you
/// have voted already or when it is decided; with 6 when it is not yours to decide.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate approval approve A-17 --comment \"LGTM\"
  orchestrate --token \"$TOKEN_OF_BO\" approval approve A-17")]
pub struct ApproveArgs {
    #[command(flatten)]
    what: Which,
    /// Kept in the audit trail
    #[arg(long, short, default_value = "", hide_default_value = true)]
    comment: String,
}

/// Answer what an agent asks: its attempt goes on with these words
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  orchestrate approval answer A-17 \"use CSS variables\"")]
pub struct AnswerArgs {
    #[command(flatten)]
    what: Which,
    /// One of the choices, where the question names some
    text: String,
}

/// Reject: one rejection is enough, and the stage fails
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  orchestrate approval reject A-17 --reason \"wrong target\"")]
pub struct RejectArgs {
    #[command(flatten)]
    what: Which,
    /// Why; kept in the audit trail
    #[arg(long, short)]
    reason: String,
}

/// Have the work done again with this feedback; only where a result is to be approved
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  orchestrate approval request-changes A-17 --feedback \"say what breaks\""
)]
pub struct RequestChangesArgs {
    #[command(flatten)]
    what: Which,
    /// What ought to change; whoever did the work gets it
    #[arg(long, short)]
    feedback: String,
}

/// Let somebody else decide in your place
///
/// The deadline stays. What was delegated can be taken back until it was used.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  orchestrate approval delegate A-17 --to kim")]
pub struct DelegateArgs {
    /// `A-17`, as in `approval list`
    id: String,
    /// Who decides instead
    #[arg(long, value_name = "USER")]
    to: String,
}

/// Take a delegation back that was not used yet
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  orchestrate approval revoke A-17 --to kim")]
pub struct RevokeArgs {
    /// `A-17`, as in `approval list`
    id: String,
    /// To whom it was delegated
    #[arg(long, value_name = "USER")]
    to: String,
}

#[derive(Debug, Args)]
struct Which {
    /// `A-17`, as in `approval list`
    id: String,
    /// Refuse unless this is the digest of what is shown, or its beginning
    #[arg(long, value_name = "HEX")]
    digest: Option<String>,
}

impl Which {
    /// Its id, and the digest of what is shown now.
    async fn read(&self, session: &Session) -> Result<(String, String)> {
        const SHORTEST: usize = 7;
        let id = id('A', &self.id);
        let shown = session.client.approval(&id).await?.digest;
        if let Some(wanted) = &self.digest {
            let wanted = wanted.trim().to_ascii_lowercase();
            if wanted.len() < SHORTEST {
                return Err(Failure::usage(format!("`--digest` needs {SHORTEST} digits or more")));
            }
            if !shown.starts_with(&wanted) {
                let message = format!("what {id} asks about has changed");
                let look = format!("look again: orchestrate approval show {id}");
                return Err(Failure::new(Exit::Conflict, message).hint(look));
            }
        }
        Ok((id, shown))
    }
}

pub(super) fn approve(args: &ApproveArgs, context: &Context) -> Result<Exit> {
    session::talk(context, async |session| {
        let (id, digest) = args.what.read(session).await?;
        let body = Approve { comment: args.comment.clone(), digest: Some(digest) };
        tell("Approved", &session.client.approve(&id, &body).await?, context)
    })
}

pub(super) fn answer(args: &AnswerArgs, context: &Context) -> Result<Exit> {
    let text = said(&args.text, "the answer")?;
    session::talk(context, async |session| {
        let (id, digest) = args.what.read(session).await?;
        let body = Approve { comment: text.clone(), digest: Some(digest) };
        tell("Answered", &session.client.approve(&id, &body).await?, context)
    })
}

pub(super) fn reject(args: &RejectArgs, context: &Context) -> Result<Exit> {
    let reason = said(&args.reason, "--reason")?;
    session::talk(context, async |session| {
        let (id, digest) = args.what.read(session).await?;
        let body = Reject { reason: reason.clone(), digest: Some(digest) };
        tell("Rejected", &session.client.reject(&id, &body).await?, context)
    })
}

pub(super) fn request_changes(args: &RequestChangesArgs, context: &Context) -> Result<Exit> {
    let feedback = said(&args.feedback, "--feedback")?;
    session::talk(context, async |session| {
        let (id, digest) = args.what.read(session).await?;
        let body = RequestChanges { feedback: feedback.clone(), digest: Some(digest) };
        tell("Sent back", &session.client.request_changes(&id, &body).await?, context)
    })
}

pub(super) fn delegate(args: &DelegateArgs, context: &Context) -> Result<Exit> {
    session::talk(context, async |session| {
        let detail = session.client.delegate(&id('A', &args.id), &args.to).await?;
        tell("Delegated", &detail, context)
    })
}

pub(super) fn revoke(args: &RevokeArgs, context: &Context) -> Result<Exit> {
    session::talk(context, async |session| {
        let detail = session.client.revoke(&id('A', &args.id), &args.to).await?;
        tell("Revoked", &detail, context)
    })
}

fn said(text: &str, option: &str) -> Result<String> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Failure::usage(format!("`{option}` says nothing")));
    }
    Ok(text.to_owned())
}

fn tell(word: &str, detail: &ApprovalDetail, context: &Context) -> Result<Exit> {
    output::show_item(context, ("orchestrate.approval/v1", detail), |detail| {
        Ok(render::approvals::decided(word, detail, context.palette()))
    })?;
    Ok(Exit::Ok)
}
