//! The text that is shown when the shop is ready.

use local_lambda::{Stack, ready::OtherServers};

/// The addresses, what invokes each function, and requests to start with.
pub(crate) fn text(stack: &Stack, others: &OtherServers) -> String {
    let addresses = &stack.addresses;
    let mut text = format!(
        "\n  The shop is open.\n\n  HTTP API    {}\n  Invoke API  {}\n  Control     {}/_local/functions\n  DynamoDB    {}\n  SQS         {}\n",
        addresses.http, addresses.invoke, addresses.control, addresses.dynamodb, addresses.sqs
    );
    for (name, address) in others {
        text.push_str(&format!("  {:<11} {address}\n", name.replace('_', " ")));
    }
    text.push('\n');
    for trigger in &stack.triggers {
        text.push_str(&format!("  {:<32} {}\n", trigger.source, trigger.function));
    }
    let order = r#"{"items":[{"product_id":"PRODUCT_ID","quantity":2}],"payment_method":"tok_visa","customer":{"email":"a@example.com"}}"#;
    text.push_str(&format!(
        "\n  Try next, in another terminal:\n\n    curl -s '{http}/products?limit=3'\n    curl -si {http}/orders \
         -H 'content-type: application/json' -H \"idempotency-key: $(uuidgen)\" \\\n      -d '{order}'\n    curl -s \
         {http}/orders/ORDER_ID\n\n  With tok_declined the payment fails and the stock is released. Ctrl-C stops everything.\n",
        http = addresses.http
    ));
    text
}
