//! In which working tree a commit was made, as the trees' own logs tell (`logs/HEAD`, written by git
//! for each movement of a tree's head; gitrepository-layout(5), git-reflog(1)).

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// The last part of a log that is read: some forty thousand movements.
const MOST_BYTES: u64 = 8 * 1024 * 1024;

/// Commits by id, with the working tree they were made in. `main` is the tree of the repository
/// itself. Logs that are not there, or can't be read, tell nothing.
pub(super) fn made_in(common: &Path, main: &Path) -> BTreeMap<String, String> {
    let mut made = BTreeMap::new();
    let main = main_tree(common).unwrap_or_else(|| main.display().to_string());
    gather(&common.join("logs/HEAD"), &main, &mut made);
    for entry in fs::read_dir(common.join("worktrees")).into_iter().flatten().flatten() {
        let folder = entry.path();
        let Ok(link) = fs::read_to_string(folder.join("gitdir")) else { continue };
        // It names the tree's `.git` file.
        let Some(tree) = Path::new(link.trim()).parent() else { continue };
        // As the working folders of sessions are told apart: with links followed.
        let tree = tree.canonicalize().unwrap_or_else(|_| tree.to_owned());
        gather(&folder.join("logs/HEAD"), &tree.display().to_string(), &mut made);
    }
    made
}

fn main_tree(common: &Path) -> Option<String> {
    let is_inside = common.file_name().is_some_and(|name| name == ".git");
    let tree = common.parent().filter(|_| is_inside)?;
    Some(tree.display().to_string())
}

fn gather(log: &Path, tree: &str, into: &mut BTreeMap<String, String>) {
    let Ok(mut file) = fs::File::open(log) else { return };
    let length = file.metadata().map_or(0, |data| data.len());
    let is_end_only = length > MOST_BYTES;
    let skipped = length.saturating_sub(MOST_BYTES);
    let mut bytes = Vec::new();
    if file.seek(SeekFrom::Start(skipped)).is_err() || file.read_to_end(&mut bytes).is_err() {
        return;
    }
    let text = String::from_utf8_lossy(&bytes);
    for line in text.lines().skip(usize::from(is_end_only)) {
        if let Some(id) = made(line) {
            into.insert(id.to_owned(), tree.to_owned());
        }
    }
}

/// The new commit of a line, if it was made rather than gone to:
/// `<old> <new> <name> <mail> <time> <zone> TAB commit: subject`.
fn made(line: &str) -> Option<&str> {
    let (head, what) = line.split_once('\t')?;
    let id = head.split(' ').nth(1)?;
    let (how, rest) = what.split_once(':').unwrap_or((what, ""));
    let word = how.split(' ').next()?;
    let is_made = match word {
        "commit" | "cherry-pick" | "revert" | "am" => true,
        // Its first and last steps go to commits that are there.
        "rebase" => {
            !how.contains("(start)") && !how.contains("(finish)") && !how.contains("(abort)")
        }
        "merge" | "pull" => rest.contains("Merge made"),
        _ => false,
    };
    (is_made && id.len() >= 40).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_made_here_is() {
        let id = "c72e40ff8cf24c149f3db93c7fd597f4d250d480";
        for (what, is_made) in [
            ("commit: two", true),
            ("commit (initial): one", true),
            ("commit (amend): two", true),
            ("cherry-pick: x", true),
            ("rebase (pick): x", true),
            ("rebase (start): checkout origin/main", false),
            ("rebase (finish): returning to refs/heads/main", false),
            ("merge feat: Merge made by the 'ort' strategy.", true),
            ("merge feat: Fast-forward", false),
            ("pull: Fast-forward", false),
            ("pull: Merge made by the 'ort' strategy.", true),
            ("clone: from https://example.com/x.git", false),
            ("checkout: moving from main to commit", false),
            ("reset: moving to HEAD~1", false),
        ] {
            let line = format!("{} {id} Ada <a@b> 1795903540 +0000\t{what}", "0".repeat(40));
            assert_eq!(made(&line), is_made.then_some(id), "{what}");
        }
        assert_eq!(made("no log"), None);
    }
}
