//! The interval log of HdrHistogram: one line a distribution, tagged with its metric's name. Any
//! HDR viewer reads it.
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{
    IntervalLogIterator, IntervalLogWriterBuilder, LogEntry, Tag,
};

use crate::histogram::MalformedHistogram;
use crate::{Histogram, METRICS, Measurement};

/// All distributions of a measurement. Holds nothing but them and the window's length, so the same
/// simulated run gives the same bytes.
pub(crate) fn write(measurement: &Measurement) -> Vec<u8> {
    let distributions: Vec<_> = METRICS
        .iter()
        .filter_map(|metric| metric.histogram(measurement).map(|histogram| (metric, histogram)))
        .collect();
    let mut builder = IntervalLogWriterBuilder::new();
    for (metric, _) in &distributions {
        let steps = match metric.scale {
            1 => String::new(),
            scale => format!("1/{scale} "),
        };
        builder.add_comment(&format!("{}: in {steps}{}", metric.name, metric.unit));
    }
    let mut bytes = Vec::new();
    let mut serializer = V2DeflateSerializer::new();
    let mut log =
        builder.begin_log_with(&mut bytes, &mut serializer).expect("a vector takes every byte");
    for (metric, histogram) in distributions {
        log.write_histogram(
            histogram.counts(),
            Duration::ZERO,
            measurement.window,
            Tag::new(metric.name),
        )
        .expect("a histogram of three digits encodes, and a vector takes every byte");
    }
    bytes
}

/// The distribution with this tag; `None` if the log has none.
pub(crate) fn read(bytes: &[u8], tag: &str) -> Result<Option<Histogram>, MalformedHistogram> {
    for entry in IntervalLogIterator::new(bytes) {
        let entry = entry.map_err(|error| MalformedHistogram::new(format!("{error:?}")))?;
        if let LogEntry::Interval(interval) = entry
            && interval.tag().is_some_and(|found| found.as_str() == tag)
        {
            let encoded = BASE64_STANDARD
                .decode(interval.encoded_histogram())
                .map_err(MalformedHistogram::new)?;
            return Histogram::from_v2(&encoded).map(Some);
        }
    }
    Ok(None)
}
