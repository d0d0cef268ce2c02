//! What only official accounts have besides their operations: signatures for pages, and the
//! credentials that the account holds.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use kabao_models::official_account::{CardType, TicketType};
use kabao_models::{Personal, Secret};

use crate::setters::setters;
use crate::{CallContext, Error};

/// Signs what a page passes to `wx.addCard` and `wx.chooseCard`, with a ticket that never leaves.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait CardSigner: Send + Sync {
    /// Returns one finished entry of `cardList` of `wx.addCard`, good for one tap.
    ///
    /// # Errors
    ///
    /// [`Reason::FieldInvalid`](crate::Reason::FieldInvalid) for what no card can be; otherwise why
    /// there is no ticket.
    async fn sign_add_card(
        &self,
        context: &CallContext,
        card: AddCard,
    ) -> Result<SignedAddCard, Error>;

    /// Returns the finished arguments of `wx.chooseCard`, good for one tap.
    ///
    /// # Errors
    ///
    /// Those of [`CardSigner::sign_add_card`].
    async fn sign_choose_card(
        &self,
        context: &CallContext,
        choice: ChooseCard,
    ) -> Result<SignedChooseCard, Error>;
}

/// Hands out the credentials that an account holds, for operators who said that it may.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait HeldCredentials: Send + Sync {
    /// Returns the access token that the account's own calls use.
    ///
    /// # Errors
    ///
    /// Why there is none.
    async fn access_token(&self, context: &CallContext) -> Result<HeldCredential, Error>;

    /// Returns the ticket of a kind.
    ///
    /// # Errors
    ///
    /// Why there is none.
    async fn ticket(
        &self,
        context: &CallContext,
        kind: TicketType,
    ) -> Result<HeldCredential, Error>;
}

/// A credential and how long it is still good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldCredential {
    /// The value; `Debug` does not show it.
    pub value: Secret,
    /// What is left of its life.
    pub valid_for: Duration,
}

/// One entry of `cardList` of `wx.addCard`.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AddCard {
    /// The card.
    pub card_id: String,
    /// The code that the user gets, for cards with own codes that were not deposited.
    pub code: Option<Personal>,
    /// The only user who may take the card, for cards that are bound to openids.
    pub openid: Option<Personal>,
    /// When the validity starts, in Unix seconds. Not signed.
    pub fixed_begintimestamp: Option<i64>,
    /// A mark of the channel. Not signed.
    pub outer_str: Option<String>,
    /// The older mark of the channel. Not signed.
    pub outer_id: Option<i64>,
}

impl AddCard {
    /// Offers this card.
    pub fn new(card_id: impl Into<String>) -> Self {
        Self {
            card_id: card_id.into(),
            ..Self::default()
        }
    }
}

setters!(AddCard:
    with_code(code: impl Into<Personal>) = Some(code.into());
    with_openid(openid: impl Into<Personal>) = Some(openid.into());
    with_fixed_begintimestamp(fixed_begintimestamp: i64) = Some(fixed_begintimestamp);
    with_outer_str(outer_str: impl Into<String>) = Some(outer_str.into());
    with_outer_id(outer_id: i64) = Some(outer_id);
);

impl fmt::Debug for AddCard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AddCard")
            .field("card_id", &self.card_id)
            .finish_non_exhaustive()
    }
}

/// A finished entry of `cardList`.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedAddCard {
    /// `cardId`.
    pub card_id: String,
    /// `cardExt`, a JSON text.
    pub card_ext: String,
}

impl fmt::Debug for SignedAddCard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedAddCard")
            .field("card_id", &self.card_id)
            .finish_non_exhaustive()
    }
}

/// Which cards `wx.chooseCard` shows; what is left out does not narrow the choice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChooseCard {
    /// The store.
    pub shop_id: Option<String>,
    /// The type of the cards.
    pub card_type: Option<CardType>,
    /// The card.
    pub card_id: Option<String>,
}

impl ChooseCard {
    /// Leaves the choice as wide as it can be.
    pub fn new() -> Self {
        Self::default()
    }
}

setters!(ChooseCard:
    with_shop_id(shop_id: impl Into<String>) = Some(shop_id.into());
    with_card_type(card_type: CardType) = Some(card_type);
    with_card_id(card_id: impl Into<String>) = Some(card_id.into());
);

/// The finished arguments of `wx.chooseCard`; empty texts do not narrow the choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedChooseCard {
    /// `shopId`.
    pub shop_id: String,
    /// `cardType`.
    pub card_type: String,
    /// `cardId`.
    pub card_id: String,
    /// `timestamp`.
    pub timestamp: String,
    /// `nonceStr`.
    pub nonce_str: String,
    /// `cardSign`; `signType` is `SHA1`.
    pub card_sign: String,
}
