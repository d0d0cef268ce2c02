//! Keeps what goes into headers within what clients accept.

use std::borrow::Cow;

use kabao_api::FieldViolation;

/// Cuts `text` between characters so that it takes at most `limit` bytes once percent-encoded, as
/// it is in `grpc-message`: a Chinese character takes nine.
pub(super) fn shorten(text: &str, limit: usize) -> Cow<'_, str> {
    const MARK: &str = "...";
    let cost = |c: char| {
        let plain = c == ' ' || (c.is_ascii_graphic() && c != '%');
        if plain { 1 } else { c.len_utf8() * 3 }
    };
    let mut total = 0;
    let mut cut = 0;
    for (at, c) in text.char_indices() {
        total += cost(c);
        if total > limit {
            return format!("{}{MARK}", text.get(..cut).unwrap_or_default()).into();
        }
        if total + MARK.len() <= limit {
            cut = at + c.len_utf8();
        }
    }
    text.into()
}

/// Bytes that may still be written.
pub(super) struct Budget {
    left: usize,
}

impl Budget {
    pub(super) fn new(bytes: usize) -> Self {
        Self { left: bytes }
    }

    pub(super) fn spend(&mut self, bytes: usize) {
        self.left = self.left.saturating_sub(bytes);
    }

    /// Returns as many violations as fit, and how many are left out.
    pub(super) fn violations(
        mut self,
        violations: impl ExactSizeIterator<Item = FieldViolation>,
    ) -> Vec<(String, String)> {
        const REST: usize = 64;
        let count = violations.len();
        let mut shown = Vec::new();
        for violation in violations {
            let entry = (
                shorten(&violation.field, 256).into_owned(),
                shorten(&violation.description, 512).into_owned(),
            );
            let cost = entry.0.len() + entry.1.len() + 8;
            if cost + REST > self.left {
                break;
            }
            self.spend(cost);
            shown.push(entry);
        }
        if shown.len() < count {
            shown.push((
                String::new(),
                format!("{} more violations are not listed", count - shown.len()),
            ));
        }
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_between_characters() {
        assert_eq!(shorten("short", 5), "short");
        assert_eq!(shorten("longer", 5), "lo...");
        assert_eq!(shorten("会员卡", 27), "会员卡");
        assert_eq!(shorten("会员卡号", 30), "会员卡...");
        assert_eq!(shorten("100%", 6), "100%");
        assert_eq!(shorten("100%", 5), "10...");
        assert_eq!(shorten("", 0), "");
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let violations: Vec<_> = (0..50)
            .map(|i| FieldViolation::new(format!("values[{i}]"), "is required"))
            .collect();
        let shown = Budget::new(300).violations(violations.into_iter());
        let last = &shown[shown.len() - 1];
        assert_eq!(
            last.1,
            format!("{} more violations are not listed", 50 - (shown.len() - 1))
        );
        assert!(
            shown
                .iter()
                .map(|(f, d)| f.len() + d.len() + 8)
                .sum::<usize>()
                <= 300
        );
    }
}
