use std::path::Path;

use super::{Point, PopoverError};

pub(super) fn show(_: &str, _: Option<Point>, _: &Path) -> Result<(), PopoverError> {
    Err(PopoverError::NotBuilt)
}
