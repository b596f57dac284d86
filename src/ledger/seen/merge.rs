//! Segments of the set: writing one, and merging several into one.

use rusqlite::{Connection, OptionalExtension, Result, params};

use super::block::{self, Writer};
use super::{BITS, FAN_OUT};

/// One sorted part of the set.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    pub(super) id: i64,
    level: i64,
    count: i64,
}

/// All segments, the largest first: most of what is looked for is in those.
pub(super) fn segments(conn: &Connection) -> Result<Vec<Segment>> {
    conn.prepare_cached("SELECT id, level, count FROM seen_segment ORDER BY count DESC")?
        .query_map([], |row| {
            Ok(Segment { id: row.get(0)?, level: row.get(1)?, count: row.get(2)? })
        })?
        .collect()
}

/// The id of the row in which a block of the segment that begins with `fingerprint` stands.
pub(super) fn row_id(segment: i64, fingerprint: u64) -> i64 {
    segment << BITS | fingerprint.cast_signed()
}

/// The fingerprint that a row's block begins with.
pub(super) fn fingerprint_of(row_id: i64) -> u64 {
    row_id.cast_unsigned() & ((1 << BITS) - 1)
}

/// Adds sorted fingerprints as a segment and merges what has become too many.
pub(super) fn add(conn: &Connection, sorted: &[u64]) -> Result<()> {
    if sorted.is_empty() {
        return Ok(());
    }
    let mut new = Builder::new(conn, 0, sorted.len() as i64)?;
    sorted.iter().try_for_each(|fingerprint| new.push(*fingerprint))?;
    new.finish()?;
    for level in 0.. {
        let mut same = segments(conn)?;
        same.retain(|segment| segment.level == level);
        if same.len() < FAN_OUT {
            break;
        }
        merge(conn, &same, level + 1)?;
    }
    Ok(())
}

/// Moves all of `parts` into one segment of the given level. Blocks go as soon as they are read,
/// so that the file does not grow by the size of what is merged.
fn merge(conn: &Connection, parts: &[Segment], level: i64) -> Result<()> {
    let count = parts.iter().map(|part| part.count).sum();
    let mut merged = Builder::new(conn, level, count)?;
    let mut readers = Vec::with_capacity(parts.len());
    for part in parts {
        let mut reader = Reader::new(part.id);
        reader.fill(conn)?;
        readers.push(reader);
    }
    let mut last = None;
    loop {
        let next = readers.iter_mut().filter(|reader| reader.head().is_some());
        let Some(reader) = next.min_by_key(|reader| reader.head()) else { break };
        let head = reader.head();
        // The same event may have been rolled up twice: it came again while its row was gone.
        if let Some(fingerprint) = head
            && head != last
        {
            merged.push(fingerprint)?;
            last = head;
        }
        reader.at += 1;
        reader.fill(conn)?;
    }
    merged.finish()?;
    for part in parts {
        conn.prepare_cached("DELETE FROM seen_segment WHERE id = ?1")?.execute([part.id])?;
    }
    Ok(())
}

/// A segment that is being written.
struct Builder<'a> {
    conn: &'a Connection,
    segment: Segment,
    mean_distance: u64,
    writer: Option<Writer>,
}

impl<'a> Builder<'a> {
    fn new(conn: &'a Connection, level: i64, count: i64) -> Result<Self> {
        // The smallest free number: a few dozen are in use, and 127 fit beside a fingerprint.
        let id = conn.query_row(
            "SELECT min(id) + 1 FROM (SELECT -1 AS id UNION ALL SELECT id FROM seen_segment)
             WHERE id + 1 NOT IN (SELECT id FROM seen_segment)",
            [],
            |row| row.get(0),
        )?;
        conn.prepare_cached("INSERT INTO seen_segment VALUES (?1, ?2, 0)")?.execute([id, level])?;
        let mean_distance = (1 << BITS) / count.max(1).cast_unsigned();
        Ok(Self { conn, segment: Segment { id, level, count: 0 }, mean_distance, writer: None })
    }

    fn push(&mut self, fingerprint: u64) -> Result<()> {
        self.segment.count += 1;
        if let Some(writer) = &mut self.writer
            && writer.push(fingerprint)
        {
            return Ok(());
        }
        let next = Writer::new(fingerprint, self.mean_distance);
        let full = self.writer.replace(next);
        self.write(full)
    }

    fn finish(mut self) -> Result<()> {
        let last = self.writer.take();
        self.write(last)?;
        self.conn
            .prepare_cached("UPDATE seen_segment SET count = ?2 WHERE id = ?1")?
            .execute([self.segment.id, self.segment.count])?;
        Ok(())
    }

    fn write(&self, block: Option<Writer>) -> Result<()> {
        let Some(block) = block else { return Ok(()) };
        let (first, bytes) = block.finish();
        self.conn
            .prepare_cached("INSERT INTO seen VALUES (?1, ?2)")?
            .execute(params![row_id(self.segment.id, first), bytes])?;
        Ok(())
    }
}

/// A segment that is read from its start and goes away on the way.
struct Reader {
    segment: i64,
    block: Vec<u64>,
    at: usize,
}

impl Reader {
    fn new(segment: i64) -> Self {
        Self { segment, block: Vec::new(), at: 0 }
    }

    fn head(&self) -> Option<u64> {
        self.block.get(self.at).copied()
    }

    /// Takes the next block once this one is used up.
    fn fill(&mut self, conn: &Connection) -> Result<()> {
        if self.at < self.block.len() {
            return Ok(());
        }
        (self.at, self.block) = (0, std::mem::take(&mut self.block));
        self.block.clear();
        let range = [row_id(self.segment, 0), row_id(self.segment, (1 << BITS) - 1)];
        let id: Option<i64> = conn
            .prepare_cached(
                "SELECT id, bytes FROM seen WHERE id BETWEEN ?1 AND ?2 ORDER BY id LIMIT 1",
            )?
            .query_row(range, |row| {
                let id = row.get(0)?;
                block::decode(fingerprint_of(id), row.get_ref(1)?.as_blob()?, &mut self.block);
                Ok(id)
            })
            .optional()?;
        if let Some(id) = id {
            conn.prepare_cached("DELETE FROM seen WHERE id = ?1")?.execute([id])?;
        }
        Ok(())
    }
}
