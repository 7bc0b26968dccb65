//! Storage on top of routing: publish, search, fetch, replication and hand-over, written once.
//!
//! Either the responsible node keeps a *pointer* to who holds the item, or the *value* itself: the
//! two options of a distributed hash table. Copies go to the nodes next in line
//! ([`Routing::next_in_line`]), as CFS does on Chord (Dabek et al. 2001, section 4.2).
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::time::Duration;

use smallvec::SmallVec;

use super::record::remember;
use super::repairs::{Offers, Repairs};
use super::{
    At, DhtCtx, DhtMessage, DhtTimer, Keep, MAX_HOLDERS, MAX_OFFERED, Path, Record, Request,
    Response, Routing, StorageMessage,
};
use crate::{
    Blob, DropReason, Event, Exchange, ExchangeMessage, Item, Key, NodeId, OpId, StateSize, Time,
};

/// Why a node looks whose the records are that it keeps.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Occasion {
    /// Its neighbours are others than before. Those that have copies are known.
    Change,
    /// It is time to. Whoever is believed to have a copy may have lost it.
    Period,
}

#[derive(Debug)]
struct Entry {
    record: Record,
    /// When each holder was last heard of, where holders expire.
    heard: SmallVec<[(NodeId, Time); 2]>,
    /// Whether this node acted as the responsible node when it last looked.
    responsible: bool,
    /// Where it has sent copies, as the responsible node.
    copies: SmallVec<[NodeId; 4]>,
}

impl Entry {
    /// Who this record names was heard of now.
    fn hear<R: Routing>(&mut self, record: &Record, cx: &DhtCtx<'_, R>) {
        let Record::Pointer(holders) = record else { return };
        if R::storage(cx.config).expire_after.is_some() {
            self.heard.retain(|(known, _)| !holders.contains(known));
            self.heard.extend(holders.iter().map(|holder| (*holder, cx.now)));
        }
    }
}

/// One node's storage: the items it holds itself, and the records it keeps for others.
#[derive(Debug, Default)]
pub struct Storage {
    exchange: Exchange,
    /// Published before this node had joined.
    early: Vec<(OpId, Item)>,
    records: BTreeMap<Key, Entry>,
    repairs: Repairs,
    republishing: bool,
    /// Whether a timer says when to offer items again.
    is_offering: bool,
}

impl Storage {
    /// The item is this node's to share: holds it and tells the responsible node.
    pub(super) fn publish<R: Routing>(
        &mut self,
        op: OpId,
        item: Item,
        routing: &mut R,
        cx: &mut DhtCtx<'_, R>,
    ) {
        if !self.exchange.share(op, item, cx) {
            return;
        }
        if let (Some(every), false) = (R::storage(cx.config).republish_every, self.republishing) {
            self.republishing = true;
            set_republish_timer(every.into(), cx);
        }
        if routing.is_joined() {
            self.put(op, item, routing, cx);
        } else {
            self.early.push((op, item));
        }
    }

    /// Whether there are items that were published before this node had joined.
    pub(super) const fn has_early(&self) -> bool {
        !self.early.is_empty()
    }

    /// Tells the responsible nodes of items that were published before this node had joined.
    pub(super) fn publish_early<R: Routing>(&mut self, routing: &mut R, cx: &mut DhtCtx<'_, R>) {
        for (op, item) in core::mem::take(&mut self.early) {
            self.put(op, item, routing, cx);
        }
    }

    /// The item is this node's to share no more.
    pub(super) fn withdraw<R: Routing>(
        &mut self,
        key: Key,
        routing: &mut R,
        cx: &mut DhtCtx<'_, R>,
    ) {
        self.exchange.withdraw(&key);
        self.early.retain(|(op, item)| {
            if item.key == key {
                cx.emit(Event::Failed { op: *op });
            }
            item.key != key
        });
        if routing.is_joined() {
            let request = Request::RemovePointer { holder: cx.me };
            routing.route(UNATTENDED, key, request, At { storage: self, cx });
        }
    }

    /// This node is leaving: what it holds will not be there. Nobody waits for the answers.
    pub(super) fn withdraw_all<R: Routing>(&mut self, routing: &mut R, cx: &mut DhtCtx<'_, R>) {
        if R::storage(cx.config).keep == Keep::Pointer && routing.is_joined() {
            let keys: Vec<Key> = self.exchange.items().map(|item| item.key).collect();
            for key in keys {
                let request = Request::RemovePointer { holder: cx.me };
                routing.route(UNATTENDED, key, request, At { storage: self, cx });
            }
        }
    }

    fn put<R: Routing>(&mut self, op: OpId, item: Item, routing: &mut R, cx: &mut DhtCtx<'_, R>) {
        let request = match R::storage(cx.config).keep {
            Keep::Pointer => Request::PutPointer { holder: cx.me },
            Keep::Value => Request::PutValue { blob: item.blob },
        };
        routing.route(op, item.key, request, At { storage: self, cx });
    }

    /// Publishes everything held once more; the operation id that nobody waits for is the largest.
    pub(super) fn republish<R: Routing>(&mut self, routing: &mut R, cx: &mut DhtCtx<'_, R>) {
        let shared: Vec<_> = self.exchange.items().collect();
        for item in shared {
            self.put(UNATTENDED, item, routing, cx);
        }
        if let Some(every) = R::storage(cx.config).republish_every {
            set_republish_timer(every.into(), cx);
        }
    }

    /// Gets an item's bytes from a holder.
    pub(super) fn fetch<R: Routing>(
        &mut self,
        op: OpId,
        key: Key,
        holder: NodeId,
        cx: &mut DhtCtx<'_, R>,
    ) {
        let Self { exchange, records, .. } = self;
        exchange.fetch(op, key, holder, |key| value_of(records, key), cx);
    }

    /// A peer asked for an item's bytes, or answered.
    pub(super) fn on_exchange<R: Routing>(
        &mut self,
        from: NodeId,
        message: ExchangeMessage,
        cx: &mut DhtCtx<'_, R>,
    ) {
        let Self { exchange, records, .. } = self;
        exchange.on_message(from, message, |key| value_of(records, key), cx);
    }

    /// A request arrived at the node responsible for its key: this one.
    pub fn deliver<R: Routing>(
        &mut self,
        key: Key,
        request: Request,
        routing: &R,
        cx: &mut DhtCtx<'_, R>,
    ) -> Response {
        self.expire(key, cx);
        let record = match request {
            Request::Search => {
                cx.emit(Event::Visited);
                return Response::Holder(self.holder_of(&key, None, cx));
            }
            Request::OtherHolder { than } => {
                return Response::OtherHolder(self.holder_of(&key, Some(than), cx));
            }
            Request::RemovePointer { holder } => {
                self.remove(key, holder, cx);
                return Response::Stored;
            }
            Request::PutPointer { holder } => Record::Pointer(SmallVec::from_slice(&[holder])),
            Request::PutValue { blob } if !blob.intact => return Response::Refused,
            Request::PutValue { blob } => Record::Value(blob),
        };
        if !self.keep(key, record, true, cx) {
            return Response::Refused;
        }
        self.place(key, routing, cx);
        Response::Stored
    }

    /// Puts copies of a record where they belong; or passes it on if a still nearer node has joined
    /// since this one was believed to be responsible.
    fn place<R: Routing>(&mut self, key: Key, routing: &R, cx: &mut DhtCtx<'_, R>) {
        match routing.heir(&key, cx.config) {
            Some(heir) if !routing.is_responsible(&key, cx.config) => self.pass_on(key, heir, cx),
            _ => {
                let mut offers = Offers::default();
                self.copy(key, &[], routing, &mut offers, cx);
                offers.send(cx);
            }
        }
    }

    /// Sends copies of a record to the nodes next in line, but for those that have one.
    fn copy<R: Routing>(
        &mut self,
        key: Key,
        have_one: &[NodeId],
        routing: &R,
        offers: &mut Offers,
        cx: &mut DhtCtx<'_, R>,
    ) {
        let Some(entry) = self.records.get_mut(&key) else { return };
        let replicas = R::storage(cx.config).replicas;
        let line = routing.next_in_line(&key, replicas.saturating_mul(2), cx.config);
        let (copies, behind) = line.split_at(line.len().min(replicas.into()));
        entry.copies = copies.into();
        for &replica in copies.iter().filter(|node| !have_one.contains(node)) {
            if let Record::Value(_) = entry.record {
                offers.add(replica, key);
                continue;
            }
            let record = entry.record.clone();
            let store = StorageMessage::Store { key, record, responsible: false };
            cx.send(replica, DhtMessage::Storage(store));
        }
        for &surplus in behind.iter().filter(|node| have_one.contains(node)) {
            cx.send(surplus, DhtMessage::Storage(StorageMessage::Release { key }));
        }
    }

    /// Passes a record on to a node nearer to being responsible, and keeps it as the first of that
    /// node's copies, if there are to be any. Otherwise an item stays here until that node has it: this
    /// is its only copy, and it may have to wait for the uplink for longer than that node lives.
    fn pass_on<R: Routing>(&mut self, key: Key, heir: NodeId, cx: &mut DhtCtx<'_, R>) {
        let Some(entry) = self.records.get_mut(&key) else { return };
        let replicas = R::storage(cx.config).replicas;
        let store = StorageMessage::Store { key, record: entry.record.clone(), responsible: true };
        match entry.record {
            Record::Value(_) if replicas == 0 => return self.repairs.pass(heir, (key, store), cx),
            _ if !self.repairs.send(heir, store, cx) => return, // Still this node's to pass on.
            _ => {}
        }
        entry.responsible = false;
        let copies = core::mem::take(&mut entry.copies);
        if replicas == 0 {
            self.records.remove(&key);
        }
        // This node's copy is the heir's first, so the last one is one too many.
        let is_whole = copies.len() == usize::from(replicas);
        if let Some(&surplus) = copies.last().filter(|_| is_whole) {
            cx.send(surplus, DhtMessage::Storage(StorageMessage::Release { key }));
        }
    }

    /// One of the holders, but not this one; drawn at random.
    fn holder_of<R: Routing>(
        &self,
        key: &Key,
        but: Option<NodeId>,
        cx: &mut DhtCtx<'_, R>,
    ) -> Option<NodeId> {
        match self.records.get(key).map(|entry| &entry.record) {
            Some(Record::Value(_)) => Some(cx.me),
            Some(Record::Pointer(holders)) => {
                let others = || holders.iter().filter(|&&holder| Some(holder) != but);
                let chosen = cx.rng.below(others().count() as u64) as usize;
                others().nth(chosen).copied()
            }
            None => (self.exchange.holds(key) && but != Some(cx.me)).then_some(cx.me),
        }
    }

    /// Forgets a holder, here and at the copies.
    fn remove<R: Routing>(&mut self, key: Key, holder: NodeId, cx: &mut DhtCtx<'_, R>) {
        let Some(entry) = self.records.get_mut(&key) else { return };
        let Record::Pointer(holders) = &mut entry.record else { return };
        let Some(place) = holders.iter().position(|known| *known == holder) else { return };
        holders.remove(place);
        for &replica in &entry.copies {
            cx.send(replica, DhtMessage::Storage(StorageMessage::Remove { key, holder }));
        }
        if holders.is_empty() {
            self.records.remove(&key);
        }
    }

    /// Forgets holders that have not published again for long. Copies do so by themselves, but for what
    /// a record brings along from one node to the next: nobody is named for longer than twice the time.
    fn expire<R: Routing>(&mut self, key: Key, cx: &DhtCtx<'_, R>) {
        let Some(after) = R::storage(cx.config).expire_after else { return };
        let Some(Entry { record: Record::Pointer(holders), heard, .. }) =
            self.records.get_mut(&key)
        else {
            return;
        };
        heard.retain(|(_, at)| cx.now.since(*at) < after.into());
        holders.retain(|holder| heard.iter().any(|(known, _)| known == holder));
        if holders.is_empty() {
            self.records.remove(&key);
        }
    }

    /// Remembers a record, joining the holders of one that is known already. False if a bound was
    /// reached.
    fn keep<R: Routing>(
        &mut self,
        key: Key,
        record: Record,
        responsible: bool,
        cx: &mut DhtCtx<'_, R>,
    ) -> bool {
        if let Some(entry) = self.records.get_mut(&key) {
            entry.responsible |= responsible;
            entry.hear::<R>(&record, cx);
            match (&mut entry.record, record) {
                (Record::Pointer(known), Record::Pointer(more)) => {
                    more.into_iter().for_each(|holder| remember(known, holder));
                }
                (known, record) => *known = record,
            }
            return true;
        }
        if self.records.len() >= R::storage(cx.config).max_records as usize {
            cx.emit(Event::Dropped(DropReason::Bound));
            return false;
        }
        let record = match record {
            Record::Pointer(mut holders) => {
                holders.truncate(MAX_HOLDERS);
                Record::Pointer(holders)
            }
            value @ Record::Value(_) => value,
        };
        if matches!(record, Record::Value(_)) {
            self.repairs.arrived(&key);
            if !core::mem::replace(&mut self.is_offering, true) {
                set_offer_timer(cx);
            }
        }
        let (heard, copies) = Default::default();
        let mut entry = Entry { record, heard, responsible, copies };
        let named = entry.record.clone();
        entry.hear::<R>(&named, cx);
        self.records.insert(key, entry);
        true
    }

    /// The response to a request that this node routed came back.
    pub fn on_response<R: Routing>(
        &mut self,
        op: OpId,
        response: Response,
        path: Path,
        cx: &mut DhtCtx<'_, R>,
    ) {
        if op == UNATTENDED {
            return;
        }
        cx.emit(match response {
            Response::Holder(holder) | Response::OtherHolder(holder) => {
                Event::Found { op, answer: path.answer(holder) }
            }
            Response::Stored => Event::Published { op },
            Response::Refused => Event::Failed { op },
        });
    }

    /// The neighbourhood changed: passes on what others are responsible for now, takes over what
    /// this node is responsible for now, and keeps the copies where they belong.
    pub fn on_neighborhood_change<R: Routing>(&mut self, routing: &R, cx: &mut DhtCtx<'_, R>) {
        let keys: Vec<Key> = self.records.keys().copied().collect();
        self.tend(&keys, Occasion::Change, routing, cx);
    }

    /// Offers every item to those that are to have it, too: copies to the nodes next in line, and what
    /// is kept as a copy to the node nearer to being responsible. Recovery is periodic besides being a
    /// reaction to changes, as Rhea et al. 2004 have it (section 4.1): who comes back with nothing
    /// before its absence was noticed changes nothing that its neighbours could react to.
    pub(super) fn offer_all<R: Routing>(&mut self, routing: &R, cx: &mut DhtCtx<'_, R>) {
        let is_value = |entry: &Entry| matches!(entry.record, Record::Value(_));
        let values = self.records.iter().filter(|(_, entry)| is_value(entry));
        let keys: Vec<Key> = values.map(|(key, _)| *key).collect();
        self.is_offering = !keys.is_empty();
        if self.is_offering {
            set_offer_timer(cx);
        }
        self.tend(&keys, Occasion::Period, routing, cx);
    }

    /// Looks whose these records are now.
    fn tend<R: Routing>(
        &mut self,
        keys: &[Key],
        occasion: Occasion,
        routing: &R,
        cx: &mut DhtCtx<'_, R>,
    ) {
        let mut offers = Offers::default();
        for &key in keys {
            let is_responsible = routing.is_responsible(&key, cx.config);
            let heir = routing.heir(&key, cx.config);
            let Some(entry) = self.records.get_mut(&key) else { continue };
            if is_responsible {
                entry.responsible = true;
                self.repairs.stays(&key);
                let copies = core::mem::take(&mut entry.copies);
                let have_one = if occasion == Occasion::Change { &copies[..] } else { &[] };
                self.copy(key, have_one, routing, &mut offers, cx);
            } else if let Some(heir) = heir {
                if entry.responsible {
                    self.pass_on(key, heir, cx);
                } else if occasion == Occasion::Period {
                    offers.add(heir, key);
                }
            }
            // Without an heir this node cannot tell, and keeps what it has.
        }
        offers.send(cx);
    }

    /// Every record this node is responsible for, for the node next in line: this one is leaving.
    pub(super) fn hand_over<R: Routing>(
        &mut self,
        routing: &R,
        cx: &DhtCtx<'_, R>,
    ) -> Vec<(NodeId, StorageMessage)> {
        let records = core::mem::take(&mut self.records);
        let is_own =
            |(key, entry): &(Key, Entry)| entry.responsible && !self.repairs.is_passing(key);
        let own: Vec<_> = records.into_iter().filter(is_own).collect();
        let with_heir = own.into_iter().filter_map(|(key, Entry { record, .. })| {
            let heir = *routing.next_in_line(&key, 1, cx.config).first()?;
            Some((heir, StorageMessage::Store { key, record, responsible: true }))
        });
        self.repairs.drain().chain(with_heir).collect()
    }

    pub(super) fn on_message<R: Routing>(
        &mut self,
        from: NodeId,
        message: StorageMessage,
        routing: &R,
        cx: &mut DhtCtx<'_, R>,
    ) {
        let (key, record, responsible) = match message {
            StorageMessage::Store { key, record, responsible } => (key, record, responsible),
            StorageMessage::Remove { key, holder } => return self.remove(key, holder, cx),
            StorageMessage::Offer { keys } => return self.on_offer(from, &keys, cx),
            StorageMessage::Want { keys } => return self.on_want(from, &keys, cx),
            StorageMessage::Release { key } => return self.release(from, key),
        };
        if matches!(record, Record::Value(blob) if !blob.intact) {
            return cx.emit(Event::Dropped(DropReason::Nonsense));
        }
        self.expire(key, cx);
        let is_value = matches!(record, Record::Value(_));
        if self.keep(key, record, responsible, cx) && responsible {
            self.repairs.stays(&key);
            if is_value && R::storage(cx.config).replicas == 0 {
                cx.send(from, DhtMessage::Storage(StorageMessage::Release { key }));
            }
            self.place(key, routing, cx);
        }
    }

    /// A copy is kept no longer, unless this node is responsible for it by now; nor the only one, if it
    /// has come to whom it was sent to.
    fn release(&mut self, from: NodeId, key: Key) {
        let has_come = self.repairs.has_come(from, &key);
        if self.records.get(&key).is_some_and(|entry| has_come || !entry.responsible) {
            self.records.remove(&key);
        }
    }

    /// Copies of items can be had.
    fn on_offer<R: Routing>(&mut self, from: NodeId, keys: &[Key], cx: &mut DhtCtx<'_, R>) {
        let Self { records, repairs, .. } = self;
        let offered = keys.iter().take(MAX_OFFERED).copied();
        let lacked = offered.filter(|key| value_of(records, key).is_none());
        let keys = repairs.ask(from, lacked, cx.now);
        if !keys.is_empty() {
            cx.send(from, DhtMessage::Storage(StorageMessage::Want { keys }));
        }
    }

    /// Copies that were offered are wanted.
    fn on_want<R: Routing>(&mut self, from: NodeId, keys: &[Key], cx: &mut DhtCtx<'_, R>) {
        for &key in keys.iter().take(MAX_OFFERED) {
            if let Some(blob) = value_of(&self.records, &key) {
                let record = Record::Value(blob);
                let store = StorageMessage::Store { key, record, responsible: false };
                self.repairs.send(from, store, cx);
            }
        }
    }

    /// The uplink is free for the next copy.
    pub(super) fn repair<R: Routing>(&mut self, cx: &mut DhtCtx<'_, R>) {
        self.repairs.send_next(cx);
    }

    pub(super) fn on_peer_lost<R: Routing>(&mut self, peer: NodeId, cx: &mut DhtCtx<'_, R>) {
        self.exchange.on_peer_lost(peer, cx);
        self.repairs.forget(peer);
    }

    /// Index records kept for others, and the bytes they take when encoded.
    pub(super) fn state(&self) -> StateSize {
        let bytes = self.records.values().map(|entry| {
            20 + match &entry.record {
                Record::Pointer(holders) => 4 * holders.len() as u64,
                Record::Value(blob) => u64::from(blob.length),
            }
        });
        StateSize { links: 0, entries: self.records.len() as u32, bytes: bytes.sum() }
    }

    /// Whether this node has the item itself.
    pub(super) fn holds(&self, key: &Key) -> bool {
        self.exchange.holds(key) || value_of(&self.records, key).is_some()
    }

    /// The keys of the records this node keeps, ascending, for checkers and tests.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.records.keys()
    }
}

/// The item itself, where that is what is kept.
fn value_of(records: &BTreeMap<Key, Entry>, key: &Key) -> Option<Blob> {
    match records.get(key)?.record {
        Record::Value(blob) => Some(blob),
        Record::Pointer(_) => None,
    }
}

/// The operation that no part of the workload waits for.
const UNATTENDED: OpId = OpId(u32::MAX);

/// Half to one and a half times the interval, so that nodes do not offer in step.
fn set_offer_timer<R: Routing>(cx: &mut DhtCtx<'_, R>) {
    if let Some(every) = R::storage(cx.config).offer_every {
        let after = cx.rng.around(every.into(), 0.5);
        cx.set_timer(after, DhtTimer::Offer);
    }
}

/// Half to one and a half times the interval, so that holders do not publish in step.
fn set_republish_timer<R: Routing>(every: Duration, cx: &mut DhtCtx<'_, R>) {
    let after = cx.rng.around(every, 0.5);
    cx.set_timer(after, DhtTimer::Republish);
}
