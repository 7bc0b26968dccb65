//! `peerbench`: benchmarks peer-to-peer overlays side by side, on a testbed of real processes and in
//! a deterministic simulator.
mod arguments;
mod baseline;
mod bench;
mod compare;
mod config;
mod doctor;
mod export;
mod failure;
mod frames;
mod freeloaders;
mod fuzz;
mod gate;
mod grid;
mod lesson;
mod overlays;
mod papers;
mod parallel;
mod progress;
mod regress;
mod report;
mod selection;
mod show;
mod strategies;
mod sweep;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::Parser;

use arguments::{Arguments, Verb};
use failure::Failure;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments) {
        Ok(code) => code,
        Err(failure) => failure.report(),
    }
}

fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    match arguments.verb {
        Verb::Bench(bench) => bench::run(&bench, interruption()?.as_ref()),
        Verb::Report(report) => report::run(&report),
        Verb::Compare(compare) => compare::run(&compare),
        Verb::Gate(gate) => gate::run(&gate, interruption()?.as_ref()),
        Verb::Baseline(verb) => baseline::run(&verb, interruption()?.as_ref()),
        Verb::Doctor(doctor) => doctor::run(&doctor, interruption()?.as_ref()),
        Verb::Export(export) => export::run(&export),
        Verb::Regress(regress) => regress::run(&regress, interruption()?.as_ref()),
        Verb::List { what } => Ok(show::list(what)),
        Verb::Explain { metric } => show::explain(&metric),
        Verb::Papers { scenario, data } => {
            show::papers(scenario.as_deref(), &data, interruption()?.as_ref())
        }
        Verb::Freeloaders(freeloaders) => freeloaders::run(&freeloaders, interruption()?.as_ref()),
        Verb::FuzzWorld(fuzz) => fuzz::run(&fuzz, interruption()?.as_ref()),
        Verb::Lesson(lesson) => lesson::run(&lesson, interruption()?.as_ref()),
        Verb::Sweep(sweep) => sweep::run(&sweep, interruption()?.as_ref()),
        Verb::Config(config) => config::run(&config),
        Verb::Completions { shell } => Ok(arguments::completions(shell)),
        Verb::FuzzFrames(fuzz) => frames::run(&fuzz, interruption()?.as_ref()),
        Verb::Node { overlay } => (overlays::find(&overlay)?.node)(),
    }
}

/// A flag that the first Ctrl-C (or SIGTERM) sets; a second one ends the program on the spot.
fn interruption() -> Result<Arc<AtomicBool>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        let code = failure::INTERRUPTED.into();
        signal_hook::flag::register_conditional_shutdown(signal, code, Arc::clone(&stop))
            .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&stop)))
            .map_err(Failure::Signals)?;
    }
    // A file that may not grow any more is an error to be told, not the end of the program.
    signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::default())
        .map_err(Failure::Signals)?;
    Ok(stop)
}
