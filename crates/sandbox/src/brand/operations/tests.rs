//! The operations as requests: whom they act for, and that a brand can do directly what a service
//! provider does for it.

mod direct;
mod numbers;
mod provider;

use std::collections::BTreeSet;
use std::sync::Arc;

use kabao_models::brand::{
    ExchangeRecord, Token, ValidDateInformation, ValidDateType, cards, pay_view_tokens,
};
use kabao_models::{Answer as _, Endpoint, Family, Personal};

use super::super::claim::tests::join;
use super::super::template_rules::tests::card;
use super::super::testing::{BRAND, CARD, CODE, OPENID, core, now, rule};
use super::super::{Join, Rule, Way};
use super::*;
use crate::account::{Account, AccountConfig};
use crate::overlay::overlay;
use crate::serve::{self, Call, Remarks, Serve};
use crate::settings::{self, Settings};

/// Sends requests to a core as one caller.
struct Client {
    core: Core,
    account: Arc<Account>,
    settings: Settings,
    called: BTreeSet<&'static str>,
}

impl Client {
    fn new() -> Self {
        let config = AccountConfig::brand("demo-brand", "1900000110", BRAND);
        Self {
            core: core(),
            account: Arc::new(Account::new(config, None).unwrap()),
            settings: Settings::default(),
            called: BTreeSet::new(),
        }
    }

    fn send<E: Serve<Core = Core>>(&mut self, request: E) -> Result<E::Answer, Refused> {
        assert_eq!(request.strict_violations(), []);
        let call = Call {
            operation: <E as Endpoint>::OPERATION,
            account: Arc::clone(&self.account),
            now: now(),
            settings: Arc::new(self.settings.clone()),
            remarks: Remarks::default(),
        };
        let answer = serve::answer(&mut self.core, &call, request)?;
        assert_eq!(answer.strict_violations(), [], "{}", call.operation.id);
        self.called.insert(call.operation.id);
        Ok(answer)
    }

    /// A user joins with a token.
    fn joins(&mut self, openid: &str, token: Token) -> Personal {
        let way = Way::Component {
            token: token.token.unwrap().into_exposed(),
        };
        let join = Join {
            way,
            ..join(openid)
        };
        let card = self.core.join(&join, now(), &self.settings.brand).unwrap();
        card.user_card_code.unwrap()
    }

    /// A member asks for the exchange of the demo data.
    fn asks(&mut self) -> ExchangeRecord {
        let id = self.core.exchange_templates.keys().next().cloned().unwrap();
        self.core
            .request_exchange(&id, OPENID, now(), &self.settings.brand)
            .unwrap()
    }

    /// Checks that every operation of a kind was answered.
    fn called_all(&self, prefix: &str) {
        let known: BTreeSet<_> = kabao_models::operations()
            .filter(|operation| operation.family == Family::Brand)
            .map(|operation| operation.id)
            .filter(|id| id.starts_with(prefix))
            .collect();
        assert_eq!(self.called, known);
    }
}

fn brand() -> Option<String> {
    Some(BRAND.to_owned())
}

fn named(card_id: &str) -> Option<String> {
    Some(card_id.to_owned())
}

fn openid(openid: &str) -> Option<Personal> {
    Some(openid.into())
}

fn png() -> (Option<bytes::Bytes>, Option<String>) {
    let file = b"\x89PNG\r\n\x1a\n";
    (
        Some(bytes::Bytes::from_static(file)),
        Some(kabao_auth::sha256_hex(file)),
    )
}

#[test]
fn a_caller_acts_for_its_own_brand_only() {
    let get = |brand: &str| cards::GetCard {
        card_id: CARD.into(),
        brand_id: named(brand),
        ..Default::default()
    };
    let mut client = Client::new();
    assert_eq!(rule(client.send(get("2008"))), Rule::BrandUnauthorized);
    client.settings.brand.unauthorized_brand = settings::UnauthorizedBrand::InvalidRequest;
    assert_eq!(rule(client.send(get("2008"))), Rule::BrandInvalid);
    client.settings.brand.brands_without_membership = vec![BRAND.to_owned()];
    assert_eq!(rule(client.send(get(BRAND))), Rule::FeatureClosed);
    let merchant = AccountConfig::merchant("acme", "1900000109");
    client.account = Arc::new(Account::new(merchant, None).unwrap());
    assert_eq!(rule(client.send(get(BRAND))), Rule::BrandUnauthorized);
}

#[test]
fn an_import_says_its_validity_where_the_settings_want_that() {
    let mut client = Client::new();
    client.settings.brand.import_needs_validity = true;
    let import = user_cards::ImportUserCardByOpenid {
        brand_id: brand(),
        card_id: named(CARD),
        openid: openid("oNew"),
        user_card_code: openid("HT-1"),
        ..Default::default()
    };
    assert_eq!(rule(client.send(import.clone())), Rule::ValidityMissing);
    let valid = ValidDateInformation {
        r#type: Some(ValidDateType::Permanent),
        ..Default::default()
    };
    let import = user_cards::ImportUserCardByOpenid {
        valid_date_information: Some(valid),
        ..import
    };
    client.send(import).unwrap();
    // Nobody asks the payer of an order.
    let attach = format!("cell=[1_400]&card_id=[{CARD}]&user_card_code=[HT-9]");
    let payer = client
        .core
        .pay_order("oPays", &attach, now(), &client.settings.brand);
    assert!(payer.unwrap().is_some());
}

#[test]
fn unlisted_calls_can_be_closed() {
    let mut client = Client::new();
    client.settings.brand.unlisted_operations_answer = false;
    let token = pay_view_tokens::CreatePayViewToken {
        brand_id: brand(),
        card_id: named(CARD),
        openid: openid(OPENID),
        ..Default::default()
    };
    assert_eq!(rule(client.send(token)), Rule::CallerClosed);
}
