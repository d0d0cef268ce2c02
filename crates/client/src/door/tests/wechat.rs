//! A WeChat of three families that takes a few steps over every request.

use std::sync::{Arc, LazyLock, Mutex};

use async_trait::async_trait;
use http::Method;
use kabao_api::Family;
use tokio::time::{Duration, sleep};

use crate::backend::brand::Brand;
use crate::backend::merchant::{ListOffset, Merchant};
use crate::backend::official_account::OfficialAccount;
use crate::client::Client;
use crate::decorator::Decorator;
use crate::settings::Settings;
use crate::testing::{
    brand, direct_brand, merchant, official_account, signed, signed_for_brand, unsigned,
};
use crate::transport::{HttpRequest, HttpResponse, Transport, TransportError};

/// Whose client calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    Merchant,
    Brand,
    DirectBrand,
    OfficialAccount,
}

impl Who {
    pub(super) const ALL: [Self; 4] = [
        Self::Merchant,
        Self::Brand,
        Self::DirectBrand,
        Self::OfficialAccount,
    ];

    pub(super) fn family(self) -> Family {
        match self {
            Self::Merchant => Family::Merchant,
            Self::Brand | Self::DirectBrand => Family::Brand,
            Self::OfficialAccount => Family::OfficialAccount,
        }
    }
}

/// One answer has whatever some operation of WeChat Pay is documented to answer with.
const PAY: &str = r#"{"card_id":"pbLatjvWOibDc5-TBnbUk1pD12o0","code":"478515832665","user_card_code":"478515832665",
"openid":"obLatjnx9gnqzS4myYGmLZ7LgLBA","balance":12800,"bonus_value":600,"point_balance":5,"media_url":"https://wxpaylogo.qpic.cn/0"}"#;
const OFFICIAL: &str = r#"{"errcode":0,"errmsg":"ok","access_token":"T1","expires_in":7200,"card_id":"ph_gmt7cUVrlRk8swPwx7aDyF-pg",
"openid":"obLatjm43RA5C6QfMO5szKYnT3dM","bonus":250,"balance":3000,"user_card_status":"NORMAL","url":"http://mmbiz.qpic.cn/a/0",
"card":{"card_type":"MEMBER_CARD","member_card":{"base_info":{"id":"ph_gmt7cUVrlRk8swPwx7aDyF-pg"}}}}"#;

/// Remembers the path of every request that was sent, and whether it changes something.
#[derive(Clone)]
pub(super) struct WeChat {
    who: Who,
    /// How long an answer takes, besides the steps.
    delay: Duration,
    sent: Arc<Mutex<Vec<(String, bool)>>>,
}

impl WeChat {
    pub(super) fn of(who: Who) -> Self {
        Self::slow(who, Duration::ZERO)
    }

    pub(super) fn slow(who: Who, delay: Duration) -> Self {
        Self {
            who,
            delay,
            sent: Arc::default(),
        }
    }

    pub(super) fn sent(&self) -> Vec<(String, bool)> {
        self.sent.lock().unwrap().clone()
    }

    pub(super) fn writes(&self) -> usize {
        self.sent().iter().filter(|(_, writes)| *writes).count()
    }

    /// A client that reaches it, with something in between.
    pub(super) fn client(&self, decorator: &dyn Decorator) -> Client {
        let transport: Arc<dyn Transport> = Arc::new(self.clone());
        match self.who {
            Who::Merchant => {
                let pipeline = merchant(transport, Settings::default());
                Client::compose(pipeline, decorator, |ground| {
                    Merchant::new(ground, ListOffset::Items)
                })
            }
            Who::Brand => Client::compose(brand(transport), decorator, |ground| {
                Brand::new(ground, "1004".to_owned())
            }),
            Who::DirectBrand => Client::compose(direct_brand(transport), decorator, |ground| {
                Brand::new(ground, "1077".to_owned())
            }),
            Who::OfficialAccount => {
                Client::compose(official_account(transport), decorator, |ground| {
                    OfficialAccount::new(ground, "wx0123456789abcdef".to_owned(), false)
                })
            }
        }
    }

    fn is_write(&self, request: &HttpRequest) -> bool {
        const READS: [&str; 3] = [
            "/cgi-bin/stable_token",
            "/card/membercard/userinfo/get",
            "/card/get",
        ];
        match self.who {
            Who::OfficialAccount => {
                let path = request.target.split('?').next().unwrap_or_default();
                !READS.contains(&path)
            }
            _ => request.method != Method::GET,
        }
    }
}

#[async_trait]
impl Transport for WeChat {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let entry = (request.target.clone(), self.is_write(&request));
        let place = {
            let mut sent = self.sent.lock().unwrap();
            sent.push(entry);
            sent.len()
        };
        tokio::task::yield_now().await;
        tokio::task::yield_now().await;
        if !self.delay.is_zero() {
            sleep(self.delay).await;
        }
        // Signed once: the clock stands still. No client gets so many answers that it would get one twice.
        const SIGNATURES: usize = 64;
        static SIGNED: LazyLock<Vec<HttpResponse>> =
            LazyLock::new(|| (0..SIGNATURES).map(|_| signed(200, PAY)).collect());
        static FOR_BRAND: LazyLock<Vec<HttpResponse>> = LazyLock::new(|| {
            (0..SIGNATURES)
                .map(|_| signed_for_brand(200, PAY))
                .collect()
        });
        Ok(match self.who {
            Who::Merchant | Who::Brand => SIGNED[place].clone(),
            Who::DirectBrand => FOR_BRAND[place].clone(),
            Who::OfficialAccount => unsigned(200, OFFICIAL),
        })
    }
}
