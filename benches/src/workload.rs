//! Graphs of steps, each of which starts one process that does nothing.

/// Step `i` depends on the steps named, all of them smaller than `i`.
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    pub(crate) parallel: usize,
    pub(crate) steps: Vec<Vec<usize>>,
    /// Steps start no process: only engines that know such steps can do it.
    pub(crate) noop: bool,
}

pub(crate) fn workloads() -> Vec<Workload> {
    vec![
        processes("single", 1, chain(1)),
        processes("chain-20", 1, chain(20)),
        processes("chain-100", 1, chain(100)),
        processes("fan-out-1000", 8, fan_out(1000)),
        processes("layered-1000", 8, layered(1000)),
        processes("layered-10000", 8, layered(10_000)),
        Workload { name: "noop-1000", parallel: 8, steps: layered(1000), noop: true },
        Workload { name: "noop-10000", parallel: 8, steps: layered(10_000), noop: true },
    ]
}

fn processes(name: &'static str, parallel: usize, steps: Vec<Vec<usize>>) -> Workload {
    Workload { name, parallel, steps, noop: false }
}

fn chain(length: usize) -> Vec<Vec<usize>> {
    (0..length).map(|step| step.checked_sub(1).into_iter().collect()).collect()
}

/// 1 -> n -> 1
fn fan_out(width: usize) -> Vec<Vec<usize>> {
    let mut steps = vec![vec![]];
    steps.extend((0..width).map(|_| vec![0]));
    steps.push((1..=width).collect());
    steps
}

/// Layers of 20 steps; each step needs three of the layer before: about three edges a step.
fn layered(count: usize) -> Vec<Vec<usize>> {
    const WIDTH: usize = 20;
    (0..count)
        .map(|step| {
            let layer = step / WIDTH;
            if layer == 0 {
                return vec![];
            }
            let above = (layer - 1) * WIDTH;
            let place = step % WIDTH;
            [0, 7, 13].iter().map(|shift| above + (place + shift) % WIDTH).collect()
        })
        .collect()
}
