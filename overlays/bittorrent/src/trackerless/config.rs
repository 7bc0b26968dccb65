//! A trackerless swarm's part of a scenario.
use alloc::format;
use alloc::string::String;
use core::time::Duration;

use overlay_core::dht::{Keep, Routing};
use overlay_core::units::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::BittorrentConfig;

/// Most searches at once.
const MOST_SEARCHES: u16 = 16;

/// A trackerless swarm's part of a scenario.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(bound = "C: Default + JsonSchema + Serialize")]
pub struct TrackerlessConfig<C> {
    /// The distributed hash table, which finds the peers; it has to keep pointers.
    pub dht: C,
    /// The swarms themselves. What is said there of the tracker is true of the table.
    pub swarm: BittorrentConfig,
    /// How many peers a leecher looks for in the table whenever it announces itself, 1 to 16. It
    /// gets one with each search. Default 2: with peer exchange one that is alive is enough.
    pub searches: u16,
    /// How long a peer may take to say what the item is, before another one is asked. Default 5 s:
    /// a guess, far above any round trip.
    pub metainfo_timeout: Span,
}

impl<C: Default> Default for TrackerlessConfig<C> {
    fn default() -> Self {
        Self {
            dht: C::default(),
            swarm: BittorrentConfig::default(),
            searches: 2,
            metainfo_timeout: Span(Duration::from_secs(5)),
        }
    }
}

impl<C> TrackerlessConfig<C> {
    pub(super) fn check<R: Routing<Config = C>>(
        &self,
        nodes: u32,
    ) -> Result<(), (&'static str, String)> {
        R::check(&self.dht, nodes).map_err(|problem| within("dht", problem))?;
        self.swarm.check().map_err(|problem| within("swarm", problem))?;
        if R::storage(&self.dht).keep != Keep::Pointer {
            let message = "a swarm's pieces are with its peers: use `pointer`";
            return Err(("dht.storage.keep", String::from(message)));
        }
        if !(1..=MOST_SEARCHES).contains(&self.searches) {
            let message = format!("{} is not from 1 to {MOST_SEARCHES}", self.searches);
            return Err(("searches", message));
        }
        if self.metainfo_timeout.0 < Duration::from_millis(1) {
            let message = format!("{} is over before it begins", self.metainfo_timeout);
            return Err(("metainfo_timeout", format!("{message}: use 1ms or more")));
        }
        Ok(())
    }
}

/// A problem of a section, with the path of the field from outside of it.
fn within(section: &str, (field, message): (&'static str, String)) -> (&'static str, String) {
    // Never freed: a few bytes, once, before the program ends because of them.
    (format!("{section}.{field}").leak(), message)
}
