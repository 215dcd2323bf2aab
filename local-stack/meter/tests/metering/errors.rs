use std::time::Duration;

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use meter::{MeteringGap, Proxy, ProxyError, Service, Tables, Upstream};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    fixtures::{CALLER, Dynamo, Metered, TABLE, dynamodb, tables},
    items::{of_size, text},
};

/// The status, code and message of the SDK's error for a read.
async fn failed_read(metered: &Metered) -> (u16, String, String) {
    let client = dynamodb(&metered.proxy.endpoint(), CALLER);
    let error = client.get_item().table_name(TABLE).key("id", text("1")).send().await.unwrap_err();
    let status = error.raw_response().unwrap().status().as_u16();
    (status, error.code().unwrap_or_default().to_owned(), error.message().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn an_unreachable_upstream_is_a_502_in_the_form_of_aws() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let target = Upstream::new(format!("http://{free}"));
    let metered = Metered::before(Service::DynamoDb, target, tables()).await;
    let (status, code, message) = failed_read(&metered).await;
    assert_eq!((status, code.as_str()), (502, "InternalServerError"));
    assert!(message.contains(&free.to_string()) && message.contains("refused"), "{message}");
    let call = metered.call().await;
    assert_eq!((call.status, call.error_type.as_deref()), (502, Some("InternalServerError")));
    assert_eq!(call.units, meter::rules::RequestUnits::default());
}

#[tokio::test]
async fn an_upstream_that_does_not_respond_times_out() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let target = Upstream { endpoint, timeout: Duration::from_millis(50) };
    let metered = Metered::before(Service::DynamoDb, target, tables()).await;
    let (status, _, message) = failed_read(&metered).await;
    assert_eq!(status, 502);
    assert!(message.contains("has not responded within 50ms"), "{message}");
}

#[tokio::test]
async fn a_request_beyond_16_mib_is_rejected() {
    let dynamo = Dynamo::start().await;
    let put = dynamo.client.put_item().table_name(TABLE).set_item(Some(of_size("1", 17 << 20)));
    let error = put.send().await.unwrap_err();
    assert_eq!(error.raw_response().map(|answer| answer.status().as_u16()), Some(413), "{error:?}");
    dynamo.stop().await;
}

#[tokio::test]
async fn a_call_that_cannot_be_metered_reports_its_gap() {
    let dynamo = Dynamo::start().await;
    let blind = Metered::before(Service::DynamoDb, Upstream::new(dynamo.endpoint()), Tables::default()).await;
    let client = dynamodb(&blind.proxy.endpoint(), CALLER);
    client.put_item().table_name(TABLE).set_item(Some(of_size("1", 1500))).send().await.unwrap();
    let call = blind.call().await;
    assert_eq!((call.gap, call.units.write_units), (Some(MeteringGap::UnknownTable), 2));
    client.execute_statement().statement(format!("SELECT * FROM {TABLE}")).send().await.unwrap();
    assert_eq!(blind.call().await.gap, Some(MeteringGap::PartiQl));
    dynamo.stop().await;
}

#[tokio::test]
async fn a_proxy_needs_a_port_and_an_endpoint() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port();
    let start = |port, endpoint| {
        Proxy::start(
            port,
            Service::Sqs,
            Upstream::new(endpoint),
            Tables::default(),
            |_| {},
            None,
            CancellationToken::new(),
        )
    };
    let error = start(port, "http://127.0.0.1:1").await.unwrap_err();
    assert!(matches!(error, ProxyError::Port { port: refused, .. } if refused == port), "{error}");
    for endpoint in ["127.0.0.1:8000", "https://127.0.0.1:8000", "http://127.0.0.1:8000/path", ""] {
        let error = start(0, endpoint).await.unwrap_err();
        assert!(matches!(error, ProxyError::Endpoint(_)), "{endpoint}: {error}");
    }
}

#[tokio::test]
async fn a_proxy_stops_with_its_token() {
    let stop = CancellationToken::new();
    let target = Upstream::new("http://127.0.0.1:1");
    let proxy =
        Proxy::start(0, Service::Sqs, target, Tables::default(), |_| {}, None, stop.clone()).await.unwrap();
    let port: u16 = proxy.endpoint().rsplit(':').next().unwrap().parse().unwrap();
    stop.cancel();
    let freed = async {
        while TcpListener::bind(("127.0.0.1", port)).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), freed).await.expect("the port is still taken");
    proxy.flush().await;
}
