//! Reads that are answered with what was read a while ago.

use std::sync::Arc;

use async_trait::async_trait;
use kabao_api::{CallContext, Error, Upstream};
use kabao_models::{AnyAnswer, AnyEndpoint, Effect, Scheme};

use crate::cache::{Cache, Found, Place, Subject};
use crate::flights::Key;
use crate::member_of;

/// Stands around the pipeline of one account: answers of operations that have a lifetime are kept, and given to whoever
/// asks the same within that time.
///
/// - It is told how old an answer is; whoever cannot be told, or wants to know what is, reads anew.
/// - A write of a member through this process drops what was read of the member before, and what is read while it runs is
///   not kept. Writes of other processes show when the lifetime has ended, at the latest.
/// - Reads that are part of a write, credentials and failures are never kept or taken from here.
pub struct Cached {
    inner: Arc<dyn Upstream>,
    cache: Cache,
    client: u64,
}

impl Cached {
    /// Puts it around a pipeline.
    pub fn new(inner: Arc<dyn Upstream>, cache: &Cache) -> Self {
        Self {
            inner,
            client: cache.client(),
            cache: cache.clone(),
        }
    }
}

#[async_trait]
impl Upstream for Cached {
    async fn execute(
        &self,
        context: &CallContext,
        request: Box<dyn AnyEndpoint>,
    ) -> Result<Box<dyn AnyAnswer>, Error> {
        let operation = request.operation();
        let subject = || Subject {
            account: context.account.clone(),
            member: member_of(request.as_ref()),
        };
        if operation.effect == Effect::Write {
            let _writing = self.cache.write(subject());
            return self.inner.execute(context, request).await;
        }
        let is_part_of_a_write = context.progress().is_followed() || context.entry().is_some();
        let (Some(lifetime), Some(freshness), false) = (
            self.cache.lifetime(operation.id),
            &context.freshness,
            is_part_of_a_write || operation.scheme == Scheme::Credentials,
        ) else {
            return self.inner.execute(context, request).await;
        };
        let place = Place {
            client: self.client,
            key: Key::of(request.as_ref()),
        };
        if !freshness.is_required()
            && let Found::Kept(answer, age) = self.cache.find(&place)
        {
            freshness.tell(age);
            return Ok(answer);
        }
        let reading = self.cache.read(subject());
        let answer = self.inner.execute(context, request).await?;
        reading.keep(place, answer.as_ref(), lifetime);
        Ok(answer)
    }

    /// Whatever may be kept is looked for first.
    fn refusal(&self, context: &CallContext, request: &dyn AnyEndpoint) -> Option<Error> {
        match self.cache.lifetime(request.operation().id) {
            Some(_) => None,
            None => self.inner.refusal(context, request),
        }
    }
}

#[cfg(test)]
mod tests;
