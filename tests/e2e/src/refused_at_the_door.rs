//! What is refused before anything is sent to WeChat.

use kabao_proto::kabao::brand::v1::card_service_client::CardServiceClient;
use kabao_proto::kabao::brand::v1::{UpdateCardRequest, ValidDateInformation};
use kabao_proto::kabao::merchant::v1::GetUserCardRequest;
use kabao_proto::kabao::merchant::v1::user_card_service_client::UserCardServiceClient;
use kabao_proto::kabao::v1::{GetMemberRequest, Member, Template, UpdateMemberRequest};
use tonic::Code;

use crate::demo::{BRAND, BRAND_ID, MERCHANT, OFFICIAL_ACCOUNT};
use crate::merchant::balance_update;
use crate::raw;
use crate::refusal::refused;
use crate::world::{World, get_member, update_member};

#[tokio::test]
async fn an_account_that_is_not_configured() {
    let world = World::start().await;
    let request = GetMemberRequest {
        name: "accounts/nobody/templates/p1/members/1".to_owned(),
        ..GetMemberRequest::default()
    };
    let answer = world.members().get_member(request).await;
    refused(Code::NotFound, "ACCOUNT_NOT_FOUND").check(answer);
    let request = GetUserCardRequest {
        account: "accounts/nobody".to_owned(),
        card_id: "p1".to_owned(),
        code: "1".to_owned(),
    };
    let answer = UserCardServiceClient::new(world.channel())
        .get_user_card(request)
        .await;
    refused(Code::NotFound, "ACCOUNT_NOT_FOUND").check(answer);
}

#[tokio::test]
async fn an_operation_of_another_family() {
    let world = World::start().await;
    let request = GetUserCardRequest {
        account: BRAND.account(),
        card_id: "p1".to_owned(),
        code: "1".to_owned(),
    };
    let answer = UserCardServiceClient::new(world.channel())
        .get_user_card(request)
        .await;
    refused(Code::FailedPrecondition, "FAMILY_MISMATCH").check(answer);
}

#[tokio::test]
async fn names_that_are_none() {
    let world = World::start().await;
    for name in [
        "",
        "demo-merchant",
        "accounts/demo-merchant",
        "accounts/Demo/templates/p1/members/1",
    ] {
        let request = GetMemberRequest {
            name: name.to_owned(),
            ..GetMemberRequest::default()
        };
        let answer = world.members().get_member(request).await;
        refused(Code::InvalidArgument, "NAME_INVALID")
            .fields(&["name"])
            .check(answer);
    }
}

#[tokio::test]
async fn a_brand_member_without_openid() {
    let world = World::start().await;
    let request = GetMemberRequest {
        openid: String::new(),
        ..get_member(&BRAND)
    };
    let answer = world.members().get_member(request).await;
    refused(Code::InvalidArgument, "FIELD_INVALID")
        .fields(&["openid"])
        .check(answer);
    let request = UpdateMemberRequest {
        openid: String::new(),
        ..update_member(
            &BRAND,
            Member {
                level: "金".to_owned(),
                ..Member::default()
            },
            &["level"],
        )
    };
    let answer = world.members().update_member(request).await;
    refused(Code::InvalidArgument, "FIELD_INVALID")
        .fields(&["openid"])
        .check(answer);
}

#[tokio::test]
async fn texts_that_are_too_long_are_counted_in_characters() {
    let world = World::start().await;
    let level = |text: &str| Member {
        level: text.to_owned(),
        ..Member::default()
    };
    // Five Chinese characters are five, although they are fifteen bytes.
    world
        .update_member(&MERCHANT, level("钻石贵宾卡"), &["level"])
        .await
        .unwrap();
    let answer = world
        .update_member(&MERCHANT, level("钻石贵宾会员"), &["level"])
        .await;
    let status = refused(Code::InvalidArgument, "FIELD_INVALID")
        .fields(&["member.level"])
        .check(answer);
    assert!(status.message().contains('5'), "{}", status.message());
    let long = Template {
        title: "一二三四五六七八九十一".to_owned(),
        service_phone: "0".repeat(40),
        ..Template::default()
    };
    let answer = world
        .update_template(&MERCHANT, long, &["title", "service_phone"])
        .await;
    refused(Code::InvalidArgument, "FIELD_INVALID")
        .fields(&["template.service_phone", "template.title"])
        .check(answer);
    let mut request = balance_update(0);
    request.level = Some("钻石贵宾会员".to_owned());
    request.out_request_no.clear();
    let answer = UserCardServiceClient::new(world.channel())
        .update_user_card(request)
        .await;
    refused(Code::InvalidArgument, "FIELD_INVALID")
        .fields(&["level"])
        .check(answer);
}

#[tokio::test]
async fn enumeration_values_that_do_not_exist() {
    let world = World::start().await;
    let request = GetMemberRequest {
        view: 99,
        ..get_member(&MERCHANT)
    };
    let answer = world.members().get_member(request).await;
    refused(Code::InvalidArgument, "FIELD_INVALID")
        .fields(&["view"])
        .check(answer);
    let request = UpdateCardRequest {
        account: BRAND.account(),
        card_id: BRAND.card_id.to_owned(),
        brand_id: BRAND_ID.to_owned(),
        valid_date_information: Some(ValidDateInformation {
            r#type: 99,
            ..ValidDateInformation::default()
        }),
        ..UpdateCardRequest::default()
    };
    let answer = CardServiceClient::new(world.channel())
        .update_card(request)
        .await;
    refused(Code::InvalidArgument, "FIELD_INVALID")
        .fields(&["valid_date_information.type"])
        .check(answer);
}

#[tokio::test]
async fn masks_that_name_no_field() {
    let world = World::start().await;
    let change = Member {
        level: "金".to_owned(),
        ..Member::default()
    };
    for path in ["levl", "name", "state", "member.level", "nickname"] {
        let answer = world
            .update_member(&MERCHANT, change.clone(), &["level", path])
            .await;
        let status = refused(Code::InvalidArgument, "FIELD_MASK_INVALID")
            .fields(&["update_mask"])
            .check(answer);
        assert!(status.message().contains(path), "{}", status.message());
    }
    let empty = world.update_member(&MERCHANT, Member::default(), &[]).await;
    assert_eq!(empty.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn what_the_family_cannot_do_is_not_attempted() {
    let world = World::start().await;
    let change = Member {
        level: "金".to_owned(),
        points: Some(1),
        ..Member::default()
    };
    let answer = world
        .update_member(&OFFICIAL_ACCOUNT, change.clone(), &["level"])
        .await;
    refused(Code::Unimplemented, "NOT_SUPPORTED_BY_FAMILY")
        .fields(&["member.level"])
        .check(answer);
    let answer = world.update_member(&BRAND, change, &["points"]).await;
    refused(Code::Unimplemented, "NOT_SUPPORTED_BY_FAMILY")
        .fields(&["member.points"])
        .check(answer);
    assert!(
        world.sandbox().ledger().is_empty(),
        "{:?}",
        world.sandbox().ledger()
    );
}

#[tokio::test]
async fn request_ids_that_do_not_fit() {
    let world = World::start().await;
    let mut request = update_member(
        &MERCHANT,
        Member {
            level: "金".to_owned(),
            ..Member::default()
        },
        &["level"],
    );
    request.request_id = "六".repeat(5);
    let answer = world.members().update_member(request).await;
    refused(Code::InvalidArgument, "REQUEST_ID_INVALID")
        .fields(&["request_id"])
        .check(answer);
}

#[tokio::test]
async fn a_deadline_that_has_passed_or_cannot_be_read() {
    let world = World::start().await;
    let message = raw::frame(&get_member(&MERCHANT));
    for (timeout, code, reason, fields) in [
        ("0S", Code::DeadlineExceeded, "DEADLINE_EXCEEDED", &[][..]),
        (
            "soon",
            Code::InvalidArgument,
            "FIELD_INVALID",
            &["grpc-timeout"],
        ),
    ] {
        // A stub would answer in the gateway's place.
        let headers = [raw::GRPC, ("grpc-timeout", timeout)];
        let answer = raw::post(&world, GET_MEMBER, &headers, message.clone()).await;
        refused(code, reason)
            .fields(fields)
            .check::<()>(Err(answer.status()));
    }
}

const GET_MEMBER: &str = "kabao.v1.MemberService/GetMember";

#[tokio::test]
async fn a_content_type_that_is_not_grpc() {
    let world = World::start().await;
    for content_type in ["application/json", "text/plain", "application/grpc-web"] {
        let answer = raw::post(&world, GET_MEMBER, &[("content-type", content_type)], "{}").await;
        assert_eq!(answer.http_status, 415, "{content_type}");
    }
}

#[tokio::test]
async fn bytes_that_are_no_message() {
    let world = World::start().await;
    let rows = [
        (
            &b"\0\0\0\0\x03\xff\xff\xff"[..],
            Code::InvalidArgument,
            "FIELD_INVALID",
            &["request"][..],
        ),
        (
            b"\0\xff\xff\xff\xff",
            Code::ResourceExhausted,
            "MESSAGE_TOO_LARGE",
            &[],
        ),
    ];
    for (body, code, reason, fields) in rows {
        let answer = raw::post(&world, GET_MEMBER, &[raw::GRPC], body).await;
        assert_eq!(answer.http_status, 200);
        refused(code, reason)
            .fields(fields)
            .check::<()>(Err(answer.status()));
    }
}
