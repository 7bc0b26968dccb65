//! Large view (Sirivianos, Park, Chen, Yang 2007, "Free-riding in BitTorrent networks with the large
//! view exploit"): serves no data, asks the tracker for peers again and again, and connects to as
//! many as there are. Each of them unchokes somebody by chance now and then, and so somebody always
//! does.
use crate::policy::Policy;

use super::{Habits, Nobody};

/// Most connections even of who wants as many as there are.
const MOST: usize = 4_096;

/// Never unchokes anybody, and connects to everybody.
pub(super) struct LargeView;

impl Habits for LargeView {
    fn policy(&self, _: bool) -> Option<&'static dyn Policy> {
        Some(&Nobody)
    }

    fn most_connections(&self, _: u16) -> usize {
        MOST
    }

    fn always_lacks_peers(&self) -> bool {
        true
    }
}
