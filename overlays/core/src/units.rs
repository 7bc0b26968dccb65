//! Quantities as people write them in a scenario: a number and its unit.
//!
//! A quantity without a unit, or with another's, is an error that names the units there are.
use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use core::fmt;
use core::str::FromStr;
use core::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! quantity {
    ($(#[$doc:meta])* $name:ident($inner:ty), $what:literal, $example:literal, $units:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
        pub struct $name(pub $inner);

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                struct Visitor;
                impl serde::de::Visitor<'_> for Visitor {
                    type Value = $name;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        write!(f, concat!($what, " with its unit, such as `", $example, "`"))
                    }
                    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<$name, E> {
                        text.parse().map_err(E::custom)
                    }
                }
                from.deserialize_str(Visitor)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({
                    "type": "string",
                    "description": concat!($what, " with its unit, such as `", $example, "`"),
                    "pattern": r"^[0-9]+(\.[0-9]+)? ?[A-Za-zµ/]+$",
                })
            }
        }

        impl $name {
            fn scaled(text: &str) -> Result<f64, String> {
                scaled(text, $what, $example, $units)
            }
        }
    };
}

quantity!(
    /// A length of time.
    Span(Duration), "a time", "500ms",
    &[("ns", 1.0), ("us", 1e3), ("µs", 1e3), ("ms", 1e6), ("s", 1e9), ("min", 6e10), ("h", 3.6e12)]
);
quantity!(
    /// A number of bytes.
    Bytes(u64), "a size", "64KiB",
    &[
        ("B", 1.0), ("kB", 1e3), ("MB", 1e6), ("GB", 1e9),
        ("KiB", 1024.0), ("MiB", 1_048_576.0), ("GiB", 1_073_741_824.0),
    ]
);
quantity!(
    /// A data rate, in bits per second.
    BitRate(u64), "a data rate", "20Mbit/s",
    &[
        ("bit/s", 1.0), ("kbit/s", 1e3), ("Mbit/s", 1e6), ("Gbit/s", 1e9),
        ("B/s", 8.0), ("kB/s", 8e3), ("MB/s", 8e6), ("GB/s", 8e9),
    ]
);
quantity!(
    /// How often something happens, in millionths of a hertz.
    Frequency(u64), "a frequency", "100/s",
    &[("/s", 1e6), ("/min", 1e6 / 60.0), ("/h", 1e6 / 3600.0)]
);

impl FromStr for Span {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Ok(Self(Duration::from_nanos(round(Self::scaled(text)?))))
    }
}

impl FromStr for Bytes {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Ok(Self(round(Self::scaled(text)?)))
    }
}

impl FromStr for BitRate {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Ok(Self(round(Self::scaled(text)?)))
    }
}

impl FromStr for Frequency {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Ok(Self(round(Self::scaled(text)?)))
    }
}

impl Frequency {
    /// Times per second.
    #[must_use]
    pub fn per_second(self) -> f64 {
        self.0 as f64 / 1e6
    }
}

impl BitRate {
    /// How long this many bytes take at this rate; zero for a rate of 0, which stands for
    /// unlimited.
    #[must_use]
    #[inline]
    pub fn time_for(self, bytes: u64) -> Duration {
        match self.0 {
            0 => Duration::ZERO,
            rate => Duration::from_nanos((bytes * 8).saturating_mul(1_000_000_000) / rate),
        }
    }
}

impl From<Span> for Duration {
    fn from(span: Span) -> Self {
        span.0
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(
            f,
            self.0.as_nanos() as u64,
            &[("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000)],
            "ns",
        )
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(f, self.0, &[("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)], "B")
    }
}

impl fmt::Display for BitRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(
            f,
            self.0,
            &[("Gbit/s", 1_000_000_000), ("Mbit/s", 1_000_000), ("kbit/s", 1_000)],
            "bit/s",
        )
    }
}

impl fmt::Display for Frequency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", self.per_second())
    }
}

/// The largest unit that leaves a whole number.
fn show(f: &mut fmt::Formatter<'_>, value: u64, units: &[(&str, u64)], last: &str) -> fmt::Result {
    match units.iter().find(|(_, scale)| value >= *scale && value.is_multiple_of(*scale)) {
        Some((unit, scale)) => write!(f, "{}{unit}", value / scale),
        None => write!(f, "{value}{last}"),
    }
}

fn scaled(text: &str, what: &str, example: &str, units: &[(&str, f64)]) -> Result<f64, String> {
    let names = || units.iter().map(|(name, _)| *name).collect::<alloc::vec::Vec<_>>().join(", ");
    let split = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let (number, unit) = (&text[..split], text[split..].trim());
    let number: f64 = number.parse().map_err(|_| {
        format!("`{text}` is not {what}: write a number and a unit, such as `{example}`")
    })?;
    if unit.is_empty() {
        return Err(format!(
            "`{text}` has no unit: write {what} such as `{example}` ({})",
            names()
        ));
    }
    let scale = units.iter().find(|(name, _)| *name == unit).ok_or_else(|| {
        format!("`{unit}` is not a unit of {what}: use one of {}, such as `{example}`", names())
    })?;
    Ok(number * scale.1)
}

/// The nearest whole number; `f64::round` needs a standard library.
fn round(value: f64) -> u64 {
    (value + 0.5) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn what_is_shown_reads_back_the_same() {
        for text in ["500ms", "30s", "1500us", "7ns"] {
            assert_eq!(text.parse::<Span>().unwrap().to_string(), text);
        }
        assert_eq!("1.5s".parse::<Span>().unwrap().to_string(), "1500ms");
        assert_eq!("64KiB".parse::<Bytes>().unwrap(), Bytes(65_536));
        assert_eq!("2MB/s".parse::<BitRate>().unwrap().to_string(), "16Mbit/s");
        assert_eq!("80/s".parse::<Frequency>().unwrap().to_string(), "80/s");
    }

    #[test]
    fn a_wrong_unit_names_the_right_ones() {
        let error = "5 Mbit/s".parse::<Span>().unwrap_err();
        assert!(error.contains("`Mbit/s` is not a unit of a time"), "{error}");
        assert!(error.contains("ms"), "{error}");
        assert!("12".parse::<Bytes>().unwrap_err().contains("has no unit"));
        assert!("fast".parse::<BitRate>().unwrap_err().contains("write a number"));
    }

    #[test]
    fn capacity_is_time_per_byte() {
        assert_eq!(BitRate(8_000).time_for(1_000), Duration::from_secs(1));
        assert_eq!(BitRate(0).time_for(1_000), Duration::ZERO);
    }
}
