//! What the server orders.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use api::link::{Assignment, AttemptRef, Order, Report, Stopped, What};

use super::super::moved::moved;
use super::super::prepare::Errand;
use super::{Held, Leaving, LineState, Post, Prepared};

impl Post<'_> {
    pub(super) fn ordered(&mut self, order: Order) {
        match order {
            Order::Start(assignment) => self.start(assignment),
            Order::Stop { attempt, reason } => self.stop(attempt, reason),
            Order::Forget { attempt } => {
                self.let_go(&attempt);
                self.pass_on(Order::Forget { attempt });
            }
            Order::Adopt { attempts } => self.adopt(attempts),
        }
    }

    fn start(&mut self, assignment: Box<Assignment>) {
        let attempt = assignment.attempt.clone();
        let goes_on = |held: &Held| held.attempt == attempt && !held.is_ending && !held.is_unwanted;
        if self.held.get(&attempt.key).is_some_and(goes_on) {
            return;
        }
        if self.leaving == Leaving::Stopping {
            self.enter(attempt.clone());
            return self.reported(Report { attempt, what: What::NeverStarted });
        }
        let errand = Errand {
            requests: Arc::clone(&self.requests),
            patience: self.patience(),
            secrets: Arc::clone(&self.secrets),
            data_dir: self.shelf.folder().to_owned(),
            own_secrets: self.own_secrets(),
        };
        self.enter(attempt.clone());
        let server = self.terms.as_ref().map(|terms| terms.data_dir.clone()).unwrap_or_default();
        let assignment = match moved(assignment, Path::new(&server), self.shelf.folder()) {
            Ok(assignment) => assignment,
            Err(message) => {
                return self.reported(Report { attempt, what: What::NotStarted { message } });
            }
        };
        if let Err(error) = self.shelf.hold(&attempt) {
            let message = format!("the worker could not write down that it holds it: {error}");
            return self.reported(Report { attempt, what: What::NotStarted { message } });
        }
        let (done, of) = (self.inner.prepared.0.clone(), attempt.clone());
        let task = tokio::spawn(async move {
            let result = errand.run(assignment).await;
            let _gone = done.send(Prepared { attempt: of, result });
        });
        if let Some(held) = self.held.get_mut(&attempt.key) {
            held.preparing = Some(task.abort_handle());
        }
    }

    /// Secrets of the same name that the environment of this worker has.
    fn own_secrets(&self) -> Vec<String> {
        let names = self.setup.hands.environment.keys();
        names
            .filter_map(|name| Some(name.strip_prefix("ORCHESTRATE_SECRET_")?.to_owned()))
            .collect()
    }

    pub(super) fn prepared(&mut self, Prepared { attempt, result }: Prepared) {
        let Some(held) = self.held.get_mut(&attempt.key) else { return };
        // Somebody has called it off in the same moment.
        if held.attempt != attempt || held.preparing.take().is_none() {
            return;
        }
        match result {
            Ok(assignment) => self.pass_on(Order::Start(assignment)),
            Err(message) => self.reported(Report { attempt, what: What::NotStarted { message } }),
        }
    }

    fn stop(&mut self, attempt: AttemptRef, reason: Stopped) {
        let held = self.held.get_mut(&attempt.key).filter(|held| held.attempt == attempt);
        if held.and_then(Held::call_off).is_some() {
            return self.reported(Report { attempt, what: What::NeverStarted });
        }
        self.pass_on(Order::Stop { attempt, reason });
    }

    /// The first of a connection says what is ours: what is held beside that is somebody else's now.
    fn adopt(&mut self, attempts: Vec<AttemptRef>) {
        let is_first = match &mut self.line.state {
            LineState::Up { adopted, .. } => !std::mem::replace(adopted, true),
            LineState::Down { .. } | LineState::Dialling { .. } | LineState::Greeting { .. } => {
                false
            }
        };
        if is_first {
            let ours: HashSet<&AttemptRef> = attempts.iter().collect();
            let others: Vec<AttemptRef> = self
                .held
                .values()
                .map(|held| held.attempt.clone())
                .filter(|attempt| !ours.contains(attempt))
                .collect();
            for attempt in others {
                self.give_up(attempt);
            }
        }
        let mut asked = Vec::new();
        for attempt in attempts {
            match self.held.get(&attempt.key).filter(|held| held.attempt == attempt) {
                // What becomes of it is on its way.
                Some(held) if held.is_ending || held.preparing.is_some() => continue,
                Some(_) => {}
                None => drop(self.enter(attempt.clone())),
            }
            asked.push(attempt);
        }
        if !asked.is_empty() {
            self.pass_on(Order::Adopt { attempts: asked });
        }
        if is_first {
            self.link.send_replace(true);
            self.flush();
        }
    }

    fn give_up(&mut self, attempt: AttemptRef) {
        self.outbox.retain(|report| report.attempt != attempt);
        let Some(held) = self.held.get_mut(&attempt.key) else { return };
        if held.is_ending || held.call_off().is_some() {
            self.let_go(&attempt);
            return self.pass_on(Order::Forget { attempt });
        }
        held.is_unwanted = true;
        self.pass_on(Order::Stop { attempt, reason: Stopped::Superseded });
    }

    pub(super) fn pass_on(&self, order: Order) {
        // The hands end with us.
        let _gone = self.orders.send(order);
    }
}
