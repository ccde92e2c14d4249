//! One call, from its reservation to what is stored of it.

mod ending;
mod payers;
mod receive;

use std::sync::Arc;
use std::time::Duration;

use axum::http::{Request, StatusCode};
use axum::response::Response;
use store::port::{CallState, ModelCall, ModelUsage};
use tokio::sync::oneshot;
use uuid::Uuid;

use super::budget::{Answer, Payer, Spent, cost};
use super::lane::{Gate, Permit, Width};
use super::send::{self, Failed, Tried};
use super::veil::Veil;
use super::wire::{Asked, Endpoint};
use super::{Claim, Denial, Incoming, Place, header, record};
use crate::config::models::{Caps, Price};
use crate::door;
use crate::egress::Failure;
use crate::shared::Shared;
use ending::End;
use payers::{payers, veil};

/// Of what is kept of a request.
const REQUEST: usize = 4 << 20;
/// A server that stops lets an answer that is under way come to its end for so long.
const GRACE: Duration = Duration::from_secs(5);
/// Runs whose accounts are kept in mind.
const RUNS: usize = 1000;

/// How the client is told.
pub(super) type Head = oneshot::Sender<Result<Response, Denial>>;

/// Why a call is given up while it waits.
enum Stop {
    /// Its attempt is over.
    Over,
    /// Nobody waits for its answer.
    Gone,
    Stopping,
}

/// Everything that a call needs.
pub(super) struct Flight {
    shared: Arc<Shared>,
    incoming: Incoming,
    place: Place,
    endpoint: Endpoint,
    asked: Asked,
    request: Request<Vec<u8>>,
    claim: Claim,
    veil: Veil,
    price: Option<Price>,
    payers: Vec<(Payer, Caps)>,
    reserved: Spent,
    gate: Arc<Gate>,
    weight: u32,
    id: String,
    member: String,
    /// `feature#41/work`
    subject: String,
}

impl Flight {
    pub(super) async fn new(
        shared: &Arc<Shared>,
        incoming: Incoming,
        place: Place,
        endpoint: Endpoint,
        asked: Asked,
        claim: Claim,
    ) -> Result<Self, Denial> {
        let config = shared.config()?;
        let run = incoming.live.run;
        let row =
            shared.read(move |reader| Ok(reader.run(run)?)).await?.ok_or_else(Denial::stale)?;
        let price = config.models.price(&place.name, &asked.model);
        let usage =
            ModelUsage { input: asked.input, output: asked.output, ..ModelUsage::default() };
        let nano_usd = cost(price, &usage).unwrap_or(0);
        let reserved = Spent { calls: 1, tokens: usage.tokens(), nano_usd };
        let member = header(&incoming.headers, "x-orchestrate-member")?;
        let payers = payers(&incoming, &member, &config)?;
        let request = send::request(incoming.whence(), &place, &endpoint, asked.body.clone())?;
        let width = Width::of(&place.provider);
        let gate = shared.gateway.lanes.of(&place.name, &place.key_name(), &asked.model, width);
        Ok(Self {
            veil: veil(shared, &row.pipeline, &place).await?,
            weight: config.models.weights.get(&row.pipeline).copied().unwrap_or(1),
            subject: format!("{}/{}", row.name(), incoming.live.attempt.execution),
            id: Uuid::now_v7().simple().to_string(),
            shared: Arc::clone(shared),
            incoming,
            place,
            endpoint,
            asked,
            request,
            claim,
            price,
            payers,
            reserved,
            gate,
            member,
        })
    }

    /// Carries it out, whoever still waits for it.
    pub(super) async fn fly(self, mut head: Head) {
        let hold = match self.reserve(&mut head).await {
            Ok(hold) => hold,
            Err(denial) => return tell(head, Err(denial)),
        };
        let permit = match self.unless_over(&mut head, self.enter()).await {
            Ok(permit) => permit,
            Err(stop) => return tell(head, Err(stop.into())),
        };
        let request = self.veil.over(&self.incoming.body[..self.incoming.body.len().min(REQUEST)]);
        if let Err(refused) = record::begin(&self.shared, self.row(), request).await {
            return tell(head, Err(refused.into()));
        }
        self.sent(head, permit, hold).await;
    }

    async fn enter(&self) -> Permit {
        self.gate.enter(self.incoming.live.run, self.weight, self.reserved.tokens).await
    }

    /// Waits for something, unless nobody needs it any more.
    async fn unless_over<T>(
        &self,
        head: &mut Head,
        what: impl Future<Output = T>,
    ) -> Result<T, Stop> {
        tokio::select! {
            biased;
            done = what => Ok(done),
            () = head.closed() => Err(Stop::Gone),
            () = door::over(&self.shared, &self.incoming.live.named) => Err(Stop::Over),
            () = self.shared.stopped() => Err(Stop::Stopping),
        }
    }

    /// All that it may come to is put aside, or it is refused.
    async fn reserve(&self, head: &mut Head) -> Result<Hold, Denial> {
        let gateway = &self.shared.gateway;
        loop {
            self.load().await?;
            let freed = gateway.freed.notified();
            tokio::pin!(freed);
            freed.as_mut().enable();
            let answer = gateway.ledger().reserve(&self.payers, self.reserved);
            match answer {
                Answer::Yes(words) => {
                    let hold = Hold {
                        shared: Arc::clone(&self.shared),
                        payers: self.payers.clone(),
                        reserved: self.reserved,
                        came_to: Spent::default(),
                    };
                    for word in words {
                        record::note(&self.shared, "budget.warned", self.subject.clone(), &word)
                            .await;
                    }
                    return Ok(hold);
                }
                Answer::Later => self.unless_over(head, freed).await?,
                Answer::No(word) => {
                    let usage = ModelUsage::default();
                    let row = ModelCall { usage, ..self.row() };
                    record::refused(&self.shared, row, self.subject.clone(), &word).await;
                    let says = format!("budget_exhausted: no call is left to {}", word.says());
                    return Err(Denial::new(StatusCode::BAD_REQUEST, "budget_exhausted", says));
                }
            }
        }
    }

    /// What was spent before this process knew of it.
    async fn load(&self) -> Result<(), Denial> {
        let (gateway, run) = (&self.shared.gateway, self.incoming.live.run);
        if !gateway.ledger().knows(run) {
            let sums = self.shared.read(move |reader| Ok(reader.model_sums(run)?)).await?;
            let mut ledger = gateway.ledger();
            ledger.sweep(RUNS);
            ledger.load(run, &sums);
        }
        let days = self.payers.iter().filter_map(|(payer, _)| match payer {
            Payer::Day(day) => Some(*day),
            Payer::Member { .. } | Payer::Execution { .. } | Payer::Run(_) => None,
        });
        for day in days {
            if !gateway.ledger().knows_day(day) {
                let midnight = jiff::Timestamp::from_second(day * DAY).unwrap_or_default();
                let sum = self.shared.read(move |reader| Ok(reader.model_sum_since(midnight)?));
                let sum = sum.await?;
                gateway.ledger().load_day(day, &sum);
            }
        }
        Ok(())
    }

    /// As it is stored before it is sent.
    fn row(&self) -> ModelCall {
        let Asked { input, output, .. } = self.asked;
        let mut usage = ModelUsage { input, output, ..ModelUsage::default() };
        usage.nano_usd = cost(self.price, &usage);
        ModelCall {
            id: self.id.clone(),
            run: self.incoming.live.run,
            execution: self.claim.turn.execution.clone(),
            attempt: self.incoming.live.attempt.number,
            turn: self.claim.turn.name.clone(),
            digest: self.claim.turn.digest.clone(),
            member: self.member.clone(),
            provider: self.place.name.clone(),
            model: self.asked.model.clone(),
            path: self.endpoint.path.clone(),
            state: CallState::Open,
            status: None,
            detail: String::new(),
            usage,
            source: "estimate".to_owned(),
            at: jiff::Timestamp::UNIX_EPOCH,
            ended_at: None,
        }
    }

    /// Asks until there is an answer, or the last word of a refusal.
    async fn sent(self, mut head: Head, mut permit: Permit, mut hold: Hold) {
        let private = self.place.provider.allow_private;
        let mut failed = Failed::default();
        loop {
            let tried = tokio::select! {
                tried = send::once(&self.shared, &self.request, private, &self.veil, failed) => tried,
                stop = self.interrupted() => {
                    self.end(&mut hold, End::failed(None, stop.says())).await;
                    return tell(head, Err(stop.into()));
                }
            };
            match tried {
                Tried::Answered(opened) => {
                    self.gate.told(opened.headers());
                    return self.receive(opened, head, permit, hold).await;
                }
                Tried::Refused(refusal) => {
                    self.gate.told(&refusal.headers);
                    drop(permit);
                    let says = String::from_utf8_lossy(&refusal.body).chars().take(500).collect();
                    let status = Some(refusal.status.as_u16());
                    self.end(&mut hold, End::failed(status, says)).await;
                    return tell(head, Ok(refusal.response()));
                }
                Tried::Unreached(failure) => {
                    drop(permit);
                    let denial = send::unreached(&self.place.name, &failure);
                    self.end(&mut hold, End::failed(None, denial.says.clone())).await;
                    return tell(head, Err(denial));
                }
                Tried::Again { wait, slow_down } => {
                    drop(permit);
                    failed.count(slow_down);
                    self.shared.metrics.model_retries.with(&[&self.place.name]).add(1);
                    let again = async {
                        if slow_down {
                            self.gate.slow_down(wait);
                        } else {
                            tokio::time::sleep(wait).await;
                        }
                        self.enter().await
                    };
                    permit = match self.unless_over(&mut head, again).await {
                        Ok(permit) => permit,
                        Err(stop) => {
                            self.end(&mut hold, End::failed(None, stop.says())).await;
                            return tell(head, Err(stop.into()));
                        }
                    };
                }
            }
        }
    }

    /// The attempt is over, or the server stops. That whoever asked has gone is no reason.
    async fn interrupted(&self) -> Stop {
        tokio::select! {
            () = self.unwanted() => Stop::Over,
            () = async {
                self.shared.stopped().await;
                tokio::time::sleep(GRACE).await;
            } => Stop::Stopping,
        }
    }

    /// Resolves when no attempt will ask for this answer again.
    async fn unwanted(&self) {
        loop {
            door::over(&self.shared, &self.incoming.live.named).await;
            let mut notices = self.shared.broker.subscribe(self.incoming.live.run);
            if !door::is_wanted(&self.shared, &self.incoming.live.named).await {
                return;
            }
            // Its execution goes on without it: the next attempt may ask the same.
            if !notices.changed().await && self.shared.is_stopping() {
                std::future::pending::<()>().await;
            }
        }
    }
}

/// In seconds.
const DAY: i64 = 24 * 60 * 60;

fn tell(head: Head, what: Result<Response, Denial>) {
    // Whoever asked may have gone.
    let _gone = head.send(what);
}

/// Something is put aside; what the call came to takes its place when this is dropped.
struct Hold {
    shared: Arc<Shared>,
    payers: Vec<(Payer, Caps)>,
    reserved: Spent,
    came_to: Spent,
}

impl Drop for Hold {
    fn drop(&mut self) {
        let gateway = &self.shared.gateway;
        gateway.ledger().settle(&self.payers, self.reserved, self.came_to);
        gateway.freed.notify_waiters();
    }
}

impl Stop {
    fn says(&self) -> String {
        match self {
            Self::Over => "the attempt that asked is over",
            Self::Gone => "nobody waited for it any more",
            Self::Stopping => "the server stopped",
        }
        .to_owned()
    }

    fn failure(&self, provider: &str) -> Failure {
        Failure::Broken { host: provider.to_owned(), problem: self.says() }
    }
}

impl From<Stop> for Denial {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Over | Stop::Gone => Self::stale(),
            Stop::Stopping => Self::stopping(),
        }
    }
}
