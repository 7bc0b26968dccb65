//! One member of the ring: where it would send a key, and what stabilisation does to its links.
use alloc::sync::Arc;
use alloc::vec::Vec;

use overlay_core::Time;

use crate::links::{Fingers, Successors};
use crate::ring::{Links, Ring};
use crate::{ChordConfig, Claim, Distance, Member, Position};

/// One member of the ring. A node is one of them, or several.
#[derive(Clone, Debug)]
pub struct RingMember {
    pub(crate) me: Member,
    pub(crate) position: Position,
    /// The member before this one.
    predecessor: Option<Predecessor>,
    successors: Successors,
    fingers: Fingers,
    /// Whose successor list this member waits for, and since when.
    pub(crate) asked: Option<(Member, Time)>,
    /// The finger to refresh next.
    next_octave: u8,
}

/// The member before another one, and the first bits of how far it is from there to that. They decide,
/// nearly always, as a link's do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Predecessor {
    member: Member,
    prefix: u32,
}

impl Predecessor {
    fn new(member: Member, of: Position, config: &ChordConfig) -> Self {
        Self { member, prefix: of.since(Position::of_member(member, config)).prefix() }
    }

    /// Whether something at this distance before `of` is behind the predecessor.
    #[inline]
    fn is_beyond(self, distance: Distance, of: Position, config: &ChordConfig) -> bool {
        match distance.prefix().cmp(&self.prefix) {
            core::cmp::Ordering::Less => true,
            core::cmp::Ordering::Greater => false,
            core::cmp::Ordering::Equal => self.is_beyond_by_all_bits(distance, of, config),
        }
    }

    #[cold]
    fn is_beyond_by_all_bits(self, distance: Distance, of: Position, config: &ChordConfig) -> bool {
        distance < of.since(Position::of_member(self.member, config))
    }
}

/// What to do with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// This member is responsible.
    Deliver,
    /// That member is nearer, or responsible, as the claim says.
    Forward(Member, Claim),
    /// Everyone who might be nearer was tried in vain.
    Stuck,
}

impl RingMember {
    pub(crate) fn new(me: Member, config: &ChordConfig) -> Self {
        Self {
            me,
            position: Position::of_member(me, config),
            predecessor: None,
            successors: Successors::default(),
            fingers: Fingers::default(),
            asked: None,
            next_octave: 0,
        }
    }

    /// A member with the links it has when maintenance has converged.
    pub(crate) fn settled(me: Member, ring: &Ring, config: &ChordConfig) -> Self {
        let mut member = Self::new(me, config);
        let Links { predecessor, successors, fingers } = ring.links(me);
        if let Some(predecessor) = predecessor {
            member.set_predecessor(predecessor, config);
        }
        if let Some((&head, rest)) = successors.split_first() {
            member.adopt(head, rest, config);
        }
        for (octave, finger) in fingers {
            member.fingers.set(octave, Some(finger), member.position, config);
        }
        member
    }

    /// Whether this member knows of no other.
    pub(crate) fn is_alone(&self) -> bool {
        self.successors.is_empty() && self.predecessor.is_none()
    }

    /// Whether a place is between the predecessor and this member, or exactly here.
    #[inline]
    pub(crate) fn is_responsible(&self, key: Position, config: &ChordConfig) -> bool {
        match self.predecessor {
            Some(it) => it.is_beyond(self.position.since(key), self.position, config),
            None => self.is_alone(),
        }
    }

    /// Where a request goes from here; `dead` is the last choice that was tried in vain, if any.
    #[inline]
    pub(crate) fn decide(
        &self,
        key: Position,
        claim: Claim,
        dead: Option<Member>,
        config: &ChordConfig,
    ) -> Decision {
        if self.is_responsible(key, config) {
            return Decision::Deliver;
        }
        match (claim, self.predecessor) {
            (Claim::Closer, _) => self.closer(key, dead, config),
            (Claim::Successor, Some(nearer)) if dead.is_none() => {
                Decision::Forward(nearer.member, Claim::Successor)
            }
            (Claim::Successor | Claim::Survivor, _) => Decision::Deliver,
        }
    }

    #[inline]
    fn closer(&self, key: Position, dead: Option<Member>, config: &ChordConfig) -> Decision {
        let (origin, ahead) = (self.position, key.since(self.position));
        let claim = if dead.is_none() { Claim::Successor } else { Claim::Survivor };
        // Where the list reaches the key its successor is known, and so are the next in line. If
        // they are all dead, somebody before the key has a list that reaches farther.
        let (before, owners) = self.successors.around(ahead, origin, config);
        let fingers = self.fingers.preceding(ahead, &self.successors, origin, config);
        let owners = owners.map(|owner| (owner, claim));
        let before = fingers.chain(before).map(|next| (next, Claim::Closer));
        let mut choices = owners.chain(before);
        let choice = match dead.map(|dead| self.rank(dead, key, config)) {
            None => choices.next(),
            Some(passed) => choices.find(|&(next, _)| self.rank(next, key, config) > passed),
        };
        choice.map_or(Decision::Stuck, |(next, claim)| Decision::Forward(next, claim))
    }

    /// The order in which members are chosen: those from the key on, the nearest to it first; then
    /// those before it, again the nearest first. A choice that was tried in vain has its rank even
    /// when it is forgotten, so that what comes after it does not depend on who has forgotten it.
    fn rank(&self, member: Member, key: Position, config: &ChordConfig) -> (bool, Distance) {
        let place = Position::of_member(member, config);
        match place.since(self.position) < key.since(self.position) {
            true => (true, key.since(place)),
            false => (false, place.since(key)),
        }
    }

    /// Whether a member stands between this one and its first successor.
    pub(crate) fn is_nearer_successor(&self, other: Member, config: &ChordConfig) -> bool {
        let ahead = |member| Position::of_member(member, config).since(self.position);
        other != self.me
            && self.successors.head().is_none_or(|head| other == head || ahead(other) < ahead(head))
    }

    /// Adopts another member's extended successor list. Whether anything changed.
    pub(crate) fn adopt(&mut self, head: Member, list: &[Member], config: &ChordConfig) -> bool {
        let changed = self.successors.adopt((self.me, self.position), head, list, config);
        if changed {
            self.fingers.prune(&self.successors, self.position, config);
        }
        changed
    }

    /// Zave's rectify: a member says that it may be the predecessor. Whether it now is; otherwise
    /// the present predecessor's liveness is to be checked.
    pub(crate) fn rectify(&mut self, candidate: Member, config: &ChordConfig) -> bool {
        if candidate == self.me {
            return false;
        }
        let gap = self.position.since(Position::of_member(candidate, config));
        let nearer =
            self.predecessor.is_none_or(|present| present.is_beyond(gap, self.position, config));
        if nearer {
            self.predecessor = Some(Predecessor::new(candidate, self.position, config));
        }
        if self.successors.head().is_none() {
            self.adopt(candidate, &[], config);
        }
        nearer
    }

    pub(crate) fn set_predecessor(&mut self, predecessor: Member, config: &ChordConfig) {
        let link = Predecessor::new(predecessor, self.position, config);
        self.predecessor = (predecessor != self.me).then_some(link);
    }

    /// Forgets members that are gone. Whether the predecessor or a successor was among them.
    pub(crate) fn forget(&mut self, gone: impl Fn(Member) -> bool, config: &ChordConfig) -> bool {
        let before = self.predecessor;
        self.predecessor = self.predecessor.filter(|link| !gone(link.member));
        self.fingers.forget(&gone);
        let changed = self.successors.forget(&gone, self.position, config);
        if self.successors.head().is_none() {
            // Beyond what the successor list can survive: whoever is left is the way back.
            let left = self.fingers.members().next().or(self.predecessor());
            if let Some(left) = left {
                self.adopt(left, &[], config);
            }
        }
        changed || before != self.predecessor
    }

    /// The fingers beyond the successor list, farthest first: octave and start.
    pub(crate) fn far_fingers(
        &self,
        config: &ChordConfig,
    ) -> impl Iterator<Item = (u8, Position)> + use<> {
        let (origin, bits) = (self.position, config.bits);
        let first = match self.successors.head() {
            Some(_) => self.successors.reach() + 1,
            None => bits,
        };
        let start = move |octave| (octave, origin.plus(Distance::power(octave, bits)));
        (first..bits).rev().map(start)
    }

    /// The finger to refresh next, round and round from the farthest to the nearest.
    pub(crate) fn next_finger(&mut self, config: &ChordConfig) -> Option<(u8, Position)> {
        let mut far = self.far_fingers(config);
        let farthest = far.next()?;
        let due = self.next_octave;
        let next = core::iter::once(farthest).chain(far).find(|&(octave, _)| octave <= due);
        let (octave, start) = next.unwrap_or(farthest);
        self.next_octave = octave.wrapping_sub(1);
        Some((octave, start))
    }

    /// Sets a finger to the member found responsible for its start. Whether anything changed.
    pub(crate) fn set_finger(&mut self, octave: u8, found: Member, config: &ChordConfig) -> bool {
        let finger = Some(found).filter(|&found| found != self.me);
        let changed = self.fingers.set(octave, finger, self.position, config);
        if changed {
            self.fingers.prune(&self.successors, self.position, config);
        }
        changed
    }

    /// Entry `octave` of the paper's finger table: this member itself if nobody is that far.
    #[must_use]
    pub fn finger(&self, octave: u8, config: &ChordConfig) -> Member {
        let start = Distance::power(octave, config.bits);
        let near = self.successors.around(start, self.position, config).1.next();
        near.or_else(|| self.fingers.at(start, self.position, config)).unwrap_or(self.me)
    }

    /// The member before this one, if known.
    #[must_use]
    pub fn predecessor(&self) -> Option<Member> {
        self.predecessor.map(|link| link.member)
    }

    /// The next members, nearest first.
    #[must_use]
    pub fn successors(&self) -> &[Member] {
        self.successors.members()
    }

    pub(crate) fn shared_successors(&self) -> Arc<[Member]> {
        self.successors.shared()
    }

    /// Every member this one remembers, with repetitions.
    pub(crate) fn links(&self) -> Vec<Member> {
        let fingers = self.fingers.members();
        fingers.chain(self.successors().iter().copied()).chain(self.predecessor()).collect()
    }
}
