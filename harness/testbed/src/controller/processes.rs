//! The node processes of a run: started, struck, and in the end killed and reaped, whichever way
//! the run ends.
use std::ffi::OsString;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use overlay_core::NodeId;
use rustix::process::{Pid, Signal, kill_process};

use crate::Error;
use crate::control::{ADDRESS_VARIABLE, PARENT_VARIABLE, PROCESS_VARIABLE, TOKEN_VARIABLE, Token};

/// Nodes named one by one in a message; the others are counted.
const NAMED: usize = 8;

/// How node processes are started.
#[derive(Clone, Debug)]
pub(super) struct Launcher {
    /// The program.
    pub(super) executable: PathBuf,
    /// Its arguments, up to where it calls `node_main`.
    pub(super) arguments: Vec<OsString>,
    /// Where the controller listens.
    pub(super) control: SocketAddr,
    /// The run's token.
    pub(super) token: Token,
}

impl Launcher {
    fn start(&self, number: u32) -> Result<Child, Error> {
        let token = self.token.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        });
        Command::new(&self.executable)
            .args(&self.arguments)
            .env(ADDRESS_VARIABLE, self.control.to_string())
            .env(TOKEN_VARIABLE, token)
            .env(PROCESS_VARIABLE, number.to_string())
            .env(PARENT_VARIABLE, std::process::id().to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            // Ctrl-C at the terminal is the controller's to handle, not theirs.
            .process_group(0)
            .spawn()
            .map_err(|source| Error::Spawn { executable: self.executable.clone(), source })
    }
}

/// Where a process is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// It runs.
    Running,
    /// The scenario has stopped it for good.
    Struck,
    /// It ended unasked.
    Lost,
}

/// One node process.
#[derive(Debug)]
pub(super) struct Process {
    /// The nodes it runs, ascending.
    pub(super) nodes: Vec<NodeId>,
    /// Where it is in its life.
    pub(super) condition: Condition,
    child: Child,
}

impl Process {
    /// Whether it has ended by itself.
    pub(super) fn has_exited(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)) | Err(_))
    }

    /// Sends it a signal.
    pub(super) fn signal(&self, signal: Signal) {
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // A process that has ended is not reaped yet: the number is still its own.
            let _ = kill_process(pid, signal);
        }
    }
}

/// All processes of a run. Dropping them ends them.
#[derive(Debug, Default)]
pub(super) struct Processes(pub Vec<Process>);

impl Processes {
    /// Starts one more, for these nodes.
    ///
    /// # Errors
    /// If the operating system does not start it.
    pub(super) fn start(&mut self, launcher: &Launcher, nodes: Vec<NodeId>) -> Result<u32, Error> {
        let number = self.0.len() as u32;
        let child = launcher.start(number)?;
        self.0.push(Process { nodes, condition: Condition::Running, child });
        Ok(number)
    }

    /// Ends the processes that this node had before, if it has left without ending. Whether none is
    /// there any more.
    pub(super) fn end_those_of(&mut self, node: NodeId) -> bool {
        let mut are_gone = true;
        for process in self.0.iter_mut().filter(|process| process.nodes.contains(&node)) {
            if !process.has_exited() {
                are_gone = false;
                process.condition = Condition::Struck;
                process.signal(Signal::KILL);
            }
        }
        are_gone
    }

    /// Names the nodes of some processes.
    #[must_use]
    pub(super) fn name(&self, numbers: impl IntoIterator<Item = u32>) -> String {
        let nodes: Vec<NodeId> = numbers
            .into_iter()
            .filter_map(|number| self.0.get(number as usize))
            .flat_map(|process| process.nodes.iter().copied())
            .collect();
        name_nodes(&nodes)
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        for process in &mut self.0 {
            let _ = process.child.kill();
        }
        for process in &mut self.0 {
            let _ = process.child.wait();
        }
    }
}

/// The first of some nodes by name, the others as a number.
pub(super) fn name_nodes(nodes: &[NodeId]) -> String {
    let named: Vec<String> = nodes.iter().take(NAMED).map(NodeId::to_string).collect();
    match nodes.len().saturating_sub(NAMED) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_nodes_are_named_and_many_counted() {
        let nodes: Vec<NodeId> = (0..10).map(NodeId).collect();
        assert_eq!(name_nodes(&nodes[..2]), "n0, n1");
        assert_eq!(name_nodes(&nodes), "n0, n1, n2, n3, n4, n5, n6, n7 and 2 more");
    }
}
