//! What one sees of a running shop.

use std::time::Duration;

use e2e::{Options, Shop, eventually, needs};
use serde_json::Value;

fn json_lines() -> Options {
    Options {
        flags: vec!["--log-format".to_owned(), "json".to_owned(), "--verbose".to_owned()],
        ..Options::unhurried()
    }
}

/// The lines that the stack has written; the last one may be unfinished.
fn lines(shop: &Shop) -> Vec<Value> {
    shop.log().lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

#[tokio::test]
async fn one_correlation_id_joins_the_lines_of_an_order_across_http_stream_and_queue() {
    needs!(OwnStack);
    let shop = Shop::start_with(json_lines()).await;
    let response = shop.keyed_order(&[("stoneware-mug", 1)], "tok_visa").response().await;
    let correlation_id = response.header("apigw-requestid").to_owned();
    let joined = eventually(Duration::from_secs(10), || async {
        let of_order = |line: &Value| {
            line["correlation_ids"].as_array().is_some_and(|ids| ids.iter().any(|id| *id == correlation_id))
        };
        let lines = lines(&shop);
        let functions: Vec<_> =
            lines.iter().filter(|line| of_order(line)).map(|line| line["function"].clone()).collect();
        if functions.len() == 3 { Ok(functions) } else { Err(functions) }
    })
    .await;
    assert_eq!(joined, ["create-order", "request-payments", "process-payment"]);
    // A function's own lines are read from its standard output, so they may come after the line of its invocation.
    let logged = eventually(Duration::from_secs(10), || async {
        let lines = lines(&shop);
        let of_order = lines.iter().filter(|line| line["line"]["correlation_id"] == correlation_id.as_str());
        let functions: Vec<_> = of_order.map(|line| line["function"].clone()).collect();
        if functions.len() == 2 { Ok(functions) } else { Err(functions) }
    })
    .await;
    assert_eq!(logged, ["create-order", "process-payment"], "and so do the functions' own logs, as on AWS");
    shop.settle().await;
}
