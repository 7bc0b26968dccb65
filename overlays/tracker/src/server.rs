//! The side of a server that answers: registrations, publications, searches, and silence.
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use overlay_core::{Answer, Ctx, DropReason, Event, Key, NodeId, OpId, Strategy, Time};

use crate::index::{Full, Index, Standing};
use crate::{Record, Timer, Tracker, TrackerMessage};

/// Another server, if servers are replicas.
#[derive(Clone, Copy, Debug)]
struct Replica {
    heard: Time,
    /// Whether it is registered; one that was lost is still believed as long as a silent one,
    /// because those that were registered there need a while to come here.
    is_registered: bool,
}

/// What makes a node a server.
#[derive(Debug, Default)]
pub struct Server {
    index: Index,
    /// The other servers that copy to this one.
    replicas: BTreeMap<NodeId, Replica>,
}

impl Server {
    /// Who holds what.
    #[must_use]
    pub const fn index(&self) -> &Index {
        &self.index
    }

    /// Whether this node is registered here, as a peer or as another server.
    pub(crate) fn knows(&self, node: NodeId) -> bool {
        matches!(self.index.standing(node), Some(Standing::Here(_)))
            || self.replicas.get(&node).is_some_and(|replica| replica.is_registered)
    }

    /// Begins to look for silence.
    pub(crate) fn start(cx: &mut Ctx<'_, Tracker>) {
        let first = cx.rng.duration_below(cx.config.keep_alive_every.into());
        cx.set_timer(first, Timer::Expire);
    }

    /// These nodes are registered, and so are these other servers.
    pub(crate) fn settle(
        &mut self,
        peers: impl Iterator<Item = NodeId>,
        replicas: impl Iterator<Item = NodeId>,
        cx: &mut Ctx<'_, Tracker>,
    ) {
        peers.for_each(|peer| self.index.register(peer, Standing::Here(cx.now)));
        let replica = Replica { heard: cx.now, is_registered: true };
        self.replicas.extend(replicas.map(|server| (server, replica)));
        Self::start(cx);
    }

    /// This server holds an item itself. False if a bound was reached.
    pub(crate) fn publish(&mut self, key: Key, to: &[NodeId], cx: &mut Ctx<'_, Tracker>) -> bool {
        let record = Record { holder: cx.me, key };
        let is_kept = self.add(record, Standing::Myself, cx);
        if is_kept {
            copy(Vec::from([record]), to, cx);
        }
        is_kept
    }

    fn add(&mut self, record: Record, standing: Standing, cx: &mut Ctx<'_, Tracker>) -> bool {
        let added = self.index.add(record, standing, cx.config);
        if let Err(Full) = added {
            cx.emit(Event::Dropped(DropReason::Bound));
        }
        added.is_ok()
    }

    /// This server searches in its own index.
    pub(crate) fn search(&self, op: OpId, key: Key, cx: &mut Ctx<'_, Tracker>) {
        cx.emit(Event::Visited);
        let holder = self.index.holder_of(&key, cx.rng);
        cx.emit(Event::Found { op, answer: Answer { by: cx.me, holder, hops: 0, timeouts: 0 } });
    }

    /// A node asked for something, or another server told something; `to` are the other servers
    /// that this one copies to. Whether the sender is a server that begins anew, and so has
    /// forgotten this one.
    pub(crate) fn on_message(
        &mut self,
        from: NodeId,
        message: TrackerMessage,
        to: &[NodeId],
        cx: &mut Ctx<'_, Tracker>,
    ) -> bool {
        match message {
            TrackerMessage::Register { token, is_fresh } => {
                self.on_register(from, is_fresh, to, cx);
                cx.send(from, TrackerMessage::Registered { token });
                return is_fresh && is_replica(from, cx);
            }
            TrackerMessage::Publish { token, keys } => self.on_publish(from, token, &keys, to, cx),
            TrackerMessage::KeepAlive { token } => self.on_keep_alive(from, token, cx),
            TrackerMessage::Search { token, key } => self.on_search(from, token, key, cx),
            TrackerMessage::Copy { records } if is_replica(from, cx) => {
                self.on_copy(from, &records, to, cx);
            }
            TrackerMessage::Forget { holder } if is_replica(from, cx) => {
                self.on_forget(from, holder, to, cx);
            }
            _ => cx.emit(Event::Dropped(DropReason::Nonsense)),
        }
        false
    }

    fn on_register(
        &mut self,
        from: NodeId,
        is_fresh: bool,
        to: &[NodeId],
        cx: &mut Ctx<'_, Tracker>,
    ) {
        if is_replica(from, cx) {
            // It copies everything anew, and what it forgot meanwhile is not to stay.
            self.forget_registered_at(from);
            self.replicas.insert(from, Replica { heard: cx.now, is_registered: true });
            return;
        }
        if is_fresh {
            self.forget(from, to, cx);
            self.index.forget(from); // It was registered at a server that is gone.
        }
        self.index.register(from, Standing::Here(cx.now));
    }

    fn on_publish(
        &mut self,
        from: NodeId,
        token: u32,
        keys: &[Key],
        to: &[NodeId],
        cx: &mut Ctx<'_, Tracker>,
    ) {
        let is_meant = |key: &Key| cx.config.is_asked_for(cx.me, key);
        if keys.len() > cx.config.max_batch as usize || !keys.iter().all(is_meant) {
            return cx.emit(Event::Dropped(DropReason::Nonsense));
        }
        if !self.index.hear(from, cx.now) {
            return cx.send(from, TrackerMessage::Unknown { token });
        }
        let (mut kept, mut refused) = (Vec::new(), Vec::new());
        for (place, &key) in (0..=u16::MAX).zip(keys) {
            let record = Record { holder: from, key };
            match self.add(record, Standing::Here(cx.now), cx) {
                true => kept.push(record),
                false => refused.push(place),
            }
        }
        cx.send(from, TrackerMessage::Published { token, refused });
        copy(kept, to, cx);
    }

    fn on_keep_alive(&mut self, from: NodeId, token: u32, cx: &mut Ctx<'_, Tracker>) {
        let is_known = match self.replicas.get_mut(&from) {
            Some(replica) if replica.is_registered => {
                replica.heard = cx.now;
                true
            }
            Some(_) => false,
            None => self.index.hear(from, cx.now),
        };
        cx.send(
            from,
            match is_known {
                true => TrackerMessage::Alive { token },
                false => TrackerMessage::Unknown { token },
            },
        );
    }

    fn on_search(&self, from: NodeId, token: u32, key: Key, cx: &mut Ctx<'_, Tracker>) {
        if !cx.config.is_asked_for(cx.me, &key) {
            return cx.emit(Event::Dropped(DropReason::Nonsense));
        }
        if cx.conduct.is(Strategy::NoForward) {
            return;
        }
        cx.emit(Event::Visited);
        let holder = self.index.holder_of(&key, cx.rng);
        cx.send(from, TrackerMessage::Found { token, holder });
    }

    /// Another server's peers hold these. A peer is where it registered last, so whoever tells last
    /// is right. If a peer has moved on from here, the other servers are told that as well: what this one
    /// has told them of it may be late, and then they took it for the last word.
    fn on_copy(
        &mut self,
        from: NodeId,
        records: &[Record],
        to: &[NodeId],
        cx: &mut Ctx<'_, Tracker>,
    ) {
        if records.len() > cx.config.max_batch as usize {
            return cx.emit(Event::Dropped(DropReason::Nonsense));
        }
        match self.replicas.get_mut(&from) {
            Some(replica) if replica.is_registered => replica.heard = cx.now,
            _ => return, // It will learn that, and copy everything.
        }
        for &record in records {
            if record.holder == cx.me {
                cx.emit(Event::Dropped(DropReason::Nonsense));
            } else {
                self.forget(record.holder, to, cx);
                self.add(record, Standing::At(from), cx);
            }
        }
    }

    /// Tells another server everything that was told to this one.
    pub(crate) fn copy_all(&self, to: NodeId, cx: &mut Ctx<'_, Tracker>) {
        copy_batches(self.index.own_records().collect(), &[to], cx);
    }

    /// A peer is not registered at another server any more. If it is registered here, that server has
    /// forgotten what it was told of it, so it is told again: the peer asked there, moved here because
    /// it got no answer, and then the server took what it had asked, which was late, for the last word.
    /// So may others have, to whom that server copied it.
    fn on_forget(
        &mut self,
        from: NodeId,
        holder: NodeId,
        to: &[NodeId],
        cx: &mut Ctx<'_, Tracker>,
    ) {
        match self.index.standing(holder) {
            Some(Standing::At(server)) if server == from => {
                self.index.forget(holder);
            }
            Some(Standing::Here(_)) => {
                copy_batches(self.index.records_of(holder).collect(), to, cx);
            }
            _ => {}
        }
    }

    /// A node is gone: its records go at once. A server's peers are not gone with it.
    pub(crate) fn on_gone(&mut self, node: NodeId, to: &[NodeId], cx: &mut Ctx<'_, Tracker>) {
        if let Some(replica) = self.replicas.get_mut(&node) {
            replica.is_registered = false;
            self.index.forget(node);
        } else {
            self.forget(node, to, cx);
        }
    }

    /// Forgets a node that is registered here, and tells the other servers.
    fn forget(&mut self, node: NodeId, to: &[NodeId], cx: &mut Ctx<'_, Tracker>) {
        if let Some(Standing::Here(_)) = self.index.standing(node) {
            self.index.forget(node);
            to.iter().for_each(|&it| cx.send(it, TrackerMessage::Forget { holder: node }));
        }
    }

    fn forget_registered_at(&mut self, server: NodeId) {
        for peer in self.index.registered_at(server) {
            self.index.forget(peer);
        }
    }

    /// Forgets who was silent for too long: a frozen peer, whose connection stands; and everybody
    /// who was registered at a server that is gone, and did not come here since.
    pub(crate) fn expire(&mut self, to: &[NodeId], cx: &mut Ctx<'_, Tracker>) {
        let longest = cx.config.expire_after.0;
        for peer in self.index.silent_for(longest, cx.now) {
            self.forget(peer, to, cx);
        }
        let is_silent = |replica: &Replica| cx.now.since(replica.heard) > longest;
        let silent: Vec<NodeId> = self
            .replicas
            .iter()
            .filter(|(_, it)| is_silent(it))
            .map(|(&server, _)| server)
            .collect();
        for server in silent {
            self.replicas.remove(&server);
            self.forget_registered_at(server);
        }
        cx.set_timer(cx.config.keep_alive_every.into(), Timer::Expire);
    }

    /// Says good-bye to everybody who is registered here.
    pub(crate) fn leave(&mut self, cx: &mut Ctx<'_, Tracker>) {
        for peer in self.index.registered_here() {
            cx.send(peer, TrackerMessage::Leaving);
        }
        *self = Self::default();
    }
}

/// Whether the sender is a server with the same index.
fn is_replica(from: NodeId, cx: &Ctx<'_, Tracker>) -> bool {
    cx.config.is_replicated() && cx.config.is_server(from)
}

/// Sends records to other servers, unless this one takes without giving.
fn copy(records: Vec<Record>, to: &[NodeId], cx: &mut Ctx<'_, Tracker>) {
    if records.is_empty() || cx.conduct.is(Strategy::NoForward) {
        return;
    }
    for &server in to {
        cx.send(server, TrackerMessage::Copy { records: records.clone() });
    }
}

/// Sends any number of records to other servers.
fn copy_batches(records: Vec<Record>, to: &[NodeId], cx: &mut Ctx<'_, Tracker>) {
    for batch in records.chunks(cx.config.max_batch as usize) {
        copy(batch.to_vec(), to, cx);
    }
}
