//! The side of a node that asks servers: to be registered, to publish, and to search.
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::time::Duration;

use overlay_core::{Answer, Ctx, DropReason, Event, Key, NodeId, OpId};
use smallvec::SmallVec;

use crate::{Timer, Tracker, TrackerConfig, TrackerMessage};

/// Most searches and other requests of a node that are unanswered; the oldest search is given up for
/// one more. Far beyond what a workload asks for, unless a server is silent.
pub const MOST_REQUESTS: usize = 1_024;

/// How far a node is with a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// The server was lost or silent, and a timer is set to try again.
    Away,
    /// It was asked to register this node.
    Asked,
    /// It has registered this node.
    Registered,
}

/// A place at a server.
#[derive(Clone, Copy, Debug)]
struct Registration {
    server: NodeId,
    standing: Standing,
    /// Attempts that came to nothing since the last that succeeded.
    in_vain: u32,
    /// Whether no attempt has succeeded yet.
    is_fresh: bool,
}

/// What a server was asked for.
#[derive(Clone, Debug)]
enum Wanted {
    Registration,
    /// With whether it was unanswered at the last keep-alive already.
    Publication {
        keys: Vec<Key>,
        is_overdue: bool,
    },
    SignOfLife,
    Holder {
        op: OpId,
        key: Key,
        timeouts: u16,
    },
}

/// One node's dealings with its servers.
#[derive(Debug, Default)]
pub(crate) struct Client {
    /// One for each server; if they are replicas and this node is none of them, just one.
    registrations: SmallVec<[Registration; 1]>,
    /// What is unanswered, by token, with the server that was asked.
    requests: BTreeMap<u32, (NodeId, Wanted)>,
    next_token: u32,
    /// Publications that no server has acknowledged yet.
    waiting: BTreeMap<Key, SmallVec<[OpId; 1]>>,
    joining: Option<OpId>,
}

impl Client {
    /// Registers with everybody it should; completes the operation, if any, when that is done.
    pub(crate) fn start(&mut self, op: Option<OpId>, cx: &mut Ctx<'_, Tracker>) {
        self.joining = op.or(self.joining);
        if self.registrations.is_empty() {
            self.place_registrations(cx.config.home_of(cx.me), Standing::Away, cx);
            (0..self.registrations.len()).for_each(|index| self.register(index, cx));
        }
        self.check_joined(cx);
    }

    /// Is registered with everybody it should.
    pub(crate) fn settle(&mut self, home: NodeId, cx: &mut Ctx<'_, Tracker>) {
        self.place_registrations(home, Standing::Registered, cx);
    }

    fn place_registrations(&mut self, home: NodeId, standing: Standing, cx: &mut Ctx<'_, Tracker>) {
        let (me, config) = (cx.me, cx.config);
        let has_one_home = moves_on(me, config);
        let servers =
            config.servers().filter(|&it| if has_one_home { it == home } else { it != me });
        let is_fresh = standing != Standing::Registered;
        self.registrations =
            servers.map(|server| Registration { server, standing, in_vain: 0, is_fresh }).collect();
        if !self.registrations.is_empty() {
            // From a random moment on, so that nodes do not keep alive in step.
            let first = cx.rng.duration_below(config.keep_alive_every.into());
            cx.set_timer(first, Timer::KeepAlive);
        }
    }

    /// The servers this node is registered with, ascending.
    pub(crate) fn registered(&self) -> impl Iterator<Item = NodeId> {
        let registered = |it: &&Registration| it.standing == Standing::Registered;
        self.registrations.iter().filter(registered).map(|it| it.server)
    }

    /// The servers this node is registered with, or hopes to be.
    pub(crate) fn servers(&self) -> impl Iterator<Item = NodeId> {
        self.registrations.iter().map(|it| it.server)
    }

    /// Tells the item's server of it; as soon as it is registered there.
    pub(crate) fn publish(&mut self, op: OpId, key: Key, cx: &mut Ctx<'_, Tracker>) {
        self.waiting.entry(key).or_default().push(op);
        let config = cx.config;
        let server = self.registered().find(|&server| config.is_asked_for(server, &key));
        if let Some(server) = server {
            self.send_publish(server, Vec::from([key]), cx);
        }
    }

    /// Tells a server of everything it should know, as a list.
    pub(crate) fn publish_all(&mut self, server: NodeId, keys: &[Key], cx: &mut Ctx<'_, Tracker>) {
        for batch in keys.chunks(cx.config.max_batch as usize) {
            self.send_publish(server, batch.to_vec(), cx);
        }
    }

    fn send_publish(&mut self, server: NodeId, keys: Vec<Key>, cx: &mut Ctx<'_, Tracker>) {
        let token =
            self.request(server, Wanted::Publication { keys: keys.clone(), is_overdue: false });
        cx.send(server, TrackerMessage::Publish { token, keys });
    }

    /// Asks the key's server, unless it is known to be gone.
    pub(crate) fn search(&mut self, op: OpId, key: Key, cx: &mut Ctx<'_, Tracker>) {
        let there = self.registrations.iter().filter(|it| it.standing != Standing::Away);
        let server = there.map(|it| it.server).find(|&it| cx.config.is_asked_for(it, &key));
        match server {
            Some(server) => self.send_search(server, op, key, 0, cx),
            None => cx.emit(Event::Failed { op }),
        }
    }

    fn send_search(
        &mut self,
        server: NodeId,
        op: OpId,
        key: Key,
        timeouts: u16,
        cx: &mut Ctx<'_, Tracker>,
    ) {
        if self.requests.len() >= MOST_REQUESTS {
            self.give_up_oldest_search(cx);
        }
        let token = self.request(server, Wanted::Holder { op, key, timeouts });
        if moves_on(cx.me, cx.config) && cx.config.servers > 1 {
            cx.set_timer(cx.config.request_timeout.into(), Timer::Unanswered { token });
        }
        cx.send(server, TrackerMessage::Search { token, key });
    }

    fn give_up_oldest_search(&mut self, cx: &mut Ctx<'_, Tracker>) {
        let oldest = self.requests.iter().find_map(|(&token, (_, wanted))| match wanted {
            Wanted::Holder { op, .. } => Some((token, *op)),
            _ => None,
        });
        if let Some((token, op)) = oldest {
            self.requests.remove(&token);
            cx.emit(Event::Failed { op });
        }
    }

    fn request(&mut self, server: NodeId, wanted: Wanted) -> u32 {
        let token = self.next_token;
        self.next_token = token.wrapping_add(1);
        self.requests.insert(token, (server, wanted));
        token
    }

    fn register(&mut self, index: usize, cx: &mut Ctx<'_, Tracker>) {
        let registration = &mut self.registrations[index];
        registration.standing = Standing::Asked;
        let Registration { server, is_fresh, .. } = *registration;
        let token = self.request(server, Wanted::Registration);
        cx.set_timer(cx.config.request_timeout.into(), Timer::Unanswered { token });
        cx.send(server, TrackerMessage::Register { token, is_fresh });
    }

    /// The server does not know this node, or not any more: registers anew.
    pub(crate) fn register_anew(&mut self, server: NodeId, cx: &mut Ctx<'_, Tracker>) {
        let place = self.registrations.iter().position(|it| it.server == server);
        if let Some(index) = place
            && self.registrations[index].standing != Standing::Asked
        {
            self.register(index, cx);
        }
    }

    /// A server answered. Whether it has registered this node just now, so that it wants to know
    /// everything.
    pub(crate) fn on_reply(
        &mut self,
        from: NodeId,
        reply: TrackerMessage,
        cx: &mut Ctx<'_, Tracker>,
    ) -> bool {
        let (TrackerMessage::Registered { token }
        | TrackerMessage::Published { token, .. }
        | TrackerMessage::Alive { token }
        | TrackerMessage::Unknown { token }
        | TrackerMessage::Found { token, .. }) = reply
        else {
            return false; // Not a reply.
        };
        let asked = self.requests.get(&token);
        if asked.is_none() && token < self.next_token {
            // Late, or given up; a registration holds nevertheless. If it was answered before, the
            // server got it twice, and has forgotten what it was told in between.
            return matches!(reply, TrackerMessage::Registered { .. })
                && (self.on_registered(from, cx) || self.registered().any(|it| it == from));
        }
        let Some((_, wanted)) =
            asked.filter(|(server, wanted)| *server == from && fits(wanted, &reply))
        else {
            cx.emit(Event::Dropped(DropReason::Nonsense));
            return false;
        };
        let wanted = wanted.clone();
        self.requests.remove(&token);
        match (wanted, reply) {
            (_, TrackerMessage::Registered { .. }) => return self.on_registered(from, cx),
            (_, TrackerMessage::Unknown { .. }) => self.register_anew(from, cx),
            (Wanted::Publication { keys, .. }, TrackerMessage::Published { refused, .. }) => {
                self.on_published(&keys, refused, cx);
            }
            (Wanted::Holder { op, timeouts, .. }, TrackerMessage::Found { holder, .. }) => {
                let answer = Answer { by: from, holder, hops: 1, timeouts };
                cx.emit(Event::Found { op, answer });
            }
            _ => {}
        }
        false
    }

    fn on_registered(&mut self, from: NodeId, cx: &mut Ctx<'_, Tracker>) -> bool {
        let mut wanted =
            self.registrations.iter_mut().filter(|it| it.standing != Standing::Registered);
        let Some(registration) = wanted.find(|it| it.server == from) else {
            return false; // This node has moved on to another replica, or asked twice.
        };
        *registration = Registration {
            server: from,
            standing: Standing::Registered,
            in_vain: 0,
            is_fresh: false,
        };
        self.check_joined(cx);
        true
    }

    fn on_published(&mut self, keys: &[Key], refused: Vec<u16>, cx: &mut Ctx<'_, Tracker>) {
        let refused: BTreeSet<u16> = refused.into_iter().collect();
        for (place, key) in (0..=u16::MAX).zip(keys) {
            for op in self.waiting.remove(key).unwrap_or_default() {
                cx.emit(match refused.contains(&place) {
                    true => Event::Failed { op },
                    false => Event::Published { op },
                });
            }
        }
    }

    /// A node has joined when it has tried all of its servers, and one of them knows it; a server
    /// has itself.
    fn check_joined(&mut self, cx: &mut Ctx<'_, Tracker>) {
        let is_known = cx.config.is_server(cx.me) || self.registered().next().is_some();
        let is_tried = |it: &Registration| it.standing == Standing::Registered || it.in_vain > 0;
        if is_known
            && self.registrations.iter().all(is_tried)
            && let Some(op) = self.joining.take()
        {
            cx.emit(Event::Joined { op });
        }
    }

    /// A request's time is over.
    pub(crate) fn on_unanswered(&mut self, token: u32, cx: &mut Ctx<'_, Tracker>) {
        if let Some(&(server, _)) = self.requests.get(&token) {
            self.on_server_gone(server, cx);
        }
    }

    /// Time to try again.
    pub(crate) fn on_retry(&mut self, index: u16, cx: &mut Ctx<'_, Tracker>) {
        let index = usize::from(index);
        if self.registrations.get(index).is_some_and(|it| it.standing == Standing::Away) {
            self.register(index, cx);
        }
    }

    /// Time to tell the servers that this node is there. A server that has not answered the time
    /// before is gone.
    pub(crate) fn keep_alive(&mut self, cx: &mut Ctx<'_, Tracker>) {
        let wants_life = |(_, (server, wanted)): (&u32, &(NodeId, Wanted))| {
            matches!(wanted, Wanted::SignOfLife).then_some(*server)
        };
        let silent: Vec<NodeId> = self.requests.iter().filter_map(wants_life).collect();
        for server in silent {
            self.on_server_gone(server, cx);
        }
        self.publish_overdue(cx);
        let registered: SmallVec<[NodeId; 4]> = self.registered().collect();
        for server in registered {
            let token = self.request(server, Wanted::SignOfLife);
            cx.send(server, TrackerMessage::KeepAlive { token });
        }
        if !self.registrations.is_empty() {
            cx.set_timer(cx.config.keep_alive_every.into(), Timer::KeepAlive);
        }
    }

    /// Sends publications again that a whole interval has not brought an answer to: one of the two
    /// messages is lost.
    fn publish_overdue(&mut self, cx: &mut Ctx<'_, Tracker>) {
        let mut overdue = Vec::new();
        for (&token, (server, wanted)) in &mut self.requests {
            if let Wanted::Publication { keys, is_overdue } = wanted
                && core::mem::replace(is_overdue, true)
            {
                overdue.push((token, *server, core::mem::take(keys)));
            }
        }
        for (token, server, keys) in overdue {
            self.requests.remove(&token);
            self.send_publish(server, keys, cx);
        }
    }

    /// A server was lost or is silent. Its searches go to another one, if there is one that was not
    /// asked yet, and so does this node.
    pub(crate) fn on_server_gone(&mut self, server: NodeId, cx: &mut Ctx<'_, Tracker>) {
        let concerned =
            |(&token, (asked, _)): (&u32, &(NodeId, Wanted))| (*asked == server).then_some(token);
        let tokens: Vec<u32> = self.requests.iter().filter_map(concerned).collect();
        let requests: Vec<_> = tokens.iter().filter_map(|it| self.requests.remove(it)).collect();
        let place = self.registrations.iter().position(|it| it.server == server);
        if let Some(index) = place
            && self.registrations[index].standing != Standing::Away
        {
            self.try_again(index, cx);
        }
        for (_, wanted) in requests {
            let Wanted::Holder { op, key, timeouts } = wanted else { continue };
            if moves_on(cx.me, cx.config) && timeouts + 1 < cx.config.servers {
                let next = cx.config.server_after(server);
                self.send_search(next, op, key, timeouts + 1, cx);
            } else {
                cx.emit(Event::Failed { op });
            }
        }
    }

    /// Registers with the next server at once, or with the same one later; later, too, if every
    /// server was tried.
    fn try_again(&mut self, index: usize, cx: &mut Ctx<'_, Tracker>) {
        let config = cx.config;
        let registration = &mut self.registrations[index];
        registration.standing = Standing::Away;
        registration.in_vain = registration.in_vain.saturating_add(1);
        let in_vain = registration.in_vain;
        let choice = if moves_on(cx.me, config) { u32::from(config.servers) } else { 1 };
        if choice > 1 {
            registration.server = config.server_after(registration.server);
        }
        if in_vain.is_multiple_of(choice) {
            let after = cx.rng.around(backoff(in_vain / choice, config), 0.5);
            cx.set_timer(after, Timer::Retry { index: index as u16 });
        } else {
            self.register(index, cx);
        }
        self.check_joined(cx);
    }

    /// Says good-bye, and asks for nothing any more.
    pub(crate) fn leave(&mut self, cx: &mut Ctx<'_, Tracker>) {
        let there = self.registrations.iter().filter(|it| it.standing != Standing::Away);
        there.for_each(|it| cx.send(it.server, TrackerMessage::Leaving));
        *self = Self { next_token: self.next_token, ..Self::default() };
    }
}

/// Whether this node moves on to another server when it has lost its own: if servers are replicas,
/// and it is none of them.
fn moves_on(me: NodeId, config: &TrackerConfig) -> bool {
    config.is_replicated() && !config.is_server(me)
}

/// How long to wait after this many rounds in vain, on average.
fn backoff(rounds: u32, config: &TrackerConfig) -> Duration {
    let doubled = config.retry.0.saturating_mul(1 << rounds.saturating_sub(1).min(30));
    doubled.min(config.retry_at_most.0)
}

/// Whether a reply is one to what was asked for.
const fn fits(wanted: &Wanted, reply: &TrackerMessage) -> bool {
    use TrackerMessage::{Alive, Found, Published, Registered, Unknown};
    matches!(
        (wanted, reply),
        (Wanted::Registration, Registered { .. })
            | (Wanted::Publication { .. }, Published { .. } | Unknown { .. })
            | (Wanted::SignOfLife, Alive { .. } | Unknown { .. })
            | (Wanted::Holder { .. }, Found { .. })
    )
}
