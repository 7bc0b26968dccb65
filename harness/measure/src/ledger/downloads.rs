//! A run of downloads: how far it is, when it is over, how near it came to the physical limit, and
//! who is stuck.
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use overlay_core::{Key, Time};

use crate::Measurement;

/// Items about which a run says why their downloads did not finish; there may be very many.
const MOST_ITEMS_TOLD: usize = 3;

/// What a run of downloads is judged by, to be told before anything is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Downloads {
    /// How many there are: each a search and the fetch that follows it.
    pub count: u32,
    /// From when on they are due.
    pub from: Time,
    /// The least time from then in which all contributors could have everything; `None` if there is
    /// no limit.
    pub bound: Option<Duration>,
}

/// How the downloads of a run go.
#[derive(Debug)]
pub(super) struct Course {
    downloads: Downloads,
    /// How many were due so far, those of nodes that are gone included.
    pub(super) due: u32,
    /// When the last contributor so far had everything.
    last_contributor: Option<Time>,
    /// Whether any contributor that was not struck is without something that it wanted.
    is_anybody_without: bool,
    /// Downloads that did not begin, as nobody was found to fetch from.
    not_begun: u32,
    unfinished: BTreeMap<Key, Unfinished>,
}

/// Downloads of an item that did not finish.
#[derive(Clone, Copy, Debug, Default)]
struct Unfinished {
    count: u32,
    /// What was known of its pieces when the latest of them was given up; `None` if it is not
    /// fetched in pieces.
    pieces: Option<Lack>,
}

/// What live nodes lack of an item together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lack {
    /// How many pieces the item has.
    pub(super) of: u32,
    /// The first piece that no live node has, and how many such there are.
    pub(super) lost: Option<(u32, u32)>,
}

impl Course {
    pub(super) const fn new(downloads: Downloads) -> Self {
        Self {
            downloads,
            due: 0,
            last_contributor: None,
            is_anybody_without: false,
            not_begun: 0,
            unfinished: BTreeMap::new(),
        }
    }

    /// Whether all were due and all but so many have an outcome.
    pub(super) const fn is_over(&self, open: usize) -> bool {
        self.due == self.downloads.count && open == 0
    }

    /// Whether half of all have an outcome, if so many of those due have none.
    pub(super) const fn is_half_over(&self, open: usize) -> bool {
        let ended = self.due as usize - open;
        ended > 0 && ended * 2 >= self.downloads.count as usize
    }

    /// A download is there and verified.
    pub(super) fn finished(&mut self, by_contributor: bool, at: Time) {
        if by_contributor {
            self.last_contributor = self.last_contributor.max(Some(at));
        }
    }

    /// A download brought something that is not the item.
    pub(super) fn spoilt(&mut self, by_contributor: bool) {
        self.is_anybody_without |= by_contributor;
    }

    /// Nobody was found to fetch from.
    pub(super) fn did_not_begin(&mut self, by_contributor: bool) {
        self.is_anybody_without |= by_contributor;
        self.not_begun += 1;
    }

    /// A download has been given up.
    pub(super) fn did_not_finish(&mut self, by_contributor: bool, key: Key, pieces: Option<Lack>) {
        self.is_anybody_without |= by_contributor;
        let unfinished = self.unfinished.entry(key).or_default();
        unfinished.count += 1;
        unfinished.pieces = pieces;
    }

    /// All have ended: what is to be said of them.
    pub(super) fn report(&self, measurement: &mut Measurement) {
        let took = self.last_contributor.map(|last| last.since(self.downloads.from));
        if let (Some(bound), Some(took), false) =
            (self.downloads.bound, took, self.is_anybody_without)
        {
            measurement.distributed(bound, took);
        }
        if self.not_begun > 0 {
            let count = Downloaded(self.not_begun);
            measurement.note(format!("{count} did not begin: nobody was found to fetch from"));
        }
        for (key, unfinished) in self.unfinished.iter().take(MOST_ITEMS_TOLD) {
            measurement.note(unfinished.explain(key));
        }
        let others = || self.unfinished.values().skip(MOST_ITEMS_TOLD);
        let count: u32 = others().map(|unfinished| unfinished.count).sum();
        if count > 0 {
            let (count, items) = (Downloaded(count), others().count());
            measurement.note(format!("{count} of {items} other items did not finish"));
        }
    }
}

impl Unfinished {
    fn explain(&self, key: &Key) -> String {
        let did_not = format!("{} of item {key} did not finish", Downloaded(self.count));
        match self.pieces {
            None => did_not,
            Some(Lack { lost: None, .. }) => {
                format!("{did_not}, although live nodes have all of its pieces between them")
            }
            Some(Lack { lost: Some((first, lost)), of }) if lost == of => {
                debug_assert_eq!(first, 0, "the first of all");
                format!("{did_not}: no live node has any of its {of} pieces")
            }
            Some(Lack { lost: Some((first, 1)), of }) => {
                format!("{did_not}: no live node has piece {first} of {of}")
            }
            Some(Lack { lost: Some((first, lost)), of }) => format!(
                "{did_not}: every live node lacks {lost} of its {of} pieces, the first of them \
                 piece {first}"
            ),
        }
    }
}

/// So many downloads, in words.
struct Downloaded(u32);

impl fmt::Display for Downloaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} download{}", self.0, if self.0 == 1 { "" } else { "s" })
    }
}
