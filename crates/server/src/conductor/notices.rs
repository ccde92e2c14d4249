//! Which notices follow from events: derived from them and the rules of `config.yaml`, and stored
//! in the same commit.

use engine::event::{Event, FinalStatus, GateId, Resolution, Stamped};
use engine::id::RunId;
use engine::view::GateView;
use indexmap::IndexMap;
use pipeline::model::OnTimeout;
use sha2::{Digest as _, Sha256};
use store::port::{AboutRequest, NewNotice, PRODUCTION, Read, RunQuery};

use super::live::Live;
use crate::config::notify::Notify;
use crate::notices::Kind;
use crate::notices::content::Content;
use crate::view::request;

/// Something that people may want to hear of.
struct News {
    /// The most exact first: a target is told once, by the first that one of its rules names.
    kinds: Vec<Kind>,
    about: Option<AboutRequest>,
    content: Content,
}

/// Whether any of these events is news: most are not, and cost no more than this.
pub(super) fn is_news(events: &[Stamped]) -> bool {
    events.iter().any(|stamped| {
        matches!(
            stamped.event,
            Event::GateOpened { .. }
                | Event::GateEscalated { .. }
                | Event::GateDelegated { .. }
                | Event::GateReminded { .. }
                | Event::GateResolved { .. }
                | Event::FormOpened(_)
                | Event::AttemptUnknown { .. }
                | Event::RunFinished { .. }
        )
    })
}

/// The notices of these events, the last ones of the run; `after` is the number of those before.
pub(super) fn of(
    live: &Live,
    events: &[Stamped],
    after: u64,
    notify: &Notify,
    reader: &dyn Read,
) -> Vec<NewNotice> {
    let mut notices = Vec::new();
    // A shadow run sends nothing: it says what it would send.
    if live.run.header().is_some_and(|header| header.mode.is_shadow()) {
        return notices;
    }
    for (seq, stamped) in (after + 1..).zip(events) {
        let Some(news) = news(live, &stamped.event, notify, reader) else { continue };
        for (target, (rank, addressed)) in targets(&news, notify) {
            let content = Content { addressed, ..news.content.clone() };
            let Ok(content) = serde_json::to_value(&content) else { continue };
            notices.push(NewNotice {
                key: key(live.id, seq, target),
                target: target.to_owned(),
                kind: news.kinds[rank].word().to_owned(),
                about: news.about.clone(),
                content,
                at: stamped.at,
            });
        }
    }
    notices
}

/// By target: the place of the kind that it is told, and whether people are addressed.
fn targets<'n>(news: &News, notify: &'n Notify) -> IndexMap<&'n str, (usize, bool)> {
    let mut targets: IndexMap<&str, (usize, bool)> = IndexMap::new();
    for rule in &notify.rules {
        let rank = news.kinds.iter().position(|kind| rule.on.contains(kind));
        let Some(rank) = rank.filter(|_| rule.pipelines.matches(&news.content.pipeline)) else {
            continue;
        };
        for target in &rule.to {
            let told = targets.entry(target).or_insert((rank, false));
            told.0 = told.0.min(rank);
            told.1 |= rule.approvers;
        }
    }
    targets
}

/// The same for every repetition, and for no other notice anywhere.
fn key(run: RunId, seq: u64, target: &str) -> String {
    let digest = Sha256::digest(format!("{run} {seq} {target}"));
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

fn news(live: &Live, event: &Event, notify: &Notify, reader: &dyn Read) -> Option<News> {
    match event {
        Event::GateOpened { gate, .. } => asked(live, gate, ""),
        Event::GateEscalated { gate, .. } => asked(live, gate, "nobody decided in time: escalated"),
        Event::GateDelegated { gate, from, to, .. } => {
            let mut news = asked(live, gate, &format!("{} passed it on", from.name))?;
            news.content.people = vec![to.name.clone()];
            Some(news)
        }
        Event::GateReminded { gate, percent } => {
            let mut news = asked(live, gate, "")?;
            news.kinds = vec![Kind::ApprovalReminder];
            news.content.percent = Some(*percent);
            Some(news)
        }
        Event::GateResolved { gate, resolution } => resolved(live, gate, resolution),
        Event::FormOpened(form) => {
            let view = live.run.form(&form.execution, Some(form.generation))?;
            let people = view.form.assignees.clone();
            let content = Content {
                stage: form.execution.to_string(),
                text: form.instructions.clone(),
                due: view.due,
                people,
                because: view.feedback.to_owned(),
                ..of_run(live)?
            };
            let about = AboutRequest {
                execution: form.execution.to_string(),
                gate: request::FORM.to_owned(),
                generation: form.generation,
            };
            Some(News { kinds: vec![Kind::InputRequested], about: Some(about), content })
        }
        Event::AttemptUnknown { attempt, message, probing: false } => {
            let stage = attempt.execution.to_string();
            let content = Content { stage, text: message.clone(), ..of_run(live)? };
            Some(News { kinds: vec![Kind::StageUnknown], about: None, content })
        }
        // Whoever started a run of its own is told by its own end.
        Event::RunFinished { status, reason } if live.parent().is_none() => {
            let content = Content { text: reason.clone(), ..of_run(live)? };
            let kinds = match status {
                FinalStatus::Failed => vec![Kind::RunFailed],
                FinalStatus::Cancelled => vec![Kind::RunCancelled],
                FinalStatus::Succeeded if recovers(&content, live, notify, reader) => {
                    vec![Kind::RunRecovered, Kind::RunSucceeded]
                }
                FinalStatus::Succeeded => vec![Kind::RunSucceeded],
            };
            Some(News { kinds, about: None, content })
        }
        _ => None,
    }
}

fn of_run(live: &Live) -> Option<Content> {
    let header = live.run.header()?;
    Some(Content {
        run: header.name.to_owned(),
        pipeline: header.pipeline.to_owned(),
        number: header.number,
        by: header.by.to_owned(),
        ..Content::default()
    })
}

fn of_gate(gate: &GateView<'_>) -> AboutRequest {
    AboutRequest {
        execution: gate.id.execution.to_string(),
        gate: gate.id.kind.word().to_owned(),
        generation: gate.id.generation,
    }
}

fn asked(live: &Live, gate: &GateId, because: &str) -> Option<News> {
    let gate = live.run.gate(gate)?;
    let content = Content {
        stage: gate.id.execution.to_string(),
        text: gate.inquiry.map_or(gate.instructions, |inquiry| &inquiry.question).to_owned(),
        due: Some(gate.due),
        on_timeout: word(gate.policy.electorate.on_timeout, gate.escalated).to_owned(),
        have: gate.have,
        need: gate.policy.needed,
        people: gate.missing(),
        environment: gate.policy.environment.clone().unwrap_or_default(),
        because: because.to_owned(),
        ..of_run(live)?
    };
    let about = Some(of_gate(&gate));
    Some(News { kinds: vec![Kind::ApprovalRequested], about, content })
}

fn word(then: OnTimeout, escalated: bool) -> &'static str {
    match then {
        OnTimeout::Escalate if escalated => "reject",
        OnTimeout::Reject => "reject",
        OnTimeout::Approve => "approve",
        OnTimeout::Escalate => "escalate",
        OnTimeout::Skip => "skip",
        OnTimeout::Fail => "fail",
    }
}

fn resolved(live: &Live, gate: &GateId, resolution: &Resolution) -> Option<News> {
    let gate = live.run.gate(gate)?;
    let votes = gate.votes.iter().filter(|vote| !vote.replaced);
    let by: Vec<&str> = votes.map(|vote| vote.by).collect();
    let entries = gate.slots.iter().filter_map(|slot| slot.delegate.or(slot.entry));
    let content = Content {
        stage: gate.id.execution.to_string(),
        by: by.join(", "),
        result: gate.word().to_owned(),
        text: request::reason(resolution),
        // Whoever was asked hears that it is over.
        people: entries.map(str::to_owned).collect(),
        environment: gate.policy.environment.clone().unwrap_or_default(),
        ..of_run(live)?
    };
    let about = Some(of_gate(&gate));
    Some(News { kinds: vec![Kind::ApprovalResolved], about, content })
}

/// Whether the run before it failed; only asked where somebody wants to hear of it.
fn recovers(content: &Content, live: &Live, notify: &Notify, reader: &dyn Read) -> bool {
    let wanted = notify.rules.iter().any(|rule| {
        rule.on.contains(&Kind::RunRecovered) && rule.pipelines.matches(&content.pipeline)
    });
    if !wanted {
        return false;
    }
    let before = reader.runs(&RunQuery {
        pipeline: Some(content.pipeline.clone()),
        statuses: ["succeeded", "failed"].map(str::to_owned).to_vec(),
        before: Some(live.id),
        mode: Some(PRODUCTION.to_owned()),
        limit: 1,
        ..RunQuery::default()
    });
    before.is_ok_and(|rows| rows.first().is_some_and(|row| row.status == "failed"))
}
