//! Resource names: `accounts/{account}/templates/{card_id}/members/{code}`.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use kabao_models::{Personal, encode_component};

use crate::text::{kept_as_text, plain_text};
use crate::{Error, FieldViolation, Reason};

/// The operator's name for one configured set of credentials: 1 to 63 of `a-z`, `0-9` and `-`,
/// starting and ending with a letter or digit.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountId(Arc<str>);

impl AccountId {
    /// Checks an account id.
    ///
    /// # Errors
    ///
    /// [`Reason::NameInvalid`] with a violation on `account`.
    pub fn new(id: impl AsRef<str>) -> Result<Self, Error> {
        let id = id.as_ref();
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let framed = !id.starts_with('-') && !id.ends_with('-');
        if (1..=63).contains(&id.len()) && framed && id.bytes().all(plain) {
            Ok(Self(id.into()))
        } else {
            Err(invalid(
                "account",
                "must be 1 to 63 lower-case letters, digits and hyphens, not starting or ending with a hyphen",
            ))
        }
    }

    /// Returns the id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// WeChat's id of a card template (`card_id`): 1 to 64 printable ASCII characters without `/`.
///
/// The documented limit of 32 is a rule of each operation, checked there.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TemplateId(Arc<str>);

impl TemplateId {
    /// Checks a template id.
    ///
    /// # Errors
    ///
    /// [`Reason::NameInvalid`] with a violation on `card_id`.
    pub fn new(id: impl AsRef<str>) -> Result<Self, Error> {
        let id = id.as_ref();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if (1..=64).contains(&id.len()) && id.bytes().all(plain) {
            Ok(Self(id.into()))
        } else {
            Err(invalid(
                "card_id",
                "must be 1 to 64 ASCII letters, digits, hyphens and underscores",
            ))
        }
    }

    /// Returns the id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

kept_as_text! {
    AccountId: AccountId::as_str;
    TemplateId: TemplateId::as_str;
    TemplateName: ToString::to_string;
    MemberName: MemberName::resource_name;
}

plain_text!(AccountId, TemplateId);

/// The name of a card template: `accounts/{account}/templates/{card_id}`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TemplateName {
    account: AccountId,
    id: TemplateId,
}

impl TemplateName {
    /// Joins the parts.
    pub fn new(account: AccountId, id: TemplateId) -> Self {
        Self { account, id }
    }

    /// Returns the account.
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// Returns WeChat's `card_id`.
    pub fn id(&self) -> &TemplateId {
        &self.id
    }
}

impl fmt::Display for TemplateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "accounts/{}/templates/{}", self.account, self.id)
    }
}

impl fmt::Debug for TemplateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for TemplateName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let mut segments = text.split('/');
        let name = template(&mut segments);
        match (name, segments.next()) {
            (Some(name), None) => name,
            _ => Err(invalid(
                "name",
                "must be accounts/{account}/templates/{card_id}",
            )),
        }
    }
}

/// The name of a member: `accounts/{account}/templates/{card_id}/members/{code}`.
///
/// The code is personal data, so a member name has no `Display`, and its `Debug` hides the code;
/// [`MemberName::resource_name`] is for answers to the caller.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MemberName {
    template: TemplateName,
    code: Personal,
}

impl MemberName {
    /// Joins the parts.
    ///
    /// # Errors
    ///
    /// [`Reason::NameInvalid`] with a violation on `code` if the code is empty, longer than 64
    /// characters or not printable ASCII. (The documented length is a rule of each operation.)
    pub fn new(template: TemplateName, code: impl Into<Personal>) -> Result<Self, Error> {
        let code = code.into();
        let text = code.expose();
        // Servers and proxies fold dot segments away, so such a code would name something else.
        let folds = matches!(text, "." | "..");
        if (1..=64).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_graphic())
            && !folds
        {
            Ok(Self { template, code })
        } else {
            Err(invalid(
                "code",
                "must be 1 to 64 ASCII letters, digits and punctuation marks",
            ))
        }
    }

    /// Returns the template.
    pub fn template(&self) -> &TemplateName {
        &self.template
    }

    /// Returns the account.
    pub fn account(&self) -> &AccountId {
        &self.template.account
    }

    /// Returns the member's code.
    pub fn code(&self) -> &Personal {
        &self.code
    }

    /// Returns the full name; characters of the code that are not unreserved in URLs are
    /// percent-encoded, since codes may hold `/`. Personal data: not for logs and errors.
    pub fn resource_name(&self) -> String {
        let mut name = format!("{}/members/", self.template);
        encode_component(self.code.expose(), &mut name);
        name
    }
}

impl fmt::Debug for MemberName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/members/{:?}", self.template, self.code)
    }
}

impl FromStr for MemberName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let mut segments = text.split('/');
        let template = template(&mut segments);
        match (
            template,
            segments.next(),
            segments.next().map(decode),
            segments.next(),
        ) {
            (Some(template), Some("members"), Some(Some(code)), None) => Self::new(template?, code),
            _ => Err(invalid(
                "name",
                "must be accounts/{account}/templates/{card_id}/members/{code}, the code percent-encoded",
            )),
        }
    }
}

/// Takes `accounts/{account}/templates/{card_id}` off; `None` if the collections are others.
fn template<'t>(
    segments: &mut impl Iterator<Item = &'t str>,
) -> Option<Result<TemplateName, Error>> {
    let (accounts, account) = (segments.next()?, segments.next()?);
    let (templates, id) = (segments.next()?, segments.next()?);
    if accounts != "accounts" || templates != "templates" {
        return None;
    }
    Some(
        AccountId::new(account)
            .and_then(|account| Ok(TemplateName::new(account, TemplateId::new(id)?))),
    )
}

/// Decodes `%XX`; `None` for an escape that is not one.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => hex(rest.next()?)? << 4 | hex(rest.next()?)?,
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

fn hex(digit: u8) -> Option<u8> {
    u8::try_from(char::from(digit).to_digit(16)?).ok()
}

pub(crate) fn invalid(field: &str, description: &str) -> Error {
    Error::violated(
        Reason::NameInvalid,
        [FieldViolation::new(field, description)],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = "accounts/demo-merchant/templates/pbLatjvWOibDc5-TBnbUk1pD12o0";

    #[test]
    fn names_round_trip() {
        let template: TemplateName = TEMPLATE.parse().unwrap();
        assert_eq!(template.to_string(), TEMPLATE);
        for code in ["478515832665", "a/b", "100%", "A-b_c.d~", "#?&+"] {
            let name = MemberName::new(template.clone(), code).unwrap();
            assert_eq!(
                name.resource_name().parse::<MemberName>().unwrap(),
                name,
                "{code}"
            );
        }
    }

    #[test]
    fn a_slash_in_a_code_does_not_add_a_segment() {
        let name = MemberName::new(TEMPLATE.parse().unwrap(), "a/b").unwrap();
        assert_eq!(name.resource_name(), format!("{TEMPLATE}/members/a%2Fb"));
        assert_eq!(name.code().expose(), "a/b");
    }

    #[test]
    fn wrong_names_say_which_part_is_wrong() {
        let rows = [
            ("", "name"),
            ("accounts/a", "name"),
            ("accounts/a/templates/t", "name"),
            ("accounts/a/cards/t/members/1", "name"),
            ("accounts/a/templates/t/members/1/2", "name"),
            ("accounts/a/templates/t/members/%G1", "name"),
            ("accounts/a/templates/t/members/1%2", "name"),
            ("accounts/A/templates/t/members/1", "account"),
            ("accounts/-a/templates/t/members/1", "account"),
            ("accounts/a/templates/t t/members/1", "card_id"),
            ("accounts/a/templates//members/1", "card_id"),
            ("accounts/a/templates/t/members/", "code"),
            ("accounts/a/templates/t/members/%E6%B1%89", "code"),
            ("accounts/a/templates/t/members/%20", "code"),
            ("accounts/a/templates/t/members/..", "code"),
        ];
        for (text, field) in rows {
            let error = text.parse::<MemberName>().unwrap_err();
            assert_eq!(error.reason(), Reason::NameInvalid, "{text}");
            assert_eq!(error.violations()[0].field, field, "{text}");
        }
    }

    #[test]
    fn a_member_name_prints_no_code() {
        let name = MemberName::new(TEMPLATE.parse().unwrap(), "478515832665").unwrap();
        assert_eq!(
            format!("{name:?}"),
            format!("{TEMPLATE}/members/[personal, 12 characters]")
        );
    }
}
