//! Method, body, token, permission, quota and credentials.

use http::Method;
use kabao_models::official_account::{OPERATIONS, card, stable_token, token};
use kabao_models::{Body, Scheme};
use serde_json::json;

use super::super::super::testing::APPID;
use super::super::super::testing::{SECRET, Site, code as code_of};
use super::super::lists;
use super::Produced;
use crate::settings::OfficialAccount;

/// A change of the settings.
type Change = fn(&mut OfficialAccount);

/// Method, body, token, permission and quota, for every operation.
pub(super) fn access(produced: &mut Produced) {
    let mut site = Site::new();
    let expired = site.token.clone();
    site.clock.advance(7_200);
    site.renew();
    for operation in OPERATIONS
        .iter()
        .filter(|operation| operation.scheme == Scheme::AccessToken)
    {
        // The body decides which of two operations is meant.
        let (body, null) = if operation.id == card::UPDATE_CARD_MESSAGE.id {
            (
                r#"{"member_card":{"modify_msg_operation":{}}}"#,
                r#"{"card_id":null,"member_card":{"modify_msg_operation":{}}}"#,
            )
        } else {
            ("{}", r#"{"card_id":null}"#)
        };
        let mut try_with = |site: &Site, method: Method, token: &str, body: &str, expected: i64| {
            let target = format!("{}?access_token={token}", operation.path);
            assert_eq!(
                code_of(&site.send(method, &target, body)),
                expected,
                "{}",
                operation.id
            );
            produced.0.insert((operation.id, expected));
        };
        let is_get = operation.method == Method::GET;
        let post = || operation.method.clone();
        if is_get {
            site.rules(|rules| rules.colors_post = false);
            try_with(&site, Method::POST, &site.token, "{}", 43001);
            site.rules(|rules| rules.colors_post = true);
        } else {
            try_with(&site, Method::GET, &site.token, "", 43002);
            try_with(&site, post(), &site.token, "", 44002);
        }
        try_with(&site, post(), "", body, 41001);
        try_with(&site, post(), "short", body, 40014);
        try_with(&site, post(), "80_unknown_but_well_formed", body, 40001);
        try_with(&site, post(), &expired, body, 42001);
        let changes: [(Change, i64); 3] = [
            (|rules| rules.banned = true, 48004),
            (|rules| rules.calls_per_day = Some(0), 45009),
            (|rules| rules.calls_per_minute = Some(0), 45011),
        ];
        for (change, expected) in changes {
            if !lists(operation, expected) {
                continue;
            }
            site.rules(change);
            try_with(&site, post(), &site.token, body, expected);
            site.rules(|rules| *rules = OfficialAccount::default());
        }
        site.rules(|rules| rules.ignore_null_members = false);
        // A body that is no form has no file.
        let odd = if operation.body == Body::Multipart {
            41005
        } else {
            47001
        };
        // What has no body has no null in it.
        if operation.body != Body::Empty {
            try_with(&site, post(), &site.token, null, odd);
        }
        site.rules(|rules| *rules = OfficialAccount::default());
        site.world.accounts.all()[0].set_permitted(false);
        try_with(&site, post(), &site.token, body, 48001);
        site.world.accounts.all()[0].set_permitted(true);
    }
}

/// The two operations that issue tokens.
pub(super) fn credentials(produced: &mut Produced) {
    let rules: [(Change, i64); 8] = [
        (|_| (), 40125),
        (|rules| rules.wrong_secret_errcode = 40001, 40001),
        (|rules| rules.secret_frozen = true, 40243),
        (|rules| rules.caller_ip_refused = true, 40164),
        (|rules| rules.caller_ip_risky = true, 89503),
        (
            |rules| (rules.token_calls_per_day, rules.stable_token_calls_per_day) = (0, 0),
            45009,
        ),
        (|rules| rules.calls_per_minute = Some(0), 45011),
        (|rules| rules.stable_token_calls_per_minute = 0, 45011),
    ];
    for operation in [&token::GET_TOKEN, &stable_token::GET_STABLE_TOKEN] {
        let mut send = |site: &Site, grant_type: &str, appid: &str, secret: &str, expected: i64| {
            let (target, body) = if operation.method == Method::GET {
                (
                    format!(
                        "{}?grant_type={grant_type}&appid={appid}&secret={secret}",
                        operation.path
                    ),
                    String::new(),
                )
            } else {
                let body = json!({"grant_type": grant_type, "appid": appid, "secret": secret});
                (operation.path.to_owned(), body.to_string())
            };
            let answer = site.send(operation.method.clone(), &target, &body);
            if code_of(&answer) == expected {
                produced.0.insert((operation.id, expected));
            }
        };
        let site = Site::new();
        send(&site, "client_credential", "", "s", 41002);
        send(&site, "client_credential", APPID, "", 41004);
        send(&site, "password", APPID, SECRET, 40002);
        send(&site, "client_credential", "wx0", SECRET, 40013);
        for (change, expected) in rules {
            let site = Site::new();
            site.rules(change);
            let wrong = matches!(expected, 40125 | 40001);
            send(
                &site,
                "client_credential",
                APPID,
                if wrong { "s" } else { SECRET },
                expected,
            );
        }
    }
    let site = Site::new();
    let stable = stable_token::GET_STABLE_TOKEN.path;
    for (method, path, body, id, expected) in [
        (
            Method::POST,
            token::GET_TOKEN.path,
            "{}",
            token::GET_TOKEN.id,
            43001,
        ),
        (
            Method::GET,
            stable,
            "",
            stable_token::GET_STABLE_TOKEN.id,
            43002,
        ),
        (
            Method::POST,
            stable,
            "",
            stable_token::GET_STABLE_TOKEN.id,
            44002,
        ),
        (
            Method::POST,
            stable,
            "{",
            stable_token::GET_STABLE_TOKEN.id,
            47001,
        ),
    ] {
        assert_eq!(code_of(&site.send(method, path, body)), expected);
        produced.0.insert((id, expected));
    }
}
