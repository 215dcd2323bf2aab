//! The transaction items that change the stock. No other write changes `available`.

use aws_sdk_dynamodb::types::{
    AttributeValue, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update, builders::UpdateBuilder,
};
use domain_primitives::Money;
use lambda_kit::{Error, transaction};

use crate::{
    ids::{ProductId, Quantity},
    item::{self, Item, OFFER, OfferRecord},
    product::OfferedProduct,
    store::Catalog,
};

/// Why a reservation's condition failed.
#[derive(Clone, Debug, PartialEq)]
pub enum ReservationFailure {
    /// The catalogue has no such offer, or no longer.
    UnknownProduct,
    /// Fewer pieces are available than requested.
    OutOfStock {
        /// The pieces that were available at that moment.
        available: u64,
    },
    /// The price has changed to this one.
    PriceChanged(Money),
}

impl Catalog {
    /// Takes `quantity` pieces from the offer, on the condition that enough are available and that the price is still the
    /// one in `offered`. A failed condition returns the offer: read it with [`Catalog::reservation_failure`].
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
        transaction::update_item(update)
    }

    /// Returns `quantity` pieces to the stock. The condition fails when the product is no longer in the catalogue.
    ///
    /// # Errors
    /// Never in practice: the SDK's builder checks that every required member is set.
    pub fn release(&self, product_id: &ProductId, quantity: Quantity) -> Result<TransactWriteItem, Error> {
        let update = self
            .offer_update(product_id, quantity)
            .update_expression("SET available = available + :quantity")
            .condition_expression("attribute_exists(product_id)");
        transaction::update_item(update)
    }

    /// Why a [`Catalog::reserve`] failed, by the offer that its failed condition returned.
    ///
    /// # Errors
    /// When the offer cannot be read.
    pub fn reservation_failure(offer: Option<Item>, quantity: Quantity) -> Result<ReservationFailure, Error> {
        let Some(offer) = offer.filter(|item| !item.is_empty()) else {
            return Ok(ReservationFailure::UnknownProduct);
        };
        let offer: OfferRecord = item::read("an offer", offer)?;
        // A shortage is final whatever the price is; after a mere change of price, the order can be retried.
        if offer.available < u64::from(quantity.get()) {
            Ok(ReservationFailure::OutOfStock { available: offer.available })
        } else {
            offer.money().map(ReservationFailure::PriceChanged)
        }
    }

    fn offer_update(&self, product_id: &ProductId, quantity: Quantity) -> UpdateBuilder {
        Update::builder()
            .table_name(&self.table)
            .set_key(Some(item::key(product_id, OFFER)))
            .expression_attribute_values(":quantity", AttributeValue::N(quantity.get().to_string()))
    }
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
    fn a_shortage_and_a_changed_price_are_told_apart() {
        let price: Money = serde_json::from_str(r#"{"amount":900,"currency":"USD"}"#).unwrap();
        assert_eq!(
            Catalog::reservation_failure(offer(900, 1), quantity(2)).unwrap(),
            ReservationFailure::OutOfStock { available: 1 }
        );
        assert_eq!(
            Catalog::reservation_failure(offer(900, 2), quantity(2)).unwrap(),
            ReservationFailure::PriceChanged(price)
        );
        assert_eq!(
            Catalog::reservation_failure(None, quantity(1)).unwrap(),
            ReservationFailure::UnknownProduct
        );
    }
}
