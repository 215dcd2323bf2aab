//! `cron(...)` in AWS's dialect.
//!
//! <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cron-expressions.html>: minutes, hours, day of month,
//! month, day of week (1 is Sunday), year; one of the two days must be `?`.
//!
//! Why not a crate: docs/decisions/0011.

use std::{collections::BTreeSet, str::FromStr};

use jiff::{
    ToSpan,
    civil::{Date, DateTime},
};

const MONTHS: [&str; 12] =
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
const LAST_YEAR: i16 = 2199;

/// The minutes at which a schedule fires.
#[derive(Debug, PartialEq, Eq)]
pub struct Cron {
    minutes: BTreeSet<i16>,
    hours: BTreeSet<i16>,
    days: Days,
    months: BTreeSet<i16>,
    years: BTreeSet<i16>,
}

#[derive(Debug, PartialEq, Eq)]
enum Days {
    OfMonth(Vec<DayOfMonth>),
    OfWeek(Vec<DayOfWeek>),
}

#[derive(Debug, PartialEq, Eq)]
enum DayOfMonth {
    Days(BTreeSet<i16>),
    /// `L`
    Last,
    /// `LW`
    LastWeekday,
    /// `3W`: the weekday of the same month that is nearest to the 3rd.
    Nearest(i16),
}

#[derive(Debug, PartialEq, Eq)]
enum DayOfWeek {
    Days(BTreeSet<i16>),
    /// `6L`: the month's last Friday.
    Last(i16),
    /// `3#2`: the month's second Tuesday.
    Nth(i16, i8),
}

impl FromStr for Cron {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minutes, hours, day_of_month, months, day_of_week, years] = fields.as_slice() else {
            return Err(format!(
                "cron has six fields (minutes, hours, day of month, month, day of week, year), not {}",
                fields.len()
            ));
        };
        let days = match (*day_of_month, *day_of_week) {
            ("?", "?") => return Err("only one of the two days can be ?".to_owned()),
            (days, "?") => Days::OfMonth(list(days, day_of_month_item)?),
            ("?", days) if days.contains('#') && days.contains(',') => {
                return Err(format!("{days}: # stands alone"));
            }
            ("?", days) => Days::OfWeek(list(days, day_of_week_item)?),
            _ => return Err("one of day of month and day of week must be ?".to_owned()),
        };
        Ok(Self {
            minutes: set(minutes, &Field::new("minutes", 0, 59))?,
            hours: set(hours, &Field::new("hours", 0, 23))?,
            days,
            months: set(months, &Field { names: &MONTHS, ..Field::new("month", 1, 12) })?,
            years: set(years, &Field::new("year", 1970, LAST_YEAR))?,
        })
    }
}

/// The range of a field's values, and their names.
struct Field {
    name: &'static str,
    least: i16,
    most: i16,
    /// Names of the values, from `least` on.
    names: &'static [&'static str],
}

impl Field {
    const fn new(name: &'static str, least: i16, most: i16) -> Self {
        Self { name, least, most, names: &[] }
    }

    fn value(&self, text: &str) -> Result<i16, String> {
        let named = self.names.iter().position(|name| name.eq_ignore_ascii_case(text));
        let value = match named.and_then(|index| i16::try_from(index).ok()) {
            Some(index) => Some(self.least + index),
            None => text.parse().ok().filter(|value| (self.least..=self.most).contains(value)),
        };
        value.ok_or_else(|| format!("{text} is not a {} from {} to {}", self.name, self.least, self.most))
    }

    /// The values of `*`, `5`, `1-5`, `20-2` (across the end), `*/5`, `1/10` or `1-30/10`.
    fn values(&self, text: &str) -> Result<BTreeSet<i16>, String> {
        let (range, step) = match text.split_once('/') {
            Some((range, step)) => (range, Some(step)),
            None => (text, None),
        };
        let step = step.map(|step| match step.parse() {
            Ok(step @ 1..) => Ok(step),
            _ => Err(format!("{text}: {step} is not a step")),
        });
        let step: Option<usize> = step.transpose()?;
        let (from, to) = match range.split_once('-') {
            _ if range == "*" => (self.least, self.most),
            Some((from, to)) => (self.value(from)?, self.value(to)?),
            None if step.is_some() => (self.value(range)?, self.most),
            None => (self.value(range)?, self.value(range)?),
        };
        let values: Vec<i16> = if from <= to {
            (from..=to).collect()
        } else {
            (from..=self.most).chain(self.least..=to).collect()
        };
        Ok(values.into_iter().step_by(step.unwrap_or(1)).collect())
    }
}

fn list<T>(text: &str, item: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, String> {
    text.split(',').map(item).collect()
}

fn set(text: &str, field: &Field) -> Result<BTreeSet<i16>, String> {
    Ok(list(text, |item| field.values(item))?.into_iter().flatten().collect())
}

fn day_of_month_item(text: &str) -> Result<DayOfMonth, String> {
    let field = Field::new("day of month", 1, 31);
    match text {
        "L" => Ok(DayOfMonth::Last),
        "LW" => Ok(DayOfMonth::LastWeekday),
        _ => match text.strip_suffix('W') {
            Some(day) => field.value(day).map(DayOfMonth::Nearest),
            None => field.values(text).map(DayOfMonth::Days),
        },
    }
}

fn day_of_week_item(text: &str) -> Result<DayOfWeek, String> {
    let field = Field { names: &WEEKDAYS, ..Field::new("day of week", 1, 7) };
    if let Some((day, nth)) = text.split_once('#') {
        let nth = nth.parse().ok().filter(|nth| (1..=5).contains(nth));
        return Ok(DayOfWeek::Nth(field.value(day)?, nth.ok_or_else(|| format!("{text}: # takes 1 to 5"))?));
    }
    match text.strip_suffix('L') {
        // The last day of the week is Saturday.
        Some("") => Ok(DayOfWeek::Days(BTreeSet::from([7]))),
        Some(day) => field.value(day).map(DayOfWeek::Last),
        None if text.contains('/') => Err(format!("{text}: the day of week takes no step")),
        None => field.values(text).map(DayOfWeek::Days),
    }
}

impl Cron {
    /// The first time after `after`, to the minute; none when there is none before 2200.
    pub(super) fn next(&self, after: DateTime) -> Option<DateTime> {
        let first = after.date().at(after.hour(), after.minute(), 0, 0).checked_add(1.minute()).ok()?;
        let mut date = first.date();
        loop {
            if date.year() > *self.years.last()? {
                return None;
            }
            if !self.years.contains(&date.year()) || !self.months.contains(&date.month().into()) {
                date = date.last_of_month().tomorrow().ok()?;
                continue;
            }
            let earliest = if date == first.date() { (first.hour(), first.minute()) } else { (0, 0) };
            if self.days.contain(date)
                && let Some((hour, minute)) = self.time(earliest)
            {
                return Some(date.at(hour, minute, 0, 0));
            }
            date = date.tomorrow().ok()?;
        }
    }

    /// The first hour and minute of a day that is not before `earliest`.
    fn time(&self, (hour, minute): (i8, i8)) -> Option<(i8, i8)> {
        let (hour, minute) = (i16::from(hour), i16::from(minute));
        let this_hour = self.minutes.range(minute..).next().filter(|_| self.hours.contains(&hour));
        let time = match this_hour {
            Some(minute) => (hour, *minute),
            None => (*self.hours.range(hour + 1..).next()?, *self.minutes.first()?),
        };
        Some((time.0.try_into().ok()?, time.1.try_into().ok()?))
    }
}

impl Days {
    fn contain(&self, date: Date) -> bool {
        match self {
            Self::OfMonth(days) => days.iter().any(|day| day.is(date)),
            Self::OfWeek(days) => days.iter().any(|day| day.is(date)),
        }
    }
}

impl DayOfMonth {
    fn is(&self, date: Date) -> bool {
        let last = date.days_in_month();
        match self {
            Self::Days(days) => days.contains(&date.day().into()),
            Self::Last => date.day() == last,
            Self::LastWeekday => Some(date) == nearest_weekday(date.last_of_month()),
            Self::Nearest(day) => {
                let day = i8::try_from(*day).ok().and_then(|day| date.with().day(day).build().ok());
                day.and_then(nearest_weekday) == Some(date)
            }
        }
    }
}

/// The day itself if it is Monday to Friday, or else the nearest such day of the same month.
fn nearest_weekday(date: Date) -> Option<Date> {
    let days = match day_of_week(date) {
        // Saturday, Sunday
        7 if date.day() == 1 => 2,
        7 => -1,
        1 if date.day() == date.days_in_month() => -2,
        1 => 1,
        _ => 0,
    };
    date.checked_add(days.days()).ok()
}

impl DayOfWeek {
    fn is(&self, date: Date) -> bool {
        let (day, week) = (day_of_week(date), (date.day() - 1) / 7 + 1);
        match self {
            Self::Days(days) => days.contains(&day),
            Self::Last(last) => *last == day && date.day() + 7 > date.days_in_month(),
            Self::Nth(nth_day, nth) => *nth_day == day && *nth == week,
        }
    }
}

/// 1 is Sunday.
fn day_of_week(date: Date) -> i16 {
    date.weekday().to_sunday_one_offset().into()
}

#[cfg(test)]
mod tests;
