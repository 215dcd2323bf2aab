//! What API Gateway answers itself, on every route.

use std::time::Duration;

use e2e::{Shop, needs};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

#[tokio::test]
async fn pages_of_other_origins_may_call() {
    needs!(Gateway);
    let shop = Shop::start().await;
    let preflight = shop
        .http
        .request("OPTIONS", "/orders")
        .header("origin", "https://shop.example")
        .header("access-control-request-method", "POST")
        .response()
        .await;
    assert_eq!((preflight.status, preflight.header("access-control-allow-methods")), (204, "GET,POST"));
    let response =
        shop.http.get("/products?limit=1").header("origin", "https://shop.example").response().await;
    assert_eq!(response.header("access-control-allow-origin"), "*");
    assert!(response.header("access-control-expose-headers").contains("location"));
}

#[tokio::test]
async fn the_gateway_answers_what_no_function_sees() {
    needs!(Gateway);
    let shop = Shop::start().await;
    for (method, path) in [
        ("GET", "/"),
        ("GET", "/nothing"),
        ("DELETE", "/orders"),
        ("POST", "/products"),
        ("GET", "/products/a/b"),
    ] {
        let response = shop.http.request(method, path).response().await;
        assert_eq!(
            (response.status, response.json()),
            (404, json!({"message": "Not Found"})),
            "{method} {path}"
        );
    }
    let bad_utf8 = shop.http.get("/products/%ff%fe").response().await;
    assert_eq!(bad_utf8.status, 400);
    let key = shop.order(&[("stoneware-mug", 1)], "tok_visa").header("idempotency-key", "sch\u{fc}ssel");
    let key = key.response().await;
    assert_eq!(key.status, 400);
    let huge = shop
        .http
        .request("POST", "/orders")
        .header("content-type", "application/json")
        .body(vec![b'x'; 7 * 1024 * 1024]);
    assert_eq!(huge.response().await.status, 413);
}

#[tokio::test]
async fn what_is_not_http_is_refused_and_the_shop_goes_on() {
    needs!(OwnStack);
    let shop = Shop::start().await;
    let address = shop.ready["http"].as_str().unwrap().strip_prefix("http://").unwrap().to_owned();
    for bytes in [
        b"nonsense\r\n\r\n".as_slice(),
        b"GET /health HTTP/1.1\r\nhost: a b\r\nconnection: close\r\n\r\n",
        b"GET /health HTTP/1.1\r\nhost: x:99999\r\nconnection: close\r\n\r\n",
        b"POST /orders HTTP/1.1\r\nhost: x\r\ncontent-length: -5\r\n\r\n",
        b"\x16\x03\x01\x00\xff\x01\x00\x00",
        b"GET /health HTTP/9.9\r\n\r\n",
    ] {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut response = Vec::new();
        let read = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut response)).await;
        assert!(read.is_ok(), "no end for {bytes:?}");
        let text = String::from_utf8_lossy(&response);
        assert!(response.is_empty() || text.starts_with("HTTP/1.1 400"), "{bytes:?}: {text}");
    }
    assert_eq!(shop.http.get("/health").response().await.status, 200);
}
