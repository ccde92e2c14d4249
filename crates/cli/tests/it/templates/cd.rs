//! `cd`: what runs where, and what a failing check takes back.

use super::{Project, project};

fn runs(project: &Project, environment: &str) -> String {
    let link = project.path().join(".pipeline/cd").join(environment).join("current");
    std::fs::read_link(link).map_or_else(|_| "nothing".to_owned(), |to| to.display().to_string())
}

fn commit(project: &Project, text: &str) -> String {
    project.write("index.html", text);
    project.git("git add index.html; git commit -qm 'feat: page'; git describe --always")
}

#[test]
fn what_was_built_once_is_what_runs_and_a_failing_check_takes_it_back() {
    let project = project("cd");
    let one = commit(&project, "one");
    // What is not committed is not delivered.
    project.write("index.html", "half");
    let gate = project.asks(&[]);
    assert_eq!(
        (runs(&project, "staging"), runs(&project, "production")),
        (format!("releases/1-{one}"), "nothing".into())
    );
    assert_eq!(project.approve(&gate).code, Some(0), "{}", project.log());
    assert_eq!(project.read(".pipeline/cd/production/current/index.html"), "one");
    assert_eq!(project.git("git status --porcelain"), "M index.html\n?? pipelines/");

    let two = commit(&project, "two");
    let gate = project.asks(&["-p", "drill=production"]);
    let shown = project.run(&["approval", "show", &gate]).stdout;
    assert!(shown.contains(&format!("{two} feat: page")), "what would be new: {shown}");
    let ended = project.approve(&gate);
    assert_eq!(ended.code, Some(14), "{}", project.log());
    assert_eq!(runs(&project, "production"), format!("releases/1-{one}"));
    assert_eq!(runs(&project, "staging"), format!("releases/2-{two}"));
    assert_eq!(project.stage("deploy-production.rollback")["status"], "succeeded");

    let ended = project.begin(&["-p", "drill=staging"]);
    assert_eq!(ended.code, Some(14), "{}", project.log());
    assert_eq!(runs(&project, "staging"), format!("releases/2-{two}"));
    assert_eq!(project.stage("deploy-production")["status"], "not_run");
}

#[test]
fn a_rejected_production_stays_what_it_was() {
    let project = project("cd");
    commit(&project, "one");
    let gate = project.asks(&[]);
    assert_eq!(project.reject(&gate).code, Some(14), "{}", project.log());
    assert_eq!(runs(&project, "production"), "nothing");
}

#[test]
fn old_releases_go_and_one_that_does_not_answer_is_taken_back() {
    let project = project("cd");
    for number in 1..=5 {
        commit(&project, &number.to_string());
        let gate = project.asks(&[]);
        assert_eq!(project.approve(&gate).code, Some(0), "{}", project.log());
    }
    let kept = project.git("ls .pipeline/cd/production/releases | wc -l");
    assert_eq!(kept.trim(), "3");
    let before = runs(&project, "staging");
    // Nobody listens there.
    let ended = project.begin(&["-p", "staging_url=http://127.0.0.1:9/"]);
    assert_eq!(ended.code, Some(14), "{}", project.log());
    assert_eq!(runs(&project, "staging"), before);
}
