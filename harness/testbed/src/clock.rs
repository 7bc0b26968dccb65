//! The machine's monotonic clock, and one precise alarm per process.
//!
//! tokio's timers have a granularity of a millisecond and fire a millisecond late on average, more
//! than many of the latencies that the testbed emulates. So a process has one `timerfd`, armed for
//! the earliest of a heap of deadlines: 20 to 40 µs late.
use std::collections::BTreeMap;
use std::io;
use std::ops::Add;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use rustix::time::{
    ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, clock_gettime,
    timerfd_create, timerfd_settime,
};
use serde::{Deserialize, Serialize};
use tokio::io::unix::AsyncFd;

/// An instant of `CLOCK_MONOTONIC` in nanoseconds: the same for all processes of one machine, so
/// one process can say when another is to do something.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Moment(u64);

impl Moment {
    /// The present.
    #[must_use]
    pub fn now() -> Self {
        let now = clock_gettime(ClockId::Monotonic);
        Self(now.tv_sec as u64 * NANOS_PER_SECOND + now.tv_nsec as u64)
    }

    /// The instant at this many nanoseconds of the clock.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds of the clock.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// How long after `earlier` this is; zero if it is not after it.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Moment {
    type Output = Self;

    fn add(self, after: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(after.as_nanos()).unwrap_or(u64::MAX)))
    }
}

const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// The alarm of a process: wakes tasks at given moments. Clones share one timer.
#[derive(Clone, Debug)]
pub struct Alarm(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    timer: AsyncFd<OwnedFd>,
    pending: Mutex<Pending>,
}

#[derive(Debug, Default)]
struct Pending {
    /// By the moment, and by the order in which they were asked for.
    wakes: BTreeMap<(Moment, u64), Waker>,
    sequence: u64,
    armed: Option<Moment>,
}

impl Alarm {
    /// Starts the alarm of this process, on the current tokio runtime.
    ///
    /// # Errors
    /// The operating system's, where it has no timer left to give.
    pub fn start() -> io::Result<Self> {
        let timer = timerfd_create(
            TimerfdClockId::Monotonic,
            TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC,
        )?;
        #[expect(deprecated, reason = "its successor is unsafe; an OwnedFd keeps what it asks for")]
        let timer = AsyncFd::new(timer)?;
        let alarm = Self(Arc::new(Shared { timer, pending: Mutex::default() }));
        tokio::spawn(ring(alarm.clone()));
        Ok(alarm)
    }

    /// A deadline that one task waits for, again and again.
    #[must_use]
    pub fn deadline(&self) -> Deadline {
        Deadline { alarm: self.clone(), set: None }
    }

    /// Completes at this moment.
    pub async fn sleep_until(&self, at: Moment) {
        let mut deadline = self.deadline();
        std::future::poll_fn(|cx| deadline.poll_until(at, cx)).await;
    }

    /// Has a task woken; gives the number of the wake.
    fn wake_at(&self, at: Moment, waker: Waker) -> u64 {
        let mut pending = self.pending();
        let sequence = pending.sequence;
        pending.sequence += 1;
        pending.wakes.insert((at, sequence), waker);
        if pending.armed.is_none_or(|armed| at < armed) {
            self.arm(&mut pending, at);
        }
        sequence
    }

    /// Wakes whatever is due and arms the timer for the next.
    fn wake_due(&self) {
        let mut pending = self.pending();
        pending.armed = None;
        while let Some(next) = pending.wakes.first_entry() {
            let (at, _) = *next.key();
            if at > Moment::now() {
                self.arm(&mut pending, at);
                return;
            }
            next.remove().wake();
        }
    }

    fn arm(&self, pending: &mut Pending, at: Moment) {
        let at_least_one = at.0.max(1);
        let value = Timespec {
            tv_sec: (at_least_one / NANOS_PER_SECOND) as i64,
            tv_nsec: (at_least_one % NANOS_PER_SECOND) as i64,
        };
        let once = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value: value };
        timerfd_settime(self.0.timer.get_ref(), TimerfdTimerFlags::ABSTIME, &once)
            .expect("an open timer takes any time that is not negative");
        pending.armed = Some(at);
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.0.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn ring(alarm: Alarm) {
    let mut expirations = [0; 8];
    while let Ok(mut ready) = alarm.0.timer.readable().await {
        let read = ready.try_io(|timer| Ok(rustix::io::read(timer.get_ref(), &mut expirations)?));
        if read.is_ok() {
            // The next expiration is another event: no need to read in vain until then.
            ready.clear_ready();
            alarm.wake_due();
        }
    }
}

/// What one task waits for. It asks the alarm anew only when the moment or the task changed, and
/// takes back what it asked for when it is dropped: a peer says when its bytes are due, which may be
/// never.
#[derive(Debug)]
pub struct Deadline {
    alarm: Alarm,
    set: Option<Wake>,
}

/// A wake that was asked for.
#[derive(Debug)]
struct Wake {
    at: Moment,
    number: u64,
    waker: Waker,
}

impl Deadline {
    /// Ready from this moment on; before it, has the task woken then.
    pub fn poll_until(&mut self, at: Moment, cx: &mut Context<'_>) -> Poll<()> {
        if Moment::now() >= at {
            self.clear();
            return Poll::Ready(());
        }
        let is_set =
            self.set.as_ref().is_some_and(|set| set.at == at && set.waker.will_wake(cx.waker()));
        if !is_set {
            self.clear();
            let waker = cx.waker().clone();
            let number = self.alarm.wake_at(at, waker.clone());
            self.set = Some(Wake { at, number, waker });
        }
        Poll::Pending
    }

    fn clear(&mut self) {
        if let Some(Wake { at, number, .. }) = self.set.take() {
            // The waker is dropped when the lock is free again: with it may go a task.
            let _waker = self.alarm.pending().wakes.remove(&(at, number));
        }
    }
}

impl Drop for Deadline {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn tasks_wake_in_the_order_of_their_deadlines_and_never_early() {
        let alarm = Alarm::start().unwrap();
        let start = Moment::now();
        let order = Arc::new(Mutex::new(Vec::new()));
        let sleeps = [30, 10, 20].map(|millis| {
            let (alarm, order) = (alarm.clone(), order.clone());
            tokio::spawn(async move {
                let at = start + Duration::from_millis(millis);
                alarm.sleep_until(at).await;
                assert!(Moment::now() >= at);
                order.lock().unwrap().push(millis);
            })
        });
        for sleep in sleeps {
            sleep.await.unwrap();
        }
        assert_eq!(*order.lock().unwrap(), [10, 20, 30]);
    }

    #[tokio::test]
    async fn who_does_not_wait_any_more_is_forgotten() {
        let alarm = Alarm::start().unwrap();
        let mut deadline = alarm.deadline();
        let never = Moment::from_nanos(u64::MAX);
        for at in [never, Moment::now() + Duration::from_secs(60), never] {
            let mut cx = Context::from_waker(Waker::noop());
            assert!(deadline.poll_until(at, &mut cx).is_pending());
            assert_eq!(alarm.pending().wakes.len(), 1);
        }
        drop(deadline);
        assert_eq!(alarm.pending().wakes.len(), 0);
        alarm.sleep_until(Moment::now() + Duration::from_millis(1)).await;
    }

    #[tokio::test]
    async fn a_moment_that_has_passed_is_ready_at_once() {
        Alarm::start().unwrap().sleep_until(Moment::from_nanos(0)).await;
    }
}
