//! An overlay on a circle: its nodes in the order of their identifiers, what they remember of each
//! other, and the path of some searches.
use std::collections::BTreeMap;
use std::f64::consts::TAU;

use maud::{Markup, html};
use peerbench_measure::{Portrait, PortraitMessage, PortraitSearch};

use super::steps::steps;
use super::{Frame, HALF, Picture, Place, dots, every, square, tenth, time};
use crate::numbers::count;

/// The circle's radius.
const RADIUS: f64 = HALF - 24.0;

/// How far towards the middle a line across the circle is bent; the nearer its ends, the less.
const BENT: f64 = 0.55;

/// Numbers of steps are no nearer to each other than this.
const NEAREST: f64 = 15.0;

/// The ring, and a path for each search.
pub(super) fn ring(portrait: &Portrait, label: &str, who: usize, id: &str) -> Option<Picture> {
    let nodes = portrait.nodes.iter();
    let places: BTreeMap<u32, Place> =
        nodes.filter_map(|node| Some((node.node, place(node.position?)))).collect();
    let searches = portrait.searches.iter().filter(|search| !search.messages.is_empty());
    let mut frames = vec![whole(portrait, &places, who)];
    frames.extend(searches.map(|search| path(search, portrait, &places, who)));
    (frames.len() > 1).then(|| Picture {
        id: format!("ring-{id}"),
        who,
        title: format!("{label}: the ring, and searches on it"),
        caption: "Nodes stand on a circle in the order of their identifiers. On the left, thin lines \
                  lead from nodes to those that they remember: neighbours, and fingers across the \
                  circle. Beside it, searches asked one after the other: from the large dot, along \
                  the numbered steps, to the square, which answers; the stroke outside of the circle \
                  is the key's place. Dashed lines are messages back. Thin lines are what the nodes \
                  on the way could have chosen from."
            .to_owned(),
        frames,
    })
}

/// Clockwise from the top.
fn place(position: f64) -> Place {
    let angle = position * TAU;
    (RADIUS * angle.sin(), -RADIUS * angle.cos())
}

fn whole(portrait: &Portrait, places: &BTreeMap<u32, Place>, who: usize) -> Frame {
    let every = every(portrait);
    let some = |place: usize| place.is_multiple_of(every);
    let drawn: Vec<u32> = portrait
        .nodes
        .iter()
        .enumerate()
        .filter(|(place, _)| some(*place))
        .map(|(_, node)| node.node)
        .collect();
    let links = portrait.links.iter().filter(|(from, _)| drawn.binary_search(from).is_ok());
    let links: String = links.filter_map(|(from, to)| bend(places, *from, *to)).collect();
    let content = html! {
        (circle(places))
        path.link d=(links) {}
        path.node d=(dots(places.values().copied())) {}
    };
    let of_some = match every {
        1 => String::new(),
        every => format!("; those of every {every}th node are drawn"),
    };
    Frame {
        label: format!(
            "{} nodes remember {} links{of_some}",
            count(portrait.nodes.len() as u64),
            count(portrait.links.len() as u64)
        ),
        drawing: square("the ring and its links", who, &content),
    }
}

fn path(
    search: &PortraitSearch,
    portrait: &Portrait,
    places: &BTreeMap<u32, Place>,
    who: usize,
) -> Frame {
    let steps = steps(search);
    let on_way: Vec<u32> = search.messages.iter().map(|it| it.from).collect();
    let links = portrait.links.iter().filter(|(from, _)| on_way.contains(from));
    let links: String = links.filter_map(|(from, to)| bend(places, *from, *to)).collect();
    let (mut out, mut back) = (String::new(), String::new());
    let mut numbers: Vec<(Place, usize)> = Vec::new();
    for step in &steps {
        for message in &step.messages {
            let is_out = step.reached.contains(&message.to);
            let line = arrow(places, message);
            if is_out { &mut out } else { &mut back }.push_str(&line);
            if let (true, Some(place)) = (is_out, places.get(&message.to)) {
                let beside = scaled(*place, (RADIUS + 13.0) / RADIUS);
                let is_free = |(other, _): &(Place, usize)| apart(*other, beside) > NEAREST;
                if numbers.iter().all(is_free) {
                    numbers.push((beside, step.first));
                }
            }
        }
    }
    let answered_by = search.answered_by.and_then(|node| places.get(&node));
    let content = html! {
        (circle(places))
        path.link d=(links) {}
        path.node.faint d=(dots(places.values().copied())) {}
        path.back d=(back) {}
        path.out d=(out) {}
        @if let Some(key) = search.key_position { (key_mark(key)) }
        @if let Some((x, y)) = places.get(&search.searcher) {
            circle.searcher cx=(tenth(*x)) cy=(tenth(*y)) r="5.5" {
                title { "node " (search.searcher) " asks" }
            }
        }
        @if let Some((x, y)) = answered_by {
            rect.answerer x=(tenth(x - 5.0)) y=(tenth(y - 5.0)) width="10" height="10" {
                title { "node " (search.answered_by.unwrap_or_default()) " answers" }
            }
        }
        @for ((x, y), number) in numbers {
            text.middle x=(tenth(x)) y=(tenth(y + 4.0)) { (number) }
        }
    };
    Frame { label: told(search), drawing: square("the path of a search", who, &content) }
}

/// What a search did, in words.
pub(super) fn told(search: &PortraitSearch) -> String {
    let messages = search.messages.len();
    let plural = if messages == 1 { "" } else { "s" };
    let more = if search.cut { " or more" } else { "" };
    let sent = format!("{}{more} message{plural}", count(messages as u64));
    match (search.answered_by, search.hops, search.latency_us) {
        (Some(by), hops, Some(latency)) => {
            let hops = hops.map_or_else(String::new, |hops| match hops {
                1 => ", 1 hop away".to_owned(),
                hops => format!(", {hops} hops away"),
            });
            format!(
                "Node {} asks; node {by} answers{hops}, after {}. {sent}.",
                search.searcher,
                time(latency)
            )
        }
        _ => format!("Node {} asks; nobody answers in time. {sent}.", search.searcher),
    }
}

/// The circle itself, which a ring of few nodes would not show.
fn circle(places: &BTreeMap<u32, Place>) -> Markup {
    html! { @if !places.is_empty() { circle.rim r=(RADIUS) {} } }
}

/// A stroke across the circle.
fn key_mark(position: f64) -> Markup {
    let (x, y) = place(position);
    let (inner, outer) = (scaled((x, y), 0.97), scaled((x, y), 1.07));
    let line =
        format!("M{} {}L{} {}", tenth(inner.0), tenth(inner.1), tenth(outer.0), tenth(outer.1));
    html! { path.key d=(line) { title { "the key's place" } } }
}

/// A line between two nodes, bent towards the middle.
fn bend(places: &BTreeMap<u32, Place>, from: u32, to: u32) -> Option<String> {
    let (from, to) = (*places.get(&from)?, *places.get(&to)?);
    let (x, y) = control(from, to);
    Some(format!(
        "M{} {}Q{} {} {} {}",
        tenth(from.0),
        tenth(from.1),
        tenth(x),
        tenth(y),
        tenth(to.0),
        tenth(to.1)
    ))
}

/// The same with a head before its end.
fn arrow(places: &BTreeMap<u32, Place>, message: &PortraitMessage) -> String {
    let (Some(from), Some(to)) = (places.get(&message.from), places.get(&message.to)) else {
        return String::new();
    };
    let line = bend(places, message.from, message.to).unwrap_or_default();
    let middle = control(*from, *to);
    // On the curve, nine tenths of the way.
    let at = |part: f64| {
        let mix = |a: f64, b: f64, c: f64| {
            (1.0 - part).powi(2) * a + 2.0 * part * (1.0 - part) * b + part.powi(2) * c
        };
        (mix(from.0, middle.0, to.0), mix(from.1, middle.1, to.1))
    };
    line + &head(at(0.8), at(0.88))
}

/// The two strokes of an arrow's head, in the direction from one place to another.
pub(super) fn head(from: Place, to: Place) -> String {
    let length = apart(from, to).max(1e-6);
    let (x, y) = ((to.0 - from.0) / length * 6.0, (to.1 - from.1) / length * 6.0);
    let side = |sign: f64| (tenth(to.0 - x + sign * y * 0.5), tenth(to.1 - y - sign * x * 0.5));
    let (left, right) = (side(1.0), side(-1.0));
    format!("M{} {}L{} {}L{} {}", left.0, left.1, tenth(to.0), tenth(to.1), right.0, right.1)
}

fn control(from: Place, to: Place) -> Place {
    let bent = BENT * (apart(from, to) / RADIUS).min(1.0);
    scaled((f64::midpoint(from.0, to.0), f64::midpoint(from.1, to.1)), 1.0 - bent)
}

fn scaled((x, y): Place, factor: f64) -> Place {
    (x * factor, y * factor)
}

fn apart(one: Place, other: Place) -> f64 {
    (one.0 - other.0).hypot(one.1 - other.1)
}
