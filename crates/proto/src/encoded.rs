//! Messages that stay bytes.

use prost::bytes::{Buf, BufMut};
use prost::encoding::{DecodeContext, WireType, bytes, fixed32, fixed64, skip_field, uint64};
use prost::{DecodeError, Message};

/// A message of a family inside a message of the portable API.
///
/// Whoever serves the portable API needs no types for the messages of the families, so they stay what
/// they are on the wire. Clients read and write them by [`Encoded::decode`] and [`Encoded::of`] with
/// the types that the feature `client` brings.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Encoded(Vec<u8>);

opaque_debug!(Encoded);

impl Encoded {
    /// Takes over the bytes of a message.
    pub fn new(message: Vec<u8>) -> Self {
        Self(message)
    }

    /// Encodes a message.
    pub fn of(message: &impl Message) -> Self {
        Self(message.encode_to_vec())
    }

    /// Decodes the message.
    ///
    /// # Errors
    ///
    /// Fails if the bytes are no such message.
    pub fn decode<M: Message + Default>(&self) -> Result<M, DecodeError> {
        M::decode(self.as_bytes())
    }

    /// Returns the bytes of the message.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Message for Encoded {
    fn encode_raw(&self, buf: &mut impl BufMut) {
        buf.put_slice(&self.0);
    }

    /// Messages that follow each other are one message, so fields are only put one behind the other.
    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buf: &mut impl Buf,
        context: DecodeContext,
    ) -> Result<(), DecodeError> {
        match wire_type {
            WireType::Varint => {
                let mut value = 0;
                uint64::merge(wire_type, &mut value, buf, context)?;
                uint64::encode(tag, &value, &mut self.0);
            }
            WireType::SixtyFourBit => {
                let mut value = 0;
                fixed64::merge(wire_type, &mut value, buf, context)?;
                fixed64::encode(tag, &value, &mut self.0);
            }
            WireType::ThirtyTwoBit => {
                let mut value = 0;
                fixed32::merge(wire_type, &mut value, buf, context)?;
                fixed32::encode(tag, &value, &mut self.0);
            }
            WireType::LengthDelimited => {
                let mut value = Vec::new();
                bytes::merge(wire_type, &mut value, buf, context)?;
                bytes::encode(tag, &value, &mut self.0);
            }
            // No message of ours has groups.
            WireType::StartGroup | WireType::EndGroup => {
                skip_field(wire_type, tag, buf, context)?;
            }
        }
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        self.0.len()
    }

    fn clear(&mut self) {
        self.0.clear();
    }
}
