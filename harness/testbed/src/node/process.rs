//! What a node process does between its set-up and its end.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use overlay_core::{NodeId, OpId, Overlay, Time};
use peerbench_scenario::{Document, FaultAction, Scenario, Timetable, Transport, World};
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until};

use super::Controller;
use super::host::{Figures, Host, HostNotice, HostOrder, Schedule, Ways};
use super::machine::{Identity, Machine};
use super::member::Member;
use super::usage::{Memory, memory, processor_time};
use crate::Error;
use crate::clock::{Alarm, Moment};
use crate::control::{Address, Counts, Happening, Notice, Order, ProcessReport, Setup, Token};
use crate::link::Peers;
use crate::transport::{self, Conditions, Directory, socket_address};

/// Orders that may wait for a node.
const ORDERS: usize = 4_096;
/// Notices that may wait for the controller, from all nodes of the process.
const NOTICES: usize = 65_536;
/// Events are collected this long before they are sent on: the controller's work is not to get in
/// the nodes' way.
const COLLECT: Duration = Duration::from_millis(20);
/// How often figures so far are reported, for the case that the process dies.
const CHECKPOINT: Duration = Duration::from_secs(1);
/// The workload is read this far ahead, this often.
const READ_AHEAD: Duration = Duration::from_secs(2);
const READ_EVERY: Duration = Duration::from_secs(1);

/// Runs the nodes of a set-up until the control connection ends.
///
/// # Errors
/// If the scenario does not read, a node cannot listen, or the connection breaks.
pub(super) async fn run<O: Overlay>(
    setup: &Setup,
    token: &Token,
    controller: &mut Controller,
) -> Result<(), Error> {
    let (scenario, config) = read::<O>(setup)?;
    let world = Arc::new(World::new(&scenario, setup.seed)?);
    let alarm = Alarm::start()?;
    let (directory, peers) = (Directory::default(), Arc::new(OnceLock::new()));
    let from = begin(setup);
    let kind = scenario.testbed.transport;
    let mut members = Vec::new();
    for (place, &node) in setup.nodes.iter().enumerate() {
        let conditions = conditions(&scenario, &world, node);
        let shared = (directory.clone(), Arc::clone(&peers), alarm.clone());
        let mut member = Member::new::<O>(node, token, kind, conditions, shared)?;
        match &setup.back {
            Some(back) => member.listen_again(back.multiaddresses.get(place)).await?,
            None => member.listen(transport::any_port(kind)).await?,
        }
        members.push(member);
    }
    let addresses = members.iter().filter_map(Member::address).collect();
    controller.tell(&Notice::Listening(addresses)).await?;
    let Some(Order::Table(table)) = controller.orders.recv().await else { return Ok(()) };
    fill(&table, &directory, &peers)?;
    drop(table);
    controller.tell(&Notice::Ready).await?;
    let Some(Order::Go(start)) = controller.orders.recv().await else { return Ok(()) };

    let schedule = Arc::new(schedule(&scenario, &world, setup, start));
    let config = Arc::new(config);
    let is_settled = setup.back.is_none() && !scenario.forms_by_joining();
    let oracle = is_settled.then(|| O::oracle(&config, &*world));
    let (notices, inbox) = mpsc::channel(NOTICES);
    let mut process = Process::new(Arc::clone(&world), setup, inbox);
    for member in members {
        let identity = identity(member.node, setup, &world, &config);
        let (sender, orders) = mpsc::channel(ORDERS);
        let host = Host::new(
            Machine::<O>::new(identity, oracle.as_ref()),
            member.swarm,
            member.conditions,
            Arc::clone(&schedule),
            &alarm,
            Ways { orders, notices: notices.clone() },
        );
        process.hosts.insert(member.node, sender);
        let alarm = alarm.clone();
        tokio::spawn(async move {
            alarm.sleep_until(start).await;
            host.run().await;
        });
    }
    drop(oracle);
    tokio::spawn(read_workload(world.timetable(), from, process.hosts.clone(), start));
    process.measure_processor_time(schedule.window_begins.since(Time::ZERO), start);
    process.serve(controller).await
}

fn read<O: Overlay>(setup: &Setup) -> Result<(Scenario, O::Config), Error> {
    let document = Document::parse("the scenario of this run", setup.scenario.as_str())?;
    Ok((document.resolved()?, document.overlay_config::<O::Config>(O::NAME)?))
}

/// When the nodes of a set-up begin.
fn begin(setup: &Setup) -> Time {
    setup.back.as_ref().map_or(Time::ZERO, |back| back.at)
}

fn identity<O: Overlay>(
    node: NodeId,
    setup: &Setup,
    world: &World,
    config: &Arc<O::Config>,
) -> Identity<O> {
    Identity {
        me: node,
        config: Arc::clone(config),
        conduct: world.conduct(node),
        uplink: world.uplink(node),
        seed: setup.seed,
        life: setup.back.as_ref().map_or(0, |back| back.life),
        since: begin(setup),
    }
}

fn schedule(scenario: &Scenario, world: &World, setup: &Setup, start: Moment) -> Schedule {
    let plan = world.inventory_plan();
    let times = plan.times.into_iter().filter(|time| *time >= begin(setup));
    Schedule {
        start,
        inventories: times.map(|time| (time, world.absent_at(time))).collect(),
        inventory_keys: plan.keys,
        window_begins: world.searches_from(),
        window_ends: world.ends_at(),
        shapes_frames: scenario.testbed.shaped && scenario.testbed.transport == Transport::Quic,
        dead_peer_timeout: scenario.network.dead_peer_timeout.map(|span| span.0),
        publishers: publishers(world),
        real: setup.real.clone(),
        fetch_offset: world.operations().fetch_offset(),
    }
}

fn publishers(world: &World) -> BTreeSet<NodeId> {
    (0..world.nodes()).map(NodeId).filter(|node| world.is_publisher(*node)).collect()
}

fn conditions(scenario: &Scenario, world: &Arc<World>, node: NodeId) -> Arc<Conditions> {
    if !scenario.testbed.shaped {
        return Arc::new(Conditions::unshaped(node));
    }
    let (up, down) = (world.uplink(node), world.downlink(node));
    let world = Arc::clone(world);
    let one_way = move |from, to: NodeId| {
        // A stranger may claim to be any node.
        let known = to.0 < world.nodes();
        Duration::from_nanos(if known { world.one_way(from, to) } else { 0 })
    };
    Arc::new(Conditions::shaped(node, Box::new(one_way), up, down))
}

fn fill(table: &[Address], directory: &Directory, peers: &OnceLock<Peers>) -> Result<(), Error> {
    let rows: Option<Vec<_>> = table.iter().map(Address::parse).collect();
    let rows = rows.ok_or(Error::Table)?;
    let places = rows.iter().map(|(_, address)| socket_address(address));
    directory.fill(places.zip(0..).filter_map(|(place, node)| Some((place?, NodeId(node)))));
    let _ = peers.set(Peers::new(rows));
    Ok(())
}

/// Hands every node its part of the workload from a time on, shortly before it is due.
async fn read_workload(
    timetable: Timetable,
    from: Time,
    hosts: BTreeMap<NodeId, Sender<HostOrder>>,
    start: Moment,
) {
    let mut timetable = timetable.peekable();
    while timetable.peek().is_some() {
        let horizon = Time::ZERO + Moment::now().since(start) + READ_AHEAD;
        while let Some(due) = timetable.next_if(|due| due.at <= horizon) {
            if due.at >= from
                && let Some(host) = hosts.get(&due.node)
            {
                // A node that is gone has no use for it.
                let _ = host.send(HostOrder::Due(due)).await;
            }
        }
        sleep(READ_EVERY).await;
    }
}

/// The nodes of this process and what they told.
struct Process {
    world: Arc<World>,
    hosts: BTreeMap<NodeId, Sender<HostOrder>>,
    inbox: Receiver<HostNotice>,
    events: Vec<Happening>,
    flush_at: Option<Instant>,
    figures: BTreeMap<NodeId, Figures>,
    finished: bool,
    nodes: usize,
    window_opens: Instant,
    processor_time: Option<Duration>,
}

impl Process {
    fn new(world: Arc<World>, setup: &Setup, inbox: Receiver<HostNotice>) -> Self {
        Self {
            world,
            hosts: BTreeMap::new(),
            inbox,
            events: Vec::new(),
            flush_at: None,
            figures: BTreeMap::new(),
            finished: false,
            nodes: setup.nodes.len(),
            window_opens: Instant::now(),
            processor_time: None,
        }
    }

    /// Has processor time counted from this long after the start.
    fn measure_processor_time(&mut self, from: Duration, start: Moment) {
        self.window_opens = Instant::now() + (start + from).since(Moment::now());
    }

    /// Passes orders on and notices back until the controller hangs up.
    async fn serve(mut self, controller: &mut Controller) -> Result<(), Error> {
        let mut checkpoint = interval(CHECKPOINT);
        checkpoint.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let flush_at = self.flush_at;
            let flush = async move { sleep_until(flush_at.unwrap_or_else(Instant::now)).await };
            tokio::select! {
                order = controller.orders.recv() => match order {
                    Some(order) => self.pass(order).await,
                    None => return Ok(()),
                },
                Some(notice) = self.inbox.recv() => self.take(notice, controller).await?,
                () = flush, if flush_at.is_some() => self.flush(controller).await?,
                () = sleep_until(self.window_opens), if self.processor_time.is_none() => {
                    self.processor_time = Some(processor_time());
                }
                _ = checkpoint.tick(), if !self.finished => self.order_all(|| HostOrder::Report).await,
            }
        }
    }

    async fn pass(&mut self, order: Order) {
        match order {
            Order::Strike(node, action) => {
                let op = match action {
                    FaultAction::Leave => self.world.operations().leave_of(node),
                    FaultAction::Kill | FaultAction::Freeze => OpId(0),
                };
                self.order(node, HostOrder::Strike(action, op)).await;
            }
            Order::Sleep(node) => self.order(node, HostOrder::Sleep).await,
            Order::Wake(node) => self.order(node, HostOrder::Wake).await,
            Order::Look => self.order_all(|| HostOrder::Look).await,
            Order::End(at) => self.order_all(|| HostOrder::End(at)).await,
            _ => {}
        }
    }

    async fn order_all(&self, order: impl Fn() -> HostOrder) {
        for host in self.hosts.values() {
            // A node that is gone has reported its figures already.
            let _ = host.send(order()).await;
        }
    }

    async fn order(&self, node: NodeId, order: HostOrder) {
        if let Some(host) = self.hosts.get(&node) {
            // A node that is gone has reported its figures already.
            let _ = host.send(order).await;
        }
    }

    async fn take(&mut self, notice: HostNotice, controller: &mut Controller) -> Result<(), Error> {
        match notice {
            HostNotice::Happened(happening) => {
                self.events.push(happening);
                self.flush_at.get_or_insert_with(|| Instant::now() + COLLECT);
            }
            HostNotice::Neighbors(node, at, neighbors) => {
                controller.tell(&Notice::Neighbors { node, at, neighbors }).await?;
            }
            HostNotice::Figures(figures) => self.take_figures(*figures, controller).await?,
        }
        Ok(())
    }

    async fn take_figures(
        &mut self,
        figures: Figures,
        controller: &mut Controller,
    ) -> Result<(), Error> {
        let node = figures.sample.node;
        if self.figures.get(&node).is_none_or(|known| !known.is_final) {
            self.figures.insert(node, figures);
        }
        let complete = self.figures.len() == self.nodes;
        let is_final = complete && self.figures.values().all(|figures| figures.is_final);
        if is_final && !self.finished {
            self.finished = true;
            self.flush(controller).await?;
            controller.tell(&Notice::Finished(Box::new(self.report()))).await?;
        } else if complete && !self.finished && node == self.last_node() {
            controller.tell(&Notice::Checkpoint(Box::new(self.report()))).await?;
        }
        Ok(())
    }

    fn last_node(&self) -> NodeId {
        self.figures.last_key_value().map_or(NodeId(0), |(node, _)| *node)
    }

    async fn flush(&mut self, controller: &mut Controller) -> Result<(), Error> {
        self.flush_at = None;
        let events = std::mem::take(&mut self.events);
        if events.is_empty() {
            return Ok(());
        }
        controller.tell(&Notice::Events(events)).await
    }

    fn report(&self) -> ProcessReport {
        let mut report = ProcessReport::default();
        let mut counts = Counts::default();
        let mut lateness = BTreeMap::new();
        // Walking the memory map takes the kernel a while: not in the middle of the window.
        let memory = if self.finished { memory() } else { Memory::default() };
        for figures in self.figures.values() {
            let mut sample = figures.sample;
            if self.finished {
                sample.resident_bytes = Some(memory.resident / self.nodes as u64);
            }
            if self.nodes == 1 {
                sample.cpu = self.processor_time.map(|from| processor_time() - from);
            }
            report.nodes.push(sample);
            counts.add(&figures.counts);
            report.visited += figures.visited;
            report.connections += figures.connections;
            report.sent.merge(&figures.sent);
            report.inventories.merge(&figures.inventories);
            for (micros, times) in &figures.lateness {
                *lateness.entry(*micros).or_default() += times;
            }
        }
        report.counts = counts;
        report.lateness = lateness.into_iter().collect();
        (report.proportional_bytes, report.own_bytes) = (memory.proportional, memory.own);
        report
    }
}
