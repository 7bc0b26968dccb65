//! The global view: every member's place, who is alive, and what follows from it.
use alloc::vec::Vec;

use overlay_core::{Key, NodeId, Oracle};

use crate::{ChordConfig, Distance, Member, Position};

/// The whole ring, as somebody sees it who knows every member.
#[derive(Clone, Debug)]
pub struct Ring {
    config: ChordConfig,
    places: Vec<(Position, Member)>,
    alive: Vec<bool>,
}

/// What one member links to when maintenance has converged.
pub(crate) struct Links {
    pub(crate) predecessor: Option<Member>,
    pub(crate) successors: Vec<Member>,
    /// Fingers beyond the successor list, by octave.
    pub(crate) fingers: Vec<(u8, Member)>,
}

impl Ring {
    /// The ring of the nodes `0..nodes`, all alive.
    #[must_use]
    pub fn of(config: &ChordConfig, nodes: u32) -> Self {
        let members = nodes * u32::from(config.virtual_nodes);
        let place = |member| (Position::of_member(member, config), member);
        let mut places: Vec<_> = (0..members).map(Member).map(place).collect();
        places.sort_unstable();
        Self { config: config.clone(), places, alive: alloc::vec![true; nodes as usize] }
    }

    /// The live member that is the successor of this place: the first one at or after it.
    #[must_use]
    pub fn successor(&self, position: Position) -> Option<Member> {
        self.from(position).next()
    }

    /// The live members from this place on, once round the ring.
    fn from(&self, position: Position) -> impl Iterator<Item = Member> {
        let first = self.places.partition_point(|&(place, _)| place < position);
        let (before, after) = self.places.split_at(first);
        let members = after.iter().chain(before).map(|&(_, member)| member);
        members.filter(|member| self.is_alive(*member))
    }

    fn is_alive(&self, member: Member) -> bool {
        self.alive.get(member.node(&self.config).index()).copied().unwrap_or(false)
    }

    pub(crate) fn links(&self, member: Member) -> Links {
        let config = &self.config;
        let origin = Position::of_member(member, config);
        let first = self.places.partition_point(|&(place, _)| place < origin);
        let (before, after) = self.places.split_at(first);
        let backwards = before.iter().rev().chain(after.iter().rev()).map(|&(_, other)| other);
        let predecessor = backwards.filter(|&m| self.is_alive(m)).find(|&other| other != member);
        let others = self.from(origin).filter(|&other| other != member);
        let successors: Vec<_> = others.take(config.successors.into()).collect();
        let fingers = self.fingers(origin, member, successors.last().copied());
        Links { predecessor, successors, fingers }
    }

    fn fingers(&self, origin: Position, me: Member, last: Option<Member>) -> Vec<(u8, Member)> {
        let mut fingers = Vec::new();
        let Some(last) = last else { return fingers };
        let reach = Position::of_member(last, &self.config).since(origin);
        for octave in (0..self.config.bits).rev() {
            let start = Distance::power(octave, self.config.bits);
            if start <= reach {
                break;
            }
            let finger = self.successor(origin.plus(start)).filter(|&finger| finger != me);
            // Past the last member the ring comes round to this one and its successors.
            let beyond = |finger| Position::of_member(finger, &self.config).since(origin) >= start;
            fingers.extend(finger.filter(|&finger| beyond(finger)).map(|finger| (octave, finger)));
        }
        fingers.reverse();
        fingers
    }
}

impl Oracle for Ring {
    fn set_alive(&mut self, node: NodeId, alive: bool) {
        if let Some(state) = self.alive.get_mut(node.index()) {
            *state = alive;
        }
    }

    fn responsible(&self, key: &Key) -> Vec<NodeId> {
        let wanted = 1 + usize::from(self.config.storage.replicas);
        let mut nodes = Vec::with_capacity(wanted);
        for member in self.from(Position::of_key(key, self.config.bits)) {
            let node = member.node(&self.config);
            if !nodes.contains(&node) {
                nodes.push(node);
            }
            if nodes.len() == wanted {
                break;
            }
        }
        nodes
    }

    fn neighbors(&self, node: NodeId) -> Option<Vec<NodeId>> {
        let config = &self.config;
        let mut nodes = Vec::new();
        for index in 0..config.virtual_nodes {
            let links = self.links(Member::of(node, index, config));
            nodes.extend(links.predecessor.map(|member| member.node(config)));
            nodes.extend(links.successors.iter().map(|member| member.node(config)));
            nodes.extend(links.fingers.iter().map(|(_, member)| member.node(config)));
        }
        nodes.sort_unstable();
        nodes.dedup();
        nodes.retain(|&other| other != node);
        Some(nodes)
    }

    /// That of the first of its members.
    fn position(&self, node: NodeId) -> Option<f64> {
        let first = Member::of(node, 0, &self.config);
        Some(Position::of_member(first, &self.config).turn())
    }

    fn key_position(&self, key: &Key) -> Option<f64> {
        Some(Position::of_key(key, self.config.bits).turn())
    }
}
