//! One swarm, as one of its nodes sees it: the pieces it has, and its connections.
//!
//! - `download.rs`: what it asks for and gets;
//! - `upload.rs`: whom it unchokes, and what it is asked for;
//! - `acquaintance.rs`: with whom it connects, and with whom no more;
//! - `pex.rs`: peers that its peers know.
mod acquaintance;
mod download;
mod pex;
mod upload;

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use overlay_core::{DropReason, Event, Key, NodeId, OpId, Time};
use smallvec::SmallVec;

use crate::account::{Books, PeerId};
use crate::bitfield::Bitfield;
use crate::conduct::habits;
use crate::config::{SeedPolicy, WhenDone};
use crate::connection::Connection;
use crate::message::{BittorrentMessage, Reason, Tag};
use crate::metainfo::Metainfo;
use crate::picker::Picker;
use crate::policy::Evidence;
use crate::suspicion::Suspicion;
use crate::uploads::{Outlet, Uploads};
use crate::{Ctx, TRACKER, Timer};
pub use pex::MOST_NAMED;
use pex::PeerExchange;

/// Most operations that wait for one swarm.
const MOST_WAITING: usize = 64;

/// One node's part in a swarm.
#[derive(Clone, Debug)]
pub struct Swarm {
    key: Key,
    tag: Tag,
    metainfo: Metainfo,
    /// What this node calls itself here.
    name: PeerId,
    have: Bitfield,
    picker: Picker,
    books: Books,
    suspicion: Suspicion,
    /// What became of a seed's gifts, if that matters to its policy.
    evidence: Option<Evidence>,
    /// Ordered by peer.
    connections: Vec<Connection>,
    /// Their peers: a search among them touches a few lines of memory, not one a connection.
    peers: Vec<NodeId>,
    /// Operations that end when everything is here.
    fetching: SmallVec<[OpId; 1]>,
    /// Operations that end when the tracker has heard of this node.
    publishing: SmallVec<[OpId; 1]>,
    /// Who is unchoked by chance, and since when.
    optimistic: SmallVec<[NodeId; 2]>,
    optimistic_since: Time,
    /// How many slots there were when they were last given.
    slots: usize,
    /// When slots are given anew: timers of a former part in this swarm come at other times.
    next_round: Time,
    /// What peers told of others; `None`: it is not spoken of.
    pex: Option<PeerExchange>,
    announced: Time,
    /// When a block last came, from anybody.
    fed: Time,
    /// When it leaves, if it is a seed for a time only.
    departs: Option<Time>,
    is_listed: bool,
    /// Whether blocks were asked for twice.
    is_ending: bool,
    has_left: bool,
    corrupt_pieces: u32,
    duplicate_blocks: u32,
}

impl Swarm {
    /// A seed's part: everything is here.
    pub(crate) fn seed(key: Key, metainfo: Metainfo, cx: &mut Ctx<'_>) -> Self {
        let have = Bitfield::full(metainfo.pieces());
        let evidence = (cx.config.seed_policy == SeedPolicy::ProvenContributors)
            .then(|| Evidence::new(metainfo.pieces()));
        Self { have, picker: Picker::finished(), evidence, ..Self::leecher(key, metainfo, cx) }
    }

    /// A leecher's part: nothing is here.
    pub(crate) fn leecher(key: Key, metainfo: Metainfo, cx: &mut Ctx<'_>) -> Self {
        let now = cx.now;
        Self {
            key,
            tag: Tag::of(&key),
            metainfo,
            name: PeerId(cx.rng.next_u64() as u32),
            have: Bitfield::empty(metainfo.pieces()),
            picker: Picker::new(metainfo.pieces()),
            books: Books::default(),
            suspicion: Suspicion::default(),
            evidence: None,
            connections: Vec::new(),
            peers: Vec::new(),
            fetching: SmallVec::new(),
            publishing: SmallVec::new(),
            optimistic: SmallVec::new(),
            optimistic_since: now,
            slots: 0,
            next_round: now,
            pex: None,
            announced: now,
            fed: now,
            departs: None,
            is_listed: false,
            is_ending: false,
            has_left: false,
            corrupt_pieces: 0,
            duplicate_blocks: 0,
        }
    }

    /// The same, in which peers tell each other of others.
    pub(crate) fn with_pex(mut self) -> Self {
        self.pex = Some(PeerExchange::new(self.announced));
        self
    }

    /// What the item is.
    #[must_use]
    pub const fn metainfo(&self) -> Metainfo {
        self.metainfo
    }

    /// The item's key.
    #[must_use]
    pub const fn key(&self) -> Key {
        self.key
    }

    /// Whether everything is here.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.have.is_full()
    }

    /// The pieces that are here.
    #[must_use]
    pub const fn have(&self) -> &Bitfield {
        &self.have
    }

    /// How many of the connected peers have this piece, as far as they told; 0 at a seed, which has
    /// no need to know.
    #[must_use]
    pub fn availability(&self, piece: u32) -> u16 {
        self.picker.availability(piece)
    }

    /// How many pieces came with a block that was not what it should be.
    #[must_use]
    pub const fn corrupt_pieces(&self) -> u32 {
        self.corrupt_pieces
    }

    /// How many blocks came in vain.
    #[must_use]
    pub const fn duplicate_blocks(&self) -> u32 {
        self.duplicate_blocks
    }

    /// Who is connected, ascending.
    pub fn peers(&self) -> impl Iterator<Item = NodeId> {
        self.connections.iter().filter(|it| it.is_open).map(|it| it.peer)
    }

    /// Who is interested and unchoked, ascending.
    pub fn unchoked(&self) -> impl Iterator<Item = NodeId> {
        self.connections.iter().filter(|it| it.has_slot()).map(|it| it.peer)
    }

    pub(crate) const fn departs(&self) -> Option<Time> {
        self.departs
    }

    pub(crate) const fn has_left(&self) -> bool {
        self.has_left
    }

    /// Begins to take part. The first round comes at a random moment, so that those who began
    /// together do not all rechoke together.
    pub(crate) fn start(&mut self, out: &mut Outlet<'_, '_>) {
        self.announce(Reason::Started, out);
        let first = out.cx.rng.duration_below(out.cx.config.rechoke_every.0);
        self.set_round(first, out);
        if self.is_complete() {
            self.tell_fetchers(out);
        }
    }

    /// An operation waits until everything is here.
    pub(crate) fn fetch(&mut self, op: OpId, out: &mut Outlet<'_, '_>) {
        wait(&mut self.fetching, op, out);
        if self.is_complete() {
            self.tell_fetchers(out);
        }
    }

    /// An operation waits until the tracker has heard of this seed.
    pub(crate) fn publish(&mut self, op: OpId, out: &mut Outlet<'_, '_>) {
        wait(&mut self.publishing, op, out);
    }

    /// Tells the tracker.
    pub(crate) fn announce(&mut self, reason: Reason, out: &mut Outlet<'_, '_>) {
        self.announced = out.cx.now;
        let had = u64::from(self.have.count()) * u64::from(self.metainfo.piece_length);
        let left = if self.is_complete() { 0 } else { u64::from(self.metainfo.length) - had };
        let (key, left, metainfo) = (self.key, left as u32, Some(self.metainfo));
        out.send(TRACKER, BittorrentMessage::Announce { key, reason, left, metainfo });
    }

    /// The tracker has answered: others can find this node.
    pub(crate) fn on_listed(&mut self, out: &mut Outlet<'_, '_>) {
        self.is_listed = true;
        for op in self.publishing.drain(..) {
            out.cx.emit(Event::Published { op });
        }
    }

    /// A message of a connection.
    pub(crate) fn on_message(
        &mut self,
        from: NodeId,
        message: BittorrentMessage,
        out: &mut Outlet<'_, '_>,
    ) {
        // Nobody: it was closed while the message was on its way.
        let Ok(index) = self.find(from) else { return };
        // Who refuses us says no more than whom else there is to try.
        let may_refuse =
            matches!(message, BittorrentMessage::Close { .. } | BittorrentMessage::Pex { .. });
        if !self.connections[index].is_open && !may_refuse {
            // Networks without TCP let a short message overtake the handshake's answer.
            self.open(index, None, out);
        }
        match message {
            BittorrentMessage::Close { .. } => self.on_lost(index, out),
            BittorrentMessage::Bitfield { bits, .. } => self.on_bitfield(index, &bits, out),
            BittorrentMessage::Have { piece, .. } => self.on_have(index, piece, out),
            BittorrentMessage::HaveAll { .. } => self.on_have_all(index, out),
            BittorrentMessage::Choke { .. } => self.on_choke(index, out),
            BittorrentMessage::Unchoke { .. } => self.on_unchoke(index, out),
            BittorrentMessage::Interested { .. } => self.on_interested(index, out),
            BittorrentMessage::NotInterested { .. } => self.on_not_interested(index, out),
            BittorrentMessage::Request { piece, begin, length, .. } => {
                self.on_request(index, piece, begin, length, out);
            }
            BittorrentMessage::Piece { piece, begin, block, .. } => {
                self.on_piece(index, piece, begin, &block, out);
            }
            BittorrentMessage::Cancel { piece, begin, length, .. } => {
                self.on_cancel(index, piece, begin, length);
            }
            BittorrentMessage::Pex { added, dropped, .. } => self.on_pex(&added, &dropped, out),
            BittorrentMessage::Announce { .. }
            | BittorrentMessage::Peers { .. }
            | BittorrentMessage::Handshake { .. } => {
                out.cx.emit(Event::Dropped(DropReason::Nonsense));
            }
        }
    }

    /// A peer cannot be reached any more.
    pub(crate) fn on_peer_lost(&mut self, peer: NodeId, out: &mut Outlet<'_, '_>) {
        if let Ok(index) = self.find(peer) {
            self.on_lost(index, out);
        }
    }

    /// Every so often: who is silent is given up, slots are given anew, the tracker hears of us.
    pub(crate) fn on_round(&mut self, out: &mut Outlet<'_, '_>) {
        let now = out.cx.now;
        if now < self.next_round {
            return;
        }
        let config = out.cx.config;
        self.give_up_silent(out);
        self.come_back(out);
        self.give_up_snubbing(out);
        self.rechoke_in_round(out);
        self.exchange_peers(out);
        let since = now.since(self.announced);
        let has_few = self.connections.len() < usize::from(config.min_peers.min(config.max_peers));
        let looks = has_few || self.starves(out.cx) || habits(out.cx.conduct).always_lacks_peers();
        let is_early = looks && !self.is_complete() || !self.is_listed;
        if since >= config.announce_every.0 || is_early && since >= config.announce_at_most_every.0
        {
            let reason = if self.is_listed { Reason::Regular } else { Reason::Started };
            self.announce(reason, out);
        }
        self.set_round(config.rechoke_every.0, out);
    }

    /// Says good-bye to everybody. What waits has failed.
    pub(crate) fn leave(&mut self, out: &mut Outlet<'_, '_>) {
        self.peers.clear();
        for connection in core::mem::take(&mut self.connections) {
            out.send(connection.peer, BittorrentMessage::Close { tag: self.tag });
        }
        self.announce(Reason::Stopped, out);
        for op in self.fetching.drain(..).chain(self.publishing.drain(..)) {
            out.cx.emit(Event::Failed { op });
        }
        self.has_left = true;
    }

    /// Links, encoded, in bytes: each peer with what it has.
    pub(crate) fn bytes(&self) -> u64 {
        let bits = self.metainfo.pieces().div_ceil(8);
        self.connections.len() as u64 * (4 + u64::from(bits))
    }

    /// Sends the block whose turn it is at this peer's connection.
    pub(crate) fn send_block(&mut self, peer: NodeId, uploads: &mut Uploads, cx: &mut Ctx<'_>) {
        if let Ok(index) = self.find(peer) {
            self.upload(index, uploads, cx);
        }
    }

    /// # Errors
    /// What is not as it must be.
    pub(crate) fn check(&self) -> Result<(), String> {
        self.check_slots()?;
        self.check_counts()
    }

    fn set_round(&mut self, after: Duration, out: &mut Outlet<'_, '_>) {
        self.next_round = out.cx.now + after;
        out.cx.set_timer(after, Timer::Round { tag: self.tag });
    }

    fn on_bitfield(&mut self, index: usize, bits: &[u8], out: &mut Outlet<'_, '_>) {
        let field = Bitfield::from_bytes(self.metainfo.pieces(), bits);
        let Some(field) = field else {
            return out.cx.emit(Event::Dropped(DropReason::Nonsense));
        };
        field.iter().for_each(|piece| self.peer_has(index, piece));
        self.after_news(index, out);
    }

    fn on_have(&mut self, index: usize, piece: u32, out: &mut Outlet<'_, '_>) {
        if piece >= self.metainfo.pieces() {
            return out.cx.emit(Event::Dropped(DropReason::Nonsense));
        }
        self.peer_has(index, piece);
        self.after_news(index, out);
    }

    fn on_have_all(&mut self, index: usize, out: &mut Outlet<'_, '_>) {
        (0..self.metainfo.pieces()).for_each(|piece| self.peer_has(index, piece));
        self.after_news(index, out);
    }

    fn peer_has(&mut self, index: usize, piece: u32) {
        let connection = &mut self.connections[index];
        if connection.has.set(piece) {
            self.picker.raise(piece);
            connection.useful += u32::from(!self.have.has(piece));
            if let Some(evidence) = &mut self.evidence
                && let Some(proved) = evidence.hear(piece, self.peers[index])
                && let Ok(place) = self.find(proved)
            {
                self.connections[place].account.proofs += 1;
            }
        }
    }

    /// A peer has more than before.
    fn after_news(&mut self, index: usize, out: &mut Outlet<'_, '_>) {
        if self.is_complete() {
            if self.connections[index].has.is_full() {
                // Seeds have nothing to say to each other.
                let to = self.connections[index].peer;
                out.send(to, BittorrentMessage::Close { tag: self.tag });
                self.on_lost(index, out);
            }
            return;
        }
        self.update_interest(index, out);
        self.request_from(index, out);
    }

    /// Everything is here.
    fn finish(&mut self, out: &mut Outlet<'_, '_>) {
        self.picker = Picker::finished();
        let tag = self.tag;
        for index in (0..self.connections.len()).rev() {
            let connection = &mut self.connections[index];
            connection.asked.clear();
            let (to, is_seed) = (connection.peer, connection.has.is_full());
            if is_seed || !connection.is_open {
                out.send(to, BittorrentMessage::Close { tag });
                self.drop_connection(index, out);
            } else {
                out.send(to, BittorrentMessage::HaveAll { tag });
            }
        }
        self.tell_fetchers(out);
        match out.cx.config.when_done {
            WhenDone::Stay => {
                self.announce(Reason::Completed, out);
                self.set_departure(out);
            }
            WhenDone::Leave => self.leave(out),
        }
    }

    /// Draws how long it stays as a seed, if not for good.
    fn set_departure(&mut self, out: &mut Outlet<'_, '_>) {
        if let Some(mean) = out.cx.config.seed_for {
            let after = mean.0.mul_f64(out.cx.rng.exponential());
            self.departs = Some(out.cx.now + after);
            out.cx.set_timer(after, Timer::Depart { tag: self.tag });
        }
    }

    fn tell_fetchers(&mut self, out: &mut Outlet<'_, '_>) {
        let blob = self.metainfo.item();
        for op in self.fetching.drain(..) {
            out.cx.emit(Event::Fetched { op, blob });
        }
    }

    fn check_counts(&self) -> Result<(), String> {
        for connection in &self.connections {
            let missing = connection.has.iter().filter(|&piece| !self.have.has(piece));
            let useful = missing.count() as u32;
            if !self.is_complete() && useful != connection.useful {
                return Err(alloc::format!(
                    "{} has {useful} useful pieces, not {}",
                    connection.peer,
                    connection.useful
                ));
            }
        }
        Ok(())
    }
}

/// Remembers who waits; who has waited longest is given up for one more than are kept.
fn wait(row: &mut SmallVec<[OpId; 1]>, op: OpId, out: &mut Outlet<'_, '_>) {
    if row.len() >= MOST_WAITING {
        let op = row.remove(0);
        out.cx.emit(Event::Failed { op });
    }
    row.push(op);
}
