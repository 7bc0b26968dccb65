//! What the tests of BitTorrent share: worlds from a few lines of YAML, run in the simulator, with
//! everything that nodes told.
#![allow(dead_code, reason = "each test file uses its part")]
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use overlay_bittorrent::{Bittorrent, BittorrentConfig, BittorrentMessage, Swarm};
use overlay_core::{Command, Event, Input, Key, NodeId, OpId, Overlay as _, Time};
use peerbench_scenario::{Document, Scenario, Timetable, World};
use peerbench_simulator::{Observer, Simulation, Wiring};

/// A scenario, BitTorrent's part of it, and what a seed makes of it.
pub(crate) struct Setting {
    pub(crate) scenario: Scenario,
    pub(crate) config: BittorrentConfig,
    pub(crate) world: World,
    seed: u64,
}

impl Setting {
    pub(crate) fn new(yaml: &str, seed: u64) -> Self {
        let document = Document::parse("test", yaml).expect("the test's YAML is well-formed");
        let scenario = document.scenario().expect("the test's scenario is sound");
        let config = document.overlay_config("bittorrent").expect("the test's section is sound");
        Bittorrent::check(&config, scenario.nodes).expect("the test's section makes sense");
        let world = World::new(&scenario, seed).expect("the world can be drawn");
        Self { scenario, config, world, seed }
    }

    /// Its nodes, to which nothing has happened.
    pub(crate) fn network(&self) -> Network<'_> {
        let wiring = Wiring::of(&self.scenario);
        let simulation = Simulation::new(&self.world, &self.config, self.seed, wiring);
        let timetable = self.world.timetable().peekable();
        let told = Told { fetch_offset: self.world.operations().fetch_offset(), ..Told::default() };
        Network { simulation, timetable, told }
    }

    /// The key of its only item.
    pub(crate) fn key(&self) -> Key {
        self.world.publishers().next().expect("somebody publishes").0.key
    }
}

/// Nodes of a swarm, and what they told.
pub(crate) struct Network<'a> {
    pub(crate) simulation: Simulation<'a, Bittorrent>,
    timetable: std::iter::Peekable<Timetable>,
    pub(crate) told: Told,
}

#[derive(Default)]
pub(crate) struct Told {
    fetch_offset: Option<u32>,
    /// When each node had everything.
    pub(crate) done: BTreeMap<NodeId, Time>,
    /// Nodes may be told to fetch what they have fetched.
    pub(crate) counts_only: bool,
    pub(crate) failed: u32,
    pub(crate) dropped: u32,
    pub(crate) published: u32,
    /// Bytes of blocks that arrived.
    pub(crate) block_bytes: u64,
    /// When the latest block arrived.
    pub(crate) last_block: Time,
    /// Blocks of these kinds are written down, with everything else.
    pub(crate) transcript: Option<String>,
    keys: BTreeMap<OpId, Key>,
    /// When each node began to search.
    due: BTreeMap<NodeId, Time>,
    /// Bytes of blocks that each node got; nodes behind the last that got any are left out.
    received: Vec<u64>,
    /// Bytes of blocks by sender and receiver, if they are written down.
    pub(crate) exchanged: Option<BTreeMap<(NodeId, NodeId), u64>>,
    /// Bytes of blocks that were not what they should be.
    pub(crate) corrupt_bytes: u64,
    /// Who was banned, by whom, and when.
    pub(crate) banned: Vec<(NodeId, NodeId, Time)>,
}

impl Told {
    /// How long the fetches of these nodes took, in seconds, ascending.
    pub(crate) fn fetch_times(&self, of: impl IntoIterator<Item = u32>) -> Vec<f64> {
        let took = |node| Some(self.done.get(&node)?.since(*self.due.get(&node)?).as_secs_f64());
        let mut times: Vec<f64> = of.into_iter().map(NodeId).filter_map(took).collect();
        times.sort_unstable_by(f64::total_cmp);
        times
    }

    /// Bytes of blocks that these nodes got.
    pub(crate) fn received_by(&self, nodes: impl IntoIterator<Item = u32>) -> u64 {
        nodes.into_iter().filter_map(|node| self.received.get(node as usize)).sum()
    }
}

/// The median of some numbers in order; not a number if there are none.
pub(crate) fn median(of: &[f64]) -> f64 {
    of.get(of.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The set-up in which clients were measured side by side: a seed of 2 MB/s, leechers of 1 MB/s, a
/// flash crowd.
pub(crate) fn homogeneous(leechers: u32, size: &str, section: &str, rest: &str) -> String {
    format!(
        "
nodes: {}
start: converged
warm_up: 5s
network:
  uniform_round_trip: 20ms
  capacities:
    - {{nodes: [0], up: 2MB/s, down: 100MB/s}}
    - {{share: 1.0, up: 1MB/s, down: 100MB/s}}
workload: {{items: 1, item_size: {size}, publishers: [0], fetch: true, timeout: 1h, {rest}}}
overlays:
  bittorrent: {{{section}}}
",
        leechers + 1
    )
}

/// Everybody comes within a second.
pub(crate) const FLASH_CROWD: &str = "downloads: {arrivals: flash-crowd, over: 1s}";

/// The least time in which anybody could give so many bytes to so many leechers (Kumar and Ross
/// 2006), with the capacities above, ample downlinks, and times in seconds.
pub(crate) fn bound(leechers: u32, bytes: f64) -> f64 {
    let (seed, leecher, leechers) = (2e6, 1e6, f64::from(leechers));
    (bytes / seed).max(leechers * bytes / (seed + leechers * leecher))
}

impl Observer<Bittorrent> for Told {
    fn on_event(&mut self, node: NodeId, now: Time, event: Event) -> Option<Command> {
        if let Some(lines) = &mut self.transcript {
            writeln!(lines, "{now} {node} tells {event:?}").expect("a string takes everything");
        }
        match event {
            Event::Found { op, answer } => {
                let fetch = OpId(op.0 + self.fetch_offset?);
                let (key, holder) = (*self.keys.get(&op)?, answer.holder?);
                return Some(Command::Fetch { op: fetch, key, holder });
            }
            Event::Fetched { blob, .. } => {
                assert!(blob.intact);
                let former = self.done.insert(node, now);
                assert!(self.counts_only || former.is_none(), "{node} has fetched twice");
            }
            Event::Published { .. } => self.published += 1,
            Event::Failed { .. } => self.failed += 1,
            Event::Dropped(_) => self.dropped += 1,
            Event::Banned { peer } => self.banned.push((peer, node, now)),
            _ => {}
        }
        None
    }

    fn on_input(&mut self, node: NodeId, now: Time, input: &Input<Bittorrent>) {
        let Input::Message { from, message } = input else { return };
        if let BittorrentMessage::Piece { block, .. } = message {
            self.block_bytes += u64::from(block.length);
            self.corrupt_bytes += u64::from(block.length) * u64::from(!block.intact);
            if self.received.len() <= node.index() {
                self.received.resize(node.index() + 1, 0);
            }
            self.received[node.index()] += u64::from(block.length);
            self.last_block = now;
            if let Some(exchanged) = &mut self.exchanged {
                *exchanged.entry((*from, node)).or_default() += u64::from(block.length);
            }
        }
        if let Some(lines) = &mut self.transcript {
            writeln!(lines, "{now} {from} -> {node} {message:?}")
                .expect("a string takes everything");
        }
    }
}

impl Network<'_> {
    /// Lets everything happen until this time.
    pub(crate) fn run_until(&mut self, until: Time) {
        loop {
            let due = self.timetable.peek().map(|due| due.at).filter(|&at| at <= until);
            let now = due.unwrap_or(until);
            while self.simulation.next_time().is_some_and(|time| time <= now) {
                self.simulation.step(&mut self.told);
            }
            self.simulation.advance_to(now);
            let Some(due) = self.timetable.next_if(|due| due.at <= until) else { return };
            if let Command::Search { op, key } = due.command {
                self.told.keys.insert(op, key);
                self.told.due.insert(due.node, due.at);
            }
            self.simulation.give(due.node, Input::Command(due.command), &mut self.told);
        }
    }

    /// Lets so many have everything, or so much time pass.
    pub(crate) fn run_until_done(&mut self, leechers: usize, at_most: Duration) {
        let end = Time::ZERO + at_most;
        while self.told.done.len() < leechers && self.simulation.now() < end {
            self.run_until(self.simulation.now() + Duration::from_secs(1));
        }
    }

    /// A node's part in the swarm, if it has one.
    pub(crate) fn swarm(&self, node: NodeId, key: &Key) -> Option<&Swarm> {
        self.simulation.node(node).swarm(key)
    }

    /// Panics if an invariant of the whole network does not hold.
    pub(crate) fn check(&self) {
        let nodes: Vec<_> = self.simulation.live().collect();
        Bittorrent::check_network(self.simulation.config(), &nodes).expect("the network is sound");
    }
}
