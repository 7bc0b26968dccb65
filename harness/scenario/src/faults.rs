//! What goes wrong with which node, when, and who comes back.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use overlay_core::{Command, Item, NodeId, OpId, Purpose, Random, Time};

use crate::model::{Fault, FaultAction, Scenario};
use crate::present::Present;
use crate::timetable::{Due, Plan, Timetable, spread};
use crate::world::{nearest_count, shuffle};

/// Streams of [`Purpose::Churn`] from this one on are the faults'; 0 is the joins'.
const FAULTS: u64 = 1;
/// Streams of [`Purpose::Churn`] from this one on are those of nodes that come back, from twice this
/// one on of those that come back for the second time, and so on.
const RETURNS: u64 = 1 << 32;
/// A node that is back publishes what it holds within this time.
const PUBLISHES_WITHIN: Duration = Duration::from_secs(1);

/// A fault at one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DueFault {
    /// When it is due.
    pub at: Time,
    /// The node it strikes.
    pub node: NodeId,
    /// What happens to the node.
    pub action: FaultAction,
    /// When the node comes back, as one that remembers nothing, or wakes; `None`: never.
    pub back_at: Option<Time>,
}

/// A node comes back, or wakes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DueReturn {
    /// When it is due.
    pub at: Time,
    /// The node.
    pub node: NodeId,
    /// Which of its lives begins: 1 when it comes back for the first time. Who wakes goes on with the
    /// one it has.
    pub life: u32,
    /// It was frozen, and goes on with everything it remembered.
    pub wakes: bool,
}

/// Who is struck, in the order of time.
pub(crate) fn draw(scenario: &Scenario, seed: u64) -> Vec<DueFault> {
    let mut order: Vec<(usize, &Fault)> = scenario.faults.iter().enumerate().collect();
    order.sort_by_key(|(_, fault)| fault.at);
    let mut untouched = vec![true; scenario.nodes as usize];
    let mut due = Vec::new();
    for (index, fault) in order {
        let mut random = Random::stream(seed, Purpose::Churn, FAULTS + index as u64);
        let mut struck: Vec<u32> = Vec::new();
        for &node in &fault.nodes {
            if std::mem::replace(&mut untouched[node as usize], false) {
                struck.push(node);
            }
        }
        let mut others: Vec<u32> =
            (0..scenario.nodes).filter(|&node| untouched[node as usize]).collect();
        shuffle(&mut others, &mut random);
        others.truncate(nearest_count(fault.share, others.len()));
        for &node in &others {
            untouched[node as usize] = false;
        }
        struck.append(&mut others);
        struck.sort_unstable();
        let at = Time::ZERO + fault.at.0;
        due.extend(struck.into_iter().map(|node| DueFault {
            at,
            node: NodeId(node),
            action: fault.action,
            back_at: fault.back_after.map(|after| at + after.0),
        }));
    }
    due
}

/// Who comes back, in the order of time.
pub(crate) fn returns(faults: &[DueFault]) -> Vec<DueReturn> {
    let back = |fault: &DueFault| {
        let wakes = fault.action == FaultAction::Freeze;
        Some(DueReturn { at: fault.back_at?, node: fault.node, life: 0, wakes })
    };
    let mut returns: Vec<DueReturn> = faults.iter().filter_map(back).collect();
    returns.sort_unstable();
    let mut lives: BTreeMap<NodeId, u32> = BTreeMap::new();
    for back in &mut returns {
        let life = lives.entry(back.node).or_default();
        *life += u32::from(!back.wakes);
        back.life = *life;
    }
    returns
}

/// What the workload asks of nodes that are back, in the order of time: to join through a node
/// that is there, and to publish once more what was to be published by then, if they keep items.
pub(crate) fn commands(
    plan: &Arc<Plan>,
    faults: &[DueFault],
    returns: &[DueReturn],
    keep_items: bool,
) -> Vec<Due> {
    let its_own: &[DueReturn] = if keep_items { returns } else { &[] };
    let published = publications_of(plan, its_own);
    let mut commands = Vec::new();
    let mut present = Present::all(plan.nodes);
    let (mut gone, mut back) = (faults.iter().peekable(), returns.iter().peekable());
    for together in returns.chunk_by(|one, other| one.at == other.at) {
        let now = together[0].at;
        loop {
            let (fault, comes) = (gone.peek().map(|it| it.at), back.peek().map(|it| it.at));
            match (fault, comes) {
                (Some(fault), comes) if fault <= now && comes.is_none_or(|back| fault < back) => {
                    gone.next().into_iter().for_each(|it| present.set(it.node, false));
                }
                (_, Some(comes)) if comes <= now => {
                    back.next().into_iter().for_each(|it| present.set(it.node, true));
                }
                _ => break,
            }
        }
        // Who comes back together knows nobody yet, and could only wait for one another.
        together.iter().for_each(|it| present.set(it.node, false));
        let are_alone = present.count() == 0;
        if are_alone {
            together.iter().for_each(|it| present.set(it.node, true));
        }
        // While others join, only founders are known to be there.
        let joined = if now < Time::ZERO + plan.joined_by { plan.founders } else { plan.nodes };
        for &DueReturn { at, node, life, .. } in together.iter().filter(|back| !back.wakes) {
            let stream = RETURNS * u64::from(life) + u64::from(node.0);
            let mut random = Random::stream(plan.seed, Purpose::Churn, stream);
            let op = OpId(plan.operations.rejoins.start + node.0);
            let rendezvous = plan.draw_through(&mut random).filter(|through| *through != node);
            let rendezvous =
                rendezvous.unwrap_or_else(|| present.draw_other(node, joined, &mut random));
            commands.push(Due { at, node, command: Command::Join { op, rendezvous } });
            let its = published.get(&node).map_or(&[][..], Vec::as_slice);
            let its: Vec<_> = its.iter().filter(|(due, ..)| *due < at).collect();
            for (place, &&(_, op, item)) in (0..).zip(&its) {
                let after = spread(PUBLISHES_WITHIN, place, its.len(), &mut random);
                let operations = &plan.operations;
                let op = OpId(operations.republishes.start + (op.0 - operations.publishes.start));
                commands.push(Due { at: at + after, node, command: Command::Publish { op, item } });
            }
        }
        together.iter().for_each(|it| present.set(it.node, true));
    }
    commands.sort_by_key(|due| due.at);
    commands
}

/// What each node that comes back had to publish, and when.
fn publications_of(
    plan: &Arc<Plan>,
    returns: &[DueReturn],
) -> BTreeMap<NodeId, Vec<(Time, OpId, Item)>> {
    let nodes: BTreeSet<NodeId> = returns.iter().map(|back| back.node).collect();
    let mut published: BTreeMap<NodeId, Vec<_>> = BTreeMap::new();
    if nodes.is_empty() {
        return published;
    }
    let timetable = Timetable::new(Arc::clone(plan), Arc::default());
    for due in timetable.take_while(|due| !matches!(due.command, Command::Search { .. })) {
        if let Command::Publish { op, item } = due.command
            && nodes.contains(&due.node)
        {
            published.entry(due.node).or_default().push((due.at, op, item));
        }
    }
    published
}
