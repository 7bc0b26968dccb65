//! The messages of a search, step by step: a message is a step further than the one that reached its
//! sender last before it was sent.
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use peerbench_measure::{PortraitMessage, PortraitSearch};

/// The most pictures of one search.
const MOST_FRAMES: usize = 8;

/// Up to so many steps, the first ones are shown one by one and the last ones together: a flood goes
/// out in few steps, and what follows is its answers.
const FEW_STEPS: usize = 12;

/// What happened in one or several steps.
pub(super) struct Steps<'a> {
    /// The first and the last, from 1.
    pub(super) first: usize,
    pub(super) last: usize,
    pub(super) messages: Vec<&'a PortraitMessage>,
    /// Who was reached before.
    pub(super) before: BTreeSet<u32>,
    /// Who was reached for the first time.
    pub(super) reached: BTreeSet<u32>,
    /// Whether the answer came to the searcher.
    pub(super) answered: bool,
}

/// The steps of a search, no more than can be shown side by side: of many, neighbours are together.
pub(super) fn steps(search: &PortraitSearch) -> Vec<Steps<'_>> {
    let depths = depths(search);
    let deepest = depths.iter().copied().max().unwrap_or(0);
    let mut before = BTreeSet::from([search.searcher]);
    let mut all = Vec::new();
    for (first, last) in spans(deepest) {
        let messages = search.messages.iter().zip(&depths);
        let messages: Vec<&PortraitMessage> = messages
            .filter(|(_, depth)| (first..=last).contains(*depth))
            .map(|(message, _)| message)
            .collect();
        let reached: BTreeSet<u32> =
            messages.iter().map(|it| it.to).filter(|node| !before.contains(node)).collect();
        let comes = |message: &&PortraitMessage| {
            message.to == search.searcher && Some(message.received_us) == search.latency_us
        };
        let answered = messages.iter().any(comes);
        let earlier = before.clone();
        before.extend(&reached);
        all.push(Steps { first, last, messages, before: earlier, reached, answered });
    }
    all
}

/// Which steps are shown together, up to the last one.
fn spans(deepest: usize) -> Vec<(usize, usize)> {
    if deepest > FEW_STEPS {
        let together = deepest.div_ceil(MOST_FRAMES);
        let firsts = (1..=deepest).step_by(together);
        return firsts.map(|first| (first, (first + together - 1).min(deepest))).collect();
    }
    let single = if deepest > MOST_FRAMES { MOST_FRAMES - 1 } else { deepest };
    let mut spans: Vec<(usize, usize)> = (1..=single).map(|step| (step, step)).collect();
    if single < deepest {
        spans.push((single + 1, deepest));
    }
    spans
}

/// In which step each message was sent, from 1.
fn depths(search: &PortraitSearch) -> Vec<usize> {
    // When each node was reached, and in which step.
    let mut arrivals: BTreeMap<u32, Vec<(u64, usize)>> = BTreeMap::new();
    let mut depths = Vec::with_capacity(search.messages.len());
    for message in &search.messages {
        let reached = arrivals.get(&message.from).into_iter().flatten();
        let before = reached.filter(|(at, _)| *at <= message.sent_us);
        let last = before.max_by_key(|(at, depth)| (*at, Reverse(*depth)));
        let depth = last.map_or(0, |(_, depth)| *depth) + 1;
        arrivals.entry(message.to).or_default().push((message.received_us, depth));
        depths.push(depth);
    }
    depths
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search(messages: &[(u64, u64, u32, u32)], latency_us: u64) -> PortraitSearch {
        let message = |&(sent_us, received_us, from, to): &(u64, u64, u32, u32)| PortraitMessage {
            sent_us,
            received_us,
            from,
            to,
            kind: "query".into(),
            bytes: 10,
        };
        PortraitSearch {
            searcher: 0,
            key_position: None,
            answered_by: None,
            holder: None,
            hops: None,
            latency_us: Some(latency_us),
            messages: messages.iter().map(message).collect(),
            cut: false,
        }
    }

    #[test]
    fn a_step_is_what_follows_from_the_last_one() {
        let search =
            search(&[(0, 5, 0, 1), (0, 6, 0, 2), (5, 9, 1, 3), (9, 14, 3, 1), (14, 20, 1, 0)], 20);
        let found = steps(&search);
        let said: Vec<(usize, usize, Vec<u32>, bool)> = found
            .iter()
            .map(|it| {
                (it.first, it.messages.len(), it.reached.iter().copied().collect(), it.answered)
            })
            .collect();
        assert_eq!(
            said,
            [
                (1, 2, vec![1, 2], false),
                (2, 1, vec![3], false),
                (3, 1, vec![], false),
                (4, 1, vec![], true)
            ]
        );
        assert_eq!(found[1].before, BTreeSet::from([0, 1, 2]));
    }

    #[test]
    fn many_steps_are_few_pictures_and_no_message_is_lost() {
        let walk: Vec<_> = (0..40).map(|it| (it, it + 1, it as u32, it as u32 + 1)).collect();
        let search = search(&walk, 1_000);
        let found = steps(&search);
        assert_eq!(found.len(), MOST_FRAMES);
        assert_eq!(found.iter().map(|it| it.messages.len()).sum::<usize>(), 40);
        assert_eq!((found[0].first, found[0].last, found[7].last), (1, 5, 40));
        assert_eq!(spans(10)[6..], [(7, 7), (8, 10)]);
        assert_eq!(spans(2), [(1, 1), (2, 2)]);
        assert!(steps(&self::search(&[], 0)).is_empty());
    }
}
