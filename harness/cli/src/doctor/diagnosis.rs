//! From what was found on a machine to what that means for the testbed's numbers, and what to do.
use std::fmt::Write as _;
use std::time::Duration;

use peerbench_testbed::Examination;

/// Emulated latencies begin at some milliseconds: a wake-up may be a small part of that late.
const PUNCTUAL: Duration = Duration::from_micros(500);
const LATE: Duration = Duration::from_millis(5);
/// Messages of the trial run, which wait for other processes as well.
const PROMPT_US: f64 = 2_000.0;
const OVERLOADED_US: f64 = 20_000.0;
/// How far repetitions of a control may spread, as a share of their median: half of the 20 % that a
/// comparison on the testbed is to find.
const STEADY: f64 = 0.1;
const ERRATIC: f64 = 0.5;
/// What a process may need of open files besides one for each other node.
const OTHER_FILES: u64 = 64;
/// What nodes may take of the memory that is there.
const MOST_OF_MEMORY: f64 = 0.8;
/// The column where what was found begins.
const INDENT: usize = 26;

/// What is known of the machine, and what it is to do.
#[derive(Clone, Debug)]
pub(crate) struct Evidence {
    pub(crate) is_optimised: bool,
    /// How many nodes a person wants to run.
    pub(crate) nodes: u32,
    pub(crate) examination: Examination,
    pub(crate) trial: Trial,
}

/// What a short run has shown; `None` where it showed nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trial {
    pub(crate) bytes_per_node: Option<f64>,
    /// The lateness that 1 % of the messages exceeded.
    pub(crate) lateness_us: Option<f64>,
    /// Share of the lookups that were right.
    pub(crate) correct: Option<f64>,
}

/// What something means for the testbed's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    /// It does not disturb them.
    Sound,
    /// They may be off: differences of some per cent are no differences.
    Doubtful,
    /// They are worth nothing, or there are none.
    Unfit,
}

/// One thing that was looked at.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    what: &'static str,
    found: String,
    verdict: Verdict,
    /// What to do about it; said unless it is sound.
    remedy: &'static str,
}

/// Everything that was looked at.
#[derive(Clone, Debug)]
pub(crate) struct Diagnosis {
    title: String,
    findings: Vec<Finding>,
}

/// Judges what was found, cheap remedies first.
pub(crate) fn diagnose(evidence: &Evidence) -> Diagnosis {
    let Evidence { examination, nodes, .. } = evidence;
    let findings = [
        build(evidence.is_optimised),
        Some(others(examination)),
        stolen(examination),
        Some(open_files(examination, *nodes)),
        memory(evidence),
        swapping(examination),
        clock(examination),
        Some(wake_ups(examination)),
        frequency(examination),
        steadiness("fixed computation", examination.spins.iter().map(Duration::as_secs_f64)),
        steadiness(
            "round trip, busy",
            examination.round_trips.iter().map(|taken| taken.busy as f64 / 1e9),
        ),
        steadiness(
            "round trip, paced",
            examination.round_trips.iter().map(|taken| taken.paced as f64 / 1e9),
        ),
        trial(evidence.trial),
    ];
    let title =
        format!("testbed of {nodes} nodes on this machine, {} processors", examination.cores);
    Diagnosis { title, findings: findings.into_iter().flatten().collect() }
}

/// The verdict on a number of which less is better.
fn at_most(number: f64, sound: f64, doubtful: f64) -> Verdict {
    match number {
        number if number <= sound => Verdict::Sound,
        number if number <= doubtful => Verdict::Doubtful,
        _ => Verdict::Unfit,
    }
}

fn build(is_optimised: bool) -> Option<Finding> {
    (!is_optimised).then(|| Finding {
        what: "build",
        found: "without optimisation".to_owned(),
        verdict: Verdict::Doubtful,
        remedy: "processor time is several times what it should be: `cargo run --release -- doctor`",
    })
}

fn others(examination: &Examination) -> Finding {
    let Examination { load, busy, cores, .. } = examination;
    let load_of = |load: [f64; 3]| load[0] / *cores as f64;
    let now = busy.or(load.map(load_of)).unwrap_or(1.0);
    let load =
        load.map_or(String::new(), |load| format!("; load {:.2} over the last minute", load[0]));
    Finding {
        what: "other work",
        found: format!("{:.1} % of the processors busy{load}", 100.0 * now),
        verdict: at_most(now, 0.05, 0.5),
        remedy: "stop what else is running (`top` shows it), or compare interleaved: `peerbench \
                 regress --testbed`",
    }
}

fn stolen(examination: &Examination) -> Option<Finding> {
    let stolen = examination.stolen?;
    Some(Finding {
        what: "stolen time",
        found: format!("{:.1} % went to other machines of the same host", 100.0 * stolen),
        verdict: at_most(stolen, 0.01, 0.2),
        remedy: "processors are shared with strangers: use a machine of your own, repeat \
                 (`--rounds 5`), or compare in the simulator, which is exact anywhere",
    })
}

fn open_files(examination: &Examination, nodes: u32) -> Finding {
    let (allowed, needed) = (examination.open_files, u64::from(nodes) + OTHER_FILES);
    Finding {
        what: "open files",
        found: format!("{allowed} a process, at most {needed} needed"),
        verdict: if allowed >= needed { Verdict::Sound } else { Verdict::Unfit },
        remedy: "raise the hard limit: `ulimit -Hn`, or `nofile` in /etc/security/limits.conf",
    }
}

fn memory(evidence: &Evidence) -> Option<Finding> {
    let available = evidence.examination.available_memory? as f64;
    let each = evidence.trial.bytes_per_node?;
    let needed = each * f64::from(evidence.nodes);
    let share = needed / available;
    Some(Finding {
        what: "memory",
        found: format!(
            "{:.1} MB a node, {:.2} of {:.1} GB available",
            each / 1e6,
            needed / 1e9,
            available / 1e9
        ),
        verdict: at_most(share, MOST_OF_MEMORY, MOST_OF_MEMORY),
        remedy: "run fewer nodes, or several in a process: `--set testbed.nodes_per_process=8`",
    })
}

fn swapping(examination: &Examination) -> Option<Finding> {
    let swapped = examination.swapped.filter(|bytes| *bytes > 0)?;
    Some(Finding {
        what: "swap",
        found: format!("{:.0} MB are swapped out", swapped as f64 / 1e6),
        verdict: Verdict::Doubtful,
        remedy: "a node that is fetched from the disk is late: free memory, then `swapoff -a`",
    })
}

fn clock(examination: &Examination) -> Option<Finding> {
    let source = examination.clock_source.clone()?;
    let is_fast = !matches!(source.as_str(), "hpet" | "acpi_pm" | "jiffies" | "refined-jiffies");
    Some(Finding {
        what: "clock",
        found: source,
        verdict: if is_fast { Verdict::Sound } else { Verdict::Doubtful },
        remedy: "every look at this clock is slow: another one may be in \
                 /sys/devices/system/clocksource/clocksource0/available_clocksource",
    })
}

fn wake_ups(examination: &Examination) -> Finding {
    let lateness = &examination.lateness;
    let at = |share: f64| lateness[((lateness.len() - 1) as f64 * share).round() as usize];
    let late = at(0.99);
    Finding {
        what: "wake-ups",
        found: format!(
            "{:.0} µs late in the middle, {:.0} µs for 1 %",
            at(0.5).as_secs_f64() * 1e6,
            late.as_secs_f64() * 1e6
        ),
        verdict: at_most(late.as_secs_f64(), PUNCTUAL.as_secs_f64(), LATE.as_secs_f64()),
        remedy: "emulated latencies are late by as much: stop other work, forbid deep sleep of the \
                 processors (`cpupower idle-set -D 50`)",
    }
}

fn frequency(examination: &Examination) -> Option<Finding> {
    let governor = examination.governor.clone()?;
    Some(Finding {
        what: "frequency",
        verdict: if governor == "performance" { Verdict::Sound } else { Verdict::Doubtful },
        found: format!("chosen by `{governor}`"),
        remedy: "the same work takes another time at another load: `cpupower frequency-set -g \
                 performance`",
    })
}

/// How far repetitions of a control, in seconds, are apart; the outermost on both sides left out, as
/// one disturbance is nobody's fault.
fn steadiness(what: &'static str, seconds: impl Iterator<Item = f64>) -> Option<Finding> {
    let mut seconds: Vec<f64> = seconds.collect();
    seconds.sort_unstable_by(f64::total_cmp);
    let inner = seconds.get(1..seconds.len().checked_sub(1)?)?;
    let (first, last) = (inner.first()?, inner.last()?);
    let median = inner[inner.len() / 2];
    let spread = (last - first) / median;
    let shown = match median {
        median if median >= 1e-3 => format!("{:.1} ms", median * 1e3),
        median => format!("{:.0} µs", median * 1e6),
    };
    Some(Finding {
        what,
        found: format!("{shown}, repetitions {:.0} % apart", 100.0 * spread),
        verdict: at_most(spread, STEADY, ERRATIC),
        remedy: "smaller differences than that mean nothing here: repeat with `--rounds`, or compare \
                 interleaved: `peerbench regress --testbed`",
    })
}

fn trial(trial: Trial) -> Option<Finding> {
    let (late, correct) = (trial.lateness_us?, trial.correct?);
    let verdict = at_most(late, PROMPT_US, OVERLOADED_US);
    let verdict = if correct < 1.0 { verdict.max(Verdict::Doubtful) } else { verdict };
    Some(Finding {
        what: "trial run",
        found: format!(
            "messages {:.2} ms late for 1 %, {:.1} % of lookups right",
            late / 1e3,
            100.0 * correct
        ),
        verdict,
        remedy: "the machine does not keep up: fewer nodes, or a lower `--set workload.rate`",
    })
}

impl Diagnosis {
    /// The worst of all findings'.
    pub(crate) fn verdict(&self) -> Verdict {
        self.findings.iter().map(|finding| finding.verdict).max().unwrap_or(Verdict::Sound)
    }

    /// The findings for a terminal of this many columns.
    pub(crate) fn terminal(&self, width: usize, colour: bool) -> String {
        let paint = |text: &str, code: &str| match colour {
            true => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
            false => text.to_owned(),
        };
        let mut text = format!("{}\n", paint(&self.title, "1"));
        let mut said = "";
        for Finding { what, found, verdict, remedy } in &self.findings {
            let (word, code) = match verdict {
                Verdict::Sound => ("ok", "32"),
                Verdict::Doubtful => ("doubt", "33"),
                Verdict::Unfit => ("unfit", "31"),
            };
            let _ = writeln!(text, "{} {what:19}{found}", paint(&format!("{word:6}"), code));
            if *verdict != Verdict::Sound && std::mem::replace(&mut said, remedy) != *remedy {
                for (place, line) in
                    wrap(remedy, width.saturating_sub(INDENT + 2)).iter().enumerate()
                {
                    let mark = if place == 0 { "→" } else { " " };
                    let _ = writeln!(text, "{:INDENT$}{mark} {line}", "");
                }
            }
        }
        let conclusion = match self.verdict() {
            Verdict::Sound => "The testbed's numbers can be trusted here.",
            Verdict::Doubtful => {
                "The testbed's numbers are good for large differences; the simulator's are exact \
                 anywhere."
            }
            Verdict::Unfit => {
                "Do not trust the testbed's numbers here; the simulator's are exact anywhere."
            }
        };
        let _ = writeln!(text, "{}", paint(conclusion, "1"));
        text
    }
}

/// Lines of at most so many characters, or of one word.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use peerbench_testbed::control::RoundTrips;

    use super::*;

    fn quiet() -> Evidence {
        let micros = |micros: &[u64]| micros.iter().copied().map(Duration::from_micros).collect();
        let round_trips = [40, 41, 41, 42, 42, 43, 90];
        Evidence {
            is_optimised: true,
            nodes: 64,
            trial: Trial {
                bytes_per_node: Some(1.6e6),
                lateness_us: Some(600.0),
                correct: Some(1.0),
            },
            examination: Examination {
                cores: 2,
                load: Some([0.1, 0.2, 0.3]),
                busy: Some(0.02),
                stolen: Some(0.0),
                open_files: 1_048_576,
                clock_source: Some("tsc".to_owned()),
                governor: Some("performance".to_owned()),
                lateness: micros(&[20, 30, 40, 60, 200]),
                available_memory: Some(20_000_000_000),
                swapped: Some(0),
                round_trips: round_trips
                    .map(|micros| RoundTrips { busy: micros * 500, paced: micros * 1_000 })
                    .into(),
                spins: micros(&[40_000, 40_100, 40_200, 40_300, 60_000]),
            },
        }
    }

    #[test]
    fn a_quiet_machine_can_be_trusted() {
        let diagnosis = diagnose(&quiet());
        assert_eq!(diagnosis.verdict(), Verdict::Sound);
        insta::assert_snapshot!(diagnosis.terminal(100, false));
    }

    #[test]
    fn everything_that_is_wrong_comes_with_its_remedy() {
        let mut evidence = quiet();
        evidence.is_optimised = false;
        evidence.nodes = 20_000;
        evidence.trial.lateness_us = Some(40_000.0);
        let examination = &mut evidence.examination;
        examination.busy = Some(0.9);
        examination.stolen = Some(0.03);
        examination.open_files = 1_024;
        examination.clock_source = Some("hpet".to_owned());
        examination.governor = Some("powersave".to_owned());
        examination.lateness = vec![Duration::from_millis(2)];
        examination.swapped = Some(3_000_000);
        examination.spins = (4..9).map(|step| Duration::from_millis(10 * step)).collect();
        examination.round_trips.iter_mut().enumerate().for_each(|(place, taken)| {
            taken.busy *= 1 + place as u64 / 2;
            taken.paced += place as u64 * 3_000;
        });
        let diagnosis = diagnose(&evidence);
        assert_eq!(diagnosis.verdict(), Verdict::Unfit);
        assert!(diagnosis.findings.iter().all(|finding| finding.verdict > Verdict::Sound));
        insta::assert_snapshot!(diagnosis.terminal(80, false));
    }

    #[test]
    fn what_the_kernel_does_not_tell_is_not_judged() {
        let mut evidence = quiet();
        let examination = &mut evidence.examination;
        (examination.stolen, examination.clock_source) = (None, None);
        (examination.governor, examination.available_memory) = (None, None);
        evidence.trial.lateness_us = None;
        let diagnosis = diagnose(&evidence);
        let named: Vec<&str> = diagnosis.findings.iter().map(|finding| finding.what).collect();
        let rest = [
            "other work",
            "open files",
            "wake-ups",
            "fixed computation",
            "round trip, busy",
            "round trip, paced",
        ];
        assert_eq!(named, rest);
    }
}
