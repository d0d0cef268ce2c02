use std::fs;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rcgen::{KeyPair, PKCS_ED25519, PublicKeyData as _, SigningKey as _};
use serde_json::json;

use super::*;
use crate::clock;
use crate::telemetry::Metrics;
use crate::tokens::Bearers;

const NOW: i64 = 1_800_000_000;

/// A key of an issuer.
struct Issuer(KeyPair);

impl Issuer {
    fn new() -> Self {
        Self(KeyPair::generate_for(&PKCS_ED25519).unwrap())
    }

    fn jwks(&self) -> String {
        let x = URL_SAFE_NO_PAD.encode(self.0.der_bytes());
        json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": x}]}).to_string()
    }

    fn token(&self, name: &str, expires: i64) -> String {
        let claims = json!({"iss": "i", "aud": "a", "sub": name, "exp": expires});
        let parts = [json!({"alg": "EdDSA"}), claims];
        let signed = parts.map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
        let signed = signed.join(".");
        let signature = self.0.sign(signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// Believes an issuer whose keys lie in a file of this name.
fn believing(name: &str, issuer: &Issuer) -> Jwt {
    let name = format!("kabao-jwks-{}-{name}.json", std::process::id());
    let jwks_file = std::env::temp_dir().join(name);
    fs::write(&jwks_file, issuer.jwks()).unwrap();
    Jwt::new(&JwtSettings {
        jwks: Jwks::read(&jwks_file).unwrap(),
        jwks_file,
        rules: JwtRules {
            issuer: "i".to_owned(),
            audience: "a".to_owned(),
            claim: "sub".to_owned(),
        },
        prefix: "jwt:".to_owned(),
    })
}

fn known(jwt: &Jwt) -> usize {
    jwt.state().known.len()
}

#[test]
fn a_token_that_was_believed_is_known_until_it_expires() {
    let issuer = Issuer::new();
    let jwt = believing("known", &issuer);
    let token = issuer.token("till", NOW + 60);
    assert_eq!(jwt.caller(&token, NOW).unwrap().as_str(), "jwt:till");
    assert_eq!(known(&jwt), 1);
    // What is known is not verified: another answer is given as well.
    let digest = TokenDigest::of(token.as_bytes()).to_bytes();
    let office = CallerId::new("office").unwrap();
    jwt.state().known.get_mut(&digest).unwrap().caller = office.clone();
    assert_eq!(jwt.caller(&token, NOW + 89), Ok(office));
    assert_eq!(jwt.caller(&token, NOW + 90), Err(JwtError::Expired));
    fs::remove_file(&jwt.file).unwrap();
}

#[test]
fn nothing_is_kept_of_a_token_that_is_not_believed() {
    let issuer = Issuer::new();
    let jwt = believing("unknown", &issuer);
    for (token, expected) in [
        (Issuer::new().token("till", NOW + 60), JwtError::Signature),
        (issuer.token("till", NOW - 60), JwtError::Expired),
        (issuer.token("a\nb", NOW + 60), JwtError::Nameless),
        (issuer.token(&"x".repeat(252), NOW + 60), JwtError::Nameless),
    ] {
        assert_eq!(jwt.caller(&token, NOW), Err(expected));
    }
    assert_eq!(known(&jwt), 0);
    fs::remove_file(&jwt.file).unwrap();
}

#[test]
fn a_call_goes_on_after_the_end_of_its_token_and_not_without_the_key_of_it() {
    let (old, new) = (Issuer::new(), Issuer::new());
    let jwt = Arc::new(believing("went-on", &old));
    let metrics = Metrics::new().unwrap();
    let tokens = Bearers::new(Some(Arc::clone(&jwt)), metrics).tokens(&[]);
    let tokens = tokens.unwrap();
    let token = old.token("till", clock::unix_seconds() - 100);
    let still = |began| {
        let holder = tokens.still_holder(&token, Duration::from_secs(began));
        holder.map(|holder| holder.to_string())
    };
    assert_eq!(tokens.holder(&token), None);
    assert_eq!(still(10), None, "it was over when the call began");
    assert_eq!(still(200).as_deref(), Some("jwt:till"));
    fs::write(&jwt.file, new.jwks()).unwrap();
    jwt.reload().unwrap();
    assert_eq!(still(200), None);
    fs::remove_file(&jwt.file).unwrap();
}

#[test]
fn with_other_keys_nothing_is_known_any_more() {
    let (old, new) = (Issuer::new(), Issuer::new());
    let jwt = believing("other", &old);
    let token = old.token("till", NOW + 60);
    assert!(jwt.caller(&token, NOW).is_ok());
    let before = Arc::clone(&jwt.state().verifier);
    assert_eq!(jwt.reload(), Ok(Changed::default()));
    assert_eq!(known(&jwt), 1);

    fs::write(&jwt.file, "no keys").unwrap();
    assert!(jwt.reload().is_err() && jwt.is_refused());
    assert!(jwt.caller(&token, NOW).is_ok());

    fs::write(&jwt.file, new.jwks()).unwrap();
    assert_eq!(jwt.reload(), Ok(Changed(vec![JWKS])));
    assert!(!jwt.is_refused());
    assert_eq!(jwt.caller(&token, NOW), Err(JwtError::Signature));
    assert!(jwt.caller(&new.token("till", NOW + 60), NOW).is_ok());
    // What the old keys have said of a token in the meantime is not kept.
    let late = Known {
        caller: CallerId::new("till").unwrap(),
        expires: NOW + 60,
    };
    jwt.state().keep(&before, [7; 32], late);
    assert_eq!(known(&jwt), 1);
    fs::remove_file(&jwt.file).unwrap();
}

#[test]
fn no_more_tokens_are_known_than_there_is_room_for() {
    let issuer = Issuer::new();
    let jwt = believing("bounded", &issuer);
    let verifier = Arc::clone(&jwt.state().verifier);
    let caller = CallerId::new("till").unwrap();
    for number in 0..u64::try_from(KNOWN).unwrap() + 1 {
        let mut digest = [0; 32];
        digest[..8].copy_from_slice(&number.to_be_bytes());
        let (caller, expires) = (caller.clone(), NOW + 60);
        let mut state = jwt.state();
        state.keep(&verifier, digest, Known { caller, expires });
        assert!(state.known.len() <= KNOWN);
    }
    assert_eq!(known(&jwt), 1);
    fs::remove_file(&jwt.file).unwrap();
}
