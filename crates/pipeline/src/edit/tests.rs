use proptest::prelude::*;
use serde_json::json;

use super::*;

const TEXT: &str = "\
# What is released.
name: release   # its name

stages:
  # Think first.
  - name: plan     # by hand
    form:
      fields: {goal: {type: text}}   # one field
    # asked twice

  - name: build
    depends_on:
    - plan
    run: |
      # not a comment of ours
      make

      make test
  # The end.
  - {name: ship, depends_on: build, run: ./ship}

# outside
secrets: [TOKEN]
";

fn fields(of: serde_json::Value) -> Vec<(String, Json)> {
    of.as_object().unwrap().clone().into_iter().collect()
}

fn set(stage: &str, key: &str, value: Option<Json>) -> Edit {
    Edit::Set { stage: stage.into(), fields: vec![(key.into(), value)] }
}

fn must(text: &str, of: Edit) -> String {
    edit(text, &of).unwrap_or_else(|error| panic!("{error}"))
}

/// Lines of one that are not in the other, in order.
fn only(one: &str, other: &str) -> Vec<String> {
    let other: Vec<&str> = other.lines().collect();
    one.lines().filter(|line| !other.contains(line)).map(str::to_owned).collect()
}

#[test]
fn a_stage_is_added_at_its_place_and_nothing_else_changes() {
    let new = fields(json!({"name": "test", "depends_on": ["build"], "run": "make: #1"}));
    let text = must(TEXT, Edit::Add { fields: new.clone(), at: Some(2) });
    let wanted = ["  - name: test", "    depends_on: [\"build\"]", "    run: \"make: #1\""];
    assert_eq!(only(&text, TEXT), wanted);
    assert_eq!(only(TEXT, &text), [""; 0]);
    assert_eq!(stages(&text).unwrap(), ["plan", "build", "test", "ship"]);
    // The comment stays with the stage below it.
    assert!(text.contains("  # The end.\n  - {name: ship"), "{text}");
    let end = must(TEXT, Edit::Add { fields: new.clone(), at: None });
    assert_eq!(stages(&end).unwrap(), ["plan", "build", "ship", "test"]);
    assert!(end.ends_with("\n\n# outside\nsecrets: [TOKEN]\n"), "{end}");
    let first = must(TEXT, Edit::Add { fields: new, at: Some(0) });
    assert!(first.contains("stages:\n  - name: test\n"), "{first}");
    assert!(first.contains("\n\n  # Think first.\n  - name: plan"), "{first}");
}

#[test]
fn one_key_is_changed_and_comments_beside_it_stay() {
    let text = must(TEXT, set("build", "run", Some(json!("make all"))));
    assert_eq!(only(&text, TEXT), ["    run: \"make all\""]);
    assert!(text.contains("    depends_on:\n    - plan\n    run: \"make all\"\n  # The end."));
    let text = must(TEXT, set("build", "depends_on", None));
    assert!(text.contains("  - name: build\n    run: |\n"), "{text}");
    let text = must(TEXT, set("plan", "approve_complete", Some(json!(true))));
    assert_eq!(only(&text, TEXT), ["    approve_complete: true"]);
    let text = must(TEXT, set("plan", "nothing", None));
    assert_eq!(text, TEXT);
    let both = vec![
        ("name".to_owned(), Some(json!("think"))),
        ("description".to_owned(), Some(json!("two\nlines"))),
    ];
    let text = must(TEXT, Edit::Set { stage: "plan".into(), fields: both });
    assert_eq!(only(&text, TEXT), ["  - name: think", "    description: \"two\\nlines\""]);
    // Behind the dash the next key takes its place.
    let text = must("name: x\nstages:\n- name: a\n  noop: true\n", set("a", "name", None));
    assert_eq!(text, "name: x\nstages:\n- noop: true\n");
}

#[test]
fn a_stage_goes_with_its_comment() {
    let text = must(TEXT, Edit::Remove { stage: "ship".into() });
    assert_eq!(
        only(TEXT, &text),
        ["  # The end.", "  - {name: ship, depends_on: build, run: ./ship}"]
    );
    let text = must(TEXT, Edit::Remove { stage: "plan".into() });
    assert!(text.contains("stages:\n\n  - name: build\n"), "{text}");
    let order = ["ship", "plan", "build"].map(str::to_owned).to_vec();
    let text = must(TEXT, Edit::Order { stages: order });
    assert_eq!(stages(&text).unwrap(), ["ship", "plan", "build"]);
    assert!(text.contains("stages:\n  # The end.\n  - {name: ship"), "{text}");
    assert!(text.contains("\n\n  # Think first.\n  - name: plan"), "{text}");
    let mut lines = [text.lines().collect::<Vec<_>>(), TEXT.lines().collect()];
    lines.iter_mut().for_each(|lines| lines.sort_unstable());
    assert_eq!(lines[0], lines[1], "an order takes nothing away and adds nothing");
}

#[test]
fn what_cannot_be_changed_in_place_is_refused_in_words() {
    let says = |text: &str, of: Edit| edit(text, &of).unwrap_err().to_string();
    let remove = |stage: &str| Edit::Remove { stage: stage.into() };
    assert!(says("{", remove("a")).contains("cannot be read"));
    for text in [
        "name: x\n",
        "name: x\nstages: [{name: a, noop: true}]\n",
        "name: x\nstages: {a: {noop: true}}\n",
        "stages: []\n",
        "[1]",
    ] {
        assert!(says(text, remove("a")).contains("not written as lines"), "{text}");
    }
    assert_eq!(
        says(TEXT, remove("none")),
        "no stage at the top level of `stages` is called `none`; there are: plan, build, ship"
    );
    let flow = says(TEXT, set("ship", "run", Some(json!("x"))));
    assert!(flow.contains("not written as lines of `key: value`"), "{flow}");
    for order in [vec!["plan"], vec!["plan", "plan", "ship"], vec!["plan", "build", "ship", "x"]] {
        let stages = order.into_iter().map(str::to_owned).collect();
        assert!(says(TEXT, Edit::Order { stages }).contains("each stage once"));
    }
}

#[test]
fn ends_of_lines_are_kept() {
    let text = "name: x\r\nstages:\r\n- name: a\r\n  noop: true\r\n- name: b\r\n  noop: true";
    let new = fields(json!({"name": "c", "noop": true}));
    let added = must(text, Edit::Add { fields: new, at: None });
    assert_eq!(added, format!("{text}\r\n- name: c\r\n  noop: true\r\n"));
    let order = Edit::Order { stages: vec!["b".into(), "a".into()] };
    let turned = must(text, order.clone());
    assert_eq!(
        turned,
        "name: x\r\nstages:\r\n- name: b\r\n  noop: true\r\n- name: a\r\n  noop: true"
    );
    assert_eq!(stages(&turned).unwrap(), ["b", "a"]);
}

/// A stage in one of the ways in which people write them.
fn written() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "- name: NAME\n  noop: true\n",
        "# about NAME\n- name: NAME   # beside\n  # inside\n  run: |\n    echo '- name: x'\n\n    # echo\n",
        "- noop: true\n  name: NAME\n\n\n",
        "- {name: NAME, noop: true}\n",
        "-   name: NAME\n    run: >-\n      folded\n      text\n    outputs:\n      a: string\n",
        "- name: NAME\n  form:\n    fields:\n      x: {type: text,\n        label: two}\n",
        "- name: NAME\n  retry:\n    max_attempts: 2\n  env:\n    A: \"x\n      y\"\n  run: echo\n# after\n",
    ])
    .prop_map(str::to_owned)
}

fn document() -> impl Strategy<Value = (String, usize)> {
    let stages = prop::collection::vec(written(), 1..6);
    (stages, prop::sample::select(vec![0usize, 2, 4]), any::<bool>()).prop_map(
        |(stages, indent, ends)| {
            let mut text = "# top\nname: x\nstages:\n".to_owned();
            for (n, stage) in stages.iter().enumerate() {
                for line in stage.replace("NAME", &format!("s{n}")).lines() {
                    let blank = if line.is_empty() { 0 } else { indent };
                    text.push_str(&format!("{}{line}\n", " ".repeat(blank)));
                }
            }
            if ends {
                text.push_str("# bottom\ndescription: end # of it\n");
            }
            (text, stages.len())
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn whatever_is_added_can_be_removed_again((text, count) in document(), at in 0usize..7) {
        prop_assert!(crate::parse(&text).pipeline.is_some(), "{text}");
        let new = fields(json!({"name": "fresh", "run": "echo \"# - name: x\"", "timeout": "1h"}));
        let added = must(&text, Edit::Add { fields: new, at: Some(at) });
        prop_assert!(crate::parse(&added).pipeline.is_some(), "{added}");
        let names = stages(&added).unwrap();
        prop_assert_eq!(&names[at.min(count)], "fresh");
        prop_assert_eq!(names.len(), count + 1);
        // All lines that were there are there, in the same order.
        let mut rest = added.lines();
        for line in text.lines() {
            prop_assert!(rest.any(|found| found == line), "lost `{line}`: {added}");
        }
        let removed = must(&added, Edit::Remove { stage: "fresh".into() });
        let plain = |text: &str| text.lines().filter(|l| !l.trim().is_empty()).map(str::to_owned).collect::<Vec<_>>();
        prop_assert_eq!(plain(&removed), plain(&text));
    }

    #[test]
    fn an_order_keeps_every_line((text, count) in document(), seed in any::<u64>()) {
        let mut names = stages(&text).unwrap();
        let mut state = seed;
        for at in (1..count).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            names.swap(at, (state >> 33) as usize % (at + 1));
        }
        let turned = must(&text, Edit::Order { stages: names.clone() });
        prop_assert_eq!(stages(&turned).unwrap(), names);
        prop_assert!(crate::parse(&turned).pipeline.is_some(), "{turned}");
        let mut both = [text.lines().collect::<Vec<_>>(), turned.lines().collect()];
        both.iter_mut().for_each(|lines| lines.sort_unstable());
        prop_assert_eq!(&both[0], &both[1]);
    }

    #[test]
    fn a_key_of_one_stage_leaves_the_others((text, count) in document(), at in 0usize..6) {
        let stage = format!("s{}", at % count);
        let value = Some(json!({"A": "x # y"}));
        match edit(&text, &set(&stage, "env", value)) {
            Ok(changed) => {
                prop_assert!(crate::yaml::parse(&changed).1.is_empty(), "{changed}");
                prop_assert_eq!(stages(&changed).unwrap(), stages(&text).unwrap());
                let added: Vec<String> = only(&changed, &text);
                prop_assert!(added.len() <= 1, "{added:?}");
                let removed = must(&changed, set(&stage, "env", None));
                prop_assert!(crate::parse(&removed).pipeline.is_some(), "{removed}");
            }
            Err(error) => prop_assert_eq!(error, EditError::NotPlain { stage }),
        }
    }

    #[test]
    fn whatever_text_comes_there_is_no_panic(text in "[\\PC\n #-]{0,60}") {
        let _ = stages(&text);
        let _ = edit(&text, &Edit::Remove { stage: "a".into() });
    }
}
