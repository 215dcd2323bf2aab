//! The responses of injected faults, as the services would send them.

use bytes::Bytes;
use http::StatusCode;
use meter::{InterceptedCall, RequestAction, Service};
use serde_json::{Value, json};

/// An error of a service. Names that start with `Internal` have status 500.
pub(super) fn error(service: Service, name: &str) -> RequestAction {
    let namespace = match service {
        Service::DynamoDb => "com.amazonaws.dynamodb.v20120810",
        Service::Sqs => "com.amazonaws.sqs",
        Service::Web => return web_error(name),
    };
    let status = if name.starts_with("Internal") {
        StatusCode::INTERNAL_SERVER_ERROR
    } else {
        StatusCode::BAD_REQUEST
    };
    let body = json!({"__type": format!("{namespace}#{name}"), "message": "a fault that was asked for"});
    respond(status, &body)
}

/// An error of a web service, with the HTTP status for its name.
fn web_error(name: &str) -> RequestAction {
    let status = match name {
        name if name.starts_with("Internal") => StatusCode::INTERNAL_SERVER_ERROR,
        name if name.starts_with("Throttling") => StatusCode::TOO_MANY_REQUESTS,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    respond(status, &json!({"error": {"type": name, "message": "a fault that was asked for"}}))
}

/// A cancelled transaction: `items` says which of its items are in another transaction.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html>
pub(super) fn conflict(items: &[bool]) -> RequestAction {
    let code = |conflict: &bool| if *conflict { "TransactionConflict" } else { "None" };
    let codes: Vec<_> = items.iter().map(code).collect();
    let reasons: Vec<_> = codes
        .iter()
        .map(|code| match *code {
            "None" => json!({"Code": "None"}),
            code => json!({"Code": code, "Message": "Transaction is ongoing for the item"}),
        })
        .collect();
    let message = format!(
        "Transaction cancelled, please refer cancellation reasons for specific reasons [{}]",
        codes.join(", ")
    );
    let body = json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": message,
        "CancellationReasons": reasons,
    });
    respond(StatusCode::BAD_REQUEST, &body)
}

/// The response of a successful delete.
pub(super) fn deleted(call: &InterceptedCall) -> RequestAction {
    let request: Value = serde_json::from_slice(&call.body).unwrap_or_default();
    let body = match request["Entries"].as_array() {
        Some(entries) => {
            let ids: Vec<_> = entries.iter().map(|entry| json!({"Id": entry["Id"]})).collect();
            json!({"Successful": ids, "Failed": []})
        }
        None => json!({}),
    };
    respond(StatusCode::OK, &body)
}

/// The same messages, each with a delay in seconds.
pub(super) fn postponed(call: &InterceptedCall, mut seconds: impl FnMut() -> u32) -> RequestAction {
    let Ok(mut request) = serde_json::from_slice::<Value>(&call.body) else { return RequestAction::Forward };
    match request["Entries"].as_array_mut() {
        Some(entries) => {
            for entry in entries {
                entry["DelaySeconds"] = json!(seconds());
            }
        }
        None => request["DelaySeconds"] = json!(seconds()),
    }
    RequestAction::ReplaceBody(request.to_string().into())
}

fn respond(status: StatusCode, body: &Value) -> RequestAction {
    RequestAction::Respond { status, body: Bytes::from(body.to_string()) }
}
