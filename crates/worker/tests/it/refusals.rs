//! What cannot be started says why, and the next attempt goes on.

use api::link::{End, Piece, What};

use crate::bench::{Bench, plain};

fn refusal(bench: &Bench, assignment: &api::link::Assignment) -> String {
    bench.start(assignment);
    match bench.next().what {
        What::NotStarted { message } => message,
        other => panic!("expected a refusal: {other:?}"),
    }
}

#[test]
fn a_missing_program_is_named_with_its_folder() {
    let bench = Bench::new();
    let message = refusal(&bench, &bench.command("a", &["no-such-program", "x"]));
    assert!(message.contains("`no-such-program` was not found in PATH"), "{message}");
    assert!(message.contains(bench.dir.path().to_str().unwrap()), "{message}");
    let message = refusal(&bench, &bench.command("b", &["./nothing"]));
    assert!(message.contains("`./nothing` does not exist"), "{message}");
    std::fs::write(bench.dir.path().join("text"), "hello").unwrap();
    let message = refusal(&bench, &bench.command("c", &["./text"]));
    assert!(message.contains("`./text` is not executable"), "{message}");
    assert_eq!(bench.run(&bench.script("d", "exit 0")).end, End::Code(0));
}

#[test]
fn a_missing_folder_is_named_with_the_program() {
    let bench = Bench::new();
    let mut script = bench.script("a", "true");
    script.working_dir = "/no/such/folder".into();
    let message = refusal(&bench, &script);
    assert_eq!(
        message,
        "the working folder `/no/such/folder` does not exist; `sh` was to run in it"
    );
}

#[test]
fn an_unknown_secret_is_named() {
    let bench = Bench::new();
    let mut script = bench.script("a", "true");
    script.env.insert("T".into(), vec![Piece::Secret("TOKEN".into())]);
    let message = refusal(&bench, &script);
    assert!(message.contains("secret `TOKEN`") && message.contains("ORCHESTRATE_SECRET_TOKEN"));
    script.env.insert("T".into(), vec![Piece::Secret("../lock".into())]);
    assert!(refusal(&bench, &script).contains("cannot be the name of a secret"));
}

#[test]
fn what_the_system_cannot_start_is_not_started() {
    let bench = Bench::new();
    std::fs::write(bench.dir.path().join("broken"), "\x7fELF").unwrap();
    let chmod = std::process::Command::new("chmod")
        .args(["+x", bench.dir.path().join("broken").to_str().unwrap()])
        .status();
    assert!(chmod.unwrap().success());
    let broken = bench.command("a", &["./broken"]);
    let message = refusal(&bench, &broken);
    assert!(message.contains("broken` could not be started"), "{message}");
    bench.adopt(&broken);
    assert!(matches!(bench.next().what, What::NeverStarted), "the start was taken back");
    let huge = bench.script("b", &format!(": {}", "x".repeat(200 << 10)));
    assert!(refusal(&bench, &huge).contains("Argument list too long"));
    let mut strange = bench.script("c", "true");
    strange.env.insert("A=B".into(), plain("x"));
    assert!(refusal(&bench, &strange).contains("`A=B` cannot be set"));
}

#[test]
fn a_name_cannot_leave_the_data_folder() {
    let bench = Bench::new();
    let mut script = bench.script("a", "true");
    script.attempt.key = "../../escape".into();
    assert!(refusal(&bench, &script).contains("no fit name"));
    bench.adopt(&script);
    assert!(matches!(bench.next().what, What::NeverStarted));
}
