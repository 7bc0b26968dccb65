//! What repair costs beside what a formula says that it must, and beside what an uplink carries.
use super::{Block, Measured, Shown, Table};
use crate::numbers::{NOT_MEASURED, Scale};

/// The figures that are read from records.
const REPAIR_SENT: &str = "upkeep_repair_sent";
const ENTRIES: &str = "state_entries_mean";

/// What a cell of a part shows of repair.
#[derive(Clone, Copy, Debug)]
struct Cost {
    /// Bytes a second and node, as measured.
    sent: Option<f64>,
    /// The same by the formula.
    formula: f64,
    /// Bytes that a node keeps for others.
    kept: Option<f64>,
    /// What the slowest uplink carries, in bytes a second.
    uplink: Option<f64>,
    /// Seconds for which a node stays on average.
    stay: f64,
}

impl Cost {
    /// For how long an uplink is busy with what a node kept, in seconds.
    fn seconds(&self) -> Option<f64> {
        Some(self.kept? / self.uplink?)
    }
}

/// One quantity: its name, its unit, and how it follows.
type Quantity = (&'static str, &'static str, fn(&Cost) -> Option<f64>);

const QUANTITIES: [Quantity; 5] = [
    ("repair by the formula", "B/s", |cost| Some(cost.formula)),
    ("by the formula, of an uplink", "ratio", |cost| Some(cost.formula / cost.uplink?)),
    ("repair sent ÷ formula", "", |cost| Some(cost.sent? / cost.formula)),
    ("kept by a node", "B", |cost| cost.kept),
    ("an uplink sends that in", "s", Cost::seconds),
];

/// One block a quantity, a row each, a column for everybody compared.
pub(super) fn table(part: &Measured<'_>) -> Table {
    let outline = part.outline;
    let cell = |row, column, (_, unit, of): Quantity| match cost(part, row, column) {
        None => String::new(),
        Some(cost) => of(&cost).map_or_else(|| NOT_MEASURED.to_owned(), |it| words(unit, it)),
    };
    let block = |quantity: Quantity| {
        let row = |row: usize| {
            let cells = (0..outline.columns.len()).map(|column| cell(row, column, quantity));
            std::iter::once(outline.rows[row].title()).chain(cells).collect()
        };
        Block { title: quantity.0.to_owned(), rows: (0..outline.rows.len()).map(row).collect() }
    };
    let header = std::iter::once(&outline.vary).chain(&outline.columns);
    Table {
        header: header.cloned().collect(),
        words: 1,
        blocks: QUANTITIES.into_iter().map(block).collect(),
    }
}

/// How near repair comes to the formula, and how long uplinks are busy with what one node kept.
pub(super) fn conclusions(part: &Measured<'_>) -> Vec<String> {
    let outline = part.outline;
    let cells = || {
        let columns = 0..outline.columns.len();
        (0..outline.rows.len()).flat_map(move |row| columns.clone().map(move |it| (row, it)))
    };
    let extremes = |of: &dyn Fn(&Cost) -> Option<f64>| {
        let found = |(row, column)| Some((of(&cost(part, row, column)?)?, row, column));
        let mut all: Vec<(f64, usize, usize)> = cells().filter_map(found).collect();
        all.sort_by(|one, other| one.0.total_cmp(&other.0));
        Some((*all.first()?, *all.last()?))
    };
    let place = |row: usize, column: usize| {
        let names = [outline.rows[row].title(), outline.columns[column].clone()];
        names.into_iter().filter(|name| !name.is_empty()).collect::<Vec<_>>().join(", ")
    };
    let mut conclusions = Vec::new();
    if let Some((least, most)) = extremes(&|cost| Some(cost.sent? / cost.formula)) {
        conclusions.push(format!(
            "repair is from {} of what the formula says ({}) to {} ({})",
            words("", least.0),
            place(least.1, least.2),
            words("", most.0),
            place(most.1, most.2),
        ));
    }
    if let Some((_, most)) = extremes(&|cost| Some(cost.seconds()? / cost.stay)) {
        let (share, row, column) = most;
        if let Some(cost) = cost(part, row, column)
            && let Some(seconds) = cost.seconds()
        {
            conclusions.push(format!(
                "what one node kept is an uplink's work for at most {} of a stay: {} of {} ({})",
                words("ratio", share),
                words("s", seconds),
                words("s", cost.stay),
                place(row, column),
            ));
        }
    }
    conclusions
}

fn cost(part: &Measured<'_>, row: usize, column: usize) -> Option<Cost> {
    let upkeep = part.outline.runs[row][column].as_ref()?.upkeep?;
    let number = |name| part.number(row, column, Shown::named(name)?);
    Some(Cost {
        sent: number(REPAIR_SENT),
        formula: upkeep.formula(),
        kept: number(ENTRIES).map(|entries| entries * upkeep.item_bytes),
        uplink: upkeep.uplink,
        stay: upkeep.stay,
    })
}

fn words(unit: &str, number: f64) -> String {
    let scale = if unit.is_empty() { Scale::ratio(number) } else { Scale::of(unit, number) };
    format!("{}{}", scale.number(number), scale.suffix())
}
