//! How tasks pass through the installation.

use jiff::Timestamp;
use uuid::Uuid;

use super::{given_with, start};
use crate::admission::{Occupant, Orchestration, Order, Policy, Stand, Step, Turn, admit, held};
use crate::command::{Command, Create};
use crate::event::{OnActive, TaskRun};
use crate::id::RunId;

/// `1 t waiting 5 src/**`: number, task, stand, priority, paths.
fn occupant(text: &str) -> Occupant {
    let words: Vec<&str> = text.split(' ').collect();
    let n: u128 = words[0].parse().unwrap();
    let stand = match words[2] {
        "waiting" => Stand::Waiting,
        "paused" => Stand::Paused,
        "inside" => Stand::Inside,
        "leaving" => Stand::Leaving,
        other => panic!("{other}"),
    };
    let turn = Turn {
        task: words[1].into(),
        waits: true,
        name: format!("{}-{n}", words[1]),
        priority: words.get(3).map_or(0, |word| word.parse().unwrap()),
        paths: words.get(4..).unwrap_or_default().iter().map(|path| (*path).into()).collect(),
        at: if stand == Stand::Inside { "implement".into() } else { String::new() },
    };
    Occupant {
        run: RunId(Uuid::from_u128(n)),
        group: None,
        turn: (words[1] != "-").then_some(turn),
        since: Timestamp::from_second(i64::try_from(n).unwrap()).unwrap(),
        stand,
    }
}

fn policy(orchestration: Orchestration) -> Policy {
    Policy { orchestration, max_tasks: 2, ..Policy::default() }
}

fn told(occupants: &[&str], policy: &Policy) -> (String, String) {
    let all = || occupants.iter().map(|text| occupant(text));
    let steps: Vec<String> = admit(all(), policy)
        .into_iter()
        .map(|step| match step {
            Step::Admit(run) => run.0.as_u128().to_string(),
            Step::Cancel(..) => panic!("nobody is cancelled"),
        })
        .collect();
    let why: Vec<String> = held(all(), policy)
        .into_iter()
        .map(|(run, why)| format!("{}: {why}", run.0.as_u128()))
        .collect();
    let backwards = admit(all().rev(), policy);
    assert_eq!(admit(all(), policy), backwards, "it hangs on the order");
    (steps.join(" "), why.join("\n"))
}

#[test]
fn one_task_is_in_the_system_in_sequential_mode() {
    let sequential = policy(Orchestration::Sequential);
    let table: [(&str, &[&str], &str, &str); 6] = [
        (
            "nobody is in it",
            &["1 a waiting", "2 b waiting"],
            "1",
            "2: sequential mode: a comes first (a-1)",
        ),
        (
            "one is",
            &["1 a inside", "2 b waiting"],
            "",
            "2: sequential mode: a is in the system (a-1, implement)",
        ),
        (
            "one leaves it",
            &["1 a leaving", "2 b waiting"],
            "",
            "2: sequential mode: a is in the system (a-1)",
        ),
        (
            "the most urgent first",
            &["1 a waiting", "2 b waiting 5"],
            "2",
            "1: sequential mode: b comes first (b-2)",
        ),
        ("a paused one is passed over", &["1 a paused 9", "2 b waiting"], "2", ""),
        ("what has no task is not concerned", &["1 a inside", "2 - waiting"], "2", ""),
    ];
    for (says, occupants, wanted, why) in table {
        assert_eq!(told(occupants, &sequential), (wanted.into(), why.into()), "{says}");
    }
    let fifo = Policy { order: Order::Fifo, ..sequential };
    assert_eq!(told(&["1 a waiting", "2 b waiting 5"], &fifo).0, "1");
}

#[test]
fn tasks_whose_paths_overlap_are_never_in_the_system_together() {
    let parallel = policy(Orchestration::Parallel);
    let table: [(&str, &[&str], &str, &str); 5] = [
        ("no paths", &["1 a inside", "2 b waiting", "3 c waiting"], "2 3", ""),
        (
            "one is inside",
            &["1 a inside 0 src/**", "2 b waiting 0 src/x.rs", "3 c waiting 0 docs"],
            "3",
            "2: its paths overlap with those of task a, which is in the system (a-1, implement)",
        ),
        (
            "both wait",
            &["1 a waiting 0 src", "2 b waiting 0 src/x.rs"],
            "1",
            "2: its paths overlap with those of task a, which comes first (a-1)",
        ),
        (
            "one that is kept may not be overtaken for ever",
            &["1 a inside 0 src/a", "2 b waiting 0 src", "3 c waiting 0 src/c", "4 d waiting 0 x"],
            "4",
            "2: its paths overlap with those of task a, which is in the system (a-1, implement)\n\
             3: its paths overlap with those of task b, which comes first (b-2)",
        ),
        ("its own runs", &["1 a inside 0 src", "2 a paused 0 src"], "", ""),
    ];
    for (says, occupants, wanted, why) in table {
        assert_eq!(told(occupants, &parallel), (wanted.into(), why.into()), "{says}");
    }
}

#[test]
fn so_many_tasks_at_most_are_in_the_system_in_hybrid_mode() {
    let hybrid = policy(Orchestration::Hybrid);
    let table: [(&str, &[&str], &str, &str); 4] = [
        (
            "two of three",
            &["1 a waiting", "2 b waiting", "3 c waiting"],
            "1 2",
            "3: hybrid mode: the system is at its limit of 2: a, b",
        ),
        (
            "two runs of one task are one task",
            &["1 a inside", "2 a inside", "3 b waiting", "4 c waiting"],
            "3",
            "4: hybrid mode: the system is at its limit of 2: a, b",
        ),
        (
            "who is kept by its paths takes no place",
            &["1 a inside 0 src", "2 b waiting 0 src", "3 c waiting"],
            "3",
            "2: its paths overlap with those of task a, which is in the system (a-1, implement)",
        ),
        (
            "more are inside than may be",
            &["1 a inside", "2 b inside", "3 c inside", "4 d waiting"],
            "",
            "4: hybrid mode: the system is at its limit of 2: a, b, c",
        ),
    ];
    for (says, occupants, wanted, why) in table {
        assert_eq!(told(occupants, &hybrid), (wanted.into(), why.into()), "{says}");
    }
}

#[test]
fn nothing_of_a_task_begins_while_the_installation_drains() {
    let why = "the installation drains to sequential";
    for orchestration in Orchestration::ALL {
        let drains = Policy { drains: Some(why.into()), ..policy(orchestration) };
        let occupants = ["1 a inside", "2 b waiting", "3 - waiting"];
        assert_eq!(told(&occupants, &drains), ("3".into(), format!("2: {why}")));
    }
}

/// Also one that its own task lets begin at once.
#[test]
fn a_run_of_a_task_begins_when_it_is_let_in_whatever_its_task_says_of_others() {
    for on_active in OnActive::ALL {
        let task = TaskRun {
            id: "T-1".into(),
            number: 1,
            title: String::new(),
            description: String::new(),
            labels: Vec::new(),
            paths: vec!["src/**".into()],
            priority: 3,
            on_active,
        };
        let yaml = "{name: p, stages: [{name: a, run: exit 0}]}";
        let mut story = given_with(yaml, Create { task: Some(task), ..start() });
        assert_eq!(story.status(), "pending", "{on_active:?}");
        assert_eq!(story.run.reason(), "waits for its turn in `T-1`");
        assert_eq!(story.run.working(), None, "it has not begun");
        let turn = story.run.occupant().unwrap().turn.unwrap();
        assert_eq!((turn.name.as_str(), turn.priority, turn.at.as_str()), ("T-1-1", 3, ""));
        story.when(Command::Admit);
        let working = story.run.working().unwrap();
        assert!(working.does_task && working.agents.is_empty());
        assert_eq!((working.name.as_str(), working.stage.as_str()), ("T-1-1", "a"));
        story.succeed("a");
        assert_eq!(story.status(), "succeeded");
        assert_eq!(story.run.working(), None, "it has ended");
    }
}

#[test]
fn an_agent_at_work_is_busy_also_without_a_task() {
    let yaml = "
name: p
stages:
  - {name: plan, agent: architect, task: think}
  - {name: build, agent: {name: maker, prompt: build}, task: do}
  - {name: check, run: exit 0}
";
    let mut story = super::given(yaml);
    let role = |story: &super::Story| {
        let working = story.run.working()?;
        let agent = working.agents.first()?;
        Some(format!("{} at {}", agent.role, agent.attempt.execution))
    };
    assert_eq!(role(&story).as_deref(), Some("architect at plan"));
    story.succeed("plan");
    assert_eq!(role(&story).as_deref(), Some("maker at build"));
    story.succeed("build");
    assert_eq!(story.run.working(), None, "a script without a task is nobody");
}
