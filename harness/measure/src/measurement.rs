//! What a driver fills in while it runs. Streaming: lookups and nodes go into histograms and sums.
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use overlay_core::{Answer, Conduct, NodeId, Time};
use serde::{Deserialize, Serialize};

use crate::faults::FaultMarks;
use crate::metrics::Group;
use crate::nodes::Nodes;
use crate::timeline::{Outcome, Outcomes};
use crate::{
    Control, Histogram, Inventories, NodeGroup, NodeSample, Sent, SwarmProgress, Timeline, Verdict,
};

/// No lookup or fetch is counted as longer than this.
const LONGEST: Duration = Duration::from_secs(3_600);

/// Stretch is counted in thousandths.
pub(crate) const STRETCH_SCALE: u64 = 1_000;

/// Something that went wrong or was refused, and how often. A driver that can tell counts with 0
/// as well: what was never counted is reported as not measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Counter {
    /// Messages that made no sense where they arrived.
    DroppedNonsense,
    /// Messages dropped because a bound of the overlay's configuration was reached.
    DroppedBound,
    /// Pieces that were dropped because they were not what they should be.
    Corrupt,
    /// Times a node found a peer lying, and would have nothing to do with it any more.
    PeersBanned,
    /// Messages dropped because a queue of the driver was full.
    DroppedQueue,
    /// Frames that are no message of the overlay.
    MalformedFrames,
    /// Frames above the maximum size.
    OversizedFrames,
    /// Connections from somebody who is not part of the run.
    Strangers,
    /// Dials that reached nobody.
    DialFailures,
    /// Times a node was told that a peer cannot be reached any more.
    PeersLost,
    /// Node processes that ended unasked.
    ProcessesLost,
    /// Operations that began later than they were due by more than the driver's bound.
    LateOperations,
}

/// What the run cost the machine it ran on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// Nodes of the run.
    pub nodes: u32,
    /// Processes that the nodes ran in.
    pub processes: u32,
    /// Inputs fed to nodes: messages, timers, commands, losses.
    pub events: u64,
    /// Messages among them.
    pub delivered_messages: u64,
    /// Real time until the first input: building nodes, starting processes.
    pub build: Duration,
    /// Real time from then to the end of the run.
    pub wall: Duration,
    /// Processor time from the first input to the end of the run, where all of it was one thread's
    /// that did nothing else.
    pub processor: Option<Duration>,
    /// Largest resident memory of all processes together, in bytes.
    pub peak_memory_bytes: Option<u64>,
}

/// When and how far the nodes' neighbours became what the global view says they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Convergence {
    /// From the start of the run until all were right at once; `None`: not seen.
    pub time: Option<Duration>,
    /// Nodes that were right when the window began.
    pub nodes: u32,
    /// Nodes that were alive then.
    pub of: u32,
}

/// How often what must hold over the whole network held, since the first node failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upheld {
    /// Looks at the whole network.
    pub looks: u64,
    /// Those at which it held.
    pub held: u64,
}

/// Everything measured in one run.
#[derive(Clone, Debug, Default)]
pub struct Measurement {
    pub(crate) window: Duration,
    pub(crate) not_offered: BTreeSet<Group>,
    pub(crate) lookups: Lookups,
    pub(crate) fetches: Fetches,
    pub(crate) distribution: Option<Distribution>,
    pub(crate) pieces: PiecesSpread,
    pub(crate) swarm: Option<SwarmProgress>,
    pub(crate) publishers: BTreeSet<NodeId>,
    pub(crate) nodes: Nodes,
    pub(crate) sent: Sent,
    pub(crate) inventories: Inventories,
    pub(crate) faults: FaultMarks,
    pub(crate) counters: BTreeMap<Counter, u64>,
    pub(crate) lateness_us: Histogram,
    pub(crate) convergence: Option<Convergence>,
    pub(crate) upheld: Option<Upheld>,
    pub(crate) cost: Option<Cost>,
    pub(crate) controls: BTreeMap<String, Control>,
    pub(crate) trace_digest: Option<u64>,
    pub(crate) notes: Vec<String>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Lookups {
    pub(crate) latency_us: Histogram,
    pub(crate) charged_us: Histogram,
    pub(crate) hops: Histogram,
    pub(crate) timeouts: Histogram,
    /// In thousandths.
    pub(crate) stretch: Histogram,
    pub(crate) visited: u64,
    pub(crate) outcomes: Outcomes,
    pub(crate) correct: u64,
    pub(crate) incorrect: u64,
    pub(crate) failed: u64,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Fetches {
    pub(crate) contributors_us: Histogram,
    pub(crate) freeloaders_us: Histogram,
    pub(crate) corrupt: u64,
    pub(crate) failed: u64,
}

/// How long it took until all contributors had everything, and how long it must have taken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Distribution {
    pub(crate) bound: Duration,
    pub(crate) took: Duration,
}

/// How evenly pieces were spread over the nodes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PiecesSpread {
    /// Evenness summed over time, and the time, in seconds.
    even: f64,
    over: f64,
}

impl Measurement {
    /// An empty measurement of a window of this length.
    #[must_use]
    pub fn new(window: Duration) -> Self {
        let lookups = Lookups { outcomes: Outcomes::new(window), ..Lookups::default() };
        Self { window, lookups, ..Self::default() }
    }

    /// When the window begins, and when the first fault in it is due, if any. To be said before
    /// the first lookup; without it, the window begins with the run and has no fault.
    pub fn begins(&mut self, at: Time, first_fault: Option<Time>) {
        self.lookups.outcomes.begin(at, first_fault);
    }

    /// The window ends at this time, earlier than was planned, as there was nothing left to do.
    pub fn ends(&mut self, at: Time) {
        self.window = self.lookups.outcomes.since_begin(at);
    }

    /// The workload makes this node publish. To be said before the first node is shown.
    pub fn publishes(&mut self, node: NodeId) {
        self.publishers.insert(node);
    }

    /// A search that was answered.
    #[inline]
    pub fn lookup(&mut self, due: Time, completed: Time, verdict: Verdict, answer: &Answer) {
        let lookups = &mut self.lookups;
        lookups.timeouts.record(u64::from(answer.timeouts));
        match verdict {
            Verdict::Correct => {
                lookups.correct += 1;
                lookups.latency_us.record(micros(completed.since(due)));
                lookups.hops.record(u64::from(answer.hops));
                lookups.outcomes.count(due, Outcome::Correct);
            }
            Verdict::Incorrect => {
                lookups.incorrect += 1;
                lookups.outcomes.count(due, Outcome::Incorrect);
            }
        }
    }

    /// A search that had no answer in time.
    #[inline]
    pub fn lookup_failed(&mut self, due: Time) {
        self.lookups.failed += 1;
        self.lookups.outcomes.count(due, Outcome::Failed);
    }

    /// A lookup counts as this long where failures are charged: what a correct one took, and the
    /// workload's timeout for any other. Each lookup once.
    #[inline]
    pub fn charge(&mut self, time: Duration) {
        self.lookups.charged_us.record(micros(time));
    }

    /// A correct lookup that took this long was answered by another node, to which a direct round
    /// trip takes that long. A direct round trip of zero is left out.
    #[inline]
    pub fn stretch(&mut self, took: Duration, direct: Duration) {
        let scaled = took.as_nanos() * u128::from(STRETCH_SCALE) + direct.as_nanos() / 2;
        if let Some(stretch) = scaled.checked_div(direct.as_nanos()) {
            self.lookups.stretch.record(u64::try_from(stretch).unwrap_or(u64::MAX));
        }
    }

    /// Nodes looked into what they know for a search, so many times in the window.
    pub fn visited(&mut self, times: u64) {
        self.lookups.visited += times;
    }

    /// A fetch that got bytes, counted from when it was due; `intact` if they were verified.
    pub fn fetch(&mut self, took: Duration, intact: bool, conduct: Conduct) {
        match (intact, conduct) {
            (false, _) => self.fetches.corrupt += 1,
            (true, Conduct::Contributor) => self.fetches.contributors_us.record(micros(took)),
            (true, Conduct::Freeloader(_)) => self.fetches.freeloaders_us.record(micros(took)),
        }
    }

    /// A fetch that did not get its bytes in time.
    pub fn fetch_failed(&mut self) {
        self.fetches.failed += 1;
    }

    /// All contributors had everything after this time, and `bound` is the least that it could have
    /// taken.
    pub fn distributed(&mut self, bound: Duration, took: Duration) {
        self.distribution = Some(Distribution { bound, took });
    }

    /// The least number of copies of any of an item's pieces divided by their mean was this, on
    /// average over so much time.
    pub fn pieces_spread(&mut self, evenness: f64, over: Duration) {
        self.pieces.even += evenness * over.as_secs_f64();
        self.pieces.over += over.as_secs_f64();
    }

    /// How a swarm filled.
    pub fn swarm(&mut self, progress: SwarmProgress) {
        self.swarm = Some(progress);
    }

    /// What a node showed. Each node once, in the order of their numbers.
    pub fn node(&mut self, sample: &NodeSample) {
        self.nodes.add(sample, self.publishers.contains(&sample.node));
    }

    /// What nodes sent in the window, over time and by kind. Each node's once.
    pub fn sent(&mut self, sent: &Sent) {
        self.sent.merge(sent);
    }

    /// What nodes remembered at some times in the window. Each node's once.
    pub fn inventories(&mut self, inventories: &Inventories) {
        self.inventories.merge(inventories);
    }

    /// This happened to one more node at this time, because the scenario wanted it so. In the order
    /// of time; what happens before the window is left out.
    pub fn struck(&mut self, at: Time, action: &str) {
        if at >= self.lookups.outcomes.begins_at() {
            self.faults.add(at, action);
        }
    }

    /// Something happened `n` more times. With 0: it can be told, and has not happened so far.
    pub fn count(&mut self, counter: Counter, n: u64) {
        *self.counters.entry(counter).or_default() += n;
    }

    /// A delivery that the network model asked for at one time came this much later.
    #[inline]
    pub fn lateness(&mut self, late: Duration) {
        self.lateness_us.record(micros(late));
    }

    /// The same for deliveries that were counted elsewhere, in microseconds.
    pub fn lateness_of(&mut self, microseconds: &Histogram) {
        self.lateness_us.merge(microseconds);
    }

    /// What the run cost.
    pub fn cost(&mut self, cost: Cost) {
        self.cost = Some(cost);
    }

    /// A control: something whose figure does not depend on the overlay, measured in the same
    /// run, by which the other figures can be judged. `name` is lower case words with `_`.
    pub fn control(&mut self, name: &str, value: f64, unit: &str) {
        self.controls.insert(name.to_owned(), Control { value, unit: unit.to_owned() });
    }

    /// The digest of the trace of events: equal runs have equal digests.
    pub fn trace_digest(&mut self, digest: u64) {
        self.trace_digest = Some(digest);
    }

    /// When all nodes had the neighbours that the global view says they should have, counted from
    /// the start of the run (`None`: not seen), and how many of how many did when the window began.
    pub fn converged(&mut self, time: Option<Duration>, nodes: u32, of: u32) {
        self.convergence = Some(Convergence { time, nodes, of });
    }

    /// How often what must hold over the whole network held, since the first node failed.
    pub fn upheld(&mut self, upheld: Upheld) {
        self.upheld = Some(upheld);
    }

    /// Something a reader of the figures must know: `partial: …`, `overloaded: …`.
    pub fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// The overlay does not offer what this group of metrics measures: reported as `n/a`.
    pub fn not_offered(&mut self, group: Group) {
        self.not_offered.insert(group);
    }

    /// Searches that were due: answered rightly, wrongly, or not at all.
    #[must_use]
    pub fn searches(&self) -> u64 {
        self.lookups.correct + self.lookups.incorrect + self.lookups.failed
    }

    /// Forward messages on the paths of correct lookups.
    #[must_use]
    pub fn hops(&self) -> &Histogram {
        &self.lookups.hops
    }

    /// Latencies of correct lookups, in microseconds.
    #[must_use]
    pub fn latency_us(&self) -> &Histogram {
        &self.lookups.latency_us
    }

    /// Nodes tried in vain, over the answered lookups.
    #[must_use]
    pub fn timeouts(&self) -> &Histogram {
        &self.lookups.timeouts
    }

    /// How lookups ended over time; `None` if none has.
    #[must_use]
    pub fn timeline(&self) -> Option<Timeline> {
        self.lookups.outcomes.timeline()
    }

    /// What nodes carried, by role and by uplink.
    #[must_use]
    pub fn breakdown(&self) -> Vec<NodeGroup> {
        self.nodes.breakdown.groups()
    }

    /// How late deliveries were, in microseconds.
    #[must_use]
    pub fn lateness_us(&self) -> &Histogram {
        &self.lateness_us
    }

    /// Adds another part of the same run: other nodes, other lookups. Durations of the run are the
    /// longer of both; a trace digest survives only if one part has none, because two digests do
    /// not make one.
    pub fn merge(&mut self, other: &Self) {
        self.window = self.window.max(other.window);
        self.not_offered.extend(&other.not_offered);
        self.lookups.merge(&other.lookups);
        self.fetches.merge(&other.fetches);
        self.distribution = both(self.distribution, other.distribution, Distribution::merge);
        self.pieces.even += other.pieces.even;
        self.pieces.over += other.pieces.over;
        if self.swarm.is_none() {
            self.swarm.clone_from(&other.swarm);
        }
        self.publishers.extend(&other.publishers);
        self.nodes.merge(&other.nodes);
        self.sent.merge(&other.sent);
        self.inventories.append(&other.inventories);
        self.faults.merge(&other.faults);
        for (counter, n) in &other.counters {
            self.count(*counter, *n);
        }
        self.lateness_us.merge(&other.lateness_us);
        self.convergence = both(self.convergence, other.convergence, Convergence::merge);
        self.upheld = both(self.upheld, other.upheld, Upheld::merge);
        self.cost = both(self.cost, other.cost, Cost::merge);
        for (name, control) in &other.controls {
            self.controls.entry(name.clone()).or_insert_with(|| control.clone());
        }
        self.trace_digest = match (self.trace_digest, other.trace_digest) {
            (Some(_), Some(_)) => None,
            (one, None) | (None, one) => one,
        };
        for note in &other.notes {
            self.note(note.as_str());
        }
    }
}

impl Lookups {
    fn merge(&mut self, other: &Self) {
        self.latency_us.merge(&other.latency_us);
        self.charged_us.merge(&other.charged_us);
        self.hops.merge(&other.hops);
        self.timeouts.merge(&other.timeouts);
        self.stretch.merge(&other.stretch);
        self.visited += other.visited;
        self.outcomes.merge(&other.outcomes);
        self.correct += other.correct;
        self.incorrect += other.incorrect;
        self.failed += other.failed;
    }
}

impl Fetches {
    pub(crate) fn intact(&self) -> u64 {
        self.contributors_us.count() + self.freeloaders_us.count()
    }

    fn merge(&mut self, other: &Self) {
        self.contributors_us.merge(&other.contributors_us);
        self.freeloaders_us.merge(&other.freeloaders_us);
        self.corrupt += other.corrupt;
        self.failed += other.failed;
    }
}

impl Distribution {
    fn merge(self, other: Self) -> Self {
        Self { bound: self.bound.max(other.bound), took: self.took.max(other.took) }
    }

    pub(crate) fn efficiency(&self) -> Option<f64> {
        (!self.took.is_zero()).then(|| self.bound.as_secs_f64() / self.took.as_secs_f64())
    }
}

impl PiecesSpread {
    pub(crate) fn diversity(&self) -> Option<f64> {
        (self.over > 0.0).then(|| self.even / self.over)
    }
}

impl Upheld {
    fn merge(self, other: Self) -> Self {
        Self { looks: self.looks + other.looks, held: self.held + other.held }
    }
}

impl Convergence {
    fn merge(self, other: Self) -> Self {
        Self {
            time: self.time.zip(other.time).map(|(one, another)| one.max(another)),
            nodes: self.nodes + other.nodes,
            of: self.of + other.of,
        }
    }
}

impl Cost {
    fn merge(self, other: Self) -> Self {
        Self {
            nodes: self.nodes + other.nodes,
            processes: self.processes + other.processes,
            events: self.events + other.events,
            delivered_messages: self.delivered_messages + other.delivered_messages,
            build: self.build.max(other.build),
            wall: self.wall.max(other.wall),
            processor: self.processor.zip(other.processor).map(|(one, another)| one + another),
            peak_memory_bytes: both(self.peak_memory_bytes, other.peak_memory_bytes, u64::max),
        }
    }
}

fn both<T>(one: Option<T>, another: Option<T>, join: impl FnOnce(T, T) -> T) -> Option<T> {
    match (one, another) {
        (Some(one), Some(another)) => Some(join(one, another)),
        (one, another) => one.or(another),
    }
}

fn micros(duration: Duration) -> u64 {
    duration.min(LONGEST).as_micros() as u64
}
