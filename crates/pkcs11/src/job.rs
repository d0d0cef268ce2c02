//! What a token is asked for, and who waits for it.

use std::sync::mpsc;

use cryptoki::mechanism::rsa::{PkcsMgfType, PkcsOaepParams, PkcsOaepSource};
use cryptoki::mechanism::{Mechanism, MechanismType};
use tokio::sync::oneshot;

use crate::error::TokenError;
use crate::object::{self, Components};
use crate::session::Open;
use crate::uri::ObjectName;

/// A question about one key.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) key: ObjectName,
    pub(crate) task: Task,
}

/// What is asked, and where the answer goes. Whoever has left does not hear it.
#[derive(Debug)]
pub(crate) enum Task {
    /// Which key is it?
    Describe(mpsc::SyncSender<Result<Components, TokenError>>),
    /// Sign a `DigestInfo`.
    Sign([u8; 51], Reply),
    /// Decrypt a ciphertext.
    Decrypt(Vec<u8>, Reply),
}

pub(crate) type Reply = oneshot::Sender<Result<Vec<u8>, TokenError>>;

impl Job {
    /// Tells whether somebody still waits for it.
    pub(crate) fn is_wanted(&self) -> bool {
        match &self.task {
            Task::Describe(_) => true,
            Task::Sign(_, reply) | Task::Decrypt(_, reply) => !reply.is_closed(),
        }
    }

    /// Asks, and tells who waits. `ask` opens a session where it needs one, and may run what it is given twice.
    pub(crate) fn run(self, ask: &mut dyn Ask) {
        let key = &self.key;
        match self.task {
            Task::Describe(reply) => {
                let mut found = None;
                let described = ask.ask(&mut |open| {
                    let handle = open.key(key)?;
                    found = Some(object::components(open.session(), handle, key)?);
                    Ok(())
                });
                let found = described.and_then(|()| found.ok_or(TokenError::NoPublicKey));
                let _ = reply.send(found);
            }
            Task::Sign(info, reply) => {
                let signed = bytes(ask, |open| {
                    let handle = open.key(key)?;
                    Ok(open.session().sign(&Mechanism::RsaPkcs, handle, &info)?)
                });
                let _ = reply.send(signed);
            }
            Task::Decrypt(ciphertext, reply) => {
                let decrypted = bytes(ask, |open| {
                    let handle = open.key(key)?;
                    Ok(open.session().decrypt(&oaep(), handle, &ciphertext)?)
                });
                let _ = reply.send(decrypted);
            }
        }
    }

    /// Tells who waits that it was not asked.
    pub(crate) fn refuse(self, error: TokenError) {
        match self.task {
            Task::Describe(reply) => drop(reply.send(Err(error))),
            Task::Sign(_, reply) | Task::Decrypt(_, reply) => drop(reply.send(Err(error))),
        }
    }
}

/// Whoever has sessions.
pub(crate) trait Ask {
    fn ask(
        &mut self,
        question: &mut dyn FnMut(&mut Open) -> Result<(), TokenError>,
    ) -> Result<(), TokenError>;
}

fn bytes(
    ask: &mut dyn Ask,
    mut question: impl FnMut(&mut Open) -> Result<Vec<u8>, TokenError>,
) -> Result<Vec<u8>, TokenError> {
    let mut answer = Vec::new();
    ask.ask(&mut |open| {
        answer = question(open)?;
        Ok(())
    })?;
    Ok(answer)
}

/// What WeChat encrypts with.
fn oaep() -> Mechanism<'static> {
    Mechanism::RsaPkcsOaep(PkcsOaepParams::new(
        MechanismType::SHA1,
        PkcsMgfType::MGF1_SHA1,
        PkcsOaepSource::empty(),
    ))
}
