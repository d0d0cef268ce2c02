//! Files that come in chunks: put together within the documented limits, checked before anything is
//! sent.

use bytes::{Bytes, BytesMut};
use kabao_api::{FieldViolation, Upload};
use tonic::{Status, Streaming};

/// Bytes of one chunk.
const MAX_CHUNK: usize = 1 << 20;

/// Why there is no file.
pub(crate) enum Unread {
    /// The caller sent what cannot be uploaded.
    Refused(FieldViolation),
    /// The stream broke.
    Broken(Status),
}

/// Reads a file whose first chunk is there already.
///
/// A file in one chunk is not copied; of several, each is copied once. Reading ends at the first one
/// that is too large.
pub(crate) async fn collect<P>(
    limits: &Upload,
    filename: &str,
    first: Bytes,
    chunks: &mut Streaming<P>,
    content: fn(P) -> Result<Bytes, Status>,
) -> Result<Bytes, Unread> {
    if let Some(reason) = limits.check_name(filename) {
        let description = match filename {
            "" => "is required in the first chunk".to_owned(),
            _ => reason.to_string(),
        };
        return Err(Unread::Refused(FieldViolation::new(
            "filename",
            description,
        )));
    }
    let refuse = |description: String| Unread::Refused(FieldViolation::new("content", description));
    let mut file = File::default();
    let mut next = Some(first);
    while let Some(chunk) = next {
        if chunk.len() > MAX_CHUNK {
            let given = chunk.len();
            return Err(refuse(format!(
                "has {given} bytes in one chunk, at most {MAX_CHUNK} are allowed"
            )));
        }
        if file.len() + chunk.len() > limits.max_bytes {
            return Err(refuse(format!("has more than {} bytes", limits.max_bytes)));
        }
        file.add(chunk);
        let message = chunks.message().await.map_err(Unread::Broken)?;
        next = message.map(content).transpose().map_err(Unread::Broken)?;
    }
    let file = file.whole();
    match limits.check_content(filename, &file) {
        Some(reason) => Err(refuse(reason.to_string())),
        None => Ok(file),
    }
}

/// Chunks put together.
#[derive(Default)]
struct File {
    one: Bytes,
    many: BytesMut,
}

impl File {
    fn len(&self) -> usize {
        self.one.len() + self.many.len()
    }

    fn add(&mut self, chunk: Bytes) {
        if self.len() == 0 {
            self.one = chunk;
            return;
        }
        if self.many.is_empty() {
            self.many.reserve(2 * (self.one.len() + chunk.len()));
            self.many.extend_from_slice(&std::mem::take(&mut self.one));
        }
        self.many.extend_from_slice(&chunk);
    }

    fn whole(self) -> Bytes {
        if self.many.is_empty() {
            self.one
        } else {
            self.many.freeze()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_chunk_is_not_copied_and_several_keep_their_order() {
        let only = Bytes::from_static(b"only");
        let mut file = File::default();
        file.add(Bytes::new());
        file.add(only.clone());
        assert_eq!(file.whole().as_ptr(), only.as_ptr());
        let mut file = File::default();
        for chunk in ["a", "", "bc", "d"] {
            file.add(Bytes::from_static(chunk.as_bytes()));
        }
        assert_eq!(file.len(), 4);
        assert_eq!(file.whole(), "abcd");
    }
}
