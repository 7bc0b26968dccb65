//! Whom a node is linked to, and how it keeps it so: connecting, pinging, replacing what is lost.
use alloc::boxed::Box;
use alloc::vec::Vec;

use overlay_core::{Ctx, DropReason, Event, NodeId, Role, Time};
use smallvec::SmallVec;

use crate::hosts::Hosts;
use crate::{Flooding, FloodingConfig, FloodingMessage, Topology};

/// Pings that a link may leave unanswered; with one more it is given up.
const MISSED: u8 = 2;
/// Connections that a node tries between two rounds of upkeep: nobody hammers a full network.
const TRIES: u8 = 8;

type Context<'a> = Ctx<'a, Flooding>;

/// The links of one node.
#[derive(Clone, Debug)]
pub(crate) struct Links {
    /// The links that queries go over: to peers; a leaf's are to its super-peers.
    peers: SmallVec<[NodeId; 8]>,
    role: Role,
    /// What floods have no use for is apart: they touch a node's memory millions of times a second.
    upkeep: Box<Upkeep>,
}

#[derive(Clone, Debug, Default)]
struct Upkeep {
    /// Those of a super-peer, ascending.
    leaves: Vec<NodeId>,
    /// How many `peers` the node looks for.
    aim: u32,
    hosts: Hosts,
    /// Who was asked to be linked, and when.
    asked: Vec<(NodeId, Time)>,
    /// Links that have not answered the last pings, and how many.
    silent: Vec<(NodeId, u8)>,
    /// Through whom the node joined.
    rendezvous: Option<NodeId>,
    /// How many founders there are, if it is one of them.
    founders: u32,
    /// Connections tried since the last round of upkeep.
    tries: u8,
}

impl Links {
    pub(crate) fn new(role: Role, config: &FloodingConfig) -> Self {
        let aim = match (&config.super_peers, role) {
            (Some(own), Role::Leaf) => own.leaf_links.into(),
            _ => config.links.into(),
        };
        let upkeep = Box::new(Upkeep { aim, ..Upkeep::default() });
        Self { peers: SmallVec::new(), role, upkeep }
    }

    /// The links that queries go over.
    #[inline]
    pub(crate) fn peers(&self) -> &[NodeId] {
        &self.peers
    }

    pub(crate) const fn role(&self) -> Role {
        self.role
    }

    pub(crate) fn leaves(&self) -> &[NodeId] {
        &self.upkeep.leaves
    }

    /// Takes the place that the global view has for the node.
    pub(crate) fn settle(&mut self, topology: &Topology, cx: &mut Context<'_>) {
        *self = Self::new(topology.role(cx.me), cx.config);
        self.peers = SmallVec::from_slice(topology.peers(cx.me));
        self.upkeep.leaves = topology.leaves(cx.me).to_vec();
        if topology.is_given() {
            self.upkeep.aim = self.peers.len() as u32;
        }
        let equals = topology.equals();
        for _ in 0..cx.config.host_cache {
            let host = equals[cx.rng.below(equals.len() as u64) as usize];
            self.hear_of(host, cx);
        }
    }

    /// The founders are known: looks for links among them.
    pub(crate) fn found(&mut self, founders: u32, cx: &mut Context<'_>) {
        self.upkeep.founders = founders;
        let bound = u32::from(cx.config.host_cache);
        if founders <= bound {
            (0..founders).for_each(|host| self.hear_of(NodeId(host), cx));
        } else {
            for _ in 0..bound {
                let host = NodeId(cx.rng.below(founders.into()) as u32);
                self.hear_of(host, cx);
            }
        }
        self.hear_of_a_super_peer(cx);
        self.fill(cx);
    }

    /// One node is known: looks for a link there.
    pub(crate) fn join(&mut self, rendezvous: NodeId, cx: &mut Context<'_>) {
        self.upkeep.rendezvous = Some(rendezvous);
        self.hear_of(rendezvous, cx);
        self.fill(cx);
    }

    /// Among founders, node 0 is known to be one.
    fn hear_of_a_super_peer(&mut self, cx: &mut Context<'_>) {
        if cx.config.super_peers.is_some() {
            self.hear_of(NodeId(0), cx);
        }
    }

    fn hear_of(&mut self, host: NodeId, cx: &mut Context<'_>) {
        if host != cx.me {
            self.upkeep.hosts.add(host, cx.config.host_cache, cx.rng);
        }
    }

    /// Asks as many others to be linked as links are missing.
    pub(crate) fn fill(&mut self, cx: &mut Context<'_>) {
        let leaf = self.role == Role::Leaf;
        while !self.is_full(self.upkeep.asked.len()) && self.upkeep.tries < TRIES {
            let Self { peers, upkeep, .. } = self;
            let is_new = |host| {
                !peers.contains(&host)
                    && upkeep.leaves.binary_search(&host).is_err()
                    && !upkeep.asked.iter().any(|&(asked, _)| asked == host)
            };
            let Some(host) = upkeep.hosts.any(is_new, cx.rng) else { return };
            upkeep.tries += 1;
            upkeep.asked.push((host, cx.now));
            cx.send(host, FloodingMessage::Connect { leaf });
        }
    }

    /// Whether the node has as many links as it looks for, with so many more.
    fn is_full(&self, more: usize) -> bool {
        self.peers.len() + more >= self.upkeep.aim as usize
    }

    /// Whether the node has no link, or has asked for more and waits for the answer.
    pub(crate) fn are_being_made(&self) -> bool {
        let has_none = self.peers.is_empty() && self.upkeep.leaves.is_empty();
        has_none || (!self.is_full(0) && !self.upkeep.asked.is_empty())
    }

    /// The most links the node may have: a given graph may ask for more than the configuration.
    pub(crate) fn bound(&self, config: &FloodingConfig) -> usize {
        let aim = self.upkeep.aim as usize;
        if self.role == Role::Leaf { aim } else { aim.max(config.max_links.into()) }
    }

    fn stop_asking(&mut self, peer: NodeId) -> bool {
        let place = self.upkeep.asked.iter().position(|&(asked, _)| asked == peer);
        place.map(|place| self.upkeep.asked.swap_remove(place)).is_some()
    }

    /// Whether there is a link that queries go over.
    pub(crate) fn on_connect(&mut self, from: NodeId, leaf: bool, cx: &mut Context<'_>) -> bool {
        let accepts = if leaf { self.accept_leaf(from, cx) } else { self.accept_peer(from, cx) };
        let hosts = self.hosts_for(from, cx);
        if accepts {
            cx.send(from, FloodingMessage::Accept { hosts });
        } else {
            cx.send(from, FloodingMessage::Refuse { hosts });
        }
        if !leaf {
            self.hear_of(from, cx);
        }
        accepts && !leaf
    }

    fn accept_leaf(&mut self, from: NodeId, cx: &Context<'_>) -> bool {
        let Some(own) = cx.config.super_peers.as_ref().filter(|_| self.role == Role::SuperPeer)
        else {
            return false;
        };
        match self.upkeep.leaves.binary_search(&from) {
            Ok(_) => true,
            Err(_) if self.peers.contains(&from) => false,
            Err(place) => {
                let has_room = self.upkeep.leaves.len() < usize::from(own.max_leaves);
                if has_room {
                    self.upkeep.leaves.insert(place, from);
                    self.upkeep.hosts.remove(from);
                }
                has_room
            }
        }
    }

    fn accept_peer(&mut self, from: NodeId, cx: &Context<'_>) -> bool {
        if self.role == Role::Leaf || self.upkeep.leaves.binary_search(&from).is_ok() {
            return false;
        }
        if self.peers.contains(&from) {
            return true;
        }
        let accepts = self.peers.len() < self.bound(cx.config);
        if accepts {
            self.peers.push(from);
        }
        accepts
    }

    /// Whether there is a new link.
    pub(crate) fn on_accept(
        &mut self,
        from: NodeId,
        hosts: &[NodeId],
        cx: &mut Context<'_>,
    ) -> bool {
        let was_asked = self.stop_asking(from);
        let is_linked = self.is_linked(from);
        let is_new = was_asked && !is_linked && self.peers.len() < self.bound(cx.config);
        if is_new {
            self.peers.push(from);
        } else if !is_linked {
            cx.send(from, FloodingMessage::Bye); // Too late, or one too many.
        }
        if was_asked {
            self.learn(hosts, cx);
        }
        self.fill(cx);
        is_new
    }

    pub(crate) fn on_refuse(&mut self, from: NodeId, hosts: &[NodeId], cx: &mut Context<'_>) {
        if self.stop_asking(from) {
            self.upkeep.hosts.remove(from);
            self.learn(hosts, cx);
            self.fill(cx);
        }
    }

    pub(crate) fn on_ping(&mut self, from: NodeId, wants_hosts: bool, cx: &mut Context<'_>) {
        if self.is_linked(from) {
            self.upkeep.silent.retain(|&(silent, _)| silent != from);
            let hosts = if wants_hosts { self.hosts_for(from, cx) } else { Box::default() };
            cx.send(from, FloodingMessage::Pong { hosts });
        } else {
            cx.send(from, FloodingMessage::Bye); // It believes in a link that is none.
        }
    }

    pub(crate) fn on_pong(&mut self, from: NodeId, hosts: &[NodeId], cx: &mut Context<'_>) {
        if self.is_linked(from) {
            self.upkeep.silent.retain(|&(silent, _)| silent != from);
            self.learn(hosts, cx);
        }
    }

    fn is_linked(&self, peer: NodeId) -> bool {
        self.peers.contains(&peer) || self.upkeep.leaves.binary_search(&peer).is_ok()
    }

    /// Remembers whom a peer has heard of.
    fn learn(&mut self, hosts: &[NodeId], cx: &mut Context<'_>) {
        let bound = usize::from(cx.config.hosts_told);
        if hosts.len() > bound {
            cx.emit(Event::Dropped(DropReason::Nonsense));
        }
        for &host in hosts.iter().take(bound) {
            self.hear_of(host, cx);
        }
    }

    /// Whom to tell another node of: links, which are alive, and as many of the others. Telling
    /// only of links would make everybody's neighbours each other's; telling only of others would
    /// keep the memory of the dead alive.
    fn hosts_for(&self, asker: NodeId, cx: &mut Context<'_>) -> Box<[NodeId]> {
        let most = usize::from(cx.config.hosts_told);
        let mut hosts = Vec::with_capacity(most);
        let (peers, cached) = (&self.peers, self.upkeep.hosts.as_slice());
        Hosts::sample(peers, most.div_ceil(2), |host| host == asker, cx.rng, &mut hosts);
        let rest = most - hosts.len();
        let is_told = |host| host == asker || peers.contains(&host);
        Hosts::sample(cached, rest, is_told, cx.rng, &mut hosts);
        hosts.into_boxed_slice()
    }

    /// A peer is gone, or does not want the link. Whether there was one.
    pub(crate) fn forget(&mut self, peer: NodeId) -> bool {
        self.stop_asking(peer);
        self.upkeep.hosts.remove(peer);
        self.upkeep.silent.retain(|&(silent, _)| silent != peer);
        if let Ok(place) = self.upkeep.leaves.binary_search(&peer) {
            self.upkeep.leaves.remove(place);
            return true;
        }
        let place = self.peers.iter().position(|&linked| linked == peer);
        place.map(|place| self.peers.remove(place)).is_some()
    }

    /// A round of upkeep: pings every link, and gives the links that are to be given up.
    pub(crate) fn keep_up(&mut self, cx: &mut Context<'_>) -> Vec<NodeId> {
        let Self { peers, upkeep, .. } = self;
        upkeep.tries = 0;
        let patience = cx.config.timeout.into();
        let Upkeep { asked, hosts, .. } = &mut **upkeep;
        asked.retain(|&(host, at)| {
            let waits = cx.now.since(at) < patience;
            if !waits {
                hosts.remove(host);
            }
            waits
        });
        let given_up = upkeep.silent.iter().filter(|(_, missed)| *missed >= MISSED);
        let given_up: Vec<NodeId> = given_up.map(|&(peer, _)| peer).collect();
        let wants_hosts = upkeep.hosts.as_slice().len() < cx.config.host_cache.into();
        for &peer in peers.iter().chain(&upkeep.leaves) {
            match upkeep.silent.iter_mut().find(|(silent, _)| *silent == peer) {
                Some((_, missed)) => *missed += 1,
                None => upkeep.silent.push((peer, 1)),
            }
            if !given_up.contains(&peer) {
                cx.send(peer, FloodingMessage::Ping { wants_hosts });
            }
        }
        let knows_others = upkeep.hosts.as_slice().iter().any(|host| !peers.contains(host));
        let is_content = peers.len() >= upkeep.aim as usize;
        if peers.is_empty() || !(is_content || knows_others) {
            if let Some(way_back) = self.way_back(cx) {
                self.hear_of(way_back, cx);
            }
            self.hear_of_a_super_peer(cx);
        }
        given_up
    }

    /// Whom a node that has too few links and knows nobody else can turn to, having forgotten everybody
    /// who was silent: through whom it joined, or else a founder, whose addresses came with the program.
    /// Those it is linked to may be as cut off from the others as it is.
    fn way_back(&self, cx: &mut Context<'_>) -> Option<NodeId> {
        let Upkeep { rendezvous, founders, leaves, .. } = &*self.upkeep;
        let founder = || NodeId(cx.rng.below(u64::from(*founders)) as u32);
        rendezvous.or_else(|| (*founders > 0 && leaves.is_empty()).then(founder))
    }

    /// Says good-bye to every link and forgets them.
    pub(crate) fn leave(&mut self, cx: &mut Context<'_>) {
        let Upkeep { leaves, asked, .. } = core::mem::take(&mut *self.upkeep);
        let peers = core::mem::take(&mut self.peers);
        for peer in peers.into_iter().chain(leaves).chain(asked.into_iter().map(|(host, _)| host)) {
            cx.send(peer, FloodingMessage::Bye);
        }
    }

    /// Every link, ascending.
    pub(crate) fn all(&self) -> Vec<NodeId> {
        let mut all: Vec<NodeId> = self.peers.iter().chain(&self.upkeep.leaves).copied().collect();
        all.sort_unstable();
        all
    }

    /// How many distinct other nodes are remembered.
    pub(crate) fn remembered(&self) -> usize {
        let mut all = self.all();
        all.extend(self.upkeep.hosts.as_slice());
        all.extend(self.upkeep.asked.iter().map(|&(host, _)| host));
        all.sort_unstable();
        all.dedup();
        all.len()
    }

    /// How many other nodes the host cache has.
    pub(crate) fn cached(&self) -> usize {
        self.upkeep.hosts.as_slice().len()
    }
}
