//! Why the configuration is read again.

/// What had the configuration read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trigger {
    /// A file has changed.
    File,
    /// SIGHUP.
    Signal,
    /// `kabao reload`.
    Request,
}

impl Trigger {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Signal => "signal",
            Self::Request => "request",
        }
    }
}
