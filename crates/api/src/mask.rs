//! Takes personal data out of texts that WeChat wrote.

/// What stands in place of what was taken out.
const MASK: &str = "***";
/// So many digits in a row may be a phone number, a card code or an order.
const DIGITS: usize = 6;
/// So many letters and digits in a row may be an openid, a token or ciphertext.
const IDENTIFIER: usize = 24;

/// Returns `text` without what may be personal data.
///
/// WeChat quotes values of the request in its error texts. These go:
///
/// - every value of `private`, the request's own, that has two characters or more;
/// - six or more digits in a row, also with single blanks or hyphens between them;
/// - anything with an `@` in it;
/// - 24 or more letters, digits, `_` and `-` in a row that mix cases or letters and digits, which
///   openids and tokens do and names of fields do not.
///
/// Links to WeChat's own pages stay, without their query. What is replaced reads `***`. A value
/// that is neither in the request nor of these forms, such as a name that WeChat has stored, cannot
/// be told from WeChat's words.
pub fn mask(text: &str, private: &[String]) -> String {
    let mut values: Vec<&str> = private
        .iter()
        .map(String::as_str)
        .filter(|value| value.chars().nth(1).is_some() && *value != MASK)
        .collect();
    // A long value may hold a short one.
    values.sort_unstable_by_key(|value| std::cmp::Reverse(value.len()));
    let mut text = text.to_owned();
    for value in values {
        if text.contains(value) {
            text = text.replace(value, MASK);
        }
    }
    by_form(&text)
}

fn by_form(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (word, after) = if rest.starts_with("https://") || rest.starts_with("http://") {
            split(rest, |c| c.is_ascii_graphic())
        } else if is_word(first) {
            // The dots of an address belong to it, those between the names of fields do not.
            let (whole, after) = split(rest, |c| is_word(c) || c == '.');
            if whole.contains('@') {
                (whole, after)
            } else {
                split(rest, is_word)
            }
        } else {
            rest.split_at(first.len_utf8())
        };
        if word.starts_with("http") && word.contains("://") {
            out.push_str(link(word));
        } else if word.contains('@') || is_identifier(word) {
            out.push_str(MASK);
        } else {
            out.push_str(word);
        }
        rest = after;
    }
    without_numbers(&out)
}

fn split(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    let end = text.find(|c| !belongs(c)).unwrap_or(text.len());
    text.split_at(end)
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '@')
}

/// WeChat's own pages are no secret; anything else may be.
fn link(word: &str) -> &str {
    let address = word.split(['?', '#']).next().unwrap_or_default();
    let host = address
        .split_once("://")
        .and_then(|(_, rest)| rest.split('/').next())
        .unwrap_or_default();
    let known = ["weixin.qq.com", "wechatpay.cn"]
        .iter()
        .any(|own| host == *own || host.ends_with(&format!(".{own}")));
    if known { address } else { MASK }
}

fn is_identifier(word: &str) -> bool {
    let has = |what: fn(&u8) -> bool| word.bytes().any(|byte| what(&byte));
    word.len() >= IDENTIFIER
        && has(u8::is_ascii_lowercase)
        && (has(u8::is_ascii_uppercase) || has(u8::is_ascii_digit))
}

/// Replaces long numbers, but for those in links that were kept.
fn without_numbers(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if rest.starts_with("https://") || rest.starts_with("http://") {
            let (link, after) = split(rest, |c| c.is_ascii_graphic());
            out.push_str(link);
            rest = after;
            continue;
        }
        if !is_digit(first) {
            let (other, after) = rest.split_at(first.len_utf8());
            out.push_str(other);
            rest = after;
            continue;
        }
        let (number, after) = number(rest);
        if number.chars().filter(|c| is_digit(*c)).count() >= DIGITS {
            out.push_str(MASK);
        } else {
            out.push_str(number);
        }
        rest = after;
    }
    out
}

/// Splits off digits, with single blanks and hyphens between them.
fn number(text: &str) -> (&str, &str) {
    let mut end = 0;
    let mut gap = false;
    for (at, c) in text.char_indices() {
        if is_digit(c) {
            end = at + c.len_utf8();
            gap = false;
        } else if matches!(c, ' ' | '-') && !gap {
            gap = true;
        } else {
            break;
        }
    }
    text.split_at(end)
}

fn is_digit(c: char) -> bool {
    c.is_ascii_digit() || ('\u{ff10}'..='\u{ff19}').contains(&c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_personal_goes_and_the_rest_stays() {
        let rows = [
            (
                "openid obLatjnx9gnqzS4myYGmLZ7LgLBA 无效",
                "openid *** 无效",
            ),
            ("手机号13800000417格式错误", "手机号***格式错误"),
            ("手机号 +86 138 0000 0417 错误", "手机号 +*** 错误"),
            ("会员码１３８０００００不存在", "会员码***不存在"),
            ("邮箱mei.lin@example.com错误", "邮箱***错误"),
            ("code不存在", "code不存在"),
            ("会员卡名称不能超过10个字", "会员卡名称不能超过10个字"),
            ("有效天数不能超过10958天", "有效天数不能超过10958天"),
            (
                "available_day_after_receive must not exceed 10958",
                "available_day_after_receive must not exceed 10958",
            ),
            (
                "MEMBER_CARD_ACCEPT_BY_PHONE_NUMBER",
                "MEMBER_CARD_ACCEPT_BY_PHONE_NUMBER",
            ),
            (
                "可查看指引https://pay.weixin.qq.com/doc/v3/merchant/4012153196.md?a=13800000417",
                "可查看指引https://pay.weixin.qq.com/doc/v3/merchant/4012153196.md",
            ),
            ("see https://evil.example/138", "see ***"),
            ("see http://weixin.qq.com.evil.example/138", "see ***"),
            ("", ""),
        ];
        for (text, masked) in rows {
            assert_eq!(mask(text, &[]), masked, "{text}");
            assert_eq!(mask(masked, &[]), masked, "twice is once: {text}");
        }
    }

    #[test]
    fn the_values_of_the_request_go_whatever_they_look_like() {
        let private = ["林间".to_owned(), "林间月".to_owned(), "A-1".to_owned()];
        assert_eq!(
            mask("姓名林间月与林间不符，编号A-1", &private),
            "姓名***与***不符，编号***"
        );
        // One character would take WeChat's own words apart.
        assert_eq!(
            mask("性别错误，应为男或女", &["男".to_owned()]),
            "性别错误，应为男或女"
        );
    }
}
