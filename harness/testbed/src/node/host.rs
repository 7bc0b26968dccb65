//! One node on the network: its machine, its links, its agenda, and what is counted about it.
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures::Stream as _;
use libp2p::Swarm;
use libp2p::swarm::SwarmEvent;
use overlay_core::{
    Command, DropReason, Effect, Event, Input, Key, Message, NodeId, OpId, Overlay, StateSize,
    Time, wire,
};
use peerbench_measure::{Course, Inventories, NodeSample, Sent, Traffic};
use peerbench_scenario::{Due, FaultAction};
use tokio::sync::mpsc::{Receiver, Sender};

use super::agenda::{Agenda, Task};
use super::contents::NodeContents;
use super::frame_shaper::{Arrival, FrameShaper, Refusal};
use super::machine::Machine;
use super::window::{Counters, Window};
use crate::clock::{Alarm, Deadline, Moment};
use crate::control::{Counts, Happening, RealItem};
use crate::link::{LinkEvent, Links};
use crate::transport::Conditions;

/// An operation that begins later than this after it was due is counted as late.
const LATE: Duration = Duration::from_millis(5);
/// How often a node's neighbours are compared with those of last time, until the window begins.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How long the good-byes of a departing node may take to leave.
const DEPARTURE: Duration = Duration::from_secs(1);
/// Most events of the network handled before timers get their turn.
const ROUND: usize = 64;

/// What is common to the nodes of a process.
#[derive(Debug)]
pub struct Schedule {
    /// When the run starts.
    pub start: Moment,
    /// When the window begins.
    pub window_begins: Time,
    /// When the window ends.
    pub window_ends: Time,
    /// How long after a peer's death, or after a vain dial, a node learns of it; `None`: as soon as
    /// the peer's host could tell.
    pub dead_peer_timeout: Option<Duration>,
    /// Whether the emulated network has to be applied to whole messages, because the transport's
    /// packets are out of reach.
    pub shapes_frames: bool,
    /// When what nodes remember is written down, and who is gone then.
    pub inventories: BTreeMap<Time, BTreeSet<NodeId>>,
    /// The items that are looked for then.
    pub inventory_keys: Vec<Key>,
    /// The nodes that the workload makes publish.
    pub publishers: BTreeSet<NodeId>,
    /// The item that is real bytes, if there is one.
    pub real: Option<Arc<RealItem>>,
    /// By how much the number of a fetch is larger than that of the search that found a holder;
    /// `None`: no fetch follows.
    pub fetch_offset: Option<u32>,
}

/// From the process to one of its nodes.
#[derive(Debug)]
pub enum HostOrder {
    /// This part of the workload is due soon.
    Due(Due),
    /// This happens to the node now.
    Strike(FaultAction, OpId),
    /// Do nothing from now on.
    Sleep,
    /// Go on.
    Wake,
    /// Report what the window's figures are so far.
    Report,
    /// What the node remembers now is what counts.
    Look,
    /// The window ends at this time.
    End(Time),
}

/// From a node to its process.
#[derive(Debug)]
pub enum HostNotice {
    /// An event of the overlay.
    Happened(Happening),
    /// The node's neighbours have changed.
    Neighbors(NodeId, Time, Vec<NodeId>),
    /// The window's figures: final ones, or as of now.
    Figures(Box<Figures>),
}

/// What a node has to report of itself.
#[derive(Debug)]
pub struct Figures {
    /// The window is over for this node.
    pub is_final: bool,
    /// What it showed in the window; memory and processor time are the process's to add.
    pub sample: NodeSample,
    /// What it counted since the start of the run.
    pub counts: Counts,
    /// How often it looked into what it knows for a search in the window.
    pub visited: u64,
    /// What it sent in the window, over time and by kind.
    pub sent: Sent,
    /// What it remembered at some times in the window.
    pub inventories: Inventories,
    /// Peers that it has connections to now.
    pub connections: u64,
    /// How late frames were delivered to it in the window: microseconds and how often.
    pub lateness: Vec<(u64, u64)>,
}

/// A node on the network.
pub struct Host<O: Overlay> {
    machine: Machine<O>,
    swarm: Swarm<Links>,
    conditions: Arc<Conditions>,
    schedule: Arc<Schedule>,
    agenda: Agenda<O::Timer>,
    deadline: Deadline,
    orders: Receiver<HostOrder>,
    notices: Sender<HostNotice>,
    effects: Vec<Effect<O>>,
    /// What the node is to be fed at once: words to itself, and fetches after searches.
    local: VecDeque<Input<O>>,
    /// What the node's own searches are for, if fetches follow them.
    searches: BTreeMap<OpId, Key>,
    contents: NodeContents,
    frame_shaper: Option<FrameShaper>,
    traffic: Traffic,
    counts: Counts,
    window: Window,
    /// What the node sends from the beginning of the window on.
    course: Option<Course>,
    /// What the node remembered at some times.
    inventories: Inventories,
    visited: u64,
    neighbors: Vec<NodeId>,
    /// What the node remembered when that counted, if that was not at the end of the window.
    looked_at: Option<StateSize>,
    life: Life,
    /// How many things were done so far.
    turns: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Running,
    /// It has left; only what it has said already still goes out.
    Leaving,
    Frozen,
    Gone,
}

/// The ways in which a node and its process reach each other.
#[derive(Debug)]
pub struct Ways {
    /// From the process.
    pub orders: Receiver<HostOrder>,
    /// To the process.
    pub notices: Sender<HostNotice>,
}

impl<O: Overlay> Host<O> {
    /// A node that begins when the schedule says.
    pub fn new(
        machine: Machine<O>,
        swarm: Swarm<Links>,
        conditions: Arc<Conditions>,
        schedule: Arc<Schedule>,
        alarm: &Alarm,
        ways: Ways,
    ) -> Self {
        let mut agenda = Agenda::new();
        agenda.enter(schedule.window_begins, Task::BeginWindow);
        agenda.enter(schedule.window_ends, Task::EndWindow);
        agenda.enter(Time::ZERO, Task::Look);
        for &at in schedule.inventories.keys() {
            agenda.enter(at, Task::TakeInventory);
        }
        Self {
            machine,
            swarm,
            frame_shaper: schedule.shapes_frames.then(FrameShaper::default),
            contents: NodeContents::new(schedule.real.as_ref()),
            conditions,
            schedule,
            agenda,
            deadline: alarm.deadline(),
            orders: ways.orders,
            notices: ways.notices,
            effects: Vec::new(),
            local: VecDeque::new(),
            searches: BTreeMap::new(),
            traffic: Traffic::default(),
            counts: Counts::default(),
            window: Window::default(),
            course: None,
            inventories: Inventories::default(),
            visited: 0,
            neighbors: Vec::new(),
            looked_at: None,
            life: Life::Running,
            turns: 0,
        }
    }

    /// Runs the node until it is gone, or its process has no more use for it. Gives its machine
    /// back, for its recording.
    pub async fn run(mut self) -> Machine<O> {
        self.apply_first_effects();
        std::future::poll_fn(|cx| self.poll(cx)).await;
        self.machine
    }

    /// Does what is to be done until nothing is: what one turn sent is on its way only after the
    /// next has polled the network again.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let before = self.turns;
            while let Poll::Ready(order) = self.orders.poll_recv(cx) {
                let Some(order) = order else { return Poll::Ready(()) };
                self.turns += 1;
                self.on_order(order);
            }
            match self.life {
                Life::Gone => return Poll::Ready(()),
                Life::Frozen => return Poll::Pending,
                Life::Running | Life::Leaving => {}
            }
            self.poll_network(cx);
            self.run_due();
            if self.turns != before {
                continue;
            }
            let Some(next) = self.agenda.next_at() else { return Poll::Pending };
            let at = self.schedule.start + next.since(Time::ZERO);
            ready!(self.deadline.poll_until(at, cx));
        }
    }

    fn poll_network(&mut self, cx: &mut Context<'_>) {
        for _ in 0..ROUND {
            let Poll::Ready(Some(event)) = Pin::new(&mut self.swarm).poll_next(cx) else { return };
            self.turns += 1;
            if let SwarmEvent::Behaviour(event) = event {
                self.on_link_event(event);
            }
        }
    }

    fn run_due(&mut self) {
        while let Some((at, task)) = self.agenda.take_due(self.now()) {
            self.turns += 1;
            match task {
                Task::Timer(timer) => self.feed(Input::Timer(timer)),
                Task::Command(command) => {
                    self.counts.late += u64::from(self.now().since(at) > LATE);
                    self.on_command(command);
                }
                Task::Lose(peer) => self.lose(peer),
                Task::Deliver(number) => self.deliver(number),
                Task::BeginWindow => self.begin_window(),
                Task::EndWindow => self.end_window(),
                Task::Look => self.look(),
                Task::TakeInventory => self.take_inventory(at),
                Task::Depart => {
                    self.end_window();
                    self.life = Life::Gone;
                }
            }
        }
    }

    fn on_order(&mut self, order: HostOrder) {
        match order {
            HostOrder::Due(due) => self.agenda.enter(due.at, Task::Command(due.command)),
            HostOrder::Strike(action, op) => {
                let now = self.now();
                self.window.leave(now);
                if let Some(course) = &mut self.course {
                    course.alive(now, 0);
                }
                match action {
                    FaultAction::Kill => self.life = Life::Gone,
                    FaultAction::Freeze => self.life = Life::Frozen,
                    FaultAction::Leave => return self.feed(Input::Command(Command::Leave { op })),
                }
                self.end_window();
            }
            HostOrder::Sleep => self.sleep(),
            HostOrder::Wake => self.wake(),
            HostOrder::Report => self.report(false),
            HostOrder::Look => self.looked_at = Some(self.machine.state()),
            HostOrder::End(at) => self.agenda.enter(at, Task::EndWindow),
        }
    }

    /// Nothing is done from here on but what the process orders; bytes wait in the sockets.
    fn sleep(&mut self) {
        if self.life == Life::Running {
            let now = self.now();
            self.life = Life::Frozen;
            self.window.leave(now);
            if let Some(course) = &mut self.course {
                course.alive(now, 0);
            }
        }
    }

    /// Timers are overdue, bytes wait; what the workload wanted meanwhile, it wanted in vain.
    fn wake(&mut self) {
        if self.life == Life::Frozen {
            let now = self.now();
            self.life = Life::Running;
            self.window.go_on(now);
            if let Some(course) = &mut self.course {
                course.alive(now, 1);
            }
            self.agenda.miss(now);
        }
    }

    fn on_command(&mut self, command: Command) {
        if let Command::Search { op, key } = command
            && self.schedule.fetch_offset.is_some()
        {
            self.searches.insert(op, key);
        }
        if let Command::Publish { item, .. } = command {
            self.contents.publish(&item.blob);
        }
        self.feed(Input::Command(command));
    }

    fn on_link_event(&mut self, event: LinkEvent) {
        match event {
            LinkEvent::Connected(_) => {}
            LinkEvent::Received { from, frames } => {
                for frame in frames {
                    self.on_arrival(from, &frame);
                }
            }
            LinkEvent::Lost { peer, dialed } => self.on_lost(peer, dialed),
        }
    }

    fn on_arrival(&mut self, from: NodeId, frame: &[u8]) {
        let Some(shaper) = &mut self.frame_shaper else { return self.on_frame(from, frame) };
        match shaper.hold(from, frame) {
            Ok((number, due)) => self.agenda.enter(self.time(due), Task::Deliver(number)),
            Err(Refusal::Unstamped) => self.counts.malformed += 1,
            Err(Refusal::NoRoom) => self.counts.dropped_bound += 1,
        }
    }

    fn deliver(&mut self, number: u64) {
        let Some(shaper) = &mut self.frame_shaper else { return };
        match shaper.take(number, &self.conditions) {
            Some(Arrival::Now(from, frame)) => self.on_frame(from, &frame),
            Some(Arrival::Later(due)) => {
                self.agenda.enter(self.time(due), Task::Deliver(number));
            }
            None => {}
        }
    }

    fn on_frame(&mut self, from: NodeId, frame: &[u8]) {
        match wire::decode_with::<O::Message>(frame, &mut self.contents) {
            Ok(message) => {
                self.traffic.receive(message.class(), frame.len() as u32);
                if let Some(item) = message.blob() {
                    let from_publisher = self.schedule.publishers.contains(&from);
                    self.traffic.receive_item(item.length, from_publisher);
                }
                self.counts.delivered += 1;
                self.feed(Input::Message { from, message });
            }
            Err(wire::Malformed::NoRoom) => self.counts.dropped_bound += 1,
            Err(_) => self.counts.malformed += 1,
        }
    }

    /// The network says that a peer cannot be reached; the node learns of it when it would on the
    /// emulated network. A broken connection is news that has travelled already; a refused dial
    /// has a round trip before it; and where hosts die without a word, a timeout takes their place.
    fn on_lost(&mut self, peer: NodeId, dialed: Option<Moment>) {
        let one_way = self.conditions.one_way(peer);
        let timeout = self.schedule.dead_peer_timeout;
        let at = match dialed {
            Some(dialed) => self.time(dialed) + timeout.unwrap_or(2 * one_way),
            None => self.now() + timeout.unwrap_or_default().saturating_sub(one_way),
        };
        self.agenda.enter(at, Task::Lose(peer));
    }

    fn lose(&mut self, peer: NodeId) {
        self.counts.peers_lost += 1;
        self.feed(Input::PeerLost(peer));
    }

    /// Feeds the node one input, and after it what it says to itself.
    fn feed(&mut self, input: Input<O>) {
        let mut next = Some(input);
        while let Some(input) = next {
            if self.life == Life::Running {
                self.counts.inputs += 1;
                self.machine.feed(self.now(), input);
                self.apply_effects();
            }
            next = self.local.pop_front();
        }
    }

    /// What the node asked for when it was made, and then whatever it said to itself.
    fn apply_first_effects(&mut self) {
        self.apply_effects();
        if let Some(input) = self.local.pop_front() {
            self.feed(input);
        }
    }

    fn apply_effects(&mut self) {
        let mut effects = std::mem::take(&mut self.effects);
        self.machine.take_effects(&mut effects);
        let now = self.now();
        for effect in effects.drain(..) {
            match effect {
                Effect::Send { to, message } => self.send(now, to, message),
                Effect::SetTimer { after, timer } => {
                    self.agenda.enter(now + after, Task::Timer(timer));
                }
                Effect::Emit(event) => self.on_event(now, event),
            }
        }
        self.effects = effects;
    }

    fn send(&mut self, now: Time, to: NodeId, message: O::Message) {
        if to == self.machine.me() {
            self.local.push_back(Input::Message { from: to, message });
            return;
        }
        let mut frame = Vec::new();
        wire::encode_with(&message, &mut self.contents, &mut frame);
        let length = frame.len() as u32;
        self.traffic.send(message.class(), length);
        if let Some(course) = &mut self.course {
            course.send(now, &message, length);
        }
        if let Some(item) = message.blob() {
            self.traffic.send_item(item.length);
        }
        if self.frame_shaper.is_some() {
            frame = FrameShaper::stamp(&self.conditions, to, &frame);
        }
        self.swarm.behaviour_mut().send(to, frame);
    }

    fn on_event(&mut self, at: Time, mut event: Event) {
        if let Event::Fetched { blob, .. } = &mut event {
            blob.intact = self.contents.has_all_of(blob);
        }
        match event {
            Event::Visited => self.visited += 1,
            Event::Dropped(DropReason::Nonsense) => self.counts.dropped_nonsense += 1,
            Event::Dropped(DropReason::Bound) => self.counts.dropped_bound += 1,
            Event::Dropped(DropReason::Corrupt) => self.counts.corrupt += 1,
            Event::Banned { .. } => self.counts.peers_banned += 1,
            _ => self.tell(HostNotice::Happened(Happening { node: self.machine.me(), at, event })),
        }
        match event {
            Event::Found { op, answer } => {
                let key = self.searches.remove(&op);
                if let (Some(holder), Some(key), Some(offset)) =
                    (answer.holder, key, self.schedule.fetch_offset)
                {
                    let op = OpId(op.0 + offset);
                    self.local.push_back(Input::Command(Command::Fetch { op, key, holder }));
                }
            }
            Event::Failed { op } => {
                self.searches.remove(&op);
            }
            Event::Left { .. } => {
                self.life = Life::Leaving;
                self.agenda.enter(at + DEPARTURE, Task::Depart);
            }
            _ => {}
        }
    }

    fn look(&mut self) {
        let neighbors = self.machine.neighbors();
        let now = self.now();
        if neighbors != self.neighbors {
            self.neighbors.clone_from(&neighbors);
            self.tell(HostNotice::Neighbors(self.machine.me(), now, neighbors));
        }
        if now < self.schedule.window_begins {
            self.agenda.enter(now + LOOK_EVERY, Task::Look);
        }
    }

    /// Writes down what the node remembers; the time is that of all others, however late it is.
    fn take_inventory(&mut self, at: Time) {
        let Some(absent) = self.schedule.inventories.get(&at) else { return };
        if self.life == Life::Running {
            let keys = &self.schedule.inventory_keys;
            let is_there = |node: NodeId| !absent.contains(&node);
            self.machine.take_inventory(at, keys, is_there, &mut self.inventories);
        }
    }

    fn begin_window(&mut self) {
        self.conditions.clear_lateness();
        let now = self.now();
        self.window.begin(now, self.counters());
        let mut course = Course::new(self.schedule.window_begins, 0);
        course.alive(now, 1);
        self.course = Some(course);
    }

    fn end_window(&mut self) {
        if self.window.end(self.now(), self.counters()) {
            self.report(true);
        }
    }

    fn report(&mut self, is_final: bool) {
        let now = self.now();
        let Some(span) = self.window.span(now, &self.counters()) else { return };
        let mut counts = self.counts;
        counts.links = self.swarm.behaviour().counts();
        let lateness = self.conditions.lateness();
        self.tell(HostNotice::Figures(Box::new(Figures {
            is_final,
            sample: NodeSample {
                node: self.machine.me(),
                conduct: self.machine.conduct(),
                role: self.machine.role(),
                uplink: self.machine.uplink(),
                alive: span.alive,
                traffic: span.counters.traffic,
                // Bytes are counted where they are shaped.
                wire: self.frame_shaper.is_none().then_some(span.counters.wire),
                state: self.looked_at.unwrap_or_else(|| self.machine.state()),
                resident_bytes: None,
                cpu: None,
            },
            counts,
            visited: span.counters.visited,
            connections: self.swarm.behaviour().connected() as u64,
            sent: self.course.as_ref().map(|course| course.so_far(now)).unwrap_or_default(),
            inventories: self.inventories.clone(),
            lateness: lateness
                .iter_recorded()
                .map(|value| (value.value_iterated_to(), value.count_at_value().into()))
                .collect(),
        })));
    }

    fn counters(&self) -> Counters {
        let (traffic, visited) = (self.traffic, self.visited);
        Counters { traffic, wire: self.conditions.wire_bytes(), visited }
    }

    /// Never waits for the controller: what does not fit the queue is counted.
    fn tell(&mut self, notice: HostNotice) {
        self.counts.unreported += u64::from(self.notices.try_send(notice).is_err());
    }

    fn now(&self) -> Time {
        self.time(Moment::now())
    }

    fn time(&self, moment: Moment) -> Time {
        Time::ZERO + moment.since(self.schedule.start)
    }
}
