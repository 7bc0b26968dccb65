//! Which parameter matters most: how much higher the hull is when one of them cannot be chosen any
//! more, but has the single value that is best for it.
//!
//! After the parameter importance of Li et al. 2005. Differs from the paper: it compares areas
//! between hulls; here the area is divided by the costs that it spans, which makes it a mean height
//! with a unit. Costs that are not within reach without the parameter count as high as the highest
//! point.
use super::hull::{Hull, Place};

/// A point of which a hull may be made, and by field which value it has.
pub(super) type Chosen<'a> = (Place, &'a [Option<usize>]);

/// What it costs not to be able to choose a field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Importance {
    /// The field.
    pub(super) field: usize,
    /// Its best single value.
    pub(super) value: usize,
    /// How much higher the hull is with it, on average over the costs.
    pub(super) rise: f64,
    /// The same as a share of the hull's own mean height.
    pub(super) share: f64,
}

/// The importance of each of these fields, the most important first. Empty where all points cost the
/// same, so that there is nothing to choose between.
pub(super) fn importance(points: &[Chosen<'_>], fields: &[usize]) -> Vec<Importance> {
    let costs = points.iter().map(|(place, _)| place.0);
    let costs = costs.fold((f64::MAX, f64::MIN), |(low, high), it| (low.min(it), high.max(it)));
    if costs.0 >= costs.1 {
        return Vec::new();
    }
    let ceiling = points.iter().map(|(place, _)| place.1).fold(f64::MIN, f64::max);
    let height = |points: Vec<Place>| Hull::of(points).mean_height(costs, ceiling);
    let free = height(points.iter().map(|(place, _)| *place).collect());
    let of_field = |field: &usize| {
        let mut values: Vec<usize> = points.iter().filter_map(|(_, of)| of[*field]).collect();
        values.sort_unstable();
        values.dedup();
        let fixed = values.into_iter().map(|value| {
            let with = points.iter().filter(|(_, choices)| choices[*field] == Some(value));
            (value, height(with.map(|(place, _)| *place).collect()))
        });
        let (value, fixed) = fixed.min_by(|one, other| one.1.total_cmp(&other.1))?;
        let rise = (fixed - free).max(0.0);
        let share = if free > 0.0 { rise / free } else { 0.0 };
        Some(Importance { field: *field, value, rise, share })
    };
    let mut found: Vec<Importance> = fields.iter().filter_map(of_field).collect();
    found.sort_by(|one, other| other.rise.total_cmp(&one.rise));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_spans_the_hull_matters_and_what_only_adds_cost_does_not() {
        // The first field trades cost for height; the second costs 1 more and gives nothing.
        let choices: Vec<[Option<usize>; 2]> =
            (0..3).flat_map(|one| (0..2).map(move |other| [Some(one), Some(other)])).collect();
        let place = |of: &[Option<usize>; 2]| {
            let [one, other] = of.map(|choice| choice.unwrap_or(0));
            ([1.0, 3.0, 7.0][one] + other as f64, [9.0, 5.0, 1.0][one])
        };
        let points: Vec<Chosen<'_>> = choices.iter().map(|of| (place(of), &of[..])).collect();
        let found = importance(&points, &[0, 1]);
        assert_eq!((found[0].field, found[1].field), (0, 1));
        assert_eq!((found[1].value, found[1].rise), (0, 0.0));
        // The hull is (1, 9), (3, 5), (7, 1), and 1 up to a cost of 8: 7 × 2 + 3 × 4 + 1 over 7. With
        // the middle value alone it is 9 up to 3 and then 5: the best, by 9 × 2 + 5 × 5.
        assert_eq!(found[0].value, 1);
        assert!((found[0].rise - (43.0 - 27.0) / 7.0).abs() < 1e-12, "{found:?}");
        assert!((found[0].share - 16.0 / 27.0).abs() < 1e-12);
    }

    #[test]
    fn where_nothing_costs_more_there_is_nothing_to_choose() {
        let points = [((1.0, 2.0), &[Some(0)][..]), ((1.0, 3.0), &[Some(1)][..])];
        assert_eq!(importance(&points, &[0]), []);
        assert_eq!(importance(&[], &[0]), []);
    }
}
