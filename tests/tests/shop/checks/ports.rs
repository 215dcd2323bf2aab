//! The stack's ports, as a web page sees them that is open in a browser on the same machine.

use e2e::{Shop, listening_ports, needs};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// The response to a request, empty if there is none.
async fn ask(port: u16, request: &str, headers: &[&str]) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let headers = headers.join("\r\n");
    let request = format!("{request} HTTP/1.1\r\n{headers}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    response.to_ascii_lowercase()
}

fn port(address: &serde_json::Value) -> u16 {
    address.as_str().unwrap().rsplit(':').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn every_port_but_the_http_apis_refuses_pages_of_other_sites() {
    needs!(OwnStack);
    let shop = Shop::start().await;
    // The Runtime APIs of the functions that an order needs are ports as well.
    let id = shop.place(&[("stoneware-mug", 1)], "tok_visa").await;
    shop.ended(&id).await;

    let ports = listening_ports(shop.process_id());
    for name in ["http", "invoke", "control", "sqs", "payment_provider"] {
        assert!(ports.contains(&port(&shop.ready[name])), "{name} is one of {ports:?}");
    }
    assert!(ports.len() >= 12, "five servers or more, three proxies, and some Runtime APIs: {ports:?}");
    let (here, page) = ("Host: localhost", "Origin: https://shop.example");
    for port in ports.into_iter().filter(|found| *found != port(&shop.ready["http"])) {
        for (request, headers) in [
            ("GET /", &["Host: shop.example"][..]),
            ("POST /", &["Host: shop.example:8000", "Content-Length: 0"]),
            ("GET http://shop.example/", &[here]),
            ("GET /", &[here, page]),
            ("POST /", &[here, page, "Content-Type: text/plain", "Content-Length: 0"]),
            ("OPTIONS /", &[here, page, "Access-Control-Request-Method: PUT"]),
            ("GET /2018-06-01/runtime/invocation/next", &[here, "Sec-Fetch-Site: cross-site"]),
        ] {
            let response = ask(port, request, headers).await;
            assert!(response.starts_with("http/1.1 403 "), "port {port}, {request} {headers:?}: {response}");
            assert!(response.contains("programs on its own machine"), "{response}");
            assert!(!response.contains("access-control-allow"), "port {port}: {response}");
        }
        let headers = [here, "Origin: http://localhost:5173", "Access-Control-Request-Method: PUT"];
        let own = ask(port, "OPTIONS /", &headers).await;
        assert!(own.starts_with("http/1.1 ") && !own.starts_with("http/1.1 403 "), "port {port}: {own}");
        assert!(!own.contains("access-control-allow"), "port {port}: {own}");
    }
    assert_eq!(shop.settle().await.orders.len(), 1, "the stack goes on");
}
