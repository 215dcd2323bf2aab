//! The payload limit of a batch.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventsourcemapping.html>: a batch
//! ends when its payload would exceed 6 MB.

use crate::invocation::LARGEST_PAYLOAD;

/// `{"Records":[]}`
const ENVELOPE: usize = 14;

/// How many items are in the next batch of at most `most`, given the bytes of each as JSON. There is at least one, even
/// if it is too large by itself.
pub(super) fn batch_length(sizes: impl IntoIterator<Item = usize>, most: usize) -> usize {
    let mut total = ENVELOPE;
    let fitting = sizes.into_iter().take(most).enumerate().take_while(|(index, size)| {
        total += size + 1;
        *index == 0 || total <= LARGEST_PAYLOAD
    });
    fitting.count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invocation_eventsourcemapping_a_batch_ends_at_6_mb() {
        let megabyte = 1024 * 1024;
        assert_eq!(batch_length([], 10), 0);
        assert_eq!(batch_length([1, 1, 1], 2), 2, "the batch size");
        assert_eq!(batch_length(vec![megabyte; 9], 100), 5, "the sixth would exceed 6 MB with its envelope");
        assert_eq!(batch_length([7 * megabyte, 1], 100), 1, "there is at least one");
    }
}
