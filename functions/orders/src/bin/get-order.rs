//! `GET /orders/{id}`: an order as it stands now.

use orders::{Orders, get_order};
use shared::{aws::Aws, http, logging};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    logging::init()?;
    let orders = &Orders::from_env(&Aws::from_env()?)?;
    http::serve(|call| get_order(orders, call)).await
}
