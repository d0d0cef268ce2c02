//! Keys: certification authorities, what each account holds, and what the service holds for it.

mod authority;
mod keyring;
mod material;

pub(crate) use self::authority::Authority;
pub(crate) use self::keyring::{KeyPhase, Keyring, SigningKey, Standing};
pub use self::material::KeyMaterial;
pub(crate) use self::material::{generate_key, generate_keys, pooled_keys, public_key_id};
