use std::time::Duration;

/// The number of tries, the first one included.
pub(crate) const ATTEMPTS: u32 = 4;
const BASE: Duration = Duration::from_millis(200);
const CAP: Duration = Duration::from_secs(5);

/// Returns how long to wait after a try that failed: full jitter under a bound that doubles, and at least what the other
/// side asks for. Returns `None` where that is longer than a caller can be kept waiting.
pub(crate) fn wait_after(attempt: u32, asked: Option<Duration>) -> Option<Duration> {
    let asked = asked.unwrap_or_default();
    let bound = CAP.min(BASE * 2u32.pow(attempt - 1));
    (asked <= CAP).then(|| asked.max(bound.mul_f64(fastrand::f64())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_between_nothing_and_a_bound_that_doubles_up_to_the_cap() {
        for (attempt, bound) in [(1, BASE), (2, BASE * 2), (3, BASE * 4), (9, CAP)] {
            for _ in 0..1_000 {
                assert!(wait_after(attempt, None).is_some_and(|wait| wait <= bound));
            }
        }
    }

    #[test]
    fn waits_for_as_long_as_it_is_asked_to_and_not_for_longer_than_a_caller_can() {
        assert!(wait_after(1, Some(Duration::from_secs(3))).is_some_and(|wait| wait >= Duration::from_secs(3)));
        assert_eq!(wait_after(1, Some(Duration::from_secs(6))), None);
    }
}
