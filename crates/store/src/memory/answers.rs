//! Answers kept under keys.

use super::State;
use crate::port::{ANSWERS_KEPT, AnswerRow, KeptAnswer, Outcome};

impl State {
    pub(super) fn reserve_answer(&mut self, request: &AnswerRow) -> Outcome {
        let oldest = request.at.saturating_sub(ANSWERS_KEPT).unwrap_or(request.at);
        self.answers.retain(|_, row| row.at > oldest);
        let place = (request.caller.clone(), request.key.clone());
        let fresh = || AnswerRow { answer: None, ..request.clone() };
        Outcome::Reserved(Box::new(self.answers.entry(place).or_insert_with(fresh).clone()))
    }

    pub(super) fn keep_answer(&mut self, caller: &str, key: &str, answer: &KeptAnswer) -> Outcome {
        if let Some(row) = self.answers.get_mut(&(caller.to_owned(), key.to_owned())) {
            row.answer.get_or_insert_with(|| answer.clone());
        }
        Outcome::Done
    }
}
