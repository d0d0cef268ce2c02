//! Makes a client from key files, reads a member and changes the level.
//!
//! Start a sandbox with `cargo run -- dev`, then, in the same directory:
//!
//! ```text
//! cargo run -p kabao-client --example first_lines
//! ```

#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

#[path = "support/dev.rs"]
mod dev;

use dev::{CARD_ID, CODE, Files};
use kabao_client::{
    Client, GetMember, MemberApi, MemberUpdate, PayCredential, UpdateMember, WeChatPayKey,
};

#[tokio::main]
async fn main() -> dev::Result<()> {
    let files = Files::of("demo-merchant")?;
    let key = WeChatPayKey::from_file(files.text("public_key_id")?, files.path("pub_key.pem"))?;
    let (private_key, certificate) = ("apiclient_key.pem", "apiclient_cert.pem");
    let credential = PayCredential::from_files(
        files.text("mchid")?,
        files.path(private_key),
        files.path(certificate),
    )?;
    // WeChat needs neither of the last two: the sandbox is elsewhere, and so is its authority.
    let shop = Client::merchant("demo-merchant")
        .credential(credential.with_wechat_pay_key(key))
        .base_url(files.text("base_url")?)
        .root_certificates(files.ca()?)
        .build()?;

    let name = shop.member(CARD_ID, CODE)?;
    let get = GetMember::new(name.clone());
    let member = shop.get_member(&shop.context(), get).await?;
    println!("before: level {:?}, {:?}", member.level, member.state);

    let update = UpdateMember::new(name, MemberUpdate::new().with_level("黄金会员"));
    match shop.update_member(&shop.context(), update).await {
        Ok(member) => println!("after: level {:?}", member.level),
        Err(error) if error.may_have_executed() => println!("read before you repeat: {error}"),
        Err(error) => println!("not done, {}: {error}", error.reason()),
    }
    Ok(())
}
