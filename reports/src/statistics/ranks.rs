//! Ranks with ties, and the exact distributions of sums of ranks.
//!
//! Tied values share the mean of their ranks, which is a whole number or a half. Everything here
//! counts in halves, so that sums of ranks are whole numbers and can be the index of a table.

/// Twice the rank of each value, in the order given: 2 for the smallest, if it is alone.
pub(super) fn doubled_ranks(values: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&one, &another| values[one].total_cmp(&values[another]));
    let mut ranks = vec![0; values.len()];
    let mut first = 0;
    for tied in order.chunk_by(|&one, &another| values[one] == values[another]) {
        // First and last rank of the group, counted from 1, are twice its mean rank together.
        let twice = (first + 1) + (first + tied.len());
        for &index in tied {
            ranks[index] = twice;
        }
        first += tied.len();
    }
    ranks
}

/// The probability of each sum of these numbers, if each is in the sum with probability one half.
pub(super) fn sums_of_any(numbers: &[usize]) -> Vec<f64> {
    let mut probabilities = vec![0.0; numbers.iter().sum::<usize>() + 1];
    probabilities[0] = 1.0;
    let mut largest = 0;
    for &number in numbers {
        largest += number;
        for sum in (0..=largest).rev() {
            let with = sum.checked_sub(number).map_or(0.0, |rest| probabilities[rest]);
            probabilities[sum] = f64::midpoint(probabilities[sum], with);
        }
    }
    probabilities
}

/// The probability of each sum of this many of the numbers, if every choice is as likely.
pub(super) fn sums_of_some(numbers: &[usize], chosen: usize) -> Vec<f64> {
    let sums = numbers.iter().sum::<usize>() + 1;
    // By how many were chosen so far, and by their sum. Choosing one after the other with the
    // right odds, rather than counting choices, keeps every number at most 1.
    let mut probabilities = vec![vec![0.0; sums]; chosen + 1];
    probabilities[0][0] = 1.0;
    for (seen, &number) in numbers.iter().enumerate() {
        let left = (numbers.len() - seen) as f64;
        for so_far in (0..=chosen.min(seen)).rev() {
            let odds = (chosen - so_far) as f64 / left;
            for sum in (0..sums).rev() {
                let probability = probabilities[so_far][sum];
                if probability == 0.0 {
                    continue;
                }
                if so_far < chosen {
                    probabilities[so_far + 1][sum + number] += probability * odds;
                }
                probabilities[so_far][sum] = probability * (1.0 - odds);
            }
        }
    }
    probabilities.swap_remove(chosen)
}

/// The probability of something at least as far out as `sum`, on either side: twice that of its
/// own side, and at most 1.
pub(super) fn two_sided(probabilities: &[f64], sum: usize) -> f64 {
    let below: f64 = probabilities[..=sum].iter().sum();
    let above: f64 = probabilities[sum..].iter().sum();
    (2.0 * below.min(above)).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn tied_values_share_the_mean_of_their_ranks() {
        assert_eq!(doubled_ranks(&[0.5, 0.1, 0.5, 0.9]), [5, 2, 5, 8]);
        assert_eq!(doubled_ranks(&[7.0; 3]), [4, 4, 4]);
        assert_eq!(doubled_ranks(&[]), [0; 0]);
    }

    /// Every subset of the numbers, as a mask.
    fn sums(numbers: &[usize]) -> impl Iterator<Item = (u32, usize)> {
        (0..1u32 << numbers.len()).map(|mask| {
            let chosen = (0..numbers.len()).filter(|index| mask >> index & 1 == 1);
            (mask.count_ones(), chosen.map(|index| numbers[index]).sum())
        })
    }

    proptest! {
        #[test]
        fn sums_are_as_likely_as_counting_says(
            numbers in prop::collection::vec(1usize..20, 1..10),
            share in 0.0f64..1.0,
        ) {
            let all = 2f64.powi(numbers.len() as i32);
            for (sum, probability) in sums_of_any(&numbers).into_iter().enumerate() {
                let count = sums(&numbers).filter(|(_, other)| *other == sum).count();
                prop_assert!((probability - count as f64 / all).abs() < 1e-12);
            }
            let chosen = (share * numbers.len() as f64) as usize;
            let of_size = || sums(&numbers).filter(|(size, _)| *size as usize == chosen);
            let all = of_size().count() as f64;
            for (sum, probability) in sums_of_some(&numbers, chosen).into_iter().enumerate() {
                let count = of_size().filter(|(_, other)| *other == sum).count();
                prop_assert!((probability - count as f64 / all).abs() < 1e-12);
            }
        }
    }
}
