//! `security`: what is found, how it is told, and what the fix takes away.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use super::{Project, project};

/// As it would stand in a file; put together here, so that nobody scans this one.
fn secret() -> String {
    format!("AKIA{}", "Q3EGAH7ZKLM2NOPR")
}

fn planted() -> Project {
    let project = project("security");
    project.write(
        "app.py",
        &format!("import os\nKEY = \"{}\"\nx = get(url, verify=False)\n", secret()),
    );
    project.write(
        "deploy/id",
        "begin\n-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nend\n",
    );
    project
        .write("fine.py", "password = os.environ['PASSWORD']\nsecret = \"${SECRET}\"  # nothing\n");
    project.git("git add app.py deploy fine.py; git commit -qm 'feat: app'");
    project
}

fn sarif(project: &Project) -> Value {
    serde_json::from_str(&project.read(".pipeline/security/report.sarif")).unwrap()
}

#[test]
fn a_planted_secret_is_found_told_without_itself_and_taken_out() {
    let project = planted();
    let gate = project.asks(&[]);
    let report = project.read(".pipeline/security/report.md");
    assert!(
        report.contains("**2 critical, 1 high**") && report.contains("| critical | `app.py:2` |"),
        "{report}"
    );
    assert!(report.contains("`deploy/id:2`") && !report.contains("fine.py"), "{report}");
    let sarif = sarif(&project);
    assert_eq!(sarif["version"], "2.1.0");
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    let place = &results[0]["locations"][0]["physicalLocation"];
    assert_eq!(
        (&results[0]["ruleId"], &place["region"]["startLine"]),
        (&"aws-access-key".into(), &2.into())
    );
    assert_eq!(place["artifactLocation"]["uri"], "app.py");
    let kept = project.run(&["artifacts", "list", "--run", "security"]).stdout;
    for name in ["report.md", "report.sarif", "findings.json", "fix.diff"] {
        assert!(kept.contains(name), "{name}: {kept}");
    }
    let shown = project.run(&["approval", "show", &gate]).stdout;
    assert!(shown.contains("It mends 2 findings, and 1 are left."), "{shown}");
    for said in [&report, &project.log(), &shown, &sarif.to_string()] {
        assert!(!said.contains(&secret()), "{said}");
    }
    assert_eq!(project.approve(&gate).code, Some(0), "{}", project.log());
    assert_eq!(
        project.read("app.py"),
        "import os\nKEY = \"removed-aws-access-key\"\nx = get(url, verify=False)\n"
    );
    assert_eq!(project.read("deploy/id"), "begin\nremoved-private-key\nend\n");
    assert_eq!(
        project.git("git status --porcelain; git branch; git diff --name-only HEAD^"),
        "?? pipelines/\n* main\napp.py\ndeploy/id"
    );
    let trailers = project.git("git log --format=%B");
    assert!(
        trailers.contains("Orch-Agent: fixer") && trailers.contains("Orch-Stage: apply"),
        "{trailers}"
    );
    // What the scripted agent leaves is for people.
    let ended = project.begin(&["-p", "fix=false", "-p", "fail_on=high"]);
    assert_eq!(ended.code, Some(10), "{}", project.log());
    project.done(&["-p", "fail_on=critical"]);
    assert_eq!(
        project.stage("apply")["status"],
        "skipped",
        "there is nothing that it could take out"
    );
}

#[test]
fn a_rejected_fix_changes_nothing() {
    let project = planted();
    let before = project.git("git rev-parse HEAD; git for-each-ref | wc -l");
    let gate = project.asks(&[]);
    assert_eq!(project.reject(&gate).code, Some(14), "{}", project.log());
    assert_eq!(project.git("git rev-parse HEAD; git for-each-ref | wc -l"), before);
    assert!(project.read("app.py").contains(&secret()));
}

#[test]
fn scanners_that_are_installed_are_used_and_one_that_cannot_work_is_told() {
    let project = planted();
    let tools = project.place.path().join("tools");
    for (name, script) in [
        (
            "gitleaks",
            r#"for last; do :; done; echo '[{"RuleID": "its-rule", "File": "fine.py", "StartLine": 1, "Description": "seen by gitleaks"}]' > "$last""#,
        ),
        (
            "pip-audit",
            "echo '{\"dependencies\": [{\"name\": \"left\", \"version\": \"1\", \"vulns\": [{\"id\": \"X-1\", \"fix_versions\": [\"2\"]}]}]}'; exit 1",
        ),
        ("npm", "echo '{\"message\": \"no network here\", \"error\": {}}'; exit 1"),
    ] {
        project.place.write(&format!("tools/{name}"), &format!("#!/bin/sh\n{script}\n"));
        std::fs::set_permissions(tools.join(name), std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    project.write("requirements.txt", "left==1\n");
    project.write("package-lock.json", "{}\n");
    let path = format!("{}:{}", tools.display(), std::env::var("PATH").unwrap());
    let mut command = project.command(&["run", "pipelines/security.yaml", "-p", "fix=false"]);
    let output = command.env("PATH", path).output().unwrap();
    assert!(output.status.success(), "{}", project.log());
    let report = project.read(".pipeline/security/report.md");
    for line in [
        "| critical | `fine.py:1` | seen by gitleaks | its-rule | gitleaks |",
        "| high | `requirements.txt:1` | left 1; fixed in 2 | X-1 | pip-audit |",
        "- npm audit: could not be used: no network here",
        "- semgrep: not installed",
    ] {
        assert!(report.contains(line), "{line}: {report}");
    }
    assert_eq!(sarif(&project)["runs"].as_array().unwrap().len(), 3);
}
