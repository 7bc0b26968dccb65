//! Round trips between places: from the built-in table, from one number, or from a matrix file.
//!
//! Two kinds of file are read, told apart by what is in them. A table with names: comma-separated,
//! a first row of place names and a first column with the same names in the same order. A bare
//! table: N rows of N numbers, tab-separated. Numbers are milliseconds.
//!
//! A cell that is empty, `nan`, or 0 off the diagonal was not measured. Such a pair takes the other
//! direction's value, if that was measured, or else the shortest detour through one third place.
//! Where both directions were measured, the round trip is their mean.
use std::ops::Range;

use crate::Error;
use crate::cities;
use crate::model::{CITIES, Network};

/// Round trip between two nodes in the same place whose diagonal cell is empty or 0, in
/// milliseconds. Assumption: two access networks of one city, without the access links' own delay.
pub const SAME_PLACE_MS: f64 = 1.0;

/// Round trips between places, halved.
#[derive(Clone, Debug)]
pub(crate) struct Matrix {
    pub(crate) names: Vec<String>,
    /// Row by row; nanoseconds, at least 1; symmetric.
    pub(crate) one_way: Vec<u64>,
    /// How many pairs were measured in neither direction.
    pub(crate) unmeasured: usize,
}

/// Why there is no matrix.
#[derive(Debug)]
pub(crate) struct Unusable {
    pub(crate) message: String,
    pub(crate) help: &'static str,
    /// The file, line and column at fault, if the file could be read.
    pub(crate) position: Option<(String, usize, usize)>,
}

/// One number of a matrix file, and where it stands.
#[derive(Clone, Copy)]
struct Cell {
    round_trip_ms: Option<f64>,
    line: usize,
    column: usize,
}

/// What is wrong in a file, and at which line and column.
struct Malformed {
    message: String,
    line: usize,
    column: usize,
}

impl Matrix {
    /// The matrix that a scenario asks for.
    pub(crate) fn of(network: &Network) -> Result<Self, Unusable> {
        if let Some(round_trip) = network.uniform_round_trip {
            let one_way = (round_trip.0 / 2).as_nanos().max(1);
            return Ok(Self {
                names: vec!["anywhere".to_owned()],
                one_way: vec![u64::try_from(one_way).unwrap_or(u64::MAX)],
                unmeasured: 0,
            });
        }
        if network.matrix == CITIES {
            return Ok(Self::of_cities());
        }
        let path = &network.matrix;
        let text = std::fs::read_to_string(path).map_err(|error| Unusable {
            message: format!("cannot read the matrix `{path}`: {error}"),
            help: "name a file by its path from the working directory or from the scenario's \
                   folder, or use `cities`",
            position: None,
        })?;
        Self::parse(&text).map_err(|bad| Unusable {
            message: bad.message,
            help: "a matrix is N rows of N round trips in ms, tab-separated; or comma-separated \
                   with place names in the first row and the first column",
            position: Some((path.clone(), bad.line, bad.column)),
        })
    }

    fn of_cities() -> Self {
        let count = cities::NAMES.len();
        let round_trips = (0..count * count)
            .map(|cell| {
                let (row, column) = (cell / count, cell % count);
                let round_trip = match row == column {
                    true => SAME_PLACE_MS,
                    false => cities::ROUND_TRIPS_MS[row.max(column)][row.min(column)],
                };
                nanos_one_way(round_trip)
            })
            .collect();
        let names = cities::NAMES.iter().map(|&name| name.to_owned()).collect();
        Self { names, one_way: round_trips, unmeasured: 0 }
    }

    fn parse(text: &str) -> Result<Self, Malformed> {
        let (names, cells) = read_table(text)?;
        let count = names.len();
        let mut unmeasured = 0;
        let mut one_way = vec![0; count * count];
        for row in 0..count {
            one_way[row * count + row] = nanos_one_way(
                cells[row * count + row]
                    .round_trip_ms
                    .filter(|ms| *ms > 0.0)
                    .unwrap_or(SAME_PLACE_MS),
            );
            for column in 0..row {
                let measured = between(&cells, count, row, column);
                unmeasured += usize::from(measured.is_none());
                let round_trip = measured.or_else(|| detour(&cells, count, row, column));
                let cell = &cells[row * count + column];
                let round_trip = round_trip.ok_or_else(|| Malformed {
                    message: format!(
                        "no round trip between `{}` and `{}`, nor through any third place",
                        names[row], names[column]
                    ),
                    line: cell.line,
                    column: cell.column,
                })?;
                one_way[row * count + column] = nanos_one_way(round_trip);
                one_way[column * count + row] = nanos_one_way(round_trip);
            }
        }
        Ok(Self { names, one_way, unmeasured })
    }
}

impl From<Unusable> for Error {
    fn from(bad: Unusable) -> Self {
        let error = Self::new(bad.message, bad.help);
        match bad.position {
            Some((file, line, column)) => error.at_position(&file, line, column),
            None => error,
        }
    }
}

/// Half a round trip, to the nearest nanosecond.
fn nanos_one_way(round_trip_ms: f64) -> u64 {
    ((round_trip_ms * 500_000.0 + 0.5) as u64).max(1)
}

/// The measured round trip between two different places.
fn between(cells: &[Cell], count: usize, a: usize, b: usize) -> Option<f64> {
    let measured = |from: usize, to: usize| {
        cells[from * count + to].round_trip_ms.filter(|ms: &f64| *ms > 0.0)
    };
    match (measured(a, b), measured(b, a)) {
        (Some(there), Some(back)) => Some((there + back) / 2.0),
        (there, back) => there.or(back),
    }
}

/// The shortest way from one place to another through one third place.
fn detour(cells: &[Cell], count: usize, from: usize, to: usize) -> Option<f64> {
    (0..count)
        .filter(|&third| third != from && third != to)
        .filter_map(|third| {
            Some(between(cells, count, from, third)? + between(cells, count, third, to)?)
        })
        .min_by(f64::total_cmp)
}

/// The names of the places, and the cells row by row.
fn read_table(text: &str) -> Result<(Vec<String>, Vec<Cell>), Malformed> {
    let lines: Vec<(usize, &str)> =
        (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()).collect();
    let Some(&(first_line, first)) = lines.first() else {
        return Err(Malformed { message: "the matrix is empty".to_owned(), line: 1, column: 1 });
    };
    let separator = if first.contains('\t') { '\t' } else { ',' };
    let fields = |line| split(line, separator);
    let header: Vec<&str> = fields(first).into_iter().map(|at| first[at].trim()).collect();
    // Empty or numeric first cells do not tell: a bare table's first diagonal cell may be either.
    let named = header.iter().take(2).all(|field| field.parse::<f64>().is_err());
    let names: Vec<String> = match named {
        true => header[1..].iter().map(|&name| name.to_owned()).collect(),
        false => (1..=header.len()).map(|number| format!("place {number}")).collect(),
    };
    let rows = &lines[usize::from(named)..];
    check_shape(&names, rows, first_line)?;
    let mut cells = Vec::with_capacity(names.len() * names.len());
    for (&(line, row), name) in rows.iter().zip(&names) {
        let malformed = |message: String, at: &Range<usize>| Malformed {
            message,
            line,
            column: row[..at.start].chars().count() + 1,
        };
        let mut fields = fields(row);
        if named {
            let label = fields.remove(0);
            if row[label.clone()].trim() != name {
                let found = row[label.clone()].trim();
                let message = format!("this row is named `{found}`, its column `{name}`");
                return Err(malformed(message, &label));
            }
        }
        if fields.len() != names.len() {
            let message = format!(
                "this row has {} round trips; the matrix has {} places",
                fields.len(),
                names.len()
            );
            let end = row.len()..row.len();
            return Err(malformed(message, fields.get(names.len()).unwrap_or(&end)));
        }
        for at in fields {
            let round_trip_ms =
                round_trip_in(row[at.clone()].trim()).map_err(|message| malformed(message, &at))?;
            let column = row[..at.start].chars().count() + 1;
            cells.push(Cell { round_trip_ms, line, column });
        }
    }
    Ok((names, cells))
}

fn check_shape(names: &[String], rows: &[(usize, &str)], first: usize) -> Result<(), Malformed> {
    let places = names.len();
    if places > usize::from(u16::MAX) {
        let message = format!("{places} places are more than {}", u16::MAX);
        return Err(Malformed { message, line: first, column: 1 });
    }
    if rows.len() == places {
        return Ok(());
    }
    if places == 0 {
        let message = "neither a comma nor a tab separates the first row".to_owned();
        return Err(Malformed { message, line: first, column: 1 });
    }
    let message = format!("the matrix has {places} columns but {} rows", rows.len());
    let line = rows.get(places).or(rows.last()).map_or(first, |(line, _)| *line);
    Err(Malformed { message, line, column: 1 })
}

/// Where the fields of a line stand.
fn split(line: &str, separator: char) -> Vec<Range<usize>> {
    let mut start = 0;
    line.split(separator)
        .map(|field| {
            let at = start..start + field.len();
            start = at.end + separator.len_utf8();
            at
        })
        .collect()
}

/// A round trip in milliseconds; `None` where none was measured.
fn round_trip_in(field: &str) -> Result<Option<f64>, String> {
    if field.is_empty() || field.eq_ignore_ascii_case("nan") {
        return Ok(None);
    }
    match field.parse::<f64>() {
        Err(_) => Err(format!("`{field}` is not a number of milliseconds")),
        Ok(number) if number.is_finite() && number >= 0.0 => Ok(Some(number)),
        Ok(_) => Err(format!("a round trip cannot take {field} ms")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Matrix {
        Matrix::parse(text)
            .unwrap_or_else(|bad| panic!("{}:{}: {}", bad.line, bad.column, bad.message))
    }

    /// Round trips in microseconds between different places, both directions.
    fn round_trips_us(matrix: &Matrix) -> Vec<u64> {
        let count = matrix.names.len();
        (0..count * count)
            .filter(|cell| cell / count != cell % count)
            .map(|cell| matrix.one_way[cell] * 2 / 1_000)
            .collect()
    }

    /// A real input, which is no part of the repository; skipped loudly where it is missing.
    fn shared(file: &str) -> Option<Matrix> {
        let path = format!("{}/../../../shared/data/{file}", env!("CARGO_MANIFEST_DIR"));
        if !std::path::Path::new(&path).exists() {
            eprintln!("SKIPPED: {file} is not there, so nothing was tested");
            return None;
        }
        let network = Network { matrix: path, ..Network::default() };
        Some(Matrix::of(&network).unwrap_or_else(|bad| panic!("{}", Error::from(bad))))
    }

    #[test]
    fn a_table_with_names_and_a_bare_one_read_the_same() {
        let named = parse("city,Oslo,Rome\r\nOslo,0.00,40.5\r\nRome,40.5,0.00\r\n");
        let bare = parse("0\t40.5\n40.5\t0\n\n");
        assert_eq!(named.names, ["Oslo", "Rome"]);
        assert_eq!(bare.names, ["place 1", "place 2"]);
        assert_eq!(named.one_way, bare.one_way);
        assert_eq!(round_trips_us(&named), [40_500, 40_500]);
    }

    #[test]
    fn two_directions_are_averaged_and_one_stands_for_both() {
        assert_eq!(round_trips_us(&parse("0\t10\n30\t0\n")), [20_000, 20_000]);
        assert_eq!(round_trips_us(&parse(",A,B\nA,,\nB,30,\n")), [30_000, 30_000]);
    }

    #[test]
    fn what_was_not_measured_is_the_shortest_detour() {
        // From A to B: 10 + 20 through C, 15 + 25 through D.
        let matrix = parse("x,A,B,C,D\nA,0,nan,10,15\nB,,0,20,25\nC,10,20,0,0\nD,15,25,0,0\n");
        assert_eq!(matrix.unmeasured, 2, "A to B, and C to D, whose zeros cannot be round trips");
        assert_eq!(round_trips_us(&matrix)[0], 30_000);
        assert_eq!(round_trips_us(&matrix)[11], 25_000, "from D to C: 15 + 10 through A");
    }

    #[test]
    fn nodes_in_one_place_are_a_little_apart() {
        let matrix = parse("0\t10\n10\t3\n");
        assert_eq!(matrix.one_way[0], 500_000, "the assumption");
        assert_eq!(matrix.one_way[3], 1_500_000, "the measured value");
    }

    #[test]
    fn the_built_in_cities_are_whole_and_symmetric() {
        let matrix = Matrix::of_cities();
        let count = matrix.names.len();
        assert!(cities::ROUND_TRIPS_MS.iter().zip(0..).all(|(row, index)| row.len() == index));
        for cell in 0..count * count {
            assert!(matrix.one_way[cell] > 0);
            assert_eq!(matrix.one_way[cell], matrix.one_way[cell % count * count + cell / count]);
        }
    }

    #[test]
    fn the_built_in_cities_are_those_of_the_measured_table() {
        let Some(all) = shared("city-rtt-241.csv") else { return };
        assert_eq!((all.names.len(), all.unmeasured), (241, 8));
        let place = |city: &str| {
            let city = if city == "Mexico City" { "Mexico" } else { city };
            all.names.iter().position(|name| name == city).unwrap()
        };
        let (ours, count) = (Matrix::of_cities(), cities::NAMES.len());
        for cell in 0..count * count {
            let (a, b) = (place(cities::NAMES[cell / count]), place(cities::NAMES[cell % count]));
            assert_eq!(ours.one_way[cell], all.one_way[a * 241 + b], "{a} to {b}");
        }
    }

    #[test]
    fn the_planetlab_table_reads() {
        let Some(matrix) = shared("planetlab-490.tsv") else { return };
        assert_eq!((matrix.names.len(), matrix.unmeasured), (490, 0));
        assert_eq!(round_trips_us(&matrix).into_iter().max(), Some(2_984_100));
    }
}
