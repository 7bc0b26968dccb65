//! Whom a node unchokes, what it is asked for, and what it sends.
use alloc::string::String;
use alloc::vec::Vec;

use overlay_core::{DropReason, Event, Strategy, Time, wire};

use crate::Ctx;
use crate::choker::{self, Candidate, Slots};
use crate::config::{Choking, SeedPolicy};
use crate::connection::{Connection, Wanted};
use crate::message::BittorrentMessage;
use crate::metainfo::BLOCK;
use crate::uploads::{Outlet, Uploads};

use super::Swarm;

impl Swarm {
    pub(super) fn on_interested(&mut self, index: usize, out: &mut Outlet<'_, '_>) {
        self.connections[index].is_interested = true;
        let is_unchoked = !self.connections[index].am_choking;
        if is_unchoked || self.unchoked().count() < out.cx.config.slots() {
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
        if !is_block || !self.have.has(piece) {
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
        let (Some(Wanted { piece, begin, .. }), Some(block)) = (wanted, block) else { return };
        connection.upload.add(cx.now, block.length);
        connection.turn_bytes += u64::from(block.length);
        let message = BittorrentMessage::Piece { tag: self.tag, piece, begin, block };
        uploads.charge(wire::length(&message), cx.now, cx.uplink);
        cx.send(connection.peer, message);
        // A piece that only the seed has is of use to nobody before it is whole.
        let is_whole = !is_same_piece && self.takes_turns(cx);
        if is_whole && self.is_turn_over(&self.connections[index], cx) {
            self.fill_slots(&mut Outlet { uploads, cx });
        }
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

    pub(super) fn check_slots(&self, slots: usize) -> Result<(), String> {
        let unchoked = self.unchoked().count();
        match unchoked > slots {
            true => Err(alloc::format!("{unchoked} peers are unchoked, more than {slots}")),
            false => Ok(()),
        }
    }

    fn rechoke(&mut self, is_kept: bool, out: &mut Outlet<'_, '_>) {
        let cx = &mut *out.cx;
        if cx.conduct.is(Strategy::NoUpload) {
            return;
        }
        let takes_turns = self.takes_turns(cx);
        let slots = match takes_turns {
            true => Slots { regular: cx.config.slots(), optimistic: 0, is_kept },
            false => Slots {
                regular: cx.config.regular_slots.into(),
                optimistic: cx.config.optimistic_unchoke.into(),
                is_kept,
            },
        };
        let candidates = self.candidates(cx);
        let unchoked = choker::choose(&candidates, slots, &self.optimistic, cx.rng);
        let is_over = |peer| candidates.iter().any(|it| it.peer == peer && it.merit == TURN_OVER);
        for connection in &mut self.connections {
            let has_slot = unchoked.has(connection.peer);
            if has_slot != connection.am_choking {
                if has_slot && takes_turns && is_over(connection.peer) {
                    // Nobody else waits: another turn.
                    connection.turn_bytes = 0;
                    connection.slot_changed = Some(out.cx.now);
                }
                continue;
            }
            // Between rounds, who has lost interest stays unchoked, in case it comes back.
            if !has_slot && is_kept && !connection.is_interested {
                continue;
            }
            connection.am_choking = !has_slot;
            connection.turn_bytes = 0;
            connection.slot_changed = Some(out.cx.now);
            let tag = self.tag;
            let message = match has_slot {
                true => BittorrentMessage::Unchoke { tag },
                false => BittorrentMessage::Choke { tag },
            };
            connection.waiting.clear();
            out.send(connection.peer, message);
        }
        self.optimistic = unchoked.optimistic;
    }

    fn candidates(&mut self, cx: &mut Ctx<'_>) -> Vec<Candidate> {
        let is_seed = self.is_complete();
        let takes_turns = self.takes_turns(cx);
        let mut candidates = Vec::with_capacity(self.connections.len());
        for index in 0..self.connections.len() {
            let is_over = takes_turns && self.is_turn_over(&self.connections[index], cx);
            let it = &mut self.connections[index];
            if !it.is_open {
                continue;
            }
            candidates.push(Candidate {
                peer: it.peer,
                is_interested: it.is_interested,
                is_unchoked: !it.am_choking && !is_over,
                is_snubbing: !is_seed && it.is_snubbing,
                is_new: cx.now.since(it.since) < cx.config.optimistic_every.0,
                merit: match (takes_turns, is_seed, cx.config.choking) {
                    (true, ..) => merit_by_turns(it, is_over, cx.now),
                    (false, true, _) => it.upload.bytes(cx.now),
                    (false, false, Choking::TitForTat) => it.download.bytes(cx.now),
                    (false, false, Choking::Random) => cx.rng.next_u64(),
                },
            });
        }
        candidates
    }

    /// Whether slots are given by turns.
    fn takes_turns(&self, cx: &Ctx<'_>) -> bool {
        self.is_complete() && cx.config.seed_policy == SeedPolicy::RoundRobin
    }

    /// Whether a peer has had its turn: its pieces, or its time.
    fn is_turn_over(&self, connection: &Connection, cx: &Ctx<'_>) -> bool {
        let turn = u64::from(cx.config.seed_turn) * u64::from(self.metainfo.piece_length);
        let since = connection.slot_changed.map(|changed| cx.now.since(changed));
        let is_late = since.is_some_and(|since| since >= cx.config.optimistic_every.0);
        !connection.am_choking && (connection.turn_bytes >= turn || is_late)
    }
}

/// The merit of who has had its turn.
const TURN_OVER: u64 = 0;

/// Who is in its turn is first, then who has waited longest, and last whose turn is over.
fn merit_by_turns(connection: &Connection, is_over: bool, now: Time) -> u64 {
    match (connection.am_choking, connection.slot_changed) {
        (true, Some(since)) => 1 + now.since(since).as_millis() as u64,
        (true, None) => u64::MAX - 1,
        (false, _) if is_over => TURN_OVER,
        (false, _) => u64::MAX,
    }
}
