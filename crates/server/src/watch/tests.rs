use super::*;

fn watched(directory: &Path, files: &[&str]) -> Watched {
    Watched {
        pipeline: "p".to_owned(),
        trigger: "files".to_owned(),
        directory: directory.to_string_lossy().into_owned(),
        files: Globs::new(files.iter().map(|one| (*one).to_owned()).collect()).unwrap(),
    }
}

/// Takes up what the system tells until this is seen; the system tells everything, so it ends.
async fn until_seen(
    mut lookout: Lookout,
    seen: &mut mpsc::Receiver<Event>,
    wanted: impl Fn(&BTreeSet<String>) -> bool,
) -> Lookout {
    loop {
        if lookout.places.values().any(|place| place.again.is_some()) {
            lookout = blocking(move || lookout.look_again()).await.unwrap();
            continue;
        }
        let files = lookout.changes.get(&0).map(|changes| &changes.files);
        if files.is_some_and(&wanted) {
            return lookout;
        }
        let event = tokio::time::timeout(Duration::from_secs(20), seen.recv()).await;
        lookout.note(&event.expect("the system says nothing").unwrap());
    }
}

fn names(files: &BTreeSet<String>) -> Vec<&str> {
    files.iter().map(String::as_str).collect()
}

#[tokio::test]
async fn files_that_match_are_seen_also_in_new_folders() {
    let folder = tempfile::tempdir().unwrap();
    let (lookout, mut seen) = Lookout::new();
    let lookout = lookout.want(vec![watched(folder.path(), &["**/*.csv", "!tmp/**"])]);
    std::fs::write(folder.path().join("a.txt"), "1").unwrap();
    std::fs::create_dir_all(folder.path().join("tmp")).unwrap();
    std::fs::write(folder.path().join("tmp/x.csv"), "1").unwrap();
    std::fs::create_dir_all(folder.path().join("new/deep")).unwrap();
    std::fs::write(folder.path().join("new/deep/b.csv"), "1").unwrap();
    std::fs::write(folder.path().join("a.csv"), "1").unwrap();
    let wanted = |files: &BTreeSet<String>| names(files) == ["a.csv", "new/deep/b.csv"];
    let lookout = until_seen(lookout, &mut seen, wanted).await;
    let event = changed(&lookout.wanted[0], &lookout.changes[&0]);
    assert_eq!(event.data["files"], json!(["a.csv", "new/deep/b.csv"]));
    assert_eq!(event.data["complete"], true);
    assert_eq!(event.source, OWN_SOURCE);
}

#[tokio::test]
async fn a_directory_may_appear_and_go_away() {
    let folder = tempfile::tempdir().unwrap();
    let goal = folder.path().join("not/yet");
    let (lookout, mut seen) = Lookout::new();
    let lookout = lookout.want(vec![watched(&goal, &["*"])]);
    assert!(!lookout.places.values().all(|place| place.whole));
    std::fs::create_dir_all(&goal).unwrap();
    std::fs::write(goal.join("a"), "1").unwrap();
    let mut lookout = until_seen(lookout, &mut seen, |files| names(files) == ["a"]).await;
    // It goes away with all that is in it, and comes again.
    lookout.changes.clear();
    std::fs::remove_dir_all(folder.path().join("not")).unwrap();
    let mut lookout = until_seen(lookout, &mut seen, |files| files.contains("a")).await;
    lookout.changes.clear();
    std::fs::create_dir_all(&goal).unwrap();
    std::fs::write(goal.join("b"), "1").unwrap();
    until_seen(lookout, &mut seen, |files| files.contains("b")).await;
}

#[test]
fn looking_at_a_file_is_no_change() {
    use notify::event::{AccessKind, DataChange, MetadataKind};
    assert!(!is_change(EventKind::Access(AccessKind::Any)));
    assert!(!is_change(EventKind::Modify(ModifyKind::Metadata(MetadataKind::Any))));
    assert!(is_change(EventKind::Modify(ModifyKind::Data(DataChange::Any))));
    assert!(is_change(EventKind::Modify(ModifyKind::Name(RenameMode::To))));
}

#[tokio::test]
async fn changes_are_told_when_it_is_quiet_and_never_much_later() {
    let now = Instant::now();
    let changes = |last: Duration| Changes {
        first: now,
        last: now + last,
        files: BTreeSet::new(),
        partial: false,
        not_before: now,
    };
    assert_eq!(changes(Duration::ZERO).due(), now + FileStart::QUIET);
    assert_eq!(
        changes(Duration::from_secs(3)).due(),
        now + Duration::from_secs(3) + FileStart::QUIET
    );
    assert_eq!(changes(Duration::from_secs(60)).due(), now + LONGEST);
}

#[test]
fn what_is_too_much_is_said_to_be_incomplete() {
    let folder = Path::new("/srv/in");
    let (mut lookout, _seen) = Lookout::new();
    lookout.wanted = vec![watched(folder, &["*"])];
    let many: Vec<PathBuf> = (0..MOST + 5).map(|n| folder.join(n.to_string())).collect();
    lookout.note_for(0, &many, false, Instant::now());
    let changes = &lookout.changes[&0];
    assert_eq!((changes.files.len(), changes.partial), (MOST, true));
    let event = changed(&lookout.wanted[0], changes);
    assert_eq!((&event.data["complete"], event.facts.paths), (&json!(false), None));
}
