//! Reads a member of a merchant account, changes the level and the balance, and reads it again.
//!
//! Start a sandbox with `cargo run -- dev`, then, in the same directory:
//!
//! ```text
//! cargo run -p kabao-client --example merchant_member
//! ```

#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

#[path = "support/sandbox_files.rs"]
mod sandbox_files;

use std::time::{SystemTime, UNIX_EPOCH};

use kabao_api::{CallContext, GetMember, MemberApi, MemberUpdate, UpdateMember};
use kabao_client::Client;
use kabao_models::merchant::user_cards::{BalanceChange, UpdateUserCard};
use sandbox_files::SandboxFiles;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let files = SandboxFiles::open("demo-merchant")?;
    let merchant = Client::merchant("demo-merchant")
        .base_url(files.text("base_url")?)
        .root_certificates(files.ca()?)
        .credential(files.credential()?)
        .build()?;
    let context = CallContext::new("demo-merchant".parse()?, "example-1".parse()?);
    let name: kabao_api::MemberName =
        "accounts/demo-merchant/templates/pbLatjvWOibDc5-TBnbUk1pD12o0/members/478515832665"
            .parse()?;

    // The portable API: the same calls for every family.
    let get = GetMember::new(name.clone());
    let before = merchant.get_member(&context, get.clone()).await?;
    println!(
        "before: level {:?}, balance {:?}, {:?}",
        before.level, before.balance, before.state
    );

    let update = MemberUpdate {
        level: Some("黄金会员".to_owned()),
        ..MemberUpdate::default()
    };
    let request = UpdateMember::new(name, update);
    let after = merchant.update_member(&context, request).await?;
    println!("after the portable update: level {:?}", after.level);

    // The family's own operation, one to one: what the portable API leaves out.
    let number = format!("example{}", now()?);
    let mut change = UpdateUserCard::new("pbLatjvWOibDc5-TBnbUk1pD12o0", "478515832665", number);
    let balance = before.balance.unwrap_or_default();
    change.balance_information = Some(BalanceChange {
        before_balance: Some(balance),
        balance: Some(balance + 100),
        add_balance: Some(100),
        ..BalanceChange::default()
    });
    merchant.call(&context, change).await?;
    let after = merchant.get_member(&context, get).await?;
    println!("after the family's own update: balance {:?}", after.balance);
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "an example may look at the clock"
)]
fn now() -> Result<u128, std::time::SystemTimeError> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())
}
