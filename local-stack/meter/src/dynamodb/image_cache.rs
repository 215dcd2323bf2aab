//! The last images of items that were written through the proxy, so that a write's old image seldom has to be read.

use std::{collections::HashMap, sync::Arc};

use crate::item::Item;

/// An item at one time; `None` if it did not exist.
pub(super) type Image = Option<Arc<Item>>;

/// Images by table and key. The cache holds the most recently written keys, from [`ImageCache::HALF`] to twice as many.
///
/// Each write that is forwarded gets a number. Until it is metered, the cache does not know the item's image, so the next
/// write of that item reads the image, and finds what the previous write left.
#[derive(Debug, Default)]
pub(super) struct ImageCache {
    young: HashMap<String, Entry>,
    old: HashMap<String, Entry>,
    last_write: WriteNumber,
}

/// The number of a write, in the order in which writes were forwarded.
pub(super) type WriteNumber = u64;

#[derive(Debug, Default)]
struct Entry {
    /// The current image; the outer `None` means that it is not known.
    image: Option<Image>,
    last_write: WriteNumber,
    /// How many writes are not metered yet.
    unmetered: usize,
    /// The images after writes that are not metered yet, as the next write of each found them.
    after: HashMap<WriteNumber, Image>,
}

/// What the cache knows before a write.
#[derive(Debug, PartialEq)]
pub(super) enum Lookup {
    /// The image.
    Hit(Image),
    /// Nothing, and no write of this item is in flight.
    Miss,
    /// Nothing, and an earlier write is metered by the image that this write finds.
    Pending,
}

impl ImageCache {
    const HALF: usize = 8192;

    pub(super) fn get(&mut self, key: &str) -> Lookup {
        match self.entry(key) {
            Some(Entry { image: Some(image), .. }) => Lookup::Hit(image.clone()),
            Some(Entry { unmetered: 1.., .. }) => Lookup::Pending,
            _ => Lookup::Miss,
        }
    }

    /// Notes that a write is forwarded now; `before` is the item's image just before it, if known.
    pub(super) fn begin_write(&mut self, key: &str, before: Option<&Image>) -> WriteNumber {
        self.last_write += 1;
        let number = self.last_write;
        if self.entry(key).is_none() {
            if self.young.len() >= Self::HALF {
                self.old = std::mem::take(&mut self.young);
            }
            self.young.insert(key.to_owned(), Entry::default());
        }
        if let Some(entry) = self.young.get_mut(key) {
            if let (1.., Some(before)) = (entry.unmetered, before) {
                entry.after.insert(entry.last_write, before.clone());
            }
            entry.last_write = number;
            entry.unmetered += 1;
            entry.image = None;
        }
        number
    }

    /// The image after a write, if a later write has found it.
    pub(super) fn image_after(&mut self, key: &str, write: WriteNumber) -> Option<Image> {
        self.entry(key)?.after.get(&write).cloned()
    }

    /// Notes that a write is metered; `image` is the image after it, if known. Returns the image after it: the one that
    /// the next write found, if there was one, because `image` may have been read after that.
    pub(super) fn end_write(&mut self, key: &str, write: WriteNumber, image: Option<Image>) -> Option<Image> {
        let Some(entry) = self.entry(key) else { return image };
        entry.unmetered = entry.unmetered.saturating_sub(1);
        if entry.last_write == write {
            entry.image.clone_from(&image);
            image
        } else {
            entry.after.remove(&write).or(image)
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
    fn an_image_is_known_once_its_write_is_metered() {
        let mut cache = ImageCache::default();
        assert_eq!(cache.get("k"), Lookup::Miss);
        let write = cache.begin_write("k", None);
        assert_eq!(cache.get("k"), Lookup::Pending);
        assert_eq!(cache.end_write("k", write, Some(image("1"))), Some(image("1")));
        assert_eq!(cache.get("k"), Lookup::Hit(image("1")));
        cache.begin_write("k", Some(&image("1")));
        assert_eq!(cache.get("k"), Lookup::Pending, "the next write is about to change it");
    }

    #[test]
    fn the_image_after_a_write_is_the_one_that_the_next_write_finds() {
        let mut cache = ImageCache::default();
        let first = cache.begin_write("k", Some(&image("0")));
        let second = cache.begin_write("k", Some(&image("1")));
        let third = cache.begin_write("k", Some(&image("2")));
        assert_eq!(cache.image_after("k", first), Some(image("1")));
        // The first is metered late, when the item is as the third left it.
        assert_eq!(cache.end_write("k", first, Some(image("3"))), Some(image("1")));
        assert_eq!(cache.end_write("k", third, Some(image("3"))), Some(image("3")));
        assert_eq!(cache.get("k"), Lookup::Hit(image("3")));
        assert_eq!(cache.end_write("k", second, Some(image("3"))), Some(image("2")));
        assert_eq!(cache.get("k"), Lookup::Hit(image("3")), "an older write changes nothing");
    }

    #[test]
    fn the_cache_is_bounded_and_keeps_what_is_in_use() {
        let mut cache = ImageCache::default();
        for number in 0..ImageCache::HALF * 3 {
            for key in [number.to_string().as_str(), "hot"] {
                let write = cache.begin_write(key, None);
                cache.end_write(key, write, Some(image("1")));
            }
        }
        assert!(cache.young.len() + cache.old.len() <= 2 * ImageCache::HALF + 1);
        assert_eq!(cache.get("hot"), Lookup::Hit(image("1")));
        assert_eq!(cache.get("0"), Lookup::Miss);
    }
}
