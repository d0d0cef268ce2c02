mod adjust;
pub(crate) mod lists;
mod membership;
mod mocked;

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use kabao_api::{
    CallContext, DeleteTemplate, GetMember, GetTemplate, MemberApi, MemberName, MemberState,
    MemberUpdate, Reason, Stock, TemplateApi, TemplateState, TemplateUpdate, UpdateMember,
    UpdateTemplate, UpstreamMember, Validity, View,
};

use super::*;
use crate::client::Client;
use crate::settings::Settings;
use crate::testing::{Sent, answering, context, merchant, scripted, signed};
use crate::transport::{Transport, TransportError};

const MEMBER: &str = "accounts/demo/templates/pbLatjvWOibDc5-TBnbUk1pD12o0/members/478515832665";
const CARD: &str = r#"{"card_id":"pbLatjvWOibDc5-TBnbUk1pD12o0","code":"478515832665","openid":"obLatjnx9gnqzS4myYGmLZ7LgLBA",
"membership_number":"820915483307","level":"白银会员","nickname":"林间","balance":12800,"user_card_status":"EFFECTIVE","bonus_value":600}"#;
const TEMPLATE: &str = r#"{"card_id":"pbLatjvWOibDc5-TBnbUk1pD12o0","status":"APPROVED","title":"茶港会员卡","brand":{"brand_id":"1004","display_name":"茶港"},
"appid":"wx0123456789abcdef","remain_quantity":7,"total_quantity":10,"create_time":"2026-03-01T00:00:00.000+08:00",
"date_information":{"type":"FIX_TERM","available_day_after_receive":365}}"#;

fn client(transport: Arc<dyn Transport>) -> Client {
    let pipeline = merchant(transport, Settings::default());
    Client::compose(pipeline, &(), |ground| {
        Merchant::new(ground, ListOffset::Items)
    })
}

fn name() -> MemberName {
    MEMBER.parse().unwrap()
}

fn get(view: View) -> GetMember {
    GetMember::new(name()).with_view(view)
}

fn update(update: MemberUpdate, request_id: Option<&str>) -> UpdateMember {
    let mut request = UpdateMember::new(name(), update);
    request.request_id = request_id.map(|id| id.parse().unwrap());
    request
}

fn level() -> MemberUpdate {
    MemberUpdate {
        level: Some("黄金会员".to_owned()),
        ..MemberUpdate::default()
    }
}

fn body(sent: &Sent, index: usize) -> serde_json::Value {
    serde_json::from_slice(&sent.lock().unwrap()[index].body).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_member_is_read_with_its_portable_fields() {
    let (transport, _) = answering(|_| Ok(signed(200, CARD)));
    let client = client(transport);
    let member = client
        .get_member(&context(), get(View::Basic))
        .await
        .unwrap();
    assert_eq!(
        (member.state, member.points, member.balance),
        (MemberState::Active, Some(600), Some(12800))
    );
    assert_eq!(member.level.as_deref(), Some("白银会员"));
    assert!(member.upstream.is_none());
    let member = client
        .get_member(&context(), get(View::Full))
        .await
        .unwrap();
    assert!(
        matches!(member.upstream, Some(UpstreamMember::Merchant(card)) if card.bonus_value == Some(600))
    );
}

#[tokio::test(start_paused = true)]
async fn an_answer_about_another_card_is_discarded() {
    let (transport, _) =
        answering(|_| Ok(signed(200, r#"{"card_id":"p2","code":"478515832665"}"#)));
    let error = client(transport)
        .get_member(&context(), get(View::Basic))
        .await
        .unwrap_err();
    assert_eq!(error.reason(), Reason::UpstreamUnverified);
}

#[tokio::test(start_paused = true)]
async fn an_update_sends_only_its_fields_under_the_callers_number_and_reads_back() {
    let (transport, sent) = scripted([Ok(signed(204, "")), Ok(signed(200, CARD))]);
    let request = update(level(), Some("4f9c1b52-7a0e-4d0b-9a39-2f6f1f0c7d11"));
    client(transport)
        .update_member(&context(), request)
        .await
        .unwrap();
    let expected = serde_json::json!({"level": "黄金会员", "out_request_no": "4f9c1b527a0e4d0b9a392f6f1f0c7d11"});
    assert_eq!(body(&sent, 0), expected);
    assert_eq!(sent.lock().unwrap()[1].method, "GET");
}

#[tokio::test(start_paused = true)]
async fn without_a_request_id_the_number_is_made_up_and_only_the_client_may_repeat() {
    let (transport, sent) = answering(|_| Err(TransportError::Timeout));
    let client = client(transport);
    let error = client
        .update_member(&context(), update(level(), None))
        .await
        .unwrap_err();
    assert_eq!(
        (error.reason(), error.is_retryable()),
        (Reason::OutcomeUnknown, false)
    );
    assert_eq!(sent.lock().unwrap().len(), 3);
    assert_eq!(
        body(&sent, 0),
        body(&sent, 2),
        "the same number in every attempt"
    );
    assert_eq!(body(&sent, 0)["out_request_no"].as_str().unwrap().len(), 32);

    let error = client
        .update_member(&context(), update(level(), Some("n-1")))
        .await
        .unwrap_err();
    assert_eq!(
        (error.reason(), error.is_retryable()),
        (Reason::OutcomeUnknown, true)
    );
}

#[tokio::test(start_paused = true)]
async fn a_change_that_cannot_be_read_back_is_still_a_change() {
    let (transport, _) = scripted([
        Ok(signed(204, "")),
        Ok(signed(403, r#"{"code":"NO_AUTH","message":"m"}"#)),
    ]);
    let member = client(transport)
        .update_member(&context(), update(level(), None))
        .await
        .unwrap();
    assert_eq!(member.level, level().level);
    assert!(member.partial && member.upstream.is_none());
}

#[tokio::test]
async fn what_cannot_be_done_is_refused_before_anything_is_sent() {
    let (transport, sent) = scripted([]);
    let client = client(transport);
    let points = MemberUpdate {
        points: Some(1),
        balance: Some(2),
        ..MemberUpdate::default()
    };
    let long = MemberUpdate {
        level: Some("一二三四五六".to_owned()),
        ..MemberUpdate::default()
    };
    let rows = [
        (
            update(points, None),
            Reason::NotSupportedByFamily,
            vec!["points", "balance"],
        ),
        (
            update(MemberUpdate::default(), None),
            Reason::FieldMaskInvalid,
            vec!["update"],
        ),
        (update(long, None), Reason::FieldInvalid, vec!["level"]),
    ];
    for (request, reason, fields) in rows {
        let error = client.update_member(&context(), request).await.unwrap_err();
        let found: Vec<_> = error
            .violations()
            .iter()
            .map(|violation| violation.field.as_str())
            .collect();
        assert_eq!((error.reason(), found), (reason, fields));
    }
    let other = CallContext::new("other".parse().unwrap(), "r".parse().unwrap());
    let error = client
        .get_member(&other, get(View::Basic))
        .await
        .unwrap_err();
    assert_eq!(error.reason(), Reason::Internal);
    assert!(sent.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_template_is_read_changed_and_deleted() {
    let (transport, sent) = scripted([
        Ok(signed(200, TEMPLATE)),
        Ok(signed(204, "")),
        Ok(signed(200, TEMPLATE)),
        Ok(signed(204, "")),
    ]);
    let client = client(transport);
    let name = name().template().clone();
    let get = GetTemplate::new(name.clone());
    let template = client.get_template(&context(), get).await.unwrap();
    assert_eq!(
        (template.state, template.brand_name.as_deref()),
        (TemplateState::Active, Some("茶港"))
    );
    assert_eq!(
        template.stock,
        Some(Stock {
            total: Some(10),
            remaining: Some(7)
        })
    );
    assert_eq!(
        template.validity,
        Some(Validity::Days {
            valid_days: 365,
            wait_days: 0
        })
    );
    assert_eq!(
        template.create_time,
        Some(UNIX_EPOCH + Duration::from_secs(1_772_294_400))
    );

    let update = TemplateUpdate {
        title: Some("茶港金卡".to_owned()),
        ..TemplateUpdate::default()
    };
    let request = UpdateTemplate::new(name.clone(), update);
    client.update_template(&context(), request).await.unwrap();
    assert_eq!(body(&sent, 1), serde_json::json!({"title": "茶港金卡"}));

    client
        .delete_template(&context(), DeleteTemplate::new(name))
        .await
        .unwrap();
    assert_eq!(sent.lock().unwrap()[3].method, "DELETE");
}

#[test]
fn every_state_has_its_portable_word() {
    let rows = [
        ("NOT_ACTIVATE", MemberState::PendingActivation),
        ("EFFECTIVE", MemberState::Active),
        ("EXPIRE", MemberState::Expired),
        ("UNAVAILABLE", MemberState::Invalid),
        ("DELETE", MemberState::Deleted),
        ("FROZEN", MemberState::Other),
    ];
    for (word, state) in rows {
        assert_eq!(member::state(word), state);
    }
}
