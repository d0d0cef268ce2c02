//! Changes the title of a brand's template, and the level of a member of it.
//!
//! Start a sandbox with `cargo run -- dev`, then, in the same directory:
//!
//! ```text
//! cargo run -p kabao-client --example change_template
//! ```

#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

#[path = "support/dev.rs"]
mod dev;

use dev::{CARD_ID, CODE, OPENID};
use kabao_client::{
    GetTemplate, MemberApi, MemberUpdate, TemplateApi, TemplateUpdate, UpdateMember, UpdateTemplate,
};

#[tokio::main]
async fn main() -> dev::Result<()> {
    let brand = dev::brand()?;
    let name = brand.template(CARD_ID)?;

    let get = GetTemplate::new(name.clone());
    let before = brand.get_template(&brand.context(), get).await?;
    println!("title before: {:?}", before.title);

    let update = UpdateTemplate::new(name, TemplateUpdate::new().with_title("茶港金卡"));
    let after = brand.update_template(&brand.context(), update).await?;
    println!("title after: {:?}", after.title);

    // This family names a member by template, code and openid together.
    let name = brand.member(CARD_ID, CODE)?;
    let update = UpdateMember::new(name, MemberUpdate::new().with_level("Gold"));
    if let Err(error) = brand.update_member(&brand.context(), update.clone()).await {
        println!("without openid: {} ({error})", error.reason());
    }
    let update = update.with_openid(OPENID);
    let member = brand.update_member(&brand.context(), update).await?;
    println!("with openid: level {:?}", member.level);
    Ok(())
}
