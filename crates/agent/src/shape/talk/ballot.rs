//! Members rank each other's answers; who comes first by all of them (Borda).

use serde_json::{Value as Json, json};

use super::seen::Labelled;

/// One member's ranking, best first, as places at the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ballot {
    pub(super) by: usize,
    pub(super) order: Vec<usize>,
    pub(super) critique: String,
}

/// Of a ballot over these answers.
pub(super) fn schema(answers: &[Labelled<'_>]) -> Json {
    let labels: Vec<&str> = answers.iter().map(|answer| answer.label.as_str()).collect();
    let count = labels.len();
    json!({
        "type": "object", "additionalProperties": false, "required": ["ranking", "critique"],
        "properties": {
            "ranking": {
                "type": "array", "items": { "enum": labels }, "uniqueItems": true,
                "minItems": count, "maxItems": count, "description": "best first",
                "examples": [labels],
            },
            "critique": { "type": "string", "description": "what is wrong with which of them" },
        },
    })
}

pub(super) fn read(by: usize, answers: &[Labelled<'_>], value: &Json) -> Option<Ballot> {
    let ranking = value["ranking"].as_array()?;
    let of = |label: &Json| {
        answers.iter().find(|answer| *label == answer.label.as_str()).map(|answer| answer.of)
    };
    let order: Vec<usize> = ranking.iter().map(of).collect::<Option<_>>()?;
    let critique = value["critique"].as_str().unwrap_or_default().to_owned();
    Some(Ballot { by, order, critique })
}

/// An answer with its mean points: from 1, first with everybody, to 0, last with everybody.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Ranked {
    pub(super) of: usize,
    pub(super) points: f64,
}

/// Best first; those that nobody ranked are in the middle, equals in the order given.
pub(super) fn ranked(candidates: &[usize], ballots: &[Ballot]) -> Vec<Ranked> {
    let points = |of: usize| {
        let of_ballot = |ballot: &Ballot| {
            let place = ballot.order.iter().position(|ranked| *ranked == of)?;
            let last = ballot.order.len().saturating_sub(1);
            Some(if last == 0 { 0.5 } else { (last - place) as f64 / last as f64 })
        };
        let given: Vec<f64> = ballots.iter().filter_map(of_ballot).collect();
        if given.is_empty() { 0.5 } else { given.iter().sum::<f64>() / given.len() as f64 }
    };
    let mut all: Vec<Ranked> =
        candidates.iter().map(|of| Ranked { of: *of, points: points(*of) }).collect();
    all.sort_by(|one, other| other.points.total_cmp(&one.points));
    all
}

/// Those whom somebody put first, though another one won; whoever won has no say in it.
pub(super) fn preferred(winner: usize, ballots: &[Ballot]) -> Vec<usize> {
    let mut firsts: Vec<usize> = ballots
        .iter()
        .filter(|ballot| ballot.by != winner)
        .filter_map(|ballot| ballot.order.first().copied())
        .filter(|first| *first != winner)
        .collect();
    firsts.sort_unstable();
    firsts.dedup();
    firsts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ballot(by: usize, order: &[usize]) -> Ballot {
        Ballot { by, order: order.to_vec(), critique: String::new() }
    }

    #[test]
    fn whoever_is_ranked_highest_on_average_comes_first() {
        let ballots = [ballot(0, &[2, 1, 3]), ballot(1, &[2, 0, 3]), ballot(2, &[0, 3, 1])];
        let order: Vec<usize> = ranked(&[0, 1, 2, 3], &ballots).iter().map(|r| r.of).collect();
        assert_eq!(order, [2, 0, 1, 3]);
        assert_eq!(preferred(2, &ballots), [0; 0]);
        assert_eq!(preferred(0, &ballots), [2]);
        // Without ballots everybody is the same.
        let order: Vec<usize> = ranked(&[1, 0], &[]).iter().map(|r| r.of).collect();
        assert_eq!(order, [1, 0]);
    }
}
