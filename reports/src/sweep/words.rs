//! What follows from a grid of parameters, in sentences computed from its points, and what is to be
//! known of its runs.
use super::importance::{Chosen, Importance, importance};
use super::{Measured, Outline, Point, View, percentage};
use crate::lesson::Shown;
use crate::notes::folded;
use crate::numbers::Scale;

/// Below this share of the hull's height, nobody would see that it has moved.
const VISIBLE: f64 = 0.005;

/// How figures begin for which lookups without a right answer count as slow.
const CHARGED: &str = "lookup_latency_charged_us";

/// How pictures and tables are to be read.
pub(super) fn reading(outline: &Outline) -> Vec<String> {
    let View { x, y, correct_at_least } = &outline.view;
    let title = |name: &str| Shown::named(name).map_or_else(|| name.to_owned(), Shown::title);
    let mut reading = vec![format!(
        "Each mark is one combination of an overlay's parameters: further left it costs less ({}), \
         further down it gives more ({}). The line is the lower-left convex hull, what can be had for \
         what by the best choice (Li et al. 2005).",
        title(x),
        title(y)
    )];
    if y.starts_with(CHARGED) {
        reading.push(
            "Charged: a lookup that is wrong or fails counts as the workload's timeout.".to_owned(),
        );
    }
    reading.push(format!(
        "In the column of the hull, ● is a vertex of it. ○, in pictures hollow, is a combination of which \
         less than {} of the lookups are right: no part of a hull.",
        percentage(*correct_at_least)
    ));
    if outline.seeds.len() > 1 {
        reading.push(
            "Figures are over all seeds; in parentheses, the least and the largest of one seed."
                .to_owned(),
        );
    }
    reading
}

/// Which parameter matters most to an overlay in a world; empty if it has none with several values.
pub(super) fn conclusion(
    outline: &Outline,
    world: &str,
    overlay: &str,
    points: &[Point],
) -> String {
    let fields: Vec<usize> = (0..outline.fields.len())
        .filter(|field| outline.fields[*field].overlay.as_deref() == Some(overlay))
        .collect();
    if fields.is_empty() {
        return String::new();
    }
    let who = if world.is_empty() { overlay.to_owned() } else { format!("{overlay}, {world}") };
    let sound = points.iter().filter(|point| point.is_sound);
    let chosen: Vec<Chosen<'_>> =
        sound.filter_map(|point| Some((point.place?, &point.choices[..]))).collect();
    if chosen.is_empty() {
        return match points.iter().filter_map(|point| point.correct).reduce(f64::max) {
            Some(best) => format!(
                "{who}: no combination answers {} of the lookups rightly; the best answers {}",
                percentage(outline.view.correct_at_least),
                percentage(best)
            ),
            None => format!("{who}: no lookup was answered"),
        } + ".";
    }
    let found = importance(&chosen, &fields);
    if found.is_empty() {
        return format!("{who}: every combination costs the same.");
    }
    let (moving, still): (Vec<&Importance>, Vec<&Importance>) =
        found.iter().partition(|it| it.share >= VISIBLE);
    let parts = moving.iter().enumerate().map(|(place, it)| moved(outline, it, place == 0));
    let mut parts: Vec<String> = parts.collect();
    if !still.is_empty() {
        parts.push(unmoved(outline, &still, moving.is_empty()));
    }
    format!("{who}: {}.", parts.join("; "))
}

/// What is missing, and what the runs say about themselves.
pub(super) fn notes(outline: &Outline, measured: &[Measured<'_>]) -> Vec<String> {
    let records = || measured.iter().flat_map(|of| of.figures.records().iter().copied());
    let (done, wanted) = (records().count(), outline.runs());
    let mut notes = Vec::new();
    if done < wanted {
        notes.push(format!("{done} of {wanted} runs were finished; the others are missing"));
    }
    notes.extend(folded(records()));
    notes
}

fn moved(outline: &Outline, of: &Importance, is_first: bool) -> String {
    let field = &outline.fields[of.field];
    let (label, value) = (&field.label, &field.values[of.value]);
    let unit = Shown::named(&outline.view.y).map_or("", |shown| shown.metric.unit);
    let scale = Scale::of(unit, of.rise);
    let rise = format!("{}{} ({})", scale.number(of.rise), scale.suffix(), percentage(of.share));
    match is_first {
        true => format!(
            "{label} matters most: fixed at its best single value, {value}, the hull is {rise} higher \
             on average"
        ),
        false => format!("{label} fixed at {value}, {rise}"),
    }
}

fn unmoved(outline: &Outline, of: &[&Importance], are_all: bool) -> String {
    let fixed = of.iter().enumerate().map(|(place, it)| {
        let field = &outline.fields[it.field];
        let can = if place == 0 { " can stay" } else { "" };
        format!("{}{can} at {}", field.label, field.values[it.value])
    });
    let fixed = fixed.collect::<Vec<_>>().join(" and ");
    match are_all {
        true => format!("{fixed}, and the hull stays where it is: there is nothing to choose"),
        false => format!("{fixed} at no visible cost"),
    }
}
