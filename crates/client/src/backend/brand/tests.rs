mod mocked;
pub(crate) mod portable;

use std::sync::Arc;

use kabao_api::{
    DeleteTemplate, GetMember, GetTemplate, MemberApi, MemberName, MemberState, MemberUpdate,
    Reason, TemplateApi, TemplateState, TemplateUpdate, UpdateMember, UpdateTemplate, View,
};

use super::*;
use crate::client::Client;
use crate::pipeline::Pipeline;
use crate::testing::{
    Sent, answering, brand, context, direct_brand, key, scripted, signed, signed_for_brand,
};
use crate::transport::Transport;

const MEMBER: &str = "accounts/demo/templates/pbLatjvWOibDc5-TBnbUk1pD12o0/members/478515832665";
const OPENID: &str = "obLatjnx9gnqzS4myYGmLZ7LgLBA";
const CARD: &str = r#"{"user_card_code":"478515832665","card_id":"pbLatjvWOibDc5-TBnbUk1pD12o0","openid":"obLatjnx9gnqzS4myYGmLZ7LgLBA",
"brand_id":"1004","level":"黄金会员","user_card_state":"EFFECTIVE"}"#;
const TEMPLATE: &str = r#"{"card_id":"pbLatjvWOibDc5-TBnbUk1pD12o0","brand_id":"1004","card_title":"茶港会员卡","state":"CARD_INVALID"}"#;

fn client(transport: Arc<dyn Transport>) -> Client {
    client_of("1004", brand(transport))
}

/// A brand that calls directly.
fn direct(transport: Arc<dyn Transport>) -> Client {
    client_of("1077", direct_brand(transport))
}

fn client_of(brand_id: &'static str, pipeline: Pipeline) -> Client {
    Client::compose(pipeline, &(), |ground| {
        Brand::new(ground, brand_id.to_owned())
    })
}

fn name() -> MemberName {
    MEMBER.parse().unwrap()
}

fn get(openid: Option<&str>) -> GetMember {
    let mut request = GetMember::new(name()).with_view(View::Full);
    request.openid = openid.map(Into::into);
    request
}

fn change(update: MemberUpdate, openid: Option<&str>) -> UpdateMember {
    let mut request = UpdateMember::new(name(), update);
    request.openid = openid.map(Into::into);
    request
}

fn targets(sent: &Sent) -> Vec<String> {
    sent.lock()
        .unwrap()
        .iter()
        .map(|request| request.target.clone())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_member_is_named_by_template_code_and_openid() {
    let (transport, sent) = scripted([Ok(signed(200, CARD))]);
    let client = client(transport);
    let member = client
        .get_member(&context(), get(Some(OPENID)))
        .await
        .unwrap();
    assert_eq!(
        (member.state, member.level.as_deref()),
        (MemberState::Active, Some("黄金会员"))
    );
    assert!(member.upstream.is_some());
    let target = "/v3/brand/partner/card-member/user-cards/478515832665?brand_id=1004&card_id=pbLatjvWOibDc5-TBnbUk1pD12o0&openid=obLatjnx9gnqzS4myYGmLZ7LgLBA";
    assert_eq!(targets(&sent), [target]);

    let level = MemberUpdate {
        level: Some("金".to_owned()),
        ..MemberUpdate::default()
    };
    for openid in [None, Some("")] {
        let error = client
            .get_member(&context(), get(openid))
            .await
            .unwrap_err();
        assert_eq!(
            (error.reason(), error.violations()[0].field.as_str()),
            (Reason::FieldInvalid, "openid")
        );
        let error = client
            .update_member(&context(), change(level.clone(), openid))
            .await
            .unwrap_err();
        assert_eq!(error.violations()[0].field, "openid");
    }
    assert_eq!(targets(&sent).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_update_answers_with_the_member() {
    let (transport, sent) = scripted([Ok(signed(200, CARD))]);
    let update = MemberUpdate {
        level: Some("黄金会员".to_owned()),
        background_picture_url: Some("https://wxpaylogo.qpic.cn/0".to_owned()),
        ..MemberUpdate::default()
    };
    client(transport)
        .update_member(&context(), change(update, Some(OPENID)))
        .await
        .unwrap();
    let body: serde_json::Value = serde_json::from_slice(&sent.lock().unwrap()[0].body).unwrap();
    let expected = serde_json::json!({
        "brand_id": "1004", "card_id": "pbLatjvWOibDc5-TBnbUk1pD12o0", "openid": OPENID,
        "level": "黄金会员", "card_picture_url": "https://wxpaylogo.qpic.cn/0",
    });
    assert_eq!(body, expected);
}

#[tokio::test(start_paused = true)]
async fn an_answer_about_another_member_is_discarded() {
    for (from, to) in [
        ("478515832665", "478515832666"),
        ("obLatjnx", "obLatjny"),
        ("pbLat", "pcLat"),
    ] {
        let body = CARD.replace(from, to);
        let (transport, _) = answering(move |_| Ok(signed(200, &body)));
        let client = client(transport);
        let error = client
            .get_member(&context(), get(Some(OPENID)))
            .await
            .unwrap_err();
        assert_eq!(
            (error.reason(), error.may_have_executed()),
            (Reason::UpstreamUnverified, false)
        );
        let level = MemberUpdate {
            level: Some("金".to_owned()),
            ..MemberUpdate::default()
        };
        let error = client
            .update_member(&context(), change(level, Some(OPENID)))
            .await
            .unwrap_err();
        assert!(error.may_have_executed());
    }
}

#[tokio::test]
async fn fields_of_other_families_are_refused_by_name() {
    let (transport, _) = scripted([]);
    let client = client(transport);
    let update = MemberUpdate {
        membership_number: Some("1".into()),
        points: Some(1),
        ..MemberUpdate::default()
    };
    let error = client
        .update_member(&context(), change(update, Some(OPENID)))
        .await
        .unwrap_err();
    assert_eq!(error.reason(), Reason::NotSupportedByFamily);
    assert_eq!(error.violations().len(), 2);

    let name = name().template().clone();
    let long = TemplateUpdate {
        title: Some("一二三四五六七八九十一".to_owned()),
        ..TemplateUpdate::default()
    };
    let request = UpdateTemplate::new(name, long);
    let error = client
        .update_template(&context(), request)
        .await
        .unwrap_err();
    assert_eq!(error.violations()[0].field, "title");
    assert!(
        error.message().starts_with("title has 11 characters"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn deleting_a_template_invalidates_it() {
    let (transport, sent) = scripted([Ok(signed(200, TEMPLATE)), Ok(signed(200, TEMPLATE))]);
    let client = client(transport);
    let name = name().template().clone();
    client
        .delete_template(&context(), DeleteTemplate::new(name.clone()))
        .await
        .unwrap();
    assert_eq!(
        targets(&sent),
        ["/v3/brand/partner/card-member/cards/pbLatjvWOibDc5-TBnbUk1pD12o0/invalidate"]
    );
    let template = client
        .get_template(&context(), GetTemplate::new(name))
        .await
        .unwrap();
    assert_eq!(
        (template.state, template.title.as_deref()),
        (TemplateState::Deleted, Some("茶港会员卡"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_brand_that_calls_directly_uses_its_own_paths_scheme_and_keys() {
    let (transport, sent) =
        answering(move |_| Ok(signed_for_brand(200, &CARD.replace("1004", "1077"))));
    direct(transport)
        .get_member(&context(), get(Some(OPENID)))
        .await
        .unwrap();
    let sent = sent.lock().unwrap();
    assert!(
        sent[0]
            .target
            .starts_with("/brand/card-member/user-cards/478515832665?card_id="),
        "{}",
        sent[0].target
    );
    let authorization = sent[0].headers["authorization"].to_str().unwrap();
    assert!(
        authorization.starts_with("WECHATPAY-BRAND-SHA256-RSA2048 brand_id=\"1077\""),
        "{authorization}"
    );
    let id = key("brand_wechatpay_public_key", "id");
    assert_eq!(sent[0].headers["wechatpay-serial"], id);
}
