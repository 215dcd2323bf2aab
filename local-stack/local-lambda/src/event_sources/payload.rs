//! How much one invocation can carry.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventsourcemapping.html>: a batch is cut when its payload
//! would pass 6 MB, however few its items.

use crate::invocation::LARGEST_PAYLOAD;

/// `{"Records":[]}`
const ENVELOPE: usize = 14;

/// How many of the first items go into one batch of at most `most`, given the bytes of each as JSON. At least one, if
/// there is any: an item that is too large by itself is the function's to see.
pub(super) fn leading(sizes: impl IntoIterator<Item = usize>, most: usize) -> usize {
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
        assert_eq!(leading([], 10), 0);
        assert_eq!(leading([1, 1, 1], 2), 2, "the batch size");
        assert_eq!(leading(vec![megabyte; 9], 100), 5, "the sixth would pass 6 MB with its envelope");
        assert_eq!(leading([7 * megabyte, 1], 100), 1, "one goes in any case");
    }
}
