//! The life of cards and members, with every operation of the family.

use serde_json::json;

use super::super::testing::{APPID, CARD, NOW, new_card};
use super::super::testing::{Site, act, claim, code};
use super::super::{Claim, Review, Submission};
use crate::settings::MemberData;

#[test]
fn every_operation_answers_as_the_catalogue_says() {
    let mut site = Site::new();
    let card = json!({"card": new_card()});
    let card_id = site.call("/card/create", &card)["card_id"]
        .as_str()
        .unwrap()
        .to_owned();
    act(&site, |core, context| {
        core.review_template(context, &card_id, Review::Approve)
    });
    let listed = site.call(
        "/card/batchget",
        &json!({"offset": 0, "count": 50, "status_list": ["CARD_STATUS_VERIFY_OK"]}),
    );
    assert_eq!(listed["total_num"], 3);
    site.call(
        "/card/modifystock",
        &json!({"card_id": card_id, "increase_stock_value": 500}),
    );
    let full = site.call("/card/get", &json!({"card_id": CARD}));
    assert_eq!(
        full["card"]["member_card"]["base_info"]["title"],
        "茶港会员卡"
    );

    let qr = json!({"action_name": "QR_CARD", "action_info": {"card": {"card_id": card_id, "outer_str": "counter-7"}}});
    let ticket = site.call("/card/qrcode/create", &qr)["ticket"]
        .as_str()
        .unwrap()
        .to_owned();
    let scanned = Claim {
        card_id: card_id.clone(),
        openid: "oOne".into(),
        qr_ticket: Some(ticket),
        ..Claim::default()
    };
    let held = act(&site, |core, context| core.claim(context, &scanned)).code;
    let several = json!({"action_name": "QR_MULTIPLE_CARD",
        "action_info": {"multiple_card": {"card_list": [{"card_id": card_id}, {"card_id": CARD}]}}});
    assert_eq!(code(&site.call("/card/qrcode/create", &several)), 0);

    let by_code = site.call("/card/code/get", &json!({"code": held}));
    assert_eq!(
        (&by_code["outer_str"], &by_code["can_consume"]),
        (&json!("counter-7"), &json!(true))
    );
    let activation = json!({"membership_number": "M0000001", "code": held, "init_bonus": 100, "init_balance": 0});
    assert_eq!(
        code(&site.call("/card/membercard/activate", &activation)),
        0
    );
    let info = site.call(
        "/card/membercard/userinfo/get",
        &json!({"card_id": card_id, "code": held}),
    );
    assert_eq!(
        (&info["bonus"], &info["has_active"]),
        (&json!(100), &json!(true))
    );
    let updated = site.call(
        "/card/membercard/updateuser",
        &json!({"card_id": card_id, "code": held, "add_balance": -30}),
    );
    assert_eq!(
        (&updated["result_bonus"], &updated["result_balance"]),
        (&json!(100), &json!(-30))
    );
    let cards = site.call("/card/user/getcardlist", &json!({"openid": "oOne"}));
    assert_eq!(
        cards["card_list"],
        json!([{"code": held, "card_id": card_id}])
    );
    let encrypted = act(&site, |core, _| {
        Ok(core.encrypt_code(&(card_id.clone(), held.clone())))
    });
    assert_eq!(
        site.call("/card/code/decrypt", &json!({"encrypt_code": encrypted}))["code"],
        json!(held)
    );
    site.call(
        "/card/code/unavailable",
        &json!({"code": held, "reason": "应会员要求"}),
    );
    assert_eq!(
        code(&site.call("/card/code/get", &json!({"code": held}))),
        40127
    );

    let slot = json!({"card_id": CARD, "member_card": {"modify_msg_operation":
        {"card_cell": {"end_time": NOW + 60, "card_id": card_id}}}});
    assert_eq!(site.call("/card/update", &slot)["send_check"], json!(false));
    let mut both = slot;
    both["member_card"]["discount"] = json!(8);
    assert_eq!(site.call("/card/update", &both)["send_check"], json!(false));
    let change = json!({"card_id": card_id, "member_card": {"prerogative": "会员享九折。", "wx_activate": true,
        "wx_activate_after_submit": true}});
    assert_eq!(
        site.call("/card/update", &change)["send_check"],
        json!(true)
    );
    act(&site, |core, context| {
        core.review_template(context, &card_id, Review::Approve)
    });

    let form = json!({"card_id": card_id, "required_form": {"common_field_id_list": ["USER_FORM_INFO_FLAG_MOBILE"]}});
    assert_eq!(
        code(&site.call("/card/membercard/activateuserform/set", &form)),
        0
    );
    let url = site.call(
        "/card/membercard/activate/geturl",
        &json!({"card_id": card_id, "outer_str": "a b"}),
    );
    assert!(
        url["url"]
            .as_str()
            .unwrap()
            .contains("&outer_str=a%20b&biz=")
    );
    let second = claim(&site, &card_id, "oTwo");
    let given = json!({"common_field_list": [{"name": "USER_FORM_INFO_FLAG_MOBILE", "value": "13800000000"}],
        "custom_field_list": [{"name": "座位", "value": "", "value_list": ["窗边"]}]});
    let submission = Submission {
        card_id: card_id.clone(),
        code: second,
        info: serde_json::from_value(given.clone()).unwrap(),
    };
    let submitted = act(&site, |core, context| core.submit_form(context, submission));
    let ticket = json!({"activate_ticket": submitted.activate_ticket});
    assert_eq!(
        site.call("/card/membercard/activatetempinfo/get", &ticket)["info"],
        given
    );
    assert_eq!(
        code(&site.call("/card/membercard/activatetempinfo/get", &ticket)),
        47001
    );

    handed_out(&mut site, &card_id);
    deposit_life(&site);
    pay_rules(&site, &card_id);
    figures(&mut site, &card_id);
    assert_eq!(
        code(&site.call("/card/delete", &json!({"card_id": card_id}))),
        0
    );
    assert_eq!(
        code(&site.call("/card/delete", &json!({"card_id": card_id}))),
        40078
    );
}

/// Testers, pages, articles, entries, dynamic codes and what `base_info` keeps of them.
fn handed_out(site: &mut Site, card_id: &str) {
    let testers = json!({"openid": ["oTester"], "username": ["tester_01"]});
    assert_eq!(code(&site.call("/card/testwhitelist/set", &testers)), 0);
    let page = json!({"banner": "https://mmbiz.qpic.cn/mmbiz/AbCdEf0123456789/0", "page_title": "茶港",
        "can_share": true, "scene": "SCENE_MENU",
        "card_list": [{"card_id": CARD, "thumb_url": "https://mmbiz.qpic.cn/mmbiz/GhIjKl/0"}]});
    let made = site.call("/card/landingpage/create", &page);
    assert_eq!(made["page_id"], 1);
    let article = site.call("/card/mpnews/gethtml", &json!({"card_id": CARD}));
    assert!(article["content"].as_str().unwrap().starts_with("<iframe "));
    let token = site.token.clone();
    let colors = |method| site.send(method, &format!("/card/getcolors?access_token={token}"), "");
    for method in [http::Method::GET, http::Method::POST] {
        assert_eq!(colors(method)["colors"].as_array().unwrap().len(), 14);
    }
    let ticket = site.send(
        http::Method::GET,
        &format!("/cgi-bin/ticket/getticket?access_token={token}&type=wx_card"),
        "",
    );
    assert_eq!((code(&ticket), &ticket["expires_in"]), (0, &json!(7200)));

    let shown = site.call("/card/get", &json!({"card_id": card_id}));
    let base = &shown["card"]["member_card"]["base_info"];
    assert_eq!(
        (&base["use_limit"], base.get("use_dynamic_code")),
        (&json!(50), None)
    );
    let change = json!({"card_id": card_id, "member_card": {
        "base_info": {"use_limit": 3, "use_dynamic_code": true},
        "activate_msg_operation": {"url_cell": {"text": "去看看", "url": "https://a.example"}}}});
    assert_eq!(
        site.call("/card/update", &change)["send_check"],
        json!(false)
    );
    let shown = site.call("/card/get", &json!({"card_id": card_id}));
    let base = &shown["card"]["member_card"]["base_info"];
    assert_eq!(
        (&base["use_limit"], &base["use_dynamic_code"]),
        (&json!(3), &json!(true))
    );

    let held = claim(site, card_id, "oDynamic");
    let show = |site: &Site| {
        act(site, |core, context| {
            core.show_code(context, card_id, &held)
        })
    };
    let dynamic = show(site);
    let answer = site.call("/card/code/get", &json!({"code": dynamic}));
    assert_eq!(
        answer["card"],
        json!({"card_id": card_id, "begin_time": 0, "end_time": 2_147_483_647, "code": held,
            "bonus": 0, "balance": 0})
    );
    let plain = site.call("/card/code/get", &json!({"code": held}));
    assert!(plain["card"].get("bonus").is_none() && plain.get("bonus").is_none());
    site.rules(|rules| rules.code_get_member_data = MemberData::Always);
    let whole = site.call("/card/code/get", &json!({"code": held}));
    assert_eq!(
        (&whole["card"]["bonus"], &whole["bonus"]),
        (&json!(0), &json!(0))
    );
    site.rules(|rules| rules.code_get_member_data = MemberData::Never);
    let answer = site.call("/card/code/get", &json!({"code": dynamic}));
    assert!(answer["card"].get("bonus").is_none());
    site.rules(|rules| rules.code_get_member_data = MemberData::Dynamic);
    site.clock.advance(60);
    let late = |late: bool| json!({"code": dynamic, "is_expire_dynamic_code": late});
    assert_eq!(code(&site.call("/card/code/get", &late(false))), 40056);
    assert_eq!(
        site.call("/card/code/get", &late(true))["card"]["code"],
        json!(held)
    );
}

fn deposit_life(site: &Site) {
    let mut card = json!({"card": new_card()});
    let base = &mut card["card"]["member_card"]["base_info"];
    base["use_custom_code"] = json!(true);
    base["get_custom_code_mode"] = json!("GET_CUSTOM_CODE_MODE_DEPOSIT");
    base["sku"]["quantity"] = json!(0);
    let card_id = site.call("/card/create", &card)["card_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let codes = json!({"card_id": card_id, "code": ["M0000001", "M0000002"]});
    assert_eq!(
        code(&site.call("/card/code/deposit", &codes)),
        40078,
        "not approved yet"
    );
    act(site, |core, context| {
        core.review_template(context, &card_id, Review::Approve)
    });
    assert_eq!(
        site.call("/card/code/deposit", &codes)["succ_code"],
        json!(["M0000001", "M0000002"])
    );
    assert_eq!(
        site.call("/card/code/getdepositcount", &json!({"card_id": card_id}))["count"],
        json!(2)
    );
    let checked = site.call(
        "/card/code/checkcode",
        &json!({"card_id": card_id, "code": ["M0000001", "M0000009"]}),
    );
    assert_eq!(checked["not_exist_code"], json!(["M0000009"]));
    site.call(
        "/card/modifystock",
        &json!({"card_id": card_id, "increase_stock_value": 1}),
    );
    assert_eq!(claim(site, &card_id, "oOne"), "M0000001");
    let change = json!({"card_id": card_id, "code": "M0000001", "new_code": "M0000003"});
    assert_eq!(code(&site.call("/card/code/update", &change)), 0);
    assert_eq!(code(&site.call("/card/code/update", &change)), 40056);
}

fn pay_rules(site: &Site, card_id: &str) {
    let old = json!({"card_id": card_id, "mchid_list": ["1900000201"], "begin_time": NOW, "end_time": NOW + 1_000,
        "min_cost": 100, "max_cost": 1_000_000, "is_locked": true});
    assert_eq!(
        site.call("/card/paygiftmembercard/add", &old)["succ_mchid_list"],
        json!(["1900000201"])
    );
    let held = site.call(
        "/card/paygiftmembercard/get",
        &json!({"mchid": "1900000201"}),
    );
    assert_eq!(
        (&held["card_id"], &held["occupy_appid"]),
        (&json!(card_id), &json!(APPID))
    );
    let free = site.call(
        "/card/paygiftmembercard/get",
        &json!({"mchid": "1900000299"}),
    );
    assert_eq!((code(&free), free.get("card_id")), (0, None));
    let new = json!({"rule_info": {"type": "RULE_TYPE_PAY_MEMBER_CARD",
        "base_info": {"mchid_list": ["1900000201", "1900000202"], "begin_time": NOW, "end_time": NOW + 1_000},
        "member_rule": {"card_id": card_id, "least_cost": 2, "max_cost": 20_000, "jump_url": "https://shop.example.com/join"}}});
    let added = site.call("/card/paygiftcard/add", &new);
    assert_eq!(added["fail_mchid_list"][0]["occupy_appid"], json!(APPID));
    let rule = json!({"rule_id": added["rule_id"]});
    let shown = site.call("/card/paygiftcard/getbyid", &rule);
    assert_eq!(
        shown["rule_info"]["base_info"]["mchid_list"],
        json!(["1900000202"])
    );
    let page =
        json!({"type": "RULE_TYPE_PAY_MEMBER_CARD", "effective": true, "offset": 0, "count": 10});
    assert_eq!(
        site.call("/card/paygiftcard/batchget", &page)["total_count"],
        json!(1)
    );
    site.rules(|rules| rules.answer_rule_id = true);
    assert_eq!(
        site.post("/card/paygiftcard/getbyid", &rule)["rule_info"]["rule_id"],
        added["rule_id"]
    );
    site.rules(|rules| rules.answer_rule_id = false);
    assert_eq!(code(&site.call("/card/paygiftcard/delete", &rule)), 0);
    assert_eq!(code(&site.call("/card/paygiftcard/delete", &rule)), 47001);
    let gone = json!({"card_id": card_id, "mchid_list": ["1900000201"]});
    assert_eq!(
        site.call("/card/paygiftmembercard/delete", &gone)["succ_mchid_list"],
        json!(["1900000201"])
    );
}

fn figures(site: &mut Site, card_id: &str) {
    site.clock.advance(86_400);
    site.renew();
    let range = json!({"begin_date": "2025-12-22", "end_date": "2026-01-01", "cond_source": 1});
    let info = site.call("/datacube/getcardmembercardinfo", &range);
    assert_eq!(
        (info.get("errcode"), &info["list"][0]["total_user"]),
        (None, &json!(1)),
        "the demo member"
    );
    let detail = json!({"begin_date": "2026-01-01", "end_date": "2026-01-01", "card_id": card_id});
    let detail = site.call("/datacube/getcardmembercarddetail", &detail);
    assert_eq!(
        (
            &detail["list"][0]["receive_user"],
            &detail["list"][0]["active_cnt"]
        ),
        (&json!(3), &json!(1))
    );
    let today = json!({"begin_date": "2026-01-02", "end_date": "2026-01-02", "cond_source": 1});
    assert_eq!(
        code(&site.call("/datacube/getcardmembercardinfo", &today)),
        61501
    );
    site.rules(|rules| rules.datacube_errcode = true);
    assert_eq!(
        site.call("/datacube/getcardmembercardinfo", &range)["errcode"],
        json!(0)
    );
}
