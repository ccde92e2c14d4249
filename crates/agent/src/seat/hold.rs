//! A person takes the place of the agent: it lets go, the person works, the work is handed back.
//!
//! One more wait, like that for an answer: no clock runs, and whoever is told to leave leaves. What was
//! handed back is written down before it counts, so that a crash neither loses nor repeats it.

use std::time::Duration;

use api::agent::{Attach, Did, HandedBack, StoppedBy, Taken, Terminal};
use serde_json::Value as Json;

use super::{INTERRUPT, Seat, stopped};
use crate::adapter::{Rest, attach};
use crate::desk::{Desk, Entry};

/// A tool that runs has so long to end before the agent lets go all the same.
const REST: Duration = Duration::from_secs(5);

/// Until the agent has to let go: a person has taken over, and no tool does anything.
pub(super) async fn pulled(desk: &Desk) {
    desk.room.taken_over().await;
    let _ = tokio::time::timeout(REST, desk.rests()).await;
}

impl Seat<'_> {
    /// Waits as long as a person works in the agent's place, who took over at this message. `None`:
    /// nobody does.
    pub(super) async fn away(&mut self, number: u32) -> Result<Option<HandedBack>, StoppedBy> {
        let desk = self.desk;
        let room = &desk.room;
        let Some(mut taken) = room.taken() else { return Ok(None) };
        let _wall = room.wall.hold();
        let _idle = desk.elsewhere();
        let _ = tokio::time::timeout(INTERRUPT, self.adapter.let_go()).await;
        self.desk.left_off();
        let back = loop {
            let Taken { hold, by, back } = taken.clone();
            if let Some(back) = back {
                break (hold, back);
            }
            self.desk.record(Did::TakenOver { hold, by });
            room.sync();
            let told = self.tell_way_in(hold);
            let waited = async {
                told.await;
                room.taken_after(taken.stamp()).await;
            };
            tokio::select! {
                biased;
                why = desk.stop() => return Err(stopped(why)),
                () = waited => {}
            }
            match room.taken() {
                Some(newer) => taken = newer,
                None => return Ok(None),
            }
        };
        attach::remove(desk);
        let (hold, HandedBack { by, note, accept }) = back.clone();
        self.desk.keep(Entry::HandedBack {
            number,
            hold,
            by: by.clone(),
            note: note.clone(),
            accept,
        });
        self.desk.record(Did::HandedBack { hold, by, note, accept });
        room.sync();
        Ok(Some(back.1))
    }

    async fn tell_way_in(&mut self, hold: u32) {
        let attach = match self.adapter.attach().await {
            Ok(attach) => attach,
            Err(error) => {
                self.desk.warn(format!("there is no way in for a person: {error}"));
                let directory = self.desk.room.job.workspace.clone();
                Attach { agent: self.desk.agent.name.clone(), directory, ..Attach::default() }
            }
        };
        if let Err(error) = self.desk.room.door.let_go(hold, attach).await {
            self.desk.warn(format!("nobody hears that it has let go: {error}"));
        }
    }

    /// What was handed back at the message of this number in an attempt before.
    pub(super) fn was_handed_back(&self, number: u32) -> Option<HandedBack> {
        self.past.iter().find_map(|entry| match entry {
            Entry::HandedBack { number: n, by, note, accept, .. } if *n == number => {
                let (by, note) = (by.clone(), note.clone());
                Some(HandedBack { by, note, accept: *accept })
            }
            Entry::HandedBack { .. }
            | Entry::Asked { .. }
            | Entry::Rested { .. }
            | Entry::Submitted { .. }
            | Entry::Blocked { .. }
            | Entry::Noted { .. }
            | Entry::Denied => None,
        })
    }
}

/// What lies in the workspace is the answer: it is weighed as one of the agent's would be. A note that
/// is an object is what is handed in.
pub(super) fn accepted(back: &HandedBack) -> Rest {
    let HandedBack { by, note, .. } = back;
    let native = serde_json::from_str::<Json>(note).ok().filter(Json::is_object);
    let text = match note.trim() {
        "" => format!("{by} did the work."),
        note => note.to_owned(),
    };
    Rest { text, native, terminal: Some(Terminal::Completed) }
}

/// What the agent is told that goes on.
pub(super) fn told(back: &HandedBack) -> String {
    let HandedBack { by, note, .. } = back;
    let mut text = format!(
        "{by} took over from you, worked in the same working directory, and hands back to you. Look at \
         what is there now before you go on."
    );
    if !note.trim().is_empty() {
        text.push_str(&format!("\n\n{by} says:\n\n{}", note.trim()));
    }
    text
}
