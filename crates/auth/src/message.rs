//! The byte strings that are signed: lines that each end in one line feed, the last included.

use aws_lc_rs::digest::{Context, Digest, SHA256};

/// Returns the length of a message in bytes.
pub(crate) fn length(lines: &[&[u8]]) -> usize {
    lines.iter().map(|line| line.len() + 1).sum()
}

/// Builds a message in one allocation.
pub(crate) fn build(lines: &[&[u8]]) -> Vec<u8> {
    let mut message = Vec::with_capacity(length(lines));
    for line in lines {
        message.extend_from_slice(line);
        message.push(b'\n');
    }
    message
}

/// Hashes a message without building it, so that verifying copies no body.
pub(crate) fn digest(lines: &[&[u8]]) -> Digest {
    let mut context = Context::new(&SHA256);
    for line in lines {
        context.update(line);
        context.update(b"\n");
    }
    context.finish()
}
