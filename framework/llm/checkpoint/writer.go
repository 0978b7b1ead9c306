package checkpoint

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
)

// Tensor is one tensor in memory, read or to be written. Data is row-major float32, stored as DType
// "F32" (also when empty), "F16" or "BF16" (nearest, ties to even), or Read gives it
// when it is written, so that not all tensors are in memory at once; or Raw holds the
// bytes of any other DType as they shall stand in the file.
type Tensor struct {
	Name  string
	DType string
	Shape []int
	Data  []float32
	Read  func() []float32
	Raw   []byte
}

// WriteSafetensors stores the tensors in their order as one safetensors file, by a
// temporary file and a rename. meta becomes __metadata__; nil writes
// {"format":"pt"}, which transformers asks for.
func WriteSafetensors(path string, tensors []Tensor, meta map[string]string) error {
	if meta == nil {
		meta = map[string]string{"format": "pt"}
	}
	header, err := buildHeader(tensors, meta)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return WriteAtomic(path, func(w io.Writer) error {
		b := bufio.NewWriterSize(w, 1<<20)
		if err := binary.Write(b, binary.LittleEndian, uint64(len(header))); err != nil {
			return err
		}
		if _, err := b.Write(header); err != nil {
			return err
		}
		for _, e := range tensors {
			if err := writeEntry(b, e); err != nil {
				return err
			}
		}
		return b.Flush()
	})
}

func buildHeader(tensors []Tensor, meta map[string]string) ([]byte, error) {
	var h bytes.Buffer
	raw, err := json.Marshal(meta)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(&h, `{"__metadata__":%s`, raw)
	seen, at := map[string]bool{}, int64(0)
	for _, e := range tensors {
		if seen[e.Name] || e.Name == "" || e.Name == "__metadata__" {
			return nil, fmt.Errorf("tensor name %q is empty, reserved or used twice", e.Name)
		}
		seen[e.Name] = true
		dtype := e.dtype()
		t := Info{Shape: e.Shape}
		size := t.Elements() * dtypeSize[dtype]
		switch {
		case dtypeSize[dtype] == 0:
			return nil, fmt.Errorf("tensor %q: unsupported dtype %q", e.Name, dtype)
		case e.Raw != nil && int64(len(e.Raw)) != size:
			return nil, fmt.Errorf("tensor %q: shape %v of %s needs %d bytes, got %d", e.Name, e.Shape, dtype, size, len(e.Raw))
		case e.Raw == nil && dtype != "F32" && dtype != "F16" && dtype != "BF16":
			return nil, fmt.Errorf("tensor %q: float32 data can be written as F32, F16 or BF16, not %s", e.Name, dtype)
		case e.Raw == nil && e.Read == nil && int64(len(e.Data)) != t.Elements():
			return nil, fmt.Errorf("tensor %q: shape %v needs %d values, got %d", e.Name, e.Shape, t.Elements(), len(e.Data))
		}
		shape := e.Shape
		if shape == nil {
			shape = []int{}
		}
		name, err := json.Marshal(e.Name)
		if err != nil {
			return nil, err
		}
		dims, err := json.Marshal(shape)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&h, `,%s:{"dtype":%q,"shape":%s,"data_offsets":[%d,%d]}`, name, dtype, dims, at, at+size)
		at += size
	}
	h.WriteByte('}')
	for h.Len()%8 != 0 { // the specification aligns the data to 8 bytes with spaces
		h.WriteByte(' ')
	}
	return h.Bytes(), nil
}

func (e Tensor) dtype() string {
	if e.DType == "" {
		return "F32"
	}
	return e.DType
}

func writeEntry(w *bufio.Writer, e Tensor) error {
	if e.Raw != nil {
		_, err := w.Write(e.Raw)
		return err
	}
	if e.Read != nil {
		e.Data = e.Read()
		if want := (Info{Shape: e.Shape}).Elements(); int64(len(e.Data)) != want {
			return fmt.Errorf("tensor %q: shape %v needs %d values, got %d", e.Name, e.Shape, want, len(e.Data))
		}
	}
	var b [4]byte
	for _, v := range e.Data {
		n := 2
		switch e.dtype() {
		case "BF16":
			binary.LittleEndian.PutUint16(b[:], floatToBF16(v))
		case "F16":
			h := floatToHalf(v)
			if h&0x7fff == 0x7c00 && !math.IsInf(float64(v), 0) {
				return fmt.Errorf("tensor %q: %g is over the largest F16; write it as BF16 or F32", e.Name, v)
			}
			binary.LittleEndian.PutUint16(b[:], h)
		default:
			binary.LittleEndian.PutUint32(b[:], math.Float32bits(v))
			n = 4
		}
		if _, err := w.Write(b[:n]); err != nil {
			return err
		}
	}
	return nil
}

// WriteAtomic writes a file under a temporary name in the same folder, syncs
// it and renames it into place, so that path never holds half a file.
func WriteAtomic(path string, write func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	if err = write(f); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err = f.Chmod(0o644); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err = f.Close(); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return os.Rename(f.Name(), path)
}
