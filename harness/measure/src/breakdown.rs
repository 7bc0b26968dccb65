//! Who carries the load: what nodes showed, by what they are to the others and by how they are
//! attached. A mean over all nodes hides the one server among them.
use std::collections::BTreeMap;
use std::fmt;

use overlay_core::Role;
use overlay_core::units::BitRate;
use serde::{Deserialize, Serialize};

use crate::nodes::{NodeSample, RATE_SCALE, UTILISATION_SCALE};

/// Nodes that have something in common, and what they carried in the window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeGroup {
    /// What they have in common.
    pub by: GroupedBy,
    /// Which of it: a role, or what the node can send, such as `20Mbit/s` or `unlimited`.
    pub name: String,
    /// How many they are.
    pub nodes: u64,
    /// Payload sent, in bytes per node and second alive. `None`: none of them was alive.
    pub bytes_sent: Option<Load>,
    /// Payload received, likewise.
    pub bytes_received: Option<Load>,
    /// Messages sent and received together, per node and second alive.
    pub messages: Option<Load>,
    /// Index records kept for others at the end of the window.
    pub entries: Option<Load>,
    /// Other nodes remembered at the end of the window.
    pub links: Option<Load>,
    /// Share of what the uplink can carry that was sent; `None` where it is unlimited.
    pub uplink_utilisation: Option<Load>,
    /// Processor time in milliseconds per node and second alive; `None` where it is not the
    /// node's own.
    pub cpu_ms_per_second: Option<Load>,
}

/// What nodes of a group have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GroupedBy {
    /// What they are to the others, at the end of the window.
    Role,
    /// What they can send.
    Uplink,
}

impl fmt::Display for GroupedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Role => "role",
            Self::Uplink => "uplink",
        })
    }
}

/// A figure over the nodes of a group.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Load {
    /// The mean.
    pub mean: f64,
    /// The busiest node's.
    pub max: f64,
}

/// Groups as they are filled.
#[derive(Clone, Debug, Default)]
pub(crate) struct Breakdown(BTreeMap<Common, Sums>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Common {
    Role(Role),
    /// Unlimited ones last.
    Uplink(u64),
}

#[derive(Clone, Debug, Default)]
struct Sums {
    nodes: u64,
    bytes_sent: Spread,
    bytes_received: Spread,
    messages: Spread,
    entries: Spread,
    links: Spread,
    uplink: Spread,
    cpu: Spread,
}

/// Sums in whole numbers: they come to the same in whatever order nodes are added.
#[derive(Clone, Copy, Debug, Default)]
struct Spread {
    count: u64,
    sum: u128,
    max: u64,
}

impl Breakdown {
    pub(crate) fn add(&mut self, sample: &NodeSample) {
        let uplink = match sample.uplink.0 {
            0 => u64::MAX,
            rate => rate,
        };
        for common in [Common::Role(sample.role), Common::Uplink(uplink)] {
            self.0.entry(common).or_default().add(sample);
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for (common, sums) in &other.0 {
            self.0.entry(*common).or_default().merge(sums);
        }
    }

    /// The groups, by role and then by uplink; the slowest uplink first.
    pub(crate) fn groups(&self) -> Vec<NodeGroup> {
        self.0.iter().map(|(common, sums)| sums.group(*common)).collect()
    }
}

impl Common {
    fn by(self) -> GroupedBy {
        match self {
            Self::Role(_) => GroupedBy::Role,
            Self::Uplink(_) => GroupedBy::Uplink,
        }
    }

    fn name(self) -> String {
        match self {
            Self::Role(role) => role.to_string(),
            Self::Uplink(u64::MAX) => "unlimited".to_owned(),
            Self::Uplink(rate) => BitRate(rate).to_string(),
        }
    }
}

impl Sums {
    fn add(&mut self, sample: &NodeSample) {
        self.nodes += 1;
        self.entries.record(sample.state.entries.into());
        self.links.record(sample.state.links.into());
        let Some(rates) = sample.rates() else { return };
        self.bytes_sent.record(rates.bytes_sent);
        self.bytes_received.record(rates.bytes_received);
        self.messages.record(rates.messages);
        rates.uplink.into_iter().for_each(|share| self.uplink.record(share));
        rates.cpu.into_iter().for_each(|micros| self.cpu.record(micros));
    }

    fn merge(&mut self, other: &Self) {
        self.nodes += other.nodes;
        for (mine, others) in [
            (&mut self.bytes_sent, other.bytes_sent),
            (&mut self.bytes_received, other.bytes_received),
            (&mut self.messages, other.messages),
            (&mut self.entries, other.entries),
            (&mut self.links, other.links),
            (&mut self.uplink, other.uplink),
            (&mut self.cpu, other.cpu),
        ] {
            mine.merge(others);
        }
    }

    fn group(&self, common: Common) -> NodeGroup {
        NodeGroup {
            by: common.by(),
            name: common.name(),
            nodes: self.nodes,
            bytes_sent: self.bytes_sent.load(RATE_SCALE),
            bytes_received: self.bytes_received.load(RATE_SCALE),
            messages: self.messages.load(RATE_SCALE),
            entries: self.entries.load(1),
            links: self.links.load(1),
            uplink_utilisation: self.uplink.load(UTILISATION_SCALE),
            cpu_ms_per_second: self.cpu.load(1_000),
        }
    }
}

impl Spread {
    fn record(&mut self, value: u64) {
        self.count += 1;
        self.sum += u128::from(value);
        self.max = self.max.max(value);
    }

    fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.sum += other.sum;
        self.max = self.max.max(other.max);
    }

    fn load(self, scale: u64) -> Option<Load> {
        let scale = scale as f64;
        (self.count > 0).then(|| Load {
            mean: self.sum as f64 / self.count as f64 / scale,
            max: self.max as f64 / scale,
        })
    }
}
