//! Gives a member points and takes some away, never below a floor and never twice.
//!
//! Start a sandbox with `cargo run -- dev`, then, in the same directory:
//!
//! ```text
//! cargo run -p kabao-client --example spend_points
//! ```

#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

#[path = "support/dev.rs"]
mod dev;

use dev::{CARD_ID, CODE};
use kabao_client::{AdjustMember, Change, MemberApi};

#[tokio::main]
async fn main() -> dev::Result<()> {
    let shop = dev::merchant()?;
    let name = shop.member(CARD_ID, CODE)?;

    // The id of this one change, such as the number of an order: who repeats the call with it adds
    // nothing more, and hears that it was done before.
    let order = dev::new_id(&shop)?;
    let earn = AdjustMember::new(name.clone(), Change::Add(100)).with_request_id(order);
    let earned = shop.adjust_points(&shop.context(), earn.clone()).await?;
    println!("earned 100: {:?} to {}", earned.before, earned.after);
    if let Err(error) = shop.adjust_points(&shop.context(), earn).await {
        println!("the same once more: {} ({error})", error.reason());
    }

    let order = dev::new_id(&shop)?;
    let spend = AdjustMember::new(name.clone(), Change::Add(-30)).with_request_id(order);
    let spent = shop.adjust_points(&shop.context(), spend).await?;
    println!("spent 30: {:?} to {}", spent.before, spent.after);

    // The floor is 0 unless the call has another one. WeChat hears nothing of this.
    let spend = AdjustMember::new(name, Change::Add(-1_000_000));
    if let Err(error) = shop.adjust_points(&shop.context(), spend).await {
        println!("too much: {} ({error})", error.reason());
    }
    Ok(())
}
