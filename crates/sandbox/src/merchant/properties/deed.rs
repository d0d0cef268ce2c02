//! What the steps do.

use kabao_models::merchant::activities::CreateActivity;
use kabao_models::merchant::bonus::{CommitBonus, PrepareBonus};
use kabao_models::merchant::card_qrcodes::CreateCardQrcode;
use kabao_models::merchant::phone_members::{
    ImportPhoneMember, MemberInformation, SearchPhoneMember,
};
use kabao_models::merchant::service_modules::{AddServiceModule, RemoveServiceModule};
use kabao_models::merchant::user_card_rights::UpdateUserCardRights;
use kabao_models::merchant::user_card_services::SetUserCardService;
use kabao_models::merchant::user_cards::{
    ActivateUserCard, BalanceChange, ConfirmUserCard, ImportUserCardByOpenid,
    ImportUserCardByPhone, SetUserCardUnavailable, UpdateUserCard,
};
use kabao_models::merchant::{ActivateType, StateSetting, UserCardConfirmState};

use super::step::Step;
use super::world::{World, choose, code_of, phone_of, user_of};
use crate::clock::{plus_days, rfc3339_millis};
use crate::merchant::Claim;
use crate::merchant::activity_rules::tests as activity_rules;
use crate::merchant::testing::MERCHANT;

impl World {
    /// Steps that give cards to users.
    pub(super) fn give(&mut self, step: Step) {
        match step {
            Step::Claim {
                template,
                user,
                jump,
                code,
            } => {
                let claim = Claim {
                    card_id: self.template(template),
                    user: user_of(user),
                    code: code.map(code_of),
                    activated: !jump,
                    ..Claim::default()
                };
                let card = self.run(|core, context| {
                    if jump {
                        let (card, pass) = core.start_activation(context, &claim)?;
                        if let Some(pass) = pass {
                            let code =
                                core.decrypt_code(context, &claim.card_id, &pass.encrypt_code)?;
                            assert_eq!(card.code, Some(code));
                            core.activate_information(context, &pass.activate_ticket)?;
                        }
                        Ok(card)
                    } else {
                        core.claim(context, &claim)
                    }
                });
                if let Some(card) = card {
                    self.got_card(&card, user);
                }
            }
            Step::OpenLink {
                template,
                user,
                jump,
            } => {
                let kind = if jump {
                    ActivateType::JumpActivate
                } else {
                    ActivateType::AutoActivate
                };
                let request = CreateCardQrcode {
                    activate_url: Some("https://example.com/join".into()),
                    ..CreateCardQrcode::new(self.template(template), kind)
                };
                let link = self.ask(|core, context| core.create_qrcode(context, &request));
                let Some(url) = link.and_then(|link| link.url) else {
                    return;
                };
                let claim = Claim {
                    user: user_of(user),
                    ..Claim::default()
                };
                let opened = self.run(|core, context| core.open_link(context, &url, &claim));
                if let Some(opened) = opened {
                    self.got_card(&opened.card, user);
                }
            }
            Step::ImportByOpenid {
                template,
                user,
                number,
                code,
            } => {
                let card_id = self.template(template);
                let number = format!("i-{number}");
                let request = ImportUserCardByOpenid {
                    code: code.map(|code| code_of(code).into()),
                    ..ImportUserCardByOpenid::new(card_id.as_str(), user_of(user).openid, number)
                };
                let answer = self.send(request);
                if let Some(code) = answer.and_then(|answer| answer.code) {
                    self.got((card_id, code.into_exposed()), user);
                }
            }
            Step::ImportByPhone {
                template,
                user,
                number,
            } => {
                let card_id = self.template(template);
                let number = format!("p-{number}");
                let request = ImportUserCardByPhone::new(card_id.as_str(), phone_of(user), number);
                let answer = self.send(request);
                if let Some(code) = answer.and_then(|answer| answer.code) {
                    self.got((card_id, code.into_exposed()), user);
                }
            }
            Step::ImportPhoneMember { template, user } => {
                let card_id = self.template(template);
                let member = MemberInformation {
                    card_id: Some(card_id.clone()),
                    registration_time: Some("2025-11-02T09:15:00.000+08:00".into()),
                    ..MemberInformation::default()
                };
                let request = ImportPhoneMember::new(member, phone_of(user));
                self.run(|core, context| core.import_phone_member(context, &request));
                let search = SearchPhoneMember::new(card_id, phone_of(user));
                self.ask(|core, context| core.search_phone_member(context, &search));
            }
            _ => {}
        }
    }

    /// Steps that count.
    pub(super) fn count(&mut self, step: Step) {
        match step {
            Step::Balance {
                member,
                number,
                add,
                error,
            } => {
                let key = self.member(member);
                let before = self.stored(&key).0.saturating_add(error);
                let request = UpdateUserCard {
                    balance_information: Some(BalanceChange {
                        before_balance: Some(before),
                        balance: Some(before.saturating_add(add)),
                        add_balance: Some(add),
                        ..BalanceChange::default()
                    }),
                    ..UpdateUserCard::new(key.0.as_str(), key.1.as_str(), format!("b-{number}"))
                };
                let effects = self.core.effects.len();
                let done = self.send(request);
                if done.is_some() && self.core.effects.len() > effects {
                    self.sums.entry(key).or_default().0 += if self.strict { add } else { 0 };
                }
            }
            Step::Points {
                member,
                number,
                add,
                error,
            } => {
                let key = self.member(member);
                let before = self.stored(&key).1.saturating_add(error);
                let request = UpdateUserCardRights {
                    before_bonus_value: Some(before),
                    bonus_value: Some(before.saturating_add(add)),
                    add_bonus_value: Some(add),
                    ..UpdateUserCardRights::new(
                        key.0.as_str(),
                        key.1.as_str(),
                        format!("r-{number}"),
                    )
                };
                let effects = self.core.effects.len();
                let done = self.send(request);
                if done.is_some() && self.core.effects.len() > effects {
                    self.sums.entry(key).or_default().1 += if self.strict { add } else { 0 };
                }
            }
            Step::Prepare {
                member,
                order,
                points,
            } => {
                let (card_id, code) = self.member(member);
                let request = PrepareBonus {
                    mchid: Some(MERCHANT.into()),
                    ..PrepareBonus::new(card_id, code, format!("o-{order}"), points)
                };
                self.run(|core, context| core.prepare_bonus(context, &request));
            }
            Step::Commit {
                member,
                order,
                points,
            } => {
                let key = self.member(member);
                let request = CommitBonus {
                    mchid: Some(MERCHANT.into()),
                    ..CommitBonus::new(key.0.as_str(), key.1.as_str(), format!("o-{order}"), points)
                };
                let effects = self.core.effects.len();
                let done = self.run(|core, context| core.commit_bonus(context, &request));
                if done.is_some() && self.core.effects.len() > effects {
                    self.sums.entry(key).or_default().1 += if self.strict { points } else { 0 };
                }
            }
            _ => {}
        }
    }

    /// Steps that change states.
    pub(super) fn act(&mut self, step: Step) {
        match step {
            Step::Activate { member } => {
                let (card_id, code) = self.member(member);
                let request = ActivateUserCard::new(card_id, code);
                self.ask(|core, context| core.activate_member(context, &request));
            }
            Step::SetUnavailable { member } => {
                let (card_id, code) = self.member(member);
                let request = SetUserCardUnavailable::new(card_id, code);
                self.run(|core, context| core.set_unavailable(context, &request));
            }
            Step::Confirm { member, success } => {
                let (card_id, code) = self.member(member);
                let state = if success {
                    UserCardConfirmState::CreateCardSuccess
                } else {
                    UserCardConfirmState::CreateCardFail
                };
                let request = ConfirmUserCard::new(card_id, code, state);
                self.run(|core, context| core.confirm_member(context, &request));
            }
            Step::UserDeletes { member } => {
                let (card_id, code) = self.member(member);
                self.ask(|core, context| core.delete_member(context, &card_id, &code));
            }
            Step::UserRestores { member } => {
                let (card_id, code) = self.member(member);
                self.ask(|core, context| core.restore_member(context, &card_id, &code));
            }
            Step::AddService { template } => {
                let request = AddServiceModule::new(self.template(template), "731");
                self.ask(|core, context| core.add_service(context, &request));
            }
            Step::RemoveService { template } => {
                let request = RemoveServiceModule::new(self.template(template), "731");
                self.run(|core, context| core.remove_service(context, &request));
            }
            Step::Service {
                member,
                number,
                state,
            } => {
                let (card_id, code) = self.member(member);
                let setting = StateSetting {
                    state_id: Some(if state { "CHECKED_IN" } else { "UNKNOWN" }.into()),
                    content_template_data: Some(Default::default()),
                    ..StateSetting::default()
                };
                let number = format!("service-{number}");
                let request = SetUserCardService::new(card_id, code, number, "731", setting);
                self.send(request);
            }
            Step::CreateActivity { template, number } => {
                let create = CreateActivity {
                    card_id: Some(self.template(template)),
                    begin_time: Some(rfc3339_millis(plus_days(self.now, 1))),
                    end_time: Some(rfc3339_millis(plus_days(self.now, 31))),
                    ..activity_rules::creation(&format!("a-{number}"))
                };
                self.send(create);
            }
            Step::Terminate { activity } => {
                let id =
                    choose(self.core.activities.keys(), activity).unwrap_or_else(|| "0".to_owned());
                self.ask(|core, context| core.terminate_activity(context, &id));
            }
            _ => {}
        }
    }
}
