//! The supported properties of an HTTP API, and the lines of errors.

use std::{path::Path, time::Duration};

use super::{HttpApi, IdentitySource, ResponseFormat, RouteAuthorizer, Throttle};
use crate::{EventSource, HttpRoute, Settings, Template, TemplateError};

/// `api` are properties of the API on line 3, `event` those of its only route on line 13.
fn template(api: &str, event: &str) -> Result<Template, String> {
    let text = format!(
        "Globals: {{HttpApi: {{DefaultRouteSettings: {{ThrottlingRateLimit: 5}}}}}}\n\
         Resources:\n  Api: {{Type: AWS::Serverless::HttpApi, Properties: {{{api}}}}}\n  \
         Jobs: {{Type: AWS::SQS::Queue}}\n  Guard:\n    Type: AWS::Serverless::Function\n    Metadata: {{BuildProperties: {{Binary: guard}}}}\n  \
         Hello:\n    Type: AWS::Serverless::Function\n    Metadata: {{BuildProperties: {{Binary: hello}}}}\n    \
         Properties:\n      Events:\n        \
         Get: {{Type: HttpApi, Properties: {{Path: /hello, Method: get, {event}}}}}\n"
    );
    Template::parse(&text, Path::new("t"), &Settings::default()).map_err(|error| match error {
        TemplateError::Problems { problems, .. } => {
            format!("{}: {}", problems[0].at.line, problems[0].message)
        }
        other => other.to_string(),
    })
}

fn api(properties: &str) -> HttpApi {
    template(properties, "").unwrap().http_api.unwrap()
}

fn route(properties: &str) -> HttpRoute {
    let template = template("", properties).unwrap();
    let [EventSource::HttpApi(route)] = template.functions[1].events.as_slice() else { panic!() };
    route.clone()
}

const GUARD: &str = "FunctionArn: !GetAtt Guard.Arn, AuthorizerPayloadFormatVersion: 2.0";

#[test]
fn authorizers_are_read_with_sams_defaults() {
    let api = api(&format!(
        "Auth: {{DefaultAuthorizer: G, Authorizers: {{G: {{{GUARD}, EnableSimpleResponses: true, Identity: \
         {{QueryStrings: [q], Headers: [H], Context: [routeKey]}}}}, Open: {{{GUARD}}}}}}}"
    ));
    let [guard, open] = api.authorizers.as_slice() else { panic!() };
    assert_eq!((guard.function.as_str(), guard.response_format), ("Guard", ResponseFormat::Simple));
    let names = ["H", "q", "routeKey"].map(str::to_owned);
    let [header, query, context] = names;
    assert_eq!(
        guard.identity,
        [
            IdentitySource::Header(header),
            IdentitySource::QueryString(query),
            IdentitySource::Context(context)
        ]
    );
    assert_eq!(guard.ttl, Duration::from_secs(300));
    assert_eq!(
        (open.response_format, open.ttl),
        (ResponseFormat::Policy, Duration::ZERO),
        "nothing to cache by"
    );
    assert_eq!(api.default_authorizer.map(|name| name.text).as_deref(), Some("G"));
}

#[test]
fn routes_and_globals_are_read() {
    assert_eq!(route("").timeout, Duration::from_secs(30));
    assert_eq!(route("TimeoutInMillis: 50").timeout, Duration::from_millis(50));
    assert_eq!(route("").authorizer, RouteAuthorizer::Default);
    assert_eq!(route("RouteSettings: {ThrottlingBurstLimit: 2}").throttle.burst, Some(2));
    let api = api("DefaultRouteSettings: {ThrottlingBurstLimit: 7}, RouteSettings: {GET /hello: {}}");
    assert_eq!(api.default_throttle, Throttle { rate: Some(5.0), burst: Some(7) }, "Globals are merged in");
    assert_eq!(api.route_settings[0].route_key, "GET /hello");
}

#[test]
fn errors_name_the_line_of_what_api_gateway_rejects_or_the_stack_does_not_support() {
    let jwt = "Auth: {Authorizers: {J: {JwtConfiguration: {issuer: i}, IdentitySource: x}}}";
    let old =
        "Auth: {Authorizers: {G: {FunctionArn: !GetAtt Guard.Arn, AuthorizerPayloadFormatVersion: 1.0}}}";
    let no_function =
        "Auth: {Authorizers: {G: {FunctionArn: !GetAtt Jobs.Arn, AuthorizerPayloadFormatVersion: 2.0}}}";
    let long = format!(
        "Auth: {{Authorizers: {{G: {{{GUARD}, Identity: {{Headers: [a], ReauthorizeEvery: 3601}}}}}}}}"
    );
    let blind = format!("Auth: {{Authorizers: {{G: {{{GUARD}, Identity: {{ReauthorizeEvery: 9}}}}}}}}");
    for (properties, event, expected) in [
        (
            "CorsConfiguration: {AllowOrigins: ['*'], AllowCredentials: true}",
            "",
            "3: API Gateway does not support",
        ),
        (
            "CorsConfiguration: {AllowOrigins: ['https://*.a.example']}",
            "",
            "3: API Gateway does not take https://*",
        ),
        (
            "CorsConfiguration: {AllowOrigins: [www.a.example]}",
            "",
            "3: API Gateway does not take www.a.example",
        ),
        ("CorsConfiguration: {MaxAge: 86401}", "", "3: MaxAge must be"),
        (
            "RouteSettings: {GET /nothing: {}}",
            "",
            "3: RouteSettings: there is no route GET /nothing; there are: GET",
        ),
        (
            "DefinitionBody: {openapi: 3}",
            "",
            "3: DefinitionBody of an HTTP API is not supported: OpenAPI is not read",
        ),
        (jwt, "", "3: the authorizer J is a JWT authorizer, which is not supported"),
        (old, "", "3: only authorizers with AuthorizerPayloadFormatVersion 2.0"),
        (no_function, "", "3: FunctionArn of G: Jobs is no function"),
        (&long, "", "3: ReauthorizeEvery must be 0 to 3600"),
        (&blind, "", "3: an authorizer without identity sources cannot be cached"),
        ("Auth: {DefaultAuthorizer: AWS_IAM}", "", "3: IAM authorization (AWS_IAM) is not supported"),
        ("", "Auth: {Authorizer: AWS_IAM}", "13: IAM authorization (AWS_IAM) is not supported"),
        ("", "Auth: {Authorizer: Nobody}", "13: Nobody is not one of the API's"),
        ("", "Auth: {Authorizer: NONE}", "13: Authorizer: NONE is only for"),
        ("", "PayloadFormatVersion: 1.0", "13: only PayloadFormatVersion 2.0"),
        ("", "ApiId: other", "13: ApiId must be !Ref to an AWS::Serverless::HttpApi"),
        ("", "Method: FETCH", "13: FETCH is not a method of routes"),
        ("", "Auth: {AuthorizationScopes: [a]}", "13: AuthorizationScopes of Auth of an HttpApi event"),
        ("Auth: {EnableIamAuthorizer: true}", "", "3: EnableIamAuthorizer of Auth is not supported"),
        ("", "TimeoutInMillis: 30001", "13: TimeoutInMillis must be 50 to 30000"),
    ] {
        let error = template(properties, event).unwrap_err();
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn a_route_belongs_to_one_function() {
    let again =
        "TimeoutInMillis: 50}}\n        Again: {Type: HttpApi, Properties: {Path: /hello, Method: GET";
    let error = template("", again).unwrap_err();
    assert_eq!(error, "14: the route GET /hello is declared twice");
}
