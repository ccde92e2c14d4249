//! `council-review`: which change is judged, and what the person is shown.

use super::project;

#[test]
fn a_change_is_judged_by_three_and_decided_by_a_person() {
    let project = project("council-review");
    project.write("a.txt", "one\n");
    project.git("git add .; git commit -qm 'chore: begin'");
    project.write("a.txt", "two\n");
    let gate = project.asks(&[]);
    assert_eq!(project.stage("diff")["outputs"]["why"], "HEAD");
    let shown = project.run(&["approval", "show", &gate]).stdout;
    assert!(
        shown.contains("1 file changed") && shown.contains("The council says: approve."),
        "{shown}"
    );
    let review = project.read(".pipeline/review/review.md");
    assert!(review.starts_with("# Review of HEAD\n\n**approve**: "), "{review}");
    let log = project.log();
    for member in ["correctness", "safety", "upkeep", "supervisor"] {
        assert!(log.contains(member), "{member}: {log}");
    }
    assert_eq!(project.approve(&gate).code, Some(0), "{}", project.log());
    // The last commit where nothing is open, then the branch, then what was said; a rejection is the verdict.
    project.git("git commit -qam 'fix: two'");
    let gate = project.asks(&[]);
    assert_eq!(project.stage("diff")["outputs"]["why"], "HEAD^..HEAD");
    assert_eq!(project.reject(&gate).code, Some(14));
    project.git("git switch -qc topic; git commit -q --allow-empty -m 'docs: nothing'");
    project.done(&[]);
    assert_eq!(project.stage("diff")["outputs"]["why"], "nothing differs in main...HEAD");
    assert_eq!(project.begin(&["-p", "range=--output=x"]).code, Some(10));
    assert_eq!(project.git("git status --porcelain; git log -1 --format=%s main"), "fix: two");
}
