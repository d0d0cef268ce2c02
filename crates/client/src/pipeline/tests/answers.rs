//! What one kind of answer leads to.

use super::*;

/// What one kind of answer to every attempt leads to: reason and attempts of a read, a write that
/// may act twice, one of absolute values, and one with a request number.
#[tokio::test(start_paused = true)]
async fn the_table_of_answers() {
    use Reason::*;
    type Make = fn() -> Result<HttpResponse, TransportError>;
    type Row = (&'static str, Make, [(Reason, usize); 4]);
    let rows: [Row; 24] = [
        (
            "unsigned 200",
            || Ok(unsigned(200, CARD)),
            [
                (UpstreamUnverified, 2),
                (OutcomeUnknown, 1),
                (OutcomeUnknown, 2),
                (OutcomeUnknown, 2),
            ],
        ),
        (
            "unsigned 204",
            || Ok(unsigned(204, "")),
            [
                (UpstreamUnverified, 2),
                (OutcomeUnknown, 1),
                (OutcomeUnknown, 2),
                (OutcomeUnknown, 2),
            ],
        ),
        (
            "unsigned 400",
            || Ok(unsigned(400, "{}")),
            [
                (UpstreamUnverified, 2),
                (OutcomeUnknown, 1),
                (OutcomeUnknown, 2),
                (OutcomeUnknown, 2),
            ],
        ),
        (
            "unsigned 401",
            || Ok(unsigned(401, r#"{"code":"SIGN_ERROR","message":"m"}"#)),
            [
                (CredentialRejected, 1),
                (OutcomeUnknown, 1),
                (OutcomeUnknown, 1),
                (OutcomeUnknown, 1),
            ],
        ),
        (
            "unsigned 404",
            || Ok(unsigned(404, "")),
            [
                (UpstreamUnverified, 2),
                (OutcomeUnknown, 1),
                (OutcomeUnknown, 2),
                (OutcomeUnknown, 2),
            ],
        ),
        (
            "unsigned 429",
            || Ok(unsigned(429, "")),
            [
                (UpstreamRateLimited, 3),
                (OutcomeUnknown, 1),
                (OutcomeUnknown, 3),
                (OutcomeUnknown, 3),
            ],
        ),
        (
            "unsigned 502",
            || Ok(unsigned(502, "<html>")),
            [
                (UpstreamUnavailable, 3),
                (OutcomeUnknown, 1),
                (OutcomeUnknown, 3),
                (OutcomeUnknown, 3),
            ],
        ),
        (
            "unsigned redirect",
            || Ok(unsigned(302, "")),
            [
                (UpstreamUnverified, 2),
                (OutcomeUnknown, 1),
                (OutcomeUnknown, 2),
                (OutcomeUnknown, 2),
            ],
        ),
        (
            "signed redirect",
            || Ok(signed(307, "")),
            [
                (UpstreamUnverified, 2),
                (OutcomeUnknown, 1),
                (OutcomeUnknown, 2),
                (OutcomeUnknown, 2),
            ],
        ),
        (
            "signed 400",
            || Ok(signed(400, r#"{"code":"INVALID_REQUEST","message":"m"}"#)),
            [(UpstreamRefused, 1); 4],
        ),
        (
            "signed 403",
            || Ok(signed(403, r#"{"code":"NO_AUTH","message":"m"}"#)),
            [(UpstreamPermissionDenied, 1); 4],
        ),
        (
            "signed 404",
            || Ok(signed(404, r#"{"code":"NOT_FOUND","message":"m"}"#)),
            [
                (MemberNotFound, 1),
                (ResourceNotFound, 1),
                (TemplateNotFound, 1),
                (MemberNotFound, 1),
            ],
        ),
        (
            "signed 429",
            || Ok(signed(429, r#"{"code":"FREQUENCY_LIMITED","message":"m"}"#)),
            [(UpstreamRateLimited, 3); 4],
        ),
        (
            "signed 500",
            || Ok(signed(500, r#"{"code":"SYSTEM_ERROR","message":"m"}"#)),
            [
                (UpstreamUnavailable, 3),
                (OutcomeUnknown, 1),
                (OutcomeUnknown, 3),
                (OutcomeUnknown, 3),
            ],
        ),
        (
            "error envelope in a 200",
            || Ok(signed(200, r#"{"code":"NO_AUTH","message":"m"}"#)),
            [
                // A card has a `code` of its own, so this is one; but not the one asked for.
                (UpstreamUnverified, 1),
                (UpstreamPermissionDenied, 1),
                (UpstreamPermissionDenied, 1),
                (UpstreamPermissionDenied, 1),
            ],
        ),
        (
            "created",
            || Ok(signed(201, CARD)),
            [
                (UpstreamMalformed, 1),
                (OutcomeUnknown, 1),
                (OutcomeUnknown, 1),
                (OutcomeUnknown, 1),
            ],
        ),
        (
            "a part",
            || Ok(signed(206, CARD)),
            [
                (UpstreamMalformed, 1),
                (OutcomeUnknown, 1),
                (OutcomeUnknown, 1),
                (OutcomeUnknown, 1),
            ],
        ),
        (
            "an error with the code of a member",
            || Ok(signed(400, r#"{"code":"722317683772","message":"m"}"#)),
            [(UpstreamRefused, 1); 4],
        ),
        (
            "other body than signed",
            || {
                let mut answer = signed(200, CARD);
                answer.body = CARD.replace("黄金", "白金").into();
                Ok(answer)
            },
            [
                (UpstreamUnverified, 2),
                (OutcomeUnknown, 1),
                (OutcomeUnknown, 2),
                (OutcomeUnknown, 2),
            ],
        ),
        (
            "stale",
            || {
                Ok(signed_with(
                    "wechatpay_public_key",
                    key("wechatpay_public_key", "id"),
                    NOW - 300,
                    200,
                    CARD,
                ))
            },
            [
                (UpstreamUnverified, 2),
                (OutcomeUnknown, 1),
                (OutcomeUnknown, 2),
                (OutcomeUnknown, 2),
            ],
        ),
        (
            "signed by another",
            || {
                Ok(signed_with(
                    "platform_unknown",
                    key("wechatpay_public_key", "id"),
                    NOW,
                    404,
                    r#"{"code":"NOT_FOUND"}"#,
                ))
            },
            [
                (UpstreamUnverified, 2),
                (OutcomeUnknown, 1),
                (OutcomeUnknown, 2),
                (OutcomeUnknown, 2),
            ],
        ),
        (
            "refused",
            || Err(TransportError::Connect("refused".into())),
            [(UpstreamUnavailable, 3); 4],
        ),
        (
            "tls",
            || Err(TransportError::Tls("unknown issuer".into())),
            [(UpstreamTls, 3); 4],
        ),
        (
            "broken",
            || Err(TransportError::Broken("reset".into())),
            [
                (UpstreamUnavailable, 3),
                (OutcomeUnknown, 1),
                (OutcomeUnknown, 3),
                (OutcomeUnknown, 3),
            ],
        ),
    ];
    for (name, make, expected) in rows {
        let requests: [fn() -> Box<dyn AnyEndpoint>; 4] = [read, harmful, write, numbered];
        for (request, (reason, attempts)) in requests.into_iter().zip(expected) {
            let (transport, sent) = answering(move |_| make());
            let pipeline = merchant(transport, Settings::default());
            let request = request();
            let operation = request.operation();
            let error = pipeline.execute(&context(), request).await.err().unwrap();
            assert_eq!(
                (error.reason(), count(&sent)),
                (reason, attempts),
                "{name}: {}",
                operation.id
            );
            assert_eq!(
                error.may_have_executed(),
                reason == OutcomeUnknown,
                "{name}: {}",
                operation.id
            );
            assert_eq!(error.operation(), Some(operation.id));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn seconds_to_wait_count_up_to_an_hour_and_whatever_else_is_said_counts_as_one() {
    for (asked, seconds) in [
        (Some("3"), 3),
        (Some(" 7 "), 7),
        (Some("86400"), 3600),
        (Some("Wed, 21 Oct 2026 07:28:00 GMT"), 1),
        (Some("soon"), 1),
        (Some("-5"), 1),
        (Some("1.5"), 1),
        (None, 1),
    ] {
        let (transport, _) = answering(move |_| {
            let body = r#"{"code":"RATELIMIT_EXCEEDED","message":"m"}"#;
            let mut answer = signed(429, body);
            if let Some(asked) = asked {
                answer.headers.insert("retry-after", asked.parse().unwrap());
            }
            Ok(answer)
        });
        let error = merchant(transport, Settings::default())
            .execute(&context(), read())
            .await
            .err()
            .unwrap();
        let expected = Some(Duration::from_secs(seconds));
        assert_eq!(error.retry_after(), expected, "{asked:?}");
    }
}
