//! A byte stream that delivers late, as the emulated network would.
//!
//! The sender cuts what it flushes into frames, stamps each with the moment at which it is to
//! arrive (its turn on the uplink, then the latency), and hands it to TCP at once. The receiver
//! holds each frame until its stamp, then lets it take its turn on the downlink. Latency thus
//! does not depend on when either process happens to run.
//!
//! The end of a connection travels like its bytes: a receiver learns of it one latency after it
//! happened. A dialer's first bytes wait for the round trip that a TCP connection takes to stand.
use std::cell::{Cell, RefCell};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use futures::{AsyncRead, AsyncWrite};
use overlay_core::NodeId;

use super::conditions::Conditions;
use super::frames::{self, HEADER, MAX_PAYLOAD, Malformed, Parser};
use crate::clock::{Alarm, Deadline, Moment};

/// Most bytes that wait to be written, and most that wait for their delivery, per connection.
/// Beyond it the other end is slowed down, as a full socket would.
const MAX_BUFFERED: usize = 1 << 20;
/// Most bytes that wait for their delivery before the peer has shown who it is; it says itself when
/// they are due. A handshake has less than 1 KB; a longest frame fits, so that what is due is
/// complete some time.
const MAX_BUFFERED_AT_THE_DOOR: usize = 2 * MAX_PAYLOAD;
/// Buffer capacity that an idle connection keeps, in bytes.
const KEPT_CAPACITY: usize = 4 * 1024;
/// Bytes asked of the socket at once.
const READ: usize = 16 * 1024;

thread_local! {
    /// What a read goes into first: one per thread, not one per connection, and zeroed once.
    static SCRATCH: RefCell<Vec<u8>> = RefCell::new(vec![0; READ]);
    /// Most bytes that a connection which is read now may have waiting for their delivery.
    static MAY_WAIT: Cell<usize> = const { Cell::new(MAX_BUFFERED) };
}

/// Polls a handshake: what is read meanwhile comes from peers that have not shown who they are. libp2p
/// hands a connection up only when it has, and its upgrades do not let anybody reach through to the
/// stream below; but every read before that is made within this call.
pub(super) fn at_the_door<T>(poll: impl FnOnce() -> T) -> T {
    MAY_WAIT.set(MAX_BUFFERED_AT_THE_DOOR);
    let outcome = poll();
    MAY_WAIT.set(MAX_BUFFERED);
    outcome
}

/// A connection under the node's [`Conditions`]: shaped, or only counted.
#[derive(Debug)]
pub struct ConditionedStream<S> {
    inner: S,
    conditions: Arc<Conditions>,
    shaper: Option<Box<Shaper>>,
}

#[derive(Debug)]
struct Shaper {
    /// `None` until the dialer has said who it is.
    one_way: Option<Duration>,
    /// Before this moment no byte leaves: the connection does not stand yet.
    stands_at: Moment,
    outgoing: Outgoing,
    incoming: Incoming,
    deadline: Deadline,
}

#[derive(Debug)]
struct Outgoing {
    /// Frames on their way to the socket; of the last one, the header may be blank.
    bytes: Vec<u8>,
    written: usize,
    /// Where the frame begins that still takes bytes.
    open: Option<usize>,
    /// Who wants to write before the peer is known.
    waits_for_peer: Option<Waker>,
}

#[derive(Debug)]
struct Incoming {
    parser: Parser,
    front: Front,
    end: Option<End>,
}

/// Where the oldest frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Front {
    /// Between the two nodes.
    Travelling,
    /// Taking its turn on the receiver's downlink.
    Arriving,
    /// Delivered in part.
    Delivering,
}

#[derive(Debug)]
struct End {
    at: Moment,
    error: Option<io::Error>,
}

impl<S> ConditionedStream<S> {
    /// The dialer's end of a connection to this peer.
    pub fn dialer(inner: S, conditions: Arc<Conditions>, alarm: &Alarm, peer: NodeId) -> Self {
        let shaper = conditions.is_shaped().then(|| {
            let one_way = conditions.one_way(peer);
            let mut shaper = Shaper::new(alarm, false);
            shaper.one_way = Some(one_way);
            shaper.stands_at = Moment::now() + 2 * one_way;
            shaper.outgoing.bytes.extend(frames::preamble(conditions.me()));
            Box::new(shaper)
        });
        Self { inner, conditions, shaper }
    }

    /// The listener's end of a connection; its peer introduces itself.
    pub fn listener(inner: S, conditions: Arc<Conditions>, alarm: &Alarm) -> Self {
        let shaper = conditions.is_shaped().then(|| Box::new(Shaper::new(alarm, true)));
        Self { inner, conditions, shaper }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for ConditionedStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        let count = match &mut this.shaper {
            None => ready!(Pin::new(&mut this.inner).poll_read(cx, into))?,
            Some(shaper) => {
                let inner = Pin::new(&mut this.inner);
                ready!(shaper.poll_read(inner, &this.conditions, cx, into))?
            }
        };
        this.conditions.count_received(count);
        Poll::Ready(Ok(count))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for ConditionedStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        let count = match &mut this.shaper {
            None => ready!(Pin::new(&mut this.inner).poll_write(cx, bytes))?,
            Some(shaper) => {
                if shaper.one_way.is_none() {
                    shaper.outgoing.waits_for_peer = Some(cx.waker().clone());
                    return Poll::Pending;
                }
                if shaper.outgoing.bytes.len() >= MAX_BUFFERED {
                    shaper.seal(&this.conditions);
                    ready!(shaper.outgoing.poll_drain(Pin::new(&mut this.inner), cx))?;
                }
                shaper.stage(&this.conditions, bytes)
            }
        };
        this.conditions.count_sent(count);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if let Some(shaper) = &mut this.shaper {
            shaper.seal(&this.conditions);
            ready!(shaper.outgoing.poll_drain(Pin::new(&mut this.inner), cx))?;
        }
        Pin::new(&mut this.inner).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.as_mut().poll_flush(cx))?;
        Pin::new(&mut self.inner).poll_close(cx)
    }
}

impl Shaper {
    fn new(alarm: &Alarm, expects_preamble: bool) -> Self {
        Self {
            one_way: None,
            stands_at: Moment::default(),
            outgoing: Outgoing { bytes: Vec::new(), written: 0, open: None, waits_for_peer: None },
            incoming: Incoming {
                parser: Parser::new(expects_preamble),
                front: Front::Travelling,
                end: None,
            },
            deadline: alarm.deadline(),
        }
    }

    /// Adds bytes to the frame that is open, and closes it when it is full.
    fn stage(&mut self, conditions: &Conditions, bytes: &[u8]) -> usize {
        let outgoing = &mut self.outgoing;
        let open = *outgoing.open.get_or_insert(outgoing.bytes.len());
        if outgoing.bytes.len() == open {
            outgoing.bytes.extend([0; HEADER]);
        }
        let room = MAX_PAYLOAD - (outgoing.bytes.len() - open - HEADER);
        let count = room.min(bytes.len());
        outgoing.bytes.extend_from_slice(&bytes[..count]);
        if count == room {
            self.seal(conditions);
        }
        count
    }

    /// Stamps the open frame: from now on it is on its way.
    fn seal(&mut self, conditions: &Conditions) {
        let (Some(open), Some(one_way)) = (self.outgoing.open, self.one_way) else { return };
        self.outgoing.open = None;
        let payload = self.outgoing.bytes.len() - open - HEADER;
        let departs = conditions.depart(Moment::now(), payload).max(self.stands_at);
        let header = frames::header(payload, departs + one_way);
        self.outgoing.bytes[open..open + HEADER].copy_from_slice(&header);
    }

    fn poll_read(
        &mut self,
        mut inner: Pin<&mut impl AsyncRead>,
        conditions: &Conditions,
        cx: &mut Context<'_>,
        into: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        loop {
            if let Poll::Ready(count) = self.poll_front(conditions, cx, into) {
                return Poll::Ready(Ok(count));
            }
            let holds_frame = self.incoming.parser.front().is_some();
            if let Some(end) = &mut self.incoming.end {
                if holds_frame || self.deadline.poll_until(end.at, cx).is_pending() {
                    return Poll::Pending;
                }
                return Poll::Ready(end.error.take().map_or(Ok(0), Err));
            }
            if self.incoming.parser.buffered() >= MAY_WAIT.get() {
                return Poll::Pending;
            }
            let inner = inner.as_mut();
            ready!(
                SCRATCH.with_borrow_mut(|scratch| self.poll_fill(inner, scratch, conditions, cx))
            )?;
        }
    }

    /// Takes in what the socket has, or its end.
    fn poll_fill(
        &mut self,
        inner: Pin<&mut impl AsyncRead>,
        scratch: &mut [u8],
        conditions: &Conditions,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        match ready!(inner.poll_read(cx, scratch)) {
            Ok(0) => self.end(None),
            Ok(count) => self.push(conditions, &scratch[..count])?,
            Err(error) => self.end(Some(error)),
        }
        Poll::Ready(Ok(()))
    }

    /// Delivers from the front frame once it is due.
    fn poll_front(
        &mut self,
        conditions: &Conditions,
        cx: &mut Context<'_>,
        into: &mut [u8],
    ) -> Poll<usize> {
        while self.incoming.front != Front::Delivering {
            let Some(front) = self.incoming.parser.front() else { return Poll::Pending };
            let due = front.deliver;
            ready!(self.deadline.poll_until(due, cx));
            if self.incoming.front == Front::Travelling {
                front.deliver = conditions.arrive(due, front.length);
                self.incoming.front = Front::Arriving;
            } else {
                conditions.record_lateness(Moment::now().since(due));
                self.incoming.front = Front::Delivering;
            }
        }
        let left = self.incoming.parser.front().map_or(0, |front| front.length);
        let count = self.incoming.parser.take(into);
        if count == left {
            self.incoming.front = Front::Travelling;
        }
        Poll::Ready(count)
    }

    fn push(&mut self, conditions: &Conditions, bytes: &[u8]) -> io::Result<()> {
        let dialer = self.incoming.parser.push(bytes).map_err(|malformed| {
            let what = match malformed {
                Malformed::Preamble => "the dialer did not introduce itself as a peerbench node",
                Malformed::Length => "a frame of the emulated network has an impossible length",
            };
            io::Error::new(io::ErrorKind::InvalidData, what)
        })?;
        if let Some(dialer) = dialer {
            self.one_way = Some(conditions.one_way(dialer));
            if let Some(writer) = self.outgoing.waits_for_peer.take() {
                writer.wake();
            }
        }
        Ok(())
    }

    /// The connection has ended: news that travels as long as any other.
    fn end(&mut self, error: Option<io::Error>) {
        let at = Moment::now() + self.one_way.unwrap_or_default();
        self.incoming.end = Some(End { at, error });
    }
}

impl Outgoing {
    /// Hands sealed frames to the socket.
    fn poll_drain(
        &mut self,
        mut inner: Pin<&mut impl AsyncWrite>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while self.written < self.bytes.len() {
            let count = ready!(inner.as_mut().poll_write(cx, &self.bytes[self.written..]))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.written += count;
        }
        self.bytes.clear();
        self.bytes.shrink_to(KEPT_CAPACITY);
        self.written = 0;
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::io::Cursor;
    use overlay_core::units::BitRate;

    /// A dialer's preamble, and then 4 MiB of frames of this length that are due at the end of time.
    fn never_due(length: usize) -> Vec<u8> {
        let mut bytes = frames::preamble(NodeId(1)).to_vec();
        while bytes.len() < 4 << 20 {
            bytes.extend(frames::header(length, Moment::from_nanos(u64::MAX)));
            bytes.resize(bytes.len() + length, 7);
        }
        bytes
    }

    /// Polls once; gives how many bytes of these were taken in and how many are counted.
    fn taken(stream: &mut ConditionedStream<Cursor<Vec<u8>>>) -> (usize, usize) {
        let mut cx = Context::from_waker(Waker::noop());
        assert!(Pin::new(&mut *stream).poll_read(&mut cx, &mut [0; 100]).is_pending());
        let counted = stream.shaper.as_ref().map_or(0, |it| it.incoming.parser.buffered());
        (stream.inner.position() as usize, counted)
    }

    #[tokio::test]
    async fn few_bytes_that_are_never_due_are_held_for_who_has_not_shown_who_it_is() {
        let alarm = Alarm::start().unwrap();
        let way = Box::new(|_, _| Duration::from_millis(1));
        let conditions = Arc::new(Conditions::shaped(NodeId(0), way, BitRate(0), BitRate(0)));
        for length in [1, 1_000, MAX_PAYLOAD] {
            let inner = Cursor::new(never_due(length));
            let mut stream = ConditionedStream::listener(inner, Arc::clone(&conditions), &alarm);
            // One read goes beyond the bound; short frames cost more than they have.
            let bounds = |most: usize| most..=most + 2 * READ;
            let (read, counted) = at_the_door(|| taken(&mut stream));
            assert!(bounds(MAX_BUFFERED_AT_THE_DOOR).contains(&counted), "{counted}");
            assert!(read <= counted + READ, "{read} bytes of frames of {length}");
            assert_eq!(at_the_door(|| taken(&mut stream)), (read, counted));
            // It has shown who it is.
            let (_, counted) = taken(&mut stream);
            assert!(bounds(MAX_BUFFERED).contains(&counted), "{counted}");
        }
    }
}
