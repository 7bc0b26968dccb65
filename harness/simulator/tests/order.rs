//! What one node sends to another arrives in the order sent, whatever the lengths and the links.
#![allow(clippy::expect_used, reason = "a test that cannot go on should say where")]

mod nobody;

use std::collections::BTreeMap;
use std::time::Duration;

use nobody::{NoConfig, Nobody};
use overlay_core::{
    Blob, Class, Command, Ctx, DropReason, Event, Input, Key, Message, NodeId, Overlay, Setting,
    StateSize,
};
use peerbench_simulator::{Laboratory, Network};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

/// Tells random peers random lengths of bytes, each message with its number, and drops what comes
/// out of order.
struct Teller {
    sent: BTreeMap<NodeId, u32>,
    heard: BTreeMap<NodeId, u32>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Numbered {
    number: u32,
    bulk: Blob,
}

impl Message for Numbered {
    fn class(&self) -> Class {
        Class::Data
    }

    fn kind(&self) -> &'static str {
        "numbered"
    }

    fn blob(&self) -> Option<&Blob> {
        Some(&self.bulk)
    }
}

const NODES: u64 = 4;

impl Overlay for Teller {
    const NAME: &'static str = "teller";
    type Config = NoConfig;
    type Message = Numbered;
    type Timer = ();
    type Oracle = Nobody;

    fn check(_: &NoConfig, _: u32) -> Result<(), (&'static str, String)> {
        Ok(())
    }

    fn new(_: &mut Ctx<'_, Self>) -> Self {
        Self { sent: BTreeMap::new(), heard: BTreeMap::new() }
    }

    fn on_command(&mut self, _: Command, cx: &mut Ctx<'_, Self>) {
        self.on_timer((), cx);
    }

    fn on_message(&mut self, from: NodeId, message: Numbered, cx: &mut Ctx<'_, Self>) {
        let heard = self.heard.entry(from).or_default();
        if message.number != *heard {
            cx.emit(Event::Dropped(DropReason::Nonsense));
        }
        *heard = message.number + 1;
    }

    fn on_timer(&mut self, (): (), cx: &mut Ctx<'_, Self>) {
        for _ in 0..cx.rng.below(6) {
            let to = NodeId(cx.rng.below(NODES) as u32);
            if to != cx.me {
                let number = self.sent.entry(to).or_default();
                let length = cx.rng.below(4) * cx.rng.below(20_000);
                let bulk = Blob::new(0, length as u32);
                cx.send(to, Numbered { number: *number, bulk });
                *number += 1;
            }
        }
        let pause = cx.rng.duration_below(Duration::from_millis(20));
        cx.set_timer(pause, ());
    }

    fn on_peer_lost(&mut self, _: NodeId, _: &mut Ctx<'_, Self>) {}

    fn state(&self, _: &NoConfig) -> StateSize {
        StateSize::default()
    }

    fn neighbors(&self, _: &NoConfig) -> Vec<NodeId> {
        Vec::new()
    }

    fn holds(&self, _: &Key) -> bool {
        false
    }

    fn oracle(_: &NoConfig, _: &dyn Setting) -> Nobody {
        Nobody
    }

    fn settle(&mut self, _: &Nobody, _: &mut Ctx<'_, Self>) {}
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_a_node_sends_to_another_arrives_in_order(
        seed in 0u64..1_000,
        up in prop::sample::select(vec!["0bit/s", "1MB/s", "20MB/s"]),
        down in prop::sample::select(vec!["0bit/s", "300kB/s", "2MB/s", "50MB/s"]),
        handshakes in prop::sample::select(vec!["0", "2"]),
    ) {
        let yaml = format!(
            "
nodes: {NODES}
start: converged
network:
  capacities: [{{nodes: [0], up: {up}, down: 9MB/s}}, {{share: 1.0, up: 3MB/s, down: {down}}}]
  handshake_round_trips: {handshakes}
"
        );
        let laboratory: Laboratory<Teller> =
            Laboratory::new(&yaml, seed).expect("the test's scenario is sound");
        let mut network: Network<'_, Teller> = laboratory.network();
        for node in (0..NODES as u32).map(NodeId) {
            let start = Input::Command(Command::Found { founders: 1 });
            network.simulation.give(node, start, &mut network.told);
        }
        network.wait(3);
        prop_assert!(network.simulation.delivered() > 500);
        prop_assert_eq!(network.told.dropped, 0);
    }
}
