//! A histogram of whole numbers: HDR buckets with three significant digits, and beside them what
//! buckets would round: the exact sum and the exact largest value.
use std::io::Cursor;

use hdrhistogram::serialization::{Deserializer, Serializer as _, V2DeflateSerializer};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Significant decimal digits of every histogram: quantiles are within 0.1 % of the true value,
/// and exact below 2,048.
const DIGITS: u8 = 3;

/// How often each value was seen. Grows with the largest value; recording does not allocate
/// otherwise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Encoded", into = "Encoded")]
pub struct Histogram {
    counts: hdrhistogram::Histogram<u64>,
    sum: u128,
    largest: u64,
}

/// Bytes that should have been a histogram and are not.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("not an HDR histogram of peerbench: {0}")]
pub struct MalformedHistogram(String);

impl MalformedHistogram {
    pub(crate) fn new(why: impl ToString) -> Self {
        Self(why.to_string())
    }
}

impl Default for Histogram {
    fn default() -> Self {
        Self::new()
    }
}

impl Histogram {
    /// An empty histogram.
    #[must_use]
    pub fn new() -> Self {
        let counts = hdrhistogram::Histogram::new(DIGITS).expect("three digits are within 0..=5");
        Self { counts, sum: 0, largest: 0 }
    }

    /// Counts one value.
    #[inline]
    pub fn record(&mut self, value: u64) {
        self.counts.record(value).expect("a histogram that grows has a place for every value");
        self.sum += u128::from(value);
        self.largest = self.largest.max(value);
    }

    /// Adds what another histogram counted.
    pub fn merge(&mut self, other: &Self) {
        self.counts.add(&other.counts).expect("a histogram that grows has a place for every value");
        self.sum += other.sum;
        self.largest = self.largest.max(other.largest);
    }

    /// How many values were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.len()
    }

    /// Whether nothing was counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// The exact mean; `None` if nothing was counted.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        (!self.is_empty()).then(|| self.sum as f64 / self.count() as f64)
    }

    /// The smallest recorded value that at least this share of the values does not exceed, within
    /// 0.1 %. `share` is in `0..=1`; `None` if nothing was counted.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Option<u64> {
        (!self.is_empty()).then(|| self.counts.value_at_quantile(share).min(self.largest))
    }

    /// The exact largest value; `None` if nothing was counted.
    #[must_use]
    pub fn max(&self) -> Option<u64> {
        (!self.is_empty()).then_some(self.largest)
    }

    /// The values that were counted, ascending, each with how often. A value above 2,047 stands
    /// for its bucket, which is at most 0.1 % wide.
    pub fn iter(&self) -> impl Iterator<Item = (u64, u64)> {
        self.counts
            .iter_recorded()
            .map(|step| (step.value_iterated_to(), step.count_since_last_iteration()))
    }

    /// The HDR counts alone, for the interval log.
    pub(crate) fn counts(&self) -> &hdrhistogram::Histogram<u64> {
        &self.counts
    }

    /// A histogram from the bytes of the interval log: the V2 format, deflated or not. The format
    /// holds neither sum nor largest value, so both are the buckets' here, within 0.1 %.
    pub(crate) fn from_v2(bytes: &[u8]) -> Result<Self, MalformedHistogram> {
        let mut counts: hdrhistogram::Histogram<u64> = Deserializer::new()
            .deserialize(&mut Cursor::new(bytes))
            .map_err(MalformedHistogram::new)?;
        counts.auto(true);
        let largest = counts.max();
        let sum = counts
            .iter_recorded()
            .map(|step| {
                let value = counts.median_equivalent(step.value_iterated_to()).min(largest);
                u128::from(value) * u128::from(step.count_since_last_iteration())
            })
            .sum();
        Ok(Self { counts, sum, largest })
    }
}

/// A histogram between two processes.
#[derive(Serialize, Deserialize)]
struct Encoded {
    counts: Vec<u8>,
    sum: u128,
    largest: u64,
}

impl From<Histogram> for Encoded {
    fn from(histogram: Histogram) -> Self {
        let mut counts = Vec::new();
        V2DeflateSerializer::new()
            .serialize(&histogram.counts, &mut counts)
            .expect("a histogram of three digits encodes, and a vector takes every byte");
        Self { counts, sum: histogram.sum, largest: histogram.largest }
    }
}

impl TryFrom<Encoded> for Histogram {
    type Error = MalformedHistogram;

    fn try_from(encoded: Encoded) -> Result<Self, MalformedHistogram> {
        let Encoded { counts, sum, largest } = encoded;
        Ok(Self { sum, largest, ..Self::from_v2(&counts)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: impl IntoIterator<Item = u64>) -> Histogram {
        let mut histogram = Histogram::new();
        values.into_iter().for_each(|value| histogram.record(value));
        histogram
    }

    #[test]
    fn quantiles_of_small_numbers_are_exact() {
        let histogram = of(1..=1_000);
        assert_eq!(histogram.quantile(0.5), Some(500));
        assert_eq!(histogram.quantile(0.99), Some(990));
        assert_eq!(histogram.quantile(0.999), Some(999));
        assert_eq!(histogram.max(), Some(1_000));
        assert_eq!(histogram.mean(), Some(500.5));
        assert_eq!(histogram.iter().count(), 1_000);
    }

    #[test]
    fn sum_and_largest_are_exact_and_no_quantile_exceeds_the_largest() {
        let histogram = of([10_000_001, 0, u64::MAX]);
        assert_eq!(histogram.max(), Some(u64::MAX));
        let histogram = of([1_000_001, 3_000_000]);
        assert_eq!(histogram.mean(), Some(2_000_000.5));
        assert_eq!(histogram.quantile(1.0), Some(3_000_000));
    }

    #[test]
    fn nothing_counted_is_nothing_known() {
        let histogram = Histogram::new();
        assert_eq!(
            (histogram.mean(), histogram.quantile(0.5), histogram.max()),
            (None, None, None)
        );
    }

    #[test]
    fn merging_is_counting_together() {
        let mut left = of(0..5_000);
        left.merge(&of(5_000..100_000));
        assert!(left.iter().eq(of(0..100_000).iter()));
        assert_eq!(left.mean(), of(0..100_000).mean());
    }

    #[test]
    fn what_was_encoded_reads_back_the_same_and_grows_on() {
        let histogram = of([3, 70_000, 5_000_000]);
        let text = serde_json::to_string(&histogram).unwrap();
        let mut back: Histogram = serde_json::from_str(&text).unwrap();
        assert!(back.iter().eq(histogram.iter()));
        assert_eq!((back.mean(), back.max()), (histogram.mean(), histogram.max()));
        back.record(u64::from(u32::MAX) * 100);
        assert_eq!(back.count(), 4);
        assert!(
            serde_json::from_str::<Histogram>(r#"{"counts":[1,2],"sum":0,"largest":0}"#).is_err()
        );
    }
}
