//! Every answer that `docs/openapi.yaml` documents can be had, and is as it says.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, Ordering},
};

use e2e::{
    NO_ORDER, Openapi, Options, Request, Shop,
    fixtures::{fixtures, one_by_one},
    needs, routes, unique_key,
};
use sam_template::HttpRoute;
use serde_json::{Value, json};

/// The operations that the template routes to functions, each with its function.
fn operations(openapi: &Openapi) -> Vec<(String, String)> {
    let operation = |route: HttpRoute| openapi.operation(&route.method, &route.path).to_owned();
    routes().into_iter().map(|(function, route)| (operation(route), function)).collect()
}

/// A request that the function answers with success, unless it fails: the first such event of events/.
fn request(shop: &Shop, function: &str) -> Request {
    let fixtures = fixtures();
    let fixture = fixtures.iter().find(|one| one.function == function && one.is_successful_request());
    let request = fixture.and_then(|fixture| fixture.request(&shop.http));
    request.unwrap_or_else(|| panic!("events/{function}/ has no request that succeeds"))
}

/// What was answered, each kind held to the description.
#[derive(Debug)]
struct Seen {
    openapi: Openapi,
    kinds: BTreeSet<String>,
}

impl Seen {
    /// Sends the request, and expects this kind of answer.
    async fn response(&mut self, operation: &str, request: Request, status: u16, kind: &str) -> Value {
        let response = if status == 503 { request.first_response().await } else { request.response().await };
        assert_eq!(response.status, status, "{operation}: {response:?}");
        let documented = self.openapi.check(operation, &response);
        assert_eq!(documented.kind, kind, "{operation}: {response:?}");
        self.kinds.insert(documented.to_string());
        if response.body.is_empty() { Value::Null } else { response.json() }
    }
}

#[tokio::test]
async fn every_documented_answer_is_given_and_is_as_documented() {
    needs!(OwnStack);
    let mut seen = Seen { openapi: Openapi::read(), kinds: BTreeSet::new() };
    let operations = operations(&seen.openapi);
    let shop = Shop::start().await;
    events(&shop, &mut seen, &operations).await;
    successes_and_refusals(&shop, &mut seen).await;
    price_changes(&shop, &mut seen).await;
    for (operation, function) in &operations {
        failures(&shop, &mut seen, operation, function).await;
    }
    shop.settle().await;
    gateway_refusals(&mut seen, &operations).await;

    let documented: BTreeSet<_> = seen.openapi.documented().iter().map(ToString::to_string).collect();
    let never: Vec<_> = documented.difference(&seen.kinds).collect();
    assert!(never.is_empty(), "documented, and never given: {never:#?}");
}

/// The requests of events/ get the documented responses, and those that the events expect.
async fn events(shop: &Shop, seen: &mut Seen, operations: &[(String, String)]) {
    one_by_one(shop, async |fixture| {
        let Some(request) = fixture.request(&shop.http) else { return };
        let (operation, _) = operations.iter().find(|(_, function)| *function == fixture.function).unwrap();
        let response = request.response().await;
        fixture.check_response(&response).unwrap_or_else(|error| panic!("{}: {error}", fixture.name));
        seen.kinds.insert(seen.openapi.check(operation, &response).to_string());
    })
    .await;
}

async fn successes_and_refusals(shop: &Shop, seen: &mut Seen) {
    let get = |path: &str| shop.http.get(path);
    let page = seen.response("listProducts", get("/products?limit=2"), 200, "").await;
    assert_eq!(page["items"].as_array().unwrap().len(), 2);
    seen.response("listProducts", get("/products?limit=0"), 400, "invalid-request").await;
    seen.response("listProducts", get("/products?cursor=x"), 400, "invalid-cursor").await;
    let unreadable = get("/products").header("x-name", "sch\u{fc}ssel");
    seen.response("listProducts", unreadable, 400, "gateway").await;

    seen.response("getProduct", get("/products/stoneware-mug"), 200, "").await;
    seen.response("getProduct", get("/products/stoneware-mug").header("if-none-match", "*"), 304, "").await;
    let other = get("/products/stoneware-mug").header("if-match", "\"other\"");
    seen.response("getProduct", other, 412, "precondition-failed").await;
    seen.response("getProduct", get("/products/no-such"), 404, "product-not-found").await;

    let mug = [("stoneware-mug", 1)];
    let key = unique_key();
    let order = || shop.order(&mug, "tok_declined").header("idempotency-key", &key);
    let made = seen.response("createOrder", order(), 201, "").await;
    seen.response("createOrder", order(), 200, "").await;
    let other = shop.order(&mug, "tok_visa").header("idempotency-key", &key);
    seen.response("createOrder", other, 422, "idempotency-key-reused").await;
    seen.response("createOrder", shop.keyed_order(&mug, "cash"), 400, "invalid-request").await;
    let unreadable = shop.order(&mug, "tok_visa").header("idempotency-key", "sch\u{fc}ssel");
    seen.response("createOrder", unreadable, 400, "gateway").await;
    let unknown = shop.keyed_order(&[("no-such", 1)], "tok_visa");
    seen.response("createOrder", unknown, 404, "product-not-found").await;
    let all = shop.keyed_order(&[("ramen-bowl", 20)], "tok_visa");
    seen.response("createOrder", all, 409, "out-of-stock").await;
    let large = |bytes: usize| shop.keyed_order(&mug, "tok_visa").body(vec![b'x'; bytes]);
    seen.response("createOrder", large(64 * 1024 + 1), 413, "payload-too-large").await;
    seen.response("createOrder", large(7 * 1024 * 1024), 413, "gateway").await;
    let text = shop.http.request("POST", "/orders").header("content-type", "text/plain").body("{}");
    seen.response("createOrder", text, 415, "unsupported-media-type").await;

    let id = made["order_id"].as_str().unwrap();
    shop.ended(id).await;
    seen.response("getOrder", get(&format!("/orders/{id}")), 200, "").await;
    seen.response("getOrder", get("/orders/no-such"), 404, "order-not-found").await;
    seen.response("cancelOrder", shop.cancel(id), 409, "order-not-cancellable").await;
    seen.response("cancelOrder", shop.cancel(NO_ORDER), 404, "order-not-found").await;
    let paid = shop.place(&mug, "tok_visa").await;
    seen.response("cancelOrder", shop.cancel(&paid), 200, "").await;
    seen.response("getHealth", get("/health"), 200, "").await;
}

/// A price that changes all the time, while the order's transactions are slow.
async fn price_changes(shop: &Shop, seen: &mut Seen) {
    let rule =
        json!({"fault": {"delay": {"ms": 300}}, "caller": "create-order", "operation": "TransactWriteItems"});
    shop.set_faults(&json!({"rules": [rule]})).await;
    let over = AtomicBool::new(false);
    let change = async {
        while !over.load(Ordering::SeqCst) {
            shop.raise_price("record-brush", 1).await;
        }
    };
    let order = async {
        let order = shop.keyed_order(&[("record-brush", 1)], "tok_visa");
        seen.response("createOrder", order, 409, "price-changed").await;
        over.store(true, Ordering::SeqCst);
    };
    tokio::join!(change, order);
    shop.clear_faults().await;
}

/// What each function, and the gateway in its place, responds when a dependency fails.
async fn failures(shop: &Shop, seen: &mut Seen, operation: &str, function: &str) {
    let fault = |fault: Value| json!({"rules": [{"fault": fault, "caller": function}]});
    shop.set_faults(&fault(json!({"error": {"name": "InternalServerError"}}))).await;
    seen.response(operation, request(shop, function), 503, "service-unavailable").await;
    // To GET /health, whatever is wrong with a dependency is that dependency's state.
    if operation != "getHealth" {
        shop.set_faults(&fault(json!({"error": {"name": "ValidationException"}}))).await;
        seen.response(operation, request(shop, function), 500, "internal-error").await;
    }
    shop.set_faults(&fault(json!("kill-response"))).await;
    seen.response(operation, request(shop, function), 500, "gateway").await;
    shop.clear_faults().await;
}

/// What the gateway answers where the account has no concurrency, and where requests come too fast.
async fn gateway_refusals(seen: &mut Seen, operations: &[(String, String)]) {
    let flags = vec!["--account-concurrency".to_owned(), "0".to_owned()];
    let busy = Shop::start_with(Options { flags, ..Options::default() }).await;
    for (operation, function) in operations {
        seen.response(operation, request(&busy, function), 503, "gateway").await;
    }
    drop(busy);
    let none = |name| (name, "0".to_owned());
    let parameters = [
        "ThrottlingRateLimit",
        "ThrottlingBurstLimit",
        "ListRateLimit",
        "ListBurstLimit",
        "OrderRateLimit",
        "OrderBurstLimit",
        "CancelRateLimit",
        "CancelBurstLimit",
    ];
    let parameters = parameters.into_iter().map(none).collect();
    let throttled = Shop::start_with(Options { parameters, ..Options::default() }).await;
    for (operation, function) in operations {
        seen.response(operation, request(&throttled, function), 429, "gateway").await;
    }
}
