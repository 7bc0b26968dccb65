//! Flooding's part of a scenario.
use alloc::format;
use alloc::string::String;
use core::time::Duration;

use overlay_core::units::{BitRate, Span};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::seen::Bounds;

/// How a search goes out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SearchStyle {
    /// To all links, and on to all of theirs, as far as `ttl` goes.
    #[default]
    Flood,
    /// The same, but not far at first: a search that finds nothing goes out again, farther.
    ExpandingRing,
    /// `walkers` random walks, which ask the searcher every few steps whether to go on.
    RandomWalk,
}

/// Flooding's part of a scenario.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FloodingConfig {
    /// Links a node looks for, at least 1; lost ones are replaced at once. As others look for it,
    /// too, it has about twice as many. On a given graph a node looks for as many as it was given.
    /// Default 3: that makes 6 on average, where the crawl of August 2002 has 6.6 (SNAP,
    /// p2p-Gnutella08).
    pub links: u8,
    /// Most links, at least twice `links`, or newcomers would find no room; a given graph may have
    /// more. Default 8: room for a third more than the average.
    pub max_links: u8,
    /// Most other nodes that a node remembers to link to, at least `links`; while it has fewer, it
    /// asks for more with its pings. Default 16: a guess; twice as many as it may have links.
    pub host_cache: u16,
    /// Most other nodes named in one message. Default 8: Gnutella 0.6 answers a ping with about
    /// ten pongs from its cache.
    pub hosts_told: u8,
    /// How often a node pings its links, ±50 %; absent or `null`: never, and lost links are not
    /// replaced. A link that leaves two pings unanswered is given up. Default 5 s: half a minute,
    /// as clients had, scaled to runs of half a minute.
    pub ping_every: Option<Span>,
    /// How long a node waits for the answer to a `Connect`, and how often it looks for links while
    /// it waits for some. Default 1.5 s: the longest measured round trip is a third of a second, and a
    /// first message takes three.
    pub timeout: Span,
    /// `flood`, `expanding-ring` or `random-walk`.
    pub search: SearchStyle,
    /// Most forward messages on a query's path, 1 to 255. A flood may reach less than the nodes within
    /// that many hops: the copy that comes first goes on, even if it came over more hops than one
    /// that is dropped later (short-circuiting, Jovanović et al. 2001). Default 7 (Gnutella 0.4).
    pub ttl: u8,
    /// `expanding-ring`: TTL of the first ring, 1 to `ttl`. Default 1 (Lv et al. 2002, section 4.1).
    pub ring_start: u8,
    /// `expanding-ring`: by how much each ring is wider, at least 1. Default 2 (as above).
    pub ring_step: u8,
    /// `expanding-ring`: how long to wait for hits before the next ring, for each hop of TTL.
    /// Default 150 ms: about the mean round trip between cities.
    pub ring_wait: Span,
    /// `random-walk`: how many walkers, at least 1. Default 16 (Lv et al. 2002, section 4.2: 16 to
    /// 64).
    pub walkers: u8,
    /// `random-walk`: steps between two questions whether to go on, at least 1. Default 4 (Lv et
    /// al. 2002, section 4.2).
    pub check_every: u8,
    /// `random-walk`: most steps of a walker, at least 1. Default 1,024: far more than it has time
    /// for; a bound for walkers that nobody stops.
    pub walk_steps: u16,
    /// How long a searcher waits for a hit. Default 3 s: seven hops out and back take about one
    /// second, and a search has four.
    pub query_timeout: Span,
    /// Most searches under way that a node started, at least 1; further ones fail and are counted.
    /// Default 256: far beyond what a node asks for.
    pub max_searches: u16,
    /// Most queries that a node remembers having passed, a multiple of 4; if more are under way,
    /// copies of the oldest are forwarded once more. Default 4,096: a thousand a second.
    pub max_seen: u32,
    /// Whether strong nodes index the others' items, and only they flood; absent or `null`: all
    /// nodes are equal. On a given graph they are.
    pub super_peers: Option<SuperPeers>,
}

/// How super-peers and leaves find each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SuperPeers {
    /// What a node must be able to send to be a super-peer; one without a limit can. Node 0 is one
    /// in any case, so that there is one. Default 20 Mbit/s: what about one in five households had
    /// in 2020.
    pub uplink: BitRate,
    /// Super-peers that a leaf is linked to, at least 1. Default 2: one may fail. (Gnutella 0.6: 3.)
    pub leaf_links: u8,
    /// Most leaves of a super-peer, at least 1. Default 128: KaZaA's have 100 to 160 (Liang et al.
    /// 2006).
    pub max_leaves: u16,
    /// Most keys that a super-peer keeps for one leaf; further ones are dropped and counted.
    /// Default 4,096: a guess at what a large collection has.
    pub max_leaf_keys: u16,
}

impl Default for FloodingConfig {
    fn default() -> Self {
        Self {
            links: 3,
            max_links: 8,
            host_cache: 16,
            hosts_told: 8,
            ping_every: Some(Span(Duration::from_secs(5))),
            timeout: Span(Duration::from_millis(1_500)),
            search: SearchStyle::Flood,
            ttl: 7,
            ring_start: 1,
            ring_step: 2,
            ring_wait: Span(Duration::from_millis(150)),
            walkers: 16,
            check_every: 4,
            walk_steps: 1_024,
            query_timeout: Span(Duration::from_secs(3)),
            max_searches: 256,
            max_seen: 4_096,
            super_peers: None,
        }
    }
}

impl Default for SuperPeers {
    fn default() -> Self {
        Self { uplink: BitRate(20_000_000), leaf_links: 2, max_leaves: 128, max_leaf_keys: 4_096 }
    }
}

impl FloodingConfig {
    /// How long a query is remembered: until its searcher has given up.
    pub(crate) fn seen_bounds(&self) -> Bounds {
        let seconds = u16::try_from(self.query_timeout.0.as_secs() + 1).unwrap_or(u16::MAX);
        Bounds { seconds, entries: self.max_seen }
    }

    pub(crate) fn check(&self) -> Result<(), (&'static str, String)> {
        let numbers = [
            ("links", u32::from(self.links)),
            ("hosts_told", self.hosts_told.into()),
            ("ttl", self.ttl.into()),
            ("ring_start", self.ring_start.into()),
            ("ring_step", self.ring_step.into()),
            ("walkers", self.walkers.into()),
            ("check_every", self.check_every.into()),
            ("walk_steps", self.walk_steps.into()),
            ("max_searches", self.max_searches.into()),
        ];
        if let Some((field, _)) = numbers.iter().find(|(_, number)| *number == 0) {
            return Err((*field, String::from("0 is too few: use 1 or more")));
        }
        let (links, most) = (self.links, self.max_links);
        if u16::from(most) < 2 * u16::from(links) {
            let twice = 2 * u16::from(links);
            let why = "as many as a node looks for come from others";
            return Err((
                "max_links",
                format!("{most} is less than twice `links`, {twice}: {why}"),
            ));
        }
        if self.host_cache < u16::from(links) {
            let cache = self.host_cache;
            return Err(("host_cache", format!("{cache} is less than `links`, {links}")));
        }
        if self.ring_start > self.ttl {
            let (start, ttl) = (self.ring_start, self.ttl);
            return Err(("ring_start", format!("{start} is more than `ttl`, {ttl}")));
        }
        if self.max_seen < 4 || !self.max_seen.is_multiple_of(4) {
            return Err(("max_seen", format!("{} is not a multiple of 4", self.max_seen)));
        }
        self.check_times()?;
        self.super_peers.as_ref().map_or(Ok(()), SuperPeers::check)
    }

    fn check_times(&self) -> Result<(), (&'static str, String)> {
        let times = [
            ("ping_every", self.ping_every.unwrap_or(self.timeout)),
            ("timeout", self.timeout),
            ("ring_wait", self.ring_wait),
            ("query_timeout", self.query_timeout),
        ];
        match times.iter().find(|(_, time)| time.0.is_zero()) {
            Some((field, _)) => Err((*field, String::from("0 leaves no time for an answer"))),
            None => Ok(()),
        }
    }
}

impl SuperPeers {
    /// Whether a node that can send so much is to be one.
    pub(crate) const fn are_like(&self, uplink: BitRate) -> bool {
        uplink.0 == 0 || uplink.0 >= self.uplink.0
    }

    fn check(&self) -> Result<(), (&'static str, String)> {
        let numbers = [
            ("super_peers.leaf_links", u16::from(self.leaf_links)),
            ("super_peers.max_leaves", self.max_leaves),
            ("super_peers.max_leaf_keys", self.max_leaf_keys),
        ];
        match numbers.iter().find(|(_, number)| *number == 0) {
            Some((field, _)) => Err((*field, String::from("0 is too few: use 1 or more"))),
            None => Ok(()),
        }
    }
}
