//! Pictures, testers, shelf pages, articles, the entries of a card, dynamic codes, redeeming, colours.

use kabao_proto::kabao::officialaccount::v1::UploadImageRequest;
use kabao_proto::kabao::officialaccount::v1::media_service_client::MediaServiceClient;
use serde_json::json;

use super::{act, adapted, approve, text};
use crate::demo::OFFICIAL_ACCOUNT;
use crate::walk::{PNG, Walk};

/// Uploads a picture.
pub(super) async fn picture(walk: &mut Walk<'_>) {
    let (first, second) = PNG.split_at(4);
    let chunks = [
        UploadImageRequest {
            account: OFFICIAL_ACCOUNT.account(),
            filename: "card-face.png".to_owned(),
            content: first.to_vec().into(),
        },
        UploadImageRequest {
            content: second.to_vec().into(),
            ..UploadImageRequest::default()
        },
    ];
    let answer = MediaServiceClient::new(walk.world().channel())
        .upload_image(tokio_stream::iter(chunks))
        .await
        .unwrap()
        .into_inner();
    let url = answer.url.unwrap();
    assert!(url.starts_with("http://mmbiz.qpic.cn/"), "{url}");
    assert_eq!(
        (answer.errcode, answer.errmsg.as_deref()),
        (Some(0), Some("ok"))
    );
    let answer = json!({"url": url, "errcode": 0, "errmsg": "ok"});
    walk.done("official_account.media.upload_image", &answer);
}

/// Everything that hands a card out besides QR codes.
pub(super) async fn hand_out(walk: &mut Walk<'_>, card_id: &str) {
    let testers = "official_account.test_whitelist.set";
    walk.call(testers, walk.example(testers)).await;
    assert_eq!(walk.world().effects_of(testers).len(), 1);

    let page = "official_account.landing_page.create";
    let mut request = walk.example(page);
    request["card_list"][0]["card_id"] = json!(card_id);
    let made = walk.call(page, request).await;
    assert_eq!(made["page_id"], 1);
    let article = "official_account.mp_news.get_html";
    let answer = walk.call(article, json!({"card_id": card_id})).await;
    assert!(text(&answer["content"]).contains(card_id));

    for id in [
        "official_account.pay_cell.set",
        "official_account.self_consume_cell.set",
    ] {
        let request = adapted(walk, id, json!({"card_id": card_id}));
        walk.call(id, request).await;
        assert_eq!(walk.world().effects_of(id).len(), 1);
    }
    let colors = walk.call("official_account.colors.get", json!({})).await;
    assert_eq!(colors["colors"].as_array().unwrap().len(), 14);
    let addresses = walk.call("official_account.callback_ips.get", json!({}));
    assert_eq!(addresses.await, json!({"ip_list": ["127.0.0.1", "::1"]}));
}

/// A till reads a dynamic code, and a code is redeemed.
pub(super) async fn till(walk: &mut Walk<'_>) {
    let create = "official_account.card.create";
    let card = json!({"card": {"member_card": {
        "base_info": {"use_dynamic_code": true},
        "bind_old_card_url": "https://shop.example.com/bind",
    }}});
    let request = adapted(walk, create, card);
    let card_id = text(&walk.call(create, request).await["card_id"]);
    approve(walk.world(), &card_id).await;
    let get = json!({"card_id": card_id});
    let shown = walk.call("official_account.card.get", get).await;
    let shown = &shown["card"]["member_card"];
    assert_eq!(shown["bind_old_card_url"], "https://shop.example.com/bind");
    assert_eq!(shown["base_info"]["use_dynamic_code"], true);

    let claim = json!({"card_id": card_id, "openid": "oTill", "nickname": "River"});
    let code = text(&act(walk.world(), "claim", claim).await["code"]);
    let card = json!({"card_id": card_id, "code": code});
    let dynamic = text(&act(walk.world(), "show-code", card.clone()).await["code"]);
    let get = "official_account.code.get";
    let answer = walk
        .call(
            get,
            json!({"code": dynamic, "is_expire_dynamic_code": false}),
        )
        .await;
    assert_eq!(answer["card"]["code"], code);
    // The demo member has everything that a member can have.
    let demo = json!({"card_id": OFFICIAL_ACCOUNT.card_id, "code": OFFICIAL_ACCOUNT.code});
    let answer = walk.call(get, demo).await;
    assert_eq!(answer["bonus"], answer["card"]["bonus"]);

    let consume = "official_account.code.consume";
    let answer = walk.call(consume, card).await;
    assert_eq!(answer["openid"], "oTill");
    let get = json!({"code": code, "card_id": card_id, "check_consume": false});
    let answer = walk.call("official_account.code.get", get).await;
    assert_eq!(answer["user_card_status"], "CONSUMED");
}
