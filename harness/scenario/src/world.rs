//! The world drawn from a scenario and one seed: where nodes are, how they are attached, how they
//! behave and what strikes them. The same for every overlay and for both drivers.
use std::ops::Range;
use std::sync::Arc;

use overlay_core::units::BitRate;
use overlay_core::{Conduct, Graph, Item, NodeId, OpId, Purpose, Random, Setting, Time};

use crate::Error;
use crate::churn;
use crate::edge_list;
use crate::faults::{self, DueFault, DueReturn};
use crate::model::{Capacity, FaultAction, Scenario};
use crate::network::Matrix;
use crate::timetable::{Due, Plan, Publications, Timetable, copies};
use crate::weather::Forecast;

/// Random streams of [`Purpose::Network`].
const PLACES: u64 = 0;
const CAPACITIES: u64 = 1;

/// What a scenario and a seed determine from outside the overlay.
#[derive(Debug)]
pub struct World {
    plan: Arc<Plan>,
    place_names: Vec<String>,
    places: Vec<u16>,
    one_way: Vec<u64>,
    unmeasured: usize,
    graph: Option<Graph>,
    capacities: Vec<Capacity>,
    /// Each node's class of access link; empty if there is none.
    links: Vec<u8>,
    /// Whether each node freeloads, and how those that do; empty if nobody does.
    freeloaders: Vec<bool>,
    freeloading: Conduct,
    faults: Vec<DueFault>,
    first_fault: Option<Time>,
    returns: Vec<DueReturn>,
    /// What the workload asks of nodes that are back.
    of_returned: Arc<[Due]>,
    keep_items: bool,
    /// Whether each node publishes anything.
    publishes: Vec<bool>,
    weather: Option<Forecast>,
    operations: Operations,
    last_search: Time,
}

/// The numbers of a run's operations: dense, kind after kind, each kind in the order of issue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operations {
    /// Joins, in the order of nodes.
    pub joins: Range<u32>,
    /// Publications, item after item.
    pub publishes: Range<u32>,
    /// Searches, in the order they are due.
    pub searches: Range<u32>,
    /// One for each search if searches are followed by fetches, otherwise none.
    pub fetches: Range<u32>,
    /// One for each node if any leaves, otherwise none; the same each time.
    pub leaves: Range<u32>,
    /// One for each node if any comes back, otherwise none; the same each time.
    pub rejoins: Range<u32>,
    /// Publications by nodes that are back: one for each of `publishes` if any node comes back,
    /// otherwise none.
    pub republishes: Range<u32>,
}

impl World {
    /// Draws the world of a scenario that [`Document::scenario`](crate::Document::scenario) found
    /// no fault with.
    ///
    /// # Errors
    /// If the matrix or the graph cannot be read any more, or there are more operations than numbers.
    pub fn new(scenario: &Scenario, seed: u64) -> Result<Self, Error> {
        let matrix = Matrix::of(&scenario.network)?;
        let graph = scenario.network.graph.as_deref().map(edge_list::read).transpose()?;
        let operations = Operations::of(scenario).ok_or_else(|| {
            Error::new("there are more operations than can be numbered", "at most 2^32 in all")
        })?;
        let plan = Plan::draw(scenario, seed, operations.clone());
        let mut faults = faults::draw(scenario, seed);
        let in_window = |fault: &&DueFault| fault.at >= plan.searches_from;
        let first_fault = faults.iter().find(in_window).map(|fault| fault.at);
        let end = plan.last_search() + plan.timeout;
        faults.append(&mut churn::draw(scenario, seed, &faults, end)?);
        faults.sort_by_key(|fault| fault.at);
        let returns = faults::returns(&faults);
        let keep_items = scenario.churn.as_ref().is_none_or(|churn| churn.keeps_items);
        let mut places = Random::stream(seed, Purpose::Network, PLACES);
        let width = matrix.names.len() as u64;
        Ok(Self {
            places: (0..scenario.nodes).map(|_| places.below(width) as u16).collect(),
            place_names: matrix.names,
            one_way: matrix.one_way,
            unmeasured: matrix.unmeasured,
            graph,
            links: draw_links(scenario, seed),
            capacities: scenario.network.capacities.clone(),
            freeloaders: draw_freeloaders(scenario, seed),
            freeloading: Conduct::Freeloader(scenario.freeloaders.strategy),
            keep_items,
            of_returned: faults::commands(&plan, &faults, &returns, keep_items).into(),
            publishes: who_publishes(&plan),
            weather: Forecast::draw(scenario, seed, end),
            faults,
            first_fault,
            returns,
            operations,
            last_search: plan.last_search(),
            plan,
        })
    }

    /// How many nodes there are.
    #[must_use]
    pub fn nodes(&self) -> u32 {
        self.plan.nodes
    }

    /// How many of them are founders: those with the lowest ids.
    #[must_use]
    pub fn founders(&self) -> u32 {
        self.plan.founders
    }

    /// Nanoseconds from one node to another: half the round trip between their places.
    #[must_use]
    #[inline]
    pub fn one_way(&self, from: NodeId, to: NodeId) -> u64 {
        let row = usize::from(self.places[from.index()]) * self.place_names.len();
        self.one_way[row + usize::from(self.places[to.index()])]
    }

    /// The place a node is in: a row of the matrix.
    #[must_use]
    #[inline]
    pub fn place(&self, node: NodeId) -> u16 {
        self.places[node.index()]
    }

    /// The name of the place a node is in.
    #[must_use]
    pub fn place_name(&self, node: NodeId) -> &str {
        &self.place_names[usize::from(self.place(node))]
    }

    /// How many pairs of places were measured in neither direction, so that their round trip is the
    /// shortest detour.
    #[must_use]
    pub fn unmeasured_pairs(&self) -> usize {
        self.unmeasured
    }

    /// What a node can send; a rate of 0 is unlimited.
    #[must_use]
    #[inline]
    pub fn uplink(&self, node: NodeId) -> BitRate {
        self.link(node).map_or(BitRate(0), |class| class.up)
    }

    /// What a node can receive; a rate of 0 is unlimited.
    #[must_use]
    #[inline]
    pub fn downlink(&self, node: NodeId) -> BitRate {
        self.link(node).map_or(BitRate(0), |class| class.down)
    }

    /// How a node behaves towards others.
    #[must_use]
    pub fn conduct(&self, node: NodeId) -> Conduct {
        match self.freeloaders.get(node.index()) {
            Some(true) => self.freeloading,
            _ => Conduct::Contributor,
        }
    }

    /// Everything the workload asks of nodes, in the order of time; drawn as it is iterated.
    #[must_use]
    pub fn timetable(&self) -> Timetable {
        Timetable::new(Arc::clone(&self.plan), Arc::clone(&self.of_returned))
    }

    /// How operations are numbered.
    #[must_use]
    pub fn operations(&self) -> &Operations {
        &self.operations
    }

    /// Who publishes what, in the order of publication. Fetched or searched items are these.
    pub fn publishers(&self) -> impl Iterator<Item = (Item, NodeId)> + use<> {
        let plan = Arc::clone(&self.plan);
        Publications::new(Arc::clone(&self.plan)).map(move |(item, node)| (plan.item(item), node))
    }

    /// Whether the workload makes this node publish anything.
    #[must_use]
    #[inline]
    pub fn is_publisher(&self, node: NodeId) -> bool {
        self.publishes.get(node.index()).copied().unwrap_or(false)
    }

    /// How many downloads there are, each a search and the fetch that follows it; 0 where searches
    /// come by chance.
    #[must_use]
    pub fn downloads_due(&self) -> u32 {
        self.plan.downloads.len() as u32
    }

    /// Who downloads which item, in the order of time.
    pub(crate) fn downloads(&self) -> impl Iterator<Item = (u32, NodeId)> {
        self.plan.downloads.iter().map(|download| (download.item, download.node))
    }

    /// The items' keys, by their numbers.
    pub(crate) fn keys(&self) -> &[overlay_core::Key] {
        self.plan.item_keys()
    }

    /// Who publishes which item.
    pub(crate) fn publications(&self) -> Publications {
        Publications::new(Arc::clone(&self.plan))
    }

    /// The size of each item.
    pub(crate) fn item_bytes(&self) -> u128 {
        self.plan.item_size.into()
    }

    /// From when on searches are due: the end of the warm-up.
    #[must_use]
    pub fn searches_from(&self) -> Time {
        self.plan.searches_from
    }

    /// When the last search is due; the end of the warm-up if there is none.
    #[must_use]
    pub fn last_search(&self) -> Time {
        self.last_search
    }

    /// When the last search has timed out at the latest: the end of what is measured.
    #[must_use]
    pub fn ends_at(&self) -> Time {
        self.last_search + self.plan.timeout
    }

    /// What strikes which node, in the order of time. No node is struck again before it is back.
    #[must_use]
    pub fn faults(&self) -> &[DueFault] {
        &self.faults
    }

    /// Whether nodes that come back have the items that they published.
    #[must_use]
    pub const fn keep_items(&self) -> bool {
        self.keep_items
    }

    /// Which nodes come back, in the order of time, each before it is asked anything.
    #[must_use]
    pub fn returns(&self) -> &[DueReturn] {
        &self.returns
    }

    /// What the network and the machines do to messages and clocks, if anything.
    #[must_use]
    pub const fn weather(&self) -> Option<&Forecast> {
        self.weather.as_ref()
    }

    /// When the first fault is due from the end of the warm-up on, if any. Coming and going is none: it
    /// has no before and after.
    #[must_use]
    pub const fn first_fault(&self) -> Option<Time> {
        self.first_fault
    }

    #[inline]
    fn link(&self, node: NodeId) -> Option<&Capacity> {
        self.links.get(node.index()).map(|&class| &self.capacities[usize::from(class)])
    }
}

impl Setting for World {
    fn nodes(&self) -> u32 {
        self.plan.nodes
    }

    fn seed(&self) -> u64 {
        self.plan.seed
    }

    fn uplink(&self, node: NodeId) -> BitRate {
        self.uplink(node)
    }

    fn graph(&self) -> Option<&Graph> {
        self.graph.as_ref()
    }
}

impl Operations {
    /// The numbering of a scenario's operations; `None` if they are more than there are numbers.
    pub(crate) fn of(scenario: &Scenario) -> Option<Self> {
        let workload = &scenario.workload;
        let joins = match scenario.forms_by_joining() {
            true => scenario.nodes.saturating_sub(scenario.founders()),
            false => 0,
        };
        let churn = scenario.churn.as_ref();
        let leaves = scenario.faults.iter().any(|fault| fault.action == FaultAction::Leave)
            || churn.is_some_and(|churn| churn.departure == FaultAction::Leave);
        let returns =
            scenario.faults.iter().any(|fault| fault.back_after.is_some()) || churn.is_some();
        let publishes = copies(scenario)?.iter().try_fold(0, |sum: u32, &n| sum.checked_add(n))?;
        let searches = match workload.downloads {
            Some(_) => scenario.nodes.checked_mul(workload.items)?.checked_sub(publishes)?,
            None => u32::try_from(workload.searches).ok()?,
        };
        let mut end = 0_u32;
        let mut next = |count: u32| {
            let start = end;
            end = end.checked_add(count)?;
            Some(start..end)
        };
        Some(Self {
            joins: next(joins)?,
            publishes: next(publishes)?,
            searches: next(searches)?,
            fetches: next(if workload.fetch { searches } else { 0 })?,
            leaves: next(if leaves { scenario.nodes } else { 0 })?,
            rejoins: next(if returns { scenario.nodes } else { 0 })?,
            republishes: next(if returns { publishes } else { 0 })?,
        })
    }

    /// By how much the number of a fetch is larger than that of the search it follows; `None` if
    /// none does.
    #[must_use]
    pub fn fetch_offset(&self) -> Option<u32> {
        (!self.fetches.is_empty()).then(|| self.fetches.start - self.searches.start)
    }

    /// The departure of this node.
    #[must_use]
    pub fn leave_of(&self, node: NodeId) -> OpId {
        OpId(self.leaves.start + node.0)
    }
}

/// Each class gets the nodes that it lists, and of the others its share, to the nearest node; which
/// ones is drawn.
fn draw_links(scenario: &Scenario, seed: u64) -> Vec<u8> {
    let classes = &scenario.network.capacities;
    if classes.is_empty() {
        return Vec::new();
    }
    let mut links = vec![None; scenario.nodes as usize];
    for (class, capacity) in (0..=u8::MAX).zip(classes) {
        capacity.nodes.iter().for_each(|&node| links[node as usize] = Some(class));
    }
    let rest = links.iter().filter(|link| link.is_none()).count() as u32;
    let shares: Vec<f64> = classes.iter().map(Capacity::drawn_share).collect();
    let counts = if rest == 0 { Vec::new() } else { apportion(&shares, rest) };
    let mut drawn: Vec<u8> = (0..=u8::MAX)
        .zip(counts)
        .flat_map(|(class, count)| std::iter::repeat_n(class, count as usize))
        .collect();
    shuffle(&mut drawn, &mut Random::stream(seed, Purpose::Network, CAPACITIES));
    let mut drawn = drawn.into_iter();
    links.into_iter().map(|link| link.or_else(|| drawn.next()).unwrap_or(0)).collect()
}

/// The nodes that are listed, or else a share of those that are not listed as publishers; which ones
/// is drawn.
fn who_publishes(plan: &Arc<Plan>) -> Vec<bool> {
    let mut publishes = vec![false; plan.nodes as usize];
    for (_, node) in Publications::new(Arc::clone(plan)) {
        publishes[node.index()] = true;
    }
    publishes
}

fn draw_freeloaders(scenario: &Scenario, seed: u64) -> Vec<bool> {
    let (listed, publishers) = (&scenario.freeloaders.nodes, &scenario.workload.publishers);
    let nodes = scenario.nodes as usize;
    let are = |some: &[u32]| {
        let mut are = vec![false; nodes];
        some.iter().for_each(|&node| are[node as usize] = true);
        are
    };
    if !listed.is_empty() {
        return are(listed);
    }
    let others = nodes - publishers.len();
    let count = nearest_count(scenario.freeloaders.share, others);
    if count == 0 {
        return Vec::new();
    }
    // Whoever freeloads at a share does so at every larger one, too: only the count differs.
    let mut drawn = vec![false; others];
    drawn[..count].fill(true);
    shuffle(&mut drawn, &mut Random::stream(seed, Purpose::Population, 0));
    let mut drawn = drawn.into_iter();
    let freeloads = |publishes: bool| !publishes && drawn.next() == Some(true);
    are(publishers).into_iter().map(freeloads).collect()
}

/// A share of so many, to the nearest whole one.
pub(crate) fn nearest_count(share: f64, of: usize) -> usize {
    ((share * of as f64 + 0.5) as usize).min(of)
}

/// Whole numbers in proportion to the shares that add up to the total, by largest remainders.
pub(crate) fn apportion(shares: &[f64], total: u32) -> Vec<u32> {
    let sum: f64 = shares.iter().sum();
    let exact: Vec<f64> = shares.iter().map(|share| share / sum * f64::from(total)).collect();
    let mut counts: Vec<u32> = exact.iter().map(|&quota| quota as u32).collect();
    let mut by_remainder: Vec<usize> = (0..shares.len()).collect();
    by_remainder.sort_by(|&a, &b| {
        let remainder = |class: usize| exact[class] - f64::from(counts[class]);
        remainder(b).total_cmp(&remainder(a)).then(a.cmp(&b))
    });
    let missing = total.saturating_sub(counts.iter().sum());
    for &class in
        by_remainder.iter().cycle().take(if shares.is_empty() { 0 } else { missing as usize })
    {
        counts[class] += 1;
    }
    counts
}

/// Every order is equally likely (Fisher and Yates; Durstenfeld 1964).
pub(crate) fn shuffle<T>(values: &mut [T], random: &mut Random) {
    for last in (1..values.len()).rev() {
        values.swap(last, random.below(last as u64 + 1) as usize);
    }
}
