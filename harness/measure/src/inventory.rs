//! What becomes of what nodes remember while others come and go: links to who is gone, and items that
//! nobody holds any more.
use overlay_core::{Key, NodeId, Overlay, Time};
use serde::{Deserialize, Serialize};

/// What nodes remembered at some times: of all nodes of a driver, or of one of its processes,
/// together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inventories {
    /// By time, ascending.
    taken: Vec<Inventory>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Inventory {
    at: Time,
    links: u64,
    /// Those to nodes that were not there.
    stale: u64,
    /// How many items were looked for.
    items: u32,
    /// Bit i of word i / 64: somebody holds the i-th item.
    held: Vec<u64>,
}

/// How much of what was remembered was good for nothing, over time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Upkeep {
    /// When it was looked at, in seconds since the start of the run, ascending. All lists are of one
    /// length.
    pub at_s: Vec<f64>,
    /// The share of the live nodes' links that lead to nodes that were not there; `None` if there were
    /// no links.
    pub stale_links: Vec<Option<f64>>,
    /// The share of items that no live node held; `None` if none was looked for.
    pub lost_items: Vec<Option<f64>>,
}

impl Inventories {
    /// Adds what a live node remembers at a time, which is not before any other. `keys` are the same
    /// each time.
    pub fn add<O: Overlay>(
        &mut self,
        at: Time,
        node: &O,
        config: &O::Config,
        keys: &[Key],
        is_there: impl Fn(NodeId) -> bool,
    ) {
        if self.taken.last().is_none_or(|last| last.at != at) {
            self.taken.push(Inventory::empty(at, keys.len()));
        }
        let Some(inventory) = self.taken.last_mut() else { return };
        let links = node.neighbors(config);
        inventory.links += links.len() as u64;
        inventory.stale += links.iter().filter(|peer| !is_there(**peer)).count() as u64;
        for (place, key) in keys.iter().enumerate() {
            let (word, bit) = (place / 64, 1 << (place % 64));
            if inventory.held[word] & bit == 0 && node.holds(key) {
                inventory.held[word] |= bit;
            }
        }
    }

    /// Adds what other nodes remembered.
    pub fn merge(&mut self, other: &Self) {
        for inventory in &other.taken {
            match self.taken.binary_search_by_key(&inventory.at, |it| it.at) {
                Ok(place) => self.taken[place].merge(inventory),
                Err(place) => self.taken.insert(place, inventory.clone()),
            }
        }
    }

    /// Adds what nodes of another run remembered.
    pub(crate) fn append(&mut self, other: &Self) {
        self.taken.extend_from_slice(&other.taken);
        self.taken.sort_by_key(|inventory| inventory.at);
    }

    /// What a record keeps; `None` if nobody looked.
    pub(crate) fn upkeep(&self) -> Option<Upkeep> {
        let column = |share: fn(&Inventory) -> Option<f64>| self.taken.iter().map(share).collect();
        (!self.taken.is_empty()).then(|| Upkeep {
            at_s: self.taken.iter().map(|it| it.at.as_nanos() as f64 / 1e9).collect(),
            stale_links: column(Inventory::stale_links),
            lost_items: column(Inventory::lost_items),
        })
    }

    /// The share of all links seen that led to nobody.
    pub(crate) fn stale_links(&self) -> Option<f64> {
        let sum = |of: fn(&Inventory) -> u64| self.taken.iter().map(of).sum();
        share(sum(|it| it.stale), sum(|it| it.links))
    }

    /// The share of items that nobody held, on average over the times.
    pub(crate) fn lost_items(&self) -> Option<f64> {
        let sum = |of: fn(&Inventory) -> u64| self.taken.iter().map(of).sum();
        share(sum(Inventory::lost), sum(|it| it.items.into()))
    }

    /// The same at the last time.
    pub(crate) fn lost_items_at_end(&self) -> Option<f64> {
        let last = self.taken.last()?.at;
        let at_end = || self.taken.iter().rev().take_while(|inventory| inventory.at == last);
        let items = at_end().map(|inventory| u64::from(inventory.items)).sum();
        share(at_end().map(Inventory::lost).sum(), items)
    }
}

impl Inventory {
    fn empty(at: Time, items: usize) -> Self {
        let held = vec![0; items.div_ceil(64)];
        Self { at, links: 0, stale: 0, items: items as u32, held }
    }

    fn merge(&mut self, other: &Self) {
        self.links += other.links;
        self.stale += other.stale;
        for (mine, others) in self.held.iter_mut().zip(&other.held) {
            *mine |= others;
        }
    }

    fn lost(&self) -> u64 {
        u64::from(self.items)
            - self.held.iter().map(|word| u64::from(word.count_ones())).sum::<u64>()
    }

    fn stale_links(&self) -> Option<f64> {
        share(self.stale, self.links)
    }

    fn lost_items(&self) -> Option<f64> {
        share(self.lost(), self.items.into())
    }
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inventory(second: u64, links: u64, stale: u64, held: &[u64]) -> Inventory {
        let at = Time::from_nanos(second * 1_000_000_000);
        Inventory { at, links, stale, items: 66, held: held.to_vec() }
    }

    #[test]
    fn an_item_is_lost_when_no_process_has_it() {
        let mut all = Inventories { taken: vec![inventory(1, 10, 1, &[u64::MAX >> 4, 0b00])] };
        all.merge(&Inventories {
            taken: vec![inventory(1, 10, 4, &[u64::MAX << 62, 0b10]), inventory(2, 0, 0, &[0, 0])],
        });
        let upkeep = all.upkeep().unwrap();
        assert_eq!(upkeep.at_s, [1.0, 2.0]);
        assert_eq!(upkeep.stale_links, [Some(0.25), None]);
        assert_eq!(upkeep.lost_items, [Some(3.0 / 66.0), Some(1.0)]);
        assert_eq!(all.stale_links(), Some(0.25));
        assert_eq!(all.lost_items(), Some(69.0 / 132.0));
        assert_eq!(all.lost_items_at_end(), Some(1.0));
        assert_eq!(Inventories::default().upkeep(), None);
        assert_eq!(Inventories::default().lost_items(), None);
    }

    #[test]
    fn parts_come_together_in_the_order_of_time_and_runs_stay_apart() {
        let of = |seconds: &[u64]| Inventories {
            taken: seconds.iter().map(|&second| inventory(second, 2, 1, &[0, 0])).collect(),
        };
        let mut all = of(&[3, 5]);
        all.merge(&of(&[1, 3, 4]));
        let upkeep = all.upkeep().unwrap();
        assert_eq!(upkeep.at_s, [1.0, 3.0, 4.0, 5.0]);
        let held = |word| Inventories { taken: vec![inventory(9, 0, 0, &[word, 0])] };
        let mut runs = held(0);
        runs.append(&held(u64::MAX));
        assert_eq!(runs.lost_items_at_end(), Some(1.0 - 64.0 / 132.0));
    }
}
