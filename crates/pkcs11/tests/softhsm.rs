//! The signer over SoftHSM, whose library and tools Debian has as `softhsm2`. `.ci/softhsm` runs these tests with a
//! folder for its tokens (`SOFTHSM2_CONF`).

#![expect(clippy::unwrap_used, reason = "a step that fails fails the test")]

#[path = "softhsm/token.rs"]
mod token;

use std::sync::Arc;

use async_trait::async_trait;
use cryptoki::session::UserType;
use cryptoki::types::AuthPin;
use kabao_auth::conformance::Fixture;
use kabao_auth::{Signer, SignerError};
use kabao_pkcs11::{Pkcs11Signer, Tokens};

use self::token::{PIN, Token};

fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(future)
}

/// Every test opens the same token anew.
struct SoftHsm;

#[async_trait]
impl Fixture for SoftHsm {
    async fn signer(&self, name: &str) -> Arc<dyn Signer> {
        let uri = Token::get("shared").key(name);
        Arc::new(Tokens::default().open(&uri.parse().unwrap()).unwrap())
    }
}

mod softhsm {
    use super::*;

    mod conformance {
        kabao_auth::conformance!(
            [#[ignore = "needs SoftHSM; .ci/softhsm runs it"]]
            super::super::run,
            super::super::SoftHsm
        );
    }

    fn open(tokens: &Tokens, uri: &str) -> Result<Pkcs11Signer, String> {
        tokens
            .open(&uri.parse().unwrap())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_module_that_is_none_is_told_when_the_key_is_opened() {
        for (module, told) in [
            ("/nowhere.so", "the module cannot be loaded: "),
            ("/etc/hostname", "the module cannot be loaded: "),
        ] {
            let uri = format!("pkcs11:token=t;object=o?module-path={module}");
            let error = open(&Tokens::default(), &uri).unwrap_err();
            assert!(error.starts_with(told), "{error}");
        }
    }

    #[test]
    #[ignore = "needs SoftHSM; .ci/softhsm runs it"]
    fn what_is_not_there_is_told_when_the_key_is_opened() {
        let token = Token::get("absent");
        let tokens = Tokens::default();
        let good = token.key("merchant");
        // Without a PIN nobody sees a private key.
        let (without, _) = good.split_once("&pin-source").unwrap();
        assert!(open(&tokens, without).unwrap_err().starts_with("0 private"));
        for (uri, told) in [
            (
                good.replace("object=merchant", "object=nobody"),
                "0 private RSA keys of the token have this name; one is wanted",
            ),
            (
                good.replace("object=merchant", "id=%77"),
                "0 private RSA keys of the token have this name; one is wanted",
            ),
            (
                good.replace("token=", "token=not-"),
                "0 tokens have this name; one is wanted",
            ),
            (
                good.replace("pin-source=", "pin-source=/nowhere"),
                "the PIN cannot be read: No such file or directory (os error 2)",
            ),
        ] {
            assert_eq!(open(&tokens, &uri).unwrap_err(), told, "{uri}");
        }
        open(&tokens, &good).unwrap();
        // The id says the same as the label.
        let by_id = good.replace("object=merchant", "id=%01");
        open(&tokens, &by_id).unwrap();
    }

    #[test]
    #[ignore = "needs SoftHSM; .ci/softhsm runs it"]
    fn a_wrong_pin_is_shown_to_the_token_once() {
        let token = Token::get("wrong");
        let tokens = Tokens::default();
        let (uri, file) = token.key_with_pin("merchant", "0000");
        // As long as nobody of the process is logged in: the login is everybody's.
        let told = open(&tokens, &uri).unwrap_err();
        assert!(told.contains("Login") || told.contains("PIN"), "{told}");
        for _ in 0..10 {
            let told = open(&tokens, &uri).unwrap_err();
            assert_eq!(
                told,
                "the token has refused the PIN, which is not tried again until it is changed"
            );
        }
        std::fs::write(file, PIN).unwrap();
        open(&tokens, &uri).unwrap();
    }

    #[test]
    #[ignore = "needs SoftHSM; .ci/softhsm runs it"]
    fn a_session_that_the_token_has_forgotten_is_opened_again() {
        let token = Token::get("forgotten");
        let signer = open(&Tokens::default(), &token.key("merchant")).unwrap();
        let ciphertext = signer.public_key().encrypt(b"13800138000").unwrap();
        run(signer.sign(b"before")).unwrap();
        for _ in 0..3 {
            token.session().logout().unwrap();
            let signature = run(signer.sign(b"after")).unwrap();
            assert_eq!(signer.public_key().verify(b"after", &signature), Ok(()));
            token.session().logout().unwrap();
            let plaintext = run(signer.decrypt(&ciphertext)).unwrap();
            assert_eq!(plaintext.to_str(), Ok("13800138000"));
        }
    }

    #[test]
    #[ignore = "needs SoftHSM; .ci/softhsm runs it"]
    fn a_key_that_is_taken_away_is_a_refusal_and_not_another_key() {
        let token = Token::get("destroyed");
        let signer = open(&Tokens::default(), &token.key("merchant")).unwrap();
        run(signer.sign(b"before")).unwrap();
        token.destroy("merchant");
        let error = run(signer.sign(b"after")).unwrap_err();
        assert!(matches!(error, SignerError::Refused(_)), "{error:?}");
        token.import("merchant");
        run(signer.sign(b"again")).unwrap();
    }

    #[test]
    #[ignore = "needs SoftHSM; .ci/softhsm runs it"]
    fn a_key_that_may_not_decrypt_still_signs() {
        let token = Token::get("restricted");
        let signer = open(&Tokens::default(), &token.key("merchant_other")).unwrap();
        token.restrict("merchant_other");
        run(signer.sign(b"message")).unwrap();
        let ciphertext = signer.public_key().encrypt(b"13800138000").unwrap();
        let error = run(signer.decrypt(&ciphertext)).unwrap_err();
        assert!(matches!(error, SignerError::Refused(_)), "{error:?}");
    }

    #[test]
    #[ignore = "needs SoftHSM; .ci/softhsm runs it"]
    fn nothing_of_the_pin_is_shown() {
        let token = Token::get("shown");
        let signer = open(&Tokens::default(), &token.key("merchant")).unwrap();
        assert!(!format!("{signer:?}").contains(PIN), "{signer:?}");
        let login = token
            .session()
            .login(UserType::User, Some(&AuthPin::new(PIN.into())));
        assert!(login.is_err(), "the process is logged in");
    }
}
