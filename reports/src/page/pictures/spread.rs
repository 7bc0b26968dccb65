//! An overlay without places: one search as it spreads over who knows whom, step by step. In the
//! middle stands who asks, or the server that everybody knows; everybody else as many rings out as
//! there are links between.
use std::collections::{BTreeMap, BTreeSet};
use std::f64::consts::TAU;

use maud::html;
use overlay_core::Role;
use peerbench_measure::{Portrait, PortraitSearch};

use super::ring::{head, told};
use super::steps::{Steps, steps};
use super::{Frame, HALF, Picture, Place, dots, every, square, tenth};
use crate::numbers::count;

/// The radius of the outermost ring.
const RADIUS: f64 = HALF - 10.0;

/// One search, a frame for each step.
pub(super) fn spread(portrait: &Portrait, label: &str, who: usize, id: &str) -> Option<Picture> {
    let is_server = |node: u32| {
        portrait.nodes.iter().any(|other| other.node == node && other.role == Role::Server)
    };
    let with_messages = || portrait.searches.iter().filter(|search| !search.messages.is_empty());
    let search = with_messages().find(|it| !is_server(it.searcher)).or(with_messages().next())?;
    let server = portrait.nodes.iter().find(|node| node.role == Role::Server);
    let middle = server.map_or(search.searcher, |server| server.node);
    let places = places(portrait, middle);
    let id = format!("spread-{id}");
    let links = format!("links-of-{id}");
    let steps = steps(search);
    let frames = steps.iter().enumerate();
    let frames = frames.map(|(place, step)| Frame {
        label: words(step, portrait.nodes.len()),
        drawing: {
            let background = html! {
                @if place == 0 {
                    path.link id=(links) d=(lines(portrait, &places)) {}
                } @else {
                    use href=(format!("#{links}")) {}
                }
            };
            let content = html! { (background) (drawn(step, search, &places)) };
            square("a step of a search", who, &content)
        },
    });
    let where_is = match server {
        Some(_) => "The server that everybody knows is in the middle",
        None => "Who asks is in the middle",
    };
    Some(Picture {
        id,
        who,
        title: format!("{label}: how a search spreads"),
        caption: format!(
            "{where_is}; who is further out is more links away. Thin lines: who remembers whom. \
             Thick lines: the messages of this step. Filled dots have been reached, hollow ones \
             have not; the large dot asks, the square answers. {}",
            told(search)
        ),
        frames: frames.collect(),
    })
}

fn words(step: &Steps<'_>, nodes: usize) -> String {
    let number = match step.first == step.last {
        true => format!("Step {}", step.first),
        false => format!("Steps {} to {}", step.first, step.last),
    };
    let messages = step.messages.len();
    let plural = if messages == 1 { "" } else { "s" };
    let known = count((step.before.len() + step.reached.len()) as u64);
    let answered = if step.answered { "; the answer is there" } else { "" };
    format!(
        "{number}: {} message{plural}; {known} of {} nodes reached{answered}",
        count(messages as u64),
        count(nodes as u64)
    )
}

/// The messages of a step, and who was reached when.
fn drawn(step: &Steps<'_>, search: &PortraitSearch, places: &BTreeMap<u32, Place>) -> maud::Markup {
    let at =
        |nodes: &BTreeSet<u32>| dots(nodes.iter().filter_map(|node| places.get(node).copied()));
    let others: BTreeSet<u32> = places.keys().copied().collect();
    let others =
        others.into_iter().filter(|it| !step.before.contains(it) && !step.reached.contains(it));
    let arrow = |from: u32, to: u32| {
        let (from, to) = (places.get(&from)?, places.get(&to)?);
        let on = |part: f64| (from.0 + (to.0 - from.0) * part, from.1 + (to.1 - from.1) * part);
        let line = format!("M{} {}L{} {}", tenth(from.0), tenth(from.1), tenth(to.0), tenth(to.1));
        Some(line + &head(on(0.7), on(0.8)))
    };
    let messages: BTreeSet<(u32, u32)> = step.messages.iter().map(|it| (it.from, it.to)).collect();
    let messages: String = messages.into_iter().filter_map(|(from, to)| arrow(from, to)).collect();
    html! {
        path.out.thin d=(messages) {}
        path.node.empty d=(dots(others.filter_map(|node| places.get(&node).copied()))) {}
        path.node.hole d=(dots(places.iter().filter(|(node, _)| !step.before.contains(node) && !step.reached.contains(node)).map(|(_, place)| *place))) {}
        path.node.earlier d=(at(&step.before)) {}
        path.node d=(at(&step.reached)) {}
        @if let Some((x, y)) = places.get(&search.searcher) {
            circle.searcher cx=(tenth(*x)) cy=(tenth(*y)) r="6" {
                title { "node " (search.searcher) " asks" }
            }
        }
        @if let Some((x, y)) = search.answered_by.and_then(|node| places.get(&node)) {
            rect.answerer x=(tenth(x - 5.0)) y=(tenth(y - 5.0)) width="10" height="10" {
                title { "node " (search.answered_by.unwrap_or_default()) " answers" }
            }
        }
    }
}

/// Lines between those who remember each other; of very many, only some.
fn lines(portrait: &Portrait, places: &BTreeMap<u32, Place>) -> String {
    let links: BTreeSet<(u32, u32)> =
        portrait.links.iter().map(|(a, b)| (*a.min(b), *a.max(b))).collect();
    let line = |(a, b): (u32, u32)| {
        let (from, to) = (places.get(&a)?, places.get(&b)?);
        Some(format!("M{} {}L{} {}", tenth(from.0), tenth(from.1), tenth(to.0), tenth(to.1)))
    };
    links.into_iter().step_by(every(portrait)).filter_map(line).collect()
}

/// Everybody's place: as many rings out as there are links to the middle, evenly on each, and near
/// those through whom they are known.
fn places(portrait: &Portrait, middle: u32) -> BTreeMap<u32, Place> {
    let mut known: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
    for (a, b) in &portrait.links {
        known.entry(*a).or_default().insert(*b);
        known.entry(*b).or_default().insert(*a);
    }
    let mut rings: Vec<Vec<u32>> = vec![vec![middle]];
    let mut seen = BTreeSet::from([middle]);
    loop {
        let neighbours = |node: &u32| known.get(node).into_iter().flatten().copied();
        let next = rings.last().into_iter().flatten().flat_map(neighbours);
        let next: Vec<u32> = next.filter(|node| seen.insert(*node)).collect();
        if next.is_empty() {
            break;
        }
        rings.push(next);
    }
    let alone = portrait.nodes.iter().map(|node| node.node).filter(|node| !seen.contains(node));
    let alone: Vec<u32> = alone.collect();
    if !alone.is_empty() {
        rings.push(alone);
    }
    let mut angles: BTreeMap<u32, f64> = BTreeMap::from([(middle, 0.0)]);
    let mut places = BTreeMap::from([(middle, (0.0, 0.0))]);
    let outermost = (rings.len() - 1).max(1) as f64;
    for (depth, ring) in rings.iter().enumerate().skip(1) {
        let towards = |node: &u32| {
            let inner = known.get(node).into_iter().flatten().filter_map(|it| angles.get(it));
            // The mean of directions, which angles themselves do not have.
            let (x, y) = inner.fold((0.0, 0.0), |(x, y), it| (x + it.sin(), y + it.cos()));
            x.atan2(y).rem_euclid(TAU)
        };
        let mut ordered: Vec<(f64, u32)> = ring.iter().map(|node| (towards(node), *node)).collect();
        ordered.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
        let radius = RADIUS * depth as f64 / outermost;
        for (place, (_, node)) in ordered.iter().enumerate() {
            // Every other ring is turned by half a step, so that lines do not hide each other.
            let turn = if depth % 2 == 0 { 0.5 } else { 0.0 };
            let angle = (place as f64 + turn) / ring.len() as f64 * TAU;
            angles.insert(*node, angle);
            places.insert(*node, (radius * angle.sin(), -radius * angle.cos()));
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;
    use peerbench_measure::{Driver, Key, PortraitNode};

    #[test]
    fn who_is_further_away_stands_further_out_and_nobody_stands_on_another() {
        let (overlay, scenario) = (String::new(), String::new());
        let node = |node| PortraitNode {
            node,
            position: None,
            role: Role::Peer,
            conduct: "contributor".into(),
        };
        let portrait = Portrait {
            key: Key { overlay, scenario, driver: Driver::Simulator, n: 7, seed: 1, round: 0 },
            at_us: 0,
            nodes: (0..7).map(node).collect(),
            links: vec![(0, 1), (0, 2), (1, 3), (1, 4), (2, 5)],
            searches: Vec::new(),
        };
        let places = places(&portrait, 0);
        let out = |node: u32| places[&node].0.hypot(places[&node].1).round();
        assert_eq!(out(0), 0.0);
        assert!(out(1) == out(2) && out(2) < out(3) && out(3) == out(4) && out(5) < out(6));
        let distinct: BTreeSet<String> = places.values().map(|it| format!("{it:.1?}")).collect();
        assert_eq!(distinct.len(), 7);
    }
}
