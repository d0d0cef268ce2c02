//! Adjustments, and beginning and end of a membership.

use kabao_api::{
    ActivationOutcome, Adjustment, Change, Error, Family, FieldViolation, ImportedUser,
    MockMemberApi,
};
use kabao_proto::kabao::v1 as proto;
use kabao_proto::kabao::v1::member_service_server::MemberService;
use tonic::Code;

use super::{NAME, member, service};
use crate::portable::testing::{admitted, refusal};

#[tokio::test]
async fn adjustments_hand_the_change_over_and_before_and_after_back() {
    use proto::{adjust_balance_request as balance, adjust_points_request as points};

    let mut members = MockMemberApi::new();
    members
        .expect_adjust_balance()
        .withf(|_, request| {
            request.change == Change::Add(-100)
                && request.minimum == Some(0)
                && request.remark == Some("消费".into())
                && request.notify == Some(false)
                && request.request_id == Some("7c9e6679742540de944be07fc1f90ae7".parse().unwrap())
        })
        .once()
        .returning(|_, _| Ok(Adjustment::new(Some(300), 200)));
    members
        .expect_adjust_points()
        .withf(|_, request| request.change == Change::SetTo(5) && request.minimum.is_none())
        .once()
        .returning(|_, _| Ok(Adjustment::new(None, 5)));
    let service = service(members);
    let request = proto::AdjustBalanceRequest {
        name: NAME.to_owned(),
        change: Some(balance::Change::Add(-100)),
        minimum: Some(0),
        remark: "消费".to_owned(),
        notify: Some(false),
        request_id: "7c9e6679-7425-40de-944b-e07fc1f90ae7".to_owned(),
        ..Default::default()
    };
    let answer = service.adjust_balance(admitted(request)).await.unwrap();
    assert_eq!(
        (answer.get_ref().before, answer.get_ref().after),
        (Some(300), 200)
    );
    let request = proto::AdjustPointsRequest {
        name: NAME.to_owned(),
        change: Some(points::Change::SetTo(5)),
        ..Default::default()
    };
    let answer = service.adjust_points(admitted(request)).await.unwrap();
    assert_eq!((answer.get_ref().before, answer.get_ref().after), (None, 5));

    let none = proto::AdjustPointsRequest::default();
    let status = service.adjust_points(admitted(none)).await.unwrap_err();
    assert_eq!(refusal(&status).1, ["name", "change"]);
}

#[tokio::test]
async fn activation_and_its_end_hand_everything_over() {
    let mut members = MockMemberApi::new();
    members
        .expect_activate_member()
        .withf(|_, request| {
            request.outcome == ActivationOutcome::AlreadyMember
                && request.initial.fields() == ["level", "points"]
                && request.openid.is_some()
        })
        .once()
        .returning(|_, _| Ok(member()));
    members.expect_activate_member().returning(|_, _| {
        Err(Error::not_supported(
            Family::Merchant,
            &["outcome", "points"],
        ))
    });
    members
        .expect_invalidate_member()
        .withf(|_, request| request.reason == Some("退会".into()))
        .once()
        .returning(|_, _| Ok(member()));
    let service = service(members);
    let request = proto::ActivateMemberRequest {
        name: NAME.to_owned(),
        outcome: proto::activate_member_request::Outcome::AlreadyMember.into(),
        initial_values: Some(proto::InitialValues {
            level: "金".to_owned(),
            points: Some(0),
            ..Default::default()
        }),
        openid: "o-1".to_owned(),
        ..Default::default()
    };
    service
        .activate_member(admitted(request.clone()))
        .await
        .unwrap();
    let status = service
        .activate_member(admitted(request))
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
    assert_eq!(refusal(&status).1, ["outcome", "initial_values.points"]);

    let wrong = proto::ActivateMemberRequest {
        name: NAME.to_owned(),
        outcome: 9,
        ..Default::default()
    };
    let status = service.activate_member(admitted(wrong)).await.unwrap_err();
    assert_eq!(refusal(&status).1, ["outcome"]);

    let request = proto::InvalidateMemberRequest {
        name: NAME.to_owned(),
        reason: "退会".to_owned(),
        ..Default::default()
    };
    service.invalidate_member(admitted(request)).await.unwrap();
}

#[tokio::test]
async fn an_import_is_for_an_openid_or_a_phone_number() {
    use proto::import_member_request::User;

    let parent = "accounts/demo-brand/templates/t".to_owned();
    let mut members = MockMemberApi::new();
    members
        .expect_import_member()
        .withf(|_, request| {
            request.user == ImportedUser::Phone("13800000417".into())
                && request
                    .code
                    .as_ref()
                    .is_some_and(|code| code.expose() == "c-1")
                && request.validity == Some(kabao_api::Validity::Permanent)
                && request.pickup_time.is_some()
        })
        .once()
        .returning(|_, _| Ok(member()));
    members.expect_import_member().returning(|_, _| {
        Err(Error::field_invalid([FieldViolation::new(
            "card_id", "is wrong",
        )]))
    });
    let service = service(members);
    let request = proto::ImportMemberRequest {
        parent: parent.clone(),
        user: Some(User::PhoneNumber("13800000417".to_owned())),
        code: "c-1".to_owned(),
        pickup_time: Some(prost_types::Timestamp {
            seconds: 1_700_000_000,
            nanos: 0,
        }),
        validity: Some(proto::Validity {
            kind: Some(proto::validity::Kind::Permanent(())),
        }),
        ..Default::default()
    };
    service
        .import_member(admitted(request.clone()))
        .await
        .unwrap();
    let status = service.import_member(admitted(request)).await.unwrap_err();
    assert_eq!(refusal(&status).1, ["parent"]);

    for user in [
        None,
        Some(User::Openid(String::new())),
        Some(User::PhoneNumber(String::new())),
    ] {
        let request = proto::ImportMemberRequest {
            parent: parent.clone(),
            user,
            validity: Some(proto::Validity::default()),
            ..Default::default()
        };
        let status = service.import_member(admitted(request)).await.unwrap_err();
        assert_eq!(refusal(&status).1, ["user", "validity"]);
    }
}
