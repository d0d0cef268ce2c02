//! Request numbers: what was asked under them, and what was answered.

use bytes::Bytes;
use kabao_models::{AnyEndpoint, Operation, Sensitive};
use serde_json::{Map, Value};

use crate::bounded::Bounded;
use crate::settings::RepeatedNumber;

/// How many numbers are remembered; the oldest go first.
const CAPACITY: usize = 100_000;

/// A request that has a number, reduced to what makes it equal to another one.
pub(crate) struct Asked {
    /// The operation; of a variant the original, since they share their numbers.
    pub(crate) operation: &'static Operation,
    pub(crate) number: String,
    content: Content,
}

#[derive(PartialEq, Eq)]
struct Content {
    path: Vec<String>,
    members: Map<String, Value>,
}

impl Asked {
    /// Takes a request apart, if it has a number.
    pub(crate) fn of(operation: &'static Operation, request: &mut dyn AnyEndpoint) -> Option<Self> {
        operation.request_number?;
        let number = request.request_number()?.to_owned();
        Some(Self {
            operation,
            number,
            content: content(request)?,
        })
    }

    /// Takes out a text that says in whose name the request is, which is no part of its content.
    pub(crate) fn take(&mut self, member: &str) -> Option<String> {
        let value = self.content.members.remove(member)?;
        value.as_str().map(str::to_owned)
    }

    /// Says whose number it is, and what a repeat of it gets.
    pub(crate) fn by<R>(self, account: String, rule: RepeatedNumber, refusal: R) -> Numbered<R> {
        Numbered {
            key: Key {
                account,
                operation: self.operation.id,
                number: self.number,
            },
            content: self.content,
            rule,
            refusal,
        }
    }
}

/// Returns path parameters and body. The gate has decrypted every field, and equal texts have
/// different ciphertexts, so they are compared in clear.
fn content(request: &mut dyn AnyEndpoint) -> Option<Content> {
    request.visit_sensitive(&mut |field| {
        *field = Sensitive::Encrypted(std::mem::take(field).into_exposed());
    });
    let http = request.to_http();
    request.visit_sensitive(&mut |field| {
        *field = Sensitive::Plain(std::mem::take(field).into_exposed());
    });
    let http = http.ok()?;
    let path = http.target.split('?').next().unwrap_or_default();
    let path = request.operation().match_path(path)?;
    Some(Content {
        path: path.into_iter().map(str::to_owned).collect(),
        members: serde_json::from_slice(&http.body).ok()?,
    })
}

/// A request with a number, and what a repeat of the number gets.
pub(crate) struct Numbered<R> {
    key: Key,
    content: Content,
    rule: RepeatedNumber,
    pub(crate) refusal: R,
}

/// What a number stands for when a request arrives.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// It is new, or repeats do not matter.
    New,
    /// The same request was answered so.
    Same(Bytes),
    /// Other content under the same number, or repeats are refused.
    Refused,
}

/// Where a number must be unique: the scope upstream is unknown, this is account and operation.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    account: String,
    operation: &'static str,
    number: String,
}

/// The numbers of one family.
#[derive(Default)]
pub(crate) struct Numbers(Bounded<Key, Answered, CAPACITY>);

struct Answered {
    content: Content,
    answer: Bytes,
}

impl Numbers {
    /// Tells whether a request may act.
    pub(crate) fn check<R>(&self, request: &Numbered<R>) -> Repeat {
        let Some(first) = self.0.get(&request.key) else {
            return Repeat::New;
        };
        match request.rule {
            RepeatedNumber::Apply => Repeat::New,
            RepeatedNumber::Replay if request.content == first.content => {
                Repeat::Same(first.answer.clone())
            }
            RepeatedNumber::Replay | RepeatedNumber::Refuse => Repeat::Refused,
        }
    }

    /// Remembers a request that acted.
    pub(crate) fn remember<R>(&mut self, request: Numbered<R>, answer: Bytes) {
        let answered = Answered {
            content: request.content,
            answer,
        };
        self.0.insert(request.key, answered);
    }
}

#[cfg(test)]
mod tests {
    use kabao_models::Endpoint;
    use kabao_models::merchant::user_cards::{ImportUserCardByPhone, UpdateUserCard};

    use super::*;

    fn asked<E: Endpoint>(mut request: E) -> Asked {
        Asked::of(E::OPERATION, &mut request).unwrap()
    }

    fn update(code: &str, number: &str) -> UpdateUserCard {
        UpdateUserCard::new("p1", code, number)
    }

    #[test]
    fn equal_content_replays_and_other_content_is_refused() {
        use RepeatedNumber::{Apply, Refuse, Replay};

        let mut numbers = Numbers::default();
        let answer = Bytes::from_static(b"{}");
        let by = |request, rule| asked(request).by("a".to_owned(), rule, "used");
        let first = by(update("1", "n-1"), Replay);
        assert_eq!(numbers.check(&first), Repeat::New);
        numbers.remember(first, answer.clone());
        for (request, rule, expected) in [
            (update("1", "n-1"), Replay, Repeat::Same(answer)),
            (update("2", "n-1"), Replay, Repeat::Refused),
            (update("1", "n-1"), Refuse, Repeat::Refused),
            (update("2", "n-1"), Apply, Repeat::New),
            (update("1", "n-2"), Refuse, Repeat::New),
        ] {
            assert_eq!(numbers.check(&by(request, rule)), expected, "{rule:?}");
        }
        let other = asked(update("1", "n-1")).by("b".to_owned(), Refuse, "used");
        assert_eq!(numbers.check(&other), Repeat::New);
    }

    #[test]
    fn encrypted_fields_are_compared_in_clear_and_stay_as_they_were() {
        let import = |phone| ImportUserCardByPhone::new("p1", Sensitive::plain(phone), "n-1");
        let mut request = import("13800000417");
        let content = |request| asked(request).content;
        assert!(Asked::of(ImportUserCardByPhone::OPERATION, &mut request).is_some());
        assert_eq!(request, import("13800000417"));
        assert!(content(request) == content(import("13800000417")));
        assert!(content(import("13800000417")) != content(import("13800000418")));
    }
}
