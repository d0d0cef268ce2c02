//! Tells a peer that floods a connection with frames from one that uses it.
//!
//! Frames that move no call forward cost the peer next to nothing and us a little: PING, SETTINGS, WINDOW_UPDATE, PRIORITY,
//! unknown kinds, empty DATA, CONTINUATION, RST_STREAM. h2 bounds some of them (streams that are reset before they are
//! accepted, empty DATA, CONTINUATION, resets for errors), the others not. So each connection has a budget of them. It
//! is refilled by what good clients send them for: with every frame of an answer, since clients return the window and
//! measure the bandwidth as they read, and slowly with time, for pings that keep a connection alive.
//!
//! Long before the budget is used up, the peer is read with pauses. So a flood costs little while it lasts, no more on
//! a new connection than on the old one, and never keeps the others waiting for their turn.
//!
//! A call that its caller gives up is none of that, however many there are: when WeChat is slow, every deadline may pass.
//! Only a reset right after the headers is, for then the call was begun to be reset.

use std::time::Duration;

use tokio::time::Instant;

use super::frames::Head;

/// Frames without progress that a connection may send at once.
const BURST: u32 = 2000;
/// Once so many are spent, the connection is read with pauses.
const UNSUSPICIOUS: u32 = 500;
/// So many are read at a time, with a pause before the next ones.
const AT_A_TIME: u32 = 100;
const PAUSE: Duration = Duration::from_millis(50);
/// One comes back in this time.
const EACH: Duration = Duration::from_millis(5);
/// So many are earned with a frame of an answer: window of stream and connection, a ping, settings, and as many again.
const EARNED: u32 = 8;
/// A frame of an answer with fewer bytes earns nothing: whoever opens its window by a byte at a time floods.
const EARNING: u32 = 16;
/// Streams that are reset within one to two of these are no calls.
const YOUNG: Duration = Duration::from_millis(50);

/// The peer floods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flood;

/// What a peer has done on one connection.
#[derive(Debug)]
pub(super) struct Conduct {
    budget: u32,
    refilled: Instant,
    /// Frames without progress since the last pause.
    unpaused: u32,
    /// The stream that was opened last.
    last_stream: u32,
    /// Streams that were opened and not reset by the peer.
    not_reset: u32,
    /// When the current slice of time began.
    slice: Instant,
    /// The last streams of the slices before the current one and before the one before that.
    old: [u32; 2],
}

impl Conduct {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            budget: BURST,
            refilled: now,
            unpaused: 0,
            last_stream: 0,
            not_reset: 0,
            slice: now,
            old: [0; 2],
        }
    }

    /// Notes a frame that the peer sent.
    ///
    /// # Errors
    ///
    /// [`Flood`] once there were more frames without progress than a client has reason to send.
    pub(super) fn heard(&mut self, head: Head, now: Instant) -> Result<(), Flood> {
        if self.is_progress(head, now) {
            return Ok(());
        }
        self.refill(now);
        self.budget = self.budget.checked_sub(1).ok_or(Flood)?;
        self.unpaused = self.unpaused.saturating_add(1);
        Ok(())
    }

    /// Whether the peer has sent more frames without progress than it is likely to have reason to.
    pub(super) fn is_suspicious(&self) -> bool {
        self.budget < BURST - UNSUSPICIOUS
    }

    /// Returns how long nothing more should be read.
    pub(super) fn pause(&mut self) -> Option<Duration> {
        if !self.is_suspicious() {
            self.unpaused = 0;
            return None;
        }
        (self.unpaused >= AT_A_TIME).then(|| {
            self.unpaused = 0;
            PAUSE
        })
    }

    /// Notes a frame that was sent to the peer.
    pub(super) fn said(&mut self, head: Head) {
        let is_answer = match head.kind {
            Head::HEADERS => true,
            Head::DATA => head.length >= EARNING || head.ends_stream(),
            _ => false,
        };
        if is_answer {
            self.budget = self.budget.saturating_add(EARNED).min(BURST);
        }
    }

    fn is_progress(&mut self, head: Head, now: Instant) -> bool {
        match head.kind {
            Head::HEADERS if head.stream > self.last_stream => {
                self.turn(now);
                self.last_stream = head.stream;
                self.not_reset = self.not_reset.saturating_add(1);
                true
            }
            Head::HEADERS => head.ends_stream(),
            Head::DATA => head.length > 0 || head.ends_stream(),
            Head::RST_STREAM => {
                self.turn(now);
                let [_, old] = self.old;
                let is_given_up = head.stream <= old && self.not_reset > 0;
                self.not_reset = self.not_reset.saturating_sub(1);
                is_given_up
            }
            _ => false,
        }
    }

    /// Begins a new slice of time if the current one is over.
    fn turn(&mut self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.slice);
        if elapsed < YOUNG {
            return;
        }
        let [before, _] = self.old;
        self.old = match elapsed < 2 * YOUNG {
            true => [self.last_stream, before],
            false => [self.last_stream; 2],
        };
        self.slice = now;
    }

    fn refill(&mut self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.refilled);
        let earned = elapsed.as_nanos() / EACH.as_nanos();
        match u32::try_from(earned) {
            Ok(earned) if earned < BURST => {
                self.budget = self.budget.saturating_add(earned).min(BURST);
                self.refilled += earned * EACH;
            }
            _ => {
                self.budget = BURST;
                self.refilled = now;
            }
        }
    }
}

#[cfg(test)]
mod tests;
