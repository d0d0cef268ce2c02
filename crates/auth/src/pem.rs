//! PEM blocks, decoded into buffers that are wiped.
//!
//! Common PEM readers leave copies of a private key behind in growing buffers; this one does not.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::Error;

pub(crate) const CERTIFICATE: &str = "CERTIFICATE";
pub(crate) const PUBLIC_KEY: &str = "PUBLIC KEY";
pub(crate) const PRIVATE_KEY: &str = "PRIVATE KEY";
pub(crate) const RSA_PRIVATE_KEY: &str = "RSA PRIVATE KEY";
pub(crate) const ENCRYPTED_PRIVATE_KEY: &str = "ENCRYPTED PRIVATE KEY";

const BEGIN: &str = "-----BEGIN ";
const DASHES: &str = "-----";

/// One block, still in base64.
#[derive(Clone, Copy)]
pub(crate) struct Block<'a> {
    pub(crate) label: &'a str,
    body: &'a str,
}

impl Block<'_> {
    /// Tells whether the block is protected in the traditional way (`Proc-Type: 4,ENCRYPTED`).
    pub(crate) fn is_encrypted(&self) -> bool {
        self.body.contains("Proc-Type:") && self.body.contains("ENCRYPTED")
    }

    pub(crate) fn der(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        let mut base64 = Zeroizing::new(Vec::with_capacity(self.body.len()));
        base64.extend(self.body.bytes().filter(|byte| !byte.is_ascii_whitespace()));
        // Room for the whole input keeps the decoder from ever growing, and thereby leaving behind, a buffer.
        let mut der = Zeroizing::new(vec![0; base64.len()]);
        let length = STANDARD
            .decode_slice(base64.as_slice(), der.as_mut_slice())
            .map_err(|_| Error::PemMalformed)?;
        der.truncate(length);
        Ok(der)
    }
}

/// Finds the first block whose label is one of `wanted`; text around and between blocks is ignored.
///
/// Without one, the error names what the first block is instead.
pub(crate) fn find<'a>(
    text: &'a str,
    wanted: &[&str],
    expected: &'static str,
) -> Result<Block<'a>, Error> {
    let mut rest = text;
    let mut first = None;
    while let Some((_, after)) = rest.split_once(BEGIN) {
        let (block, remainder) = read_block(after).ok_or(Error::PemMalformed)?;
        if wanted.contains(&block.label) {
            return Ok(block);
        }
        first = first.or(Some(block.label));
        rest = remainder;
    }
    Err(match first {
        None => Error::PemMissing,
        Some(CERTIFICATE) => Error::CertificateInsteadOfKey,
        Some(found) => Error::WrongPemType {
            expected,
            found: found.to_owned(),
        },
    })
}

/// Returns all blocks with a label.
pub(crate) fn all<'a>(text: &'a str, wanted: &str) -> Result<Vec<Block<'a>>, Error> {
    let mut rest = text;
    let mut found = Vec::new();
    while let Some((_, after)) = rest.split_once(BEGIN) {
        let (block, remainder) = read_block(after).ok_or(Error::PemMalformed)?;
        if block.label == wanted {
            found.push(block);
        }
        rest = remainder;
    }
    Ok(found)
}

fn read_block(after_begin: &str) -> Option<(Block<'_>, &str)> {
    let (label, after) = after_begin.split_once(DASHES)?;
    let plain = label
        .bytes()
        .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b' ');
    if label.is_empty() || label.len() > 40 || !plain {
        return None;
    }
    let (body, rest) = after.split_once(format!("{DASHES}END {label}{DASHES}").as_str())?;
    Some((Block { label, body }, rest))
}

/// Encodes DER as PEM with lines of 64 characters.
pub(crate) fn encode(label: &str, der: &[u8]) -> Zeroizing<String> {
    let base64 = Zeroizing::new(STANDARD.encode(der));
    let mut pem = Zeroizing::new(String::with_capacity(
        base64.len() + base64.len() / 64 + 2 * label.len() + 48,
    ));
    pem.push_str(&format!("{BEGIN}{label}{DASHES}\n"));
    let mut rest = base64.as_str();
    while !rest.is_empty() {
        let (line, tail) = rest.split_at_checked(64).unwrap_or((rest, ""));
        pem.push_str(line);
        pem.push('\n');
        rest = tail;
    }
    pem.push_str(&format!("{DASHES}END {label}{DASHES}\n"));
    pem
}
