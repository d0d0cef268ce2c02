//! The services of `kabao.v1`: proto to domain, `dyn` trait, domain to proto.

mod account;
mod arguments;
mod change;
mod media;
mod member;
mod template;

use std::pin::Pin;

use futures_util::{Stream, StreamExt, stream};
use kabao_models::Record;
use kabao_proto::Encoded;
use tokio::time::timeout_at;
use tonic::Status;

use crate::call::Call;
use crate::wire;

pub use self::account::AccountGrpc;
pub use self::change::ChangeGrpc;
pub use self::media::MediaGrpc;
pub use self::member::MemberGrpc;
pub(crate) use self::member::{MEMBERS, ReadMember};
pub use self::template::TemplateGrpc;
pub(crate) use self::template::{ReadTemplate, TEMPLATES};

/// A message of a family inside a portable one.
fn inner(record: &dyn Record) -> Encoded {
    Encoded::new(wire::write_inner(record))
}

/// Answers one after another, as long as the call has time for a stream.
fn before_end<T: Send + 'static>(
    call: Call,
    answers: impl Stream<Item = Result<T, Status>> + Send + 'static,
) -> Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>> {
    let Some(deadline) = call.deadline() else {
        return Box::pin(answers);
    };
    let until = deadline.stream_until();
    let open = Some((Box::pin(answers), call));
    Box::pin(stream::unfold(open, move |open| async move {
        let (mut answers, call) = open?;
        match timeout_at(until, answers.next()).await {
            Ok(answer) => Some((answer?, Some((answers, call)))),
            Err(_elapsed) => Some((Err(call.out_of_time()), None)),
        }
    }))
}

/// Text of the domain as a proto3 string: what is not known is empty.
fn text(value: Option<impl Into<String>>) -> String {
    value.map(Into::into).unwrap_or_default()
}

#[cfg(test)]
pub(crate) mod testing;
