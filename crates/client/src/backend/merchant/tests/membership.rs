//! Beginning and end of a membership.

use kabao_api::{
    ActivateMember, ActivationOutcome, ImportMember, ImportedUser, InvalidateMember, MemberApi,
    MemberState, MemberUpdate, Reason, Validity,
};
use serde_json::json;

use super::{CARD, body, client, name};
use crate::testing::{context, scripted, signed};
use crate::transport::TransportError;

fn activation() -> ActivateMember {
    ActivateMember::new(name()).with_initial(MemberUpdate {
        membership_number: Some("820915483307".into()),
        ..MemberUpdate::default()
    })
}

fn import(user: ImportedUser) -> ImportMember {
    ImportMember::new(name().template().clone(), user).with_request_id("n-1".parse().unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_card_is_activated_and_made_invalid_and_read_back() {
    let (transport, sent) = scripted([
        Ok(signed(204, "")),
        Ok(signed(200, CARD)),
        Ok(signed(204, "")),
        Ok(signed(200, &CARD.replace("EFFECTIVE", "UNAVAILABLE"))),
    ]);
    let client = client(transport);
    let member = client
        .activate_member(&context(), activation())
        .await
        .unwrap();
    assert_eq!(member.state, MemberState::Active);
    assert_eq!(body(&sent, 0), json!({"membership_number": "820915483307"}));
    let request = InvalidateMember::new(name()).with_reason("退会");
    let member = client.invalidate_member(&context(), request).await.unwrap();
    assert_eq!(member.state, MemberState::Invalid);
    assert_eq!(body(&sent, 2), json!({"reason": "退会"}));
    assert!(sent.lock().unwrap()[2].target.ends_with("/unavailable"));
}

#[tokio::test]
async fn what_other_families_can_is_refused_by_name() {
    let (transport, sent) = scripted([]);
    let client = client(transport);
    let refused = activation().with_outcome(ActivationOutcome::Refused);
    let error = client
        .activate_member(&context(), refused)
        .await
        .unwrap_err();
    assert_eq!(error.violations()[0].field, "outcome");
    let mut initial = activation();
    initial.initial.points = Some(1);
    let error = client
        .activate_member(&context(), initial)
        .await
        .unwrap_err();
    assert_eq!(error.reason(), Reason::NotSupportedByFamily);
    assert_eq!(error.violations()[0].field, "points");
    let mut timed = import(ImportedUser::Openid("o".into()));
    timed.validity = Some(Validity::Permanent);
    timed.pickup_time = Some(std::time::UNIX_EPOCH);
    let error = client.import_member(&context(), timed).await.unwrap_err();
    assert_eq!(error.violations().len(), 2);
    assert!(sent.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_import_answers_with_the_code_that_wechat_allotted() {
    let (transport, sent) = scripted([
        Ok(signed(200, r#"{"code":"478515832665"}"#)),
        Ok(signed(200, CARD)),
    ]);
    let member = client(transport)
        .import_member(&context(), import(ImportedUser::Openid("o-1".into())))
        .await
        .unwrap();
    assert_eq!(member.name, name());
    assert_eq!(member.points, Some(600));
    assert_eq!(
        body(&sent, 0),
        json!({"openid": "o-1", "out_request_no": "n-1"})
    );
}

/// WeChat takes a code only for templates whose codes come from the merchant in real time.
#[tokio::test(start_paused = true)]
async fn an_import_with_a_code_that_wechat_does_not_take_is_done() {
    for user in [
        ImportedUser::Openid("o-1".into()),
        ImportedUser::Phone("13800000417".into()),
    ] {
        let (transport, sent) = scripted([
            Ok(signed(200, r#"{"code":"478515832665"}"#)),
            Ok(signed(200, CARD)),
        ]);
        let member = client(transport)
            .import_member(&context(), import(user).with_code("7"))
            .await
            .unwrap();
        assert_eq!(member.name, name());
        assert_eq!(body(&sent, 0)["code"], "7");
    }
}

#[tokio::test(start_paused = true)]
async fn a_phone_number_leaves_encrypted_and_the_code_survives_a_failed_read_back() {
    let (transport, sent) = scripted([
        Ok(signed(200, r#"{"code":"478515832665"}"#)),
        Err(TransportError::Timeout),
        Err(TransportError::Timeout),
        Err(TransportError::Timeout),
    ]);
    let phone = ImportedUser::Phone("13800000417".into());
    let member = client(transport)
        .import_member(&context(), import(phone))
        .await
        .unwrap();
    assert_eq!(
        (member.name, member.state),
        (name(), MemberState::Unspecified)
    );
    let sent = body(&sent, 0);
    let encrypted = sent["encrypted_phone_number"].as_str().unwrap();
    assert!(encrypted.len() > 300 && !encrypted.contains("13800000417"));
}

#[tokio::test(start_paused = true)]
async fn an_import_without_a_code_in_its_answer_may_have_happened() {
    let (transport, _) = scripted([Ok(signed(200, "{}"))]);
    let error = client(transport)
        .import_member(&context(), import(ImportedUser::Openid("o-1".into())))
        .await
        .unwrap_err();
    assert_eq!(
        (error.reason(), error.may_have_executed()),
        (Reason::OutcomeUnknown, true)
    );
}
