//! `GET /orders/{id}`

use shared::{
    OrderId,
    http::{Answer, Call},
    problem::Problem,
};

use crate::store::Orders;

/// Answers an order as it stands now.
///
/// # Errors
/// 404 for an unknown order; 503 when the table cannot be read.
pub async fn get_order(orders: &Orders, call: Call) -> Result<Answer, Problem> {
    let id = call.path_parameter("id").unwrap_or_default();
    // A text that cannot be an id names no order.
    let Ok(order_id) = id.parse::<OrderId>() else {
        return Err(not_found());
    };
    let order = orders.get(order_id, call.deadline()).await?.ok_or_else(not_found)?;
    // Orders change behind the client's back: whoever polls must see each state.
    Ok(Answer::json(200, &order.view())?.header("cache-control", "no-store"))
}

fn not_found() -> Problem {
    Problem::new(404, "order-not-found", "There is no such order", "No order has this id.")
}
