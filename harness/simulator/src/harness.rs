//! What the harness knows while nodes run: the books of the operations, and what nodes told besides.
use std::time::Duration;

use overlay_core::{Command, DropReason, Event, NodeId, Overlay, Time};
use peerbench_measure::{Counter, Downloads, Ledger, Measurement, Terms};
use peerbench_scenario::{Due, Scenario, World};

use crate::Observer;
use crate::examination::Examination;

/// Keeps the operations of a run and fills in its measurement.
pub(crate) struct Harness<'w, O: Overlay> {
    pub(crate) ledger: Ledger<'w, O::Oracle>,
    pub(crate) measurement: Measurement,
    /// How often nodes looked into what they know for a search.
    pub(crate) visited: u64,
    /// Nodes that said good-bye since somebody last looked.
    pub(crate) departed: Vec<NodeId>,
    /// Nodes that became part of the overlay since somebody last looked.
    pub(crate) joined: u32,
    /// Looks at operations one by one, where the world is there to be examined.
    pub(crate) examination: Option<Examination>,
}

impl<'w, O: Overlay> Harness<'w, O> {
    pub(crate) fn new(
        scenario: &Scenario,
        config: &O::Config,
        world: &'w World,
        oracle: O::Oracle,
    ) -> Self {
        let mut measurement = Measurement::new(world.ends_at().since(world.searches_from()));
        measurement.begins(world.searches_from(), world.first_fault());
        let nodes = (0..world.nodes()).map(NodeId);
        nodes.filter(|node| world.is_publisher(*node)).for_each(|node| measurement.publishes(node));
        let round_trip = |a, b| Duration::from_nanos(2 * world.one_way(a, b));
        let terms = Terms {
            timeout: scenario.workload.timeout.into(),
            news_within: Duration::ZERO,
            fetch_offset: world.operations().fetch_offset(),
            conducts: (0..world.nodes()).map(|node| world.conduct(NodeId(node))).collect(),
            round_trip: Some(Box::new(round_trip)),
        };
        let downloads = Downloads {
            count: world.downloads_due(),
            from: world.searches_from(),
            bound: world.distribution_bound(),
        };
        let ledger =
            Ledger::new(oracle, terms).in_pieces(O::piece_length(config)).of_downloads(downloads);
        Self { ledger, measurement, visited: 0, departed: Vec::new(), joined: 0, examination: None }
    }

    /// The workload's next command is due. Whether it is to be given: the dead ask for nothing.
    pub(crate) fn begin(&mut self, due: &Due) -> bool {
        let is_there = self.ledger.due(due.at, due.node, &due.command, &mut self.measurement);
        if is_there && let Some(examination) = &mut self.examination {
            examination.begin(due);
        }
        is_there
    }

    /// Gives up operations that have waited for too long.
    pub(crate) fn expire(&mut self, now: Time) {
        self.ledger.expire(now, &mut self.measurement);
    }

    /// The run has come to its end.
    pub(crate) fn close(&mut self, now: Time) {
        self.ledger.close(now, &mut self.measurement);
    }
}

impl<O: Overlay> Observer<O> for Harness<'_, O> {
    fn on_event(&mut self, node: NodeId, now: Time, event: Event) -> Option<Command> {
        match event {
            Event::Visited => self.visited += 1,
            Event::Joined { .. } => self.joined += 1,
            Event::Left { .. } => self.departed.push(node),
            Event::Dropped(DropReason::Nonsense) => {
                self.measurement.count(Counter::DroppedNonsense, 1);
            }
            Event::Dropped(DropReason::Bound) => self.measurement.count(Counter::DroppedBound, 1),
            Event::Dropped(DropReason::Corrupt) => self.measurement.count(Counter::Corrupt, 1),
            Event::Banned { .. } => self.measurement.count(Counter::PeersBanned, 1),
            Event::Found { .. }
            | Event::Fetched { .. }
            | Event::Published { .. }
            | Event::Piece { .. }
            | Event::Failed { .. } => {}
        }
        if let Some(examination) = &mut self.examination {
            examination.on_event(node, now, &event, self.ledger.judge());
        }
        let command = self.ledger.on_event(node, now, &event, &mut self.measurement);
        if let (Some(examination), Some(Command::Fetch { op, .. })) =
            (&mut self.examination, &command)
        {
            examination.fetches(*op, node, now);
        }
        command
    }
}
