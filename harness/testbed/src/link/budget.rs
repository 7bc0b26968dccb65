//! Memory that all links of a node have together, so that many peers which do what one may do take
//! no more than one could.
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes that one link may hold whether they are left in a node's budget or not: no link is kept from
/// small talk by what others do.
pub const SMALL_TALK: usize = 64 * 1024;

/// Bytes that may be held at once. Clones share them.
#[derive(Clone, Debug)]
pub struct Budget(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    limit: usize,
    held: AtomicUsize,
}

/// A part of a budget, given back when it is dropped.
#[derive(Debug)]
pub struct Held {
    budget: Budget,
    bytes: usize,
}

impl Budget {
    /// So many bytes.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self(Arc::new(Shared { limit, held: AtomicUsize::new(0) }))
    }

    /// How many bytes are held.
    #[must_use]
    pub fn held(&self) -> usize {
        self.0.held.load(Ordering::Relaxed)
    }

    /// Nothing yet.
    #[must_use]
    pub fn nothing(&self) -> Held {
        Held { budget: self.clone(), bytes: 0 }
    }

    /// This many bytes; `None` if they are not left.
    #[must_use]
    pub fn take(&self, bytes: usize) -> Option<Held> {
        let mut held = self.nothing();
        held.resize(bytes).then_some(held)
    }

    /// This many bytes, whether they are left or not: for what has another bound.
    #[must_use]
    pub fn take_regardless(&self, bytes: usize) -> Held {
        self.0.held.fetch_add(bytes, Ordering::Relaxed);
        Held { budget: self.clone(), bytes }
    }
}

impl Held {
    /// How many bytes.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Holds this many bytes from now on; false, and nothing changes, if they are not left.
    #[must_use]
    pub fn resize(&mut self, bytes: usize) -> bool {
        let Shared { limit, held } = &*self.budget.0;
        let more = bytes.saturating_sub(self.bytes);
        if more > 0 && held.load(Ordering::Relaxed).saturating_add(more) > *limit {
            return false;
        }
        // The links of a node are driven by one thread: nobody takes what was just found left.
        held.fetch_add(more, Ordering::Relaxed);
        held.fetch_sub(self.bytes.saturating_sub(bytes), Ordering::Relaxed);
        self.bytes = bytes;
        true
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.budget.0.held.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_is_left_to_nobody_until_it_is_given_back() {
        let budget = Budget::new(100);
        let mut first = budget.take(60).expect("all is left");
        assert!(budget.take(41).is_none());
        assert!(!first.resize(101) && first.bytes() == 60);
        assert!(first.resize(30));
        let second = budget.take(70).expect("that much is left");
        assert_eq!(budget.held(), 100);
        let over = budget.take_regardless(5);
        assert_eq!(budget.held(), 105);
        assert!(first.resize(20), "giving back is always possible");
        drop((first, second, over));
        assert_eq!(budget.held(), 0);
    }
}
