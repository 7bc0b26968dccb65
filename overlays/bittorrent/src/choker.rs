//! Who is unchoked: the regular slots by merit, one by chance (Cohen 2003, section 4; BEP 3).
use alloc::vec::Vec;

use overlay_core::{NodeId, Random};
use smallvec::SmallVec;

/// How much likelier a new peer is to be the optimistic unchoke (BEP 3: three times).
const WEIGHT_OF_NEW: u64 = 3;

/// A peer, as the choker sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The peer.
    pub peer: NodeId,
    /// Whether it wants something. Who does not needs no slot.
    pub is_interested: bool,
    /// Whether it is unchoked now.
    pub is_unchoked: bool,
    /// Whether it has connected only lately.
    pub is_new: bool,
    /// What it deserves a regular slot for; the largest first, chance decides among equals. `None`:
    /// no regular slot is for it.
    pub merit: Option<u64>,
}

/// The slots there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slots {
    /// How many are given by merit.
    pub regular: usize,
    /// How many are given by chance.
    pub optimistic: usize,
    /// How many are given in all, if there are so many who want one: chance makes up for merit, if
    /// any slot is given by chance.
    pub least: usize,
}

impl Slots {
    /// How many are given at most.
    #[must_use]
    pub const fn most(&self) -> usize {
        self.regular.saturating_add(self.optimistic)
    }
}

/// Who has a slot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unchoked {
    /// By merit, the best first.
    pub regular: SmallVec<[NodeId; 8]>,
    /// By chance.
    pub optimistic: SmallVec<[NodeId; 2]>,
}

impl Unchoked {
    /// Whether this peer has a slot.
    #[must_use]
    pub fn has(&self, peer: NodeId) -> bool {
        self.regular.contains(&peer) || self.optimistic.contains(&peer)
    }
}

/// Gives the slots. Who was unchoked by chance before stays so, unless a turn of theirs is over:
/// then `former` is empty. With `is_kept`, between two rounds, who has a regular slot keeps it, and
/// only free ones are given. Slots are only for the interested.
pub fn choose(
    candidates: &[Candidate],
    slots: Slots,
    former: &[NodeId],
    is_kept: bool,
    random: &mut Random,
) -> Unchoked {
    let mut contenders: Vec<(bool, u64, u64, NodeId)> = candidates
        .iter()
        .filter(|it| it.is_interested && !(is_kept && former.contains(&it.peer)))
        .filter_map(|it| {
            let merit = it.merit?;
            // Who has a slot already is preferred among equals: no ramp-up is lost.
            let chance = random.below(1 << 32) | u64::from(it.is_unchoked) << 32;
            Some((is_kept && it.is_unchoked, merit, chance, it.peer))
        })
        .collect();
    contenders.sort_unstable_by(|a, b| b.cmp(a));
    let regular = contenders.iter().take(slots.regular).map(|it| it.3);
    let regular: SmallVec<[NodeId; 8]> = regular.collect();

    let mut rest: SmallVec<[Candidate; 16]> = candidates
        .iter()
        .filter(|it| it.is_interested && !regular.contains(&it.peer))
        .copied()
        .collect();
    let count = match slots.optimistic {
        0 => 0,
        optimistic => optimistic.max(slots.least.saturating_sub(regular.len())),
    };
    let mut optimistic = SmallVec::new();
    while optimistic.len() < count && !rest.is_empty() {
        let drawn = match rest.iter().position(|it| former.contains(&it.peer)) {
            Some(index) => index,
            None => draw(&rest, random),
        };
        optimistic.push(rest.swap_remove(drawn).peer);
    }
    Unchoked { regular, optimistic }
}

/// Any of these, new ones with three times the chance of others.
fn draw(candidates: &[Candidate], random: &mut Random) -> usize {
    let weight = |it: &Candidate| if it.is_new { WEIGHT_OF_NEW } else { 1 };
    let mut point = random.below(candidates.iter().map(weight).sum());
    let is_drawn = |it: &Candidate| match point.checked_sub(weight(it)) {
        Some(rest) => {
            point = rest;
            false
        }
        None => true,
    };
    candidates.iter().position(is_drawn).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use overlay_core::Purpose;
    use proptest::prelude::*;

    const SLOTS: Slots = Slots { regular: 4, optimistic: 1, least: 5 };

    fn random() -> Random {
        Random::stream(1, Purpose::Node, 0)
    }

    fn peer(number: u32, merit: u64) -> Candidate {
        Candidate {
            peer: NodeId(number),
            is_interested: true,
            is_unchoked: false,
            is_new: false,
            merit: Some(merit),
        }
    }

    #[test]
    fn the_best_four_of_the_interested_and_one_by_chance() {
        let mut candidates: Vec<Candidate> =
            (0..10).map(|number| peer(number, u64::from(number) * 10)).collect();
        candidates[9].is_interested = false;
        candidates[8].merit = None;
        let mut random = random();
        let mut lucky = [0; 10];
        for _ in 0..1_000 {
            let unchoked = choose(&candidates, SLOTS, &[], false, &mut random);
            assert_eq!(unchoked.regular[..], [7, 6, 5, 4].map(NodeId));
            assert_eq!(unchoked.optimistic.len(), 1);
            lucky[unchoked.optimistic[0].index()] += 1;
        }
        assert_eq!(lucky[4..8], [0; 4]);
        assert!(lucky[..4].iter().all(|&times| times > 150), "{lucky:?}");
        assert!(lucky[8] > 150, "without merit one can be lucky: {lucky:?}");
        assert_eq!(lucky[9], 0);
    }

    #[test]
    fn new_peers_are_three_times_as_likely() {
        let mut candidates: Vec<Candidate> = (0..5).map(|number| peer(number, 0)).collect();
        candidates[2].is_new = true;
        let slots = Slots { regular: 0, least: 1, ..SLOTS };
        let mut random = random();
        let drawn = (0..7_000)
            .filter(|_| choose(&candidates, slots, &[], false, &mut random).has(NodeId(2)))
            .count();
        assert!((2_800..3_200).contains(&drawn), "{drawn} of 7,000, expected 3 of 7");
    }

    #[test]
    fn who_is_lucky_stays_so_until_the_turn_is_over_or_merit_takes_its_place() {
        let mut candidates: Vec<Candidate> =
            (0..10).map(|number| peer(number, u64::from(number))).collect();
        let mut random = random();
        for _ in 0..100 {
            let unchoked = choose(&candidates, SLOTS, &[NodeId(3)], false, &mut random);
            assert_eq!(unchoked.optimistic[..], [NodeId(3)]);
        }
        candidates[3].merit = Some(100);
        let unchoked = choose(&candidates, SLOTS, &[NodeId(3)], false, &mut random);
        assert_eq!(unchoked.regular[0], NodeId(3));
        assert_ne!(unchoked.optimistic[..], [NodeId(3)]);
    }

    #[test]
    fn when_nobody_deserves_one_all_slots_are_given_by_chance() {
        let undeserving = |number| Candidate { merit: None, ..peer(number, 9) };
        let candidates: Vec<Candidate> = (0..10).map(undeserving).collect();
        let unchoked = choose(&candidates, SLOTS, &[], false, &mut random());
        assert_eq!((unchoked.regular.len(), unchoked.optimistic.len()), (0, 5));
        let slots = Slots { optimistic: 0, ..SLOTS };
        assert_eq!(choose(&candidates, slots, &[], false, &mut random()), Unchoked::default());
    }

    #[test]
    fn between_rounds_only_free_slots_are_given() {
        let mut candidates: Vec<Candidate> =
            (0..10).map(|number| peer(number, u64::from(number))).collect();
        candidates[0].is_unchoked = true;
        candidates[1].is_unchoked = true;
        let unchoked = choose(&candidates, SLOTS, &[NodeId(1)], true, &mut random());
        assert_eq!(unchoked.regular[..], [0, 9, 8, 7].map(NodeId));
        assert_eq!(unchoked.optimistic[..], [NodeId(1)]);
    }

    proptest! {
        #[test]
        fn never_more_than_the_slots_and_never_to_the_uninterested(
            flags in proptest::collection::vec(
                (any::<[bool; 3]>(), prop::option::weighted(0.8, 0..3_u64)), 0..40),
            regular in 0..6_usize,
            optimistic in 0..3_usize,
            is_kept in any::<bool>(),
        ) {
            let candidates: Vec<Candidate> = (0..).zip(flags).map(|(number, (flags, merit))| {
                let [is_interested, is_unchoked, is_new] = flags;
                Candidate { peer: NodeId(number), is_interested, is_unchoked, is_new, merit }
            }).collect();
            let slots = Slots { regular, optimistic, least: regular + optimistic };
            let former = [NodeId(1), NodeId(3)];
            let unchoked = choose(&candidates, slots, &former, is_kept, &mut random());
            let interested = candidates.iter().filter(|it| it.is_interested).count();
            let given = unchoked.regular.len() + unchoked.optimistic.len();
            prop_assert!(given <= regular + optimistic);
            if optimistic > 0 {
                prop_assert_eq!(given, interested.min(regular + optimistic));
            }
            for it in candidates {
                prop_assert!(it.is_interested || !unchoked.has(it.peer));
            }
        }
    }
}
