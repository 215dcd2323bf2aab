//! A function of a foreign template, with nothing but the standard library: it answers requests with the name in their path,
//! and puts an item into `TABLE` for each message of a queue.

use std::{
    env,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
};

struct Response {
    head: String,
    body: String,
}

/// Sends one request on a connection of its own.
fn send(host: &str, request: &str, headers: &str, body: &str) -> std::io::Result<Response> {
    let mut stream = TcpStream::connect(host)?;
    let length = body.len();
    write!(stream, "{request} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n{body}")?;
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while reader.read_line(&mut head)? > 2 {}
    let length = header(&head, "content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Response { head, body: String::from_utf8_lossy(&body).into_owned() })
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

/// The text of the first member of this name.
fn member<'a>(json: &'a str, name: &str) -> Option<&'a str> {
    let after = json.split_once(&format!("\"{name}\":\""))?.1;
    after.split_once('"').map(|(text, _)| text)
}

fn put(id: &str) -> std::io::Result<()> {
    let variable = |name: &str| env::var(name).unwrap_or_default();
    let host = variable("AWS_ENDPOINT_URL_DYNAMODB").replace("http://", "");
    let key = variable("AWS_ACCESS_KEY_ID");
    let headers = format!(
        "content-type: application/x-amz-json-1.0\r\nx-amz-target: DynamoDB_20120810.PutItem\r\nx-amz-date: 20261128T000000Z\r\nauthorization: \
         AWS4-HMAC-SHA256 Credential={key}/20261128/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0\r\n"
    );
    let body = format!(r#"{{"TableName":"{}","Item":{{"id":{{"S":"{id}"}}}}}}"#, variable("TABLE"));
    let response = send(&host, "POST /", &headers, &body)?;
    if response.head.starts_with("HTTP/1.1 200") {
        return Ok(());
    }
    Err(std::io::Error::other(response.head + &response.body))
}

fn main() -> std::io::Result<()> {
    let api = env::var("AWS_LAMBDA_RUNTIME_API").unwrap_or_default();
    loop {
        let next = send(&api, "GET /2018-06-01/runtime/invocation/next", "", "")?;
        let answer = if next.body.contains("\"Records\"") {
            put(member(&next.body, "body").unwrap_or_default())?;
            "{}".to_owned()
        } else {
            let name = member(&next.body, "name").unwrap_or("nobody");
            let handler = env::var("_HANDLER").unwrap_or_default();
            format!(r#"{{"statusCode":200,"body":"{handler} greets {name}, {}"}}"#, env::var("TOPIC").unwrap_or_default())
        };
        let id = header(&next.head, "lambda-runtime-aws-request-id").unwrap_or_default();
        send(&api, &format!("POST /2018-06-01/runtime/invocation/{id}/response"), "", &answer)?;
    }
}
