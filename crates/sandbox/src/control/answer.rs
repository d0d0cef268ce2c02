//! Answers and errors of the control API.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::account::Account;
use crate::pointer;
use crate::refusal::Refusal;
use crate::server::{AnswerBody, Outcome};
use crate::world::World;
use crate::{brand, merchant, official_account};

/// Why a control request is not done.
#[derive(Debug)]
pub(super) struct Problem {
    status: u16,
    error: String,
    field: Option<String>,
}

impl Problem {
    pub(super) fn new(status: u16, error: impl Into<String>) -> Self {
        Self {
            status,
            error: error.into(),
            field: None,
        }
    }

    /// 400 for one member of the body.
    pub(super) fn field(name: &'static str, error: impl Into<String>) -> Self {
        Self {
            status: 400,
            error: error.into(),
            field: Some(name.to_owned()),
        }
    }

    /// Names the parameter or member at fault.
    pub(super) fn with_field(mut self, name: &str) -> Self {
        self.field = Some(name.to_owned());
        self
    }

    /// 409 with what WeChat would say.
    fn refused(refusal: Refusal) -> Self {
        Self::new(409, format!("{}: {}", refusal.code, refusal.english))
    }
}

impl From<merchant::Refused> for Problem {
    fn from(refused: merchant::Refused) -> Self {
        Self::refused(refused.into())
    }
}

impl From<brand::Refused> for Problem {
    fn from(refused: brand::Refused) -> Self {
        Self::refused(refused.into())
    }
}

impl From<official_account::Refused> for Problem {
    fn from(refused: official_account::Refused) -> Self {
        use official_account::Refused::{Action, FormIncomplete};
        let text = match &refused {
            Action(_) | FormIncomplete(_) => refused.errmsg().to_string(),
            refused => format!("{}: {}", refused.errcode(), refused.errmsg()),
        };
        Self::new(409, text)
    }
}

/// Reads the body; the error names the member.
pub(super) fn parse<T: DeserializeOwned>(body: &Bytes) -> Result<T, Problem> {
    let body: &[u8] = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|error| {
        let text = error.to_string();
        // "missing field `account` at line 1 column 2", "unknown field `x`, expected ..."
        let named = text
            .split_once("field `")
            .and_then(|(_, rest)| rest.split_once('`'))
            .map(|(name, _)| name.to_owned());
        // A value of another type is not named, but the parser knows how far it got.
        let reached = || {
            let pointer = pointer::at(body, error.line(), error.column());
            let path = pointer.trim_start_matches('/').replace('/', ".");
            (error.is_data() && !path.is_empty()).then_some(path)
        };
        Problem {
            field: named.or_else(reached),
            ..Problem::new(400, text)
        }
    })
}

/// Finds an account by name.
pub(super) fn account(world: &World, name: &str) -> Result<Arc<Account>, Problem> {
    world.account(name).ok_or_else(|| {
        let accounts = world.accounts.all();
        let known: Vec<_> = accounts
            .iter()
            .map(|account| account.name.as_str())
            .collect();
        Problem {
            status: 404,
            error: format!(
                "there is no account `{name}`; there are: {}",
                known.join(", ")
            ),
            field: Some("account".to_owned()),
        }
    })
}

/// Refuses an operation that the catalogue does not have.
pub(super) fn operation(id: &str) -> Result<(), Problem> {
    let known = id == "certificates.get" || kabao_models::operations().any(|known| known.id == id);
    if known {
        return Ok(());
    }
    Err(Problem::field(
        "operation",
        format!("there is no operation `{id}`"),
    ))
}

/// Turns a result into an HTTP answer.
pub(super) fn respond(result: Result<Value, Problem>) -> Outcome {
    let (status, body) = match result {
        Ok(value) => (200, value),
        Err(problem) => {
            let mut body = json!({ "error": problem.error });
            if let (Some(field), Some(members)) = (problem.field, body.as_object_mut()) {
                members.insert("field".to_owned(), field.into());
            }
            (problem.status, body)
        }
    };
    let mut response = http::Response::new(AnswerBody::whole(format!("{body}\n").into_bytes()));
    *response.status_mut() =
        http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/json; charset=utf-8"),
    );
    Outcome::Answer {
        after: Duration::ZERO,
        response,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::FaultRule;

    #[test]
    fn a_body_that_does_not_fit_names_the_member() {
        let rows = [
            (r#"{"times":1}"#, "fault"),
            (r#"{"fault":{"kind":"unsigned"},"tims":1}"#, "tims"),
            (r#"{"times":"x","fault":{"kind":"unsigned"}}"#, "times"),
            (r#"{"fault":{"kind":"edit_json","raw":{}}}"#, "fault"),
        ];
        for (body, field) in rows {
            let problem = parse::<FaultRule>(&Bytes::from(body)).unwrap_err();
            assert_eq!(problem.field.as_deref(), Some(field), "{body}");
        }
    }
}
