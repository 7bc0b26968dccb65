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

/// Resident memory and proportional share of it, in bytes; 0 where the kernel does not say. The
/// proportional share divides pages among the processes that share them, so it adds up.
#[must_use]
pub fn memory() -> (u64, u64) {
    let Ok(rollup) = fs::read_to_string("/proc/self/smaps_rollup") else { return (0, 0) };
    let field = |name: &str| {
        let line = rollup.lines().find(|line| line.starts_with(name))?;
        Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? * 1024)
    };
    (field("Rss:").unwrap_or(0), field("Pss:").unwrap_or(0))
}

/// Raises the bound on open files as far as it goes; gives what it is then.
#[must_use]
pub fn raise_open_files() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let _ = setrlimit(Resource::Nofile, raised);
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}
