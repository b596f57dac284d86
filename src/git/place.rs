//! The repository of a working folder, found as git finds it, without running it: upwards to a
//! `.git`, which is the repository or, in a linked working tree and in a submodule, a file that names
//! it (gitrepository-layout(5)).

use std::fs;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use crate::spend::Place;

/// What a working folder turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Part of a repository.
    Repository(Place),
    /// There is no such folder any more, and none above it is part of a repository.
    Gone,
    /// In no repository.
    None,
    /// A folder or file on the way can't be read.
    Unreadable {
        /// Which one.
        path: PathBuf,
        /// The system's word for it.
        what: String,
    },
}

/// Looks for the repository of a folder. Of a folder that is gone the folders above it are asked up
/// to, and without, `home`: whoever keeps the home folder in git did not work on it there.
pub fn find(folder: &Path, home: &Path) -> Found {
    if !folder.is_absolute() || folder.components().any(|part| part == Component::ParentDir) {
        return Found::None;
    }
    let is_there = match fs::metadata(folder) {
        Ok(_) => true,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            false
        }
        Err(error) => return unreadable(folder, &error),
    };
    for above in folder.ancestors() {
        if !is_there && home.starts_with(above) {
            return Found::Gone;
        }
        match repository_at(above) {
            Ok(Some(place)) => return Found::Repository(place),
            Ok(None) => {}
            Err((path, error)) => return unreadable(&path, &error),
        }
    }
    if is_there { Found::None } else { Found::Gone }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Found {
    Found::Unreadable { path: path.to_owned(), what: error.kind().to_string() }
}

type Trouble = (PathBuf, std::io::Error);

fn repository_at(folder: &Path) -> Result<Option<Place>, Trouble> {
    let dot_git = folder.join(".git");
    let kind = match fs::metadata(&dot_git) {
        Ok(data) => data,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(bare(folder));
        }
        Err(error) => return Err((dot_git, error)),
    };
    let own = if kind.is_dir() {
        // An empty folder of that name is no repository; one that can't be entered may be.
        match fs::metadata(dot_git.join("HEAD")) {
            Ok(_) => dot_git,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err((dot_git, error)),
        }
    } else {
        let text = fs::read_to_string(&dot_git).map_err(|error| (dot_git.clone(), error))?;
        let Some(named) = text.trim().strip_prefix("gitdir:") else { return Ok(None) };
        let named = folder.join(named.trim());
        match fs::metadata(&named) {
            Ok(_) => named,
            // What it names is gone: a working tree of a repository that was moved or removed.
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err((named, error)),
        }
    };
    let common = match fs::read_to_string(own.join("commondir")) {
        Ok(text) => own.join(text.trim()),
        Err(_) => own.clone(),
    };
    let (own, common) = (whole(&own), whole(&common));
    let folder = whole(folder);
    let name = superproject(&folder, &own).unwrap_or_else(|| main_tree(&common));
    Ok(Some(Place { common: said(&common), tree: said(&folder), name: said(&name) }))
}

/// A repository without a working tree: the folder is the repository.
fn bare(folder: &Path) -> Option<Place> {
    let is_bare = folder.join("HEAD").is_file()
        && folder.join("objects").is_dir()
        && folder.join("refs").is_dir();
    is_bare.then(|| {
        let folder = said(&whole(folder));
        Place { common: folder.clone(), tree: folder.clone(), name: folder }
    })
}

/// The working tree of the repository that has this one as a submodule. Its repository lies in that
/// of the superproject, under `modules`.
fn superproject(tree: &Path, own: &Path) -> Option<PathBuf> {
    let above = tree.parent()?.ancestors().find(|above| above.join(".gitmodules").is_file())?;
    let outer = repository_at(above).ok().flatten()?;
    let outer_own = Path::new(&outer.common);
    // In a linked working tree of the superproject they lie under `worktrees/<name>/modules`.
    let is_its = ["modules", "worktrees"].iter().any(|part| own.starts_with(outer_own.join(part)));
    is_its.then(|| outer.name.into())
}

fn main_tree(common: &Path) -> PathBuf {
    match common.parent() {
        Some(tree) if common.file_name().is_some_and(|name| name == ".git") => tree.to_owned(),
        _ => common.to_owned(),
    }
}

/// With links followed, so that two ways to one repository are one repository.
fn whole(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

fn said(path: &Path) -> String {
    path.display().to_string()
}
