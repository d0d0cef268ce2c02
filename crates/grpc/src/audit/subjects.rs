//! The names of what is changed, by which records of it are found again.

use kabao_api::{
    AccountId, ImportedUser, MemberName, MemberRequest, Personal, TemplateId, TemplateName,
    TemplateRequest,
};
use kabao_models::{AnyEndpoint, Record, Ref};

/// Fields of requests that name a member or its user.
const FIELDS: [&str; 6] = [
    "user_card_code",
    "code",
    "new_code",
    "openid",
    "username",
    "membership_number",
];

/// Of a list of names, so many are told; more would make a record as long as the request.
const LISTED: usize = 100;

/// A member by its name, its code and its user.
pub(crate) fn of_member(name: &MemberName, openid: Option<&Personal>) -> Vec<String> {
    let texts = [Some(name.code()), openid].into_iter().flatten();
    std::iter::once(name.resource_name())
        .chain(texts.map(|text| text.expose().to_owned()))
        .collect()
}

/// A member that has no card yet: by its template, its user, and its code if there is one.
pub(crate) fn of_import(
    template: &TemplateName,
    user: &ImportedUser,
    code: Option<&Personal>,
) -> Vec<String> {
    let mut names = vec![template.to_string()];
    if let Some(code) = code {
        names.extend(member(template, code.expose()));
        names.push(code.expose().to_owned());
    }
    match user {
        ImportedUser::Openid(user) | ImportedUser::Phone(user) => {
            names.push(user.expose().to_owned());
        }
        _ => {}
    }
    names
}

/// Whatever a call about members names.
pub(crate) fn of_member_request(request: &MemberRequest) -> Vec<String> {
    match request {
        MemberRequest::Get(_) | MemberRequest::List(_) => Vec::new(),
        MemberRequest::Update(update) => of_member(&update.name, update.openid.as_ref()),
        MemberRequest::AdjustBalance(adjust) | MemberRequest::AdjustPoints(adjust) => {
            of_member(&adjust.name, adjust.openid.as_ref())
        }
        MemberRequest::Activate(activate) => of_member(&activate.name, activate.openid.as_ref()),
        MemberRequest::Invalidate(invalidate) => {
            of_member(&invalidate.name, invalidate.openid.as_ref())
        }
        MemberRequest::Import(import) => {
            of_import(&import.template, &import.user, import.code.as_ref())
        }
    }
}

/// Whatever a call about templates names.
pub(crate) fn of_template_request(request: &TemplateRequest) -> Vec<String> {
    match request {
        TemplateRequest::Get(_) | TemplateRequest::List(_) | TemplateRequest::Create(_) => {
            Vec::new()
        }
        TemplateRequest::Update(update) => vec![update.name.to_string()],
        TemplateRequest::Delete(delete) => vec![delete.name.to_string()],
    }
}

/// Whatever a request of a family names.
pub(crate) fn of_request(account: &AccountId, request: &dyn AnyEndpoint) -> Vec<String> {
    let record: &dyn Record = request;
    let mut names = Vec::new();
    let template = record.named("card_id").text();
    let template = template.and_then(|id| TemplateId::new(id).ok());
    if let Some(template) = template.map(|id| TemplateName::new(account.clone(), id)) {
        names.push(template.to_string());
        let code = record.named("user_card_code").text();
        let code = code.or_else(|| record.named("code").text());
        names.extend(code.and_then(|code| member(&template, code)));
    }
    for field in FIELDS {
        match record.named(field) {
            Ref::List(list) => {
                let items = (0..list.len().min(LISTED)).filter_map(|index| list.get(index).text());
                names.extend(items.map(str::to_owned));
            }
            value => names.extend(
                value
                    .text()
                    .filter(|text| !text.is_empty())
                    .map(str::to_owned),
            ),
        }
    }
    names
}

fn member(template: &TemplateName, code: &str) -> Option<String> {
    let name = MemberName::new(template.clone(), code).ok()?;
    Some(name.resource_name())
}
