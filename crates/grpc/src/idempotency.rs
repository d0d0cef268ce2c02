//! Under which id a change is remembered: the caller's, or one that the gateway makes.

use http::HeaderMap;
use kabao_api::{Account, FieldViolation, RequestId};

use crate::layer::Settled;

/// The metadata key of calls whose message has no field for it.
const KEY: &str = "idempotency-key";

/// Puts the field of the id into the words of a call whose message has none.
pub(crate) fn in_metadata(field: &str) -> Option<String> {
    (field == "request_id").then(|| KEY.to_owned())
}

/// What the metadata of a call say of the change that it intends, and the id once it is settled.
#[derive(Clone, Debug, Default)]
pub(crate) struct Idempotency {
    key: Option<Result<RequestId, &'static str>>,
    settled: Settled,
}

impl Idempotency {
    /// Reads the metadata of a call; whether they are good shows when a change asks for them.
    pub(crate) fn of<T>(request: &tonic::Request<T>) -> Self {
        let settled = request.extensions().get::<Settled>();
        let settled = settled.cloned().unwrap_or_default();
        Self::begin(request.metadata().as_ref(), settled)
    }

    /// The same by the headers of a call; `settled` is told the id.
    pub(crate) fn begin(headers: &HeaderMap, settled: Settled) -> Self {
        let mut keys = headers.get_all(KEY).iter();
        let key = keys.next().map(|key| match keys.next() {
            Some(_) => Err("is given more than once"),
            None => key
                .to_str()
                .ok()
                .and_then(|key| RequestId::new(key).ok())
                .ok_or(
                    "must be a UUID, or at most 32 ASCII letters, digits, hyphens and underscores",
                ),
        });
        Self { key, settled }
    }

    /// Returns where the id stands once it is settled.
    pub(crate) fn settled(&self) -> &Settled {
        &self.settled
    }

    /// Returns true if the metadata say nothing of an id.
    pub(crate) fn is_silent(&self) -> bool {
        self.key.is_none()
    }

    /// Returns the id that the caller has chosen: in the field of the request, or in the metadata.
    ///
    /// # Errors
    ///
    /// What is wrong with the metadata, also beside the field.
    pub(crate) fn given(
        &self,
        field: Option<RequestId>,
    ) -> Result<Option<RequestId>, Vec<FieldViolation>> {
        let id = match (field, &self.key) {
            (field, None) => field,
            (_, Some(Err(wrong))) => return Err(vec![FieldViolation::new(KEY, *wrong)]),
            (Some(field), Some(Ok(key))) if field != *key => {
                return Err(vec![
                    FieldViolation::new("request_id", format!("is not the same as {KEY}")),
                    FieldViolation::new(KEY, "is not the same as request_id"),
                ]);
            }
            (_, Some(Ok(key))) => Some(key.clone()),
        };
        if let Some(id) = &id {
            self.settled.settle(id);
        }
        Ok(id)
    }

    /// Returns the id under which the change runs; one is made where the caller has none and the
    /// account has a journal.
    pub(crate) fn settle(&self, account: &Account, given: Option<RequestId>) -> Option<RequestId> {
        let id = given.or_else(|| account.changes.as_ref()?.new_request_id());
        if let Some(id) = &id {
            self.settled.settle(id);
        }
        id
    }
}

#[cfg(test)]
mod tests {
    use tonic::metadata::MetadataValue;

    use super::*;

    fn id(text: &str) -> RequestId {
        text.parse().unwrap()
    }

    fn of(keys: &[&'static str]) -> Idempotency {
        let mut request = tonic::Request::new(());
        for key in keys {
            request
                .metadata_mut()
                .append(KEY, MetadataValue::from_static(key));
        }
        Idempotency::of(&request)
    }

    fn fields(violations: &[FieldViolation]) -> Vec<&str> {
        violations.iter().map(|v| v.field.as_str()).collect()
    }

    #[test]
    fn the_field_and_the_key_say_the_same_or_one_is_silent() {
        let uuid = "7c9e6679-7425-40de-944b-e07fc1f90ae7";
        let plain = id("7c9e6679742540de944be07fc1f90ae7");
        assert_eq!(of(&[]).given(None), Ok(None));
        assert_eq!(of(&["order-1"]).given(None), Ok(Some(id("order-1"))));
        assert_eq!(of(&[]).given(Some(id("order-1"))), Ok(Some(id("order-1"))));
        assert_eq!(of(&[uuid]).given(Some(plain.clone())), Ok(Some(plain)));
    }

    #[test]
    fn what_is_wrong_with_the_key_is_told_at_the_key() {
        let both = of(&["order-1"]).given(Some(id("order-2"))).unwrap_err();
        assert_eq!(fields(&both), ["request_id", "idempotency-key"]);
        for keys in [
            &["a b"][..],
            &[""],
            &["123456789012345678901234567890123"],
            &["order-1", "order-1"],
        ] {
            for field in [None, Some(id("order-1"))] {
                let wrong = of(keys).given(field).unwrap_err();
                assert_eq!(fields(&wrong), ["idempotency-key"], "{keys:?}");
            }
        }
    }
}
