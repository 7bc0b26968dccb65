//! The controller's end of the control connections. Who does not show the run's token is turned
//! away and counted; everything is bounded.
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

use crate::Error;
use crate::control::{self, MAX_HELLO, MAX_MESSAGE, Notice, Order, Token};
use crate::gate::Gate;

/// How long a connection may take to show the token.
const HELLO_WITHIN: Duration = Duration::from_secs(10);
/// How long a process may take to accept an order.
const ORDER_WITHIN: Duration = Duration::from_secs(10);
/// Connections that may stand without having shown the token, besides one for each process. When one
/// more comes, the oldest is hung up on: who says nothing keeps nobody out.
const STRANGERS: usize = 256;
/// Pause after a connection that could not be accepted.
const ACCEPT_AGAIN: Duration = Duration::from_millis(1);
/// Words of all processes that may wait for the controller.
const INBOX: usize = 1_024;

/// What a process said, or that it will say no more.
#[derive(Debug)]
pub(super) enum Word {
    /// The process is there.
    Connected,
    /// It said something.
    Notice(Box<Notice>),
    /// Its connection has ended.
    Gone,
}

/// The control connections of a run.
#[derive(Debug)]
pub(super) struct Hub {
    address: SocketAddr,
    inbox: mpsc::Receiver<(u32, Word)>,
    members: Arc<Members>,
    accepting: AbortHandle,
}

#[derive(Debug)]
struct Members {
    token: Token,
    processes: AtomicU32,
    writers: Mutex<Vec<Option<OwnedWriteHalf>>>,
    admitted: Mutex<BTreeSet<u32>>,
    refused: AtomicU64,
}

impl Hub {
    /// Listens for this many processes.
    ///
    /// # Errors
    /// If there is no loopback port to listen on.
    pub(super) async fn open(token: Token, processes: u32) -> Result<Self, Error> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (sender, inbox) = mpsc::channel(INBOX);
        let members = Arc::new(Members {
            token,
            processes: AtomicU32::new(processes),
            writers: Mutex::new((0..processes).map(|_| None).collect()),
            admitted: Mutex::default(),
            refused: AtomicU64::new(0),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&members), sender)).abort_handle();
        Ok(Self { address, inbox, members, accepting })
    }

    /// Where it listens.
    #[must_use]
    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The next word of any process.
    pub(super) async fn next(&mut self) -> Option<(u32, Word)> {
        self.inbox.recv().await
    }

    /// Tells a process something; false if it is not there to hear it.
    pub(super) async fn tell(&self, process: u32, order: &Order) -> bool {
        let Some(mut writer) = self.members.writer(process, None) else { return false };
        let told = timeout(ORDER_WITHIN, control::write(&mut writer, order)).await;
        let told = matches!(told, Ok(Ok(())));
        if told {
            self.members.writer(process, Some(writer));
        }
        told
    }

    /// One process more may come.
    pub(super) fn expect_another(&self) {
        let mut writers = self.members.writers.lock().unwrap_or_else(PoisonError::into_inner);
        writers.push(None);
        self.members.processes.fetch_add(1, Ordering::Relaxed);
    }

    /// Connections that were turned away so far.
    #[must_use]
    pub(super) fn refused(&self) -> u64 {
        self.members.refused.load(Ordering::Relaxed)
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Members {
    /// Exchanges the writer of a process.
    fn writer(&self, process: u32, writer: Option<OwnedWriteHalf>) -> Option<OwnedWriteHalf> {
        let mut writers = self.writers.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(writers.get_mut(process as usize)?, writer)
    }

    /// Whether this is one of the run's processes, for the first time.
    fn admit(&self, notice: &Notice) -> Option<u32> {
        match notice {
            Notice::Hello { token, process }
                if is_same(token, &self.token)
                    && *process < self.processes.load(Ordering::Relaxed) =>
            {
                let mut admitted = self.admitted.lock().unwrap_or_else(PoisonError::into_inner);
                admitted.insert(*process).then_some(*process)
            }
            _ => None,
        }
    }
}

/// Whether two tokens are the same, in a time that does not tell where they differ.
fn is_same(one: &Token, other: &Token) -> bool {
    one.iter().zip(other).fold(0, |differs, (one, other)| differs | (one ^ other)) == 0
}

async fn accept(listener: TcpListener, members: Arc<Members>, inbox: mpsc::Sender<(u32, Word)>) {
    let door = Gate::default();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // One that is gone before it was accepted is no reason to stop; where there are too many
            // open files, asking again at once would be in vain.
            sleep(ACCEPT_AGAIN).await;
            continue;
        };
        let mut ticket = door.enter(STRANGERS + members.processes.load(Ordering::Relaxed) as usize);
        let (members, inbox) = (Arc::clone(&members), inbox.clone());
        tokio::spawn(async move {
            let admitted = tokio::select! {
                admitted = greet(stream, &members) => admitted,
                () = ticket.sent_away() => None,
            };
            drop(ticket);
            match admitted {
                Some((process, reader)) => forward(process, reader, &inbox).await,
                None => {
                    members.refused.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
    }
}

async fn greet(stream: TcpStream, members: &Members) -> Option<(u32, OwnedReadHalf)> {
    stream.set_nodelay(true).ok()?;
    let (mut reader, writer) = stream.into_split();
    let hello = timeout(HELLO_WITHIN, control::read(&mut reader, MAX_HELLO)).await;
    let process = members.admit(&hello.ok()?.ok()?)?;
    members.writer(process, Some(writer));
    Some((process, reader))
}

async fn forward(process: u32, mut reader: OwnedReadHalf, inbox: &mpsc::Sender<(u32, Word)>) {
    let mut word = Word::Connected;
    while inbox.send((process, word)).await.is_ok() {
        match control::read(&mut reader, MAX_MESSAGE).await {
            Ok(notice) => word = Word::Notice(notice),
            Err(_) => break,
        }
    }
    let _ = inbox.send((process, Word::Gone)).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use overlay_core::{NodeId, Time};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    const TOKEN: Token = [7; 32];

    async fn is_hung_up(mut stream: TcpStream) -> bool {
        stream.read_u8().await.is_err()
    }

    #[tokio::test]
    async fn only_who_shows_the_token_gets_in_and_only_once() {
        let mut hub = Hub::open(TOKEN, 2).await.unwrap();
        let address = hub.address();
        let connect = || TcpStream::connect(address);

        let mut wrong = connect().await.unwrap();
        let hello = Notice::Hello { token: [8; 32], process: 0 };
        control::write(&mut wrong, &hello).await.unwrap();
        assert!(is_hung_up(wrong).await);
        let mut garbage = connect().await.unwrap();
        garbage.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        assert!(is_hung_up(garbage).await);

        let hello = Notice::Hello { token: TOKEN, process: 1 };
        let mut right = connect().await.unwrap();
        control::write(&mut right, &hello).await.unwrap();
        let mut again = connect().await.unwrap();
        assert!(matches!(hub.next().await, Some((1, Word::Connected))));
        control::write(&mut again, &hello).await.unwrap();
        assert!(is_hung_up(again).await);
        assert_eq!(hub.refused(), 3);

        assert!(hub.tell(1, &Order::Look).await);
        assert!(!hub.tell(0, &Order::Look).await);
        let order: Order = control::read(&mut right, MAX_MESSAGE).await.unwrap();
        assert!(matches!(order, Order::Look));
        let hello = Notice::Hello { token: TOKEN, process: 2 };
        let mut early = connect().await.unwrap();
        control::write(&mut early, &hello).await.unwrap();
        assert!(is_hung_up(early).await);
        hub.expect_another();
        let mut another = connect().await.unwrap();
        control::write(&mut another, &hello).await.unwrap();
        assert!(matches!(hub.next().await, Some((2, Word::Connected))));
        drop(right);
        assert!(matches!(hub.next().await, Some((1, Word::Gone))));
    }

    /// Node 0 of two, admitted.
    async fn admitted(hub: &mut Hub) -> TcpStream {
        let mut stream = TcpStream::connect(hub.address()).await.unwrap();
        control::write(&mut stream, &Notice::Hello { token: TOKEN, process: 0 }).await.unwrap();
        assert!(matches!(hub.next().await, Some((0, Word::Connected))));
        stream
    }

    #[tokio::test]
    async fn who_says_nothing_keeps_nobody_out() {
        let mut hub = Hub::open(TOKEN, 2).await.unwrap();
        let mut silent = Vec::new();
        for number in 0..2 * (STRANGERS + 2) {
            let mut stream = TcpStream::connect(hub.address()).await.unwrap();
            if number % 2 == 0 {
                // Half a hello, which is not to be waited for either.
                stream.write_all(&[64, 0, 0]).await.unwrap();
            }
            silent.push(stream);
        }
        let _process = admitted(&mut hub).await;
        assert!(hub.refused() >= STRANGERS as u64 + 2, "{}", hub.refused());
        assert!(is_hung_up(silent.swap_remove(0)).await, "the oldest had to go");
    }

    #[tokio::test]
    async fn a_connection_that_sends_what_is_none_ends_and_takes_no_other_along() {
        let mut hub = Hub::open(TOKEN, 2).await.unwrap();
        let mut process = admitted(&mut hub).await;
        // A message far beyond the bound is announced: nothing is set aside for it.
        process.write_all(&u32::MAX.to_le_bytes()).await.unwrap();
        assert!(matches!(hub.next().await, Some((0, Word::Gone))));
        // Who was there once does not come again, whoever has heard its hello.
        let mut again = TcpStream::connect(hub.address()).await.unwrap();
        control::write(&mut again, &Notice::Hello { token: TOKEN, process: 0 }).await.unwrap();
        assert!(is_hung_up(again).await);
        let mut other = TcpStream::connect(hub.address()).await.unwrap();
        control::write(&mut other, &Notice::Hello { token: TOKEN, process: 1 }).await.unwrap();
        assert!(matches!(hub.next().await, Some((1, Word::Connected))));
        assert!(hub.address().ip().is_loopback());
    }

    /// What a process says in the course of a run, as it goes over its connection.
    async fn recorded() -> (Vec<u8>, Vec<u8>) {
        let (mut hello, mut later) = (Vec::new(), Vec::new());
        let words = [
            Notice::Ready,
            Notice::Neighbors { node: NodeId(0), at: Time::ZERO, neighbors: vec![NodeId(1)] },
            Notice::Finished(Box::default()),
        ];
        let first = Notice::Hello { token: TOKEN, process: 0 };
        control::write(&mut hello, &first).await.unwrap();
        for word in &words {
            control::write(&mut later, word).await.unwrap();
        }
        (hello, later)
    }

    async fn is_refused(address: SocketAddr, bytes: &[u8]) -> bool {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let _ = stream.write_all(bytes).await;
        is_hung_up(stream).await
    }

    #[tokio::test]
    async fn recorded_words_are_nobody_s_on_another_connection() {
        let mut hub = Hub::open(TOKEN, 2).await.unwrap();
        let (hello, later) = recorded().await;
        let all = [&hello[..], &later].concat();
        let mut process = admitted(&mut hub).await;
        // While the process is there, and once it has gone.
        for _ in 0..2 {
            assert!(is_refused(hub.address(), &later).await);
            assert!(is_refused(hub.address(), &all).await);
            let _ = process.shutdown().await;
        }
        assert!(matches!(hub.next().await, Some((0, Word::Gone))));
        assert!(timeout(Duration::from_millis(50), hub.next()).await.is_err(), "not a word");
        assert_eq!(hub.refused(), 4);

        // The next run has another token, and this one no door any more.
        let mut next = Hub::open([8; 32], 2).await.unwrap();
        assert!(is_refused(next.address(), &all).await);
        assert!(timeout(Duration::from_millis(50), next.next()).await.is_err(), "not a word");
        let address = hub.address();
        drop(hub);
        tokio::task::yield_now().await;
        assert!(TcpStream::connect(address).await.is_err());
    }

    #[tokio::test]
    async fn the_words_of_another_are_their_sender_s() {
        let mut hub = Hub::open(TOKEN, 2).await.unwrap();
        let (hello, later) = recorded().await;
        let mut process = TcpStream::connect(hub.address()).await.unwrap();
        control::write(&mut process, &Notice::Hello { token: TOKEN, process: 1 }).await.unwrap();
        process.write_all(&[&hello[..], &later].concat()).await.unwrap();
        assert!(matches!(hub.next().await, Some((1, Word::Connected))));
        for _ in 0..4 {
            assert!(matches!(hub.next().await, Some((1, Word::Notice(_)))));
        }
        let _process = admitted(&mut hub).await;
    }

    #[test]
    fn tokens_are_the_same_or_not() {
        assert!(is_same(&TOKEN, &[7; 32]));
        for place in 0..32 {
            let mut other = TOKEN;
            other[place] ^= 0x80;
            assert!(!is_same(&TOKEN, &other));
        }
    }
}
