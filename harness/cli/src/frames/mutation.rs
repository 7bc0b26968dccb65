//! Frames as a damaged or hostile peer would send them: made from true ones.
use overlay_core::Random;

/// Frames kept of each kind.
const KEPT: usize = 32;
/// Longest frame that is kept, in bytes: one block of a swarm and what is around it.
const LONGEST_KEPT: usize = 17 * 1024;
/// Most bytes that are put into a frame at once.
const MOST_ADDED: u64 = 40;
/// What lengths and numbers are written over with: varints at their ends and around them.
const WORDS: [&[u8]; 8] = [
    &[0],
    &[1],
    &[0x7f],
    &[0x80, 0x01],
    &[0xff, 0xff, 0x03],
    &[0xff, 0xff, 0xff, 0xff, 0x0f],
    &[0x80, 0x80, 0x80, 0x80, 0x10],
    &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
];

/// True frames, some of every kind.
#[derive(Debug, Default)]
pub(super) struct Corpus {
    kinds: Vec<(&'static str, Vec<Vec<u8>>)>,
}

impl Corpus {
    /// Whether frames of this kind are still few.
    pub(super) fn lacks(&self, kind: &str) -> bool {
        self.kinds.iter().all(|(known, frames)| *known != kind || frames.len() < KEPT)
    }

    /// Keeps a frame, in the place of another if there are enough.
    pub(super) fn keep(&mut self, kind: &'static str, frame: Vec<u8>, random: &mut Random) {
        if frame.len() > LONGEST_KEPT {
            return;
        }
        let place = self.kinds.iter().position(|(known, _)| *known == kind);
        let place = place.unwrap_or_else(|| {
            self.kinds.push((kind, Vec::new()));
            self.kinds.len() - 1
        });
        let frames = &mut self.kinds[place].1;
        if frames.len() < KEPT {
            frames.push(frame);
        } else {
            frames[random.below(KEPT as u64) as usize] = frame;
        }
    }

    /// A frame of any kind, each as likely; none is kept: no bytes.
    fn draw(&self, random: &mut Random) -> &[u8] {
        let Some((_, frames)) = self.kinds.get(random.below(self.kinds.len() as u64) as usize)
        else {
            return &[];
        };
        &frames[random.below(frames.len() as u64) as usize]
    }

    /// Makes a frame: a true one sent again, one that was changed in up to four ways, or, one time
    /// in sixteen, bytes from nowhere.
    pub(super) fn make(&self, random: &mut Random, frame: &mut Vec<u8>) {
        frame.clear();
        if random.below(16) == 0 {
            let length = random.below(4 * MOST_ADDED);
            frame.extend((0..length).map(|_| random.next_u64() as u8));
            return;
        }
        frame.extend_from_slice(self.draw(random));
        for _ in 0..random.below(5) {
            self.change(random, frame);
        }
    }

    fn change(&self, random: &mut Random, frame: &mut Vec<u8>) {
        let length = frame.len() as u64;
        // Where a message is described; in a long frame, the rest are the bytes that it carries.
        let place = |random: &mut Random| {
            let end = if random.below(8) == 0 { length } else { length.min(48) };
            random.below(end) as usize
        };
        if frame.is_empty() {
            frame.push(random.next_u64() as u8);
            return;
        }
        match random.below(8) {
            0 | 1 => frame[place(random)] ^= 1 << random.below(8),
            2 => frame[place(random)] = random.next_u64() as u8,
            3 => frame.truncate(random.below(length) as usize),
            4 => {
                let added = random.below(MOST_ADDED) + 1;
                frame.extend((0..added).map(|_| random.next_u64() as u8));
            }
            5 | 6 => {
                // A length or a number takes the place of one.
                let (at, word) = (place(random), WORDS[random.below(8) as usize]);
                let end = (at + 1 + random.below(5) as usize).min(frame.len());
                frame.splice(at..end, word.iter().copied());
            }
            _ => {
                // The beginning of this one with the end of another.
                let (at, other) = (place(random), self.draw(random));
                let from = random.below(other.len() as u64 + 1) as usize;
                frame.truncate(at);
                frame.extend_from_slice(&other[from..]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use overlay_core::Purpose;

    #[test]
    fn frames_are_sent_again_changed_and_made_up() {
        let mut random = Random::stream(1, Purpose::Workload, 0);
        let mut corpus = Corpus::default();
        for number in 0..100_u8 {
            let kind = if number % 10 == 0 { "rare" } else { "common" };
            corpus.keep(kind, vec![number; 20], &mut random);
        }
        corpus.keep("common", vec![0; LONGEST_KEPT + 1], &mut random);
        assert!(!corpus.lacks("common") && corpus.lacks("rare") && corpus.lacks("unknown"));
        let mut made = Vec::new();
        let (mut again, mut short, mut long) = (0, 0, 0);
        for _ in 0..10_000 {
            corpus.make(&mut random, &mut made);
            let is_true = made.len() == 20 && made.iter().all(|byte| *byte == made[0]);
            again += u32::from(is_true);
            short += u32::from(made.len() < 20);
            long += u32::from(made.len() > 20);
        }
        assert!(again > 1_000 && short > 1_000 && long > 1_000, "{again}, {short}, {long}");
    }

    #[test]
    fn a_corpus_without_frames_makes_up_its_own() {
        let mut random = Random::stream(1, Purpose::Workload, 0);
        let mut made = Vec::new();
        (0..1_000).for_each(|_| Corpus::default().make(&mut random, &mut made));
    }
}
