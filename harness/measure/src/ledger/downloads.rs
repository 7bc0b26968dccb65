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

    /// From when on they are due.
    pub(super) const fn begins_at(&self) -> Time {
        self.downloads.from
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

#[cfg(test)]
mod tests {
    use super::super::tests::Nobody;
    use super::super::{Absence, Ledger, Terms};
    use super::*;
    use crate::{Driver, RunRecord, Status};
    use overlay_core::{Answer, Blob, Command, Conduct, Event, Item, NodeId, OpId, Strategy};

    const KEY: Key = Key([7; 20]);
    const SEED: u32 = 0;
    const FREELOADER: u32 = 4;
    const FETCHES_FROM: u32 = 100;

    /// A seed, three contributors and a freeloader, and an item of three pieces; five seconds each for
    /// a search and a fetch.
    struct Swarm {
        ledger: Ledger<'static, Nobody>,
        measurement: Measurement,
    }

    fn at(millis: u64) -> Time {
        Time::from_nanos(millis * 1_000_000)
    }

    impl Swarm {
        fn new(news_within: u64) -> Self {
            let mut conducts = vec![Conduct::Contributor; 5];
            conducts[FREELOADER as usize] = Conduct::Freeloader(Strategy::NoUpload);
            let terms = Terms {
                timeout: Duration::from_secs(5),
                news_within: Duration::from_millis(news_within),
                fetch_offset: Some(FETCHES_FROM),
                conducts,
                round_trip: None,
            };
            let downloads =
                Downloads { count: 4, from: at(1_000), bound: Some(Duration::from_secs(1)) };
            let ledger = Ledger::new(Nobody, terms).in_pieces(Some(10)).of_downloads(downloads);
            let mut swarm = Self { ledger, measurement: Measurement::new(Duration::from_secs(9)) };
            let item = Item { key: KEY, blob: Blob::new(1, 25) };
            swarm.due(0, SEED, Command::Publish { op: OpId(99), item });
            swarm.tell(1, SEED, Event::Published { op: OpId(99) });
            swarm
        }

        fn due(&mut self, millis: u64, node: u32, command: Command) {
            self.ledger.due(at(millis), NodeId(node), &command, &mut self.measurement);
        }

        fn tell(&mut self, millis: u64, node: u32, event: Event) -> Option<Command> {
            self.ledger.on_event(NodeId(node), at(millis), &event, &mut self.measurement)
        }

        /// The search with the number of its node is due.
        fn search(&mut self, millis: u64, node: u32) {
            self.due(millis, node, Command::Search { op: OpId(node), key: KEY });
        }

        fn found(&mut self, millis: u64, node: u32, holder: Option<u32>) {
            let holder = holder.map(NodeId);
            let answer = Answer { by: NodeId(SEED), holder, hops: 1, timeouts: 0 };
            self.tell(millis, node, Event::Found { op: OpId(node), answer });
        }

        fn piece(&mut self, millis: u64, node: u32, piece: u32, of: u32) {
            self.tell(millis, node, Event::Piece { op: OpId(FETCHES_FROM + node), piece, of });
        }

        fn fetched(&mut self, millis: u64, node: u32) {
            let blob = Blob::new(1, 25);
            self.tell(millis, node, Event::Fetched { op: OpId(FETCHES_FROM + node), blob });
        }

        /// All four have begun, with the seed.
        fn begun(news_within: u64) -> Self {
            let mut swarm = Self::new(news_within);
            (1..=4).for_each(|node| swarm.search(1_000, node));
            (1..=4).for_each(|node| swarm.found(1_100, node, Some(SEED)));
            swarm
        }

        fn remove(&mut self, millis: u64, node: u32, why: Absence) {
            self.ledger.remove(NodeId(node), why, at(millis));
            self.expire(millis);
        }

        fn expire(&mut self, millis: u64) {
            self.ledger.expire(at(millis), &mut self.measurement);
        }

        /// Closes the books.
        fn record(&mut self, millis: u64) -> RunRecord {
            self.ledger.close(at(millis), &mut self.measurement);
            let key = crate::Key {
                overlay: "swarm".into(),
                scenario: "small".into(),
                driver: Driver::Simulator,
                n: 5,
                seed: 1,
                round: 0,
            };
            RunRecord::new(key, "d".into(), Status::Ok, &self.measurement)
        }

        fn efficiency(&mut self, millis: u64) -> Option<f64> {
            self.record(millis).reading("distribution_efficiency").number()
        }
    }

    #[test]
    fn a_run_is_over_when_all_that_was_due_has_ended_and_half_over_before() {
        let mut swarm = Swarm::new(0);
        assert!(!swarm.ledger.is_over() && !swarm.ledger.is_half_over());
        for node in 1..=4 {
            swarm.search(1_000, node);
            swarm.found(1_100, node, Some(SEED));
            assert_eq!(swarm.ledger.is_half_over(), node > 2, "{node}");
            swarm.fetched(2_000, node);
            assert_eq!(swarm.ledger.is_half_over(), node >= 2, "{node}");
            assert_eq!(swarm.ledger.is_over(), node == 4, "{node}");
        }
        assert_eq!(swarm.efficiency(2_000), Some(1.0));
    }

    #[test]
    fn searches_by_chance_are_never_over() {
        let mut swarm = Swarm::begun(0);
        let nothing = Downloads { count: 0, from: at(0), bound: None };
        swarm.ledger = swarm.ledger.of_downloads(nothing);
        (1..=4).for_each(|node| swarm.fetched(2_000, node));
        assert!(!swarm.ledger.is_over() && !swarm.ledger.is_half_over());
    }

    #[test]
    fn the_last_contributor_counts_and_freeloaders_do_not() {
        let mut swarm = Swarm::begun(0);
        (1..=3).for_each(|node| swarm.fetched(2_000 + 1_000 * u64::from(node), node));
        assert_eq!(swarm.efficiency(9_000), Some(0.25), "one second by four; nobody waits for 4");
    }

    #[test]
    fn without_a_contributor_that_is_there_no_efficiency() {
        let mut swarm = Swarm::begun(0);
        [1, 2, 4].into_iter().for_each(|node| swarm.fetched(2_000, node));
        assert_eq!(swarm.efficiency(9_000), None);

        let mut swarm = Swarm::begun(0);
        [1, 2, 4].into_iter().for_each(|node| swarm.fetched(2_000, node));
        let blob = Blob { intact: false, ..Blob::new(1, 25) };
        swarm.tell(2_500, 3, Event::Fetched { op: OpId(FETCHES_FROM + 3), blob });
        assert_eq!(swarm.efficiency(9_000), None, "something else was delivered");

        let mut swarm = Swarm::begun(0);
        [1, 2, 4].into_iter().for_each(|node| swarm.fetched(2_000, node));
        swarm.remove(2_500, 3, Absence::Struck);
        assert_eq!(swarm.efficiency(9_000), Some(1.0), "nobody's download");
    }

    #[test]
    fn nobody_waits_for_the_downloads_of_who_is_gone_once_news_of_them_must_have_come() {
        for (news_within, why) in [(0, Absence::Struck), (10, Absence::Struck), (0, Absence::Lost)]
        {
            let mut swarm = Swarm::begun(news_within);
            (1..=3).for_each(|node| swarm.fetched(2_000, node));
            swarm.remove(2_500, 4, why);
            assert_eq!(swarm.ledger.is_over(), news_within == 0);
            swarm.expire(2_500 + news_within);
            assert!(swarm.ledger.is_over());
            let record = swarm.record(2_510);
            let verified = if why == Absence::Struck { 1.0 } else { 0.75 };
            assert_eq!(record.reading("fetch_ratio").number(), Some(verified));
        }
    }

    #[test]
    fn who_is_stuck_is_said_and_what_is_missing() {
        let notes = |prepare: fn(&mut Swarm)| {
            let mut swarm = Swarm::begun(0);
            prepare(&mut swarm);
            swarm.record(6_101).notes
        };
        let lost = notes(|swarm| {
            swarm.fetched(2_000, 1);
            swarm.piece(2_100, 2, 0, 3);
            swarm.piece(2_100, 3, 2, 3);
            swarm.remove(2_200, 1, Absence::Struck);
            swarm.remove(2_200, SEED, Absence::Struck);
        });
        assert_eq!(
            lost,
            ["3 downloads of item 07070707 did not finish: no live node has piece 1 of 3"]
        );
        let more = notes(|swarm| {
            swarm.piece(2_100, 2, 1, 3);
            swarm.remove(2_200, SEED, Absence::Struck);
        });
        assert!(
            more[0].ends_with("every live node lacks 2 of its 3 pieces, the first of them piece 0")
        );
        let all = notes(|swarm| swarm.remove(2_200, SEED, Absence::Struck));
        assert!(all[0].ends_with("no live node has any of its 3 pieces"), "{all:?}");
        let between_them = notes(|swarm| {
            (0..2).for_each(|piece| swarm.piece(2_100, 2, piece, 3));
            swarm.piece(2_100, 3, 2, 3);
            [1, 4].into_iter().for_each(|node| swarm.fetched(2_150, node));
            [1, 4, SEED].into_iter().for_each(|it| swarm.remove(2_200, it, Absence::Struck));
        });
        assert_eq!(
            between_them,
            ["2 downloads of item 07070707 did not finish, although live nodes have all of its \
              pieces between them"]
        );

        let mut swarm = Swarm::new(0);
        (1..=4).for_each(|node| swarm.search(1_000, node));
        swarm.found(1_100, 1, None);
        swarm.tell(1_100, 2, Event::Failed { op: OpId(2) });
        assert_eq!(
            swarm.record(6_001).notes,
            ["4 downloads did not begin: nobody was found to fetch from"]
        );
    }

    #[test]
    fn an_answer_is_right_if_news_comes_that_whom_it_names_had_begun() {
        for (began, correct) in [(Some(1_040), 1), (Some(1_060), 0), (None, 0)] {
            let mut swarm = Swarm::new(100);
            swarm.search(1_000, 1);
            swarm.search(1_000, 2);
            swarm.found(1_050, 2, Some(1));
            swarm.expire(1_100);
            if let Some(began) = began {
                swarm.found(began, 1, Some(SEED));
            }
            swarm.remove(1_120, 1, Absence::Struck);
            swarm.expire(1_150);
            assert_eq!(swarm.measurement.searches(), u64::from(began.is_some()), "not yet judged");
            swarm.expire(1_151);
            let timeline = swarm.measurement.timeline().expect("a search was judged");
            let others = u64::from(began.is_some());
            let correct_in_all = timeline.correct.iter().sum::<u64>();
            assert_eq!(correct_in_all - others, correct, "{began:?}");
        }
        let mut swarm = Swarm::begun(0);
        swarm.found(1_100, 2, Some(1));
        let ratio = swarm.record(9_000).reading("lookup_correct_ratio").number();
        assert_eq!(ratio, Some(1.0), "who has begun is a holder");
    }

    #[test]
    fn a_swarm_is_pictured_from_when_its_downloads_are_due() {
        let mut swarm = Swarm::begun(0);
        (0..3).for_each(|piece| swarm.piece(1_100 + 10 * u64::from(piece), 1, piece, 3));
        swarm.piece(1_150, FREELOADER, 0, 3);
        swarm.remove(1_160, 1, Absence::Struck);
        swarm.remove(1_160, FREELOADER, Absence::Struck);
        let progress = swarm.record(1_200).swarm.unwrap();
        assert_eq!((progress.from_us, progress.width_us), (1_000_000, 2_000));
        assert_eq!((progress.pieces, progress.of, progress.held.len()), (3, 4, 3));
        let rows: Vec<_> = progress.nodes.iter().map(|row| (row.node, &*row.conduct)).collect();
        let contributor = "contributor";
        let expected = [(1, contributor), (2, contributor), (3, contributor), (4, "no-upload")];
        assert_eq!(rows, expected);
        // Two milliseconds a bin: at 1.155 s the freeloader had one piece, and then it was gone.
        assert_eq!((progress.nodes[0].share[77], progress.nodes[3].share[77]), (1.0, 0.3333));
        assert_eq!((progress.nodes[0].share[81], progress.nodes[3].share[81]), (1.0, 0.0));
        assert_eq!((progress.held[0][77], progress.held[0][81]), (0.5, 0.25));
    }

    #[test]
    fn only_pieces_that_there_are_of_fetches_that_there_are_count() {
        let mut swarm = Swarm::begun(0);
        swarm.piece(2_000, 1, 0, 3);
        swarm.piece(2_500, 1, 1, 4);
        swarm.piece(2_500, 1, 3, 3);
        swarm.tell(2_500, 2, Event::Piece { op: OpId(FETCHES_FROM + 1), piece: 1, of: 3 });
        swarm.piece(2_500, 1, 0, 3);
        swarm.piece(3_000, 1, 1, 3);
        // From 2 to 3 s one piece of three has two copies: 1 / (4/3).
        assert_eq!(swarm.record(3_000).reading("piece_diversity").number(), Some(0.75));
    }
}
