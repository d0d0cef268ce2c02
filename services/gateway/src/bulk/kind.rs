//! The kinds of changes that a file may list.

mod adjust;
mod import;
mod update;

use kabao_api::RequestId;
use kabao_proto::kabao::v1::member_service_client::MemberServiceClient;
use tonic::{Request, Status, Streaming};

pub(crate) use self::adjust::Adjust;
pub(crate) use self::import::Import;
pub(crate) use self::update::Update;

use super::cells::Cells;
use super::server::Connection;

pub(crate) type Client = MemberServiceClient<Connection>;

/// A kind of change.
pub(crate) trait Kind: Send + Sync + 'static {
    /// What one row asks for.
    type Item: Clone + Send + Sync + 'static;

    /// The name of the command.
    const NAME: &'static str;
    /// The columns that a file may have.
    const COLUMNS: &'static [&'static str];

    /// Reads a row.
    fn read(cells: &mut Cells<'_>) -> Option<Read<Self::Item>>;

    /// Gives an item its id.
    fn number(item: &mut Self::Item, id: &RequestId);

    /// Sends items and collects what comes of them.
    fn send(client: Client, batch: Batch<Self::Item>) -> impl Future<Output = Sent> + Send;
}

/// A row that was read.
pub(crate) struct Read<I> {
    pub(crate) item: I,
    /// `accounts/{account}`
    pub(crate) account: String,
    /// What is changed.
    pub(crate) subject: String,
    /// Whether other rows may change the same, whatever comes first.
    pub(crate) commutes: bool,
}

/// Items of one call.
pub(crate) struct Batch<I> {
    /// `accounts/{account}`
    pub(crate) parent: String,
    /// The id of the whole file; every item has one of its own.
    pub(crate) id: RequestId,
    pub(crate) items: Vec<I>,
}

/// What came of a call.
pub(crate) struct Sent {
    /// What came of items, by their places.
    pub(crate) answers: Vec<(usize, Result<(), tonic_types::Status>)>,
    /// How the call ended.
    pub(crate) end: Result<(), Status>,
}

/// Reads the answers of a call to their end.
async fn collect<M>(
    call: impl Future<Output = Result<tonic::Response<Streaming<M>>, Status>>,
    read: impl Fn(M) -> (i32, Option<Result<(), tonic_types::Status>>),
) -> Sent {
    let mut answers = Vec::new();
    let end = async {
        let mut stream = call.await?.into_inner();
        while let Some(message) = stream.message().await? {
            if let (index, Some(result)) = read(message)
                && let Ok(index) = usize::try_from(index)
            {
                answers.push((index, result));
            }
        }
        Ok(())
    };
    let end = end.await;
    Sent { answers, end }
}

/// A request that is given up in the end, so that no command waits for ever.
fn limited<M>(message: M) -> Request<M> {
    let mut request = Request::new(message);
    request.set_timeout(super::CALL);
    request
}

/// Writes `send` and `number` for the messages of a batch.
macro_rules! batch_of {
    ($method:ident, $request:ident, $result:ident :: $done:ident) => {
        fn number(item: &mut Self::Item, id: &kabao_api::RequestId) {
            item.request_id = id.as_str().to_owned();
        }

        async fn send(mut client: super::Client, batch: super::Batch<Self::Item>) -> super::Sent {
            let parallelism = i32::try_from(batch.items.len()).unwrap_or(i32::MAX).min(64);
            let request = super::limited(proto::$request {
                parent: batch.parent,
                request_id: batch.id.into_string(),
                items: batch.items,
                parallelism,
            });
            let call = client.$method(request);
            super::collect(call, |answer| {
                let result = answer.result.map(|result| match result {
                    proto::$result::Result::$done(_) => Ok(()),
                    proto::$result::Result::Error(error) => Err(error),
                });
                (answer.index, result)
            })
            .await
        }
    };
}
use batch_of;
