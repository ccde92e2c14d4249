//! What a hostile or careless author may send: a diagnostic with its place, fast.

use std::time::Duration;

use pipeline::diagnostic::Code;
use pipeline::source::place;

/// What any of these may take, also in a debug build; an explosion takes minutes.
const FAST: Duration = Duration::from_secs(2);

/// The processor's time of this thread: a busy machine changes nothing.
struct Instant(Duration);

impl Instant {
    fn now() -> Self {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Self(Duration::new(time.tv_sec as u64, time.tv_nsec as u32))
    }

    fn elapsed(&self) -> Duration {
        Self::now().0 - self.0
    }
}

/// The definition is refused with exactly these codes, the first of them at this line and column.
fn refused(text: &str, codes: &[Code], at: (usize, usize)) {
    let start = Instant::now();
    let parsed = pipeline::parse(text);
    let rendered = parsed.rendered("bad.yaml", false);
    assert!(start.elapsed() < FAST, "took {:?}", start.elapsed());
    assert!(parsed.pipeline.is_none());
    let found: Vec<Code> = parsed.diagnostics.iter().map(|found| found.code).collect();
    assert_eq!(found, codes, "{rendered}");
    let first = place(text, parsed.diagnostics[0].span.start);
    assert_eq!((first.line, first.col), at, "{rendered}");
    assert!(rendered.contains(codes[0].0));
}

fn stage(lines: &str) -> String {
    format!("name: x\nstages:\n  - name: a\n    {lines}\n")
}

#[test]
fn an_alias_bomb() {
    let mut text = String::from("name: x\nvariables:\n  a0: &a0 [lol, lol, lol]\n");
    for n in 1..10 {
        let inner = vec![format!("*a{}", n - 1); 10].join(", ");
        text.push_str(&format!("  a{n}: &a{n} [{inner}]\n"));
    }
    refused(&text, &[Code::ALIAS_BOMB], (8, 17));
}

#[test]
fn an_alias_of_itself() {
    refused("name: x\nvariables: &v {a: *v}\n", &[Code::MISSING_KEY, Code::ALIAS], (1, 1));
}

#[test]
fn a_duplicate_key() {
    refused(&stage("run: a\n    run: b"), &[Code::DUPLICATE_KEY], (5, 5));
}

#[test]
fn an_unknown_key() {
    refused(&stage("run: a\n    rum: b"), &[Code::UNKNOWN_KEY], (5, 5));
}

#[test]
fn an_unknown_tag() {
    refused(&stage("run: !shell a"), &[Code::TAG], (4, 10));
}

#[test]
fn a_cycle() {
    let text = "name: x\nstages:\n  - {name: a, depends_on: b, noop: true}\n  - {name: b, depends_on: [a], noop: true}\n";
    refused(text, &[Code::CYCLE], (3, 27));
}

#[test]
fn a_cycle_of_ten_thousand_stages() {
    let mut text = String::from("name: x\nstages:\n");
    for n in 0..10_000 {
        let before = (n + 9_999) % 10_000;
        text.push_str(&format!("  - {{name: s{n}, depends_on: [s{before}], noop: true}}\n"));
    }
    refused(&text, &[Code::CYCLE], (3, 29));
}

#[test]
fn a_file_of_two_mebibytes() {
    let text = format!("name: x\ndescription: {}\n", "x".repeat(2 << 20));
    refused(&text, &[Code::TOO_LARGE], (2, (1 << 20) - 7));
}

#[test]
fn a_hundred_levels_of_nesting() {
    let flow = format!("name: x\nvariables: {{a: {}{}}}\n", "[".repeat(100), "]".repeat(100));
    refused(&flow, &[Code::TOO_DEEP], (2, 16 + 62));
    let mut block = String::from("name: x\nvariables:\n");
    for depth in 1..100 {
        block.push_str(&format!("{}k:\n", "  ".repeat(depth)));
    }
    refused(&block, &[Code::TOO_DEEP], (66, 129));
}

#[test]
fn a_name_that_climbs() {
    let text = "name: ../x\nstages:\n  - {name: ../../etc/passwd, noop: true}\n";
    refused(text, &[Code::BAD_NAME, Code::BAD_NAME], (1, 7));
}

#[test]
fn an_undefined_variable() {
    refused(
        &stage("run: |\n      set -e\n      echo ${nobody}"),
        &[Code::UNDEFINED_VARIABLE],
        (6, 12),
    );
}

#[test]
fn binary_instead_of_text() {
    let text =
        String::from_utf8_lossy(&[0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0xff, 0xfe, b'\n'])
            .into_owned();
    let parsed = pipeline::parse(&text);
    assert!(parsed.diagnostics.iter().all(|found| found.code == Code::CONTROL_CHARACTER));
    assert!(!parsed.rendered("a.out", false).contains('\u{7f}'));
}

#[test]
fn a_second_document() {
    refused(&format!("{}---\nname: y\n", stage("noop: true")), &[Code::SEVERAL_DOCUMENTS], (5, 1));
}

/// Many mistakes cost no more than many right lines.
#[test]
fn ten_thousand_mistakes() {
    let mut text = String::from("name: x\nstages:\n");
    for n in 0..10_000 {
        text.push_str(&format!("  - {{name: s{n}, depends_on: [nobody{n}], rum: x}}\n"));
    }
    let start = Instant::now();
    let parsed = pipeline::parse(&text);
    let rendered = parsed.rendered("bad.yaml", false);
    assert!(start.elapsed() < 2 * FAST, "took {:?}", start.elapsed());
    assert!(parsed.is_cut);
    assert_eq!(parsed.diagnostics.len(), 1000);
    assert!(rendered.ends_with("... and 900 more\nbad.yaml: 1000 errors, and more\n"));
}

#[test]
fn references_to_far_ancestors_in_a_long_chain() {
    let mut text = String::from("name: x\nstages:\n");
    for n in 0..8_000 {
        let far = n / 2;
        let env = if n == 0 {
            String::new()
        } else {
            format!(", depends_on: [s{}], env: {{V: \"${{stages.s{far}.outputs.v}}\"}}", n - 1)
        };
        text.push_str(&format!("  - {{name: s{n}, run: x, outputs: {{v: any}}{env}}}\n"));
    }
    let start = Instant::now();
    let parsed = pipeline::parse(&text);
    assert!(start.elapsed() < 2 * FAST, "took {:?}", start.elapsed());
    assert!(parsed.pipeline.is_some(), "{}", parsed.rendered("x.yaml", false));
}

#[test]
fn dependencies_that_multiply() {
    let list: Vec<String> = (0..3000).map(|n| format!("d{n}")).collect();
    let mut text = format!(
        "name: x\nstages:\n  - {{name: first, depends_on: [{}], noop: true}}\n",
        list.join(", ")
    );
    for n in 0..3000 {
        text.push_str(&format!("  - {{name: d{n}, depends_on: [], noop: true}}\n"));
        text.push_str(&format!("  - {{name: p{n}, parallel_with: first, noop: true}}\n"));
    }
    let start = Instant::now();
    let parsed = pipeline::parse(&text);
    assert!(start.elapsed() < 2 * FAST, "took {:?}", start.elapsed());
    assert_eq!(parsed.diagnostics[0].code, Code::LIMIT);
}

#[test]
fn an_expression_bomb() {
    let chain = stage(&format!("noop: true\n    if: {}", vec!["1 == 1"; 5000].join(" || ")));
    refused(&chain, &[Code::EXPRESSION_TOO_LARGE], (5, 9));
    let deep = stage(&format!("noop: true\n    if: {}1{}", "(".repeat(1000), ")".repeat(1000)));
    let parsed = pipeline::parse(&deep);
    assert_eq!(parsed.diagnostics[0].code, Code::EXPRESSION_TOO_LARGE);
    let cubic = "'[1].all(a, [1].all(b, [1].all(c, a + b + c > 0)))'";
    let parsed = pipeline::parse(&stage(&format!("noop: true\n    if: {cubic}")));
    assert_eq!(parsed.diagnostics[0].code, Code::EXPRESSION_TOO_LARGE);
}

/// Shapes that make a careless reader slow: each is long, though within the limit.
#[test]
fn large_definitions_of_every_shape() {
    let fill = |unit: &dyn Fn(usize) -> String| {
        let mut text = String::new();
        let mut n = 0;
        while text.len() < 400_000 {
            text.push_str(&unit(n));
            n += 1;
        }
        text
    };
    let shapes = [
        (
            "schemas",
            format!(
                "name: x\ninputs:\n{}",
                fill(&|n| format!("  a{n}: {{schema: {{minLength: 1}}}}\n"))
            ),
        ),
        (
            "patterns of a schema",
            format!(
                "name: x\ninputs:\n{}",
                fill(&|n| format!("  a{n}: {{schema: {{pattern: \"(x{{900}}){{900}}\"}}}}\n"))
            ),
        ),
        (
            "globs",
            stage(&format!(
                "noop: true\n    when: {{paths: [{}]}}",
                fill(&|n| format!("**/a{n}*/**, "))
            )),
        ),
        ("references", stage(&format!("run: |\n{}", fill(&|_| "      ${a} ${b}\n".into())))),
        ("references on one line", stage(&format!("run: {}", fill(&|_| "${a}".into())))),
        ("broken references", stage(&format!("run: \"\\t{}\"", fill(&|_| "${a b} ".into())))),
        ("duplicates", format!("name: x\nenv: {{{}}}\n", fill(&|_| "A: 1, ".into()))),
        (
            "unknown keys",
            format!("name: x\nstages: [{{{}}}]\n", fill(&|n| format!("nome{n}: 1, "))),
        ),
        (
            "expressions",
            format!(
                "name: x\nstages:\n{}",
                fill(&|n| format!("  - {{name: a{n}, noop: true, if: run.number > {n}}}\n"))
            ),
        ),
        (
            "conditions",
            format!(
                "name: x\nstages:\n{}",
                fill(&|n| format!(
                    "  - {{name: a{n}, noop: true, when: {{paths: [\"a{n}/**\", \"!b/*.{{rs,md}}\"]}}}}\n"
                ))
            ),
        ),
        (
            "small cycles",
            format!(
                "name: x\nstages:\n{}",
                fill(&|n| format!(
                    "  - {{name: a{n}, depends_on: b{n}, noop: true}}\n  - {{name: b{n}, depends_on: a{n}, noop: true}}\n"
                ))
            ),
        ),
        (
            "unknown stages",
            format!(
                "name: x\nstages:\n{}",
                fill(&|n| format!(
                    "  - {{name: stage{n}, depends_on: [stag{n}, stge{n}], noop: true}}\n"
                ))
            ),
        ),
        (
            "dependencies",
            stage(&format!("noop: true\n    depends_on: [{}]", fill(&|n| format!("b{n}, ")))),
        ),
        (
            "chain of parallel_with",
            format!(
                "name: x\nstages:\n  - {{name: a0, depends_on: [], noop: true}}\n{}",
                fill(&|n| format!("  - {{name: a{}, parallel_with: a{n}, noop: true}}\n", n + 1))
            ),
        ),
        ("durations", stage(&format!("run: x\n    timeout: {}", fill(&|_| "1h".into())))),
        (
            "nested conditions",
            stage(&format!(
                "noop: true\n    when: {{or: [{}]}}",
                fill(&|n| format!("{{branch: b{n}}}, "))
            )),
        ),
        (
            "patterns of fields",
            stage(&format!(
                "form: {{fields: {{{}}}}}",
                fill(&|n| format!("f{n}: {{pattern: \"(x{{900}}){{900}}\"}}, "))
            )),
        ),
        (
            "mapped fields",
            stage(&format!(
                "run: x\n    input_mapping: [{}]",
                fill(&|n| format!("{{from: run.name, to: a{n}}}, "))
            )),
        ),
        (
            "emitters and triggers of one event",
            format!(
                "name: x\nstages:\n{}",
                fill(&|n| format!(
                    "  - {{name: a{n}, depends_on: [], noop: true, emit: {{event: e}}}}\n  - {{name: b{n}, noop: true, triggers: [{{event: e}}]}}\n"
                ))
            ),
        ),
        (
            "rollbacks",
            format!(
                "name: x\nstages:\n  - {{name: a0, run: x}}\n{}",
                fill(&|n| format!(
                    "  - {{name: a{}, run: x, on_failure: rollback, rollback_to: a{}}}\n",
                    n + 1,
                    n / 2
                ))
            ),
        ),
        ("secrets", format!("name: x\nsecrets: [{}]\n", fill(&|n| format!("S{n}, ")))),
        ("anchors", format!("name: x\nenv: {{{}}}\n", fill(&|n| format!("A{n}: &a{n} x, ")))),
        ("tags", format!("name: x\nenv: {{{}}}\n", fill(&|n| format!("A{n}: !t x, ")))),
        ("names", format!("name: {}\n", fill(&|_| "ä".into()))),
    ];
    let mut slow = Vec::new();
    for (shape, text) in shapes {
        let start = Instant::now();
        let parsed = pipeline::parse(&text);
        let _ = parsed.rendered("x.yaml", false);
        let took = start.elapsed();
        println!("{took:>10.1?} {shape}: {}", parsed.summary("x.yaml"));
        if took > 4 * FAST {
            slow.push(format!("{shape} took {took:?}"));
        }
    }
    assert_eq!(slow, Vec::<String>::new());
}

/// What leads out of a workspace, whatever it is called.
#[test]
fn an_artifact_that_leaves_the_workspace() {
    for path in ["../x", "/etc/passwd", "a/../../x", "..", "", "a/", "./x", "a//b", "a\\b", "${x}"]
    {
        let text = stage(&format!("run: a\n    artifacts: {{x: '{path}'}}"));
        refused(&text, &[Code::BAD_PATH], (5, 20));
    }
    refused(&stage("run: a\n    artifacts: {x: \"a\\0b\"}"), &[Code::CONTROL_CHARACTER], (5, 20));
    refused(&stage("run: a\n    artifacts: {a/b: x}"), &[Code::BAD_NAME], (5, 17));
    refused(&stage("run: a\n    artifacts: {..: x}"), &[Code::BAD_NAME], (5, 17));
}

#[test]
fn a_mapping_from_a_stage_that_is_not_upstream() {
    let text = "name: x\nstages:\n  - {name: a, depends_on: [], run: x, input_mapping: [{from: b.outputs.v, to: v}]}\n  - {name: b, depends_on: [], run: x, outputs: {v: string}}\n";
    refused(text, &[Code::NOT_UPSTREAM], (3, 62));
}

#[test]
fn events_that_start_each_other() {
    let text = "name: x\nstages:\n  - {name: a, noop: true, emit: {event: a}, triggers: [{event: b}]}\n  - {name: b, noop: true, emit: {event: b}, triggers: [{event: a}]}\n";
    refused(text, &[Code::CYCLE], (3, 12));
}
