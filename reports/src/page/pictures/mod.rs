//! Pictures of overlays, for whoever wants to see one work: the ring with its fingers and the path of
//! a search, a search that spreads over its graph, a swarm that fills.
mod ring;
mod spread;
mod steps;
mod swarm;

use std::collections::BTreeMap;

use maud::{Markup, html};
use peerbench_measure::Portrait;

use super::scene::Scene;

/// Half the side of a picture of a network, in the units of its own drawing.
const HALF: f64 = 116.0;

/// Of more links than these, only those of some nodes are drawn: a picture of all would be black.
const MOST_LINKS: usize = 1_600;

/// Small pictures that belong together.
#[derive(Clone, Debug)]
pub(super) struct Picture {
    id: String,
    /// Whose it is.
    who: usize,
    title: String,
    /// What one sees, in plain words.
    caption: String,
    frames: Vec<Frame>,
}

/// One small picture.
#[derive(Clone, Debug)]
struct Frame {
    label: String,
    drawing: Markup,
}

/// A place in a drawing, from its middle.
type Place = (f64, f64);

/// All pictures of these scenes of one world: networks as the simulator portrayed them, swarms as the
/// last driver that has them.
pub(super) fn all<'s, 'a: 's>(scenes: impl IntoIterator<Item = &'s Scene<'a>>) -> Vec<Picture> {
    let mut found: BTreeMap<(usize, String), Vec<Picture>> = BTreeMap::new();
    for scene in scenes {
        for column in &scene.columns {
            let id = format!("{}-{}", column.who, scene.id);
            let portrait = column.portrait.as_ref();
            let network = portrait.and_then(|it| portrayed(it, &column.label, column.who, &id));
            let records = column.records();
            let record = records.iter().find(|record| record.swarm.is_some());
            let swarm = record.and_then(|it| swarm::swarm(it, &column.label, column.who, &id));
            // A driver's takes the place of the one before, of the same world.
            let pictures: Vec<Picture> = network.into_iter().chain(swarm).collect();
            if !pictures.is_empty() {
                found.insert((column.who, scene.scenario.to_owned()), pictures);
            }
        }
    }
    found.into_values().flatten().collect()
}

/// A picture of a network and of what its searches did: on a circle where nodes have places on one.
/// `None` where nothing was searched.
fn portrayed(portrait: &Portrait, label: &str, who: usize, id: &str) -> Option<Picture> {
    let on_circle = portrait.nodes.iter().all(|node| node.position.is_some());
    match on_circle && !portrait.nodes.is_empty() {
        true => ring::ring(portrait, label, who, id),
        false => spread::spread(portrait, label, who, id),
    }
}

impl Picture {
    /// The picture as a part of the page.
    pub(super) fn shown(&self) -> Markup {
        html! {
            figure id=(self.id) class=(format!("card picture who-{}", self.who)) {
                h3 { (super::glance::swatch(self.who)) (self.title) }
                div.frames {
                    @for frame in &self.frames {
                        div.frame {
                            (frame.drawing)
                            p { (frame.label) }
                        }
                    }
                }
                figcaption { (self.caption) }
            }
        }
    }
}

/// A square drawing around its middle.
fn square(label: &str, who: usize, content: &Markup) -> Markup {
    let side = 2.0 * HALF;
    html! {
        svg.network viewBox=(format!("{} {} {side} {side}", -HALF, -HALF)) role="img" aria-label=(label) {
            g class=(format!("series look-{who}")) { (content) }
        }
    }
}

/// Dots, all in one path: a line without length has round ends.
fn dots(places: impl Iterator<Item = Place>) -> String {
    places.map(|(x, y)| format!("M{} {}h0", tenth(x), tenth(y))).collect()
}

/// A number with one decimal.
fn tenth(number: f64) -> f64 {
    (number * 10.0).round() / 10.0 + 0.0
}

/// Every which node's links are drawn.
fn every(portrait: &Portrait) -> usize {
    portrait.links.len().div_ceil(MOST_LINKS).max(1)
}

/// Milliseconds or seconds, as tables write them.
fn time(micros: u64) -> String {
    let scale = crate::numbers::Scale::of("µs", micros as f64);
    format!("{}{}", scale.number(micros as f64), scale.suffix())
}
