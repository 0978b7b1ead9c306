package checkpoint

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
)

// source is an open safetensors file. It is read and not mapped: a page of a
// map that the file has lost kills the process, and pages once read stay
// resident.
type source struct {
	*os.File
	path string
	was  os.FileInfo // at its opening
	body int64       // where the data section begins
}

func openSource(path string) (*source, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	st, err := f.Stat()
	if err == nil && !st.Mode().IsRegular() {
		err = fmt.Errorf("%s: is not a regular file", path)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return &source{File: f, path: path, was: st}, nil
}

// header reads and checks the file's header.
func (s *source) header() (tensors []Info, meta map[string]string, err error) {
	size := s.was.Size()
	if size < 8 {
		return nil, nil, damaged(s.path, "truncated: %d bytes, a safetensors file begins with an 8-byte header length", size)
	}
	var length [8]byte
	if err := s.read(length[:], 0); err != nil {
		return nil, nil, err
	}
	n := binary.LittleEndian.Uint64(length[:])
	if n > maxHeader {
		return nil, nil, damaged(s.path, "header length %d is over the limit of %d: this is not a safetensors file", n, maxHeader)
	}
	if n > uint64(size-8) {
		return nil, nil, damaged(s.path, "truncated: the header should have %d bytes, the file has %d after its length", n, size-8)
	}
	raw := make([]byte, n)
	if err := s.read(raw, 8); err != nil {
		return nil, nil, err
	}
	s.body = 8 + int64(n)
	return parseHeader(s.path, raw, size-s.body)
}

// read fills dst from the data section's byte at on, and fails where the file
// was written to since it was opened.
func (s *source) read(dst []byte, at int64) error {
	return s.unchanged(func() error { return s.readAt(dst, at) })
}

// widenBytes is how much of a tensor is read at once, so that what is widened
// is still in the processor's cache.
const widenBytes = 256 << 10

// floats is read of a tensor's values.
func (s *source) floats(dst []float32, at int64, dtype string) error {
	width := int(dtypeSize[dtype])
	buf := make([]byte, min(widenBytes, len(dst)*width))
	return s.unchanged(func() error {
		for len(dst) > 0 {
			n := min(len(buf)/width, len(dst))
			if err := s.readAt(buf[:n*width], at); err != nil {
				return err
			}
			widen(dst[:n], buf, dtype)
			dst, at = dst[n:], at+int64(n*width)
		}
		return nil
	})
}

func (s *source) readAt(dst []byte, at int64) error {
	_, err := s.ReadAt(dst, s.body+at)
	if err == io.EOF {
		return s.changed()
	}
	return err // names the file
}

// unchanged runs f, which reads, and compares the file before and after with
// what it was when it was opened.
func (s *source) unchanged(f func() error) error {
	if err := s.compare(); err != nil {
		return err
	}
	if err := f(); err != nil {
		return err
	}
	return s.compare()
}

func (s *source) compare() error {
	now, err := s.Stat()
	if err != nil {
		return err
	}
	if now.Size() != s.was.Size() || !now.ModTime().Equal(s.was.ModTime()) {
		return s.changed()
	}
	return nil
}

func (s *source) changed() error {
	return fmt.Errorf("%s: was written to while it was in use, so that weights of two files would be mixed; start again, and replace a model's files by renaming", s.path)
}
