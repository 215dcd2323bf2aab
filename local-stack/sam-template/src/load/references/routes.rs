//! What an HTTP API, its routes and its authorizers refer to.

use std::collections::BTreeSet;

use super::super::Template;
use crate::{
    error::Notes,
    resources::{
        event::EventSource,
        http_api::{HttpApi, HttpRoute, RouteAuthorizer},
    },
    text::Located,
};

const UNSUPPORTED_IAM: &str = "IAM authorization (AWS_IAM) is not supported: requests are not signed here. Use a Lambda \
                               authorizer, or NONE";

pub(super) fn check(template: &Template, notes: &Notes) {
    let Template { functions, http_api: api, .. } = template;
    let api = api.as_ref();
    let routes: Vec<&HttpRoute> = functions
        .iter()
        .flat_map(|function| &function.events)
        .filter_map(|event| match event {
            EventSource::HttpApi(route) => Some(route),
            _ => None,
        })
        .collect();
    let mut keys = BTreeSet::new();
    for route in &routes {
        check_route(api, route, notes);
        if !keys.insert(route.key()) {
            notes.problem(route.at, format!("the route {} is declared twice", route.key()));
        }
    }
    let Some(api) = api else { return };
    for settings in api.route_settings.iter().filter(|settings| !keys.contains(&settings.route_key)) {
        let known: Vec<_> = routes.iter().map(|route| route.key()).collect();
        let (key, known) = (&settings.route_key, known.join(", "));
        notes.problem(settings.at, format!("RouteSettings: there is no route {key}; there are: {known}"));
    }
    if let Some(name) = &api.default_authorizer {
        check_authorizer(Some(api), name, notes);
    }
    for authorizer in &api.authorizers {
        if !functions.iter().any(|function| function.logical_id == authorizer.function) {
            let message =
                format!("FunctionArn of {}: {} is no function", authorizer.name, authorizer.function);
            notes.problem(authorizer.at, message);
        }
    }
}

fn check_route(api: Option<&HttpApi>, route: &HttpRoute, notes: &Notes) {
    match &route.authorizer {
        RouteAuthorizer::None { at } if api.is_none_or(|api| api.default_authorizer.is_none()) => {
            notes.problem(*at, "Authorizer: NONE is only for APIs with a DefaultAuthorizer: leave it out");
        }
        RouteAuthorizer::Default | RouteAuthorizer::None { .. } => {}
        RouteAuthorizer::Named(name) => check_authorizer(api, name, notes),
    }
}

fn check_authorizer(api: Option<&HttpApi>, Located { at, text: name }: &Located, notes: &Notes) {
    let authorizers = api.map_or(&[][..], |api| &api.authorizers);
    if authorizers.iter().any(|authorizer| authorizer.name == *name) {
        return;
    }
    if name == "AWS_IAM" {
        notes.problem(*at, UNSUPPORTED_IAM);
    } else {
        notes.problem(*at, format!("{name} is not one of the API's Auth.Authorizers"));
    }
}
