//! What a look at a pipeline shows.

use kabao_api::CredentialKind;
use kabao_auth::TrustedKey;

use super::Pipeline;
use super::credentials::SignedCredential;
use crate::signing::Remote;
use crate::token::TokenSource;
use crate::vitals::{CredentialVitals, Handshakes, Vitals};

impl Pipeline {
    pub(crate) fn handshakes(&self) -> Handshakes {
        self.0.transport.handshakes()
    }

    pub(crate) fn vitals(&self) -> Vitals {
        let mut vitals = Vitals {
            retry_tokens: self.0.budget.tokens(),
            retry_capacity: self.0.budget.capacity(),
            handshakes: self.handshakes(),
            ..Vitals::default()
        };
        self.0.admission.look(&mut vitals);
        let credentials = &self.0.credentials;
        for (kind, credential) in [
            (CredentialKind::Merchant, &credentials.merchant),
            (CredentialKind::Brand, &credentials.brand),
        ] {
            if let Some(credential) = credential {
                vitals.signing_queue += credential.signing.queued();
                vitals.hosts.extend(credential.route.vitals());
                vitals.credentials.push(signed(kind, credential));
            }
        }
        if let Some(token) = &credentials.token {
            vitals.hosts.extend(token.route().vitals());
            vitals.credentials.push(with_token(token));
        }
        vitals
    }
}

fn signed(kind: CredentialKind, credential: &SignedCredential) -> CredentialVitals {
    let mut vitals = CredentialVitals::new(kind);
    vitals.certificate_ends = credential.keyring.ends();
    vitals.signers = credential.keyring.remotes().map(Remote::vitals).collect();
    vitals.failed_fetches = credential.keys.failures();
    vitals.refused_certificates = credential.keys.refused();
    let answers = credential.keys.signed();
    vitals.signed_by_certificate = answers.by_certificate;
    vitals.signed_by_public_key = answers.by_public_key;
    for key in credential.keys.snapshot().iter() {
        match key {
            TrustedKey::PublicKey { .. } => vitals.public_keys += 1,
            TrustedKey::Certificate(certificate) => {
                vitals
                    .platform_certificates_end
                    .push(certificate.not_after());
            }
        }
    }
    vitals
}

fn with_token(token: &TokenSource) -> CredentialVitals {
    let mut vitals = CredentialVitals::new(CredentialKind::AccessToken);
    vitals.access_token = token.vitals();
    vitals.failed_fetches = token.failures();
    vitals
}
