//! The folders for people follow what is stored, and nothing else.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use blobs::Blobs;
use engine::event::{Conclusion, Event, Failure, Outcome, Settled, Stamped};
use engine::id::ExecutionId;
use store::conformance::sample::{append, artifact, at, row, run, stage};
use store::memory::{MemoryReader, MemoryWriter};
use store::mirror::{self, Mirror};
use store::port::{Append, ArtifactRow, Change, RunRow, Write};

use crate::place::Place;

struct Shown {
    place: Place,
    writer: MemoryWriter,
    reader: MemoryReader,
    mirror: Mirror,
}

fn shown() -> Shown {
    let place = Place::new();
    let (writer, reader) = store::memory::open();
    let mirror = Mirror::start(Arc::new(reader.clone()), &place.folder).unwrap();
    Shown { place, writer, reader, mirror }
}

impl Shown {
    /// Stores the content of an artifact; the row that names it.
    fn file(&self, mut row: ArtifactRow, path: &str, content: &str) -> ArtifactRow {
        let stored = Blobs::of(self.place.folder.root()).put(content.as_bytes(), 1 << 20).unwrap();
        row.digest = stored.digest;
        row.bytes = stored.bytes;
        path.clone_into(&mut row.path);
        row
    }

    fn commit(&mut self, line: RunRow, after: u64, events: Vec<Stamped>, files: Vec<ArtifactRow>) {
        let id = line.id;
        let settled = |event: &Stamped| matches!(event.event, Event::ExecutionSettled { .. });
        let mut stages = vec![stage("plan", 0, "succeeded")];
        if events.iter().any(settled) {
            stages[0].outcome = Some("failed".into());
        }
        let change = Append { events, artifacts: files, stages, ..append(line, after, 0) };
        self.writer.commit(&[Change::Append(change)]).unwrap();
        self.mirror.update(id);
    }

    /// Every file with its content, every link with where it leads.
    fn tree(&self) -> BTreeMap<String, String> {
        self.mirror.settle();
        let mut found = BTreeMap::new();
        look(&self.root(), "", &mut found);
        found
    }

    fn names(&self) -> Vec<String> {
        self.tree().into_keys().collect()
    }

    fn root(&self) -> std::path::PathBuf {
        self.place.folder.mirror()
    }

    /// Made from nothing, it is the same.
    fn same_when_made_anew(&self) {
        let before = self.tree();
        mirror::rebuild(Arc::new(self.reader.clone()), &self.place.folder).unwrap();
        assert_eq!(self.tree(), before);
        self.mirror.rebuild();
        assert_eq!(self.tree(), before);
    }
}

fn look(folder: &Path, inner: &str, found: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder.join(inner)).into_iter().flatten() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let path = if inner.is_empty() { name } else { format!("{inner}/{name}") };
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            look(folder, &path, found);
        } else if kind.is_symlink() {
            let goal = fs::read_link(entry.path()).unwrap();
            found.insert(path, format!("-> {}", goal.display()));
        } else {
            found.insert(path, fs::read_to_string(entry.path()).unwrap());
        }
    }
}

fn failed(execution: &str, millisecond: u64) -> Stamped {
    let event = Event::ExecutionSettled {
        execution: ExecutionId::stage(execution),
        outcome: Outcome::Failed,
        conclusion: Conclusion::Failure,
        reason: Settled::Failed { failure: Failure::ExitCode { code: 3 } },
        outputs: indexmap::IndexMap::new(),
    };
    Stamped { at: at(millisecond), event }
}

/// Asked for, and done.
fn rewound(execution: &str, millisecond: u64) -> [Stamped; 2] {
    let executions = vec![ExecutionId::stage(execution)];
    let asked = Event::RewindRequested {
        by: "ana".into(),
        to: "before".into(),
        inclusive: false,
        pause: false,
        executions: executions.clone(),
    };
    [asked, Event::RunRewound { executions }].map(|event| Stamped { at: at(millisecond), event })
}

fn at_work(millisecond: u64) -> Stamped {
    Stamped { at: at(millisecond), event: Event::RunStarted }
}

#[test]
fn promoted_files_lie_in_the_folder_of_their_version() {
    let mut shown = shown();
    let files = vec![
        shown.file(artifact("plan", 1, "plan", "promoted"), "out/plan.md", "the plan"),
        shown.file(artifact("implement[2]", 1, "log", "promoted"), "log.txt", "two"),
        shown.file(artifact("implement[2]", 1, "draft", "staged"), "draft.txt", "not yet"),
    ];
    shown.commit(row(run(1), "ci", 1, "succeeded"), 0, vec![at_work(1)], files);
    let tree = shown.tree();
    let names: Vec<&str> = tree.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "ci/runs/latest",
            "ci/runs/v1/implement[2]/log.txt",
            "ci/runs/v1/plan/plan.md",
            "ci/runs/v1/run_info.json"
        ]
    );
    assert_eq!(tree["ci/runs/latest"], "-> v1");
    assert_eq!(tree["ci/runs/v1/plan/plan.md"], "the plan");
    let info: serde_json::Value = serde_json::from_str(&tree["ci/runs/v1/run_info.json"]).unwrap();
    assert_eq!((&info["name"], &info["status"]), (&"ci#1".into(), &"succeeded".into()));
    assert_eq!(info["artifacts"][0]["file"], "plan/plan.md");
    assert_eq!(info["stages"][0]["stage"], "plan");
    shown.same_when_made_anew();
}

#[test]
fn what_people_do_in_there_is_undone_and_leads_nowhere() {
    let mut shown = shown();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("mine"), "mine").unwrap();
    let plan = shown.file(artifact("plan", 1, "plan", "promoted"), "plan.md", "the plan");
    shown.commit(row(run(1), "ci", 1, "running"), 0, vec![at_work(1)], vec![plan.clone()]);
    let before = shown.tree();

    let version = shown.root().join("ci/runs/v1");
    fs::remove_dir_all(version.join("plan")).unwrap();
    std::os::unix::fs::symlink(outside.path(), version.join("plan")).unwrap();
    std::os::unix::fs::symlink(outside.path().join("mine"), version.join("more")).unwrap();
    fs::remove_file(version.join("run_info.json")).unwrap();
    fs::create_dir(version.join("run_info.json")).unwrap();
    fs::write(version.join("run_info.json/x"), "x").unwrap();
    // Beside what is mirrored, people may keep what they like.
    fs::write(shown.root().join("ci/notes.txt"), "notes").unwrap();
    shown.mirror.update(run(1));
    let mut expected = before.clone();
    expected.insert("ci/notes.txt".into(), "notes".into());
    assert_eq!(shown.tree(), expected);
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
    assert_eq!(fs::read_to_string(outside.path().join("mine")).unwrap(), "mine");

    // Also the folder of the version itself.
    fs::remove_dir_all(&version).unwrap();
    std::os::unix::fs::symlink(outside.path(), &version).unwrap();
    shown.mirror.rebuild();
    assert_eq!(shown.tree(), expected);
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
    // The content itself cannot be reached from there.
    let copy = version.join("plan/plan.md");
    fs::remove_file(&copy).unwrap();
    fs::write(&copy, "forged").unwrap();
    assert_eq!(Blobs::of(shown.place.folder.root()).verify(&plan.digest).unwrap(), 8);
}

#[test]
fn what_a_rewind_superseded_is_moved_to_the_archive_and_back() {
    let mut shown = shown();
    let line = || row(run(1), "ci", 1, "running");
    let plan =
        |shown: &Shown, status| shown.file(artifact("plan", 1, "plan", status), "plan.md", "first");
    let first = vec![plan(&shown, "promoted")];
    shown.commit(line(), 0, vec![at_work(1)], first);
    let before = shown.names();
    let superseded = vec![plan(&shown, "superseded")];
    let rewinds = [rewound("other", 40), rewound("plan", 61_000)].concat();
    shown.commit(line(), 1, rewinds, superseded);
    let second = vec![shown.file(artifact("plan", 2, "plan", "promoted"), "plan.md", "second")];
    shown.commit(line(), 5, vec![at_work(62_000)], second);
    let tree = shown.tree();
    assert_eq!(tree["ci/runs/v1/plan/plan.md"], "second");
    let stamp = at(61_000).strftime("%Y%m%dT%H%M%S.%3fZ").to_string();
    assert_eq!(tree[&format!("ci/.archived/rewind_v1_{stamp}/plan/plan.md")], "first");
    shown.same_when_made_anew();

    // Undone: the first counts again, the second is replaced.
    let again = vec![
        plan(&shown, "promoted"),
        ArtifactRow {
            status: "superseded".into(),
            ..shown.file(artifact("plan", 2, "plan", "superseded"), "plan.md", "second")
        },
    ];
    shown.commit(line(), 6, vec![at_work(70_000)], again);
    let names = shown.names();
    assert!(before.iter().all(|name| names.contains(name)));
    shown.same_when_made_anew();
}

#[test]
fn a_pipeline_that_goes_back_takes_its_later_runs_to_the_archive() {
    let mut shown = shown();
    for n in 1..=3 {
        let file = shown.file(artifact("plan", 1, "plan", "promoted"), "plan.md", &format!("v{n}"));
        shown.commit(row(run(n), "ci", n, "succeeded"), 0, vec![at_work(n)], vec![file]);
    }
    let before = shown.tree();
    assert_eq!(before["ci/runs/latest"], "-> v3");
    let by = "ana".to_owned();
    let pipeline = "ci".to_owned();
    let rewind = Change::RewindPipeline { pipeline, to: 1, by: by.clone(), at: at(5_000) };
    shown.writer.commit(&[rewind]).unwrap();
    shown.mirror.update_pipeline("ci");
    let tree = shown.tree();
    let stamp = at(5_000).strftime("%Y%m%dT%H%M%S.%3fZ").to_string();
    assert_eq!(tree["ci/runs/latest"], "-> v1");
    assert_eq!(tree[&format!("ci/.archived/rewind_to_v1_{stamp}/v3/plan/plan.md")], "v3");
    assert!(!tree.contains_key("ci/runs/v2/plan/plan.md"));
    shown.same_when_made_anew();
    shown
        .writer
        .commit(&[Change::UndoRewind { pipeline: "ci".into(), by, at: at(9_000) }])
        .unwrap();
    shown.mirror.update_pipeline("ci");
    assert_eq!(shown.tree(), before);
    assert!(!shown.root().join(format!("ci/.archived/rewind_to_v1_{stamp}")).exists());
}

#[test]
fn a_stage_that_failed_leaves_a_folder_that_says_how() {
    let mut shown = shown();
    let draft = shown.file(artifact("plan", 1, "plan", "staged"), "plan.md", "rejected");
    shown.commit(row(run(2), "ci", 2, "failed"), 0, vec![failed("plan", 50)], vec![draft]);
    let tree = shown.tree();
    let stamp = at(50).strftime("%Y%m%dT%H%M%S.%3fZ").to_string();
    let folder = format!("ci/.errored/v2_plan_{stamp}");
    assert_eq!(tree[&format!("{folder}/plan.md")], "rejected");
    let error: serde_json::Value =
        serde_json::from_str(&tree[&format!("{folder}/error.json")]).unwrap();
    assert_eq!((&error["run"], &error["reason"]["failure"]["code"]), (&"ci#2".into(), &3.into()));
    shown.same_when_made_anew();
    // It is retried, and then it works: how it failed stays.
    let plan = shown.file(artifact("plan", 2, "plan", "promoted"), "plan.md", "accepted");
    let retried = Event::RunRetried { by: "ana".into(), executions: Vec::new() };
    let retried = Stamped { at: at(60), event: retried };
    shown.commit(row(run(2), "ci", 2, "succeeded"), 1, vec![retried], vec![plan]);
    let tree = shown.tree();
    assert!(tree.contains_key(&format!("{folder}/error.json")));
    assert_eq!(tree["ci/runs/v2/plan/plan.md"], "accepted");
    shown.same_when_made_anew();
}

#[test]
fn hostile_and_equal_names_stay_in_their_folder() {
    let mut shown = shown();
    let names =
        ["../../../evil", "/etc/passwd", "a\0b", ".hidden", "..", "", "x/same.md", "y/same.md"];
    let files = names.iter().enumerate().map(|(n, name)| {
        shown.file(artifact("plan", 1, &format!("a{n}"), "promoted"), name, &format!("{n}"))
    });
    let mut files: Vec<ArtifactRow> = files.collect();
    files.push(shown.file(artifact("../up", 1, "b", "promoted"), "f", "up"));
    shown.commit(row(run(1), "../ci/x", 1, "succeeded"), 0, vec![at_work(1)], files);
    let tree = shown.tree();
    let contents: Vec<&str> = tree
        .iter()
        .filter(|(name, _)| !name.ends_with("run_info.json"))
        .map(|(_, c)| &**c)
        .collect();
    for n in 0..names.len() {
        assert!(contents.contains(&&*n.to_string()), "{n} of {tree:#?}");
    }
    assert!(contents.contains(&"up"));
    let inside = |name: &String| name.split('/').all(|part| !part.is_empty() && part != "..");
    assert!(tree.keys().all(inside));
    let data = shown.place.folder.root();
    let around: Vec<_> = fs::read_dir(data.parent().unwrap()).unwrap().collect();
    assert_eq!(around.len(), 1, "nothing beside the data folder");
    shown.same_when_made_anew();
}

#[test]
fn a_run_that_left_nothing_goes_when_a_hundred_came_after_it() {
    let mut shown = shown();
    let file = shown.file(artifact("plan", 1, "plan", "promoted"), "plan.md", "kept");
    shown.commit(row(run(1), "ci", 1, "succeeded"), 0, vec![at_work(1)], vec![file]);
    for n in 2..=103 {
        shown.commit(row(run(n), "ci", n, "succeeded"), 0, vec![at_work(n)], Vec::new());
    }
    shown.mirror.settle();
    let there = |n: u64| shown.root().join(format!("ci/runs/v{n}")).exists();
    assert_eq!([1, 2, 3, 4, 103].map(there), [true, false, false, true, true]);
    shown.same_when_made_anew();
}

#[test]
fn content_that_was_dropped_or_is_damaged_is_not_shown() {
    let mut shown = shown();
    let line = || row(run(1), "ci", 1, "running");
    let files = vec![
        shown.file(artifact("plan", 1, "plan", "promoted"), "plan.md", "the plan"),
        shown.file(artifact("plan", 1, "more", "promoted"), "more.md", "more"),
    ];
    let path = Blobs::of(shown.place.folder.root()).path(&files[1].digest).unwrap();
    fs::remove_file(&path).unwrap();
    fs::write(&path, "less").unwrap();
    shown.commit(line(), 0, vec![at_work(1)], files);
    assert_eq!(
        shown.names(),
        ["ci/runs/latest", "ci/runs/v1/plan/plan.md", "ci/runs/v1/run_info.json"]
    );
    shown.writer.commit(&[Change::DropArtifacts { numbers: vec![1] }]).unwrap();
    shown.mirror.update(run(1));
    assert_eq!(shown.names(), ["ci/runs/latest", "ci/runs/v1/run_info.json"]);
}
