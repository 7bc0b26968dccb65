//! The books of operations, told by hand.
use super::*;
use overlay_core::Item;

/// Makes nobody responsible.
pub(super) struct Nobody;

impl Oracle for Nobody {
    fn set_alive(&mut self, _: NodeId, _: bool) {}

    fn responsible(&self, _: &Key) -> Vec<NodeId> {
        Vec::new()
    }

    fn neighbors(&self, _: NodeId) -> Option<Vec<NodeId>> {
        None
    }
}

const KEY: Key = Key([7; 20]);
const A: NodeId = NodeId(0);
const B: NodeId = NodeId(1);

fn at(millis: u64) -> Time {
    Time::from_nanos(millis * 1_000_000)
}

struct Books {
    ledger: Ledger<'static, Nobody>,
    measurement: Measurement,
}

impl Books {
    /// B has published; a search may take 100 ms and its news 10 ms.
    fn new() -> Self {
        let terms = Terms {
            timeout: Duration::from_millis(100),
            news_within: Duration::from_millis(10),
            fetch_offset: Some(1_000),
            conducts: vec![Conduct::Contributor; 2],
            round_trip: Some(Box::new(|_, _| Duration::from_millis(10))),
        };
        let (ledger, measurement) =
            (Ledger::new(Nobody, terms), Measurement::new(Duration::from_secs(1)));
        let mut books = Self { ledger, measurement };
        let item = Item { key: KEY, blob: Blob::new(1, 10) };
        books.due(0, B, Command::Publish { op: OpId(1), item });
        books.tell(1, B, Event::Published { op: OpId(1) });
        books
    }

    fn due(&mut self, millis: u64, node: NodeId, command: Command) -> bool {
        self.ledger.due(at(millis), node, &command, &mut self.measurement)
    }

    fn search(&mut self, op: u32, millis: u64, node: NodeId) -> bool {
        self.due(millis, node, Command::Search { op: OpId(op), key: KEY })
    }

    fn tell(&mut self, millis: u64, node: NodeId, event: Event) -> Option<Command> {
        self.ledger.on_event(node, at(millis), &event, &mut self.measurement)
    }

    fn found(&mut self, op: u32, millis: u64, node: NodeId) -> Option<Command> {
        let answer = Answer { by: B, holder: Some(B), hops: 1, timeouts: 0 };
        self.tell(millis, node, Event::Found { op: OpId(op), answer })
    }

    fn expire(&mut self, millis: u64) {
        self.ledger.expire(at(millis), &mut self.measurement);
    }

    /// Correct, incorrect and failed lookups so far, and operations under way.
    fn outcome(&self) -> (u64, u64, u64, usize) {
        let timeline = self.measurement.timeline();
        let sum = |of: fn(&crate::Timeline) -> &Vec<u64>| {
            timeline.as_ref().map_or(0, |timeline| of(timeline).iter().sum())
        };
        let (_, open) = self.ledger.progress();
        let charged = self.measurement.lookups.charged_us.count();
        assert_eq!(charged, self.measurement.searches(), "each is charged once");
        (sum(|t| &t.correct), sum(|t| &t.incorrect), sum(|t| &t.failed), open)
    }
}

#[test]
fn a_search_is_judged_once_and_its_fetch_follows() {
    let mut books = Books::new();
    assert!(books.search(5, 10, A));
    assert_eq!(books.found(5, 30, B), None, "not its search");
    let fetch = Command::Fetch { op: OpId(1_005), key: KEY, holder: B };
    assert_eq!(books.found(5, 30, A), Some(fetch));
    assert_eq!(books.found(5, 31, A), None);
    assert_eq!(books.outcome(), (1, 0, 0, 1));
    let blob = Blob::new(1, 10);
    books.tell(50, A, Event::Fetched { op: OpId(1_005), blob });
    assert_eq!(books.outcome(), (1, 0, 0, 0));
    assert_eq!(books.measurement.latency_us().max(), Some(20_000));
    assert_eq!(books.measurement.lookups.stretch.max(), Some(2_000));
    assert_eq!(books.measurement.fetches.contributors_us.max(), Some(20_000));
}

#[test]
fn news_may_come_late_of_what_was_in_time() {
    let mut books = Books::new();
    (0..3).for_each(|op| assert!(books.search(op, 0, A)));
    books.expire(110);
    assert_eq!(books.outcome(), (0, 0, 0, 3));
    books.found(1, 100, A);
    books.found(2, 101, A);
    assert_eq!(books.outcome(), (1, 0, 1, 2));
    books.expire(111);
    assert_eq!(books.outcome(), (1, 0, 2, 1), "the fetch is still under way");
    books.expire(211);
    assert_eq!(books.outcome(), (1, 0, 2, 0));
    assert_eq!(books.measurement.fetches.failed, 1);
    let charged = &books.measurement.lookups.charged_us;
    assert_eq!(
        charged.mean(),
        Some(100_000.0),
        "who failed is charged the timeout, who did not its time"
    );
}

#[test]
fn what_the_struck_leave_behind_is_nobody_s_and_what_the_lost_do_has_failed() {
    for (why, failed) in [(Absence::Struck, 0), (Absence::Lost, 2)] {
        let mut books = Books::new();
        assert!(books.search(0, 10, A));
        books.ledger.remove(A, why, at(20));
        assert!(!books.search(1, 30, A));
        books.expire(500);
        assert_eq!(books.outcome(), (0, 0, failed, 0), "{why:?}");
    }
}

#[test]
fn who_is_back_asks_again_and_is_not_answered_for_its_former_life() {
    let mut books = Books::new();
    assert!(books.search(0, 10, A));
    books.ledger.remove(A, Absence::Struck, at(20));
    books.ledger.restore(A, true);
    assert_eq!(books.found(0, 40, A), None);
    assert!(books.search(1, 50, A));
    assert!(books.found(1, 60, A).is_some());
    books.expire(500);
    assert_eq!(books.outcome(), (1, 0, 0, 0));
}

#[test]
fn an_answer_that_came_before_its_searcher_went_counts() {
    let mut books = Books::new();
    assert!(books.search(0, 10, A));
    books.ledger.remove(A, Absence::Struck, at(20));
    books.found(0, 19, A);
    assert_eq!(books.outcome().0, 1);
}

#[test]
fn the_end_of_the_run_is_the_end_of_all_waiting() {
    let mut books = Books::new();
    assert!(books.search(0, 10, A));
    books.ledger.close(at(20), &mut books.measurement);
    assert_eq!(books.outcome(), (0, 0, 1, 0));
}
