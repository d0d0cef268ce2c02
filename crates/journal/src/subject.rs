//! What a change changes: two changes of one subject never run at once.

use kabao_api::MemberName;
use kabao_models::{AnyEndpoint, Record};

/// Returns the subject of a member.
///
/// Requests of a family may leave the template out, so the code alone is the subject. Two members of
/// an account with one code wait for each other then, which does no harm.
pub(crate) fn of_member(name: &MemberName) -> String {
    of_code(name.code().expose())
}

/// Returns the subject of a request, if it changes one member.
pub(crate) fn of_request(request: &dyn AnyEndpoint) -> Option<String> {
    let record: &dyn Record = request;
    let text = |name: &str| record.named(name).text().filter(|text| !text.is_empty());
    text("user_card_code").or_else(|| text("code")).map(of_code)
}

/// Returns the member that a request is about, if it names one in full.
pub(crate) fn member_of(
    account: &kabao_api::AccountId,
    request: &dyn AnyEndpoint,
) -> Option<MemberName> {
    let record: &dyn Record = request;
    let template = kabao_api::TemplateId::new(record.named("card_id").text()?).ok()?;
    let code = record.named("user_card_code").text();
    let code = code.or_else(|| record.named("code").text())?;
    let template = kabao_api::TemplateName::new(account.clone(), template);
    MemberName::new(template, code).ok()
}

pub(crate) fn of_code(code: &str) -> String {
    format!("member/{code}")
}
