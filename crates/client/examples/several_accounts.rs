//! Uses accounts of every family by the same code, and finds them by their names.
//!
//! Start a sandbox with `cargo run -- dev`, then, in the same directory:
//!
//! ```text
//! cargo run -p kabao-client --example several_accounts
//! ```

#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

#[path = "support/dev.rs"]
mod dev;

use dev::{CARD_ID, CODE, OPENID};
use kabao_client::{AccountApi, Accounts, GetMember, MemberApi};

#[tokio::main]
async fn main() -> dev::Result<()> {
    let (shop, brand, page) = (dev::merchant()?, dev::brand()?, dev::official_account()?);
    let rows = [
        (&shop, CARD_ID, CODE),
        (&brand, CARD_ID, CODE),
        (&page, "ph_gmt7cUVrlRk8swPwx7aDyF-pg", "916679873278"),
    ];
    for (client, card_id, code) in rows {
        // One cheap read proves the credentials.
        client.check(&client.context()).await?;
        // Only brands ask for the openid; the others do not mind it.
        let get = GetMember::new(client.member(card_id, code)?).with_openid(OPENID);
        let member = client.get_member(&client.context(), get).await?;
        let (family, level, points) = (client.family(), member.level, member.points);
        println!(
            "{}, {family}: level {level:?}, points {points:?}",
            client.account()
        );
    }

    // A program that learns from its callers which account they mean.
    let mut accounts = Accounts::new();
    for client in [shop, brand, page] {
        accounts.insert(client.into_account())?;
    }
    let found = accounts.get(&"demo-brand".parse()?)?;
    println!("{} is found: {}", found.id, found.family);
    if let Err(error) = accounts.get(&"nobody".parse()?) {
        println!("{}: {error}", error.reason());
    }
    Ok(())
}
