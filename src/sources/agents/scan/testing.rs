//! What the tests of walks and comparisons share.

use std::fs;
use std::path::Path;

/// Waits until the file system writes down another time.
pub(super) fn await_another_time(folder: &Path) {
    let probe = folder.join("probe");
    let time = || {
        fs::write(&probe, "x").unwrap();
        fs::metadata(&probe).unwrap().modified().unwrap()
    };
    let first = time();
    while time() == first {}
}
