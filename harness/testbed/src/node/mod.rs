//! A node process: some nodes of the run, each with its own swarm and listener, on one
//! current-thread runtime.
mod agenda;
mod contents;
mod frame_shaper;
mod host;
mod machine;
mod member;
mod process;
mod usage;
mod window;

use std::env;
use std::net::SocketAddr;
use std::process::ExitCode;

use overlay_core::Overlay;
use rustix::process::{Signal, getppid, set_parent_process_death_signal};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;

pub use host::{Figures, Host, HostNotice, HostOrder, Schedule, Ways};
pub use machine::{Identity, Machine, Recorded};
pub use usage::{Memory, memory, processor_time, raise_open_files};

use crate::control::{
    self, ADDRESS_VARIABLE, MAX_MESSAGE, Notice, Order, PARENT_VARIABLE, PROCESS_VARIABLE,
    TOKEN_VARIABLE, Token,
};
use crate::{Error, probe};

/// Orders that may wait for the process.
const ORDERS: usize = 256;

/// Runs a node process to its end: the body of the hidden subcommand that the controller starts.
///
/// It takes the controller's address and the run's token from the environment, and ends when the
/// control connection ends.
#[must_use]
pub fn node_main<O: Overlay>() -> ExitCode {
    match run::<O>() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("peerbench node: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run<O: Overlay>() -> Result<(), Error> {
    let invitation = Invitation::from_environment()?;
    die_with_the_controller(invitation.parent)?;
    let _ = raise_open_files();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(serve::<O>(invitation))
}

async fn serve<O: Overlay>(invitation: Invitation) -> Result<(), Error> {
    let stream = TcpStream::connect(invitation.address).await?;
    stream.set_nodelay(true)?;
    let (reader, writer) = stream.into_split();
    let mut controller = Controller { orders: receive(reader), writer };
    let Invitation { token, process, .. } = invitation;
    controller.tell(&Notice::Hello { token, process }).await?;
    let outcome = match controller.orders.recv().await {
        Some(Order::Setup(setup)) => process::run::<O>(&setup, &token, &mut controller).await,
        Some(Order::Echo) => probe::echo(&mut controller).await,
        Some(Order::Stand { peer, connections, transport }) => {
            probe::stand(peer.as_ref(), connections, transport, &mut controller).await
        }
        Some(Order::Ask { address, times }) => probe::ask(&address, times, &mut controller).await,
        _ => Ok(()),
    };
    if let Err(error) = &outcome {
        // The controller says why the run failed; this process's own words may not be seen.
        let _ = controller.tell(&Notice::Failed(error.to_string())).await;
    }
    outcome
}

/// The process's end of the control connection.
pub struct Controller {
    /// What it asks; ends with the connection.
    pub orders: mpsc::Receiver<Order>,
    writer: OwnedWriteHalf,
}

impl Controller {
    /// Tells the controller something.
    ///
    /// # Errors
    /// If the connection has ended.
    pub async fn tell(&mut self, notice: &Notice) -> Result<(), Error> {
        Ok(control::write(&mut self.writer, notice).await?)
    }
}

/// Reads orders in a task of their own: reading a message must not be broken off half way.
fn receive(mut reader: OwnedReadHalf) -> mpsc::Receiver<Order> {
    let (sender, receiver) = mpsc::channel(ORDERS);
    tokio::spawn(async move {
        while let Ok(order) = control::read(&mut reader, MAX_MESSAGE).await {
            if sender.send(order).await.is_err() {
                break;
            }
        }
    });
    receiver
}

/// What the controller put into the environment.
struct Invitation {
    address: SocketAddr,
    token: Token,
    process: u32,
    parent: i32,
}

impl Invitation {
    fn from_environment() -> Result<Self, Error> {
        Ok(Self {
            address: variable(ADDRESS_VARIABLE, |text| text.parse().ok())?,
            token: variable(TOKEN_VARIABLE, parse_token)?,
            process: variable(PROCESS_VARIABLE, |text| text.parse().ok())?,
            parent: variable(PARENT_VARIABLE, |text| text.parse().ok())?,
        })
    }
}

fn variable<T>(name: &'static str, parse: impl FnOnce(&str) -> Option<T>) -> Result<T, Error> {
    env::var(name).ok().as_deref().and_then(parse).ok_or(Error::Uninvited(name))
}

fn parse_token(text: &str) -> Option<Token> {
    let bytes: Option<Vec<u8>> = (0..text.len() / 2)
        .map(|index| u8::from_str_radix(text.get(2 * index..2 * index + 2)?, 16).ok())
        .collect();
    bytes?.try_into().ok()
}

/// Has the kernel kill this process when its controller dies, however it dies.
fn die_with_the_controller(parent: i32) -> Result<(), Error> {
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(std::io::Error::from)?;
    // The controller may have died before the line above.
    if getppid().is_none_or(|pid| pid.as_raw_nonzero().get() != parent) {
        return Err(Error::Orphaned);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_64_hexadecimal_digits() {
        assert_eq!(parse_token(&"0f".repeat(32)), Some([0x0f; 32]));
        for wrong in [String::new(), "0f".repeat(31), "xy".repeat(32), "é".repeat(32)] {
            assert_eq!(parse_token(&wrong), None);
        }
    }
}
