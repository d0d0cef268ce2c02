//! A bound on the memory that the requests of calls in flight hold together.
//!
//! A place among the calls in flight says nothing of sizes: with the largest messages, all of them would hold gigabytes.
//! So what a request has beyond a little takes places of another pool, part by part as it comes, and has them until its
//! call ends: what was made of the message lives as long.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tonic::Status;
use tonic::body::Body;

use crate::share::{Bound, Peer, Place, Pool};

/// What one place stands for, in bytes. Nearly every request is smaller, and takes none.
pub(crate) const PART: usize = 64 * 1024;

/// The places of one request. Clones are the same; they are given back with the last one.
#[derive(Clone, Debug, Default)]
pub(super) struct Weight(Arc<Mutex<Vec<Place>>>);

impl Weight {
    /// Lets a body take places of `pool` as it comes; `refuse` says what becomes of the call if a bound is in the way.
    pub(super) fn of<F>(&self, body: Body, pool: Pool, peer: Option<Peer>, refuse: F) -> Body
    where
        F: Fn(Bound) -> Status + Send + Unpin + 'static,
    {
        Body::new(Weighed {
            body,
            pool,
            peer,
            weight: self.clone(),
            length: 0,
            refuse,
            is_over: false,
        })
    }

    fn reach(&self, length: usize, pool: &Pool, peer: Option<Peer>) -> Result<(), Bound> {
        let Self(places) = self;
        let mut places = places.lock().unwrap_or_else(PoisonError::into_inner);
        while places.len() < length / PART {
            places.push(pool.take(peer)?);
        }
        Ok(())
    }
}

struct Weighed<F> {
    body: Body,
    pool: Pool,
    peer: Option<Peer>,
    weight: Weight,
    length: usize,
    refuse: F,
    is_over: bool,
}

impl<F: Fn(Bound) -> Status + Unpin> http_body::Body for Weighed<F> {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.get_mut();
        if this.is_over {
            return Poll::Ready(None);
        }
        let polled = ready!(Pin::new(&mut this.body).poll_frame(cx));
        if let Some(Ok(frame)) = &polled {
            let length = frame.data_ref().map_or(0, Bytes::len);
            this.length = this.length.saturating_add(length);
            let reached = this.weight.reach(this.length, &this.pool, this.peer);
            if let Err(bound) = reached {
                this.is_over = true;
                return Poll::Ready(Some(Err((this.refuse)(bound))));
            }
        }
        Poll::Ready(polled)
    }

    fn is_end_stream(&self) -> bool {
        self.is_over || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
