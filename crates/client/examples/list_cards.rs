//! Lists all templates of an account, and all cards of one user.
//!
//! Start a sandbox with `cargo run -- dev`, then, in the same directory:
//!
//! ```text
//! cargo run -p kabao-client --example list_cards
//! ```

#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

#[path = "support/dev.rs"]
mod dev;

use std::sync::Arc;

use dev::OPENID;
use kabao_client::{ListMembers, ListTemplates, list_all_members, list_all_templates};

#[tokio::main]
async fn main() -> dev::Result<()> {
    let shop = dev::merchant()?;

    let list = ListTemplates::new(shop.account().clone());
    let mut templates = list_all_templates(Arc::new(shop.clone()), shop.context(), list);
    while let Some(template) = templates.try_next().await? {
        println!(
            "{}: {:?}, {:?}",
            template.name, template.title, template.state
        );
    }

    let list = ListMembers::new(shop.account().clone(), OPENID);
    let mut members = list_all_members(Arc::new(shop.clone()), shop.context(), list);
    while let Some(member) = members.try_next().await? {
        // A code is personal data: `Debug` hides it.
        println!("{:?}: level {:?}", member.name, member.level);
    }
    Ok(())
}
