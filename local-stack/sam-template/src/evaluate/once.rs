//! Named values that are evaluated once. So what is named often costs little, and what depends on itself is found.

use std::{cell::RefCell, collections::BTreeMap};

use crate::error::{Invalid, Notes};

#[derive(Debug)]
enum Progress<T> {
    /// It is being evaluated.
    Begun,
    /// None if it has no value; the reason is noted.
    Ended(Option<T>),
}

#[derive(Debug)]
pub(super) struct Once<T>(RefCell<BTreeMap<String, Progress<T>>>);

impl<T> Default for Once<T> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}

impl<T: Clone> Once<T> {
    /// The value of `name`, from `evaluate` the first time. `circle` is the error when the value depends on itself.
    pub(super) fn get(
        &self,
        name: &str,
        notes: &Notes,
        circle: impl FnOnce() -> Invalid,
        evaluate: impl FnOnce() -> Result<T, Invalid>,
    ) -> Result<T, Invalid> {
        match self.0.borrow().get(name) {
            Some(Progress::Begun) => return Err(circle()),
            Some(Progress::Ended(value)) => return value.clone().ok_or(Invalid::Noted),
            None => {}
        }
        self.0.borrow_mut().insert(name.to_owned(), Progress::Begun);
        let value = notes.valid(evaluate());
        self.0.borrow_mut().insert(name.to_owned(), Progress::Ended(value.clone()));
        value.ok_or(Invalid::Noted)
    }
}
