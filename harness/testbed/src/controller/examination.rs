//! What a person must know of a machine before the testbed's numbers on it can be trusted: what
//! others do with it, how punctual its clock wakes a process, and how far its own controls spread.
use std::ffi::OsString;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use peerbench_measure::{Progress, load_average};

use super::controls;
use super::processes::Launcher;
use crate::Error;
use crate::clock::{Alarm, Moment};
use crate::control::RoundTrips;
use crate::node::raise_open_files;

/// How long the machine is watched while nothing of ours runs.
const WATCH: Duration = Duration::from_secs(2);
/// How often a process is woken to see how late that is, and how long it sleeps in between.
const WAKES: u32 = 500;
const SLEEP: Duration = Duration::from_millis(2);
/// How often the controls are measured, so that their spread is known.
const REPETITIONS: u64 = 7;

/// What was found. What the kernel does not tell is `None`.
#[derive(Clone, Debug)]
pub struct Examination {
    /// Processors that this process may use.
    pub cores: usize,
    /// Average number of runnable threads over the last 1, 5 and 15 minutes.
    pub load: Option<[f64; 3]>,
    /// Share of all processors' time, 0 to 1, that was used while nothing of ours ran.
    pub busy: Option<f64>,
    /// Share of it, 0 to 1, that the hypervisor gave to other machines meanwhile.
    pub stolen: Option<f64>,
    /// Open files that a process may have.
    pub open_files: u64,
    /// What the kernel reads the time from, such as `tsc`.
    pub clock_source: Option<String>,
    /// How the kernel chooses processors' frequencies, such as `performance`.
    pub governor: Option<String>,
    /// How late a sleeping process is woken, ascending; never empty.
    pub lateness: Vec<Duration>,
    /// Memory in bytes that can be had without swapping.
    pub available_memory: Option<u64>,
    /// Bytes of memory that are swapped out.
    pub swapped: Option<u64>,
    /// Round trips of one plain libp2p stream between two processes; empty if stopped.
    pub round_trips: Vec<RoundTrips>,
    /// How long a fixed computation takes on one core, ascending; empty if stopped.
    pub spins: Vec<Duration>,
}

/// Examines this machine; takes some six seconds. Processes are started from this program, which must
/// call [`node_main`](crate::node_main) when it gets these arguments.
///
/// # Errors
/// If processes cannot be started, or do not answer.
pub fn examine(
    executable: PathBuf,
    arguments: Vec<OsString>,
    progress: &dyn Progress,
    stop: &AtomicBool,
) -> Result<Examination, Error> {
    progress.phase("watching what the machine does by itself");
    let usage = Usage::since(Usage::now(), WATCH);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        progress.phase("measuring how punctual its clock is");
        let lateness = lateness().await?;
        progress.phase("measuring round trips and a fixed computation");
        let (mut round_trips, mut spins) = (Vec::new(), Vec::new());
        for repetition in 0..REPETITIONS {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            let (executable, arguments) = (executable.clone(), arguments.clone());
            // Where it is to connect to is known when somebody listens.
            let control = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
            let launcher = Launcher { executable, arguments, control, token: super::draw_token()? };
            round_trips.push(controls::round_trips(launcher).await?);
            spins.push(controls::spin());
            progress.advance(repetition + 1, REPETITIONS);
        }
        spins.sort_unstable();
        Ok(Examination {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            load: load_average(),
            busy: usage.map(|usage| usage.busy),
            stolen: usage.map(|usage| usage.stolen),
            open_files: raise_open_files(),
            clock_source: word("/sys/devices/system/clocksource/clocksource0/current_clocksource"),
            governor: word("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
            lateness,
            available_memory: memory("MemAvailable:"),
            swapped: memory("SwapTotal:").zip(memory("SwapFree:")).map(|(all, free)| all - free),
            round_trips,
            spins,
        })
    })
}

/// How late a sleeping process is woken, ascending.
async fn lateness() -> Result<Vec<Duration>, Error> {
    let alarm = Alarm::start()?;
    let mut lateness = Vec::with_capacity(WAKES as usize);
    for _ in 0..WAKES {
        let due = Moment::now() + SLEEP;
        alarm.sleep_until(due).await;
        lateness.push(Moment::now().since(due));
    }
    lateness.sort_unstable();
    Ok(lateness)
}

/// Shares of all processors' time, 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Usage {
    busy: f64,
    stolen: f64,
}

impl Usage {
    /// The kernel's counters, in its ticks: user, nice, system, idle, iowait, irq, softirq, steal.
    fn now() -> Option<[u64; 8]> {
        let text = fs::read_to_string("/proc/stat").ok()?;
        let mut counters = text.lines().next()?.split_whitespace().skip(1);
        let mut read = [0; 8];
        for counter in &mut read {
            *counter = counters.next()?.parse().ok()?;
        }
        Some(read)
    }

    /// What happens until so long after these counters were read.
    fn since(earlier: Option<[u64; 8]>, watch: Duration) -> Option<Self> {
        std::thread::sleep(watch);
        earlier.zip(Self::now()).and_then(|(earlier, now)| Self::between(earlier, now))
    }

    fn between(earlier: [u64; 8], now: [u64; 8]) -> Option<Self> {
        let mut ticks = [0; 8];
        for (tick, (now, earlier)) in ticks.iter_mut().zip(now.iter().zip(earlier)) {
            *tick = now.saturating_sub(earlier);
        }
        let [user, nice, system, idle, waiting, irq, softirq, stolen] = ticks;
        let busy = user + nice + system + irq + softirq;
        let all = (busy + idle + waiting + stolen) as f64;
        (all > 0.0).then(|| Self { busy: busy as f64 / all, stolen: stolen as f64 / all })
    }
}

fn word(path: &str) -> Option<String> {
    Some(fs::read_to_string(path).ok()?.trim().to_owned())
}

/// A line of `/proc/meminfo`, in bytes.
fn memory(name: &str) -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? * 1_024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_is_shares_of_all_processors_time() {
        let earlier = [100, 0, 50, 800, 10, 0, 0, 40];
        let now = [130, 5, 60, 840, 10, 2, 3, 50];
        assert_eq!(Usage::between(earlier, now), Some(Usage { busy: 0.5, stolen: 0.1 }));
        assert_eq!(Usage::between(now, now), None, "no time has passed");
    }

    #[test]
    fn a_sleeper_is_woken_when_it_is_time_and_not_before() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let lateness = runtime.expect("there is a runtime").block_on(lateness());
        let lateness = lateness.expect("there is a timer");
        assert_eq!(lateness.len(), WAKES as usize);
        assert!(lateness.is_sorted() && lateness.iter().any(|late| !late.is_zero()));
    }
}
