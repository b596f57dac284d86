//! The places where programs keep their data, by the customs of each system. A custom that is not
//! this system's names folders that do not exist, so that all of them can be asked everywhere.

use std::path::{Path, PathBuf};

use crate::sources::Places;

/// `${XDG_DATA_HOME:-~/.local/share}/<name>`.
pub fn data_home(places: &Places, name: &str) -> PathBuf {
    places.xdg("XDG_DATA_HOME", ".local/share").join(name)
}

/// A program's application data: `~/.config/<name>`, `~/Library/Application Support/<name>`,
/// `%APPDATA%\\<name>`.
pub fn application_data(places: &Places, name: &str) -> Vec<PathBuf> {
    let mut found = vec![
        places.xdg("XDG_CONFIG_HOME", ".config").join(name),
        places.home.join("Library/Application Support").join(name),
    ];
    found.extend(places.variable("APPDATA").map(|data| Path::new(data).join(name)));
    found
}

/// `%LOCALAPPDATA%\\<name>`, on Windows.
pub fn local_data(places: &Places, name: &str) -> Option<PathBuf> {
    places.variable("LOCALAPPDATA").map(|data| Path::new(data).join(name))
}

/// Where extensions of Visual Studio Code and its kin keep their data: `globalStorage/<extension>`
/// in the user folder of each, and in that of the server through which an editor elsewhere works
/// on this machine.
pub fn editor_storage(places: &Places, extension: &str) -> Vec<PathBuf> {
    let editors = ["Code", "Code - Insiders", "VSCodium", "Cursor", "Windsurf"];
    let servers = [".vscode-server", ".vscode-server-insiders", ".vscodium-server"];
    let servers = [".cursor-server", ".windsurf-server"].into_iter().chain(servers);
    editors
        .iter()
        .flat_map(|editor| application_data(places, editor))
        .chain(servers.map(|server| places.home.join(server).join("data")))
        .map(|editor| editor.join("User/globalStorage").join(extension))
        .collect()
}

/// The folder that a variable names, else the usual one.
pub fn named_by(places: &Places, variable: &str, usual: impl FnOnce() -> PathBuf) -> PathBuf {
    match places.variable(variable) {
        Some(path) => expand_home(path, &places.home),
        None => usual(),
    }
}

/// The folders in a list with commas.
pub fn paths_in(list: &str, home: &Path) -> Vec<PathBuf> {
    list.split(',')
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .map(|entry| expand_home(entry, home))
        .collect()
}

/// The folders in a folder, in order; none when it can't be listed, as these stores are optional.
pub fn folders_in(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut folders: Vec<_> = entries
        .filter_map(|entry| entry.ok())
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    folders
}

/// A leading `~` as the home folder: a variable set outside a shell still holds it.
fn expand_home(entry: &str, home: &Path) -> PathBuf {
    match entry.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with(['/', '\\']) => {
            home.join(rest.trim_start_matches(['/', '\\']))
        }
        _ => PathBuf::from(entry),
    }
}
