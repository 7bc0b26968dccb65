//! Random streams: one per purpose and index, all from the run's seed.
use core::time::Duration;

use rand_core::Rng as _;
use rand_pcg::Pcg64Mcg;

use crate::NodeId;

/// What a stream is for. Each purpose has its own streams, so a change in how one draws leaves the
/// draws of the others alone, and two overlays under one seed meet the same world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Purpose {
    /// A node's own decisions; the index is the node.
    Node = 1,
    /// Where nodes are and how they are attached.
    Network = 2,
    /// Who joins, leaves and fails, and when.
    Churn = 3,
    /// Which items there are, who publishes, searches and fetches them, and when.
    Workload = 4,
    /// Who is a freeloader.
    Population = 5,
    /// What the network and the machines do to messages and clocks.
    Weather = 6,
    /// Worlds that are themselves drawn by chance.
    Worlds = 7,
}

/// One stream of random numbers: PCG 128-bit MCG with XSL-RR output (O'Neill 2014), whose sequence
/// is fixed by its definition and so the same on every machine.
#[derive(Clone, Debug)]
pub struct Random(Pcg64Mcg);

impl Random {
    /// The stream of one purpose and index under one seed.
    #[must_use]
    pub fn stream(seed: u64, purpose: Purpose, index: u64) -> Self {
        let low = mix(mix(mix(seed) ^ purpose as u64) ^ index);
        let high = mix(low ^ 0x9e37_79b9_7f4a_7c15);
        Self(Pcg64Mcg::new((u128::from(high) << 64) | u128::from(low)))
    }

    /// The stream of a node in one of its lives: 0 is the first, and each return begins another.
    #[must_use]
    pub fn of_node(seed: u64, node: NodeId, life: u32) -> Self {
        Self::stream(seed, Purpose::Node, u64::from(life) << 32 | u64::from(node.0))
    }

    /// A uniform 64-bit number.
    pub fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A uniform number in `0..bound`; 0 if `bound` is 0. By multiplication and shift: the bias is
    /// below `bound / 2^64`.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(bound)) >> 64) as u64
    }

    /// A uniform number in `[0, 1)` with 53 random bits.
    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A number that is exponentially distributed with mean 1: times the mean, the time until what
    /// happens at a constant rate happens next. Computed without the machine's own logarithm, so that
    /// it is the same everywhere.
    pub fn exponential(&mut self) -> f64 {
        -libm::log(1.0 - self.unit())
    }

    /// A uniform duration in `[0, bound)`.
    pub fn duration_below(&mut self, bound: Duration) -> Duration {
        Duration::from_nanos(self.below(u64::try_from(bound.as_nanos()).unwrap_or(u64::MAX)))
    }

    /// A uniform duration in `[1 − spread, 1 + spread) × mean`: periodic work that does not run in
    /// step on all nodes.
    pub fn around(&mut self, mean: Duration, spread: f64) -> Duration {
        mean.mul_f64((1.0 + spread * (2.0 * self.unit() - 1.0)).max(0.0))
    }
}

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014).
fn mix(word: u64) -> u64 {
    let mut word = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_the_same_on_every_machine() {
        let mut stream = Random::stream(1, Purpose::Node, 0);
        let drawn: [u64; 3] = core::array::from_fn(|_| stream.next_u64());
        let pinned =
            [10_716_374_553_804_673_471, 16_539_890_215_008_256_163, 10_937_820_782_470_679_323];
        assert_eq!(drawn, pinned);
    }

    #[test]
    fn purposes_and_indices_have_streams_of_their_own() {
        let first = |purpose, index| Random::stream(7, purpose, index).next_u64();
        assert_ne!(first(Purpose::Node, 0), first(Purpose::Node, 1));
        assert_ne!(first(Purpose::Node, 0), first(Purpose::Churn, 0));
        let life = |life| Random::of_node(7, NodeId(1), life).next_u64();
        assert_eq!(life(0), first(Purpose::Node, 1));
        assert_ne!(life(1), life(0));
    }

    #[test]
    fn below_stays_below_and_reaches_every_value() {
        let mut stream = Random::stream(3, Purpose::Workload, 0);
        let mut seen = [false; 7];
        for _ in 0..1_000 {
            seen[stream.below(7) as usize] = true;
        }
        assert!(seen.iter().all(|&value| value));
        assert_eq!(stream.below(0), 0);
    }
}
