//! The tracker's part of a scenario, and what follows from it for everybody: who the servers are and
//! which of them is whose.
use alloc::format;
use alloc::string::String;
use core::time::Duration;

use overlay_core::units::Span;
use overlay_core::{Key, NodeId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What each of several servers knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// A key belongs to one server. Losing a server loses its share of the keys.
    #[default]
    Partitioned,
    /// Every server knows everything: what peers tell one of them, it copies to the others. Losing
    /// a server loses nothing, and every publication costs as many messages as there are servers.
    Replicated,
}

/// The tracker's part of a scenario.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TrackerConfig {
    /// How many servers there are, 1 to 256: the first nodes of the run. Default 1: the central
    /// index as it is meant.
    pub servers: u16,
    /// What each of several servers knows: its keys (`partitioned`), or all (`replicated`). Default
    /// partitioned: the cheaper one.
    pub layout: Layout,
    /// How often a node tells its servers that it is there. Default 30 s: often enough that a
    /// restarted server knows everybody again within a usual run; a BitTorrent client announces
    /// itself every half hour.
    pub keep_alive_every: Span,
    /// How long a server remembers a node it does not hear from; it looks every
    /// `keep_alive_every`, so it may be that much longer. More than `keep_alive_every` and
    /// `request_timeout` together. Default 90 s: two keep-alives may get lost.
    pub expire_after: Span,
    /// How long a node waits for an answer before it asks another server, or the same one later to
    /// register it; searches for which there is no other server to ask go on waiting. Default 1.5 s:
    /// the longest measured round trip is a third of a second, and a first message takes three.
    pub request_timeout: Span,
    /// How long a node that found no server waits until it tries again, ±50 %; twice as long after
    /// each further attempt. Default 1 s: a guess at how fast a server is started anew.
    pub retry: Span,
    /// The longest such wait, ±50 %. Default 30 s: as often as a keep-alive.
    pub retry_at_most: Span,
    /// Most index records of a server, one for each holder of an item; further ones are refused and
    /// counted. Default 4,194,304, which are 100 MB when encoded: a guess at what a server can
    /// spare.
    pub max_records: u32,
    /// Most holders of one item that a server remembers; further ones are refused and counted.
    /// Default 65,536: more than the largest swarms have.
    pub max_holders: u32,
    /// Most keys in one message, 1 to 65,536. Default 1,024, which are 20 KiB: a hundred times a
    /// message's other costs.
    pub max_batch: u32,
}

impl Default for TrackerConfig {
    fn default() -> Self {
        Self {
            servers: 1,
            layout: Layout::Partitioned,
            keep_alive_every: Span(Duration::from_secs(30)),
            expire_after: Span(Duration::from_secs(90)),
            request_timeout: Span(Duration::from_millis(1_500)),
            retry: Span(Duration::from_secs(1)),
            retry_at_most: Span(Duration::from_secs(30)),
            max_records: 4_194_304,
            max_holders: 65_536,
            max_batch: 1_024,
        }
    }
}

impl TrackerConfig {
    /// The servers, ascending.
    pub fn servers(&self) -> impl Iterator<Item = NodeId> + use<> {
        (0..u32::from(self.servers)).map(NodeId)
    }

    /// Whether this node is a server.
    #[must_use]
    pub fn is_server(&self, node: NodeId) -> bool {
        node.0 < u32::from(self.servers)
    }

    /// Whether every server knows everything.
    #[must_use]
    pub fn is_replicated(&self) -> bool {
        self.layout == Layout::Replicated
    }

    /// Whether this server is one to ask for the key.
    #[must_use]
    pub fn is_asked_for(&self, server: NodeId, key: &Key) -> bool {
        self.is_server(server) && (self.is_replicated() || self.server_of(key) == server)
    }

    /// The one server of a key, if keys are partitioned: the first eight bytes of a key are as good
    /// a hash as any, because a key is a hash already.
    #[must_use]
    pub fn server_of(&self, key: &Key) -> NodeId {
        let hash = key.0[..8].iter().fold(0, |hash: u64, &byte| hash << 8 | u64::from(byte));
        NodeId((hash % u64::from(self.servers)) as u32)
    }

    /// The server that a node registers at first, if they are replicas: evenly many at each.
    #[must_use]
    pub fn home_of(&self, node: NodeId) -> NodeId {
        NodeId(node.0 % u32::from(self.servers))
    }

    /// The server to ask when this one does not answer, if they are replicas.
    #[must_use]
    pub fn server_after(&self, server: NodeId) -> NodeId {
        NodeId((server.0 + 1) % u32::from(self.servers))
    }

    pub(crate) fn check(&self, nodes: u32) -> Result<(), (&'static str, String)> {
        let Self { servers, max_batch, .. } = self;
        if !(1..=256).contains(servers) {
            return Err(("servers", format!("{servers} is not from 1 to 256")));
        }
        if u32::from(*servers) > nodes {
            return Err(("servers", format!("{servers} are more than the {nodes} nodes")));
        }
        if !(1..=65_536).contains(max_batch) {
            return Err(("max_batch", format!("{max_batch} is not from 1 to 65536")));
        }
        for (field, bound) in [("max_records", self.max_records), ("max_holders", self.max_holders)]
        {
            if bound == 0 {
                return Err((field, String::from("0 would refuse every item: use 1 or more")));
            }
        }
        let positive = [("keep_alive_every", self.keep_alive_every), ("retry", self.retry)];
        for (field, span) in positive {
            if span.0.is_zero() {
                return Err((field, String::from("0s would keep a node busy: use more")));
            }
        }
        if self.retry_at_most.0 < self.retry.0 {
            let shortest = self.retry;
            return Err(("retry_at_most", format!("it is less than `retry`, {shortest}")));
        }
        let least = Span(self.keep_alive_every.0 + self.request_timeout.0);
        if self.expire_after.0 <= least.0 {
            let message = "a node whose keep-alive is on its way would be forgotten: use more than";
            return Err(("expire_after", format!("{message} {least}")));
        }
        Ok(())
    }
}
