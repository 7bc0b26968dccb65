//! The table of an overlay in a world: a row for each combination of its parameters.
use super::hull::Hull;
use super::{CORRECT, DEFAULT_X, DEFAULT_Y, Field, Measured, Outline, Point};
use crate::lesson::{Block, Shown, Table};
use crate::numbers::{NOT_MEASURED, Scale};
use crate::summary::cell;

/// What a point links to, whatever is drawn.
const LINKS: &str = "state_links_mean";

/// What stands for a vertex of the hull, and for a combination that can be none.
const VERTEX: &str = "●";
const UNSOUND: &str = "○";

pub(super) fn table(
    outline: &Outline,
    overlay: &str,
    measured: &[&Measured<'_>],
    points: &[Point],
    hull: &Hull,
) -> Table {
    let is_its = |field: &&(usize, &Field)| field.1.overlay.as_deref() == Some(overlay);
    let fields: Vec<(usize, &Field)> =
        outline.fields.iter().enumerate().filter(|field| is_its(&field)).collect();
    let figures = figures(outline);
    let mut header: Vec<String> = fields.iter().map(|(_, field)| field.label.clone()).collect();
    header.push("hull".to_owned());
    header.extend(figures.iter().map(|shown| heading(*shown)));
    let row = |(of, point): (&&Measured<'_>, &Point)| {
        let value = |(place, field): &(usize, &Field)| {
            let choice = point.choices[*place].and_then(|choice| field.values.get(choice));
            choice.cloned().unwrap_or_default()
        };
        let mark = match point.place {
            None => NOT_MEASURED,
            Some(_) if !point.is_sound => UNSOUND,
            Some(place) if hull.has(place) => VERTEX,
            Some(_) => "",
        };
        let shown = figures.iter().map(|shown| {
            let mut figure = of.figures.figure(shown.metric, shown.statistic);
            // Ranges of everything would hide the figures.
            if shown.metric.name_of(shown.statistic) != outline.view.y {
                figure.range = None;
            }
            cell(figure, |number| Scale::of(shown.metric.unit, number))
        });
        fields.iter().map(value).chain([mark.to_owned()]).chain(shown).collect()
    };
    let rows = measured.iter().zip(points).map(row).collect();
    Table { header, words: 0, blocks: vec![Block { title: String::new(), rows }] }
}

/// Success beside what is drawn, and what a person would ask for next.
fn figures(outline: &Outline) -> Vec<Shown> {
    let mut names = vec![CORRECT, &*outline.view.y, &*outline.view.x];
    for name in [DEFAULT_Y, DEFAULT_X, LINKS] {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.into_iter().filter_map(Shown::named).collect()
}

/// Short, because there are many columns.
fn heading(shown: Shown) -> String {
    let Shown { metric, statistic } = shown;
    match &*metric.name_of(statistic) {
        LINKS => metric.title.to_owned(),
        _ => format!("{} {statistic}", metric.title).trim_end().to_owned(),
    }
}
