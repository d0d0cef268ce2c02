//! Keys in a token.

use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;

use crate::error::TokenError;
use crate::uri::ObjectName;

/// Modulus and exponent, most significant byte first.
#[derive(Debug)]
pub(crate) struct Components {
    pub(crate) modulus: Vec<u8>,
    pub(crate) exponent: Vec<u8>,
}

/// Finds the one private RSA key of this name.
pub(crate) fn private_key(
    session: &Session,
    name: &ObjectName,
) -> Result<ObjectHandle, TokenError> {
    let found = session.find_objects(&template(ObjectClass::PRIVATE_KEY, name))?;
    match found.as_slice() {
        [key] => Ok(*key),
        found => Err(TokenError::Keys(found.len())),
    }
}

/// Reads the public half: of the private key itself, or where a token does not tell it there, of the public key of the
/// same name.
pub(crate) fn components(
    session: &Session,
    key: ObjectHandle,
    name: &ObjectName,
) -> Result<Components, TokenError> {
    if let Some(components) = read(session, key)? {
        return Ok(components);
    }
    let found = session.find_objects(&template(ObjectClass::PUBLIC_KEY, name))?;
    match found.as_slice() {
        [public] => read(session, *public)?.ok_or(TokenError::NoPublicKey),
        _ => Err(TokenError::NoPublicKey),
    }
}

fn read(session: &Session, key: ObjectHandle) -> Result<Option<Components>, TokenError> {
    let wanted = [AttributeType::Modulus, AttributeType::PublicExponent];
    let (mut modulus, mut exponent) = (None, None);
    for attribute in session.get_attributes(key, &wanted)? {
        match attribute {
            Attribute::Modulus(bytes) => modulus = Some(bytes),
            Attribute::PublicExponent(bytes) => exponent = Some(bytes),
            _ => {}
        }
    }
    Ok(match (modulus, exponent) {
        (Some(modulus), Some(exponent)) if !modulus.is_empty() && !exponent.is_empty() => {
            Some(Components { modulus, exponent })
        }
        _ => None,
    })
}

fn template(class: ObjectClass, name: &ObjectName) -> Vec<Attribute> {
    let mut template = vec![Attribute::Class(class), Attribute::KeyType(KeyType::RSA)];
    if let Some(label) = &name.label {
        template.push(Attribute::Label(label.clone().into_bytes()));
    }
    if let Some(id) = &name.id {
        template.push(Attribute::Id(id.clone()));
    }
    template
}
