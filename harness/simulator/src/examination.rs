//! What must hold of a world when all that struck it is over: everybody has joined, what was published
//! is known, every search is answered rightly and in time, neighbours are those of the global view,
//! invariants hold, and no queue has grown without end.
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use overlay_core::{Command, Event, Key, NodeId, OpId, Oracle, Overlay, Time};
use peerbench_measure::{Judge, Progress, Verdict};
use peerbench_scenario::{Due, Error, Scenario, World};

use crate::run::Run;

/// Most defects that are told of one world: the first say enough.
const MOST_DEFECTS: usize = 8;

/// What a world is held to.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Searches due from then on must be answered rightly, and fetches that follow them succeed.
    pub judged_from: Duration,
    /// What nodes that are back publish anew from then on must be told to be done by the end, like all that
    /// is published for the first time. What is published anew sooner must only be found.
    pub acknowledged_from: Duration,
    /// Whether every node must end with the neighbours that the global view says.
    pub links: Links,
    /// Most events in the queue, for each node.
    pub most_waiting: usize,
    /// Most inputs to nodes, for each node and second of virtual time.
    pub most_inputs: u64,
}

/// How the neighbours that nodes end with are to be those of the global view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    /// Not at all: they depend on what happened.
    Any,
    /// Those, and there may be others.
    AtLeast,
    /// Those and no others.
    Exactly,
}

/// What does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Defect {
    /// A node has not joined by the end.
    Outside {
        /// The node.
        node: NodeId,
        /// When it was asked to join for the last time.
        since: Time,
    },
    /// A publication has not succeeded by the end.
    Unpublished {
        /// The publisher.
        node: NodeId,
        /// When it was due.
        due: Time,
    },
    /// A search had no answer in time.
    Unanswered {
        /// The searcher.
        node: NodeId,
        /// The key.
        key: Key,
        /// When it was due.
        due: Time,
    },
    /// A search had a wrong answer.
    Wrong {
        /// The searcher.
        node: NodeId,
        /// The key.
        key: Key,
        /// When it was due.
        due: Time,
        /// Who answered.
        by: NodeId,
        /// Who holds the item, it said.
        holder: Option<NodeId>,
    },
    /// A fetch brought nothing in time, or false bytes.
    Unfetched {
        /// The fetcher.
        node: NodeId,
        /// When it began.
        since: Time,
    },
    /// An invariant of the whole network is broken.
    Invariant(String),
    /// A node has not the neighbours that the global view says.
    Unconverged {
        /// The node.
        node: NodeId,
        /// The neighbours that it has.
        has: Vec<NodeId>,
        /// Those that it should have.
        should: Vec<NodeId>,
    },
    /// Events pile up.
    Growth {
        /// Most that waited at once.
        waiting: usize,
        /// For how many nodes.
        nodes: u32,
    },
    /// Nodes keep each other busy without end.
    Endless {
        /// The virtual time at which that was given up.
        at: Time,
    },
}

/// What came of an examination.
#[derive(Clone, Debug)]
pub struct Examined {
    /// What does not hold, the first ones.
    pub defects: Vec<Defect>,
    /// Searches and fetches that were judged.
    pub judged: u64,
    /// Inputs given to nodes.
    pub inputs: u64,
    /// Most events that waited at once.
    pub most_waiting: usize,
    /// The digest of everything that has happened.
    pub trace_digest: u64,
}

/// Lets a world happen under a seed, and says what does not hold when all is over.
///
/// # Errors
/// If the world cannot be drawn.
pub fn examine<O: Overlay>(
    scenario: &Scenario,
    config: &O::Config,
    seed: u64,
    limits: &Limits,
) -> Result<Examined, Error> {
    let world = World::new(scenario, seed)?;
    let nodes = u64::from(world.nodes());
    let seconds = world.ends_at().since(Time::ZERO).as_secs() + 1;
    let stop = AtomicBool::new(false);
    let patience =
        Patience { left: AtomicU64::new(limits.most_inputs * nodes * seconds), stop: &stop };
    let mut run = Run::<O>::new(scenario, config, &world, seed);
    run.harness.examination = Some(Examination::new(scenario, &world, limits));
    run.complete(&patience, &stop);
    let mut examination = run
        .harness
        .examination
        .take()
        .unwrap_or_else(|| Examination::new(scenario, &world, limits));
    if run.stopped {
        examination.add(Defect::Endless { at: run.simulation.now() });
    } else {
        examination.close(run.simulation.now());
        let invariant = run.watch.violation().map(Defect::Invariant);
        invariant.into_iter().for_each(|broken| examination.add(broken));
        network::<O>(&run, config, limits.links, &mut examination);
    }
    if run.most_waiting > limits.most_waiting * nodes as usize {
        let (waiting, nodes) = (run.most_waiting, world.nodes());
        examination.add(Defect::Growth { waiting, nodes });
    }
    Ok(Examined {
        defects: examination.defects,
        judged: examination.judged,
        inputs: run.simulation.inputs(),
        most_waiting: run.most_waiting,
        trace_digest: run.simulation.trace_digest(),
    })
}

/// Looks at the network as a whole.
fn network<O: Overlay>(
    run: &Run<'_, O>,
    config: &O::Config,
    links: Links,
    examination: &mut Examination,
) {
    let nodes: Vec<(NodeId, &O)> = run.simulation.live().collect();
    if let Err(broken) = O::check_network(config, &nodes) {
        examination.add(Defect::Invariant(broken));
    }
    for (node, state) in nodes {
        let Some(should) = run.harness.ledger.oracle().neighbors(node) else { break };
        let has = state.neighbors(config);
        let is_right = match links {
            Links::Any => true,
            Links::AtLeast => should.iter().all(|it| has.contains(it)),
            Links::Exactly => has == should,
        };
        if !is_right {
            examination.add(Defect::Unconverged { node, has, should });
        }
    }
}

/// Stops a run whose nodes keep each other busy without end.
struct Patience<'a> {
    left: AtomicU64,
    stop: &'a AtomicBool,
}

impl Progress for Patience<'_> {
    fn phase(&self, _: &str) {}

    fn advance(&self, _: u64, _: u64) {
        let looks = crate::run::EVENTS_BETWEEN_LOOKS.into();
        let left = self.left.load(Ordering::Relaxed);
        self.left.store(left.saturating_sub(looks), Ordering::Relaxed);
        if left < looks {
            self.stop.store(true, Ordering::Relaxed);
        }
    }
}

/// The books of an examination.
#[derive(Debug)]
pub(crate) struct Examination {
    judged_from: Time,
    timeout: Duration,
    acknowledged_from: Time,
    /// The numbers of what is published, and of what those that are back publish anew.
    publications: Range<u32>,
    republications: Range<u32>,
    joining: BTreeMap<NodeId, Time>,
    publishing: BTreeMap<OpId, (NodeId, Time)>,
    searching: BTreeMap<OpId, (NodeId, Key, Time)>,
    fetching: BTreeMap<OpId, (NodeId, Time)>,
    defects: Vec<Defect>,
    judged: u64,
}

impl Examination {
    fn new(scenario: &Scenario, world: &World, limits: &Limits) -> Self {
        Self {
            judged_from: Time::ZERO + limits.judged_from,
            timeout: scenario.workload.timeout.0,
            acknowledged_from: Time::ZERO + limits.acknowledged_from,
            publications: world.operations().publishes.clone(),
            republications: world.operations().republishes.clone(),
            joining: BTreeMap::new(),
            publishing: BTreeMap::new(),
            searching: BTreeMap::new(),
            fetching: BTreeMap::new(),
            defects: Vec::new(),
            judged: 0,
        }
    }

    fn add(&mut self, defect: Defect) {
        if self.defects.len() < MOST_DEFECTS {
            self.defects.push(defect);
        }
    }

    /// A node is given a command.
    pub(crate) fn begin(&mut self, due: &Due) {
        match due.command {
            Command::Join { .. } => {
                // What it was publishing when it went it will publish anew, by other numbers.
                self.publishing.retain(|_, (node, _)| *node != due.node);
                self.joining.insert(due.node, due.at);
            }
            Command::Publish { op, .. } if self.is_awaited(op, due.at) => {
                self.publishing.insert(op, (due.node, due.at));
            }
            Command::Search { op, key } if due.at >= self.judged_from => {
                self.judged += 1;
                self.searching.insert(op, (due.node, key, due.at));
            }
            _ => {}
        }
    }

    /// Whether it must be told that this publication, due then, is done.
    fn is_awaited(&self, op: OpId, due: Time) -> bool {
        self.publications.contains(&op.0)
            || (self.republications.contains(&op.0) && due >= self.acknowledged_from)
    }

    /// A node fetches what it has found.
    pub(crate) fn fetches(&mut self, op: OpId, node: NodeId, now: Time) {
        if now >= self.judged_from {
            self.judged += 1;
            self.fetching.insert(op, (node, now));
        }
    }

    /// A node told something, and the harness has not heard of it yet.
    pub(crate) fn on_event<R: Oracle>(
        &mut self,
        node: NodeId,
        now: Time,
        event: &Event,
        judge: &Judge<R>,
    ) {
        match *event {
            Event::Joined { .. } => drop(self.joining.remove(&node)),
            Event::Published { op } => drop(self.publishing.remove(&op)),
            Event::Found { op, answer } => {
                let Some((_, key, due)) = self.searching.remove(&op) else { return };
                if now.since(due) > self.timeout {
                    self.add(Defect::Unanswered { node, key, due });
                } else if judge.judge(&key, &answer) == Verdict::Incorrect {
                    let (by, holder) = (answer.by, answer.holder);
                    self.add(Defect::Wrong { node, key, due, by, holder });
                }
            }
            Event::Fetched { op, blob } => {
                let Some((_, since)) = self.fetching.remove(&op) else { return };
                if now.since(since) > self.timeout || !blob.intact {
                    self.add(Defect::Unfetched { node, since });
                }
            }
            Event::Failed { op } => {
                if let Some((_, key, due)) = self.searching.remove(&op) {
                    self.add(Defect::Unanswered { node, key, due });
                } else if let Some((_, since)) = self.fetching.remove(&op) {
                    self.add(Defect::Unfetched { node, since });
                }
            }
            Event::Visited
            | Event::Piece { .. }
            | Event::Banned { .. }
            | Event::Left { .. }
            | Event::Dropped(_) => {}
        }
    }

    /// The run is over: what is under way has not come to its end. A fetch may have begun too late to.
    fn close(&mut self, now: Time) {
        let outside = std::mem::take(&mut self.joining).into_iter();
        outside.for_each(|(node, since)| self.add(Defect::Outside { node, since }));
        let unpublished = std::mem::take(&mut self.publishing).into_values();
        unpublished.for_each(|(node, due)| self.add(Defect::Unpublished { node, due }));
        let unanswered = std::mem::take(&mut self.searching).into_values();
        unanswered.for_each(|(node, key, due)| self.add(Defect::Unanswered { node, key, due }));
        for (node, since) in std::mem::take(&mut self.fetching).into_values() {
            if now.since(since) > self.timeout {
                self.add(Defect::Unfetched { node, since });
            }
        }
    }
}

impl Defect {
    /// The kind in a word or two: two worlds with defects of one kind fail the same way.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Outside { .. } => "outside",
            Self::Unpublished { .. } => "unpublished",
            Self::Unanswered { .. } => "unanswered",
            Self::Wrong { .. } => "wrong answer",
            Self::Unfetched { .. } => "unfetched",
            Self::Invariant(_) => "invariant",
            Self::Unconverged { .. } => "unconverged",
            Self::Growth { .. } => "growth",
            Self::Endless { .. } => "endless",
        }
    }
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Outside { node, since } => {
                write!(f, "{node} has not joined, though it was asked to at {since}")
            }
            Self::Unpublished { node, due } => {
                write!(f, "{node} has not published what was due at {due}")
            }
            Self::Unanswered { node, key, due } => {
                write!(f, "{node} had no answer in time to its search for {key} at {due}")
            }
            Self::Wrong { node, key, due, by, holder } => {
                write!(f, "{node} searched for {key} at {due}, and {by} answered that ")?;
                match holder {
                    Some(holder) => write!(f, "{holder} holds it, which is wrong"),
                    None => write!(f, "nobody holds it, which is wrong"),
                }
            }
            Self::Unfetched { node, since } => {
                write!(f, "{node} did not get the item that it began to fetch at {since}")
            }
            Self::Invariant(broken) => write!(f, "invariant broken: {broken}"),
            Self::Unconverged { node, has, should } => {
                let list = |nodes: &[NodeId]| {
                    nodes.iter().map(|it| it.0.to_string()).collect::<Vec<_>>().join(" ")
                };
                write!(f, "{node} is linked to {}; it should be to {}", list(has), list(should))
            }
            Self::Growth { waiting, nodes } => {
                write!(f, "{waiting} events waited at once for {nodes} nodes")
            }
            Self::Endless { at } => write!(f, "nodes kept each other busy without end, at {at}"),
        }
    }
}
