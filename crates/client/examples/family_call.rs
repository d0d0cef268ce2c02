//! Calls operations of one family, one to one, with its own types: what the portable API leaves out.
//!
//! Start a sandbox with `cargo run -- dev`, then, in the same directory:
//!
//! ```text
//! cargo run -p kabao-client --example family_call
//! ```

#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

#[path = "support/dev.rs"]
mod dev;

use dev::{CARD_ID, CODE};
use kabao_client::merchant::user_cards::{BalanceChange, GetUserCard, UpdateUserCard};

#[tokio::main]
async fn main() -> dev::Result<()> {
    let shop = dev::merchant()?;

    let card = shop
        .call(&shop.context(), GetUserCard::new(CARD_ID, CODE))
        .await?;
    println!(
        "before: balance {:?}, {:?}",
        card.balance, card.user_card_status
    );

    let balance = card.balance.unwrap_or_default();
    let update = UpdateUserCard {
        level: Some("铂金会员".to_owned()),
        balance_information: Some(BalanceChange {
            before_balance: Some(balance),
            balance: Some(balance + 100),
            add_balance: Some(100),
            ..BalanceChange::default()
        }),
        ..UpdateUserCard::new(CARD_ID, CODE, dev::new_id(&shop)?.into_string())
    };
    shop.call(&shop.context(), update).await?;

    let card = shop
        .call(&shop.context(), GetUserCard::new(CARD_ID, CODE))
        .await?;
    println!("after: balance {:?}, level {:?}", card.balance, card.level);
    Ok(())
}
