//! Chord's part of a scenario.
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use overlay_core::dht::StorageConfig;
use overlay_core::units::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Member, Position};

/// What is done again and again waits at least so long: nothing else would happen any more, and with
/// 0 s virtual time would stand still.
const SHORTEST_PERIOD: Duration = Duration::from_millis(1);

/// Who forwards a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LookupStyle {
    /// Each node forwards the request to the next; the answer comes back along the same path, so
    /// nothing but neighbours' links is used.
    #[default]
    Recursive,
    /// The searcher asks one node after the other for the next hop, and then the responsible node.
    Iterative,
}

/// Chord's part of a scenario.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ChordConfig {
    /// Bits m of an identifier, 3 to 160. Default 160: SHA-1 (SIGCOMM 2001, section 4.1).
    pub bits: u8,
    /// Length r of the successor list, 1 to 32. Longer lists survive more simultaneous failures and
    /// shorten paths by ½·log2 r. Default 8: a little more than log2 of the default 64 nodes, as
    /// section 5.3 asks for.
    pub successors: u8,
    /// `recursive` or `iterative`. Default recursive: half the latency on long paths, and no
    /// connections to strangers.
    pub lookup: LookupStyle,
    /// How often a node stabilises and refreshes one finger, ±50 %; absent or `null`: never, and
    /// nothing learnt about failures is remembered. Default 1 s: the paper's 30 s (ToN 2003,
    /// section VI-D) scaled to runs of half a minute.
    pub stabilize_every: Option<Span>,
    /// How often instead while a node's links are changing: from there the interval doubles with
    /// every round that changes nothing, as Trickle's does (RFC 6206, section 4.2). As long as
    /// `stabilize_every` or longer: the paper's fixed rhythm. Default 250 ms: a few times as fast.
    pub settle_every: Span,
    /// How often a node looks for its successor through whom it joined, or through another founder: so
    /// rings that were cut apart become one again. Default absent: never, as in the paper, which has
    /// "no specific mechanism to heal partitioned rings" (SIGCOMM 2001, section 7).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reunite_every: Option<Span>,
    /// How long a node waits for an answer before it doubts the peer, and again before it gives it
    /// up. Default 1.5 s: the longest measured round trip is a third of a second, and a first
    /// message takes three (ToN 2003, section VI-D, has 500 ms for a round trip of 100 ms).
    pub timeout: Span,
    /// Ring members a node is, 1 to 1,024: more of them even out the load (SIGCOMM 2001, section
    /// 6.2) and cost as much more state.
    pub virtual_nodes: u16,
    /// Identifiers of the first ring members, for examples worked by hand (m at most 64); the
    /// others' come from SHA-1. Default none.
    pub positions: Vec<u64>,
    /// Most requests on their way through one node; further ones are dropped and counted. Default
    /// 4,096: far beyond what a node sees unless it is overloaded.
    pub max_pending: u16,
    /// How items are stored on top.
    pub storage: StorageConfig,
}

impl Default for ChordConfig {
    fn default() -> Self {
        Self {
            bits: 160,
            successors: 8,
            lookup: LookupStyle::Recursive,
            stabilize_every: Some(Span(Duration::from_secs(1))),
            settle_every: Span(Duration::from_millis(250)),
            reunite_every: None,
            timeout: Span(Duration::from_millis(1_500)),
            virtual_nodes: 1,
            positions: Vec::new(),
            max_pending: 4_096,
            storage: StorageConfig::default(),
        }
    }
}

impl ChordConfig {
    /// Whether tables stay as they are, whatever is learnt.
    #[must_use]
    pub const fn is_frozen(&self) -> bool {
        self.stabilize_every.is_none()
    }

    pub(crate) fn check(&self, nodes: u32) -> Result<(), (&'static str, String)> {
        let members = u64::from(nodes) * u64::from(self.virtual_nodes);
        if !(3..=160).contains(&self.bits) {
            return Err(("bits", format!("{} is not from 3 to 160", self.bits)));
        }
        if self.bits < 64 && members > 1 << self.bits {
            let ring = 1u64 << self.bits;
            return Err(("bits", format!("{members} ring members do not fit on a ring of {ring}")));
        }
        if !(1..=32).contains(&self.successors) {
            return Err(("successors", format!("{} is not from 1 to 32", self.successors)));
        }
        if !(1..=1024).contains(&self.virtual_nodes) {
            return Err(("virtual_nodes", format!("{} is not from 1 to 1024", self.virtual_nodes)));
        }
        if members > u64::from(u32::MAX) {
            return Err(("virtual_nodes", format!("{members} ring members are more than 2^32")));
        }
        if self.max_pending == 0 {
            return Err(("max_pending", String::from("0 would drop every request: use 1 or more")));
        }
        self.check_periods()?;
        self.check_positions()?;
        self.check_places(members as u32)
    }

    fn check_periods(&self) -> Result<(), (&'static str, String)> {
        let StorageConfig { republish_every, expire_after, offer_every, .. } = &self.storage;
        let periods = [
            ("stabilize_every", self.stabilize_every.as_ref()),
            ("settle_every", Some(&self.settle_every)),
            ("reunite_every", self.reunite_every.as_ref()),
            ("storage.republish_every", republish_every.as_ref()),
            ("storage.offer_every", offer_every.as_ref()),
        ];
        for (field, period) in periods {
            if let Some(period) = period.filter(|it| it.0 < SHORTEST_PERIOD) {
                let message = format!("{period} would keep a node busy: use 1ms or more");
                return Err((field, message));
            }
        }
        match (republish_every, expire_after) {
            (Some(again), Some(expires)) if expires.0 <= again.0.mul_f64(1.5) => {
                let message =
                    format!("{expires} is over before items are published again: {again} ±50 %");
                Err(("storage.expire_after", message))
            }
            _ => Ok(()),
        }
    }

    /// On a short ring, two members' SHA-1 may begin alike; a place is one member's only.
    fn check_places(&self, members: u32) -> Result<(), (&'static str, String)> {
        if self.bits > 64 {
            return Ok(()); // Less likely than a fault of the machine.
        }
        let place = |member| (Position::of_member(member, self), member);
        let mut places: Vec<_> = (0..members).map(Member).map(place).collect();
        places.sort_unstable();
        match places.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            Some(&[(_, Member(one)), (_, Member(other))]) => {
                let message = format!("ring members {one} and {other} stand at the same place");
                Err(("bits", format!("{message}: use more bits, or give `positions`")))
            }
            _ => Ok(()),
        }
    }

    fn check_positions(&self) -> Result<(), (&'static str, String)> {
        if !self.positions.is_empty() && self.bits > 64 {
            return Err(("positions", String::from("they need `bits` of at most 64")));
        }
        let mut sorted = self.positions.clone();
        sorted.sort_unstable();
        if let Some(pair) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(("positions", format!("{} stands there twice", pair[0])));
        }
        match sorted.last() {
            Some(&last) if self.bits < 64 && last >> self.bits != 0 => {
                Err(("positions", format!("{last} is beyond a ring of {} bits", self.bits)))
            }
            _ => Ok(()),
        }
    }
}
