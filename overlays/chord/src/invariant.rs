//! What must hold over the whole ring at every step (Zave 2017, section 5).
//!
//! Each member has a live entry in its successor list, and at least r + 1 members are *principal*:
//! no other member's extended successor list skips over them. From these two follows all that makes
//! Chord correct. They hold if the ring starts with at least r + 1 members and no failure takes the
//! last live entry of anybody's list.
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use overlay_core::NodeId;
use overlay_core::dht::Routing as _;

use crate::{ChordConfig, Member, Position, RingMember, Router};

pub(crate) fn check(config: &ChordConfig, nodes: &[(NodeId, &Router)]) -> Result<(), String> {
    let joined: Vec<_> = nodes.iter().filter(|(_, router)| router.is_joined()).collect();
    let mut members: Vec<&RingMember> =
        joined.iter().flat_map(|(_, router)| router.members()).collect();
    members.sort_unstable_by_key(|member| (member.position, member.me));
    let wanted = fewest_members(config);
    if members.len() < wanted {
        return Ok(()); // Not started yet: the invariant speaks of rings of at least r + 1 members.
    }
    // One that is back and has not joined again is no member.
    let is_live = |member: &Member| {
        joined.binary_search_by_key(&member.node(config), |&&(node, _)| node).is_ok()
    };
    let mut skipped = alloc::vec![false; members.len()];
    for (index, member) in members.iter().enumerate() {
        if !member.successors().iter().any(is_live) {
            return Err(format!("member {} has no live successor", member.me.0));
        }
        mark_skipped(&members, index, config, &mut skipped);
    }
    let principal = skipped.iter().filter(|&&skipped| !skipped).count();
    if principal < wanted {
        return Err(format!("{principal} principal members are fewer than r + 1 = {wanted}"));
    }
    Ok(())
}

/// Whether failures have not gone too far (Zave 2017, section 3): nobody's last live successor was taken,
/// and a ring of at least r + 1 members is left.
pub(crate) fn is_promised(config: &ChordConfig, nodes: &[(NodeId, &Router)]) -> bool {
    let joined = nodes.iter().filter(|(_, router)| router.is_joined());
    let members: usize = joined.map(|(_, router)| router.members().len()).sum();
    members >= fewest_members(config) && check(config, nodes).is_ok()
}

/// r + 1.
fn fewest_members(config: &ChordConfig) -> usize {
    usize::from(config.successors) + 1
}

/// Marks the members that the extended list of one of them skips. They are in the order of the ring, and
/// in most lists the next entry is the next member; then nobody's place needs to be looked for.
fn mark_skipped(members: &[&RingMember], of: usize, config: &ChordConfig, skipped: &mut [bool]) {
    let (mut last, mut from) = (of, members[of].position);
    for &successor in members[of].successors() {
        let mut next = (last + 1) % members.len();
        if members[next].me != successor {
            let gap = Position::of_member(successor, config).since(from);
            let is_between =
                |member: &RingMember| member.position != from && member.position.since(from) < gap;
            while is_between(members[next]) {
                skipped[next] = true;
                last = next;
                next = (next + 1) % members.len();
            }
            from = from.plus(gap);
        }
        // One that has failed is no member any more, but the list has come as far as its place.
        if members[next].me == successor {
            (last, from) = (next, members[next].position);
        }
    }
}
