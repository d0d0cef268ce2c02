//! "Did you mean ...?"

/// The candidate that differs from `word` by a slip of the keyboard, if there is one.
pub(super) fn similar<'a>(
    word: &str,
    candidates: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    let allowed = 1 + word.chars().count() / 5;
    candidates
        .map(|candidate| (strsim::levenshtein(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, candidate)| candidate)
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
