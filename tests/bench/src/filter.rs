//! Which measurements are wanted.

/// Parts of names; everything is wanted without any.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter(Vec<String>);

impl Filter {
    pub(crate) fn new(parts: Vec<String>) -> Self {
        Self(parts)
    }

    /// Whether a measurement is wanted.
    pub(crate) fn wants(&self, name: &str) -> bool {
        self.0.is_empty() || self.0.iter().any(|part| name.contains(part.as_str()))
    }

    /// Whether anything of these names is.
    pub(crate) fn wants_any<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> bool {
        names.into_iter().any(|name| self.wants(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_name_selects_it() {
        let filter = Filter::new(vec!["sign".to_owned(), "c64".to_owned()]);
        assert!(filter.wants("crypto.sign") && filter.wants("path.write.c64"));
        assert!(!filter.wants("crypto.verify"));
        assert!(filter.wants_any(["crypto.verify", "crypto.sign"]));
        assert!(Filter::default().wants("anything"));
    }
}
