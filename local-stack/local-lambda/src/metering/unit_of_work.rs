//! The unit of work that a bill is divided by.

use std::str::FromStr;

/// `order=POST /orders 201`: counts the responses of a route with a status, or with any status of success where none is
/// given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitOfWork {
    /// The name of one unit.
    pub name: String,
    /// The route key.
    pub route: String,
    /// The status that counts; any from 200 to 299 if there is none.
    pub status: Option<u16>,
}

impl UnitOfWork {
    /// Whether a response of a route counts.
    pub(super) fn is_done(&self, route: &str, status: u16) -> bool {
        let counts = self.status.map_or((200..300).contains(&status), |expected| expected == status);
        self.route == route && counts
    }
}

impl FromStr for UnitOfWork {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "expected NAME=ROUTE or NAME=ROUTE STATUS, such as order=POST /orders 201";
        let (name, route) = text.split_once('=').ok_or(EXPECTED)?;
        let (route, status) = match route.split(' ').collect::<Vec<_>>()[..] {
            [_, _] => (route.to_owned(), None),
            [method, path, status] => {
                let status = status.parse().ok().filter(|status| (200..300).contains(status));
                (format!("{method} {path}"), Some(status.ok_or("the status must be from 200 to 299")?))
            }
            _ => return Err(EXPECTED),
        };
        Ok(Self { name: name.to_owned(), route, status })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_selects_the_responses_that_count() {
        let order: UnitOfWork = "order=POST /orders 201".parse().unwrap();
        assert_eq!(
            (order.name.as_str(), order.route.as_str(), order.status),
            ("order", "POST /orders", Some(201))
        );
        assert!(order.is_done("POST /orders", 201));
        assert!(!order.is_done("POST /orders", 200) && !order.is_done("GET /orders", 201));
        let look: UnitOfWork = "look=GET /orders/{id}".parse().unwrap();
        assert!(look.is_done("GET /orders/{id}", 200) && !look.is_done("GET /orders/{id}", 304));
    }

    #[test]
    fn other_texts_are_rejected() {
        for text in
            ["", "order", "order=", "order=/orders", "order=POST /orders 404", "order=POST /orders many 201"]
        {
            assert!(text.parse::<UnitOfWork>().is_err(), "{text}");
        }
    }
}
