use engine::event::OnActive;
use serde_json::json;

use super::Fixture;
use super::sample::{append, at, row, run};
use crate::port::{Change, Outcome, Refusal, RunQuery, RunRow, TaskQuery, TaskRow, Wanted};

fn task(id: &str, version: u64) -> TaskRow {
    TaskRow {
        id: id.to_owned(),
        version,
        title: "Dark mode".to_owned(),
        description: "for the \"night\"".to_owned(),
        pipeline: Some("ci".to_owned()),
        inputs: json!({"goal": "dark", "n": 1.5}),
        labels: vec!["ui".to_owned()],
        paths: vec!["ui/**".to_owned()],
        prerequisites: Vec::new(),
        priority: -3,
        on_active: OnActive::Replace,
        wanted: Wanted::Todo,
        created_at: at(1),
        created_by: "ana".to_owned(),
        updated_at: at(version),
        updated_by: "bo".to_owned(),
        deleted_at: None,
    }
}

fn save(memory: &mut Fixture, task: &TaskRow) -> Outcome {
    memory.commit(Change::SaveTask(Box::new(task.clone())))
}

fn of_task(n: u64, task: &str, number: u64) -> RunRow {
    RunRow { task: Some((task.to_owned(), number)), ..row(run(n), "ci", n, "running") }
}

pub fn a_task_is_saved_version_by_version(mut memory: Fixture) {
    let moved = |current, expected| {
        Outcome::Refused(Refusal::TaskMoved { id: "T-1".to_owned(), current, expected })
    };
    assert_eq!(memory.reader.task("T-1").expect("reads"), None);
    assert_eq!(save(&mut memory, &task("T-1", 2)), moved(0, 1));
    assert_eq!(save(&mut memory, &task("T-1", 1)), Outcome::Done);
    assert_eq!(save(&mut memory, &task("T-1", 1)), moved(1, 0));
    let wanted = Wanted::InProgress;
    let second = TaskRow { wanted, on_active: OnActive::Queue, pipeline: None, ..task("T-1", 2) };
    assert_eq!(save(&mut memory, &second), Outcome::Done);
    assert_eq!(memory.reader.task("T-1").expect("reads"), Some(second.clone()));
    let gone = TaskRow { deleted_at: Some(at(9)), version: 3, ..second };
    assert_eq!(save(&mut memory, &gone), Outcome::Done);
    assert_eq!(memory.reader.task("T-1").expect("reads"), Some(gone));
    let all = TaskQuery { limit: 9, ..TaskQuery::default() };
    assert_eq!(memory.reader.tasks(&all).expect("reads"), []);
    assert_eq!(save(&mut memory, &task("T-1", 1)), moved(3, 0));
    assert_eq!(save(&mut memory, &task("T-1", 4)), Outcome::Done);
    assert_eq!(memory.reader.tasks(&all).expect("reads"), [task("T-1", 4)]);
}

pub fn tasks_are_filtered_and_paged(mut memory: Fixture) {
    for n in 1..=6 {
        let mut row = task(&format!("T-{n}"), 1);
        row.wanted = if n % 2 == 0 { Wanted::Done } else { Wanted::Todo };
        row.labels = if n > 3 { vec!["x".to_owned(), "y".to_owned()] } else { Vec::new() };
        row.prerequisites = if n > 4 { vec!["T-1".to_owned()] } else { Vec::new() };
        save(&mut memory, &row);
    }
    let list = |query: TaskQuery| -> Vec<String> {
        let rows = memory.reader.tasks(&query).expect("reads");
        rows.into_iter().map(|row| row.id).collect()
    };
    let all = || TaskQuery { limit: 100, ..TaskQuery::default() };
    assert_eq!(list(all()), ["T-6", "T-5", "T-4", "T-3", "T-2", "T-1"]);
    let before = Some("T-5".to_owned());
    assert_eq!(list(TaskQuery { limit: 2, before: before.clone(), ..all() }), ["T-4", "T-3"]);
    let wanted = Some(Wanted::Done);
    assert_eq!(list(TaskQuery { wanted, before, ..all() }), ["T-4", "T-2"]);
    let label = Some("y".to_owned());
    assert_eq!(list(TaskQuery { wanted, label, ..all() }), ["T-6", "T-4"]);
    assert_eq!(list(TaskQuery { before: Some("none".to_owned()), ..all() }), [""; 0]);
    assert_eq!(memory.reader.tasks_needing("T-1").expect("reads"), ["T-5", "T-6"]);
    assert_eq!(memory.reader.tasks_needing("T-2").expect("reads"), [""; 0]);
}

pub fn runs_of_a_task_are_numbered_once(mut memory: Fixture) {
    save(&mut memory, &task("T-1", 1));
    assert_eq!(memory.writer.next_task_number("T-1").expect("reads"), 1);
    memory.commit(Change::Append(append(of_task(1, "T-1", 1), 0, 1)));
    memory.commit(Change::Append(append(of_task(2, "T-1", 2), 0, 1)));
    assert_eq!(memory.writer.next_task_number("T-1").expect("reads"), 3);
    assert_eq!(memory.writer.next_task_number("T-2").expect("reads"), 1);
    let (task_name, number) = ("T-1".to_owned(), 2);
    let taken = Outcome::Refused(Refusal::TaskNumberTaken { task: task_name, number });
    assert_eq!(memory.commit(Change::Append(append(of_task(3, "T-1", 2), 0, 1))), taken);
    let both = [4, 5].map(|n| Change::Append(append(of_task(n, "T-1", 7), 0, 1)));
    let outcomes = memory.commit_all(&both);
    assert!(matches!(outcomes[0], Outcome::Appended { .. }), "{outcomes:?}");
    let (task_name, number) = ("T-1".to_owned(), 7);
    assert_eq!(outcomes[1], Outcome::Refused(Refusal::TaskNumberTaken { task: task_name, number }));
    // It goes on counting when the task is gone.
    save(&mut memory, &TaskRow { deleted_at: Some(at(3)), ..task("T-1", 2) });
    assert_eq!(memory.writer.next_task_number("T-1").expect("reads"), 8);
    let found = memory.reader.run_by_task("T-1", 2).expect("reads").expect("is there");
    assert_eq!((found.id, found.name()), (run(2), "T-1-2".to_owned()));
    assert_eq!(memory.reader.run_by_task("T-1", 3).expect("reads"), None);
    let task = Some("T-1".to_owned());
    let rows = memory.reader.runs(&RunQuery { task, limit: 2, ..RunQuery::default() });
    let names: Vec<_> = rows.expect("reads").iter().map(RunRow::name).collect();
    assert_eq!(names, ["T-1-7", "T-1-2"]);
}

pub fn drawn_ids_are_never_drawn_again(mut memory: Fixture) {
    assert_eq!(memory.reader.last_drawn_task().expect("reads"), 0);
    for id in ["TASK-12x", "TASK-", "TASK-007", "task-9", "TASK-99999999999", "other"] {
        save(&mut memory, &task(id, 1));
    }
    assert_eq!(memory.reader.last_drawn_task().expect("reads"), 0);
    save(&mut memory, &task("TASK-3", 1));
    save(&mut memory, &task("TASK-12", 1));
    save(&mut memory, &TaskRow { deleted_at: Some(at(3)), ..task("TASK-12", 2) });
    assert_eq!(memory.reader.last_drawn_task().expect("reads"), 12);
}
