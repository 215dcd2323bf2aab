//! The throttles that template.yaml gives the routes that write and those of lists, as the local stack reads them there.

use e2e::{Options, Shop, needs, routes, template};
use serde_json::json;

#[test]
fn every_route_that_writes_or_lists_has_a_throttle_of_its_own() {
    let template = template();
    let settings = &template.http_api.as_ref().unwrap().route_settings;
    for (function, route) in routes() {
        let own = settings.iter().find(|own| own.route_key == format!("{} {}", route.method, route.path));
        let throttle = own.map(|own| own.throttle).unwrap_or_default();
        let is_own = throttle.rate.is_some() && throttle.burst.is_some();
        let lists = function.starts_with("list-");
        assert_eq!(is_own, route.method == "POST" || lists, "{function}: {throttle:?}");
    }
}

/// All products of the demo catalogue, read whole from one index partition by either route, are 11.5 units (docs/cost.md).
#[test]
fn the_lists_admit_less_than_their_index_partition_gives() {
    let template = template();
    let settings = &template.http_api.as_ref().unwrap().route_settings;
    let rates =
        settings.iter().filter(|own| own.route_key.starts_with("GET ")).filter_map(|own| own.throttle.rate);
    assert!(rates.clone().count() == 2 && rates.sum::<f64>() * 11.5 < 3000.0);
}

#[tokio::test]
async fn a_rush_of_orders_is_turned_away_by_default() {
    needs!(OwnStack, Tables);
    let template = template();
    let settings = &template.http_api.as_ref().unwrap().route_settings;
    let own = settings.iter().find(|own| own.route_key == "POST /orders").unwrap();
    let (rate, burst) = (own.throttle.rate.unwrap(), own.throttle.burst.unwrap());
    let parameters = vec![("OrderRateLimit", rate.to_string()), ("OrderBurstLimit", burst.to_string())];
    let shop = Shop::start_with(Options { parameters, ..Options::default() }).await;
    let tries = (0..200).map(|_| shop.keyed_order(&[("stoneware-mug", 1)], "tok_visa").first_response());
    let responses = futures_util::future::join_all(tries).await;
    let refused = responses.iter().filter(|response| response.status == 429).count();
    assert!(refused > 0 && refused < 200, "{refused} of 200 were refused");
    shop.settle().await;
}

#[tokio::test]
async fn a_rush_of_cancellations_is_turned_away_and_nothing_else_is() {
    needs!(OwnStack, Tables);
    let parameters = vec![("CancelRateLimit", "0".to_owned()), ("CancelBurstLimit", "1".to_owned())];
    let shop = Shop::start_with(Options { parameters, ..Options::default() }).await;
    let id = shop.place(&[("stoneware-mug", 1)], "tok_visa").await;
    let response = shop.cancel(&id).response().await;
    assert_eq!(response.status, 200, "{response:?}");
    let response = shop.cancel(&id).response().await;
    assert_eq!(response.status, 429, "{response:?}");
    assert_eq!(shop.get_order(&id).await["status"], "CANCELLED", "an order can be read");
    shop.place(&[("stoneware-mug", 1)], "tok_visa").await;
    shop.settle().await;
}

#[tokio::test]
async fn orders_that_wait_take_no_more_environments_than_are_reserved_for_them() {
    needs!(OwnStack, ControlPort, Tables);
    let parameters = vec![("OrderReservedConcurrency", "2".to_owned())];
    let shop = Shop::start_with(Options { parameters, ..Options::unhurried() }).await;
    let rule = json!({"fault": {"delay": {"ms": 1500}}, "caller": "create-order", "operation": "TransactWriteItems"});
    shop.set_faults(&json!({"rules": [rule]})).await;
    let orders = (0..8).map(|_| shop.keyed_order(&[("stoneware-mug", 1)], "tok_visa").first_response());
    let responses = futures_util::future::join_all(orders).await;
    let refused = responses.iter().filter(|response| response.status == 503 && response.problem().is_none());
    let refused = refused.count();
    assert!((1..8).contains(&refused), "{refused} of 8 were refused by the API: {responses:?}");
    shop.clear_faults().await;
    shop.settle().await;
}
