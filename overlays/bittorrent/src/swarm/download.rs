//! What a node asks its peers for, and what it gets.
use overlay_core::{Blob, DropReason, Event};

use crate::config::{Picking, SeedPolicy};
use crate::message::BittorrentMessage;
use crate::metainfo::BLOCK;
use crate::picker::{BlockId, Holder, Receipt};
use crate::suspicion::Senders;
use crate::uploads::Outlet;

use super::Swarm;

/// Most blocks that a peer is asked for in the end game while others were asked for them, too: one
/// on its way and one to come.
const MOST_REPEATED: usize = 2;

impl Swarm {
    /// Tells a peer whether it has something that is missing here, if it does not know.
    pub(super) fn update_interest(&mut self, index: usize, out: &mut Outlet<'_, '_>) {
        let (tag, connection) = (self.tag, &mut self.connections[index]);
        let is_interested = connection.useful > 0;
        if is_interested != connection.am_interested {
            connection.am_interested = is_interested;
            let message = match is_interested {
                true => BittorrentMessage::Interested { tag },
                false => BittorrentMessage::NotInterested { tag },
            };
            out.send(connection.peer, message);
        }
    }

    pub(super) fn on_choke(&mut self, index: usize, out: &mut Outlet<'_, '_>) {
        let connection = &mut self.connections[index];
        connection.is_choking = true;
        connection.choked_since = out.cx.now;
        let asked = core::mem::take(&mut connection.asked);
        let gives_up = self.picker.give_up(connection.peer);
        if gives_up || !asked.is_empty() {
            asked.into_iter().for_each(|id| self.picker.release(id));
            self.request_from_all(out);
        }
    }

    pub(super) fn on_unchoke(&mut self, index: usize, out: &mut Outlet<'_, '_>) {
        self.connections[index].is_choking = false;
        self.request_from(index, out);
    }

    /// Asks everybody who serves for more: blocks were given back.
    pub(super) fn request_from_all(&mut self, out: &mut Outlet<'_, '_>) {
        if !self.is_complete() {
            (0..self.connections.len()).for_each(|index| self.request_from(index, out));
        }
    }

    /// Has as many requests under way at a peer as its pipeline is deep; one, if it is snubbing.
    pub(super) fn request_from(&mut self, index: usize, out: &mut Outlet<'_, '_>) {
        let connection = &mut self.connections[index];
        if connection.is_choking || connection.useful == 0 {
            return;
        }
        let config = out.cx.config;
        let now = out.cx.now;
        // A whole piece at least: the sooner it is whole, the sooner it can be passed on.
        let piece = (self.metainfo.piece_length / BLOCK) as u16;
        let (least, most) = (config.min_requests.max(piece), config.max_requests);
        let depth = match connection.is_snubbing {
            true => 1,
            false => connection.pipeline.depth(now, config.request_ahead.0, least, most),
        };
        if connection.asked.is_empty() {
            connection.last_block = now;
        }
        while self.connections[index].asked.len() < depth {
            let Some(id) = self.pick(index, out) else { return };
            let connection = &mut self.connections[index];
            connection.asked.push_back(id);
            let length = self.metainfo.block(id.piece, id.block).map_or(0, |block| block.length);
            let (tag, piece, begin) = (self.tag, id.piece, id.block * BLOCK);
            let request = BittorrentMessage::Request { tag, piece, begin, length };
            out.send(connection.peer, request);
        }
    }

    /// The next block to ask this peer for.
    fn pick(&mut self, index: usize, out: &mut Outlet<'_, '_>) -> Option<BlockId> {
        let connection = &self.connections[index];
        // A first piece is wanted soon, to have something to give; the rarest is slow to get
        // (Cohen 2003, section 3.2.3).
        let picking = if self.have.count() == 0 { Picking::Random } else { out.cx.config.picking };
        let from = Holder {
            peer: connection.peer,
            has: &connection.has,
            has_untouched: self.picker.has_untouched(&connection.has, connection.useful),
            current: connection.asked.back().map(|id| id.piece),
        };
        let pick = self.picker.pick(from, picking, &self.metainfo, out.cx.rng);
        match pick {
            Some(id) => Some(id),
            // Few at a time: what comes twice is lost to others.
            None if self.picker.is_end_game() && connection.asked.len() < MOST_REPEATED => {
                let asked = |id| connection.asked.contains(&id);
                let id =
                    self.picker.pick_again(connection.peer, &connection.has, out.cx.rng, asked)?;
                self.is_ending = true;
                Some(id)
            }
            None => None,
        }
    }

    pub(super) fn on_piece(
        &mut self,
        index: usize,
        piece: u32,
        begin: u32,
        block: &Blob,
        out: &mut Outlet<'_, '_>,
    ) {
        let now = out.cx.now;
        let id = BlockId { piece, block: begin / BLOCK };
        let expected = self.metainfo.block(piece, id.block);
        let Some(expected) = expected.filter(|_| begin.is_multiple_of(BLOCK)) else {
            return out.cx.emit(Event::Dropped(DropReason::Nonsense));
        };
        let connection = &mut self.connections[index];
        match connection.asked.iter().position(|it| *it == id) {
            Some(place) => drop(connection.asked.remove(place)),
            // It was sent before a choke or a cancel arrived. As nobody answers for it, it is
            // welcome only if it is right.
            None if *block == expected && self.picker.is_awaited(id) => {}
            None => {
                self.duplicate_blocks = self.duplicate_blocks.saturating_add(1);
                return;
            }
        }
        self.fed = now;
        connection.last_block = now;
        connection.is_snubbing = false;
        connection.download.add(now, block.length);
        connection.account.received += u64::from(block.length);
        connection.pipeline.add(now, out.cx.config.request_ahead.0);
        let peer = connection.peer;
        match self.picker.receive(id, peer, *block == expected) {
            Receipt::Duplicate => self.duplicate_blocks = self.duplicate_blocks.saturating_add(1),
            Receipt::Block => self.cancel(id, out),
            Receipt::Piece => {
                self.cancel(id, out);
                self.complete(piece, out);
            }
            Receipt::Corrupt(senders) => {
                self.cancel(id, out);
                self.on_corrupt(piece, &senders, out);
            }
        }
        if let Ok(index) = self.find(peer)
            && !self.is_complete()
        {
            self.request_from(index, out);
        }
    }

    /// A piece was not what it should be: it is fetched again, and who is to blame is banned.
    fn on_corrupt(&mut self, piece: u32, senders: &Senders, out: &mut Outlet<'_, '_>) {
        self.corrupt_pieces = self.corrupt_pieces.saturating_add(1);
        out.cx.emit(Event::Dropped(DropReason::Corrupt));
        if let Some(liar) = self.suspicion.on_corrupt(piece, senders) {
            self.ban(liar, out);
        }
    }

    /// In the end game others were asked for the same block: they need not send it.
    fn cancel(&mut self, id: BlockId, out: &mut Outlet<'_, '_>) {
        if !self.is_ending {
            return;
        }
        let length = self.metainfo.block(id.piece, id.block).map_or(0, |block| block.length);
        let (tag, piece, begin) = (self.tag, id.piece, id.block * BLOCK);
        for connection in &mut self.connections {
            if let Some(place) = connection.asked.iter().position(|it| *it == id) {
                connection.asked.remove(place);
                let cancel = BittorrentMessage::Cancel { tag, piece, begin, length };
                out.send(connection.peer, cancel);
            }
        }
    }

    /// A piece is here: everybody who lacks it hears so.
    fn complete(&mut self, piece: u32, out: &mut Outlet<'_, '_>) {
        self.have.set(piece);
        if let Some(&op) = self.fetching.first() {
            out.cx.emit(Event::Piece { op, piece, of: self.metainfo.pieces() });
        }
        for liar in self.suspicion.on_right(piece) {
            self.ban(liar.peer, out);
        }
        if self.is_complete() {
            return self.finish(out);
        }
        let tag = self.tag;
        let tells_seeds = out.cx.config.seed_policy == SeedPolicy::ProvenContributors;
        for index in 0..self.connections.len() {
            let connection = &mut self.connections[index];
            if connection.has.has(piece) {
                connection.useful -= 1;
                if tells_seeds && connection.has.is_full() {
                    out.send(connection.peer, BittorrentMessage::Have { tag, piece });
                }
                self.update_interest(index, out);
            } else if connection.is_open {
                out.send(connection.peer, BittorrentMessage::Have { tag, piece });
            }
        }
    }

    /// Peers that have owed blocks for long are asked for one only; others for the rest.
    pub(super) fn give_up_snubbing(&mut self, out: &mut Outlet<'_, '_>) {
        let (now, patience) = (out.cx.now, out.cx.config.snubbed_after.0);
        let mut given_back = false;
        for connection in &mut self.connections {
            let owes = !connection.asked.is_empty();
            if owes && !connection.is_snubbing && now.since(connection.last_block) > patience {
                connection.is_snubbing = true;
                given_back = true;
                connection.asked.drain(..).for_each(|id| self.picker.release(id));
            }
        }
        if given_back || self.picker.has_exclusive() {
            self.request_from_all(out);
        }
    }
}
