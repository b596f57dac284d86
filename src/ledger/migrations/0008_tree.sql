-- The folders of a source as a comparison with its stamps found them, packed: a start over many
-- unchanged folders lists none of them. It may be old; then more of them are listed.
CREATE TABLE tree (
    source  INTEGER PRIMARY KEY,
    folders BLOB    NOT NULL
) STRICT;
