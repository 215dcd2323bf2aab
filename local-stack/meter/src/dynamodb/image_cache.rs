//! The last images of items that passed the proxy, so that a write's old image need rarely be read.

use std::{collections::HashMap, sync::Arc};

use crate::units::Item;

/// An item at one time; `None` when it was not there.
pub(super) type Image = Option<Arc<Item>>;

/// Images by table and key. It holds the most recently written keys, between [`Mirror::HALF`] and twice as many.
///
/// Each write that is passed on gets a turn. Until its accounting settles, the item's image is not known to the
/// mirror, so the next write of that item reads it, and what it sees is what the write before it left behind.
#[derive(Debug, Default)]
pub(super) struct Mirror {
    young: HashMap<String, Entry>,
    old: HashMap<String, Entry>,
    last_turn: Turn,
}

/// The number of a write, in the order in which writes were passed on.
pub(super) type Turn = u64;

#[derive(Debug, Default)]
struct Entry {
    /// What is there; the outer `None` is "not known".
    image: Option<Image>,
    /// The last write.
    turn: Turn,
    /// How many writes are not accounted for yet.
    unsettled: usize,
    /// What writes that are not accounted for left behind, as the next write found it.
    left_by: HashMap<Turn, Image>,
}

/// What the mirror knows before a write.
#[derive(Debug, PartialEq)]
pub(super) enum Known {
    /// The image.
    Image(Image),
    /// Nothing, and no write of this item is under way.
    Nothing,
    /// Nothing, and an earlier write's accounting waits to learn what this write finds.
    Awaited,
}

impl Mirror {
    const HALF: usize = 8192;

    pub(super) fn known(&mut self, key: &str) -> Known {
        match self.entry(key) {
            Some(Entry { image: Some(image), .. }) => Known::Image(image.clone()),
            Some(Entry { unsettled: 1.., .. }) => Known::Awaited,
            _ => Known::Nothing,
        }
    }

    /// A write is passed on now; `found` is what was there just before, if known.
    pub(super) fn begin(&mut self, key: &str, found: Option<&Image>) -> Turn {
        self.last_turn += 1;
        let turn = self.last_turn;
        if self.entry(key).is_none() {
            if self.young.len() >= Self::HALF {
                self.old = std::mem::take(&mut self.young);
            }
            self.young.insert(key.to_owned(), Entry::default());
        }
        if let Some(entry) = self.young.get_mut(key) {
            if let (1.., Some(found)) = (entry.unsettled, found) {
                entry.left_by.insert(entry.turn, found.clone());
            }
            entry.turn = turn;
            entry.unsettled += 1;
            entry.image = None;
        }
        turn
    }

    /// What the write of this turn left behind, if a later write has found it.
    pub(super) fn left_by(&mut self, key: &str, turn: Turn) -> Option<Image> {
        self.entry(key)?.left_by.get(&turn).cloned()
    }

    /// The write of this turn is accounted for, and left `image` behind as far as known. Returns what it left behind:
    /// what the next write found, if there was one, because `image` may have been read after that.
    pub(super) fn settle(&mut self, key: &str, turn: Turn, image: Option<Image>) -> Option<Image> {
        let Some(entry) = self.entry(key) else { return image };
        entry.unsettled = entry.unsettled.saturating_sub(1);
        if entry.turn == turn {
            entry.image.clone_from(&image);
            image
        } else {
            entry.left_by.remove(&turn).or(image)
        }
    }

    /// The entry, which is young from now on.
    fn entry(&mut self, key: &str) -> Option<&mut Entry> {
        if let Some((key, entry)) = self.old.remove_entry(key) {
            self.young.insert(key, entry);
        }
        self.young.get_mut(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(text: &str) -> Image {
        Some(Arc::new([("a".to_owned(), text.into())].into_iter().collect()))
    }

    #[test]
    fn an_image_is_known_once_its_write_is_accounted_for() {
        let mut mirror = Mirror::default();
        assert_eq!(mirror.known("k"), Known::Nothing);
        let turn = mirror.begin("k", None);
        assert_eq!(mirror.known("k"), Known::Awaited);
        assert_eq!(mirror.settle("k", turn, Some(image("1"))), Some(image("1")));
        assert_eq!(mirror.known("k"), Known::Image(image("1")));
        mirror.begin("k", Some(&image("1")));
        assert_eq!(mirror.known("k"), Known::Awaited, "the next write is about to change it");
    }

    #[test]
    fn what_the_next_write_finds_is_what_the_one_before_left() {
        let mut mirror = Mirror::default();
        let first = mirror.begin("k", Some(&image("0")));
        let second = mirror.begin("k", Some(&image("1")));
        let third = mirror.begin("k", Some(&image("2")));
        assert_eq!(mirror.left_by("k", first), Some(image("1")));
        // The first is accounted for late: what is there now is the third's.
        assert_eq!(mirror.settle("k", first, Some(image("3"))), Some(image("1")));
        assert_eq!(mirror.settle("k", third, Some(image("3"))), Some(image("3")));
        assert_eq!(mirror.known("k"), Known::Image(image("3")));
        assert_eq!(mirror.settle("k", second, Some(image("3"))), Some(image("2")));
        assert_eq!(mirror.known("k"), Known::Image(image("3")), "an older write changes nothing");
    }

    #[test]
    fn it_is_bounded_and_keeps_what_is_in_use() {
        let mut mirror = Mirror::default();
        for number in 0..Mirror::HALF * 3 {
            for key in [number.to_string().as_str(), "hot"] {
                let turn = mirror.begin(key, None);
                mirror.settle(key, turn, Some(image("1")));
            }
        }
        assert!(mirror.young.len() + mirror.old.len() <= 2 * Mirror::HALF + 1);
        assert_eq!(mirror.known("hot"), Known::Image(image("1")));
        assert_eq!(mirror.known("0"), Known::Nothing);
    }
}
