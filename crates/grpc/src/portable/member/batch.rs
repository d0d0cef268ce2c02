//! Changes of many members in one call: each item is the single call, under an id of its own.

use std::collections::{HashMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{FutureExt, Stream, StreamExt, stream};
use kabao_api::{
    Account, AccountId, AdjustMember, CallContext, Error, FieldViolation, ImportMember,
    ImportedUser, Method, Reason, RequestId, UpdateMember,
};
use kabao_proto::kabao::v1 as proto;
use serde::Serialize;
use tokio::time::{Instant, sleep};
use tonic::{Code, Status};
use tracing::{Instrument, Span};

use super::answer::{adjusted, answer};
use super::{field_paths, request};
use crate::audit::subjects;
use crate::call::Call;
use crate::generation::Generations;
use crate::idempotency::Idempotency;
use crate::portable::arguments::Arguments;
use crate::status;

/// Items of one batch.
const MAX_ITEMS: usize = 10_000;

/// Items at once, unless the caller says otherwise, and at most.
const AT_ONCE: usize = 8;
const MAX_AT_ONCE: usize = 64;

/// Until the next try of an item that another call stands in the way of, if nobody says when.
const RETRY_AFTER: Duration = Duration::from_millis(500);

/// The shortest wait, whatever a refusal says.
const RETRY_AFTER_MIN: Duration = Duration::from_millis(50);

/// A change of one member that a batch may have many of.
pub(super) trait Single: Clone + Serialize + Send + Sync + 'static {
    /// The request of the single call.
    type Message;
    /// The answer of the single call.
    type Done: Send + 'static;

    /// The single call.
    const METHOD: Method;
    /// The field of the message that names the account.
    const NAME: &'static str;
    /// Puts the path of a field into the words of the message.
    const RENAME: fn(&str) -> Option<String>;

    fn read(message: Self::Message) -> Result<Self, Error>;
    fn account(&self) -> &AccountId;
    /// Tells apart what is changed: changes of the same follow one another.
    fn subject(&self) -> String;
    /// The names by which a record of it is found.
    fn names(&self) -> Vec<String>;
    fn request_id(&mut self) -> &mut Option<RequestId>;
    fn execute(
        self,
        account: &Account,
        context: &CallContext,
    ) -> impl Future<Output = Result<Self::Done, Error>> + Send;
}

impl Single for AdjustMember {
    type Message = proto::AdjustPointsRequest;
    type Done = proto::AdjustPointsResponse;
    const METHOD: Method = Method::AdjustPoints;
    const NAME: &'static str = "name";
    const RENAME: fn(&str) -> Option<String> = field_paths::in_name;

    fn read(message: Self::Message) -> Result<Self, Error> {
        request::adjust_points(message, &Idempotency::default())
    }

    fn account(&self) -> &AccountId {
        self.name.account()
    }

    fn subject(&self) -> String {
        self.name.resource_name()
    }

    fn names(&self) -> Vec<String> {
        subjects::of_member(&self.name, self.openid.as_ref())
    }

    fn request_id(&mut self) -> &mut Option<RequestId> {
        &mut self.request_id
    }

    async fn execute(self, account: &Account, context: &CallContext) -> Result<Self::Done, Error> {
        let done = account.members.adjust_points(context, self).await;
        done.map(adjusted)
    }
}

impl Single for UpdateMember {
    type Message = proto::UpdateMemberRequest;
    type Done = proto::Member;
    const METHOD: Method = Method::UpdateMember;
    const NAME: &'static str = "member.name";
    const RENAME: fn(&str) -> Option<String> = field_paths::in_update;

    fn read(message: Self::Message) -> Result<Self, Error> {
        request::update(message, &Idempotency::default())
    }

    fn account(&self) -> &AccountId {
        self.name.account()
    }

    fn subject(&self) -> String {
        self.name.resource_name()
    }

    fn names(&self) -> Vec<String> {
        subjects::of_member(&self.name, self.openid.as_ref())
    }

    fn request_id(&mut self) -> &mut Option<RequestId> {
        &mut self.request_id
    }

    async fn execute(self, account: &Account, context: &CallContext) -> Result<Self::Done, Error> {
        let member = account.members.update_member(context, self).await;
        member.map(answer)
    }
}

impl Single for ImportMember {
    type Message = proto::ImportMemberRequest;
    type Done = proto::Member;
    const METHOD: Method = Method::ImportMember;
    const NAME: &'static str = "parent";
    const RENAME: fn(&str) -> Option<String> = field_paths::in_import;

    fn read(message: Self::Message) -> Result<Self, Error> {
        request::import(message, &Idempotency::default())
    }

    fn account(&self) -> &AccountId {
        self.template.account()
    }

    /// A card that is not there yet has no name: its user stands for it.
    fn subject(&self) -> String {
        let user = match &self.user {
            ImportedUser::Openid(openid) => openid,
            ImportedUser::Phone(phone) => phone,
            _ => return self.template.to_string(),
        };
        format!("{}/{}", self.template, user.expose())
    }

    fn names(&self) -> Vec<String> {
        subjects::of_import(&self.template, &self.user, self.code.as_ref())
    }

    fn request_id(&mut self) -> &mut Option<RequestId> {
        &mut self.request_id
    }

    async fn execute(self, account: &Account, context: &CallContext) -> Result<Self::Done, Error> {
        let member = account.members.import_member(context, self).await;
        member.map(answer)
    }
}

/// What a batch says besides its items.
pub(super) struct Head {
    pub(super) parent: String,
    pub(super) request_id: String,
    pub(super) parallelism: i32,
}

/// A batch in which nothing is wrong.
#[derive(Debug)]
pub(super) struct Batch<S> {
    account: AccountId,
    id: RequestId,
    at_once: usize,
    items: Vec<Numbered<S>>,
}

/// An item with its place and its id.
#[derive(Debug)]
struct Numbered<S> {
    index: i32,
    id: RequestId,
    /// Whether the id follows from the place.
    is_derived: bool,
    item: S,
}

/// What came of one item.
pub(super) struct Outcome<D> {
    pub(super) index: i32,
    pub(super) request_id: String,
    pub(super) result: Result<D, tonic_types::Status>,
}

impl<S: Single> Batch<S> {
    /// Reads a batch.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it and with all of its items.
    pub(super) fn read(
        head: Head,
        items: Vec<S::Message>,
        idempotency: &Idempotency,
    ) -> Result<Self, Error> {
        let mut arguments = Arguments::default();
        let account = arguments.account("parent", &head.parent);
        let given = !head.request_id.is_empty();
        let id = arguments.request_id(head.request_id, idempotency);
        if id.is_none() && !given && idempotency.is_silent() {
            let description = "is required: whoever does not know it could not go on";
            arguments.report(Reason::RequestIdInvalid, "request_id", description);
        }
        let at_once = match usize::try_from(head.parallelism) {
            Ok(0) => AT_ONCE,
            Ok(at_once) if at_once <= MAX_AT_ONCE => at_once,
            _ => {
                let description = format!("must be 1 to {MAX_AT_ONCE}");
                arguments.report(Reason::FieldInvalid, "parallelism", description);
                AT_ONCE
            }
        };
        let count = items.len();
        if !(1..=MAX_ITEMS).contains(&count) {
            let description = format!("has {count} entries, 1 to {MAX_ITEMS} are allowed");
            arguments.report(Reason::FieldInvalid, "items", description);
        }
        let mut read = Vec::with_capacity(count.min(MAX_ITEMS));
        let mut own_ids = HashMap::new();
        for (index, message) in (0..).zip(items.into_iter().take(MAX_ITEMS)) {
            let item: Option<S> = item(&mut arguments, index, message, account.as_ref());
            let Some(mut item) = item else { continue };
            if let Some(own) = item.request_id().clone()
                && let Some(first) = own_ids.insert(own, index)
            {
                let field = format!("items[{index}].request_id");
                let description = format!("is that of items[{first}] too");
                arguments.report(Reason::RequestIdInvalid, &field, description.as_str());
            }
            read.push((index, item));
        }
        arguments.finish(account.zip(id).map(|(account, id)| {
            Self {
                account,
                at_once,
                items: read
                    .into_iter()
                    .map(|(index, item)| numbered(index, id.item(index.unsigned_abs()), item))
                    .collect(),
                id,
            }
        }))
    }

    /// Returns the account that all items are of.
    pub(super) fn account(&self) -> &AccountId {
        &self.account
    }

    /// Returns the id that those of the items follow from.
    pub(super) fn id(&self) -> &RequestId {
        &self.id
    }

    /// Returns the items whose ids follow from their places: the place, the id, and what is asked for.
    pub(super) fn placed(&self) -> impl Iterator<Item = (i32, &RequestId, &S)> {
        let placed = self.items.iter().filter(|item| item.is_derived);
        placed.map(|item| (item.index, &item.id, &item.item))
    }

    /// Returns the ids of all places at which this list has no item without an id of its own, however long it may have
    /// been.
    pub(super) fn vacant(&self) -> Vec<RequestId> {
        let taken: HashSet<&RequestId> = self.items.iter().map(|item| &item.id).collect();
        let places = 0..u32::try_from(MAX_ITEMS).unwrap_or(u32::MAX);
        let ids = places.map(|place| self.id.item(place));
        ids.filter(|id| !taken.contains(id)).collect()
    }

    /// Runs the items, some at once, those of the same subject in their order. Nothing begins that
    /// nobody waits for.
    pub(super) fn run(
        self,
        call: Call,
        generations: Generations,
        account: Arc<Account>,
        context: CallContext,
    ) -> impl Stream<Item = Outcome<S::Done>> + Send {
        let runner = Arc::new(Runner {
            call: call.renaming(S::RENAME),
            generations,
            account,
            context,
            span: Span::current(),
        });
        let at_once = self.at_once;
        stream::iter(self.by_subject())
            .map(move |items| {
                let runner = Arc::clone(&runner);
                let run = move |item| Arc::clone(&runner).run(item);
                stream::iter(items).then(run).boxed()
            })
            .flatten_unordered(at_once)
    }

    fn by_subject(self) -> Vec<Vec<Numbered<S>>> {
        let mut places: HashMap<String, usize> = HashMap::with_capacity(self.items.len());
        let mut groups: Vec<Vec<Numbered<S>>> = Vec::with_capacity(self.items.len());
        for item in self.items {
            let place = *places.entry(item.item.subject()).or_insert(groups.len());
            match groups.get_mut(place) {
                Some(group) => group.push(item),
                None => groups.push(vec![item]),
            }
        }
        groups
    }
}

/// An item keeps an id of its own, and gets `id` if it has none.
fn numbered<S: Single>(index: i32, id: RequestId, mut item: S) -> Numbered<S> {
    let is_derived = item.request_id().is_none();
    let id = item.request_id().get_or_insert(id).clone();
    Numbered {
        index,
        id,
        is_derived,
        item,
    }
}

/// Reads one item.
fn item<S: Single>(
    arguments: &mut Arguments,
    index: i32,
    message: S::Message,
    account: Option<&AccountId>,
) -> Option<S> {
    let item = match S::read(message) {
        Ok(item) => item,
        Err(error) => {
            for FieldViolation { field, description } in error.violations() {
                let field = format!("items[{index}].{field}");
                arguments.report(error.reason(), &field, description.as_str());
            }
            return None;
        }
    };
    if account.is_some_and(|account| account != item.account()) {
        let field = format!("items[{index}].{}", S::NAME);
        let description = "is of another account than parent";
        arguments.report(Reason::NameInvalid, &field, description);
    }
    Some(item)
}

/// What all items of a batch share.
struct Runner {
    call: Call,
    generations: Generations,
    account: Arc<Account>,
    context: CallContext,
    span: Span,
}

impl Runner {
    async fn run<S: Single>(self: Arc<Self>, numbered: Numbered<S>) -> Outcome<S::Done> {
        let Numbered {
            index, id, item, ..
        } = numbered;
        let (call, record) = self.call.item(index);
        let refuse = |error: &Error| {
            let refused = || call.refuse(error);
            self.span.in_scope(refused)
        };
        let mut context = self.context.clone();
        let begun = match self.require_rights() {
            Ok(()) => call.write_down(&mut context, Some(&id), || item.names()),
            Err(error) => Err(refuse(&error)),
        };
        let result = match begun {
            Ok(()) => {
                let tries = AssertUnwindSafe(self.try_until_done(&context, item)).catch_unwind();
                let done = tries.instrument(self.span.clone()).await;
                let done = done.unwrap_or_else(|_panic| {
                    let text = "the service failed unexpectedly";
                    Err(Error::new(Reason::Panic, text))
                });
                done.map_err(|error| refuse(&error))
            }
            Err(status) => Err(status),
        };
        let code = result.as_ref().err().map_or(Code::Ok, Status::code);
        record.trail().end(code, None);
        Outcome {
            index,
            request_id: id.into_string(),
            result: result.map_err(|status| status::to_message(&status)),
        }
    }

    /// Tries an item until nothing stands in its way or the batch has no more time. Its id keeps it
    /// from acting twice.
    async fn try_until_done<S: Single>(
        &self,
        context: &CallContext,
        item: S,
    ) -> Result<S::Done, Error> {
        loop {
            let mut context = context.clone();
            if let Some(deadline) = self.call.deadline() {
                let Some(until) = deadline.step_until() else {
                    return Err(Error::new(
                        Reason::DeadlineExceeded,
                        "the time of the batch was over before the item began",
                    ));
                };
                context.deadline = Some(until.into_std());
            }
            let error = match item.clone().execute(&self.account, &context).await {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            match wait_after(&error) {
                Some(wait) if self.has_time(wait) => sleep(wait).await,
                _ => return Err(error),
            }
            self.require_rights()?;
        }
    }

    /// Nothing begins for a caller whose token or right was taken away since the batch began.
    fn require_rights(&self) -> Result<(), Error> {
        self.call.require_still(&self.generations)
    }

    fn has_time(&self, wait: Duration) -> bool {
        self.call
            .deadline()
            .is_none_or(|deadline| Instant::now() + wait < deadline.stream_until())
    }
}

/// How long to wait for the next try; `None` if another one makes no sense.
fn wait_after(error: &Error) -> Option<Duration> {
    let is_in_the_way = matches!(
        error.reason(),
        Reason::Overloaded | Reason::UpstreamRateLimited | Reason::InProgress
    );
    // A quota of the day says neither.
    let may_pass = error.is_retryable() || error.retry_after().is_some();
    (is_in_the_way && may_pass).then(|| {
        let wait = error.retry_after().unwrap_or(RETRY_AFTER);
        wait.max(RETRY_AFTER_MIN)
    })
}
