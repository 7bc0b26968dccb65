//! The index of a server: who holds what, and who vouches for each holder.
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::time::Duration;

use overlay_core::{Key, NodeId, Random, Time};

use crate::{Record, TrackerConfig};

/// Why a server knows of a holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is the server itself.
    Myself,
    /// It is registered here, and was last heard of then.
    Here(Time),
    /// It is registered at this other server.
    At(NodeId),
}

/// One node that is known, and the keys of the items it holds, each once.
#[derive(Debug)]
struct Peer {
    standing: Standing,
    keys: Vec<Key>,
}

/// A bound of the index was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// Who holds what. Every holder is known as a peer, and every record stands on both sides.
#[derive(Debug, Default)]
pub struct Index {
    /// Each item's holders, ascending; never none.
    holders: BTreeMap<Key, Vec<NodeId>>,
    peers: BTreeMap<NodeId, Peer>,
    records: u32,
}

impl Index {
    /// Knows a node from now on, with what is known of it already.
    pub fn register(&mut self, node: NodeId, standing: Standing) {
        let new = Peer { standing, keys: Vec::new() };
        self.peers.entry(node).or_insert(new).standing = standing;
    }

    /// Why a node is known, if it is.
    #[must_use]
    pub fn standing(&self, node: NodeId) -> Option<Standing> {
        self.peers.get(&node).map(|peer| peer.standing)
    }

    /// Whether the node is registered here; if so, it was heard of now.
    pub fn hear(&mut self, node: NodeId, now: Time) -> bool {
        match self.peers.get_mut(&node) {
            Some(Peer { standing: Standing::Here(heard), .. }) => {
                *heard = now;
                true
            }
            _ => false,
        }
    }

    /// Remembers a record, and that its holder stands so. Nothing changes if it is known already.
    ///
    /// # Errors
    /// [`Full`] if a bound of the configuration was reached; then nothing has changed.
    pub fn add(
        &mut self,
        record: Record,
        standing: Standing,
        config: &TrackerConfig,
    ) -> Result<(), Full> {
        let Record { holder, key } = record;
        let holders = self.holders.get(&key).map_or(&[][..], |holders| holders);
        let place = match holders.binary_search(&holder) {
            Ok(_) => {
                self.register(holder, standing);
                return Ok(());
            }
            Err(place) => place,
        };
        if self.records >= config.max_records || holders.len() >= config.max_holders as usize {
            return Err(Full);
        }
        self.holders.entry(key).or_default().insert(place, holder);
        self.records += 1;
        let peer = self.peers.entry(holder).or_insert(Peer { standing, keys: Vec::new() });
        peer.standing = standing;
        peer.keys.push(key);
        Ok(())
    }

    /// Forgets a node and every record of it. Whether it was known.
    pub fn forget(&mut self, node: NodeId) -> bool {
        let Some(peer) = self.peers.remove(&node) else { return false };
        self.records -= peer.keys.len() as u32;
        for key in peer.keys {
            let Some(holders) = self.holders.get_mut(&key) else { continue };
            if let Ok(place) = holders.binary_search(&node) {
                holders.remove(place);
            }
            if holders.is_empty() {
                self.holders.remove(&key);
            }
        }
        true
    }

    /// One of an item's holders, each as likely as the others.
    pub fn holder_of(&self, key: &Key, random: &mut Random) -> Option<NodeId> {
        let holders = self.holders.get(key)?;
        holders.get(random.below(holders.len() as u64) as usize).copied()
    }

    /// The nodes registered here of which nothing was heard for longer than this, ascending.
    #[must_use]
    pub fn silent_for(&self, longest: Duration, now: Time) -> Vec<NodeId> {
        self.peers_where(
            |standing| matches!(standing, Standing::Here(heard) if now.since(heard) > longest),
        )
    }

    /// The nodes registered here, ascending.
    #[must_use]
    pub fn registered_here(&self) -> Vec<NodeId> {
        self.peers_where(|standing| matches!(standing, Standing::Here(_)))
    }

    /// The nodes registered at another server, ascending.
    #[must_use]
    pub fn registered_at(&self, server: NodeId) -> Vec<NodeId> {
        self.peers_where(|standing| standing == Standing::At(server))
    }

    fn peers_where(&self, is_meant: impl Fn(Standing) -> bool) -> Vec<NodeId> {
        let meant = self.peers.iter().filter(|(_, peer)| is_meant(peer.standing));
        meant.map(|(&node, _)| node).collect()
    }

    /// The records of this server and of the nodes registered here.
    pub fn own_records(&self) -> impl Iterator<Item = Record> {
        let own = self.peers.iter().filter(|(_, peer)| !matches!(peer.standing, Standing::At(_)));
        own.flat_map(|(&holder, peer)| peer.keys.iter().map(move |&key| Record { holder, key }))
    }

    /// The records of one holder.
    pub fn records_of(&self, holder: NodeId) -> impl Iterator<Item = Record> {
        let keys = self.peers.get(&holder).map_or(&[][..], |peer| &peer.keys);
        keys.iter().map(move |&key| Record { holder, key })
    }

    /// Every other node that is known, ascending.
    pub fn others(&self) -> impl Iterator<Item = NodeId> {
        let others = self.peers.iter().filter(|(_, peer)| peer.standing != Standing::Myself);
        others.map(|(&node, _)| node)
    }

    /// The keys of the items that are known, ascending.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.holders.keys()
    }

    /// How many records there are: one for each holder of an item.
    #[must_use]
    pub const fn records(&self) -> u32 {
        self.records
    }

    /// Size of the records when encoded, in bytes: each key once, with its holders' numbers.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        20 * self.holders.len() as u64 + 4 * u64::from(self.records)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use overlay_core::Purpose;

    fn record(holder: u32, item: u8) -> Record {
        Record { holder: NodeId(holder), key: Key::of(&[item]) }
    }

    #[test]
    fn a_record_counts_once_and_goes_with_its_holder() {
        let config = TrackerConfig::default();
        let mut index = Index::default();
        let here = Standing::Here(Time::ZERO);
        for record in [record(1, 1), record(1, 2), record(2, 1), record(1, 1)] {
            assert_eq!(index.add(record, here, &config), Ok(()));
        }
        assert_eq!((index.records(), index.bytes()), (3, 2 * 20 + 3 * 4));
        assert!(index.forget(NodeId(1)) && !index.forget(NodeId(1)));
        assert_eq!(index.keys().collect::<Vec<_>>(), [&Key::of(&[1])]);
        let mut random = Random::stream(1, Purpose::Node, 0);
        assert_eq!(index.holder_of(&Key::of(&[1]), &mut random), Some(NodeId(2)));
        assert_eq!(index.holder_of(&Key::of(&[2]), &mut random), None);
    }

    #[test]
    fn what_is_beyond_a_bound_leaves_no_trace() {
        let config = TrackerConfig { max_records: 3, max_holders: 2, ..TrackerConfig::default() };
        let mut index = Index::default();
        let add = |index: &mut Index, record| index.add(record, Standing::At(NodeId(0)), &config);
        assert_eq!([record(1, 1), record(2, 1)].map(|it| add(&mut index, it)), [Ok(()); 2]);
        assert_eq!(add(&mut index, record(3, 1)), Err(Full), "two holders of item 1");
        assert_eq!(add(&mut index, record(3, 2)), Ok(()));
        assert_eq!(add(&mut index, record(4, 3)), Err(Full), "three records");
        assert_eq!(add(&mut index, record(2, 1)), Ok(()), "it is known");
        assert_eq!(index.others().collect::<Vec<_>>(), [1, 2, 3].map(NodeId));
        assert_eq!(index.records(), 3);
    }

    #[test]
    fn every_holder_is_named_as_often() {
        let config = TrackerConfig::default();
        let mut index = Index::default();
        for holder in 0..4 {
            index.add(record(holder, 1), Standing::Myself, &config).expect("there is room");
        }
        let mut random = Random::stream(1, Purpose::Node, 0);
        let mut named = [0; 4];
        for _ in 0..4_000 {
            let holder = index.holder_of(&Key::of(&[1]), &mut random).expect("it is known");
            named[holder.index()] += 1;
        }
        assert!(named.iter().all(|&times| (900..1_100).contains(&times)), "{named:?}");
    }
}
