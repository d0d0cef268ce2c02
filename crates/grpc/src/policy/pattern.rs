//! Names with wildcards.

use std::fmt;
use std::str::FromStr;

/// A name in which `*` stands for any characters but `/`, and `**` for any at all. Case matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Literal(String),
    /// `*`
    Within,
    /// `**`
    Anything,
}

/// Why a text is no pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatternError {
    /// It is empty, which no name is.
    Empty,
    /// It is longer than any name, 255 bytes.
    TooLong,
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "must not be empty; `**` stands for every name",
            Self::TooLong => "must not be longer than 255 bytes",
        })
    }
}

impl std::error::Error for PatternError {}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        match text.len() {
            0 => return Err(PatternError::Empty),
            1..=255 => {}
            _ => return Err(PatternError::TooLong),
        }
        let mut pieces = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (piece, length) = match rest.find('*') {
                Some(0) if rest.starts_with("**") => (Piece::Anything, 2),
                Some(0) => (Piece::Within, 1),
                found => {
                    let length = found.unwrap_or(rest.len());
                    let literal = rest.get(..length).unwrap_or_default();
                    (Piece::Literal(literal.to_owned()), length)
                }
            };
            pieces.push(piece);
            rest = rest.get(length..).unwrap_or_default();
        }
        Ok(Self {
            text: text.to_owned(),
            pieces,
        })
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Pattern {
    /// Returns the pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Tells whether a name matches as a whole.
    ///
    /// Takes time in proportion to the length of both, whatever they are: names come from strangers.
    pub fn matches(&self, name: &str) -> bool {
        match self.pieces.as_slice() {
            [Piece::Literal(literal)] => return literal == name,
            [Piece::Anything] => return true,
            _ => {}
        }
        let bytes = name.as_bytes();
        // Whether the pieces so far can end before each byte, and at the end.
        let mut ends = vec![false; bytes.len().saturating_add(1)];
        if let Some(start) = ends.first_mut() {
            *start = true;
        }
        for piece in &self.pieces {
            ends = piece.extend(&ends, bytes);
        }
        ends.last().copied().unwrap_or_default()
    }
}

impl Piece {
    /// Returns where this piece can end if the ones before it can end at `ends`.
    fn extend(&self, ends: &[bool], name: &[u8]) -> Vec<bool> {
        match self {
            Self::Literal(literal) => {
                let literal = literal.as_bytes();
                let mut next = vec![false; ends.len()];
                for (start, _) in ends.iter().enumerate().filter(|(_, is_end)| **is_end) {
                    let is_there = name
                        .get(start..)
                        .is_some_and(|rest| rest.starts_with(literal));
                    if let Some(end) = next.get_mut(start.saturating_add(literal.len()))
                        && is_there
                    {
                        *end = true;
                    }
                }
                next
            }
            Self::Within | Self::Anything => {
                let mut reached = false;
                // The byte before each place but the first.
                let before = std::iter::once(None).chain(name.iter().map(Some));
                ends.iter()
                    .zip(before)
                    .map(|(is_end, before)| {
                        if *self == Self::Within && before == Some(&b'/') {
                            reached = false;
                        }
                        reached |= is_end;
                        reached
                    })
                    .collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, matching: &[&str], others: &[&str]) {
        let parsed: Pattern = pattern.parse().unwrap();
        assert_eq!(parsed.to_string(), pattern);
        for name in matching {
            assert!(parsed.matches(name), "{pattern} {name}");
        }
        for name in others {
            assert!(!parsed.matches(name), "{pattern} {name}");
        }
    }

    #[test]
    fn a_star_stays_within_a_segment_and_two_cross_them() {
        check("acme", &["acme"], &["acme-1", "Acme", "", "cme"]);
        check(
            "acme-*",
            &["acme-", "acme-1"],
            &["acme", "xacme-1", "acme-1/2"],
        );
        check("*", &["a", "till.acme"], &["a/b", "spiffe://a"]);
        check("**", &["a", "a/b"], &[]);
        check(
            "*.acme.example",
            &["a.acme.example", "a.b.acme.example"],
            &["acme.example", "a.acme.example.evil"],
        );
        check(
            "spiffe://acme/ns/*/sa/till",
            &["spiffe://acme/ns/shop/sa/till"],
            &[
                "spiffe://acme/ns/shop/x/sa/till",
                "spiffe://acme/ns/shop/sa/tills",
            ],
        );
        check(
            "spiffe://acme/**",
            &["spiffe://acme/a/b"],
            &["spiffe://acme", "spiffe://acme.evil/a"],
        );
        check("a*b*c", &["abc", "axbxbc"], &["ab", "abcd"]);
        check("a***b", &["ab", "a/b"], &["a"]);
    }

    #[test]
    fn a_hostile_name_costs_no_more_than_its_length() {
        let pattern: Pattern = "*a".repeat(100).parse().unwrap();
        assert!(!pattern.matches(&format!("{}b", "a".repeat(254))));
    }

    #[test]
    fn an_empty_or_an_endless_text_is_no_pattern() {
        assert_eq!("".parse::<Pattern>(), Err(PatternError::Empty));
        assert_eq!(
            "a".repeat(256).parse::<Pattern>(),
            Err(PatternError::TooLong)
        );
    }
}
