//! Memory: how much the simulation took, and asking for it before it is needed.
#[cfg(target_os = "linux")]
use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicU32, Ordering};

/// Runs under way in this process, and runs begun so far.
static UNDER_WAY: AtomicU32 = AtomicU32::new(0);
static BEGUN: AtomicU32 = AtomicU32::new(0);

/// The largest resident memory of this process while a run is under way.
pub(crate) struct Peak {
    /// How many runs had begun by then, this one included; `None` if another one was under way.
    alone: Option<u32>,
}

impl Peak {
    /// A run begins.
    pub(crate) fn begin() -> Self {
        let is_first = UNDER_WAY.fetch_add(1, Ordering::SeqCst) == 0;
        let begun = BEGUN.fetch_add(1, Ordering::SeqCst) + 1;
        if is_first {
            // Linux forgets the peak of what ran before; elsewhere there is none to be forgotten.
            drop(std::fs::write("/proc/self/clear_refs", "5"));
        }
        Self { alone: is_first.then_some(begun) }
    }

    /// So far, in bytes; `None` where the system does not tell, or if others ran beside this run: whose
    /// memory it is cannot be told.
    pub(crate) fn bytes(&self) -> Option<u64> {
        self.alone.filter(|&begun| begun == BEGUN.load(Ordering::SeqCst))?;
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kibibytes * 1024)
    }
}

impl Drop for Peak {
    fn drop(&mut self) {
        UNDER_WAY.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Asks for a value's memory before it is needed: at 100,000 nodes most of the time is waiting for
/// it.
#[inline]
pub(crate) fn prefetch<T>(value: &T) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        let start = std::ptr::from_ref(value).cast::<i8>();
        for line in 0..size_of::<T>().div_ceil(64) {
            // A hint: it reads nothing and cannot fault, whatever the address.
            #[expect(unsafe_code, reason = "a prefetch has no safe form")]
            unsafe {
                _mm_prefetch::<_MM_HINT_T0>(start.wrapping_add(64 * line));
            }
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = value;
}

/// Asks for large pages under memory that is about to be filled and then read here and there: with a
/// million nodes, every event would wait for the addresses of small ones.
pub(crate) fn prefer_large_pages<T>(memory: &mut [MaybeUninit<T>]) {
    #[cfg(target_os = "linux")]
    {
        use rustix::mm::{Advice, madvise};
        let bytes = memory.as_mut_ptr_range();
        let (start, end) = (bytes.start.addr(), bytes.end.addr());
        // Whole pages only, so that the call is about nothing but this memory.
        let from = start.next_multiple_of(PAGE);
        let length = (end & !(PAGE - 1)).saturating_sub(from);
        if length >= WORTH {
            let first = bytes.start.cast::<c_void>().wrapping_byte_add(from - start);
            // Advice on how to map the memory: it changes no content, and may be refused.
            #[expect(unsafe_code, reason = "advice on memory has no safe form")]
            unsafe {
                let _ = madvise(first, length, Advice::LinuxHugepage);
            }
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = memory;
}

/// The smallest page that any Linux has is a part of this.
#[cfg(target_os = "linux")]
const PAGE: usize = 1 << 16;
/// Below, there is nothing to gain.
#[cfg(target_os = "linux")]
const WORTH: usize = 1 << 22;
