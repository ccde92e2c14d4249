use super::Fixture;
use super::sample::{at, save};
use crate::port::{Change, Expect, Outcome, PipelineQuery, Refusal};

fn saved(revision: u32) -> Outcome {
    Outcome::Saved { revision, created: true }
}

fn missing(name: &str) -> Outcome {
    Outcome::Refused(Refusal::NoSuchPipeline { name: name.to_owned() })
}

pub fn saving_the_same_text_again_adds_nothing(mut memory: Fixture) {
    assert_eq!(memory.commit(save("ci", "one", Expect::Any)), saved(1));
    let again = Outcome::Saved { revision: 1, created: false };
    assert_eq!(memory.commit(save("ci", "one", Expect::Any)), again);
    assert_eq!(memory.commit(save("ci", "three", Expect::Any)), saved(2));
    // Back to an earlier text is a revision of its own.
    assert_eq!(memory.commit(save("ci", "one", Expect::Any)), saved(3));

    let row = memory.reader.pipeline("ci").expect("reads").expect("is there");
    assert_eq!((row.revision, row.description.as_str(), row.enabled), (3, "does one", true));
    assert_eq!((row.created_at, row.updated_at), (at(3), at(3)));
    let second = memory.reader.revision("ci", Some(2)).expect("reads").expect("is there");
    assert_eq!((second.text.as_str(), second.created_by.as_str()), ("three", "ana"));
    assert_eq!((second.digest.as_str(), second.created_at), ("digest of three", at(5)));
}

pub fn a_save_is_refused_when_its_expectation_fails(mut memory: Fixture) {
    let exists = Outcome::Refused(Refusal::Exists { name: "ci".into() });
    assert_eq!(memory.commit(save("ci", "a", Expect::Present)), missing("ci"));
    assert_eq!(memory.commit(save("ci", "a", Expect::Revision(1))), missing("ci"));
    assert_eq!(memory.commit(save("ci", "a", Expect::Absent)), saved(1));
    assert_eq!(memory.commit(save("ci", "b", Expect::Absent)), exists);
    assert_eq!(memory.commit(save("ci", "a", Expect::Absent)), exists);
    assert_eq!(memory.commit(save("ci", "b", Expect::Present)), saved(2));
    let moved = Refusal::RevisionMoved { name: "ci".into(), current: 2, expected: 1 };
    assert_eq!(memory.commit(save("ci", "c", Expect::Revision(1))), Outcome::Refused(moved));
    assert_eq!(memory.commit(save("ci", "c", Expect::Revision(2))), saved(3));
    assert_eq!(memory.reader.revisions("ci", 10).expect("reads").len(), 3);
}

pub fn a_deleted_pipeline_disappears_and_its_history_stays(mut memory: Fixture) {
    let delete = || Change::DeletePipeline { name: "ci".into(), by: "ana".into(), at: at(9) };
    memory.commit(save("ci", "a", Expect::Any));
    assert_eq!(memory.commit(delete()), Outcome::Done);
    assert_eq!(memory.commit(delete()), missing("ci"));
    assert_eq!(memory.reader.pipeline("ci").expect("reads"), None);
    assert_eq!(memory.reader.revision("ci", None).expect("reads"), None);
    let all = PipelineQuery { after: None, limit: 10 };
    assert_eq!(memory.reader.pipelines(&all).expect("reads"), []);
    let first = memory.reader.revision("ci", Some(1)).expect("reads").expect("stays");
    assert_eq!(first.text, "a");

    // The same text again: alive, and with the next number.
    assert_eq!(memory.commit(save("ci", "a", Expect::Absent)), saved(2));
    let row = memory.reader.pipeline("ci").expect("reads").expect("lives again");
    assert_eq!((row.revision, row.enabled), (2, true));
    let current = memory.reader.revision("ci", None).expect("reads").expect("is there");
    assert_eq!(current.number, 2);
}

pub fn a_pipeline_is_disabled_and_enabled(mut memory: Fixture) {
    let set = |name: &str, enabled| Change::SetEnabled {
        name: name.into(),
        enabled,
        by: "ana".into(),
        at: at(77),
    };
    assert_eq!(memory.commit(set("ci", false)), missing("ci"));
    memory.commit(save("ci", "a", Expect::Any));
    assert_eq!(memory.commit(set("ci", false)), Outcome::Done);
    let row = memory.reader.pipeline("ci").expect("reads").expect("is there");
    assert_eq!((row.enabled, row.updated_at), (false, at(77)));
    // A further revision does not start what somebody stopped.
    memory.commit(save("ci", "b", Expect::Any));
    assert!(!memory.reader.pipeline("ci").expect("reads").expect("is there").enabled);
    assert_eq!(memory.commit(set("ci", true)), Outcome::Done);
    assert!(memory.reader.pipeline("ci").expect("reads").expect("is there").enabled);
}

pub fn pipelines_are_paged_by_name(mut memory: Fixture) {
    for name in ["delta", "alpha", "charlie", "bravo"] {
        memory.commit(save(name, "a", Expect::Any));
    }
    let page = |after: Option<&str>| {
        let query = PipelineQuery { after: after.map(str::to_owned), limit: 2 };
        let rows = memory.reader.pipelines(&query).expect("reads");
        rows.into_iter().map(|row| row.name).collect::<Vec<_>>()
    };
    assert_eq!(page(None), ["alpha", "bravo"]);
    assert_eq!(page(Some("bravo")), ["charlie", "delta"]);
    assert_eq!(page(Some("delta")), [""; 0]);
}

pub fn revisions_are_listed_newest_first(mut memory: Fixture) {
    for text in ["a", "b", "c"] {
        memory.commit(save("ci", text, Expect::Any));
    }
    memory.commit(save("cd", "x", Expect::Any));
    let rows = memory.reader.revisions("ci", 2).expect("reads");
    assert_eq!(rows.iter().map(|row| row.number).collect::<Vec<_>>(), [3, 2]);
    assert_eq!(memory.reader.revisions("none", 2).expect("reads"), []);
}
