//! Requests and answers at the level of HTTP.

use kabao_models::official_account::card::UPDATE_CARD;
use serde_json::json;

use super::*;
use crate::official_account::testing::{
    APPID, CARD, CODE, OTHER_APPID, SECRET, Site, act, act_as, code, new_card,
};

/// A change of the settings.
type Change = fn(&mut OfficialAccount);

#[test]
fn tokens_are_refused_by_what_is_wrong_with_them() {
    let mut site = Site::new();
    let get = |site: &Site, query: &str| {
        code(&site.send(
            Method::POST,
            &format!("/card/get{query}"),
            &json!({"card_id": CARD}).to_string(),
        ))
    };
    let token = site.token.clone();
    assert_eq!(get(&site, &format!("?access_token={token}")), 0);
    assert_eq!(get(&site, ""), 41001);
    assert_eq!(get(&site, "?access_token="), 41001);
    assert_eq!(get(&site, "?access_token=nonsense"), 40014);
    assert_eq!(get(&site, "?access_token=80_abcdefghijklmnopqrst"), 40001);
    site.clock.advance(7_200);
    assert_eq!(get(&site, &format!("?access_token={token}")), 42001);
    site.renew();
    lock(&site.world.tokens).revoke(APPID, site.world.now().as_second());
    assert_eq!(get(&site, &format!("?access_token={}", site.token)), 40001);
}

#[test]
fn credentials_are_checked_one_after_the_other() {
    let site = Site::new();
    for (query, expected) in [
        ("secret=s&grant_type=client_credential", 41002),
        ("appid=wx0&grant_type=client_credential", 41004),
        ("appid=wx0&secret=s&grant_type=password", 40002),
        ("appid=wx0&secret=s&grant_type=client_credential", 40013),
        (
            &format!("appid={APPID}&secret=s&grant_type=client_credential"),
            40125,
        ),
        (
            &format!("appid={APPID}&secret={SECRET}&grant_type=client_credential"),
            0,
        ),
    ] {
        let plain = site.send(Method::GET, &format!("/cgi-bin/token?{query}"), "");
        assert_eq!(code(&plain), expected, "{query}");
        let body: serde_json::Map<_, _> = query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(k, v)| (k.to_owned(), json!(v)))
            .collect();
        let stable = site.send(
            Method::POST,
            "/cgi-bin/stable_token",
            &Value::Object(body).to_string(),
        );
        assert_eq!(code(&stable), expected, "{query}");
    }
    assert_eq!(
        code(&site.send(Method::POST, "/cgi-bin/token", "{}")),
        43001
    );
    assert_eq!(
        code(&site.send(Method::POST, "/cgi-bin/stable_token", "{")),
        47001
    );
    let good = format!("/cgi-bin/token?appid={APPID}&secret={SECRET}&grant_type=client_credential");
    let changes: [(Change, i64); 4] = [
        (|rules| rules.caller_ip_refused = true, 40164),
        (|rules| rules.caller_ip_risky = true, 89503),
        (|rules| rules.secret_frozen = true, 40243),
        (|rules| rules.token_calls_per_day = 0, 45009),
    ];
    for (change, expected) in changes {
        let site = Site::new();
        site.rules(change);
        assert_eq!(code(&site.send(Method::GET, &good, "")), expected);
    }
    site.rules(|rules| rules.wrong_secret_errcode = 40001);
    let wrong = format!("/cgi-bin/token?appid={APPID}&secret=s&grant_type=client_credential");
    assert_eq!(code(&site.send(Method::GET, &wrong, "")), 40001);
}

#[test]
fn methods_paths_and_bodies_have_their_codes() {
    let site = Site::new();
    let target = format!("/card/get?access_token={}", site.token);
    for (method, target, body, expected) in [
        (Method::GET, target.as_str(), "", 43002),
        (Method::POST, &target, "", 44002),
        (Method::POST, &target, "{", 47001),
        (Method::POST, &target, r#"{"card_id":null}"#, 41012),
        (Method::POST, &target, r#"{"card_id":5}"#, 40073),
        (Method::POST, &target, r#"{"card_id":[5]}"#, 47001),
        (Method::POST, &target, "{}", 41012),
        (Method::POST, "/card/get", "", 44002),
        (Method::POST, "/card/nothing", "{}", 40066),
    ] {
        assert_eq!(
            code(&site.send(method, target, body)),
            expected,
            "{target} {body}"
        );
    }
    site.rules(|rules| rules.unknown_path = UnknownPath::NotFound);
    assert_eq!(site.reply(Method::POST, "/card/nothing", "{}").status, 404);
}

#[test]
fn nulls_and_forms_of_numbers_are_taken_unless_the_settings_say_otherwise() {
    let site = Site::new();
    let member = format!(r#""card_id":"{CARD}","code":{CODE}"#);
    let card =
        |base: &str| format!(r#"{{"card_id":"{CARD}","member_card":{{"base_info":{base}}}}}"#);
    let slot = format!(
        r#"{{"card_cell":{{"card_id":"{CARD}","url":null,"end_time":1893456000.0}},"url_cell":null}}"#
    );
    let cases = [
        (
            "/card/membercard/updateuser",
            format!(r#"{{{member},"bonus":2900.0,"add_bonus":-100.0}}"#),
        ),
        (
            "/card/membercard/updateuser",
            format!(r#"{{{member},"add_balance":"-100"}}"#),
        ),
        (
            "/card/membercard/updateuser",
            format!(r#"{{"card_id":"{CARD}","code":"{CODE}","notify_optional":null}}"#),
        ),
        ("/card/update", card(r#"{"get_limit":"3"}"#)),
        (
            "/card/update",
            card(r#"{"brand_name":null,"service_phone":"020"}"#),
        ),
        (
            "/card/update",
            format!(r#"{{"card_id":"{CARD}","member_card":{{"modify_msg_operation":{slot}}}}}"#),
        ),
        (
            "/card/update",
            format!(
                r#"{{"card_id":"{CARD}","member_card":{{"discount":5,"modify_msg_operation":{slot}}}}}"#
            ),
        ),
        (
            "/card/paygiftmembercard/get",
            r#"{"mchid":1900000109}"#.to_owned(),
        ),
    ];
    let send = |site: &Site, path: &str, body: &str| {
        code(&site.send(
            Method::POST,
            &format!("{path}?access_token={}", site.token),
            body,
        ))
    };
    for (path, body) in &cases {
        assert_eq!(send(&site, path, body), 0, "{body}");
    }
    let info = site.call(
        "/card/membercard/userinfo/get",
        &json!({"card_id": CARD, "code": CODE}),
    );
    assert_eq!(
        (&info["bonus"], &info["balance"]),
        (&json!(2900), &json!(2900))
    );
    site.rules(|rules| {
        (rules.accept_number_forms, rules.ignore_null_members) = (false, false);
    });
    for (path, body) in &cases {
        assert_eq!(send(&site, path, body), 47001, "{body}");
    }
    // The catalogue itself has the numbers of stores in both forms.
    let stores = card(r#"{"location_id_list":["123",12321]}"#);
    assert_eq!(send(&site, "/card/update", &stores), 0);
}

#[test]
fn an_empty_code_of_a_qr_code_is_not_given() {
    let site = Site::new();
    let card = json!({"card_id": CARD, "code": "", "openid": "", "outer_str": ""});
    for action in [
        json!({"action_name": "QR_CARD", "action_info": {"card": card}}),
        json!({"action_name": "QR_MULTIPLE_CARD",
            "action_info": {"multiple_card": {"card_list": [{"card_id": CARD, "code": ""}]}}}),
    ] {
        assert_eq!(code(&site.call("/card/qrcode/create", &action)), 0);
    }
}

#[test]
fn permission_and_quota_come_before_the_body() {
    let site = Site::new();
    let get = |site: &Site| code(&site.post("/card/get", &json!({})));
    assert_eq!(get(&site), 41012);
    site.rules(|rules| rules.calls_per_minute = Some(1));
    assert_eq!((get(&site), get(&site)), (41012, 45011));
    site.rules(|rules| rules.calls_per_day = Some(0));
    assert_eq!(get(&site), 45009);
    site.world.accounts.all()[0].set_permitted(false);
    assert_eq!(get(&site), 48001);
    site.rules(|rules| rules.banned = true);
    assert_eq!(get(&site), 48004);
}

#[test]
fn a_failure_ends_in_its_trace() {
    let site = Site::new();
    let newer = site.post("/card/get", &json!({"card_id": "none"}));
    assert_eq!(code(&newer), 40073);
    assert!(
        newer["errmsg"]
            .as_str()
            .unwrap()
            .starts_with("invalid card id rid: ")
    );
    site.rules(|rules| rules.trace = Trace::Hint);
    let older = site.post("/card/get", &json!({"card_id": "none"}));
    assert!(older["errmsg"].as_str().unwrap().contains(" hint: ["));
}

#[test]
fn a_redeemed_code_names_its_card() {
    let site = Site::new();
    act(&site, |core, context| core.consume(context, CARD, CODE));
    let answer = site.call("/card/code/get", &json!({"code": CODE}));
    assert_eq!(
        (code(&answer), &answer["card"]["card_id"], &answer["code"]),
        (40099, &json!(CARD), &json!(CODE))
    );
    let unchecked = site.call(
        "/card/code/get",
        &json!({"code": CODE, "check_consume": false}),
    );
    assert_eq!(
        (&unchecked["user_card_status"], &unchecked["can_consume"]),
        (&json!("CONSUMED"), &json!(false))
    );
}

#[test]
fn effects_stand_in_the_ledger_under_their_operation() {
    let site = Site::new();
    let change =
        json!({"card_id": CARD, "code": CODE, "add_bonus": -60, "custom_field_value1": "金卡"});
    site.call("/card/membercard/updateuser", &change);
    site.call(
        "/card/membercard/updateuser",
        &json!({"card_id": CARD, "code": "000000000000", "bonus": 1}),
    );
    let entries = lock(&site.world.ledger).entries();
    assert_eq!(entries.len(), 1, "a refusal has no effect");
    assert_eq!(entries[0].operation, "official_account.member.update_user");
    let bonus = entries[0]
        .changes
        .iter()
        .find(|change| change.field == "bonus")
        .unwrap();
    assert_eq!(
        (bonus.before.clone(), bonus.after.clone()),
        (Some(json!(460)), Some(json!(400)))
    );
}

#[test]
fn a_card_of_another_account_gets_the_nearest_documented_code() {
    let site = Site::new();
    let foreign = act_as(&site, OTHER_APPID, |core, context| {
        core.create_template(context, &new_card())
    })
    .unwrap();
    for (path, expected) in [
        ("/card/get", 45030),
        ("/card/delete", 45030),
        ("/card/code/getdepositcount", 40073),
        ("/card/membercard/activate/geturl", 40073),
    ] {
        assert_eq!(
            code(&site.call(path, &json!({"card_id": foreign}))),
            expected,
            "{path}"
        );
    }
}

#[test]
fn a_card_that_was_upgraded_is_read_and_not_changed() {
    let site = Site::new();
    let read = || {
        site.call(
            "/card/membercard/userinfo/get",
            &json!({"card_id": CARD, "code": CODE}),
        )
    };
    let before = read();
    site.rules(|rules| rules.upgraded_cards = vec![CARD.to_owned()]);
    for (path, body) in [
        ("/card/delete", json!({"card_id": CARD})),
        (
            "/card/membercard/updateuser",
            json!({"card_id": CARD, "code": CODE, "bonus": 1}),
        ),
        ("/card/code/unavailable", json!({"code": CODE})),
    ] {
        assert_eq!(code(&site.call(path, &body)), 48001, "{path}");
    }
    site.rules(|rules| rules.upgraded_card_errcode = 40078);
    let change = json!({"card_id": CARD, "member_card": {"discount": 8}});
    assert_eq!(code(&site.call("/card/update", &change)), 40078);
    assert_eq!(read(), before);
    assert_eq!(code(&site.call("/card/get", &json!({"card_id": CARD}))), 0);
}

#[test]
fn the_body_of_an_update_decides_what_is_meant() {
    let (update, message) = (UPDATE_CARD.id, UPDATE_CARD_MESSAGE.id);
    for (body, expected) in [
        ("", update),
        ("{", update),
        (r#"{"card_id":"p","member_card":{"discount":5}}"#, update),
        (
            r#"{"card_id":"p","member_card":{"modify_msg_operation":{}}}"#,
            message,
        ),
        (
            r#"{"card_id":"p","member_card":{"base_info":null,"modify_msg_operation":{}}}"#,
            message,
        ),
        (
            r#"{"card_id":"p","member_card":{"modify_msg_operation":{},"discount":5}}"#,
            update,
        ),
    ] {
        for operation in [&UPDATE_CARD, &UPDATE_CARD_MESSAGE] {
            let is_meant = is_meant(operation, body.as_bytes());
            assert_eq!(is_meant, operation.id == expected, "{body}");
        }
    }
}

#[test]
fn every_path_of_the_family_is_its_own() {
    for operation in kabao_models::official_account::OPERATIONS {
        assert!(owns(operation.path), "{}", operation.path);
    }
}

#[test]
fn what_fits_no_form_is_named_with_the_type_that_it_should_have() {
    let site = Site::new();
    for (member, hint) in [
        (r#""bonus":"many""#, "/bonus must be an integer"),
        (r#""bonus":12.5"#, "/bonus must be an integer"),
        (
            r#""notify_optional":[1]"#,
            "/notify_optional must be an object",
        ),
        (r#""record_bonus":true"#, "/record_bonus must be a text"),
    ] {
        let body = format!(r#"{{"card_id":"{CARD}","code":"{CODE}",{member}}}"#);
        let target = format!("/card/membercard/updateuser?access_token={}", site.token);
        let answer = site.send(Method::POST, &target, &body);
        let errmsg = answer["errmsg"].as_str().unwrap();
        assert!(code(&answer) == 47001 && errmsg.contains(hint), "{errmsg}");
    }
}
