//! "Did you mean ...?"

/// The candidate that differs from `word` by a slip of the keyboard, if there is one.
pub(super) fn similar<'a>(
    word: &str,
    candidates: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    let allowed = 1 + word.chars().count() / 5;
    candidates
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Levenshtein distance in characters.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut next = vec![i + 1];
        let above = row.windows(2).zip(&b);
        for (pair, to) in above {
            let (diagonal, up) = match pair {
                [diagonal, up] => (*diagonal, *up),
                _ => (0, 0),
            };
            let left = next.last().copied().unwrap_or_default();
            let replace = diagonal + usize::from(from != *to);
            next.push(replace.min(up + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_another_word_is_not() {
        let known = || ["listen", "private_key_file", "mchid", "id"].into_iter();
        for (word, expected) in [
            ("listn", Some("listen")),
            ("privatekey_file", Some("private_key_file")),
            ("private-key-file", Some("private_key_file")),
            ("mch_id", Some("mchid")),
            ("endpoint", None),
            ("卡", None),
        ] {
            assert_eq!(similar(word, known()), expected, "{word}");
        }
    }
}
