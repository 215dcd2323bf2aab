//! `GET /health`: whether the shop and what it depends on answer.

use health::{Dependencies, health};
use lambda_kit::{aws::Aws, http, logging};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    logging::init()?;
    let dependencies = &Dependencies::from_env(&Aws::from_env()?)?;
    http::serve(|request| health(dependencies, request)).await
}
