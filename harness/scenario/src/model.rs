//! What a scenario file holds: a world and a workload, as plain structs with a default each.
use std::collections::BTreeMap;
use std::time::Duration;

use overlay_core::Strategy;
use overlay_core::units::{BitRate, Bytes, Frequency, Span};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha1::{Digest as _, Sha1};

use crate::churn::Churn;
use crate::weather::Weather;

/// The name under which [`Network::matrix`] finds the built-in table of cities.
pub const CITIES: &str = "cities";

/// The largest run in which connections cost a handshake: with more nodes, drivers do not keep
/// track of who is connected to whom.
pub const MOST_NODES_WITH_HANDSHAKES: u32 = 4096;

/// One scenario: a world and a workload. Together with a seed it determines everything that
/// happens to an overlay from outside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Scenario {
    /// The name in tables and records; without one, the file's.
    pub name: String,
    /// What the scenario is for, in a sentence.
    pub description: String,
    /// How many nodes there are, at least 1.
    pub nodes: u32,
    /// How many of them the overlay starts from, knowing each other, 1 to `nodes`; the others join
    /// through one of these. Absent: half of the nodes, but at least 9, or all.
    pub founders: Option<u32>,
    /// One run per seed. A seed draws places, capacities, conducts, keys and times.
    pub seeds: Vec<u64>,
    /// How the overlay comes to be.
    pub start: Start,
    /// How nodes join; only where `start` is `joined`.
    pub join: Join,
    /// From the start of the run to the first measured search: joins, publications and time to
    /// settle; at least `join.over`.
    pub warm_up: Span,
    /// Where nodes are and how they are attached.
    pub network: Network,
    /// What is published, searched and fetched.
    pub workload: Workload,
    /// Who takes without giving.
    pub freeloaders: Freeloaders,
    /// What goes wrong, and when.
    pub faults: Vec<Fault>,
    /// Nodes that come and go. Not written out where there is none, so that the digests of worlds that
    /// are older than this field stay what they were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub churn: Option<Churn>,
    /// What only the testbed needs to know.
    pub testbed: TestbedOptions,
    /// Each overlay's own section, by the overlay's name.
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    pub overlays: BTreeMap<String, serde_yaml::Value>,
}

/// As many founders as Chord's default successor list needs: one more than its length (Zave 2017).
pub const FEWEST_FOUNDERS: u32 = 9;

/// Networks up to this size form by joining unless the scenario says otherwise.
pub const MOST_NODES_TO_JOIN: u32 = 1_024;

/// How the overlay comes to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Start {
    /// `joined` up to 1,024 nodes, `converged` above and on a given graph: that many joins within seconds are a flash
    /// crowd, which is a scenario of its own.
    #[default]
    Auto,
    /// The founders first, then everybody else joins one by one.
    Joined,
    /// Every node begins in the state it would have after everybody joined and maintenance had
    /// converged; nobody joins.
    Converged,
}

/// How nodes join.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Join {
    /// The time over which joins are spread evenly, each at a random moment of its share.
    pub over: Span,
    /// Founders through which nodes join, each through one that is drawn; those that come back, too.
    /// Empty: all founders at first, anybody who is there later.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub through: Vec<u32>,
}

/// Where nodes are and how they are attached.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Network {
    /// Round trips between places: `cities` is the built-in table; anything else is the path of a
    /// matrix file, sought from the working directory, then from the scenario file's folder. Every
    /// node is put in a place drawn uniformly.
    pub matrix: String,
    /// One round trip between any two nodes, instead of the matrix.
    pub uniform_round_trip: Option<Span>,
    /// Who knows whom: the path of an edge list, sought like a matrix file. Overlays without a
    /// structure of their own link accordingly. The run then starts converged, with as many nodes
    /// as the graph has.
    pub graph: Option<String>,
    /// Classes of access links; the shares of those that list no nodes add up to 1. None:
    /// capacities are unlimited.
    pub capacities: Vec<Capacity>,
    /// Round trips that a new connection costs before its first message is delivered. Unset: see
    /// [`Scenario::handshake_round_trips`].
    pub handshake_round_trips: Option<f64>,
    /// How long a message to a dead node waits before the sender learns of the death. Unset: one
    /// round trip, as the dead node's host answers with a reset.
    pub dead_peer_timeout: Option<Span>,
    /// What the network and the machines do to messages and clocks for a while. Simulator only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weather: Option<Weather>,
}

/// One class of access links.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Capacity {
    /// Which nodes have such a link for certain; then its `share` has no meaning.
    pub nodes: Vec<u32>,
    /// The share of nodes with such a link, 0 to 1, among those that are listed nowhere.
    pub share: f64,
    /// What the node can send; `0bit/s` is unlimited.
    pub up: BitRate,
    /// What the node can receive; `0bit/s` is unlimited.
    pub down: BitRate,
}

/// What is published, searched and fetched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Workload {
    /// How many different items are published.
    pub items: u32,
    /// The size of each: at most 16 MiB, or 4 GiB less a byte if the overlay fetches in pieces.
    pub item_size: Bytes,
    /// Real bytes for the one item: the path of a file or a folder, sought like a matrix file. The
    /// item is as large as they are. In the simulator they are a length, as all items are.
    pub content: Option<String>,
    /// Which keys are searched for.
    pub keys: Keys,
    /// The exponent s of Zipf's law: the k-th most popular item is searched with a probability
    /// proportional to 1/k^s. 0: all items are equally popular.
    pub popularity_exponent: f64,
    /// How many nodes publish an item, 1 to `nodes`; on average, if popular items are published
    /// more often than others.
    pub copies: u32,
    /// Which nodes publish: every item is published by all of them, and `copies` and `replication`
    /// have no meaning. Empty: they are drawn.
    pub publishers: Vec<u32>,
    /// How the copies are shared out among the items.
    pub replication: Replication,
    /// How many searches there are.
    pub searches: u64,
    /// Searches by the whole network. They are a Poisson process: each is due at its time however
    /// long those before it take (an open loop).
    pub rate: Frequency,
    /// Instead of `searches` at a `rate`: every node searches once for every item that it does not
    /// publish, and fetches it.
    pub downloads: Option<Downloads>,
    /// Whether a successful search is followed by a fetch from the holder it found.
    pub fetch: bool,
    /// How long a search may take, and then a fetch, before it has failed.
    pub timeout: Span,
}

/// Everybody downloads everything, once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Downloads {
    /// How downloads begin after the warm-up.
    pub arrivals: Arrivals,
    /// In which time they begin.
    pub over: Span,
}

/// When downloads begin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Arrivals {
    /// Each at a random moment within the time.
    #[default]
    FlashCrowd,
    /// As a Poisson process: so many on average within the time.
    Poisson,
    /// One after the other at equal distances.
    Staggered,
}

/// Which keys are searched for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Keys {
    /// Those of published items.
    #[default]
    Published,
    /// Uniformly random ones, which nobody published: the search is for the responsible node.
    Random,
}

/// How copies are shared out among items of different popularity (Cohen and Shenker 2002). Every
/// item has at least one, and none more than there are nodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Replication {
    /// All items have as many.
    #[default]
    Uniform,
    /// In proportion to how often an item is searched, as when everybody who fetched it keeps it.
    Proportional,
    /// In proportion to the square root of that, which makes random searches shortest.
    SquareRoot,
}

/// Who takes without giving.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Freeloaders {
    /// Which nodes freeload for certain; then `share` has no meaning. None of them is listed in
    /// `workload.publishers`.
    pub nodes: Vec<u32>,
    /// The share of nodes that freeload, 0 to 1, among those not listed in `workload.publishers`.
    pub share: f64,
    /// How they do it.
    pub strategy: Strategy,
}

/// Something that goes wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Fault {
    /// When, since the start of the run.
    pub at: Span,
    /// What.
    pub action: FaultAction,
    /// Which nodes for certain.
    pub nodes: Vec<u32>,
    /// Which share, 0 to 1, of the nodes not listed that no fault has struck before.
    pub share: f64,
    /// How long after being killed a node comes back: at its place and under its number, with the
    /// items that it held, but remembering nothing; or how long after being frozen it wakes, with
    /// everything it remembered. Absent: never.
    pub back_after: Option<Span>,
}

/// What happens to a node.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum FaultAction {
    /// It stops without notice; whoever talks to it finds the connection broken.
    #[default]
    Kill,
    /// It does nothing, but its connections stay open.
    Freeze,
    /// It departs with notice.
    Leave,
}

impl FaultAction {
    /// The name in scenarios and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Freeze => "freeze",
            Self::Leave => "leave",
        }
    }
}

/// What only the testbed needs to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TestbedOptions {
    /// How many nodes share a process, at least 1.
    pub nodes_per_process: u32,
    /// What carries connections.
    pub transport: Transport,
    /// Whether latencies and capacities of the network apply; if not, nodes talk as fast as the
    /// machine can.
    pub shaped: bool,
}

/// What carries connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    /// TCP with Noise and Yamux.
    #[default]
    Tcp,
    /// QUIC.
    Quic,
}

impl Default for Scenario {
    /// The values of `configs/default.yaml`, where each has its reason, less its access links.
    fn default() -> Self {
        Self {
            name: "unnamed".to_owned(),
            description: String::new(),
            nodes: 64,
            founders: None,
            seeds: vec![1],
            start: Start::Auto,
            join: Join::default(),
            warm_up: Span(Duration::from_secs(12)),
            network: Network::default(),
            workload: Workload::default(),
            freeloaders: Freeloaders::default(),
            faults: Vec::new(),
            churn: None,
            testbed: TestbedOptions::default(),
            overlays: BTreeMap::new(),
        }
    }
}

impl Default for Join {
    fn default() -> Self {
        Self { over: Span(Duration::from_secs(1)), through: Vec::new() }
    }
}

impl Default for Network {
    fn default() -> Self {
        Self {
            matrix: CITIES.to_owned(),
            uniform_round_trip: None,
            graph: None,
            capacities: Vec::new(),
            handshake_round_trips: None,
            dead_peer_timeout: None,
            weather: None,
        }
    }
}

impl Default for Capacity {
    fn default() -> Self {
        Self { nodes: Vec::new(), share: 1.0, up: BitRate(0), down: BitRate(0) }
    }
}

impl Default for Workload {
    fn default() -> Self {
        Self {
            items: 256,
            item_size: Bytes(1024),
            content: None,
            keys: Keys::Published,
            popularity_exponent: 0.0,
            copies: 1,
            publishers: Vec::new(),
            replication: Replication::Uniform,
            searches: 300,
            rate: Frequency(10_000_000),
            downloads: None,
            fetch: false,
            timeout: Span(Duration::from_secs(4)),
        }
    }
}

impl Default for Downloads {
    fn default() -> Self {
        Self { arrivals: Arrivals::FlashCrowd, over: Span(Duration::from_secs(10)) }
    }
}

impl Default for Freeloaders {
    fn default() -> Self {
        Self { nodes: Vec::new(), share: 0.0, strategy: Strategy::NoForward }
    }
}

impl Default for Fault {
    fn default() -> Self {
        Self {
            at: Span(Duration::ZERO),
            action: FaultAction::Kill,
            nodes: Vec::new(),
            share: 0.0,
            back_after: None,
        }
    }
}

impl Default for TestbedOptions {
    fn default() -> Self {
        Self { nodes_per_process: 1, transport: Transport::Tcp, shaped: true }
    }
}

impl Capacity {
    /// The share of the nodes listed nowhere that have such a link: none if it lists its own.
    #[must_use]
    pub fn drawn_share(&self) -> f64 {
        if self.nodes.is_empty() { self.share } else { 0.0 }
    }
}

impl Freeloaders {
    /// Whether the scenario asks for any.
    #[must_use]
    pub fn are_any(&self) -> bool {
        !self.nodes.is_empty() || self.share > 0.0
    }
}

impl Scenario {
    /// The scenario with every value written out. Reads back equal.
    #[must_use]
    pub fn to_yaml(&self) -> String {
        serde_yaml::to_string(self)
            .expect("a scenario is made of mappings, sequences and scalars, which YAML can write")
    }

    /// Sixteen hexadecimal digits that equal scenarios share, whatever their seeds: the head of the
    /// SHA-1 of the resolved YAML without its seeds.
    #[must_use]
    pub fn digest(&self) -> String {
        let unseeded = Self { seeds: Vec::new(), ..self.clone() };
        head_of_hash(&unseeded.to_yaml())
    }

    /// Sixteen hexadecimal digits that equal lists of scenarios share, whatever their seeds.
    #[must_use]
    pub fn digest_of_all<'a>(scenarios: impl IntoIterator<Item = &'a Self>) -> String {
        let digests: Vec<String> = scenarios.into_iter().map(Self::digest).collect();
        head_of_hash(&digests.concat())
    }

    /// Round trips that a new connection costs before its first message is delivered.
    ///
    /// If the scenario does not say: 2 over TCP, whose own handshake the testbed does not delay but
    /// whose Noise and Yamux negotiation it does; none over QUIC; and none above
    /// [`MOST_NODES_WITH_HANDSHAKES`] nodes, where connections are not modelled.
    #[must_use]
    pub fn handshake_round_trips(&self) -> f64 {
        let modelled = self.nodes <= MOST_NODES_WITH_HANDSHAKES;
        let tcp = self.testbed.transport == Transport::Tcp;
        let default = if modelled && tcp { 2.0 } else { 0.0 };
        self.network.handshake_round_trips.unwrap_or(default)
    }

    /// How many nodes the overlay starts from. If the scenario does not say: half of them, so that
    /// the network doubles by joins, but at least [`FEWEST_FOUNDERS`].
    #[must_use]
    pub fn founders(&self) -> u32 {
        self.founders.unwrap_or_else(|| (self.nodes / 2).max(FEWEST_FOUNDERS).min(self.nodes))
    }

    /// Whether nodes join one by one, rather than begin where that would have led.
    #[must_use]
    pub fn forms_by_joining(&self) -> bool {
        match self.start {
            Start::Auto => self.nodes <= MOST_NODES_TO_JOIN && self.network.graph.is_none(),
            Start::Joined => true,
            Start::Converged => false,
        }
    }

    /// When the joins are over: at once where the overlay starts converged.
    pub(crate) fn joined_by(&self) -> Duration {
        if self.forms_by_joining() { self.join.over.0 } else { Duration::ZERO }
    }
}

fn head_of_hash(text: &str) -> String {
    Sha1::digest(text.as_bytes())[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}
