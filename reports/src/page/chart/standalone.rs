//! Charts as a file of their own: an SVG picture for Markdown and slides, on light or dark paper as
//! whoever shows it has it.
use maud::{PreEscaped, html};

use super::frame::width;
use super::{Chart, PAPERS, WIDTH, looks, marker};

/// Charts beside each other.
const MOST_BESIDE: usize = 3;

/// Above the charts, for the title.
const TITLE: f64 = 30.0;

/// For a line of the legend, and for a chart's title.
const LINE: f64 = 24.0;

/// Between charts.
const GAP: f64 = 20.0;

/// What a line of the legend shows before its name.
const SAMPLE: f64 = 40.0;

/// A picture of charts with a legend: who looks how.
pub(crate) fn standalone(title: &str, legend: &[(usize, &str)], charts: &[Chart]) -> String {
    let beside = charts.len().clamp(1, MOST_BESIDE);
    let across = WIDTH * beside as f64 + GAP * (beside + 1) as f64;
    let mut at = (GAP, TITLE + LINE);
    let mut entries = Vec::new();
    for (who, name) in legend {
        let room = SAMPLE + width(name) + GAP;
        if at.0 > GAP && at.0 + room > across {
            at = (GAP, at.1 + LINE);
        }
        entries.push((*who, *name, at));
        at.0 += room;
    }
    let mut top = at.1 + LINE;
    let mut panels = Vec::new();
    for row in charts.chunks(beside) {
        let height = row.iter().map(|chart| super::Frame::of(chart).height()).fold(0.0, f64::max);
        for (place, chart) in row.iter().enumerate() {
            panels.push((GAP + place as f64 * (WIDTH + GAP), top, chart));
        }
        top += height + LINE + GAP;
    }
    let [light, dark] = PAPERS.each_ref().map(super::Paper::declarations);
    let style = format!(
        "svg{{{light}}}@media(prefers-color-scheme:dark){{svg{{{dark}}}}}{}text.head{{font-size:16px}}\
         text.name{{font-weight:600}}.back{{fill:var(--paper)}}",
        looks::style(legend.len())
    );
    html! {
        svg xmlns="http://www.w3.org/2000/svg" width=(across) height=(top)
            viewBox=(format!("0 0 {across} {top}")) {
            style { (PreEscaped(style)) }
            rect.back width=(across) height=(top) {}
            text.head x=(GAP) y=(TITLE) { (title) }
            @for (who, name, (x, y)) in entries {
                g class=(format!("series who-{who}")) transform=(format!("translate({x} {y})")) {
                    path.line d="M0 -4H30" {}
                    path.mark d=(marker(who)) transform="translate(15 -4)" {}
                    text x=(SAMPLE) { (name) }
                }
            }
            @for (x, y, chart) in panels {
                g transform=(format!("translate({x} {y})")) {
                    text.name x="2" { (chart.title) }
                    svg y=(LINE - 14.0) width=(WIDTH) height=(super::Frame::of(chart).height()) {
                        (chart.svg())
                    }
                }
            }
        }
    }
    .into_string()
}
