//! What happens to a request on its way: the checks in their order, and what they complain about.

use std::sync::Mutex;

use kabao_models::Violation;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::sync::lock;

/// How many complaints about one body are kept.
const COMPLAINTS: usize = 20;

/// One thing that is checked of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Check {
    /// The size of head and body, and the time that they take.
    Size,
    /// The path leads to an operation.
    Path,
    /// The operation has the method.
    Method,
    /// `Accept` and `User-Agent` are there.
    ClientHeaders,
    /// The scheme of `Authorization` is the one of the path.
    Scheme,
    /// What follows the scheme has its form.
    Authorization,
    /// The timestamp is fresh.
    Timestamp,
    /// The serial number names a usable certificate of the caller.
    SerialNumber,
    /// The signature fits.
    Signature,
    /// The nonce is new.
    Nonce,
    /// The access token, or AppID and AppSecret, are right.
    Credentials,
    /// The account may use the product.
    Permission,
    /// The rate or quota is not used up.
    Rate,
    /// The body is JSON with members of the documented types.
    Body,
    /// Encrypted fields can be decrypted.
    EncryptedFields,
    /// Every parameter keeps its documented limits.
    Parameters,
    /// The rules of the family allow it.
    Rules,
}

/// What is wrong with one member or parameter of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Complaint {
    /// Where: a JSON pointer for the body, a plain name for path and query.
    pub field: String,
    /// What was expected.
    pub issue: String,
}

impl Complaint {
    pub(crate) fn new(field: impl Into<String>, issue: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            issue: issue.into(),
        }
    }

    /// Names the member of a body that has another type than `T` wants, and the type wanted.
    pub(crate) fn of_type<T: DeserializeOwned>(body: &[u8]) -> Option<Self> {
        let error = serde_json::from_slice::<T>(body).err()?;
        if error.is_syntax() || error.is_eof() {
            let issue = format!(
                "must be JSON; it is not at line {}, column {}",
                error.line(),
                error.column()
            );
            return Some(Self::new("", issue));
        }
        let text = error.to_string();
        // "invalid type: string \"x\", expected i64 at line 1 column 9"; values stay out of it.
        let expected = text
            .rsplit_once(", expected ")
            .map(|(_, rest)| rest.rsplit_once(" at line ").map_or(rest, |(what, _)| what));
        let issue = match expected {
            Some("i64" | "u64" | "i32" | "u32") => "must be an integer".to_owned(),
            Some("f64") => "must be a number".to_owned(),
            Some("a sequence") => "must be a list".to_owned(),
            Some("a map") => "must be an object".to_owned(),
            Some("a string") => "must be a text".to_owned(),
            Some(other) if other.starts_with("struct ") => "must be an object".to_owned(),
            Some(other) => format!("must be {other}"),
            None => "has the wrong JSON type".to_owned(),
        };
        let field = crate::pay::pointer_at(body, error.line(), error.column());
        Some(Self::new(field, issue))
    }
}

impl From<&Violation> for Complaint {
    fn from(violation: &Violation) -> Self {
        Self::new(
            crate::pay::pointer(&violation.field),
            violation.reason.to_string(),
        )
    }
}

/// The checks of one request so far.
#[derive(Default)]
pub(crate) struct Trail(Mutex<Steps>);

#[derive(Clone, Default)]
struct Steps {
    begun: Vec<Check>,
    complaints: Vec<Complaint>,
    remarks: Vec<String>,
    passed: bool,
}

impl Trail {
    /// Begins a check; what was begun before has passed.
    pub(crate) fn begin(&self, check: Check) {
        let mut steps = lock(&self.0);
        // A fault may let a request authenticate twice.
        if !steps.begun.contains(&check) {
            steps.begun.push(check);
        }
    }

    /// The last check has passed, too.
    pub(crate) fn pass(&self) {
        lock(&self.0).passed = true;
    }

    pub(crate) fn complain(&self, complaint: Complaint) {
        let complaints = &mut lock(&self.0).complaints;
        if complaints.len() < COMPLAINTS && !complaints.contains(&complaint) {
            complaints.push(complaint);
        }
    }

    /// Notes what was accepted although a real account is reported to refuse it.
    pub(crate) fn remark(&self, remarks: Vec<String>) {
        lock(&self.0).remarks.extend(remarks);
    }

    pub(crate) fn remarks(&self) -> Vec<String> {
        lock(&self.0).remarks.clone()
    }

    pub(crate) fn complaints(&self) -> Vec<Complaint> {
        lock(&self.0).complaints.clone()
    }

    /// Returns the checks that passed and the one that did not.
    pub(crate) fn checks(&self) -> (Vec<Check>, Option<Check>) {
        let steps = lock(&self.0).clone();
        let mut passed = steps.begun;
        let failed = if steps.passed { None } else { passed.pop() };
        (passed, failed)
    }
}

#[cfg(test)]
mod tests {
    use kabao_models::official_account::member::UpdateUser;

    use super::*;

    #[test]
    fn the_last_check_begun_is_the_one_that_failed() {
        let trail = Trail::default();
        assert_eq!(trail.checks(), (vec![], None));
        trail.begin(Check::Path);
        trail.begin(Check::Scheme);
        trail.begin(Check::Path);
        assert_eq!(trail.checks(), (vec![Check::Path], Some(Check::Scheme)));
        trail.pass();
        assert_eq!(trail.checks(), (vec![Check::Path, Check::Scheme], None));
    }

    #[test]
    fn a_member_of_another_type_is_named_with_the_type_it_should_have() {
        for (body, field, issue) in [
            (r#"{"bonus":"x"}"#, "/bonus", "must be an integer"),
            (r#"{"code":5}"#, "/code", "must be a text"),
            (
                r#"{"notify_optional":[1]}"#,
                "/notify_optional",
                "must be an object",
            ),
            (
                r#"{"code":"#,
                "",
                "must be JSON; it is not at line 1, column 8",
            ),
        ] {
            let complaint = Complaint::of_type::<UpdateUser>(body.as_bytes()).unwrap();
            assert_eq!(
                (complaint.field.as_str(), complaint.issue.as_str()),
                (field, issue),
                "{body}"
            );
        }
        assert_eq!(Complaint::of_type::<UpdateUser>(b"{}"), None);
    }
}
