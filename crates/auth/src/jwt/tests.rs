use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
    RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use super::*;
use crate::der::{self, Reader};

const NOW: i64 = 1_800_000_000;

fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A key that signs.
enum Signing {
    Rsa(RsaKeyPair),
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl Signing {
    fn rsa(size: KeySize) -> Self {
        Self::Rsa(RsaKeyPair::generate(size).unwrap())
    }

    fn ecdsa() -> Self {
        Self::Ecdsa(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    fn ed25519() -> Self {
        Self::Ed25519(Ed25519KeyPair::generate().unwrap())
    }

    /// Its public half, without `alg`.
    fn public(&self) -> Value {
        match self {
            Self::Rsa(key) => {
                let mut numbers = Reader::new(key.public_key().as_ref());
                let numbers = numbers.expect(der::SEQUENCE).unwrap().contents;
                let mut numbers = Reader::new(numbers);
                let mut number = || {
                    let bytes = numbers.expect(der::INTEGER).unwrap().contents;
                    base64url(bytes.strip_prefix(&[0]).unwrap_or(bytes))
                };
                json!({"kty": "RSA", "n": number(), "e": number()})
            }
            Self::Ecdsa(key) => {
                let (x, y) = key.public_key().as_ref()[1..].split_at(32);
                json!({"kty": "EC", "crv": "P-256", "x": base64url(x), "y": base64url(y)})
            }
            Self::Ed25519(key) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": base64url(key.public_key())})
            }
        }
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .unwrap();
                signature
            }
            Self::Ecdsa(key) => key.sign(&random, message).unwrap().as_ref().to_vec(),
            Self::Ed25519(key) => key.sign(message).as_ref().to_vec(),
        }
    }

    fn token(&self, header: &Value, claims: &Value) -> String {
        let signed = [header, claims].map(|part| base64url(part.to_string()));
        let signed = signed.join(".");
        let signature = self.sign(signed.as_bytes());
        format!("{signed}.{}", base64url(signature))
    }
}

fn with(mut value: Value, more: Value) -> Value {
    let more = more.as_object().unwrap().clone();
    value.as_object_mut().unwrap().extend(more);
    value
}

fn rules() -> JwtRules {
    JwtRules {
        issuer: "https://issuer.example".to_owned(),
        audience: "kabao-production".to_owned(),
        claim: "sub".to_owned(),
    }
}

fn keys(entries: &[Value]) -> Result<JwtKeys, JwksError> {
    JwtKeys::from_json(json!({"keys": entries}).to_string().as_bytes())
}

fn verifier(entries: &[Value]) -> JwtVerifier {
    JwtVerifier::new(keys(entries).unwrap(), rules())
}

fn claims(more: Value) -> Value {
    let claims = json!({
        "iss": "https://issuer.example",
        "aud": "kabao-production",
        "sub": "till",
        "exp": NOW + 60,
    });
    with(claims, more)
}

#[test]
fn each_algorithm_is_believed_with_its_own_key_alone() {
    let all = [
        ("RS256", Signing::rsa(KeySize::Rsa2048)),
        ("ES256", Signing::ecdsa()),
        ("EdDSA", Signing::ed25519()),
    ];
    let entries: Vec<_> = all
        .iter()
        .map(|(name, key)| with(key.public(), json!({"kid": name})))
        .collect();
    let verifier = verifier(&entries);
    for (name, key) in &all {
        let header = json!({"alg": name, "kid": name, "typ": "JWT"});
        let token = key.token(&header, &claims(json!({})));
        let believed = verifier.verify(&token, NOW).unwrap();
        assert_eq!(
            (believed.name.as_str(), believed.expires),
            ("till", NOW + 60)
        );
        for (other, _) in all.iter().filter(|(other, _)| other != name) {
            // The key of another algorithm, and another algorithm for the key.
            let header = json!({"alg": name, "kid": other});
            let token = key.token(&header, &claims(json!({})));
            assert_eq!(verifier.verify(&token, NOW), Err(JwtError::Algorithm));
            let header = json!({"alg": other, "kid": name});
            let token = key.token(&header, &claims(json!({})));
            assert_eq!(verifier.verify(&token, NOW), Err(JwtError::Algorithm));
        }
    }
}

#[test]
fn nothing_but_a_signature_of_a_known_key_is_proof() {
    let key = Signing::ecdsa();
    let entry = with(key.public(), json!({"kid": "1"}));
    let alone = verifier(std::slice::from_ref(&entry));
    let other = Signing::ecdsa();
    let second = with(other.public(), json!({"kid": "2"}));
    let both = verifier(&[entry, second]);
    let good = |header: Value| key.token(&header, &claims(json!({})));
    let named = good(json!({"alg": "ES256", "kid": "1"}));
    let (signed, signature) = named.rsplit_once('.').unwrap();
    let (header, body) = signed.split_once('.').unwrap();
    let forged = base64url(claims(json!({"sub": "office"})).to_string());
    let none = base64url(json!({"alg": "none"}).to_string());
    // HMAC under the public key, the classic confusion.
    let symmetric = base64url(json!({"alg": "HS256", "kid": "1"}).to_string());
    for (verifier, token, expected) in [
        (&alone, named.clone(), Ok(())),
        (&both, named.clone(), Ok(())),
        (&alone, good(json!({"alg": "ES256"})), Ok(())),
        (
            &both,
            good(json!({"alg": "ES256"})),
            Err(JwtError::UnknownKey),
        ),
        (
            &alone,
            good(json!({"alg": "ES256", "kid": "3"})),
            Err(JwtError::UnknownKey),
        ),
        (
            &both,
            good(json!({"alg": "ES256", "kid": "2"})),
            Err(JwtError::Signature),
        ),
        (
            &alone,
            format!("{header}.{forged}.{signature}"),
            Err(JwtError::Signature),
        ),
        (
            &alone,
            format!("{header}.{body}."),
            Err(JwtError::Signature),
        ),
        (&alone, format!("{none}.{body}."), Err(JwtError::Malformed)),
        (
            &alone,
            format!("{symmetric}.{body}.{signature}"),
            Err(JwtError::Algorithm),
        ),
        (&alone, format!("{header}.{body}"), Err(JwtError::Malformed)),
        (&alone, format!("{named}.x"), Err(JwtError::Malformed)),
        (&alone, "..".to_owned(), Err(JwtError::Malformed)),
        (&alone, String::new(), Err(JwtError::Malformed)),
        (
            &alone,
            good(json!({"alg": "ES256", "typ": "logout+jwt"})),
            Err(JwtError::Malformed),
        ),
        (
            &alone,
            good(json!({"alg": "ES256", "typ": "at+JWT"})),
            Ok(()),
        ),
        (
            &alone,
            good(json!({"alg": "ES256", "crit": ["later"], "later": 1})),
            Err(JwtError::Malformed),
        ),
        // A key that the token brings along is nobody's.
        (
            &alone,
            other.token(
                &json!({"alg": "ES256", "jwk": other.public(), "jku": "https://a.example"}),
                &claims(json!({})),
            ),
            Err(JwtError::Signature),
        ),
        (
            &alone,
            good(json!({"alg": "ES256", "x": "x".repeat(9000)})),
            Err(JwtError::Malformed),
        ),
    ] {
        assert_eq!(verifier.verify(&token, NOW).map(drop), expected, "{token}");
    }
}

#[test]
fn claims_are_all_there_and_are_ours() {
    let key = Signing::ed25519();
    let verifier = verifier(&[key.public()]);
    let header = json!({"alg": "EdDSA"});
    for (more, expected) in [
        (json!({}), Ok(())),
        (json!({"aud": ["other", "kabao-production"]}), Ok(())),
        (json!({"exp": NOW - 29}), Ok(())),
        (json!({"exp": 1_800_000_060.5}), Ok(())),
        (json!({"nbf": NOW + 30}), Ok(())),
        (json!({"nbf": NOW - 1}), Ok(())),
        (json!({"exp": NOW - 30}), Err(JwtError::Expired)),
        (json!({"exp": null}), Err(JwtError::Expired)),
        (json!({"exp": "1900000000"}), Err(JwtError::Expired)),
        (json!({"exp": -1.5}), Err(JwtError::Expired)),
        (json!({"nbf": NOW + 31}), Err(JwtError::NotYetValid)),
        (json!({"nbf": "0"}), Err(JwtError::NotYetValid)),
        (json!({"nbf": null}), Err(JwtError::NotYetValid)),
        (
            json!({"iss": "https://issuer.staging.example"}),
            Err(JwtError::Issuer),
        ),
        (
            json!({"iss": ["https://issuer.example"]}),
            Err(JwtError::Issuer),
        ),
        (json!({"iss": null}), Err(JwtError::Issuer)),
        (json!({"aud": "kabao-staging"}), Err(JwtError::Audience)),
        (json!({"aud": ["kabao-staging"]}), Err(JwtError::Audience)),
        (json!({"aud": []}), Err(JwtError::Audience)),
        (json!({"aud": null}), Err(JwtError::Audience)),
        (json!({"sub": ""}), Err(JwtError::Nameless)),
        (json!({"sub": 7}), Err(JwtError::Nameless)),
    ] {
        let token = key.token(&header, &claims(more.clone()));
        assert_eq!(verifier.verify(&token, NOW).map(drop), expected, "{more}");
    }
    for (absent, expected) in [
        ("iss", JwtError::Issuer),
        ("aud", JwtError::Audience),
        ("exp", JwtError::Expired),
        ("sub", JwtError::Nameless),
    ] {
        let mut claims = claims(json!({}));
        claims.as_object_mut().unwrap().remove(absent);
        let token = key.token(&header, &claims);
        assert_eq!(verifier.verify(&token, NOW), Err(expected));
    }
}

#[test]
fn another_claim_may_name_the_caller() {
    let key = Signing::ed25519();
    let rules = JwtRules {
        claim: "client_id".to_owned(),
        ..rules()
    };
    let verifier = JwtVerifier::new(keys(&[key.public()]).unwrap(), rules);
    let token = key.token(
        &json!({"alg": "EdDSA"}),
        &claims(json!({"client_id": "office"})),
    );
    let believed = verifier.verify(&token, NOW).unwrap();
    assert_eq!(believed.name, "office");
    assert!(!format!("{believed:?}").contains("office"));
}

#[test]
fn the_examples_of_the_standards_are_verified() {
    let es256 = json!({
        "kty": "EC",
        "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    });
    let rules = JwtRules {
        issuer: "joe".to_owned(),
        ..rules()
    };
    let verifier = JwtVerifier::new(keys(&[es256]).unwrap(), rules);
    // RFC 7515, A.3; it is for nobody in particular.
    let signed = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    assert_eq!(
        verifier.verify(signed, 1_300_819_000),
        Err(JwtError::Audience)
    );
    let wrong = signed.replace(".DtEh", ".EtEh");
    assert_eq!(
        verifier.verify(&wrong, 1_300_819_000),
        Err(JwtError::Signature)
    );
    let ed25519 = json!({
        "kty": "OKP",
        "crv": "Ed25519",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    });
    let verifier = self::verifier(&[ed25519]);
    // RFC 8037, A.4; what is signed is no JSON.
    let signed = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    assert_eq!(verifier.verify(signed, NOW), Err(JwtError::Malformed));
    let wrong = signed.replace(".hgyY", ".igyY");
    assert_eq!(verifier.verify(&wrong, NOW), Err(JwtError::Signature));
}

#[test]
fn a_set_has_public_keys_that_can_be_told_apart() {
    let public = Signing::ecdsa().public();
    let key = |more: Value| with(public.clone(), more);
    let other = |more: Value| with(Signing::ed25519().public(), more);
    let unusable = |kid: &str| JwksError::Unusable(format!("kid {kid:?}"));
    for (entries, expected) in [
        (vec![key(json!({}))], Ok(1)),
        (
            vec![key(
                json!({"kid": "a", "use": "sig", "alg": "ES256", "key_ops": ["verify"]}),
            )],
            Ok(1),
        ),
        (
            vec![key(json!({"kid": "a"})), other(json!({"kid": "b"}))],
            Ok(2),
        ),
        // What is for something else does not count.
        (
            vec![
                key(json!({})),
                key(json!({"use": "enc"})),
                key(json!({"alg": "ES384"})),
                key(json!({"alg": 7})),
                key(json!({"key_ops": ["encrypt"]})),
                json!({"kty": "EC", "crv": "P-384", "x": "AA", "y": "AA"}),
                json!({"kty": "later"}),
            ],
            Ok(1),
        ),
        (vec![key(json!({"use": "enc"}))], Err(JwksError::Empty)),
        (vec![], Err(JwksError::Empty)),
        (vec![json!("key")], Err(JwksError::NoSet)),
        (vec![key(json!({})); 65], Err(JwksError::TooMany)),
        (
            vec![key(json!({"kid": "a"})), other(json!({"kid": "a"}))],
            Err(JwksError::Ambiguous("kid \"a\"".to_owned())),
        ),
        (
            vec![key(json!({"kid": "a"})), other(json!({}))],
            Err(JwksError::Ambiguous("without kid".to_owned())),
        ),
        (
            vec![key(json!({"kid": "a", "d": "AA"}))],
            Err(JwksError::Secret("kid \"a\"".to_owned())),
        ),
        (
            vec![json!({"kty": "oct", "k": "AA"})],
            Err(JwksError::Secret("without kid".to_owned())),
        ),
        (
            vec![key(json!({"kid": "a", "x": "AA"}))],
            Err(unusable("a")),
        ),
        (
            vec![key(json!({"kid": "a", "y": null}))],
            Err(unusable("a")),
        ),
        (vec![key(json!({"kid": "a", "x": "="}))], Err(unusable("a"))),
        (
            vec![json!({"kid": "r", "kty": "RSA", "n": base64url([255; 128]), "e": "AQAB"})],
            Err(unusable("r")),
        ),
        (
            vec![json!({"kid": "r", "kty": "RSA", "n": base64url([0; 256]), "e": "AQAB"})],
            Err(unusable("r")),
        ),
        (
            vec![json!({"kid": "e", "kty": "OKP", "crv": "Ed25519", "x": "AA"})],
            Err(unusable("e")),
        ),
    ] {
        let read = keys(&entries).map(|keys| keys.len());
        assert_eq!(read, expected, "{entries:?}");
    }
    for text in ["", "[]", "{}", r#"{"keys": {}}"#, r#"{"keys": []"#] {
        assert!(JwtKeys::from_json(text.as_bytes()).is_err(), "{text}");
    }
}
