//! A portrait: a quiet copy of a run at the moment at which its searches begin. A few of them are
//! asked one after the other with nothing else going on, so that every message of class lookup
//! between asking and the end of all that is under way belongs to the one that was asked.
//!
//! The copy is a simulation of its own. Nothing of it gets into the run's figures or its trace.
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use overlay_core::{
    Answer, Class, Command, Event, Input, Key as ItemKey, Message as _, NodeId, OpId, Oracle as _,
    Overlay, Time,
};
use peerbench_measure::{Driver, Key, Portrait, PortraitMessage, PortraitNode, PortraitSearch};
use peerbench_scenario::{Due, Error, Scenario, World};

use crate::run::form;
use crate::{Observer, Simulation};

/// Events between two looks at the stop flag.
const EVENTS_BETWEEN_LOOKS: u32 = 1 << 12;
/// Most searches of the timetable among which some of different nodes are sought.
const MOST_CONSIDERED: usize = 1_024;

/// Portrays the network of a scenario under one seed. `None` if it has more than
/// [`Portrait::MOST_NODES`] nodes, if nobody in it searches, or if `stop` was set.
///
/// # Errors
/// If the world cannot be drawn, for example because the matrix file is gone.
pub fn portray<O: Overlay>(
    scenario: &Scenario,
    config: &O::Config,
    seed: u64,
    stop: &AtomicBool,
) -> Result<Option<Portrait>, Error> {
    if scenario.nodes > Portrait::MOST_NODES {
        return Ok(None);
    }
    let world = World::new(scenario, seed)?;
    if world.operations().searches.is_empty() {
        return Ok(None);
    }
    let Some((simulation, oracle)) = form::<O>(scenario, config, &world, seed, stop) else {
        return Ok(None);
    };
    let mut portrait = Portrait {
        key: Key {
            overlay: O::NAME.to_owned(),
            scenario: scenario.name.clone(),
            driver: Driver::Simulator,
            n: scenario.nodes,
            seed,
            round: 0,
        },
        at_us: simulation.now().as_micros(),
        nodes: nodes(&simulation, &world, &oracle),
        links: links(&simulation),
        searches: Vec::new(),
    };
    let mut sitting =
        Sitting { simulation, oracle, timeout: scenario.workload.timeout.into(), stop };
    let alive: BTreeSet<NodeId> = portrait.nodes.iter().map(|node| NodeId(node.node)).collect();
    for (searcher, op, key) in of_different_nodes(&world, &alive) {
        let Some(search) = sitting.ask(searcher, op, key) else { return Ok(None) };
        portrait.searches.push(search);
    }
    Ok((!portrait.searches.is_empty()).then_some(portrait))
}

/// The first searches of the timetable, of a different node each.
fn of_different_nodes(world: &World, alive: &BTreeSet<NodeId>) -> Vec<(NodeId, OpId, ItemKey)> {
    let search = |due: Due| match due.command {
        Command::Search { op, key } => Some((due.node, op, key)),
        _ => None,
    };
    let mut seen = BTreeSet::new();
    let searches = world.timetable().filter_map(search).take(MOST_CONSIDERED);
    let different = searches.filter(|(node, ..)| alive.contains(node) && seen.insert(*node));
    different.take(Portrait::SEARCHES).collect()
}

fn nodes<O: Overlay>(
    simulation: &Simulation<'_, O>,
    world: &World,
    oracle: &O::Oracle,
) -> Vec<PortraitNode> {
    let node = |(id, state): (NodeId, &O)| PortraitNode {
        node: id.0,
        position: oracle.position(id),
        role: state.role(),
        conduct: world.conduct(id).to_string(),
    };
    simulation.live().map(node).collect()
}

fn links<O: Overlay>(simulation: &Simulation<'_, O>) -> Vec<(u32, u32)> {
    let config = simulation.config();
    let links_of = |(id, state): (NodeId, &O)| {
        state.neighbors(config).into_iter().map(move |other| (id.0, other.0))
    };
    simulation.live().flat_map(links_of).collect()
}

/// The network while it is portrayed.
struct Sitting<'a, O: Overlay> {
    simulation: Simulation<'a, O>,
    oracle: O::Oracle,
    /// How long a search may take.
    timeout: Duration,
    stop: &'a AtomicBool,
}

impl<O: Overlay> Sitting<'_, O> {
    /// What came of a search, once nothing that it caused is under way; `None` if stopped.
    fn ask(&mut self, searcher: NodeId, op: OpId, key: ItemKey) -> Option<PortraitSearch> {
        let asked = self.simulation.now();
        let mut following = Following::new(searcher, op, asked);
        let until = asked + self.timeout;
        let command = Input::Command(Command::Search { op, key });
        self.simulation.give(searcher, command, &mut following);
        let mut look = EVENTS_BETWEEN_LOOKS;
        while !following.is_over() {
            if self.simulation.next_time().is_none_or(|time| time > until) {
                break;
            }
            self.simulation.step(&mut following);
            look -= 1;
            if look == 0 {
                look = EVENTS_BETWEEN_LOOKS;
                if self.stop.load(Ordering::Relaxed) {
                    return None;
                }
            }
        }
        Some(following.search(self.oracle.key_position(&key)))
    }
}

/// Follows one search.
struct Following {
    searcher: NodeId,
    op: OpId,
    asked: Time,
    /// What the searcher told, and when.
    outcome: Option<(Time, Option<Answer>)>,
    messages: Vec<Followed>,
    /// By sender and receiver, between whom nothing is overtaken: messages that were sent and have
    /// not arrived. `None`: it is not kept.
    under_way: BTreeMap<(NodeId, NodeId), VecDeque<Option<usize>>>,
    cut: bool,
}

/// A message of the search.
struct Followed {
    sent: Time,
    received: Option<Time>,
    from: NodeId,
    to: NodeId,
    kind: &'static str,
    bytes: u32,
}

impl Following {
    fn new(searcher: NodeId, op: OpId, asked: Time) -> Self {
        Self {
            searcher,
            op,
            asked,
            outcome: None,
            messages: Vec::new(),
            under_way: BTreeMap::new(),
            cut: false,
        }
    }

    fn is_over(&self) -> bool {
        self.outcome.is_some() && self.under_way.is_empty()
    }

    fn search(self, key_position: Option<f64>) -> PortraitSearch {
        let since = |time: Time| time.since(self.asked).as_micros() as u64;
        let answer = self.outcome.and_then(|(_, answer)| answer);
        let message = |followed: &Followed| {
            Some(PortraitMessage {
                sent_us: since(followed.sent),
                received_us: since(followed.received?),
                from: followed.from.0,
                to: followed.to.0,
                kind: followed.kind.to_owned(),
                bytes: followed.bytes,
            })
        };
        PortraitSearch {
            searcher: self.searcher.0,
            key_position,
            answered_by: answer.map(|answer| answer.by.0),
            holder: answer.and_then(|answer| answer.holder).map(|holder| holder.0),
            hops: answer.map(|answer| answer.hops),
            latency_us: self.outcome.and_then(|(at, answer)| answer.map(|_| since(at))),
            messages: self.messages.iter().filter_map(message).collect(),
            cut: self.cut,
        }
    }
}

impl<O: Overlay> Observer<O> for Following {
    fn on_event(&mut self, node: NodeId, now: Time, event: Event) -> Option<Command> {
        let answer = match event {
            Event::Found { op, answer } if op == self.op => Some(answer),
            Event::Failed { op } if op == self.op => None,
            _ => return None,
        };
        if node == self.searcher {
            self.outcome.get_or_insert((now, answer));
        }
        // No fetch follows: it would not be quiet any more.
        None
    }

    fn on_send(&mut self, from: NodeId, to: NodeId, now: Time, message: &O::Message, bytes: u32) {
        if message.class() != Class::Lookup {
            return;
        }
        self.cut |= self.messages.len() == Portrait::MOST_MESSAGES;
        let place = (!self.cut).then_some(self.messages.len());
        if place.is_some() {
            let kind = message.kind();
            self.messages.push(Followed { sent: now, received: None, from, to, kind, bytes });
        }
        self.under_way.entry((from, to)).or_default().push_back(place);
    }

    fn on_input(&mut self, to: NodeId, now: Time, input: &Input<O>) {
        let Input::Message { from, message } = input else { return };
        if message.class() != Class::Lookup {
            return;
        }
        // One that was sent before the search began has none under way.
        let Some(of_pair) = self.under_way.get_mut(&(*from, to)) else { return };
        if let Some(Some(place)) = of_pair.pop_front() {
            self.messages[place].received = Some(now);
        }
        if of_pair.is_empty() {
            self.under_way.remove(&(*from, to));
        }
    }
}
