//! Makes a template, and activates the card that a user takes of it.
//!
//! Start a sandbox with `cargo run -- dev`, then, in the same directory:
//!
//! ```text
//! cargo run -p kabao-client --example create_and_activate
//! ```

#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

#[path = "support/dev.rs"]
mod dev;

use kabao_client::merchant::cards::CreateCard;
use kabao_client::merchant::{CodeMode, CodeType};
use kabao_client::{
    ActivateMember, CreateTemplate, MemberApi, NewTemplate, TemplateApi, UpstreamNewTemplate,
    Validity,
};
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> dev::Result<()> {
    let shop = dev::merchant()?;

    // Portable fields, and in `upstream` what only this family wants to know.
    let card = CreateCard {
        code_type: Some(CodeType::Qrcode),
        code_mode: Some(CodeMode::SystemAllocate),
        ..CreateCard::default()
    };
    let picture = Some("https://wxpaylogo.qpic.cn/wxpaylogo/Zq4mC7vKpL2sT9/0".to_owned());
    let template = NewTemplate {
        title: Some("山间茶卡".to_owned()),
        description: Some("出示会员卡可累积积分".to_owned()),
        logo_url: picture.clone(),
        background_picture_url: picture,
        brand_id: Some("20488".to_owned()),
        brand_name: Some("山间茶铺".to_owned()),
        appid: Some("wx3f1c9a7e5b2d8046".to_owned()),
        validity: Some(Validity::Permanent),
        total_stock: Some(100),
        upstream: Some(UpstreamNewTemplate::Merchant(Box::new(card))),
        ..NewTemplate::default()
    };
    let create =
        CreateTemplate::new(shop.account().clone(), template).with_request_id(dev::new_id(&shop)?);
    let template = shop.create_template(&shop.context(), create).await?;
    println!("made: {:?}, {:?}", template.title, template.state);

    // WeChat's staff approves it, and a user takes the card.
    let card_id = template.name.id().as_str();
    let account = shop.account().as_str();
    let approve = json!({ "account": account, "card_id": card_id });
    dev::order("/templates/approve", &approve)?;
    let claim = json!({
        "account": account,
        "card_id": card_id,
        "openid": "oTeaDrinker",
        "activated": false,
    });
    let claimed = dev::order("/cards/claim", &claim)?;
    let code = claimed.pointer("/member/code").and_then(Value::as_str);

    let code = code.ok_or("a claimed card has a code")?;
    let activate = ActivateMember::new(shop.member(card_id, code)?);
    let member = shop.activate_member(&shop.context(), activate).await?;
    println!("activated: {:?}", member.state);
    Ok(())
}
