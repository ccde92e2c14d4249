//! Limits of roles.

use std::collections::BTreeMap;

use crate::roles::{held, may_start};

fn limits(text: &str) -> BTreeMap<String, u32> {
    let one = |text: &str| {
        let (role, limit) = text.split_once('=').unwrap();
        (role.to_owned(), limit.parse().unwrap())
    };
    text.split_whitespace().map(one).collect()
}

/// `starts("tester implementer", "implementer=1", "1:implementer 2:tester 3:-", 9)`
fn starts(working: &str, of: &str, waiting: &str, most: usize) -> String {
    let waiting = waiting.split_whitespace().map(|one| {
        let (name, role) = one.split_once(':').unwrap();
        (name, Some(role).filter(|role| *role != "-"))
    });
    may_start(working.split_whitespace(), &limits(of), waiting, most).join(" ")
}

#[test]
fn as_many_of_a_role_start_as_its_limit_and_the_slots_allow() {
    let table = [
        ("no limits", "", "", "1:a 2:a 3:-", 9, "1 2 3"),
        ("slots", "", "", "1:a 2:a 3:-", 2, "1 2"),
        ("a limit", "", "a=1", "1:a 2:a", 9, "1"),
        ("whoever works counts", "a", "a=2", "1:a 2:a", 9, "1"),
        ("a full role keeps nobody else", "a", "a=1", "1:a 2:b 3:- 4:a", 9, "2 3"),
        ("one that is kept takes no slot", "a", "a=1", "1:a 2:b 3:-", 1, "2"),
        ("more work than the limit allows now", "a a a", "a=2", "1:a 2:b", 9, "2"),
        ("who has no role has no limit", "", "a=1", "1:- 2:-", 9, "1 2"),
    ];
    for (says, working, of, waiting, most, wanted) in table {
        assert_eq!(starts(working, of, waiting, most), wanted, "{says}");
    }
}

#[test]
fn a_role_at_its_limit_says_who_works() {
    let of = limits("implementer=2");
    let says = held("implementer", &of, &["TASK-1-1", "TASK-4-2"]);
    let wanted = "role implementer is at its limit of 2: TASK-1-1, TASK-4-2";
    assert_eq!(says.as_deref(), Some(wanted));
    assert_eq!(held("implementer", &of, &["TASK-1-1"]), None);
    assert_eq!(held("tester", &of, &["TASK-1-1", "TASK-4-2"]), None);
}
