//! Random sequences of requests and user actions, and what holds whatever happens.

mod invariants;
mod step;

use std::collections::{BTreeMap, BTreeSet};

use kabao_models::official_account::UserInfo;
use proptest::prelude::*;
use serde_json::json;

use self::step::{Step, UNKNOWN, step};
use super::testing::Site;
use super::testing::{APPID, CARD, CODE, NOW, new_card};
use super::{Claim, Context, Core, Payment, Refused, Review, Submission};
use crate::sync::lock;

/// What the steps work on.
struct Run {
    site: Site,
    cards: Vec<String>,
    /// Points and balance of every member, summed up from the ledger alone.
    totals: BTreeMap<(String, String), (i64, i64)>,
    read: usize,
    finished: BTreeSet<(String, String)>,
}

impl Run {
    fn new() -> Self {
        let totals = BTreeMap::from([((CARD.to_owned(), CODE.to_owned()), (460, 3_000))]);
        Self {
            site: Site::new(),
            cards: vec![CARD.to_owned()],
            totals,
            read: 0,
            finished: BTreeSet::new(),
        }
    }

    fn card(&self, choice: usize) -> String {
        if choice == UNKNOWN {
            "pUnknown".to_owned()
        } else {
            self.cards[choice % self.cards.len()].clone()
        }
    }

    fn member(&self, choice: usize) -> (String, String) {
        let members = self.members();
        if choice == UNKNOWN || members.is_empty() {
            return (CARD.to_owned(), "000000000000".to_owned());
        }
        let member = &members[choice % members.len()];
        (member.0.clone(), member.1.clone())
    }

    fn rule(&self, choice: usize) -> i64 {
        let core = lock(&self.site.world.official_account);
        let rules: Vec<_> = core.pay_rules().map(|rule| rule.rule_id).collect();
        if choice == UNKNOWN || rules.is_empty() {
            1
        } else {
            rules[choice % rules.len()]
        }
    }

    /// `card_id`, `code`, state, points, balance.
    fn members(&self) -> Vec<(String, String, String, i64, i64)> {
        self.act(|core, context| {
            Ok(core
                .members(context)
                .map(|state| {
                    let status = state.status.as_str().to_owned();
                    (
                        state.card_id,
                        state.code,
                        status,
                        state.record.bonus,
                        state.record.balance,
                    )
                })
                .collect())
        })
        .unwrap()
    }

    /// Runs a user action as the control API does.
    fn act<T>(
        &self,
        action: impl FnOnce(&mut Core, &Context<'_>) -> Result<T, Refused>,
    ) -> Result<T, Refused> {
        use crate::serve::Core as _;
        let settings = self.site.world.settings();
        let now = self.site.world.now();
        let context = Context::new(APPID, now, &settings.official_account);
        let mut core = lock(&self.site.world.official_account);
        let result = action(&mut core, &context);
        crate::serve::record(
            &self.site.world.ledger,
            now,
            "control",
            "demo-official-account",
            core.take_effects(),
        );
        result
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Create {
                mode,
                activation,
                stock,
                approved,
            } => {
                self.site.rules(|rules| rules.approve_at_once = approved);
                self.create(mode, activation, stock);
                self.site.rules(|rules| rules.approve_at_once = false);
            }
            Step::Review { card, approve } => {
                let card_id = self.card(card);
                let review = if approve {
                    Review::Approve
                } else {
                    Review::Refuse
                };
                let _ = self.act(|core, context| core.review_template(context, &card_id, review));
            }
            Step::Update { card, kind } => {
                let change = match kind {
                    0 => json!({"prerogative": "会员享九折。"}),
                    1 => json!({"base_info": {"service_phone": "10086"}}),
                    2 => json!({"base_info": {"brand_name": "改名"}}),
                    3 => json!({"supply_bonus": false}),
                    4 => json!({"base_info": {"title": "一个长得不能再长的会员卡名字"}}),
                    5 => {
                        json!({"modify_msg_operation": {"url_cell": {"end_time": NOW + 9, "text": "看", "url": "https://a.example"}}})
                    }
                    6 => {
                        json!({"base_info": {"date_info": {"type": "DATE_TYPE_FIX_TIME_RANGE", "end_timestamp": NOW + 9}}})
                    }
                    _ => json!({"base_info": {"notice": null}}),
                };
                self.site.call(
                    "/card/update",
                    &json!({"card_id": self.card(card), "member_card": change}),
                );
            }
            Step::Stock {
                card,
                increase,
                reduce,
            } => {
                let change = json!({"card_id": self.card(card), "increase_stock_value": increase, "reduce_stock_value": reduce});
                self.site.call("/card/modifystock", &change);
            }
            Step::DeleteCard { card } => {
                self.site
                    .call("/card/delete", &json!({"card_id": self.card(card)}));
            }
            Step::Deposit { card, codes } => {
                let codes: Vec<_> = codes.into_iter().map(own_code).collect();
                self.site.call(
                    "/card/code/deposit",
                    &json!({"card_id": self.card(card), "code": codes}),
                );
            }
            Step::Claim { card, user, code } => {
                let claim = Claim {
                    card_id: self.card(card),
                    openid: format!("oUser{user}"),
                    code: code.map(own_code),
                    ..Claim::default()
                };
                let _ = self.act(|core, context| core.claim(context, &claim));
            }
            Step::UpdateUser {
                member,
                bonus,
                add_bonus,
                balance,
                add_balance,
            } => {
                let (card_id, code) = self.member(member);
                let mut change = json!({"card_id": card_id, "code": code});
                for (name, value) in [
                    ("bonus", bonus),
                    ("add_bonus", add_bonus),
                    ("balance", balance),
                    ("add_balance", add_balance),
                ] {
                    if let Some(value) = value {
                        change[name] = json!(value);
                    }
                }
                let answer = self.site.call("/card/membercard/updateuser", &change);
                if let (Some(bonus), Some(0)) = (bonus, answer["errcode"].as_i64()) {
                    assert_eq!(answer["result_bonus"], json!(bonus), "absolute wins");
                }
            }
            Step::Activate { member, bonus } => {
                let (card_id, code) = self.member(member);
                let body = json!({"card_id": card_id, "code": code, "membership_number": "M1", "init_bonus": bonus});
                self.site.call("/card/membercard/activate", &body);
            }
            Step::Unavailable { member } => {
                let (card_id, code) = self.member(member);
                self.site.call(
                    "/card/code/unavailable",
                    &json!({"card_id": card_id, "code": code}),
                );
            }
            Step::UpdateCode { member, code: new } => {
                let (card_id, code) = self.member(member);
                let new_code = own_code(new);
                let body = json!({"card_id": card_id, "code": code, "new_code": new_code});
                let answer = self.site.call("/card/code/update", &body);
                if answer["errcode"] == json!(0) {
                    let totals = self.totals.remove(&(card_id.clone(), code)).unwrap();
                    self.totals.insert((card_id, new_code), totals);
                }
            }
            Step::User { member, kind } => self.user(member, kind),
            Step::AddRule {
                card,
                merchants,
                old,
            } => self.add_rule(card, &merchants, old),
            Step::DeleteRule { rule } => {
                self.site.call(
                    "/card/paygiftcard/delete",
                    &json!({"rule_id": self.rule(rule)}),
                );
            }
            Step::Pay {
                merchant,
                user,
                fee,
            } => {
                let payment = Payment {
                    mchid: format!("190000020{merchant}"),
                    openid: format!("oUser{user}"),
                    fee,
                    joins: true,
                };
                let _ = self.act(|core, context| core.pay(context, &payment));
            }
            Step::Read { card, member } => self.read(card, member),
            Step::Wait { seconds } => {
                self.site.clock.advance(i64::from(seconds));
                self.site.renew();
            }
        }
    }

    fn create(&mut self, mode: u8, activation: u8, stock: i64) {
        let mut card = json!({"card": new_card()});
        let member_card = &mut card["card"]["member_card"];
        let base = &mut member_card["base_info"];
        base["sku"]["quantity"] = json!(if mode > 1 && stock > 0 { 0 } else { stock });
        base["get_limit"] = json!(2);
        if mode > 0 {
            base["use_custom_code"] = json!(true);
        }
        if mode > 1 {
            base["get_custom_code_mode"] = json!("GET_CUSTOM_CODE_MODE_DEPOSIT");
        }
        if mode == 3 {
            base["date_info"] =
                json!({"type": "DATE_TYPE_FIX_TERM", "fixed_term": 1, "fixed_begin_term": 0});
        }
        match activation {
            0 => member_card["auto_activate"] = json!(true),
            1 => member_card["activate_url"] = json!("https://shop.example.com/join"),
            2 => member_card["wx_activate"] = json!(true),
            3 => {
                member_card["wx_activate"] = json!(true);
                member_card["wx_activate_after_submit"] = json!(true);
            }
            _ => member_card["custom_field1"] = json!({"name": "券"}),
        }
        let answer = self.site.call("/card/create", &card);
        if let Some(card_id) = answer["card_id"].as_str() {
            self.site.call(
                "/card/membercard/activateuserform/set",
                &json!({"card_id": card_id}),
            );
            self.cards.push(card_id.to_owned());
        }
    }

    fn user(&self, member: usize, kind: u8) {
        let (card_id, code) = self.member(member);
        let _ = self.act(|core, context| match kind {
            0 => core.gift(context, &card_id, &code),
            1 => core
                .accept_gift(context, &card_id, &code, "oFriend")
                .map(|_| ()),
            2 => core.return_gift(context, &card_id, &code),
            3 => core.delete_member(context, &card_id, &code),
            4 => core.restore_member(context, &card_id, &code),
            5 => core.consume(context, &card_id, &code),
            6 => core.view(context, &card_id, &code),
            _ => {
                let submission = Submission {
                    card_id: card_id.clone(),
                    code: code.clone(),
                    info: UserInfo::default(),
                };
                core.submit_form(context, submission).map(|_| ())
            }
        });
    }

    fn add_rule(&self, card: usize, merchants: &[u8], old: bool) {
        let mchids: Vec<_> = merchants
            .iter()
            .map(|merchant| format!("190000020{merchant}"))
            .collect();
        let now = self.site.world.now().as_second();
        let (card_id, end_time) = (self.card(card), now + 50_000);
        if old {
            let body = json!({"card_id": card_id, "mchid_list": mchids, "begin_time": now, "end_time": end_time,
                "min_cost": 100, "max_cost": 200});
            self.site.call("/card/paygiftmembercard/add", &body);
        } else {
            let body = json!({"rule_info": {"type": "RULE_TYPE_PAY_MEMBER_CARD",
                "base_info": {"mchid_list": mchids, "begin_time": now, "end_time": end_time},
                "member_rule": {"card_id": card_id, "least_cost": 100, "max_cost": 200}}});
            self.site.call("/card/paygiftcard/add", &body);
        }
    }

    fn read(&self, card: usize, member: usize) {
        let (card_id, code) = self.member(member);
        self.site
            .call("/card/get", &json!({"card_id": self.card(card)}));
        self.site.call(
            "/card/membercard/userinfo/get",
            &json!({"card_id": card_id, "code": code}),
        );
        self.site
            .call("/card/code/get", &json!({"card_id": card_id, "code": code}));
        self.site.call(
            "/card/code/get",
            &json!({"code": code, "check_consume": false}),
        );
        self.site
            .call("/card/user/getcardlist", &json!({"openid": "oUser1"}));
        self.site
            .call("/card/batchget", &json!({"offset": 1, "count": 2}));
        self.site.call(
            "/card/code/getdepositcount",
            &json!({"card_id": self.card(card)}),
        );
        let page = json!({"type": "RULE_TYPE_PAY_MEMBER_CARD", "effective": false, "offset": 0, "count": 2});
        self.site.call("/card/paygiftcard/batchget", &page);
        let range = json!({"begin_date": "2025-12-30", "end_date": "2025-12-31", "cond_source": 1});
        self.site.call("/datacube/getcardmembercardinfo", &range);
    }
}

fn own_code(number: u8) -> String {
    format!("M{number:04}")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_stock_codes_states_and_totals_hold(steps in prop::collection::vec(step(), 1..50)) {
        let mut run = Run::new();
        for step in steps {
            run.step(step);
            run.check();
        }
    }
}
