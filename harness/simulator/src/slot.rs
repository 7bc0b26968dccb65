//! One node's place in the simulation: the node, and what every event looks at beside it.
use overlay_core::{Class, Ctx, Effect, NodeId, Overlay, Random, Time};
use peerbench_measure::Flow;
use peerbench_scenario::World;

use crate::network::{Busy, Order};

/// Whether a node takes part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Life {
    /// It runs.
    #[default]
    Up,
    /// Its process has stopped without ending, at this time: connections stand, nothing is answered.
    Frozen(Time),
    /// It is gone, since this time.
    Down(Time),
}

/// What every event looks at of a node. What few need lies elsewhere: with many nodes, an event costs
/// the lines of memory it touches.
pub(crate) struct Slot<O> {
    pub(crate) node: O,
    pub(crate) random: Random,
    pub(crate) flows: Flows,
    pub(crate) uplink: Busy,
    pub(crate) downlink: Busy,
    pub(crate) order: Order,
    pub(crate) life: Life,
    /// The first event that can be meant for this life of the node; 0 in its first.
    pub(crate) born: u64,
}

impl<O> Slot<O> {
    pub(crate) fn new(node: O, random: Random) -> Self {
        Self {
            node,
            random,
            flows: Flows::default(),
            uplink: Busy::default(),
            downlink: Busy::default(),
            order: Order::IDLE,
            life: Life::Up,
            born: 0,
        }
    }

    /// Nothing of the links' former use is left; events before this one are not for this life.
    pub(crate) fn begin_life(&mut self, born: u64) {
        (self.uplink, self.downlink, self.order) = (Busy::default(), Busy::default(), Order::IDLE);
        self.born = born;
    }

    pub(crate) fn reset_flows(&mut self) {
        self.flows = Flows::default();
    }
}

/// Messages and bytes that a node sent and received, by class. As [`Flow`]s they would take a third
/// more.
#[derive(Clone, Copy, Default)]
pub(crate) struct Flows {
    bytes: [[u64; 3]; 2],
    messages: [[u32; 3]; 2],
}

impl Flows {
    #[inline]
    pub(crate) fn count(&mut self, direction: usize, class: Class, bytes: u32) {
        let class = class as usize;
        self.bytes[direction][class] += u64::from(bytes);
        let messages = &mut self.messages[direction][class];
        *messages = messages.wrapping_add(1);
    }

    pub(crate) fn of(&self, direction: usize) -> [Flow; 3] {
        let flow = |class: usize| Flow {
            messages: self.messages[direction][class],
            bytes: self.bytes[direction][class],
        };
        [flow(0), flow(1), flow(2)]
    }
}

/// Places in a node's flows.
pub(crate) const SENT: usize = 0;
pub(crate) const RECEIVED: usize = 1;

/// What a node's handler is told of where and when it is.
pub(crate) struct Here<'a, O: Overlay> {
    pub(crate) world: &'a World,
    pub(crate) config: &'a O::Config,
    pub(crate) now: Time,
    pub(crate) me: NodeId,
}

impl<'a, O: Overlay> Here<'a, O> {
    #[inline]
    pub(crate) fn context<'c>(
        &self,
        rng: &'c mut Random,
        effects: &'c mut Vec<Effect<O>>,
    ) -> Ctx<'c, O>
    where
        'a: 'c,
    {
        let Self { world, config, now, me } = *self;
        let (conduct, uplink) = (world.conduct(me), world.uplink(me));
        Ctx { me, now, config, conduct, uplink, rng, effects }
    }
}
