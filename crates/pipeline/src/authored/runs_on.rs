//! Which labels a stage needs of its worker, and whether a worker can take it.

use super::fields::Fields;
use super::names::shorten;
use super::read::Reader;
use super::{AuthoredRollback, AuthoredStage, AuthoredWork};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{RuntimeKind, is_label};
use crate::source::Span;

/// Labels that one stage may need.
const MOST: usize = 16;

impl Reader<'_> {
    /// In order, each once.
    pub(super) fn runs_on(&mut self, fields: &Fields<'_>) -> Vec<String> {
        let Some(node) = fields.node("runs_on") else { return Vec::new() };
        let mut labels = Vec::new();
        let items = self.one_or_many(node);
        if items.is_empty() || items.len() > MOST {
            let message = match items.len() {
                0 => "`runs_on` names no label".to_owned(),
                many => format!("`runs_on` names {many} labels"),
            };
            let help =
                format!("1 to {MOST} labels; leave the key out for the server's own machine");
            self.push(Diagnostic::new(Code::BAD_LABEL, node.span, message).help(help));
        }
        for item in items {
            let Some(label) = self.text(item, "a label") else { continue };
            if is_label(&label) {
                labels.push(label);
                continue;
            }
            let message = format!("`{}` cannot be a label", shorten(&label));
            let help = if label.contains("${") {
                "a label is taken as it is written; give each machine a stage of its own, with `when`"
            } else {
                "1 to 64 of the characters A-Z a-z 0-9 _ . -"
            };
            self.push(Diagnostic::new(Code::BAD_LABEL, item.span, message).help(help));
        }
        labels.sort_unstable();
        labels.dedup();
        labels
    }

    /// Only scripts and Python programs are taken by workers, as processes.
    pub(super) fn fits_workers(&mut self, fields: &Fields<'_>, stage: &AuthoredStage) {
        let Some(entry) = fields.get("runs_on") else { return };
        let what = match &stage.work {
            Some(AuthoredWork::Run { .. } | AuthoredWork::Python { .. }) | None => None,
            Some(AuthoredWork::Agent(_)) => Some((
                "an agent works on the server's own machine",
                "remove `runs_on`; put what needs that machine into a `run` stage",
            )),
            Some(AuthoredWork::Merge(_)) => Some((
                "a merge works on the repository of the server's own machine",
                "remove `runs_on`",
            )),
            Some(AuthoredWork::Child { .. }) => Some((
                "a run of another pipeline runs nowhere itself",
                "remove `runs_on`, and give it to the stages of that pipeline",
            )),
            Some(AuthoredWork::Noop | AuthoredWork::Form) => {
                Some(("such a stage runs nowhere", "remove `runs_on`"))
            }
        };
        if let Some((message, help)) = what {
            self.not_for_workers(entry.key_span, message, help);
            return;
        }
        if let Some(runtime) = &stage.runtime
            && runtime.value.kind() != RuntimeKind::Process
        {
            let span = fields.get("runtime").map_or(runtime.span, |entry| entry.key_span);
            let message = "a worker runs a stage as a process of its own";
            self.not_for_workers(span, message, "remove `runtime`, or `runs_on`");
        }
        let of_here = [
            (
                "worktree",
                "a worktree lies on the server's own machine",
                "remove `worktree`; hand files over with `artifacts` and `context`",
            ),
            (
                "probe",
                "a probe is asked on the server's own machine, and knows nothing of a worker's",
                "remove `probe`: a person decides what became of it, with `orchestrate runs resolve`",
            ),
        ];
        for (key, message, help) in of_here {
            if let Some(entry) = fields.get(key) {
                self.not_for_workers(entry.key_span, message, help);
            }
        }
        if let Some(rollback) = &stage.rollback
            && let AuthoredRollback::Action(action) = &rollback.value
            && matches!(action.work, AuthoredWork::Agent(_))
        {
            self.not_for_workers(
                rollback.span,
                "an agent cannot undo what was done on a worker",
                "undo it with a script, which runs on a worker with the same labels",
            );
        }
    }

    fn not_for_workers(&mut self, span: Span, message: &str, help: &str) {
        self.push(
            Diagnostic::new(Code::NOT_FOR_WORKERS, span, message.to_owned()).help(help.to_owned()),
        );
    }
}

#[cfg(test)]
mod tests {
    fn problems(text: &str) -> Vec<(&'static str, String)> {
        let found = crate::parse(text).diagnostics;
        found.iter().map(|found| (found.code.0, found.message.clone())).collect()
    }

    #[test]
    fn labels_are_a_word_or_a_list_and_the_default_runtime_stays_behind() {
        let text = "name: p\nruntime: tmux\nstages:\n  - {name: a, run: ':', runs_on: gpu}\n\
                    \x20 - {name: b, python: x.py, runs_on: [linux, gpu, linux, a.b_C-9]}\n\
                    \x20 - {name: c, run: ':', rollback: ./undo.sh, runs_on: gpu, runtime: process}\n\
                    \x20 - {name: d, run: ':'}\n";
        let parsed = crate::parse(text);
        let pipeline = parsed.pipeline.unwrap_or_else(|| panic!("{:?}", parsed.diagnostics));
        let of = |n: usize| (&pipeline.stages[n].runs_on, pipeline.stages[n].runtime.is_some());
        assert_eq!(of(0), (&vec!["gpu".to_owned()], false));
        assert_eq!(of(1).0.join(" "), "a.b_C-9 gpu linux");
        assert_eq!(of(3), (&Vec::new(), true));
        let undo = pipeline.stages.iter().find(|stage| &*stage.name == "c.rollback").unwrap();
        assert_eq!(undo.runs_on, ["gpu"], "it is undone where it was done");
    }

    #[test]
    fn what_no_worker_takes_is_said_all_at_once() {
        let found = problems(
            "name: p\nrepository: .\nstages:\n  - {name: a, noop: true, runs_on: gpu}\n\
             \x20 - {name: b, agent: implementer, task: x, runs_on: gpu}\n\
             \x20 - {name: c, run: ':', runs_on: gpu, runtime: tmux, worktree: true}\n\
             \x20 - {name: d, run: ':', runs_on: gpu, effects: once, probe: ':'}\n\
             \x20 - {name: e, pipeline: other, runs_on: gpu}\n\
             \x20 - {name: f, form: {fields: {v: text}}, runs_on: gpu}\n\
             \x20 - {name: g, run: ':', runs_on: [], }\n\
             \x20 - {name: h, run: ':', runs_on: [\"${inputs.label}\", a b]}\n",
        );
        let of = |code: &str| found.iter().filter(|(of, _)| *of == code).count();
        assert_eq!((of("E0501"), of("E0502")), (3, 7), "{found:#?}");
    }
}
