//! What a refusal tells: WeChat's words, the value and the bound, the field and the character, and what helps.

use kabao_proto::kabao::v1::account_service_client::AccountServiceClient;
use kabao_proto::kabao::v1::adjust_balance_request::Change as BalanceChange;
use kabao_proto::kabao::v1::adjust_points_request::Change as PointsChange;
use kabao_proto::kabao::v1::{
    Account, AdjustBalanceRequest, AdjustPointsRequest, GetAccountRequest, Member,
};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::Code;
use tonic_types::StatusExt;

use crate::demo::{BRAND, Demo, MERCHANT, OFFICIAL_ACCOUNT};
use crate::refusal::{refused, upstream_entry};
use crate::walk::Walk;
use crate::world::World;

fn points(demo: &Demo, change: PointsChange, minimum: Option<i64>) -> AdjustPointsRequest {
    AdjustPointsRequest {
        name: demo.member(),
        openid: demo.openid.to_owned(),
        change: Some(change),
        minimum,
        ..AdjustPointsRequest::default()
    }
}

fn balance(demo: &Demo, change: BalanceChange, minimum: Option<i64>) -> AdjustBalanceRequest {
    AdjustBalanceRequest {
        name: demo.member(),
        change: Some(change),
        minimum,
        ..AdjustBalanceRequest::default()
    }
}

#[tokio::test]
async fn nobody_goes_below_zero_without_saying_so() {
    let world = World::start().await;
    for demo in [&MERCHANT, &OFFICIAL_ACCOUNT] {
        let set = points(demo, PointsChange::SetTo(10), None);
        world.members().adjust_points(set).await.unwrap();
        let take = |minimum| points(demo, PointsChange::Add(-15), minimum);
        let status = refused(Code::FailedPrecondition, "PRECONDITION_FAILED")
            .check(world.members().adjust_points(take(None)).await);
        let failure = status.get_details_precondition_failure().unwrap();
        assert_eq!(failure.violations.len(), 1);
        let violation = &failure.violations[0];
        assert_eq!(
            (violation.r#type.as_str(), violation.subject.as_str()),
            ("MINIMUM", "minimum")
        );
        for part in ["present value is 10", "make it -5", "is 0"] {
            assert!(violation.description.contains(part), "{violation:?}");
            assert!(status.message().contains(part), "{}", status.message());
        }
        // Down to zero is fine, and so is less for whoever asks for it, as far as WeChat goes along.
        let all = points(demo, PointsChange::Add(-10), None);
        let left = world.members().adjust_points(all).await.unwrap();
        assert_eq!(left.into_inner().after, 0, "{}", demo.account);
        let less = world.members().adjust_points(take(Some(-100))).await;
        if let Err(status) = less {
            let reason = status.get_details_error_info().unwrap().reason;
            assert_ne!(reason, "PRECONDITION_FAILED", "{}", demo.account);
        }

        let set = balance(demo, BalanceChange::SetTo(10), None);
        world.members().adjust_balance(set).await.unwrap();
        let take = balance(demo, BalanceChange::Add(-11), None);
        refused(Code::FailedPrecondition, "PRECONDITION_FAILED")
            .check(world.members().adjust_balance(take).await);
    }
}

#[tokio::test]
async fn what_the_brand_family_cannot_add_can_be_set() {
    let world = World::start().await;
    let add = points(&BRAND, PointsChange::Add(5), None);
    let status = refused(Code::Unimplemented, "NOT_SUPPORTED_BY_FAMILY")
        .fields(&["add"])
        .check(world.members().adjust_points(add).await);
    assert!(
        status.message().contains("use set_to"),
        "{}",
        status.message()
    );
}

#[tokio::test]
async fn an_unknown_account_lists_the_configured_ones() {
    let world = World::start().await;
    let stranger = Demo {
        account: "demo-mercant",
        ..MERCHANT
    };
    let status =
        refused(Code::NotFound, "ACCOUNT_NOT_FOUND").check(world.get_member(&stranger).await);
    for account in [MERCHANT.account, BRAND.account, OFFICIAL_ACCOUNT.account] {
        assert!(status.message().contains(account), "{}", status.message());
    }
}

#[tokio::test]
async fn wechats_words_stand_in_the_message_and_in_the_violation() {
    let world = World::start().await;
    let stranger = Demo {
        code: "000000000000",
        ..MERCHANT
    };
    let status = refused(Code::NotFound, "MEMBER_NOT_FOUND")
        .upstream("400", "INVALID_REQUEST")
        .check(world.get_member(&stranger).await);
    assert!(
        status.message().contains("code不存在"),
        "{}",
        status.message()
    );

    let walk = Walk::new(&world, &BRAND);
    let mut request = walk.example("brand.user_cards.get");
    for (name, value) in [
        ("card_id", BRAND.card_id),
        ("user_card_code", BRAND.code),
        ("openid", "not an openid"),
        ("brand_id", "1004"),
    ] {
        request[name] = json!(value);
    }
    let refusal = refused(Code::InvalidArgument, "FIELD_INVALID")
        .upstream("400", "INVALID_REQUEST")
        .fields(&["openid"]);
    let status = walk.refuse("brand.user_cards.get", &request, refusal).await;
    assert!(
        status.message().contains("openid无效"),
        "{}",
        status.message()
    );
    let bad = status.get_details_bad_request().unwrap();
    let description = &bad.field_violations[0].description;
    assert!(
        description.starts_with("is refused by WeChat: "),
        "{description}"
    );
    assert!(description.contains("openid"), "{description}");
}

#[tokio::test]
async fn personal_data_in_wechats_words_is_not_passed_on() {
    let world = World::start().await;
    let words = format!(
        "会员{}（{}）无效，手机号13800000417",
        MERCHANT.code, BRAND.openid
    );
    let body = json!({ "code": "INVALID_REQUEST", "message": words }).to_string();
    let fault = kabao_sandbox::Fault::Status {
        status: 400,
        code: None,
        message: None,
        body: Some(body),
        applied: false,
        signed: true,
    };
    world.inject("merchant.user_cards.get", 1, fault);
    // `check` looks for code and openid in all that is passed on.
    let status = refused(Code::FailedPrecondition, "UPSTREAM_REFUSED")
        .upstream("400", "INVALID_REQUEST")
        .check(world.get_member(&MERCHANT).await);
    assert!(
        status.message().contains("会员***（***）无效，手机号***"),
        "{}",
        status.message()
    );
    assert_eq!(
        upstream_entry(&status, "upstream_message").as_deref(),
        Some("会员***（***）无效，手机号***")
    );
}

/// A text that WeChat does not take, wherever it stands: nothing is sent, the field and the character are named.
#[tokio::test]
async fn characters_that_wechat_does_not_take_are_refused_before_sending() {
    let world = World::start().await;
    let told = |field: &str, number: &str| {
        format!("{field} holds {number}, a character that WeChat does not take")
    };
    for (demo, level, number) in [
        (&MERCHANT, "金卡😀", "U+1F600"),
        (&BRAND, "金卡😀", "U+1F600"),
        (&MERCHANT, "金\0卡", "U+0000"),
    ] {
        let change = Member {
            level: level.to_owned(),
            ..Member::default()
        };
        let status = refused(Code::InvalidArgument, "FIELD_INVALID")
            .fields(&["member.level"])
            .check(world.update_member(demo, change, &["level"]).await);
        assert_eq!(status.message(), told("member.level", number));
    }

    let rows: [(&Demo, &str, &str, Value, &str, &str); 4] = [
        (
            &MERCHANT,
            "merchant.cards.create",
            "user_information_form",
            json!({
                "common_field_list": ["USER_FORM_FLAG_MOBILE"],
                "custom_field_list": [{ "type": "RADIO", "name": "茶", "values": ["红茶", "绿茶🍵"] }],
            }),
            "user_information_form.custom_field_list[0].values[1]",
            "U+1F375",
        ),
        (
            &BRAND,
            "brand.cards.create",
            "member_information",
            json!({ "jump_appid": "wx1f2e3d4c5b6a7980", "jump_path": "/a\u{0}" }),
            "member_information.jump_path",
            "U+0000",
        ),
        (
            &BRAND,
            "brand.cards.create",
            "extra",
            json!({ "new_member": "{\"text\":\"\\ud83d\\ude00\"}" }),
            "new_member.text",
            "U+1F600",
        ),
        (
            &OFFICIAL_ACCOUNT,
            "official_account.member.update_user",
            "record_bonus",
            json!("\u{0}"),
            "record_bonus",
            "U+0000",
        ),
    ];
    for (demo, id, name, value, field, number) in rows {
        let walk = Walk::new(&world, demo);
        let mut request = walk.example(id);
        request[name] = value;
        let refusal = refused(Code::InvalidArgument, "FIELD_INVALID").fields(&[field]);
        let status = walk.refuse(id, &request, refusal).await;
        assert_eq!(status.message(), told(field, number));
    }
    assert_eq!(world.sandbox().ledger(), []);

    // api.weixin.qq.com takes emoji: no page of the family says otherwise.
    let mut walk = Walk::new(&world, &OFFICIAL_ACCOUNT);
    let request = json!({
        "card_id": OFFICIAL_ACCOUNT.card_id,
        "code": OFFICIAL_ACCOUNT.code,
        "bonus": 5,
        "record_bonus": "谢谢😀",
    });
    walk.call("official_account.member.update_user", request)
        .await;
}

async fn account(world: &World, demo: &Demo) -> Account {
    let request = GetAccountRequest {
        name: demo.account(),
    };
    AccountServiceClient::new(world.channel())
        .get_account(request)
        .await
        .unwrap()
        .into_inner()
}

/// The page of `/metrics`, with its head.
pub(crate) async fn metrics(world: &World) -> String {
    let mut stream = TcpStream::connect(world.gateway().admin()).await.unwrap();
    let request = "GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).await.unwrap();
    page
}

/// Keys are the operator's: the caller is not told that a field is wrong.
#[tokio::test]
async fn a_replaced_public_key_is_the_operators_to_configure() {
    for change in ["rotate", "certificates", "public_key"] {
        println!("{change}");
        let world = World::start().await;
        if change != "certificates" {
            let rotate = json!({ "account": BRAND.account, "key": "public_key" });
            world.order("POST", "/keys/rotate", &rotate).await;
        }
        if change != "rotate" {
            let path = format!("/accounts/{}", BRAND.account);
            let phase = json!({ "key_phase": change });
            world.order("PATCH", &path, &phase).await;
        }
        let level = Member {
            level: "银卡".to_owned(),
            ..Member::default()
        };
        let answer = world.update_member(&BRAND, level, &["level"]).await;
        let status = answer.expect_err("the key is not good any more");
        let info = status.get_details_error_info().unwrap();
        if change == "public_key" {
            // The answer cannot be verified either, so that nobody knows what became of a write.
            assert_eq!(info.reason, "OUTCOME_UNKNOWN", "{status:?}");
        } else {
            assert_eq!(
                (status.code(), info.reason.as_str()),
                (Code::FailedPrecondition, "KEY_UNAVAILABLE"),
                "{status:?}"
            );
            assert!(status.get_details_bad_request().is_none());
            let failure = status.get_details_precondition_failure().unwrap();
            assert_eq!(failure.violations[0].r#type, "KEY_UNAVAILABLE");
        }
        assert!(
            status.message().contains("configure"),
            "{}",
            status.message()
        );

        let shown = account(&world, &BRAND).await;
        let problem = shown.credentials[0].problem.clone().unwrap();
        assert_eq!(problem.reason, "KEY_UNAVAILABLE", "{change}");
        assert!(problem.message.contains("configure"), "{}", problem.message);
        assert!(problem.since_time.is_some());
        let line = format!(
            "kabao_credential_problem{{kabao_account=\"{}\",kabao_credential=\"merchant\",kabao_reason=\"KEY_UNAVAILABLE\"}} 1",
            BRAND.account
        );
        let page = metrics(&world).await;
        assert!(page.contains(&line), "{line} in\n{page}");
        // Nobody else has a problem.
        assert!(
            account(&world, &MERCHANT).await.credentials[0]
                .problem
                .is_none()
        );
    }
}

#[tokio::test]
async fn a_certificate_that_wechat_does_not_know_any_more_is_shown_until_it_does() {
    let world = World::start().await;
    let all = json!({ "account": MERCHANT.account });
    world.order("POST", "/keys/revoke", &all).await;
    let status = refused(Code::FailedPrecondition, "CREDENTIAL_REJECTED")
        .upstream("401", "SIGN_ERROR")
        .check(world.get_member(&MERCHANT).await);
    assert!(
        status.message().contains("issue a new one"),
        "{}",
        status.message()
    );
    let problem = account(&world, &MERCHANT).await.credentials[0]
        .problem
        .clone();
    assert_eq!(problem.unwrap().reason, "CREDENTIAL_REJECTED");
    assert!(
        metrics(&world)
            .await
            .contains("kabao_reason=\"CREDENTIAL_REJECTED\"} 1")
    );

    world.order("POST", "/keys/restore", &all).await;
    world.get_member(&MERCHANT).await.unwrap();
    assert!(
        account(&world, &MERCHANT).await.credentials[0]
            .problem
            .is_none()
    );
    assert!(!metrics(&world).await.contains("kabao_credential_problem{"));
}
