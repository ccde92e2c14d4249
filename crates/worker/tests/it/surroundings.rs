//! What an attempt finds around it, and what it leaves as outputs.

use api::link::{End, Python, Work};
use serde_json::json;

use crate::bench::{Bench, plain};

#[test]
fn the_environment_is_an_allow_list() {
    let mut bench = Bench::new();
    bench.set_environment("OPENAI_API_KEY", "sk-secret");
    bench.set_environment("LC_ALL", "C.UTF-8");
    bench.set_environment("ORCHESTRATE_SECRET_UNUSED", "hidden");
    let mut script = bench.script("deploy[2]", "env | sort");
    script.attempt.execution = "deploy[2]".into();
    script.attempt.key = "run-deploy-2-3".into();
    script.effect_key = Some("run-deploy-2-1".into());
    script.env.insert("MINE".into(), plain("yes"));
    script.env.insert("ORCHESTRATE_RUN".into(), plain("forged"));
    script.environment = Some("production".into());
    bench.run(&script);
    let output = String::from_utf8(bench.output(&script)).unwrap();
    let names: Vec<&str> = output.lines().map(|line| line.split('=').next().unwrap()).collect();
    // `PWD`, and in some shells `SHLVL` and `_`, are the shell's own.
    let own = ["PWD", "OLDPWD", "SHLVL", "_"];
    let names: Vec<&str> = names.into_iter().filter(|name| !own.contains(name)).collect();
    assert_eq!(
        names,
        [
            "LC_ALL",
            "MINE",
            "ORCHESTRATE_ATTEMPT",
            "ORCHESTRATE_ATTEMPT_ID",
            "ORCHESTRATE_ATTEMPT_KEY",
            "ORCHESTRATE_ENVIRONMENT",
            "ORCHESTRATE_EXECUTION",
            "ORCHESTRATE_FENCE",
            "ORCHESTRATE_OUTPUT",
            "ORCHESTRATE_RUN",
            "ORCHESTRATE_STAGE",
            "PATH",
            "TERM",
        ]
    );
    for line in [
        "ORCHESTRATE_ATTEMPT=1",
        "ORCHESTRATE_ATTEMPT_ID=run-deploy-2-3",
        "ORCHESTRATE_ATTEMPT_KEY=run-deploy-2-1",
        "ORCHESTRATE_ENVIRONMENT=production",
        "ORCHESTRATE_FENCE=7",
        &format!("ORCHESTRATE_RUN={}", bench.run),
        "ORCHESTRATE_STAGE=deploy",
        "TERM=dumb",
    ] {
        assert!(output.lines().any(|l| l == line), "{line} is not in\n{output}");
    }
}

#[test]
fn no_descriptor_is_inherited_and_stdin_is_empty() {
    let bench = Bench::new();
    let script = bench.script("a", "cat; ls -l /proc/self/fd");
    bench.run(&script);
    let output = String::from_utf8(bench.output(&script)).unwrap();
    let targets: Vec<&str> =
        output.lines().filter_map(|line| Some(line.split_once(" -> ")?.1)).collect();
    assert_eq!(targets.len(), 4, "{output}");
    assert_eq!(targets[0], "/dev/null");
    assert!(targets[1].starts_with("pipe:") && targets[1] == targets[2]);
    assert!(targets[3].starts_with("/proc/"), "what ls itself reads");
}

#[test]
fn signals_have_their_usual_meaning() {
    let bench = Bench::new();
    let script = bench.script("a", "grep -E 'Sig(Blk|Ign)' /proc/self/status");
    bench.run(&script);
    let output = String::from_utf8(bench.output(&script)).unwrap();
    // The two that glibc keeps for itself may be ignored after posix_spawn.
    for line in output.lines() {
        let bits = u64::from_str_radix(line.split_whitespace().last().unwrap(), 16).unwrap();
        assert_eq!(bits & !(0b11 << 31), 0, "{line}");
    }
}

#[test]
fn python_gets_its_parameters() {
    let bench = Bench::new();
    let code = "import json, os
parameters = json.load(open(os.environ['ORCHESTRATE_PARAMETERS']))
open(os.environ['ORCHESTRATE_OUTPUT'], 'w').write(json.dumps({'sum': sum(parameters['xs'])}))
print('done')
raise SystemExit(3)
";
    let mut inline = bench.script("a", "");
    let parameters = json!({"xs": [1, 2, 39]});
    inline.work =
        Work::Python { program: Python::Code(code.into()), parameters: parameters.clone() };
    let exit = bench.run(&inline);
    assert_eq!((exit.end, &*exit.tail), (End::Code(3), "done"));
    assert_eq!(exit.outputs.as_deref(), Some(r#"{"sum": 42}"#));
    std::fs::write(bench.dir.path().join("script.py"), code).unwrap();
    let mut file = bench.script("b", "");
    file.work = Work::Python { program: Python::File("script.py".into()), parameters };
    assert_eq!(bench.run(&file).outputs.as_deref(), Some(r#"{"sum": 42}"#));
}

#[test]
fn outputs_that_are_no_text_or_too_much_are_refused() {
    let bench = Bench::new();
    let run = |name: &str, script: &str| {
        let exit = bench.run(&bench.script(name, script));
        assert_eq!(exit.end, End::Code(0));
        assert_eq!(exit.outputs, None);
        exit.outputs_error.unwrap()
    };
    let error = run("a", "head -c 2000000 /dev/zero > $ORCHESTRATE_OUTPUT");
    assert_eq!(error, "the output file is too large: 2000000 bytes, at most 1048576");
    let error = run("b", r"printf 'abc\377' > $ORCHESTRATE_OUTPUT");
    assert_eq!(error, "the output file is not UTF-8: byte 3 is not");
    let error = run("c", "mkfifo $ORCHESTRATE_OUTPUT");
    assert_eq!(error, "the output file is not a plain file");
    let exit = bench.run(&bench.script("d", "echo a=b > $ORCHESTRATE_OUTPUT"));
    assert_eq!((exit.outputs.as_deref(), exit.outputs_error), (Some("a=b\n"), None));
}
