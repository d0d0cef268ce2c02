//! Pictures, shelf pages, articles, testers and the entries of a card.

use http::Method;
use kabao_models::official_account::{
    landing_page, media, mp_news, pay_cell, self_consume_cell, test_whitelist,
};
use serde_json::{Value, json};

use super::super::super::testing::{CARD, new_card};
use super::super::super::testing::{Site, act, code as code_of};
use super::{Produced, approved, foreign};
use crate::settings::UploadPart;

/// A form with one part.
fn form(part: &str, content: &str) -> (&'static str, String) {
    (
        "multipart/form-data; boundary=b",
        format!(
            "--b\r\nContent-Disposition: form-data; {part}\r\nContent-Type: image/png\r\n\r\n{content}\r\n--b--\r\n"
        ),
    )
}

/// Uploads a form and returns the whole answer.
fn upload(site: &Site, (content_type, body): (&str, String)) -> Value {
    let target = format!("{}?access_token={}", media::UPLOAD_IMAGE.path, site.token);
    let reply = site.reply_to(Method::POST, &target, Some(content_type), body.as_bytes());
    serde_json::from_slice(&reply.body).unwrap()
}

pub(super) fn pictures(produced: &mut Produced) {
    let site = Site::new();
    // Bytes of no text do not go through the helper; a JPEG header does not either, so BMP stands for
    // what is no picture here and a page of the core's own tests covers the others.
    let named = |part: &str| format!("name=\"{part}\"; filename=\"a.png\"");
    let mut case = |site: &Site, form: (&str, String), expected: i64| {
        assert_eq!(code_of(&upload(site, form)), expected);
        produced.0.insert((media::UPLOAD_IMAGE.id, expected));
    };
    case(&site, form(&named("media"), "BM.."), 40005);
    case(&site, form(&named("buffer"), ""), 40005);
    case(&site, form(&named("picture"), "BM.."), 41005);
    case(&site, form("name=\"media\"", "BM.."), 41005);
    case(&site, ("application/json", "{}".to_owned()), 41005);
    for (setting, taken, refused) in [
        (UploadPart::Media, "media", "buffer"),
        (UploadPart::Buffer, "buffer", "media"),
    ] {
        site.rules(|rules| rules.upload_part = setting);
        case(&site, form(&named(taken), "BM.."), 40005);
        case(&site, form(&named(refused), "BM.."), 41005);
    }
    site.rules(|rules| rules.upload_part = UploadPart::Any);
    let target = format!("{}?access_token={}", media::UPLOAD_IMAGE.path, site.token);
    let send = |extra: usize| -> Value {
        let mut body =
            b"--b\r\nContent-Disposition: form-data; name=\"media\"; filename=\"a.png\"\r\n\r\n"
                .to_vec();
        body.extend(b"\x89PNG\r\n\x1a\n");
        body.extend(vec![0; extra]);
        body.extend(b"\r\n--b--\r\n");
        let kind = Some("multipart/form-data; boundary=b");
        let reply = site.reply_to(Method::POST, &target, kind, &body);
        serde_json::from_slice(&reply.body).unwrap()
    };
    assert_eq!(code_of(&send(1 << 20)), 40009);
    produced.0.insert((media::UPLOAD_IMAGE.id, 40009));
    let plain = send(4);
    assert!(plain.get("errcode").is_none(), "{plain}");
    assert!(
        plain["url"]
            .as_str()
            .unwrap()
            .starts_with("http://mmbiz.qpic.cn/")
    );
    site.rules(|rules| rules.upload_answer_errcode = true);
    let told = send(4);
    assert_eq!(
        (&told["errcode"], &told["errmsg"]),
        (&json!(0), &json!("ok"))
    );
}

pub(super) fn entries(produced: &mut Produced) {
    let site = Site::new();
    let made = site.call("/card/create", &json!({"card": new_card()}));
    let unapproved = made["card_id"].as_str().unwrap().to_owned();
    let others = foreign(&site);

    let page = |card_id: &str| {
        json!({"banner": "https://mmbiz.qpic.cn/mmbiz/AbCdEf0123456789/0", "page_title": "茶港", "can_share": true,
            "scene": "SCENE_MENU", "card_list": [{"card_id": card_id, "thumb_url": "https://mmbiz.qpic.cn/mmbiz/GhIjKl/0"}]})
    };
    let create = &landing_page::CREATE_LANDING_PAGE;
    let article = &mp_news::GET_MP_NEWS_HTML;
    for (card_id, expected) in [
        (CARD, 0),
        ("none", 40073),
        (unapproved.as_str(), 40078),
        (others.as_str(), 45030),
    ] {
        produced.case(&site, create, &page(card_id), expected);
        produced.case(&site, article, &json!({"card_id": card_id}), expected);
    }
    let mut bare = page(CARD);
    bare["card_list"][0]
        .as_object_mut()
        .unwrap()
        .remove("card_id");
    produced.case(&site, create, &bare, 41012);
    bare.as_object_mut().unwrap().remove("banner");
    produced.case(&site, create, &bare, 41011);
    produced.case(&site, article, &json!({}), 41012);

    let bare = approved(&site, &json!({}));
    let store = approved(&site, &json!({"location_id_list": [101]}));
    for operation in [
        &pay_cell::SET_PAY_CELL,
        &self_consume_cell::SET_SELF_CONSUME_CELL,
    ] {
        let ask = |card_id: &str| json!({"card_id": card_id, "is_open": true});
        produced.case(&site, operation, &ask(&store), 0);
        produced.case(&site, operation, &ask(&bare), 43017);
        produced.case(&site, operation, &ask("none"), 40073);
        produced.case(&site, operation, &ask(&others), 45030);
        produced.case(&site, operation, &json!({"card_id": bare}), 41011);
        produced.case(&site, operation, &json!({"is_open": true}), 41012);
        site.rules(|rules| rules.pay_permission = false);
        produced.case(&site, operation, &ask(&store), 43008);
        site.rules(|rules| rules.pay_permission = true);
    }

    let set = &test_whitelist::SET_TEST_WHITELIST;
    produced.case(&site, set, &json!({"openid": ["oOne"], "username": []}), 0);
    produced.case(&site, set, &json!({"openid": ["not an openid"]}), 40003);
    site.rules(|rules| rules.test_whitelist_empty = crate::settings::EmptyList::Error);
    produced.case(&site, set, &json!({"openid": [], "username": []}), 41011);
    let testers = act(&site, |core, _| Ok(core.testers().len()));
    assert_eq!(testers, 1);
}
