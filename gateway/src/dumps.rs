//! Crash dumps: none are written.
//!
//! Memory holds passwords while they are checked, secrets of sessions and what is in files. A system that keeps an image of a
//! program that crashed would put all of it on a disk, for whoever looks there.
//!
//! Source: getrlimit(2), `RLIMIT_CORE`; prctl(2), `PR_SET_DUMPABLE`; core(5).

use std::io;

/// From now on the system writes no image of this program's memory, whatever limits it was started with.
///
/// On Linux neither does a program that the system hands such images to: it takes no notice of the limit. There nobody but the
/// administrator of the computer reads this program's memory while it runs, either. Where Windows is set up to keep dumps, that is
/// left as it is.
///
/// # Errors
/// The system refuses.
pub fn refuse() -> io::Result<()> {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        let none = Rlimit {
            current: Some(0),
            maximum: Some(0),
        };
        setrlimit(Resource::Core, none)?;
    }
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    }
    Ok(())
}
