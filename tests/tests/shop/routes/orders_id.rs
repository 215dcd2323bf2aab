//! `GET /orders/{id}`

use e2e::{NO_ORDER, Shop};

#[tokio::test]
async fn what_is_no_order_is_404() {
    let shop = Shop::start().await;
    for id in [NO_ORDER, "nonsense", "0197A000-0000-7000-8000-000000000000", "%00", "a%20b"] {
        let response = shop.http.get(&format!("/orders/{id}")).response().await;
        assert_eq!((response.status, response.problem().as_deref()), (404, Some("order-not-found")), "{id}");
    }
}
