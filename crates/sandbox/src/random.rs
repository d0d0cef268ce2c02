//! Numbers that nobody chose: request ids, trace ids, serial numbers, codes.
//!
//! None of them protects anything; nonces and tokens come from `kabao_auth`.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

static SEQUENCE: AtomicU64 = AtomicU64::new(0);

/// Returns 64 bits that differ from call to call and from process to process.
pub(crate) fn bits() -> u64 {
    RandomState::new().hash_one(SEQUENCE.fetch_add(1, Ordering::Relaxed))
}

/// Returns a `Request-ID` in the form of the service: hexadecimal digits and the result number.
pub(crate) fn request_id(result: u32) -> String {
    format!(
        "08{:016X}{:016X}{:08X}-{result}",
        bits(),
        bits(),
        bits() >> 32
    )
}

/// Returns the trace id that closes an `errmsg`.
pub(crate) fn trace_id() -> String {
    format!(
        "{:08x}-{:08x}-{:08x}",
        bits() >> 32,
        bits() >> 32,
        bits() >> 32
    )
}

/// Returns a decimal number of `length` digits that does not begin with zero.
pub(crate) fn digits(length: usize) -> String {
    let mut text = String::with_capacity(length + 20);
    while text.len() < length {
        text.push_str(&format!("{:019}", bits() >> 1));
    }
    text.truncate(length);
    if text.starts_with('0') {
        text.replace_range(..1, "4");
    }
    text
}

/// Returns `length` random letters and digits for a throw-away secret.
pub(crate) fn secret(length: usize) -> String {
    let mut text = String::with_capacity(length + 32);
    while text.len() < length {
        // Without the system's randomness nothing of the sandbox works; keys were made before.
        text.push_str(&kabao_auth::random_nonce().unwrap_or_else(|_| digits(32)));
    }
    text.truncate(length);
    text
}

/// Returns a positive 20-byte certificate serial number.
pub(crate) fn serial_bytes() -> Vec<u8> {
    let mut bytes: Vec<u8> = [bits(), bits(), bits()]
        .into_iter()
        .flat_map(u64::to_be_bytes)
        .take(20)
        .collect();
    if let Some(first) = bytes.first_mut() {
        *first = *first & 0x3f | 0x40;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_their_documented_form() {
        let code = digits(12);
        assert_eq!(code.len(), 12);
        assert!(
            code.bytes().all(|byte| byte.is_ascii_digit()) && !code.starts_with('0'),
            "{code}"
        );
        assert_eq!(digits(24).len(), 24);
        assert_eq!(serial_bytes().len(), 20);
        let id = request_id(0);
        assert!(
            id.starts_with("08") && id.ends_with("-0") && id.len() == 44,
            "{id}"
        );
        assert_ne!(request_id(0), id);
    }
}
