//! Reads a template and a member of a brand, changes the title, and shows what a refusal looks like.
//!
//! Start a sandbox with `cargo run -- dev`, then, in the same directory:
//!
//! ```text
//! cargo run -p kabao-client --example brand_template
//! ```

#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

#[path = "support/sandbox_files.rs"]
mod sandbox_files;

use kabao_api::{
    CallContext, GetMember, GetTemplate, MemberApi, MemberName, TemplateApi, TemplateUpdate,
    UpdateTemplate,
};
use kabao_client::Client;
use sandbox_files::SandboxFiles;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let files = SandboxFiles::open("demo-brand")?;
    let brand = Client::brand("demo-brand")
        .base_url(files.text("base_url")?)
        .root_certificates(files.ca()?)
        .brand_id(files.text("brand_id")?)
        .provider(files.credential()?)
        .build()?;
    let context = CallContext::new("demo-brand".parse()?, "example-1".parse()?);
    let member: MemberName =
        "accounts/demo-brand/templates/pbLatjvWOibDc5-TBnbUk1pD12o0/members/478515832665"
            .parse()?;
    let template = member.template().clone();

    let get = GetTemplate::new(template.clone());
    println!(
        "title before: {:?}",
        brand.get_template(&context, get).await?.title
    );
    let update = TemplateUpdate {
        title: Some("茶港金卡".to_owned()),
        ..TemplateUpdate::default()
    };
    let request = UpdateTemplate::new(template, update);
    println!(
        "title after: {:?}",
        brand.update_template(&context, request).await?.title
    );

    // This family names a member by template, code and openid together.
    let get = GetMember::new(member);
    if let Err(error) = brand.get_member(&context, get.clone()).await {
        println!("without openid: {} ({error})", error.reason());
    }
    let get = get.with_openid("obLatjnx9gnqzS4myYGmLZ7LgLBA");
    let member = brand.get_member(&context, get).await?;
    println!("with openid: level {:?}, {:?}", member.level, member.state);
    Ok(())
}
