//! What was compared, in which world, and what a reader must be told before anything else.
use std::collections::BTreeSet;

use maud::{Markup, html};
use peerbench_measure::{Driver, Manifest, RunFolder, Status};

use super::Page;
use super::html::glances;
use super::scene::Scene;
use crate::numbers::count;

/// The most names that a heading has.
const MOST_NAMED: usize = 6;

impl Scene<'_> {
    /// Where it was measured: driver, scenario, nodes and seeds.
    pub(super) fn title(&self) -> String {
        let place = place(self.driver);
        format!("{place} · {} · {}", self.scenario, extent(std::iter::once(self)))
    }
}

/// Where a driver runs nodes, as a heading.
pub(super) fn place(driver: Driver) -> &'static str {
    match driver {
        Driver::Testbed => "On the testbed",
        Driver::Simulator => "In the simulator",
    }
}

/// A world that scenes are of.
pub(super) fn world(scenes: &[Scene<'_>]) -> String {
    let names: BTreeSet<&str> = scenes.iter().map(|scene| scene.scenario).collect();
    let name = match (names.first(), names.len()) {
        (None, _) => return "nothing was measured".to_owned(),
        (Some(name), 1) => (*name).to_owned(),
        (_, many) => format!("{many} scenarios"),
    };
    format!("{name} · {}", extent(scenes.iter()))
}

fn extent<'s, 'a: 's>(scenes: impl Iterator<Item = &'s Scene<'a>> + Clone) -> String {
    let nodes: BTreeSet<u32> = scenes.clone().map(|scene| scene.nodes).collect();
    let seeds: BTreeSet<u64> =
        scenes.flat_map(|scene| scene.records()).map(|record| record.key.seed).collect();
    let nodes: Vec<String> = nodes.iter().map(|nodes| count(u64::from(*nodes))).collect();
    let seeds = match (seeds.first(), seeds.len()) {
        (Some(seed), 1) => format!("seed {seed}"),
        (_, many) => format!("{many} seeds"),
    };
    format!("{} nodes · {seeds}", nodes.join(", "))
}

/// What is missing or went wrong, so that nobody takes a part for the whole.
pub(super) fn alarms(runs: &[RunFolder]) -> Vec<String> {
    let mut alarms = Vec::new();
    for run in runs {
        let manifest = run.manifest();
        let which = if runs.len() > 1 { format!("{}: ", manifest.id) } else { String::new() };
        alarms.extend(ending(manifest).map(|how| format!("{which}{how}")));
        for overlay in &manifest.overlays {
            let of = || run.records().iter().filter(|record| record.key.overlay == *overlay);
            let unfinished: Vec<String> = of()
                .filter(|record| record.status != Status::Ok)
                .map(|it| format!("{} under seed {}: {}", it.key.driver, it.key.seed, it.status))
                .collect();
            if of().next().is_none() {
                alarms.push(format!("{which}{overlay} was to be measured and was not"));
            }
            if !unfinished.is_empty() {
                let unfinished = unfinished.join(", ");
                alarms.push(format!("{which}{overlay} did not go to its end: {unfinished}"));
            }
        }
    }
    alarms
}

/// How a run ended, unless it ended well.
fn ending(manifest: &Manifest) -> Option<&'static str> {
    match manifest.status {
        Some(Status::Ok) => None,
        Some(Status::Interrupted) => Some(
            "Partial: this run was interrupted. The figures are of what was finished until then.",
        ),
        Some(Status::Failed) => {
            Some("Partial: something in this run failed. The figures are of what was measured.")
        }
        Some(Status::Timeout) => {
            Some("Partial: this run did not end in time. The figures are of what was measured.")
        }
        None => Some(
            "Partial: nobody has noted the end of this run. It is still going on, or its process \
             was killed.",
        ),
    }
}

impl Page {
    /// What the page is called.
    pub(super) fn title(&self) -> String {
        if let Some(story) = &self.story {
            return story.title.clone();
        }
        match self.cast.as_slice() {
            [] => "Nothing was measured".to_owned(),
            [one] => one.clone(),
            many if many.len() > MOST_NAMED => format!("{} overlays side by side", many.len()),
            many => format!("{} and {}", many[..many.len() - 1].join(", "), many[many.len() - 1]),
        }
    }

    /// The top of the page.
    pub(super) fn head(&self) -> Markup {
        let worlds = self.worlds.iter().map(|world| world.title.as_str());
        html! {
            header {
                p.brand { "peerbench" }
                h1 { (self.title()) }
                @for world in worlds { p.where { (world) } }
                @for description in self.descriptions() { p.about { (description) } }
                @if !self.alarms.is_empty() {
                    div.alarm role="alert" {
                        @for alarm in &self.alarms { p { (alarm) } }
                    }
                }
            }
            @if let ([world], None) = (self.worlds.as_slice(), &self.story) { (glances(world)) }
        }
    }

    /// What scenarios say about themselves, unless they speak of another number of nodes than was
    /// run.
    fn descriptions(&self) -> BTreeSet<String> {
        let description = |manifest: &Manifest| {
            let scenario: serde_yaml::Value = serde_yaml::from_str(&manifest.scenario_yaml).ok()?;
            let text = scenario.get("description")?.as_str()?.trim().to_owned();
            let nodes = scenario.get("nodes")?.as_u64()?;
            let is_of_others = text.contains(" nodes") && !text.contains(&format!("{nodes} nodes"));
            (!text.is_empty() && !is_of_others).then_some(text)
        };
        self.manifests.iter().filter_map(description).collect()
    }
}
