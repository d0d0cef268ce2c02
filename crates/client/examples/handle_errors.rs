//! Tells what failed and why, and repeats what may or may not have happened.
//!
//! Start a sandbox with `cargo run -- dev`, then, in the same directory:
//!
//! ```text
//! cargo run -p kabao-client --example handle_errors
//! ```

#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

#[path = "support/dev.rs"]
mod dev;

use dev::{CARD_ID, CODE};
use kabao_client::{
    AdjustMember, Change, GetMember, MemberApi, MemberUpdate, Reason, UpdateMember,
};
use serde_json::json;

#[tokio::main]
async fn main() -> dev::Result<()> {
    let shop = dev::merchant()?;

    // A refusal: the reason for the program, WeChat's own words for people.
    let stranger = GetMember::new(shop.member(CARD_ID, "000000000000")?);
    if let Err(error) = shop.get_member(&shop.context(), stranger).await {
        println!("{}: {error}", error.reason());
    }

    // Something is wrong with the request: every fault at once, and nothing was sent.
    let name = shop.member(CARD_ID, CODE)?;
    let update = MemberUpdate::new()
        .with_level("a level of many words")
        .with_membership_number("号");
    let wrong = UpdateMember::new(name.clone(), update);
    if let Err(error) = shop.update_member(&shop.context(), wrong).await {
        for violation in error.violations() {
            println!("{}: {violation}", error.reason());
        }
    }

    // The write arrives and no answer comes back, however often the client tries.
    let lost = json!({
        "operation": "merchant.user_cards.update",
        "fault": { "kind": "drop_connection", "applied": true },
        "times": 3,
    });
    dev::order("/faults", &lost)?;
    let add = AdjustMember::new(name, Change::Add(500)).with_request_id(dev::new_id(&shop)?);
    let Err(error) = shop.adjust_balance(&shop.context(), add.clone()).await else {
        return Err("a lost answer is no success".into());
    };
    println!("{}: {error}", error.reason());

    // Nobody knows whether the money is there. The id of the change makes it safe to ask again.
    match shop.adjust_balance(&shop.context(), add).await {
        Ok(done) => println!("it is there only now: {}", done.after),
        Err(error) if error.reason() == Reason::RequestNumberUsed => {
            println!("it was there already, {}: {error}", error.reason());
        }
        Err(error) => println!("still open, {}: {error}", error.reason()),
    }
    Ok(())
}
