//! `peerbench compare`: stored runs side by side, without measuring anything; and what the second of
//! two comes to, judged by the first.
use std::path::Path;
use std::process::ExitCode;

use peerbench_measure::{Driver, RunFolder};
use peerbench_reports::Comparison;
use peerbench_reports::gate::{Gate, Side, judge};

use crate::arguments::{Compare, DriverChoice};
use crate::failure::{Failure, NOTHING_MEASURED};
use crate::gate::code;
use crate::selection::open_part;
use crate::show;

pub(crate) fn run(compare: &Compare) -> Result<ExitCode, Failure> {
    let runs = compare
        .runs
        .iter()
        .map(|run| open_part(run, &compare.reports))
        .collect::<Result<Vec<_>, _>>()?;
    let mut comparison = peerbench_reports::compare(&runs, compare.reference.as_deref())?;
    if comparison.is_empty() && runs.iter().any(|run| !run.records().is_empty()) {
        let message = format!(
            "there is one overlay in {}, and nothing to compare it to: name another run as well",
            compare.runs.join(" and ")
        );
        return Err(Failure::Usage(message));
    }
    match compare.driver {
        DriverChoice::Both => {}
        DriverChoice::Testbed => comparison.keep_driver(Driver::Testbed),
        DriverChoice::Simulator => comparison.keep_driver(Driver::Simulator),
    }
    if comparison.is_empty() {
        eprintln!("nothing was measured");
        return Ok(ExitCode::from(NOTHING_MEASURED));
    }
    let gate = judged(&runs, compare.driver);
    show(&comparison, gate.as_ref(), compare)?;
    Ok(gate.map_or(ExitCode::SUCCESS, |gate| ExitCode::from(code(gate.verdict, compare.strict))))
}

/// What the second of two runs comes to, where both have simulated an overlay in one scenario;
/// otherwise they are different things, and neither is before the other.
fn judged(runs: &[RunFolder], driver: DriverChoice) -> Option<Gate> {
    let [base, head] = runs else { return None };
    let (base, head) = (Side::of_run(base), Side::of_run(head));
    (driver != DriverChoice::Testbed && base.meets(&head)).then(|| judge(&base, &head))
}

fn show(comparison: &Comparison, gate: Option<&Gate>, compare: &Compare) -> Result<(), Failure> {
    let verdict = gate.map(Gate::markdown).unwrap_or_default();
    let mut wants_table =
        show::wants_table(compare.md.as_deref(), &(verdict + &comparison.markdown()))?;
    if let Some(path) = &compare.json {
        wants_table &= show::wants_table(Some(path), &comparison.json(gate))?;
        wants_table &= path != Path::new("-");
    }
    if wants_table {
        let (width, colour) = show::terminal();
        if let Some(gate) = gate {
            show::print_line(gate.terminal(width, colour));
        }
        show::print_line(comparison.terminal(width, colour));
    }
    Ok(())
}
