//! What follows from an overlay's figures, in a sentence that is computed from them.
use super::Point;
use super::tables::{percent, times};
use crate::comparison::Contrast;
use crate::numbers::Scale;

/// The share of freeloaders that is spoken of: about what measurements of BitTorrent found (Sirivianos
/// et al. 2007 and the studies they name), and every fourth node is easily imagined.
const SPOKEN_OF: f64 = 0.25;

/// Who saves all that it would have sent, and waits no more than this part longer, has lost nothing
/// that anybody would notice.
const UNNOTICED: f64 = 0.05;

/// Who waits less than this many times as long and gives nothing for it is hardly deterred. A guess:
/// half as long again.
const DETERRED: f64 = 1.5;

/// Verified shares that are nearer than this are alike.
const TOLERANCE: f64 = 0.001;

/// How the figures of all tables are to be read, of runs under so many seeds.
pub(super) fn reading(seeds: usize) -> Vec<String> {
    let intervals = match seeds {
        0..6 => "; 6 or more seeds would give intervals",
        _ => " [intervals of at least 95 %]",
    };
    vec![
        format!(
            "penalty: how many times as long as contributors freeloaders wait for what they get; \
             above 1 freeloading does not pay. slowdown: how many times as long contributors wait \
             as without freeloaders, seed by seed{intervals}."
        ),
        "Times are of fetches that got everything: read them beside the share that did (fetched). \
         free ride: bytes of items that freeloaders got for each byte that they sent, requests \
         included; on publishers: on nodes that the workload makes publish."
            .to_owned(),
    ]
}

/// What an overlay does with freeloaders: at about a quarter of them, and whether it holds out
/// against the most.
pub(super) fn conclusion(overlay: &str, points: &[Point]) -> String {
    let with = || points.iter().filter(|point| point.share > 0.0);
    if with().next().is_none() {
        return format!("{overlay}: nobody freeloads, so there is nothing to resist");
    }
    let far = |point: &&Point| (point.share - SPOKEN_OF).abs();
    let measured = with().filter(|point| point.is_measured());
    let Some(point) = measured.min_by(|one, other| far(one).total_cmp(&far(other))) else {
        return format!("{overlay}: nothing was measured with freeloaders");
    };
    let share = percent(point.share);
    let mut claims = Vec::new();
    if point.slowdown.is_some() {
        claims.push(format!("contributors wait {} as long", times(point.slowdown)));
    }
    if point.penalty.is_some() {
        claims.push(format!("freeloaders {} as long as contributors", times(point.penalty)));
    }
    let mut text = match claims.is_empty() {
        true => format!(
            "{overlay}: with {share} freeloaders there is nothing to hold against each other"
        ),
        false => format!("{overlay}: with {share} freeloaders {}", claims.join(", ")),
    };
    if let Some(verdict) = point.penalty.map(verdict) {
        text.push_str(&format!(": {verdict}"));
    }
    text.push_str(&unfetched(points));
    text
}

/// Whether freeloading pays at this penalty. An interval that reaches what nobody would notice
/// leaves the benefit of the doubt to the freeloader, who gives nothing in any case.
fn verdict(penalty: Contrast) -> &'static str {
    let low = penalty.interval.map_or(penalty.estimate, |interval| interval.low);
    let high = penalty.interval.map_or(penalty.estimate, |interval| interval.high);
    if high < 1.0 {
        "freeloading pays, and is faster"
    } else if low <= 1.0 + UNNOTICED {
        "freeloading pays"
    } else if penalty.estimate < DETERRED {
        "freeloading costs little"
    } else {
        "freeloading does not pay"
    }
}

/// The share of fetches that get everything, where it is less than without freeloaders.
fn unfetched(points: &[Point]) -> String {
    let of = |point: &Point| Some((point.share, point.verified?));
    let all: Vec<(f64, f64)> = points.iter().filter_map(of).collect();
    let Some((_, without)) = all.iter().find(|(share, _)| *share == 0.0) else {
        return String::new();
    };
    let words = |(share, verified): &(f64, f64)| {
        let scale = Scale::of("ratio", *verified);
        let verified = format!("{}{}", scale.number(*verified), scale.suffix());
        format!("{verified} at {}", percent(*share))
    };
    let fewer = all.iter().filter(|(_, verified)| without - verified > TOLERANCE);
    let fewer: Vec<String> = fewer.map(words).collect();
    match fewer.is_empty() {
        true => String::new(),
        false => format!("; fetches that get everything: {}", fewer.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comparison::ContrastScale;
    use crate::statistics::Interval;

    fn about(estimate: f64, low: f64, high: f64) -> Contrast {
        Contrast {
            scale: ContrastScale::Ratio,
            estimate,
            interval: Some(Interval { low, high, confidence: 0.96 }),
            pairs: 16,
            tie: false,
        }
    }

    fn point(share: f64, penalty: Option<Contrast>, slowdown: f64, verified: f64) -> Point {
        let slowdown = Some(about(slowdown, slowdown * 0.97, slowdown * 1.03));
        Point { share, penalty, slowdown, verified: Some(verified) }
    }

    #[test]
    fn whether_it_pays_depends_on_where_the_penalty_certainly_is() {
        assert_eq!(verdict(about(1.03, 1.01, 1.06)), "freeloading pays");
        assert_eq!(verdict(about(1.2, 1.04, 1.4)), "freeloading pays");
        assert_eq!(verdict(about(0.9, 0.8, 0.99)), "freeloading pays, and is faster");
        assert_eq!(verdict(about(3.0, 2.5, 3.5)), "freeloading does not pay");
        assert_eq!(verdict(about(1.2, 1.18, 1.22)), "freeloading costs little");
        let alone = Contrast { interval: None, ..about(1.06, 0.0, 9.0) };
        assert_eq!(verdict(alone), "freeloading costs little");
    }

    #[test]
    fn every_fourth_is_spoken_of_and_the_most_where_fetches_fail() {
        let points = [
            point(0.0, None, 1.0, 1.0),
            point(0.1, Some(about(1.0, 0.98, 1.02)), 1.05, 0.9995),
            point(0.25, Some(about(1.03, 1.01, 1.06)), 1.21, 0.73),
            point(0.5, Some(about(1.0, 0.9, 1.1)), 1.5, 0.5),
        ];
        assert_eq!(
            conclusion("ring", &points),
            "ring: with 25 % freeloaders contributors wait ×1.21 [1.17, 1.25] as long, \
             freeloaders ×1.03 [1.01, 1.06] as long as contributors: freeloading pays; fetches \
             that get everything: 73.00 % at 25 %, 50.00 % at 50 %"
        );
        assert_eq!(
            conclusion("ring", &points[..1]),
            "ring: nobody freeloads, so there is nothing to resist"
        );
    }

    #[test]
    fn where_nothing_was_fetched_nothing_is_claimed() {
        let nothing = Point { share: 0.3, penalty: None, slowdown: None, verified: None };
        let in_vain = Point { verified: Some(0.0), ..nothing };
        assert_eq!(conclusion("ring", &[nothing]), "ring: nothing was measured with freeloaders");
        assert_eq!(
            conclusion("ring", &[nothing, in_vain]),
            "ring: with 30 % freeloaders there is nothing to hold against each other"
        );
    }
}
