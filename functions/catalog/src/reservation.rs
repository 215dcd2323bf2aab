//! The transaction items that move stock. They are the only writes that change `available`.

use crate::ids::{ProductId, Quantity};
use aws_sdk_dynamodb::types::{
    AttributeValue, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};
use domain_primitives::Money;
use lambda_kit::Error;

use crate::{
    item::{self, Item, OFFER, OfferItem},
    product::OfferedProduct,
    store::Catalog,
};

/// Why a reservation's condition failed.
#[derive(Clone, Debug, PartialEq)]
pub enum ReservationFailure {
    /// There is no such offer (any more).
    Unknown,
    /// Fewer pieces than asked for.
    Short {
        /// What could be ordered at that moment.
        available: u64,
    },
    /// The price is another than the one that was seen.
    Price(Money),
}

impl Catalog {
    /// Takes `quantity` pieces from the offer, if that many are there and the price still is the one in `offered`.
    /// A failed condition returns the offer: read it with [`Catalog::reservation_failure`].
    ///
    /// # Errors
    /// Never in practice: the SDK's builder checks that every required member is set.
    pub fn reserve(&self, offered: &OfferedProduct, quantity: Quantity) -> Result<TransactWriteItem, Error> {
        let update = self
            .offer_update(&offered.product_id, quantity)
            .update_expression("SET available = available - :quantity")
            .condition_expression("available >= :quantity AND price = :price AND currency = :currency")
            .expression_attribute_values(":price", AttributeValue::N(offered.price.amount().to_string()))
            .expression_attribute_values(
                ":currency",
                AttributeValue::S(offered.price.currency().as_str().to_owned()),
            )
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        build(update)
    }

    /// Gives `quantity` pieces back. Its condition fails when the product has left the catalogue; then there is no
    /// stock to give back to.
    ///
    /// # Errors
    /// Never in practice: the SDK's builder checks that every required member is set.
    pub fn release(&self, product_id: &ProductId, quantity: Quantity) -> Result<TransactWriteItem, Error> {
        let update = self
            .offer_update(product_id, quantity)
            .update_expression("SET available = available + :quantity")
            .condition_expression("attribute_exists(product_id)");
        build(update)
    }

    /// Tells from the offer that a failed [`Catalog::reserve`] returned why it failed.
    ///
    /// # Errors
    /// When the offer cannot be read.
    pub fn reservation_failure(offer: Option<Item>, quantity: Quantity) -> Result<ReservationFailure, Error> {
        let Some(offer) = offer.filter(|item| !item.is_empty()) else {
            return Ok(ReservationFailure::Unknown);
        };
        let offer: OfferItem = item::read("an offer", offer)?;
        // Too few pieces is the end whatever the price; a changed price alone can be tried again.
        if offer.available < u64::from(quantity.get()) {
            Ok(ReservationFailure::Short { available: offer.available })
        } else {
            offer.money().map(ReservationFailure::Price)
        }
    }

    fn offer_update(
        &self,
        product_id: &ProductId,
        quantity: Quantity,
    ) -> aws_sdk_dynamodb::types::builders::UpdateBuilder {
        Update::builder()
            .table_name(&self.table)
            .set_key(Some(item::key(product_id, OFFER)))
            .expression_attribute_values(":quantity", AttributeValue::N(quantity.get().to_string()))
    }
}

fn build(update: aws_sdk_dynamodb::types::builders::UpdateBuilder) -> Result<TransactWriteItem, Error> {
    let update = update.build().map_err(|error| Error::Internal(error.to_string()))?;
    Ok(TransactWriteItem::builder().update(update).build())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(price: u64, available: u64) -> Option<Item> {
        let json = serde_json::json!({"product_id": "lamp", "record": "offer", "price": price, "currency": "USD",
            "available": available});
        Some(item::write(json).unwrap())
    }

    fn quantity(pieces: i64) -> Quantity {
        Quantity::try_from(pieces).unwrap()
    }

    #[test]
    fn tells_shortage_from_a_changed_price() {
        let price: Money = serde_json::from_str(r#"{"amount":900,"currency":"USD"}"#).unwrap();
        assert_eq!(
            Catalog::reservation_failure(offer(900, 1), quantity(2)).unwrap(),
            ReservationFailure::Short { available: 1 }
        );
        assert_eq!(
            Catalog::reservation_failure(offer(900, 2), quantity(2)).unwrap(),
            ReservationFailure::Price(price)
        );
        assert_eq!(Catalog::reservation_failure(None, quantity(1)).unwrap(), ReservationFailure::Unknown);
    }
}
