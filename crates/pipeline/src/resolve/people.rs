//! What people are shown: does it exist by then?

use super::references::Checker;
use super::site::Site;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::Approval;

impl Checker<'_, '_, '_> {
    pub(super) fn people(&mut self, ix: usize) {
        let people = &self.authored.stages[ix].people;
        if let Some(form) = &people.form {
            if let Some(instructions) = &form.value.instructions {
                self.template(instructions, Some(ix), Site::Ask);
            }
            for field in form.value.fields.values() {
                if let Some(value) = &field.value {
                    self.value(value, Some(ix), Site::Ask);
                }
            }
            self.saved_form(ix);
        }
        if let Some(gate) = &people.approve_start {
            self.gate(&gate.value, ix, Site::Ask);
        }
        if let Some(gate) = &people.approve_complete {
            self.gate(&gate.value, ix, Site::Done);
        }
    }

    pub(super) fn gate(&mut self, gate: &Approval, ix: usize, site: Site) {
        if let Some(instructions) = &gate.instructions {
            self.template(instructions, Some(ix), site);
        }
    }

    /// The values of the form under the name of another artifact.
    fn saved_form(&mut self, ix: usize) {
        let stage = &self.authored.stages[ix];
        let Some(form) = &stage.people.form else { return };
        let Some(saved) = &form.value.save_as else { return };
        if stage.artifacts.iter().any(|(name, _)| name.value == saved.artifact) {
            let message =
                format!("the form is saved as `{}`, which is another artifact", saved.artifact);
            self.reader.push(
                Diagnostic::new(Code::DUPLICATE_ARTIFACT, form.span, message)
                    .help("choose another name for one of them"),
            );
        }
    }
}
