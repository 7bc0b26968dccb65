//! Whom a node unchokes, what it is asked for, and what it sends.
use alloc::string::String;
use alloc::vec::Vec;

use overlay_core::{Conduct, DropReason, Event, NodeId, wire};

use crate::Ctx;
use crate::choker::{self, Candidate};
use crate::conduct::habits;
use crate::config::BittorrentConfig;
use crate::connection::{Connection, Wanted};
use crate::message::BittorrentMessage;
use crate::metainfo::BLOCK;
use crate::policy::{self, Policy, Rank};
use crate::uploads::{Outlet, Uploads};

use super::Swarm;

impl Swarm {
    pub(super) fn on_interested(&mut self, index: usize, out: &mut Outlet<'_, '_>) {
        self.connections[index].is_interested = true;
        let is_unchoked = !self.connections[index].am_choking;
        let slots = self.policy(out.cx.conduct, out.cx.config).slots(out.cx.config);
        if is_unchoked || self.unchoked().count() < slots.most() {
            self.fill_slots(out);
        }
    }

    pub(super) fn on_not_interested(&mut self, index: usize, out: &mut Outlet<'_, '_>) {
        let had_slot = self.connections[index].has_slot();
        self.connections[index].is_interested = false;
        if had_slot {
            self.fill_slots(out);
        }
    }

    pub(super) fn on_request(
        &mut self,
        index: usize,
        piece: u32,
        begin: u32,
        length: u32,
        out: &mut Outlet<'_, '_>,
    ) {
        let connection = &mut self.connections[index];
        if connection.am_choking {
            return; // It was sent before the choke arrived.
        }
        let block = self.metainfo.block(piece, begin / BLOCK);
        let is_block = begin.is_multiple_of(BLOCK) && block.is_some_and(|it| it.length == length);
        if !is_block || !self.have.has(piece) && !habits(out.cx.conduct).forges() {
            return out.cx.emit(Event::Dropped(DropReason::Nonsense));
        }
        if connection.waiting.len() >= usize::from(out.cx.config.max_requests) {
            return out.cx.emit(Event::Dropped(DropReason::Bound));
        }
        connection.waiting.push_back(Wanted { piece, begin, length });
        out.uploads.enter(self.tag, connection);
    }

    pub(super) fn on_cancel(&mut self, index: usize, piece: u32, begin: u32, length: u32) {
        let cancelled = Wanted { piece, begin, length };
        self.connections[index].waiting.retain(|it| *it != cancelled);
    }

    /// It is this peer's turn: one block. Those of one piece leave together, as far as they were
    /// asked for; so the piece is whole, and can be passed on, before the next one is begun.
    pub(super) fn upload(&mut self, index: usize, uploads: &mut Uploads, cx: &mut Ctx<'_>) {
        let connection = &mut self.connections[index];
        let wanted = connection.waiting.pop_front();
        let next = connection.waiting.front().map(|it| it.piece);
        connection.is_in_row = next.is_some();
        let is_same_piece = next.is_some() && next == wanted.map(|it| it.piece);
        if next.is_some() {
            uploads.enter_again(self.tag, connection.peer, is_same_piece);
        }
        let block = wanted.and_then(|it| self.metainfo.block(it.piece, it.begin / BLOCK));
        let (Some(Wanted { piece, begin, .. }), Some(mut block)) = (wanted, block) else { return };
        block.intact = !habits(cx.conduct).forges();
        let policy = self.policy(cx.conduct, cx.config);
        let peer = self.peers[index];
        if let Some(evidence) = &mut self.evidence
            && evidence.give(piece, peer, &self.connections)
        {
            self.connections[index].account.chances += 1;
        }
        let connection = &mut self.connections[index];
        connection.upload.add(cx.now, block.length);
        connection.turn_bytes += u64::from(block.length);
        connection.account.sent += u64::from(block.length);
        policy.on_sent(connection, block.length);
        // A piece that only the seed has is of use to nobody before it is whole.
        let is_turn_over = !is_same_piece && policy.is_turn_over(connection, cx);
        let message = BittorrentMessage::Piece { tag: self.tag, piece, begin, block };
        uploads.charge(wire::length(&message), cx.now, cx.uplink);
        cx.send(peer, message);
        if is_turn_over {
            self.fill_slots(&mut Outlet { uploads, cx });
        }
    }

    /// When it is a peer's turn to be sent blocks; nobody comes before who waits for none, so that it
    /// is out of the way.
    pub(crate) fn rank(&self, peer: NodeId, conduct: Conduct, config: &BittorrentConfig) -> Rank {
        let connection = self.find(peer).map(|index| &self.connections[index]);
        let waiting = connection.ok().filter(|it| !it.waiting.is_empty());
        waiting.map_or(Rank::FIRST, |it| self.policy(conduct, config).rank(it))
    }

    /// Gives all slots anew; by chance, when a turn is over.
    pub(super) fn rechoke_in_round(&mut self, out: &mut Outlet<'_, '_>) {
        let now = out.cx.now;
        if now.since(self.optimistic_since) >= out.cx.config.optimistic_every.0 {
            self.optimistic.clear();
            self.optimistic_since = now;
        }
        self.rechoke(false, out);
    }

    /// Gives free slots, between rounds.
    pub(super) fn fill_slots(&mut self, out: &mut Outlet<'_, '_>) {
        self.rechoke(true, out);
    }

    /// Whom to unchoke, and whose turn it is, as long as nothing changes.
    fn policy(&self, conduct: Conduct, config: &BittorrentConfig) -> &'static dyn Policy {
        let is_seed = self.is_complete();
        habits(conduct).policy(is_seed).unwrap_or_else(|| policy::of(config, is_seed))
    }

    pub(super) fn check_slots(&self) -> Result<(), String> {
        let (unchoked, most) = (self.unchoked().count(), self.slots);
        match unchoked > most {
            true => Err(alloc::format!("{unchoked} peers are unchoked, more than {most}")),
            false => Ok(()),
        }
    }

    fn rechoke(&mut self, is_kept: bool, out: &mut Outlet<'_, '_>) {
        let policy = self.policy(out.cx.conduct, out.cx.config);
        policy.before_slots(&mut self.connections, !is_kept, out.cx);
        let candidates = self.candidates(policy, out.cx);
        let (slots, former) = (policy.slots(out.cx.config), &self.optimistic);
        self.slots = slots.most();
        let unchoked = choker::choose(&candidates, slots, former, is_kept, out.cx.rng);
        let now = out.cx.now;
        for connection in &mut self.connections {
            let has_slot = unchoked.has(connection.peer);
            if has_slot != connection.am_choking {
                if has_slot && policy.is_turn_over(connection, out.cx) {
                    // Nobody else waits: another turn.
                    connection.turn_bytes = 0;
                    connection.slot_changed = Some(now);
                }
                continue;
            }
            // Between rounds, who has lost interest stays unchoked, in case it comes back.
            if !has_slot && is_kept && !connection.is_interested {
                continue;
            }
            connection.am_choking = !has_slot;
            connection.turn_bytes = 0;
            connection.slot_changed = Some(now);
            let tag = self.tag;
            let message = match has_slot {
                true => BittorrentMessage::Unchoke { tag },
                false => BittorrentMessage::Choke { tag },
            };
            connection.waiting.clear();
            out.send(connection.peer, message);
        }
        self.optimistic = unchoked.optimistic;
        policy.after_slots(&mut self.connections, out.cx);
    }

    fn candidates(&mut self, policy: &dyn Policy, cx: &mut Ctx<'_>) -> Vec<Candidate> {
        let newest = cx.config.optimistic_every.0;
        let open = self.connections.iter_mut().filter(|it| it.is_open);
        let candidate = |it: &mut Connection| Candidate {
            peer: it.peer,
            is_interested: it.is_interested,
            is_unchoked: !it.am_choking && !policy.is_turn_over(it, cx),
            is_new: cx.now.since(it.since) < newest,
            merit: policy.merit(it, cx),
        };
        open.map(candidate).collect()
    }
}
