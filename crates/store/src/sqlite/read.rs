//! Read-only connections, a few of them kept open.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use engine::event::Stamped;
use engine::id::RunId;
use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, OptionalExtension};

use super::failure::storage;
use super::upkeep;
use super::{
    SCHEMA, accounts, audit, given, journal, list, migrate, models, notices, people, rewinds,
    rollout, row, schedules, tasks, tokens, trail, verify, workers,
};
use crate::port::Tally;
use crate::port::{
    ArtifactQuery, ArtifactRow, AuditQuery, AuditRow, CostBy, DraftRow, Error, EventRow,
    GivenQuery, GivenRow, Health, ModelCall, ModelCosts, ModelQuery, ModelSum, ModelTexts,
    NoticeQuery, NoticeRow, OpenNotices, PipelineQuery, PipelineRow, Read, ReadAccounts,
    ReadModels, RequestQuery, RequestRow, RevisionRow, RewindRow, RolloutRow, RunQuery, RunRow,
    ScheduleRow, SecretRow, SessionRow, StageRow, TaskQuery, TaskRow, TokenRow, TrailQuery,
    TrailRow, UserRow, Verified, WorkerRow,
};

/// Connections kept between calls; more are opened when more calls come at once.
const KEPT: usize = 4;

/// Reads while another connection, or another process, writes.
#[derive(Clone, Debug)]
pub struct SqliteReader {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl SqliteReader {
    /// Opens a database that exists and has this version's schema.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let reader = Self {
            shared: Arc::new(Shared { path: path.to_owned(), idle: Mutex::new(Vec::new()) }),
        };
        let found = reader.with(migrate::version)?;
        migrate::refuse_newer(found, path)?;
        if found < SCHEMA {
            let older = format!("its schema is {found}, {SCHEMA} is needed: a writer migrates it");
            let operation = "open the database";
            return Err(Error::Storage { operation, full: false, source: older.into() });
        }
        Ok(reader)
    }

    fn with<T>(&self, read: impl FnOnce(&Connection) -> Result<T, Error>) -> Result<T, Error> {
        let idle = || self.shared.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = idle().pop();
        let connection = match kept {
            Some(connection) => connection,
            None => super::connect(&self.shared.path, OpenFlags::SQLITE_OPEN_READ_ONLY)?,
        };
        // Dropped on an error: the next call gets a connection without a past.
        let value = read(&connection)?;
        let mut idle = idle();
        if idle.len() < KEPT {
            idle.push(connection);
        }
        Ok(value)
    }

    /// Writes this moment of the database into a new file, compact, and on disk when it returns.
    /// Nobody who writes has to wait.
    pub fn copy_to(&self, path: &Path) -> Result<(), Error> {
        crate::folder::create_private(path)?;
        let text = path.to_str().ok_or_else(|| Error::Storage {
            operation: "copy the database",
            full: false,
            source: "its new name is no text".into(),
        })?;
        self.query("copy the database", |connection| {
            connection.execute("VACUUM INTO ?1", [text]).map(drop)
        })?;
        std::fs::File::open(path)
            .and_then(|file| file.sync_all())
            .map_err(crate::folder::failed("copy the database"))
    }

    fn query<T>(
        &self,
        operation: &'static str,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, Error> {
        self.with(|connection| read(connection).map_err(storage(operation)))
    }

    fn related(&self, column: &str, run: RunId) -> Result<Vec<RunRow>, Error> {
        let sql = format!("SELECT {} FROM pipeline_runs WHERE {column} = ?1 ORDER BY id", row::RUN);
        self.query("list related runs", |connection| {
            connection.prepare_cached(&sql)?.query_map([run.0.as_bytes()], row::run)?.collect()
        })
    }
}

impl Read for SqliteReader {
    fn pipelines(&self, query: &PipelineQuery) -> Result<Vec<PipelineRow>, Error> {
        self.query("list pipelines", |connection| list::pipelines(connection, query))
    }

    fn pipeline(&self, name: &str) -> Result<Option<PipelineRow>, Error> {
        let sql = format!(
            "SELECT {} FROM pipelines WHERE name = ?1 AND deleted_at IS NULL",
            row::PIPELINE
        );
        self.query("read a pipeline", |connection| {
            connection.prepare_cached(&sql)?.query_row([name], row::pipeline).optional()
        })
    }

    fn revision(&self, name: &str, number: Option<u32>) -> Result<Option<RevisionRow>, Error> {
        let which = match number {
            Some(_) => "?2",
            None => {
                "(SELECT revision FROM pipelines WHERE name = ?1 AND deleted_at IS NULL AND ?2 IS NULL)"
            }
        };
        let sql = format!(
            "SELECT {} FROM revisions WHERE pipeline = ?1 AND number = {which}",
            row::REVISION
        );
        self.query("read a revision", |connection| {
            connection.prepare_cached(&sql)?.query_row((name, number), row::revision).optional()
        })
    }

    fn revisions(&self, name: &str, limit: u32) -> Result<Vec<RevisionRow>, Error> {
        let sql = format!(
            "SELECT {} FROM revisions WHERE pipeline = ?1 ORDER BY number DESC LIMIT ?2",
            row::REVISION
        );
        self.query("list revisions", |connection| {
            connection.prepare_cached(&sql)?.query_map((name, limit), row::revision)?.collect()
        })
    }

    fn runs(&self, query: &RunQuery) -> Result<Vec<RunRow>, Error> {
        self.query("list runs", |connection| list::runs(connection, query))
    }

    fn run(&self, id: RunId) -> Result<Option<RunRow>, Error> {
        let sql = format!("SELECT {} FROM pipeline_runs WHERE id = ?1", row::RUN);
        self.query("read a run", |connection| {
            connection.prepare_cached(&sql)?.query_row([id.0.as_bytes()], row::run).optional()
        })
    }

    fn run_by_number(&self, pipeline: &str, number: u64) -> Result<Option<RunRow>, Error> {
        let sql =
            format!("SELECT {} FROM pipeline_runs WHERE pipeline = ?1 AND number = ?2", row::RUN);
        let values = (pipeline, row::integer(number));
        self.query("read a run", |connection| {
            connection.prepare_cached(&sql)?.query_row(values, row::run).optional()
        })
    }

    fn run_by_task(&self, task: &str, number: u64) -> Result<Option<RunRow>, Error> {
        let sql =
            format!("SELECT {} FROM pipeline_runs WHERE task = ?1 AND task_number = ?2", row::RUN);
        let values = (task, row::integer(number));
        self.query("read a run", |connection| {
            connection.prepare_cached(&sql)?.query_row(values, row::run).optional()
        })
    }

    fn runs_by_prefix(&self, prefix: &str) -> Result<Vec<RunRow>, Error> {
        let Some((low, high)) = crate::port::prefix_range(prefix) else { return Ok(Vec::new()) };
        let sql = format!(
            "SELECT {} FROM pipeline_runs WHERE id BETWEEN ?1 AND ?2 ORDER BY id LIMIT 2",
            row::RUN
        );
        self.query("find runs", |connection| {
            let values = (low.0.as_bytes(), high.0.as_bytes());
            connection.prepare_cached(&sql)?.query_map(values, row::run)?.collect()
        })
    }

    fn events(&self, run: RunId, after: u64, limit: u32) -> Result<Vec<EventRow>, Error> {
        self.with(|connection| journal::events(connection, run, after, limit))
    }

    fn arrivals(&self, after: u64, limit: u32) -> Result<Vec<(u64, EventRow)>, Error> {
        self.with(|connection| journal::arrivals(connection, after, limit))
    }

    fn last_arrival(&self) -> Result<u64, Error> {
        self.with(|connection| Ok(journal::head(connection)?.events))
    }

    fn journal(&self, run: RunId) -> Result<Vec<Stamped>, Error> {
        self.with(|connection| journal::verified(connection, run))
    }

    fn stages(&self, run: RunId) -> Result<Vec<StageRow>, Error> {
        let sql = format!(
            "SELECT {} FROM pipeline_stages
             WHERE run = (SELECT key FROM pipeline_runs WHERE id = ?1) ORDER BY stage, instance",
            row::STAGE
        );
        self.query("list stages", |connection| {
            connection.prepare_cached(&sql)?.query_map([run.0.as_bytes()], row::stage)?.collect()
        })
    }

    fn runs_by_parent(&self, parent: RunId) -> Result<Vec<RunRow>, Error> {
        self.related("parent", parent)
    }

    fn runs_extending(&self, run: RunId) -> Result<Vec<RunRow>, Error> {
        self.related("extends", run)
    }

    fn latest(&self, pipeline: &str) -> Result<Option<RunRow>, Error> {
        let sql = format!(
            "SELECT {} FROM pipeline_runs WHERE pipeline = ?1 AND superseded = 0
               AND mode = 'production'
             ORDER BY number DESC LIMIT 1",
            row::RUN
        );
        self.query("find the latest run", |connection| {
            connection.prepare_cached(&sql)?.query_row([pipeline], row::run).optional()
        })
    }

    fn requests(&self, query: &RequestQuery) -> Result<Vec<RequestRow>, Error> {
        self.query("list requests", |connection| people::requests(connection, query))
    }

    fn request(&self, number: u64) -> Result<Option<RequestRow>, Error> {
        self.query("read a request", |connection| people::request(connection, number))
    }

    fn draft(&self, request: u64) -> Result<Option<DraftRow>, Error> {
        self.query("read a draft", |connection| people::draft(connection, request))
    }

    fn artifacts(&self, query: &ArtifactQuery) -> Result<Vec<ArtifactRow>, Error> {
        self.query("list artifacts", |connection| people::artifacts(connection, query))
    }

    fn artifact(&self, number: u64) -> Result<Option<ArtifactRow>, Error> {
        self.query("read an artifact", |connection| people::artifact(connection, number))
    }

    fn given_events(&self, query: &GivenQuery) -> Result<Vec<GivenRow>, Error> {
        self.query("list events", |connection| given::list(connection, query))
    }

    fn given_event(&self, id: &str) -> Result<Option<GivenRow>, Error> {
        self.query("read an event", |connection| given::one(connection, id))
    }

    fn notices(&self, query: &NoticeQuery) -> Result<Vec<NoticeRow>, Error> {
        self.query("list notices", |connection| notices::list(connection, query))
    }

    fn notice(&self, number: u64) -> Result<Option<NoticeRow>, Error> {
        self.query("read a notice", |connection| notices::one(connection, number))
    }

    fn open_notices(&self) -> Result<Vec<OpenNotices>, Error> {
        self.query("count notices", notices::open)
    }

    fn rollout(&self) -> Result<RolloutRow, Error> {
        self.query("read the roll-out", rollout::read)
    }

    fn workers(&self) -> Result<Vec<WorkerRow>, Error> {
        self.query("list workers", workers::list)
    }

    fn schedules(&self, pipeline: Option<&str>) -> Result<Vec<ScheduleRow>, Error> {
        self.query("list schedules", |connection| schedules::list(connection, pipeline))
    }

    fn token_by_hash(&self, hash: &str) -> Result<Option<TokenRow>, Error> {
        self.query("read a token", |connection| tokens::by_hash(connection, hash))
    }

    fn tokens(&self) -> Result<Vec<TokenRow>, Error> {
        self.query("list tokens", tokens::all)
    }

    fn rewinds(&self, pipeline: Option<&str>, limit: u32) -> Result<Vec<RewindRow>, Error> {
        self.query("list rewinds", |connection| rewinds::list(connection, pipeline, limit))
    }

    fn task(&self, id: &str) -> Result<Option<TaskRow>, Error> {
        self.query("read a task", |connection| tasks::one(connection, id))
    }

    fn tasks(&self, query: &TaskQuery) -> Result<Vec<TaskRow>, Error> {
        self.query("list tasks", |connection| tasks::find(connection, query))
    }

    fn tasks_needing(&self, id: &str) -> Result<Vec<String>, Error> {
        self.query("list tasks", |connection| tasks::needing(connection, id))
    }

    fn last_drawn_task(&self) -> Result<u64, Error> {
        self.query("read the numbers of tasks", tasks::last_drawn)
    }

    fn audit(&self, query: &AuditQuery) -> Result<Vec<AuditRow>, Error> {
        self.with(|connection| audit::list(connection, query))
    }

    fn verify(&self) -> Result<Verified, Error> {
        self.with(verify::verify)
    }

    fn tally(&self) -> Result<Tally, Error> {
        self.query("count what waits", upkeep::tally)
    }

    fn emptied(&self, run: RunId) -> Result<Option<Timestamp>, Error> {
        self.query("see whether a run was emptied", |connection| upkeep::emptied(connection, run))
    }

    fn emptiable(&self, before: Timestamp, limit: u32) -> Result<Vec<RunRow>, Error> {
        self.query("list runs to be emptied", |connection| {
            upkeep::emptiable(connection, before, limit)
        })
    }

    fn forgettable(&self, before: Timestamp) -> Result<(u64, u64), Error> {
        self.query("count what may be forgotten", |connection| {
            upkeep::forgettable(connection, before)
        })
    }

    fn health(&self) -> Result<Health, Error> {
        let size = |suffix: &str| {
            let mut path = self.shared.path.clone().into_os_string();
            path.push(suffix);
            std::fs::metadata(path).map_or(0, |file| file.len())
        };
        let bytes = size("") + size("-wal");
        self.with(|connection| {
            let epoch = journal::epoch(connection)?;
            Ok(Health { schema: migrate::version(connection)?, bytes, epoch })
        })
    }
}

impl ReadModels for SqliteReader {
    fn model_calls(&self, query: &ModelQuery) -> Result<Vec<ModelCall>, Error> {
        self.query("list calls of models", |connection| models::list(connection, query))
    }

    fn model_call(&self, id: &str) -> Result<Option<ModelCall>, Error> {
        self.query("read a call of a model", |connection| models::one(connection, id))
    }

    fn model_texts(&self, id: &str) -> Result<Option<ModelTexts>, Error> {
        self.query("read a call of a model", |connection| models::texts(connection, id))
    }

    fn model_answer(
        &self,
        run: RunId,
        execution: &str,
        turn: &str,
        digest: &str,
    ) -> Result<Option<ModelCall>, Error> {
        self.query("look for an answer of a model", |connection| {
            models::answer(connection, run, (execution, turn, digest))
        })
    }

    fn model_sums(&self, run: RunId) -> Result<Vec<ModelSum>, Error> {
        self.query("sum up calls of models", |connection| models::sums(connection, run))
    }

    fn model_sum_since(&self, since: Timestamp) -> Result<ModelSum, Error> {
        self.query("sum up calls of models", |connection| models::sum_since(connection, since))
    }

    fn model_costs(
        &self,
        by: CostBy,
        since: Timestamp,
        limit: u32,
    ) -> Result<Vec<ModelCosts>, Error> {
        self.query("sum up calls of models", |connection| {
            models::costs(connection, by, since, limit)
        })
    }
}

impl ReadAccounts for SqliteReader {
    fn users(&self) -> Result<Vec<UserRow>, Error> {
        self.query("list users", accounts::users)
    }

    fn user(&self, name: &str) -> Result<Option<UserRow>, Error> {
        self.query("read a user", |connection| accounts::user(connection, name))
    }

    fn user_by_subject(&self, subject: &str) -> Result<Option<UserRow>, Error> {
        self.query("read a user", |connection| accounts::user_by_subject(connection, subject))
    }

    fn session_by_hash(&self, hash: &str) -> Result<Option<SessionRow>, Error> {
        self.query("read a session", |connection| accounts::session_by_hash(connection, hash))
    }

    fn sessions(&self, user: Option<&str>, limit: u32) -> Result<Vec<SessionRow>, Error> {
        self.query("list sessions", |connection| accounts::sessions(connection, user, limit))
    }

    fn secrets(&self) -> Result<Vec<SecretRow>, Error> {
        self.query("list secrets", accounts::secrets)
    }

    fn secrets_named(&self, name: &str) -> Result<Vec<SecretRow>, Error> {
        self.query("read a secret", |connection| accounts::secrets_named(connection, name))
    }

    fn trail(&self, query: &TrailQuery) -> Result<Vec<TrailRow>, Error> {
        self.with(|connection| trail::list(connection, query))
    }

    fn verify_trail(&self) -> Result<u64, Error> {
        self.with(trail::verify)
    }
}
