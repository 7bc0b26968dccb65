//! What this process uses of the machine, as the kernel counts it.
use std::fs;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};

/// Processor time of this process so far, user and system.
#[must_use]
pub fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Memory of a process in bytes; 0 where the kernel does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// All its pages, those included that it shares with others.
    pub resident: u64,
    /// Its pages, those that it shares divided among the processes that do, so that it adds up.
    pub proportional: u64,
    /// Pages that nobody shares: what one process more costs.
    pub own: u64,
}

/// What this process takes now.
#[must_use]
pub fn memory() -> Memory {
    let Ok(rollup) = fs::read_to_string("/proc/self/smaps_rollup") else {
        return Memory::default();
    };
    let field = |name: &str| {
        let line = rollup.lines().find(|line| line.starts_with(name))?;
        Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? * 1024)
    };
    let field = |name| field(name).unwrap_or(0);
    Memory {
        resident: field("Rss:"),
        proportional: field("Pss:"),
        own: field("Private_Clean:") + field("Private_Dirty:"),
    }
}

/// Raises the bound on open files as far as it goes; gives what it is then.
#[must_use]
pub fn raise_open_files() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let _ = setrlimit(Resource::Nofile, raised);
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}
