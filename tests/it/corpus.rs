//! The pretend home that the program is measured with (`benches/corpus`): that the program counts
//! what is in it, and writing one for `benches/compare`.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::world::{World, collect_files};

#[path = "../../benches/corpus/mod.rs"]
mod written;

use written::{Size, write};

#[test]
fn the_program_counts_what_was_written() {
    let world = World::new().at("2026-03-02T12:00:00Z");
    let truth = write(&world.home(), Size::Bytes(4_000_000));
    let truth = serde_json::to_value(truth).expect("JSON");
    world.poll_offline();
    let report =
        world.run(["report", "--since", "2026-02-01", "--by", "source", "--json"]).success().json();
    let rows = report["rows"].as_array().expect("rows");
    assert_eq!(rows.len(), 2);
    for row in rows {
        let source = row["source"].as_str().expect("a source");
        assert_eq!(row["requests"], truth[source]["requests"], "{source}");
        assert_eq!(row["tokens"], truth[source]["tokens"], "{source}");
    }
    assert_eq!(report["notes"], json!([]), "every line can be read");
    let mut logs = Vec::new();
    collect_files(&world.home(), &mut logs);
    logs.retain(|log| log.extension().is_some_and(|extension| extension == "jsonl"));
    assert!(logs.len() > 10);
    for log in logs {
        for line in fs::read_to_string(log).expect("text").lines() {
            serde_json::from_str::<Value>(line).expect(line);
        }
    }
}

/// Writes `SPENDBAR_CORPUS_MB` megabytes of logs, or `SPENDBAR_CORPUS_FILES` files, below the
/// folder `SPENDBAR_CORPUS`: the home, and beside it `truth.json` with what is in it.
#[test]
#[ignore = "writes a large folder; `benches/compare` asks for it by name"]
fn write_corpus() {
    let number = |name| {
        let text = std::env::var(name).ok()?;
        Some(text.parse::<u64>().expect("a number"))
    };
    let folder = PathBuf::from(std::env::var_os("SPENDBAR_CORPUS").expect("SPENDBAR_CORPUS"));
    let size = match (number("SPENDBAR_CORPUS_MB"), number("SPENDBAR_CORPUS_FILES")) {
        (Some(megabytes), None) => Size::Bytes(megabytes * 1_000_000),
        (None, Some(files)) => Size::Files(files),
        _ => panic!("either SPENDBAR_CORPUS_MB or SPENDBAR_CORPUS_FILES has to be set"),
    };
    let truth = write(&folder.join("home"), size);
    let truth = serde_json::to_string_pretty(&truth).expect("JSON");
    fs::write(folder.join("truth.json"), truth).expect("written");
}
