//! What is claimed of a central index: a search is one round trip, the server remembers everything
//! and the others nothing; several servers share that, or double it.
mod common;

use std::collections::BTreeMap;
use std::time::Duration;

use common::{Laboratory, item, record, scenario};
use overlay_core::{Answer, Command, Event, Input, NodeId, OpId, Overlay as _, Role, Time};
use overlay_tracker::{Layout, Tracker, TrackerConfig};
use peerbench_scenario::World;
use peerbench_simulator::{Observer, Simulation, Wiring};

/// Writes down when operations end, and how.
#[derive(Default)]
struct Clock(BTreeMap<OpId, (Time, Event)>);

impl Observer<Tracker> for Clock {
    fn on_event(&mut self, _: NodeId, now: Time, event: Event) -> Option<Command> {
        if let Event::Published { op } | Event::Found { op, .. } | Event::Failed { op } = event {
            self.0.insert(op, (now, event));
        }
        None
    }
}

fn pass(simulation: &mut Simulation<'_, Tracker>, time: Duration, clock: &mut Clock) {
    let until = simulation.now() + time;
    while simulation.next_time().is_some_and(|time| time <= until) {
        simulation.step(clock);
    }
    simulation.advance_to(until);
}

/// Measured latencies, nothing else: to the nanosecond, a search takes what the matrix says for
/// there and back; and a server's own nothing.
#[test]
fn a_search_is_one_round_trip() {
    for tracker in ["servers: 1", "servers: 5", "{servers: 5, layout: replicated}"] {
        let (scenario, config) = scenario(&format!(
            "nodes: 64
start: converged
network: {{matrix: cities, handshake_round_trips: 0.0}}
overlays:
  tracker: {}
",
            if tracker.starts_with('{') { tracker.to_owned() } else { format!("{{{tracker}}}") }
        ));
        let world = World::new(&scenario, 1).expect("the world can be drawn");
        let mut simulation = Simulation::<Tracker>::new(&world, &config, 1, Wiring::of(&scenario));
        let mut clock = Clock::default();
        let view = Tracker::oracle(&config, &world);
        simulation.settle(&view, &mut clock);
        for number in 0..100 {
            let publish = Command::Publish { op: OpId(number), item: item(number.into()) };
            let publisher = NodeId(number % 64);
            simulation.give(publisher, Input::Command(publish), &mut clock);
        }
        pass(&mut simulation, Duration::from_secs(2), &mut clock);
        for number in 0..640 {
            let (op, searcher) = (OpId(1_000 + number), NodeId(number % 64));
            let key = item((number % 100).into()).key;
            let begun = simulation.now();
            let search = Input::Command(Command::Search { op, key });
            simulation.give(searcher, search, &mut clock);
            pass(&mut simulation, Duration::from_millis(600), &mut clock);
            let (ended, event) = clock.0[&op];
            let Event::Found { answer, .. } = event else { panic!("{tracker}: {event:?}") };
            let Answer { by, holder, hops, timeouts } = answer;
            let round_trip = match by == searcher {
                true => Duration::ZERO,
                false => Duration::from_nanos(2 * world.one_way(searcher, by)),
            };
            assert_eq!(ended.since(begun), round_trip, "{tracker}: {searcher}");
            assert_eq!((hops, timeouts), (u16::from(by != searcher), 0), "{tracker}");
            assert_eq!(holder, Some(NodeId(number % 100 % 64)), "{tracker}");
            assert!(config.is_asked_for(by, &key), "{tracker}: {by}");
        }
    }
}

/// However many nodes and items there are, a peer remembers its server and nothing else; the server
/// remembers every node and every item.
#[test]
fn the_server_remembers_everything_and_the_others_nothing() {
    for nodes in [16, 64, 256, 1_024] {
        let mut lab = Laboratory::settled(nodes, TrackerConfig::default());
        let items = 4 * u64::from(nodes);
        for number in 0..items {
            lab.publish(NodeId(number as u32 % nodes), item(number));
        }
        lab.wait(1.0);
        for (id, node) in lab.live() {
            let state = node.state(&lab.config);
            if id == NodeId(0) {
                assert_eq!(node.role(), Role::Server);
                assert_eq!((state.links, u64::from(state.entries)), (nodes - 1, items));
                assert_eq!(state.bytes, 4 * u64::from(nodes - 1) + 24 * items);
            } else {
                assert_eq!(node.role(), Role::Peer);
                assert_eq!((state.links, state.entries, state.bytes), (1, 0, 4));
            }
        }
    }
}

/// Of s servers, each has its share of the keys, or all of them.
#[test]
fn several_servers_share_the_index_or_double_it() {
    for (layout, least, most) in
        [(Layout::Partitioned, 200, 300), (Layout::Replicated, 1_000, 1_000)]
    {
        let config = TrackerConfig { servers: 4, layout, ..TrackerConfig::default() };
        let mut lab = Laboratory::joined(40, config);
        for number in 0..1_000 {
            lab.publish(NodeId(number as u32 % 40), item(number));
        }
        lab.wait(1.0);
        let records: Vec<u32> = (0..4).map(|server| lab.records(NodeId(server))).collect();
        let is_share = |count: &u32| (least..=most).contains(count);
        assert!(records.iter().all(is_share), "{layout:?}: {records:?}");
        let view = Tracker::oracle(&lab.config, &overlay_core::Alike(40));
        Tracker::check_network(&lab.config, &lab.live()).expect("it is sound");
        for (id, node) in lab.live() {
            let expected = overlay_core::Oracle::neighbors(&view, id);
            assert_eq!(Some(node.neighbors(&lab.config)), expected, "{layout:?}: {id}");
        }
    }
}

/// A run as `peerbench bench tracker` does it, from joins to the last search: all answers are right,
/// one hop away, and two messages each.
#[test]
fn a_run_from_joins_to_the_last_search() {
    for tracker in ["{}", "{servers: 3}", "{servers: 3, layout: replicated}"] {
        let record = record(
            &format!(
                "nodes: 64
workload: {{items: 256, searches: 2000, rate: 200/s, fetch: true}}
overlays:
  tracker: {tracker}
"
            ),
            1,
        );
        let number = |name: &str| record.metrics[name].value.number();
        assert_eq!(number("lookup_correct_ratio"), Some(1.0), "{tracker}");
        assert_eq!(number("lookup_hops_max"), Some(1.0), "{tracker}");
        assert_eq!(number("fetch_ratio"), Some(1.0), "{tracker}");
        assert_eq!(number("converged_ratio"), Some(1.0), "{tracker}");
        let messages = number("lookup_messages").expect("they are counted");
        // A server's own searches take none.
        assert!(messages > 1.85 && messages < 2.0, "{tracker}: {messages}");
        assert_eq!(record.notes, [""; 0], "{tracker}");
    }
}
