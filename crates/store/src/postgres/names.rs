//! The names of a process, one after another.

use std::sync::OnceLock;

/// The names that a process has had. One that was taken for dead goes on under another name; whoever borrows a name
/// keeps it, so none is ever removed.
#[derive(Debug)]
pub(super) struct Names {
    name: String,
    next: OnceLock<Box<Self>>,
}

impl Names {
    pub(super) const fn new(name: String) -> Self {
        Self {
            name,
            next: OnceLock::new(),
        }
    }

    /// The present name.
    pub(super) fn last(&self) -> &str {
        let mut names = self;
        while let Some(next) = names.next.get() {
            names = next;
        }
        &names.name
    }

    /// Goes on under another name.
    pub(super) fn push(&self, name: String) {
        let mut name = Box::new(Self::new(name));
        let mut names = self;
        while let Err(back) = names.next.set(name) {
            name = back;
            match names.next.get() {
                Some(next) => names = next,
                None => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_name_counts_and_the_first_can_still_be_read() {
        let names = Names::new("a".to_owned());
        let first = names.last();
        for name in ["b", "c"] {
            names.push(name.to_owned());
            assert_eq!(names.last(), name);
        }
        assert_eq!(first, "a");
    }
}
