// Package checkpointtest makes model folders that are too large to write, and
// says how much memory a process holds.
package checkpointtest

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
)

// Holes writes a model folder with this config.json and tensors of these names and
// shapes in a dtype of width bytes: zeros, in a file of holes, which takes no room
// on disk. It gives the folder and the bytes of the weights.
func Holes(t testing.TB, config, dtype string, width int, tensors []checkpoint.Info) (dir string, size int64) {
	t.Helper()
	dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, checkpoint.ConfigFile), []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	header := map[string]any{}
	for _, x := range tensors {
		n := int64(width) * x.Elements()
		header[x.Name] = map[string]any{"dtype": dtype, "shape": x.Shape, "data_offsets": []int64{size, size + n}}
		size += n
	}
	raw, err := json.Marshal(header)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, checkpoint.WeightsFile)
	if err := os.WriteFile(path, append(binary.LittleEndian.AppendUint64(nil, uint64(len(raw))), raw...), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, int64(8+len(raw))+size); err != nil {
		t.Fatal(err)
	}
	return dir, size
}

// Resident is the process's resident memory in bytes; 0 where the system does
// not say.
func Resident() int64 {
	raw, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(raw), "VmRSS:")
	var kib int64
	fmt.Sscan(rest, &kib)
	return kib << 10
}
