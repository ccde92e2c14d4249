use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::expr::tests::values;

fn template(source: &str) -> Template {
    Template::parse(source, Span::default()).unwrap()
}

fn refused(source: &str) -> (String, String) {
    let mut errors = Template::parse(source, Span::default()).unwrap_err();
    assert_eq!(errors.len(), 1, "{errors:?}");
    let error = errors.remove(0);
    (error.message, error.help)
}

fn scope() -> crate::expr::tests::Values {
    values(json!({
        "name": "web", "count": 3, "on": true, "nothing": null, "empty": "",
        "list": [1, "two"], "map": {"a b": {"c": [10, 20]}},
        "tricky": "${count} $${x}",
        "event": {"title": "\"; rm -rf / #", "branch": "main"},
        "run": {"id": "r1", "number": 7},
        "item": {"file": "a.txt"},
        "stages": {"build": {"outputs": {"url": "https://x", "size": 5}}},
    }))
}

#[test]
fn what_references_mean() {
    let root = |source: &str| {
        let template = template(source);
        let reference = template.references().next().unwrap();
        (reference.root.clone(), reference.path.len())
    };
    assert_eq!(root("${name}"), (Root::Value("name".into()), 0));
    assert_eq!(root("${inputs.name}"), (Root::Value("name".into()), 0));
    assert_eq!(root("${ variables.a-b.c[0] }"), (Root::Value("a-b".into()), 2));
    assert_eq!(root("${inputs[\"a b\"]}"), (Root::Value("a b".into()), 0));
    assert_eq!(root("${stages.x-1.outputs.y.z}"), (Root::Output("x-1".into()), 2));
    assert_eq!(root("${event.a['b}c'].d}"), (Root::Event, 3));
    assert_eq!(root("${event}"), (Root::Event, 0));
    assert_eq!(root("${run.id}"), (Root::Run, 1));
    assert_eq!(root("${task.labels[0]}"), (Root::Task, 2));
    assert_eq!(root("${item}"), (Root::Item, 0));
    assert_eq!(root("${secrets.TOKEN}"), (Root::Secret("TOKEN".into()), 0));
    assert_eq!(root("${form.version}"), (Root::Form, 1));
    assert_eq!(root("${input}"), (Root::Mapped, 0));
    assert_eq!(root("${outputs.a[0]}"), (Root::Own, 2));
    assert_eq!(root("${prev.build.outputs.url}"), (Root::Previous("build".into()), 1));
    assert_eq!(root("${config.workspace}"), (Root::Value("workspace".into()), 0));
}

#[test]
fn settings_are_told_from_other_values() {
    let is_config = |source: &str| template(source).references().next().unwrap().is_config();
    assert!(is_config("${config.a}") && is_config("${ config['a b'].c }"));
    assert!(!is_config("${configured}") && !is_config("${inputs.config-x}"));
    let (message, help) = refused("${prev.build.url}");
    assert!(message.contains("only the outputs of stage `build`"), "{message}");
    assert_eq!(help, "write `${prev.build.outputs.KEY}`");
    assert!(refused("${config}").1.contains("${config.name}"));
}

/// What people and other runs gave never becomes shell source, whatever it holds.
#[test]
fn what_comes_from_outside_is_never_spliced() {
    for source in ["${form.a}", "${input.a}", "${outputs.a}", "${prev.b.outputs.c}", "${event.a}"] {
        let scope = values(json!({
            "form": {"a": "x"}, "input": {"a": "x"}, "outputs": {"a": "x"}, "prev": {"c": "x"},
            "event": {"a": "x"},
        }));
        assert_eq!(template(source).resolve(&scope), Ok(json!("x")));
        let refused = template(source).splice(&scope);
        assert!(matches!(refused, Err(SpliceError::Unsafe { .. })), "{source}");
    }
}

#[test]
fn values_keep_their_type_alone_and_become_text_among_text() {
    for (source, wanted) in [
        ("plain", json!("plain")),
        ("", json!("")),
        ("${count}", json!(3)),
        ("${list}", json!([1, "two"])),
        ("${on}", json!(true)),
        ("n=${count} ${on} ${name}!", json!("n=3 true web!")),
        ("${list} ${map}", json!("[1,\"two\"] {\"a b\":{\"c\":[10,20]}}")),
        ("${map[\"a b\"].c[1]}", json!(20)),
        ("${map['a b'].c[1]}", json!(20)),
        ("${stages.build.outputs.size}", json!(5)),
        ("${run.number}-${item.file}", json!("7-a.txt")),
        ("<${empty}>", json!("<>")),
        ("$${name} $name $ $$ 5$", json!("${name} $name $ $$ 5$")),
        ("$$${name}", json!("$${name}")),
        ("a${tricky}b", json!("a${count} $${x}b")),
        ("${missing ?? \"d\"}", json!("d")),
        ("${missing ?? 'it''s } ok'}", json!("it's } ok")),
        ("${missing ?? {\"a\": [1, \"}\"]}}", json!({"a": [1, "}"]})),
        ("${missing ?? -1.5}", json!(-1.5)),
        ("${missing ?? null}", json!(null)),
        ("${stages.gone.outputs.x ?? true}", json!(true)),
        ("${nothing ?? 1}", json!(1)),
        ("${name ?? 1}", json!("web")),
        ("${empty ?? 1}", json!("")),
    ] {
        assert_eq!(template(source).resolve(&scope()), Ok(wanted), "{source}");
    }
}

#[test]
fn nothing_missing_becomes_an_empty_text() {
    for (source, wanted) in [
        ("${missing}", "`${missing}` has no value"),
        ("a ${map.x} b", "`${map.x}` has no value"),
        ("${list[2]}", "`${list[2]}` has no value"),
        ("${list.length}", "`${list.length}` has no value"),
        ("${nothing}", "`${nothing}` is null, which has no text"),
        ("x${nothing}", "`${nothing}` is null, which has no text"),
        ("${secrets.T}", "`${secrets.T}` is a secret and stays out of values"),
    ] {
        assert_eq!(template(source).resolve(&scope()).unwrap_err().to_string(), wanted);
    }
    let pieces = template("${missing ?? null}").pieces(&scope());
    assert_eq!(pieces.unwrap_err().problem, Missing::Null);
    assert!(template("${missing ?? null}").resolve_text(&scope()).is_err());
}

#[test]
fn secrets_stay_names() {
    let pieces = |source: &str| template(source).pieces(&scope()).unwrap();
    let plain = |text: &str| Piece::Plain(text.into());
    let secret = |name: &str| Piece::Secret(name.into());
    assert_eq!(
        pieces("Bearer ${secrets.T}${secrets.U} for ${name}${count}"),
        [plain("Bearer "), secret("T"), secret("U"), plain(" for web3")]
    );
    assert_eq!(pieces("${count}"), [plain("3")]);
    assert_eq!(pieces(""), []);
}

#[test]
fn what_is_no_reference_is_refused_with_the_fix() {
    for (source, message, help) in [
        (
            "${HOME:-x}",
            "`${HOME:-x}` is not a reference",
            "for a variable of the shell write `$HOME` or `$${HOME:-x}`; for a default of a value write `${HOME ?? \"text\"}`",
        ),
        ("${#x}", "`${#x}` is not a reference", "write `$${#x}` to keep it as it is"),
        ("${}", "`${}` is not a reference", "write `$${}` to keep it as it is"),
        ("${a", "`${` is never closed", "close it with `}`, or write `$${` for a literal `${`"),
        (
            "${a b}",
            "`${a b}` is not a reference",
            "for a variable of the shell write `$a` or `$${a b}`; for a default of a value write `${a ?? \"text\"}`",
        ),
        ("${a ?? x y}", "`x y` is no value for a default", "text goes into quotes: `?? \"x y\"`"),
        ("${inputs}", "`inputs` needs a name", "write `${inputs.name}`"),
        (
            "${stages.a.status}",
            "only the outputs of stage `a` can be used here",
            "write `${stages.a.outputs.KEY}`",
        ),
        (
            "${stages.a.outputs}",
            "the key of the output is missing",
            "write `${stages.a.outputs.KEY}`",
        ),
        (
            "${run.started}",
            "`run` has no such field",
            "it has `run.id`, `run.number`, `run.name`, `run.pipeline`, `run.by`",
        ),
        ("${secrets.A.b}", "a secret has no fields", "write `${secrets.A}`"),
        ("${secrets.A ?? 1}", "a secret has no default", "write `${secrets.A}`"),
        (
            "${task.pipeline}",
            "`task` has no such field",
            "it has `task.id`, `task.number`, `task.title`, `task.description`, `task.labels`, \
             `task.paths`, `task.priority`",
        ),
        (
            "${task}",
            "`task` has no such field",
            "it has `task.id`, `task.number`, `task.title`, `task.description`, `task.labels`, \
             `task.paths`, `task.priority`",
        ),
        (
            "x ${a ?? null}",
            "`null` has no text, so it is no default here",
            "write `\"\"` if nothing is meant",
        ),
    ] {
        assert_eq!(refused(source), (message.to_owned(), help.to_owned()), "{source}");
    }
}

#[test]
fn all_mistakes_are_told_with_their_places() {
    let errors = Template::parse("é ${a!} ${ok} ${b?}", Span::new(100, 120)).unwrap_err();
    let spans: Vec<Span> = errors.iter().map(|error| error.span).collect();
    assert_eq!(spans, [Span::new(103, 108), Span::new(115, 120)]);
    let good = Template::parse("ab ${c.d ?? 1}", Span::new(10, 24)).unwrap();
    let reference = good.references().next().unwrap();
    assert_eq!((reference.span, &*reference.source), (Span::new(13, 24), "c.d ?? 1"));
}

#[test]
fn json_with_references() {
    let parsed = ValueTemplate::parse(
        &json!({"a": ["${count}", "x${name}", 1], "${k}": null, "b": {"c": "$${d}"}}),
        Span::default(),
    )
    .unwrap();
    assert_eq!(
        parsed.resolve(&scope()).unwrap(),
        json!({"a": [3, "xweb", 1], "${k}": null, "b": {"c": "${d}"}})
    );
    assert_eq!(parsed.references().len(), 2);
    assert_eq!(parsed.literal(), None);
    let literal = ValueTemplate::parse(&json!({"a": [1, "b"]}), Span::default()).unwrap();
    assert_eq!(literal.literal(), Some(&json!({"a": [1, "b"]})));
    let errors = ValueTemplate::parse(&json!(["${", {"a": "${b!}"}]), Span::default()).unwrap_err();
    assert_eq!(errors.len(), 2);
}

#[test]
fn a_script_takes_only_plain_words() {
    let script = |source: &str| template(source).splice(&scope());
    assert_eq!(script("echo ${name}-${count} $${HOME}").unwrap(), "echo web-3 ${HOME}");
    assert_eq!(script("curl ${stages.build.outputs.url}/${run.id}").unwrap(), "curl https://x/r1");
    assert_eq!(script("x=${empty}").unwrap(), "x=");
    assert_eq!(
        script("echo ${list}").unwrap_err().to_string(),
        "`${list}` holds text that a shell would interpret; pass it by environment: \
         `env: {LIST: \"${list}\"}`, then `\"$LIST\"` in the script"
    );
    assert!(matches!(script("${missing}"), Err(SpliceError::Unresolved(_))));
    for (text, safe) in [
        ("a-zA-Z0.9_@%+=:,/", true),
        ("", true),
        ("a b", false),
        ("a\nb", false),
        ("$(x)", false),
        ("`x`", false),
        ("a;b", false),
        ("*", false),
        ("~", false),
        ("é", false),
        ("a'b", false),
        ("a\\", false),
        ("a\0", false),
        ("!x", false),
        ("#", false),
        ("{a,b}", false),
    ] {
        assert_eq!(is_safe_to_splice(text), safe, "{text:?}");
    }
}

/// SEMANTICS 12, number 18: the guard refuses, whatever place the text came by.
#[test]
fn text_of_an_event_never_executes() {
    let title = json!("\"; rm -rf / #");
    let scope = values(json!({
        "event": {"title": title, "branch": "main"}, "copied": title, "item": title,
        "stages": {"s": {"outputs": {"title": title}}},
    }));
    for source in ["${event.title}", "${copied}", "${item}", "${stages.s.outputs.title}"] {
        let error = template(&format!("echo \"{source}\"")).splice(&scope).unwrap_err();
        assert!(matches!(error, SpliceError::Unsafe { .. }), "{source}");
        assert!(error.to_string().contains("pass it by environment"), "{error}");
    }
    // Harmless as it looks, it came from outside.
    assert!(template("echo ${event.branch}").splice(&scope).is_err());
    // As an environment variable it arrives byte by byte.
    let pieces = template("${event.title}").pieces(&scope).unwrap();
    assert_eq!(pieces, [Piece::Plain("\"; rm -rf / #".into())]);
}

#[test]
fn a_name_for_the_environment() {
    let name = |source: &str| template(source).references().next().unwrap().variable();
    assert_eq!(name("${event.pull-request.title}"), "TITLE");
    assert_eq!(name("${stages.a.outputs.web-url}"), "WEB_URL");
    assert_eq!(name("${item[0]}"), "ITEM");
    assert_eq!(name("${inputs[\"1x\"]}"), "_1X");
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(source in "[$ {}a-c.?'\"\\[\\]0-9é:-]{0,40}|\\PC{0,40}", start in 0usize..9) {
        if let Err(errors) = Template::parse(&source, Span::new(start, start + source.len())) {
            for error in errors {
                prop_assert!(start <= error.span.start && error.span.start <= error.span.end);
                prop_assert!(error.span.end <= start + source.len());
                prop_assert!(source.is_char_boundary(error.span.start - start));
                prop_assert!(source.is_char_boundary(error.span.end - start));
            }
        }
    }

    #[test]
    fn a_value_is_never_read_again(value in "\\PC{0,20}(\\$\\{name\\})?\\PC{0,20}") {
        let scope = values(json!({"x": value, "name": "web"}));
        prop_assert_eq!(template("${x}").resolve(&scope), Ok(json!(value)));
        prop_assert_eq!(template("<${x}>").resolve(&scope), Ok(json!(format!("<{value}>"))));
    }

    /// Whatever the value: a script holds only what a shell reads as a plain word, or is refused.
    #[test]
    fn no_splice_is_raw(value in "[a-z$`\"';|& ()\\n]{0,12}|\\PC{0,12}|[a-zA-Z0-9_@%+=:,./-]{0,12}") {
        let scope = values(json!({"x": value}));
        match template("echo ${x} end").splice(&scope) {
            Ok(script) => {
                prop_assert!(is_safe_to_splice(&value));
                prop_assert_eq!(script, format!("echo {value} end"));
            }
            Err(_) => prop_assert!(!is_safe_to_splice(&value)),
        }
    }

    #[test]
    fn escaped_text_comes_back(text in "[^$]{0,20}(\\$\\{[^$]{0,10}){0,3}") {
        let escaped = text.replace("${", "$${");
        prop_assert_eq!(template(&escaped).resolve(&values(json!({}))), Ok(json!(text)));
    }
}
