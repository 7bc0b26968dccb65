//! The command line.
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use peerbench_measure::Driver;
use peerbench_reports::sweep::{DEFAULT_X, DEFAULT_Y};

/// Where a newcomer may begin.
const EXAMPLES: &str = "\
Examples:
  peerbench bench chord                                      testbed and simulator side by side
  peerbench bench chord --driver simulator --nodes 100000    in virtual time
  peerbench bench tracker flooding chord                     overlays side by side, in one world
  peerbench freeloaders                                      who resists those who only take
  peerbench config show > mine.yaml                          a scenario to change, then
  peerbench bench chord --scenario mine.yaml                 to run";

/// Benchmarks peer-to-peer overlays: lookup latency, state size, bandwidth and freeloader
/// resistance, on real libp2p processes and in a deterministic simulator.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100, subcommand_required = true, after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Measure overlays in one scenario and print the table
    Bench(Bench),
    /// Print the tables of stored runs again, and make the page for a browser
    Report(Report),
    /// Print stored runs side by side: overlays, or versions of one, in the same world
    Compare(Compare),
    /// Say whether a change has made an overlay worse: what the simulator measures now against what
    /// was accepted, or one stored run against another
    Gate(Gate),
    /// Say whether a change of the sources makes an overlay worse than another revision of them: both
    /// are built and measured, in the simulator and on request on the testbed in turns
    Regress(Regress),
    /// Write stored runs for other programs: benchstat, github-action-benchmark, Bencher, tables
    Export(Export),
    /// Keep, show and change what was accepted, which `gate` compares to
    #[command(subcommand)]
    Baseline(Baseline),
    /// Say whether the testbed's numbers can be trusted on this machine, and what to do if not
    #[command(after_help = DOCTOR_CODES)]
    Doctor(Doctor),
    /// List what there is to choose from
    List {
        /// What to list
        what: Listed,
    },
    /// Say what a metric means, in which unit, and how it is measured
    Explain {
        /// The metric's name, as `peerbench list metrics` shows it
        metric: String,
    },
    /// Print what papers published beside what comes out here
    Papers {
        /// Only the set-ups whose names begin like this, such as `chord-failures`
        scenario: Option<String>,
        /// Where files are that do not come with peerbench, such as p2p-Gnutella08.txt from
        /// snap.stanford.edu; what needs a missing one is skipped
        #[arg(long, default_value = "../shared/data", value_name = "FOLDER")]
        data: PathBuf,
    },
    /// Show who resists nodes that take without giving: penalty, slowdown and a curve for each overlay
    Freeloaders(Freeloaders),
    /// Show by runs what a lecture says about overlays; `peerbench list lessons` names them
    Lesson(Lesson),
    /// Run every combination of some parameters' values, and show what each costs against what it
    /// gives
    Sweep(Sweep),
    /// Look for worlds that an overlay does not outlive: drawn by chance, simulated, shrunk
    FuzzWorld(FuzzWorld),
    /// Check, show and describe scenarios
    #[command(subcommand)]
    Config(Config),
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Throw random and damaged frames at every decoder and overlay
    #[command(hide = true)]
    FuzzFrames(FuzzFrames),
    /// Be a node process of the testbed; started by `bench`
    #[command(hide = true)]
    Node {
        /// The overlay to run
        overlay: String,
    },
}

/// What `fuzz-frames` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct FuzzFrames {
    /// Overlays and decoders; all by default
    #[arg(value_name = "TARGET")]
    pub(crate) targets: Vec<String>,
    /// How many frames for each
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    pub(crate) frames: u64,
    /// What everything follows from
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Change the scenario of the overlays' networks
    #[arg(long = "set", value_name = "FIELD=VALUE")]
    pub(crate) assignments: Vec<String>,
}

/// Which world the nodes run in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DriverChoice {
    /// Real processes on libp2p
    Testbed,
    /// Virtual time
    Simulator,
    /// One after the other, side by side in the table
    Both,
}

/// What `peerbench list` lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Listed {
    /// The overlays that can be measured
    Overlays,
    /// The scenarios that come with the program
    Scenarios,
    /// The lessons, with what each teaches
    Lessons,
    /// The metrics, with their units
    Metrics,
    /// How nodes freeload, and in which overlays
    Strategies,
}

/// A scenario and what the command line changes in it.
#[derive(Args, Debug, Default)]
pub(crate) struct ScenarioChoice {
    /// A scenario file, or a name that `peerbench list scenarios` shows [default: `default`; to
    /// bench swarms alone `swarm`; for freeloaders `freeloaders`]
    #[arg(long, value_name = "FILE|NAME")]
    pub(crate) scenario: Option<String>,
    /// Set a field of the scenario, such as `workload.rate=100/s`; may be repeated
    #[arg(long = "set", value_name = "FIELD=VALUE")]
    pub(crate) assignments: Vec<String>,
    /// Number of nodes: short for `--set nodes=N`
    #[arg(long, value_name = "N")]
    pub(crate) nodes: Option<u32>,
    /// Seeds, such as `7`, `1,2,3` or `1..16`: one run each
    #[arg(long, visible_alias = "seed", value_name = "SEEDS")]
    pub(crate) seeds: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct Bench {
    /// The overlays to measure, as `peerbench list overlays` shows them
    ///
    /// Several are compared, each in the same worlds. The scenario's seeds are run on both drivers;
    /// where they are just the default seed 1 and no `--seeds` are named, the simulator runs seeds 1
    /// to 16 (up to 4,096 nodes), so that differences have intervals.
    #[arg(required = true, value_name = "OVERLAY")]
    pub(crate) overlays: Vec<String>,
    /// The overlay that the others are compared to; the first, unless named
    #[arg(long, value_name = "OVERLAY")]
    pub(crate) reference: Option<String>,
    #[command(flatten)]
    pub(crate) scenario: ScenarioChoice,
    /// Let everybody download this file, or this folder: short for a scenario of downloads (`swarm`,
    /// unless another is named) with `--set workload.content=PATH`
    #[arg(long, value_name = "PATH")]
    pub(crate) content: Option<PathBuf>,
    /// What the nodes run in
    #[arg(long, value_enum, default_value_t = DriverChoice::Both)]
    pub(crate) driver: DriverChoice,
    /// Repetitions on the testbed, whose numbers are noisy
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rounds: u32,
    /// Where runs are stored
    #[arg(long, default_value = "reports/runs", value_name = "FOLDER")]
    pub(crate) reports: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct Report {
    /// The folders of stored runs, or their names among those stored; several are put together
    #[arg(default_value = "latest", value_name = "RUN")]
    pub(crate) runs: Vec<String>,
    /// Write the page for a browser to this file; one run's goes into its folder in any case
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// Write the Markdown summary to this file as well; `-` prints it instead of the table
    #[arg(long, value_name = "FILE")]
    pub(crate) md: Option<PathBuf>,
    /// Show the page in a browser
    #[arg(long)]
    pub(crate) open: bool,
    /// The overlay that the others are compared to; the first of the run, unless named
    #[arg(long, value_name = "OVERLAY")]
    pub(crate) reference: Option<String>,
    /// After a comparison, print every overlay's own table, too
    #[arg(long)]
    pub(crate) details: bool,
    /// Where runs are stored
    #[arg(long, default_value = "reports/runs", value_name = "FOLDER")]
    pub(crate) reports: PathBuf,
}

#[derive(Args, Debug)]
#[command(after_help = GATE_CODES)]
pub(crate) struct Compare {
    /// Stored runs, each with what of it is meant: `latest`, `reports/runs/ID`, `@COMMIT` for the
    /// newest run of a commit, `latest:chord`, `latest:chord,seed=1..8,nodes=64`
    ///
    /// A run is a folder or its name among those stored. Behind a colon stands what is kept of it:
    /// an overlay, or any part of a record's key, as `overlay=`, `scenario=`, `driver=`, `nodes=`,
    /// `seed=` or `round=`. Of two runs of one overlay in one scenario, the second is judged by the
    /// first as `gate` does, as far as they are simulated: what was measured on a testbed at another
    /// time is shown, and never judged.
    #[arg(required = true, value_name = "RUN[:KEY,…]")]
    pub(crate) runs: Vec<String>,
    /// What the others are compared to, as the table calls it: `chord`, or `chord #2` for that of
    /// the second run where several have it; the first, unless named
    #[arg(long, value_name = "OVERLAY")]
    pub(crate) reference: Option<String>,
    /// Whose figures to compare
    #[arg(long, value_enum, default_value_t = DriverChoice::Both)]
    pub(crate) driver: DriverChoice,
    /// Write the comparison to this file in Markdown as well; `-` prints that instead of the table
    #[arg(long, value_name = "FILE")]
    pub(crate) md: Option<PathBuf>,
    /// Write everything to this file in JSON as well; `-` prints that instead of the table
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Fail where there are too few seeds to tell a shift from chance
    #[arg(long)]
    pub(crate) strict: bool,
    /// Where runs are stored
    #[arg(long, default_value = "reports/runs", value_name = "FOLDER")]
    pub(crate) reports: PathBuf,
}

/// What the doctor's exit codes mean.
const DOCTOR_CODES: &str = "\
Exit codes:
  0  sound, or doubtful    1  unfit    6  doubtful, with --strict";

#[derive(Args, Debug)]
pub(crate) struct Doctor {
    /// For how many nodes, each a process of its own
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) nodes: u32,
    /// Fail where numbers are doubtful
    #[arg(long)]
    pub(crate) strict: bool,
}

/// What a verdict of the gate means to whoever called it.
const GATE_CODES: &str = "\
Exit codes:
  0  nothing worse is told                       4  nothing measured, or invalid
  1  a run has failed                            5  no baseline, or not comparable
  3  worse, or missing                           6  inconclusive, with --strict";

#[derive(Args, Debug)]
#[command(after_help = GATE_CODES)]
pub(crate) struct Gate {
    /// What is compared to: a folder with baselines, or a stored run by its folder or its name
    #[arg(long, default_value = BASELINES, value_name = "BASE")]
    pub(crate) base: String,
    /// What is judged: a stored run by its folder or its name; without one, the baselines' scenarios
    /// are measured now
    #[arg(long, value_name = "RUN")]
    pub(crate) head: Option<String>,
    #[command(flatten)]
    pub(crate) scope: Scope,
    /// Fail where there are too few seeds to tell a shift from chance
    #[arg(long)]
    pub(crate) strict: bool,
    /// Write the verdict to this file in Markdown as well; `-` prints that instead of the tables
    #[arg(long, value_name = "FILE")]
    pub(crate) md: Option<PathBuf>,
    /// Write everything to this file in JSON as well
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Where runs are stored
    #[arg(long, default_value = "reports/runs", value_name = "FOLDER")]
    pub(crate) reports: PathBuf,
}

#[derive(Args, Debug)]
#[command(after_help = GATE_CODES)]
pub(crate) struct Regress {
    /// The revision to compare to [default: where the working tree has left `origin/main` or `main`,
    /// otherwise the commit before]
    #[arg(value_name = "BASE")]
    pub(crate) base: Option<String>,
    /// The overlays that are meant; without any, all of them
    #[arg(value_name = "OVERLAY")]
    pub(crate) overlays: Vec<String>,
    /// The revision to judge [default: the working tree as it is]
    #[arg(long, value_name = "REVISION")]
    pub(crate) head: Option<String>,
    /// Measure both on the testbed as well, in turns: some four minutes an overlay
    #[arg(long)]
    pub(crate) testbed: bool,
    /// Rounds on the testbed, at least 12 [default: as many as the number of overlays takes]
    #[arg(long, value_name = "NUMBER")]
    pub(crate) rounds: Option<u32>,
    /// Measure even if both are built from the same sources
    #[arg(long)]
    pub(crate) always: bool,
    /// Fail where it cannot be told whether something is worse
    #[arg(long)]
    pub(crate) strict: bool,
    /// Write the verdict to this file in Markdown as well; `-` prints that instead of the tables
    #[arg(long, value_name = "FILE")]
    pub(crate) md: Option<PathBuf>,
    /// Write everything to this file in JSON as well
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

/// For which program stored runs are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    /// Go's benchmark format: a line a run
    Benchstat,
    /// Two files, FILE-smaller and FILE-bigger: `customSmallerIsBetter` and `customBiggerIsBetter`
    GithubActionBenchmark,
    /// Bencher Metric Format
    Bencher,
    /// A table with a row a figure
    Csv,
}

#[derive(Args, Debug)]
pub(crate) struct Export {
    /// Stored runs, each with what of it is meant, as `compare` takes them
    #[arg(required = true, value_name = "RUN[:KEY,…]")]
    pub(crate) runs: Vec<String>,
    /// For which program
    #[arg(long, value_enum)]
    pub(crate) format: ExportFormat,
    /// Write to this file instead of printing
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// All figures, rather than those that `gate` judges
    #[arg(long)]
    pub(crate) all: bool,
    /// Where runs are stored
    #[arg(long, default_value = "reports/runs", value_name = "FOLDER")]
    pub(crate) reports: PathBuf,
}

/// Where accepted figures are committed.
pub(crate) const BASELINES: &str = "reports/baselines";

/// What of the baselines is meant.
#[derive(Args, Debug)]
pub(crate) struct Scope {
    /// The overlays that are meant; without any, all of them
    #[arg(value_name = "OVERLAY")]
    pub(crate) overlays: Vec<String>,
    /// Set a field in every scenario that is measured, such as `overlays.chord.successors=4`; may be
    /// repeated
    #[arg(long = "set", value_name = "FIELD=VALUE")]
    pub(crate) assignments: Vec<String>,
}

/// What to do about baselines.
#[derive(Debug, Subcommand)]
pub(crate) enum Baseline {
    /// Measure what has no baseline yet, and accept that
    Save(BaselineScope),
    /// Measure everything, or take a stored run, say what has changed, and accept it
    Accept(BaselineRun),
    /// Print the baselines
    Show(BaselineScope),
    /// Say what has changed, as `gate` does, without judging it by an exit code
    Diff(BaselineRun),
}

#[derive(Args, Debug)]
pub(crate) struct BaselineRun {
    /// A run that `gate` has stored, by its folder or its name, instead of measuring now
    #[arg(long, value_name = "RUN")]
    pub(crate) from: Option<String>,
    #[command(flatten)]
    pub(crate) scope: BaselineScope,
}

#[derive(Args, Debug)]
pub(crate) struct BaselineScope {
    /// The overlays that are meant; without any, all of them
    #[arg(value_name = "OVERLAY")]
    pub(crate) overlays: Vec<String>,
    /// Where the baselines are
    #[arg(long, default_value = BASELINES, value_name = "FOLDER")]
    pub(crate) baselines: PathBuf,
    /// Where runs are stored
    #[arg(long, default_value = "reports/runs", value_name = "FOLDER")]
    pub(crate) reports: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct Freeloaders {
    /// The overlays to compare; without any, all that can run the scenario and know the strategy
    #[arg(value_name = "OVERLAY")]
    pub(crate) overlays: Vec<String>,
    /// Shares of freeloaders in percent; 0 is always run, for the others are held against it
    ///
    /// They are shares of the nodes that the scenario does not list as publishers. The seeds of the
    /// scenario are run at each; where they are just the default seed 1 and no `--seeds` are named,
    /// the simulator runs seeds 1 to 16 (up to 4,096 nodes), so that ratios have intervals.
    #[arg(long = "share", default_value = "0,10,25,50", value_name = "PERCENT,…")]
    pub(crate) shares: String,
    /// How they freeload, as `peerbench list strategies` shows it
    #[arg(long, default_value = "no-upload")]
    pub(crate) strategy: String,
    #[command(flatten)]
    pub(crate) scenario: ScenarioChoice,
    /// What the nodes run in
    #[arg(long, value_enum, default_value_t = OneDriver::Simulator)]
    pub(crate) driver: OneDriver,
    /// Write everything to this file in Markdown as well; `-` prints that instead of the tables
    #[arg(long, value_name = "FILE")]
    pub(crate) md: Option<PathBuf>,
    /// Where runs are stored
    #[arg(long, default_value = "reports/runs", value_name = "FOLDER")]
    pub(crate) reports: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct Lesson {
    /// A lesson that `peerbench list lessons` shows, or a file with one
    #[arg(value_name = "LESSON")]
    pub(crate) lesson: String,
    /// What the nodes run in
    #[arg(long, value_enum, default_value_t = OneDriver::Simulator)]
    pub(crate) driver: OneDriver,
    /// Set a field in every scenario of the lesson, such as `nodes=64`; may be repeated
    #[arg(long = "set", value_name = "FIELD=VALUE")]
    pub(crate) assignments: Vec<String>,
    /// Seeds, such as `7`, `1,2,3` or `1..16`, instead of the lesson's
    #[arg(long, visible_alias = "seed", value_name = "SEEDS")]
    pub(crate) seeds: Option<String>,
    /// Write the lesson to this file in Markdown as well; `-` prints that instead of the tables
    #[arg(long, value_name = "FILE")]
    pub(crate) md: Option<PathBuf>,
    /// Where runs are stored
    #[arg(long, default_value = "reports/runs", value_name = "FOLDER")]
    pub(crate) reports: PathBuf,
}

/// How a sweep is written.
const SWEEPS: &str = "\
Examples:
  peerbench sweep chord flooding --set overlays.chord.successors=4,8,16 --nodes 64,256 --seeds 1..4
  peerbench sweep chord --set overlays.chord.stabilize_every=500ms,2s,8s --scenario churn
  peerbench sweep chord … --resume latest                    what is missing of one that was stopped";

#[derive(Args, Debug)]
#[command(after_help = SWEEPS)]
pub(crate) struct Sweep {
    /// The overlays to sweep, as `peerbench list overlays` shows them
    #[arg(required = true, value_name = "OVERLAY")]
    pub(crate) overlays: Vec<String>,
    /// Set a field of the scenario to each of these values; may be repeated
    ///
    /// Every combination of values is run. Values stand between commas, so `nodes=64,256` are two; a
    /// YAML list in brackets is one value: `network.capacities=[{share: 1.0, up: 1MB/s}],[]`. A field
    /// of one overlay, such as `overlays.chord.successors`, is a parameter of that overlay and leaves
    /// the others alone. Every other field is the world's: each of its values has a picture of its
    /// own.
    #[arg(long = "set", value_name = "FIELD=VALUE,…")]
    pub(crate) assignments: Vec<String>,
    /// A scenario file, or a name that `peerbench list scenarios` shows [default: `default`]
    #[arg(long, value_name = "FILE|NAME")]
    pub(crate) scenario: Option<String>,
    /// Numbers of nodes: short for `--set nodes=N,…`
    #[arg(long, value_name = "N,…")]
    pub(crate) nodes: Option<String>,
    /// Seeds, such as `7`, `1,2,3` or `1..16`: each combination is run under all of them
    #[arg(long, visible_alias = "seed", value_name = "SEEDS")]
    pub(crate) seeds: Option<String>,
    /// What the nodes run in
    #[arg(long, value_enum, default_value_t = OneDriver::Simulator)]
    pub(crate) driver: OneDriver,
    /// Go on with a stored sweep of the same grid: only what it does not have is run
    #[arg(long, value_name = "RUN")]
    pub(crate) resume: Option<String>,
    /// What a combination costs: a figure of which less is better
    #[arg(long, default_value = DEFAULT_X, value_name = "METRIC")]
    pub(crate) x: String,
    /// What is got for it: a figure of which less is better
    #[arg(long, default_value = DEFAULT_Y, value_name = "METRIC")]
    pub(crate) y: String,
    /// The least share of right lookups, in percent: combinations below are no part of a hull
    #[arg(long, default_value = "99%", value_name = "PERCENT")]
    pub(crate) correct_at_least: String,
    /// Write everything to this file in Markdown as well; `-` prints that instead of the tables
    #[arg(long, value_name = "FILE")]
    pub(crate) md: Option<PathBuf>,
    /// Where runs are stored
    #[arg(long, default_value = "reports/runs", value_name = "FOLDER")]
    pub(crate) reports: PathBuf,
}

impl Sweep {
    /// What is the same for all combinations, besides fields.
    pub(crate) fn choice(&self) -> ScenarioChoice {
        ScenarioChoice {
            scenario: self.scenario.clone(),
            seeds: self.seeds.clone(),
            ..ScenarioChoice::default()
        }
    }
}

/// What the exit codes of `fuzz-world` mean.
const FUZZ_CODES: &str = "\
Exit codes:
  0    no world has failed            4    no world was run
  3    some have                      130  interrupted, and none had failed";

#[derive(Args, Debug)]
#[command(after_help = FUZZ_CODES)]
pub(crate) struct FuzzWorld {
    /// For how long [default: 60, or as long as `--worlds` takes]
    ///
    /// Worlds of some nodes are drawn by chance, a seed each, and simulated over all cores. In each,
    /// some kinds of fault strike for a while: crash, restart, departure, sleep, partition, one-way
    /// reachability, slow nodes, wrong clocks, overload, freeloaders, and messages that are lost,
    /// doubled, damaged, delayed or overtaken. Then all faults stop, everybody comes back, and after
    /// a time that the overlay is given every answer must be right, every invariant hold, and nobody
    /// be left outside. A world that fails is told with its seed, and made as small as it can be.
    #[arg(value_name = "SECONDS")]
    pub(crate) seconds: Option<u64>,
    /// The seed of the first world; the others' follow [default: from the clock]
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// An overlay to try; may be repeated [default: all]
    #[arg(long = "overlay", value_name = "OVERLAY")]
    pub(crate) overlays: Vec<String>,
    /// How many worlds
    #[arg(long, value_name = "N")]
    pub(crate) worlds: Option<u64>,
    /// Instead: one world again, as it was told, such as `chord:42`
    #[arg(long, value_name = "OVERLAY:SEED")]
    #[arg(conflicts_with_all = ["seconds", "seed", "overlays", "worlds"])]
    pub(crate) world: Option<String>,
    /// Instead: the world of this file, under its first seed
    #[arg(long, value_name = "FILE", conflicts_with_all = ["seconds", "seed", "worlds", "world"])]
    pub(crate) scenario: Option<PathBuf>,
    /// Where the worlds that fail are stored, as small as they could be made
    #[arg(long, default_value = "reports/runs/worlds", value_name = "FOLDER")]
    pub(crate) output: PathBuf,
}

/// Which of the two worlds the nodes run in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OneDriver {
    /// Virtual time, on all cores
    Simulator,
    /// Real processes on libp2p, one run after the other: for what `--set` has made small
    Testbed,
}

impl From<OneDriver> for Driver {
    fn from(driver: OneDriver) -> Self {
        match driver {
            OneDriver::Simulator => Self::Simulator,
            OneDriver::Testbed => Self::Testbed,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// Say whether a scenario is sound, and where it is not
    Check(ScenarioChoice),
    /// Print a scenario with every value written out
    Show(ScenarioChoice),
    /// Print the JSON Schema of scenarios, for editors
    Schema,
}

/// Prints the completions for a shell.
pub(crate) fn completions(shell: clap_complete::Shell) -> ExitCode {
    let mut command = Arguments::command();
    clap_complete::generate(shell, &mut command, "peerbench", &mut std::io::stdout());
    ExitCode::SUCCESS
}
