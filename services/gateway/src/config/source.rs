//! Where a configuration comes from, and reading it again while one of its generations is served.

use std::path::{Path, PathBuf};

use super::account::AccountSettings;
use super::document;
use super::environment::Environment;
use super::fixed::{self, Fixed};
use super::folder;
use super::mistake::{Collector, Mistakes};
use super::present::Present;
use super::section::{Section, Surroundings};
use super::settings::Settings;
use crate::shared::Shared;
use crate::watch::Marks;

/// A configuration file with the environment, and what the clients of all its generations share.
#[derive(Clone, Debug)]
pub struct Source {
    file: PathBuf,
    environment: Environment,
    shared: Shared,
}

/// One generation of a configuration, as it was read.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What it says.
    pub settings: Settings,
    /// What of it a running process cannot change.
    pub(crate) fixed: Fixed,
    /// The same for the same content of all files.
    pub(crate) fingerprint: String,
    /// Every file that was read, as it was then.
    pub(crate) marks: Marks,
}

impl Source {
    /// Names the file; nothing is read yet.
    pub fn new(file: impl Into<PathBuf>, environment: Environment) -> Self {
        Self {
            file: file.into(),
            environment,
            shared: Shared::default(),
        }
    }

    /// The file.
    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    /// Reads it for the first time. `now` is in seconds since 1970 and decides whether certificates have expired.
    ///
    /// # Errors
    ///
    /// [`Mistakes`] lists everything that would keep a gateway from starting with this configuration.
    pub fn load(&self, now: i64) -> Result<Loaded, Mistakes> {
        self.read(&[], now).1
    }

    /// Reads it while `served` are: an account that is as it was keeps its client and is not judged again. Returns how
    /// the files looked before they were read, also if the configuration is not good.
    pub(crate) fn read(
        &self,
        served: &[AccountSettings],
        now: i64,
    ) -> (Marks, Result<Loaded, Mistakes>) {
        let by_id = |account: &AccountSettings| {
            let id = account.client.account().to_string();
            (id, account.clone())
        };
        let accounts = served.iter().map(by_id).collect();
        let present = Present::new(self.shared.clone(), accounts);
        let name = self.file.display().to_string();
        let loaded = match present.read(&self.file) {
            Ok(read) => {
                let folder = self.file.parent().unwrap_or(Path::new(""));
                parse(&name, &read.text, folder, &self.environment, &present, now)
            }
            Err(error) => Err(Mistakes::one(&name, format!("cannot be read: {error}"))),
        };
        (present.into_marks(), loaded)
    }
}

/// Reads a text with everything that it names.
pub(super) fn parse(
    name: &str,
    text: &str,
    folder: &Path,
    environment: &Environment,
    present: &Present,
    now: i64,
) -> Result<Loaded, Mistakes> {
    let mistakes = Collector::new(name);
    let mut root = document::parse(text, None, &mistakes);
    let surroundings = Surroundings {
        folder,
        now,
        environment,
        mistakes: &mistakes,
        present,
    };
    let accounts_folder = folder::read(&mut root, &surroundings);
    document::overlay(&mut root, environment.iter(), &mistakes);
    let fixed = Fixed::of(&root);
    let content = fixed::text(&root);
    let mut settings = Settings::read(
        Section::root(root, &surroundings),
        accounts_folder.as_deref(),
    );
    settings.writable = present.doubt();
    let loaded = Loaded {
        settings,
        fixed,
        fingerprint: present.fingerprint(&content),
        marks: present.marks(),
    };
    mistakes.finish(loaded)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use kabao_auth::PrivateKey;

    use super::*;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let name = format!("kabao-source-{}-{name}", std::process::id());
            let folder = std::env::temp_dir().join(name);
            fs::create_dir_all(&folder).unwrap();
            Self(folder)
        }

        fn write(&self, name: &str, content: &str) {
            let file = self.0.join(name);
            fs::write(&file, content).unwrap();
            fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
        }

        /// A new key under these names.
        fn write_key(&self, name: &str, public: &str) {
            let pem = PrivateKey::generate_pem().unwrap();
            let pem = pem.to_str().unwrap();
            self.write(name, pem);
            self.write(
                public,
                &PrivateKey::from_pem(pem).unwrap().public_key().to_pem(),
            );
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    const MERCHANT: &str = "[[accounts]]\nid = \"shop\"\nfamily = \"merchant\"\nmchid = \"1900000001\"\nprivate_key_file = \"key\"\n\
        serial_no = \"5157F09EFDC096DE15EBE81A47057A7200000001\"\npublic_key_id = \"PUB_KEY_ID_0119000000012025010100000000000001\"\n\
        public_key_file = \"pub\"\napiv3_key_file = \"api\"\n";
    const OFFICIAL: &str = "[[accounts]]\nid = \"page\"\nfamily = \"official_account\"\nappid = \"wx1\"\napp_secret_file = \"secret\"\n";

    /// Which of the accounts, by their ids, have another client than before.
    fn changed(before: &Loaded, after: &Loaded) -> Vec<String> {
        let same = |account: &&AccountSettings| {
            let mut known = before.settings.accounts.iter();
            known.any(|known| known.client.is_same(&account.client))
        };
        let accounts = after.settings.accounts.iter();
        let changed = accounts.filter(|account| !same(account));
        changed
            .map(|account| account.client.account().to_string())
            .collect()
    }

    #[test]
    fn an_account_keeps_its_client_until_its_entry_or_one_of_its_files_changes() {
        let folder = Folder::new("changed");
        folder.write_key("key", "own-pub");
        folder.write_key("other-key", "pub");
        folder.write("api", "0123456789abcdef0123456789abcdef");
        folder.write("secret", "hush");
        let write = |text: &str| folder.write("kabao.toml", text);
        write(&format!("{MERCHANT}{OFFICIAL}"));
        let source = Source::new(folder.0.join("kabao.toml"), Environment::default());
        let mut served = source.load(0).unwrap();

        let mut step = |expected: &[&str]| {
            let (marks, loaded) = source.read(&served.settings.accounts, 0);
            let loaded = loaded.unwrap();
            assert_eq!(marks, loaded.marks);
            assert_eq!(changed(&served, &loaded), expected);
            let is_news = loaded.fingerprint != served.fingerprint;
            served = loaded;
            is_news
        };
        assert!(!step(&[]));
        folder.write_key("key", "own-pub");
        assert!(step(&["shop"]));
        folder.write_key("other-key", "pub");
        assert!(step(&["shop"]));
        folder.write("api", "0123456789abcdef0123456789abcdee");
        assert!(step(&["shop"]));
        folder.write("secret", "whisper");
        assert!(step(&["page"]));
        // Where it stands, and what stands around it, is nothing of it.
        write(&format!(
            "# Shops\n\n{OFFICIAL}{MERCHANT}[log]\nlevel = \"warn\"\n"
        ));
        assert!(step(&[]));
        write(&format!(
            "{OFFICIAL}base_url = \"https://127.0.0.1:1\"\n{MERCHANT}"
        ));
        assert!(step(&["page"]));
        write(&format!("{MERCHANT}{}", OFFICIAL.replace("page", "leaf")));
        assert!(step(&["leaf"]));
        // Nothing was written.
        assert!(!step(&[]));
    }

    #[test]
    fn a_configuration_that_is_not_good_tells_what_to_look_at_all_the_same() {
        let folder = Folder::new("marks");
        folder.write("kabao.toml", OFFICIAL);
        let source = Source::new(folder.0.join("kabao.toml"), Environment::default());
        let (marks, loaded) = source.read(&[], 0);
        assert_eq!(loaded.unwrap_err().len(), 1);
        assert_eq!(marks.renewed(), marks);
        folder.write("secret", "hush");
        assert_ne!(marks.renewed(), marks);
        assert!(source.read(&[], 0).1.is_ok());
    }
}
