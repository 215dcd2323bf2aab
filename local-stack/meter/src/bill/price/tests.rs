use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

use super::*;
use crate::{bill::PollerUsage, rules::RequestUnits};

fn list() -> PriceList {
    PriceList::built_in().unwrap()
}

fn bill(usage: &Usage) -> Bill {
    price(usage, "us-east-1", &list()).unwrap()
}

fn one_function(function: FunctionUsage) -> FunctionBill {
    bill(&Usage { functions: vec![function], ..Usage::default() }).functions.remove(0)
}

fn a_shop() -> Usage {
    let create = FunctionUsage {
        name: "create".to_owned(),
        architecture: Architecture::Arm64,
        memory_mb: 256,
        invocations: 1000,
        cold_starts: 4,
        billed_duration_ms: 12_000,
        init_duration_ms: 200,
        log_bytes: 500_000,
        units: RequestUnits { read_half_units: 1001, write_units: 6000 },
        sqs_requests: SqsRequests { standard: 10, fifo: 1 },
    };
    let list = FunctionUsage { name: "list".to_owned(), invocations: 10, ..FunctionUsage::default() };
    let route = |route: &str, function: &str, requests| RouteUsage {
        route: route.to_owned(),
        function: Some(function.to_owned()),
        requests,
        metered_requests: requests,
    };
    Usage {
        functions: vec![create, list],
        routes: vec![route("POST /orders", "create", 1000), route("GET /products", "list", 10)],
        pollers: vec![PollerUsage { queue: "payments".to_owned(), requests: 2000 }],
    }
}

#[test]
fn lambda_pricing_page_example_of_three_million_requests_at_1536_mb_and_120_ms() {
    // 3 million requests a month of 120 ms with 1,536 MB on x86, before the free tier: 540,000 GB-seconds for 9.00
    // dollars, requests for 0.60.
    let function = one_function(FunctionUsage {
        memory_mb: 1536,
        invocations: 3_000_000,
        billed_duration_ms: 3_000_000 * 120,
        ..FunctionUsage::default()
    });
    assert_eq!(function.gb_seconds.to_string(), "540000.000000");
    assert_eq!(function.compute.dollars(2), "9.00");
    assert_eq!(function.compute_arm64.dollars(2), "7.20");
    assert_eq!(function.requests.dollars(2), "0.60");
    assert_eq!(function.total.dollars(2), "9.60");
}

#[test]
fn init_phase_billing_post_init_is_part_of_the_billed_duration() {
    let usage = FunctionUsage {
        architecture: Architecture::Arm64,
        memory_mb: 1024,
        invocations: 1,
        cold_starts: 1,
        billed_duration_ms: 2000,
        init_duration_ms: 500,
        ..FunctionUsage::default()
    };
    let function = one_function(usage);
    assert_eq!(function.compute.picodollars(), 2 * 13_333_400);
    assert_eq!(function.cold_start.picodollars(), 13_333_400 / 2);
    assert_eq!(function.total, function.compute + function.requests);
}

#[test]
fn dynamodb_pricing_page_half_a_read_unit_is_half_its_price() {
    let units = RequestUnits { read_half_units: 1, write_units: 2 };
    let function = one_function(FunctionUsage { units, ..FunctionUsage::default() });
    assert_eq!(function.dynamodb.picodollars(), 62_500 + 2 * 625_000);
}

#[test]
fn sqs_pricing_page_fifo_costs_more() {
    let sqs_requests = SqsRequests { standard: 10, fifo: 10 };
    let function = one_function(FunctionUsage { sqs_requests, ..FunctionUsage::default() });
    assert_eq!(function.sqs.picodollars(), 10 * 400_000 + 10 * 500_000);
}

#[test]
fn cloudwatch_pricing_page_a_gigabyte_of_logs() {
    let function = one_function(FunctionUsage { log_bytes: 1 << 30, ..FunctionUsage::default() });
    assert_eq!(function.logs.dollars(2), "0.50");
}

#[test]
fn polling_is_a_separate_line() {
    let bill = bill(&a_shop());
    assert_eq!(bill.pollers[0].total.picodollars(), 2000 * 400_000);
    assert_eq!(bill.total.polling, bill.pollers[0].total);
    assert_eq!(bill.functions[0].sqs.picodollars(), 10 * 400_000 + 500_000, "and no function's");
}

#[test]
fn a_route_costs_its_requests_and_its_function() {
    let bill = bill(&a_shop());
    let (route, function) = (&bill.routes[0], &bill.functions[0]);
    assert_eq!(route.api.picodollars(), 1000 * 1_000_000);
    assert_eq!(route.function, function.total);
    assert_eq!(route.per_request, (route.api + function.total).fraction(1, 1000));
}

#[test]
fn a_route_of_a_shared_function_costs_its_part() {
    let mut usage = a_shop();
    usage.routes[0].requests = 250;
    let bill = bill(&usage);
    assert_eq!(bill.routes[0].function, bill.functions[0].total.fraction(1, 4));
}

#[test]
fn a_bill_is_divided_by_orders() {
    let bill = bill(&a_shop());
    let per = bill.per_unit_of_work("order", 1000).unwrap().price;
    assert_eq!(per.million, bill.total.total.times(1000));
    assert_eq!(per.one, bill.total.total.fraction(1, 1000));
    assert_eq!(bill.per_unit_of_work("order", 0), None);
}

#[test]
fn an_unknown_region_has_no_bill() {
    assert!(price(&Usage::default(), "mars-north-1", &list()).is_err());
}

#[test]
fn a_bill_is_json_with_exact_amounts() {
    let json = serde_json::to_value(bill(&a_shop())).unwrap();
    assert_eq!(json["functions"][0]["gb_seconds"], "3.000000");
    assert_eq!(json["functions"][0]["architecture"], "arm64");
    assert_eq!(json["functions"][1]["architecture"], "x86_64");
    assert_eq!(json["functions"][0]["compute"], "0.000040000200");
    assert_eq!(json["routes"][0]["route"], "POST /orders");
}

proptest! {
    #[test]
    fn a_bill_is_the_sum_of_its_parts(
        invocations in 0_u64..1_000_000, ms in 0_u64..10_000_000, memory in 128_u64..10_240,
        reads in 0_u64..1_000_000, writes in 0_u64..1_000_000, bytes in 0_u64..1 << 40, polled in 0_u64..1_000_000,
    ) {
        let mut usage = a_shop();
        let function = &mut usage.functions[1];
        (function.invocations, function.billed_duration_ms, function.memory_mb) = (invocations, ms, memory);
        (function.units, function.log_bytes) = (RequestUnits { read_half_units: reads, write_units: writes }, bytes);
        usage.pollers[0].requests = polled;
        let bill = bill(&usage);
        let functions: Amount = bill.functions.iter().map(|function| function.total).sum();
        let api: Amount = bill.routes.iter().map(|route| route.api).sum();
        prop_assert_eq!(bill.total.total, functions + api + bill.pollers[0].total);
        prop_assert!(bill.total.total_arm64 <= bill.total.total_x86_64);
        prop_assert!(bill.total.total_arm64 <= bill.total.total && bill.total.total <= bill.total.total_x86_64);
        prop_assert!(bill.total.cold_start <= bill.total.compute);
    }
}
