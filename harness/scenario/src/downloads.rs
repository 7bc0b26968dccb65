//! Everybody downloads everything, once: who begins when.
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use overlay_core::{NodeId, Purpose, Random, Time};

use crate::model::{Arrivals, Downloads};
use crate::timetable::{Plan, Publications};
use crate::world::shuffle;

/// Streams of [`Purpose::Workload`]; those below are the timetable's.
const TIMES: u64 = 5;
const ORDER: u64 = 6;

/// A download that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DueDownload {
    pub(crate) at: Time,
    pub(crate) node: NodeId,
    pub(crate) item: u32,
}

/// Every node's downloads of all that it does not publish, in the order of time.
pub(crate) fn draw(downloads: &Downloads, plan: &Arc<Plan>) -> Vec<DueDownload> {
    let published: BTreeSet<(u32, NodeId)> = Publications::new(Arc::clone(plan)).collect();
    let items = 0..plan.items();
    let mut pairs: Vec<(u32, NodeId)> = items
        .flat_map(|item| (0..plan.nodes).map(move |node| (item, NodeId(node))))
        .filter(|pair| !published.contains(pair))
        .collect();
    shuffle(&mut pairs, &mut Random::stream(plan.seed, Purpose::Workload, ORDER));
    let times = times(downloads, pairs.len(), plan.seed);
    let due = |(after, (item, node))| DueDownload { at: plan.searches_from + after, node, item };
    times.into_iter().zip(pairs).map(due).collect()
}

/// How long after the warm-up each of so many begins, ascending.
fn times(downloads: &Downloads, count: usize, seed: u64) -> Vec<Duration> {
    let mut random = Random::stream(seed, Purpose::Workload, TIMES);
    let over = downloads.over.0;
    match downloads.arrivals {
        Arrivals::FlashCrowd => {
            let mut times: Vec<_> = (0..count).map(|_| random.duration_below(over)).collect();
            times.sort_unstable();
            times
        }
        Arrivals::Poisson => {
            let mean = over.div_f64((count as f64).max(1.0));
            let gaps = (0..count).map(|_| mean.mul_f64(random.exponential()));
            let sum = |sum: &mut Duration, gap| {
                *sum += gap;
                Some(*sum)
            };
            gaps.scan(Duration::ZERO, sum).collect()
        }
        Arrivals::Staggered => {
            let share = |index| over.mul_f64(index as f64 / count as f64);
            (0..count).map(share).collect()
        }
    }
}
