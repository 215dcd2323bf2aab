//! Runs histories at once on one stack, under one plan of faults, and holds each against the model.

use std::{
    convert::Infallible,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use e2e::{Client, Options, Shop, TableSnapshot, children, kill_nine};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::{
    act::Actor,
    history::{History, PRICES, STOCK},
    model::Model,
    plan::{CALM_PROVIDER, Plan},
    tally::Tally,
    trace::Event,
};

/// Orders without a verdict are given up at this age. Payments come late when much is wrong, but not so late.
const MAX_AGE_SECONDS: u64 = 40;
/// From the last request to the end of the last order: the last attempt may come half a minute after its order is too old.
const QUIET_WITHIN: Duration = Duration::from_secs(120);
/// How long the provider is away at the beginning of a batch.
const PROVIDER_AWAY: Duration = Duration::from_secs(2);
/// How often the provider forgets its keys.
const FORGETS_EVERY: Duration = Duration::from_millis(300);
/// What is written in passing while all is quiet: the last steps of a killed process, or of a message that comes again.
const IN_ORDER_WITHIN: Duration = Duration::from_secs(5);
/// The tally's names for what goes wrong.
pub(crate) const STRUCK: &str = "faults struck";
pub(crate) const KILLED: &str = "processes killed";
pub(crate) const UNAVAILABLE: &str = "503 for no reason";
const POLL: Duration = Duration::from_millis(100);
/// How long a kill waits for a process of its function.
const VICTIM_WITHIN: Duration = Duration::from_secs(2);

/// A stack on which batches run, one after the other.
#[derive(Debug)]
pub(crate) struct TestStack<'a> {
    shop: Shop,
    /// What its histories met.
    tally: &'a Tally,
    histories: AtomicU64,
}

impl<'a> TestStack<'a> {
    pub(crate) async fn start(tally: &'a Tally) -> Self {
        // A busy machine must be no outage of the provider, and no payment must come again while it is being made:
        // the model would have to allow for both.
        let parameters = vec![
            ("PaymentTimeoutMs", "2000".to_owned()),
            ("PaymentVisibilitySeconds", "4".to_owned()),
            ("PaymentMaxAgeSeconds", MAX_AGE_SECONDS.to_string()),
        ];
        let shop = Shop::start_with(Options { parameters, ..Options::default() }).await;
        Self { shop, tally, histories: AtomicU64::new(0) }
    }

    /// Runs histories at once, and returns for each what was wrong with it.
    pub(crate) async fn run(
        &self,
        histories: &[History],
        plan: &Plan,
        chance: u64,
    ) -> Vec<Result<(), String>> {
        let actor = |history| {
            let number = self.histories.fetch_add(1, Ordering::Relaxed);
            Actor::new(&self.shop, history, format!("h{number}"), plan.calm())
        };
        let actors: Vec<_> = histories.iter().map(actor).collect();
        self.stock(&actors).await;
        self.shop.set_faults(&plan.to_json(chance)).await;
        let acts = join_all(actors.iter().map(Actor::run));
        let everything = async {
            let (traces, ()) = tokio::join!(acts, self.crash(plan));
            (traces, self.quiet().await)
        };
        let (traces, quiet) = tokio::select! {
            met = everything => met,
            never = self.disturb_provider(plan) => match never {},
        };
        self.behave(&CALM_PROVIDER).await;
        for (actor, trace) in actors.iter().zip(&traces) {
            trace.iter().for_each(|trace| self.tally.responses(trace));
            self.tally.add(UNAVAILABLE, actor.unavailable.load(Ordering::Relaxed));
        }
        let struck = self.shop.faults().await;
        let struck = struck.iter().filter_map(|rule| rule["struck"].as_u64()).sum();
        self.tally.add(STRUCK, struck);
        self.shop.clear_faults().await;
        let deadline = Instant::now() + IN_ORDER_WITHIN;
        loop {
            let snapshot = self.shop.snapshot().await;
            let checked: Vec<_> = actors
                .iter()
                .zip(&traces)
                .map(|(actor, trace)| quiet.clone().and(check(actor, trace, plan, &snapshot)))
                .collect();
            if checked.iter().all(Result::is_ok) || Instant::now() >= deadline {
                return checked;
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Takes the ends of all orders so far into the tally.
    pub(crate) async fn close(&self) {
        self.tally.ends(&self.shop.snapshot().await);
        self.tally.provider(&self.provider().get("/_simulator/ledger").response().await.json());
    }

    /// Puts the products of these histories into the catalogue.
    async fn stock(&self, actors: &[Actor<'_>]) {
        let products = actors.iter().flat_map(|actor| {
            STOCK.iter().zip(PRICES).enumerate().map(|(number, (available, price))| {
                json!({"product_id": actor.product(number), "name": "Thing", "description": "A thing.",
                    "category": "things", "image": "data:,", "available": available,
                    "price": {"amount": price, "currency": "USD"}})
            })
        });
        let products = json!(products.collect::<Vec<_>>()).to_string();
        let table = self.shop.table("CatalogTable");
        local_dynamo::seed(&self.shop.aws.dynamodb(), &table, &products).await.unwrap();
    }

    /// Kills a process of each function that the plan names, as soon as there is one.
    async fn crash(&self, plan: &Plan) {
        for function in &plan.crashes {
            let deadline = Instant::now() + VICTIM_WITHIN;
            while Instant::now() < deadline {
                tokio::time::sleep(POLL).await;
                let processes = children(self.shop.process_id());
                if let Some((id, _)) = processes.iter().find(|(_, name)| name == function) {
                    kill_nine(*id);
                    self.tally.add(KILLED, 1);
                    break;
                }
            }
        }
    }

    /// Has the provider behave as the plan says, until the batch is over.
    async fn disturb_provider(&self, plan: &Plan) -> Infallible {
        let begun = Instant::now();
        while !plan.provider.is_empty() {
            self.behave(&plan.behaviour(begun.elapsed() < PROVIDER_AWAY)).await;
            tokio::time::sleep(FORGETS_EVERY).await;
        }
        std::future::pending().await
    }

    async fn behave(&self, behaviour: &Value) {
        let request = self.provider().request("PUT", "/_simulator/behaviour").body(behaviour.to_string());
        assert_eq!(request.response().await.status, 200);
    }

    fn provider(&self) -> Client {
        Client::new(self.shop.ready["payment_provider"].as_str().unwrap())
    }

    /// Waits until no payment and no refund is due.
    async fn quiet(&self) -> Result<(), String> {
        let deadline = Instant::now() + QUIET_WITHIN;
        loop {
            let due = self.shop.aws.dynamodb().scan().table_name(self.shop.table("OrdersTable"));
            let due = due.index_name("due").send().await.map_err(|error| format!("{error:?}"))?;
            if due.items().is_empty() {
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(format!("within {QUIET_WITHIN:?} not all ended: {:?}", due.items()));
            }
            tokio::time::sleep(POLL).await;
        }
    }
}

fn check(
    actor: &Actor<'_>,
    trace: &Result<Vec<Event>, String>,
    plan: &Plan,
    snapshot: &TableSnapshot,
) -> Result<(), String> {
    let trace = trace.as_ref().map_err(String::clone)?;
    let model = Model::of(trace, plan, actor.undisturbed())?;
    model.check_responses(|number| actor.product(number))?;
    model.check_end(snapshot, |number| actor.product(number))?;
    match snapshot.charges_without_order().as_slice() {
        [] => Ok(()),
        strays => Err(format!("charges of what is no order: {strays:?}")),
    }
}
