//! `GET /orders/{id}`: an order as it stands now.

use lambda_kit::{aws::Aws, http, logging};
use orders::{Orders, get_order};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    logging::init()?;
    let orders = &Orders::from_env(&Aws::from_env()?)?;
    http::serve(|request| get_order(orders, request)).await
}
