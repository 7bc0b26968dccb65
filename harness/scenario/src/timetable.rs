//! What the workload asks of nodes, and when. Drawn as it is iterated, so that ten million searches
//! need no memory.
use std::collections::BTreeSet;
use std::iter::FusedIterator;
use std::sync::Arc;
use std::time::Duration;

use overlay_core::{Blob, Command, Item, Key, NodeId, OpId, Purpose, Random, Time};

use crate::downloads::{self, DueDownload};
use crate::model::{Keys, Replication, Scenario, Workload};
use crate::weather::Overload;
use crate::world::{Operations, apportion};

/// Stream of [`Purpose::Churn`] for joins.
const JOINS: u64 = 0;
/// Streams of [`Purpose::Workload`]: one for each thing drawn, so that none disturbs another.
const ARRIVALS: u64 = 0;
const SEARCHERS: u64 = 1;
const TARGETS: u64 = 2;
const PUBLISHERS: u64 = 3;
const PUBLICATION_TIMES: u64 = 4;

/// A command that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// When; what comes of it is timed from here.
    pub at: Time,
    /// The node it is for.
    pub node: NodeId,
    /// The command.
    pub command: Command,
}

/// The commands of a run in the order of time: founders, joins, publications, searches; and between
/// them, what nodes that come back do once more. Fetches follow from searches, and departures from
/// faults, so they are not here.
#[derive(Clone, Debug)]
pub struct Timetable {
    drawn: Drawn,
    /// What was drawn, but comes after what a node that is back does next.
    ahead: Option<Due>,
    of_returned: Arc<[Due]>,
    /// How many of them have been.
    returned: usize,
}

/// What the workload asks whether or not anything goes wrong.
#[derive(Clone, Debug)]
struct Drawn {
    plan: Arc<Plan>,
    next: Next,
    joins: Random,
    publications: Publications,
    publication_times: Random,
    arrivals: Gaps,
    searchers: Random,
    targets: Random,
}

/// What comes next: of the phase, the entry with this number.
#[derive(Clone, Copy, Debug)]
enum Next {
    Founder(u32),
    Join(u32),
    Publication(u32),
    Search(u32),
}

/// What a timetable is drawn from.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    forms_by_joining: bool,
    pub(crate) nodes: u32,
    pub(crate) founders: u32,
    pub(crate) joined_by: Duration,
    /// Through whom nodes join; empty if through anybody.
    pub(crate) through: Vec<u32>,
    /// The items' keys: hashed once, since popular items are searched again and again.
    item_keys: Vec<Key>,
    pub(crate) item_size: u32,
    /// Whether the one item is real bytes.
    is_real: bool,
    /// How many nodes publish each item.
    copies: Vec<u32>,
    /// Who publishes every item; empty if they are drawn.
    publishers: Vec<u32>,
    /// What takes the place of searches by chance; empty if nothing does.
    pub(crate) downloads: Vec<DueDownload>,
    keys: Keys,
    popularity: Popularity,
    pub(crate) searches_from: Time,
    pub(crate) timeout: Duration,
    pub(crate) operations: Operations,
    arrivals: Gaps,
}

/// How likely each item is to be searched.
#[derive(Debug)]
enum Popularity {
    /// All alike.
    Uniform(u32),
    /// By Zipf's law: the sum of the weights up to and with each item.
    Zipf(Vec<f64>),
}

/// The times at which searches are due: a Poisson process.
#[derive(Clone, Debug)]
pub(crate) struct Gaps {
    random: Random,
    now: Time,
    mean_ns: f64,
    overload: Option<Overload>,
}

/// Who publishes which item, item after item.
#[derive(Clone, Debug)]
pub(crate) struct Publications {
    random: Random,
    plan: Arc<Plan>,
    /// The next item.
    next: u32,
    /// The publishers of the item before it who are still to come.
    publishers: Vec<u32>,
}

impl Plan {
    /// What a scenario and a seed determine.
    pub(crate) fn draw(scenario: &Scenario, seed: u64, operations: Operations) -> Arc<Self> {
        let mut plan = Arc::new(Self::new(scenario, seed, operations));
        if let Some(downloads) = &scenario.workload.downloads {
            let drawn = downloads::draw(downloads, &plan);
            Arc::get_mut(&mut plan).expect("nobody else has been given it").downloads = drawn;
        }
        plan
    }

    /// How many items there are.
    pub(crate) fn items(&self) -> u32 {
        self.item_keys.len() as u32
    }

    /// When the last search is due; the end of the warm-up if there is none.
    pub(crate) fn last_search(&self) -> Time {
        let last = match self.downloads.last() {
            Some(download) => Some(download.at),
            None => self.arrivals.clone().take(self.operations.searches.len()).last(),
        };
        last.unwrap_or(self.searches_from)
    }

    fn new(scenario: &Scenario, seed: u64, operations: Operations) -> Self {
        let workload = &scenario.workload;
        Self {
            seed,
            forms_by_joining: scenario.forms_by_joining(),
            nodes: scenario.nodes,
            founders: scenario.founders(),
            joined_by: scenario.joined_by(),
            through: scenario.join.through.clone(),
            item_keys: (0..workload.items).map(item_key).collect(),
            item_size: u32::try_from(workload.item_size.0).unwrap_or(u32::MAX),
            is_real: workload.content.is_some(),
            copies: copies(scenario).unwrap_or_default(),
            publishers: workload.publishers.clone(),
            downloads: Vec::new(),
            keys: workload.keys,
            popularity: Popularity::new(workload.items, workload.popularity_exponent),
            searches_from: Time::ZERO + scenario.warm_up.0,
            timeout: workload.timeout.0,
            operations,
            arrivals: Gaps::new(scenario, seed),
        }
    }

    /// The keys of all items, by their numbers.
    pub(crate) fn item_keys(&self) -> &[Key] {
        &self.item_keys
    }

    /// One of those through whom nodes join, if they are given.
    pub(crate) fn draw_through(&self, random: &mut Random) -> Option<NodeId> {
        let number = self.through.len() as u64;
        (number > 0).then(|| NodeId(self.through[random.below(number) as usize]))
    }

    /// The item with this number.
    pub(crate) fn item(&self, number: u32) -> Item {
        let blob = match self.is_real {
            true => Blob::real(self.item_size),
            false => Blob::new(u64::from(number), self.item_size),
        };
        Item { key: self.item_keys[number as usize], blob }
    }

    /// From 40 % to 80 % of the time between the last join and the first search: late enough for
    /// the overlay to stand, early enough for publications to settle.
    fn publication_window(&self) -> (Duration, Duration) {
        let rest = (self.searches_from - Time::ZERO).saturating_sub(self.joined_by);
        (self.joined_by + rest / 5 * 2, rest / 5 * 2)
    }
}

impl Timetable {
    pub(crate) fn new(plan: Arc<Plan>, of_returned: Arc<[Due]>) -> Self {
        Self { drawn: Drawn::new(plan), ahead: None, of_returned, returned: 0 }
    }
}

impl Iterator for Timetable {
    type Item = Due;

    #[inline]
    fn next(&mut self) -> Option<Due> {
        let drawn = self.ahead.take().or_else(|| self.drawn.next());
        let Some(&back) = self.of_returned.get(self.returned) else { return drawn };
        if drawn.is_some_and(|drawn| drawn.at < back.at) {
            return drawn;
        }
        self.ahead = drawn;
        self.returned += 1;
        Some(back)
    }
}

impl FusedIterator for Timetable {}

impl Drawn {
    fn new(plan: Arc<Plan>) -> Self {
        let stream = |purpose, index| Random::stream(plan.seed, purpose, index);
        Self {
            next: match plan.forms_by_joining {
                true => Next::Founder(0),
                false => Next::Publication(0),
            },
            joins: stream(Purpose::Churn, JOINS),
            publications: Publications::new(Arc::clone(&plan)),
            publication_times: stream(Purpose::Workload, PUBLICATION_TIMES),
            arrivals: plan.arrivals.clone(),
            searchers: stream(Purpose::Workload, SEARCHERS),
            targets: stream(Purpose::Workload, TARGETS),
            plan,
        }
    }

    fn join(&mut self, index: u32) -> Due {
        let joins = &self.plan.operations.joins;
        Due {
            at: Time::ZERO + spread(self.plan.joined_by, index, joins.len(), &mut self.joins),
            node: NodeId(self.plan.founders + index),
            command: Command::Join {
                op: OpId(joins.start + index),
                rendezvous: self.plan.draw_through(&mut self.joins).unwrap_or_else(|| {
                    NodeId(self.joins.below(u64::from(self.plan.founders)) as u32)
                }),
            },
        }
    }

    fn publication(&mut self, index: u32, item: u32, publisher: NodeId) -> Due {
        let publishes = &self.plan.operations.publishes;
        let (from, over) = self.plan.publication_window();
        let after = spread(over, index, publishes.len(), &mut self.publication_times);
        Due {
            at: Time::ZERO + from + after,
            node: publisher,
            command: Command::Publish {
                op: OpId(publishes.start + index),
                item: self.plan.item(item),
            },
        }
    }

    fn download(&self, index: u32, due: DueDownload) -> Due {
        let op = OpId(self.plan.operations.searches.start + index);
        let key = self.plan.item(due.item).key;
        Due { at: due.at, node: due.node, command: Command::Search { op, key } }
    }

    fn search(&mut self, index: u32, at: Time) -> Due {
        let key = match self.plan.keys {
            Keys::Published => self.plan.item(self.plan.popularity.draw(&mut self.targets)).key,
            Keys::Random => random_key(&mut self.targets),
        };
        Due {
            at,
            node: NodeId(self.searchers.below(u64::from(self.plan.nodes)) as u32),
            command: Command::Search { op: OpId(self.plan.operations.searches.start + index), key },
        }
    }
}

impl Drawn {
    fn next(&mut self) -> Option<Due> {
        loop {
            match self.next {
                Next::Founder(node) if node < self.plan.founders => {
                    self.next = Next::Founder(node + 1);
                    let command = Command::Found { founders: self.plan.founders };
                    return Some(Due { at: Time::ZERO, node: NodeId(node), command });
                }
                Next::Founder(_) => self.next = Next::Join(0),
                Next::Join(index) if (index as usize) < self.plan.operations.joins.len() => {
                    self.next = Next::Join(index + 1);
                    return Some(self.join(index));
                }
                Next::Join(_) => self.next = Next::Publication(0),
                Next::Publication(index) => match self.publications.next() {
                    Some((item, publisher)) => {
                        self.next = Next::Publication(index + 1);
                        return Some(self.publication(index, item, publisher));
                    }
                    None => self.next = Next::Search(0),
                },
                Next::Search(index) if (index as usize) < self.plan.operations.searches.len() => {
                    self.next = Next::Search(index + 1);
                    if let Some(&download) = self.plan.downloads.get(index as usize) {
                        return Some(self.download(index, download));
                    }
                    let at = self.arrivals.next()?;
                    return Some(self.search(index, at));
                }
                Next::Search(_) => return None,
            }
        }
    }
}

impl Gaps {
    pub(crate) fn new(scenario: &Scenario, seed: u64) -> Self {
        Self {
            random: Random::stream(seed, Purpose::Workload, ARRIVALS),
            now: Time::ZERO + scenario.warm_up.0,
            mean_ns: 1e9 / scenario.workload.rate.per_second(),
            overload: Overload::of(scenario),
        }
    }
}

impl Iterator for Gaps {
    type Item = Time;

    fn next(&mut self) -> Option<Time> {
        let mut gap_ns = self.random.exponential() * self.mean_ns;
        if let Some(overload) = &self.overload {
            gap_ns = overload.shortened(self.now, gap_ns);
        }
        self.now = self.now + Duration::from_nanos((gap_ns + 0.5) as u64);
        Some(self.now)
    }
}

impl Publications {
    pub(crate) fn new(plan: Arc<Plan>) -> Self {
        Self {
            random: Random::stream(plan.seed, Purpose::Workload, PUBLISHERS),
            plan,
            next: 0,
            publishers: Vec::new(),
        }
    }

    /// Distinct nodes, any set of them equally likely (Floyd; Bentley 1987), in descending order.
    fn draw_publishers(&mut self) {
        if !self.plan.publishers.is_empty() {
            return self.publishers.extend(self.plan.publishers.iter().rev());
        }
        let mut drawn = BTreeSet::new();
        let (nodes, copies) = (self.plan.nodes, self.plan.copies[self.next as usize]);
        for last in nodes - copies..nodes {
            let node = self.random.below(u64::from(last) + 1) as u32;
            if !drawn.insert(node) {
                drawn.insert(last);
            }
        }
        self.publishers.extend(drawn.into_iter().rev());
    }
}

impl Iterator for Publications {
    type Item = (u32, NodeId);

    fn next(&mut self) -> Option<(u32, NodeId)> {
        if self.publishers.is_empty() && (self.next as usize) < self.plan.copies.len() {
            self.draw_publishers();
            self.next += 1;
        }
        self.publishers.pop().map(|node| (self.next - 1, NodeId(node)))
    }
}

/// How many nodes publish each item, the most popular first; `None` if they are too many to count.
pub(crate) fn copies(scenario: &Scenario) -> Option<Vec<u32>> {
    let Workload { items, copies, popularity_exponent, .. } = scenario.workload;
    if !scenario.workload.publishers.is_empty() {
        let publishers = u32::try_from(scenario.workload.publishers.len()).ok()?;
        return Some(vec![publishers; items as usize]);
    }
    let total = items.checked_mul(copies)?;
    let exponent = match scenario.workload.replication {
        Replication::Uniform => return Some(vec![copies; items as usize]),
        Replication::Proportional => popularity_exponent,
        Replication::SquareRoot => popularity_exponent / 2.0,
    };
    let most = f64::from(scenario.nodes);
    let weights = (1..=items).map(|rank| libm::pow(f64::from(rank), -exponent));
    let weights: Vec<f64> = weights.collect();
    let shares = |scale: f64| weights.iter().map(move |weight| (scale * weight).clamp(1.0, most));
    // The scale at which the shares, each within its bounds, add up to the total.
    let (mut low, mut high) = (0.0, most / weights.last().copied().unwrap_or(1.0));
    for _ in 0..64 {
        let middle = f64::midpoint(low, high);
        let is_enough = shares(middle).sum::<f64>() >= f64::from(total);
        *(if is_enough { &mut high } else { &mut low }) = middle;
    }
    Some(apportion(&shares(high).collect::<Vec<_>>(), total))
}

impl Popularity {
    fn new(items: u32, exponent: f64) -> Self {
        if exponent == 0.0 {
            return Self::Uniform(items);
        }
        let sums = (1..=items).scan(0.0, |sum, rank| {
            *sum += libm::pow(f64::from(rank), -exponent);
            Some(*sum)
        });
        Self::Zipf(sums.collect())
    }

    fn draw(&self, random: &mut Random) -> u32 {
        match self {
            Self::Uniform(items) => random.below(u64::from(*items)) as u32,
            Self::Zipf(sums) => {
                let point = random.unit() * sums.last().copied().unwrap_or(0.0);
                sums.partition_point(|sum| *sum <= point).min(sums.len().saturating_sub(1)) as u32
            }
        }
    }
}

/// A random moment in the share of a time that falls to one of so many.
pub(crate) fn spread(over: Duration, index: u32, of: usize, random: &mut Random) -> Duration {
    let (over, of) = (over.as_nanos(), of as u128);
    let start = over * u128::from(index) / of;
    let end = over * (u128::from(index) + 1) / of;
    let jitter = random.below(u64::try_from(end - start).unwrap_or(u64::MAX));
    Duration::from_nanos(u64::try_from(start).unwrap_or(u64::MAX).saturating_add(jitter))
}

fn item_key(number: u32) -> Key {
    Key::of(format!("item {number}").as_bytes())
}

fn random_key(random: &mut Random) -> Key {
    let mut key = [0; 20];
    for chunk in key.chunks_mut(8) {
        chunk.copy_from_slice(&random.next_u64().to_be_bytes()[..chunk.len()]);
    }
    Key(key)
}
