//! The dependency rules: whether a stage may start, over what its direct dependencies concluded.

use pipeline::model::Rule;

use crate::event::Conclusion;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judged {
    Run,
    /// Every dependency was skipped.
    Skip,
    /// The rule does not hold.
    NotRun,
}

/// Judges settled dependencies. A stage without any runs, whatever its rule.
pub fn judge(rule: Rule, dependencies: impl Iterator<Item = Conclusion>) -> Judged {
    let (mut all, mut good, mut failed, mut skipped) = (0u32, 0u32, 0u32, 0u32);
    for conclusion in dependencies {
        all += 1;
        match conclusion {
            Conclusion::Success | Conclusion::Warning => good += 1,
            Conclusion::Failure => failed += 1,
            Conclusion::Skipped => skipped += 1,
            Conclusion::Cancelled | Conclusion::NotRun => {}
        }
    }
    let bad = all - good - skipped;
    let holds = match rule {
        Rule::NoneFailedMinOneSuccess => bad == 0 && good > 0,
        Rule::AllSuccess => good == all,
        Rule::NoneFailed => bad == 0,
        Rule::AllDone | Rule::Always => true,
        Rule::OneSuccess => good > 0,
        Rule::OneFailed => failed > 0,
        Rule::AllFailed => failed == all,
    };
    if all == 0 || holds {
        Judged::Run
    } else if skipped == all {
        Judged::Skip
    } else {
        Judged::NotRun
    }
}

/// Whether a dependency with this conclusion stands in the way of the rule.
pub(crate) fn hinders(rule: Rule, conclusion: Conclusion) -> bool {
    let bad = match conclusion {
        Conclusion::Failure | Conclusion::Cancelled | Conclusion::NotRun => true,
        Conclusion::Success | Conclusion::Warning | Conclusion::Skipped => false,
    };
    match rule {
        Rule::NoneFailedMinOneSuccess | Rule::NoneFailed => bad,
        Rule::AllSuccess | Rule::OneSuccess => bad || conclusion == Conclusion::Skipped,
        Rule::OneFailed | Rule::AllFailed => conclusion != Conclusion::Failure,
        Rule::AllDone | Rule::Always => false,
    }
}

/// As a pipeline writes it.
pub fn word(rule: Rule) -> &'static str {
    match rule {
        Rule::NoneFailedMinOneSuccess => "none_failed_min_one_success",
        Rule::AllSuccess => "all_success",
        Rule::NoneFailed => "none_failed",
        Rule::AllDone => "all_done",
        Rule::OneSuccess => "one_success",
        Rule::OneFailed => "one_failed",
        Rule::AllFailed => "all_failed",
        Rule::Always => "always",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_over_every_mix() {
        use Conclusion::{Cancelled, Failure, NotRun, Skipped, Success, Warning};
        use Judged::{NotRun as No, Run as Yes, Skip};
        let mixes: [&[Conclusion]; 8] = [
            &[],
            &[Success, Warning],
            &[Success, Skipped],
            &[Skipped, Skipped],
            &[Success, Failure],
            &[Failure, Failure],
            &[Success, NotRun],
            &[Skipped, Cancelled],
        ];
        let table = [
            (Rule::NoneFailedMinOneSuccess, [Yes, Yes, Yes, Skip, No, No, No, No]),
            (Rule::AllSuccess, [Yes, Yes, No, Skip, No, No, No, No]),
            (Rule::NoneFailed, [Yes, Yes, Yes, Yes, No, No, No, No]),
            (Rule::AllDone, [Yes; 8]),
            (Rule::OneSuccess, [Yes, Yes, Yes, Skip, Yes, No, Yes, No]),
            (Rule::OneFailed, [Yes, No, No, Skip, Yes, Yes, No, No]),
            (Rule::AllFailed, [Yes, No, No, Skip, No, Yes, No, No]),
            (Rule::Always, [Yes; 8]),
        ];
        for (rule, wanted) in table {
            for (mix, wanted) in mixes.iter().zip(wanted) {
                assert_eq!(judge(rule, mix.iter().copied()), wanted, "{rule:?} over {mix:?}");
            }
        }
    }
}
