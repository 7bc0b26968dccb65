//! How evenly a load is spread over nodes: the Lorenz curve, and the Gini coefficient that is twice
//! the area between it and the diagonal.

/// Most steps of a curve.
const MOST_STEPS: usize = 100;

/// The Gini coefficient, exact up to the last division; `None` for no loads, or none but zero.
pub(crate) fn gini(mut loads: Vec<u64>) -> Option<f64> {
    loads.sort_unstable();
    let nodes = loads.len() as u128;
    let sum: u128 = loads.iter().copied().map(u128::from).sum();
    let ranked: u128 = (1..).zip(&loads).map(|(rank, load)| rank * u128::from(*load)).sum();
    // Not negative: the loads ascend, so their ranked sum is at least sum × (nodes + 1) / 2.
    (sum > 0).then(|| (2 * ranked - (nodes + 1) * sum) as f64 / (nodes * sum) as f64)
}

/// The share of the load that the nodes with the least of it carry together, for growing shares of
/// the nodes: from (0, 0) to (1, 1), at every node or at every hundredth of them, to the nearest
/// node. Empty for no loads, or none but zero.
pub(crate) fn lorenz(mut loads: Vec<u64>) -> Vec<(f64, f64)> {
    loads.sort_unstable();
    let nodes = loads.len();
    let sum: u128 = loads.iter().copied().map(u128::from).sum();
    if sum == 0 {
        return Vec::new();
    }
    let steps = nodes.min(MOST_STEPS);
    let (mut carried, mut counted) = (0_u128, 0);
    let point = |step: usize| {
        let until = (step * nodes + steps / 2) / steps;
        carried += loads[counted..until].iter().copied().map(u128::from).sum::<u128>();
        counted = until;
        (until as f64 / nodes as f64, carried as f64 / sum as f64)
    };
    (0..=steps).map(point).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn gini_of_known_loads() {
        let close = |loads: &[u64], expected: f64| {
            let found = gini(loads.to_vec()).unwrap();
            assert!((found - expected).abs() < 1e-12, "{loads:?}: {found}, not {expected}");
        };
        close(&[5, 5, 5, 5], 0.0);
        close(&[0, 0, 0, 9], 0.75);
        close(&[4, 1, 3, 2], 0.25);
        close(&[u64::MAX, u64::MAX], 0.0);
        assert_eq!(gini(Vec::new()), None);
        assert_eq!(gini(vec![0, 0]), None);
    }

    #[test]
    fn curves_of_known_loads() {
        assert_eq!(lorenz(vec![3, 1]), [(0.0, 0.0), (0.5, 0.25), (1.0, 1.0)]);
        assert_eq!(lorenz(vec![7]), [(0.0, 0.0), (1.0, 1.0)]);
        assert_eq!((lorenz(Vec::new()), lorenz(vec![0, 0])), (Vec::new(), Vec::new()));
        let many = lorenz(vec![1; 12_345]);
        assert_eq!(many.len(), 101);
        assert!(many.iter().all(|(nodes, load)| (nodes - load).abs() < 1e-12));
    }

    proptest! {
        #[test]
        fn a_curve_rises_below_the_diagonal_and_bounds_the_gini_coefficient(
            loads in prop::collection::vec(0u64..1_000_000, 1..400)
        ) {
            let curve = lorenz(loads.clone());
            let Some(gini) = gini(loads.clone()) else {
                prop_assert!(curve.is_empty());
                return Ok(());
            };
            prop_assert_eq!((curve[0], curve[curve.len() - 1]), ((0.0, 0.0), (1.0, 1.0)));
            prop_assert!(curve.iter().all(|(nodes, load)| load <= &(nodes + 1e-12)));
            prop_assert!(curve.windows(2).all(|two| two[0].0 < two[1].0 && two[0].1 <= two[1].1));
            let area: f64 = curve
                .windows(2)
                .map(|two| (two[1].0 - two[0].0) * (two[1].1 + two[0].1) / 2.0)
                .sum();
            // The chords of a convex curve lie above it, so fewer points show less inequality.
            prop_assert!(1.0 - 2.0 * area <= gini + 1e-9);
            if loads.len() <= MOST_STEPS {
                prop_assert!((1.0 - 2.0 * area - gini).abs() < 1e-9);
            }
        }
    }
}
