//! The command line: one file per command; arguments in, plain data out to text or JSON.
