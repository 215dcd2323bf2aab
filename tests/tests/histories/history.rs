//! A history: what one customer does, step by step, on three products of their own.

use std::fmt;

use proptest::{prelude::*, sample::select};

/// What there is of each product when a history begins: hardly any, some, enough.
pub(crate) const STOCK: [i64; 3] = [2, 6, 1000];
/// What each costs when a history begins, in minor units.
pub(crate) const PRICES: [i64; 3] = [12_345, 999, 50];
/// Each takes seconds: only some batches have them.
const SLOW_TOKENS: [&str; 2] = ["tok_late", "tok_unavailable"];
const NAMES: [&str; 3] = ["scarce", "few", "plenty"];

/// Steps in the order in which they are begun.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct History(pub(crate) Vec<Step>);

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Step {
    /// Whether it is begun together with the step before it, or only when that one is over.
    pub(crate) at_once: bool,
    pub(crate) action: Action,
}

/// What is done. A number names an order that an earlier step asked for, counted back from the latest; where there is
/// no such step, nothing is done.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    /// Waits a while for the orders so far to end.
    Wait,
    /// Reads an order.
    ReadOrder(usize),
    /// Reads a product.
    ReadProduct(usize),
    Order(RequestedOrder),
    /// Sends an order again as it was: under its key, if it has one.
    Replay(usize),
    /// Sends another order under the key of an order.
    Reuse(usize, RequestedOrder),
    Cancel(usize),
    /// Cancels what is no order.
    CancelUnknown,
    /// More pieces of a product arrive.
    Restock(usize, i64),
    /// A product costs so much more.
    RaisePrice(usize, i64),
    /// The message that asks for an order's payment comes once more.
    ResendMessage(usize),
    /// A message in the dead-letter queue says that an order's payment must be given up.
    SendDeadLetter(usize),
}

/// What an order asks for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct RequestedOrder {
    pub(crate) keyed: bool,
    /// Pieces of each product.
    pub(crate) pieces: [i64; 3],
    pub(crate) token: &'static str,
}

impl RequestedOrder {
    /// Whether the provider captures its charge.
    pub(crate) fn pays(&self) -> bool {
        matches!(self.token, "tok_visa" | "pm_card_visa" | "tok_flaky" | "tok_late" | "tok_refund_refused")
    }

    /// Whether two requests under one key ask for the same.
    pub(crate) fn same(&self, other: &Self) -> bool {
        self.pieces == other.pieces && self.token == other.token
    }
}

impl Action {
    /// The order that it is about: how many orders before the latest one.
    fn back(&self) -> Option<usize> {
        match self {
            Self::ReadOrder(back)
            | Self::Replay(back)
            | Self::Reuse(back, _)
            | Self::Cancel(back)
            | Self::ResendMessage(back)
            | Self::SendDeadLetter(back) => Some(*back),
            Self::Wait
            | Self::ReadProduct(_)
            | Self::Order(_)
            | Self::CancelUnknown
            | Self::Restock(..)
            | Self::RaisePrice(..) => None,
        }
    }
}

impl History {
    /// The step that ordered what step `number` is about.
    pub(crate) fn target(&self, number: usize) -> Option<usize> {
        let back = self.0[number].action.back()?;
        let is_order = |number: &usize| matches!(self.0[*number].action, Action::Order(_));
        let orders: Vec<usize> = (0..number).filter(is_order).collect();
        orders.iter().rev().nth(back % orders.len().max(1)).copied()
    }

    /// What a step asks for, if it is an order.
    pub(crate) fn requested(&self, number: usize) -> Option<&RequestedOrder> {
        match &self.0[number].action {
            Action::Order(requested) => Some(requested),
            _ => None,
        }
    }

    /// The numbers of the steps, those that are begun together in one group.
    pub(crate) fn groups(&self) -> Vec<Vec<usize>> {
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for (number, step) in self.0.iter().enumerate() {
            match groups.last_mut().filter(|_| step.at_once) {
                Some(group) => group.push(number),
                None => groups.push(vec![number]),
            }
        }
        groups
    }

    /// What runs soonest comes first: without tokens that take seconds, and with few steps.
    pub(crate) fn effort(&self) -> (bool, usize) {
        let slow = |step: &Step| match &step.action {
            Action::Order(requested) | Action::Reuse(_, requested) => SLOW_TOKENS.contains(&requested.token),
            _ => false,
        };
        (self.0.iter().any(slow), self.0.len())
    }

    fn describe(&self, f: &mut fmt::Formatter<'_>, number: usize) -> fmt::Result {
        let of = |verb: &str| match self.target(number) {
            Some(target) => format!("{verb} the order of step {}", target + 1),
            None => format!("{verb} an order, but there is none"),
        };
        match &self.0[number].action {
            Action::Wait => write!(f, "wait for the orders to end"),
            Action::ReadOrder(_) => write!(f, "{}", of("read")),
            Action::ReadProduct(product) => write!(f, "look at the {} product", NAMES[*product]),
            Action::Order(requested) => write!(f, "order {requested}"),
            Action::Replay(_) => write!(f, "{}", of("send again")),
            Action::Reuse(_, requested) => write!(f, "{}: order {requested}", of("with the key of")),
            Action::Cancel(_) => write!(f, "{}", of("cancel")),
            Action::CancelUnknown => write!(f, "cancel what is no order"),
            Action::Restock(product, pieces) => write!(f, "{pieces} more of the {} product", NAMES[*product]),
            Action::RaisePrice(product, by) => write!(f, "the {} product costs {by} more", NAMES[*product]),
            Action::ResendMessage(_) => write!(f, "{}", of("repeat the message that asks to pay")),
            Action::SendDeadLetter(_) => write!(f, "{}", of("give up the payment of")),
        }
    }
}

impl fmt::Display for RequestedOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self.pieces.iter().zip(NAMES).filter(|(pieces, _)| **pieces > 0);
        let lines: Vec<_> = lines.map(|(pieces, name)| format!("{pieces} {name}")).collect();
        let key = if self.keyed { "" } else { ", without a key" };
        write!(f, "{} with {}{key}", lines.join(", "), self.token)
    }
}

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, step) in self.0.iter().enumerate() {
            let together = if step.at_once && number > 0 { "at once with it: " } else { "" };
            write!(f, "  {:2}. {together}", number + 1)?;
            self.describe(f, number)?;
            writeln!(f)?;
        }
        Ok(())
    }
}

fn requested(slow: bool) -> impl Strategy<Value = RequestedOrder> {
    let quick = vec![
        "tok_visa",
        "tok_visa",
        "tok_visa",
        "pm_card_visa",
        "tok_declined",
        "tok_chargeDeclinedStolenCard",
        "tok_flaky",
        "tok_refund_refused",
        "tok_used",
    ];
    let tokens = if slow { [quick, SLOW_TOKENS.to_vec()].concat() } else { quick };
    let keyed = prop_oneof![4 => Just(true), 1 => Just(false)];
    (keyed, [0..=2i64, 0..=4i64, 0..=3i64], select(tokens)).prop_map(|(keyed, mut pieces, token)| {
        if pieces == [0; 3] {
            pieces[2] = 1;
        }
        RequestedOrder { keyed, pieces, token }
    })
}

/// Histories of up to 12 steps; the first is an order. What is simpler comes first: proptest shrinks to it.
pub(crate) fn histories(slow: bool) -> impl Strategy<Value = History> {
    let back = 0..4usize;
    let action = prop_oneof![
        5 => requested(slow).prop_map(Action::Order),
        2 => Just(Action::Wait),
        2 => back.clone().prop_map(Action::ReadOrder),
        1 => (0..3usize).prop_map(Action::ReadProduct),
        2 => back.clone().prop_map(Action::Replay),
        4 => back.clone().prop_map(Action::Cancel),
        1 => (back.clone(), requested(slow)).prop_map(|(back, requested)| Action::Reuse(back, requested)),
        1 => Just(Action::CancelUnknown),
        1 => (0..2usize, 1..=3i64).prop_map(|(product, pieces)| Action::Restock(product, pieces)),
        2 => (0..3usize, 1..=3i64).prop_map(|(product, by)| Action::RaisePrice(product, by)),
        1 => back.clone().prop_map(Action::ResendMessage),
        1 => back.prop_map(Action::SendDeadLetter),
    ];
    let step = (prop_oneof![3 => Just(false), 2 => Just(true)], action);
    let step = step.prop_map(|(at_once, action)| Step { at_once, action });
    (requested(slow), prop::collection::vec(step, 1..=11)).prop_map(|(requested, rest)| {
        let first = Step { at_once: false, action: Action::Order(requested) };
        History(std::iter::once(first).chain(rest).collect())
    })
}
