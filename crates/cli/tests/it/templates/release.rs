//! `release`: the version over a table of histories, what is written, and what is not.

use super::{Going, Project, project};

/// Tags, commits after them, arguments, and the version or why there is none.
const HISTORIES: &[(&str, &[&str], &[&str], &str)] = &[
    ("v1.2.3", &["fix: a"], &[], "1.2.4"),
    ("v1.2.3", &["perf(db): a"], &[], "1.2.4"),
    ("v1.2.3", &["fix: a", "feat: b", "docs: c"], &[], "1.3.0"),
    ("v1.2.3", &["FEAT(api): a"], &[], "1.3.0"),
    ("v1.2.3", &["feat(api)!: a"], &[], "2.0.0"),
    ("v1.2.3", &["chore!: a"], &[], "2.0.0"),
    ("v1.2.3", &["fix: a\n\nWords.\n\nBREAKING CHANGE: b\n goes on\nRefs: #1"], &[], "2.0.0"),
    ("v1.2.3", &["docs: a\n\nBREAKING-CHANGE: b"], &[], "2.0.0"),
    ("v1.2.3", &["fix: a\n\nbreaking change: in small letters"], &[], "1.2.4"),
    ("v1.2.3", &["fix: a\n\nThis is no BREAKING CHANGE: it says so."], &[], "1.2.4"),
    (
        "v1.2.3",
        &["docs: a", "Merge branch 'x'", "feat:no space", "feature: b"],
        &[],
        "none of them",
    ),
    ("v1.2.3", &[], &[], "no commits since v1.2.3"),
    ("v1.2.3", &["docs: a"], &["bump=patch"], "1.2.4"),
    ("v1.2.3", &["docs: a"], &["version=v4.0.0"], "4.0.0"),
    ("v1.2.3", &["feat: a"], &["prerelease=rc"], "1.3.0-rc.1"),
    ("v1.2.3", &["feat: a", "TAG v1.3.0-rc.1", "fix: b"], &["prerelease=rc"], "1.3.0-rc.2"),
    ("v1.2.3", &["feat: a", "TAG v1.3.0-rc.1", "fix: b"], &[], "1.3.0"),
    ("v0.4.2", &["feat!: a"], &[], "1.0.0"),
    ("v0.4.2", &["feat!: a"], &["breaking_before_1=minor"], "0.5.0"),
    ("v1.9.0 v1.10.0 v1 nightly", &["fix: a"], &[], "1.10.1"),
    ("", &["feat: a"], &[], "0.1.0"),
    ("", &["docs: a"], &[], "none of them"),
    ("v1.2.3", &["fix: a"], &["version=1.2"], "FAILS `1.2` is no version"),
    ("v1.2.3", &["fix: a"], &["version=1.2.3"], "FAILS 1.2.3 is not above 1.2.3"),
];

#[test]
fn the_version_follows_from_the_commits() {
    let project = project("release");
    for (number, (tags, commits, params, wanted)) in HISTORIES.iter().enumerate() {
        project.git(&format!("git checkout -q --orphan h{number}; git tag | xargs -r git tag -d"));
        project.commit("chore: begin");
        for tag in tags.split_whitespace() {
            project.git(&format!("git tag {tag}"));
        }
        for commit in *commits {
            match commit.strip_prefix("TAG ") {
                Some(tag) => drop(project.git(&format!("git tag {tag}"))),
                None => project.commit(commit),
            }
        }
        let mut args = vec!["-p", "dry_run=true"];
        args.extend(params.iter().flat_map(|param| ["-p", param]));
        let ended = project.begin(&args);
        if let Some(why) = wanted.strip_prefix("FAILS ") {
            assert_eq!(ended.code, Some(10), "{wanted}");
            let log = project.log().replace('\'', "`");
            assert!(log.contains(why), "{why}: {log}");
            continue;
        }
        assert_eq!(ended.code, Some(0), "{commits:?}: {}", project.log());
        let plan = project.stage("plan")["outputs"].clone();
        if wanted.chars().next().unwrap().is_ascii_digit() {
            assert_eq!(plan["version"], *wanted, "{tags} {commits:?}: {plan}");
        } else {
            assert_eq!(plan["release"], false, "{plan}");
            assert!(plan["reason"].as_str().unwrap().contains(wanted), "{plan}");
        }
        let expected = format!("h{number}");
        assert_eq!(project.git("git branch --show-current"), expected, "a dry run did something");
    }
}

#[test]
fn what_is_reverted_is_not_released() {
    let project = project("release");
    project.commit("chore: begin");
    project.git("git tag v1.0.0; echo a > a; git add a; git commit -qm 'feat: a'; git revert --no-edit HEAD");
    project.done(&[]);
    assert_eq!(project.stage("plan")["outputs"]["release"], false);
    project.commit("fix: b");
    project.done(&["-p", "dry_run=true"]);
    assert_eq!(project.stage("plan")["outputs"]["version"], "1.0.1");
}

/// A project with a version in each kind of file, released as 1.2.3.
fn released() -> Project {
    let project = project("release");
    project.write(
        "Cargo.toml",
        "[workspace]\nmembers = [\"b\"]\n\n[package]\nname = \"a\"\nversion = \"1.2.3\" # here\n\n[dependencies]\nb = { path = \"b\", version = \"1.2.3\" }\nserde = { version = \"1.2.3\" }\n",
    );
    project.write("b/Cargo.toml", "[package]\nname = \"b\"\nversion = \"0.9.0\"\n");
    project.write(
        "Cargo.lock",
        "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.2.3\"\n\n[[package]]\nname = \"serde\"\nversion = \"1.2.3\"\nsource = \"registry\"\n",
    );
    project.write(
        "package.json",
        "{\n  \"engines\": {\"version\": \"1.2.3\"},\n  \"version\": \"1.2.3\"\n}\n",
    );
    project.write(
        "package-lock.json",
        "{\n  \"name\": \"a\",\n  \"version\": \"1.2.3\",\n  \"packages\": {\n    \"\": {\n      \"version\": \"1.2.3\"\n    }\n  }\n}\n",
    );
    project.write(
        "pyproject.toml",
        "[tool.x]\nversion = \"7\"\n[project]\nname = \"a\"\nversion = \"1.2.3\"\n",
    );
    project.write(
        "CHANGELOG.md",
        "# Changelog\n\nAll that counts.\n\n## [Unreleased]\n\n- soon\n\n## 1.2.3 - 2020-01-01\n\n- old\n",
    );
    project.git("git add .; git commit -qm 'chore: begin'; git tag -a v1.2.3 -m v1.2.3");
    project.commit("feat(ui): dark mode");
    project.commit("fix: a | b");
    project
}

#[test]
fn an_approved_release_is_one_commit_and_one_annotated_tag() {
    let project = released();
    let gate = project.asks(&[]);
    let shown = project.run(&["approval", "show", &gate]).stdout;
    assert!(shown.contains("Release 1.3.0?") && shown.contains("**ui:** dark mode"), "{shown}");
    let patch = project.run(&["artifacts", "list", "--run", "release"]).stdout;
    assert!(patch.contains("release.patch"), "{patch}");
    let ended = project.approve(&gate);
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    assert_eq!(project.git("git tag; git cat-file -t v1.3.0"), "v1.2.3\nv1.3.0\ntag");
    assert_eq!(project.git("git rev-parse v1.3.0^{commit}"), project.git("git rev-parse main"));
    assert_eq!(project.git("git status --porcelain; git rev-list --count v1.2.3..main"), "3");
    let message = project.git("git log -1 --format=%B");
    assert!(
        message.starts_with("chore(release): 1.3.0\n")
            && message.contains("\nOrch-Run: release#1\n")
    );
    let stage = "git log -1 --format='%(trailers:key=Orch-Stage,valueonly)'";
    assert_eq!(project.git(stage), "release");
    let changed =
        "CHANGELOG.md\nCargo.lock\nCargo.toml\npackage-lock.json\npackage.json\npyproject.toml";
    assert_eq!(project.git("git diff --name-only HEAD^"), changed);
    let log = project.read("CHANGELOG.md");
    let sections: Vec<&str> = log.lines().filter(|line| line.starts_with('#')).collect();
    let today = project.git("date -u +%F");
    let own = format!("## 1.3.0 - {today}");
    assert_eq!(
        sections,
        [
            "# Changelog",
            "## [Unreleased]",
            &own,
            "### Features",
            "### Fixes",
            "## 1.2.3 - 2020-01-01"
        ]
    );
    assert!(log.contains("- soon\n\n## 1.3.0") && log.contains("\n- a | b ("), "{log}");
    let cargo = project.read("Cargo.toml");
    assert!(
        cargo.contains("version = \"1.3.0\" # here")
            && cargo.contains("serde = { version = \"1.2.3\" }")
    );
    assert!(
        cargo.contains("b = { path = \"b\", version = \"1.2.3\" }"),
        "b is not released: {cargo}"
    );
    let lock = project.read("Cargo.lock");
    assert!(
        lock.contains("name = \"a\"\nversion = \"1.3.0\"")
            && lock.contains("\"serde\"\nversion = \"1.2.3\"")
    );
    assert!(
        project
            .read("package.json")
            .contains("{\"version\": \"1.2.3\"},\n  \"version\": \"1.3.0\"")
    );
    assert_eq!(project.read("package-lock.json").matches("1.3.0").count(), 2);
    assert!(
        project
            .read("pyproject.toml")
            .contains("version = \"7\"\n[project]\nname = \"a\"\nversion = \"1.3.0\"")
    );
    assert_eq!(project.read("b/Cargo.toml"), "[package]\nname = \"b\"\nversion = \"0.9.0\"\n");
    // Once more: there is nothing new.
    project.done(&[]);
    assert_eq!(project.stage("release")["status"], "skipped");
    // And taken back, as long as nothing was built upon it.
    let undone = project.run(&["runs", "rollback", "release#1", "--to", "release", "--yes"]);
    assert_eq!(undone.code, Some(14), "{}{}", undone.stdout, undone.stderr);
    assert_eq!(
        project.git("git tag; git log -1 --format=%s; git status --porcelain"),
        "v1.2.3\nfix: a | b"
    );
}

#[test]
fn a_rejected_release_leaves_no_trace() {
    let project = released();
    let look = "git rev-parse HEAD; git tag; git status --porcelain; git for-each-ref | wc -l";
    let before = project.git(look);
    let gate = project.asks(&[]);
    let ended = project.reject(&gate);
    assert_eq!(ended.code, Some(14), "{}", ended.stdout);
    assert_eq!(project.git(look), before);
    assert!(!project.read("CHANGELOG.md").contains("1.3.0"));
}

#[test]
fn what_is_in_the_way_is_said_before_anybody_is_asked() {
    let project = released();
    project.write("CHANGELOG.md", "mine\n");
    assert_eq!(project.begin(&[]).code, Some(10));
    assert!(project.log().contains("commit or stash first what is changed in: CHANGELOG.md"));
    project.git("git checkout -q CHANGELOG.md");
    project.write("package.json", "{\"version\": \"9.0.0\"}\n");
    project.git("git commit -qam 'chore: ahead'");
    assert_eq!(project.begin(&[]).code, Some(10));
    assert!(
        project
            .log()
            .contains("package.json says 9.0.0, but after v1.2.3 these commits make 1.3.0")
    );
    // Somebody commits while it waits.
    project.git("git revert --no-edit HEAD");
    let gate = project.asks(&[]);
    project.commit("fix: meanwhile");
    assert_eq!(project.approve(&gate).code, Some(10));
    assert!(project.log().contains("main has moved from"), "{}", project.log());
    assert_eq!(project.git("git tag"), "v1.2.3");
}

#[test]
fn a_kill_in_the_middle_makes_exactly_one_tag() {
    let project = released();
    project.place.gate("gate");
    // The branch has moved and there is no tag yet: the worst moment.
    project.write(".git/hooks/post-merge", "#!/bin/sh\ncat ../gate > /dev/null\n");
    project.git("chmod +x .git/hooks/post-merge");
    let mut going = Going::of(&mut project.command(&["run", "pipelines/release.yaml"]));
    going.says("Waiting");
    let said = project.run(&["approval", "approve", &project.pending()]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let gate = project.place.wait_at("gate");
    assert_eq!(project.git("git tag; git log -1 --format=%s"), "v1.2.3\nchore(release): 1.3.0");
    going.signal("KILL");
    drop(going.status());
    drop(gate);
    assert_eq!(project.follow().code, Some(0), "{}", project.log());
    assert_eq!(project.git("git tag; git log --format=%s | grep -c release"), "v1.2.3\nv1.3.0\n1");
    let run = project.json(&["runs", "show", "release"]);
    assert_eq!(run["data"]["status"], "succeeded", "{run}");
}

#[test]
fn branch_and_tag_are_pushed_when_asked() {
    let project = released();
    project.git("git init -q --bare ../origin; git remote add origin ../origin");
    let gate = project.asks(&["-p", "push=true"]);
    assert_eq!(project.approve(&gate).code, Some(0), "{}", project.log());
    assert_eq!(project.git("git -C ../origin rev-parse main"), project.git("git rev-parse main"));
    assert_eq!(project.git("git -C ../origin tag"), "v1.3.0");
}
