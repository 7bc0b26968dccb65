//! What a node of the testbed was fed, fed again without a network: the same effects.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod carousel;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use carousel::{Carousel, Config as Settings};
use futures::StreamExt as _;
use libp2p::identity::Keypair;
use libp2p::swarm::{Config, SwarmEvent};
use libp2p::{StreamProtocol, Swarm};
use overlay_core::units::BitRate;
use overlay_core::{Blob, Command, Conduct, Event, Item, Key, NodeId, OpId, Time};
use peerbench_scenario::{Due, FaultAction};
use peerbench_testbed::clock::{Alarm, Moment};
use peerbench_testbed::link::{Links, Peers};
use peerbench_testbed::node::{Host, HostNotice, HostOrder, Identity, Machine, Schedule, Ways};
use peerbench_testbed::transport::{self, Conditions, Directory};
use tokio::sync::mpsc;

const NODES: u32 = 4;

fn identity(node: u32) -> Identity<Carousel> {
    let config = Arc::new(Settings { nodes: NODES });
    Identity {
        me: NodeId(node),
        config,
        conduct: Conduct::Contributor,
        uplink: BitRate(0),
        seed: 3,
        life: 0,
        since: Time::ZERO,
    }
}

async fn listen(node: u32, peers: &Arc<OnceLock<Peers>>, alarm: &Alarm) -> Member {
    let key = Keypair::generate_ed25519();
    let conditions = Arc::new(Conditions::unshaped(NodeId(node)));
    let directory = Directory::default();
    let transport =
        transport::tcp(&key, Arc::clone(&conditions), directory, alarm.clone()).unwrap();
    let links = Links::new(NodeId(node), StreamProtocol::new("/replay/1"), Arc::clone(peers));
    let config = Config::with_tokio_executor();
    let mut swarm = Swarm::new(transport, links, key.public().to_peer_id(), config);
    swarm.listen_on("/ip4/127.0.0.1/tcp/0".parse().unwrap()).unwrap();
    loop {
        if let SwarmEvent::NewListenAddr { address, .. } = swarm.select_next_some().await {
            return (swarm, conditions, address);
        }
    }
}

type Member = (Swarm<Links>, Arc<Conditions>, libp2p::Multiaddr);

fn workload() -> impl Iterator<Item = Due> {
    let key = |n: u32| Key::of(&n.to_le_bytes());
    let due = |op: u32, command| Due {
        at: Time::from_nanos(u64::from(op) * 2_000_000),
        node: NodeId(op % NODES),
        command,
    };
    let publishes = (0..20).map(move |op| {
        let item = Item { key: key(op), blob: Blob::new(u64::from(op), 100) };
        due(op, Command::Publish { op: OpId(op), item })
    });
    let searches =
        (20..60).map(move |op| due(op, Command::Search { op: OpId(op), key: key(op - 20) }));
    publishes.chain(searches)
}

#[tokio::test]
async fn a_recorded_node_replays_to_the_same_effects() {
    let alarm = Alarm::start().unwrap();
    let peers = Arc::new(OnceLock::new());
    let mut members = Vec::new();
    for node in 0..NODES {
        members.push(listen(node, &peers, &alarm).await);
    }
    let rows = members.iter().map(|(swarm, _, address)| (*swarm.local_peer_id(), address.clone()));
    peers.set(Peers::new(rows)).unwrap();
    let schedule = Arc::new(Schedule {
        start: Moment::now(),
        window_begins: Time::ZERO,
        window_ends: Time::ZERO + Duration::from_secs(60),
        dead_peer_timeout: None,
        shapes_frames: false,
        inventories: BTreeMap::new(),
        inventory_keys: Vec::new(),
        publishers: BTreeSet::new(),
        real: None,
        fetch_offset: None,
    });
    let (notices, mut inbox) = mpsc::channel(4_096);
    let (mut orders, mut hosts) = (BTreeMap::new(), Vec::new());
    for (node, (swarm, conditions, _)) in (0..NODES).zip(members) {
        let (sender, receiver) = mpsc::channel(256);
        let mut machine = Machine::new(identity(node), None);
        machine.record();
        let ways = Ways { orders: receiver, notices: notices.clone() };
        let host = Host::new(machine, swarm, conditions, Arc::clone(&schedule), &alarm, ways);
        hosts.push(tokio::spawn(host.run()));
        orders.insert(NodeId(node), sender);
    }
    for due in workload() {
        orders[&due.node].send(HostOrder::Due(due)).await.unwrap();
    }
    let mut found = 0;
    while found < 40 {
        if let Some(HostNotice::Happened(happening)) = inbox.recv().await {
            found += u32::from(matches!(happening.event, Event::Found { .. }));
        }
    }
    for sender in orders.values() {
        sender.send(HostOrder::Strike(FaultAction::Kill, OpId(0))).await.unwrap();
    }
    for (node, host) in (0..NODES).zip(hosts) {
        let machine = host.await.unwrap();
        let recording = machine.recording().unwrap();
        assert!(recording.len() > 15, "its share of the workload and the others' messages");
        let again = Machine::replay(identity(node), None, recording);
        let effects = |machine: &Machine<Carousel>| {
            let recording = machine.recording().unwrap_or_default().iter();
            recording.map(|recorded| recorded.effects.clone()).collect::<Vec<_>>()
        };
        assert_eq!(effects(&machine), effects(&again));
    }
}
