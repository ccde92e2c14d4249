//! `feature`: from a goal to a merged commit, and what is in the way of it.

use super::{Project, project};

fn begun(files: &[(&str, &str)]) -> Project {
    let project = project("feature");
    for (name, text) in files {
        project.write(name, text);
    }
    project.git("git add .; git commit -q --allow-empty -m 'chore: begin'");
    project
}

#[test]
fn a_goal_becomes_a_merged_commit_that_says_whose_it_is() {
    let project = begun(&[("Makefile", "test:\n\tls *.md\n")]);
    project.write("notes.txt", "not committed");
    let gate = project.asks(&["-p", "goal=Greet people"]);
    let shown = project.run(&["approval", "show", &gate]).stdout;
    for text in ["Goal: Greet people", "1 file changed", "Review: approve."] {
        assert!(shown.contains(text), "{text}: {shown}");
    }
    let listed = project.json(&["artifacts", "list", "--run", "feature"]);
    let listed = listed["data"].as_array().unwrap();
    let diff = listed.iter().find(|one| one["name"] == "diff").unwrap();
    let diff = project.run(&["artifacts", "show", diff["id"].as_str().unwrap()]).stdout;
    assert!(diff.contains("change.diff"), "{diff}");
    assert!(project.log().contains("check passed"), "{}", project.log());
    assert_eq!(project.git("git rev-list --count main; ls"), "1\nMakefile\nnotes.txt\npipelines");
    assert_eq!(project.approve(&gate).code, Some(0), "{}", project.log());
    let made = "code-implementer.md";
    assert_eq!(
        project.git("git diff --name-only main^ main; git status --porcelain; git branch"),
        format!("{made}\n?? notes.txt\n* main")
    );
    assert!(
        project.read(made).contains("Greet people") || project.read(made).contains("@input.goal")
    );
    let log = project.git("git log --format='%s%n%(trailers)' main");
    for line in ["into main", "Orch-Run: feature#1", "Orch-Stage: merge", "Orch-Agent: implementer"]
    {
        assert!(log.contains(line), "{line}: {log}");
    }
}

#[test]
fn a_rejected_change_leaves_no_trace() {
    let project = begun(&[]);
    let look = "git rev-parse HEAD; git for-each-ref; git status --porcelain";
    let before = project.git(look);
    let gate = project.asks(&[]);
    assert_eq!(project.reject(&gate).code, Some(14), "{}", project.log());
    assert_eq!(project.git(look), before);
}

#[test]
fn what_does_not_pass_the_tests_is_tried_again_and_never_merged() {
    let project = begun(&[("Makefile", "check:\n\techo the tests fail; exit 1\n")]);
    let ended = project.begin(&[]);
    assert_eq!(ended.code, Some(10), "{}", project.log());
    assert_eq!(project.stage("code")["attempts"].as_array().map_or(2, Vec::len), 2);
    assert!(project.log().contains("the tests fail"), "{}", project.log());
    assert_eq!(project.git("git rev-list --count main"), "1");
}

#[test]
fn a_checkout_that_went_on_is_left_alone() {
    let project = begun(&[]);
    let gate = project.asks(&[]);
    project.commit("fix: meanwhile");
    let here = project.git("git rev-parse HEAD");
    assert_eq!(project.approve(&gate).code, Some(0), "{}", project.log());
    // The merge was made of what main is now, so it can be taken.
    assert_eq!(
        project.git(&format!("git merge-base --is-ancestor {here} HEAD; ls code-implementer.md")),
        "code-implementer.md"
    );
}

#[test]
fn the_adapter_is_an_input() {
    let project = begun(&[]);
    let seen =
        project.json(&["agent", "prompt", "pipelines/feature.yaml", "code", "-p", "agent=codex"]);
    let seen = seen.get("data").unwrap_or(&seen);
    assert_eq!(seen["agents"][0]["adapter"], "codex");
    let ended = project.begin(&["-p", "agent=nobody"]);
    assert_eq!(ended.code, Some(10), "{}", ended.stderr);
    let said = ended.stdout + &ended.stderr;
    assert!(said.contains("adapter: `nobody` is none of mock, api, acp"), "{said}");
}
