//! Secrets from SSM Parameter Store.
//!
//! `GetParameter` is one signed POST, so this module sends it by hand: `aws-sdk-ssm` would be the largest crate of the
//! workspace. docs/decisions/0008 explains why it is a parameter, and not an extension or a variable.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningParams, SigningSettings, sign},
    sign::v4,
};
use serde::Deserialize;
use serde_json::json;

use crate::{
    Deadline, Error, Secret,
    error::is_retryable,
    http_client::{HttpClient, HttpResponse},
    retry::Backoff,
};

const NAME: &str = "SSM";
const CONTENT_TYPE: (&str, &str) = ("content-type", "application/x-amz-json-1.1");
const TARGET: (&str, &str) = ("x-amz-target", "AmazonSSM.GetParameter");
/// For all attempts: far above the time that SSM needs, and below the ten seconds of Lambda's init phase.
const TIMEOUT: Duration = Duration::from_secs(8);
/// For one attempt.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(2);

/// <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html>
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetParameterResponse {
    parameter: Parameter,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Parameter {
    value: String,
}

/// The body of an error: <https://docs.aws.amazon.com/awsjson1.1>.
#[derive(Deserialize)]
struct Refusal {
    #[serde(rename = "__type")]
    kind: String,
}

/// The decrypted value of the parameter `name` at `endpoint`. Throttling, 5xx and broken connections are retried: SSM admits
/// 40 requests a second for the whole account, and many environments start at once.
///
/// # Errors
/// [`Error::Unavailable`] when SSM does not respond, [`Error::Internal`] when it refuses: no such parameter, no
/// permission. The error contains the name, never the value.
pub(crate) async fn get(
    endpoint: &str,
    region: &str,
    credentials: Credentials,
    name: &str,
) -> Result<Secret, Error> {
    let client = HttpClient::new(NAME, endpoint);
    let deadline = Deadline::within(TIMEOUT);
    let mut backoff = Backoff::new(u32::MAX, deadline);
    loop {
        let body = json!({"Name": name, "WithDecryption": true}).to_string();
        let signed = signed_headers(endpoint, region, credentials.clone(), &body)
            .map_err(|error| Error::Internal(format!("cannot sign a request to SSM: {error}")))?;
        let headers = signed.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let headers: Vec<_> = headers.chain([CONTENT_TYPE, TARGET]).collect();
        let attempt = Deadline::within(ATTEMPT_TIMEOUT.min(deadline.remaining()));
        let response = attempt.with_timeout(NAME, client.post("/", &headers, body)).await;
        match response.and_then(|response| secret(&response, name)) {
            Err(Error::Unavailable { .. }) if backoff.wait().await => {}
            result => return result,
        }
    }
}

fn secret(response: &HttpResponse, name: &str) -> Result<Secret, Error> {
    let refusal = crate::json::from_slice(&response.body).ok();
    let code = refusal.as_ref().map(|Refusal { kind }| kind.rsplit('#').next().unwrap_or(kind));
    match response.status {
        200 => {
            let parameter: GetParameterResponse = crate::json::from_slice(&response.body).map_err(|_| {
                Error::Internal(format!("SSM's response for the parameter {name} cannot be read"))
            })?;
            Ok(Secret::new(parameter.parameter.value))
        }
        status @ (429 | 500..) => Err(Error::unavailable(NAME, format!("status {status}"))),
        status if code.is_some_and(is_retryable) => {
            Err(Error::unavailable(NAME, format!("status {status} {}", code.unwrap_or_default())))
        }
        status => {
            let why = String::from_utf8_lossy(&response.body);
            Err(Error::Internal(format!("SSM refused the parameter {name}: {status} {why}")))
        }
    }
}

fn signed_headers(
    endpoint: &str,
    region: &str,
    credentials: Credentials,
    body: &str,
) -> Result<Vec<(String, String)>, Box<dyn std::error::Error>> {
    let identity = credentials.into();
    let params: SigningParams<'_> = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name("ssm")
        .time(SystemTime::now())
        .settings(SigningSettings::default())
        .build()?
        .into();
    let url = format!("{endpoint}/");
    let body = SignableBody::Bytes(body.as_bytes());
    let request = SignableRequest::new("POST", url, [CONTENT_TYPE, TARGET].into_iter(), body)?;
    let (instructions, _) = sign(request, &params)?.into_parts();
    Ok(instructions.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Arc;

    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
        sync::Mutex,
    };

    use super::*;

    /// A response of SSM, from its API reference.
    pub(crate) fn parameter_response(value: &str) -> String {
        json!({"Parameter": {"ARN": "arn:aws:ssm:us-east-1:123456789012:parameter/k", "DataType": "text",
            "Name": "/k", "Type": "SecureString", "Value": value, "Version": 1}})
        .to_string()
    }

    /// A server that returns these responses in their order, and the requests that it received.
    pub(crate) async fn ssm(responses: Vec<(&'static str, String)>) -> (String, Arc<Mutex<Vec<String>>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let received = Arc::clone(&requests);
        tokio::spawn(async move {
            for (status, body) in responses {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = String::new();
                while !request.contains('}') {
                    let mut part = [0; 4096];
                    let count = stream.read(&mut part).await.unwrap();
                    request.push_str(std::str::from_utf8(&part[..count]).unwrap());
                }
                received.lock().await.push(request);
                let length = body.len();
                let head = format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}");
                stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).await.unwrap();
            }
        });
        (endpoint, requests)
    }

    fn credentials() -> Credentials {
        Credentials::new("AKIDEXAMPLE", "secret", Some("token".to_owned()), None, "test")
    }

    #[tokio::test]
    async fn a_parameter_is_read_by_a_signed_request() {
        let (endpoint, requests) = ssm(vec![("200 OK", parameter_response("sk_test_1"))]).await;
        let secret = get(&endpoint, "us-east-1", credentials(), "/k").await.unwrap();
        assert_eq!(secret.expose(), "sk_test_1");
        let request = requests.lock().await[0].to_lowercase();
        for part in [
            "x-amz-target: amazonssm.getparameter\r\n",
            "content-type: application/x-amz-json-1.1\r\n",
            "x-amz-security-token: token\r\n",
            "authorization: aws4-hmac-sha256 credential=akidexample/",
            "/us-east-1/ssm/aws4_request, signedheaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, ",
            r#"{"name":"/k","withdecryption":true}"#,
        ] {
            assert!(request.contains(part), "{part} is not in {request}");
        }
    }

    #[tokio::test]
    async fn throttling_is_retried() {
        let throttled = |kind: &str| ("400 Bad Request", json!({"__type": kind}).to_string());
        let responses = vec![
            throttled("ThrottlingException"),
            throttled("com.amazonaws.ssm#ThrottlingException"),
            ("503 Service Unavailable", String::new()),
            ("200 OK", parameter_response("sk_test_1")),
        ];
        let (endpoint, requests) = ssm(responses).await;
        let secret = get(&endpoint, "us-east-1", credentials(), "/k").await.unwrap();
        assert_eq!((secret.expose(), requests.lock().await.len()), ("sk_test_1", 4));
    }

    #[tokio::test]
    async fn the_error_for_a_missing_parameter_names_it() {
        let missing = json!({"__type": "ParameterNotFound"}).to_string();
        let (endpoint, requests) = ssm(vec![("400 Bad Request", missing)]).await;
        let error = get(&endpoint, "us-east-1", credentials(), "/k").await.unwrap_err();
        assert!(
            matches!(&error, Error::Internal(why) if why.contains("/k") && why.contains("ParameterNotFound"))
        );
        assert_eq!(requests.lock().await.len(), 1, "a retry would not help");
    }
}
