//! Processor time: what a run takes of it, whoever else is busy on the machine.
use std::time::Duration;

/// What this thread has used of a processor so far; `None` where the system does not tell.
pub(crate) fn used_by_this_thread() -> Option<Duration> {
    #[cfg(target_os = "linux")]
    {
        use rustix::time::{ClockId, clock_gettime};
        let used = clock_gettime(ClockId::ThreadCPUTime);
        let nanos = u32::try_from(used.tv_nsec).ok()?;
        Some(Duration::new(u64::try_from(used.tv_sec).ok()?, nanos))
    }
    #[cfg(not(target_os = "linux"))]
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn who_sleeps_uses_nothing_and_who_works_does() {
        let before = used_by_this_thread().expect("Linux tells");
        std::thread::sleep(Duration::from_millis(200));
        let asleep = used_by_this_thread().expect("Linux tells") - before;
        assert!(asleep < Duration::from_millis(100), "{asleep:?}");
        let mut number = 1u64;
        while used_by_this_thread().expect("Linux tells") < before + asleep * 2 {
            number = std::hint::black_box(number.wrapping_mul(3));
        }
    }
}
