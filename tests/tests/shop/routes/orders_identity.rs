//! `POST /orders`: who knows an order's id.

use std::time::Duration;

use e2e::{NO_ORDER, Options, Shop, farthing, needs, unique_key, workspace};
use tokio::process::Command;

/// Not that of the other tests, `local_dynamo::development_parameters`.
const OTHER_SECRET: &str = "a-secret-that-no-other-stack-has-0001";

async fn placed(shop: &Shop, customer: &str, key: &str) -> String {
    let order = shop.order_as(customer, &[("stoneware-mug", 1)], "tok_visa").header("idempotency-key", key);
    let response = order.response().await;
    assert!(response.status == 201 || response.status == 200, "{response:?}");
    response.json()["order_id"].as_str().unwrap().to_owned()
}

/// An id that has no secret in it is everybody's: for this customer and key, the id was once a UUIDv5 in a namespace that the
/// sources name, and this one.
#[tokio::test]
async fn an_order_is_not_where_customer_and_key_alone_would_put_it() {
    let shop = Shop::start().await;
    let (customer, key) = ("victim@example.com", "d3b07384-d9a0-4c9b-8f3e-1f6f5a0b7c21");
    let computed = "e5a5406e-a7c8-59e7-a4b8-14cd7227fb08";
    let id = placed(&shop, customer, key).await;
    assert_ne!(id, computed, "anybody can compute the id");
    for id in [computed, NO_ORDER] {
        let read = shop.http.get(&format!("/orders/{id}")).response().await;
        assert_eq!(read.status, 404, "{read:?}");
        let cancelled = shop.cancel(id).response().await;
        assert_eq!(cancelled.status, 404, "{cancelled:?}");
    }
    assert_eq!(placed(&shop, customer, key).await, id, "the same customer and key have one order");
    shop.settle().await;
}

#[tokio::test]
async fn another_secret_gives_another_id_and_no_line_of_any_log_holds_it() {
    needs!(OwnStack);
    let flags = ["--verbose", "--log-format", "json"].map(str::to_owned).to_vec();
    let parameters = vec![("OrderIdSecret", OTHER_SECRET.to_owned()), ("LogLevel", "debug".to_owned())];
    let other = Shop::start_with(Options { parameters, flags, ..Options::default() }).await;
    let shop = Shop::start().await;
    let key = unique_key();
    let ids = (placed(&shop, shop.customer(), &key).await, placed(&other, shop.customer(), &key).await);
    assert_ne!(ids.0, ids.1, "the secret makes no difference");
    let log = other.log();
    assert!(log.contains("DEBUG") && log.contains("create-order"), "nothing was logged: this proves nothing");
    assert!(!log.contains(OTHER_SECRET), "the secret is in the log");
}

/// The stack refuses the parameter. The function by itself refuses the variable, whoever sets it, and neither shows it.
#[tokio::test]
async fn a_short_secret_stops_create_order_with_what_is_wrong() {
    needs!(OwnStack);
    let mut stack = Command::new(farthing().await);
    stack.current_dir(workspace()).args(["--parameter", "OrderIdSecret=hunter2"]);
    let mut function = Command::new(farthing().await.with_file_name("create-order"));
    let credentials = ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
    let tables = ["CATALOG_TABLE", "ORDERS_TABLE"];
    let limits = ["MAX_PIECES_PER_LINE", "MAX_PIECES_PER_ORDER", "MAX_ORDER_VALUE"];
    let given = credentials.into_iter().chain(tables).chain(limits).map(|name| (name, "1"));
    function.envs(given).env("ORDER_ID_SECRET", "hunter2");
    for (command, name) in [(&mut stack, "OrderIdSecret"), (&mut function, "ORDER_ID_SECRET")] {
        let ended = tokio::time::timeout(Duration::from_secs(30), command.kill_on_drop(true).output()).await;
        let output = ended.expect("it started").unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(!output.status.success() && said.contains(name) && said.contains("32 characters"), "{said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
}
