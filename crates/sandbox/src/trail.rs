//! What happens to a request on its way: the checks in their order, and what they complain about.

use std::sync::Mutex;

use kabao_models::{DecodeError, Deviation, Violation};
use serde::Serialize;

use crate::pointer;
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

    /// Names the member of a body that could not be read, and the type wanted.
    pub(crate) fn of_member(error: &DecodeError, body: &[u8]) -> Option<Self> {
        let (line, column) = error.position()?;
        let issue = error
            .expected()
            .map_or("has the wrong JSON type".to_owned(), |expected| {
                format!("must be {expected}")
            });
        Some(Self::new(pointer::at(body, line, column), issue))
    }
}

/// Names the member and the type wanted.
impl From<&Deviation> for Complaint {
    fn from(deviation: &Deviation) -> Self {
        let expected = match deviation.expected {
            // A list whose entries are all of another type counts as one of another type.
            "a list" => "a list with entries of their documented type",
            expected => expected,
        };
        let field = pointer::of_field(&deviation.path);
        Self::new(field, format!("must be {expected}"))
    }
}

impl From<&Violation> for Complaint {
    fn from(violation: &Violation) -> Self {
        Self::new(
            pointer::of_field(&violation.field),
            violation.breach.to_string(),
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
        lock(&self.0).begun.push(check);
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
    use kabao_models::{Endpoint, Incoming};

    use super::*;

    #[test]
    fn the_last_check_begun_is_the_one_that_failed() {
        let trail = Trail::default();
        assert_eq!(trail.checks(), (vec![], None));
        trail.begin(Check::Path);
        trail.begin(Check::Scheme);
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
        ] {
            let incoming = Incoming {
                path: UpdateUser::OPERATION.path,
                query: "",
                content_type: None,
                body: body.as_bytes(),
            };
            let error = UpdateUser::from_http(incoming).unwrap_err();
            let complaint = Complaint::of_member(&error, body.as_bytes()).unwrap();
            assert_eq!(
                (complaint.field.as_str(), complaint.issue.as_str()),
                (field, issue),
                "{body}"
            );
        }
    }
}
