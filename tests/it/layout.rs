//! The shape of the source: which folder may know which, and what must not appear where. The map
//! it holds the code to is the one in `ARCHITECTURE.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use spendbar::sources::{SOURCES, SourceKind};

use crate::lexer::{Token, tokens};
use crate::world::{collect_files, fixtures};

/// Who may know whom. The first row that fits a file holds for it; `*` is everything.
const ARROWS: &[(&str, &[&str])] = &[
    ("spend", &[]),
    ("platform", &[]),
    ("sources", &["spend"]),
    ("pricing", &["spend"]),
    ("energy", &["spend"]),
    ("budgets", &["spend"]),
    ("plans", &["spend"]),
    ("hooks", &[]),
    ("git", &["spend", "platform"]),
    ("ledger", &["spend", "pricing", "plans"]),
    ("board", &["spend", "pricing", "energy", "ledger", "budgets", "plans"]),
    ("config", &["spend", "sources", "pricing", "energy", "budgets", "plans", "board", "platform"]),
    ("secrets", &["spend", "sources", "platform"]),
    (
        "monitor",
        &[
            "spend", "sources", "pricing", "ledger", "budgets", "plans", "board", "config",
            "secrets", "platform", "git",
        ],
    ),
    ("faces::cli", &["spend", "board", "platform", "config", "secrets", "budgets", "plans"]),
    ("faces", &["spend", "board", "platform"]),
    ("app", &["*"]),
    ("demo", &["*"]),
    ("main", &["*"]),
];
const LONGEST_FILE: usize = 600;

/// A path in the code that leads into this crate.
#[derive(Debug)]
struct Import {
    line: usize,
    to: Vec<String>,
}

#[test]
fn arrows_point_one_way() {
    let mut wrong = Vec::new();
    for file in sources() {
        let own = module_of(&file.path);
        let own_name = own.join("::");
        let row = ARROWS.iter().find(|(from, _)| is_in(&own_name, from));
        for import in imports(&file.text, &own) {
            let to = &import.to[0];
            let allowed = match row {
                // lib.rs links to everything, and new folders have to be put on the map.
                None => own.is_empty(),
                Some((from, known)) => {
                    from.split("::").next() == Some(to)
                        || known.contains(&"*")
                        || known.contains(&to.as_str())
                }
            };
            if !allowed {
                let allowed =
                    row.map_or("nothing: it is not on the map".into(), |(_, to)| to.join(", "));
                wrong.push(format!(
                    "{}:{}: {own_name} reaches into {}, and may know only: {allowed}",
                    file.name,
                    import.line,
                    import.to.join("::")
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "arrows that point the wrong way:\n{}", wrong.join("\n"));
}

/// A folder's own file stands for it: it hands its files' names on, and they use what it has for all.
#[test]
fn no_two_files_need_each_other() {
    let files = sources();
    let modules: BTreeSet<Vec<String>> = files.iter().map(|file| module_of(&file.path)).collect();
    let mut needs: BTreeMap<Vec<String>, BTreeSet<Vec<String>>> = BTreeMap::new();
    for file in &files {
        let own = module_of(&file.path);
        let others = imports(&file.text, &own).into_iter().filter_map(|import| {
            let mut prefixes = (1..=import.to.len()).rev().map(|length| &import.to[..length]);
            let other = prefixes.find(|prefix| modules.contains(*prefix))?;
            let is_kin = own.starts_with(other) || other.starts_with(&own);
            (!is_kin).then(|| other.to_vec())
        });
        needs.insert(own.clone(), others.collect());
    }
    // Whoever needs nobody, or is needed by nobody, is in no circle; nor is then who is left so.
    loop {
        let needed: BTreeSet<_> = needs.values().flatten().cloned().collect();
        let before = needs.len();
        needs.retain(|own, needs| !needs.is_empty() && needed.contains(own));
        let left: BTreeSet<_> = needs.keys().cloned().collect();
        needs.values_mut().for_each(|needs| needs.retain(|other| left.contains(other)));
        if needs.len() == before {
            break;
        }
    }
    let circles = needs.iter().map(|(own, needs)| {
        let needs: Vec<String> = needs.iter().map(|other| other.join("::")).collect();
        format!("{} needs {}", own.join("::"), needs.join(", "))
    });
    let circles: Vec<String> = circles.collect();
    assert!(circles.is_empty(), "files that need each other:\n{}", circles.join("\n"));
}

#[test]
fn sources_never_see_each_other() {
    // The module of each source in the table; what else stands beside them is shared.
    let table = SOURCES.iter().map(|source| source.info().id.replace('-', "_"));
    let table: Vec<String> = table.collect();
    let mut wrong = Vec::new();
    for file in sources() {
        let own = module_of(&file.path);
        let [area, _, leaf, ..] = own.as_slice() else { continue };
        // The fixtures' test helper runs every source.
        if area != "sources" || leaf == "fixtures" {
            continue;
        }
        for import in imports(&file.text, &own) {
            if let [area, _, other, ..] = import.to.as_slice()
                && area == "sources"
                && table.contains(other)
                && other != leaf
            {
                wrong.push(format!("{}:{}: sees {}", file.name, import.line, import.to.join("::")));
            }
        }
    }
    assert!(wrong.is_empty(), "sources that see each other:\n{}", wrong.join("\n"));
}

#[test]
fn systems_are_told_apart_in_one_place() {
    let mut wrong = Vec::new();
    for file in sources() {
        if module_of(&file.path).first().is_some_and(|area| area == "platform") {
            continue;
        }
        let words = tokens(&file.text);
        for (index, token) in words.iter().enumerate() {
            // `cfg(unix)` for the standard library's own extensions is no system of its own.
            let in_cfg = index >= 2
                && words[index - 1].is("(")
                && ["cfg", "not", "any", "all"].contains(&words[index - 2].text.as_str());
            let names_a_system = ["target_os", "target_family"].contains(&token.text.as_str())
                || (token.is("windows") && in_cfg);
            if names_a_system {
                wrong.push(format!("{}:{}: {}", file.name, token.line, token.text));
            }
        }
    }
    assert!(wrong.is_empty(), "outside src/platform:\n{}", wrong.join("\n"));
}

#[test]
fn money_is_never_a_float() {
    let mut wrong = Vec::new();
    for file in sources() {
        let area = module_of(&file.path).into_iter().next().unwrap_or_default();
        if !["spend", "pricing", "ledger", "budgets", "plans"].contains(&area.as_str()) {
            continue;
        }
        let floats =
            tokens(&file.text).into_iter().filter(|token| token.is("f32") || token.is("f64"));
        wrong.extend(floats.map(|token| format!("{}:{}: {}", file.name, token.line, token.text)));
    }
    assert!(wrong.is_empty(), "floating point near money:\n{}", wrong.join("\n"));
}

#[test]
fn files_stay_small_enough_to_read() {
    let long: Vec<String> = sources()
        .iter()
        .map(|file| (&file.name, file.text.lines().count()))
        .filter(|(_, lines)| *lines > LONGEST_FILE)
        .map(|(name, lines)| format!("{name}: {lines} lines"))
        .collect();
    assert!(long.is_empty(), "over {LONGEST_FILE} lines:\n{}", long.join("\n"));
}

#[test]
fn every_source_has_fixtures_counted_by_hand() {
    for source in SOURCES.iter() {
        let info = source.info();
        let folder = match info.kind {
            SourceKind::Agent => fixtures().join("agents").join(info.id),
            SourceKind::Provider => fixtures().join("providers").join(info.id),
        };
        let mut files = Vec::new();
        collect_files(&folder, &mut files);
        let counted = files.iter().any(|file| file.ends_with("expected.json"));
        assert!(counted, "{} has no expected.json under {}", info.id, folder.display());
    }
}

#[test]
fn the_map_names_every_folder() {
    let map = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("the map");
    for entry in fs::read_dir(root().join("src")).expect("src").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() {
            assert!(
                map.contains(&format!("src/{name}/")),
                "ARCHITECTURE.md does not name src/{name}/"
            );
        }
    }
}

struct SourceFile {
    path: PathBuf,
    name: String,
    text: String,
}

fn sources() -> Vec<SourceFile> {
    let mut paths = Vec::new();
    collect_files(&root().join("src"), &mut paths);
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "rs"));
    paths.sort();
    assert!(!paths.is_empty());
    paths
        .into_iter()
        .map(|path| SourceFile {
            name: path.strip_prefix(root()).expect("inside").to_string_lossy().into_owned(),
            text: fs::read_to_string(&path).expect("text"),
            path,
        })
        .collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// `src/faces/cli/mod.rs` is `faces::cli`; `src/lib.rs` is the root.
fn module_of(path: &Path) -> Vec<String> {
    let inside = path.strip_prefix(root().join("src")).unwrap_or(path).with_extension("");
    let mut names: Vec<String> =
        inside.iter().map(|name| name.to_string_lossy().into_owned()).collect();
    if names.last().is_some_and(|last| last == "mod") || names == ["lib"] {
        names.pop();
    }
    names
}

fn is_in(module: &str, area: &str) -> bool {
    module.strip_prefix(area).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// Every path that starts at the crate, at `super` or at `self`, resolved. What stands in a
/// `mod tests` is left out, in a file of its own as well: tests may look around.
fn imports(text: &str, own: &[String]) -> Vec<Import> {
    let words = tokens(text);
    let mut found = Vec::new();
    // The inline modules around the current token; `None` for braces of other kinds.
    let mut braces: Vec<Option<String>> = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let word = &words[at];
        if word.is("{") {
            let named = at >= 2 && words[at - 2].is("mod");
            braces.push(named.then(|| words[at - 1].text.clone()));
        } else if word.is("}") {
            braces.pop();
        }
        let head = ["crate", "spendbar", "super", "self"].contains(&word.text.as_str());
        let follows = at > 0 && words[at - 1].is(":");
        if !head || follows || !starts_path(&words[at + 1..]) {
            at += 1;
            continue;
        }
        let inline: Vec<String> = braces.iter().flatten().cloned().collect();
        let in_tests = inline.iter().chain(own).any(|name| name == "tests");
        let mut prefix = match word.text.as_str() {
            "crate" | "spendbar" => Vec::new(),
            _ => [own, &inline].concat(),
        };
        if word.is("super") {
            prefix.pop();
        }
        let line = word.line;
        let mut paths = Vec::new();
        at = read_tree(&words, at + 3, prefix, &mut paths);
        if !in_tests {
            found.extend(
                paths.into_iter().filter(|to| !to.is_empty()).map(|to| Import { line, to }),
            );
        }
    }
    found
}

fn starts_path(words: &[Token]) -> bool {
    words.len() >= 2 && words[0].is(":") && words[1].is(":")
}

/// Reads what follows a `::`: a name, a `*`, or a group of those. Returns where it ends.
fn read_tree(
    words: &[Token],
    mut at: usize,
    mut prefix: Vec<String>,
    into: &mut Vec<Vec<String>>,
) -> usize {
    loop {
        match words.get(at) {
            Some(word) if word.is("{") => {
                at += 1;
                while let Some(word) = words.get(at).filter(|word| !word.is("}")) {
                    if word.is(",") {
                        at += 1;
                    } else {
                        at = read_tree(words, at, prefix.clone(), into);
                    }
                }
                return at + 1;
            }
            Some(word) if word.is("super") => {
                prefix.pop();
            }
            Some(word) if word.is("self") || word.is("*") => {}
            Some(word) if word.text.starts_with(|c: char| c.is_alphabetic() || c == '_') => {
                prefix.push(word.text.clone());
            }
            // `::<T>` or the like: the path is over.
            _ => {
                into.push(prefix);
                return at;
            }
        }
        at += 1;
        if words.get(at).is_some_and(|word| word.is("as")) {
            at += 2;
        }
        if !starts_path(words.get(at..).unwrap_or_default()) {
            into.push(prefix);
            return at;
        }
        at += 2;
    }
}

#[test]
fn paths_are_resolved_through_groups_and_supers() {
    let text = "use crate::{spend::{self, Money as M}, board};\nuse super::args::Report;\n\
                mod inner { use super::super::notify; fn f() { crate::ledger::open::<u8>(); } }\n\
                mod tests { use crate::monitor; }\npub(crate) fn g(self) {}\n";
    let own = ["faces".to_owned(), "cli".to_owned()];
    let found: Vec<String> = imports(text, &own)
        .iter()
        .map(|import| format!("{} {}", import.line, import.to.join("::")))
        .collect();
    assert_eq!(
        found,
        [
            "1 spend",
            "1 spend::Money",
            "1 board",
            "2 faces::args::Report",
            "3 faces::notify",
            "3 ledger::open",
        ]
    );
}
