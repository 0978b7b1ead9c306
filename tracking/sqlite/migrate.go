package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"strings"

	"github.com/tunelab/tunelab/tracking"
)

//go:embed migrations/*.sql
var files embed.FS

// applicationID marks the file as a record of this program: "tlab" in the
// header (https://www.sqlite.org/fileformat2.html#application_id).
const applicationID = 0x746c6162

// migration brings the schema from the version before it to its own, which is
// its place in the list, from 1.
type migration struct{ name, sql string }

// embedded lists the migrations by number, and checks that none is missing.
func embedded() ([]migration, error) {
	entries, err := fs.ReadDir(files, "migrations") // sorted by name
	if err != nil {
		return nil, err
	}
	var all []migration
	for i, e := range entries {
		if want := fmt.Sprintf("%04d_", i+1); !strings.HasPrefix(e.Name(), want) {
			return nil, tracking.Errorf(tracking.Internal, "migrations/%s: expected a name with %s...; migrations are numbered without gaps", e.Name(), want)
		}
		b, err := fs.ReadFile(files, "migrations/"+e.Name())
		if err != nil {
			return nil, err
		}
		all = append(all, migration{e.Name(), string(b)})
	}
	return all, nil
}

// header is what the file says of itself.
type header struct{ application, version, tables int }

// readHeader wants to be called inside a transaction.
func readHeader(ctx context.Context, c *sql.Conn) (h header, err error) {
	for _, q := range []struct {
		sql string
		to  *int
	}{
		{"PRAGMA application_id", &h.application},
		{"PRAGMA user_version", &h.version},
		{"SELECT count(*) FROM sqlite_schema", &h.tables},
	} {
		if err := c.QueryRowContext(ctx, q.sql).Scan(q.to); err != nil {
			return h, err
		}
	}
	return h, nil
}

// snapshotHeader reads the header in one read transaction: between two single
// reads another process could migrate the file.
func snapshotHeader(ctx context.Context, c *sql.Conn) (header, error) {
	if _, err := c.ExecContext(ctx, "BEGIN"); err != nil {
		return header{}, err
	}
	h, err := readHeader(ctx, c)
	if _, end := c.ExecContext(context.WithoutCancel(ctx), "ROLLBACK"); err == nil {
		err = end
	}
	return h, err
}

// check refuses the files that are not ours to change.
func (h header) check(path string, known int) error {
	if h.application != applicationID && h != (header{}) {
		return tracking.Errorf(tracking.Corrupt, "%s: is a SQLite database of another program (application id %#x, %d tables and indexes); choose another path", path, h.application, h.tables)
	}
	if h.version > known {
		return tracking.Errorf(tracking.TooNew, "%s: has schema version %d and this program knows up to %d; use the later version of the program that wrote it", path, h.version, known)
	}
	return nil
}

// migrate applies, in one transaction under the write lock, the migrations
// that the file does not have yet. The write lock alone does not tell whether
// another process was faster, so the header is read again behind it.
func migrate(ctx context.Context, c *sql.Conn, path string, all []migration) (err error) {
	h, err := snapshotHeader(ctx, c)
	if err != nil {
		return err
	}
	if err := h.check(path, len(all)); err != nil {
		return err
	}
	if h.version == len(all) {
		return nil
	}
	if _, err := c.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			c.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
		}
	}()
	if h, err = readHeader(ctx, c); err != nil {
		return err
	}
	if err := h.check(path, len(all)); err != nil {
		return err
	}
	for i := h.version; i < len(all); i++ {
		if _, err := c.ExecContext(ctx, all[i].sql); err != nil {
			return fmt.Errorf("apply migrations/%s: %w", all[i].name, err)
		}
	}
	if _, err := c.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id=%d; PRAGMA user_version=%d", applicationID, len(all))); err != nil {
		return err
	}
	_, err = c.ExecContext(ctx, "COMMIT")
	return err
}

// integrity runs one of SQLite's checks, which answers "ok" or names the first
// damage.
func integrity(ctx context.Context, c *sql.Conn, path, pragma string) error {
	var answer string
	if err := c.QueryRowContext(ctx, "PRAGMA "+pragma).Scan(&answer); err != nil {
		return err
	}
	if answer != "ok" {
		return corrupt(path, strings.ReplaceAll(answer, "\n", ", "))
	}
	return nil
}
