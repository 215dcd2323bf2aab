//! Requests from clients: what is read is valid and can be stored, what is refused is the client's fault.

use base64::{Engine, engine::general_purpose::STANDARD};
use catalog::ProductId;
use catalog::{Category, ListRequest};
use domain_primitives::Problem;
use lambda_http::{Body, http, request::from_reader};
use lambda_kit::{
    http::{MAX_BODY, Request},
    page::{decode_cursor, encode_cursor},
};
use orders::{OrderId, OrderIdSecret, OrderLimits, OrderRequest};
use serde_json::{Value, json};

/// Where the API is.
const DOMAIN: &str = "shop.execute-api.us-east-1.amazonaws.com";
/// The longest sort key that DynamoDB takes, in bytes.
const LONGEST_SORT_KEY: usize = 1024;

/// An event of API Gateway, read by every function that answers HTTP.
pub(crate) fn event(bytes: &[u8]) {
    let Some(event) = as_the_gateway_sends(bytes) else { return };
    // What lambda_http cannot read never reaches our code.
    let Ok(request) = from_reader(event.as_bytes()) else { return };
    let request = Request::new(request);
    match ListRequest::read(&request) {
        Ok(list) => listed(&list),
        Err(problem) => refused(&problem, &[400]),
    }
    let id = request.path_parameter("id").unwrap_or_default();
    if let Ok(order_id) = id.parse::<OrderId>() {
        assert_eq!(order_id.to_string(), id, "an order has one name");
    }
    if let Ok(product_id) = id.parse::<ProductId>() {
        assert_eq!(product_id.as_str(), id, "a product has one name");
    }
    if let Err(problem) = request.header("if-none-match") {
        refused(&problem, &[400]);
    }
    order(&request);
}

/// The event with what the gateway vouches for, on which `lambda_http` relies: the host is its own, the scheme too, path and
/// query have passed as a URI, a body that it calls base64 is that.
fn as_the_gateway_sends(bytes: &[u8]) -> Option<String> {
    let mut event: Value = serde_json::from_slice(bytes).ok()?;
    let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default();
    let (path, query) = (text("rawPath"), text("rawQueryString"));
    if !path.starts_with('/') || format!("{path}?{query}").parse::<http::Uri>().is_err() {
        return None;
    }
    let encoded = event.get("isBase64Encoded").and_then(Value::as_bool).unwrap_or_default();
    if encoded && STANDARD.decode(text("body")).is_err() {
        return None;
    }
    let context = event.get_mut("requestContext")?.as_object_mut()?;
    context.insert("domainName".to_owned(), DOMAIN.into());
    context.insert("stage".to_owned(), "$default".into());
    if let Some(headers) = event.get_mut("headers").and_then(Value::as_object_mut) {
        let vouched = ["host", "x-forwarded-proto"];
        headers.retain(|name, _| !vouched.contains(&name.to_ascii_lowercase().as_str()));
    }
    Some(event.to_string())
}

/// The body of `POST /orders`, after a line with the Idempotency-Key.
pub(crate) fn order_body(bytes: &[u8]) {
    let Some((key, body)) = super::lines(bytes) else { return };
    let request = Request::new(post(key, body.to_vec()));
    if read_order(&request).is_ok() {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let lines = body["items"].as_array().map(Vec::as_slice).unwrap_or_default();
        assert!(!lines.is_empty() && lines.iter().all(Value::is_object), "an order without lines: {body}");
        assert!(body["customer"].is_object(), "an order without a customer: {body}");
    }
    order(&request);
}

fn post(key: &[u8], body: Vec<u8>) -> lambda_http::Request {
    let mut request = http::Request::new(Body::Binary(body));
    request.headers_mut().insert("content-type", http::HeaderValue::from_static("application/json"));
    if let Ok(key) = http::HeaderValue::from_bytes(key) {
        request.headers_mut().insert("idempotency-key", key);
    }
    request
}

const LIMITS: OrderLimits = OrderLimits { pieces_per_line: 20, pieces_per_order: 100, value: 1_000_000 };

fn read_order(request: &Request) -> Result<OrderRequest, Problem> {
    OrderRequest::read(request, &OrderIdSecret::new("any"), &LIMITS)
}

fn order(request: &Request) {
    let order = match read_order(request) {
        Ok(order) => order,
        Err(problem) => return refused(&problem, &[400, 413, 415]),
    };
    assert!((1..=50).contains(&order.items.len()));
    assert!(order.items.iter().all(|item| (1..=LIMITS.pieces_per_line).contains(&item.quantity.get())));
    let pieces: u32 = order.items.iter().map(|item| item.quantity.get()).sum();
    assert!(pieces <= LIMITS.pieces_per_order);
    let ids: std::collections::BTreeSet<_> = order.items.iter().map(|item| &item.product_id).collect();
    assert_eq!(ids.len(), order.items.len(), "one item for each product");

    // The same item, written anew and in another order, is the same order.
    let items = order.items.iter().rev();
    let items: Vec<_> =
        items.map(|item| json!({"product_id": item.product_id, "quantity": item.quantity.get()})).collect();
    let body =
        json!({"items": items, "payment_method": order.payment_method, "customer": {"email": order.email}});
    let Ok(key) = request.header("idempotency-key") else { panic!("an order was read from a bad key") };
    let key = key.unwrap_or_default();
    assert_eq!(order.keyed, !key.is_empty());
    let request = Request::new(post(key.as_bytes(), body.to_string().into_bytes()));
    // Without a key, an empty header would be one.
    if order.keyed {
        let Ok(again) = read_order(&request) else { panic!("{body} is not read again") };
        assert_eq!(again.order_id, order.order_id);
        assert_eq!(again.request_hash, order.request_hash);
        assert!(
            again
                .items
                .iter()
                .rev()
                .map(|item| (&item.product_id, item.quantity))
                .eq(order.items.iter().map(|item| (&item.product_id, item.quantity)))
        );
    }
}

/// A cursor as the client sends it, for the whole list and for a category.
pub(crate) fn cursor(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let kitchen = Category::try_from("kitchen".to_owned()).ok();
    let mut read = 0;
    for category in [None, kitchen] {
        let query: String = match &category {
            Some(category) => format!("category={}&cursor={}", category.as_str(), encoded(text)),
            None => format!("cursor={}", encoded(text)),
        };
        let event = json!({"version": "2.0", "routeKey": "GET /products", "rawPath": "/products",
            "rawQueryString": query, "headers": {}, "isBase64Encoded": false,
            "requestContext": {"http": {"method": "GET", "path": "/products"}, "timeEpoch": 0}});
        let Ok(request) = from_reader(event.to_string().as_bytes()) else { panic!("no request: {event}") };
        match ListRequest::read(&Request::new(request)) {
            Ok(list) => {
                read += 1;
                listed(&list);
            }
            Err(problem) => {
                refused(&problem, &[400]);
                assert_eq!(problem.slug(), "invalid-cursor");
            }
        }
    }
    assert!(read < 2, "a cursor belongs to one list");
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

/// A position that is read can be asked DynamoDB for, and comes back from its own cursor.
fn listed(list: &ListRequest) {
    assert!((1..=100).contains(&list.limit.get()));
    let Some(position) = &list.after else { return };
    let (sort_name, product_id): (String, ProductId) = position.clone().into();
    assert!((1..=LONGEST_SORT_KEY).contains(&sort_name.len()), "DynamoDB refuses the key {sort_name:?}");
    assert!(sort_name.ends_with(&format!("#{product_id}")), "no product is at {position:?}");
    let cursor = encode_cursor(&list.category, position);
    assert_eq!(decode_cursor(&cursor, &list.category).ok().as_ref(), Some(position));
}

fn refused(problem: &Problem, statuses: &[u16]) {
    assert!(statuses.contains(&problem.status()), "{problem:?}");
    assert!(problem.cause().is_none() && problem.retry_after().is_none(), "the client's fault: {problem:?}");
    let body = problem.body("request-1");
    assert_eq!(body["status"], problem.status());
    assert!(body["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{body}");
    if problem.slug() == "invalid-request" {
        assert!(body["errors"].as_array().is_some_and(|errors| !errors.is_empty()), "{body}");
    }
    // An answer is about what was sent, and not much longer.
    assert!(body.to_string().len() < 8 * MAX_BODY, "{} bytes", body.to_string().len());
}
