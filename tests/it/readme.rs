//! The README's tables of sources and of agents' hooks are the program's own, written out.
//!
//! After a change to the table `SPENDBAR_WRITE_README=1 cargo test --test it readme` writes them.

use std::fs;
use std::path::Path;

use spendbar::hooks::AGENTS;
use spendbar::sources::{SOURCES, Source, SourceKind};

#[test]
fn the_tables_are_those_of_the_program() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(&file).expect("the README");
    let mut written = readme.clone();
    let tables = [
        ("agents", table(SourceKind::Agent)),
        ("providers", table(SourceKind::Provider)),
        ("guard", guard_table()),
    ];
    for (name, table) in tables {
        let (start, end) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
        let from = written.find(&start).unwrap_or_else(|| panic!("{start} is missing"));
        let to = written.find(&end).unwrap_or_else(|| panic!("{end} is missing"));
        written.replace_range(from + start.len()..to, &table);
    }
    if std::env::var_os("SPENDBAR_WRITE_README").is_some() {
        fs::write(&file, &written).expect("written");
    } else {
        assert!(
            written == readme,
            "the README's tables differ from those of the program; \
             SPENDBAR_WRITE_README=1 cargo test --test it readme writes them"
        );
    }
}

fn table(kind: SourceKind) -> String {
    let heads: &[&str] = match kind {
        SourceKind::Agent => &["agent", "id", "what is read", "known limits"],
        SourceKind::Provider => &["provider", "id", "tells", "needs", "known limits"],
    };
    let mut lines = vec![row(heads), row(&vec!["---"; heads.len()])];
    let of_kind = |source: &&&dyn Source| source.info().kind == kind;
    for source in SOURCES.iter().filter(of_kind) {
        let info = source.info();
        let id = format!("`{}`", info.id);
        lines.push(match (kind, &info.key) {
            (SourceKind::Agent, _) => row(&[info.name, &id, &source.reads(), info.limits]),
            (SourceKind::Provider, None) => {
                row(&[info.name, &id, info.tells, &source.reads(), info.limits])
            }
            (SourceKind::Provider, Some(key)) => {
                let variables: Vec<_> = key.variables.iter().map(|v| format!("`{v}`")).collect();
                let needs = format!("{}, {}", key.kind, variables.join(" or "));
                row(&[info.name, &id, info.tells, &needs, info.limits])
            }
        });
    }
    lines.concat()
}

fn guard_table() -> String {
    let settings = |agent: &&spendbar::hooks::Agent| {
        let path = agent.settings(Path::new("~"), &|_| None);
        let (id, path) = (format!("`{}`", agent.id), format!("`{}`", path.display()));
        let words = [agent.then, agent.limits].join(" ");
        row(&[agent.name, &id, &path, words.trim()])
    };
    let heads = ["agent", "id", "settings", "to know"];
    let mut lines = vec![row(&heads), row(&["---"; 4])];
    lines.extend(AGENTS.iter().map(settings));
    lines.concat()
}

fn row(cells: &[&str]) -> String {
    format!("| {} |\n", cells.join(" | "))
}
