//! Secrets from SSM Parameter Store, read once at the start of the execution environment.
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

use crate::{Deadline, Error, Secret, http_client::HttpClient};

const NAME: &str = "SSM";
const CONTENT_TYPE: (&str, &str) = ("content-type", "application/x-amz-json-1.1");
const TARGET: (&str, &str) = ("x-amz-target", "AmazonSSM.GetParameter");
/// Far above the time that SSM needs, and below the limit of Lambda's init phase.
const TIMEOUT: Duration = Duration::from_secs(5);

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

/// The decrypted value of the parameter `name` at `endpoint`.
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
    let body = json!({"Name": name, "WithDecryption": true}).to_string();
    let signed = signed_headers(endpoint, region, credentials, &body)
        .map_err(|error| Error::Internal(format!("cannot sign a request to SSM: {error}")))?;
    let headers = signed.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let headers: Vec<_> = headers.chain([CONTENT_TYPE, TARGET]).collect();
    let client = HttpClient::new(NAME, endpoint);
    let response = Deadline::within(TIMEOUT).with_timeout(NAME, client.post("/", &headers, body)).await?;
    match response.status {
        200 => {
            let parameter: GetParameterResponse = serde_json::from_slice(&response.body).map_err(|_| {
                Error::Internal(format!("SSM's response for the parameter {name} cannot be read"))
            })?;
            Ok(Secret::new(parameter.parameter.value))
        }
        status @ (429 | 500..) => Err(Error::unavailable(NAME, format!("status {status}"))),
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
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    /// A server that returns one response of SSM, taken from its API reference, and the request that it received.
    async fn ssm(status: &'static str, body: &'static str) -> (String, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let served = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = String::new();
            while !request.contains('}') {
                let mut part = [0; 4096];
                let count = stream.read(&mut part).await.unwrap();
                request.push_str(std::str::from_utf8(&part[..count]).unwrap());
            }
            let response = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            stream.write_all(response.as_bytes()).await.unwrap();
            request
        });
        (endpoint, served)
    }

    fn credentials() -> Credentials {
        Credentials::new("AKIDEXAMPLE", "secret", Some("token".to_owned()), None, "test")
    }

    #[tokio::test]
    async fn a_parameter_is_read_by_a_signed_request() {
        let response = r#"{"Parameter":{"ARN":"arn:aws:ssm:us-east-1:123456789012:parameter/k","DataType":"text",
            "Name":"/k","Type":"SecureString","Value":"sk_test_1","Version":1}}"#;
        let (endpoint, served) = ssm("200 OK", response).await;
        let secret = get(&endpoint, "us-east-1", credentials(), "/k").await.unwrap();
        assert_eq!(secret.expose(), "sk_test_1");
        let request = served.await.unwrap().to_lowercase();
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
    async fn the_error_for_a_missing_parameter_names_it() {
        let (endpoint, _served) = ssm("400 Bad Request", r#"{"__type":"ParameterNotFound"}"#).await;
        let error = get(&endpoint, "us-east-1", credentials(), "/k").await.unwrap_err();
        assert!(
            matches!(&error, Error::Internal(why) if why.contains("/k") && why.contains("ParameterNotFound"))
        );
    }
}
