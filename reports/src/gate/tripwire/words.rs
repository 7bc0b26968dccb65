//! What the tripwire found, in words: the same on a terminal and in Markdown.
use super::{Tripwire, TripwireCase, TripwireRow};
use crate::comparison::{Contrast, ContrastScale};
use crate::gate::Verdict;
use crate::gate::words::{chance, change, values};
use crate::numbers::NOT_MEASURED;

/// The headings of a table of figures.
pub(super) const HEADER: [&str; 8] =
    ["", "base", "head", "change", "noise", "told from", "p", "verdict"];

/// Decimals of a change in percent: more of them are noise.
const DECIMALS: usize = 1;

impl Tripwire {
    /// What has come out, in a line, without the verdict that it begins with.
    pub(in crate::gate) fn headline(&self) -> String {
        let of = |verdict: Verdict| self.cases.iter().filter(move |it| it.verdict == verdict);
        if self.verdict == Verdict::Unchanged {
            let many = self.cases.len();
            return format!("{many} overlay{}", if many == 1 { "" } else { "s" });
        }
        let named = |case: &TripwireCase| {
            let rows = case.rows.iter().filter(|row| row.verdict == case.verdict);
            let rows: Vec<String> =
                rows.map(|row| format!("{} {}", row.figure, row.size())).collect();
            match rows.is_empty() {
                true => case.name.overlay.clone(),
                false => format!("{} ({})", case.name.overlay, rows.join(", ")),
            }
        };
        of(self.verdict).map(named).collect::<Vec<_>>().join("; ")
    }

    /// What a person does now.
    pub(in crate::gate) fn advice(&self) -> &'static str {
        match self.verdict {
            Verdict::Worse => {
                "Mend it, or say in the commit's message why it is meant. `perf` on a node process \
                 shows where the time goes."
            }
            Verdict::Inconclusive => {
                "The machine is too noisy, or the change too small, to tell. Measure on a quiet \
                 machine, or with more `--rounds`."
            }
            Verdict::Failed | Verdict::Empty => "Find out why runs failed: see what they said.",
            _ => "Nothing has to be done.",
        }
    }
}

impl TripwireCase {
    /// Which case, with how it was measured and what it comes to.
    pub(super) fn title(&self) -> String {
        let series = if self.is_repeated { ", twice" } else { "" };
        format!("{} · {} rounds{series} · {}", self.name, self.rounds, self.verdict)
    }
}

impl TripwireRow {
    /// The fields of its row, all but the verdict.
    pub(super) fn fields(&self) -> [String; 7] {
        let [base, head] = values(self.unit, self.base, self.head);
        let p = if self.differing == 0 { NOT_MEASURED.to_owned() } else { chance(self.p) };
        [
            self.figure.clone(),
            base,
            head,
            self.change(),
            self.part(self.floor),
            self.part(self.bar),
            p,
        ]
    }

    /// The verdict, and why nothing was told.
    pub(super) fn told(&self) -> String {
        match self.reason {
            "" => self.verdict.to_string(),
            reason => format!("{}: {reason}", self.verdict),
        }
    }

    /// The change without its interval.
    fn size(&self) -> String {
        let alone = Contrast { interval: None, ..self.change };
        change(self.unit, &alone, Some(DECIMALS))
    }

    fn change(&self) -> String {
        change(self.unit, &self.change, Some(DECIMALS))
    }

    /// A size of a change, as the change is written.
    fn part(&self, size: f64) -> String {
        match (self.change.scale, self.unit) {
            (ContrastScale::Ratio, _) => format!("{:.1} %", size * 100.0),
            (ContrastScale::Difference, "ratio") => format!("{:.1} pt", size * 100.0),
            (ContrastScale::Difference, unit) => {
                let [size, _] = values(unit, size, size);
                size
            }
        }
    }
}
