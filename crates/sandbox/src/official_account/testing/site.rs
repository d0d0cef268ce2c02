//! Requests to a world without sockets.

use std::sync::Arc;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method};
use kabao_models::operations;
use serde_json::{Value, json};

use super::{APPID, NOW};
use crate::account::Account;
use crate::clock::{ManualClock, Time};
use crate::demo;
use crate::exchange::{Received, Reply};
use crate::keys::Authority;
use crate::official_account::{Claim, Context, Core, Refused};
use crate::settings::{OfficialAccount, Settings};
use crate::site;
use crate::sync::lock;
use crate::trail::Trail;
use crate::world::{Parts, World};

/// The secret of the demo account here.
pub(crate) const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// A world with the demo account, and a token for it.
pub(crate) struct Site {
    pub(crate) world: World,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) token: String,
}

impl Site {
    pub(crate) fn new() -> Self {
        let config = demo::accounts()
            .into_iter()
            .last()
            .unwrap()
            .with_app_secret(SECRET);
        let clock = Arc::new(ManualClock::new(NOW));
        let world = World::new(Parts {
            time: Time::new(Arc::<ManualClock>::clone(&clock)),
            accounts: vec![Arc::new(Account::new(config, None).unwrap())],
            base_url: String::new(),
            api_authority: Authority::api(None).unwrap().0,
            ca_pem: String::new(),
            files: None,
            settings: Settings::default(),
            fill: demo::fill,
        });
        let mut site = Self {
            world,
            clock,
            token: String::new(),
        };
        site.renew();
        site
    }

    /// Fetches a new stable token.
    pub(crate) fn renew(&mut self) {
        let body = json!({"grant_type": "client_credential", "appid": APPID, "secret": SECRET});
        let answer = self.send(Method::POST, "/cgi-bin/stable_token", &body.to_string());
        self.token = answer["access_token"].as_str().unwrap().to_owned();
    }

    /// Changes the settings of the family.
    pub(crate) fn rules(&self, change: impl FnOnce(&mut OfficialAccount)) {
        let mut settings = Settings::clone(&self.world.settings());
        change(&mut settings.official_account);
        self.world.set_settings(settings);
    }

    pub(crate) fn reply(&self, method: Method, target: &str, body: &str) -> Reply {
        self.reply_to(method, target, None, body.as_bytes())
    }

    /// The same for any body.
    pub(crate) fn reply_to(
        &self,
        method: Method,
        target: &str,
        content_type: Option<&str>,
        body: &[u8],
    ) -> Reply {
        let received = received(method, target, content_type, body);
        site::reply(&self.world, &received).1
    }

    pub(crate) fn send(&self, method: Method, target: &str, body: &str) -> Value {
        let reply = self.reply(method, target, body);
        assert_eq!(reply.status, 200);
        serde_json::from_slice(&reply.body).unwrap()
    }

    /// Posts a body with the token.
    pub(crate) fn post(&self, path: &str, body: &Value) -> Value {
        let target = format!("{path}?access_token={}", self.token);
        self.send(Method::POST, &target, &body.to_string())
    }

    /// The same, and checks that the answer is what the catalogue describes.
    pub(crate) fn call(&self, path: &str, body: &Value) -> Value {
        let target = format!("{path}?access_token={}", self.token);
        let received = received(Method::POST, &target, None, body.to_string().as_bytes());
        let (operation, reply) = site::reply(&self.world, &received);
        let answer = serde_json::from_slice(&reply.body).unwrap();
        check(operation.unwrap(), &answer);
        answer
    }
}

fn received(method: Method, target: &str, content_type: Option<&str>, body: &[u8]) -> Received {
    let mut headers = HeaderMap::new();
    if let Some(content_type) = content_type {
        headers.insert(CONTENT_TYPE, content_type.parse().unwrap());
    }
    Received {
        method,
        target: target.to_owned(),
        headers,
        body: Bytes::copy_from_slice(body),
        trail: Trail::default(),
    }
}

/// Checks an answer against its type and the documented codes.
fn check(id: &str, answer: &Value) {
    let operation = operations().find(|operation| operation.id == id).unwrap();
    match answer.get("errcode").and_then(Value::as_i64) {
        None | Some(0) => {
            let request = operation.new_request();
            let decoded = request
                .decode_answer(answer.to_string().as_bytes())
                .unwrap();
            assert_eq!(decoded.deviations, [], "{id}: {answer}");
            // An empty list is an answer, too.
            let is_empty_list =
                |field: &str| answer.get(field).is_some_and(|value| *value == json!([]));
            let mut violations = decoded.answer.strict_violations();
            violations.retain(|violation| !is_empty_list(&violation.field));
            assert_eq!(violations, [], "{id}: {answer}");
            assert!(decoded.answer.extra().is_empty(), "{id}: {answer}");
        }
        Some(code) => {
            let listed = operation.errors().any(|row| row.code == code.to_string());
            assert!(listed, "{id} does not list {answer}");
            let errmsg = answer["errmsg"].as_str().unwrap();
            assert!(errmsg.contains(" rid: "), "{errmsg}");
        }
    }
}

/// Returns the code of an answer.
pub(crate) fn code(answer: &Value) -> i64 {
    answer["errcode"].as_i64().unwrap_or(0)
}

/// Runs a user action of the demo account.
pub(crate) fn act<T>(
    site: &Site,
    action: impl FnOnce(&mut Core, &Context<'_>) -> Result<T, Refused>,
) -> T {
    act_as(site, APPID, action).unwrap()
}

/// The same for any account.
pub(crate) fn act_as<T>(
    site: &Site,
    appid: &str,
    action: impl FnOnce(&mut Core, &Context<'_>) -> Result<T, Refused>,
) -> Result<T, Refused> {
    let settings = site.world.settings();
    let context = Context::new(appid, site.world.now(), &settings.official_account);
    action(&mut lock(&site.world.official_account), &context)
}

/// A user claims a card.
pub(crate) fn claim(site: &Site, card_id: &str, openid: &str) -> String {
    let claim = Claim {
        card_id: card_id.into(),
        openid: openid.into(),
        ..Claim::default()
    };
    act(site, |core, context| core.claim(context, &claim)).code
}
