//! What a node sent and received, by class of message, and of items' bytes from whom. Flat, so that a driver can update it for
//! every message of a million nodes.
use overlay_core::Class;
use serde::{Deserialize, Serialize};

/// Messages of one class in one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flow {
    /// How many messages.
    pub messages: u32,
    /// Their payload in bytes, as [`overlay_core::wire::length`] counts it.
    pub bytes: u64,
}

impl Flow {
    /// Counts one message.
    #[inline]
    pub fn count(&mut self, bytes: u32) {
        self.messages = self.messages.wrapping_add(1);
        self.bytes += u64::from(bytes);
    }

    fn and(self, other: Self) -> Self {
        Self {
            messages: self.messages.wrapping_add(other.messages),
            bytes: self.bytes + other.bytes,
        }
    }

    #[inline]
    fn since(self, earlier: Self) -> Self {
        Self {
            messages: self.messages.wrapping_sub(earlier.messages),
            bytes: self.bytes.saturating_sub(earlier.bytes),
        }
    }
}

/// Bytes of items, which are a part of the messages that carry them; whoever they are of use to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemBytes {
    /// Sent to others.
    pub sent: u64,
    /// Received from nodes that the workload makes publish.
    pub from_publishers: u64,
    /// Received from all others.
    pub from_others: u64,
}

impl ItemBytes {
    /// Counts what a message carried that was sent.
    #[inline]
    pub fn send(&mut self, bytes: u32) {
        self.sent += u64::from(bytes);
    }

    /// Counts what a message carried that was received.
    #[inline]
    pub fn receive(&mut self, bytes: u32, from_publisher: bool) {
        let from = match from_publisher {
            true => &mut self.from_publishers,
            false => &mut self.from_others,
        };
        *from += u64::from(bytes);
    }

    /// Received from anybody.
    #[must_use]
    pub const fn received(&self) -> u64 {
        self.from_publishers + self.from_others
    }

    /// These and others together.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        self.with(other, u64::saturating_add)
    }

    fn with(&self, other: &Self, join: impl Fn(u64, u64) -> u64) -> Self {
        Self {
            sent: join(self.sent, other.sent),
            from_publishers: join(self.from_publishers, other.from_publishers),
            from_others: join(self.from_others, other.from_others),
        }
    }
}

/// What one node sent and received. The arrays' index is `class as usize`, in the order of
/// [`Class::ALL`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    /// Sent, by class.
    pub sent: [Flow; 3],
    /// Received, by class.
    pub received: [Flow; 3],
    /// Bytes of items among it.
    pub items: ItemBytes,
}

impl Traffic {
    /// Counts a message sent, with its payload in bytes.
    #[inline]
    pub fn send(&mut self, class: Class, bytes: u32) {
        self.sent[class as usize].count(bytes);
    }

    /// Counts a message received, with its payload in bytes.
    #[inline]
    pub fn receive(&mut self, class: Class, bytes: u32) {
        self.received[class as usize].count(bytes);
    }

    /// Counts the bytes of an item in a message that was sent and counted.
    #[inline]
    pub fn send_item(&mut self, bytes: u32) {
        self.items.send(bytes);
    }

    /// Counts the bytes of an item in a message that was received and counted.
    #[inline]
    pub fn receive_item(&mut self, bytes: u32, from_publisher: bool) {
        self.items.receive(bytes, from_publisher);
    }

    /// What was added since an earlier copy of the same counters: the traffic of a window.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        self.with(earlier, Flow::since, u64::saturating_sub)
    }

    /// This traffic and other traffic together.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        self.with(other, Flow::and, u64::saturating_add)
    }

    /// Messages sent and received in all classes.
    #[must_use]
    pub fn messages(&self) -> u64 {
        self.sent.iter().chain(&self.received).map(|flow| u64::from(flow.messages)).sum()
    }

    /// Payload sent in all classes, in bytes.
    #[must_use]
    pub fn bytes_sent(&self) -> u64 {
        self.sent.iter().map(|flow| flow.bytes).sum()
    }

    /// Payload received in all classes, in bytes.
    #[must_use]
    pub fn bytes_received(&self) -> u64 {
        self.received.iter().map(|flow| flow.bytes).sum()
    }

    fn with(
        &self,
        other: &Self,
        join: impl Fn(Flow, Flow) -> Flow,
        join_bytes: impl Fn(u64, u64) -> u64,
    ) -> Self {
        Self {
            items: self.items.with(&other.items, join_bytes),
            sent: core::array::from_fn(|class| join(self.sent[class], other.sent[class])),
            received: core::array::from_fn(|class| {
                join(self.received[class], other.received[class])
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_the_difference_of_two_copies() {
        let mut traffic = Traffic::default();
        traffic.send(Class::Lookup, 10);
        let start = traffic;
        traffic.send(Class::Lookup, 5);
        traffic.send(Class::Data, 100);
        traffic.receive(Class::Maintenance, 7);
        let window = traffic.since(&start);
        assert_eq!(window.sent[Class::Lookup as usize], Flow { messages: 1, bytes: 5 });
        assert_eq!(window.bytes_sent(), 105);
        assert_eq!(window.bytes_received(), 7);
        assert_eq!(window.messages(), 3);
        assert_eq!(start.and(&window), traffic);
    }

    #[test]
    fn bytes_of_items_are_told_apart_by_who_sent_them() {
        let mut traffic = Traffic::default();
        traffic.receive_item(10, true);
        traffic.receive_item(1, false);
        let start = traffic;
        traffic.receive_item(30, true);
        traffic.receive_item(5, false);
        traffic.send_item(7);
        let window = traffic.since(&start);
        assert_eq!(window.items, ItemBytes { sent: 7, from_publishers: 30, from_others: 5 });
        assert_eq!((window.items.received(), traffic.items.received()), (35, 46));
        assert_eq!(start.and(&window), traffic);
    }

    #[test]
    fn the_index_of_a_class_is_its_place_in_the_reports() {
        for (place, class) in Class::ALL.into_iter().enumerate() {
            assert_eq!(class as usize, place);
        }
    }
}
