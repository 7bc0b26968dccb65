//! What `manifest.json` says about a run: everything a person needs to judge it or do it again.
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::{Control, Git, Machine, SCHEMA, Status, Toolchain, machine};

/// What is known when a run begins.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The overlays that are measured, at least one.
    pub overlays: Vec<String>,
    /// The scenario's name.
    pub scenario: String,
    /// The resolved scenario, in YAML.
    pub scenario_yaml: String,
    /// Its digest, seeds apart.
    pub scenario_digest: String,
    /// The command line as it was given.
    pub command_line: Vec<String>,
    /// A command that does the same again.
    pub run_again: String,
}

/// The circumstances of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`SCHEMA`] when it was written.
    pub schema: u32,
    /// Name of the run's folder.
    pub id: String,
    /// How it ended; absent while it runs, and for ever if its process was killed.
    pub status: Option<Status>,
    /// When it began, in UTC.
    pub started: String,
    /// When it ended, in UTC.
    pub finished: Option<String>,
    /// The command line as it was given.
    pub command_line: Vec<String>,
    /// A command that does the same again.
    pub run_again: String,
    /// The overlays that are measured.
    pub overlays: Vec<String>,
    /// The scenario's name.
    pub scenario: String,
    /// Digest of the resolved scenario, seeds apart.
    pub scenario_digest: String,
    /// The resolved scenario, in YAML.
    pub scenario_yaml: String,
    /// State of the sources, if there are any.
    pub git: Option<Git>,
    /// What the program was built with.
    pub toolchain: Toolchain,
    /// Where it ran.
    pub machine: Machine,
    /// Load of the machine over one, five and fifteen minutes when the run began.
    pub load_at_start: Option<[f64; 3]>,
    /// The same when it ended.
    pub load_at_end: Option<[f64; 3]>,
    /// The controls of its records; where several have one, the last.
    pub controls: BTreeMap<String, Control>,
}

impl Manifest {
    /// The manifest of a run that begins now.
    pub(crate) fn begin(setup: Setup) -> Self {
        let now = since_epoch();
        let Setup { overlays, scenario, scenario_yaml, scenario_digest, command_line, run_again } =
            setup;
        Self {
            schema: SCHEMA,
            id: id(now, &overlays, std::process::id()),
            status: None,
            started: utc(now),
            finished: None,
            command_line,
            run_again,
            overlays,
            scenario,
            scenario_digest,
            scenario_yaml,
            git: Git::here(),
            toolchain: Toolchain::here(),
            machine: Machine::here(),
            load_at_start: machine::load_average(),
            load_at_end: None,
            controls: BTreeMap::new(),
        }
    }

    /// Notes that the run has not ended.
    pub(crate) fn goes_on(&mut self) {
        (self.status, self.finished, self.load_at_end) = (None, None, None);
    }

    /// Notes that the run ends now.
    pub(crate) fn end(&mut self, status: Status) {
        self.status = Some(status);
        self.finished = Some(utc(since_epoch()));
        self.load_at_end = machine::load_average();
    }
}

/// A folder's name: sorts by time, and two processes never choose the same.
fn id(now: Duration, overlays: &[String], process: u32) -> String {
    let time: String = utc(now).chars().filter(|c| !matches!(c, '-' | ':')).collect();
    let overlay = match overlays {
        [one] => one.as_str(),
        _ => "several",
    };
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    format!("{time}-{}-{process:x}", overlay.chars().map(plain).collect::<String>())
}

fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// A time since the epoch as ISO 8601 writes it, in UTC and whole seconds.
fn utc(since_epoch: Duration) -> String {
    let seconds = since_epoch.as_secs();
    let (year, month, day) = date(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// The Gregorian date this many days after 1970-01-01. Counts in years that begin in March, so
/// that the leap day is a year's last.
fn date(days: u64) -> (u64, u64, u64) {
    /// From 0000-03-01 to 1970-01-01.
    const EPOCH: u64 = 719_468;
    const DAYS_IN_400_YEARS: u64 = 146_097;
    let days = days + EPOCH;
    let day = days % DAYS_IN_400_YEARS;
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let january_or_february = u64::from(month <= 2);
    (days / DAYS_IN_400_YEARS * 400 + year + january_or_february, month, day_of_month)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utc_of_known_instants() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_000_000_000, "2001-09-09T01:46:40Z"),
            (1_709_251_199, "2024-02-29T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(utc(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn a_folder_is_named_by_time_overlay_and_process() {
        let at = Duration::from_secs(1_000_000_000);
        assert_eq!(id(at, &["chord".into()], 0xbeef), "20010909T014640Z-chord-beef");
        assert_eq!(id(at, &["a".into(), "b".into()], 1), "20010909T014640Z-several-1");
    }
}
