//! Swarms without a tracker: a distributed hash table finds the peers (the idea of BEP 5).
//!
//! A node is a node of the table and a peer of swarms. Whoever takes part in a swarm publishes so in
//! the table, under the item's key; to search for an item is to search there. What the swarm side
//! sends to its tracker is intercepted: an announcement becomes a publication and searches, whose
//! holders are peers to connect to; those know more of them ([peer exchange](crate::MOST_NAMED)).
//! What a `.torrent` file says is asked of a holder (BEP 9). The rest of [`Bittorrent`] is as it is
//! with a tracker.
//!
//! The table is any [`Routing`] with the storage that belongs to it: neither is copied here.
//!
//! Differs from BEP 5: a search names one peer, drawn from those that the responsible node remembers;
//! who leaves a swarm withdraws what it published. Differs from BEP 9: nothing proves that what a
//! holder says of an item is true, as keys are names' hashes.
mod config;
mod errands;
mod message;

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use overlay_core::dht::{Dht, DhtMessage, DhtTimer, Routing};
use overlay_core::{
    Blob, Command, Ctx, DropReason, Effect, Event, Item, Key, NodeId, OpId, Overlay, Setting,
    StateSize, Strategy,
};

use crate::message::{BittorrentMessage, Reason};
use crate::metainfo::Metainfo;
use crate::tracker::PeerList;
use crate::{Bittorrent, Timer};
pub use config::TrackerlessConfig;
use errands::{Errand, Errands, Inquiries, Wish};
pub use message::TrackerlessMessage;

type Cx<'a, R> = Ctx<'a, Trackerless<R>>;

/// What a node asks to be reminded of.
#[derive(Clone, Copy, Debug)]
pub enum TrackerlessTimer<T> {
    /// The table's.
    Dht(T),
    /// The swarms'.
    Swarm(Timer),
    /// Whoever was asked about an item has had its time.
    Unanswered {
        /// The number of the question.
        serial: u32,
    },
}

/// What one half of a node has for the other.
#[derive(Clone, Copy, Debug)]
enum Note {
    /// The swarms announce themselves to a tracker.
    Announcement { key: Key, reason: Reason, left: u32, metainfo: Option<Metainfo> },
    /// The table has done an errand.
    Outcome(Errand, Event),
}

/// A node: one of a distributed hash table, and a peer in some swarms.
pub struct Trackerless<R: Routing> {
    dht: Dht<R>,
    swarms: Bittorrent,
    errands: Errands,
    inquiries: Inquiries,
    /// Empty between two inputs, as are the next two: kept for their memory.
    notes: VecDeque<Note>,
    dht_effects: Vec<Effect<Dht<R>>>,
    swarm_effects: Vec<Effect<Bittorrent>>,
}

impl<R: Routing> Trackerless<R> {
    /// The node of the table, for checkers and tests.
    #[must_use]
    pub const fn dht(&self) -> &Dht<R> {
        &self.dht
    }

    /// The peer, for checkers and tests.
    #[must_use]
    pub const fn swarms(&self) -> &Bittorrent {
        &self.swarms
    }

    /// Lets the node of the table do something, and passes on what it asks for.
    #[inline]
    fn run_dht(&mut self, cx: &mut Cx<'_, R>, act: impl FnOnce(&mut Dht<R>, &mut Ctx<'_, Dht<R>>)) {
        let mut effects = core::mem::take(&mut self.dht_effects);
        let Ctx { me, now, config, conduct, uplink, .. } = *cx;
        let (config, rng) = (&config.dht, &mut *cx.rng);
        let effects_of_dht = &mut effects;
        let mut inner = Ctx { me, now, config, conduct, uplink, rng, effects: effects_of_dht };
        act(&mut self.dht, &mut inner);
        for effect in effects.drain(..) {
            match effect {
                Effect::Send { to, message } => cx.send(to, TrackerlessMessage::Dht(message)),
                Effect::SetTimer { after, timer } => {
                    cx.set_timer(after, TrackerlessTimer::Dht(timer));
                }
                Effect::Emit(event) => match errands::own(&event) {
                    None => cx.emit(event),
                    Some(op) => {
                        let errand = self.errands.end(op);
                        self.notes.extend(errand.map(|errand| Note::Outcome(errand, event)));
                    }
                },
            }
        }
        self.dht_effects = effects;
    }

    /// Lets the peer do something, and passes on what it asks for.
    #[inline]
    fn run_swarms(
        &mut self,
        cx: &mut Cx<'_, R>,
        act: impl FnOnce(&mut Bittorrent, &mut crate::Ctx<'_>),
    ) {
        let mut effects = core::mem::take(&mut self.swarm_effects);
        let Ctx { me, now, config, conduct, uplink, .. } = *cx;
        let (config, rng) = (&config.swarm, &mut *cx.rng);
        let effects_of_swarms = &mut effects;
        let mut inner = Ctx { me, now, config, conduct, uplink, rng, effects: effects_of_swarms };
        act(&mut self.swarms, &mut inner);
        for effect in effects.drain(..) {
            match effect {
                Effect::Send {
                    message: BittorrentMessage::Announce { key, reason, left, metainfo },
                    ..
                } => self.notes.push_back(Note::Announcement { key, reason, left, metainfo }),
                Effect::Send { to, message } => cx.send(to, TrackerlessMessage::Swarm(message)),
                Effect::SetTimer { after, timer } => {
                    cx.set_timer(after, TrackerlessTimer::Swarm(timer));
                }
                // The node has left when the table has.
                Effect::Emit(Event::Left { .. }) => {}
                Effect::Emit(event) => cx.emit(event),
            }
        }
        self.swarm_effects = effects;
    }

    /// Passes on what one half has for the other, until neither has anything.
    #[inline]
    fn pass_notes(&mut self, cx: &mut Cx<'_, R>) {
        while let Some(note) = self.notes.pop_front() {
            match note {
                Note::Announcement { key, reason, left, metainfo } => {
                    self.on_announcement(key, reason, left, metainfo, cx);
                }
                Note::Outcome(errand, event) => self.on_outcome(errand, event, cx),
            }
        }
    }

    /// Does what a tracker would be asked to do.
    fn on_announcement(
        &mut self,
        key: Key,
        reason: Reason,
        left: u32,
        metainfo: Option<Metainfo>,
        cx: &mut Cx<'_, R>,
    ) {
        match (reason, metainfo) {
            (Reason::Stopped, _) => self.run_dht(cx, |dht, cx| dht.withdraw(key, cx)),
            // Who has everything is as much of a peer as before.
            (Reason::Completed, _) => {}
            (Reason::Regular | Reason::Started, Some(metainfo)) => {
                let searches = if left > 0 { cx.config.searches } else { 0 };
                for _ in 0..searches {
                    self.find_other(key, Wish::MeetPeer, cx);
                }
                let op = self.errands.begin(key, Wish::BeKnown);
                // The table is told who has the item, and never gets its bytes.
                let item = Item { key, blob: Blob::new(metainfo.content, 0) };
                self.run_dht(cx, |dht, cx| dht.on_command(Command::Publish { op, item }, cx));
            }
            // A fetch wants to know what the item is: that is being asked.
            (Reason::Regular | Reason::Started, None) => {}
        }
    }

    fn find_other(&mut self, key: Key, wish: Wish, cx: &mut Cx<'_, R>) {
        let op = self.errands.begin(key, wish);
        self.run_dht(cx, |dht, cx| dht.find_other(op, key, cx));
    }

    /// The table has done what it was asked to, or has failed.
    fn on_outcome(&mut self, errand: Errand, event: Event, cx: &mut Cx<'_, R>) {
        let Errand { key, wish, .. } = errand;
        match (wish, event) {
            (Wish::BeKnown, Event::Published { .. }) => {
                self.run_swarms(cx, |swarms, cx| swarms.on_listed(key, cx));
            }
            (Wish::MeetPeer, Event::Found { answer, .. }) => {
                let peers = answer.holder.as_slice();
                self.run_swarms(cx, |swarms, cx| swarms.meet(key, peers, cx));
            }
            (Wish::AskAbout, Event::Found { answer, .. }) => match answer.holder {
                Some(holder) => self.ask_about(key, holder, cx),
                None => self.give_up(key, cx),
            },
            (Wish::AskAbout, _) => self.ask_somebody_else(key, cx),
            // The swarm announces itself again.
            (Wish::BeKnown | Wish::MeetPeer, _) => {}
        }
    }

    /// Before this node can take part in a swarm, somebody has to say what the item is.
    fn fetch(&mut self, op: OpId, key: Key, holder: NodeId, cx: &mut Cx<'_, R>) {
        let is_known = self.swarms.swarm(&key).is_some();
        let fetch = Command::Fetch { op, key, holder };
        self.run_swarms(cx, |swarms, cx| swarms.on_command(fetch, cx));
        if is_known {
            return;
        }
        let (is_news, given_up) = self.inquiries.begin(key);
        if let Some(given_up) = given_up {
            self.give_up(given_up, cx);
        }
        if is_news {
            self.ask_about(key, holder, cx);
        }
    }

    fn ask_about(&mut self, key: Key, holder: NodeId, cx: &mut Cx<'_, R>) {
        if holder == cx.me {
            return self.ask_somebody_else(key, cx);
        }
        if let Some(serial) = self.inquiries.ask(&key, holder) {
            cx.send(holder, TrackerlessMessage::AskMetainfo { key });
            let timer = TrackerlessTimer::Unanswered { serial };
            cx.set_timer(cx.config.metainfo_timeout.0, timer);
        }
    }

    /// Whoever was asked about an item does not know, or is gone.
    fn ask_somebody_else(&mut self, key: Key, cx: &mut Cx<'_, R>) {
        if self.inquiries.next_attempt(&key) {
            self.find_other(key, Wish::AskAbout, cx);
        } else {
            self.give_up(key, cx);
        }
    }

    /// Nobody can tell what an item is: who wants to fetch it hears so.
    fn give_up(&mut self, key: Key, cx: &mut Cx<'_, R>) {
        self.inquiries.end(&key);
        self.run_swarms(cx, |swarms, cx| {
            swarms.answer_questions(key, &PeerList::default(), cx);
        });
    }

    fn on_metainfo(
        &mut self,
        from: NodeId,
        key: Key,
        metainfo: Option<Metainfo>,
        cx: &mut Cx<'_, R>,
    ) {
        if !self.inquiries.was_asked(&key, from) {
            return cx.emit(Event::Dropped(DropReason::Nonsense));
        }
        let Some(metainfo) = metainfo.filter(Metainfo::is_sound) else {
            return self.ask_somebody_else(key, cx);
        };
        self.inquiries.end(&key);
        let list = PeerList { peers: vec![from], seeds: 0, metainfo: Some(metainfo) };
        self.run_swarms(cx, |swarms, cx| {
            swarms.answer_questions(key, &list, cx);
        });
    }

    fn leave(&mut self, op: OpId, cx: &mut Cx<'_, R>) {
        self.run_swarms(cx, |swarms, cx| swarms.on_command(Command::Leave { op }, cx));
        self.inquiries = Inquiries::default();
        // Withdraws what is published, as long as there are neighbours to tell.
        self.pass_notes(cx);
        self.run_dht(cx, |dht, cx| dht.on_command(Command::Leave { op }, cx));
    }
}

impl<R: Routing> Overlay for Trackerless<R> {
    const NAME: &'static str = "bittorrent-dht";
    const STRATEGIES: &'static [Strategy] = Bittorrent::STRATEGIES;
    type Config = TrackerlessConfig<R::Config>;
    type Message = TrackerlessMessage<DhtMessage<R::Message>>;
    type Timer = TrackerlessTimer<DhtTimer<R::Timer>>;
    type Oracle = R::Oracle;

    fn check(config: &Self::Config, nodes: u32) -> Result<(), (&'static str, String)> {
        config.check::<R>(nodes)
    }

    fn piece_length(config: &Self::Config) -> Option<u32> {
        Bittorrent::piece_length(&config.swarm)
    }

    fn new(cx: &mut Ctx<'_, Self>) -> Self {
        let mut effects = Vec::new();
        let Ctx { me, now, config, conduct, uplink, .. } = *cx;
        let (config, rng) = (&config.dht, &mut *cx.rng);
        let mut inner = Ctx { me, now, config, conduct, uplink, rng, effects: &mut effects };
        Self {
            dht: Dht::new(&mut inner),
            swarms: Bittorrent::without_tracker(),
            errands: Errands::default(),
            inquiries: Inquiries::default(),
            notes: VecDeque::new(),
            dht_effects: Vec::new(),
            swarm_effects: Vec::new(),
        }
    }

    fn on_command(&mut self, command: Command, cx: &mut Ctx<'_, Self>) {
        match command {
            Command::Found { .. } | Command::Join { .. } | Command::Search { .. } => {
                self.run_dht(cx, |dht, cx| dht.on_command(command, cx));
            }
            // Done when the table has stored it: the swarm hears of that.
            Command::Publish { .. } => {
                self.run_swarms(cx, |swarms, cx| swarms.on_command(command, cx));
            }
            Command::Fetch { op, key, holder } => self.fetch(op, key, holder, cx),
            Command::Leave { op } => self.leave(op, cx),
        }
        self.pass_notes(cx);
    }

    #[inline]
    fn on_message(&mut self, from: NodeId, message: Self::Message, cx: &mut Ctx<'_, Self>) {
        match message {
            TrackerlessMessage::Dht(message) => {
                self.run_dht(cx, |dht, cx| dht.on_message(from, message, cx));
            }
            TrackerlessMessage::Swarm(
                BittorrentMessage::Announce { .. } | BittorrentMessage::Peers { .. },
            ) => cx.emit(Event::Dropped(DropReason::Nonsense)),
            TrackerlessMessage::Swarm(message) => {
                self.run_swarms(cx, |swarms, cx| swarms.on_message(from, message, cx));
            }
            TrackerlessMessage::AskMetainfo { key } => {
                let metainfo = self.swarms.swarm(&key).map(crate::Swarm::metainfo);
                cx.send(from, TrackerlessMessage::Metainfo { key, metainfo });
            }
            TrackerlessMessage::Metainfo { key, metainfo } => {
                self.on_metainfo(from, key, metainfo, cx);
            }
        }
        self.pass_notes(cx);
    }

    fn on_timer(&mut self, timer: Self::Timer, cx: &mut Ctx<'_, Self>) {
        match timer {
            TrackerlessTimer::Dht(timer) => self.run_dht(cx, |dht, cx| dht.on_timer(timer, cx)),
            TrackerlessTimer::Swarm(timer) => {
                self.run_swarms(cx, |swarms, cx| swarms.on_timer(timer, cx));
            }
            TrackerlessTimer::Unanswered { serial } => {
                if let Some(key) = self.inquiries.unanswered(serial) {
                    self.ask_somebody_else(key, cx);
                }
            }
        }
        self.pass_notes(cx);
    }

    fn on_peer_lost(&mut self, peer: NodeId, cx: &mut Ctx<'_, Self>) {
        self.run_dht(cx, |dht, cx| dht.on_peer_lost(peer, cx));
        self.run_swarms(cx, |swarms, cx| swarms.on_peer_lost(peer, cx));
        while let Some(key) = self.inquiries.asked_of(peer) {
            self.ask_somebody_else(key, cx);
        }
        self.pass_notes(cx);
    }

    fn state(&self, config: &Self::Config) -> StateSize {
        let (table, swarms) = (self.dht.state(&config.dht), self.swarms.state(&config.swarm));
        StateSize {
            links: self.neighbors(config).len() as u32,
            entries: table.entries + swarms.entries,
            bytes: table.bytes + swarms.bytes,
        }
    }

    fn neighbors(&self, config: &Self::Config) -> Vec<NodeId> {
        let mut neighbors = self.dht.neighbors(&config.dht);
        neighbors.extend(self.swarms.neighbors(&config.swarm));
        neighbors.sort_unstable();
        neighbors.dedup();
        neighbors
    }

    fn holds(&self, key: &Key) -> bool {
        self.swarms.holds(key)
    }

    fn oracle(config: &Self::Config, setting: &dyn Setting) -> R::Oracle {
        Dht::<R>::oracle(&config.dht, setting)
    }

    fn settle(&mut self, oracle: &R::Oracle, cx: &mut Ctx<'_, Self>) {
        self.run_dht(cx, |dht, cx| dht.settle(oracle, cx));
    }

    fn check_network(config: &Self::Config, nodes: &[(NodeId, &Self)]) -> Result<(), String> {
        let tables: Vec<_> = nodes.iter().map(|(node, it)| (*node, &it.dht)).collect();
        Dht::<R>::check_network(&config.dht, &tables)?;
        let swarms: Vec<_> = nodes.iter().map(|(node, it)| (*node, &it.swarms)).collect();
        Bittorrent::check_network(&config.swarm, &swarms)
    }

    fn is_promised(config: &Self::Config, nodes: &[(NodeId, &Self)]) -> bool {
        let tables: Vec<_> = nodes.iter().map(|(node, it)| (*node, &it.dht)).collect();
        Dht::<R>::is_promised(&config.dht, &tables)
    }
}
