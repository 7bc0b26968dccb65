//! What the tests of swarms with and without a tracker share: one item, who publishes it, and who
//! fetches it when; under any overlay.
#![allow(dead_code, reason = "each test file uses its part")]
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::rc::Rc;
use std::time::Duration;

use overlay_core::{
    Blob, Class, Command, Event, Input, Item, Key, Message as _, NodeId, OpId, Overlay, Time,
};
use peerbench_simulator::{Happening, Laboratory, Network};

/// The overlay as the program has it.
pub(crate) type Trackerless = overlay_bittorrent::Trackerless<overlay_chord::Router>;

pub(crate) const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// What nodes told, and what they said to each other.
#[derive(Default)]
struct Heard {
    events: Vec<(Time, NodeId, Event)>,
    transcript: Option<String>,
}

/// Nodes that fetch one item, each when it is told to.
pub(crate) struct Gathering<'a, O: Overlay> {
    pub(crate) network: Network<'a, O>,
    pub(crate) key: Key,
    begun: BTreeMap<NodeId, Time>,
    heard: Rc<RefCell<Heard>>,
}

impl<'a, O: Overlay> Gathering<'a, O> {
    /// Of nodes that have joined.
    pub(crate) fn new(laboratory: &'a Laboratory<O>) -> Self {
        Self::of(laboratory.settled_network())
    }

    pub(crate) fn before_joining(laboratory: &'a Laboratory<O>) -> Self {
        Self::of(laboratory.network())
    }

    fn of(mut network: Network<'a, O>) -> Self {
        let heard = Rc::new(RefCell::new(Heard::default()));
        let listening = Rc::clone(&heard);
        network.told.listener = Some(Box::new(move |time, node, happening| {
            let heard = &mut *listening.borrow_mut();
            let said = match happening {
                Happening::Event(event) => {
                    heard.events.push((time, node, event));
                    format!("{node} tells {event:?}")
                }
                Happening::Input(Input::Message { from, message }) => {
                    let is_about_links = message.class() == Class::Maintenance;
                    let said = format!("{from} -> {node} {message:?}");
                    if is_about_links && said.contains("Dht(Routing(") {
                        return;
                    }
                    said
                }
                Happening::Input(_) => return,
            };
            if let Some(transcript) = &mut heard.transcript {
                writeln!(transcript, "{time} {said}").expect("a string takes everything");
            }
        }));
        Self { network, key: Key::of(b"the item"), begun: BTreeMap::new(), heard }
    }

    /// A node becomes a seed, and others can find it.
    pub(crate) fn publish(&mut self, node: NodeId, bytes: u32) {
        let item = Item { key: self.key, blob: Blob::new(7, bytes) };
        assert!(self.network.publish(node, item), "{node} publishes");
    }

    /// A node searches for the item, and begins to fetch it if it has found somebody who takes part.
    pub(crate) fn begin(&mut self, node: NodeId) -> bool {
        let holder = self.network.search(node, self.key).and_then(|answer| answer.holder);
        holder.inspect(|&holder| self.fetch_from(node, holder)).is_some()
    }

    /// A node begins to fetch the item from here.
    pub(crate) fn fetch_from(&mut self, node: NodeId, holder: NodeId) {
        let Self { network, key, begun, .. } = self;
        begun.insert(node, network.simulation.now());
        let fetch = Command::Fetch { op: OpId(1_000_000 + node.0), key: *key, holder };
        network.simulation.give(node, Input::Command(fetch), &mut network.told);
    }

    pub(crate) fn kill(&mut self, node: NodeId) {
        self.network.simulation.kill(node);
    }

    pub(crate) fn wait(&mut self, time: Duration) {
        self.run_until(self.network.simulation.now() + time, |_| false);
    }

    /// Lets so many have everything, or so much time pass.
    pub(crate) fn run_until_done(&mut self, leechers: usize, at_most: Duration) {
        let until = self.network.simulation.now() + at_most;
        self.run_until(until, |it| it.took().len() >= leechers);
    }

    fn run_until(&mut self, until: Time, is_over: impl Fn(&Self) -> bool) {
        while self.network.simulation.now() < until && !is_over(self) {
            let next = self.network.simulation.now() + Duration::from_millis(500);
            while self.network.simulation.next_time().is_some_and(|time| time <= next) {
                self.network.simulation.step(&mut self.network.told);
            }
            self.network.simulation.advance_to(next);
        }
    }

    /// How long each one took that has everything, in the order of nodes.
    pub(crate) fn took(&self) -> Vec<Duration> {
        let heard = self.heard.borrow();
        let done = heard.events.iter().filter(|it| matches!(it.2, Event::Fetched { .. }));
        let done: BTreeMap<NodeId, Time> = done.map(|&(time, node, _)| (node, time)).collect();
        done.into_iter().map(|(node, time)| time.since(self.begun[&node])).collect()
    }

    /// How often nodes told something like this.
    pub(crate) fn count(&self, is_it: impl Fn(&Event) -> bool) -> usize {
        self.heard.borrow().events.iter().filter(|it| is_it(&it.2)).count()
    }

    /// Writes down what is told and said from now on, but for what keeps a table in shape.
    pub(crate) fn transcribe(&self) {
        self.heard.borrow_mut().transcript = Some(String::new());
    }

    pub(crate) fn transcript(&self) -> String {
        self.heard.borrow().transcript.clone().expect("it was written")
    }

    /// Panics if an invariant of the whole network does not hold.
    pub(crate) fn check(&self) {
        let nodes: Vec<_> = self.network.simulation.live().collect();
        O::check_network(self.network.simulation.config(), &nodes).expect("the network is sound");
    }
}
