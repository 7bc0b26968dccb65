//! What is measured beside the overlay in the same run, so that a reader can tell a slow overlay
//! from a slow machine.
use std::hint::black_box;
use std::time::Duration;

use peerbench_scenario::Transport;
use tokio::time::timeout;

use super::hub::{Hub, Word};
use super::processes::{Launcher, Processes};
use crate::Error;
use crate::clock::Moment;
use crate::control::{Address, Notice, Order, RoundTrips, Standing};

/// Round trips of which the median is taken.
const ROUND_TRIPS: u32 = 2_000;
/// How long the measurement may take.
const WITHIN: Duration = Duration::from_secs(20);
/// The most connections that a libp2p node without an overlay is given: they are dialled at once, and
/// as many more may be under way before the oldest is sent away.
pub(super) const MOST_CONNECTIONS: u32 = 128;
/// Steps of the fixed computation.
const SPIN: u64 = 20_000_000;

/// How long a fixed computation takes on one core: some tens of milliseconds.
#[must_use]
pub(super) fn spin() -> Duration {
    let start = Moment::now();
    let mut word = black_box(1_u64);
    for step in 0..SPIN {
        word = (word ^ step).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(17);
    }
    black_box(word);
    Moment::now().since(start)
}

/// Median round trips of one plain libp2p stream between two processes.
///
/// # Errors
/// If the two processes cannot be started or do not answer in time.
pub(super) async fn round_trips(mut launcher: Launcher) -> Result<RoundTrips, Error> {
    let mut hub = Hub::open(launcher.token, 2).await?;
    launcher.control = hub.address();
    let mut processes = Processes::default();
    let echo = processes.start(&launcher, Vec::new())?;
    let ask = processes.start(&launcher, Vec::new())?;
    match timeout(WITHIN, converse(&mut hub, echo, ask)).await {
        Ok(result) => result,
        Err(_) => Err(Error::Control(format!("no answer within {} s", WITHIN.as_secs()))),
    }
}

async fn converse(hub: &mut Hub, echo: u32, ask: u32) -> Result<RoundTrips, Error> {
    let mut asker_is_there = false;
    let mut address: Option<Address> = None;
    while let Some((process, word)) = hub.next().await {
        match word {
            Word::Connected if process == echo => {
                hub.tell(echo, &Order::Echo).await;
            }
            Word::Connected => asker_is_there = true,
            Word::Gone => return Err(Error::Control("a process of it ended".to_owned())),
            Word::Notice(notice) => match *notice {
                Notice::Listening(addresses) => address = addresses.into_iter().next(),
                Notice::RoundTrips(taken) => return Ok(taken),
                Notice::Failed(why) => return Err(Error::Control(why)),
                _ => {}
            },
        }
        if asker_is_there && let Some(address) = address.take() {
            hub.tell(ask, &Order::Ask { address, times: ROUND_TRIPS }).await;
        }
    }
    Err(Error::Control("the control connections ended".to_owned()))
}

/// What a libp2p node without an overlay takes of the machine, with so many connections over this
/// transport, at most [`MOST_CONNECTIONS`], and nothing to do: the average of two.
///
/// # Errors
/// If the two processes cannot be started or do not answer in time.
pub(super) async fn standing(
    mut launcher: Launcher,
    connections: u32,
    transport: Transport,
) -> Result<Standing, Error> {
    let mut hub = Hub::open(launcher.token, 2).await?;
    launcher.control = hub.address();
    let mut processes = Processes::default();
    processes.start(&launcher, Vec::new())?;
    let terms = (connections, transport);
    match timeout(WITHIN, both_stand(&mut hub, &mut processes, &launcher, terms)).await {
        Ok(result) => result,
        Err(_) => Err(Error::Control(format!("no answer within {} s", WITHIN.as_secs()))),
    }
}

async fn both_stand(
    hub: &mut Hub,
    processes: &mut Processes,
    launcher: &Launcher,
    (connections, transport): (u32, Transport),
) -> Result<Standing, Error> {
    let (mut peer, mut taken): (Option<Address>, Vec<Standing>) = (None, Vec::new());
    while taken.len() < 2 {
        let Some((process, word)) = hub.next().await else { break };
        match word {
            Word::Connected => {
                let peer = peer.clone();
                hub.tell(process, &Order::Stand { peer, connections, transport }).await;
            }
            Word::Gone => return Err(Error::Control("a process of it ended".to_owned())),
            Word::Notice(notice) => match *notice {
                Notice::Listening(addresses) => {
                    peer = addresses.into_iter().next();
                    processes.start(launcher, Vec::new())?;
                }
                Notice::Standing(standing) => taken.push(standing),
                Notice::Failed(why) => return Err(Error::Control(why)),
                _ => {}
            },
        }
    }
    let of = taken.len().max(1) as u64;
    Ok(Standing {
        own_bytes: taken.iter().map(|it| it.own_bytes).sum::<u64>() / of,
        processor: taken.iter().map(|it| it.processor).sum::<u64>() / of,
    })
}
