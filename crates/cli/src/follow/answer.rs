//! What people are asked by the run that is followed: said with the command that answers it, or
//! answered here.

use api::approval::{ApprovalSummary, Approve, Reject, RequestChanges};

use super::Follower;
use crate::client::people::AskedQuery;
use crate::commands::input::submit::hand_in;
use crate::error::Result;
use crate::exit::Exit;
use crate::fill::{Answers, Told};
use crate::keys::Line;
use crate::live::board::Asked;
use crate::live::frame::Keys;
use crate::output;
use crate::render;

impl Follower<'_> {
    /// Asks the server who is asked, and says what is new.
    pub(super) async fn ask_who_is_asked(&mut self) -> Result<()> {
        let client = &self.session.client;
        let pending = AskedQuery::waiting_in(&self.id, "pending");
        let open = AskedQuery::waiting_in(&self.id, "open");
        let approvals = client.approvals(&pending).await?.data;
        let inputs = client.inputs(&open).await?.data;
        let mut fresh = Vec::new();
        for approval in &approvals {
            fresh.push((approval.id.clone(), format!("orchestrate approval show {}", approval.id)));
        }
        for input in &inputs {
            fresh.push((input.id.clone(), format!("orchestrate input submit {}", input.id)));
        }
        let offered = self.keyboard.is_some();
        fresh.retain(|(id, _)| !self.told.contains(id));
        for (id, command) in fresh {
            if id.starts_with('I') && offered {
                continue;
            }
            self.told.insert(id.clone());
            if offered {
                let detail = client.approval(&id).await?;
                let palette = self.context.talk_palette();
                let text = render::approvals::detail(&detail, self.context.now(), palette)?;
                self.show.block_above(&render::approvals::evidence(&text));
            } else {
                self.show.say(&format!("answer it: {command}"), &self.board, self.context);
            }
        }
        let is_asked = !approvals.is_empty() || !inputs.is_empty();
        self.board.set_asked(Asked { approvals, inputs });
        if is_asked && !self.has_page {
            self.offer_page().await;
        }
        if self.keyboard.is_some() && self.show.keys != Keys::Asking {
            self.show.keys = self.usual_keys();
        }
        Ok(())
    }

    /// Says where a browser shows the run, the first time that somebody is asked. Nobody reads it in
    /// CI, and there is nobody to wait for with `--exit-on-wait`.
    async fn offer_page(&mut self) {
        let alone = self.context.around.ci || self.context.global.quiet || !self.context.is_text();
        if !alone && !self.following.exit_on_wait {
            self.tell_page().await;
        }
    }

    /// On a terminal the link signs in, once: what is not one may be a file, which others read.
    pub(super) async fn tell_page(&mut self) {
        let path = format!("/runs/{}/{}", self.board.run.pipeline, self.board.run.number);
        let signs_in = self.context.around.stderr_is_terminal;
        // A page is a help, not a condition.
        let Ok(Some(url)) = self.session.page(&path, signs_in).await else { return };
        self.has_page = true;
        self.show.open(&url, &self.board, self.context);
    }

    pub(super) fn usual_keys(&self) -> Keys {
        Keys::Usual {
            decide: self.mine().is_some(),
            changes: self.mine().is_some_and(|approval| approval.kind == "complete"),
            fill: self.open_form().is_some(),
            advance: self.board.is_held(),
            page: self.has_page,
        }
    }

    /// The first approval that is this person's to decide.
    fn mine(&self) -> Option<ApprovalSummary> {
        let approvals = &self.board.asked().approvals;
        approvals.iter().find(|it| it.status == "pending" && it.you.starts_with("can")).cloned()
    }

    /// The first form that is this person's to answer.
    pub(super) fn open_form(&self) -> Option<String> {
        let inputs = &self.board.asked().inputs;
        let mine = inputs.iter().find(|it| it.status == "open" && it.you.starts_with("can"));
        mine.map(|input| input.id.clone())
    }

    /// A form that nobody has been offered yet, once nothing else goes on.
    pub(super) fn form_to_offer(&self) -> Option<String> {
        let idle = self.board.run.status == "waiting" && self.show.keys != Keys::Asking;
        let form = self.open_form().filter(|_| idle && self.keyboard.is_some())?;
        (!self.told.contains(&form)).then_some(form)
    }

    /// Asks each field, submits, and asks again what was wrong. Ctrl-C leaves the form open.
    pub(super) async fn fill_in(&mut self, id: &str) -> Result<()> {
        self.told.insert(id.to_owned());
        self.show.clear();
        let input = self.session.client.input(id).await?;
        let palette = self.context.talk_palette();
        output::say(&format!("{} {}\n", palette.note("form"), input.summary.stage));
        output::say(&render::inputs::introduction(&input));
        output::say("  Ctrl-C leaves it open\n");
        let mut answers = Answers::of(&input);
        loop {
            while let Some(question) = answers.question() {
                match self.line(&question).await? {
                    Some(line) => {
                        if let Told::Wrong(why) = answers.tell(&line) {
                            output::say(&format!("  {why}\n"));
                        }
                    }
                    None => {
                        output::say(&format!(
                            "\n  it stays open: f, or orchestrate input submit {id}\n"
                        ));
                        return Ok(());
                    }
                }
            }
            match hand_in(&input, &answers, &self.session.client).await {
                Ok(_) => return Ok(()),
                Err(failure) if failure.exit == Exit::Usage => {
                    output::say(&format!("  {}\n", failure.message));
                    answers.again(&failure.message);
                }
                Err(failure) => {
                    self.refused(Some(failure));
                    return Ok(());
                }
            }
        }
    }

    /// `a` approve, `x` reject, `r` request changes: never by the key alone.
    pub(super) async fn decide(&mut self, key: u8) -> Result<()> {
        let Some(approval) = self.mine() else { return Ok(()) };
        if key == b'r' && approval.kind != "complete" {
            return Ok(());
        }
        self.show.clear();
        let (id, stage) = (&approval.id, &approval.stage);
        let digest = Some(self.session.client.approval(id).await?.digest);
        let question = match key {
            b'a' => format!("Approve {id} {stage}? a comment, or Enter (Ctrl-C: no): "),
            b'x' => format!("Reject {id} {stage}? the reason (Ctrl-C: no): "),
            _ => format!("Request changes of {id} {stage}? what (Ctrl-C: no): "),
        };
        let Some(said) = self.line(&question).await? else {
            output::say("\n");
            return Ok(());
        };
        let said = said.trim().to_owned();
        if key != b'a' && said.is_empty() {
            output::say("  nothing was said, nothing was done\n");
            return Ok(());
        }
        let client = &self.session.client;
        let done = match key {
            b'a' => client.approve(id, &Approve { comment: said, digest }).await,
            b'x' => client.reject(id, &Reject { reason: said, digest }).await,
            _ => client.request_changes(id, &RequestChanges { feedback: said, digest }).await,
        };
        self.refused(done.err());
        Ok(())
    }

    /// A line of the person at the terminal; `None`: Ctrl-C.
    async fn line(&mut self, question: &str) -> Result<Option<String>> {
        let Some(keyboard) = &mut self.keyboard else { return Ok(None) };
        output::say(question);
        let mut line = Line::open(keyboard)?;
        tokio::select! {
            biased;
            _ = self.signals.next() => Ok(None),
            text = line.read() => Ok(text),
        }
    }
}
