//! Whether the memory of the process may end up in a file: it holds keys, tokens and personal data.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// No core dump is written and no process of the same user looks into the memory of this one, unless the configuration
/// says otherwise once it is read.
#[derive(Debug)]
pub(crate) struct CoreDumps {
    before: Rlimit,
}

impl CoreDumps {
    /// Switches them off. The limit can still be raised again.
    pub(crate) fn off() -> io::Result<Self> {
        let before = getrlimit(Resource::Core);
        let off = Rlimit {
            current: Some(0),
            maximum: before.maximum,
        };
        setrlimit(Resource::Core, off)?;
        set_dumpable(false)?;
        Ok(Self { before })
    }

    /// Switches them off for good, or allows what was allowed before.
    pub(crate) fn settle(self, allowed: bool) -> io::Result<()> {
        if allowed {
            setrlimit(Resource::Core, self.before)?;
            return set_dumpable(true);
        }
        let none = Rlimit {
            current: Some(0),
            maximum: Some(0),
        };
        Ok(setrlimit(Resource::Core, none)?)
    }
}

/// A process that is not dumpable has no core dump either where the system pipes them to a program, whatever the limit
/// is; and only root may trace it.
#[cfg(target_os = "linux")]
fn set_dumpable(dumpable: bool) -> io::Result<()> {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    let behavior = match dumpable {
        true => DumpableBehavior::Dumpable,
        false => DumpableBehavior::NotDumpable,
    };
    Ok(set_dumpable_behavior(behavior)?)
}

#[cfg(not(target_os = "linux"))]
fn set_dumpable(_: bool) -> io::Result<()> {
    Ok(())
}
