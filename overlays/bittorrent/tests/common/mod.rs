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
            _ => {}
        }
        None
    }

    fn on_input(&mut self, node: NodeId, now: Time, input: &Input<Bittorrent>) {
        let Input::Message { from, message } = input else { return };
        if let BittorrentMessage::Piece { block, .. } = message {
            self.block_bytes += u64::from(block.length);
            self.last_block = now;
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
