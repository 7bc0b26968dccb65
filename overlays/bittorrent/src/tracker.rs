//! The tracker: who takes part in which swarm (BEP 3).
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use overlay_core::{Key, NodeId, Random, Time};

use crate::config::BittorrentConfig;
use crate::message::Reason;
use crate::metainfo::Metainfo;

/// Most swarms that a tracker keeps.
const MOST_SWARMS: usize = 65_536;
/// Most peers of a swarm that a tracker keeps.
const MOST_PEERS: usize = 65_536;

/// Most silent peers that are forgotten with one announcement.
const MOST_FORGOTTEN: usize = 64;

/// What a tracker knows.
#[derive(Clone, Debug, Default)]
pub struct Tracker {
    swarms: BTreeMap<Key, Swarm>,
}

#[derive(Clone, Debug)]
struct Swarm {
    metainfo: Metainfo,
    /// In no order: the first ones of a shuffle are a random choice.
    peers: Vec<Peer>,
    /// Where in `peers` each one is.
    places: BTreeMap<NodeId, usize>,
    seeds: u32,
}

#[derive(Clone, Copy, Debug)]
struct Peer {
    node: NodeId,
    is_seed: bool,
    announced: Time,
}

/// What a node announces.
#[derive(Clone, Copy, Debug)]
pub struct Announcement {
    /// Who.
    pub from: NodeId,
    /// The item's key.
    pub key: Key,
    /// Why.
    pub reason: Reason,
    /// How many bytes it needs.
    pub left: u32,
    /// What the item is; `None`: it only asks.
    pub metainfo: Option<Metainfo>,
}

/// The answer to an announcement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeerList {
    /// Peers, drawn at random, a seed in front if there is one.
    pub peers: Vec<NodeId>,
    /// How many seeds there are.
    pub seeds: u32,
    /// What the item is.
    pub metainfo: Option<Metainfo>,
}

impl Tracker {
    /// Takes note of an announcement with a sound metainfo; the answer, `None` if it was a good-bye.
    /// The second value is whether it was refused, because a bound was reached or another item
    /// goes by this key.
    pub fn announce(
        &mut self,
        it: Announcement,
        now: Time,
        config: &BittorrentConfig,
        random: &mut Random,
    ) -> (Option<PeerList>, bool) {
        if it.reason == Reason::Stopped {
            self.forget(it.from, &it.key);
            return (None, false);
        }
        let is_full = it.metainfo.is_some_and(|metainfo| !self.enter(it, metainfo, now));
        let Some(swarm) = self.swarms.get_mut(&it.key) else {
            return (Some(PeerList::default()), is_full);
        };
        swarm.expire(now, config);
        let peers = swarm.draw(it.from, usize::from(config.num_want), random);
        let list = PeerList { peers, seeds: swarm.seeds, metainfo: Some(swarm.metainfo) };
        (Some(list), is_full)
    }

    /// A node is gone.
    pub fn lose(&mut self, node: NodeId) {
        self.swarms.values_mut().for_each(|swarm| swarm.remove(node));
        self.swarms.retain(|_, swarm| !swarm.peers.is_empty());
    }

    /// How many nodes are known in all swarms together: one record each.
    #[must_use]
    pub fn records(&self) -> u32 {
        self.swarms.values().map(|swarm| swarm.peers.len() as u32).sum()
    }

    /// The records, encoded, in bytes: a node and whether it is a seed; and for each swarm its key
    /// and what the item is.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        5 * u64::from(self.records()) + (20 + 16) * self.swarms.len() as u64
    }

    /// The nodes that take part in any swarm, ascending, each once.
    #[must_use]
    pub fn nodes(&self) -> Vec<NodeId> {
        let swarms = self.swarms.values();
        let mut nodes: Vec<NodeId> = swarms.flat_map(|it| it.places.keys().copied()).collect();
        nodes.sort_unstable();
        nodes.dedup();
        nodes
    }

    /// False if there is no room, or another item goes by this key.
    fn enter(&mut self, it: Announcement, metainfo: Metainfo, now: Time) -> bool {
        if !self.swarms.contains_key(&it.key) {
            if self.swarms.len() >= MOST_SWARMS {
                return false;
            }
            let swarm = Swarm { metainfo, peers: Vec::new(), places: BTreeMap::new(), seeds: 0 };
            self.swarms.insert(it.key, swarm);
        }
        let Some(swarm) = self.swarms.get_mut(&it.key) else { return false };
        swarm.metainfo == metainfo && swarm.enter(it.from, it.left == 0, now)
    }

    fn forget(&mut self, node: NodeId, key: &Key) {
        if let Some(swarm) = self.swarms.get_mut(key) {
            swarm.remove(node);
            if swarm.peers.is_empty() {
                self.swarms.remove(key);
            }
        }
    }
}

impl Swarm {
    fn enter(&mut self, node: NodeId, is_seed: bool, announced: Time) -> bool {
        let peer = Peer { node, is_seed, announced };
        match self.places.get(&node) {
            Some(&place) => {
                self.seeds -= u32::from(self.peers[place].is_seed);
                self.peers[place] = peer;
            }
            None if self.peers.len() >= MOST_PEERS => return false,
            None => {
                self.places.insert(node, self.peers.len());
                self.peers.push(peer);
            }
        }
        self.seeds += u32::from(is_seed);
        true
    }

    fn remove(&mut self, node: NodeId) {
        let Some(place) = self.places.remove(&node) else { return };
        self.seeds -= u32::from(self.peers.swap_remove(place).is_seed);
        if let Some(moved) = self.peers.get(place) {
            self.places.insert(moved.node, place);
        }
    }

    /// Forgets who was silent for more than two periods; a bounded number at once.
    fn expire(&mut self, now: Time, config: &BittorrentConfig) {
        let patience = 2 * config.announce_every.0;
        let silent = self.peers.iter().filter(|it| now.since(it.announced) > patience);
        let silent: Vec<NodeId> = silent.take(MOST_FORGOTTEN).map(|it| it.node).collect();
        silent.into_iter().for_each(|node| self.remove(node));
    }

    /// So many others at random; the first one is a seed, if there is one among them.
    fn draw(&mut self, asker: NodeId, most: usize, random: &mut Random) -> Vec<NodeId> {
        let mut drawn = Vec::with_capacity(most.min(self.peers.len()));
        for place in 0..self.peers.len() {
            if drawn.len() == most {
                break;
            }
            let rest = (self.peers.len() - place) as u64;
            self.exchange(place, place + random.below(rest) as usize);
            let Peer { node, is_seed, .. } = self.peers[place];
            if node == asker {
                continue;
            }
            drawn.push(node);
            if is_seed {
                let last = drawn.len() - 1;
                drawn.swap(0, last);
            }
        }
        drawn
    }

    fn exchange(&mut self, a: usize, b: usize) {
        self.peers.swap(a, b);
        self.places.insert(self.peers[a].node, a);
        self.places.insert(self.peers[b].node, b);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;
    use core::time::Duration;
    use overlay_core::Purpose;

    const METAINFO: Metainfo = Metainfo { content: 1, length: 100_000, piece_length: 16_384 };

    fn announcement(from: u32, reason: Reason, left: u32) -> Announcement {
        let key = Key([7; 20]);
        Announcement { from: NodeId(from), key, reason, left, metainfo: Some(METAINFO) }
    }

    fn ask(tracker: &mut Tracker, it: Announcement, seconds: u64) -> PeerList {
        let config = BittorrentConfig::default();
        let now = Time::ZERO + Duration::from_secs(seconds);
        let mut random = Random::stream(1, Purpose::Node, 0);
        tracker.announce(it, now, &config, &mut random).0.unwrap_or_default()
    }

    #[test]
    fn the_list_has_others_at_random_and_a_seed_first() {
        let mut tracker = Tracker::default();
        ask(&mut tracker, announcement(0, Reason::Completed, 0), 0);
        for node in 1..30 {
            ask(&mut tracker, announcement(node, Reason::Started, 5), 0);
        }
        let list = ask(&mut tracker, announcement(9, Reason::Regular, 5), 1);
        assert_eq!((list.peers[0], list.seeds, list.metainfo), (NodeId(0), 1, Some(METAINFO)));
        let distinct: BTreeSet<NodeId> = list.peers.iter().copied().collect();
        assert_eq!((distinct.len(), list.peers.len()), (29, 29));
        assert!(!distinct.contains(&NodeId(9)));
        assert_eq!(tracker.records(), 30);
    }

    #[test]
    fn who_only_asks_is_not_named() {
        let mut tracker = Tracker::default();
        let question = Announcement { metainfo: None, ..announcement(1, Reason::Regular, 0) };
        assert_eq!(ask(&mut tracker, question, 0), PeerList::default());
        ask(&mut tracker, announcement(0, Reason::Started, 0), 0);
        assert_eq!(ask(&mut tracker, question, 0).peers, [NodeId(0)]);
        assert_eq!(tracker.records(), 1);
    }

    #[test]
    fn who_says_good_bye_is_lost_or_silent_is_forgotten() {
        let mut tracker = Tracker::default();
        for node in 0..4 {
            ask(&mut tracker, announcement(node, Reason::Started, 5), u64::from(node));
        }
        ask(&mut tracker, announcement(0, Reason::Stopped, 5), 5);
        tracker.lose(NodeId(1));
        assert_eq!(tracker.nodes(), [NodeId(2), NodeId(3)]);
        ask(&mut tracker, announcement(3, Reason::Regular, 5), 3_603);
        assert_eq!(tracker.nodes(), [NodeId(3)]);
        tracker.lose(NodeId(3));
        assert_eq!((tracker.records(), tracker.bytes()), (0, 0));
    }
}
