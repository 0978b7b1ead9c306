package history

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
)

// compact leaves the latest entries in the file, which is locked. It is written in its
// place, because other kernels have it open: what stays is shorter, and begins where the
// file begins, so that a kernel killed between leaves entries twice and loses none.
func (h *History) compact(name string) error {
	entries := h.entries[max(0, len(h.entries)-most):]
	var lines [][]byte
	size := 0
	for i := len(entries) - 1; i >= 0 && size < mostBytes; i-- {
		raw, err := json.Marshal(entries[i])
		if err != nil {
			return err
		}
		lines = append(lines, append(raw, '\n'))
		size += len(raw) + 1
	}
	var b bytes.Buffer
	for i := len(lines) - 1; i >= 0; i-- {
		b.Write(lines[i])
	}
	h.entries = entries[len(entries)-len(lines):]
	f, err := os.OpenFile(name, os.O_WRONLY, 0) // without O_APPEND
	if err != nil {
		return fmt.Errorf("history: %w", err)
	}
	defer f.Close()
	if _, err := f.Write(b.Bytes()); err != nil {
		return fmt.Errorf("history: %w", err)
	}
	if err := f.Truncate(int64(b.Len())); err != nil {
		return fmt.Errorf("history: %w", err)
	}
	return nil
}
