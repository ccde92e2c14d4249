use super::*;

struct Places {
    folder: tempfile::TempDir,
    pipeline: Pipeline,
}

impl Places {
    fn new(pipeline: &str) -> Self {
        let pipeline = pipeline::parse(pipeline).pipeline.unwrap();
        Self { folder: tempfile::tempdir().unwrap(), pipeline }
    }

    fn put(&self, path: &str, text: &str) {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn find(&self, name: &str) -> Result<String, String> {
        let (directory, data) = (self.folder.path().join("p"), self.folder.path().join("d"));
        let shelf =
            Shelf { pipeline: Some(&self.pipeline), directory: Some(&directory), data_dir: &data };
        let found = shelf.agent(name)?;
        let origin = Path::new(&found.origin);
        let origin = origin.strip_prefix(self.folder.path()).unwrap_or(origin);
        Ok(origin.display().to_string())
    }
}

#[test]
fn the_nearest_definition_is_taken() {
    let places = Places::new(
        "name: x\nagents: {mine: {prompt: Go.}}\nstages: [{name: s, agent: mine, task: x}]\n",
    );
    assert_eq!(places.find("mine"), Ok("pipeline".into()));
    assert_eq!(places.find("reviewer"), Ok("built-in".into()));
    let places_in_order = [
        "d/agents/reviewer.md",
        "p/.opencode/agents/reviewer.md",
        "p/.opencode/agent/reviewer.md",
        "p/.claude/agents/reviewer.md",
        "p/.orchestrate/agents/reviewer.md",
    ];
    for path in places_in_order {
        places.put(path, "---\nname: reviewer\n---\nLook.\n");
        assert_eq!(places.find("reviewer"), Ok(path.into()));
    }
    places.put("p/.claude/agents/mine.md", "Other.");
    assert_eq!(places.find("mine"), Ok("pipeline".into()));
}

#[test]
fn who_is_not_there_is_answered_with_who_is() {
    let places = Places::new("name: x\nstages: [{name: s, noop: true}]\n");
    places.put("p/.claude/agents/critic.md", "Look.");
    assert_eq!(
        places.find("reviwer").unwrap_err(),
        "there is no agent `reviwer` (did you mean `reviewer`?); there are: architect, critic, \
         implementer, researcher, reviewer, supervisor, tester"
    );
    places.put("secret.md", "Nobody's.");
    assert!(places.find("../../../secret").unwrap_err().starts_with("there is no agent"));
    places.put("p/.claude/agents/broken.md", "---\nname: x\n");
    assert!(places.find("broken").unwrap_err().contains("broken.md: the front matter"));
    let large = "x".repeat(300 << 10);
    places.put("p/.claude/agents/large.md", &large);
    assert!(places.find("large").unwrap_err().contains("is larger than"));
}

#[test]
fn the_list_shows_what_hides_what_and_what_cannot_be_read() {
    let places = Places::new("name: x\nstages: [{name: s, noop: true}]\n");
    places.put("p/.claude/agents/tester.md", "Test.");
    places.put("p/.claude/agents/broken.md", "---\n");
    places.put("p/.claude/agents/readme.txt", "no agent");
    let (directory, data) = (places.folder.path().join("p"), places.folder.path().join("d"));
    let shelf = Shelf { pipeline: None, directory: Some(&directory), data_dir: &data };
    let listed: Vec<_> = shelf
        .list()
        .into_iter()
        .map(|one| (one.name, one.origin == "built-in", one.hidden, one.definition.is_ok()))
        .collect();
    let of = |name: &str| -> Vec<_> {
        listed.iter().filter(|one| one.0 == name).map(|one| (one.1, one.2, one.3)).collect()
    };
    assert_eq!(of("tester"), [(false, false, true), (true, true, true)]);
    assert_eq!(of("broken"), [(false, false, false)]);
    assert_eq!(of("readme"), []);
}

#[test]
fn a_loop_type_is_read_when_it_is_used() {
    let places = Places::new(
        "name: x\nloop_types: {mine: {extends: ralph}}\nstages: [{name: s, noop: true}]\n",
    );
    let (directory, data) = (places.folder.path().join("p"), places.folder.path().join("d"));
    let shelf =
        Shelf { pipeline: Some(&places.pipeline), directory: Some(&directory), data_dir: &data };
    assert_eq!(shelf.loop_type("mine").unwrap().spec.extends.as_deref(), Some("ralph"));
    assert_eq!(shelf.loop_type("ralph").unwrap().spec.max_iterations, Some(25));
    places.put("p/.orchestrate/loops/ralph.yaml", "max_iterations: 3");
    assert_eq!(shelf.loop_type("ralph").unwrap().spec.max_iterations, Some(3));
    places.put("p/.orchestrate/loops/ralph.yaml", "max_iterations: 4");
    assert_eq!(shelf.loop_type("ralph").unwrap().spec.max_iterations, Some(4));
    let problem = shelf.loop_type("ralf").unwrap_err();
    assert_eq!(problem, "there is no loop type `ralf`; there are: mine, phase, plan, ralph, spec");
}
