//! Everything that is wrong with what an operator has configured.

use std::fmt;

/// Everything that is wrong with a configuration, at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigurationError {
    faults: Vec<ConfigurationFault>,
}

/// One thing that is wrong. The text never repeats the value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConfigurationFault {
    /// The option, by the name it has in configuration files, such as `private_key`, or the file that
    /// it was to be read from.
    pub field: String,
    /// What it must be, as a predicate.
    pub description: String,
}

impl ConfigurationError {
    /// Returns every fault.
    pub fn faults(&self) -> &[ConfigurationFault] {
        &self.faults
    }
}

impl fmt::Display for ConfigurationFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.field, self.description)
    }
}

impl fmt::Display for ConfigurationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration is not usable: ")?;
        for (index, fault) in self.faults.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            fault.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigurationError {}

/// Collects faults while a builder looks at one option after the other.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<ConfigurationFault>);

impl Faults {
    pub(crate) fn add(&mut self, field: impl Into<String>, description: impl fmt::Display) {
        self.0.push(ConfigurationFault {
            field: field.into(),
            description: description.to_string(),
        });
    }

    /// Keeps a value, or records why there is none.
    pub(crate) fn keep<T>(
        &mut self,
        field: &str,
        value: Result<T, impl fmt::Display>,
    ) -> Option<T> {
        value.map_err(|fault| self.add(field, fault)).ok()
    }

    /// Takes over the faults of a part, under a name of their own.
    pub(crate) fn extend(&mut self, prefix: &str, part: Self) {
        self.0
            .extend(part.0.into_iter().map(|fault| ConfigurationFault {
                field: format!("{prefix}{}", fault.field),
                ..fault
            }));
    }

    pub(crate) fn finish(self) -> ConfigurationError {
        ConfigurationError { faults: self.0 }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
