//! Whom a node unchokes, what it is asked for, and what it sends.
use alloc::string::String;
use alloc::vec::Vec;

use overlay_core::{DropReason, Event, Message as _, Strategy, wire};

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

    /// It is this peer's turn: one block, and then the others'.
    pub(super) fn upload(&mut self, index: usize, uploads: &mut Uploads, cx: &mut Ctx<'_>) {
        let connection = &mut self.connections[index];
        let wanted = connection.waiting.pop_front();
        let block = wanted.and_then(|it| self.metainfo.block(it.piece, it.begin / BLOCK));
        connection.is_in_row = !connection.waiting.is_empty();
        if connection.is_in_row {
            uploads.enter_again(self.tag, connection.peer);
        }
        let (Some(Wanted { piece, begin, .. }), Some(block)) = (wanted, block) else { return };
        connection.upload.add(cx.now, block.length);
        let message = BittorrentMessage::Piece { tag: self.tag, piece, begin, block };
        debug_assert!(message.blob().is_some(), "a piece carries its block");
        uploads.charge(wire::length(&message), cx.now, cx.uplink);
        cx.send(connection.peer, message);
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
        let takes_turns = self.is_complete() && cx.config.seed_policy == SeedPolicy::RoundRobin;
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
        for connection in &mut self.connections {
            let has_slot = unchoked.has(connection.peer);
            if has_slot == !connection.am_choking {
                continue;
            }
            // Between rounds, who has lost interest stays unchoked, in case it comes back.
            if !has_slot && is_kept && !connection.is_interested {
                continue;
            }
            connection.am_choking = !has_slot;
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
        let open = self.connections.iter_mut().filter(|it| it.is_open);
        let candidate = |it: &mut Connection| Candidate {
            peer: it.peer,
            is_interested: it.is_interested,
            is_unchoked: !it.am_choking,
            is_snubbing: !is_seed && it.is_snubbing,
            is_new: cx.now.since(it.since) < cx.config.optimistic_every.0,
            merit: merit(it, is_seed, cx),
        };
        open.map(candidate).collect()
    }
}

/// What a peer deserves a regular slot for.
fn merit(connection: &mut Connection, is_seed: bool, cx: &mut Ctx<'_>) -> u64 {
    match (is_seed, cx.config.seed_policy, cx.config.choking) {
        (true, SeedPolicy::Fastest, _) => connection.upload.bytes(cx.now),
        (true, SeedPolicy::RoundRobin, _) => merit_by_turns(connection, cx),
        (false, _, Choking::TitForTat) => connection.download.bytes(cx.now),
        (false, _, Choking::Random) => cx.rng.next_u64(),
    }
}

/// Who is in its turn is first, then who has waited longest, and last whose turn is over.
fn merit_by_turns(connection: &Connection, cx: &Ctx<'_>) -> u64 {
    let since = connection.slot_changed.map(|changed| cx.now.since(changed));
    match (connection.am_choking, since) {
        (true, Some(waited)) => 1 + waited.as_millis() as u64,
        (true, None) => u64::MAX - 1,
        (false, Some(turn)) if turn >= cx.config.optimistic_every.0 => 0,
        (false, _) => u64::MAX,
    }
}
