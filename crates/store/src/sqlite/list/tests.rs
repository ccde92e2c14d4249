use super::*;
use crate::conformance::sample::run;
use crate::folder::Folder;

/// How SQLite answers a list, without answering it.
fn plans(connection: &Connection, query: &RunQuery) -> Vec<String> {
    let before = query.before.map(|id| id.0.into_bytes());
    let mut plans = Vec::new();
    for arm in arms(query) {
        let (sql, values) = select(&arm, before.as_ref(), &query.limit);
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let steps = statement.query_map(values.as_slice(), |row| row.get::<_, String>(3)).unwrap();
        plans.extend(steps.map(Result::unwrap));
    }
    plans
}

#[test]
fn no_list_of_runs_scans_or_sorts() {
    let place = tempfile::tempdir().unwrap();
    let folder = Folder::open(place.path()).unwrap();
    let lock = folder.lock("test").unwrap();
    crate::sqlite::open(&folder, &lock).unwrap();
    let connection = Connection::open(folder.database()).unwrap();

    let word = |word: &str| vec![word.to_owned()];
    let two = || vec!["failed".to_owned(), "running".to_owned()];
    for (task, pipeline) in [
        (None, None),
        (None, Some("ci".to_owned())),
        (Some("T-1".to_owned()), None),
        (Some("T-1".to_owned()), Some("ci".to_owned())),
    ] {
        for statuses in [Vec::new(), word("failed"), two()] {
            for finished in [None, Some(true), Some(false)] {
                for before in [None, Some(run(7))] {
                    let (pipeline, statuses) = (pipeline.clone(), statuses.clone());
                    let task = task.clone();
                    let query = RunQuery {
                        pipeline,
                        task,
                        statuses,
                        finished,
                        before,
                        limit: 50,
                        ..RunQuery::default()
                    };
                    let index = match (&query.pipeline, query.statuses.is_empty(), finished) {
                        (_, _, _) if query.task.is_some() => "pipeline_runs_task (task=?",
                        (Some(_), false, _) => {
                            "pipeline_runs_pipeline_status (pipeline=? AND status=?"
                        }
                        (Some(_), true, _) => {
                            "pipeline_runs_pipeline_finished (pipeline=? AND finished=?"
                        }
                        (None, false, _) => "pipeline_runs_status (status=?",
                        (None, true, Some(_)) => "pipeline_runs_finished (finished=?",
                        (None, true, None) => "pipeline_runs_id",
                    };
                    // Without any filter the index of ids is walked in order: nothing is skipped.
                    let place = if before.is_some() { "id<?" } else { "" };
                    for plan in plans(&connection, &query) {
                        let good = plan.contains(index) && plan.contains(place);
                        assert!(good && !plan.contains("TEMP B-TREE"), "{plan} for {query:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_list_of_other_values_does_not_compile_its_statement_again() {
    let place = tempfile::tempdir().unwrap();
    let folder = Folder::open(place.path()).unwrap();
    let lock = folder.lock("test").unwrap();
    crate::sqlite::open(&folder, &lock).unwrap();
    let access = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let connection = crate::sqlite::connect(&folder.database(), access).unwrap();
    let sql = "SELECT id FROM pipeline_runs WHERE task = ?1 ORDER BY id";
    for task in ["T-1", "T-2", "T-3"] {
        let mut statement = connection.prepare_cached(sql).unwrap();
        let found: Vec<Vec<u8>> =
            statement.query_map([task], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        assert!(found.is_empty());
        assert_eq!(statement.get_status(rusqlite::StatementStatus::RePrepare), 0, "{task}");
    }
}
