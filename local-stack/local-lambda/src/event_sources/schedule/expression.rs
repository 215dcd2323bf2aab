//! `rate(...)`, `cron(...)` and `at(...)`: when a schedule fires.

use jiff::{
    Timestamp,
    civil::DateTime,
    tz::{AmbiguousOffset, TimeZone},
};
use sam_template::{Located, Problem, ScheduleKind, ScheduleSource};

use super::cron::Cron;

/// When a schedule fires.
#[derive(Debug)]
pub enum Expression {
    /// The period in seconds, from the start on.
    Rate(i64),
    /// Times of the calendar in a time zone.
    Cron(Cron, TimeZone),
    /// One time.
    At(Timestamp),
}

impl Expression {
    /// The expression of a schedule.
    ///
    /// # Errors
    /// An expression that is malformed, or a time zone that does not exist.
    pub fn of(source: &ScheduleSource) -> Result<Self, Problem> {
        let zone = match &source.time_zone {
            None => TimeZone::UTC,
            Some(Located { at, text: name }) => TimeZone::get(name).map_err(|_| {
                Problem::new(*at, format!("{name} is not a time zone, such as Europe/Berlin"))
            })?,
        };
        let text = source.expression.trim();
        let (kind, fields) = text.strip_suffix(')').and_then(|text| text.split_once('(')).unwrap_or_default();
        let expression = match (kind, source.kind) {
            ("rate", _) => rate(fields).map(Self::Rate),
            ("cron", _) => fields.parse().map(|cron| Self::Cron(cron, zone)),
            ("at", ScheduleKind::Scheduler) => at(fields, &zone).map(Self::At),
            (_, ScheduleKind::Rule) => Err("use rate(...) or cron(...)".to_owned()),
            (_, ScheduleKind::Scheduler) => Err("use rate(...), cron(...) or at(...)".to_owned()),
        };
        expression.map_err(|why| Problem::new(source.at, format!("{text} is not a schedule: {why}")))
    }

    /// The first time after `last`, of a schedule that began at `start`; none when it does not fire any more.
    #[must_use]
    pub fn next(&self, start: Timestamp, last: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Rate(period) => {
                let periods = (last.as_second() - start.as_second()).div_euclid(*period) + 1;
                Timestamp::new(start.as_second() + periods * period, start.subsec_nanosecond()).ok()
            }
            Self::Cron(cron, zone) => {
                let mut local = zone.to_datetime(last);
                loop {
                    local = cron.next(local)?;
                    let time = occurrence(zone, local);
                    if let Some(time) = time.filter(|time| *time > last) {
                        return Some(time);
                    }
                }
            }
            Self::At(time) => (*time > last).then_some(*time),
        }
    }
}

/// The timestamp of a local time: none for a time that is skipped in spring, the first for one that is repeated in
/// autumn. <https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#daylist-savings-time>
fn occurrence(zone: &TimeZone, local: DateTime) -> Option<Timestamp> {
    let ambiguous = zone.to_ambiguous_timestamp(local);
    match ambiguous.offset() {
        AmbiguousOffset::Gap { .. } => None,
        AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => ambiguous.earlier().ok(),
    }
}

/// The seconds of `5 minutes`.
fn rate(fields: &str) -> Result<i64, String> {
    let rule =
        "a rate is rate(N minutes), rate(N hours) or rate(N days), with the unit in the singular for 1";
    let (number, unit) = fields.trim().split_once(' ').ok_or(rule)?;
    let number: u32 = number.parse().ok().filter(|number| *number > 0).ok_or(rule)?;
    let seconds: i64 = match (unit.trim(), number) {
        ("minute", 1) | ("minutes", 2..) => 60,
        ("hour", 1) | ("hours", 2..) => 60 * 60,
        ("day", 1) | ("days", 2..) => 24 * 60 * 60,
        _ => return Err(rule.to_owned()),
    };
    Ok(i64::from(number) * seconds)
}

fn at(fields: &str, zone: &TimeZone) -> Result<Timestamp, String> {
    let rule = "a time is at(yyyy-mm-ddThh:mm:ss)";
    let local = DateTime::strptime("%Y-%m-%dT%H:%M:%S", fields).map_err(|_| rule)?;
    zone.to_timestamp(local).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use sam_template::Position;

    use super::*;

    fn expression(kind: ScheduleKind, text: &str, zone: Option<&str>) -> Result<Expression, Problem> {
        Expression::of(&ScheduleSource {
            name: "Tick".to_owned(),
            kind,
            enabled: true,
            expression: text.to_owned(),
            at: Position { line: 7, column: 1 },
            time_zone: zone
                .map(|zone| Located { at: Position { line: 8, column: 1 }, text: zone.to_owned() }),
            input: None,
        })
    }

    fn next(text: &str, zone: Option<&str>, start: &str, count: usize) -> Vec<String> {
        let expression = expression(ScheduleKind::Scheduler, text, zone).unwrap();
        let start: Timestamp = start.parse().unwrap();
        std::iter::successors(expression.next(start, start), |last| expression.next(start, *last))
            .take(count)
            .map(|time| time.to_string())
            .collect()
    }

    #[test]
    fn eb_rate_expressions_fire_after_one_period_and_skip_what_was_missed() {
        let times = next("rate(5 minutes)", None, "2026-11-21T08:00:30.5Z", 2);
        assert_eq!(times, ["2026-11-21T08:05:30.5Z", "2026-11-21T08:10:30.5Z"]);
        assert_eq!(next("rate(1 day)", None, "2026-11-21T08:00:30Z", 1), ["2026-11-22T08:00:30Z"]);
        let rate = expression(ScheduleKind::Rule, "rate(1 hour)", None).unwrap();
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let late = rate.next(at("2026-11-21T08:00:00Z"), at("2026-11-21T11:59:00Z")).unwrap();
        assert_eq!(late, at("2026-11-21T12:00:00Z"));
    }

    #[test]
    fn eb_rate_expressions_are_refused_as_eventbridge_does() {
        for bad in
            ["rate(1 minutes)", "rate(5 minute)", "rate(0 minutes)", "rate(5 weeks)", "rate(5)", "5 minutes"]
        {
            let Problem { at, message } = expression(ScheduleKind::Rule, bad, None).unwrap_err();
            assert_eq!(at.line, 7, "{bad}");
            assert!(message.starts_with(&format!("{bad} is not a schedule: ")), "{message}");
        }
    }

    #[test]
    fn schedule_types_one_time_schedules_are_the_schedulers() {
        let once = next("at(2022-11-20T13:00:00)", None, "2022-11-20T12:59:59Z", 5);
        assert_eq!(once, ["2022-11-20T13:00:00Z"]);
        assert!(next("at(2022-11-20T13:00:00)", None, "2022-11-20T13:00:00Z", 5).is_empty(), "it is over");
        let there = next("at(2022-11-20T13:00:00)", Some("America/New_York"), "2022-11-20T12:59:59Z", 1);
        assert_eq!(there, ["2022-11-20T18:00:00Z"]);
        assert!(expression(ScheduleKind::Rule, "at(2022-11-20T13:00:00)", None).is_err());
        assert!(expression(ScheduleKind::Scheduler, "at(2022-11-20)", None).is_err());
    }

    #[test]
    fn schedule_types_daylight_saving_skips_in_spring_and_fires_once_in_autumn() {
        let zone = Some("America/New_York");
        let spring = next("cron(30 2 * * ? *)", zone, "2026-03-07T00:00:00Z", 2);
        assert_eq!(spring, ["2026-03-07T07:30:00Z", "2026-03-09T06:30:00Z"], "the 8th has no 02:30");
        let autumn = next("cron(30 1 * * ? *)", zone, "2026-11-01T00:00:00Z", 2);
        assert_eq!(autumn, ["2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"], "the 1st has 01:30 twice");
    }

    #[test]
    fn time_zones_that_do_not_exist_name_their_line() {
        let Problem { at, message } =
            expression(ScheduleKind::Scheduler, "rate(1 hour)", Some("Mars/Phobos")).unwrap_err();
        assert_eq!((at.line, message.as_str()), (8, "Mars/Phobos is not a time zone, such as Europe/Berlin"));
    }
}
