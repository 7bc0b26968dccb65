//! One connection's end of a link: one long-lived stream, frames out and frames in.
use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use futures::{AsyncRead, AsyncWrite};
use libp2p::StreamProtocol;
use libp2p::core::upgrade::ReadyUpgrade;
use libp2p::swarm::handler::ConnectionEvent;
use libp2p::swarm::{ConnectionHandler, ConnectionHandlerEvent, Stream, SubstreamProtocol};

use super::budget::{Budget, Held, SMALL_TALK};
use super::frames::Decoder;
use super::outgoing::{Outgoing, Waiting};

/// Bytes asked of the stream at once.
const READ: usize = 8 * 1024;
/// Most bytes of frames handed up at once, before others get their turn.
const BATCH: usize = 256 * 1024;

thread_local! {
    /// What a read goes into first: one per thread, not one per link, and zeroed once.
    static SCRATCH: RefCell<Vec<u8>> = RefCell::new(vec![0; READ]);
}

/// What the behaviour asks of a connection.
#[derive(Debug)]
pub enum Order {
    /// Send these frames, in this order.
    Send(Vec<Waiting>),
    /// Send what is queued, end this direction of the stream, and report when the peer has ended
    /// the other. Until told so, a handler whose peer has ended its direction goes on sending: the
    /// peer may know of a better connection that this node has yet to learn of.
    Finish,
}

/// What a connection reports to the behaviour.
#[derive(Debug)]
pub enum Report {
    /// These frames arrived, in this order.
    Received(Vec<Vec<u8>>),
    /// This many frames were dropped, because too many bytes wait already.
    Dropped(u64),
    /// The stream has ended in both directions, in good order.
    Finished,
    /// The stream is of no more use.
    Broken(Fault),
}

/// Why a stream is of no more use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A frame was announced as longer than allowed.
    TooLong,
    /// The stream ended within a frame.
    CutShort,
    /// Unfinished frames of all peers take all the memory that the node gives to them.
    NoRoom,
    /// The peer does not speak the protocol, or opened a stream too many.
    Protocol,
    /// Reading or writing failed.
    Failed,
}

/// Drives the stream of one connection. The dialer opens it.
#[derive(Debug)]
pub struct Handler {
    protocol: StreamProtocol,
    must_open: bool,
    stream: Option<Stream>,
    outgoing: Outgoing,
    needs_flush: bool,
    finishing: bool,
    write_closed: bool,
    read_closed: bool,
    decoder: Decoder,
    /// What the unfinished frame takes of the node's budget.
    unfinished: Held,
    dropped: u64,
    fault: Option<Fault>,
    reported_end: bool,
    waker: Option<Waker>,
}

impl Handler {
    /// The handler of a connection that this node dialled, or did not; the budget is for what
    /// arrives on all its connections.
    #[must_use]
    pub fn new(protocol: StreamProtocol, dialed: bool, incoming: &Budget) -> Self {
        Self {
            protocol,
            must_open: dialed,
            stream: None,
            outgoing: Outgoing::default(),
            needs_flush: false,
            finishing: false,
            write_closed: false,
            read_closed: false,
            decoder: Decoder::default(),
            unfinished: incoming.nothing(),
            dropped: 0,
            fault: None,
            reported_end: false,
            waker: None,
        }
    }

    fn accept(&mut self, stream: Stream) {
        if self.stream.is_some() {
            self.fault.get_or_insert(Fault::Protocol);
        } else {
            self.stream = Some(stream);
        }
    }

    fn enqueue(&mut self, frames: Vec<Waiting>) {
        for frame in frames {
            let is_taken = !self.write_closed && self.outgoing.push(frame);
            self.dropped += u64::from(!is_taken);
        }
    }

    /// Writes until nothing is left or the stream is full; then flushes once.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let Some(stream) = self.stream.as_mut().filter(|_| !self.write_closed) else {
            return Ok(());
        };
        let mut stream = Pin::new(stream);
        loop {
            let bytes = self.outgoing.next_write();
            if bytes.is_empty() {
                break;
            }
            match stream.as_mut().poll_write(cx, bytes)? {
                Poll::Ready(0) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(count) => self.outgoing.advance(count),
                Poll::Pending => return Ok(()),
            }
            self.needs_flush = true;
        }
        if self.needs_flush && stream.as_mut().poll_flush(cx)?.is_ready() {
            self.needs_flush = false;
        }
        if self.finishing && !self.write_closed && !self.needs_flush {
            self.write_closed = stream.as_mut().poll_close(cx)?.is_ready();
        }
        Ok(())
    }

    /// Reads what is there, up to a batch.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Result<Vec<Vec<u8>>, Fault> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        let mut received = Vec::new();
        let total = SCRATCH.with_borrow_mut(|scratch| self.fill(cx, scratch, &mut received));
        if total >= BATCH {
            // There may be more, and the stream will not say so again.
            cx.waker().wake_by_ref();
        }
        if self.read_closed && self.decoder.is_within_frame() {
            self.fault = Some(Fault::CutShort);
        }
        match self.fault {
            Some(fault) if received.is_empty() => Err(fault),
            _ => Ok(received),
        }
    }

    /// Takes in bytes until there are no more or they are enough; says how many.
    fn fill(
        &mut self,
        cx: &mut Context<'_>,
        scratch: &mut [u8],
        received: &mut Vec<Vec<u8>>,
    ) -> usize {
        let Some(stream) = &mut self.stream else { return 0 };
        let mut total = 0;
        while !self.read_closed && total < BATCH {
            match Pin::new(&mut *stream).poll_read(cx, scratch) {
                Poll::Pending => break,
                Poll::Ready(Ok(0)) => self.read_closed = true,
                Poll::Ready(Ok(count)) => {
                    total += count;
                    if self.decoder.push(&scratch[..count], received).is_err() {
                        self.fault = Some(Fault::TooLong);
                        break;
                    }
                }
                Poll::Ready(Err(_)) => {
                    self.read_closed = true;
                    self.fault = Some(Fault::Failed);
                }
            }
        }
        if !self.unfinished.resize(self.decoder.held().saturating_sub(SMALL_TALK)) {
            self.fault.get_or_insert(Fault::NoRoom);
        }
        total
    }

    fn end(&mut self, report: Report) -> Option<Report> {
        (!std::mem::replace(&mut self.reported_end, true)).then_some(report)
    }

    fn next_report(&mut self, cx: &mut Context<'_>) -> Option<Report> {
        if self.dropped > 0 {
            return Some(Report::Dropped(std::mem::take(&mut self.dropped)));
        }
        if self.reported_end {
            return None;
        }
        if self.poll_write(cx).is_err() {
            self.fault.get_or_insert(Fault::Failed);
        }
        match self.poll_read(cx) {
            Err(fault) => return self.end(Report::Broken(fault)),
            Ok(received) if !received.is_empty() => return Some(Report::Received(received)),
            Ok(_) => {}
        }
        if self.write_closed && self.read_closed {
            // A stream that is held keeps its connection from being idle.
            self.stream = None;
            return self.end(Report::Finished);
        }
        None
    }
}

impl ConnectionHandler for Handler {
    type FromBehaviour = Order;
    type ToBehaviour = Report;
    type InboundProtocol = ReadyUpgrade<StreamProtocol>;
    type OutboundProtocol = ReadyUpgrade<StreamProtocol>;
    type InboundOpenInfo = ();
    type OutboundOpenInfo = ();

    fn listen_protocol(&self) -> SubstreamProtocol<Self::InboundProtocol> {
        SubstreamProtocol::new(ReadyUpgrade::new(self.protocol.clone()), ())
    }

    /// A link stands until one side finishes it or it breaks.
    fn connection_keep_alive(&self) -> bool {
        !self.reported_end
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<ConnectionHandlerEvent<Self::OutboundProtocol, (), Self::ToBehaviour>> {
        if std::mem::take(&mut self.must_open) {
            let protocol = SubstreamProtocol::new(ReadyUpgrade::new(self.protocol.clone()), ());
            return Poll::Ready(ConnectionHandlerEvent::OutboundSubstreamRequest { protocol });
        }
        if let Some(report) = self.next_report(cx) {
            return Poll::Ready(ConnectionHandlerEvent::NotifyBehaviour(report));
        }
        self.waker = Some(cx.waker().clone());
        Poll::Pending
    }

    /// The connection is going: what was cut off is still reported.
    fn poll_close(&mut self, _: &mut Context<'_>) -> Poll<Option<Self::ToBehaviour>> {
        let cut = self.decoder.is_within_frame();
        Poll::Ready(if cut { self.end(Report::Broken(Fault::CutShort)) } else { None })
    }

    fn on_behaviour_event(&mut self, order: Order) {
        match order {
            Order::Send(frames) => self.enqueue(frames),
            Order::Finish => self.finishing = true,
        }
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    fn on_connection_event(
        &mut self,
        event: ConnectionEvent<'_, Self::InboundProtocol, Self::OutboundProtocol>,
    ) {
        match event {
            ConnectionEvent::FullyNegotiatedInbound(stream) => self.accept(stream.protocol),
            ConnectionEvent::FullyNegotiatedOutbound(stream) => self.accept(stream.protocol),
            ConnectionEvent::DialUpgradeError(_) | ConnectionEvent::ListenUpgradeError(_) => {
                self.fault.get_or_insert(Fault::Protocol);
            }
            _ => {}
        }
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}
