//! Reads a member of an official account, sets the points, and reads it again.
//!
//! Start a sandbox with `cargo run -- dev`, then, in the same directory:
//!
//! ```text
//! cargo run -p kabao-client --example official_account_member
//! ```

#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

#[path = "support/sandbox_files.rs"]
mod sandbox_files;

use kabao_api::{CallContext, GetMember, MemberApi, MemberName, MemberUpdate, UpdateMember};
use kabao_client::Client;
use sandbox_files::SandboxFiles;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let files = SandboxFiles::open("demo-official-account")?;
    let account = Client::official_account("demo-official-account")
        .base_url(files.text("base_url")?)
        .root_certificates(files.ca()?)
        .appid(files.text("appid")?)
        .app_secret(files.text("app_secret")?)
        .build()?;
    let context = CallContext::new("demo-official-account".parse()?, "example-1".parse()?);
    let name: MemberName =
        "accounts/demo-official-account/templates/ph_gmt7cUVrlRk8swPwx7aDyF-pg/members/916679873278".parse()?;

    let get = GetMember::new(name.clone());
    let before = account.get_member(&context, get).await?;
    println!(
        "before: points {:?}, balance {:?}, {:?}",
        before.points, before.balance, before.state
    );

    let points = before.points.unwrap_or_default() + 10;
    let update = MemberUpdate {
        points: Some(points),
        ..MemberUpdate::default()
    };
    let request = UpdateMember::new(name, update);
    let after = account.update_member(&context, request).await?;
    println!("after: points {:?}", after.points);
    Ok(())
}
