//! Signatures that prove nothing, for benchmarks of everything else.
//!
//! Only `tests/bench` compiles this, with `--cfg kabao_bench_without_rsa`, into an executable of its own. There is no
//! feature for it, so no dependency can switch it on, and `kabao` and `kabao-sandbox` refuse to be compiled with it.

use aws_lc_rs::digest::{Digest, SHA256, digest};

/// The digest of the message, as long as a signature.
pub(crate) fn sign(message: &[u8], length: usize) -> Vec<u8> {
    let mut signature = digest(&SHA256, message).as_ref().to_vec();
    signature.resize(length, 0);
    signature
}

/// Whether the digest is what [`sign`] has made of it.
pub(crate) fn matches(digest: &Digest, signature: &[u8]) -> bool {
    signature.starts_with(digest.as_ref())
}
