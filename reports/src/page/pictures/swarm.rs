//! A swarm that fills: which pieces are where, and who has how much, over time.
use maud::{Markup, html};
use peerbench_measure::{RunRecord, SwarmNode, SwarmProgress};

use super::{Frame, Picture, tenth, time};
use crate::numbers::count;

/// Width and height of a drawing, of which the times below take some.
const WIDTH: f64 = 300.0;
const HEIGHT: f64 = 200.0;
const BELOW: f64 = 18.0;

/// How many shades there are between nothing and everything.
const SHADES: usize = 8;

/// What everybody who gives as well is called in records.
const CONTRIBUTOR: &str = "contributor";

/// Pieces over time, and downloaders over time; freeloaders apart.
pub(in crate::page) fn swarm(
    record: &RunRecord,
    label: &str,
    who: usize,
    id: &str,
) -> Option<Picture> {
    let swarm = record.swarm.as_ref()?;
    let (givers, takers): (Vec<&SwarmNode>, Vec<&SwarmNode>) =
        swarm.nodes.iter().partition(|node| node.conduct == CONTRIBUTOR);
    let mut frames = Vec::new();
    let pieces: Vec<&[f64]> = swarm.held.iter().map(Vec::as_slice).collect();
    if !pieces.is_empty() {
        let together = (swarm.pieces as usize).div_ceil(swarm.held.len());
        let each =
            if together > 1 { format!(", about {together} in a row") } else { String::new() };
        frames.push(Frame {
            label: format!(
                "{} pieces, top to bottom{each}: the stronger, the more downloaders have it",
                count(u64::from(swarm.pieces))
            ),
            drawing: heat("pieces over time", &pieces, swarm, who),
        });
    }
    for (nodes, what) in [(givers, "downloaders that give as well"), (takers, "freeloaders")] {
        if nodes.is_empty() {
            continue;
        }
        let number = nodes.len();
        frames.push(Frame {
            label: format!("{number} {what}, the soonest on top: the stronger, the more they have"),
            drawing: heat("downloaders over time", &by_progress(nodes), swarm, who),
        });
    }
    let some = match swarm.nodes.len() < swarm.of as usize {
        true => format!(" Of {} downloaders, {} are shown.", swarm.of, swarm.nodes.len()),
        false => String::new(),
    };
    (!frames.is_empty()).then(|| Picture {
        id: format!("swarm-{id}"),
        who,
        title: format!("{label}: how the swarm fills"),
        caption: format!(
            "Time runs from left to right, from no colour (nothing) to full colour (everything). If \
             rows of pieces fill evenly, no piece is rare; if rows of downloaders do, all get on \
             alike. Seed {}, {}.{some}",
            record.key.seed, record.key.driver
        ),
        frames,
    })
}

/// Who had the most over the whole time comes first.
fn by_progress(mut nodes: Vec<&SwarmNode>) -> Vec<&[f64]> {
    let sum = |node: &SwarmNode| node.share.iter().sum::<f64>();
    nodes.sort_by(|one, other| sum(other).total_cmp(&sum(one)).then(one.node.cmp(&other.node)));
    nodes.into_iter().map(|node| node.share.as_slice()).collect()
}

/// Rows of shares as a field of shades, with the times at which it begins and ends.
fn heat(label: &str, rows: &[&[f64]], swarm: &SwarmProgress, who: usize) -> Markup {
    let bins = rows.iter().map(|row| row.len()).max().unwrap_or(0).max(1);
    let (wide, high) = (WIDTH / bins as f64, (HEIGHT - BELOW) / rows.len() as f64);
    let shades: Vec<String> = (1..=SHADES)
        .map(|shade| {
            let rows = rows.iter().enumerate();
            rows.map(|(row, shares)| runs(shares, shade, wide, (row as f64 * high, high))).collect()
        })
        .collect();
    let end = swarm.from_us + swarm.width_us * bins as u64;
    html! {
        svg.network viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-label=(label) {
            g class=(format!("series look-{who}")) {
                @for (shade, path) in (1..).zip(&shades) {
                    @let opacity = format!("fill-opacity:{:.2}", f64::from(shade) / SHADES as f64);
                    @if !path.is_empty() { path.bar style=(opacity) d=(path) {} }
                }
            }
            rect.field width=(WIDTH) height=(HEIGHT - BELOW) {}
            text.tick y=(HEIGHT - 4.0) { (time(swarm.from_us)) }
            text.tick.end x=(WIDTH) y=(HEIGHT - 4.0) { (time(end)) }
        }
    }
}

/// The parts of a row that have this shade; neighbours are one.
fn runs(shares: &[f64], shade: usize, wide: f64, (top, high): (f64, f64)) -> String {
    let of = |share: f64| (share * SHADES as f64).ceil().clamp(0.0, SHADES as f64) as usize;
    let mut path = String::new();
    let mut begin = 0;
    while begin < shares.len() {
        let length = shares[begin..].iter().take_while(|share| of(**share) == shade).count();
        if length > 0 {
            // A little higher than the row, so that no paper shines through between two.
            path.push_str(&format!(
                "M{} {}h{}v{}h{}z",
                tenth(begin as f64 * wide),
                tenth(top),
                tenth(length as f64 * wide + 0.1),
                tenth(high + 0.1),
                tenth(-(length as f64 * wide + 0.1))
            ));
        }
        begin += length.max(1);
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_of_one_shade_are_one_and_nothing_is_white() {
        assert_eq!(runs(&[0.0, 0.5, 0.45, 1.0], 4, 10.0, (0.0, 5.0)), "M10 0h20.1v5.1h-20.1z");
        assert_eq!(runs(&[0.0, 0.5, 0.45, 1.0], 8, 10.0, (0.0, 5.0)), "M30 0h10.1v5.1h-10.1z");
        let all = |shares: &[f64]| {
            (1..=SHADES).map(|it| runs(shares, it, 1.0, (0.0, 1.0))).collect::<String>()
        };
        assert_eq!(all(&[0.0, 0.0]), "");
        assert_eq!(all(&[0.001, 1.0]).matches('M').count(), 2, "a little is not nothing");
    }
}
