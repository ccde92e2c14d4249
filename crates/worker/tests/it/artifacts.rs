//! Files that attempts leave, and files that they are given.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use api::link::{Assignment, Collect, Collected, End, Exit, Lay, Order, Piece, What};
use blobs::Blobs;
use serde_json::json;

use crate::bench::{Bench, hear, release};

fn collect(name: &str, path: &str, format: &str) -> Collect {
    Collect {
        name: name.into(),
        path: path.into(),
        format: format.into(),
        required: true,
        schema: None,
        max_bytes: 1 << 20,
    }
}

/// A script in a working folder of its own.
fn script(bench: &Bench, name: &str, script: &str, artifacts: Vec<Collect>) -> Assignment {
    let folder = bench.dir.path().join("work");
    fs::create_dir_all(&folder).unwrap();
    let working_dir = folder.display().to_string();
    Assignment { working_dir, artifacts, ..bench.script(name, script) }
}

fn refused(exit: &Exit) -> &str {
    assert_eq!(exit.artifacts, []);
    exit.artifacts_error.as_deref().expect("refused")
}

fn content(bench: &Bench, artifact: &Collected) -> Vec<u8> {
    fs::read(Blobs::of(bench.dir.path()).path(&artifact.digest).unwrap()).unwrap()
}

#[test]
fn declared_files_are_stored_under_their_digests() {
    let bench = Bench::new();
    let mut optional = collect("notes", "notes.md", "md");
    optional.required = false;
    let mut report = collect("report", "out/report.json", "json");
    report.schema =
        Some(json!({ "required": ["n"], "properties": { "n": { "type": "integer" } } }));
    let wanted = vec![report, collect("blob", "./blob", "binary"), optional];
    let work = script(
        &bench,
        "a",
        "mkdir -p out; printf '{\"n\": 7}' > out/report.json; printf '\\377\\0' > blob",
        wanted,
    );
    let exit = bench.run(&work);
    assert_eq!((exit.end, exit.artifacts_error.as_deref()), (End::Code(0), None));
    let seen: Vec<_> = exit.artifacts.iter().map(|a| (a.name.as_str(), a.bytes)).collect();
    assert_eq!(seen, [("report", 8), ("blob", 2)]);
    assert_eq!(content(&bench, &exit.artifacts[0]), b"{\"n\": 7}");
    assert_eq!(content(&bench, &exit.artifacts[1]), b"\xff\0");
    assert_eq!(exit.artifacts[0].path, "out/report.json");
}

#[test]
fn an_attempt_that_failed_leaves_nothing() {
    let bench = Bench::new();
    let work = script(&bench, "a", "echo x > f; exit 3", vec![collect("f", "f", "txt")]);
    let exit = bench.run(&work);
    assert_eq!((exit.end, exit.artifacts.len(), exit.artifacts_error), (End::Code(3), 0, None));
    assert!(!bench.dir.path().join("blobs").exists());
}

#[test]
fn without_artifacts_nothing_is_made() {
    let bench = Bench::new();
    let work = script(&bench, "a", "true", Vec::new());
    bench.run(&work);
    assert!(!bench.folder(&work).exists() && !bench.dir.path().join("blobs").exists());
}

#[test]
fn all_problems_are_told_at_once() {
    let bench = Bench::new();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret"), "outside").unwrap();
    let out = outside.path().display();
    let make = format!(
        "ln -s {out}/secret link; ln -s {out} folder; mkdir real; mkfifo pipe; \
         head -c 2000 /dev/zero > large; printf '{{\"n\": \"x\"}}' > broken.json; \
         printf 'abc\\377' > text.md; echo no > picture.png; printf '{{' > half.json"
    );
    let mut large = collect("large", "large", "binary");
    large.max_bytes = 1999;
    let mut broken = collect("broken", "broken.json", "json");
    broken.schema =
        Some(json!({ "properties": { "n": { "type": "integer" } }, "required": ["m"] }));
    let wanted = vec![
        collect("link", "link", "binary"),
        collect("behind", "folder/secret", "binary"),
        collect("real", "real", "binary"),
        collect("pipe", "pipe", "binary"),
        large,
        broken,
        collect("text", "text.md", "md"),
        collect("picture", "picture.png", "png"),
        collect("half", "half.json", "json"),
        collect("gone", "gone", "txt"),
        collect("up", "../secret", "txt"),
        collect("etc", "/etc/passwd", "txt"),
        collect("dots", "real/../../secret", "txt"),
        collect("nul", "a\0b", "txt"),
        collect("empty", "", "txt"),
    ];
    let exit = bench.run(&script(&bench, "a", &make, wanted));
    assert_eq!(exit.end, End::Code(0));
    let told: Vec<&str> = refused(&exit).split("; ").collect();
    let expected = [
        "artifact `link` (`link`) is a link, or lies behind one: links are not followed",
        "artifact `behind` (`folder/secret`) is a link, or lies behind one: links are not followed",
        "artifact `real` (`real`) is no plain file but a folder",
        "artifact `pipe` (`pipe`) is no plain file but a named pipe",
        "artifact `large` (`large`) has 2000 bytes, and at most 1999 are allowed",
        "artifact `broken` (`broken.json`) breaks its schema at `/`: \"m\" is a required property, \
         at `/n`: \"x\" is not of type \"integer\"",
        "artifact `text` (`text.md`) is not UTF-8: byte 3 is not",
        "artifact `picture` (`picture.png`) is no PNG: it does not begin like one",
        "artifact `half` (`half.json`) is no JSON: EOF while parsing an object at line 1 column 1",
        "artifact `gone` (`gone`) is missing",
        "artifact `up` (`../secret`) is no path below the working folder",
        "artifact `etc` (`/etc/passwd`) is no path below the working folder",
        "artifact `dots` (`real/../../secret`) is no path below the working folder",
        "artifact `nul` (`a\\0b`) is no path below the working folder",
        "artifact `empty` (``) is no path below the working folder",
    ];
    let sorted = |mut list: Vec<String>| {
        list.sort();
        list
    };
    assert_eq!(
        sorted(told.iter().map(|&t| t.to_owned()).collect()),
        sorted(expected.iter().map(|&t| t.to_owned()).collect())
    );
    // Nothing of the good ones is kept, and nothing half.
    assert_eq!(Blobs::of(bench.dir.path()).used().unwrap(), 0);
}

#[test]
fn a_device_is_no_artifact() {
    let bench = Bench::new();
    let work = script(&bench, "a", "mknod d c 1 5 || exit 42", vec![collect("d", "d", "binary")]);
    let exit = bench.run(&work);
    if exit.end == End::Code(42) {
        eprintln!("skipped: no right to make a device");
        return;
    }
    assert_eq!(refused(&exit), "artifact `d` (`d`) is no plain file but a device");
}

#[test]
fn thirty_mebibytes_pass_where_they_may_and_not_where_they_may_not() {
    let bench = Bench::new();
    let mut fits = collect("f", "f", "binary");
    fits.max_bytes = 30 << 20;
    let make = "head -c 31457280 /dev/zero > f";
    let exit = bench.run(&script(&bench, "a", make, vec![fits.clone()]));
    assert_eq!(exit.artifacts[0].bytes, 30 << 20);
    fits.max_bytes -= 1;
    let exit = bench.run(&script(&bench, "b", make, vec![fits]));
    let told = "artifact `f` (`f`) has 31457280 bytes, and at most 31457279 are allowed";
    assert_eq!(refused(&exit), told);
}

#[test]
fn a_hostile_name_stays_a_name() {
    let bench = Bench::new();
    let name = "../../etc/$(rm -rf)\n\u{1b}[31m";
    let work = script(&bench, "a", "echo ok > f", vec![collect(name, "f", "txt")]);
    let exit = bench.run(&work);
    assert_eq!(exit.artifacts[0].name, name);
    let work = script(&bench, "b", "true", vec![collect("n", "a\nb\u{1b}", "txt")]);
    assert_eq!(refused(&bench.run(&work)), "artifact `n` (`a\\nb\\u{1b}`) is missing");
}

#[test]
fn a_secret_in_a_file_is_refused() {
    let mut bench = Bench::new();
    bench.set_environment("ORCHESTRATE_SECRET_KEY", "hunter2hunter");
    let wanted = || vec![collect("f", "f", "binary"), collect("g", "g", "binary")];
    let mut work = script(
        &bench,
        "a",
        "head -c 131068 /dev/zero > f; printf %s \"$KEY\" >> f; printf %s \"$KEY\" | base64 > g",
        wanted(),
    );
    work.env.insert("KEY".into(), vec![Piece::Secret("KEY".into())]);
    let exit = bench.run(&work);
    assert_eq!(
        refused(&exit),
        "artifact `f` (`f`) contains the value of a secret; \
         artifact `g` (`g`) contains the value of a secret"
    );
    let kept = fs::read(bench.folder(&work).join("collect.json")).unwrap();
    assert!(!String::from_utf8_lossy(&kept).contains("hunter2"), "only names are written down");
}

#[test]
fn an_attempt_that_is_adopted_is_collected_once() {
    let mut bench = Bench::new();
    let (gate, done) = (bench.fifo("gate"), bench.fifo("done"));
    let text = "exec 3> ../done; read x < ../gate; echo first > f";
    let work = script(&bench, "a", text, vec![collect("f", "f", "txt")]);
    bench.start(&work);
    bench.started();
    bench.dismiss();
    std::thread::scope(|scope| {
        let ended = scope.spawn(|| hear(&done));
        release(&gate);
        ended.join().unwrap();
    });
    let adopted = |bench: &mut Bench| {
        bench.rehire();
        bench.adopt(&work);
        match bench.next().what {
            What::Exited(exit) => *exit,
            What::Started { .. } => bench.ended(),
            other => panic!("{other:?}"),
        }
    };
    let first = adopted(&mut bench);
    assert_eq!(content(&bench, &first.artifacts[0]), b"first\n");
    // The server died before it could store that; meanwhile others work in that folder.
    fs::write(bench.dir.path().join("work/f"), "second\n").unwrap();
    let again = adopted(&mut bench);
    assert_eq!(again.artifacts, first.artifacts);
    // Content that is gone is collected anew, rather than named in vain.
    fs::remove_file(Blobs::of(bench.dir.path()).path(&first.artifacts[0].digest).unwrap()).unwrap();
    let anew = adopted(&mut bench);
    assert_eq!(content(&bench, &anew.artifacts[0]), b"second\n");
}

#[test]
fn a_quota_refuses_with_its_figures() {
    let bench = Bench::new();
    Blobs::of(bench.dir.path()).set_quota(Some(10)).unwrap();
    let wanted = vec![collect("f", "f", "txt")];
    let exit = bench.run(&script(&bench, "a", "echo 0123456789 > f", wanted));
    let told = refused(&exit);
    assert!(told.contains("11 bytes more do not fit: 0 of 10 bytes are in use"), "{told}");
}

#[test]
fn what_an_attempt_is_given_lies_in_files() {
    let bench = Bench::new();
    let blobs = Blobs::of(bench.dir.path());
    let plan = blobs.put(&b"the plan"[..], 99).unwrap().digest;
    let mut work = script(
        &bench,
        "a",
        "cat $ORCHESTRATE_INPUT $ORCHESTRATE_FORM $ORCHESTRATE_FEEDBACK \
         $ORCHESTRATE_CONTEXT/plan/plan.md $ORCHESTRATE_CONTEXT/copy; \
         echo \" $ORCHESTRATE_REVISION\"; rm -f $ORCHESTRATE_CONTEXT/copy; \
         chmod 600 $ORCHESTRATE_CONTEXT/plan/plan.md; echo gone > $ORCHESTRATE_CONTEXT/plan/plan.md",
        Vec::new(),
    );
    work.input = Some(json!({ "spec": "s" }));
    work.form = Some(json!({ "level": 2 }));
    work.feedback = Some("shorter".into());
    work.revision = 2;
    let lay = |path: &str| Lay { path: path.into(), digest: plan.clone() };
    work.context = vec![lay("plan/plan.md"), lay("copy")];
    let exit = bench.run(&work);
    let output = String::from_utf8(bench.output(&work)).unwrap();
    assert_eq!(exit.end, End::Code(0), "{output}");
    assert_eq!(output, "{\"spec\":\"s\"}{\"level\":2}shorterthe planthe plan 2\n");
    assert_eq!(blobs.verify(&plan).unwrap(), 8, "what a stage does to its copy reaches nobody");
    assert!(bench.folder(&work).join("context").exists());
    // Orders are carried out one after the other.
    bench.order(Order::Forget { attempt: work.attempt.clone() });
    bench.run(&bench.script("b", "true"));
    assert!(!bench.folder(&work).join("context").exists());
    assert_eq!(bench.output(&work), output.as_bytes(), "what it said stays");
}

#[test]
fn context_stays_in_its_folder_and_is_whole() {
    let bench = Bench::new();
    let blobs = Blobs::of(bench.dir.path());
    let good = blobs.put(&b"good"[..], 99).unwrap().digest;
    let bad = blobs.put(&b"original"[..], 99).unwrap().digest;
    let place = blobs.path(&bad).unwrap();
    fs::set_permissions(&place, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&place, "altered!").unwrap();
    let refusal = |name: &str, path: &str, digest: &str| {
        let mut work = script(&bench, name, "true", Vec::new());
        work.context = vec![Lay { path: path.into(), digest: digest.into() }];
        bench.start(&work);
        match bench.next().what {
            What::NotStarted { message } => message,
            other => panic!("{other:?}"),
        }
    };
    let outside = bench.dir.path().join("outside");
    let absolute = outside.to_str().unwrap();
    for (n, path) in ["../x", absolute, "a/../../x", "", "a/", "a\0b"].iter().enumerate() {
        let message = refusal(&format!("p{n}"), path, &good);
        assert!(message.ends_with("is no path below it"), "{message}");
    }
    assert!(refusal("damaged", "x", &bad).contains("is damaged"));
    let missing = "0".repeat(64);
    assert!(refusal("missing", "x", &missing).contains("is not there"));
    assert!(!outside.exists());
}
