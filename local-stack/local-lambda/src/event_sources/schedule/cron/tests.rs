use super::*;

/// The first times after a Saturday evening: 2026-11-21 20:07.
fn times(expression: &str, count: usize) -> Vec<String> {
    let cron: Cron = expression.parse().unwrap_or_else(|why| panic!("{expression}: {why}"));
    let start: DateTime = "2026-11-21T20:07:00".parse().unwrap();
    std::iter::successors(cron.next(start), |last| cron.next(*last))
        .take(count)
        .map(|time| time.strftime("%a %Y-%m-%d %H:%M").to_string())
        .collect()
}

#[test]
fn eb_cron_expressions_examples() {
    for (expression, expected) in [
        ("0 10 * * ? *", ["Sun 2026-11-22 10:00", "Mon 2026-11-23 10:00"]),
        ("15 12 * * ? *", ["Sun 2026-11-22 12:15", "Mon 2026-11-23 12:15"]),
        ("0 18 ? * MON-FRI *", ["Mon 2026-11-23 18:00", "Tue 2026-11-24 18:00"]),
        ("0 8 1 * ? *", ["Tue 2026-12-01 08:00", "Fri 2027-01-01 08:00"]),
        ("0/15 * * * ? *", ["Sat 2026-11-21 20:15", "Sat 2026-11-21 20:30"]),
        ("0/10 * ? * MON-FRI *", ["Mon 2026-11-23 00:00", "Mon 2026-11-23 00:10"]),
        ("0/5 8-17 ? * MON-FRI *", ["Mon 2026-11-23 08:00", "Mon 2026-11-23 08:05"]),
        ("15 10 ? * 6L 2026-2027", ["Fri 2026-11-27 10:15", "Fri 2026-12-25 10:15"]),
        ("0 9 ? * 2#1 *", ["Mon 2026-12-07 09:00", "Mon 2027-01-04 09:00"]),
    ] {
        assert_eq!(times(expression, 2), expected, "{expression}");
    }
}

#[test]
fn eb_cron_expressions_a_range_may_wrap_at_midnight() {
    let expected = [
        "Mon 2026-11-23 00:00",
        "Mon 2026-11-23 00:30",
        "Mon 2026-11-23 01:00",
        "Mon 2026-11-23 01:30",
        "Mon 2026-11-23 02:00",
        "Mon 2026-11-23 02:30",
        "Mon 2026-11-23 20:00",
    ];
    assert_eq!(times("0/30 20-2 ? * MON-FRI *", 7), expected);
}

#[test]
fn eb_cron_expressions_wildcards() {
    for (expression, expected) in [
        ("1/10 * * * ? *", ["Sat 2026-11-21 20:11", "Sat 2026-11-21 20:21"]),
        ("*/20 21 * * ? *", ["Sat 2026-11-21 21:00", "Sat 2026-11-21 21:20"]),
        ("10-40/15 21 * * ? *", ["Sat 2026-11-21 21:10", "Sat 2026-11-21 21:25"]),
        ("0 0 ? JAN,jul 1 *", ["Sun 2027-01-03 00:00", "Sun 2027-01-10 00:00"]),
        ("0 0 L * ? *", ["Mon 2026-11-30 00:00", "Thu 2026-12-31 00:00"]),
        ("0 0 LW * ? *", ["Mon 2026-11-30 00:00", "Thu 2026-12-31 00:00"]),
        ("0 0 LW 1,5 ? 2027", ["Fri 2027-01-29 00:00", "Mon 2027-05-31 00:00"]),
        ("0 0 15,L * ? *", ["Mon 2026-11-30 00:00", "Tue 2026-12-15 00:00"]),
        ("0 0 ? * L *", ["Sat 2026-11-28 00:00", "Sat 2026-12-05 00:00"]),
        ("0 0 ? * 3#2 *", ["Tue 2026-12-08 00:00", "Tue 2027-01-12 00:00"]),
        ("0 0 ? * FRI#5 *", ["Fri 2027-01-29 00:00", "Fri 2027-04-30 00:00"]),
        ("0 0 ? * SAT-MON *", ["Sun 2026-11-22 00:00", "Mon 2026-11-23 00:00"]),
        ("0 0 29 2 ? *", ["Tue 2028-02-29 00:00", "Sun 2032-02-29 00:00"]),
        ("7 20 21 11 ? *", ["Sun 2027-11-21 20:07", "Tue 2028-11-21 20:07"]),
    ] {
        assert_eq!(times(expression, 2), expected, "{expression}");
    }
}

#[test]
fn eb_cron_expressions_the_nearest_weekday_stays_in_its_month() {
    for (expression, expected) in [
        ("0 0 3W 12 ? 2026", "Thu 2026-12-03 00:00"),
        ("0 0 5W 12 ? 2026", "Fri 2026-12-04 00:00"),
        ("0 0 6W 12 ? 2026", "Mon 2026-12-07 00:00"),
        ("0 0 1W 5 ? 2027", "Mon 2027-05-03 00:00"),
        ("0 0 31W 1 ? 2027", "Fri 2027-01-29 00:00"),
    ] {
        assert_eq!(times(expression, 2), [expected], "{expression}");
    }
    assert!(times("0 0 31W 2 ? *", 1).is_empty(), "February has no 31st");
}

#[test]
fn eb_cron_expressions_years_end() {
    assert_eq!(times("0 0 1 1 ? 2028/2", 3).len(), 3);
    assert!(times("0 0 1 1 ? 2025", 1).is_empty());
    assert!(times("0 0 30 2 ? *", 1).is_empty(), "there is no such day");
}

#[test]
fn eb_cron_expressions_restrictions() {
    for bad in [
        "0 10 * * *",
        "0 10 * * ? * *",
        "0 10 * * * *",
        "0 10 ? * ? *",
        "0 10 1 * MON *",
        "60 10 * * ? *",
        "0 24 * * ? *",
        "0 10 32 * ? *",
        "0 10 0 * ? *",
        "0 10 * 13 ? *",
        "0 10 ? * 0 *",
        "0 10 ? * 8 *",
        "0 10 ? * MON#6 *",
        "0 10 ? * 3#1,6#3 *",
        "0 10 ? * 2/2 *",
        "0 10 * * ? 2200",
        "0/0 10 * * ? *",
        "x 10 * * ? *",
        "",
    ] {
        assert!(bad.parse::<Cron>().is_err(), "{bad}");
    }
}
