//! Who is who: the rows of the address table. Every node of a run has one with a row for every other,
//! so rows are as short as can be.
use libp2p::PeerId;
use libp2p::core::Multiaddr;
use overlay_core::NodeId;

/// The table in which the n-th row is about node n.
#[derive(Debug, Default)]
pub struct Peers {
    /// Every node's peer id and then its address, in bytes, one behind the other.
    bytes: Box<[u8]>,
    /// Where each node's peer id ends, and where its address does.
    ends: Box<[(u32, u32)]>,
    /// The nodes in the order of their peer ids.
    by_peer: Box<[NodeId]>,
}

impl Peers {
    /// The table with these rows.
    #[must_use]
    pub fn new(rows: impl IntoIterator<Item = (PeerId, Multiaddr)>) -> Self {
        let (mut bytes, mut ends) = (Vec::new(), Vec::new());
        for (peer, address) in rows {
            bytes.extend(peer.to_bytes());
            let peer_ends = bytes.len() as u32;
            bytes.extend_from_slice(address.as_ref());
            ends.push((peer_ends, bytes.len() as u32));
        }
        let mut table = Self { bytes: bytes.into(), ends: ends.into(), by_peer: Box::default() };
        let mut by_peer: Vec<NodeId> = (0..table.ends.len() as u32).map(NodeId).collect();
        by_peer.sort_by(|one, other| table.peer_bytes(*one).cmp(&table.peer_bytes(*other)));
        table.by_peer = by_peer.into();
        table
    }

    /// Who a node is, and where it listens; `None` if there is no such node.
    #[must_use]
    pub fn row(&self, node: NodeId) -> Option<(PeerId, Multiaddr)> {
        let (peer_ends, ends) = *self.ends.get(node.index())?;
        let address = self.bytes[peer_ends as usize..ends as usize].to_vec();
        Some((self.peer(node)?, Multiaddr::try_from(address).ok()?))
    }

    /// Who a node is; `None` if there is no such node.
    #[must_use]
    pub fn peer(&self, node: NodeId) -> Option<PeerId> {
        PeerId::from_bytes(self.peer_bytes(node)?).ok()
    }

    /// The node that this peer is, if it is one of the run.
    #[must_use]
    pub fn node(&self, peer: &PeerId) -> Option<NodeId> {
        let wanted = peer.to_bytes();
        let place =
            self.by_peer.binary_search_by(|node| self.peer_bytes(*node).cmp(&Some(&wanted[..])));
        Some(self.by_peer[place.ok()?])
    }

    fn peer_bytes(&self, node: NodeId) -> Option<&[u8]> {
        let begin = match node.index() {
            0 => 0,
            index => self.ends.get(index - 1)?.1,
        };
        let (end, _) = *self.ends.get(node.index())?;
        Some(&self.bytes[begin as usize..end as usize])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use libp2p::identity::Keypair;

    #[test]
    fn everybody_is_found_by_number_and_by_peer_id() {
        let peers: Vec<PeerId> =
            (0..50).map(|_| Keypair::generate_ed25519().public().to_peer_id()).collect();
        let address = |port: usize| format!("/ip4/127.0.0.1/tcp/{port}").parse().unwrap();
        let table = Peers::new(peers.iter().enumerate().map(|(n, peer)| (*peer, address(n))));
        for (number, peer) in peers.iter().enumerate() {
            let node = NodeId(number as u32);
            assert_eq!(table.row(node), Some((*peer, address(number))));
            assert_eq!((table.peer(node), table.node(peer)), (Some(*peer), Some(node)));
        }
        assert_eq!(table.row(NodeId(50)), None);
        assert_eq!(table.node(&PeerId::random()), None);
        assert_eq!(Peers::default().node(&peers[0]), None);
    }
}
