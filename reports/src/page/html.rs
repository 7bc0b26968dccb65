//! The page as a whole.
use std::cmp::Reverse;

use maud::{DOCTYPE, Markup, PreEscaped, html};
use peerbench_measure::Driver;

use super::chart::{Chart, Series, Shape, marker};
use super::matrix::{agreement, link, matrix};
use super::{Page, Shown, World, glance, style, tables};
use crate::comparison::Table;

/// Nothing is loaded from anywhere, whatever gets into a page.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";

/// What is folded is opened for the printer, and folded again. Everything else needs no script.
const SCRIPT: &str = "\
addEventListener('beforeprint',()=>{for(const d of document.querySelectorAll('details:not([open])'))\
{d.dataset.folded='';d.open=true}});\
addEventListener('afterprint',()=>{for(const d of document.querySelectorAll('[data-folded]'))\
{delete d.dataset.folded;d.open=false}});";

impl Page {
    /// The page, as a file of its own.
    #[must_use]
    pub fn html(&self) -> String {
        let drivers = self.drivers();
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta http-equiv="Content-Security-Policy" content=(POLICY);
                    meta name="color-scheme" content="light dark";
                    link rel="icon" href="data:,";
                    title { (self.title()) " · peerbench" }
                    style { (PreEscaped(style::sheet(self.cast.len(), &drivers))) }
                }
                body {
                    (self.controls(&drivers))
                    main {
                        (self.head())
                        @if let Some(story) = &self.story { (story.shown()) }
                        (self.growth())
                        @for world in &self.worlds { (self.world(world)) }
                        (self.tables())
                        (self.circumstances())
                        (self.definitions())
                    }
                    script { (PreEscaped(SCRIPT)) }
                }
            }
        }
        .into_string()
    }

    fn drivers(&self) -> Vec<Driver> {
        let scenes = self.worlds.iter().flat_map(|world| &world.scenes);
        let mut drivers: Vec<Driver> = scenes.map(|scene| scene.driver).collect();
        drivers.sort_unstable();
        drivers.dedup();
        drivers
    }

    /// What can be switched: overlays, drivers, light and dark. Style sheets do the rest.
    fn controls(&self, drivers: &[Driver]) -> Markup {
        html! {
            nav.controls aria-label="What is shown" {
                @if self.cast.len() > 1 {
                    @for (who, name) in self.cast.iter().enumerate() {
                        label {
                            input type="checkbox" id=(format!("show-{who}")) checked;
                            (sample(who, 0, Shape::Marked)) (name)
                        }
                    }
                }
                @if drivers.len() > 1 {
                    span.group {
                        @for driver in drivers {
                            label {
                                input type="checkbox" id=(format!("show-{driver}")) checked;
                                (driver)
                            }
                        }
                    }
                }
                span.group.theme {
                    @for (place, theme) in ["auto", "light", "dark"].into_iter().enumerate() {
                        label {
                            input type="radio" name="theme" id=(format!("theme-{theme}"))
                                checked[place == 0];
                            (theme)
                        }
                    }
                }
            }
        }
    }

    fn growth(&self) -> Markup {
        html! {
            @if !self.growth.is_empty() {
                section #growth {
                    h2 { "With more and more nodes" }
                    div.cards { @for chart in &self.growth { (card(chart)) } }
                }
            }
        }
    }

    fn world(&self, world: &World) -> Markup {
        let who = |label: &str| {
            self.cast.iter().position(|known| known == label).unwrap_or(self.cast.len())
        };
        let several = self.worlds.len() > 1;
        html! {
            @if several {
                h2.world { (world.title) }
                (glances(world))
            }
            @if !world.comparison.is_empty() {
                section {
                    h2 { "Side by side" }
                    @for (place, table) in ordered(&world.comparison.tables).into_iter().enumerate() {
                        @if place == 0 {
                            (matrix(table, who))
                        } @else {
                            details.driver data-driver=(table.driver) {
                                summary { (table.title) }
                                (matrix(table, who))
                            }
                        }
                    }
                    @for source in &world.comparison.sources { p.key { (source) } }
                }
            }
            @if !world.pictures.is_empty() {
                section {
                    h2 { "How it works" }
                    @for picture in &world.pictures { (picture.shown()) }
                }
            }
            @for scene in &world.scenes { (plots(scene)) }
            @if !world.drivers.is_empty() || !world.comparison.agreements.is_empty() {
                section {
                    h2 { "Simulator against testbed" }
                    div.cards { @for chart in &world.drivers { (card(chart)) } }
                    @for it in &world.comparison.agreements { (agreement(it)) }
                }
            }
        }
    }

    fn tables(&self) -> Markup {
        let is_alone =
            self.story.is_none() && self.worlds.iter().all(|world| world.comparison.is_empty());
        html! {
            section #tables {
                h2 { "All figures" }
                @for summary in self.worlds.iter().flat_map(|world| &world.summaries) {
                    (tables::summary(summary, is_alone))
                }
            }
        }
    }
}

/// First the table that is surest of its differences: the one with the most runs, by the pairs of its
/// figures.
fn ordered(tables: &[Table]) -> Vec<&Table> {
    let pairs = |table: &&Table| {
        let rows = table.blocks.iter().flat_map(|block| &block.rows);
        let contrasts = rows.flat_map(|row| &row.cells).filter_map(|cell| cell.contrast);
        Reverse(contrasts.map(|contrast| contrast.pairs).max())
    };
    let mut tables: Vec<&Table> = tables.iter().collect();
    tables.sort_by_key(pairs);
    tables
}

/// What can be said at a glance of a world.
pub(super) fn glances(world: &World) -> Markup {
    html! {
        @for scene in &world.scenes { (glance::shown(&scene.glance, &scene.title, scene.driver)) }
    }
}

fn plots(scene: &Shown) -> Markup {
    html! {
        @if !scene.charts.is_empty() {
            section.driver data-driver=(scene.driver) {
                h2 { (scene.title) }
                div.cards { @for chart in &scene.charts { (card(chart)) } }
            }
        }
    }
}

/// A chart with its title, legend and caption.
pub(super) fn card(chart: &Chart) -> Markup {
    html! {
        figure.card id=(chart.id) {
            h3 { (chart.title) }
            (legend(chart))
            (chart.svg())
            figcaption {
                (chart.caption)
                @for metric in &chart.metrics { " " (link(metric, "↗")) }
            }
        }
    }
}

/// Who looks how, where there are several and nothing else says it.
fn legend(chart: &Chart) -> Markup {
    let is_told = |series: &&Series| {
        !matches!(series.shape, Shape::Spans | Shape::Segments | Shape::Intervals)
    };
    let told: Vec<&Series> = chart.series.iter().filter(is_told).collect();
    html! {
        @if told.len() > 1 {
            ul.legend {
                @for series in told {
                    li class=(format!("who-{}", series.who)) {
                        (sample(series.who, series.variant, series.shape)) (series.name)
                    }
                }
            }
        }
    }
}

/// How a series looks.
fn sample(who: usize, variant: usize, shape: Shape) -> Markup {
    let is_filled = matches!(shape, Shape::Area | Shape::Bars { .. });
    html! {
        svg.swatch aria-hidden="true" viewBox="0 0 34 14" {
            g class=(format!("series look-{who} variant-{variant}")) {
                @if is_filled {
                    path.bar d="M8 1H28V13H8z" {}
                } @else {
                    path.line d="M0 7H34" {}
                    path.mark d=(marker(who)) transform="translate(17 7)" {}
                }
            }
        }
    }
}
