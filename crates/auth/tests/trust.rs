//! What is trusted and what is not, where the vectors do not reach.

#[cfg(test)]
#[path = "vectors/support.rs"]
#[expect(dead_code, reason = "shared with the vectors, which use all of it")]
mod support;

#[cfg(test)]
mod tests {

    use kabao_auth::{
        ApiV3Key, AuthenticationError, CertificateTrust, CertificatesError, EncryptedCertificate,
        Error, Freshness, Identity, KeyKind, KeySet, PrivateKey, ReceivedRequest, RequestToSign,
        ResponseSignature, ResponseToSign, Scheme, Sealed, SignatureHeaders, TrustedKey,
        VerificationError, accept_certificates, authenticate, authorization,
        require_client_headers, sign_response, verify,
    };
    use serde_json::json;

    use crate::support::Vectors;

    const NOW: i64 = 1_767_225_600;
    const NONCE: &str = "c5ac7061fccab6bf3e254dcf98995b8c";
    const BODY: &[u8] = b"{\"code\":1}";

    fn vectors() -> Vectors {
        Vectors::all().swap_remove(0)
    }

    fn trust(names: &[&str]) -> KeySet {
        let names: Vec<_> = names.iter().map(|name| json!(name)).collect();
        vectors().trust(&names)
    }

    fn signed_by(name: &str, timestamp: i64, body: &[u8]) -> ResponseSignature {
        let vectors = vectors();
        let key = vectors.key(name);
        let id = key
            .optional_text("id")
            .unwrap_or_else(|| key.text("serial_no"));
        let response = ResponseToSign {
            timestamp,
            nonce: NONCE,
            body,
        };
        let key_id = id.parse().unwrap();
        sign_response(
            &vectors.private_key(name),
            &key_id,
            Scheme::Merchant,
            &response,
        )
        .unwrap()
    }

    #[test]
    fn the_first_failing_check_is_the_one_reported() {
        let keys = trust(&["platform_current", "wechatpay_public_key"]);
        let good = signed_by("wechatpay_public_key", NOW, BODY);
        let headers = good.as_headers();
        let check = |headers: SignatureHeaders<'_>, now: i64| {
            verify(&headers, BODY, &keys, now).map(|_| ()).unwrap_err()
        };

        assert!(verify(&headers, BODY, &keys, NOW).is_ok());
        let untyped = SignatureHeaders {
            signature_type: None,
            ..headers
        };
        assert!(verify(&untyped, BODY, &keys, NOW).is_ok());
        let wide = Freshness {
            now: NOW + 400,
            max_deviation: 600,
        };
        assert!(verify(&headers, BODY, &keys, wide).is_ok());

        let unknown = SignatureHeaders {
            serial: Some("PUB_KEY_ID_0"),
            signature: Some("@"),
            ..headers
        };
        assert_eq!(
            check(unknown, NOW + 900),
            VerificationError::UnknownKey("PUB_KEY_ID_0".parse().unwrap())
        );
        let malformed = SignatureHeaders {
            serial: Some("会员"),
            ..headers
        };
        assert_eq!(check(malformed, NOW), VerificationError::MalformedKeyId);
        let stale = SignatureHeaders {
            signature: Some("@"),
            ..headers
        };
        assert_eq!(check(stale, NOW + 300), VerificationError::StaleTimestamp);
        assert_eq!(check(stale, NOW - 300), VerificationError::StaleTimestamp);
        assert_eq!(
            check(stale, NOW + 299),
            VerificationError::SignatureEncoding
        );
        let empty = SignatureHeaders {
            nonce: Some(""),
            serial: None,
            ..headers
        };
        assert_eq!(
            check(empty, NOW),
            VerificationError::MissingHeader("wechatpay-nonce")
        );
        let other_key = SignatureHeaders {
            serial: Some("62C5A1F40E9B7D38C2A6540F81D3E97B05AC4E19"),
            ..headers
        };
        assert_eq!(check(other_key, NOW), VerificationError::SignatureMismatch);
    }

    #[test]
    fn a_certificate_signs_only_while_it_is_valid() {
        let keys = trust(&["platform_previous"]);
        let end = vectors().certificate("platform_previous").not_after();
        let id = vectors().certificate("platform_previous").key_id();
        let last = signed_by("platform_previous", end, BODY);
        assert!(verify(&last.as_headers(), BODY, &keys, end).is_ok());
        let outcome = verify(&last.as_headers(), BODY, &keys, end + 1);
        assert_eq!(
            outcome.unwrap_err(),
            VerificationError::CertificateNotValid(id)
        );
    }

    #[test]
    fn a_probe_is_refused_and_told_apart() {
        let keys = trust(&["wechatpay_public_key"]);
        let probe = signed_by("wechatpay_public_key", NOW, BODY).into_probe();
        assert_eq!(probe.signature.len(), 344);
        let outcome = verify(&probe.as_headers(), BODY, &keys, NOW);
        assert_eq!(outcome.unwrap_err(), VerificationError::Probe);
    }

    #[test]
    fn unsigned_answers_are_told_from_half_signed_ones() {
        assert!(SignatureHeaders::default().is_unsigned());
        assert!(
            SignatureHeaders {
                signature_type: Some("x"),
                nonce: Some(""),
                ..Default::default()
            }
            .is_unsigned()
        );
        assert!(
            !SignatureHeaders {
                nonce: Some(NONCE),
                ..Default::default()
            }
            .is_unsigned()
        );
        let signed = signed_by("wechatpay_public_key", NOW, b"");
        let read = SignatureHeaders::read(|name| {
            signed
                .headers()
                .into_iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| value)
        });
        assert!(verify(&read, b"", &trust(&["wechatpay_public_key"]), NOW).is_ok());
    }

    #[test]
    fn debug_of_a_verified_body_shows_no_body() {
        let signed = signed_by("platform_current", NOW, BODY);
        let verified = verify(
            &signed.as_headers(),
            BODY,
            &trust(&["platform_current"]),
            NOW,
        )
        .unwrap();
        assert_eq!(
            format!("{verified:?}"),
            "Verified { key_id: Certificate(SerialNumber(62C5A1F40E9B7D38C2A6540F81D3E97B05AC4E19)), \
             timestamp: 1767225600, .. }"
        );
    }

    #[test]
    fn the_accounts_own_certificate_is_never_trusted() {
        let vectors = vectors();
        let own = || TrustedKey::Certificate(vectors.certificate("merchant"));
        let set = KeySet::new(vectors.own_serial(), [own()]);
        assert_eq!(set.unwrap_err(), Error::OwnSerialNumber);
        let platform = || TrustedKey::Certificate(vectors.certificate("platform_current"));
        let set = KeySet::new(vectors.own_serial(), [platform(), platform()]);
        assert_eq!(set.unwrap_err(), Error::DuplicateKey);
    }

    fn chosen_at(names: &[&str], preferred: KeyKind, now: i64) -> Option<String> {
        let keys = trust(names);
        let key = keys.encryption_key(preferred, now);
        key.map(|key| key.id().to_string())
    }

    #[test]
    fn fields_are_encrypted_with_the_public_key_or_the_newest_certificate() {
        let chosen = |names: &[&str]| chosen_at(names, KeyKind::PublicKey, NOW);
        let vectors = vectors();
        let serial = vectors.key("platform_current").text("serial_no");
        let id = vectors.key("wechatpay_public_key").text("id");
        let (previous, current) = ("platform_previous", "platform_current");
        assert_eq!(chosen(&[]), None);
        assert_eq!(chosen(&[previous, current]).as_deref(), Some(serial));
        assert_eq!(
            chosen(&[current, "wechatpay_public_key", previous]).as_deref(),
            Some(id)
        );
        let all = [current, "wechatpay_public_key", previous];
        let by_certificate = |now| chosen_at(&all, KeyKind::Certificate, now);
        assert_eq!(by_certificate(NOW).as_deref(), Some(serial));
        // Before the newest certificate begins, the one before it is named; after the end of all, what there is else.
        let begins = vectors.certificate(current).not_before();
        let before = vectors.key(previous).text("serial_no");
        assert_eq!(by_certificate(begins - 1).as_deref(), Some(before));
        let ends = vectors.certificate(current).not_after();
        assert_eq!(by_certificate(ends).as_deref(), Some(serial));
        assert_eq!(by_certificate(i64::MAX).as_deref(), Some(id));
        assert_eq!(
            chosen_at(&[current, previous], KeyKind::PublicKey, i64::MAX),
            None
        );
        assert_eq!(
            format!("{:?}", trust(&[current])),
            "KeySet { ids: [\"62C5A1F40E9B7D38C2A6540F81D3E97B05AC4E19\"], .. }"
        );
    }

    /// Accepts a download with one entry that names `serial` and holds `holds`, signed by `signer`.
    fn download(
        serial: &str,
        holds: &str,
        signer: &str,
        trusted: &KeySet,
    ) -> Result<KeySet, CertificatesError> {
        let vectors = vectors();
        let key = ApiV3Key::new("k7Qm2ZxV9aT4rLp8WsD1eYh6NbUc3JfG").unwrap();
        let pem = vectors.key(holds).text("certificate_pem");
        let ciphertext = key
            .seal("61f9c719728a", "certificate", pem.as_bytes())
            .unwrap();
        let sealed = Sealed {
            algorithm: "AEAD_AES_256_GCM",
            nonce: "61f9c719728a",
            associated_data: "certificate",
            ciphertext: &ciphertext,
        };
        let entries = [EncryptedCertificate {
            serial: vectors.key(serial).text("serial_no"),
            sealed,
        }];
        let signed = signed_by(signer, NOW, BODY);
        let trust = CertificateTrust {
            key: &key,
            trusted,
            authorities: None,
        };
        accept_certificates(&signed.as_headers(), BODY, &entries, &trust, NOW)
            .map(|accepted| accepted.keys)
    }

    #[test]
    fn a_download_replaces_certificates_and_keeps_public_keys() {
        let trusted = trust(&["platform_previous", "wechatpay_public_key"]);
        for signer in [
            "platform_current",
            "platform_previous",
            "wechatpay_public_key",
        ] {
            let keys = download("platform_current", "platform_current", signer, &trusted).unwrap();
            let ids: Vec<_> = keys.iter().map(TrustedKey::id).collect();
            let expected: Vec<_> = trust(&["platform_current", "wechatpay_public_key"])
                .iter()
                .map(TrustedKey::id)
                .collect();
            assert_eq!(ids, expected, "{signer}");
        }
    }

    #[test]
    fn a_download_that_proves_nothing_gives_no_keys() {
        let none = KeySet::empty(vectors().own_serial());
        let (current, previous) = ("platform_current", "platform_previous");
        let unknown = VerificationError::UnknownKey(vectors().certificate(previous).key_id());
        assert_eq!(
            download(current, current, previous, &none).unwrap_err(),
            CertificatesError::Verification(unknown)
        );
        assert_eq!(
            download(previous, current, current, &none).unwrap_err(),
            CertificatesError::SerialMismatch
        );
        assert_eq!(
            download("merchant", "merchant", "merchant", &none).unwrap_err(),
            CertificatesError::Entry(Error::OwnSerialNumber)
        );
        let key = ApiV3Key::new("k7Qm2ZxV9aT4rLp8WsD1eYh6NbUc3JfG").unwrap();
        let signed = signed_by(current, NOW, BODY);
        let outcome = accept_certificates(
            &signed.as_headers(),
            BODY,
            &[],
            &CertificateTrust {
                key: &key,
                trusted: &trust(&[current]),
                authorities: None,
            },
            NOW,
        );
        assert_eq!(outcome.unwrap_err(), CertificatesError::Empty);
    }

    fn merchant() -> Identity {
        let vectors = vectors();
        let certificate = vectors.certificate("merchant");
        Identity::from_certificate(
            Scheme::Merchant,
            "1900000001",
            &certificate,
            &merchant_key(),
        )
        .unwrap()
    }

    fn merchant_key() -> PrivateKey {
        vectors().private_key("merchant")
    }

    #[test]
    fn debug_of_a_refused_request_shows_neither_target_nor_body() {
        let request = RequestToSign {
            method: "POST",
            target: "/v3/x?openid=o",
            timestamp: NOW,
            nonce: NONCE,
            body: BODY,
        };
        let header = authorization(&merchant(), &merchant_key(), &request).unwrap();
        let received = ReceivedRequest {
            method: "POST",
            target: "/v3/x?openid=o",
            body: b"{}",
        };
        let key = vectors().public_key("merchant");
        let error = authenticate(Some(&header), &received, NOW, |_, _| Some(key)).unwrap_err();
        assert_eq!(
            format!("{error:?}"),
            "SignMismatch(SignMismatch { method: \"POST\", sign_message_length: 67, .. })"
        );
        assert_eq!(
            format!("{request:?}"),
            "RequestToSign { method: \"POST\", timestamp: 1767225600, body_length: 10, .. }"
        );
    }

    #[test]
    fn an_identity_holds_together() {
        let vectors = vectors();
        let certificate = vectors.certificate("merchant");
        let other = vectors.private_key("merchant_other");
        let mixed =
            Identity::from_certificate(Scheme::Merchant, "1900000001", &certificate, &other);
        assert_eq!(mixed.unwrap_err(), Error::CertificateMismatch);
        for id in ["", "1900\"", "a b", "会员", &"1".repeat(33)] {
            let identity = Identity::new(Scheme::Brand, id, vectors.own_serial());
            assert_eq!(identity.unwrap_err(), Error::InvalidIdentity, "{id}");
        }
        assert_eq!(
            format!("{:?}", merchant()),
            "Identity { scheme: Merchant, id: \"1900000001\", \
             serial: SerialNumber(3F2A9C41D07B58E6134CA8F05B6D92E7718034AB) }"
        );
    }

    #[test]
    fn what_cannot_be_signed_safely_is_refused() {
        let good = RequestToSign {
            method: "GET",
            target: "/v3/x?a=1",
            timestamp: NOW,
            nonce: NONCE,
            body: b"",
        };
        let identity = merchant();
        let header = authorization(&identity, &merchant_key(), &good).unwrap();
        let received = ReceivedRequest {
            method: good.method,
            target: good.target,
            body: good.body,
        };
        let key = vectors().public_key("merchant");
        assert!(authenticate(Some(&header), &received, NOW, |_, _| Some(key)).is_ok());
        let none = authenticate(None, &received, NOW, |_, _| None);
        assert_eq!(none.unwrap_err(), AuthenticationError::Malformed);
        assert_eq!(
            require_client_headers(Some("*/*"), Some("")),
            Err(AuthenticationError::MissingClientHeaders)
        );

        for method in ["get", "", "GET\n"] {
            let request = RequestToSign { method, ..good };
            assert_eq!(
                authorization(&identity, &merchant_key(), &request),
                Err(Error::InvalidRequest("method")),
                "{method:?}"
            );
        }
        for target in [
            "",
            "v3/x",
            "//v3/x",
            "/v3/a b",
            "/v3/会",
            "/v3/x#f",
            "/v3/x\nY",
            "https://h/v3",
        ] {
            let request = RequestToSign { target, ..good };
            assert_eq!(
                authorization(&identity, &merchant_key(), &request),
                Err(Error::InvalidRequest("target")),
                "{target:?}"
            );
        }
        for nonce in ["", "a\"b", "a b", &"a".repeat(33)] {
            let request = RequestToSign { nonce, ..good };
            assert_eq!(
                authorization(&identity, &merchant_key(), &request),
                Err(Error::InvalidRequest("nonce")),
                "{nonce:?}"
            );
        }
    }
}
