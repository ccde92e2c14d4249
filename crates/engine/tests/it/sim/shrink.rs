//! From a failing case to a small one: drop acts, then stages, then features, as long as it still
//! breaks in the same way.

use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use crate::sim::coverage::Coverage;
use crate::sim::faults::Case;
use crate::sim::generate;
use crate::sim::invariants::Broken;
use crate::sim::spec::{
    Asks, Cond, EffectSpec, Items, Kind, Spec, StageSpec, TriggerSpec, UndoSpec,
};
use crate::sim::world::simulate;

/// What a case has seen, or how it breaks; a panic of the engine counts.
pub(crate) fn attempt(case: &Case) -> Result<Coverage, Broken> {
    match catch_unwind(AssertUnwindSafe(|| simulate(case, false))) {
        Ok((coverage, _, result)) => result.map(|()| coverage),
        Err(panic) => Err(format!("panic: {}", panicked(&*panic))),
    }
}

fn verdict(case: &Case) -> Option<Broken> {
    attempt(case).err()
}

fn panicked(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("?").to_owned()
}

/// The complaint without its names and numbers, so that a smaller case may have others.
pub(crate) fn kind(broken: &str) -> String {
    let words = broken.split_whitespace().filter(|word| {
        word.chars().all(|c| c.is_ascii_lowercase() || c == '_' || c == ':' || c == ',')
    });
    words.take(6).collect::<Vec<_>>().join(" ")
}

pub(crate) fn shrink(case: &Case, broken: &str) -> Case {
    let wanted = kind(broken);
    let same = |case: &Case| verdict(case).is_some_and(|broken| kind(&broken) == wanted);
    let mut best = case.clone();
    let mut budget = 1500_u32;
    loop {
        let mut better = false;
        for smaller in candidates(&best) {
            budget = budget.saturating_sub(1);
            if budget == 0 {
                return best;
            }
            if same(&smaller) {
                best = smaller;
                better = true;
                break;
            }
        }
        if !better {
            return best;
        }
    }
}

fn candidates(case: &Case) -> Vec<Case> {
    let mut out = vec![];
    let acts = case.acts.len();
    let mut size = acts / 2;
    while size > 0 {
        for start in (0..acts).step_by(size) {
            let mut smaller = case.clone();
            smaller.acts.drain(start..(start + size).min(acts));
            out.push(smaller);
        }
        size /= 2;
    }
    if acts == 1 {
        out.push(Case { acts: vec![], ..case.clone() });
    }
    for stage in case.spec.all() {
        let mut smaller = case.clone();
        remove(&mut smaller.spec, &stage.name);
        if !smaller.spec.stages.is_empty() {
            out.push(smaller);
        }
    }
    plain_run(case, &mut out);
    for at in 0..case.spec.stages.len() + case.spec.finally.len() {
        plain_stage(case, at, &mut out);
    }
    out
}

fn plain_run(case: &Case, out: &mut Vec<Case>) {
    let mut change = |edit: fn(&mut Spec)| {
        let mut smaller = case.clone();
        edit(&mut smaller.spec);
        if smaller.spec != case.spec {
            out.push(smaller);
        }
    };
    change(|spec| spec.max_parallel = None);
    change(|spec| spec.halt_mode = None);
    change(|spec| spec.default_retry = None);
    change(|spec| spec.group = None);
    change(|spec| spec.success = None);
}

fn plain_stage(case: &Case, at: usize, out: &mut Vec<Case>) {
    let mut change = |edit: fn(&mut StageSpec)| {
        let mut smaller = case.clone();
        let main = smaller.spec.stages.len();
        let stage = if at < main {
            &mut smaller.spec.stages[at]
        } else {
            &mut smaller.spec.finally[at - main]
        };
        edit(stage);
        smaller.spec.complete();
        if smaller.spec != case.spec {
            out.push(smaller);
        }
    };
    change(|stage| stage.rule = None);
    change(|stage| stage.conditions.clear());
    change(|stage| stage.skip_unknown = false);
    change(|stage| stage.foreach = None);
    change(|stage| stage.retry = None);
    change(|stage| stage.luck.fails = 0);
    change(|stage| stage.effects = EffectSpec::Idempotent);
    change(|stage| stage.total = None);
    change(|stage| stage.group = None);
    change(|stage| stage.parallel_with = None);
    change(|stage| stage.halt_mode = None);
    change(|stage| stage.asks = Asks::default());
    change(|stage| stage.asks.held = false);
    change(|stage| stage.asks.start = None);
    change(|stage| stage.asks.complete = None);
    change(|stage| stage.asks.environment = None);
    change(|stage| stage.flow.triggers = None);
    change(|stage| stage.flow.emits.clear());
    change(|stage| stage.flow.mapping = None);
    change(|stage| {
        // An agent is asked to undo what nothing is said of.
        stage.flow.undo = match stage.kind {
            Kind::Agent => UndoSpec::Unneeded,
            Kind::Run | Kind::Python | Kind::Noop | Kind::Form | Kind::Child => UndoSpec::Missing,
        };
    });
}

/// Takes a stage out; who waited for it waits for nothing in its place.
fn remove(spec: &mut Spec, name: &str) {
    spec.stages.retain(|stage| stage.name != name);
    spec.finally.retain(|stage| stage.name != name);
    for stage in spec.stages.iter_mut().chain(&mut spec.finally) {
        if let Some(deps) = &mut stage.deps {
            deps.retain(|dep| dep != name);
        }
        if stage.parallel_with.as_deref() == Some(name) {
            stage.parallel_with = None;
        }
        stage.conditions.retain(|one| !matches!(one, Cond::OutcomeOf(of, _) if of == name));
        if stage.flow.rollback_to.as_deref() == Some(name) {
            stage.flow.rollback_to = None;
            stage.on_failure = None;
        }
        if let Some(triggers) = &mut stage.flow.triggers {
            triggers.list.retain(|one| match one {
                TriggerSpec::Completion { stage, .. } | TriggerSpec::Condition { stage, .. } => {
                    stage != name
                }
                TriggerSpec::Event(_) | TriggerSpec::Manual(_) => true,
            });
            if triggers.list.is_empty() {
                stage.flow.triggers = None;
            }
        }
        if stage.foreach.as_ref().is_some_and(|each| match &each.items {
            Items::OutputOf(of) | Items::OutputOrNone(of) => of == name,
            Items::Literal(_) | Items::Input => false,
        }) {
            stage.foreach = None;
        }
    }
    generate::keep_graph(spec);
}

fn again(case: &Case) -> String {
    let seed = case.seed;
    format!("ORCHESTRATE_SIM_SEED={seed} cargo test -p engine --test it random_runs -- --nocapture")
}

/// Writes the small case where a person will find it, and says how to run it again.
pub(crate) fn report(case: &Case, broken: &str) -> String {
    let small = shrink(case, broken);
    let told = catch_unwind(AssertUnwindSafe(|| simulate(&small, true).1)).unwrap_or_default();
    let broken_small = verdict(&small).unwrap_or_default();
    let mut text =
        format!("# seed {}: {broken}\n# smaller: {broken_small}\n# {}\n", case.seed, again(case));
    text.push_str(&small.spec.yaml());
    let _ = writeln!(text, "# weather: {:?}, seed of the run {}", small.weather, small.spec.seed);
    for stage in small.spec.all().filter(|stage| stage.luck.fails > 0) {
        let _ = writeln!(text, "# {} fails: {:?}", stage.name, stage.luck);
    }
    let _ = writeln!(text, "# facts: {:?}", small.spec.facts);
    for act in &small.acts {
        let _ = writeln!(text, "# act: {act:?}");
    }
    for line in &told {
        let _ = writeln!(text, "# {line}");
    }
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/failures");
    let file = folder.join(format!("seed-{}.yaml", case.seed));
    let written = std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&file, &text));
    match written {
        Ok(()) => {
            format!("seed {}: {broken}\nthe smaller case is in {}", case.seed, file.display())
        }
        Err(error) => format!("seed {}: {broken}\n{error}\n{text}", case.seed),
    }
}
