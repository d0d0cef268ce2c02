//! The calls of the founding documents succeed with the sandbox's defaults, in their order, on the demo data: signed by
//! the caller itself, and through the gateway.

use kabao_proto::kabao::v1::{AdjustBalanceRequest, Member, Template, adjust_balance_request};
use serde_json::{Value, json};

use crate::demo::{BRAND, Demo, MERCHANT, OFFICIAL_ACCOUNT};
use crate::signed::{Answer, Caller};
use crate::walk::Walk;
use crate::world::World;

fn calls() -> Vec<Value> {
    let document: Value =
        serde_json::from_str(include_str!("../data/founding_calls.json")).unwrap();
    document["calls"].as_array().unwrap().clone()
}

/// The body of a call.
fn body(operation: &str) -> Value {
    let calls = calls();
    let call = calls.iter().find(|call| call["operation"] == operation);
    call.unwrap()["body"].clone()
}

fn demo(call: &Value) -> &'static Demo {
    let account = call["account"].as_str().unwrap();
    [&MERCHANT, &BRAND, &OFFICIAL_ACCOUNT]
        .into_iter()
        .find(|demo| demo.account == account)
        .unwrap()
}

async fn send(world: &World, call: &Value) -> Answer {
    let caller = Caller::new(world.sandbox(), demo(call).account).await;
    let mut target = call["path"].as_str().unwrap().to_owned();
    for (index, (name, value)) in call["query"].as_object().into_iter().flatten().enumerate() {
        let mark = if index == 0 { '?' } else { '&' };
        target.push_str(&format!("{mark}{name}={}", value.as_str().unwrap()));
    }
    let body = match &call["body"] {
        Value::Null => String::new(),
        body => body.to_string(),
    };
    caller
        .send(call["method"].as_str().unwrap(), &target, &body)
        .await
}

fn has_members(call: &Value, answer: &Value) {
    for pointer in call["answer"].as_array().unwrap() {
        let member = answer.pointer(pointer.as_str().unwrap());
        assert!(member.is_some(), "{pointer} of {call}: {answer}");
    }
}

#[tokio::test]
async fn each_signed_call_succeeds_and_its_answer_has_every_member() {
    let world = World::start().await;
    let mut updated = Value::Null;
    for call in calls() {
        let answer = send(&world, &call).await;
        assert_eq!(answer.status, call["status"], "{call}: {answer:?}");
        let content_type = answer.header("content-type").unwrap();
        assert!(content_type.starts_with("application/json"), "{answer:?}");
        if answer.status == 204 {
            assert_eq!(answer.header("content-length"), Some("0"), "{answer:?}");
            assert_eq!(
                answer.header("content-language"),
                Some("zh-CN"),
                "{answer:?}"
            );
        }
        let shown = answer.json();
        has_members(&call, &shown);
        if demo(&call).account == OFFICIAL_ACCOUNT.account {
            assert_eq!(shown["errcode"], 0, "{call}: {shown}");
        }
        if call["operation"] == "brand.cards.update" {
            updated = shown;
        }
    }
    // Sections that do not belong to the kind of the template are stored.
    let sent = body("brand.cards.update");
    for section in [
        "code_jump_information",
        "points_information",
        "balance_information",
        "purchase_information",
        "valid_date_information",
        "user_information",
    ] {
        assert_eq!(updated[section], sent[section]);
    }
    assert_eq!(updated["update_time"], updated["modify_time"]);
    // They are without effect.
    assert_eq!(updated["code_type"], "QR_CODE");
    assert_eq!(updated["card_type"], "NORMAL");
    assert_eq!(updated["state"], "CARD_EFFECTIVE");
    // What a real account is reported to refuse is remarked in the journal, with the setting for it.
    let path = "/requests?operation=official_account.card.update";
    let journal = world.order("GET", path, &Value::Null).await;
    let remarks = journal["requests"][0]["remarks"].to_string();
    assert!(remarks.contains("require_cdn_pictures"), "{journal}");
}

#[tokio::test]
async fn each_call_succeeds_through_its_family_rpc() {
    let world = World::start().await;
    let demos = [&MERCHANT, &BRAND, &OFFICIAL_ACCOUNT];
    let mut walks = demos.map(|demo| (demo.account, Walk::new(&world, demo)));
    for call in calls() {
        let mut request = json!({});
        for part in ["named", "query", "body"] {
            let members = call[part].as_object().into_iter().flatten();
            let request = request.as_object_mut().unwrap();
            request.extend(members.map(|(name, value)| (name.clone(), value.clone())));
        }
        let account = demo(&call).account;
        let (_, walk) = walks
            .iter_mut()
            .find(|(known, _)| *known == account)
            .unwrap();
        let answer = walk
            .call(call["operation"].as_str().unwrap(), request)
            .await;
        has_members(&call, &answer);
    }
}

#[tokio::test]
async fn what_the_calls_do_is_done_by_the_portable_api_too() {
    let world = World::start().await;
    let text =
        |body: &Value, pointer: &str| body.pointer(pointer).unwrap().as_str().unwrap().to_owned();

    let sent = body("merchant.user_cards.update");
    let before = world.get_member(&MERCHANT).await.unwrap().into_inner();
    let change = Member {
        membership_number: text(&sent, "/membership_number"),
        background_picture_url: text(&sent, "/background_picture_url"),
        level: text(&sent, "/level"),
        ..Member::default()
    };
    let paths = ["membership_number", "background_picture_url", "level"];
    let after = world
        .update_member(&MERCHANT, change, &paths)
        .await
        .unwrap();
    assert_eq!(after.into_inner().level, sent["level"]);
    let add = sent["balance_information"]["add_balance"].as_i64().unwrap();
    let adjust = AdjustBalanceRequest {
        name: MERCHANT.member(),
        change: Some(adjust_balance_request::Change::Add(add)),
        request_id: text(&sent, "/out_request_no"),
        ..AdjustBalanceRequest::default()
    };
    let after = world.members().adjust_balance(adjust).await.unwrap();
    assert_eq!(
        Some(after.into_inner().after),
        before.balance.map(|balance| balance + add)
    );

    let sent = body("official_account.member.userinfo_get");
    let member = world
        .get_member(&OFFICIAL_ACCOUNT)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(member.name, OFFICIAL_ACCOUNT.member());
    assert_eq!(sent["code"], OFFICIAL_ACCOUNT.code);

    let sent = body("official_account.card.update");
    let base = |name: &str| text(&sent, &format!("/member_card/base_info/{name}"));
    let change = Template {
        logo_url: base("logo_url"),
        service_phone: base("service_phone"),
        description: base("description"),
        background_picture_url: text(&sent, "/member_card/background_pic_url"),
        ..Template::default()
    };
    let paths = [
        "logo_url",
        "service_phone",
        "description",
        "background_picture_url",
    ];
    let after = world
        .update_template(&OFFICIAL_ACCOUNT, change.clone(), &paths)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(after.logo_url, change.logo_url);
    assert_eq!(after.description, change.description);

    let sent = body("brand.cards.update");
    let change = Template {
        title: text(&sent, "/card_title"),
        background_picture_url: text(&sent, "/card_picture_url"),
        ..Template::default()
    };
    let after = world
        .update_template(&BRAND, change, &["title", "background_picture_url"])
        .await
        .unwrap();
    assert_eq!(after.into_inner().title, sent["card_title"]);
    world.delete_template(&BRAND).await.unwrap();
    let ended = world.get_template(&BRAND).await.unwrap().into_inner();
    assert_eq!(ended.upstream_state, "CARD_INVALID");
}
