use std::cell::RefCell;

use crate::conformance::sample::{at, run};
use crate::folder::Folder;
use crate::port::{ArtifactQuery, AuditQuery, GivenQuery, Read, RequestKind, RequestQuery};

thread_local! {
    /// Every list that was asked for in this test.
    pub(super) static SEEN: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Asks for lists, and shows how SQLite finds them.
fn plans(ask: impl FnOnce(&dyn Read)) -> Vec<String> {
    let place = tempfile::tempdir().unwrap();
    let folder = Folder::open(place.path()).unwrap();
    let lock = folder.lock("test").unwrap();
    let (_writer, reader) = crate::sqlite::open(&folder, &lock).unwrap();
    ask(&reader);
    let connection = rusqlite::Connection::open(folder.database()).unwrap();
    SEEN.take()
        .into_iter()
        .map(|sql| {
            let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            // What the parameters are does not matter.
            let mut rows = statement.raw_query();
            let mut steps = String::new();
            while let Some(row) = rows.next().unwrap() {
                steps += &row.get::<_, String>(3).unwrap();
                steps += "; ";
            }
            steps
        })
        .collect()
}

fn walks_no_table_and_sorts_nothing(plan: &str) {
    // Walking the rows in the order of their numbers is what a list without a filter is.
    let scans = plan.contains("SCAN")
        && !plan.contains("SCAN n;")
        && !plan.contains("SCAN d;")
        && !plan.contains("SCAN g;")
        && !plan.contains("SCAN json_each");
    assert!(!scans && !plan.contains("TEMP B-TREE"), "{plan}");
}

#[test]
fn requests_are_found_by_an_index() {
    for run in [None, Some(run(1))] {
        for kind in [None, Some(RequestKind::Input)] {
            for statuses in [vec![], vec!["pending".to_owned()]] {
                let query = RequestQuery { kind, statuses, run, before: Some(9), limit: 9 };
                let wanted = match (run, kind, query.statuses.is_empty()) {
                    (Some(_), _, _) => "requests_run (run=? AND number<?",
                    (None, _, false) => "requests_status (kind=? AND status=? AND number<?",
                    (None, Some(_), true) => "requests_kind (kind=? AND number<?",
                    (None, None, true) => "INTEGER PRIMARY KEY (rowid<?",
                };
                for plan in plans(|reader| drop(reader.requests(&query).unwrap())) {
                    walks_no_table_and_sorts_nothing(&plan);
                    assert!(plan.contains(wanted), "{plan} for {query:?}");
                }
            }
        }
    }
}

#[test]
fn artifacts_are_found_by_an_index() {
    let all = || ArtifactQuery { limit: 9, ..ArtifactQuery::default() };
    let digest = Some("x".to_owned());
    let cases = [
        (ArtifactQuery { run: Some(run(1)), ..all() }, "artifacts_run (run=?"),
        (ArtifactQuery { run: Some(run(1)), digest: digest.clone(), ..all() }, "artifacts_run"),
        (ArtifactQuery { digest, ..all() }, "artifacts_digest (digest=?"),
        (all(), "SCAN n"),
    ];
    for (query, wanted) in cases {
        for plan in plans(|reader| drop(reader.artifacts(&query).unwrap())) {
            walks_no_table_and_sorts_nothing(&plan);
            assert!(plan.contains(wanted), "{plan} for {query:?}");
        }
    }
}

#[test]
fn decisions_and_events_are_found_by_an_index() {
    let all = || AuditQuery { limit: 9, ..AuditQuery::default() };
    let text = || Some("x".to_owned());
    let cases = [
        (
            AuditQuery { run: Some(run(1)), by: text(), action: text(), ..all() },
            "decisions_run (run=?",
        ),
        (AuditQuery { by: text(), action: text(), ..all() }, "decisions_by (by=?"),
        (AuditQuery { action: text(), ..all() }, "decisions_action (action=?"),
        (AuditQuery { since: Some(at(1)), ..all() }, "decisions_at (at>?"),
        (AuditQuery { until: Some(at(1)), ..all() }, "decisions_at (at<?"),
        (all(), "SCAN d"),
    ];
    for (query, wanted) in cases {
        for plan in plans(|reader| drop(reader.audit(&query).unwrap())) {
            walks_no_table_and_sorts_nothing(&plan);
            assert!(plan.contains(wanted), "{plan} for {query:?}");
        }
    }
    let kinds = vec!["spec.ready".to_owned()];
    let query = GivenQuery { kinds, oldest_first: true, limit: 9, ..GivenQuery::default() };
    for plan in plans(|reader| drop(reader.given_events(&query).unwrap())) {
        walks_no_table_and_sorts_nothing(&plan);
        let by_kind = plan.contains("given_events_kind (kind=?");
        assert!(by_kind || plan.contains("k USING PRIMARY KEY (kind=?"), "{plan}");
    }
}
