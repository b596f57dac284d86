//! A reading put together from calls that may fail one by one.

use super::reports::concerns_every_call;
use crate::sources::SourceError;
use crate::spend::Reading;

/// The reading so far, and what went wrong on the way.
pub struct Parts {
    /// What the calls gave.
    pub reading: Reading,
    needs: &'static str,
    any: bool,
    first_error: Option<SourceError>,
}

impl Parts {
    /// Nothing yet. `needs` says which key reads all of it: `a management key`.
    pub fn needing(needs: &'static str) -> Self {
        Self { reading: Reading::default(), needs, any: false, first_error: None }
    }

    /// The value of a call, or a gap in the reading that names the reason.
    ///
    /// # Errors
    /// A refused key and a rate limit, which concern the other calls as well.
    pub fn keep<T>(
        &mut self,
        what: &str,
        outcome: Result<T, SourceError>,
    ) -> Result<Option<T>, SourceError> {
        match outcome {
            Ok(value) => {
                self.any = true;
                Ok(Some(value))
            }
            Err(error) if concerns_every_call(&error) => Err(error),
            Err(error) => {
                self.reading.gaps.push(match &error {
                    SourceError::WrongKindOfKey { status } => {
                        format!("{what} can't be read: it takes {} ({status}).", self.needs)
                    }
                    other => format!("{what} could not be read: {other}."),
                });
                self.first_error.get_or_insert(error);
                Ok(None)
            }
        }
    }

    /// The reading.
    ///
    /// # Errors
    /// The first error, when every call failed.
    pub fn finish(self) -> Result<Reading, SourceError> {
        match self.first_error {
            Some(error) if !self.any => Err(error),
            _ => Ok(self.reading),
        }
    }
}
