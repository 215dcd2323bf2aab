//! Checks that what an HTTP API, its routes and its authorizers refer to exists.

use std::collections::BTreeSet;

use crate::{
    error::LineError,
    resources::{
        event::EventSource,
        function::Function,
        http_api::{HttpApi, HttpRoute, RouteAuthorizer},
    },
    text::Located,
};

const UNSUPPORTED_IAM: &str = "IAM authorization (AWS_IAM) is not supported: requests are not signed here. Use a Lambda \
                               authorizer, or NONE";

/// Returns the first reference to something that does not exist, or the first route that is declared twice.
pub(super) fn check(api: Option<&HttpApi>, functions: &[Function]) -> Result<(), LineError> {
    let routes = || {
        functions.iter().flat_map(|function| &function.events).filter_map(|event| match event {
            EventSource::HttpApi(route) => Some(route),
            _ => None,
        })
    };
    let mut keys = BTreeSet::new();
    for route in routes() {
        check_route(api, route)?;
        if !keys.insert(route.key()) {
            return Err(LineError::new(route.line, format!("the route {} is declared twice", route.key())));
        }
    }
    let Some(api) = api else { return Ok(()) };
    for settings in &api.route_settings {
        if !keys.contains(&settings.route_key) {
            let keys: Vec<_> = routes().map(HttpRoute::key).collect();
            return Err(LineError::new(
                settings.line,
                format!(
                    "RouteSettings: there is no route {}; there are: {}",
                    settings.route_key,
                    keys.join(", ")
                ),
            ));
        }
    }
    if let Some(name) = &api.default_authorizer {
        check_authorizer(Some(api), name)?;
    }
    for authorizer in &api.authorizers {
        if !functions.iter().any(|function| function.logical_id == authorizer.function) {
            return Err(LineError::new(
                authorizer.line,
                format!("FunctionArn of {}: {} is no function", authorizer.name, authorizer.function),
            ));
        }
    }
    Ok(())
}

fn check_route(api: Option<&HttpApi>, route: &HttpRoute) -> Result<(), LineError> {
    match &route.authorizer {
        RouteAuthorizer::None { line } if api.is_none_or(|api| api.default_authorizer.is_none()) => {
            let rule = "Authorizer: NONE is only for APIs with a DefaultAuthorizer: leave it out";
            Err(LineError::new(*line, rule))
        }
        RouteAuthorizer::Default | RouteAuthorizer::None { .. } => Ok(()),
        RouteAuthorizer::Named(name) => check_authorizer(api, name),
    }
}

fn check_authorizer(api: Option<&HttpApi>, Located { line, text: name }: &Located) -> Result<(), LineError> {
    let authorizers = api.map_or(&[][..], |api| &api.authorizers);
    if authorizers.iter().any(|authorizer| authorizer.name == *name) {
        Ok(())
    } else if name == "AWS_IAM" {
        Err(LineError::new(*line, UNSUPPORTED_IAM))
    } else {
        Err(LineError::new(*line, format!("{name} is not one of the API's Auth.Authorizers")))
    }
}
