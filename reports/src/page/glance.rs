//! Which overlay, at what price, at a glance: a few figures of each, who has the least of what, and
//! a sentence each. Nobody wins: what is least is said figure by figure.
use maud::{Markup, html};
use peerbench_measure::Statistic::{self, Max, Mean, Quantile, Value};
use peerbench_measure::{Better, Driver};

use super::matrix::link;
use super::scene::{Column, Scene, find};

/// A figure at a glance: its metric, which of its figures, its heading, and what the best of it is
/// called.
struct Figure {
    metric: &'static str,
    statistic: Statistic,
    heading: &'static str,
    best: &'static str,
}

const fn figure(
    metric: &'static str,
    statistic: Statistic,
    heading: &'static str,
    best: &'static str,
) -> Figure {
    Figure { metric, statistic, heading, best }
}

/// What is shown where anybody has it.
const FIGURES: [Figure; 9] = [
    figure("lookup_correct_ratio", Value, "searches right", "most searches answered rightly"),
    figure("lookup_latency_us", Quantile(500), "half within", "lowest median latency"),
    figure("lookup_latency_us", Quantile(990), "99 % within", ""),
    figure("fetch_ratio", Value, "fetched whole", "most downloads whole"),
    figure("fetch_time_contributors_us", Quantile(500), "half fetched within", "fastest downloads"),
    figure("state_links", Mean, "links of a node", "fewest links remembered"),
    figure("state_entries", Mean, "entries of a node", ""),
    figure("bandwidth_sent", Mean, "sent by a node", "fewest bytes sent"),
    figure("bandwidth_sent", Max, "by the busiest", "least busy busiest node"),
];

/// What is to be said of a scene.
#[derive(Clone, Debug)]
pub(super) struct Glance {
    /// Metrics and headings.
    headings: Vec<(&'static str, &'static str)>,
    rows: Vec<Row>,
    /// Who has the least or the most of what.
    claims: Vec<String>,
    /// A sentence for each overlay.
    prices: Vec<String>,
}

#[derive(Clone, Debug)]
struct Row {
    who: usize,
    label: String,
    /// Figures in words, and whether nobody's is told to be better.
    cells: Vec<(String, bool)>,
}

impl Glance {
    pub(super) fn of(scene: &Scene<'_>) -> Self {
        let is_known = |figure: &&Figure| {
            scene.columns.iter().any(|it| it.number(figure.metric, figure.statistic).is_some())
        };
        let figures: Vec<&Figure> = FIGURES.iter().filter(is_known).collect();
        let best: Vec<Vec<usize>> = figures.iter().map(|figure| best(scene, figure)).collect();
        let row = |(place, column): (usize, &Column<'_>)| {
            let cell = |(figure, best): (&&Figure, &Vec<usize>)| {
                let words = column.words(figure.metric, figure.statistic);
                let is_best = best.contains(&place) && best.len() < scene.columns.len();
                (words.unwrap_or_else(|| "–".to_owned()), is_best)
            };
            let cells = figures.iter().zip(&best).map(cell).collect();
            Row { who: column.who, label: column.label.clone(), cells }
        };
        let claim = |(figure, best): (&&Figure, &Vec<usize>)| claim(scene, figure, best);
        Self {
            headings: figures.iter().map(|figure| (figure.metric, figure.heading)).collect(),
            rows: scene.columns.iter().enumerate().map(row).collect(),
            claims: figures.iter().zip(&best).filter_map(claim).collect(),
            prices: scene.columns.iter().filter_map(price).collect(),
        }
    }

    /// The metrics that it shows.
    pub(super) fn metrics(&self) -> impl Iterator<Item = &'static str> {
        self.headings.iter().map(|(metric, _)| *metric)
    }
}

/// Those of whom nobody's figure is told to be better; all who have one if all are alike.
fn best(scene: &Scene<'_>, figure: &Figure) -> Vec<usize> {
    let Some(metric) = find(figure.metric) else { return Vec::new() };
    let with = scene.columns.iter().enumerate();
    let with =
        with.filter_map(|(it, column)| Some((it, column.number(figure.metric, figure.statistic)?)));
    let first = match metric.better {
        Better::Lower => with.clone().min_by(|one, other| one.1.total_cmp(&other.1)),
        Better::Higher => with.clone().max_by(|one, other| one.1.total_cmp(&other.1)),
        Better::Neither => None,
    };
    let Some((first, _)) = first else { return Vec::new() };
    let words = |place: usize| scene.columns[place].words(figure.metric, figure.statistic);
    let is_as_good = |place: usize| {
        let (one, other) = (&scene.columns[first], &scene.columns[place]);
        let contrast = other.against(one, metric, figure.statistic);
        place == first || words(place) == words(first) || contrast.is_some_and(|it| it.tie)
    };
    with.map(|(place, _)| place).filter(|place| is_as_good(*place)).collect()
}

/// Who has the least or the most of a figure. A latency is said with the share of searches that it
/// is of.
fn claim(scene: &Scene<'_>, figure: &Figure, best: &[usize]) -> Option<String> {
    if scene.columns.len() < 2 || figure.best.is_empty() || best.is_empty() {
        return None;
    }
    if best.len() == scene.columns.len() {
        return Some(format!("{}: all alike", figure.best));
    }
    let named = |place: &usize| {
        let column = &scene.columns[*place];
        let words = column.words(figure.metric, figure.statistic)?;
        let success = match figure.metric {
            "lookup_latency_us" => column.words("lookup_correct_ratio", Value).zip(Some("right")),
            "fetch_time_contributors_us" => column.words("fetch_ratio", Value).zip(Some("whole")),
            _ => None,
        };
        let success = success.map_or_else(String::new, |(share, how)| format!("; {share} {how}"));
        Some(format!("{} ({words}{success})", column.label))
    };
    let named: Vec<String> = best.iter().filter_map(named).collect();
    Some(format!("{}: {}", figure.best, named.join(" and ")))
}

/// What an overlay does, and what that takes.
fn price(column: &Column<'_>) -> Option<String> {
    let mut does = Vec::new();
    if let Some(correct) = column.words("lookup_correct_ratio", Value) {
        let within = column.words("lookup_latency_us", Quantile(500));
        let within = within.map_or_else(String::new, |it| format!(", half of them within {it}"));
        does.push(format!("answers {correct} of searches rightly{within}"));
    }
    if let Some(verified) = column.words("fetch_ratio", Value) {
        let within = column.words("fetch_time_contributors_us", Quantile(500));
        let within =
            within.map_or_else(String::new, |it| format!(", half of contributors' within {it}"));
        does.push(format!("completes {verified} of downloads{within}"));
    }
    let mut takes = Vec::new();
    if let Some(links) = column.words("state_links", Mean) {
        takes.push(format!("remembers {links} others"));
    }
    if let Some(sent) = column.words("bandwidth_sent", Mean) {
        let busiest = column.words("bandwidth_sent", Max);
        let busiest = busiest.map_or_else(String::new, |it| format!(" (the busiest {it})"));
        takes.push(format!("sends {sent}{busiest}"));
    }
    if does.is_empty() {
        return None;
    }
    let takes = match takes.is_empty() {
        true => String::new(),
        false => format!("; for that a node {}", takes.join(" and ")),
    };
    Some(format!("{}{takes}.", does.join(", and ")))
        .map(|sentence| format!("{} {sentence}", column.label))
}

/// A glance as a part of the page.
pub(super) fn shown(glance: &Glance, title: &str, driver: Driver) -> Markup {
    html! {
        section.glance.driver data-driver=(driver) {
            h2 { (title) }
            div.claims {
                @for claim in &glance.claims {
                    @let (what, who) = claim.split_once(": ").unwrap_or((claim, ""));
                    p.claim { span.what { (what) } " " strong { (who) } }
                }
            }
            div.scroll {
                table {
                    thead { tr {
                        th {}
                        @for (metric, heading) in &glance.headings { th { (link(metric, heading)) } }
                    } }
                    tbody {
                        @for row in &glance.rows {
                            tr {
                                th scope="row" { (swatch(row.who)) (row.label) }
                                @for (words, is_best) in &row.cells {
                                    td.best[*is_best] { (words) }
                                }
                            }
                        }
                    }
                }
            }
            ul.prices { @for sentence in &glance.prices { li { (sentence) } } }
        }
    }
}

/// The colour of somebody, beside the name.
pub(super) fn swatch(who: usize) -> Markup {
    html! {
        svg.swatch aria-hidden="true" viewBox="0 0 34 14" {
            g class=(format!("series look-{who}")) {
                path.line d="M0 7H34" {}
                path.mark d=(super::chart::marker(who)) transform="translate(17 7)" {}
            }
        }
    }
}
