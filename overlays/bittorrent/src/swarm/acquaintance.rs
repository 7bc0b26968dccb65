//! With whom a node connects, under which names, and with whom no more.
use overlay_core::{Event, NodeId};

use crate::Ctx;
use crate::account::PeerId;
use crate::conduct::habits;
use crate::connection::Connection;
use crate::message::BittorrentMessage;
use crate::policy::Share;
use crate::uploads::Outlet;

use super::Swarm;

impl Swarm {
    /// Opens connections to some of these, unless everything is here: then others will come.
    pub(crate) fn connect(&mut self, peers: &[NodeId], out: &mut Outlet<'_, '_>) {
        let most = habits(out.cx.conduct).most_connections(out.cx.config.max_initiate);
        for &peer in peers {
            if self.is_complete() {
                return;
            }
            if peer == out.cx.me || self.find(peer).is_ok() || self.books.is_shunned(peer) {
                continue;
            }
            if self.connections.len() >= most && !self.make_room(out) {
                return;
            }
            if let Err(place) = self.find(peer) {
                self.insert(place, peer, None, out);
                self.send_handshake(peer, false, out);
            }
        }
    }

    /// Whether nobody has given anything for long, though something is missing: however many are
    /// connected, others must be tried. With all its connections to free riders, a node would
    /// otherwise wait for ever beside an idle seed.
    pub(super) fn starves(&self, cx: &Ctx<'_>) -> bool {
        !self.is_complete() && cx.now.since(self.fed) > cx.config.starved_after.0
    }

    /// Closes the connection that has given nothing for longest, if this node starves. As libtorrent's
    /// `peer_turnover`, but only in need: who is fed has no reason to try others. Whether there is
    /// room now.
    fn make_room(&mut self, out: &mut Outlet<'_, '_>) -> bool {
        let (now, patience) = (out.cx.now, out.cx.config.starved_after.0);
        if !self.starves(out.cx) {
            return false;
        }
        let tried = self.connections.iter().filter(|it| now.since(it.since) > patience);
        let Some(peer) = tried.min_by_key(|it| (it.since, it.peer)).map(|it| it.peer) else {
            return false;
        };
        out.send(peer, BittorrentMessage::Close { tag: self.tag });
        self.on_peer_lost(peer, out);
        true
    }

    pub(crate) fn on_handshake(
        &mut self,
        from: NodeId,
        name: PeerId,
        is_reply: bool,
        out: &mut Outlet<'_, '_>,
    ) {
        let tag = self.tag;
        if self.books.is_banned(name) {
            out.send(from, BittorrentMessage::Close { tag });
            return self.on_peer_lost(from, out);
        }
        match self.find(from) {
            // Both have opened it at once, or this is the answer.
            Ok(index) if !self.connections[index].is_open => {
                return self.open(index, Some(name), out);
            }
            Ok(index) if is_reply => return self.learn_name(index, name),
            // The peer has begun anew.
            Ok(index) => self.drop_connection(index, out),
            Err(_) => {}
        }
        let most = habits(out.cx.conduct).most_connections(out.cx.config.max_peers);
        if is_reply || self.connections.len() >= most && !self.make_room(out) {
            self.send_contacts(from, out);
            return out.send(from, BittorrentMessage::Close { tag });
        }
        let place = self.find(from).unwrap_or_else(|place| place);
        self.insert(place, from, Some(name), out);
        self.send_handshake(from, true, out);
        self.send_bitfield(from, out);
        self.send_contacts(from, out);
    }

    /// The handshake is done. Of a peer whose name is not known yet, it is on its way.
    pub(super) fn open(&mut self, index: usize, name: Option<PeerId>, out: &mut Outlet<'_, '_>) {
        let now = out.cx.now;
        let connection = &mut self.connections[index];
        connection.is_open = true;
        connection.since = now;
        connection.choked_since = now;
        let peer = connection.peer;
        if let Some(name) = name {
            self.learn_name(index, name);
        }
        self.send_bitfield(peer, out);
        self.send_contacts(peer, out);
    }

    /// Connections that are not answered are given up.
    pub(super) fn give_up_silent(&mut self, out: &mut Outlet<'_, '_>) {
        let (now, patience) = (out.cx.now, out.cx.config.handshake_timeout.0);
        for index in (0..self.connections.len()).rev() {
            let connection = &self.connections[index];
            if !connection.is_open && now.since(connection.since) > patience {
                self.drop_connection(index, out);
            }
        }
    }

    /// Goes on under another name with those with whom that is better.
    pub(super) fn come_back(&mut self, out: &mut Outlet<'_, '_>) {
        let habits = habits(out.cx.conduct);
        for index in 0..self.connections.len() {
            if habits.comes_back(&self.connections[index], out.cx) {
                let peer = self.peers[index];
                self.drop_connection(index, out);
                self.insert(index, peer, None, out);
                self.name = PeerId(out.cx.rng.next_u64() as u32);
                self.send_handshake(peer, false, out);
            }
        }
    }

    /// Nothing more to do with who was at this node under this name.
    pub(super) fn ban(&mut self, peer: NodeId, out: &mut Outlet<'_, '_>) {
        let Ok(index) = self.find(peer) else { return };
        let Some(name) = self.connections[index].name else { return };
        if self.books.ban(name, peer) {
            out.cx.emit(Event::Banned { peer });
        }
        out.send(peer, BittorrentMessage::Close { tag: self.tag });
        self.on_lost(index, out);
    }

    pub(super) fn find(&self, peer: NodeId) -> Result<usize, usize> {
        self.peers.binary_search(&peer)
    }

    /// The connection is closed: what was asked of it is asked of others, and its slot is given.
    pub(super) fn on_lost(&mut self, index: usize, out: &mut Outlet<'_, '_>) {
        let had_slot = self.connections[index].has_slot();
        self.drop_connection(index, out);
        if had_slot {
            self.fill_slots(out);
        }
    }

    pub(super) fn drop_connection(&mut self, index: usize, out: &mut Outlet<'_, '_>) {
        let connection = self.connections.remove(index);
        self.peers.remove(index);
        if let Some(name) = connection.name {
            self.books.close(name, connection.account);
        }
        if !self.is_complete() {
            connection.has.iter().for_each(|piece| self.picker.lower(piece));
        }
        self.optimistic.retain(|it| *it != connection.peer);
        let owes = self.picker.give_up(connection.peer) || !connection.asked.is_empty();
        connection.asked.into_iter().for_each(|id| self.picker.release(id));
        if owes {
            self.request_from_all(out);
        }
    }

    fn insert(
        &mut self,
        place: usize,
        peer: NodeId,
        name: Option<PeerId>,
        out: &mut Outlet<'_, '_>,
    ) {
        let is_open = name.is_some();
        let connection = Connection::new(peer, self.metainfo.pieces(), is_open, out.cx.now);
        self.peers.insert(place, peer);
        self.connections.insert(place, connection);
        if let Some(name) = name {
            self.learn_name(place, name);
        }
    }

    /// A peer has said who it is: what is remembered of that one is its.
    fn learn_name(&mut self, index: usize, name: PeerId) {
        let connection = &mut self.connections[index];
        if connection.name.is_none() {
            connection.name = Some(name);
            connection.account = self.books.open(name);
            connection.share = Share::new(connection.account.received);
        }
    }

    fn send_handshake(&mut self, to: NodeId, is_reply: bool, out: &mut Outlet<'_, '_>) {
        let (key, name) = (self.key, self.name);
        out.send(to, BittorrentMessage::Handshake { key, name, is_reply });
    }

    /// What is here, to a peer that has just been connected; nothing if nothing is (BEP 3).
    fn send_bitfield(&mut self, to: NodeId, out: &mut Outlet<'_, '_>) {
        let tag = self.tag;
        let claim = match self.is_complete() {
            true => None,
            false => habits(out.cx.conduct).claim(self.metainfo.pieces(), out.cx),
        };
        let field = claim.as_ref().unwrap_or(&self.have);
        if field.is_full() {
            out.send(to, BittorrentMessage::HaveAll { tag });
        } else if field.count() > 0 {
            out.send(to, BittorrentMessage::Bitfield { tag, bits: field.to_bytes() });
        }
    }
}
