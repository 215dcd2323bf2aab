//! Prices usage.

use super::{
    Architecture, Bill, FunctionBill, FunctionUsage, GbSeconds, PollerBill, QueueKind, RouteBill, RouteUsage,
    SqsRequests, Totals, Usage,
};
use crate::prices::{Amount, PriceError, PriceList, Prices};

/// Prices usage with the list prices of a region.
///
/// # Errors
/// [`PriceError::UnknownRegion`] for a region that the list does not have.
pub fn price(usage: &Usage, region: &str, list: &PriceList) -> Result<Bill, PriceError> {
    let prices = list.region(region)?;
    let functions: Vec<FunctionBill> =
        usage.functions.iter().map(|function| price_function(function, prices)).collect();
    let routes: Vec<RouteBill> =
        usage.routes.iter().map(|route| price_route(route, &functions, prices)).collect();
    let poller = |poller: &super::PollerUsage| PollerBill {
        queue: poller.queue.clone(),
        requests: poller.requests,
        total: price_sqs(SqsRequests::to(&poller.queue, poller.requests), prices),
    };
    let pollers: Vec<PollerBill> = usage.pollers.iter().map(poller).collect();
    let total = add_up(&functions, &routes, &pollers);
    Ok(Bill {
        region: region.to_owned(),
        prices_as_of: list.as_of.clone(),
        functions,
        routes,
        pollers,
        total,
    })
}

fn price_function(usage: &FunctionUsage, prices: &Prices) -> FunctionBill {
    let gb_seconds = |ms: u64| GbSeconds { mb_ms: usage.memory_mb.saturating_mul(ms) };
    let own = match usage.architecture {
        Architecture::Arm64 => prices.lambda_arm64_gb_second,
        Architecture::X86 => prices.lambda_x86_64_gb_second,
    };
    let billed = gb_seconds(usage.billed_duration_ms);
    let requests = prices.lambda_request.times(usage.invocations);
    let compute = billed.at(own);
    let dynamodb = prices.dynamodb_read_unit.fraction(usage.units.read_half_units, 2)
        + prices.dynamodb_write_unit.times(usage.units.write_units);
    let sqs = price_sqs(usage.sqs_requests, prices);
    let logs = prices.logs_ingested_gb.fraction(usage.log_bytes, 1 << 30);
    FunctionBill {
        name: usage.name.clone(),
        architecture: usage.architecture,
        invocations: usage.invocations,
        cold_starts: usage.cold_starts,
        gb_seconds: billed,
        units: usage.units,
        sqs_requests: usage.sqs_requests.count(),
        log_bytes: usage.log_bytes,
        requests,
        compute,
        compute_arm64: billed.at(prices.lambda_arm64_gb_second),
        compute_x86_64: billed.at(prices.lambda_x86_64_gb_second),
        cold_start: gb_seconds(usage.init_duration_ms).at(own),
        dynamodb,
        sqs,
        logs,
        total: requests + compute + dynamodb + sqs + logs,
    }
}

fn price_route(usage: &RouteUsage, functions: &[FunctionBill], prices: &Prices) -> RouteBill {
    let api = prices.http_api_request.times(usage.metered_requests);
    let function = functions.iter().find(|function| Some(&function.name) == usage.function.as_ref());
    // Requests that an authorizer or the throttle rejected did not invoke the function.
    let share = function.map(|function| {
        function.total.fraction(usage.requests.min(function.invocations), function.invocations)
    });
    let function = share.unwrap_or_default();
    let total = api + function;
    RouteBill {
        route: usage.route.clone(),
        requests: usage.requests,
        api,
        function,
        total,
        per_request: total.fraction(1, usage.requests),
    }
}

fn price_sqs(requests: SqsRequests, prices: &Prices) -> Amount {
    let price = |kind| match kind {
        QueueKind::Standard => prices.sqs_standard_request,
        QueueKind::Fifo => prices.sqs_fifo_request,
    };
    price(QueueKind::Standard).times(requests.standard) + price(QueueKind::Fifo).times(requests.fifo)
}

fn add_up(functions: &[FunctionBill], routes: &[RouteBill], pollers: &[PollerBill]) -> Totals {
    let sum = |part: fn(&FunctionBill) -> Amount| functions.iter().map(part).sum::<Amount>();
    let (requests, compute) = (sum(|function| function.requests), sum(|function| function.compute));
    let (dynamodb, sqs, logs) =
        (sum(|function| function.dynamodb), sum(|function| function.sqs), sum(|function| function.logs));
    let api = routes.iter().map(|route| route.api).sum();
    let polling = pollers.iter().map(|poller| poller.total).sum();
    let except_compute = requests + api + dynamodb + sqs + polling + logs;
    Totals {
        requests,
        compute,
        cold_start: sum(|function| function.cold_start),
        api,
        dynamodb,
        sqs,
        polling,
        logs,
        total: except_compute + compute,
        total_arm64: except_compute + sum(|function| function.compute_arm64),
        total_x86_64: except_compute + sum(|function| function.compute_x86_64),
    }
}

#[cfg(test)]
mod tests;
