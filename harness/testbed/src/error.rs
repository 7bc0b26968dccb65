//! What keeps a testbed run from happening.
use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::control::Broken;

/// Why a run did not happen or was broken off. Every process of the run has ended.
#[derive(Debug, Error)]
pub enum Error {
    /// The scenario or one of the files it names.
    #[error(transparent)]
    Scenario(#[from] peerbench_scenario::Error),
    /// The overlay refuses its configuration.
    #[error("overlays.{overlay}.{field}: {message}")]
    Config {
        /// The overlay.
        overlay: &'static str,
        /// The field within its section.
        field: &'static str,
        /// What is wrong with it.
        message: String,
    },
    /// QUIC was asked of a build without it.
    #[error(
        "this build has no QUIC: build with `--features quic`, or set testbed.transport to tcp"
    )]
    NoQuic,
    /// The scenario has weather.
    #[error(
        "the testbed's weather is its machine's: leave network.weather out, or use the simulator"
    )]
    Weather,
    /// The content cannot be read.
    #[error("cannot read the content `{path}`: {source}; let nobody change it during the run")]
    Content {
        /// Where it is.
        path: String,
        /// The operating system's reason.
        source: io::Error,
    },
    /// The content is not what the scenario was read with.
    #[error("the content `{path}` had {was} bytes and has {is} now: start again")]
    ContentChanged {
        /// Where it is.
        path: String,
        /// How long it was, in bytes.
        was: u64,
        /// How long it is, in bytes.
        is: u64,
    },
    /// A node is to come back, but shares its process with others.
    #[error(
        "a fault with back_after needs a process for each node, because a node that comes back is \
         a new process: set testbed.nodes_per_process to 1, or use the simulator"
    )]
    SharedProcess,
    /// The bound on open files is too low, and cannot be raised.
    #[error(
        "the run needs {needed} open files a process, but only {allowed} are allowed: raise the \
         hard limit (`ulimit -Hn`), or run fewer nodes"
    )]
    OpenFiles {
        /// How many are needed.
        needed: u64,
        /// How many are allowed.
        allowed: u64,
    },
    /// A node process cannot be started.
    #[error("cannot start a node process from {executable}: {source}")]
    Spawn {
        /// The program.
        executable: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// Not all processes reached a phase in time.
    #[error(
        "{phase}: no sign from {missing} after {seconds} s; the processes were ended. The machine \
         may be too busy for so many: try fewer nodes, or a larger testbed.nodes_per_process"
    )]
    Deadline {
        /// What was waited for.
        phase: &'static str,
        /// Who is missing.
        missing: String,
        /// How long was waited.
        seconds: u64,
    },
    /// A process ended, or gave up, before the run began.
    #[error("{nodes} ended before the run began: {reason}")]
    Process {
        /// The nodes of the process.
        nodes: String,
        /// Why, as far as is known.
        reason: String,
    },
    /// A node cannot listen.
    #[error("a node cannot listen on a loopback port: {0}")]
    Listen(String),
    /// A control measurement failed.
    #[error("the round trip of a plain libp2p stream could not be measured: {0}")]
    Control(String),
    /// The address table has a row that is no address.
    #[error("the address table from the controller has a row that is no address")]
    Table,
    /// A node process was started by hand.
    #[error(
        "{0} is not set in the environment, or not as the controller sets it: node processes are \
         started by `peerbench bench`, not by hand"
    )]
    Uninvited(&'static str),
    /// The controller died while the process started.
    #[error("the controller that started this process is gone")]
    Orphaned,
    /// The control connection broke.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// The operating system refused something.
    #[error("the operating system refused: {0}")]
    Io(#[from] io::Error),
}
