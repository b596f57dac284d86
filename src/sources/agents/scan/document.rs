//! A file that is written anew each time -> its text.

use std::fs::File;
use std::io::{self, Read};

use super::condense::Condenser;

/// Read as it is up to this size; what is larger is condensed first.
const PLAIN_BYTES: u64 = 1024 * 1024;
/// More than this is not held, condensed or not.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// The text of a document; of a large one without its long texts.
///
/// # Errors
/// The file can't be read, or is too large even so.
pub fn read(file: &mut File, size: u64) -> io::Result<Vec<u8>> {
    let mut input = file.take(size);
    if size <= PLAIN_BYTES {
        let mut text = Vec::new();
        input.read_to_end(&mut text)?;
        return Ok(text);
    }
    let mut condenser = Condenser::default();
    let mut piece = vec![0; 256 * 1024];
    loop {
        match input.read(&mut piece) {
            Ok(0) => return Ok(condenser.into_kept()),
            Ok(read) if !condenser.take(&piece[..read], MOST_BYTES) => {
                return Err(io::Error::new(
                    io::ErrorKind::FileTooLarge,
                    "more than 16 MB without its texts",
                ));
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
