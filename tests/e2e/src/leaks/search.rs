//! Many texts sought at once in many bytes.

use std::collections::{BTreeMap, BTreeSet};

/// Texts of two bytes at least, by their first two.
pub(super) struct Canaries(BTreeMap<[u8; 2], Vec<Vec<u8>>>);

impl Canaries {
    pub(super) fn new<'t>(texts: impl IntoIterator<Item = &'t String>) -> Self {
        let mut all: BTreeMap<[u8; 2], Vec<Vec<u8>>> = BTreeMap::new();
        for text in texts {
            let bytes = text.as_bytes();
            all.entry([bytes[0], bytes[1]])
                .or_default()
                .push(bytes.to_vec());
        }
        Self(all)
    }

    /// Those that stand somewhere in `bytes`.
    pub(super) fn found_in(&self, bytes: &[u8]) -> BTreeSet<String> {
        let mut may_begin = vec![false; 1 << 16];
        for start in self.0.keys() {
            may_begin[usize::from(u16::from_be_bytes(*start))] = true;
        }
        let mut found = BTreeSet::new();
        let mut before = 0;
        for (at, byte) in bytes.iter().enumerate() {
            let start = [before, *byte];
            before = *byte;
            if !may_begin[usize::from(u16::from_be_bytes(start))] || at == 0 {
                continue;
            }
            for text in self.0.get(&start).into_iter().flatten() {
                if bytes[at - 1..].starts_with(text) {
                    found.insert(String::from_utf8_lossy(text).into_owned());
                }
            }
        }
        found
    }
}

#[test]
fn what_is_there_is_found_wherever_it_begins() {
    let texts = ["canary", "ary", "王金", "none"].map(str::to_owned);
    let canaries = Canaries::new(&texts);
    let found = |text: &str| Vec::from_iter(canaries.found_in(text.as_bytes()));
    assert_eq!(found("canary"), ["ary", "canary"]);
    assert_eq!(found("xxcanarx 王金"), ["王金"]);
    assert!(found("canar 王 non").is_empty());
    assert!(found("").is_empty());
}
