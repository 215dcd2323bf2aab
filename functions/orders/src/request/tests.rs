use proptest::{prelude::*, sample::select};

use super::*;

fn line(product_id: &str, quantity: i64) -> BodyItem {
    BodyItem { product_id: product_id.to_owned(), quantity: WholeNumber(quantity) }
}

const LIMITS: OrderLimits = OrderLimits { pieces_per_line: 20, pieces_per_order: 100, value: 1_000_000 };

fn violations(lines: &[BodyItem]) -> Vec<String> {
    let mut violations = Vec::new();
    requested_items(lines, &LIMITS, &mut violations);
    violations.into_iter().map(|violation| violation.pointer).collect()
}

#[test]
fn every_bad_line_is_named() {
    let lines = [line("ok", 1), line("Not OK", 0), line("ok", 20)];
    assert_eq!(violations(&lines), ["/items/1/product_id", "/items/1/quantity", "/items/2/quantity"]);
}

#[test]
fn an_order_asks_for_no_more_than_the_deployment_allows() {
    assert!(violations(&[line("a", 20)]).is_empty());
    assert_eq!(violations(&[line("a", 21)]), ["/items/0/quantity"]);
    let full: Vec<_> = ["a", "b", "c", "d", "e"].map(|id| line(id, 20)).into();
    assert!(violations(&full).is_empty());
    let mut over = full;
    over.push(line("f", 1));
    assert_eq!(violations(&over), ["/items"]);
}

#[test]
fn a_wider_limit_does_not_widen_the_type() {
    let limits = OrderLimits { pieces_per_line: u32::MAX, pieces_per_order: u32::MAX, value: u64::MAX };
    let mut violations = Vec::new();
    requested_items(&[line("a", 999), line("b", 1000)], &limits, &mut violations);
    assert_eq!(violations.len(), 1, "{violations:?}");
    assert_eq!(violations[0].detail, "must be a whole number from 1 to 999");
}

#[test]
fn a_whole_number_is_read_however_it_is_written() {
    let read = |text: &str| serde_json::from_str::<WholeNumber>(text).map(|number| number.0);
    for (text, number) in [("2", 2), ("2.0", 2), ("1e2", 100), ("-0.0", 0), ("-3.0", -3), ("1e300", i64::MAX)]
    {
        assert_eq!(read(text).ok(), Some(number), "{text}");
    }
    for text in ["1.5", "1e-1", "1e400", "\"1\"", "null"] {
        assert!(read(text).is_err(), "{text}");
    }
}

#[test]
fn an_order_has_1_to_50_lines() {
    let lines = |count: usize| (0..count).map(|n| line(&format!("p-{n}"), 1)).collect::<Vec<_>>();
    assert_eq!(violations(&lines(0)), ["/items"]);
    assert_eq!(violations(&lines(51)), ["/items"]);
    assert!(violations(&lines(50)).is_empty());
}

#[test]
fn emails_and_payment_methods_are_checked() {
    assert!(is_email("a@example.com") && is_email("ü.b+c@exämple.com"));
    for bad in ["", "a", "@b", "a@", "a@b@c", "a b@c", "a@b\n", &format!("{}@b", "a".repeat(254))] {
        assert!(!is_email(bad), "{bad:?}");
    }
    for good in ["tok_visa", "tok_1N3T00LkdIwHu7ixt44h1F8k", "pm_1MtwBvLkdIwHu7ixZtVRxTzf", "pm_card_visa"] {
        assert!(is_payment_method(good), "{good}");
    }
    for bad in [
        "",
        "tok_",
        "pm_",
        "visa",
        "src_1",
        "PM_1",
        "tok_a b",
        "tok_\u{fc}",
        &format!("tok_{}", "a".repeat(251)),
    ] {
        assert!(!is_payment_method(bad), "{bad:?}");
    }
}

proptest! {
    #[test]
    fn splitting_and_reordering_lines_changes_nothing(
        wanted in prop::collection::vec((select(vec!["a", "b", "c", "d"]), 1i64..50), 1..12),
        seed: u64,
    ) {
        let lines: Vec<_> = wanted.iter().map(|(id, quantity)| line(id, *quantity)).collect();
        let mut shuffled: Vec<_> = wanted.iter().flat_map(|(id, quantity)| {
            (0..*quantity.min(&3)).map(move |part| {
                let parts = *quantity.min(&3);
                line(id, if part == 0 { quantity - parts + 1 } else { 1 })
            })
        }).collect();
        let mut random = seed;
        shuffled.sort_by_cached_key(|line| { random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1); random ^ line.quantity.0.unsigned_abs() });
        let mut none = Vec::new();
        let limits = OrderLimits { pieces_per_line: 999, pieces_per_order: 10_000, value: 0 };
        let straight = requested_items(&lines, &limits, &mut none);
        let mixed = requested_items(&shuffled, &limits, &mut none);
        prop_assume!(none.is_empty());
        prop_assert_eq!(request_hash(&straight, "tok_visa"), request_hash(&mixed, "tok_visa"));
        prop_assert_ne!(request_hash(&straight, "tok_visa"), request_hash(&straight, "tok_other"));
    }
}
