//! A program that is started and waited for, and that does not outlive the comparison: it leads a
//! process group of its own, all of which is ended when somebody stops the comparison.
use std::fs::OpenOptions;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use super::{RegressFailure, repository};

/// How often the stop flag and the program are looked at.
const LOOK: Duration = Duration::from_millis(20);
/// How long a program that is asked to end may take.
const END_WITHIN: Duration = Duration::from_secs(10);
/// Bytes of a log that are told when something fails.
const LAST_WORDS: usize = 3_000;

/// Runs a program to its end; what it says goes to this file, behind what is there. `None` if it did
/// not end within that time, and was ended.
///
/// # Errors
/// If it cannot be started, and [`RegressFailure::Interrupted`] if it was stopped.
pub(super) fn run(
    command: &mut Command,
    log: &Path,
    within: Duration,
    stop: &AtomicBool,
) -> Result<Option<ExitStatus>, RegressFailure> {
    let file = |source| RegressFailure::File { path: log.to_owned(), source };
    let said = OpenOptions::new().create(true).append(true).open(log).map_err(file)?;
    let also = said.try_clone().map_err(file)?;
    command.stdin(Stdio::null()).stdout(said).stderr(also).process_group(0);
    command.envs([repository::NO_LOCKS]);
    let program = command.get_program().to_string_lossy().into_owned();
    let child = command.spawn().map_err(|source| RegressFailure::Start { program, source })?;
    let mut group = Group { child, has_ended: false };
    let started = Instant::now();
    loop {
        if let Some(status) = group.child.try_wait().map_err(file)? {
            group.has_ended = true;
            return Ok(Some(status));
        }
        if started.elapsed() > within {
            return Ok(None);
        }
        if stop.load(Ordering::Relaxed) {
            return Err(RegressFailure::Interrupted);
        }
        thread::sleep(LOOK);
    }
}

/// The end of a log.
pub(super) fn last_words(log: &Path) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text[text.len().saturating_sub(LAST_WORDS)..]).into_owned();
    text.trim().to_owned()
}

/// A process group, which ends with this value.
struct Group {
    child: Child,
    has_ended: bool,
}

impl Group {
    fn signal(&self, signal: Signal) {
        let leader = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if let Some(leader) = leader {
            // A group that is gone needs no signal.
            let _ = kill_process_group(leader, signal);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if self.has_ended {
            return;
        }
        self.signal(Signal::TERM);
        let asked = Instant::now();
        while asked.elapsed() < END_WITHIN {
            if !matches!(self.child.try_wait(), Ok(None)) {
                break;
            }
            thread::sleep(LOOK);
        }
        // Whoever of the group has not ended by now, the leader's children among them.
        self.signal(Signal::KILL);
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(3_600);

    #[test]
    fn what_takes_too_long_is_ended() {
        let log = tempfile::NamedTempFile::new().expect("a file");
        let stop = AtomicBool::new(false);
        let mut command = Command::new("sleep");
        let status = run(command.arg("600"), log.path(), Duration::ZERO, &stop);
        assert!(matches!(status, Ok(None)), "{status:?}");
    }

    #[test]
    fn what_is_stopped_ends_with_everything_it_has_started() {
        let log = tempfile::NamedTempFile::new().expect("a file");
        let stop = AtomicBool::new(false);
        let outcome = thread::scope(|scope| {
            let child = scope.spawn(|| {
                let script = "sleep 600 & echo $!; wait";
                run(Command::new("sh").args(["-c", script]), log.path(), LONG, &stop)
            });
            while last_words(log.path()).is_empty() {
                thread::sleep(LOOK);
            }
            stop.store(true, Ordering::Relaxed);
            child.join().expect("it does not panic")
        });
        assert!(matches!(outcome, Err(RegressFailure::Interrupted)), "{outcome:?}");
        let sleeper = format!("/proc/{}/stat", last_words(log.path()));
        while std::fs::read_to_string(&sleeper).is_ok_and(|stat| !stat.contains(") Z ")) {
            thread::sleep(LOOK);
        }
    }

    #[test]
    fn what_it_says_is_kept_and_its_end_told() {
        let log = tempfile::NamedTempFile::new().expect("a file");
        let stop = AtomicBool::new(false);
        let script = "echo one; echo two >&2; exit 3";
        let status = run(Command::new("sh").args(["-c", script]), log.path(), LONG, &stop);
        assert_eq!(status.expect("it was started").and_then(|it| it.code()), Some(3));
        assert_eq!(last_words(log.path()), "one\ntwo");
    }
}
