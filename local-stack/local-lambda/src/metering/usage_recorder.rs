//! Records what is billed: the usage of functions, routes and pollers.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use meter::{
    ApiCall, Service,
    bill::{self, Architecture, Bill, FunctionUsage, PollerUsage, RouteUsage, UnitOfWorkBill, Usage},
    prices::{PriceError, PriceList},
    rules::api_gateway_requests,
};
use sam_template::{EventSource, Template};

use super::{
    call_log::{CallLog, RecordedCall},
    unit_of_work::UnitOfWork,
};
use crate::{
    access_keys::{AccessKeys, POLLER},
    invocation::CompletedInvocation,
};

/// What `CloudWatch` Logs adds to each event. <https://aws.amazon.com/cloudwatch/pricing/>
const LOG_EVENT_OVERHEAD: u64 = 26;
/// Lambda's own events of an invocation: START, END, REPORT.
const PLATFORM_EVENTS: u64 = 3;

/// Counts usage and prices it.
#[derive(Debug)]
pub struct UsageRecorder {
    region: String,
    prices: PriceList,
    unit_of_work: Option<UnitOfWork>,
    access_keys: Arc<AccessKeys>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    functions: BTreeMap<Arc<str>, FunctionUsage>,
    routes: BTreeMap<String, RouteUsage>,
    pollers: BTreeMap<String, u64>,
    work: u64,
    calls: CallLog,
}

impl UsageRecorder {
    /// No usage yet. `unit` is what the bill is divided by.
    ///
    /// # Errors
    /// When the built-in price list cannot be read.
    pub fn new(
        template: &Template,
        region: &str,
        unit: Option<UnitOfWork>,
        access_keys: Arc<AccessKeys>,
    ) -> Result<Self, PriceError> {
        let functions = template.functions.iter().map(|function| {
            let usage = FunctionUsage {
                name: function.name.clone(),
                architecture: match function.architecture.as_str() {
                    "arm64" => Architecture::Arm64,
                    _ => Architecture::X86,
                },
                memory_mb: function.memory_mb.into(),
                ..FunctionUsage::default()
            };
            (function.name.as_str().into(), usage)
        });
        let routes = template.functions.iter().flat_map(|function| {
            function.events.iter().filter_map(|event| match event {
                EventSource::HttpApi(route) => {
                    let function = Some(function.name.clone());
                    let usage = RouteUsage { route: route.key(), function, ..RouteUsage::default() };
                    Some((route.key(), usage))
                }
                _ => None,
            })
        });
        let state = State { functions: functions.collect(), routes: routes.collect(), ..State::default() };
        Ok(Self {
            region: region.to_owned(),
            prices: PriceList::built_in()?,
            unit_of_work: unit,
            access_keys,
            state: Mutex::new(state),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records a call that passed a proxy. Calls from outside the stack (a test, a shell) are not billed.
    pub(super) fn record_call(&self, call: ApiCall) {
        let function = self.access_keys.function(&call.caller);
        let mut guard = self.state();
        let state = &mut *guard;
        if call.caller == POLLER {
            if call.service == Service::Sqs {
                let queue = call.resources.into_iter().next().unwrap_or_default();
                *state.pollers.entry(queue).or_default() += call.sqs_requests;
            }
        } else if let Some(function) = function {
            state.calls.push(&function, &call);
            if let Some(usage) = state.functions.get_mut(&function) {
                usage.add_call(&call);
            }
        }
    }

    /// Records an invocation that has ended.
    pub(crate) fn record_invocation(&self, invoked: &CompletedInvocation) {
        let mut state = self.state();
        let Some(usage) = state.functions.get_mut(&invoked.usage.function) else { return };
        usage.invocations += 1;
        usage.billed_duration_ms += invoked.usage.billed_ms();
        if let Some(init) = invoked.usage.init {
            usage.cold_starts += 1;
            usage.init_duration_ms += bill::billed_duration_ms(init);
        }
        let platform = invoked.platform_log().len() as u64 + PLATFORM_EVENTS * LOG_EVENT_OVERHEAD;
        usage.log_bytes += invoked.usage.log_bytes + invoked.usage.log_lines * LOG_EVENT_OVERHEAD + platform;
    }

    /// Records a request to a route and the status of its response; `bytes` is the size of the larger of the two.
    pub(crate) fn record_request(&self, route: &str, status: u16, bytes: u64) {
        let mut state = self.state();
        let Some(usage) = state.routes.get_mut(route) else { return };
        usage.requests += 1;
        usage.metered_requests += api_gateway_requests(bytes);
        if self.unit_of_work.as_ref().is_some_and(|unit| unit.is_done(route, status)) {
            state.work += 1;
        }
    }

    /// The recorded calls of functions after this number.
    #[must_use]
    pub fn calls_after(&self, number: u64) -> Vec<RecordedCall> {
        self.state().calls.after(number)
    }

    /// The bill so far, as a table.
    ///
    /// # Errors
    /// When no prices are known for the region.
    pub fn bill_table(&self) -> Result<String, PriceError> {
        let (bill, per) = self.bill()?;
        Ok(bill.table(per.as_ref()))
    }

    /// The bill so far, and the price of a unit of work if any was done.
    ///
    /// # Errors
    /// When no prices are known for the region.
    pub fn bill(&self) -> Result<(Bill, Option<UnitOfWorkBill>), PriceError> {
        let state = self.state();
        let used = |function: &&FunctionUsage| function.invocations > 0;
        let usage = Usage {
            functions: state.functions.values().filter(used).cloned().collect(),
            routes: state.routes.values().filter(|route| route.requests > 0).cloned().collect(),
            pollers: state
                .pollers
                .iter()
                .map(|(queue, requests)| PollerUsage { queue: queue.clone(), requests: *requests })
                .collect(),
        };
        let bill = bill::price(&usage, &self.region, &self.prices)?;
        let per = self.unit_of_work.as_ref().and_then(|unit| bill.per_unit_of_work(&unit.name, state.work));
        Ok((bill, per))
    }
}
