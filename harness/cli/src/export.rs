//! `peerbench export`: stored runs for other programs.
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use peerbench_reports::export::{Direction, Figures, Format, export};

use crate::arguments::{Export, ExportFormat};
use crate::failure::{Failure, NOTHING_MEASURED};
use crate::selection::open_part;
use crate::show::print;

pub(crate) fn run(arguments: &Export) -> Result<ExitCode, Failure> {
    let runs = arguments
        .runs
        .iter()
        .map(|run| open_part(run, &arguments.reports))
        .collect::<Result<Vec<_>, _>>()?;
    if runs.iter().all(|run| run.records().is_empty()) {
        eprintln!("nothing was measured");
        return Ok(ExitCode::from(NOTHING_MEASURED));
    }
    let figures = if arguments.all { Figures::All } else { Figures::Judged };
    let of = |format| export(&runs, figures, format);
    let format = match arguments.format {
        ExportFormat::Benchstat => Format::Benchstat,
        ExportFormat::Bencher => Format::Bencher,
        ExportFormat::Csv => Format::Csv,
        ExportFormat::GithubActionBenchmark => {
            let Some(output) = &arguments.output else {
                let message = "github-action-benchmark reads two files, one of figures that should \
                               be small and one of those that should be big: name them by \
                               `--output benchmark.json`";
                return Err(Failure::Usage(message.to_owned()));
            };
            for direction in Direction::ALL {
                let text = of(Format::GithubActionBenchmark(direction));
                write(&named(output, direction), &text)?;
            }
            return Ok(ExitCode::SUCCESS);
        }
    };
    match &arguments.output {
        Some(path) if path != Path::new("-") => write(path, &of(format))?,
        _ => print(of(format)),
    }
    Ok(ExitCode::SUCCESS)
}

/// `benchmark.json` becomes `benchmark-smaller.json`.
fn named(output: &Path, direction: Direction) -> PathBuf {
    let text = |part: Option<&std::ffi::OsStr>| {
        part.map(|it| it.to_string_lossy().into_owned()).unwrap_or_default()
    };
    let extension = match text(output.extension()) {
        none if none.is_empty() => String::new(),
        some => format!(".{some}"),
    };
    output.with_file_name(format!("{}-{}{extension}", text(output.file_stem()), direction.name()))
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text).map_err(|source| Failure::File {
        what: "cannot write",
        path: path.display().to_string(),
        source,
    })?;
    eprintln!("wrote {}", path.display());
    Ok(())
}
