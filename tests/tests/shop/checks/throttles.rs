//! The throttles that template.yaml gives the routes that write, as the local stack reads them there.

use e2e::{Options, Shop, needs, routes, template};

#[test]
fn every_route_that_writes_has_a_throttle_of_its_own() {
    let template = template();
    let settings = &template.http_api.as_ref().unwrap().route_settings;
    for (function, route) in routes() {
        let own = settings.iter().find(|own| own.route_key == format!("{} {}", route.method, route.path));
        let throttle = own.map(|own| own.throttle).unwrap_or_default();
        let is_own = throttle.rate.is_some() && throttle.burst.is_some();
        assert_eq!(is_own, route.method == "POST", "{function}: {throttle:?}");
    }
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
