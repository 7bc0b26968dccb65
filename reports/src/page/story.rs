//! Runs that were made to show something, a lesson or who resists freeloaders: what they show comes
//! before everything else.
use maud::{Markup, html};
use peerbench_measure::RunFolder;

use super::chart::Chart;
use super::html::card;
use super::matrix::notes;
use super::plots::plots;
use super::scene::{Cast, scenes};
use super::{Page, Shown, World, glance::Glance, head, pictures};
use crate::comparison::ComparisonError;
use crate::{compare, freeloading, lesson, summary, sweep};

/// The share of freeloaders of which distributions are drawn: about what is spoken of.
const DRAWN: f64 = 0.25;

/// What runs were made to show.
#[derive(Clone, Debug)]
pub(super) struct Story {
    pub(super) title: String,
    introduction: Vec<String>,
    chapters: Vec<Chapter>,
}

#[derive(Clone, Debug)]
struct Chapter {
    title: String,
    conclusions: Vec<String>,
    charts: Vec<Chart>,
    /// What each table is of, and the table.
    tables: Vec<(String, lesson::Table)>,
    notes: Vec<String>,
}

impl Page {
    /// The page of a lesson.
    ///
    /// # Errors
    /// If a file of histograms is missing or damaged.
    pub fn of_lesson(
        outline: &lesson::Outline,
        folder: &RunFolder,
    ) -> Result<Self, ComparisonError> {
        let lesson = lesson::lesson(outline, folder)?;
        let chapter = |part: lesson::Part| Chapter {
            title: part.title,
            conclusions: part.conclusions,
            charts: part.charts,
            tables: part.tables.into_iter().map(|table| (String::new(), table)).collect(),
            notes: part.notes,
        };
        let story = Story {
            title: lesson.title,
            introduction: lesson.introduction,
            chapters: lesson.parts.into_iter().map(chapter).collect(),
        };
        Ok(Self {
            cast: lesson.cast,
            story: Some(story),
            worlds: vec![World { summaries: vec![summary(folder)?], ..World::default() }],
            growth: Vec::new(),
            alarms: head::alarms(std::slice::from_ref(folder)),
            manifests: vec![folder.manifest().clone()],
        })
    }

    /// The page of runs with more and more freeloaders.
    ///
    /// # Errors
    /// If a file of histograms is missing or damaged.
    pub fn of_freeloaders(
        outline: &freeloading::Outline,
        folder: &RunFolder,
    ) -> Result<Self, ComparisonError> {
        let runs = std::slice::from_ref(folder);
        let found = freeloading::freeloading(outline, folder)?;
        let mut cast = Cast::default();
        let scenes = scenes(runs, 1, &mut cast)?;
        let far = |share: f64| (share - DRAWN).abs();
        let step = outline.steps.iter().filter(|step| step.share > 0.0);
        let step = step.min_by(|one, other| far(one.share).total_cmp(&far(other.share)));
        let drawn =
            scenes.iter().filter(|it| step.is_some_and(|step| step.scenario == it.scenario));
        let shown = drawn.clone().map(|scene| {
            let (driver, title) = (scene.driver, scene.title());
            Ok(Shown { driver, title, glance: Glance::of(scene), charts: plots(scene)? })
        });
        let shown = shown.collect::<Result<_, ComparisonError>>()?;
        Ok(Self {
            worlds: vec![World {
                title: head::world(&scenes),
                comparison: compare(runs, None)?,
                pictures: pictures::all(drawn.clone()),
                scenes: shown,
                drivers: Vec::new(),
                summaries: vec![summary(folder)?],
            }],
            story: Some(Story::of_freeloaders(found, |name| cast.place(name))),
            cast: cast.names().to_vec(),
            growth: Vec::new(),
            alarms: head::alarms(runs),
            manifests: vec![folder.manifest().clone()],
        })
    }
}

impl Page {
    /// The page of a grid of parameters.
    ///
    /// # Errors
    /// If a file of histograms is missing or damaged.
    pub fn of_sweep(outline: &sweep::Outline, folder: &RunFolder) -> Result<Self, ComparisonError> {
        let found = sweep::sweep(outline, folder)?;
        let cast = found.cast.clone();
        Ok(Self {
            story: Some(Story::of_sweep(found)),
            cast,
            worlds: vec![World::default()],
            growth: Vec::new(),
            alarms: head::alarms(std::slice::from_ref(folder)),
            manifests: vec![folder.manifest().clone()],
        })
    }
}

impl Story {
    fn of_sweep(found: sweep::Sweep) -> Self {
        let chapter = |world: sweep::World| {
            let overlays = world.overlays.iter();
            let tables = overlays.clone().map(|it| (it.overlay.clone(), it.table.clone()));
            let conclusions = overlays.map(|it| it.conclusion.clone());
            Chapter {
                title: world.chart.title.clone(),
                tables: tables.collect(),
                conclusions: conclusions.filter(|it| !it.is_empty()).collect(),
                charts: vec![world.chart],
                notes: Vec::new(),
            }
        };
        let mut chapters: Vec<Chapter> = found.worlds.into_iter().map(chapter).collect();
        if let Some(last) = chapters.last_mut() {
            last.notes = found.notes;
        }
        Self {
            title: "Cost against performance".to_owned(),
            introduction: std::iter::once(found.title).chain(found.reading).collect(),
            chapters,
        }
    }

    fn of_freeloaders(found: freeloading::Freeloading, mut who: impl FnMut(&str) -> usize) -> Self {
        let places: Vec<(String, usize)> =
            found.overlays.iter().map(|it| (it.overlay.clone(), who(&it.overlay))).collect();
        let place = |name: &str| {
            places.iter().find(|(known, _)| known == name).map_or(0, |(_, place)| *place)
        };
        let charts = found.charts(place);
        let conclusions = found.overlays.iter().map(|it| it.conclusion.clone()).collect();
        let tables = found.overlays.into_iter();
        let tables = tables
            .flat_map(|it| it.tables.into_iter().map(move |table| (it.overlay.clone(), table)));
        Self {
            title: "Who resists freeloaders".to_owned(),
            introduction: vec![found.title],
            chapters: vec![Chapter {
                title: "With more and more of them".to_owned(),
                conclusions,
                charts,
                tables: tables.collect(),
                notes: found.reading.into_iter().chain(found.notes).collect(),
            }],
        }
    }

    pub(super) fn charts(&self) -> impl Iterator<Item = &Chart> {
        self.chapters.iter().flat_map(|chapter| &chapter.charts)
    }

    /// The story as a part of the page.
    pub(super) fn shown(&self) -> Markup {
        html! {
            section.story {
                @for sentence in &self.introduction { p.about { (sentence) } }
                @for chapter in &self.chapters {
                    h2 { (chapter.title) }
                    @if !chapter.conclusions.is_empty() {
                        ul.conclusions { @for it in &chapter.conclusions { li { (it) } } }
                    }
                    div.cards { @for chart in &chapter.charts { (card(chart)) } }
                    div.tables {
                        @for (of, shown) in &chapter.tables {
                            div {
                                @if !of.is_empty() { h3 { (of) } }
                                (table(shown))
                            }
                        }
                    }
                    (notes(&chapter.notes))
                }
            }
        }
    }
}

fn table(table: &lesson::Table) -> Markup {
    let words = |place: usize| (place < table.words).then_some("words");
    html! {
        div.scroll {
            table {
                thead { tr {
                    @for (place, heading) in table.header.iter().enumerate() {
                        th class=[words(place)] { (heading) }
                    }
                } }
                @for block in &table.blocks {
                    tbody {
                        @if !block.title.is_empty() {
                            tr.block { th colspan=(table.header.len()) scope="rowgroup" { (block.title) } }
                        }
                        @for row in &block.rows {
                            tr {
                                @for (place, cell) in row.iter().enumerate() {
                                    td class=[words(place)] { (cell) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
