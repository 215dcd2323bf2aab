//! Meters writes by the items' images before and after them.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{
    consumption::Consumption,
    image_cache::{Image, ImageCache, Lookup, WriteNumber},
    item_key::ItemKey,
    outcome::Outcome,
    reader::{Images, Reader},
    request::{Existing, Kind, Write, Writes},
};
use crate::{
    call::MeteringGap,
    rules::{RequestUnits, WriteMode, failed_write_units, replay_half_units, write_units},
    tables::{Table, Tables},
};

#[derive(Debug)]
pub(super) struct WriteMeter {
    tables: Tables,
    cache: Mutex<ImageCache>,
    /// When transactions succeeded, by `ClientRequestToken`.
    transactions: Mutex<HashMap<String, Instant>>,
}

/// The writes of a request that is about to be forwarded.
#[derive(Debug)]
pub(super) struct PendingWrites {
    writes: Vec<PendingWrite>,
    mode: WriteMode,
    token: Option<String>,
}

#[derive(Debug)]
struct PendingWrite {
    write: Write,
    /// None if the table or the key is not known.
    item: Option<PendingItem>,
}

#[derive(Debug)]
struct PendingItem {
    id: String,
    /// The image before the write; none if it could not be read, or need not be.
    before: Option<Image>,
    /// None if the request does not change the item.
    number: Option<WriteNumber>,
}

/// How long DynamoDB recognizes a `ClientRequestToken`.
const TOKEN_LIFETIME: Duration = Duration::from_secs(600);
/// If more tokens than this are known, those that are too old are removed.
const TOKENS: usize = 4096;

impl WriteMeter {
    pub(super) fn new(tables: Tables) -> Self {
        Self { tables, cache: Mutex::default(), transactions: Mutex::default() }
    }

    fn cache(&self) -> MutexGuard<'_, ImageCache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Finds the images before the writes: in the cache, or else at the upstream.
    pub(super) async fn begin(&self, request: Writes, reader: &Reader) -> PendingWrites {
        let mut unread = Vec::new();
        let mut pending = |write: Write| {
            let item = write.item_key().map(|key| {
                let id = key.id();
                let inserts = matches!(write.kind, Kind::Put { existing: Existing::Refused, .. });
                let before = match self.cache().get(&id) {
                    Lookup::Hit(image) => Some(image),
                    Lookup::Miss if inserts => None,
                    Lookup::Miss | Lookup::Pending => {
                        unread.push(key);
                        None
                    }
                };
                PendingItem { id, before, number: None }
            });
            PendingWrite { write, item }
        };
        let mut writes: Vec<_> = request.writes.into_iter().map(&mut pending).collect();
        let images = reader.images(&unread).await;
        let mut cache = self.cache();
        for PendingWrite { write, item } in &mut writes {
            let Some(item) = item else { continue };
            item.before = item.before.take().or_else(|| images.get(&item.id).cloned());
            if !matches!(write.kind, Kind::ConditionCheck) {
                item.number = Some(cache.begin_write(&item.id, item.before.as_ref()));
            }
        }
        PendingWrites { writes, mode: request.mode, token: request.token }
    }

    /// Meters the writes once their outcome is known.
    pub(super) async fn finish(
        &self,
        mut pending: PendingWrites,
        outcome: &Outcome,
        reader: &Reader,
    ) -> Consumption {
        let mut consumption = Consumption::default();
        for PendingWrite { write, .. } in &pending.writes {
            consumption.add_table(&write.table);
        }
        let mut replayed = false;
        if let Outcome::Succeeded(response) = outcome {
            self.remove_unprocessed(&mut pending, response);
            replayed = pending.token.as_deref().is_some_and(|token| self.is_replay(token));
        }
        let images = self.images_after(&pending, outcome, replayed, reader).await;
        for PendingWrite { write, item } in pending.writes {
            let table = self.tables.get(&write.table);
            let (Some(table), Some(item)) = (table, item) else {
                if matches!(outcome, Outcome::Succeeded(_) | Outcome::ConditionFailed) {
                    let gap =
                        if table.is_none() { MeteringGap::UnknownTable } else { MeteringGap::Malformed };
                    consumption.gap = Some(gap);
                }
                consumption.units += least_units(&write, pending.mode, outcome);
                continue;
            };
            let after = images.get(&item.id).cloned();
            let units = match outcome {
                Outcome::Succeeded(_) if !replayed => self.written(table, &write, &item, after, pending.mode),
                Outcome::Succeeded(_) => self
                    .unchanged(&item, after)
                    .map(|image| RequestUnits::reads(replay_half_units(image.as_deref()))),
                Outcome::ConditionFailed => self
                    .unchanged(&item, after)
                    .map(|image| RequestUnits::writes(failed_write_units(image.as_deref(), pending.mode))),
                Outcome::Rejected => {
                    self.end_write(&item, item.before.clone());
                    Some(RequestUnits::default())
                }
                Outcome::Unknown => {
                    self.end_write(&item, None);
                    Some(RequestUnits::default())
                }
            };
            consumption.units += units.unwrap_or_else(|| {
                consumption.gap = Some(MeteringGap::ItemNotRead);
                least_units(&write, pending.mode, outcome)
            });
        }
        consumption
    }

    /// Whether a transaction with this token has succeeded before. From now on, it has.
    fn is_replay(&self, token: &str) -> bool {
        let mut transactions = self.transactions.lock().unwrap_or_else(PoisonError::into_inner);
        if transactions.len() >= TOKENS {
            transactions.retain(|_, done| done.elapsed() < TOKEN_LIFETIME);
        }
        match transactions.get(token) {
            Some(done) if done.elapsed() < TOKEN_LIFETIME => true,
            _ => {
                transactions.insert(token.to_owned(), Instant::now());
                false
            }
        }
    }

    /// Reads the images that the response does not show: after updates, and of the items on which conditions failed.
    async fn images_after(
        &self,
        pending: &PendingWrites,
        outcome: &Outcome,
        replayed: bool,
        reader: &Reader,
    ) -> Images {
        let mut images = Images::new();
        let mut unread = Vec::new();
        for PendingWrite { write, item } in &pending.writes {
            let (Some(item), Some(key)) = (item, write.item_key()) else { continue };
            let needed = match outcome {
                Outcome::Succeeded(_) if !replayed => matches!(write.kind, Kind::Update),
                Outcome::Succeeded(_) | Outcome::ConditionFailed => item.before.is_none(),
                Outcome::Rejected | Outcome::Unknown => false,
            };
            match item.number.and_then(|number| self.cache().image_after(&item.id, number)) {
                Some(image) => {
                    images.insert(item.id.clone(), image);
                }
                None if needed => unread.push(key),
                None => {}
            }
        }
        images.extend(reader.images(&unread).await);
        images
    }

    /// The units of a write that succeeded; none if an image is not known.
    fn written(
        &self,
        table: &Table,
        write: &Write,
        item: &PendingItem,
        read: Option<Image>,
        mode: WriteMode,
    ) -> Option<RequestUnits> {
        let known = item.before.clone();
        let (before, after) = match &write.kind {
            Kind::Put { item, existing } => {
                let absent = (*existing == Existing::Refused).then_some(None);
                (absent.or(known), Some(Some(item.clone().into())))
            }
            Kind::Update => (known, read),
            Kind::Delete => (known, Some(None)),
            Kind::ConditionCheck => (known.clone(), known),
        };
        // Even if the image before is not known: the next write needs the image after this one.
        let settled = self.end_write(item, after.clone());
        let after = if matches!(write.kind, Kind::Update) { settled } else { after };
        Some(RequestUnits::writes(write_units(table, before?.as_deref(), after?.as_deref(), mode)))
    }

    /// The image of an item that the request has not changed; none if it is not known.
    fn unchanged(&self, item: &PendingItem, read: Option<Image>) -> Option<Image> {
        let image = item.before.clone().or(read);
        self.end_write(item, image.clone());
        image
    }

    fn end_write(&self, item: &PendingItem, image: Option<Image>) -> Option<Image> {
        match item.number {
            Some(number) => self.cache().end_write(&item.id, number, image),
            None => image,
        }
    }

    /// Removes the `UnprocessedItems` of a `BatchWriteItem`: DynamoDB has not written them and does not bill them.
    fn remove_unprocessed(&self, pending: &mut PendingWrites, response: &Value) {
        for (table, entries) in response["UnprocessedItems"].as_object().into_iter().flatten() {
            let Some(schema) = self.tables.get(table) else { continue };
            for entry in entries.as_array().into_iter().flatten() {
                let put = entry["PutRequest"]["Item"].as_object().and_then(|item| schema.key.of(item));
                let key = put.or_else(|| entry["DeleteRequest"]["Key"].as_object().cloned());
                let Some(key) = key else { continue };
                let unprocessed = ItemKey { table: table.clone(), key }.id();
                pending.writes.retain(|write| match &write.item {
                    Some(item) if item.id == unprocessed => {
                        self.end_write(item, item.before.clone());
                        false
                    }
                    _ => true,
                });
            }
        }
    }
}

/// The least that a write consumed if its images are not known: by the item in the request, without indexes.
fn least_units(write: &Write, mode: WriteMode, outcome: &Outcome) -> RequestUnits {
    match (outcome, &write.kind) {
        (Outcome::Succeeded(_), Kind::Put { item, .. }) => {
            RequestUnits::writes(failed_write_units(Some(item), mode))
        }
        (Outcome::Succeeded(_) | Outcome::ConditionFailed, _) => {
            RequestUnits::writes(failed_write_units(None, mode))
        }
        (Outcome::Rejected | Outcome::Unknown, _) => RequestUnits::default(),
    }
}
