-- The record of runs. Times are nanoseconds since 1970 UTC, 0 for none.
-- Columns named n and run are row numbers inside this file; id is what people use.

CREATE TABLE experiments (
	n       INTEGER PRIMARY KEY,
	id      TEXT NOT NULL UNIQUE,
	name    TEXT NOT NULL UNIQUE,
	created INTEGER NOT NULL
) STRICT;

CREATE TABLE runs (
	n              INTEGER PRIMARY KEY, -- rises in the order of creation
	id             TEXT NOT NULL UNIQUE,
	experiment     INTEGER NOT NULL REFERENCES experiments(n),
	name           TEXT NOT NULL,
	method         TEXT NOT NULL,
	stage          TEXT NOT NULL,
	task           TEXT NOT NULL,
	seed           INTEGER NOT NULL,
	status         TEXT NOT NULL CHECK (status IN ('pending','running','finished','failed','stopped','crashed','lost')),
	reason         TEXT NOT NULL,
	spec           TEXT NOT NULL,
	spec_hash      TEXT NOT NULL,
	code_version   TEXT NOT NULL,
	machine        TEXT NOT NULL,
	named_seeds    TEXT NOT NULL,
	unlocked       INTEGER NOT NULL,
	not_replayable INTEGER NOT NULL,
	created        INTEGER NOT NULL,
	started        INTEGER NOT NULL,
	ended          INTEGER NOT NULL,
	cost           TEXT NOT NULL,
	log_tail       TEXT NOT NULL
) STRICT;
CREATE INDEX runs_by_experiment ON runs (experiment, n);
CREATE INDEX runs_alive ON runs (status) WHERE status IN ('pending','running');

CREATE TABLE run_hashes (
	run    INTEGER NOT NULL REFERENCES runs(n) ON DELETE CASCADE,
	name   TEXT NOT NULL,
	sha256 TEXT NOT NULL,
	PRIMARY KEY (run, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE run_parents (
	run      INTEGER NOT NULL REFERENCES runs(n) ON DELETE CASCADE,
	position INTEGER NOT NULL, -- in the order given
	parent   INTEGER NOT NULL REFERENCES runs(n),
	relation TEXT NOT NULL,
	PRIMARY KEY (run, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX run_parents_by_parent ON run_parents (parent);

CREATE TABLE params (
	run   INTEGER NOT NULL REFERENCES runs(n) ON DELETE CASCADE,
	key   TEXT NOT NULL,
	value TEXT NOT NULL, -- JSON
	PRIMARY KEY (run, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE metrics (
	run   INTEGER NOT NULL REFERENCES runs(n) ON DELETE CASCADE,
	seq   INTEGER NOT NULL,
	name  TEXT NOT NULL,
	step  INTEGER NOT NULL,
	time  INTEGER NOT NULL,
	value REAL,             -- for people: NULL stands for NaN
	bits  INTEGER NOT NULL, -- the truth: IEEE 754 binary64
	PRIMARY KEY (run, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
	run   INTEGER NOT NULL REFERENCES runs(n) ON DELETE CASCADE,
	seq   INTEGER NOT NULL,
	time  INTEGER NOT NULL,
	kind  TEXT NOT NULL,
	level TEXT NOT NULL,
	data  TEXT NOT NULL, -- JSON, or '' for none
	PRIMARY KEY (run, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE predictions (
	n          INTEGER PRIMARY KEY,
	run        INTEGER NOT NULL REFERENCES runs(n) ON DELETE CASCADE,
	task       TEXT NOT NULL,
	split      TEXT NOT NULL,
	mode       TEXT NOT NULL,
	item_id    TEXT NOT NULL,
	item_hash  TEXT NOT NULL,
	output     TEXT NOT NULL, -- JSON, or '' for none
	score      REAL,
	score_bits INTEGER NOT NULL,
	correct    INTEGER,       -- NULL where right and wrong do not apply
	overlap    INTEGER NOT NULL,
	detail     TEXT NOT NULL, -- JSON, or '' for none
	UNIQUE (run, task, split, mode, item_id)
) STRICT;

CREATE TABLE scores (
	run          INTEGER NOT NULL REFERENCES runs(n) ON DELETE CASCADE,
	task         TEXT NOT NULL,
	split        TEXT NOT NULL,
	metric       TEXT NOT NULL,
	value        REAL,
	value_bits   INTEGER NOT NULL,
	items        INTEGER NOT NULL,
	std_err      REAL,
	std_err_bits INTEGER NOT NULL,
	detail       TEXT NOT NULL, -- JSON, or '' for none
	PRIMARY KEY (run, task, split, metric)
) STRICT, WITHOUT ROWID;

CREATE TABLE artifacts (
	run       INTEGER NOT NULL REFERENCES runs(n) ON DELETE CASCADE,
	direction TEXT NOT NULL,
	path      TEXT NOT NULL,
	kind      TEXT NOT NULL,
	sha256    TEXT NOT NULL,
	size      INTEGER NOT NULL,
	PRIMARY KEY (run, direction, path)
) STRICT, WITHOUT ROWID;
CREATE INDEX artifacts_by_content ON artifacts (sha256);

CREATE TABLE leases (
	run       INTEGER PRIMARY KEY REFERENCES runs(n) ON DELETE CASCADE,
	holder    TEXT NOT NULL,
	expires   INTEGER NOT NULL,
	heartbeat INTEGER NOT NULL
) STRICT;
