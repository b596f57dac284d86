//! One running copy per user, and how the others know of it.

use std::fs::{File, TryLockError};
use std::time::Duration;

use anyhow::Context;

use super::App;

/// How often, and how far apart, the lock is tried.
const LOCK_TRIES: u32 = 5;
const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// One running copy per user; the lock goes with the process, however it ends. `None` where another
/// copy has it.
pub(super) fn lock(app: &App) -> anyhow::Result<Option<File>> {
    let folder = &app.folders.state;
    std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    let path = folder.join("running.lock");
    let file = File::options()
        .create(true)
        .write(true)
        .truncate(false)
        .open(&path)
        .with_context(|| format!("opening {}", path.display()))?;
    // `status` asks by taking the lock for a moment; that is no running copy.
    for _ in 0..LOCK_TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(Some(file)),
            Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_PAUSE),
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("locking {}", path.display()));
            }
        }
    }
    Ok(None)
}

/// Whether a copy is running, so that the ledger is being kept up to date.
pub(super) fn is_running(app: &App) -> bool {
    File::open(app.folders.state.join("running.lock"))
        .is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}
