//! Lines that hang together: each one proves itself and names the one before.
//!
//! A line is a JSON object. Its last member is `hash`, an HMAC over the bytes of the line before that member, of which
//! `prev`, the hash of the line before, is the last. So whoever has the key needs no JSON to verify a line, and nobody
//! without it can put a line in, take one out or change one.

use jiff::Timestamp;
use serde_json::Value;

use super::hash::Hash;
use super::keys::AuditKey;
use super::members::Members;

/// The version of the format.
const VERSION: u64 = 1;

const HASH: &str = ",\"hash\":\"";

/// Where the chain is: the number and the hash of its last line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) sequence: u64,
    pub(crate) hash: Hash,
}

impl Link {
    /// Before the first line.
    pub(crate) const NONE: Self = Self {
        sequence: 0,
        hash: Hash::NONE,
    };

    /// Makes the line that comes next, and goes on to it. `time` is when what it tells of happened.
    pub(super) fn seal(&mut self, key: &AuditKey, time: Timestamp, members: &Members) -> String {
        let Self { sequence, hash } = *self;
        let sequence = sequence.saturating_add(1);
        let members = members.as_str();
        let mut line = format!(
            "{{\"v\":{VERSION},\"seq\":{sequence},\"time\":\"{time:.3}\",{members},\"prev\":\"{hash}\""
        );
        let hash = key.seal(&line);
        line.push_str(HASH);
        line.push_str(&hash.to_string());
        line.push_str("\"}");
        *self = Self { sequence, hash };
        line
    }
}

/// A line that was read and has the form of a record; whether it is genuine is for [`is_sealed_by`](Self::is_sealed_by).
#[derive(Debug)]
pub(crate) struct Line<'a> {
    sealed: &'a str,
    members: Value,
    /// The line before.
    pub(crate) before: Link,
    /// This one.
    pub(crate) link: Link,
}

impl<'a> Line<'a> {
    /// Reads a line without its end; `None` if it is no record of this version.
    pub(crate) fn read(line: &'a str) -> Option<Self> {
        let (sealed, rest) = line.rsplit_once(HASH)?;
        let hash = Hash::parse(rest.strip_suffix("\"}")?)?;
        let members: Value = serde_json::from_str(line).ok()?;
        if members.get("v")?.as_u64()? != VERSION {
            return None;
        }
        let sequence = members.get("seq")?.as_u64()?;
        let before = Link {
            sequence: sequence.checked_sub(1)?,
            hash: Hash::parse(members.get("prev")?.as_str()?)?,
        };
        Some(Self {
            sealed,
            members,
            before,
            link: Link { sequence, hash },
        })
    }

    pub(crate) fn is_sealed_by(&self, key: &AuditKey) -> bool {
        key.seal(self.sealed) == self.link.hash
    }

    pub(crate) fn is(&self, kind: &str) -> bool {
        self.text("kind") == Some(kind)
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.members.get(name)?.as_str()
    }

    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.members.get(name)?.as_u64()
    }
}

#[cfg(test)]
mod tests {
    use super::super::keys::AuditKeys;
    use super::*;

    const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    #[test]
    fn a_line_proves_itself_and_names_the_one_before() {
        let keys = AuditKeys::of(&[KEY]);
        let key = keys.current().unwrap();
        let time: Timestamp = "2026-03-15T08:00:00.1239Z".parse().unwrap();
        let mut chain = Link::NONE;
        let mut members = Members::of_kind("change");
        members.text("caller", "a\"b\n,\"hash\":\"");
        members.number("item", 3);
        members.truth("unknown", true);
        members.texts("names", ["x".to_owned(), "y".to_owned()]);
        let first = chain.seal(key, time, &members);
        // Pinned: whoever verifies elsewhere, or later, does so by these bytes.
        assert_eq!(
            first,
            r#"{"v":1,"seq":1,"time":"2026-03-15T08:00:00.123Z","kind":"change","caller":"a\"b\n,\"hash\":\"","item":3,"unknown":true,"names":["x","y"],"prev":"0000000000000000000000000000000000000000000000000000000000000000","hash":"HASH"}"#
                .replace("HASH", &chain.hash.to_string())
        );
        let second = chain.seal(key, time, &Members::of_kind("stop"));
        let (one, two) = (Line::read(&first).unwrap(), Line::read(&second).unwrap());
        assert!(one.is_sealed_by(key) && two.is_sealed_by(key));
        assert_eq!(one.before, Link::NONE);
        assert_eq!(two.before, one.link);
        assert_eq!(two.link, chain);
        assert!(two.is("stop") && one.number("item") == Some(3));
    }

    #[test]
    fn no_byte_of_a_line_can_be_changed() {
        let keys = AuditKeys::of(&[KEY]);
        let key = keys.current().unwrap();
        let time = Timestamp::UNIX_EPOCH;
        let mut chain = Link::NONE;
        let line = chain.seal(key, time, &Members::of_kind("change"));
        for index in 0..line.len() {
            for byte in [b'0', b'a', b'"', b' ', b'{'] {
                let mut changed = line.clone().into_bytes();
                if changed[index] == byte {
                    continue;
                }
                changed[index] = byte;
                let changed = String::from_utf8(changed).unwrap();
                let accepted = Line::read(&changed).is_some_and(|line| line.is_sealed_by(key));
                assert!(!accepted, "{changed}");
            }
        }
        let other =
            AuditKeys::of(&["ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100"]);
        assert!(
            !Line::read(&line)
                .unwrap()
                .is_sealed_by(other.current().unwrap())
        );
    }
}
