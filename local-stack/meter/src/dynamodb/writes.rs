//! What writes consumed: from the images before and after.

use std::sync::{MutexGuard, PoisonError};

use super::{
    Counted, Meter, Outcome,
    mirror::{Image, Known, Mirror, Turn},
    request::{Existing, Kind, Write, Writes},
    target::{Images, Reader, slot},
};
use crate::{
    call::Uncounted,
    tables::Table,
    units::{Item, Mode, Units, failed_write_units, replay_half_units, write_units},
};

/// A request's writes, about to be passed on.
#[derive(Debug)]
pub(super) struct Begun {
    writes: Vec<BegunWrite>,
    mode: Mode,
    token: Option<String>,
}

#[derive(Debug)]
struct BegunWrite {
    write: Write,
    /// None if the table or key is not known.
    place: Option<Place>,
}

/// Where an item is, and what was there.
#[derive(Debug)]
struct Place {
    slot: String,
    /// None if it could not be read, or need not be.
    before: Option<Image>,
    /// None if the write leaves the item as it is.
    turn: Option<Turn>,
}

impl Meter {
    fn mirror(&self) -> MutexGuard<'_, Mirror> {
        self.mirror.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Learns what is there before the writes are passed on: from the mirror, else from the target.
    pub(super) async fn begin_writes(&self, writes: Writes, reader: &Reader) -> Begun {
        let slots: Vec<Option<String>> =
            writes.writes.iter().map(|write| Some(slot(&write.table, write.key.as_ref()?))).collect();
        let mut images = Images::new();
        let mut unknown = Vec::new();
        {
            let mut mirror = self.mirror();
            for (write, slot) in writes.writes.iter().zip(&slots) {
                let (Some(slot), Some(key)) = (slot, &write.key) else { continue };
                match mirror.known(slot) {
                    Known::Image(image) => {
                        images.insert(slot.clone(), image);
                    }
                    Known::Nothing if matches!(write.kind, Kind::Put { existing: Existing::Refused, .. }) => {
                    }
                    Known::Nothing | Known::Awaited => unknown.push((write.table.clone(), key.clone())),
                }
            }
        }
        if !unknown.is_empty() {
            images.extend(reader.images(&self.tables, &unknown).await);
        }
        let mut mirror = self.mirror();
        let begin = |(write, slot): (Write, Option<String>)| {
            let place = slot.map(|slot| {
                let before = images.get(&slot).cloned();
                let turn = match write.kind {
                    Kind::Check => None,
                    _ => Some(mirror.begin(&slot, before.as_ref())),
                };
                Place { slot, before, turn }
            });
            BegunWrite { write, place }
        };
        let begun = writes.writes.into_iter().zip(slots).map(begin).collect();
        Begun { writes: begun, mode: writes.mode, token: writes.token }
    }

    /// Counts the writes once their answer is known.
    pub(super) async fn count_writes(&self, mut begun: Begun, outcome: &Outcome, reader: &Reader) -> Counted {
        let mut counted = Counted::default();
        for write in &begun.writes {
            counted.resource(&write.write.table);
        }
        if let Outcome::Done(answer) = outcome {
            begun.drop_unprocessed(answer, self);
        }
        let replayed = matches!(outcome, Outcome::Done(_))
            && begun.token.as_deref().is_some_and(|token| self.replays(token));
        let now = self.images_now(&begun, outcome, replayed, reader).await;
        for BegunWrite { write, place } in begun.writes {
            let table = self.tables.get(&write.table);
            let (Some(table), Some(place)) = (table, place) else {
                if matches!(outcome, Outcome::Done(_) | Outcome::ConditionFailed) {
                    let why = if table.is_none() { Uncounted::UnknownTable } else { Uncounted::Malformed };
                    counted.uncounted = Some(why);
                }
                counted.units += unplaced(&write, begun.mode, outcome);
                continue;
            };
            let found = now.get(&place.slot).cloned();
            let units = match outcome {
                Outcome::Done(_) if replayed => {
                    let image = place.before.clone().or(found);
                    self.settle(&place, image.clone());
                    image.map(|image| Units::reads(replay_half_units(image.as_deref())))
                }
                Outcome::Done(_) => self.done(table, &write, &place, found, begun.mode),
                Outcome::ConditionFailed => {
                    let image = place.before.clone().or(found);
                    self.settle(&place, image.clone());
                    image.map(|image| Units::writes(failed_write_units(image.as_deref(), begun.mode)))
                }
                Outcome::Refused => {
                    self.settle(&place, place.before.clone());
                    Some(Units::default())
                }
                Outcome::Unknown => {
                    self.settle(&place, None);
                    Some(Units::default())
                }
            };
            counted.units += units.unwrap_or_else(|| {
                counted.uncounted = Some(Uncounted::Unread);
                unplaced(&write, begun.mode, outcome)
            });
        }
        counted
    }

    /// Reads what the answer does not show: what updates made of their items, and what stood in the way of a put.
    async fn images_now(&self, begun: &Begun, outcome: &Outcome, replayed: bool, reader: &Reader) -> Images {
        let mut images = Images::new();
        let mut unknown = Vec::new();
        {
            let mut mirror = self.mirror();
            for BegunWrite { write, place } in &begun.writes {
                let (Some(place), Some(key)) = (place, &write.key) else { continue };
                let wanted = match (outcome, &write.kind) {
                    (Outcome::Done(_), Kind::Update) if !replayed => true,
                    (Outcome::Done(_), _) if !replayed => false,
                    (Outcome::Done(_) | Outcome::ConditionFailed, _) => place.before.is_none(),
                    (Outcome::Refused | Outcome::Unknown, _) => false,
                };
                match place.turn.and_then(|turn| mirror.left_by(&place.slot, turn)) {
                    Some(image) => {
                        images.insert(place.slot.clone(), image);
                    }
                    None if wanted => unknown.push((write.table.clone(), key.clone())),
                    None => {}
                }
            }
        }
        if !unknown.is_empty() {
            images.extend(reader.images(&self.tables, &unknown).await);
        }
        images
    }

    /// Units of a write that was carried out; none if an image is not known.
    fn done(
        &self,
        table: &Table,
        write: &Write,
        place: &Place,
        found: Option<Image>,
        mode: Mode,
    ) -> Option<Units> {
        let (before, after) = match &write.kind {
            Kind::Put { item, existing } => {
                let absent = (*existing == Existing::Refused).then_some(None);
                (absent.or(place.before.clone()), Some(Some(item.clone().into())))
            }
            Kind::Update => (place.before.clone(), found),
            Kind::Delete => (place.before.clone(), Some(None)),
            Kind::Check => (place.before.clone(), place.before.clone()),
        };
        // Settled even if the image before is not known: the next write needs it.
        let settled = self.settle(place, after.clone());
        let after = if matches!(write.kind, Kind::Update) { settled } else { after };
        let (before, after) = (before?, after?);
        Some(Units::writes(write_units(table, before.as_deref(), after.as_deref(), mode)))
    }

    fn settle(&self, place: &Place, image: Option<Image>) -> Option<Image> {
        match place.turn {
            Some(turn) => self.mirror().settle(&place.slot, turn, image),
            None => image,
        }
    }
}

impl Begun {
    /// Takes out the entries of a `BatchWriteItem` that DynamoDB has left undone: they cost nothing.
    fn drop_unprocessed(&mut self, answer: &serde_json::Value, meter: &Meter) {
        for (table, entries) in answer["UnprocessedItems"].as_object().into_iter().flatten() {
            let Some(schema) = meter.tables.get(table) else { continue };
            for entry in entries.as_array().into_iter().flatten() {
                let put = entry["PutRequest"]["Item"].as_object().and_then(|item| schema.key.of(item));
                let key: Option<Item> = put.or_else(|| entry["DeleteRequest"]["Key"].as_object().cloned());
                let Some(undone) = key.map(|key| slot(table, &key)) else { continue };
                self.writes.retain(|write| match &write.place {
                    Some(place) if place.slot == undone => {
                        meter.settle(place, place.before.clone());
                        false
                    }
                    _ => true,
                });
            }
        }
    }
}

/// The least that a write of unknown images consumed: by the item that it carries, without indexes.
fn unplaced(write: &Write, mode: Mode, outcome: &Outcome) -> Units {
    match (outcome, &write.kind) {
        (Outcome::Done(_), Kind::Put { item, .. }) => Units::writes(failed_write_units(Some(item), mode)),
        (Outcome::Done(_) | Outcome::ConditionFailed, _) => Units::writes(failed_write_units(None, mode)),
        (Outcome::Refused | Outcome::Unknown, _) => Units::default(),
    }
}
