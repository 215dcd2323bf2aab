//! Every event in events/ is one that its function answers as its name says.

use e2e::{
    Shop,
    fixtures::{fixtures, one_by_one},
    functions, needs,
};

#[tokio::test]
async fn every_fixture_is_answered_as_its_name_says() {
    needs!(Invoke, Tables);
    let shop = Shop::start().await;
    let fixtures = fixtures();
    for function in functions() {
        let plain = fixtures.iter().any(|fixture| fixture.name() == function);
        assert!(plain, "events/{function}.json is missing");
    }
    one_by_one(&shop, async |fixture| {
        let name = fixture.name();
        let answer = shop.invoke(&fixture.function, &fixture.event).await;
        assert_eq!((answer.status, answer.header("x-amz-function-error")), (200, ""), "{name}: {answer:?}");
        fixture.check(&answer.json()).unwrap_or_else(|error| panic!("{name}: {error}"));
    })
    .await;
    shop.settle().await;
}
