//! Codes: deposited ones, allocated ones, and the choice between them.

use std::collections::BTreeSet;

use kabao_models::Personal;
use kabao_models::merchant::codes::{DepositCodes, DepositCodesResponse, DepositResultEntry};
use kabao_models::merchant::{CodeMode, DepositResult};

use super::{Context, Core, Refused, Rule};
use crate::random;

/// The most characters of a code.
const MAX_LENGTH: usize = 32;
/// The digits of an allocated code.
const ALLOCATED_LENGTH: usize = 12;

/// The codes that a merchant deposited for a template.
#[derive(Clone, Default)]
pub(crate) struct Deposit {
    all: BTreeSet<String>,
    /// Those that nobody got yet.
    free: Vec<String>,
}

impl Deposit {
    /// Returns total and remaining stock of a template with this code mode.
    pub(super) fn stock(&self, mode: Option<&CodeMode>) -> (Option<i64>, Option<i64>) {
        if mode != Some(&CodeMode::MerchantDeposit) {
            return (None, None);
        }
        let count = |count: usize| Some(i64::try_from(count).unwrap_or(i64::MAX));
        (count(self.all.len()), count(self.free.len()))
    }

    /// Returns the codes that an earlier state had not yet.
    pub(super) fn added_to(&self, earlier: &Self) -> Vec<&str> {
        let codes = self.free.iter().map(String::as_str);
        codes.filter(|code| !earlier.all.contains(*code)).collect()
    }

    /// Takes a random free code.
    fn draw(&mut self) -> Option<String> {
        let count = u64::try_from(self.free.len())
            .ok()
            .filter(|count| *count > 0)?;
        let index = usize::try_from(random::bits() % count).ok()?;
        Some(self.free.swap_remove(index))
    }

    /// Takes this free code.
    fn take(&mut self, code: &str) -> Option<String> {
        let index = self.free.iter().position(|free| free == code)?;
        Some(self.free.swap_remove(index))
    }
}

impl Core {
    /// Deposits codes; each has its own result.
    pub(super) fn deposit_codes(
        &mut self,
        context: &Context<'_>,
        request: &DepositCodes,
    ) -> Result<DepositCodesResponse, Refused> {
        let template = self.template(context.merchant, &request.card_id)?;
        if template.is_deleted() {
            return Err(Rule::CardDeleted.into());
        }
        if *template.mode() != CodeMode::MerchantDeposit {
            return Err(Rule::CodeModeNotDeposit.into());
        }
        let codes = request.code.as_deref().unwrap_or_default();
        if codes.is_empty() {
            return Err(Refused::Required("code"));
        }
        if context
            .rules
            .codes_per_deposit
            .is_some_and(|limit| codes.len() > limit)
        {
            return Err(Refused::value("code", "has too many entries", codes.len()));
        }
        let mut deposit = template.deposit.clone();
        let mut data = Vec::with_capacity(codes.len());
        for code in codes {
            let text = code.expose();
            let in_use = || {
                self.members
                    .contains_key(&(request.card_id.clone(), text.to_owned()))
            };
            let result = if !is_code(text, context.rules.strict_deposited_codes) {
                DepositResult::Fail
            } else if deposit.all.contains(text) || in_use() {
                DepositResult::Duplicate
            } else {
                deposit.all.insert(text.to_owned());
                deposit.free.push(text.to_owned());
                DepositResult::Success
            };
            data.push(DepositResultEntry {
                code: Some(code.clone()),
                result: Some(result),
                ..DepositResultEntry::default()
            });
        }
        self.change_template(&request.card_id, |template| {
            let stock = deposit.stock(Some(&CodeMode::MerchantDeposit));
            (template.card.total_quantity, template.card.remain_quantity) = stock;
            template.deposit = deposit;
        });
        Ok(DepositCodesResponse {
            data: Some(data),
            ..DepositCodesResponse::default()
        })
    }

    /// Finds the code of a new card and takes it from the stock; `given` is the merchant's.
    ///
    /// The template must exist, and nothing may be refused any more after this.
    pub(super) fn allocate_code(
        &mut self,
        card_id: &str,
        given: Option<&str>,
    ) -> Result<String, Refused> {
        let taken = |code: &str| {
            self.members
                .contains_key(&(card_id.to_owned(), code.to_owned()))
        };
        let template = self.templates.get(card_id).ok_or(Rule::CardIdInvalid)?;
        let mode = template.mode().clone();
        let mut deposit = template.deposit.clone();
        if let Some(code) = given {
            if !is_code(code, true) {
                return Err(Refused::value(
                    "code",
                    "must be digits, letters and punctuation",
                    "",
                ));
            }
            if taken(code) {
                return Err(Rule::CodeTaken.into());
            }
        }
        let fresh = || loop {
            let code = random::digits(ALLOCATED_LENGTH);
            if !taken(&code) {
                return code;
            }
        };
        let allocated = match (given, &mode) {
            (given, CodeMode::SystemAllocate) => given.map_or_else(fresh, str::to_owned),
            (given, CodeMode::MerchantDeposit) => match given {
                Some(code) => deposit.take(code).ok_or(Rule::CodeNotDeposited)?,
                None => deposit.draw().ok_or(Rule::OutOfStock)?,
            },
            (given, _) => given.ok_or(Rule::CodeMissing)?.to_owned(),
        };
        self.change_template(card_id, |template| {
            template.card.remain_quantity = match mode {
                CodeMode::MerchantDeposit => deposit.stock(Some(&mode)).1,
                _ => template.card.remain_quantity.map(|left| (left - 1).max(0)),
            };
            template.deposit = deposit;
        });
        Ok(allocated)
    }

    /// Returns the code given in a request as far as it counts for a template.
    pub(super) fn given_code<'a>(
        &self,
        context: &Context<'_>,
        card_id: &str,
        given: Option<&'a Personal>,
    ) -> Result<Option<&'a str>, Refused> {
        let given = given.map(Personal::expose).filter(|code| !code.is_empty());
        let real_time = self
            .templates
            .get(card_id)
            .map(|template| template.mode() == &CodeMode::RealTime);
        match (real_time, given) {
            (Some(true), None) => Err(Rule::CodeMissing.into()),
            (Some(true), given) => Ok(given),
            (_, given) => Ok(given.filter(|_| context.rules.given_codes_count)),
        }
    }
}

fn is_code(text: &str, strict: bool) -> bool {
    let length = text.chars().count();
    (1..=MAX_LENGTH).contains(&length)
        && (!strict || text.bytes().all(|byte| byte.is_ascii_graphic()))
}

#[cfg(test)]
mod tests {
    use kabao_models::Answer as _;

    use super::super::testing::{CARD, CODE, context, core, rules};
    use super::*;
    use crate::settings;

    fn depositing() -> Core {
        let mut core = core();
        core.templates.get_mut(CARD).unwrap().card.code_mode = Some(CodeMode::MerchantDeposit);
        core
    }

    fn request(codes: &[&str]) -> DepositCodes {
        DepositCodes {
            code: Some(codes.iter().map(|code| Personal::new(*code)).collect()),
            ..DepositCodes::new(CARD)
        }
    }

    #[test]
    fn each_code_has_its_own_result_and_the_stock_is_their_number() {
        let mut core = depositing();
        let rules = rules();
        let long = "9".repeat(33);
        let answer = core
            .deposit_codes(
                &context(&rules),
                &request(&["A-1", "A-2", "A-1", "会员", &long, CODE]),
            )
            .unwrap();
        assert!(
            answer.strict_violations().len() <= 1,
            "only the code that was too long"
        );
        let results: Vec<_> = answer
            .data
            .unwrap()
            .into_iter()
            .map(|entry| entry.result.unwrap())
            .collect();
        use DepositResult::{Duplicate, Fail, Success};
        assert_eq!(
            results,
            [Success, Success, Duplicate, Fail, Fail, Duplicate]
        );
        let card = core.get_template(&context(&rules), CARD).unwrap();
        assert_eq!(
            (card.total_quantity, card.remain_quantity),
            (Some(2), Some(2))
        );
        let again = core
            .deposit_codes(&context(&rules), &request(&["A-1"]))
            .unwrap();
        assert_eq!(again.data.unwrap()[0].result, Some(Duplicate));
        assert_eq!(core.effects.len(), 1);
    }

    #[test]
    fn deposited_codes_are_given_once_each() {
        let mut core = depositing();
        core.deposit_codes(&context(&rules()), &request(&["A-1", "A-2", "A-3"]))
            .unwrap();
        assert_eq!(
            core.allocate_code(CARD, Some("B-1")),
            Err(Rule::CodeNotDeposited.into())
        );
        let mut codes = vec![core.allocate_code(CARD, Some("A-2")).unwrap()];
        codes.extend([
            core.allocate_code(CARD, None).unwrap(),
            core.allocate_code(CARD, None).unwrap(),
        ]);
        codes.sort();
        assert_eq!(codes, ["A-1", "A-2", "A-3"]);
        assert_eq!(core.allocate_code(CARD, None), Err(Rule::OutOfStock.into()));
        let card = &core.templates[CARD].card;
        assert_eq!(
            (card.total_quantity, card.remain_quantity),
            (Some(3), Some(0))
        );
    }

    #[test]
    fn other_modes_take_no_deposits_and_the_setting_limits_their_number() {
        let refused = core().deposit_codes(&context(&rules()), &request(&["A-1"]));
        assert_eq!(refused, Err(Rule::CodeModeNotDeposit.into()));
        let rules = settings::Merchant {
            codes_per_deposit: Some(1),
            ..rules()
        };
        let refused = depositing().deposit_codes(&context(&rules), &request(&["A-1", "A-2"]));
        assert!(matches!(refused, Err(Refused::Value { field: "code", .. })));
    }

    #[test]
    fn real_time_codes_come_from_the_merchant() {
        let mut core = core();
        core.templates.get_mut(CARD).unwrap().card.code_mode = Some(CodeMode::RealTime);
        let rules = rules();
        assert_eq!(
            core.given_code(&context(&rules), CARD, None),
            Err(Rule::CodeMissing.into())
        );
        assert_eq!(core.allocate_code(CARD, Some("R-1")).as_deref(), Ok("R-1"));
        assert_eq!(
            core.allocate_code(CARD, Some(CODE)),
            Err(Rule::CodeTaken.into())
        );
    }
}
