//! Every event in events/ gets the response, and makes the calls to AWS, that it says under `expected`.

use e2e::{Backend, Calls, Need, Options, Shop, fixtures::one_by_one, needs};

#[tokio::test]
async fn every_event_gets_the_response_that_it_expects() {
    needs!(Invoke, Tables);
    let counted = Backend::current().lacks(Need::ControlPort).is_none();
    let shop = if counted { Shop::start_with(Options::unhurried()).await } else { Shop::start().await };
    let mut calls = Calls::of(&shop);
    one_by_one(&shop, async |fixture| {
        let name = &fixture.name;
        if counted {
            calls.take(0).await;
        }
        let response = shop.invoke(&fixture.function, &fixture.event).await;
        let error = response.header("x-amz-function-error");
        assert_eq!((response.status, error), (200, ""), "{name}: {response:?}");
        fixture.check(&response.json()).unwrap_or_else(|error| panic!("{name}: {error}"));
        for _ in 0..fixture.expected.dead_letters {
            shop.leaves_a_dead_letter().await;
        }
        if let (true, Some(expected)) = (counted, &fixture.expected.calls) {
            calls.are_made_by(&fixture.function, expected, name).await;
        }
    })
    .await;
    shop.settle().await;
}
