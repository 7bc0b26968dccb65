//! The lower-left convex hull of points of which less is better in both directions: what can be had
//! for what, by the best choice of parameters.
//!
//! After Li, Stribling, Morris, Kaashoek and Gil 2005, "A performance vs. cost framework for evaluating
//! DHT design tradeoffs under churn" (INFOCOM).

/// A point: what it costs, and what is got for it.
pub type Place = (f64, f64);

/// The vertices of a lower-left convex hull, from the cheapest point to the lowest. No point lies to the
/// left of it or below it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hull(Vec<Place>);

impl Hull {
    /// The hull of these points, whose coordinates are finite.
    #[must_use]
    pub fn of(points: impl IntoIterator<Item = Place>) -> Self {
        let mut points: Vec<Place> = points.into_iter().collect();
        points.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.total_cmp(&other.1)));
        let mut vertices: Vec<Place> = Vec::new();
        for point in points {
            // Whoever costs more has to be lower than everybody cheaper.
            if vertices.last().is_some_and(|last| point.1 >= last.1) {
                continue;
            }
            while let [.., before, last] = vertices[..]
                && !is_below(last, before, point)
            {
                vertices.pop();
            }
            vertices.push(point);
        }
        Self(vertices)
    }

    /// Its vertices, from left to right and from top to bottom.
    #[must_use]
    pub fn vertices(&self) -> &[Place] {
        &self.0
    }

    /// Whether a point is one of its vertices.
    #[must_use]
    pub fn has(&self, point: Place) -> bool {
        self.0.contains(&point)
    }

    /// How high it is at a cost; `None` if nothing is as cheap.
    #[must_use]
    pub fn height(&self, cost: f64) -> Option<f64> {
        let next = self.0.partition_point(|vertex| vertex.0 <= cost);
        let from = self.0[..next].last()?;
        Some(match self.0.get(next) {
            Some(to) => from.1 + (to.1 - from.1) * (cost - from.0) / (to.0 - from.0),
            None => from.1,
        })
    }

    /// How high it is on average over the costs from one to another, which is larger; where nothing is
    /// as cheap, as high as the ceiling.
    #[must_use]
    pub fn mean_height(&self, (from, to): (f64, f64), ceiling: f64) -> f64 {
        let within = self.0.iter().map(|vertex| vertex.0).filter(|cost| (from..to).contains(cost));
        let mut stops: Vec<f64> = std::iter::once(from).chain(within).chain([to]).collect();
        stops.dedup();
        // Between two stops it is straight, so its middle is its mean.
        let area = |two: &[f64]| {
            let middle = f64::midpoint(two[0], two[1]);
            (two[1] - two[0]) * self.height(middle).unwrap_or(ceiling)
        };
        stops.windows(2).map(area).sum::<f64>() / (to - from)
    }
}

/// Whether a point lies below the line between its neighbours.
fn is_below(point: Place, left: Place, right: Place) -> bool {
    let turn = (point.0 - left.0) * (right.1 - left.1) - (point.1 - left.1) * (right.0 - left.0);
    turn > 0.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_known_hull() {
        let points = [(1.0, 9.0), (2.0, 5.0), (3.0, 4.5), (4.0, 1.0), (5.0, 1.0), (4.0, 8.0)];
        let hull = Hull::of(points);
        assert_eq!(hull.vertices(), [(1.0, 9.0), (2.0, 5.0), (4.0, 1.0)]);
        assert_eq!(hull.height(0.5), None);
        assert_eq!(
            [1.0, 1.5, 3.0, 4.0, 99.0].map(|it| hull.height(it)),
            [9.0, 7.0, 3.0, 1.0, 1.0].map(Some)
        );
        // 10 on [0, 1], 7 on [1, 2], 3 on [2, 4], 1 on [4, 6].
        assert_eq!(hull.mean_height((0.0, 6.0), 10.0), (10.0 + 7.0 + 6.0 + 2.0) / 6.0);
    }

    #[test]
    fn one_point_and_none() {
        assert_eq!(Hull::of([(2.0, 3.0); 4]).vertices(), [(2.0, 3.0)]);
        assert_eq!(Hull::of([]).height(1.0), None);
        assert_eq!(Hull::of([]).mean_height((0.0, 2.0), 7.0), 7.0);
    }

    fn points() -> impl Strategy<Value = Vec<Place>> {
        // Coarse, so that points share coordinates and lie on one line.
        prop::collection::vec((0u32..40, 0u32..40), 1..60)
            .prop_map(|points| points.into_iter().map(|(x, y)| (x.into(), y.into())).collect())
    }

    proptest! {
        #[test]
        fn every_point_lies_on_it_or_above_and_to_the_right(points in points()) {
            let hull = Hull::of(points.iter().copied());
            for (x, y) in &points {
                let height = hull.height(*x);
                prop_assert!(height.is_some_and(|height| *y >= height - 1e-9), "{x} {y} {hull:?}");
            }
        }

        #[test]
        fn vertices_are_points_and_turn_to_the_left(points in points()) {
            let hull = Hull::of(points.iter().copied());
            prop_assert!(hull.vertices().iter().all(|vertex| points.contains(vertex)));
            for two in hull.vertices().windows(2) {
                prop_assert!(two[0].0 < two[1].0 && two[0].1 > two[1].1);
            }
            for three in hull.vertices().windows(3) {
                prop_assert!(is_below(three[1], three[0], three[2]), "{hull:?}");
            }
        }

        #[test]
        fn fewer_points_never_have_a_lower_hull(points in points(), kept in 0usize..60) {
            let all = Hull::of(points.iter().copied());
            let some = Hull::of(points.iter().copied().take(kept));
            let costs = (-1.0, 41.0);
            prop_assert!(all.mean_height(costs, 40.0) <= some.mean_height(costs, 40.0) + 1e-9);
            prop_assert!((0.0..=40.0 + 1e-9).contains(&all.mean_height(costs, 40.0)));
        }

        #[test]
        fn the_order_of_points_does_not_matter(points in points()) {
            let reversed = Hull::of(points.iter().rev().copied());
            prop_assert_eq!(Hull::of(points.iter().copied()), reversed);
        }
    }
}
