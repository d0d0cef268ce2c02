//! What a template must and must not have.

use kabao_models::merchant::CodeMode;
use kabao_models::merchant::cards::{BalanceInformation, Card, CreateCard, UpdateCard};

use super::{Refused, Rule, validity};
use crate::settings;

/// Checks a new template.
pub(super) fn check_new(create: &CreateCard, rules: &settings::Merchant) -> Result<(), Refused> {
    check_appid(create.appid.as_deref(), rules)?;
    check_stock(create.total_quantity)?;
    check_balance_entry(create.balance_information.as_ref())?;
    if create.need_display_level == Some(true) && is_empty(create.init_level.as_ref()) {
        return Err(Refused::Required("init_level"));
    }
    create
        .date_information
        .as_ref()
        .map_or(Ok(()), validity::check)
}

/// Checks what a modification must not do.
pub(super) fn check_change(
    card: &Card,
    change: &UpdateCard,
    rules: &settings::Merchant,
) -> Result<(), Refused> {
    check_appid(change.appid.as_deref(), rules)?;
    if let Some(mode) = change
        .code_mode
        .as_ref()
        .filter(|mode| card.code_mode.as_ref() != Some(*mode))
    {
        if card.code_mode == Some(CodeMode::SystemAllocate) {
            return Err(Rule::CodeModeFixed.into());
        }
        if *mode == CodeMode::SystemAllocate {
            return Err(Rule::CodeModeNotSystem.into());
        }
        if !rules.code_modes_swap {
            return Err(Rule::CodeModesSwapped.into());
        }
    }
    check_stock(change.total_quantity)?;
    check_balance_entry(change.balance_information.as_ref())?;
    if change.need_display_level == Some(true)
        && change.init_level.is_none()
        && card.init_level.is_none()
    {
        return Err(Refused::Required("init_level"));
    }
    change
        .date_information
        .as_ref()
        .map_or(Ok(()), validity::check)
}

/// Checks that an AppID is a service account.
pub(super) fn check_appid(appid: Option<&str>, rules: &settings::Merchant) -> Result<(), Refused> {
    let known = &rules.service_account_appids;
    match appid {
        Some(appid) if !known.is_empty() && !known.iter().any(|known| known == appid) => {
            Err(Rule::NotServiceAccount.into())
        }
        _ => Ok(()),
    }
}

/// Tells whether a text is absent or empty.
pub(super) fn is_empty(text: Option<&String>) -> bool {
    text.is_none_or(String::is_empty)
}

fn check_stock(total: Option<i64>) -> Result<(), Refused> {
    match total {
        Some(total) if total < 0 => Err(Refused::value(
            "total_quantity",
            "must not be negative",
            total,
        )),
        _ => Ok(()),
    }
}

fn check_balance_entry(balance: Option<&BalanceInformation>) -> Result<(), Refused> {
    let Some(balance) = balance else {
        return Ok(());
    };
    if !is_empty(balance.balance_appid.as_ref()) && is_empty(balance.balance_path.as_ref()) {
        return Err(Rule::BalancePathEmpty.into());
    }
    Ok(())
}

#[cfg(test)]
pub(super) mod tests {
    use kabao_models::merchant::cards::{Brand, DateInformation};
    use kabao_models::merchant::{CodeType, DateInformationType};

    use super::super::testing::rules;
    use super::*;

    /// A creation with all required members.
    pub(in crate::merchant) fn creation(number: &str) -> CreateCard {
        let text = |text: &str| Some(text.to_owned());
        CreateCard {
            appid: text("wx3f1c9a7e5b2d8046"),
            logo_url: text("https://wxpaylogo.qpic.cn/wxpaylogo/Zq4mC7vKpL2sT9/0"),
            brand: Some(Brand {
                brand_id: text("20481"),
                display_name: text("Harbor Tea"),
                ..Brand::default()
            }),
            title: text("茶港会员卡"),
            background_picture_url: text("https://wxpaylogo.qpic.cn/wxpaylogo/Zq4mC7vKpL2sT9/0"),
            description: text("出示会员卡可累积积分"),
            code_type: Some(CodeType::BarCode),
            date_information: Some(DateInformation {
                r#type: Some(DateInformationType::Permanent),
                ..DateInformation::default()
            }),
            code_mode: Some(CodeMode::SystemAllocate),
            out_request_no: text(number),
            ..CreateCard::default()
        }
    }

    #[test]
    fn what_a_template_needs_is_named() {
        let rules = settings::Merchant {
            service_account_appids: vec!["wx1".into()],
            ..rules()
        };
        let good = CreateCard {
            appid: Some("wx1".into()),
            ..creation("n")
        };
        assert_eq!(check_new(&good, &rules), Ok(()));
        for (create, expected) in [
            (creation("n"), Rule::NotServiceAccount.into()),
            (
                CreateCard {
                    need_display_level: Some(true),
                    ..good.clone()
                },
                Refused::Required("init_level"),
            ),
            (
                CreateCard {
                    balance_information: Some(BalanceInformation {
                        balance_appid: Some("wx2".into()),
                        ..BalanceInformation::default()
                    }),
                    ..good.clone()
                },
                Rule::BalancePathEmpty.into(),
            ),
            (
                CreateCard {
                    total_quantity: Some(-1),
                    ..good
                },
                Refused::value("total_quantity", "must not be negative", -1),
            ),
        ] {
            assert_eq!(check_new(&create, &rules), Err(expected));
        }
    }
}
