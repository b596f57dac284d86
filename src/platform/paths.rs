//! Where this program keeps its files, by the system's own custom.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::system;

/// The program's folders. None of them need exist yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folders {
    /// The configuration: Linux `$XDG_CONFIG_HOME/spendbar` or `~/.config/spendbar`, macOS
    /// `~/Library/Application Support/Spendbar`, Windows `%APPDATA%\Spendbar`.
    pub config: PathBuf,
    /// The ledger: Linux `$XDG_DATA_HOME/spendbar` or `~/.local/share/spendbar`, macOS as above,
    /// Windows `%LOCALAPPDATA%\Spendbar`.
    pub data: PathBuf,
    /// What only this machine needs, such as the lock of the running copy: Linux
    /// `$XDG_STATE_HOME/spendbar` or `~/.local/state/spendbar`, elsewhere as `data`. Not
    /// `$XDG_RUNTIME_DIR`: that is shared by everything one user runs, whatever its `HOME` is.
    pub state: PathBuf,
}

impl Folders {
    /// The folders for a home folder and an environment, given as a lookup.
    pub fn of(home: &Path, variable: impl Fn(&str) -> Option<OsString>) -> Self {
        // An empty or relative path in such a variable is to be ignored (XDG Base Directory
        // Specification 0.8, "Environment variables").
        let base = |name: &str, fallback: &str| {
            variable(name)
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
                .unwrap_or_else(|| home.join(fallback))
        };
        system::folders(&base)
    }
}

/// The home folder of whoever runs this; `None` when the system does not tell.
pub fn home_dir() -> Option<PathBuf> {
    std::env::home_dir().filter(|home| home.is_absolute())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    fn folders(variables: &[(&str, &str)]) -> Folders {
        Folders::of(Path::new("/home/ada"), |name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into())
        })
    }

    #[test]
    fn without_variables_they_are_in_the_home_folder() {
        let folders = folders(&[]);
        assert_eq!(folders.config, Path::new("/home/ada/.config/spendbar"));
        assert_eq!(folders.data, Path::new("/home/ada/.local/share/spendbar"));
        assert_eq!(folders.state, Path::new("/home/ada/.local/state/spendbar"));
    }

    #[test]
    fn variables_win_when_they_are_absolute() {
        let folders = folders(&[
            ("XDG_CONFIG_HOME", "/etc/ada"),
            ("XDG_DATA_HOME", "data"),
            ("XDG_STATE_HOME", ""),
        ]);
        assert_eq!(folders.config, Path::new("/etc/ada/spendbar"));
        assert_eq!(folders.data, Path::new("/home/ada/.local/share/spendbar"));
        assert_eq!(folders.state, Path::new("/home/ada/.local/state/spendbar"));
    }
}
