//! BitTorrent: everybody who wants an item passes on the pieces it has to those who lack them.
//!
//! After BEP 3 and Cohen 2003 ("Incentives Build Robustness in BitTorrent"). Node 0 is the tracker,
//! known to everybody as its address is from a `.torrent` file; it may be a peer as well. To publish
//! an item is to become a seed and announce so; to search for one is to ask its tracker for peers;
//! to fetch it is to take part in its swarm until all pieces are there and verified.
//!
//! - `config.rs`: the scenario's part; `message.rs`: the protocol; `metainfo.rs`: pieces and blocks;
//! - `tracker.rs`: who takes part in which swarm;
//! - `swarm/`: one node's part in one swarm, over its connections (`connection.rs`);
//! - `picker.rs`: which block to ask for next: rarest first, strict priority, end game;
//! - `policy/`: choke policies: whom to unchoke, and whose turn it is; `choker.rs`: slots by merit and by
//!   chance;
//! - `rate.rs`: by what that is measured, and how deep pipelines are;
//! - `uploads.rs`: blocks leave at the pace of the uplink, peers in turn;
//! - `conduct/`: how to cheat; `account.rs`, `suspicion.rs`: what is remembered of whom, and who is
//!   banned;
//! - `trackerless/`: the same swarms, whose peers find each other through a distributed hash table.
//!
//! Differs from BEP 3: what a `.torrent` file says comes with the tracker's first answer; `Have` is
//! left out where the receiver is known to have the piece, and BEP 6's `HaveAll` makes up for that
//! when a peer is done; who only searches is not listed by the tracker.
#![no_std]
extern crate alloc;

mod account;
mod bitfield;
mod choker;
mod conduct;
mod config;
mod connection;
mod message;
mod metainfo;
mod picker;
mod policy;
mod rate;
mod suspicion;
mod swarm;
mod tracker;
mod trackerless;
mod uploads;
mod view;

use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::String;
use alloc::vec::Vec;

use overlay_core::{
    Answer, Command, DropReason, Event, Item, Key, NodeId, OpId, Overlay, Role, Setting, StateSize,
    Strategy,
};

pub use account::PeerId;
pub use bitfield::Bitfield;
pub use choker::{Candidate, Slots, Unchoked, choose};
pub use config::{BittorrentConfig, Choking, Picking, SeedPolicy, WhenDone};
pub use connection::{Connection, Wanted};
pub use message::{BittorrentMessage, Reason, Tag};
pub use metainfo::{BLOCK, LONGEST_PIECE, Metainfo};
pub use picker::{BlockId, Holder, Picker, Receipt};
use policy::Rank;
pub use rate::{Pipeline, Rate};
pub use suspicion::{Sender, Senders};
pub use swarm::{MOST_NAMED, Swarm};
pub use tracker::{Announcement, PeerList, Tracker};
pub use trackerless::{Trackerless, TrackerlessConfig, TrackerlessMessage, TrackerlessTimer};
use uploads::{Outlet, Uploads};
pub use view::View;

/// The node that is the tracker.
pub const TRACKER: NodeId = NodeId(0);

/// Most searches, and fetches of what is not known yet, that wait for the tracker; the oldest is
/// given up for one more.
pub const MOST_QUESTIONS: usize = 1_024;

/// Most answers of the tracker that are kept for a fetch that may follow.
const MOST_LEADS: usize = 64;

type Ctx<'a> = overlay_core::Ctx<'a, Bittorrent>;

/// What a node asks to be reminded of.
#[derive(Clone, Copy, Debug)]
pub enum Timer {
    /// Give slots anew in this swarm.
    Round {
        /// The swarm.
        tag: Tag,
    },
    /// It has been a seed of this swarm for long enough.
    Depart {
        /// The swarm.
        tag: Tag,
    },
    /// The uplink has room for more blocks.
    Upload,
}

/// What waits for the tracker.
#[derive(Clone, Copy, Debug)]
struct Question {
    op: OpId,
    key: Key,
    /// Who holds the item, if it is to be fetched from there; `None`: that is the question.
    fetch_from: Option<NodeId>,
}

/// A node: a peer in some swarms, and perhaps the tracker.
#[derive(Debug)]
pub struct Bittorrent {
    tracker: Option<Tracker>,
    /// Whether somebody else does what a tracker would; then node 0 is a node like all others.
    is_trackerless: bool,
    swarms: BTreeMap<Tag, Swarm>,
    uploads: Uploads,
    questions: VecDeque<Question>,
    leads: VecDeque<(Key, PeerList)>,
    has_left: bool,
}

impl Bittorrent {
    /// The node's part in the swarm of this item, if it has one; for checkers and tests.
    #[must_use]
    pub fn swarm(&self, key: &Key) -> Option<&Swarm> {
        self.swarms.get(&Tag::of(key)).filter(|swarm| swarm.key() == *key)
    }

    /// What makes this node the tracker, if it is; for checkers and tests.
    #[must_use]
    pub const fn tracker(&self) -> Option<&Tracker> {
        self.tracker.as_ref()
    }

    /// A node where there is no tracker: somebody else answers what it sends there.
    fn without_tracker() -> Self {
        Self {
            tracker: None,
            is_trackerless: true,
            swarms: BTreeMap::new(),
            uploads: Uploads::default(),
            questions: VecDeque::new(),
            leads: VecDeque::new(),
            has_left: false,
        }
    }

    fn publish(&mut self, op: OpId, item: Item, cx: &mut Ctx<'_>) {
        let piece_length = cx.config.piece_length.0 as u32;
        let metainfo =
            Metainfo { content: item.blob.content, length: item.blob.length, piece_length };
        if cx.conduct.is(Strategy::NoShare) || self.is_taken(&item.key) {
            return cx.emit(Event::Failed { op });
        }
        let has_pex = self.has_pex(cx);
        let mut out = Outlet { uploads: &mut self.uploads, cx };
        if let Some(mut former) = self.swarms.remove(&Tag::of(&item.key)) {
            former.leave(&mut out);
        }
        let mut swarm = Swarm::seed(item.key, metainfo, out.cx);
        if has_pex {
            swarm = swarm.with_pex();
        }
        swarm.publish(op, &mut out);
        swarm.start(&mut out);
        self.swarms.insert(Tag::of(&item.key), swarm);
    }

    /// Asks the tracker, without a promise to take part.
    fn ask(&mut self, question: Question, cx: &mut Ctx<'_>) {
        if self.questions.len() >= MOST_QUESTIONS
            && let Some(oldest) = self.questions.pop_front()
        {
            cx.emit(Event::Failed { op: oldest.op });
        }
        self.questions.push_back(question);
        let (key, reason, left, metainfo) = (question.key, Reason::Regular, 0, None);
        let mut out = Outlet { uploads: &mut self.uploads, cx };
        out.send(TRACKER, BittorrentMessage::Announce { key, reason, left, metainfo });
    }

    fn fetch(&mut self, op: OpId, key: Key, holder: NodeId, cx: &mut Ctx<'_>) {
        let mut out = Outlet { uploads: &mut self.uploads, cx };
        if let Some(swarm) = self.swarms.get_mut(&Tag::of(&key)) {
            return match swarm.key() == key {
                true => swarm.fetch(op, &mut out),
                false => out.cx.emit(Event::Failed { op }),
            };
        }
        let lead = self.leads.iter().position(|lead| lead.0 == key);
        match lead.and_then(|index| self.leads.remove(index)) {
            Some((_, list)) => self.enter(op, key, holder, &list, cx),
            None => self.ask(Question { op, key, fetch_from: Some(holder) }, cx),
        }
    }

    /// Takes part in a swarm from now on.
    fn enter(&mut self, op: OpId, key: Key, holder: NodeId, list: &PeerList, cx: &mut Ctx<'_>) {
        let Some(metainfo) = list.metainfo.filter(Metainfo::is_sound) else {
            return cx.emit(Event::Failed { op });
        };
        let has_pex = self.has_pex(cx);
        let mut out = Outlet { uploads: &mut self.uploads, cx };
        let mut swarm = Swarm::leecher(key, metainfo, out.cx);
        if has_pex {
            swarm = swarm.with_pex();
        }
        swarm.fetch(op, &mut out);
        swarm.start(&mut out);
        swarm.connect(&[holder], &mut out);
        swarm.connect(&list.peers, &mut out);
        self.swarms.insert(Tag::of(&key), swarm);
    }

    fn has_pex(&self, cx: &Ctx<'_>) -> bool {
        cx.config.pex.unwrap_or(self.is_trackerless)
    }

    /// Whether another item has the tag of this one.
    fn is_taken(&self, key: &Key) -> bool {
        self.swarms.get(&Tag::of(key)).is_some_and(|swarm| swarm.key() != *key)
    }

    fn on_announce(&mut self, announcement: Announcement, cx: &mut Ctx<'_>) {
        let Some(tracker) = &mut self.tracker else {
            return cx.emit(Event::Dropped(DropReason::Nonsense));
        };
        if cx.conduct.is(Strategy::NoForward) {
            return;
        }
        let Announcement { from, key, reason, metainfo, .. } = announcement;
        if metainfo.is_some_and(|metainfo| !metainfo.is_sound()) {
            return cx.emit(Event::Dropped(DropReason::Nonsense));
        }
        let (list, is_full) = tracker.announce(announcement, cx.now, cx.config, cx.rng);
        if is_full {
            cx.emit(Event::Dropped(DropReason::Bound));
        }
        if let Some(PeerList { peers, seeds, metainfo }) = list {
            let mut out = Outlet { uploads: &mut self.uploads, cx };
            out.send(from, BittorrentMessage::Peers { key, reason, peers, seeds, metainfo });
        }
    }

    fn on_peers(&mut self, key: Key, list: PeerList, cx: &mut Ctx<'_>) {
        let is_searched = self.answer_questions(key, &list, cx);
        match self.swarms.get_mut(&Tag::of(&key)).filter(|swarm| swarm.key() == key) {
            Some(swarm) => {
                let mut out = Outlet { uploads: &mut self.uploads, cx };
                swarm.on_listed(&mut out);
                swarm.connect(&list.peers, &mut out);
            }
            None if is_searched => {
                self.leads.retain(|lead| lead.0 != key);
                if self.leads.len() >= MOST_LEADS {
                    self.leads.pop_front();
                }
                self.leads.push_back((key, list));
            }
            None => {}
        }
    }

    /// What was asked about an item is known. Whether anybody had searched for it.
    fn answer_questions(&mut self, key: Key, list: &PeerList, cx: &mut Ctx<'_>) -> bool {
        let of_key = |it: &Question| it.key == key;
        let answered: Vec<Question> = self.questions.iter().copied().filter(of_key).collect();
        self.questions.retain(|it| it.key != key);
        let mut is_searched = false;
        for Question { op, fetch_from, .. } in answered {
            match fetch_from {
                None => {
                    is_searched = true;
                    let holds = |it: &Swarm| it.key() == key && it.is_complete();
                    let own = self.swarms.get(&Tag::of(&key)).is_some_and(holds).then_some(cx.me);
                    let holder = list.peers.first().copied().or(own);
                    let hops = u16::from(cx.me != TRACKER);
                    let answer = Answer { by: TRACKER, holder, hops, timeouts: 0 };
                    cx.emit(Event::Found { op, answer });
                }
                Some(_) if self.swarms.contains_key(&Tag::of(&key)) => {
                    self.fetch(op, key, TRACKER, cx);
                }
                Some(holder) => self.enter(op, key, holder, list, cx),
            }
        }
        is_searched
    }

    /// Others can find this node's part in a swarm from now on.
    fn on_listed(&mut self, key: Key, cx: &mut Ctx<'_>) {
        let swarm = self.swarms.get_mut(&Tag::of(&key)).filter(|swarm| swarm.key() == key);
        if let Some(swarm) = swarm {
            swarm.on_listed(&mut Outlet { uploads: &mut self.uploads, cx });
        }
    }

    /// Others take part in a swarm, too.
    fn meet(&mut self, key: Key, peers: &[NodeId], cx: &mut Ctx<'_>) {
        let swarm = self.swarms.get_mut(&Tag::of(&key)).filter(|swarm| swarm.key() == key);
        if let Some(swarm) = swarm {
            swarm.connect(peers, &mut Outlet { uploads: &mut self.uploads, cx });
        }
    }

    fn on_handshake(
        &mut self,
        from: NodeId,
        key: Key,
        name: PeerId,
        is_reply: bool,
        cx: &mut Ctx<'_>,
    ) {
        let mut out = Outlet { uploads: &mut self.uploads, cx };
        let tag = Tag::of(&key);
        match self.swarms.get_mut(&tag).filter(|swarm| swarm.key() == key) {
            Some(swarm) => swarm.on_handshake(from, name, is_reply, &mut out),
            None => out.send(from, BittorrentMessage::Close { tag }),
        }
    }

    /// A message that belongs to a connection.
    fn on_swarm_message(
        &mut self,
        from: NodeId,
        tag: Tag,
        message: BittorrentMessage,
        cx: &mut Ctx<'_>,
    ) {
        if let Some(swarm) = self.swarms.get_mut(&tag) {
            swarm.on_message(from, message, &mut Outlet { uploads: &mut self.uploads, cx });
            if swarm.has_left() {
                self.swarms.remove(&tag);
            }
        }
    }

    /// Sends blocks as long as the uplink has room.
    fn send_blocks(&mut self, cx: &mut Ctx<'_>) {
        let conduct = cx.conduct;
        let config = cx.config;
        let rank = |swarms: &BTreeMap<Tag, Swarm>, tag, peer| {
            let swarm = swarms.get(&tag);
            swarm.map_or(Rank::FIRST, |swarm| swarm.rank(peer, conduct, config))
        };
        while let Some((tag, peer)) =
            self.uploads.next(cx, |tag, peer| rank(&self.swarms, tag, peer))
        {
            if let Some(swarm) = self.swarms.get_mut(&tag) {
                swarm.send_block(peer, &mut self.uploads, cx);
            }
        }
    }

    /// It has been a seed of this swarm for long enough, unless the timer is of a former part in it.
    fn depart(&mut self, tag: Tag, cx: &mut Ctx<'_>) {
        let is_due = |swarm: &&mut Swarm| swarm.departs().is_some_and(|at| at <= cx.now);
        if let Some(swarm) = self.swarms.get_mut(&tag).filter(is_due) {
            swarm.leave(&mut Outlet { uploads: &mut self.uploads, cx });
            self.swarms.remove(&tag);
        }
    }

    fn leave(&mut self, cx: &mut Ctx<'_>) {
        let mut out = Outlet { uploads: &mut self.uploads, cx };
        for mut swarm in core::mem::take(&mut self.swarms).into_values() {
            swarm.leave(&mut out);
        }
        for question in self.questions.drain(..) {
            out.cx.emit(Event::Failed { op: question.op });
        }
        self.has_left = true;
    }
}

impl Overlay for Bittorrent {
    const NAME: &'static str = "bittorrent";
    const STRATEGIES: &'static [Strategy] = conduct::STRATEGIES;
    type Config = BittorrentConfig;
    type Message = BittorrentMessage;
    type Timer = Timer;
    type Oracle = View;

    fn check(config: &BittorrentConfig, _: u32) -> Result<(), (&'static str, String)> {
        config.check()
    }

    fn piece_length(config: &BittorrentConfig) -> Option<u32> {
        Some(config.piece_length.0 as u32)
    }

    fn new(cx: &mut Ctx<'_>) -> Self {
        Self {
            tracker: (cx.me == TRACKER).then(Tracker::default),
            is_trackerless: false,
            ..Self::without_tracker()
        }
    }

    fn on_command(&mut self, command: Command, cx: &mut Ctx<'_>) {
        match command {
            // There is nothing to be part of but swarms.
            Command::Found { .. } => {}
            Command::Join { op, .. } => cx.emit(Event::Joined { op }),
            Command::Publish { op, item } => self.publish(op, item, cx),
            Command::Search { op, key } => self.ask(Question { op, key, fetch_from: None }, cx),
            Command::Fetch { op, key, holder } => self.fetch(op, key, holder, cx),
            Command::Leave { op } => {
                self.leave(cx);
                cx.emit(Event::Left { op });
            }
        }
    }

    fn on_message(&mut self, from: NodeId, message: BittorrentMessage, cx: &mut Ctx<'_>) {
        if self.has_left {
            return;
        }
        match message {
            BittorrentMessage::Announce { key, reason, left, metainfo } => {
                self.on_announce(Announcement { from, key, reason, left, metainfo }, cx);
            }
            BittorrentMessage::Peers { key, peers, seeds, metainfo, .. } if from == TRACKER => {
                self.on_peers(key, PeerList { peers, seeds, metainfo }, cx);
            }
            BittorrentMessage::Peers { .. } => cx.emit(Event::Dropped(DropReason::Nonsense)),
            BittorrentMessage::Handshake { key, name, is_reply } => {
                self.on_handshake(from, key, name, is_reply, cx);
            }
            BittorrentMessage::Close { tag }
            | BittorrentMessage::Bitfield { tag, .. }
            | BittorrentMessage::Have { tag, .. }
            | BittorrentMessage::HaveAll { tag }
            | BittorrentMessage::Choke { tag }
            | BittorrentMessage::Unchoke { tag }
            | BittorrentMessage::Interested { tag }
            | BittorrentMessage::NotInterested { tag }
            | BittorrentMessage::Piece { tag, .. }
            | BittorrentMessage::Cancel { tag, .. }
            | BittorrentMessage::Pex { tag, .. } => {
                self.on_swarm_message(from, tag, message, cx);
            }
            BittorrentMessage::Request { tag, .. } => {
                self.on_swarm_message(from, tag, message, cx);
                self.send_blocks(cx);
            }
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Ctx<'_>) {
        match timer {
            Timer::Round { tag } => {
                let mut out = Outlet { uploads: &mut self.uploads, cx };
                if let Some(swarm) = self.swarms.get_mut(&tag) {
                    swarm.on_round(&mut out);
                }
            }
            Timer::Depart { tag } => self.depart(tag, cx),
            Timer::Upload => {
                self.uploads.on_timer();
                self.send_blocks(cx);
            }
        }
    }

    fn on_peer_lost(&mut self, peer: NodeId, cx: &mut Ctx<'_>) {
        if let Some(tracker) = &mut self.tracker {
            tracker.lose(peer);
        }
        let mut out = Outlet { uploads: &mut self.uploads, cx };
        for swarm in self.swarms.values_mut() {
            swarm.on_peer_lost(peer, &mut out);
        }
        if peer == TRACKER && !self.is_trackerless {
            for question in self.questions.drain(..) {
                out.cx.emit(Event::Failed { op: question.op });
            }
        }
    }

    fn state(&self, config: &BittorrentConfig) -> StateSize {
        let (entries, records) =
            self.tracker.as_ref().map_or((0, 0), |it| (it.records(), it.bytes()));
        let links = self.neighbors(config).len() as u32;
        let bits: u64 = self.swarms.values().map(Swarm::bytes).sum();
        StateSize { links, entries, bytes: records + bits }
    }

    fn neighbors(&self, _: &BittorrentConfig) -> Vec<NodeId> {
        let mut neighbors: Vec<NodeId> = self.swarms.values().flat_map(Swarm::peers).collect();
        neighbors.sort_unstable();
        neighbors.dedup();
        neighbors
    }

    fn holds(&self, key: &Key) -> bool {
        let has_all =
            |swarm: &Swarm| swarm.key() == *key && swarm.is_complete() && !swarm.has_left();
        self.swarms.values().any(has_all)
    }

    fn role(&self) -> Role {
        if self.tracker.is_some() { Role::Server } else { Role::Peer }
    }

    fn oracle(_: &BittorrentConfig, setting: &dyn Setting) -> View {
        View::new(setting.nodes())
    }

    fn settle(&mut self, _: &View, _: &mut Ctx<'_>) {
        // There is nothing to be part of but swarms, and none before somebody publishes.
    }

    fn check_network(_: &BittorrentConfig, nodes: &[(NodeId, &Self)]) -> Result<(), String> {
        for (id, node) in nodes {
            for swarm in node.swarms.values() {
                swarm.check().map_err(|problem| alloc::format!("{id}: {problem}"))?;
            }
        }
        Ok(())
    }
}
