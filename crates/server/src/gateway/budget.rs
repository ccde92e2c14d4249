//! What may be spent: reserved before a call, settled after it, all under one lock.

use std::collections::{HashMap, HashSet};

use engine::id::RunId;

use crate::config::models::{Caps, Price};
use store::port::{ModelSum, ModelUsage};

/// A warning is said at this part of a cap.
const WARN: f64 = 0.8;

/// Who pays.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Payer {
    Member {
        run: RunId,
        execution: String,
        member: String,
    },
    /// All attempts together.
    Execution {
        run: RunId,
        execution: String,
    },
    Run(RunId),
    /// Days since the epoch, UTC.
    Day(i64),
}

impl Payer {
    /// For people.
    pub(super) fn says(&self) -> String {
        match self {
            Self::Member { execution, member, .. } => {
                format!("member `{member}` of stage `{execution}`")
            }
            Self::Execution { execution, .. } => format!("stage `{execution}`"),
            Self::Run(_) => "the run".to_owned(),
            Self::Day(_) => "this day, all runs together".to_owned(),
        }
    }

    fn run(&self) -> Option<RunId> {
        match self {
            Self::Member { run, .. } | Self::Execution { run, .. } | Self::Run(run) => Some(*run),
            Self::Day(_) => None,
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Spent {
    pub(super) calls: u64,
    pub(super) tokens: u64,
    pub(super) nano_usd: u64,
}

impl Spent {
    pub(super) fn of(usage: &ModelUsage, calls: u64) -> Self {
        Self { calls, tokens: usage.tokens(), nano_usd: usage.nano_usd.unwrap_or(0) }
    }

    fn with(self, other: Self) -> Self {
        Self {
            calls: self.calls.saturating_add(other.calls),
            tokens: self.tokens.saturating_add(other.tokens),
            nano_usd: self.nano_usd.saturating_add(other.nano_usd),
        }
    }

    fn without(self, other: Self) -> Self {
        Self {
            calls: self.calls.saturating_sub(other.calls),
            tokens: self.tokens.saturating_sub(other.tokens),
            nano_usd: self.nano_usd.saturating_sub(other.nano_usd),
        }
    }

    fn of_kind(self, what: &str) -> u64 {
        match what {
            "calls" => self.calls,
            "tokens" => self.tokens,
            _ => self.nano_usd,
        }
    }

    fn against(self, caps: &Caps) -> [(&'static str, u64, Option<u64>); 3] {
        [
            ("calls", self.calls, caps.calls),
            ("tokens", self.tokens, caps.tokens),
            ("nano_usd", self.nano_usd, caps.nano_usd),
        ]
    }

    /// What would not fit: its name and its cap.
    fn over(self, caps: &Caps) -> Option<(&'static str, u64)> {
        let over = |(what, spent, cap): (&'static str, u64, Option<u64>)| {
            cap.filter(|cap| spent > *cap).map(|cap| (what, cap))
        };
        self.against(caps).into_iter().find_map(over)
    }

    fn warns(self, caps: &Caps) -> Option<(&'static str, u64)> {
        let near = |(what, spent, cap): (&'static str, u64, Option<u64>)| {
            cap.filter(|cap| spent as f64 >= *cap as f64 * WARN).map(|cap| (what, cap))
        };
        self.against(caps).into_iter().find_map(near)
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Account {
    used: Spent,
    held: Spent,
    warned: bool,
}

/// Something that has to be said of a budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) payer: Payer,
    /// `calls`, `tokens` or `nano_usd`.
    pub(super) what: &'static str,
    pub(super) cap: u64,
    pub(super) used: u64,
    /// What was asked for, where that is why it is refused.
    pub(super) asked: u64,
}

impl Word {
    /// ``stage `work`: 7 of 7 calls``
    pub(super) fn says(&self) -> String {
        let amount = |n: u64| match self.what {
            "nano_usd" => format!("${:.4}", n as f64 / 1e9),
            _ => n.to_string(),
        };
        let unit = match self.what {
            "nano_usd" => String::new(),
            what => format!(" {what}"),
        };
        let (used, cap) = (amount(self.used), amount(self.cap));
        let text = format!("{}: {used} of {cap}{unit}", self.payer.says());
        match self.asked > 0 && self.used < self.cap {
            true => format!("{text} are used, and this call may come to {}", amount(self.asked)),
            false => text,
        }
    }
}

/// Whether a call may be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It is reserved; with what is to be said.
    Yes(Vec<Word>),
    /// Not before a call that is under way has ended.
    Later,
    No(Word),
}

/// Every account of this process.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    accounts: HashMap<Payer, Account>,
    loaded: HashSet<RunId>,
    day: Option<i64>,
}

impl Ledger {
    pub(super) fn knows(&self, run: RunId) -> bool {
        self.loaded.contains(&run)
    }

    pub(super) fn knows_day(&self, day: i64) -> bool {
        self.day == Some(day)
    }

    /// What was spent before this process knew of the run. Said once, before anything is reserved.
    pub(super) fn load(&mut self, run: RunId, sums: &[ModelSum]) {
        if !self.loaded.insert(run) {
            return;
        }
        for sum in sums {
            let spent = Spent::of(&sum.usage, sum.calls);
            let (execution, member) = (sum.execution.clone(), sum.member.clone());
            let of_member = Payer::Member { run, execution: execution.clone(), member };
            for payer in [of_member, Payer::Execution { run, execution }, Payer::Run(run)] {
                let account = self.accounts.entry(payer).or_default();
                account.used = account.used.with(spent);
            }
        }
    }

    pub(super) fn load_day(&mut self, day: i64, sum: &ModelSum) {
        if self.day.is_some_and(|known| known >= day) {
            return;
        }
        self.day = Some(day);
        let keep = |account: &Account| account.held != Spent::default();
        self.accounts.retain(|payer, account| !matches!(payer, Payer::Day(_)) || keep(account));
        let used = Spent::of(&sum.usage, sum.calls);
        self.accounts.insert(Payer::Day(day), Account { used, ..Account::default() });
    }

    /// All payers or none.
    pub(super) fn reserve(&mut self, payers: &[(Payer, Caps)], ask: Spent) -> Answer {
        let mut later = false;
        for (payer, caps) in payers {
            let account = self.accounts.get(payer).copied().unwrap_or_default();
            if let Some((what, cap)) = account.used.with(ask).over(caps) {
                let (used, asked) = (account.used.of_kind(what), ask.of_kind(what));
                return Answer::No(Word { payer: payer.clone(), what, cap, used, asked });
            }
            later |= account.used.with(account.held).with(ask).over(caps).is_some();
        }
        if later {
            return Answer::Later;
        }
        let mut words = Vec::new();
        for (payer, caps) in payers {
            let account = self.accounts.entry(payer.clone()).or_default();
            account.held = account.held.with(ask);
            let all = account.used.with(account.held);
            if let Some((what, cap)) = all.warns(caps).filter(|_| !account.warned) {
                account.warned = true;
                let used = all.of_kind(what);
                words.push(Word { payer: payer.clone(), what, cap, used, asked: 0 });
            }
        }
        Answer::Yes(words)
    }

    /// The call is over and came to this.
    pub(super) fn settle(&mut self, payers: &[(Payer, Caps)], asked: Spent, came_to: Spent) {
        for (payer, _) in payers {
            if let Some(account) = self.accounts.get_mut(payer) {
                account.held = account.held.without(asked);
                account.used = account.used.with(came_to);
            }
        }
    }

    /// Forgets runs of which nothing is under way, when there are many: they are read again.
    pub(super) fn sweep(&mut self, most: usize) {
        if self.loaded.len() <= most {
            return;
        }
        let busy: HashSet<RunId> = self
            .accounts
            .iter()
            .filter(|(_, account)| account.held != Spent::default())
            .filter_map(|(payer, _)| payer.run())
            .collect();
        self.accounts.retain(|payer, _| payer.run().is_none_or(|run| busy.contains(&run)));
        self.loaded = busy;
    }
}

/// What this would cost; `None`: nobody knows.
pub(super) fn cost(price: Option<Price>, usage: &ModelUsage) -> Option<u64> {
    let price = price?;
    let parts = [
        (usage.input, price.input),
        (usage.output, price.output),
        (usage.cache_read, price.cache_read.unwrap_or(price.input)),
        (usage.cache_write, price.cache_write.unwrap_or(price.input)),
    ];
    let sum: u128 =
        parts.iter().map(|(tokens, price)| u128::from(*tokens) * u128::from(*price)).sum();
    Some(u64::try_from(sum.div_ceil(1_000_000)).unwrap_or(u64::MAX))
}

/// A part of a cap; never nothing of something.
pub(super) fn share(caps: Caps, share: f64) -> Caps {
    let of = |cap: Option<u64>| {
        cap.map(|cap| if cap == 0 { 0 } else { ((cap as f64 * share).round() as u64).max(1) })
    };
    Caps { calls: of(caps.calls), tokens: of(caps.tokens), nano_usd: of(caps.nano_usd) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const RUN: RunId = RunId(Uuid::nil());

    fn caps(calls: u64) -> Caps {
        Caps { calls: Some(calls), ..Caps::default() }
    }

    fn work(caps: Caps) -> Vec<(Payer, Caps)> {
        vec![(Payer::Execution { run: RUN, execution: "work".into() }, caps)]
    }

    const CALL: Spent = Spent { calls: 1, tokens: 100, nano_usd: 0 };

    #[test]
    fn what_is_under_way_is_waited_for_and_what_is_spent_is_refused() {
        let mut ledger = Ledger::default();
        let payers = work(caps(2));
        assert_eq!(ledger.reserve(&payers, CALL), Answer::Yes(Vec::new()));
        let Answer::Yes(words) = ledger.reserve(&payers, CALL) else { panic!() };
        assert_eq!(words[0].says(), "stage `work`: 2 of 2 calls");
        assert_eq!(ledger.reserve(&payers, CALL), Answer::Later);
        ledger.settle(&payers, CALL, CALL);
        assert_eq!(ledger.reserve(&payers, CALL), Answer::Later, "one more may come back");
        ledger.settle(&payers, CALL, Spent::default());
        assert!(matches!(ledger.reserve(&payers, CALL), Answer::Yes(_)), "it was never sent");
        ledger.settle(&payers, CALL, CALL);
        let Answer::No(word) = ledger.reserve(&payers, CALL) else { panic!() };
        assert_eq!(word.says(), "stage `work`: 2 of 2 calls");
    }

    #[test]
    fn nothing_is_taken_from_anybody_when_one_cannot_pay() {
        let mut ledger = Ledger::default();
        let mut payers = work(caps(9));
        payers.push((Payer::Run(RUN), Caps { tokens: Some(99), ..Caps::default() }));
        let Answer::No(word) = ledger.reserve(&payers, CALL) else { panic!() };
        let says = "the run: 0 of 99 tokens are used, and this call may come to 100";
        assert_eq!(word.says(), says);
        assert!(ledger.accounts.values().all(|account| account.held == Spent::default()));
    }

    #[test]
    fn what_was_spent_before_a_restart_counts_once() {
        let mut ledger = Ledger::default();
        let usage = ModelUsage { input: 40, nano_usd: Some(7), ..ModelUsage::default() };
        let sum = ModelSum { execution: "work".into(), calls: 6, usage, ..ModelSum::default() };
        for _ in 0..2 {
            ledger.load(RUN, std::slice::from_ref(&sum));
        }
        assert!(matches!(ledger.reserve(&work(caps(7)), CALL), Answer::Yes(_)));
        ledger.settle(&work(caps(7)), CALL, CALL);
        assert!(matches!(ledger.reserve(&work(caps(7)), CALL), Answer::No(_)));
        ledger.load_day(3, &sum);
        ledger.load_day(3, &sum);
        let day = [(Payer::Day(3), caps(7))];
        assert!(matches!(ledger.reserve(&day, CALL), Answer::Yes(_)));
        ledger.sweep(0);
        assert!(!ledger.knows(RUN), "nothing of it is under way");
    }

    #[test]
    fn prices_are_of_a_million_and_rounded_up() {
        let price = Price { input: 2_500_000_000, output: 10_000_000_000, ..Price::default() };
        let usage = ModelUsage { input: 1000, output: 10, cache_read: 1, ..ModelUsage::default() };
        assert_eq!(cost(Some(price), &usage), Some(2_500_000 + 100_000 + 2_500));
        let tiny = Price { input: 1, ..Price::default() };
        assert_eq!(cost(Some(tiny), &usage), Some(1));
        assert_eq!(cost(None, &usage), None);
        assert_eq!(share(caps(7), 0.34).calls, Some(2));
        assert_eq!(share(caps(1), 0.1).calls, Some(1));
    }
}
