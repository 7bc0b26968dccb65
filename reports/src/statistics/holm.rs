//! Holm 1979: many figures are looked at, and one of them by chance must not look like a change.

/// The p-values, each corrected for all of them being looked at, in the order given. What is below
/// a level after the correction is significant at that level, with at most that probability of any
/// mistake among all of them.
#[must_use]
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&one, &another| p[one].total_cmp(&p[another]));
    let mut corrected = vec![0.0; p.len()];
    let mut least: f64 = 0.0;
    for (place, &index) in order.iter().enumerate() {
        let left = (p.len() - place) as f64;
        least = least.max((p[index] * left).min(1.0));
        corrected[index] = least;
    }
    corrected
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The example of Wikipedia, "Holm–Bonferroni method", corrected as R's `p.adjust` does.
    #[test]
    fn four_hypotheses_two_of_which_are_rejected() {
        let expected = [0.03, 0.06, 0.06, 0.02];
        for (found, expected) in holm(&[0.01, 0.04, 0.03, 0.005]).into_iter().zip(expected) {
            assert!((found - expected).abs() < 1e-12, "{found}, not {expected}");
        }
        assert_eq!(holm(&[]), [0.0; 0]);
        assert_eq!(holm(&[0.9, 0.8]), [1.0, 1.0]);
    }

    proptest! {
        #[test]
        fn a_correction_lies_between_none_and_bonferroni_s(
            p in prop::collection::vec(0.0f64..=1.0, 1..20)
        ) {
            for (corrected, p_alone) in holm(&p).into_iter().zip(&p) {
                prop_assert!(*p_alone <= corrected);
                prop_assert!(corrected <= (p_alone * p.len() as f64).min(1.0));
            }
        }

        #[test]
        fn corrections_keep_the_order(p in prop::collection::vec(0.0f64..=1.0, 2..20)) {
            let corrected = holm(&p);
            for one in 0..p.len() {
                for other in 0..p.len() {
                    prop_assert!(p[one] > p[other] || corrected[one] <= corrected[other]);
                }
            }
        }
    }
}
