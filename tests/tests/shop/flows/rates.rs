//! A payment provider that admits few requests, or no longer our key.

use std::{sync::Arc, time::Duration};

use e2e::{Client, Options, Shop, eventually, needs};
use futures_util::{StreamExt, stream};
use payment_simulator::{Behaviour, Simulator};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::Mutex,
};

const ORDERS: usize = 100;
/// Two hundred calls at ten a second are twenty seconds.
const PAID_WITHIN: Duration = Duration::from_secs(240);
/// Each has more pieces than it gets orders here.
const PRODUCTS: [&str; 4] = ["stoneware-mug", "record-brush", "packing-cubes", "retractable-gel-pens"];

async fn behave(provider: &Client, behaviour: Value) {
    let request = provider.request("PUT", "/_simulator/behaviour").body(behaviour.to_string());
    assert_eq!(request.response().await.status, 200);
}

async fn ledger(provider: &Client) -> Value {
    provider.get("/_simulator/ledger").response().await.json()
}

#[tokio::test]
async fn a_provider_that_admits_ten_requests_a_second_confirms_a_hundred_orders() {
    needs!(OwnStack, Tables);
    let shop = Shop::start_with(Options::unhurried()).await;
    let provider = Client::new(shop.ready["payment_provider"].as_str().unwrap());
    behave(&provider, json!({"latency_ms": "0..20", "rate_limit": 10})).await;
    let place = |number: usize| {
        let (shop, product) = (&shop, PRODUCTS[number % PRODUCTS.len()]);
        async move { shop.place(&[(product, 1)], "tok_visa").await }
    };
    let orders: Vec<_> = stream::iter(0..ORDERS).map(place).buffer_unordered(20).collect().await;
    for id in &orders {
        assert_eq!(shop.ended_within(id, PAID_WITHIN).await["status"], "CONFIRMED", "{id}");
    }
    let ledger = ledger(&provider).await;
    let count = |name: &str| ledger["requests"][name].as_u64().unwrap();
    assert!(count("rate_limited") > 0, "the limit was never met: this proves nothing");
    // Some 265; without pace and Retry-After, 630.
    assert!(count("total") < 450, "{}", ledger["requests"]);
    println!("{}", ledger["requests"]);
    shop.settle().await;
}

#[tokio::test]
async fn tokens_of_mixed_case_and_payment_methods_are_charged() {
    needs!(OwnStack, Tables);
    let shop = Shop::start().await;
    for (payment_method, status) in [
        ("tok_bypassPending", "CONFIRMED"),
        ("pm_card_visa", "CONFIRMED"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "PAYMENT_FAILED"),
        ("tok_1N3T00LkdIwHu7ixt44h1F8k", "PAYMENT_FAILED"),
    ] {
        let id = shop.place(&[("stoneware-mug", 1)], payment_method).await;
        assert_eq!(shop.ended(&id).await["status"], status, "{payment_method}");
    }
    shop.settle().await;
}

#[tokio::test]
async fn a_failure_that_the_provider_keeps_under_its_key_is_no_verdict() {
    needs!(OwnStack, Tables);
    let shop = Shop::start().await;
    let provider = Client::new(shop.ready["payment_provider"].as_str().unwrap());
    behave(&provider, json!({"latency_ms": "0", "failure_rate": 1.0})).await;
    let id = shop.place(&[("stoneware-mug", 1)], "tok_visa").await;
    eventually(PAID_WITHIN, || async {
        let failed = ledger(&provider).await["requests"]["failed"].as_u64().unwrap();
        if failed > 0 { Ok(()) } else { Err("nothing has failed") }
    })
    .await;
    // From now on, the key brings the first response back.
    behave(&provider, json!({"latency_ms": "0"})).await;
    assert_eq!(shop.ended(&id).await["status"], "CONFIRMED");
    shop.settle().await;
}

/// SSM's `GetParameter` of one parameter, whose value the test changes.
async fn parameter_store(value: Arc<Mutex<&'static str>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = Vec::new();
            while !request.ends_with(b"}") && stream.read_buf(&mut request).await.unwrap_or(0) > 0 {}
            let body = json!({"Parameter": {"Name": "/k", "Value": *value.lock().await}}).to_string();
            let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}", body.len());
            // A client that has left gets none.
            let _ = stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).await;
        }
    });
    url
}

#[tokio::test]
async fn after_a_rotation_warm_environments_go_on_with_the_new_key() {
    needs!(OwnStack);
    let keys = |keys: &[&str]| json!({"latency_ms": "0", "api_keys": keys});
    let simulator = Simulator::start(0, Behaviour::default(), None).await.unwrap();
    let provider = Client::new(&simulator.url);
    behave(&provider, keys(&["sk_test_first"])).await;
    let stored = Arc::new(Mutex::new("sk_test_first"));
    let parameters = vec![
        ("PaymentProvider", "stripe".to_owned()),
        ("PaymentProviderUrl", simulator.url.clone()),
        ("AwsEndpointUrl", parameter_store(Arc::clone(&stored)).await),
    ];
    let flags = vec!["--log-format".to_owned(), "json".to_owned()];
    let shop = Shop::start_with(Options { parameters, flags, ..Options::default() }).await;
    let place = || shop.place(&[("stoneware-mug", 1)], "tok_visa");
    assert_eq!(shop.ended(&place().await).await["status"], "CONFIRMED");

    // Rolled in the right order: the old key is accepted until the new one is stored.
    *stored.lock().await = "sk_test_second";
    behave(&provider, keys(&["sk_test_second"])).await;
    assert_eq!(shop.ended(&place().await).await["status"], "CONFIRMED");

    // Revoked first: the order waits.
    behave(&provider, keys(&["sk_test_third"])).await;
    let before = ledger(&provider).await["requests"]["total"].as_u64().unwrap();
    let id = place().await;
    eventually(PAID_WITHIN, || async {
        let total = ledger(&provider).await["requests"]["total"].as_u64().unwrap();
        if total > before { Ok(()) } else { Err("the provider was not asked") }
    })
    .await;
    assert_eq!(shop.get_order(&id).await["status"], "PENDING");
    *stored.lock().await = "sk_test_third";
    assert_eq!(shop.ended(&id).await["status"], "CONFIRMED");
    assert!(!shop.log().contains("sk_test_"), "a key is in the log");
}
