//! The bill of a session: 100 visitors, one after the other, each lists products, looks at one, orders it, and looks at
//! the order until it is paid.

use e2e::{Options, Shop};

const VISITORS: usize = 100;

#[tokio::main]
async fn main() {
    let shop = Shop::start_with(Options::default()).await;
    for _ in 0..VISITORS {
        shop.http.get("/products").response().await;
        shop.http.get("/products/stoneware-mug").response().await;
        let id = shop.place(&[("stoneware-mug", 1)], "tok_visa").await;
        shop.settle_quietly(&id).await;
        shop.get_order(&id).await;
    }
    let bill = shop.control.get("/_local/bill.txt").response().await;
    println!("{}", String::from_utf8_lossy(&bill.body));
}
