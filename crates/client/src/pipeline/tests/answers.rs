//! What one kind of answer leads to.

use super::*;

/// What one kind of answer to every attempt leads to: reason and attempts of a read, a write
/// without and a write with a request number.
#[tokio::test(start_paused = true)]
async fn the_table_of_answers() {
    use Reason::*;
    type Make = fn() -> Result<HttpResponse, TransportError>;
    type Row = (&'static str, Make, [(Reason, usize); 3]);
    let rows: [Row; 21] = [
        (
            "unsigned 200",
            || Ok(unsigned(200, CARD)),
            [
                (UpstreamUnverified, 2),
                (OutcomeUnknown, 1),
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
            ],
        ),
        (
            "unsigned 400",
            || Ok(unsigned(400, "{}")),
            [
                (UpstreamUnverified, 2),
                (OutcomeUnknown, 1),
                (OutcomeUnknown, 2),
            ],
        ),
        (
            "unsigned 401",
            || Ok(unsigned(401, r#"{"code":"SIGN_ERROR","message":"m"}"#)),
            [(CredentialRejected, 1); 3],
        ),
        (
            "unsigned 404",
            || Ok(unsigned(404, "")),
            [
                (UpstreamUnverified, 2),
                (OutcomeUnknown, 1),
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
            ],
        ),
        (
            "unsigned 502",
            || Ok(unsigned(502, "<html>")),
            [
                (UpstreamUnavailable, 3),
                (OutcomeUnknown, 1),
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
            ],
        ),
        (
            "signed redirect",
            || Ok(signed(307, "")),
            [
                (UpstreamUnverified, 2),
                (OutcomeUnknown, 1),
                (OutcomeUnknown, 2),
            ],
        ),
        (
            "signed 400",
            || Ok(signed(400, r#"{"code":"INVALID_REQUEST","message":"m"}"#)),
            [(UpstreamRefused, 1); 3],
        ),
        (
            "signed 403",
            || Ok(signed(403, r#"{"code":"NO_AUTH","message":"m"}"#)),
            [(UpstreamPermissionDenied, 1); 3],
        ),
        (
            "signed 404",
            || Ok(signed(404, r#"{"code":"NOT_FOUND","message":"m"}"#)),
            [
                (MemberNotFound, 1),
                (TemplateNotFound, 1),
                (MemberNotFound, 1),
            ],
        ),
        (
            "signed 429",
            || Ok(signed(429, r#"{"code":"FREQUENCY_LIMITED","message":"m"}"#)),
            [(UpstreamRateLimited, 3); 3],
        ),
        (
            "signed 500",
            || Ok(signed(500, r#"{"code":"SYSTEM_ERROR","message":"m"}"#)),
            [
                (UpstreamUnavailable, 3),
                (OutcomeUnknown, 1),
                (OutcomeUnknown, 3),
            ],
        ),
        (
            "error envelope in a 200",
            || Ok(signed(200, r#"{"code":"NO_AUTH","message":"m"}"#)),
            [(UpstreamPermissionDenied, 1); 3],
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
            ],
        ),
        (
            "refused",
            || Err(TransportError::Connect("refused".into())),
            [(UpstreamUnavailable, 3); 3],
        ),
        (
            "tls",
            || Err(TransportError::Tls("unknown issuer".into())),
            [(UpstreamTls, 3); 3],
        ),
        (
            "broken",
            || Err(TransportError::Broken("reset".into())),
            [
                (UpstreamUnavailable, 3),
                (OutcomeUnknown, 1),
                (OutcomeUnknown, 3),
            ],
        ),
    ];
    for (name, make, expected) in rows {
        let requests: [fn() -> Box<dyn AnyEndpoint>; 3] = [read, write, numbered];
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
