//! The circumstances of a run: which machine, which build, which state of the sources.
//!
//! All of it is for people who compare runs; nothing of it reaches a figure. What cannot be found
//! out is `None`.
use std::fs;
use std::process::{Command, Stdio};
use std::thread::available_parallelism;

use serde::{Deserialize, Serialize};

/// The machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Model of the first processor.
    pub cpu: Option<String>,
    /// Processors that this process may use.
    pub cores: Option<usize>,
    /// Memory in bytes.
    pub memory_bytes: Option<u64>,
    /// Operating system and architecture.
    pub system: String,
    /// Version of the kernel.
    pub kernel: Option<String>,
}

/// What this program was built with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Toolchain {
    /// Version of the suite.
    pub peerbench: String,
    /// What the compiler calls itself.
    pub rustc: String,
    /// `release` or `debug`.
    pub profile: String,
    /// The target.
    pub target: String,
}

/// State of the sources in the directory where the run was started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Git {
    /// The commit.
    pub commit: String,
    /// Whether tracked files differ from it.
    pub dirty: bool,
}

impl Machine {
    /// This machine.
    #[must_use]
    pub fn here() -> Self {
        let read = |path| fs::read_to_string(path).ok();
        Self {
            cpu: read("/proc/cpuinfo").and_then(|text| field(&text, "model name")),
            cores: available_parallelism().ok().map(Into::into),
            memory_bytes: read("/proc/meminfo")
                .and_then(|text| field(&text, "MemTotal"))
                .and_then(|value| value.strip_suffix(" kB")?.parse::<u64>().ok())
                .map(|kibibytes| kibibytes * 1024),
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            kernel: read("/proc/sys/kernel/osrelease").map(|text| text.trim().to_owned()),
        }
    }
}

impl Toolchain {
    /// What this program was built with.
    #[must_use]
    pub fn here() -> Self {
        Self {
            peerbench: env!("CARGO_PKG_VERSION").to_owned(),
            rustc: env!("PEERBENCH_RUSTC").to_owned(),
            profile: env!("PEERBENCH_PROFILE").to_owned(),
            target: env!("PEERBENCH_TARGET").to_owned(),
        }
    }
}

impl Git {
    /// The state of the current directory's sources; `None` if they are under no version control
    /// or there is no `git` to ask.
    #[must_use]
    pub fn here() -> Option<Self> {
        let commit = git(&["rev-parse", "HEAD"])?.trim().to_owned();
        let changes = git(&["status", "--porcelain", "--untracked-files=no"])?;
        Some(Self { commit, dirty: !changes.trim().is_empty() })
    }
}

/// Runnable threads on average over the last one, five and fifteen minutes.
#[must_use]
pub fn load_average() -> Option<[f64; 3]> {
    let text = fs::read_to_string("/proc/loadavg").ok()?;
    let mut loads = text.split_whitespace().map_while(|load| load.parse().ok());
    Some([loads.next()?, loads.next()?, loads.next()?])
}

fn field(text: &str, name: &str) -> Option<String> {
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(found, _)| found.trim() == name)
        .map(|(_, value)| value.trim().to_owned())
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8(output.stdout).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_by_its_whole_name() {
        let text = "processor\t: 0\nmodel name\t: A: fast one\nMemTotalled: 3\nMemTotal:  17 kB\n";
        assert_eq!(field(text, "model name").as_deref(), Some("A: fast one"));
        assert_eq!(field(text, "MemTotal").as_deref(), Some("17 kB"));
        assert_eq!(field(text, "cores"), None);
    }

    #[test]
    fn the_build_knows_its_compiler() {
        assert!(Toolchain::here().rustc.starts_with("rustc "));
    }
}
