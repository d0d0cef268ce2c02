//! The signer of one key of a token.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kabao_auth::{Plaintext, PublicKey, Signer, SignerError, sha256_digest_info};
use tokio::sync::oneshot;

use crate::error::TokenError;
use crate::job::{Job, Reply, Task};
use crate::pool::Pool;
use crate::uri::ObjectName;

/// Signs and decrypts with a private key that lies in a token. Clones share its threads.
#[derive(Clone)]
pub struct Pkcs11Signer {
    pool: Arc<Pool>,
    key: ObjectName,
    public_key: PublicKey,
}

impl Pkcs11Signer {
    pub(crate) fn new(pool: Arc<Pool>, key: ObjectName, public_key: PublicKey) -> Self {
        Self {
            pool,
            key,
            public_key,
        }
    }

    async fn ask(&self, task: impl FnOnce(Reply) -> Task) -> Result<Vec<u8>, SignerError> {
        let (reply, answer) = oneshot::channel();
        self.pool.push(Job {
            key: self.key.clone(),
            task: task(reply),
        });
        let answer = answer.await.unwrap_or(Err(TokenError::NoThread));
        answer.map_err(SignerError::from)
    }
}

#[async_trait]
impl Signer for Pkcs11Signer {
    fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    async fn sign(&self, message: &[u8]) -> Result<String, SignerError> {
        let info = sha256_digest_info(message);
        let signature = self.ask(|reply| Task::Sign(info, reply)).await?;
        Ok(STANDARD.encode(signature))
    }

    async fn decrypt(&self, ciphertext: &str) -> Result<Plaintext, SignerError> {
        // What can be no ciphertext is not shown to a module, some of which take it ill.
        if !self.public_key.may_have_encrypted(ciphertext) {
            return Err(SignerError::Undecryptable);
        }
        let ciphertext = STANDARD
            .decode(ciphertext)
            .map_err(|_| SignerError::Undecryptable)?;
        let plaintext = self.ask(|reply| Task::Decrypt(ciphertext, reply)).await?;
        Ok(Plaintext::from(plaintext))
    }
}

impl fmt::Debug for Pkcs11Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pkcs11Signer")
            .field("module", &self.pool.token().module.path())
            .field("token", &self.pool.token().name)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}
