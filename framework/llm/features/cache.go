package features

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
)

// cachePath is where the rows of some texts lie, or "" where nothing may be
// kept. The name holds whatever decides the values.
func (x *Extractor) cachePath(texts []string) string {
	o := x.o
	if o.CacheDir == "" || o.SHA256 == "" {
		return ""
	}
	h := sha256.New()
	fmt.Fprintf(h, "features v2\x00%s\x00%s\x00%s\x00%s\x00%d\x00%d\x00", o.SHA256, o.Engine, o.Precision, o.Pooling, o.Layer, o.MaxLength)
	for _, t := range texts {
		fmt.Fprintf(h, "%d\x00%s", len(t), t)
	}
	return filepath.Join(o.CacheDir, "features", hex.EncodeToString(h.Sum(nil))+".rows")
}

// rowBytes is the size of a row of c features in a cache file.
func rowBytes(c int) int { return 4 + 4 + 8 + 4*c }

// readRows reads a cache file: the number of rows and of features as
// little-endian uint32, then for each row its tokens and those cut as uint32,
// its FLOPs as float64 and its features as float32. A file that does not exist gives nil.
func readRows(path string, want int) ([]Row, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the feature cache: %w", err)
	}
	le := binary.LittleEndian
	damaged := fmt.Errorf("%s: damaged feature cache; delete it and run again", path)
	if len(raw) < 8 {
		return nil, damaged
	}
	n, c := int(le.Uint32(raw)), int(le.Uint32(raw[4:]))
	if n != want || len(raw) != 8+n*rowBytes(c) {
		return nil, damaged
	}
	rows := make([]Row, n)
	for i := range rows {
		b := raw[8+i*rowBytes(c):]
		rows[i] = Row{Tokens: int(le.Uint32(b)), Cut: int(le.Uint32(b[4:])), FLOPs: math.Float64frombits(le.Uint64(b[8:])), X: make([]float64, c)}
		for j := range c {
			rows[i].X[j] = float64(math.Float32frombits(le.Uint32(b[16+4*j:])))
		}
	}
	return rows, nil
}

// writeRows writes a cache file whole or not at all.
func writeRows(path string, rows []Row) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("make the feature cache: %w", err)
	}
	le := binary.LittleEndian
	raw := le.AppendUint32(nil, uint32(len(rows)))
	raw = le.AppendUint32(raw, uint32(len(rows[0].X)))
	for _, r := range rows {
		raw = le.AppendUint32(le.AppendUint32(raw, uint32(r.Tokens)), uint32(r.Cut))
		raw = le.AppendUint64(raw, math.Float64bits(r.FLOPs))
		for _, v := range r.X {
			raw = le.AppendUint32(raw, math.Float32bits(float32(v)))
		}
	}
	err := checkpoint.WriteAtomic(path, func(w io.Writer) error {
		_, err := w.Write(raw)
		return err
	})
	if err != nil {
		return fmt.Errorf("write the feature cache: %w", err)
	}
	return nil
}
