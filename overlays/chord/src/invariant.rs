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
    let joined = nodes.iter().filter(|(_, router)| router.is_joined());
    let members: Vec<&RingMember> = joined.flat_map(|(_, router)| router.members()).collect();
    let mut places: Vec<(Position, Member)> =
        members.iter().map(|member| (member.position, member.me)).collect();
    places.sort_unstable();
    let wanted = usize::from(config.successors) + 1;
    if places.len() < wanted {
        return Ok(()); // Not started yet: the invariant speaks of rings of at least r + 1 members.
    }
    let is_live = |member: &Member| {
        nodes.binary_search_by_key(&member.node(config), |&(node, _)| node).is_ok()
    };
    let mut skipped = alloc::vec![false; places.len()];
    for member in &members {
        if !member.successors().iter().any(is_live) {
            return Err(format!("member {} has no live successor", member.me.0));
        }
        let mut before = member.position;
        for &successor in member.successors() {
            let place = Position::of_member(successor, config);
            mark_between(&places, before, place, &mut skipped);
            before = place;
        }
    }
    let principal = skipped.iter().filter(|&&skipped| !skipped).count();
    if principal < wanted {
        return Err(format!("{principal} principal members are fewer than r + 1 = {wanted}"));
    }
    Ok(())
}

/// Marks the members strictly between two places.
fn mark_between(places: &[(Position, Member)], from: Position, to: Position, marks: &mut [bool]) {
    let gap = to.since(from);
    let first = places.partition_point(|&(place, _)| place <= from);
    for step in 0..places.len() {
        let index = (first + step) % places.len();
        let ahead = places[index].0.since(from);
        if ahead >= gap || places[index].0 == from {
            break;
        }
        marks[index] = true;
    }
}
