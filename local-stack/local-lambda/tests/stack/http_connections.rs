//! What an HTTP client sees that writes its requests byte by byte:
//! <https://www.rfc-editor.org/rfc/rfc9112>, <https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1>

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    harness::Running,
    http_api::{EVERYTHING, api},
};

/// A request without a body.
fn request(lines: &[&str]) -> String {
    format!("{}\r\n\r\n", lines.join("\r\n"))
}

/// Sends a request, and returns the status and the body of the response.
async fn exchange(stack: &Running, request: &str, after: After) -> (u16, String) {
    let address = stack.stack.addresses.http.strip_prefix("http://").unwrap();
    let mut connection = TcpStream::connect(address).await.unwrap();
    connection.write_all(request.as_bytes()).await.unwrap();
    if after == After::HalfClose {
        connection.shutdown().await.unwrap();
    }
    let mut response = String::new();
    connection.read_to_string(&mut response).await.unwrap();
    let (head, body) = response.split_once("\r\n\r\n").unwrap_or((&response, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
    (status, body.to_owned())
}

/// What the client does when it has sent its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    Read,
    HalfClose,
}

const CLOSE: &str = "Connection: close";

#[tokio::test]
async fn rfc9112_3_2_a_request_has_exactly_one_host() {
    let stack = Running::start(&api("", &[EVERYTHING]), &[]).await;
    let bad = (400, json!({"message": "Bad Request"}).to_string());
    for hosts in [&[][..], &["Host: localhost", "Host: localhost"], &["Host: "], &["Host: a b"]] {
        let lines = [&["GET / HTTP/1.1", CLOSE], hosts].concat();
        assert_eq!(exchange(&stack, &request(&lines), After::Read).await, bad, "{hosts:?}");
    }
    assert!(stack.recorded().is_empty());
    for host in ["Host: my_shop:3100", "Host: localhost", "Host: [::1]:3000", "Host: shop.example"] {
        let (status, body) = exchange(&stack, &request(&["GET / HTTP/1.1", host, CLOSE]), After::Read).await;
        assert_eq!(status, 200, "{host}");
        let event: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(event["headers"]["host"], host["Host: ".len()..]);
    }
    assert_eq!(
        exchange(&stack, &request(&["GET / HTTP/1.0"]), After::Read).await.0,
        200,
        "HTTP/1.0 has no Host"
    );
    stack.stop().await;
}

#[tokio::test]
async fn rfc9112_9_6_a_client_that_closes_its_side_still_gets_its_response() {
    let stack = Running::start(&api("", &[EVERYTHING]), &[]).await;
    let command = json!({"sleep_ms": 300, "answer": "slow"}).to_string();
    let length = format!("Content-Length: {}", command.len());
    let lines =
        ["POST / HTTP/1.1", "Host: localhost", "Content-Type: application/json", &length, "", &command];
    assert_eq!(exchange(&stack, &lines.join("\r\n"), After::HalfClose).await, (200, "slow".to_owned()));
    stack.stop().await;
}

#[tokio::test]
async fn http_api_quotas_bound_the_bytes_of_headers_and_not_their_number() {
    let stack = Running::start(&api("", &[EVERYTHING]), &[]).await;
    let headers = |count: usize, length: usize| -> Vec<String> {
        (0..count).map(|index| format!("x-{index}: {}", "v".repeat(length))).collect()
    };
    for (count, length, expected) in [(101, 1, 200), (1_000, 10, 200), (1_100, 10, 431), (2_500, 5, 431)] {
        let headers = headers(count, length);
        let mut lines = vec!["GET / HTTP/1.1", "Host: localhost", CLOSE];
        lines.extend(headers.iter().map(String::as_str));
        let (status, body) = exchange(&stack, &request(&lines), After::Read).await;
        assert_eq!(status, expected, "{count} headers of {length}: {body}");
        if status == 431 {
            assert_eq!(body, json!({"message": "Request Header Fields Too Large"}).to_string());
        }
    }
    stack.stop().await;
}

#[tokio::test]
async fn rfc9110_7_6_1_headers_that_connection_names_stay_on_the_connection() {
    let stack = Running::start(&api("", &[EVERYTHING]), &[]).await;
    let lines = [
        "GET / HTTP/1.1",
        "Host: localhost",
        "X-Hop: 1",
        "X-End: 2",
        "Connection: X-Hop, close",
        "TE: trailers",
    ];
    let (status, body) = exchange(&stack, &request(&lines), After::Read).await;
    let event: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &event["headers"]["x-end"]), (200, &json!("2")));
    for name in ["x-hop", "connection", "te"] {
        assert_eq!(event["headers"].get(name), None, "{event}");
    }
    stack.stop().await;
}
