//! The text that is shown when the stack is ready.

use std::collections::BTreeMap;

use local_lambda::{Stack, ready::OtherServers};

/// The routes of the shop that the requests to start with need.
pub(crate) const PLACE_ORDER: &str = "POST /orders";
const LIST_PRODUCTS: &str = "GET /products";

/// The addresses, what invokes each function, the tables and queues, and requests to start with.
pub(crate) fn text(stack: &Stack, others: &OtherServers) -> String {
    let has = |route: &str| stack.triggers.iter().any(|trigger| trigger.source == route);
    let is_shop = has(PLACE_ORDER) && has(LIST_PRODUCTS);
    let mut text =
        if is_shop { "\n  The shop is open.\n\n" } else { "\n  The stack is ready.\n\n" }.to_owned();
    text.push_str(&servers(stack, others));
    text.push('\n');
    text.push_str(&resources(stack));
    text.push_str("\n  Try next, in another terminal:\n\n");
    text.push_str(&if is_shop { orders(&stack.addresses.http) } else { requests(stack) });
    text.push_str("\n  Ctrl-C stops everything.\n");
    text
}

fn servers(stack: &Stack, others: &OtherServers) -> String {
    let addresses = &stack.addresses;
    let mut text = format!(
        "  HTTP API    {}\n  Invoke API  {}\n  Control     {}/_local/functions\n  DynamoDB    {}\n  SQS         {}\n",
        addresses.http, addresses.invoke, addresses.control, addresses.dynamodb, addresses.sqs
    );
    for (name, address) in others {
        text.push_str(&format!("  {:<11} {address}\n", name.replace('_', " ")));
    }
    text
}

/// The functions, each with what invokes it, and the names of the tables and queues.
fn resources(stack: &Stack) -> String {
    let mut text = String::new();
    for trigger in &stack.triggers {
        text.push_str(&format!("  {:<32} {}\n", trigger.source, trigger.function));
    }
    let ids = &stack.resource_ids;
    for name in ids.functions.values() {
        if !stack.triggers.iter().any(|trigger| trigger.function == *name) {
            text.push_str(&format!("  {:<32} {name}\n", "Invoke API only"));
        }
    }
    let names = |names: &BTreeMap<String, String>| names.values().cloned().collect::<Vec<_>>().join(", ");
    for (kind, names) in [("tables", names(&ids.tables)), ("queues", names(&ids.queue_names))] {
        if !names.is_empty() {
            text.push_str(&format!("  {kind:<32} {names}\n"));
        }
    }
    text
}

/// The shop's first requests.
fn orders(http: &str) -> String {
    let order = r#"{"items":[{"product_id":"PRODUCT_ID","quantity":2}],"payment_method":"tok_visa","customer":{"email":"a@example.com"}}"#;
    format!(
        "    curl -s '{http}/products?limit=3'\n    curl -si {http}/orders \
         -H 'content-type: application/json' -H \"idempotency-key: $(uuidgen)\" \\\n      -d '{order}'\n    curl -s \
         {http}/orders/ORDER_ID\n\n  With tok_declined the payment fails and the stock is released.\n"
    )
}

/// A request to a route that needs no more than its path, and an invocation.
fn requests(stack: &Stack) -> String {
    let addresses = &stack.addresses;
    let mut text = String::new();
    let path = stack.triggers.iter().find_map(|trigger| trigger.source.strip_prefix("GET "));
    if let Some(path) = path.filter(|path| !path.contains('{')) {
        text.push_str(&format!("    curl -i {}{path}\n", addresses.http));
    }
    if let Some(function) = stack.resource_ids.functions.values().next() {
        let url = format!("{}/2015-03-31/functions/{function}/invocations", addresses.invoke);
        text.push_str(&format!("    curl -d '{{}}' {url}\n"));
    }
    text
}
