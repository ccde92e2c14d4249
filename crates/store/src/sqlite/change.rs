//! Changes beside the journal, inside a transaction.

use rusqlite::Connection;

use super::catalog::{self, Saved};
use super::failure::storage;
use super::{
    accounts, answers, given, models, notices, people, rewinds, rollout, schedules, tasks, tokens,
    upkeep, workers,
};
use crate::port::{Change, Error, Outcome};

/// Of an append it does nothing: that is the batch's.
pub(super) fn apply(connection: &Connection, change: &Change) -> Result<Outcome, Error> {
    match change {
        Change::Append(_) => Ok(Outcome::Done),
        Change::SavePipeline { name, description, text, digest, by, at, expect } => {
            let (at, expect) = (*at, *expect);
            let saved = Saved { name, description, text, digest, by, at, expect };
            catalog::save(connection, &saved).map_err(storage("save a pipeline"))
        }
        Change::SetEnabled { name, enabled, at, by: _ } => {
            catalog::enable(connection, name, *enabled, *at)
                .map_err(storage("enable or disable a pipeline"))
        }
        Change::DeletePipeline { name, at, by: _ } => {
            catalog::delete(connection, name, *at).map_err(storage("delete a pipeline"))
        }
        Change::SaveDraft { request, values, seen, by, at } => {
            people::save_draft(connection, (*request, *seen), values, by, *at)
                .map_err(storage("save a draft"))
        }
        Change::StoreEvent(event) => {
            given::store(connection, event).map_err(storage("store an event"))
        }
        Change::RouteEvent(routed) => {
            given::route(connection, routed).map_err(storage("note what an event started"))
        }
        Change::Worker(change) => {
            workers::change(connection, change).map_err(storage("keep a worker"))
        }
        Change::KeepSchedules(kept) => {
            schedules::keep(connection, kept).map_err(storage("keep schedules"))
        }
        Change::CreateToken { id, hash, user, admin, name, scopes, expires_at, by, at } => {
            let (admin, expires_at, at) = (*admin, *expires_at, *at);
            let scopes = scopes.as_deref();
            let created =
                tokens::Created { id, hash, user, admin, name, scopes, expires_at, by, at };
            tokens::create(connection, &created).map_err(storage("create a token"))
        }
        Change::RevokeToken { id, at, by: _ } => {
            tokens::revoke(connection, id, *at).map_err(storage("revoke a token"))
        }
        Change::RewindPipeline { pipeline, to, by, at } => {
            rewinds::rewind(connection, pipeline, *to, by, *at)
                .map_err(storage("rewind a pipeline"))
        }
        Change::UndoRewind { pipeline, by, at } => {
            rewinds::undo(connection, pipeline, by, *at).map_err(storage("undo a rewind"))
        }
        Change::MoveNotice(moved) => {
            notices::settle(connection, moved).map_err(storage("note what became of a notice"))
        }
        Change::RetryNotice { number, at } => {
            notices::again(connection, *number, *at).map_err(storage("send a notice again"))
        }
        Change::ReserveAnswer(request) => {
            answers::reserve(connection, request).map_err(storage("note the key of a request"))
        }
        Change::KeepAnswer { caller, key, answer } => {
            answers::keep(connection, caller, key, answer).map_err(storage("keep an answer"))
        }
        Change::DropArtifacts { numbers } => {
            people::drop_artifacts(connection, numbers).map_err(storage("drop artifacts"))
        }
        Change::Model(change) => {
            models::apply(connection, change).map_err(storage("note a call of a model"))
        }
        Change::Upkeep(work) => {
            let count =
                upkeep::apply(connection, work).map_err(storage("look after the memory"))?;
            Ok(Outcome::Upkept { count })
        }
        Change::Account(change) => {
            accounts::apply(connection, change).map_err(storage("change an account"))
        }
        Change::SaveTask(task) => tasks::save(connection, task).map_err(storage("save a task")),
        Change::SaveRollout(change) => {
            rollout::save(connection, &change.row).map_err(storage("switch the roll-out"))
        }
    }
}
