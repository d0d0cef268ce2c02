//! What helps against an answer that is not taken: the clock, and keys that were replaced.

use http::header::DATE;
use kabao_api::{Error, Reason};
use kabao_auth::{KeyId, KeySet, VerificationError};

use crate::failure::Failure;
use crate::transport::HttpResponse;

/// A difference that is not worth a word: answers take a while.
const NEGLIGIBLE: u64 = 30;

/// Tells by how much this machine's clock differs, where the failure may come from that.
pub(crate) fn with_clock(mut failure: Failure, answer: &HttpResponse, now: i64) -> Failure {
    let is_stale = is_stale(&failure.error);
    if !is_stale && failure.error.reason() != Reason::CredentialRejected {
        return failure;
    }
    let signed = answer
        .header("wechatpay-timestamp")
        .and_then(|text| text.parse::<i64>().ok())
        .filter(|_| is_stale);
    let by_date = answer
        .headers
        .get(DATE)
        .and_then(|date| date.to_str().ok())
        .and_then(unix_seconds);
    let remedy = match (by_date.and_then(|date| difference(now, date)), signed) {
        (Some(difference), _) => Some(format!(
            "this machine's clock is {difference} WeChat's; set the clock"
        )),
        (None, Some(signed)) => difference(now, signed).map(|difference| {
            format!(
                "this machine's clock is {difference} the time of the answer; set the clock, or look for something in between that keeps answers"
            )
        }),
        (None, None) => None,
    };
    if let Some(remedy) = remedy {
        failure.error = failure.error.with_remedy(remedy);
    }
    failure
}

/// Says that WeChat signs with a key that the account cannot know by itself; `certificates` tells
/// whether it can download certificates.
pub(crate) fn with_unknown_key(
    mut failure: Failure,
    id: &KeyId,
    trusted: &KeySet,
    certificates: bool,
) -> Failure {
    let known: Vec<_> = trusted
        .iter()
        .map(|key| key.id())
        .filter(|key| matches!(key, KeyId::PublicKey(_)))
        .map(|key| key.to_string())
        .collect();
    let remedy = match id {
        KeyId::PublicKey(_) if known.is_empty() => {
            format!("WeChat Pay signs with the public key {id}: configure it")
        }
        KeyId::PublicKey(_) => format!(
            "WeChat Pay signs with the public key {id}, and {} is configured: configure the new one",
            known.join(", ")
        ),
        // Whoever can download the certificates has seen all of them.
        _ if certificates => return failure,
        _ => format!(
            "WeChat Pay signs with the platform certificate {id}, as it does until the change to public keys is confirmed: configure an APIv3 key, with which certificates are downloaded"
        ),
    };
    let mut error = Error::new(
        Reason::KeyUnavailable,
        "the answer is signed with a key that the account does not have, and was discarded",
    )
    .with_remedy(remedy);
    if let Some(upstream) = failure.error.upstream() {
        error = error.with_upstream(upstream.clone());
    }
    failure.error = error.with_source(failure.error);
    failure
}

fn is_stale(error: &Error) -> bool {
    std::error::Error::source(error)
        .and_then(|source| source.downcast_ref::<VerificationError>())
        .is_some_and(|error| matches!(error, VerificationError::StaleTimestamp))
}

/// Says how far `now` is from `then`, if that is worth a word.
fn difference(now: i64, then: i64) -> Option<String> {
    let seconds = now.abs_diff(then);
    let side = if now > then { "ahead of" } else { "behind" };
    (seconds > NEGLIGIBLE).then(|| format!("{seconds} s {side}"))
}

/// Reads `Sun, 06 Nov 1994 08:49:37 GMT`.
fn unix_seconds(date: &str) -> Option<i64> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let mut parts = date.strip_suffix(" GMT")?.split([' ', ':']).skip(1);
    let number = |text: Option<&str>| text?.parse::<i64>().ok();
    let day = number(parts.next())?;
    let month = parts.next()?;
    let month = i64::try_from(MONTHS.iter().position(|name| *name == month)?).ok()? + 1;
    let year = number(parts.next())?;
    let (hour, minute, second) = (
        number(parts.next())?,
        number(parts.next())?,
        number(parts.next())?,
    );
    if !(1970..=9999).contains(&year) || !(1..=31).contains(&day) {
        return None;
    }
    // Days since 1970, with years that begin in March.
    let shifted = if month <= 2 { year - 1 } else { year };
    let era = shifted / 400;
    let of_era = shifted - era * 400;
    let of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    Some(days * 86_400 + hour * 3600 + minute * 60 + second)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use kabao_models::Endpoint;
    use kabao_models::merchant::user_cards::GetUserCard;

    use super::*;
    use crate::call::Sending;
    use crate::pipeline::answer;
    use crate::testing::{NOW, READ, unsigned};

    #[test]
    fn dates_are_read() {
        let rows = [
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777)),
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
            ("Thu, 01 Jan 2026 00:00:00 GMT", Some(NOW)),
            ("Thu, 29 Feb 2024 23:59:59 GMT", Some(1_709_251_199)),
            ("yesterday", None),
            ("Thu, 01 Foo 2026 00:00:00 GMT", None),
            ("", None),
        ];
        for (date, seconds) in rows {
            assert_eq!(unix_seconds(date), seconds, "{date}");
        }
    }

    fn refused(date: &'static str) -> HttpResponse {
        let body = "{\"code\":\"SIGN_ERROR\",\"message\":\"Http头Authorization中的timestamp与发起请求的时间不得超过5分钟\"}";
        let mut answer = unsigned(401, body);
        answer.headers.insert(DATE, HeaderValue::from_static(date));
        answer
    }

    #[test]
    fn a_refused_clock_is_told_in_seconds() {
        let get = Sending {
            operation: GetUserCard::OPERATION,
            ..READ
        };
        let rows = [
            (
                "Wed, 31 Dec 2025 23:53:08 GMT",
                "this machine's clock is 412 s ahead of WeChat's; set the clock",
            ),
            (
                "Thu, 01 Jan 2026 00:10:00 GMT",
                "this machine's clock is 600 s behind WeChat's; set the clock",
            ),
            (
                "Thu, 01 Jan 2026 00:00:02 GMT",
                "set the clock of this machine",
            ),
        ];
        for (date, remedy) in rows {
            let answer = refused(date);
            let failure = with_clock(answer::unsigned(get, &answer), &answer, NOW);
            assert_eq!(failure.error.reason(), Reason::CredentialRejected);
            assert_eq!(failure.error.remedy(), Some(remedy), "{date}");
        }
        // Nothing else is blamed on the clock.
        let mut answer = refused("Thu, 01 Jan 2026 00:10:00 GMT");
        answer.status = http::StatusCode::BAD_GATEWAY;
        let failure = with_clock(answer::unsigned(READ, &answer), &answer, NOW);
        assert_eq!(failure.error.remedy(), None);
    }

    #[test]
    fn a_stale_answer_is_told_in_seconds() {
        let mut answer = unsigned(200, "{}");
        let signed = HeaderValue::from(NOW - 900);
        answer.headers.insert("wechatpay-timestamp", signed);
        let failure = answer::unverified(&answer, VerificationError::StaleTimestamp);
        let failure = with_clock(failure, &answer, NOW);
        assert_eq!(
            failure.error.remedy(),
            Some(
                "this machine's clock is 900 s ahead of the time of the answer; set the clock, or look for something in between that keeps answers"
            )
        );
    }

    #[test]
    fn a_replaced_key_is_the_operators_to_configure() {
        let answer = unsigned(200, "{}");
        let id: KeyId = "PUB_KEY_ID_0119000001092025".parse().unwrap();
        let certificate: KeyId = "5157F09EFDC096DE15EBE81A47057A7200000000".parse().unwrap();
        let failure =
            |id: &KeyId| answer::unverified(&answer, VerificationError::UnknownKey(id.clone()));
        let own = "1DDE55AD98ED71D6EDD4A4A16996DE7B47773A8C".parse().unwrap();
        let none = KeySet::new(own, []).unwrap();
        let rows = [
            (&id, true, Reason::KeyUnavailable),
            (&id, false, Reason::KeyUnavailable),
            (&certificate, false, Reason::KeyUnavailable),
            (&certificate, true, Reason::UpstreamUnverified),
        ];
        for (id, certificates, reason) in rows {
            let told = with_unknown_key(failure(id), id, &none, certificates);
            assert_eq!(told.error.reason(), reason, "{id} {certificates}");
            assert_eq!(
                told.error
                    .remedy()
                    .is_some_and(|remedy| remedy.contains(&id.to_string())),
                reason == Reason::KeyUnavailable
            );
        }
    }
}
