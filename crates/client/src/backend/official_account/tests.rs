mod mocked;
mod page;
pub(crate) mod portable;

use kabao_api::{
    DeleteTemplate, GetMember, GetTemplate, MemberApi, MemberName, MemberState, MemberUpdate,
    Reason, TemplateApi, TemplateState, TemplateUpdate, UpdateMember, UpdateTemplate, View,
};

use super::*;
use crate::client::Client;
use crate::testing::{Sent, answering, context, official_account, unsigned};
use crate::transport::Transport;

const MEMBER: &str = "accounts/demo/templates/ph_gmt7cUVrlRk8swPwx7aDyF-pg/members/916679873278";
const OK: &str = r#"{"errcode":0,"errmsg":"ok","send_check":false}"#;
const INFO: &str = r#"{"errcode":0,"errmsg":"ok","openid":"obLatjm43RA5C6QfMO5szKYnT3dM","nickname":"林间","membership_number":"316510891298",
"bonus":250,"balance":3000,"user_card_status":"NORMAL","has_active":false}"#;
const CARD: &str = r#"{"errcode":0,"errmsg":"ok","card":{"card_type":"MEMBER_CARD","member_card":{"background_pic_url":"https://mmbiz.qlogo.cn/",
"base_info":{"id":"ph_gmt7cUVrlRk8swPwx7aDyF-pg","title":"茶港会员卡","brand_name":"茶港","status":"CARD_STATUS_VERIFY_OK",
"sku":{"quantity":99,"total_quantity":100},"date_info":{"type":"DATE_TYPE_PERMANENT"},"create_time":1772294400}}}}"#;

fn client() -> (Client, Sent) {
    let (transport, sent) = answering(|request| {
        let path = request.target.split('?').next().unwrap_or_default();
        Ok(unsigned(
            200,
            match path {
                "/cgi-bin/stable_token" => r#"{"access_token":"T1","expires_in":7200}"#,
                "/card/membercard/userinfo/get" => INFO,
                "/card/get" => CARD,
                _ => OK,
            },
        ))
    });
    (client_of(transport), sent)
}

/// An account that shows its tokens.
fn client_of(transport: Arc<dyn Transport>) -> Client {
    Client::compose(official_account(transport), &(), |ground| {
        OfficialAccount::new(ground, "wx0123456789abcdef".to_owned(), true)
    })
}

fn name() -> MemberName {
    MEMBER.parse().unwrap()
}

fn body(sent: &Sent, path: &str) -> serde_json::Value {
    let sent = sent.lock().unwrap();
    let request = sent
        .iter()
        .find(|request| request.target.starts_with(path))
        .unwrap();
    serde_json::from_slice(&request.body).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_member_that_is_not_activated_is_pending() {
    let (client, _) = client();
    let member = client
        .get_member(&context(), GetMember::new(name()).with_view(View::Full))
        .await
        .unwrap();
    assert_eq!(
        (member.state, member.points, member.balance),
        (MemberState::PendingActivation, Some(250), Some(3000))
    );
    assert!(member.upstream.is_some());
}

#[tokio::test(start_paused = true)]
async fn points_and_balance_are_set_to_absolute_values() {
    let (client, sent) = client();
    let update = MemberUpdate {
        points: Some(300),
        balance: Some(0),
        ..MemberUpdate::default()
    };
    let request = UpdateMember::new(name(), update);
    client.update_member(&context(), request).await.unwrap();
    let expected = serde_json::json!({
        "code": "916679873278", "card_id": "ph_gmt7cUVrlRk8swPwx7aDyF-pg", "bonus": 300, "balance": 0,
    });
    assert_eq!(
        body(&sent, "/card/membercard/updateuser?access_token=T1"),
        expected
    );

    let update = MemberUpdate {
        level: Some("金".to_owned()),
        ..MemberUpdate::default()
    };
    let request = UpdateMember::new(name(), update);
    let error = client.update_member(&context(), request).await.unwrap_err();
    assert_eq!(
        (error.reason(), error.violations()[0].field.as_str()),
        (Reason::NotSupportedByFamily, "level")
    );
}

#[tokio::test(start_paused = true)]
async fn a_template_is_read_changed_and_deleted() {
    let (client, sent) = client();
    let name = name().template().clone();
    let template = client
        .get_template(&context(), GetTemplate::new(name.clone()))
        .await
        .unwrap();
    assert_eq!(
        (template.state, template.title.as_deref()),
        (TemplateState::Active, Some("茶港会员卡"))
    );
    assert_eq!(template.appid.as_deref(), Some("wx0123456789abcdef"));
    assert_eq!(template.stock.and_then(|stock| stock.remaining), Some(99));

    let update = TemplateUpdate {
        description: Some("出示即可".to_owned()),
        ..TemplateUpdate::default()
    };
    let request = UpdateTemplate::new(name.clone(), update);
    client.update_template(&context(), request).await.unwrap();
    let expected = serde_json::json!({
        "card_id": "ph_gmt7cUVrlRk8swPwx7aDyF-pg", "member_card": {"base_info": {"description": "出示即可"}},
    });
    assert_eq!(body(&sent, "/card/update"), expected);

    // Nine characters of three bytes are the limit of titles in this family.
    let update = TemplateUpdate {
        title: Some("一二三四五六七八九十".to_owned()),
        ..TemplateUpdate::default()
    };
    let request = UpdateTemplate::new(name.clone(), update);
    let error = client
        .update_template(&context(), request)
        .await
        .unwrap_err();
    assert_eq!(
        (error.reason(), error.violations()[0].field.as_str()),
        (Reason::FieldInvalid, "title")
    );

    client
        .delete_template(&context(), DeleteTemplate::new(name))
        .await
        .unwrap();
    assert_eq!(
        body(&sent, "/card/delete"),
        serde_json::json!({"card_id": "ph_gmt7cUVrlRk8swPwx7aDyF-pg"})
    );
}

#[test]
fn every_fault_of_a_configuration_is_listed() {
    let error = Client::official_account("acme")
        .base_url("http://api.weixin.qq.com")
        .build()
        .unwrap_err();
    let fields: Vec<_> = error
        .faults()
        .iter()
        .map(|fault| fault.field.as_str())
        .collect();
    assert_eq!(fields, ["appid", "app_secret", "base_url"]);
}
