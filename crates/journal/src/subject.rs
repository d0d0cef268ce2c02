//! What a change changes: two changes of one subject never run at once.

use kabao_api::{AccountId, MemberName, TemplateName};
use kabao_models::{AnyEndpoint, Record, Ref};

/// A subject of an account.
pub(crate) type SubjectKey = (AccountId, String);

/// The kind of a template, as the catalogue calls it where an operation changes one.
const TEMPLATE: &str = "template";

/// Returns the subject of a member.
///
/// Requests of a family may leave the template out, so the code alone is the subject. Two members of
/// an account with one code wait for each other then, which does no harm.
pub(crate) fn of_member(name: &MemberName) -> String {
    of_code(name.code().expose())
}

/// Returns the subject of a template.
pub(crate) fn of_template(name: &TemplateName) -> String {
    of_target(TEMPLATE, name.id().as_str())
}

/// Returns the subject of a request, if it changes one member, or something else that a request which is sent again
/// could undo a later change of.
pub(crate) fn of_request(request: &dyn AnyEndpoint) -> Option<String> {
    let record: &dyn Record = request;
    let text = |name: &str| record.named(name).text().filter(|text| !text.is_empty());
    let code = text("user_card_code").or_else(|| text("code"));
    code.map(of_code).or_else(|| {
        let target = request.operation().target?;
        Some(match record.named(target.field) {
            Ref::Integer(number) => of_target(target.kind, &number.to_string()),
            value => of_target(target.kind, value.text().unwrap_or_default()),
        })
    })
}

/// Returns the member that a request is about, if it names one in full.
pub(crate) fn member_of(account: &AccountId, request: &dyn AnyEndpoint) -> Option<MemberName> {
    let record: &dyn Record = request;
    let template = kabao_api::TemplateId::new(record.named("card_id").text()?).ok()?;
    let code = record.named("user_card_code").text();
    let code = code.or_else(|| record.named("code").text())?;
    let template = TemplateName::new(account.clone(), template);
    MemberName::new(template, code).ok()
}

pub(crate) fn of_code(code: &str) -> String {
    format!("member/{code}")
}

fn of_target(kind: &str, which: &str) -> String {
    format!("{kind}/{which}")
}
