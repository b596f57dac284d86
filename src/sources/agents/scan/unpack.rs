//! A log as a stream of bytes, unpacked where the agent packed it.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use ruzstd::decoding::StreamingDecoder;

/// Whether the file is packed with Zstandard. Packed logs are archives: they do not grow.
pub fn is_packed(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "zst")
}

/// The log's bytes from `start` (of the unpacked log) on.
///
/// # Errors
/// The file can't be read, or does not begin as a packed one does.
pub fn open(path: &Path, mut file: File, start: u64) -> io::Result<Box<dyn Read>> {
    if !is_packed(path) {
        file.seek(SeekFrom::Start(start))?;
        return Ok(Box::new(file));
    }
    let file = io::BufReader::new(file);
    let decoder = StreamingDecoder::new(file).map_err(|error| {
        io::Error::new(io::ErrorKind::InvalidData, format!("not a zstd archive: {error}"))
    })?;
    let mut unpacked = decoder;
    io::copy(&mut (&mut unpacked).take(start), &mut io::sink())?;
    Ok(Box::new(unpacked))
}
