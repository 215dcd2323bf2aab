//! The saga of an order: every step of the order flow, what undoes it, and the end-to-end test that fails it.
//!
//! A step that fails is retried: by its client (HTTP), its queue, its stream, or the sweep. Each test repeats every call of
//! its steps, lets it fail, and kills the function before and after it; the order must still end once and correctly.

/// A step of the order flow.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// The function that does it: the name of its binary.
    pub function: &'static str,
    /// What it does.
    pub action: &'static str,
    /// What undoes it when the order does not end CONFIRMED.
    pub undo: Undo,
    /// The end-to-end test that fails, repeats and kills it: `file.rs::test`.
    pub test: &'static str,
}

/// What undoes a step.
#[derive(Clone, Copy, Debug)]
pub enum Undo {
    /// Other steps, by their actions; which one depends on how the order ends.
    Steps(&'static [&'static str]),
    /// Nothing needs to: the reason.
    NotNeeded(&'static str),
}

const CREATE: &str = "take the stock and put the order, PENDING";
const REQUEST: &str = "send the payment request of a new or cancelled order";
const CHARGE: &str = "create the payment intent, store its id with the order, and confirm it";
const CONFIRM: &str = "settle a captured charge: CONFIRMED, payment record";
const DECLINE: &str = "settle a declined charge: PAYMENT_FAILED, payment record, stock returned";
const FAIL: &str = "give the order up after a last question: PAYMENT_FAILED, payment record, stock returned; then refund if due";
const CANCEL: &str = "cancel the order: CANCELLED, stock returned, refund due";
const REFUND: &str = "refund the charge, or void it if it has not happened yet; then record the refund";
const SWEEP: &str = "send the payment request again if it is overdue";

/// The steps in their usual order. An order ends after it is confirmed, declined, failed, or cancelled and refunded.
pub const ORDER_FLOW: [Step; 9] = [
    Step {
        function: "create-order",
        action: CREATE,
        undo: Undo::Steps(&[DECLINE, FAIL, CANCEL]),
        test: "saga.rs::every_step_of_making_an_order_may_fail",
    },
    Step {
        function: "request-payments",
        action: REQUEST,
        undo: Undo::NotNeeded("the receiver reads the order's status: a request too many changes nothing"),
        test: "saga.rs::every_step_of_requesting_a_payment_may_fail",
    },
    Step {
        function: "process-payment",
        action: CHARGE,
        undo: Undo::Steps(&[REFUND]),
        test: "saga.rs::every_step_of_paying_may_fail",
    },
    Step {
        function: "process-payment",
        action: CONFIRM,
        undo: Undo::Steps(&[CANCEL]),
        test: "saga.rs::every_step_of_paying_may_fail",
    },
    Step {
        function: "process-payment",
        action: DECLINE,
        undo: Undo::NotNeeded("the status is final, and nothing is charged"),
        test: "saga.rs::every_step_of_declining_may_fail",
    },
    Step {
        function: "fail-payment",
        action: FAIL,
        undo: Undo::NotNeeded("the status is final; the sweep finds a refund that stays due"),
        test: "saga.rs::every_step_of_giving_up_may_fail",
    },
    Step {
        function: "cancel-order",
        action: CANCEL,
        undo: Undo::NotNeeded("the status is final; the sweep finds a refund that stays due"),
        test: "saga.rs::every_step_of_cancelling_may_fail",
    },
    Step {
        function: "process-payment",
        action: REFUND,
        undo: Undo::NotNeeded("the provider refunds an intent once"),
        test: "saga.rs::every_step_of_refunding_may_fail",
    },
    Step {
        function: "sweep-orders",
        action: SWEEP,
        undo: Undo::NotNeeded("the receiver reads the order's status: a request too many changes nothing"),
        test: "sweep.rs::an_order_that_everything_lost_is_found_by_the_sweep",
    },
];

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;

    #[test]
    fn every_function_that_changes_an_order_has_a_step() {
        let functions = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let binaries = ["orders", "payments"].iter().flat_map(|service| {
            let files = fs::read_dir(functions.join(service).join("src/bin")).unwrap();
            files.map(|file| file.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        });
        // get-order only reads.
        let expected: BTreeSet<_> = binaries.filter(|binary| binary != "get-order").collect();
        let actual: BTreeSet<_> = ORDER_FLOW.iter().map(|step| step.function.to_owned()).collect();
        assert_eq!(actual, expected, "a function lacks its step in ORDER_FLOW, or a step its function");
    }

    #[test]
    fn every_step_that_undoes_another_is_listed() {
        for step in ORDER_FLOW {
            let Undo::Steps(actions) = step.undo else { continue };
            for action in actions {
                assert!(ORDER_FLOW.iter().any(|step| step.action == *action), "{}: {action}", step.action);
            }
        }
    }
}
