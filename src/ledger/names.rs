//! The dictionary of texts that repeat: sources, providers, models, projects, sessions.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Result};

/// The id that stands for "not said".
pub(super) const NONE: i64 = 0;

/// Names that were met, kept for as long as one transaction or one question lasts: a rolled back
/// transaction takes the ids it gave out with it.
#[derive(Debug, Default)]
pub(super) struct Names {
    ids: HashMap<Arc<str>, i64>,
    texts: HashMap<i64, Arc<str>>,
}

impl Names {
    /// The id of `text`, given out now if it is new.
    pub(super) fn id(&mut self, conn: &Connection, text: Option<&str>) -> Result<i64> {
        let Some(text) = text else { return Ok(NONE) };
        if let Some(&id) = self.ids.get(text) {
            return Ok(id);
        }
        let id = match find(conn, text)? {
            Some(id) => id,
            None => conn.prepare_cached("INSERT INTO name (text) VALUES (?1)")?.insert([text])?,
        };
        self.keep(id, text.into());
        Ok(id)
    }

    /// The text behind an id; `None` for [`NONE`].
    pub(super) fn text(&mut self, conn: &Connection, id: i64) -> Result<Option<Arc<str>>> {
        if id == NONE {
            return Ok(None);
        }
        if let Some(text) = self.texts.get(&id) {
            return Ok(Some(text.clone()));
        }
        let text: Arc<str> = conn
            .prepare_cached("SELECT text FROM name WHERE id = ?1")?
            .query_row([id], |row| row.get::<_, Arc<str>>(0))?;
        self.keep(id, text.clone());
        Ok(Some(text))
    }

    /// [`Names::text`] as an owned text.
    pub(super) fn string(&mut self, conn: &Connection, id: i64) -> Result<Option<String>> {
        Ok(self.text(conn, id)?.map(|text| text.to_string()))
    }

    /// Models by name with their tokens, most first; those without any are left out.
    pub(super) fn most_first(
        &mut self,
        conn: &Connection,
        tokens: impl IntoIterator<Item = (i64, u64)>,
    ) -> Result<Vec<(Option<String>, u64)>> {
        let mut models = Vec::new();
        for (model, tokens) in tokens.into_iter().filter(|(_, tokens)| *tokens > 0) {
            models.push((self.string(conn, model)?, tokens));
        }
        models.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        Ok(models)
    }

    fn keep(&mut self, id: i64, text: Arc<str>) {
        self.ids.insert(text.clone(), id);
        self.texts.insert(id, text);
    }
}

/// The id of a text that may never have been met; writes nothing.
pub(super) fn find(conn: &Connection, text: &str) -> Result<Option<i64>> {
    conn.prepare_cached("SELECT id FROM name WHERE text = ?1")?
        .query_row([text], |row| row.get(0))
        .optional()
}
