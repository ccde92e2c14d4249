//! What the hands say, on its way to the server.

use api::link::{End, Exit, Order, Report, What};
use api::worker::FromWorker;

use super::super::{Event, How};
use super::{LineState, Post, is_end};

impl Post<'_> {
    /// The hands have said it: whoever carries for the attempt passes it on when it may be said.
    pub(super) fn reported(&mut self, Report { attempt, what }: Report) {
        let Some(held) = self.held.get_mut(&attempt.key) else { return };
        if held.attempt != attempt {
            // An order about a generation of it that is not held: the answer goes straight back.
            return self.send_off(Report { attempt, what });
        }
        let is_end = is_end(&what);
        if held.is_unwanted {
            if is_end {
                self.let_go(&attempt);
                self.pass_on(Order::Forget { attempt });
            }
            return;
        }
        if matches!(what, What::Output { .. }) {
            return held.courier.grew();
        }
        if is_end && std::mem::replace(&mut held.is_ending, true) {
            return;
        }
        if matches!(what, What::Started { .. }) {
            // It may have printed while nobody listened.
            held.courier.grew();
        }
        held.courier.say(what);
    }

    /// All that it stands for is at the server.
    pub(super) fn send_off(&mut self, report: Report) {
        let attempt = report.attempt.clone();
        if let Some(event) = match &report.what {
            What::Started { .. } => Some(Event::Started { attempt }),
            what => how(what).map(|how| Event::Ended { attempt, how }),
        } {
            self.say(event);
        }
        self.outbox.push_back(report);
        self.flush();
    }

    /// Sends what was not sent over this connection, once the server has said what is ours.
    pub(super) fn flush(&mut self) {
        let LineState::Up { out, adopted: true, .. } = &self.line.state else { return };
        for report in self.outbox.iter().skip(self.sent) {
            self.sent += 1;
            let seq = self.acknowledged + self.sent as u64;
            let _gone = out.send(FromWorker::Report { seq, report: Box::new(report.clone()) });
        }
    }

    /// Reports up to this number are stored.
    pub(super) fn stored(&mut self, seq: u64) {
        let count = usize::try_from(seq.saturating_sub(self.acknowledged)).unwrap_or(usize::MAX);
        let count = count.min(self.sent);
        self.acknowledged += count as u64;
        self.sent -= count;
        let stored: Vec<Report> = self.outbox.drain(..count).collect();
        for report in stored.iter().filter(|report| is_end(&report.what)) {
            let of = &report.attempt;
            // It may have been ordered again after it had never been started.
            if self.held.get(&of.key).is_some_and(|held| held.attempt == *of && held.is_ending) {
                self.let_go(of);
            }
        }
    }
}

fn how(what: &What) -> Option<How> {
    Some(match what {
        What::Exited(exit) => of(exit),
        What::NotStarted { message } => How::NotStarted(message.clone()),
        What::NeverStarted => How::NotStarted("it was called off".to_owned()),
        What::Lost { message } => How::Lost(message.clone()),
        What::Started { .. } | What::Output { .. } | What::Seen(_) => return None,
    })
}

fn of(exit: &Exit) -> How {
    match (exit.end, &exit.artifacts_error) {
        (End::Code(0), None) => How::Succeeded,
        (End::Code(0), Some(error)) => How::Failed(error.clone()),
        (End::Code(code), _) => How::Failed(format!("exit code {code}")),
        (End::Signal(signal), _) => How::Failed(format!("signal {signal}")),
        (End::Stopped(reason), _) => How::Stopped(
            match reason {
                api::link::Stopped::Timeout => "it took too long",
                api::link::Stopped::IdleTimeout => "it was silent for too long",
                api::link::Stopped::TotalTimeout => "its run took too long",
                api::link::Stopped::Cancelled => "cancelled",
                api::link::Stopped::Paused => "paused",
                api::link::Stopped::Halted => "its run has stopped",
                api::link::Stopped::Superseded => "another takes its place",
            }
            .to_owned(),
        ),
    }
}
