//! Tokens with the keys of the shared vectors.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

use cryptoki::context::Pkcs11;
use cryptoki::object::Attribute;
use cryptoki::session::Session;
use kabao_auth::conformance::{KEYS, private_key_pem};

/// Where Debian has it.
pub(crate) const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
pub(crate) const PIN: &str = "4711-of-the-user";

/// A library sees the tokens that were there when it was loaded, so all are made before.
const TOKENS: [&str; 7] = [
    "shared",
    "absent",
    "wrong",
    "forgotten",
    "destroyed",
    "restricted",
    "shown",
];

/// A token that one test has for itself.
pub(crate) struct Token {
    pub(crate) label: String,
    folder: PathBuf,
}

static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("pkcs11-tokens");
    fs::create_dir_all(&folder).unwrap();
    for key in KEYS {
        fs::write(folder.join(key), private_key_pem(key)).unwrap();
    }
    fs::write(folder.join("pin"), PIN).unwrap();
    for name in TOKENS {
        let token = Token {
            label: label(name),
            folder: folder.clone(),
        };
        let label = token.label.as_str();
        tool(&[
            "--init-token",
            "--free",
            "--label",
            label,
            "--so-pin",
            "4711-of-the-officer",
            "--pin",
            PIN,
        ]);
        for key in KEYS {
            token.import(key);
        }
    }
    folder
});

impl Token {
    pub(crate) fn get(name: &str) -> Self {
        assert!(TOKENS.contains(&name), "{name}");
        Self {
            folder: FOLDER.clone(),
            label: label(name),
        }
    }

    /// Where a key of it is.
    pub(crate) fn key(&self, key: &str) -> String {
        let (label, pin) = (&self.label, self.folder.join("pin"));
        format!(
            "pkcs11:token={label};object={key}?module-path={MODULE}&pin-source={}",
            pin.display()
        )
    }

    /// The same with a file of its own for the PIN.
    pub(crate) fn key_with_pin(&self, key: &str, pin: &str) -> (String, PathBuf) {
        let file = self.folder.join(format!("pin-of-{}", self.label));
        fs::write(&file, pin).unwrap();
        let uri = self.key(key);
        let (head, _) = uri.split_once("&pin-source=").unwrap();
        (format!("{head}&pin-source=file:{}", file.display()), file)
    }

    pub(crate) fn import(&self, key: &str) {
        let file = self.folder.join(key);
        let id = KEYS.iter().position(|known| *known == key).unwrap() + 1;
        let (file, id) = (file.to_str().unwrap(), format!("{id:02}"));
        tool(&[
            "--import",
            file,
            "--token",
            &self.label,
            "--label",
            key,
            "--id",
            &id,
            "--pin",
            PIN,
        ]);
    }

    /// Another session of this process, which shares the login with the others.
    pub(crate) fn session(&self) -> Session {
        let module = Pkcs11::new(MODULE).unwrap();
        let slots = module.get_slots_with_initialized_token().unwrap();
        let slot = slots.into_iter().find(|slot| {
            let info = module.get_token_info(*slot).unwrap();
            info.label().trim_end() == self.label
        });
        module.open_rw_session(slot.unwrap()).unwrap()
    }

    /// Takes a key away, while somebody is logged in.
    pub(crate) fn destroy(&self, key: &str) {
        let session = self.session();
        let label = Attribute::Label(key.as_bytes().to_vec());
        let objects = session.find_objects(&[label]).unwrap();
        assert_eq!(objects.len(), 2, "the private key and the public one");
        for object in objects {
            session.destroy_object(object).unwrap();
        }
    }

    /// Takes from a key the right to decrypt, while somebody is logged in.
    pub(crate) fn restrict(&self, key: &str) {
        let session = self.session();
        let label = Attribute::Label(key.as_bytes().to_vec());
        let wanted = [label, Attribute::Private(true)];
        for object in session.find_objects(&wanted).unwrap() {
            let change = [Attribute::Decrypt(false)];
            session.update_attributes(object, &change).unwrap();
        }
    }
}

/// Labels of one run differ from those of another one over the same folder.
fn label(name: &str) -> String {
    format!("{name}-{}", std::process::id())
}

fn tool(arguments: &[&str]) {
    assert!(
        std::env::var_os("SOFTHSM2_CONF").is_some(),
        "SOFTHSM2_CONF says where tokens lie; .ci/softhsm sets it"
    );
    let output = Command::new("softhsm2-util").args(arguments).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
}
